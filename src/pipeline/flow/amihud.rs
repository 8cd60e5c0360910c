//! How far the price gives way per unit of money traded.

use crate::pipeline::kernels::RollingSum;

/// Amihud's illiquidity (2002): mean of |log return| / quote volume over the newest `n` bars in which something was traded.
#[derive(Debug, Clone)]
pub struct Amihud {
    n: f64,
    close: Option<f64>,
    sum: RollingSum,
}

impl Amihud {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { n: n as f64, close: None, sum: RollingSum::new(n) }
    }

    /// Takes a bar. One without volume is no observation, but its close is where the next return starts.
    pub fn push(&mut self, close: f64, quote_volume: f64) -> Option<f64> {
        let before = self.close.replace(close)?;
        if quote_volume <= 0.0 {
            return None;
        }
        let share = (close / before).ln().abs() / quote_volume;
        self.sum.push(share).map(|sum| sum / self.n)
    }

    /// Bars are missing here: the next close is not compared with the one before.
    pub const fn cut(&mut self) {
        self.close = None;
    }
}
