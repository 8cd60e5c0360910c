//! A simulated account of one pair for rules: cash, at most one position, in floats.
//!
//! This is the fast path of backtests. Money of paper and real accounts stays decimal, in the broker's ledger.

use super::report::{RuleReport, RuleTrade, Why};
use super::trader::{Levels, RuleCosts};
use crate::domain::Bar;

/// Closes that are looked at together; any number gives the same bits.
const TOGETHER: usize = 16;

/// What is known of a position beside its size and levels.
#[derive(Debug, Clone, Copy)]
struct Held {
    entered: usize,
    entry: f64,
    spent: f64,
}

#[derive(Debug, Clone)]
pub(super) struct Account {
    costs: RuleCosts,
    size: f64,
    cash: f64,
    held: Option<Held>,
    /// Base units; 0 without a position.
    quantity: f64,
    /// Without a stop below every price, without a target above.
    stop: f64,
    target: f64,
    trades: Vec<RuleTrade>,
    /// Highest equity, the lowest since then, and the greatest fall before.
    peak: f64,
    trough: f64,
    fall: f64,
    closes_held: usize,
}

impl Account {
    pub fn new(cash: f64, size: f64, costs: RuleCosts) -> Self {
        Self {
            costs,
            size,
            cash,
            held: None,
            quantity: 0.0,
            stop: f64::NEG_INFINITY,
            target: f64::INFINITY,
            trades: Vec::new(),
            peak: cash,
            trough: cash,
            fall: 0.0,
            closes_held: 0,
        }
    }

    /// Buys at the open of bar `at`; `levels` are made from the price paid.
    #[inline]
    pub fn buy(&mut self, at: usize, open: f64, levels: impl FnOnce(f64) -> Levels) {
        let entry = self.costs.paid(open);
        let quantity = self.cash * self.size / (1.0 + self.costs.fee_rate) / entry;
        let value = quantity * entry;
        let spent = value + value * self.costs.fee_rate;
        self.cash -= spent;
        self.quantity = quantity;
        let Levels { stop, target } = levels(entry);
        self.stop = stop.unwrap_or(f64::NEG_INFINITY);
        self.target = target.unwrap_or(f64::INFINITY);
        self.held = Some(Held { entered: at, entry, spent });
    }

    /// Sells at the open of bar `at`.
    #[inline]
    pub fn sell(&mut self, at: usize, open: f64) {
        self.close(at, self.costs.got(open), Why::Rule);
    }

    #[cold]
    fn close(&mut self, at: usize, exit: f64, why: Why) {
        let Some(Held { entered, entry, spent }) = self.held.take() else { return };
        let quantity = std::mem::replace(&mut self.quantity, 0.0);
        (self.stop, self.target) = (f64::NEG_INFINITY, f64::INFINITY);
        let value = quantity * exit;
        let got = value - value * self.costs.fee_rate;
        self.cash += got;
        self.trades.push(RuleTrade { entered, left: at, entry, exit, quantity, profit: got - spent, why });
        self.observe(self.cash);
    }

    /// Whether the position ends within bar `at`, and ends it. What came first within a bar is not known: a stop that was reached is taken before a
    /// target, and fills at the open where the bar opened below it; a target never fills better than its price.
    #[inline(always)]
    pub fn ends_within(&mut self, at: usize, bar: &Bar) -> bool {
        if bar.low > self.stop && bar.high < self.target {
            return false;
        }
        if bar.low <= self.stop {
            self.close(at, self.costs.got(self.stop.min(bar.open)), Why::Stop);
        } else {
            self.close(at, self.target, Why::Target);
        }
        true
    }

    pub const fn has_levels(&self) -> bool {
        self.stop > f64::NEG_INFINITY || self.target < f64::INFINITY
    }

    /// Equity where the last price is `close`.
    #[inline(always)]
    pub fn equity(&self, close: f64) -> f64 {
        self.cash + self.quantity * close
    }

    #[inline(always)]
    fn observe(&mut self, equity: f64) {
        if equity > self.peak {
            self.fall = self.worst();
            self.peak = equity;
            self.trough = equity;
        } else if equity < self.trough {
            self.trough = equity;
        }
    }

    fn worst(&self) -> f64 {
        self.fall.max(1.0 - self.trough / self.peak)
    }

    /// Looks at the equity at a close.
    #[inline(always)]
    pub fn mark(&mut self, close: f64) {
        self.closes_held += usize::from(self.held.is_some());
        self.observe(self.equity(close));
    }

    /// The same for closes one after the other. Equity rises with the close, rounding included: unless there is a new high among them, the lowest
    /// close says it all.
    #[inline(always)]
    pub fn mark_all(&mut self, closes: &[f64]) {
        if self.held.is_none() {
            return;
        }
        for part in closes.chunks(TOGETHER) {
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for close in part {
                low = if *close < low { *close } else { low };
                high = if *close > high { *close } else { high };
            }
            if self.equity(high) > self.peak {
                part.iter().for_each(|close| self.mark(*close));
            } else {
                self.closes_held += part.len();
                self.observe(self.equity(low));
            }
        }
    }

    pub fn report(self, bars: usize, last_close: f64, equity: Vec<f64>) -> RuleReport {
        RuleReport {
            bars,
            open: self.held.map(|held| (held.entered, held.entry)),
            final_equity: self.equity(last_close),
            max_drawdown: self.worst(),
            exposure: if bars > 0 { self.closes_held as f64 / bars as f64 } else { 0.0 },
            equity,
            trades: self.trades,
        }
    }
}
