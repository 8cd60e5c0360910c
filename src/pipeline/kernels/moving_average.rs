//! Moving averages.

use super::real::Real;
use super::window::{Lag, RollingSum, Sliding, Trend};

/// Simple mean of the newest `n` values; first at index n − 1.
#[derive(Debug, Clone)]
pub struct Sma<T = f64> {
    n: f64,
    sum: RollingSum<T>,
}

impl<T: Real> Sma<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n: n.max(1) as f64, sum: RollingSum::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.sum.push(x).map(|sum| sum / T::of(self.n))
    }

    pub fn reset(&mut self) {
        self.sum.reset();
    }
}

/// The mean of the first `n` values, then towards each new one by a share `k` of the distance: what EMA and Wilder's average share.
#[derive(Debug, Clone)]
struct Smoothing<T> {
    n: usize,
    k: f64,
    seen: usize,
    /// The sum of the first values, then the average.
    value: T,
}

impl<T: Real> Smoothing<T> {
    fn new(n: usize, k: f64) -> Self {
        Self { n: n.max(1), k, seen: 0, value: T::of(0.0) }
    }

    #[inline(always)]
    fn push(&mut self, x: T) -> Option<T> {
        if self.seen >= self.n {
            self.value = self.value + T::of(self.k) * (x - self.value);
            return Some(self.value);
        }
        self.seen += 1;
        self.value = self.value + x;
        if self.seen < self.n {
            return None;
        }
        self.value = self.value / T::of(self.n as f64);
        Some(self.value)
    }

    fn reset(&mut self) {
        self.seen = 0;
        self.value = T::of(0.0);
    }
}

/// Exponential average with k = 2/(n+1), seeded with the mean of the first `n` values at index n − 1.
#[derive(Debug, Clone)]
pub struct Ema<T = f64>(Smoothing<T>);

impl<T: Real> Ema<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Smoothing::new(n, 2.0 / (n.max(1) as f64 + 1.0)))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.0.push(x)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Wilder's average: the mean of the first `n` values, then previous + (x − previous)/n.
#[derive(Debug, Clone)]
pub struct Wilder<T = f64>(Smoothing<T>);

impl<T: Real> Wilder<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Smoothing::new(n, 1.0 / n.max(1) as f64))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.0.push(x)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Mean with weights 1..=n, the newest heaviest; first at index n − 1.
#[derive(Debug, Clone)]
pub struct Wma<T = f64> {
    /// What the slope adds to the mean: 2 / (n(n + 1)) of the trend's cross sum.
    share: f64,
    window: Sliding<Trend<T>>,
}

impl<T: Real> Wma<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let count = n.max(1) as f64;
        Self { share: 2.0 / (count * (count + 1.0)), window: Sliding::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        // Σ(i+1)x = cross + mean·n(n+1)/2.
        self.window.push(Trend::of(x)).map(|t| t.mean + t.cross * T::of(self.share))
    }

    pub fn reset(&mut self) {
        self.window.reset();
    }
}

/// Mean with weights that rise to the middle and fall again: a simple mean of a simple mean; first at index n − 1.
#[derive(Debug, Clone)]
pub struct Trima<T = f64>(Sma<T>, Sma<T>);

impl<T: Real> Trima<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self(Sma::new(n.div_ceil(2)), Sma::new(n / 2 + 1))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.1.push(self.0.push(x)?)
    }

    pub fn reset(&mut self) {
        self.0.reset();
        self.1.reset();
    }
}

/// Double exponential average 2·e1 − e2 (Mulloy 1994); first at index 2n − 2.
#[derive(Debug, Clone)]
pub struct Dema<T = f64>(Ema<T>, Ema<T>);

impl<T: Real> Dema<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Ema::new(n), Ema::new(n))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        let e1 = self.0.push(x)?;
        let e2 = self.1.push(e1)?;
        Some(T::of(2.0) * e1 - e2)
    }

    pub fn reset(&mut self) {
        self.0.reset();
        self.1.reset();
    }
}

