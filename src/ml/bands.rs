//! How far the return may stray, as quantile trees see it. What they say holds only after [`cqr`](super::conformal::cqr) has widened it.

use serde::{Deserialize, Serialize};

use super::block::{Block, FitError};
use super::conformal::cqr::Quantiles;
use super::trees::{Boosted, Columns, Objective};

/// Quantiles that are modelled, in order: the ends of the 90 % and of the 80 % band.
const QUANTILES: [f64; 4] = [0.05, 0.10, 0.90, 0.95];
const ROUNDS: u32 = 100;
const DEPTH: u32 = 3;

/// Boosted trees for each quantile of the return in units of `σ24·√H`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantileTrees {
    models: Vec<Boosted>,
}

impl QuantileTrees {
    /// One model per quantile; the stream's last part counts up.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn fit(block: &Block<'_>, stream: [u64; 4], go_on: &(dyn Fn() -> bool + Sync)) -> Result<Self, FitError> {
        let [seed, horizon, fold, first] = stream;
        let models = QUANTILES
            .iter()
            .zip(first..)
            .map(|(q, n)| {
                let objective = Objective::Pinball { q: *q };
                block.boost(objective, &block.returns, ROUNDS, DEPTH, [seed, horizon, fold, n], go_on)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { models })
    }

    /// What the models say of one row; `None` for a row of another width.
    #[must_use]
    pub fn at(&self, x: &[f32]) -> Option<Quantiles> {
        let said: Vec<f64> = self.models.iter().map(|m| m.raw(x)).collect::<Option<_>>()?;
        let [q05, q10, q90, q95] = said.try_into().ok()?;
        Some(Quantiles { q05, q10, q90, q95 })
    }

    /// [`QuantileTrees::at`] of all rows of a matrix, bit for bit.
    #[must_use]
    pub fn at_many(&self, x: &Columns) -> Option<Vec<Quantiles>> {
        let all: Vec<u32> = (0..x.rows() as u32).collect();
        let said: Vec<Vec<f64>> = self.models.iter().map(|m| m.raw_rows(x, &all)).collect::<Option<_>>()?;
        let [q05, q10, q90, q95] = said.as_slice() else { return None };
        let rows = q05.iter().zip(q10).zip(q90.iter().zip(q95));
        Some(rows.map(|((q05, q10), (q90, q95))| Quantiles { q05: *q05, q10: *q10, q90: *q90, q95: *q95 }).collect())
    }

    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        self.models.len() == QUANTILES.len() && self.models.iter().all(|m| m.is_sound(width))
    }
}
