//! Spread of prices and returns.

use super::moving_average::Wilder;
use super::ratio;
use super::window::{Moments, RollingSum, Sliding};
use crate::domain::Bar;

/// Population standard deviation (ddof 0) of the newest `n` values; first at index n − 1.
#[derive(Debug, Clone)]
pub struct StdDev(Sliding<Moments>);

impl StdDev {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        self.0.push(Moments::of(x)).map(|m| (m.m2 / m.n).sqrt())
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Sample standard deviation (ddof 1) of the newest `n` values, `n` at least 2; first at index n − 1.
#[derive(Debug, Clone)]
pub struct SampleSd(Sliding<Moments>);

impl SampleSd {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n.max(2)))
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        self.0.push(Moments::of(x)).map(|m| (m.m2 / (m.n - 1.0)).sqrt())
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// (x − mean) / sample sd over the newest `n` values, the current one included; no value in a flat window.
#[derive(Debug, Clone)]
pub struct ZScore(Sliding<Moments>);

impl ZScore {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n.max(2)))
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        let m = self.0.push(Moments::of(x))?;
        ratio(x - m.mean, (m.m2 / (m.n - 1.0)).sqrt())
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// The widest of high − low, |high − close before| and |low − close before|; from the second bar.
#[derive(Debug, Clone, Default)]
pub struct TrueRange {
    close: Option<f64>,
}

impl TrueRange {
    #[must_use]
    pub const fn new() -> Self {
        Self { close: None }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        let before = self.close.replace(bar.close)?;
        Some((bar.high - bar.low).max((bar.high - before).abs()).max((bar.low - before).abs()))
    }

    pub fn reset(&mut self) {
        self.close = None;
    }
}

/// Average true range by Wilder (1978), in price units; first at index n.
#[derive(Debug, Clone)]
pub struct Atr {
    range: TrueRange,
    average: Wilder,
}

impl Atr {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { range: TrueRange::new(), average: Wilder::new(n) }
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        self.average.push(self.range.push(bar)?)
    }

    pub fn reset(&mut self) {
        self.range.reset();
        self.average.reset();
    }
}

/// [`Atr`] in percent of the close.
#[derive(Debug, Clone)]
pub struct Natr(Atr);

impl Natr {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Atr::new(n))
    }

    pub fn push(&mut self, bar: &Bar) -> Option<f64> {
        self.0.push(bar).and_then(|atr| ratio(100.0 * atr, bar.close))
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// One-bar log returns; from the second value.
#[derive(Debug, Clone, Default)]
struct LogReturn {
    before: Option<f64>,
}

impl LogReturn {
    fn push(&mut self, x: f64) -> Option<f64> {
        let before = self.before.replace(x)?;
        ratio(x, before).map(f64::ln)
    }
}

/// Sample sd of the last `n` one-bar log returns, per bar; first at index n.
#[derive(Debug, Clone)]
pub struct CloseVolatility {
    returns: LogReturn,
    sd: SampleSd,
}

impl CloseVolatility {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { returns: LogReturn::default(), sd: SampleSd::new(n) }
    }

    pub fn push(&mut self, close: f64) -> Option<f64> {
        self.sd.push(self.returns.push(close)?)
    }

    pub fn reset(&mut self) {
        self.returns = LogReturn::default();
        self.sd.reset();
    }
}

/// √Σr² of the last `n` one-bar log returns, no mean removed (Andersen and Bollerslev 1998); first at index n.
#[derive(Debug, Clone)]
pub struct RealisedVolatility {
    returns: LogReturn,
    squares: RollingSum,
}

impl RealisedVolatility {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { returns: LogReturn::default(), squares: RollingSum::new(n) }
    }

    pub fn push(&mut self, close: f64) -> Option<f64> {
        let r = self.returns.push(close)?;
        self.squares.push(r * r).map(f64::sqrt)
    }

    pub fn reset(&mut self) {
        self.returns = LogReturn::default();
        self.squares.reset();
    }
}
