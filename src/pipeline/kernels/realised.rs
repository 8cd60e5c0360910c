//! Volatility of returns, per bar, from closes or from whole bars.

use std::f64::consts::LN_2;

use super::real::Real;
use super::row::{Ohlcv, Row};
use super::volatility::SampleSd;
use super::window::{Moments, RollingSum, Sliding};

/// One-bar log returns; from the second value.
#[derive(Debug, Clone)]
struct LogReturn<T> {
    before: Option<T>,
}

impl<T: Real> LogReturn<T> {
    const fn new() -> Self {
        Self { before: None }
    }

    #[inline(always)]
    fn push(&mut self, x: T) -> Option<T> {
        let before = self.before.replace(x)?;
        (x / before).ln().finite()
    }

    fn reset(&mut self) {
        self.before = None;
    }
}

/// Sample sd of the last `n` one-bar log returns; first at index n.
#[derive(Debug, Clone)]
pub struct CloseVolatility<T = f64> {
    returns: LogReturn<T>,
    sd: SampleSd<T>,
}

impl<T: Real> CloseVolatility<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { returns: LogReturn::new(), sd: SampleSd::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, close: T) -> Option<T> {
        self.sd.push(self.returns.push(close)?)
    }

    pub fn reset(&mut self) {
        self.returns.reset();
        self.sd.reset();
    }
}

/// √Σr² of the last `n` one-bar log returns, no mean removed (Andersen and Bollerslev 1998); first at index n.
#[derive(Debug, Clone)]
pub struct RealisedVolatility<T = f64> {
    returns: LogReturn<T>,
    squares: RollingSum<T>,
}

impl<T: Real> RealisedVolatility<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { returns: LogReturn::new(), squares: RollingSum::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, close: T) -> Option<T> {
        let r = self.returns.push(close)?;
        self.squares.push(r * r).map(T::sqrt)
    }

    pub fn reset(&mut self) {
        self.returns.reset();
        self.squares.reset();
    }
}

/// Exponentially weighted volatility (`RiskMetrics` 1996): v = λ·v + (1 − λ)·r², seeded with the mean of the first `seed` squared log
/// returns; the value at a bar includes its return, so it is the forecast for the next one; first at index `seed`.
#[derive(Debug, Clone)]
pub struct EwmaVolatility<T = f64> {
    lambda: f64,
    seed: usize,
    seen: usize,
    returns: LogReturn<T>,
    /// The sum of the first squares, then the variance.
    variance: T,
}

impl<T: Real> EwmaVolatility<T> {
    #[must_use]
    pub fn new(lambda: f64, seed: usize) -> Self {
        Self { lambda, seed: seed.max(1), seen: 0, returns: LogReturn::new(), variance: T::of(0.0) }
    }

    #[inline(always)]
    pub fn push(&mut self, close: T) -> Option<T> {
        let r = self.returns.push(close)?;
        if self.seen >= self.seed {
            self.variance = T::of(self.lambda) * self.variance + T::of(1.0 - self.lambda) * (r * r);
            return Some(self.variance.sqrt());
        }
        self.seen += 1;
        self.variance = self.variance + r * r;
        if self.seen < self.seed {
            return None;
        }
        self.variance = self.variance / T::of(self.seed as f64);
        Some(self.variance.sqrt())
    }

    pub fn reset(&mut self) {
        self.seen = 0;
        self.returns.reset();
        self.variance = T::of(0.0);
    }
}

/// ln(high/low)².
#[inline(always)]
fn squared_range<T: Real>(bar: &Row<T>) -> T {
    let range = (bar.high / bar.low).ln();
    range * range
}

/// The variance of one bar by Rogers and Satchell (1991): free of the drift within the bar.
#[inline(always)]
fn rogers_satchell<T: Real>(bar: &Row<T>) -> T {
    let (high, low) = ((bar.high / bar.close).ln(), (bar.low / bar.close).ln());
    high * (bar.high / bar.open).ln() + low * (bar.low / bar.open).ln()
}

