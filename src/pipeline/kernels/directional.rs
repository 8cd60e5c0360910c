//! Direction and strength of a trend.

use super::above;
use super::moving_average::Wilder;
use super::volatility::{Atr, TrueRange};
use super::window::{DatedExtremes, Sliding};
use crate::domain::Bar;

/// Values of [`Directional`], each 0..=100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DirectionalLines {
    pub plus_di: f64,
    pub minus_di: f64,
    pub dx: f64,
}

/// Wilder's directional movement (1978): +DI, −DI and DX; first at index n.
///
/// The smoothed sums start with n − 1 terms, as in TA-Lib. Two movements that differ only by rounding count as equal, so neither wins.
#[derive(Debug, Clone)]
pub struct Directional {
    n: usize,
    seen: usize,
    previous: Option<Bar>,
    range: TrueRange,
    plus_sum: f64,
    minus_sum: f64,
    range_sum: f64,
    dx: f64,
}

impl Directional {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self {
            n: n.max(1),
            seen: 0,
            previous: None,
            range: TrueRange::new(),
            plus_sum: 0.0,
            minus_sum: 0.0,
            range_sum: 0.0,
            dx: 0.0,
        }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<DirectionalLines> {
        let range = self.range.push(bar);
        let before = self.previous.replace(*bar)?;
        let (plus, minus) = Self::movement(&before, bar);
        self.seen += 1;
        let kept = if self.seen < self.n { 1.0 } else { 1.0 - 1.0 / self.n as f64 };
        self.plus_sum = self.plus_sum * kept + plus;
        self.minus_sum = self.minus_sum * kept + minus;
        self.range_sum = self.range_sum * kept + range?;
        if self.seen < self.n {
            return None;
        }
        let share = |sum: f64| if self.range_sum > 0.0 { 100.0 * (sum / self.range_sum) } else { 0.0 };
        let (plus_di, minus_di) = (share(self.plus_sum), share(self.minus_sum));
        if plus_di + minus_di > 0.0 {
            self.dx = 100.0 * ((plus_di - minus_di).abs() / (plus_di + minus_di));
        }
        Some(DirectionalLines { plus_di, minus_di, dx: self.dx })
    }

    /// (+DM, −DM) between two bars.
    fn movement(before: &Bar, bar: &Bar) -> (f64, f64) {
        let up = bar.high - before.high;
        let down = before.low - bar.low;
        // up > down, compared as sums of prices so that rounding is measured against the prices.
        let (tops, bottoms) = (bar.high + bar.low, before.high + before.low);
        let plus = if up > 0.0 && above(tops, bottoms) { up } else { 0.0 };
        let minus = if down > 0.0 && above(bottoms, tops) { down } else { 0.0 };
        (plus, minus)
    }

    pub fn reset(&mut self) {
        *self = Self::new(self.n);
    }
}

/// Average directional index: Wilder's average of DX, 0..=100; first at index 2n − 1.
#[derive(Debug, Clone)]
pub struct Adx {
    directional: Directional,
    average: Wilder,
    lines: Option<DirectionalLines>,
}

impl Adx {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { directional: Directional::new(n), average: Wilder::new(n), lines: None }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        self.lines = self.directional.push(bar);
        self.average.push(self.lines?.dx)
    }

    /// +DI, −DI and DX of the last bar; they start n − 1 bars before the index itself.
    #[must_use]
    pub const fn lines(&self) -> Option<DirectionalLines> {
        self.lines
    }

    pub fn reset(&mut self) {
        self.directional.reset();
        self.average.reset();
        self.lines = None;
    }
}

/// Values of [`Aroon`], each 0..=100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AroonLines {
    pub down: f64,
    pub up: f64,
}

/// How recent the highest high and lowest low of n + 1 bars are; the latest of equals counts; first at index n.
#[derive(Debug, Clone)]
pub struct Aroon {
    n: f64,
    seen: u64,
    window: Sliding<DatedExtremes>,
}

impl Aroon {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { n: n as f64, seen: 0, window: Sliding::new(n + 1) }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<AroonLines> {
        self.seen += 1;
        let found = self.window.push(DatedExtremes { low: (bar.low, self.seen), high: (bar.high, self.seen) })?;
        let line = |at: u64| 100.0 * (self.n - self.seen.saturating_sub(at) as f64) / self.n;
        Some(AroonLines { down: line(found.low.1), up: line(found.high.1) })
    }

    pub fn reset(&mut self) {
        self.seen = 0;
        self.window.reset();
    }
}

/// Value of [`Supertrend`]: the trailing band, in price units, and its side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trail {
    pub value: f64,
    pub up: bool,
}

#[derive(Debug, Clone, Copy)]
struct TrailState {
    upper: f64,
    lower: f64,
    close: f64,
    up: bool,
}

/// Supertrend: bands of `multiple`·ATR around (high + low)/2 that only tighten, until the close crosses the opposite one.
/// First at index n; down at first unless the close is above the upper band.
#[derive(Debug, Clone)]
pub struct Supertrend {
    multiple: f64,
    atr: Atr,
    state: Option<TrailState>,
}

impl Supertrend {
    #[must_use]
    pub fn new(n: usize, multiple: f64) -> Self {
        Self { multiple, atr: Atr::new(n), state: None }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<Trail> {
        let reach = self.multiple * self.atr.push(bar)?;
        let middle = f64::midpoint(bar.high, bar.low);
        let (mut upper, mut lower) = (middle + reach, middle - reach);
        if let Some(last) = self.state {
            if upper >= last.upper && last.close <= last.upper {
                upper = last.upper;
            }
            if lower <= last.lower && last.close >= last.lower {
                lower = last.lower;
            }
        }
        let up = match self.state {
            Some(last) if last.up => bar.close >= lower,
            _ => bar.close > upper,
        };
        self.state = Some(TrailState { upper, lower, close: bar.close, up });
        Some(Trail { value: if up { lower } else { upper }, up })
    }

    pub fn reset(&mut self) {
        self.atr.reset();
        self.state = None;
    }
}
