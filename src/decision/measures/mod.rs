//! Measures of risk and performance: how much a series of returns can lose, what it earned for it, and whether its statistics can be trusted.
//!
//! Serves the Risk Check, the stress of the book, GO/NO-GO and whoever reports. In go simple returns per bar, oldest first; out come plain
//! numbers. Always true: losses are positive numbers where the name says loss, VaR or ES, and negative where it says return or drawdown of a
//! series; a value that is undefined or rests on a number that is not finite is `None`, never 0; equal inputs give equal bits.
//!
//! [`tail`] and [`pareto`] measure the tail each in their own way, [`estimate`] picks the best way that the series permits, [`backtest`] judges it
//! afterwards. [`ratios`], [`drawdown`] and [`dependence`] are about performance (the Sharpe ratio is [`crate::monitor::performance::sharpe`]),
//! [`stationarity`] and [`residuals`] about the series itself.

pub mod backtest;
pub mod dependence;
pub mod drawdown;
pub mod estimate;
pub mod pareto;
pub mod ratios;
mod regression;
pub mod residuals;
pub mod stationarity;
pub mod tail;

pub use estimate::{Estimate, Method, Refusal, value_at_risk};
pub use tail::TailRisk;

/// The values, if there is at least one and all are finite.
fn sound(values: &[f64]) -> Option<&[f64]> {
    (!values.is_empty() && values.iter().all(|v| v.is_finite())).then_some(values)
}
