//! Many strategies over the same bars: every column is computed once, whoever reads it.

use std::fmt;

use rayon::prelude::*;

use super::Rules;
use super::account::Account;
use super::block::{BLOCK, Block};
use super::compile::compile;
use super::problem::RuleErrors;
use super::program::{Program, Registers};
use super::report::RuleReport;
use super::trader::{RuleCosts, levels, set_position};
use crate::domain::{Bar, BarColumns};

/// A strategy of a sweep that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepError {
    /// Its place among the strategies, from 0.
    pub number: usize,
    pub errors: RuleErrors,
}

impl fmt::Display for SweepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "strategy {} of the sweep: {}", self.number, self.errors)
    }
}

impl std::error::Error for SweepError {}

/// The strategies of a grid: `{fast}` in an expression becomes each value of the axis `fast`, in every combination; the last axis runs fastest.
#[must_use]
pub fn grid(template: &Rules, axes: &[(&str, &[f64])]) -> Vec<Rules> {
    let mut all = vec![template.clone()];
    for (name, values) in axes {
        let mark = format!("{{{name}}}");
        all = all.iter().flat_map(|rules| values.iter().map(|value| filled(rules, &mark, *value))).collect();
    }
    all
}

fn filled(rules: &Rules, mark: &str, value: f64) -> Rules {
    let fill = |text: &String| text.replace(mark, &value.to_string());
    Rules {
        entry: fill(&rules.entry),
        exit: rules.exit.as_ref().map(fill),
        stop: rules.stop.as_ref().map(fill),
        target: rules.target.as_ref().map(fill),
        ..rules.clone()
    }
}

/// Runs all strategies over the bars, each from the same cash; reports in their order, bit for bit those of [`super::backtest()`] without the equity of
/// every close. Columns and strategies are spread over the threads of the current rayon pool, which changes no bit.
///
/// # Errors
/// The first strategy that cannot be compiled, with everything that is wrong with it.
pub fn sweep<C: BarColumns>(
    rules: &[Rules],
    mut columns: C,
    bars: &[Bar],
    cash: f64,
    costs: RuleCosts,
) -> Result<Vec<RuleReport>, SweepError> {
    let mut runs = Vec::with_capacity(rules.len());
    for (number, rules) in rules.iter().enumerate() {
        let program = compile(rules, &mut columns).map_err(|errors| SweepError { number, errors })?;
        runs.push(Run::new(program, rules, cash, costs));
    }
    let mut table = vec![Vec::with_capacity(BLOCK); columns.count()];
    let mut closes = Vec::with_capacity(BLOCK);
    for (number, bars) in bars.chunks(BLOCK).enumerate() {
        columns.run(bars, &mut table);
        closes.clear();
        closes.extend(bars.iter().map(|bar| bar.close));
        let part = Stretch { first: number * BLOCK, bars, closes: &closes, columns: &table };
        runs.par_iter_mut().for_each(|run| run.take(&part));
    }
    let last = bars.last().map_or(0.0, |bar| bar.close);
    Ok(runs.into_iter().map(|run| run.account.report(bars.len(), last, Vec::new())).collect())
}

/// Consecutive bars with their columns.
struct Stretch<'a> {
    /// Number of the first bar.
    first: usize,
    bars: &'a [Bar],
    closes: &'a [f64],
    columns: &'a [Vec<f64>],
}

#[derive(Debug, Clone, Copy)]
enum Stand {
    /// An entry is looked for at closes from this bar on.
    Flat {
        from: usize,
    },
    Entering,
    Held {
        entry: f64,
        bars: u32,
    },
    Leaving,
}

/// One strategy on its way through the bars.
struct Run {
    program: Program,
    block: Block,
    registers: Box<Registers>,
    account: Account,
    costs: RuleCosts,
    cooldown: usize,
    stand: Stand,
}

impl Run {
    fn new(program: Program, rules: &Rules, cash: f64, costs: RuleCosts) -> Self {
        Self {
            block: Block::new(&program),
            registers: Box::new(program.registers()),
            account: Account::new(cash, rules.size, costs),
            cooldown: rules.cooldown as usize,
            stand: Stand::Flat { from: 0 },
            program,
            costs,
        }
    }

    fn take(&mut self, part: &Stretch<'_>) {
        self.block.run(&self.program, part.columns, part.bars.len());
        let mut row = 0;
        while let Some(bar) = part.bars.get(row) {
            let at = part.first + row;
            match self.stand {
                Stand::Flat { from } => {
                    let Some(next) = self.enters(part, row.max(from.saturating_sub(part.first))) else { break };
                    self.stand = Stand::Entering;
                    row = next;
                }
                Stand::Entering => {
                    let (program, registers) = (&self.program, &mut self.registers);
                    let mut entry = bar.open;
                    self.account.buy(at, bar.open, |price| {
                        entry = price;
                        levels(program, price, registers)
                    });
                    self.stand = Stand::Held { entry, bars: 0 };
                }
                Stand::Held { entry, bars } => row = self.hold(part, row, entry, bars),
                Stand::Leaving => {
                    self.account.sell(at, bar.open);
                    self.stand = Stand::Flat { from: at + self.cooldown };
                }
            }
        }
    }

    /// The bar after the next close from `row` on that says "enter"; `None` when there is none among these bars.
    fn enters(&mut self, part: &Stretch<'_>, mut row: usize) -> Option<usize> {
        loop {
            let found = self.block.truths(&self.program.entry)?.next(row, part.bars.len())?;
            row = found + 1;
            if self.program.stop.is_none() && self.program.target.is_none() {
                return Some(row);
            }
            self.block.gather(&self.program, part.columns, found, &mut self.registers);
            let close = part.closes.get(found).copied().unwrap_or(f64::NAN);
            if self.program.has_levels(close, &mut self.registers) {
                return Some(row);
            }
        }
    }

    /// Holds the position from bar `row` on: to the end of the bars, or as far as it is clear what becomes of it. The bar to go on with.
    fn hold(&mut self, part: &Stretch<'_>, row: usize, entry: f64, bars: u32) -> usize {
        let rows = part.bars.len();
        let reads_position = self.program.exit.as_ref().is_some_and(|exit| exit.position);
        if reads_position || self.account.has_levels() {
            return self.hold_one(part, row, entry, bars);
        }
        let exit = self.program.exit.as_ref().and_then(|exit| self.block.truths(exit)?.next(row, rows));
        let end = exit.map_or(rows, |found| found + 1);
        self.account.mark_all(part.closes.get(row..end).unwrap_or_default());
        if exit.is_some() {
            self.stand = Stand::Leaving;
        }
        end
    }

    /// One bar of a position that may end within it, or whose exit reads the position.
    fn hold_one(&mut self, part: &Stretch<'_>, row: usize, entry: f64, bars: u32) -> usize {
        let Some(bar) = part.bars.get(row) else { return row };
        let at = part.first + row;
        if self.account.ends_within(at, bar) {
            self.stand = Stand::Flat { from: at + self.cooldown };
            return row;
        }
        let leaves = match &self.program.exit {
            Some(exit) if exit.position => {
                self.block.gather(&self.program, part.columns, row, &mut self.registers);
                set_position(&mut self.registers, entry, bars + 1, self.costs.gain(entry, bar.close));
                self.program.value(exit, &mut self.registers) == 1.0
            }
            Some(exit) => self.block.truths(exit).is_some_and(|truths| truths.next(row, row + 1).is_some()),
            None => false,
        };
        self.account.mark(bar.close);
        self.stand = if leaves { Stand::Leaving } else { Stand::Held { entry, bars: bars + 1 } };
        row + 1
    }
}
