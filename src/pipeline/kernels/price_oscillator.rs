//! Two exponential averages against each other.

use super::moving_average::Ema;
use super::oscillator::Change;
use super::real::Real;

/// Values of [`Macd`], in price units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MacdLines<T = f64> {
    pub macd: T,
    pub signal: T,
    pub histogram: T,
}

/// Convergence and divergence of two exponential averages. As in TA-Lib both are seeded on the same bar, so the fast one skips the
/// first slow − fast values; all lines start at index slow + signal − 2.
#[derive(Debug, Clone)]
pub struct Macd<T = f64> {
    skip: usize,
    seen: usize,
    fast: Ema<T>,
    slow: Ema<T>,
    signal: Ema<T>,
}

impl<T: Real> Macd<T> {
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

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<MacdLines<T>> {
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

/// Fast against slow exponential average, each with its own seed; first at the index of the slower one.
#[derive(Debug, Clone)]
pub struct PriceOscillator<T = f64> {
    fast: Ema<T>,
    slow: Ema<T>,
}

impl<T: Real> PriceOscillator<T> {
    /// The shorter period is the fast one.
    #[must_use]
    pub fn new(fast: usize, slow: usize) -> Self {
        Self { fast: Ema::new(fast.min(slow)), slow: Ema::new(fast.max(slow)) }
    }

    /// The fast average and the slow one it is measured against.
    #[inline(always)]
    pub fn push_change(&mut self, x: T) -> Option<Change<T>> {
        let (fast, slow) = (self.fast.push(x), self.slow.push(x));
        Some(Change { now: fast?, before: slow? })
    }

    /// The difference, in price units (TA-Lib's APO), alone.
    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.push_change(x).map(|change| change.difference())
    }

    /// The difference in percent of the slow average (TA-Lib's PPO) alone.
    #[inline(always)]
    pub fn push_percent(&mut self, x: T) -> Option<T> {
        self.push_change(x)?.percent()
    }

    pub fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
    }
}
