//! Bull, Bear and Sideways Strategy: what each asks of the closed bars before it is Confirmed.
//!
//! Serves the router. In goes one pair's setup; out comes one step per condition with its value and its rule. A value that is
//! missing confirms nothing. Entries are long only; how a trade ends is the prediction's own plan in every strategy.

pub mod bear;
pub mod bull;
pub mod sideways;

use super::check::check;
use super::wording::level;
use crate::domain::decision::{BlockReason, Station, TraceStep};
use crate::domain::frame::Indicators;
use crate::domain::plan::TradePlan;

/// What Technical said of the pair in this cycle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TechnicalSignal {
    /// The agent did not answer for this bar.
    Unavailable,
    /// Its tempered score, −1..=1; `None` when it could not judge.
    Score(Option<f64>),
}

/// The closed bar a strategy is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setup<'a> {
    /// Close of the decision bar, in quote units.
    pub close: Option<f64>,
    pub indicators: Indicators,
    pub plan: &'a TradePlan,
    pub technical: TechnicalSignal,
}

/// A condition against a fixed threshold.
fn condition(name: &str, value: Option<f64>, rule: impl Into<String>, holds: impl FnOnce(f64) -> bool) -> TraceStep {
    check(Station::Strategy, name, value, rule, holds, BlockReason::StrategyRejected)
}

/// `left > right`, both measured; the rule shows the right side's value.
fn above(name: &str, left: Option<f64>, right: (&str, Option<f64>)) -> TraceStep {
    let (what, right) = right;
    let rule = right.map_or_else(|| format!("> {what} (no value)"), |r| format!("> {} ({what})", level(r)));
    condition(name, left, rule, |l| right.is_some_and(|r| l > r))
}

/// `left < right`, both measured.
fn below(name: &str, left: Option<f64>, right: (&str, Option<f64>)) -> TraceStep {
    let (what, right) = right;
    let rule = right.map_or_else(|| format!("< {what} (no value)"), |r| format!("< {} ({what})", level(r)));
    condition(name, left, rule, |l| right.is_some_and(|r| l < r))
}
