//! Spread of values and range of bars.

use super::moving_average::Wilder;
use super::ratio;
use super::real::Real;
use super::row::Ohlcv;
use super::window::{Moments, Sliding};

/// Population standard deviation (ddof 0) of the newest `n` values; first at index n − 1.
#[derive(Debug, Clone)]
pub struct StdDev<T = f64> {
    n: f64,
    window: Sliding<Moments<T>>,
}

impl<T: Real> StdDev<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n: n.max(1) as f64, window: Sliding::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.window.push(Moments::of(x)).map(|m| (m.m2 / T::of(self.n)).sqrt())
    }

    pub fn reset(&mut self) {
        self.window.reset();
    }
}

/// Sample standard deviation (ddof 1) of the newest `n` values, `n` at least 2; first at index n − 1.
#[derive(Debug, Clone)]
pub struct SampleSd<T = f64> {
    n: f64,
    window: Sliding<Moments<T>>,
}

impl<T: Real> SampleSd<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(2);
        Self { n: n as f64, window: Sliding::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.window.push(Moments::of(x)).map(|m| (m.m2 / T::of(self.n - 1.0)).sqrt())
    }

    pub fn reset(&mut self) {
        self.window.reset();
    }
}

/// (x − mean) / sample sd over the newest `n` values, the current one included; no value in a flat window.
#[derive(Debug, Clone)]
pub struct ZScore<T = f64> {
    n: f64,
    window: Sliding<Moments<T>>,
}

impl<T: Real> ZScore<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(2);
        Self { n: n as f64, window: Sliding::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        let m = self.window.push(Moments::of(x))?;
        ratio(x - m.mean, (m.m2 / T::of(self.n - 1.0)).sqrt())
    }

    pub fn reset(&mut self) {
        self.window.reset();
    }
}

/// The widest of high − low, |high − close before| and |low − close before|; from the second bar.
#[derive(Debug, Clone, Default)]
pub struct TrueRange<T = f64> {
    close: Option<T>,
}

impl<T: Real> TrueRange<T> {
    #[must_use]
    pub const fn new() -> Self {
        Self { close: None }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let bar = bar.row();
        let before = self.close.replace(bar.close)?;
        Some((bar.high - bar.low).most((bar.high - before).abs()).most((bar.low - before).abs()))
    }

    pub fn reset(&mut self) {
        self.close = None;
    }
}

/// Average true range by Wilder (1978), in price units; first at index n.
#[derive(Debug, Clone)]
pub struct Atr<T = f64> {
    range: TrueRange<T>,
    average: Wilder<T>,
}

impl<T: Real> Atr<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { range: TrueRange::new(), average: Wilder::new(n) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        self.average.push(self.range.push(bar)?)
    }

    pub fn reset(&mut self) {
        self.range.reset();
        self.average.reset();
    }
}

/// [`Atr`] in percent of the close.
#[derive(Debug, Clone)]
pub struct Natr<T = f64>(Atr<T>);

impl<T: Real> Natr<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Atr::new(n))
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        self.0.push(bar).and_then(|atr| ratio(T::of(100.0) * atr, bar.row().close))
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}
