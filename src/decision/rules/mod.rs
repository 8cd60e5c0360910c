//! Strategies written as rules in a file: entry, exit, stop and target as expressions over columns, without compiling the program.
//!
//! Serves backtest, optimisation, replay and paper trading: all of them drive the same [`RuleTrader::step`]. In goes a text such as
//! `cross_above(sma_20, sma_50) && rsi_14 < 70` and then closed bars; out comes what to do at the next open. Always true:
//!
//! * Types are checked when a rule is loaded, and what is wrong is told with its column ([`RuleProblem`]).
//! * A value that is missing makes a comparison unknown, and what is unknown is never true: `unknown && false` is false, `!unknown` is unknown.
//! * Two numbers nearer than [`TIE`] of the larger one are equal. A cross needs a strict "above" after "not above": a tie is not a cross, and the bar
//!   that leaves the tie upwards is one.
//! * Evaluation never allocates and cannot fail; equal bars give equal bits, alone or in a [`sweep()`].

mod account;
mod backtest;
mod block;
mod compile;
mod file;
#[cfg(test)]
mod language_tests;
mod lexer;
mod problem;
mod program;
mod report;
mod sweep;
mod syntax;
#[cfg(test)]
mod testing;
mod trader;
#[cfg(test)]
mod trading_tests;

use serde::{Deserialize, Serialize};

pub use backtest::{Backtest, backtest};
pub use file::{RuleSide, RuleStrategy, StrategyErrors, StrategyFile};
pub use problem::{KeyProblem, RuleErrors, RuleProblem};
pub use program::TIE;
pub use report::{RuleReport, RuleTrade, Why};
pub use sweep::{SweepError, grid, sweep};
pub use trader::{Action, Levels, RuleCosts, RuleTrader};

/// Bars that a number can be looked back on.
pub const MOST_AGO: usize = 1000;
/// Bars that a condition can be looked back on.
pub const MOST_AGO_CONDITION: usize = 63;

/// What a strategy does, as expressions. Long only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Condition at the close of a bar: buy at the next open.
    pub entry: String,
    /// Condition at the close of a bar: sell at the next open. It may read `entry` (the price paid), `bars_held` and `gain`.
    pub exit: Option<String>,
    /// Price at which the position is given up, from the bar of the entry's signal and `entry`, the price paid.
    pub stop: Option<String>,
    /// Price at which the profit is taken; as `stop`.
    pub target: Option<String>,
    /// Share of the cash that an entry spends, fee included: above 0, at most 1.
    pub size: f64,
    /// Closes after an exit at which no entry is looked for.
    pub cooldown: u32,
}

impl Rules {
    /// Entry and exit, all cash, no cooldown.
    #[must_use]
    pub fn new(entry: impl Into<String>, exit: impl Into<String>) -> Self {
        Self { entry: entry.into(), exit: Some(exit.into()), stop: None, target: None, size: 1.0, cooldown: 0 }
    }
}
