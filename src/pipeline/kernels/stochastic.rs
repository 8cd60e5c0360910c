//! Where the close stands in the range of a window.

use super::bands::Donchian;
use super::moving_average::Sma;
use super::oscillator::Rsi;
use super::real::Real;
use super::row::Ohlcv;
use super::window::{Extremes, Sliding};

/// Values of [`Stochastic`], 0..=100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StochLines<T = f64> {
    pub slow_k: T,
    pub slow_d: T,
}

/// Slow stochastic: where the close stands in its range, smoothed twice by simple means. As in TA-Lib the raw value is 0 when the
/// range is 0, and both lines start together.
#[derive(Debug, Clone)]
pub struct Stochastic<T = f64> {
    range: Sliding<Extremes<T>>,
    slow_k: Sma<T>,
    slow_d: Sma<T>,
    smoothing: f64,
    /// Raw values since the last one without a range.
    defined: T,
}

impl<T: Real> Stochastic<T> {
    #[must_use]
    pub fn new(fast_k: usize, slow_k: usize, slow_d: usize) -> Self {
        Self {
            range: Sliding::new(fast_k),
            slow_k: Sma::new(slow_k),
            slow_d: Sma::new(slow_d),
            smoothing: slow_k.max(1) as f64,
            defined: T::of(0.0),
        }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<StochLines<T>> {
        let bar = bar.row();
        let range = self.range.push(Extremes { low: bar.low, high: bar.high })?;
        let (width, none) = (range.high - range.low, T::of(0.0));
        let some = width.above(none);
        self.defined = T::pick(some, self.defined + T::of(1.0), none);
        let raw = T::pick(some, T::of(100.0) * ((bar.close - range.low) / width), none);
        let slow_k = self.slow_k.push(raw)?;
        let slow_d = self.slow_d.push(slow_k)?;
        Some(StochLines { slow_k, slow_d })
    }

    pub fn reset(&mut self) {
        self.range.reset();
        self.slow_k.reset();
        self.slow_d.reset();
        self.defined = T::of(0.0);
    }
}

impl Stochastic {
    /// Whether every raw value behind the last slow %K had a range; `false` when a 0 stood in for 0/0.
    #[must_use]
    pub fn is_defined(&self) -> bool {
        self.defined >= self.smoothing
    }
}

/// Values of [`FastStochastic`] and [`StochasticRsi`], 0..=100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FastLines<T = f64> {
    pub fast_k: T,
    pub fast_d: T,
}

/// Raw stochastic and its simple mean; 0 when the range is 0; both lines start together.
#[derive(Debug, Clone)]
pub struct FastStochastic<T = f64> {
    range: Sliding<Extremes<T>>,
    fast_d: Sma<T>,
}

impl<T: Real> FastStochastic<T> {
    #[must_use]
    pub fn new(fast_k: usize, fast_d: usize) -> Self {
        Self { range: Sliding::new(fast_k), fast_d: Sma::new(fast_d) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<FastLines<T>> {
        let bar = bar.row();
        self.place(bar.close, Extremes { low: bar.low, high: bar.high }, 0.0)
    }

    /// `x` within the range of the window; a range of `least` or less is none.
    #[inline(always)]
    fn place(&mut self, x: T, item: Extremes<T>, least: f64) -> Option<FastLines<T>> {
        let range = self.range.push(item)?;
        let (width, none) = (range.high - range.low, T::of(0.0));
        let fast_k = T::pick(width.above(T::of(least)), T::of(100.0) * ((x - range.low) / width), none);
        self.fast_d.push(fast_k).map(|fast_d| FastLines { fast_k, fast_d })
    }

    pub fn reset(&mut self) {
        self.range.reset();
        self.fast_d.reset();
    }
}

/// The fast stochastic of the relative strength index.
#[derive(Debug, Clone)]
pub struct StochasticRsi<T = f64> {
    rsi: Rsi<T>,
    stochastic: FastStochastic<T>,
}

impl<T: Real> StochasticRsi<T> {
    /// The index lies in 0..=100: a smaller range in it is rounding.
    const ROUNDING: f64 = 1e-9;

    #[must_use]
    pub fn new(rsi: usize, fast_k: usize, fast_d: usize) -> Self {
        Self { rsi: Rsi::new(rsi), stochastic: FastStochastic::new(fast_k, fast_d) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<FastLines<T>> {
        let rsi = self.rsi.push(x)?;
        self.stochastic.place(rsi, Extremes { low: rsi, high: rsi }, Self::ROUNDING)
    }

    pub fn reset(&mut self) {
        self.rsi.reset();
        self.stochastic.reset();
    }
}

/// Williams' %R, −100..=0, 0 when the range is 0; first at index n − 1.
#[derive(Debug, Clone)]
pub struct WilliamsR<T = f64>(Donchian<T>);

impl<T: Real> WilliamsR<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Donchian::new(n))
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        self.0.push(bar).map(|channel| channel.williams_r(bar.row().close))
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}
