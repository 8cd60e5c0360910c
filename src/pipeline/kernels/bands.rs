//! Bands and channels around the price.

use super::moving_average::Ema;
use super::volatility::Atr;
use super::window::{Extremes, Moments, Sliding};
use crate::domain::Bar;

/// A band in price units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channel {
    pub upper: f64,
    pub middle: f64,
    pub lower: f64,
}

impl Channel {
    /// Where `x` stands: 0 at the lower band, 1 at the upper; `None` when the band has no width.
    #[must_use]
    pub fn position(&self, x: f64) -> Option<f64> {
        let width = self.upper - self.lower;
        (width > 0.0).then(|| (x - self.lower) / width)
    }
}

/// Mean ± `multiple` population standard deviations (Bollinger); first at index n − 1.
#[derive(Debug, Clone)]
pub struct Bollinger {
    multiple: f64,
    window: Sliding<Moments>,
}

impl Bollinger {
    #[must_use]
    pub fn new(n: usize, multiple: f64) -> Self {
        Self { multiple, window: Sliding::new(n) }
    }

    pub fn push(&mut self, x: f64) -> Option<Channel> {
        let m = self.window.push(Moments::of(x))?;
        let reach = self.multiple * (m.m2 / m.n).sqrt();
        Some(Channel { upper: m.mean + reach, middle: m.mean, lower: m.mean - reach })
    }

    pub fn reset(&mut self) {
        self.window.reset();
    }
}

/// Highest high and lowest low of the newest `n` bars, the current one included: compare a close with the value before it.
#[derive(Debug, Clone)]
pub struct Donchian(Sliding<Extremes>);

impl Donchian {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    pub fn push(&mut self, bar: &Bar) -> Option<Channel> {
        let range = self.0.push(Extremes { low: bar.low, high: bar.high })?;
        Some(Channel { upper: range.high, middle: f64::midpoint(range.high, range.low), lower: range.low })
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// EMA of the close ± `multiple`·ATR.
#[derive(Debug, Clone)]
pub struct Keltner {
    multiple: f64,
    middle: Ema,
    atr: Atr,
}

impl Keltner {
    #[must_use]
    pub fn new(ema: usize, atr: usize, multiple: f64) -> Self {
        Self { multiple, middle: Ema::new(ema), atr: Atr::new(atr) }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<Channel> {
        let (middle, atr) = (self.middle.push(bar.close), self.atr.push(bar));
        let (middle, reach) = (middle?, self.multiple * atr?);
        Some(Channel { upper: middle + reach, middle, lower: middle - reach })
    }

    pub fn reset(&mut self) {
        self.middle.reset();
        self.atr.reset();
    }
}
