//! The spread that the bounce between bid and ask betrays.

use crate::pipeline::kernels::window::{CoMoments, Sliding};

/// Roll's estimate (1984) of the effective spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Roll {
    /// Sample covariance of a price change with the one before it.
    pub serial_cov: f64,
    /// 2·√(−covariance) in quote units; 0 when prices do not bounce.
    pub spread: f64,
}

/// [`Roll`] over the newest `n` pairs of neighbouring price changes, `n` at least 2.
#[derive(Debug, Clone)]
pub struct RollSpread {
    n: f64,
    price: Option<f64>,
    change: Option<f64>,
    pairs: Sliding<CoMoments>,
}

impl RollSpread {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(2);
        Self { n: n as f64, price: None, change: None, pairs: Sliding::new(n) }
    }

    /// Takes the price of a trade.
    pub fn push(&mut self, price: f64) -> Option<Roll> {
        let change = price - self.price.replace(price)?;
        let before = self.change.replace(change)?;
        let pairs = self.pairs.push(CoMoments::of(change, before))?;
        let serial_cov = pairs.xy / (self.n - 1.0);
        Some(Roll { serial_cov, spread: 2.0 * (-serial_cov).max(0.0).sqrt() })
    }

    /// Trades are missing here: neither price nor change is compared with what follows.
    pub const fn cut(&mut self) {
        (self.price, self.change) = (None, None);
    }
}
