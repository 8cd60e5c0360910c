//! The step that decides: bar by bar, the same in a backtest and live.

use super::Rules;
use super::compile::compile;
use super::problem::RuleErrors;
use super::program::{BARS_HELD, ENTRY, FIRST_FREE, GAIN, Program, Registers, Ring, evaluate, get, put};
use crate::domain::{Bar, BarColumns};

/// What to do at the open of the next bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Enter,
    Exit,
}

/// Prices at which a position ends by itself; `None` where the strategy names none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Levels {
    pub stop: Option<f64>,
    pub target: Option<f64>,
}

/// What trading costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RuleCosts {
    /// Fee of each fill as a share of its value: 0.0026 is 0.26 %.
    pub fee_rate: f64,
    /// How much worse than the open or the stop a fill is, in hundredths of a percent. A target fills at its price.
    pub slippage_bps: f64,
}

impl RuleCosts {
    /// What one unit costs that is bought at `price`.
    #[inline(always)]
    pub(super) fn paid(&self, price: f64) -> f64 {
        price * (1.0 + self.slippage_bps / 10_000.0)
    }

    /// What one unit brings that is sold at `price`, before the fee.
    #[inline(always)]
    pub(super) fn got(&self, price: f64) -> f64 {
        price * (1.0 - self.slippage_bps / 10_000.0)
    }

    /// Net return of a position bought for `entry` and sold at `price`.
    #[inline(always)]
    pub(super) fn gain(&self, entry: f64, price: f64) -> f64 {
        self.got(price) * (1.0 - self.fee_rate) / (entry * (1.0 + self.fee_rate)) - 1.0
    }
}

/// Where the trader stands.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stand {
    /// Without a position; at so many closes no entry is looked for.
    Flat { wait: u32 },
    /// In a position: the price paid, and the closes since.
    Held { entry: f64, bars: u32 },
}

/// One strategy on one pair. Fills are told to it: it decides, and others trade.
pub struct RuleTrader<C> {
    program: Program,
    columns: C,
    costs: RuleCosts,
    size: f64,
    cooldown: u32,
    row: Vec<f64>,
    registers: Box<Registers>,
    rings: Vec<Ring>,
    stand: Stand,
}

impl<C: BarColumns> RuleTrader<C> {
    /// Compiles the rules; `columns` are at their first bar.
    ///
    /// # Errors
    /// Everything that is wrong with the expressions.
    pub fn new(rules: &Rules, mut columns: C, costs: RuleCosts) -> Result<Self, RuleErrors> {
        let mut program = compile(rules, &mut columns)?;
        // Columns that others opened would be written over what is computed.
        program.in_order &= columns.count() == program.inputs.len();
        Ok(Self {
            row: vec![f64::NAN; columns.count()],
            registers: Box::new(program.registers()),
            rings: program.rings(),
            stand: Stand::Flat { wait: 0 },
            size: rules.size,
            cooldown: rules.cooldown,
            program,
            columns,
            costs,
        })
    }

    /// Takes the next closed bar: what to do at the next open. An answer that nobody fills is given again as long as it holds.
    #[inline]
    pub fn step(&mut self, bar: &Bar) -> Option<Action> {
        self.read(bar);
        evaluate(self.program.steps(&self.program.each_bar), &mut self.registers, &mut self.rings);
        match &mut self.stand {
            Stand::Flat { wait: 0 } => {
                let enters = self.program.value(&self.program.entry, &mut self.registers) == 1.0;
                (enters && self.program.has_levels(bar.close, &mut self.registers)).then_some(Action::Enter)
            }
            Stand::Flat { wait } => {
                *wait -= 1;
                None
            }
            Stand::Held { entry, bars } => {
                *bars += 1;
                let exit = self.program.exit.as_ref()?;
                if exit.position {
                    set_position(&mut self.registers, *entry, *bars, self.costs.gain(*entry, bar.close));
                }
                (self.program.value(exit, &mut self.registers) == 1.0).then_some(Action::Exit)
            }
        }
    }

    /// Columns of the next bar to their registers.
    #[inline(always)]
    fn read(&mut self, bar: &Bar) {
        if let (true, Some(row)) = (self.program.in_order, self.registers.get_mut(FIRST_FREE..)) {
            self.columns.push(bar, row);
            return;
        }
        self.columns.push(bar, &mut self.row);
        for (register, column) in &self.program.inputs {
            put(&mut self.registers, *register, self.row.get(*column).copied().unwrap_or(f64::NAN));
        }
    }

    /// The entry was filled at `price`: where the position ends by itself, from what was known at the close of the last bar.
    pub fn entered(&mut self, price: f64) -> Levels {
        self.stand = Stand::Held { entry: price, bars: 0 };
        levels(&self.program, price, &mut self.registers)
    }

    /// The position is gone: by its exit, its stop, its target or by hand.
    pub fn left(&mut self) {
        self.stand = Stand::Flat { wait: self.cooldown };
    }

    /// Share of the cash that an entry spends, fee included.
    #[must_use]
    pub const fn size(&self) -> f64 {
        self.size
    }

    #[must_use]
    pub const fn costs(&self) -> RuleCosts {
        self.costs
    }

    #[must_use]
    pub const fn holds(&self) -> bool {
        matches!(self.stand, Stand::Held { .. })
    }

    /// Bars are missing before the next one: every window begins anew. A position stays.
    pub fn hole(&mut self) {
        self.columns.reset();
        self.row.fill(f64::NAN);
        *self.registers = self.program.registers();
        self.rings = self.program.rings();
    }
}

/// What a rule reads of the position.
#[inline(always)]
pub(super) fn set_position(registers: &mut Registers, entry: f64, bars: u32, gain: f64) {
    put(registers, ENTRY, entry);
    put(registers, BARS_HELD, f64::from(bars));
    put(registers, GAIN, gain);
}

/// The levels of a position bought at `price`.
pub(super) fn levels(program: &Program, price: f64, registers: &mut Registers) -> Levels {
    put(registers, ENTRY, price);
    let [stop, target] = [&program.stop, &program.target].map(|part| {
        let part = part.as_ref()?;
        program.value(part, registers);
        Some(get(registers, part.result)).filter(|level| level.is_finite())
    });
    Levels { stop, target }
}
