//! Oscillators of the close within its own past.

use super::moving_average::Wilder;
use super::real::Real;
use super::row::Ohlcv;
use super::typical_price;
use super::volatility::TrueRange;
use super::window::{Lag, Sliding};

/// Average gain and loss per bar, by Wilder.
#[derive(Debug, Clone)]
struct GainLoss<T> {
    previous: Option<T>,
    gain: Wilder<T>,
    loss: Wilder<T>,
}

impl<T: Real> GainLoss<T> {
    fn new(n: usize) -> Self {
        Self { previous: None, gain: Wilder::new(n), loss: Wilder::new(n) }
    }

    #[inline(always)]
    fn push(&mut self, x: T) -> Option<(T, T)> {
        let d = x - self.previous.replace(x)?;
        let none = T::of(0.0);
        self.gain.push(d.most(none)).zip(self.loss.push((-d).most(none)))
    }

    fn reset(&mut self) {
        self.previous = None;
        self.gain.reset();
        self.loss.reset();
    }
}

/// Relative strength index (Wilder 1978), 0..=100; first at index n. As in TA-Lib it is 0 when nothing moved at all.
#[derive(Debug, Clone)]
pub struct Rsi<T = f64> {
    averages: GainLoss<T>,
    /// Gain and loss together.
    moved: T,
}

impl<T: Real> Rsi<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { averages: GainLoss::new(n), moved: T::of(0.0) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        let (gain, loss) = self.averages.push(x)?;
        self.moved = gain + loss;
        let none = T::of(0.0);
        Some(T::pick(self.moved.above(none), T::of(100.0) * (gain / self.moved), none))
    }

    pub fn reset(&mut self) {
        self.averages.reset();
        self.moved = T::of(0.0);
    }
}

impl Rsi {
    /// Whether the last value was a ratio; `false` when it was the 0 that stands for 0/0.
    #[must_use]
    pub fn is_defined(&self) -> bool {
        self.moved > 0.0
    }
}

/// Chande momentum oscillator on Wilder's averages, −100..=100; 0 when nothing moved; first at index n.
#[derive(Debug, Clone)]
pub struct Cmo<T = f64>(GainLoss<T>);

impl<T: Real> Cmo<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(GainLoss::new(n))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        let (gain, loss) = self.0.push(x)?;
        let (moved, none) = (gain + loss, T::of(0.0));
        Some(T::pick(moved.above(none), T::of(100.0) * ((gain - loss) / moved), none))
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Commodity channel index (Lambert 1980) of the typical price; 0 when there is no deviation; first at index n − 1.
/// The mean deviation moves with the mean, so each bar costs O(n).
#[derive(Debug, Clone)]
pub struct Cci<T = f64> {
    n: f64,
    window: Box<[T]>,
    /// Where the next price goes.
    next: usize,
    full: bool,
}

impl<T: Real> Cci<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { n: n as f64, window: vec![T::of(0.0); n].into(), next: 0, full: false }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let price = typical_price(&bar.row());
        *self.window.get_mut(self.next)? = price;
        self.next += 1;
        if self.next == self.window.len() {
            self.next = 0;
            self.full = true;
        }
        if !self.full {
            return None;
        }
        let (n, none) = (T::of(self.n), T::of(0.0));
        // Relative to the newest price: then a flat window has a deviation of exactly 0.
        let offset = self.window.iter().fold(none, |sum, p| sum + (*p - price)) / n;
        let mean = price + offset;
        let spread = self.window.iter().fold(none, |sum, p| sum + (*p - mean).abs()) / n;
        let rounding = T::of(super::TIE) * price.abs();
        let moved = offset.abs().above(rounding) & spread.above(rounding);
        Some(T::pick(moved, -offset / (T::of(0.015) * spread), none))
    }

    pub fn reset(&mut self) {
        self.next = 0;
        self.full = false;
    }
}

/// Change against the value `n` bars ago.
#[derive(Debug, Clone)]
pub struct Momentum<T = f64>(Lag<T>);

impl<T: Real> Momentum<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Lag::new(n.max(1)))
    }

    /// The difference (TA-Lib's MOM); first at index n.
    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.0.push(x).map(|before| x - before)
    }

    /// The change in percent (TA-Lib's ROC) instead; first at index n.
    #[inline(always)]
    pub fn push_rate(&mut self, x: T) -> Option<T> {
        let before = self.0.push(x)?;
        ((x / before - T::of(1.0)) * T::of(100.0)).finite()
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Ultimate oscillator (Williams 1976): buying pressure over true range in three windows, weighted 4, 2 and 1; 0..=100; a window
/// without range counts as 0; first at the index of the longest window.
#[derive(Debug, Clone)]
pub struct Ultimate<T = f64> {
    before: Option<T>,
    range: TrueRange<T>,
    windows: [Sliding<[T; 2]>; 3],
}

impl<T: Real> Ultimate<T> {
    const WEIGHTS: [f64; 3] = [4.0, 2.0, 1.0];

    /// Windows from the shortest to the longest.
    #[must_use]
    pub fn new(windows: [usize; 3]) -> Self {
        let mut windows = windows;
        windows.sort_unstable();
        Self { before: None, range: TrueRange::new(), windows: windows.map(Sliding::new) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let range = self.range.push(bar);
        let bar = bar.row();
        let before = self.before.replace(bar.close)?;
        let pressure = bar.close - bar.low.least(before);
        let range = range?;
        let zero = T::of(0.0);
        let [short, middle, long] = &mut self.windows;
        let sums = [short, middle, long].map(|window| window.push([pressure, range]));
        // The longest window is full last.
        let [Some(short), Some(middle), Some(long)] = sums else { return None };
        let share = |[pressure, range]: [T; 2], weight: f64| {
            T::pick(range.above(zero), T::of(weight) * (pressure / range), zero)
        };
        let [first, second, third] = Self::WEIGHTS;
        let sum = share(short, first) + share(middle, second) + share(long, third);
        Some(T::of(100.0) * (sum / T::of(7.0)))
    }

    pub fn reset(&mut self) {
        self.before = None;
        self.range.reset();
        for window in &mut self.windows {
            window.reset();
        }
    }
}
