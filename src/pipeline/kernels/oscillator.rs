//! Oscillators of the close within its own past.

use super::moving_average::Wilder;
use super::real::Real;
use super::row::Ohlcv;
use super::typical_price;
use super::volatility::TrueRange;
use super::window::{Lag, Sliding};

/// Values of [`GainLoss`], in price units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GainLossLines<T = f64> {
    pub gain: T,
    pub loss: T,
}

impl<T: Real> GainLossLines<T> {
    /// The relative strength index, 0..=100; 0 when nothing moved at all.
    #[must_use]
    #[inline(always)]
    pub fn rsi(&self) -> T {
        self.share(self.gain)
    }

    /// The momentum oscillator, −100..=100; 0 when nothing moved at all.
    #[must_use]
    #[inline(always)]
    pub fn cmo(&self) -> T {
        self.share(self.gain - self.loss)
    }

    #[inline(always)]
    fn share(&self, part: T) -> T {
        let (moved, none) = (self.gain + self.loss, T::of(0.0));
        T::pick(moved.above(none), T::of(100.0) * (part / moved), none)
    }
}

/// Average gain and loss per bar, by Wilder; first at index n.
#[derive(Debug, Clone)]
pub struct GainLoss<T = f64> {
    previous: Option<T>,
    gain: Wilder<T>,
    loss: Wilder<T>,
}

impl<T: Real> GainLoss<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { previous: None, gain: Wilder::new(n), loss: Wilder::new(n) }
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<GainLossLines<T>> {
        let d = x - self.previous.replace(x)?;
        let none = T::of(0.0);
        let (gain, loss) = (self.gain.push(d.most(none)), self.loss.push((-d).most(none)));
        Some(GainLossLines { gain: gain?, loss: loss? })
    }

    pub fn reset(&mut self) {
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
        let lines = self.averages.push(x)?;
        self.moved = lines.gain + lines.loss;
        Some(lines.rsi())
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
        self.0.push(x).map(|lines| lines.cmo())
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

/// A value and the one it is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change<T = f64> {
    pub now: T,
    pub before: T,
}

impl<T: Real> Change<T> {
    /// The difference (TA-Lib's MOM).
    #[must_use]
    #[inline(always)]
    pub fn difference(&self) -> T {
        self.now - self.before
    }

    /// The change in percent (TA-Lib's ROC).
    #[must_use]
    #[inline(always)]
    pub fn percent(&self) -> Option<T> {
        ((self.now / self.before - T::of(1.0)) * T::of(100.0)).finite()
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

    /// The value and the one before; first at index n.
    #[inline(always)]
    pub fn push_change(&mut self, x: T) -> Option<Change<T>> {
        self.0.push(x).map(|before| Change { now: x, before })
    }

    /// The difference (TA-Lib's MOM) alone.
    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.push_change(x).map(|change| change.difference())
    }

    /// The change in percent (TA-Lib's ROC) alone.
    #[inline(always)]
    pub fn push_rate(&mut self, x: T) -> Option<T> {
        self.push_change(x)?.percent()
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
        let item = [pressure, range];
        let (short, middle, long) = (short.push(item), middle.push(item), long.push(item));
        // The longest window is full last.
        let (short, middle, long) = (short?, middle?, long?);
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
