//! Streaming indicators, one small state machine each: `new(period…)`, `push(…) -> Option<value>`, `reset()`.
//!
//! Serves the feature engine and everything that draws or tests an indicator. In goes one number or one closed bar at a time, out
//! comes the value at that bar, or `None` until the look-back is filled. Always true: O(1) amortised per bar (a few named ones
//! O(window)), no allocation after `new`, conventions of TA-Lib with unstable period 0, no absolute epsilons (so a price of
//! 0.000008 is treated like one of 60 000), and no running sum from which old values are subtracted (so errors cannot build up).
//! A period of 0 counts as 1. Inputs are finite: validation stands before.

pub mod bands;
pub mod batch;
pub mod catalog;
pub mod directional;
pub mod fractional;
pub mod garch;
pub mod hilbert;
pub mod lanes;
pub mod moving_average;
pub mod oscillator;
pub mod price_oscillator;
#[cfg(test)]
mod properties;
pub mod rank;
pub mod real;
pub mod realised;
pub mod regression;
pub mod robust;
pub mod row;
pub mod stochastic;
pub mod trail;
pub mod volatility;
pub mod volume;
pub mod window;

pub use bands::{Bollinger, Channel, Donchian, Ichimoku, IchimokuLines, Keltner, Midpoint};
pub use batch::{Chunk, Column, Plan, Series, Started, columns};
pub use catalog::{CatalogError, Indicator, Kernel, Source};
pub use directional::{Adx, Adxr, Directional, DirectionalLines, DirectionalParts, Movement, MovementLines};
pub use fractional::FractionalDifference;
pub use garch::{Garch, GarchFit, GarchParameters};
pub use hilbert::Trendline;
pub use lanes::Lanes;
pub use moving_average::{Dema, Ema, Kama, Sma, T3, Tema, Trima, Trix, Wilder, Wma};
pub use oscillator::{Cci, Change, Cmo, GainLoss, GainLossLines, Momentum, Rsi, Ultimate};
pub use price_oscillator::{Macd, MacdLines, PriceOscillator};
pub use rank::Rank;
pub use real::Real;
pub use realised::{
    CloseVolatility, EwmaVolatility, GarmanKlass, Parkinson, RealisedVolatility, RogersSatchell, YangZhang, annualised,
};
pub use regression::{Beta, Correlation, HalfLife, Line, LinePoints};
pub use robust::Hampel;
pub use row::{Ohlcv, Row};
pub use stochastic::{FastLines, FastStochastic, StochLines, Stochastic, StochasticRsi, WilliamsR};
pub use trail::{Aroon, AroonLines, Sar, Supertrend, Trail};
pub use volatility::{Atr, Natr, SampleSd, StdDev, TrueRange, ZScore};
pub use volume::{
    Accumulation, ChaikinFlow, ChaikinOscillator, MoneyFlow, OnBalanceVolume, RollingVwap, balance_of_power,
};
pub use window::{Lag, RollingMax, RollingMin, RollingSum};

/// Relative size below which a difference of two prices is rounding, not a move.
pub const TIE: f64 = 1e-12;

/// Whether `a` is above `b` by more than rounding of either.
#[inline(always)]
fn above<T: Real>(a: T, b: T) -> T::Mask {
    (a - b).above(T::of(TIE) * a.abs().most(b.abs()))
}

/// (high + low + close) / 3.
#[must_use]
#[inline(always)]
pub fn typical_price<T: Real>(bar: &Row<T>) -> T {
    (bar.high + bar.low + bar.close) / T::of(3.0)
}

/// `top / bottom`, without a value when that is not a finite number.
#[inline(always)]
fn ratio<T: Real>(top: T, bottom: T) -> Option<T> {
    (top / bottom).finite()
}
