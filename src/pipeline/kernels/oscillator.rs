//! Oscillators of the close within its own past.

use std::collections::VecDeque;

use super::moving_average::{Ema, Sma, Wilder};
use super::window::{Extremes, Lag, Sliding};
use super::{ratio, typical_price};
use crate::domain::Bar;

/// Average gain and loss per bar, by Wilder.
#[derive(Debug, Clone)]
struct GainLoss {
    previous: Option<f64>,
    gain: Wilder,
    loss: Wilder,
}

impl GainLoss {
    fn new(n: usize) -> Self {
        Self { previous: None, gain: Wilder::new(n), loss: Wilder::new(n) }
    }

    fn push(&mut self, x: f64) -> Option<(f64, f64)> {
        let d = x - self.previous.replace(x)?;
        self.gain.push(d.max(0.0)).zip(self.loss.push((-d).max(0.0)))
    }

    fn reset(&mut self) {
        self.previous = None;
        self.gain.reset();
        self.loss.reset();
    }
}

/// Relative strength index (Wilder 1978), 0..=100; first at index n. As in TA-Lib it is 0 when nothing moved at all.
#[derive(Debug, Clone)]
pub struct Rsi {
    averages: GainLoss,
    moved: bool,
}

impl Rsi {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { averages: GainLoss::new(n), moved: false }
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        let (gain, loss) = self.averages.push(x)?;
        self.moved = gain + loss > 0.0;
        Some(if self.moved { 100.0 * (gain / (gain + loss)) } else { 0.0 })
    }

    /// Whether the last value was a ratio; `false` when it was the 0 that stands for 0/0.
    #[must_use]
    pub const fn is_defined(&self) -> bool {
        self.moved
    }

    pub fn reset(&mut self) {
        self.averages.reset();
        self.moved = false;
    }
}

/// Chande momentum oscillator on Wilder's averages, −100..=100; 0 when nothing moved; first at index n.
#[derive(Debug, Clone)]
pub struct Cmo(GainLoss);

impl Cmo {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(GainLoss::new(n))
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        let (gain, loss) = self.0.push(x)?;
        Some(if gain + loss > 0.0 { 100.0 * ((gain - loss) / (gain + loss)) } else { 0.0 })
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Values of [`Macd`], in price units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MacdLines {
    pub macd: f64,
    pub signal: f64,
    pub histogram: f64,
}

/// Convergence and divergence of two exponential averages. As in TA-Lib both are seeded on the same bar, so the fast one skips the
/// first slow − fast values; all lines start at index slow + signal − 2.
#[derive(Debug, Clone)]
pub struct Macd {
    skip: usize,
    seen: usize,
    fast: Ema,
    slow: Ema,
    signal: Ema,
}

impl Macd {
    #[must_use]
    pub fn new(fast: usize, slow: usize, signal: usize) -> Self {
        Self {
            skip: slow.saturating_sub(fast),
            seen: 0,
            fast: Ema::new(fast),
            slow: Ema::new(slow),
            signal: Ema::new(signal),
        }
    }

    pub fn push(&mut self, x: f64) -> Option<MacdLines> {
        let fast = if self.seen < self.skip {
            self.seen += 1;
            None
        } else {
            self.fast.push(x)
        };
        let macd = self.slow.push(x).zip(fast).map(|(slow, fast)| fast - slow)?;
        let signal = self.signal.push(macd)?;
        Some(MacdLines { macd, signal, histogram: macd - signal })
    }

    pub fn reset(&mut self) {
        self.seen = 0;
        self.fast.reset();
        self.slow.reset();
        self.signal.reset();
    }
}

/// Values of [`Stochastic`], 0..=100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StochLines {
    pub slow_k: f64,
    pub slow_d: f64,
}

/// Slow stochastic: where the close stands in its range, smoothed twice by simple means. As in TA-Lib the raw value is 0 when the
/// range is 0, and both lines start together.
#[derive(Debug, Clone)]
pub struct Stochastic {
    range: Sliding<Extremes>,
    slow_k: Sma,
    slow_d: Sma,
    smoothing: usize,
    /// Raw values since the last one without a range, up to `smoothing`.
    defined: usize,
}

impl Stochastic {
    #[must_use]
    pub fn new(fast_k: usize, slow_k: usize, slow_d: usize) -> Self {
        Self {
            range: Sliding::new(fast_k),
            slow_k: Sma::new(slow_k),
            slow_d: Sma::new(slow_d),
            smoothing: slow_k.max(1),
            defined: 0,
        }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<StochLines> {
        let range = self.range.push(Extremes { low: bar.low, high: bar.high })?;
        let width = range.high - range.low;
        let raw = if width > 0.0 { 100.0 * ((bar.close - range.low) / width) } else { 0.0 };
        self.defined = if width > 0.0 { (self.defined + 1).min(self.smoothing) } else { 0 };
        let slow_k = self.slow_k.push(raw)?;
        let slow_d = self.slow_d.push(slow_k)?;
        Some(StochLines { slow_k, slow_d })
    }

    /// Whether every raw value behind the last slow %K had a range; `false` when a 0 stood in for 0/0.
    #[must_use]
    pub const fn is_defined(&self) -> bool {
        self.defined == self.smoothing
    }

    pub fn reset(&mut self) {
        self.range.reset();
        self.slow_k.reset();
        self.slow_d.reset();
        self.defined = 0;
    }
}

/// Williams' %R, −100..=0, 0 when the range is 0; first at index n − 1.
#[derive(Debug, Clone)]
pub struct WilliamsR(Sliding<Extremes>);

impl WilliamsR {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        let range = self.0.push(Extremes { low: bar.low, high: bar.high })?;
        let width = range.high - range.low;
        Some(if width > 0.0 { -100.0 * ((range.high - bar.close) / width) } else { 0.0 })
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Commodity channel index (Lambert 1980) of the typical price; 0 when there is no deviation; first at index n − 1.
/// The mean deviation moves with the mean, so each bar costs O(n).
#[derive(Debug, Clone)]
pub struct Cci {
    n: usize,
    window: VecDeque<f64>,
}

impl Cci {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { n, window: VecDeque::with_capacity(n + 1) }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        let price = typical_price(bar);
        self.window.push_back(price);
        if self.window.len() > self.n {
            self.window.pop_front();
        }
        if self.window.len() < self.n {
            return None;
        }
        let n = self.n as f64;
        // Relative to the newest price: then a flat window has a deviation of exactly 0.
        let offset = self.window.iter().map(|p| p - price).sum::<f64>() / n;
        let spread = self.window.iter().map(|p| (p - price - offset).abs()).sum::<f64>() / n;
        let rounding = super::TIE * price.abs();
        Some(if offset.abs() <= rounding || spread <= rounding { 0.0 } else { -offset / (0.015 * spread) })
    }

    pub fn reset(&mut self) {
        self.window.clear();
    }
}

/// Change against the value `n` bars ago.
#[derive(Debug, Clone)]
pub struct Momentum(Lag<f64>);

impl Momentum {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Lag::new(n.max(1)))
    }

    /// The difference (TA-Lib's MOM); first at index n.
    pub fn push(&mut self, x: f64) -> Option<f64> {
        self.0.push(x).map(|before| x - before)
    }

    /// The change in percent (TA-Lib's ROC) instead; first at index n.
    pub fn push_rate(&mut self, x: f64) -> Option<f64> {
        self.0.push(x).and_then(|before| ratio(x, before)).map(|r| (r - 1.0) * 100.0)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}
