//! How far the return may stray: quantile trees, widened until they hold what they promise (conformalised quantile regression, Romano,
//! Patterson & Candès 2019).

use serde::{Deserialize, Serialize};

use super::block::{Block, FitError};
use super::numbers::tidy;
use super::trees::{Boosted, Objective};

/// Quantiles that are modelled, in order: the edges of the 90 % and of the 80 % band.
const QUANTILES: [f64; 4] = [0.05, 0.10, 0.90, 0.95];
/// Shares of returns that the bands may miss: of the 80 % and of the 90 % band.
pub const ALPHAS: [f64; 2] = [0.2, 0.1];
const ROUNDS: u32 = 100;
const DEPTH: u32 = 3;

/// Edges of the two bands for one row, in units of `σ24·√H`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Edges {
    pub eighty: (f64, f64),
    pub ninety: (f64, f64),
}

/// Quantile models without the widening.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    models: Vec<Boosted>,
}

impl Quantiles {
    /// One model per quantile.
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

    /// The bands as modelled; crossed quantiles are put in order.
    #[must_use]
    pub fn edges(&self, x: &[f32]) -> Option<Edges> {
        let mut said: Vec<f64> = self.models.iter().map(|m| m.raw(x)).collect::<Option<_>>()?;
        said.sort_by(f64::total_cmp);
        let [a, b, c, d] = said.try_into().ok()?;
        Some(Edges { eighty: (b, c), ninety: (a, d) })
    }

    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        self.models.len() == QUANTILES.len() && self.models.iter().all(|m| m.is_sound(width))
    }
}

/// How much each band is widened on both sides; negative values narrow it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Widening {
    pub eighty: f64,
    pub ninety: f64,
}

impl Widening {
    /// From out-of-sample edges and what came.
    #[must_use]
    pub fn fit(rows: &[(Edges, f64)]) -> Self {
        let of = |edges: fn(&Edges) -> (f64, f64), alpha: f64| {
            let misses: Vec<f64> = rows.iter().map(|(e, y)| miss(edges(e), *y)).collect();
            tidy(super::conformal::quantile(&misses, alpha))
        };
        let [eighty, ninety] = ALPHAS;
        Self { eighty: of(|e| e.eighty, eighty), ninety: of(|e| e.ninety, ninety) }
    }

    /// The bands that hold.
    #[must_use]
    pub fn widen(&self, edges: &Edges) -> Edges {
        let wide = |(low, high): (f64, f64), by: f64| {
            let (a, b) = (low - by, high + by);
            // a narrowing may not turn a band inside out
            if a <= b { (a, b) } else { (f64::midpoint(a, b), f64::midpoint(a, b)) }
        };
        Edges { eighty: wide(edges.eighty, self.eighty), ninety: wide(edges.ninety, self.ninety) }
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.eighty.is_finite() && self.ninety.is_finite()
    }
}

/// How far outside the band a value lies; negative inside.
fn miss((low, high): (f64, f64), y: f64) -> f64 {
    (low - y).max(y - high)
}

/// Whether a band holds a value.
#[must_use]
pub fn holds((low, high): (f64, f64), y: f64) -> bool {
    (low..=high).contains(&y)
}
