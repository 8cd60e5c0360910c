//! Moving averages.

use super::window::{Lag, RollingSum, Sliding, Trend};

/// Simple mean of the newest `n` values; first at index n − 1.
#[derive(Debug, Clone)]
pub struct Sma {
    n: f64,
    sum: RollingSum,
}

impl Sma {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n: n.max(1) as f64, sum: RollingSum::new(n) }
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        self.sum.push(x).map(|sum| sum / self.n)
    }

    pub fn reset(&mut self) {
        self.sum.reset();
    }
}

/// The mean of the first `n` values, then a recursion from there: what EMA and Wilder's average share.
#[derive(Debug, Clone)]
struct Seed {
    n: usize,
    seen: usize,
    sum: f64,
    value: f64,
}

impl Seed {
    fn new(n: usize) -> Self {
        Self { n: n.max(1), seen: 0, sum: 0.0, value: 0.0 }
    }

    fn push(&mut self, x: f64, next: impl Fn(f64, f64) -> f64) -> Option<f64> {
        if self.seen < self.n {
            self.seen += 1;
            self.sum += x;
            if self.seen < self.n {
                return None;
            }
            self.value = self.sum / self.n as f64;
        } else {
            self.value = next(self.value, x);
        }
        Some(self.value)
    }

    fn reset(&mut self) {
        self.seen = 0;
        self.sum = 0.0;
    }
}

/// Exponential average with k = 2/(n+1), seeded with the mean of the first `n` values at index n − 1.
#[derive(Debug, Clone)]
pub struct Ema {
    k: f64,
    seed: Seed,
}

impl Ema {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { k: 2.0 / (n.max(1) as f64 + 1.0), seed: Seed::new(n) }
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        let k = self.k;
        self.seed.push(x, |value, x| value + k * (x - value))
    }

    pub fn reset(&mut self) {
        self.seed.reset();
    }
}

/// Wilder's average: the mean of the first `n` values, then (previous·(n−1) + x)/n.
#[derive(Debug, Clone)]
pub struct Wilder {
    n: f64,
    seed: Seed,
}

impl Wilder {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n: n.max(1) as f64, seed: Seed::new(n) }
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        let n = self.n;
        self.seed.push(x, |value, x| (value * (n - 1.0) + x) / n)
    }

    pub fn reset(&mut self) {
        self.seed.reset();
    }
}

/// Mean with weights 1..=n, the newest heaviest; first at index n − 1.
#[derive(Debug, Clone)]
pub struct Wma {
    n: f64,
    window: Sliding<Trend>,
}

impl Wma {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n: n.max(1) as f64, window: Sliding::new(n) }
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        // Σ(i+1)x = cross + mean·n(n+1)/2, so the weighted mean is the mean plus what the slope adds.
        self.window.push(Trend::of(x)).map(|t| t.mean + t.cross / (self.n * (self.n + 1.0) / 2.0))
    }

    pub fn reset(&mut self) {
        self.window.reset();
    }
}

/// Double exponential average 2·e1 − e2 (Mulloy 1994); first at index 2n − 2.
#[derive(Debug, Clone)]
pub struct Dema(Ema, Ema);

impl Dema {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Ema::new(n), Ema::new(n))
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        let e1 = self.0.push(x)?;
        let e2 = self.1.push(e1)?;
        Some(2.0 * e1 - e2)
    }

    pub fn reset(&mut self) {
        self.0.reset();
        self.1.reset();
    }
}

/// Triple exponential average 3·e1 − 3·e2 + e3 (Mulloy 1994); first at index 3n − 3.
#[derive(Debug, Clone)]
pub struct Tema(Ema, Ema, Ema);

impl Tema {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Ema::new(n), Ema::new(n), Ema::new(n))
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        let e1 = self.0.push(x)?;
        let e2 = self.1.push(e1)?;
        let e3 = self.2.push(e2)?;
        Some(3.0 * e1 - 3.0 * e2 + e3)
    }

    pub fn reset(&mut self) {
        self.0.reset();
        self.1.reset();
        self.2.reset();
    }
}

/// Kaufman's adaptive average (2 and 30 bars); first at index n.
#[derive(Debug, Clone)]
pub struct Kama {
    lag: Lag<f64>,
    travelled: RollingSum,
    previous: Option<f64>,
    value: Option<f64>,
}

impl Kama {
    const FAST: f64 = 2.0 / 3.0;
    const SLOW: f64 = 2.0 / 31.0;

    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { lag: Lag::new(n), travelled: RollingSum::new(n), previous: None, value: None }
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        let before = self.lag.push(x);
        let previous = self.previous.replace(x)?;
        let travelled = self.travelled.push((x - previous).abs())?;
        let change = (x - before?).abs();
        let efficiency = if travelled <= change { 1.0 } else { change / travelled };
        let smoothing = (efficiency * (Self::FAST - Self::SLOW) + Self::SLOW).powi(2);
        let last = self.value.unwrap_or(previous);
        self.value = Some(last + smoothing * (x - last));
        self.value
    }

    pub fn reset(&mut self) {
        self.lag.reset();
        self.travelled.reset();
        self.previous = None;
        self.value = None;
    }
}
