//! Streaming indicators, one small state machine each: `new(period…)`, `push(…) -> Option<value>`, `reset()`.
//!
//! Serves the feature engine and everything that draws or tests an indicator. In goes one number or one closed bar at a time, out
//! comes the value at that bar, or `None` until the look-back is filled. Always true: O(1) amortised per bar (a few named ones
//! O(window)), no allocation after `new`, conventions of TA-Lib with unstable period 0, no absolute epsilons (so a price of
//! 0.000008 is treated like one of 60 000), and no running sum from which old values are subtracted (so errors cannot build up).
//! A period of 0 counts as 1. Inputs are finite: validation stands before.

pub mod bands;
pub mod directional;
#[cfg(test)]
mod golden_tests;
pub mod moving_average;
pub mod oscillator;
pub mod rank;
pub mod regression;
pub mod robust;
pub mod volatility;
pub mod volume;
pub mod window;

pub use bands::{Bollinger, Channel, Donchian, Keltner};
pub use directional::{Adx, Aroon, AroonLines, Directional, DirectionalLines, Supertrend, Trail};
pub use moving_average::{Dema, Ema, Kama, Sma, Tema, Wilder, Wma};
pub use oscillator::{Cci, Cmo, Macd, MacdLines, Momentum, Rsi, StochLines, Stochastic, WilliamsR};
pub use rank::Rank;
pub use regression::{HalfLife, Slope};
pub use robust::Hampel;
pub use volatility::{Atr, CloseVolatility, Natr, RealisedVolatility, SampleSd, StdDev, TrueRange, ZScore};
pub use volume::{Accumulation, ChaikinFlow, MoneyFlow, OnBalanceVolume, RollingVwap};
pub use window::{Lag, RollingMax, RollingMin, RollingSum};

use crate::domain::Bar;

/// Relative size below which a difference of two prices is rounding, not a move.
pub const TIE: f64 = 1e-12;

/// Whether `a` is above `b` by more than rounding of either.
fn above(a: f64, b: f64) -> bool {
    a - b > TIE * a.abs().max(b.abs())
}

/// (high + low + close) / 3.
fn typical_price(bar: &Bar) -> f64 {
    (bar.high + bar.low + bar.close) / 3.0
}

/// `top / bottom`, without a value when that is not a finite number.
fn ratio(top: f64, bottom: f64) -> Option<f64> {
    Some(top / bottom).filter(|r| r.is_finite())
}
