//! The spread that the bounce between bid and ask betrays.

use super::line::Pairs;
use crate::pipeline::kernels::window::Sliding;

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
    price: Option<f64>,
    change: Option<f64>,
    pairs: Sliding<Pairs>,
}

impl RollSpread {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { price: None, change: None, pairs: Sliding::new(n.max(2)) }
    }

    /// Takes the price of a trade.
    pub fn push(&mut self, price: f64) -> Option<Roll> {
        let change = price - self.price.replace(price)?;
        let before = self.change.replace(change)?;
        let pairs = self.pairs.push(Pairs::of(change, before))?;
        let serial_cov = pairs.xy / (pairs.n - 1.0);
        Some(Roll { serial_cov, spread: 2.0 * (-serial_cov).max(0.0).sqrt() })
    }

    /// Trades are missing here: neither price nor change is compared with what follows.
    pub const fn cut(&mut self) {
        (self.price, self.change) = (None, None);
    }
}