/// Three exponential averages in a chain.
#[derive(Debug, Clone)]
struct TripleEma<T>(Ema<T>, Ema<T>, Ema<T>);

impl<T: Real> TripleEma<T> {
    fn new(n: usize) -> Self {
        Self(Ema::new(n), Ema::new(n), Ema::new(n))
    }

    #[inline(always)]
    fn push(&mut self, x: T) -> Option<[T; 3]> {
        let e1 = self.0.push(x)?;
        let e2 = self.1.push(e1)?;
        let e3 = self.2.push(e2)?;
        Some([e1, e2, e3])
    }

    fn reset(&mut self) {
        self.0.reset();
        self.1.reset();
        self.2.reset();
    }
}

/// Triple exponential average 3·e1 − 3·e2 + e3 (Mulloy 1994); first at index 3n − 3.
#[derive(Debug, Clone)]
pub struct Tema<T = f64>(TripleEma<T>);

impl<T: Real> Tema<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(TripleEma::new(n))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        let three = T::of(3.0);
        self.0.push(x).map(|[e1, e2, e3]| three * e1 - three * e2 + e3)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// One-bar change of a triple smoothed series, in percent (Hutson 1983); first at index 3n − 2.
#[derive(Debug, Clone)]
pub struct Trix<T = f64> {
    averages: TripleEma<T>,
    before: Option<T>,
}

impl<T: Real> Trix<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { averages: TripleEma::new(n), before: None }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        let [_, _, now] = self.averages.push(x)?;
        let before = self.before.replace(now)?;
        ((now / before - T::of(1.0)) * T::of(100.0)).finite()
    }

    pub fn reset(&mut self) {
        self.averages.reset();
        self.before = None;
    }
}

/// Six exponential averages in a chain, mixed so that the lag falls by the factor `v` (Tillson 1998); first at index 6(n − 1).
#[derive(Debug, Clone)]
pub struct T3<T = f64> {
    weights: [f64; 4],
    first: TripleEma<T>,
    second: TripleEma<T>,
}

impl<T: Real> T3<T> {
    #[must_use]
    pub fn new(n: usize, v: f64) -> Self {
        let (v2, v3) = (v * v, v * v * v);
        let weights = [1.0 + v3 + 3.0 * (v + v2), -6.0 * v2 - 3.0 * (v + v3), 3.0 * (v2 + v3), -v3];
        Self { weights, first: TripleEma::new(n), second: TripleEma::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        let [_, _, e3] = self.first.push(x)?;
        let [e4, e5, e6] = self.second.push(e3)?;
        let [w3, w4, w5, w6] = self.weights.map(T::of);
        Some(w6 * e6 + w5 * e5 + w4 * e4 + w3 * e3)
    }

    pub fn reset(&mut self) {
        self.first.reset();
        self.second.reset();
    }
}

/// Kaufman's adaptive average (2 and 30 bars); first at index n.
#[derive(Debug, Clone)]
pub struct Kama<T = f64> {
    lag: Lag<T>,
    travelled: RollingSum<T>,
    previous: Option<T>,
    value: Option<T>,
}

impl<T: Real> Kama<T> {
    const FAST: f64 = 2.0 / 3.0;
    const SLOW: f64 = 2.0 / 31.0;

    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { lag: Lag::new(n), travelled: RollingSum::new(n), previous: None, value: None }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        let before = self.lag.push(x);
        let previous = self.previous.replace(x)?;
        let travelled = self.travelled.push((x - previous).abs())?;
        let change = (x - before?).abs();
        let efficiency = T::pick(change.reaches(travelled), T::of(1.0), change / travelled);
        let root = efficiency * T::of(Self::FAST - Self::SLOW) + T::of(Self::SLOW);
        let last = self.value.unwrap_or(previous);
        let value = last + root * root * (x - last);
        self.value = Some(value);
        self.value
    }

    pub fn reset(&mut self) {
        self.lag.reset();
        self.travelled.reset();
        self.previous = None;
        self.value = None;
    }
}
