//! Bulk volume classification: how much of a bar's volume was bought, guessed from its price change alone.

use super::normal::normal_cdf;
use crate::pipeline::kernels::SampleSd;

/// volume · Φ(change / sd) (Easley, Lopez de Prado and O'Hara 2012), where `sd` is that of the price changes. No value without a spread.
#[must_use]
pub fn bulk_buy_volume(volume: f64, change: f64, sd: f64) -> Option<f64> {
    (sd > 0.0).then(|| volume * normal_cdf(change / sd))
}

/// [`bulk_buy_volume`] bar by bar, by the sample sd of the newest `n` price changes, the bar's own included.
#[derive(Debug, Clone)]
pub struct BulkVolume {
    close: Option<f64>,
    sd: SampleSd,
}

impl BulkVolume {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { close: None, sd: SampleSd::new(n) }
    }

    /// Takes a bar; the volume that was bought in it, once `n` changes are known.
    pub fn push(&mut self, close: f64, volume: f64) -> Option<f64> {
        let before = self.close.replace(close)?;
        self.push_change(close - before, volume)
    }

    /// Takes a bar by its price change.
    pub fn push_change(&mut self, change: f64, volume: f64) -> Option<f64> {
        let sd = self.sd.push(change)?;
        bulk_buy_volume(volume, change, sd)
    }

    /// Bars are missing here: the next close is not compared with the one before.
    pub const fn cut(&mut self) {
        self.close = None;
    }
}