/// √ of the mean of one-bar variances of the newest `n` bars; no value when a mean is negative.
#[derive(Debug, Clone)]
struct MeanVariance<T> {
    n: f64,
    sum: RollingSum<T>,
}

impl<T: Real> MeanVariance<T> {
    fn new(n: usize) -> Self {
        Self { n: n.max(1) as f64, sum: RollingSum::new(n) }
    }

    #[inline(always)]
    fn push(&mut self, variance: T) -> Option<T> {
        (self.sum.push(variance)? / T::of(self.n)).sqrt().finite()
    }
}

/// Volatility from the range high to low (Parkinson 1980); first at index n − 1. Low with few trades per bar.
#[derive(Debug, Clone)]
pub struct Parkinson<T = f64>(MeanVariance<T>);

impl<T: Real> Parkinson<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(MeanVariance::new(n))
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        self.0.push(squared_range(&bar.row()) / T::of(4.0 * LN_2))
    }

    pub fn reset(&mut self) {
        self.0.sum.reset();
    }
}

/// Volatility from range and body (Garman and Klass 1980, the practical form); first at index n − 1.
#[derive(Debug, Clone)]
pub struct GarmanKlass<T = f64>(MeanVariance<T>);

impl<T: Real> GarmanKlass<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(MeanVariance::new(n))
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let bar = bar.row();
        let body = (bar.close / bar.open).ln();
        self.0.push(T::of(0.5) * squared_range(&bar) - T::of(2.0 * LN_2 - 1.0) * (body * body))
    }

    pub fn reset(&mut self) {
        self.0.sum.reset();
    }
}

/// Volatility free of drift within bars (Rogers and Satchell 1991); first at index n − 1.
#[derive(Debug, Clone)]
pub struct RogersSatchell<T = f64>(MeanVariance<T>);

impl<T: Real> RogersSatchell<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(MeanVariance::new(n))
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        self.0.push(rogers_satchell(&bar.row()))
    }

    pub fn reset(&mut self) {
        self.0.sum.reset();
    }
}

/// Volatility with the jumps between bars (Yang and Zhang 2000): variance of close-to-open, of open-to-close, and Rogers–Satchell, mixed
/// for the least error; `n` at least 2; first at index n.
#[derive(Debug, Clone)]
pub struct YangZhang<T = f64> {
    n: f64,
    /// Share of the open-to-close variance.
    k: f64,
    before: Option<T>,
    overnight: Sliding<Moments<T>>,
    body: Sliding<Moments<T>>,
    drift_free: RollingSum<T>,
}

impl<T: Real> YangZhang<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(2);
        let count = n as f64;
        Self {
            n: count,
            k: 0.34 / (1.34 + (count + 1.0) / (count - 1.0)),
            before: None,
            overnight: Sliding::new(n),
            body: Sliding::new(n),
            drift_free: RollingSum::new(n),
        }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let bar = bar.row();
        let before = self.before.replace(bar.close)?;
        let overnight = self.overnight.push(Moments::of((bar.open / before).ln()));
        let body = self.body.push(Moments::of((bar.close / bar.open).ln()));
        let drift_free = self.drift_free.push(rogers_satchell(&bar))? / T::of(self.n);
        let sample = |m: Moments<T>| m.m2 / T::of(self.n - 1.0);
        let jumps = sample(overnight?) + T::of(self.k) * sample(body?);
        (jumps + T::of(1.0 - self.k) * drift_free).sqrt().finite()
    }

    pub fn reset(&mut self) {
        self.before = None;
        self.overnight.reset();
        self.body.reset();
        self.drift_free.reset();
    }
}

/// Volatility per year from volatility per bar, by the square root of time (hourly bars: 8,760 a year).
#[must_use]
pub fn annualised(volatility: f64, bars_per_year: f64) -> f64 {
    volatility * bars_per_year.sqrt()
}
