//! Bands and channels around the price.

use super::moving_average::Ema;
use super::real::Real;
use super::row::Ohlcv;
use super::volatility::Atr;
use super::window::{Extremes, Lag, Moments, Sliding};

/// A band in price units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Channel<T = f64> {
    pub upper: T,
    pub middle: T,
    pub lower: T,
}

impl<T: Real> Channel<T> {
    /// Where `x` stands below the upper band, −100 at the lower one, 0 in a band without width: Williams' %R in a [`Donchian`] channel.
    #[must_use]
    #[inline(always)]
    pub fn williams_r(&self, x: T) -> T {
        let (width, none) = (self.upper - self.lower, T::of(0.0));
        T::pick(width.above(none), T::of(-100.0) * ((self.upper - x) / width), none)
    }
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
pub struct Bollinger<T = f64> {
    n: f64,
    multiple: f64,
    window: Sliding<Moments<T>>,
}

impl<T: Real> Bollinger<T> {
    #[must_use]
    pub fn new(n: usize, multiple: f64) -> Self {
        Self { n: n.max(1) as f64, multiple, window: Sliding::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<Channel<T>> {
        let m = self.window.push(Moments::of(x))?;
        let reach = T::of(self.multiple) * (m.m2 / T::of(self.n)).sqrt();
        Some(Channel { upper: m.mean + reach, middle: m.mean, lower: m.mean - reach })
    }

    pub fn reset(&mut self) {
        self.window.reset();
    }
}

/// Half way between the highest and the lowest of a window.
#[inline(always)]
fn middle<T: Real>(range: Extremes<T>) -> T {
    (range.high + range.low) * T::of(0.5)
}

/// Highest high and lowest low of the newest `n` bars, the current one included: compare a close with the value before it.
/// The middle is TA-Lib's MIDPRICE.
#[derive(Debug, Clone)]
pub struct Donchian<T = f64>(Sliding<Extremes<T>>);

impl<T: Real> Donchian<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<Channel<T>> {
        let bar = bar.row();
        let range = self.0.push(Extremes { low: bar.low, high: bar.high })?;
        Some(Channel { upper: range.high, middle: middle(range), lower: range.low })
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Half way between the highest and the lowest of the newest `n` values (TA-Lib's MIDPOINT); first at index n − 1.
#[derive(Debug, Clone)]
pub struct Midpoint<T = f64>(Sliding<Extremes<T>>);

impl<T: Real> Midpoint<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.0.push(Extremes { low: x, high: x }).map(middle)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// EMA of the close ± `multiple`·ATR.
#[derive(Debug, Clone)]
pub struct Keltner<T = f64> {
    multiple: f64,
    middle: Ema<T>,
    atr: Atr<T>,
}

impl<T: Real> Keltner<T> {
    #[must_use]
    pub fn new(ema: usize, atr: usize, multiple: f64) -> Self {
        Self { multiple, middle: Ema::new(ema), atr: Atr::new(atr) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<Channel<T>> {
        let (middle, atr) = (self.middle.push(bar.row().close), self.atr.push(bar));
        let (middle, reach) = (middle?, T::of(self.multiple) * atr?);
        Some(Channel { upper: middle + reach, middle, lower: middle - reach })
    }

    pub fn reset(&mut self) {
        self.middle.reset();
        self.atr.reset();
    }
}

/// Values of [`Ichimoku`], in price units; each line starts on its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IchimokuLines<T = f64> {
    pub tenkan: Option<T>,
    pub kijun: Option<T>,
    pub senkou_a: Option<T>,
    pub senkou_b: Option<T>,
}

/// Ichimoku's lines: middles of three windows, the two spans carried `shift` bars forward, so that a value uses bars up to `shift` bars ago
/// only. The lagging line (Chikou) looks ahead and is left out.
#[derive(Debug, Clone)]
pub struct Ichimoku<T = f64> {
    tenkan: Sliding<Extremes<T>>,
    kijun: Sliding<Extremes<T>>,
    senkou: Sliding<Extremes<T>>,
    span_a: Lag<T>,
    span_b: Lag<T>,
}

impl<T: Real> Ichimoku<T> {
    #[must_use]
    pub fn new(tenkan: usize, kijun: usize, senkou: usize, shift: usize) -> Self {
        Self {
            tenkan: Sliding::new(tenkan),
            kijun: Sliding::new(kijun),
            senkou: Sliding::new(senkou),
            span_a: Lag::new(shift),
            span_b: Lag::new(shift),
        }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> IchimokuLines<T> {
        let bar = bar.row();
        let range = Extremes { low: bar.low, high: bar.high };
        let tenkan = self.tenkan.push(range).map(middle);
        let kijun = self.kijun.push(range).map(middle);
        let senkou = self.senkou.push(range).map(middle);
        let span_a = tenkan.zip(kijun).map(|(a, b)| (a + b) * T::of(0.5));
        IchimokuLines {
            tenkan,
            kijun,
            senkou_a: span_a.and_then(|a| self.span_a.push(a)),
            senkou_b: senkou.and_then(|b| self.span_b.push(b)),
        }
    }

    pub fn reset(&mut self) {
        self.tenkan.reset();
        self.kijun.reset();
        self.senkou.reset();
        self.span_a.reset();
        self.span_b.reset();
    }
}
