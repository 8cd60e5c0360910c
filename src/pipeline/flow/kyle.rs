//! How far the price gives way per unit traded.

use super::line::{LineFit, RollingFit};

/// Kyle's λ (1985) over the newest `n` bars: the slope of the price change on the signed volume, in quote units per base unit squared; its t and r²
/// have no unit.
#[derive(Debug, Clone)]
pub struct KyleLambda {
    close: Option<f64>,
    fit: RollingFit,
}

impl KyleLambda {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { close: None, fit: RollingFit::new(n) }
    }

    /// Takes a bar: its close and what takers bought less what they sold.
    pub fn push(&mut self, close: f64, signed_volume: f64) -> Option<LineFit> {
        let before = self.close.replace(close)?;
        self.push_change(close - before, signed_volume)
    }

    /// Takes a bar by its price change.
    pub fn push_change(&mut self, change: f64, signed_volume: f64) -> Option<LineFit> {
        self.fit.push(signed_volume, change)
    }

    /// Bars are missing here: the next close is not compared with the one before.
    pub const fn cut(&mut self) {
        self.close = None;
    }
}
