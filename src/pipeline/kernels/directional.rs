//! Wilder's directional movement (1978): direction and strength of a trend.

use super::above;
use super::moving_average::Wilder;
use super::real::Real;
use super::row::Ohlcv;
use super::volatility::TrueRange;
use super::window::Lag;

/// Values of [`Movement`], in price units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MovementLines<T = f64> {
    pub plus: T,
    pub minus: T,
}

/// Smoothed sums of the upward and downward movement (+DM, −DM); first at index n − 1.
///
/// The sums start with n − 1 terms, as in TA-Lib. Two movements that differ only by rounding count as equal, so neither wins.
#[derive(Debug, Clone)]
pub struct Movement<T = f64> {
    n: usize,
    seen: usize,
    before: Option<(T, T)>,
    plus: T,
    minus: T,
}

impl<T: Real> Movement<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n: n.max(1), seen: 0, before: None, plus: T::of(0.0), minus: T::of(0.0) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<MovementLines<T>> {
        let bar = bar.row();
        let (high, low) = self.before.replace((bar.high, bar.low))?;
        let (up, down, none) = (bar.high - high, low - bar.low, T::of(0.0));
        // up > down, compared as sums of prices so that rounding is measured against the prices.
        let (tops, bottoms) = (bar.high + bar.low, high + low);
        let plus = T::pick(up.above(none) & above(tops, bottoms), up, none);
        let minus = T::pick(down.above(none) & above(bottoms, tops), down, none);
        self.seen += 1;
        let kept = T::of(kept(self.seen, self.n));
        self.plus = self.plus * kept + plus;
        self.minus = self.minus * kept + minus;
        (self.seen + 1 >= self.n).then_some(MovementLines { plus: self.plus, minus: self.minus })
    }

    pub fn reset(&mut self) {
        *self = Self::new(self.n);
    }
}

/// What is kept of a sum when its `seen`-th term comes: all of the first n − 1, then all but an n-th part.
#[inline(always)]
fn kept(seen: usize, n: usize) -> f64 {
    if seen < n { 1.0 } else { 1.0 - 1.0 / n as f64 }
}

/// Values of [`Directional`], each 0..=100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DirectionalLines<T = f64> {
    pub plus_di: T,
    pub minus_di: T,
    pub dx: T,
}

/// Directional indicators +DI and −DI and their contrast DX; first at index n. As in TA-Lib +DI and −DI are 0 without any range, and DX
/// keeps its value, at first 0, when nothing moved.
#[derive(Debug, Clone)]
pub struct Directional<T = f64> {
    n: usize,
    seen: usize,
    movement: Movement<T>,
    range: TrueRange<T>,
    range_sum: T,
    dx: T,
}

impl<T: Real> Directional<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let zero = T::of(0.0);
        Self { n: n.max(1), seen: 0, movement: Movement::new(n), range: TrueRange::new(), range_sum: zero, dx: zero }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<DirectionalLines<T>> {
        let movement = self.movement.push(bar);
        self.judge(movement, bar)
    }

    #[inline(always)]
    fn judge<B: Ohlcv<Number = T>>(
        &mut self,
        movement: Option<MovementLines<T>>,
        bar: &B,
    ) -> Option<DirectionalLines<T>> {
        let range = self.range.push(bar)?;
        self.seen += 1;
        self.range_sum = self.range_sum * T::of(kept(self.seen, self.n)) + range;
        if self.seen < self.n {
            return None;
        }
        let MovementLines { plus, minus } = movement?;
        let (zero, hundred) = (T::of(0.0), T::of(100.0));
        let some_range = self.range_sum.above(zero);
        let share = |sum: T| T::pick(some_range, hundred * (sum / self.range_sum), zero);
        let (plus_di, minus_di) = (share(plus), share(minus));
        let both = plus_di + minus_di;
        self.dx = T::pick(both.above(zero), hundred * ((plus_di - minus_di).abs() / both), self.dx);
        Some(DirectionalLines { plus_di, minus_di, dx: self.dx })
    }

    pub fn reset(&mut self) {
        *self = Self::new(self.n);
    }
}

/// Average directional index: Wilder's average of DX, 0..=100; first at index 2n − 1.
#[derive(Debug, Clone)]
pub struct Adx<T = f64> {
    directional: Directional<T>,
    average: Wilder<T>,
    lines: Option<DirectionalLines<T>>,
}

impl<T: Real> Adx<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { directional: Directional::new(n), average: Wilder::new(n), lines: None }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        self.lines = self.directional.push(bar);
        self.average.push(self.lines?.dx)
    }

    /// +DI, −DI and DX of the last bar; they start n − 1 bars before the index itself.
    #[must_use]
    pub const fn lines(&self) -> Option<DirectionalLines<T>> {
        self.lines
    }

    pub fn reset(&mut self) {
        self.directional.reset();
        self.average.reset();
        self.lines = None;
    }
}

/// Everything of the system for one bar; each part starts on its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DirectionalParts<T = f64> {
    pub movement: Option<MovementLines<T>>,
    pub lines: Option<DirectionalLines<T>>,
    pub adx: Option<T>,
    pub adxr: Option<T>,
}

/// Mean of [`Adx`] now and n − 1 bars ago, 0..=100; first at index 3n − 2.
#[derive(Debug, Clone)]
pub struct Adxr<T = f64> {
    directional: Directional<T>,
    average: Wilder<T>,
    before: Lag<T>,
}

impl<T: Real> Adxr<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { directional: Directional::new(n), average: Wilder::new(n), before: Lag::new(n.saturating_sub(1)) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        self.push_parts(bar).adxr
    }

    /// What it is made of as well.
    #[inline(always)]
    pub fn push_parts<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> DirectionalParts<T> {
        let movement = self.directional.movement.push(bar);
        let lines = self.directional.judge(movement, bar);
        let adx = lines.and_then(|l| self.average.push(l.dx));
        let mean = |adx: T| self.before.push(adx).map(|before| (adx + before) * T::of(0.5));
        DirectionalParts { movement, lines, adx, adxr: adx.and_then(mean) }
    }

    pub fn reset(&mut self) {
        self.directional.reset();
        self.average.reset();
        self.before.reset();
    }
}
