//! Stops that trail the price, and how recent its extremes are.

use super::real::Real;
use super::row::Ohlcv;
use super::volatility::Atr;
use super::window::{DatedExtremes, Sliding};

/// Values of [`Aroon`]: the lines 0..=100, their difference −100..=100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AroonLines<T = f64> {
    pub down: T,
    pub up: T,
    /// Up minus down: TA-Lib's AROONOSC.
    pub oscillator: T,
}

/// How recent the highest high and lowest low of n + 1 bars are; the latest of equals counts; first at index n.
#[derive(Debug, Clone)]
pub struct Aroon<T = f64> {
    n: f64,
    seen: f64,
    window: Sliding<DatedExtremes<T>>,
}

impl<T: Real> Aroon<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { n: n as f64, seen: 0.0, window: Sliding::new(n + 1) }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<AroonLines<T>> {
        let bar = bar.row();
        self.seen += 1.0;
        let now = T::of(self.seen);
        let found = self.window.push(DatedExtremes { low: bar.low, low_at: now, high: bar.high, high_at: now })?;
        let (hundred, n) = (T::of(100.0), T::of(self.n));
        let line = |at: T| hundred * (n - (now - at)) / n;
        let oscillator = hundred * (found.high_at - found.low_at) / n;
        Some(AroonLines { down: line(found.low_at), up: line(found.high_at), oscillator })
    }

    pub fn reset(&mut self) {
        self.seen = 0.0;
        self.window.reset();
    }
}

/// Value of [`Supertrend`]: the trailing band, in price units, and its side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trail<T = f64> {
    pub value: T,
    /// 1 when the band lies below the price, −1 when it lies above.
    pub side: T,
}

impl Trail {
    /// Whether the trend is up: the band lies below the price.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.side > 0.0
    }
}

#[derive(Debug, Clone, Copy)]
struct TrailState<T> {
    upper: T,
    lower: T,
    close: T,
    side: T,
}

/// Supertrend: bands of `multiple`·ATR around (high + low)/2 that only tighten, until the close crosses the opposite one.
/// First at index n; down at first unless the close is above the upper band.
#[derive(Debug, Clone)]
pub struct Supertrend<T = f64> {
    multiple: f64,
    atr: Atr<T>,
    state: Option<TrailState<T>>,
}

impl<T: Real> Supertrend<T> {
    #[must_use]
    pub fn new(n: usize, multiple: f64) -> Self {
        Self { multiple, atr: Atr::new(n), state: None }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<Trail<T>> {
        let reach = T::of(self.multiple) * self.atr.push(bar)?;
        let bar = bar.row();
        let middle = (bar.high + bar.low) * T::of(0.5);
        let (mut upper, mut lower) = (middle + reach, middle - reach);
        let (up, down) = (T::of(1.0), T::of(-1.0));
        let last = self.state.unwrap_or(TrailState { upper, lower, close: bar.close, side: down });
        upper = T::pick(upper.reaches(last.upper) & last.upper.reaches(last.close), last.upper, upper);
        lower = T::pick(last.lower.reaches(lower) & last.close.reaches(last.lower), last.lower, lower);
        let was_up = last.side.above(T::of(0.0));
        let is_up = (was_up & bar.close.reaches(lower)) | (!was_up & bar.close.above(upper));
        let side = T::pick(is_up, up, down);
        self.state = Some(TrailState { upper, lower, close: bar.close, side });
        Some(Trail { value: T::pick(is_up, lower, upper), side })
    }

    pub fn reset(&mut self) {
        self.atr.reset();
        self.state = None;
    }
}

/// One side of the market as if it were the rising one: prices carry the side's sign, so a falling trend is a rising one mirrored.
#[derive(Debug, Clone, Copy)]
struct SarState<T> {
    side: T,
    stop: T,
    extreme: T,
    pace: T,
    high: T,
    low: T,
}

/// Parabolic stop and reverse (Wilder 1978), in price units; first at index 1.
///
/// It starts short only if the second bar moved down more than up; a stop that is touched turns at once; the stop never enters the
/// range of the last two bars.
#[derive(Debug, Clone)]
pub struct Sar<T = f64> {
    step: f64,
    most: f64,
    before: Option<(T, T)>,
    state: Option<SarState<T>>,
}

impl<T: Real> Sar<T> {
    /// `step` is added to the acceleration with each new extreme, up to `most`.
    #[must_use]
    pub fn new(step: f64, most: f64) -> Self {
        Self { step: step.min(most), most, before: None, state: None }
    }

    #[inline(always)]
    pub fn push<B: Ohlcv<Number = T>>(&mut self, bar: &B) -> Option<T> {
        let bar = bar.row();
        let (high, low) = self.before.replace((bar.high, bar.low))?;
        let last = self.state.unwrap_or_else(|| self.start((high, low), (bar.high, bar.low)));
        let (side, step) = (last.side, T::of(self.step));
        let long = side.above(T::of(0.0));
        // Mirrored, the low of a falling market is its high with the sign turned.
        let (top, bottom) = (T::pick(long, bar.high, -bar.low), T::pick(long, bar.low, -bar.high));
        let (top_before, bottom_before) = (T::pick(long, last.high, -last.low), T::pick(long, last.low, -last.high));
        let (floor, ceiling) = (bottom_before.least(bottom), top_before.most(top));
        let turned = last.stop.reaches(bottom);
        // On: the stop follows the extreme, below the last two bars.
        let further = top.above(last.extreme);
        let extreme = T::pick(further, top, last.extreme);
        let pace = T::pick(further, (last.pace + step).least(T::of(self.most)), last.pace);
        let follows = (last.stop + pace * (extreme - last.stop)).least(floor);
        // Turned: the stop starts at the old extreme, above the last two bars.
        let start = last.extreme.most(ceiling);
        let away = (start + step * (bottom - start)).most(ceiling);
        let value = side * T::pick(turned, start, last.stop);
        self.state = Some(SarState {
            side: T::pick(turned, -side, side),
            stop: T::pick(turned, -away, follows),
            extreme: T::pick(turned, -bottom, extreme),
            pace: T::pick(turned, step, pace),
            high: bar.high,
            low: bar.low,
        });
        Some(value)
    }

    /// The state before the second bar is judged.
    #[inline(always)]
    fn start(&self, (high, low): (T, T), (next_high, next_low): (T, T)) -> SarState<T> {
        let (up, down) = (next_high - high, low - next_low);
        let short = down.above(T::of(0.0)) & down.above(up);
        SarState {
            side: T::pick(short, T::of(-1.0), T::of(1.0)),
            stop: T::pick(short, -high, low),
            extreme: T::pick(short, -next_low, next_high),
            pace: T::of(self.step),
            high: next_high,
            low: next_low,
        }
    }

    pub fn reset(&mut self) {
        self.before = None;
        self.state = None;
    }
}
