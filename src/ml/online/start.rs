//! What a model takes along from its training, so that what follows it in use knows what was normal.

use serde::{Deserialize, Serialize};

use super::recalibration::{Observed, sound};
use crate::domain::Pair;
use crate::ml::drift::DriftReference;

/// Scores of the walk-forward that a model keeps at most: the latest ones, thinned evenly, their weights raised by what was left out.
pub const SCORES_KEPT: usize = 2_000;
/// Misses that a model keeps at most: the latest ones.
pub const MISSES_KEPT: usize = 500;

/// See the module's first line. Everything in it is out of sample: no row was judged by a fit that had seen it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// What [`Observed::pair`] counts.
    pub pairs: Vec<Pair>,
    /// By decision time, then pair.
    pub scores: Vec<Observed>,
    /// How far outcomes lay outside the 80 % band as modelled, in units of `σ24·√H`, in the order of decisions; negative inside.
    pub misses: Vec<f64>,
    /// Distributions of the inputs, in the order of the card's features, and of the loss; `None` where the rows were too few for one.
    pub drift: Option<DriftReference>,
}

impl Start {
    /// Whether one that was read back can be used.
    #[must_use]
    pub fn is_sound(&self, features: usize) -> bool {
        let key = |o: &Observed| (o.at, o.pair);
        self.scores.iter().all(|o| sound(o) && (o.pair as usize) < self.pairs.len())
            && self.scores.iter().zip(self.scores.iter().skip(1)).all(|(a, b)| key(a) < key(b))
            && self.misses.iter().all(|m| m.is_finite())
            && self.drift.as_ref().is_none_or(|d| d.is_sound() && d.features().len() == features)
    }
}
