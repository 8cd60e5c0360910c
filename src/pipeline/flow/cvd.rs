//! Cumulative volume delta: what takers bought less what they sold.

use super::signed;
use crate::domain::Side;
use crate::pipeline::kernels::window::Sliding;

/// Running sum of signed quantity, in base units. Only its change means something: the level depends on where it began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cvd {
    sum: f64,
}

impl Cvd {
    #[must_use]
    pub const fn new() -> Self {
        Self { sum: 0.0 }
    }

    pub fn push(&mut self, side: Side, qty: f64) -> f64 {
        self.sum += signed(side, qty);
        self.sum
    }

    #[must_use]
    pub const fn value(&self) -> f64 {
        self.sum
    }
}

/// Change of the CVD over the newest `n` bars over their volume, in −1..=1; first at bar n − 1, no value when nothing was traded in them.
#[derive(Debug, Clone)]
pub struct CvdShare(Sliding<[f64; 2]>);

impl CvdShare {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    /// Takes a bar's volumes in base units.
    pub fn push(&mut self, buy: f64, sell: f64) -> Option<f64> {
        let [bought, sold] = self.0.push([buy, sell])?;
        let volume = bought + sold;
        (volume > 0.0).then(|| (bought - sold) / volume)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}
