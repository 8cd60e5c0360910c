//! What a model takes along from its training, so that what follows it in use knows what was normal.

use serde::{Deserialize, Serialize};

use super::recalibration::{Observed, WINDOW_MS, sound};
use crate::domain::random::SplitMix64;
use crate::domain::{Pair, UtcMs};
use crate::ml::crossfit::Judged;
use crate::ml::dataset::{Dataset, stride_of};
use crate::ml::drift::control::Control;
use crate::ml::drift::{DriftReference, FeatureHistory};
use crate::ml::numbers::{mean, tidy};
use crate::ml::scaler::Input;
use crate::ml::walk::{Combination, OutOfSample};

/// Scores of the walk-forward that a model keeps at most: the latest ones, thinned evenly, their weights raised by what was left out.
pub const SCORES_KEPT: usize = 2_000;
/// Misses that a model keeps at most: the latest ones.
pub const MISSES_KEPT: usize = 500;

/// Instants of the training rows that a distribution is taken from at most.
const INSTANTS_KEPT: usize = 6_000;
/// Losses are bounded by that of a confidence this far from certainty.
pub(super) const EDGE: f64 = 1e-6;

/// See the module's first line. Everything in it is out of sample: no row was judged by a fit that had seen it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Hours between two decisions of a pair, in training and in use.
    pub stride: u32,
    /// What [`Observed::pair`] counts.
    pub pairs: Vec<Pair>,
    /// By decision time, then pair.
    pub scores: Vec<Observed>,
    /// How far outcomes lay outside the 80 % band as modelled, in units of `σ24·√H`, in the order of decisions; negative inside.
    pub misses: Vec<f64>,
    /// Distributions of the inputs, in the order of the card's features, and of the loss; `None` where the rows were too few for one.
    pub drift: Option<DriftReference>,
}

/// What training knows when it makes a start.
pub struct Training<'r, 'a> {
    pub data: &'r Dataset<'a>,
    /// Least hours between two decisions of a pair, as it was set.
    pub stride_hours: u32,
    /// The walk-forward, and how its members are combined in the model.
    pub rows: &'r [OutOfSample<'a>],
    pub combination: &'r Combination,
    /// The rows that were judged with calibrators of earlier blocks.
    pub judged: &'r [Judged<'a>],
    /// The model's features, in its order.
    pub inputs: &'r [Input],
    pub seed: u64,
}

impl Start {
    #[must_use]
    pub fn of(training: &Training<'_, '_>) -> Self {
        let data = training.data;
        Self {
            stride: stride_of(training.stride_hours, data.exits.horizon),
            pairs: data.pairs.clone(),
            scores: scores(training),
            misses: misses(training.rows),
            drift: drift(training),
        }
    }

    /// Whether one that was read back can be used.
    #[must_use]
    pub fn is_sound(&self, features: usize) -> bool {
        let key = |o: &Observed| (o.at, o.pair);
        self.stride > 0
            && self.scores.iter().all(|o| sound(o) && (o.pair as usize) < self.pairs.len())
            && self.scores.iter().zip(self.scores.iter().skip(1)).all(|(a, b)| key(a) < key(b))
            && self.misses.iter().all(|m| m.is_finite())
            && self.drift.as_ref().is_none_or(|d| d.is_sound() && d.features().len() == features)
    }
}

fn scores(training: &Training<'_, '_>) -> Vec<Observed> {
    let newest = training.rows.iter().map(|r| r.sample.known).max().unwrap_or_default();
    let all = training.rows.iter().filter(|r| r.sample.at >= newest.plus(-WINDOW_MS)).filter_map(|row| {
        Some(Observed {
            pair: u32::try_from(row.sample.pair).ok()?,
            at: row.sample.at,
            known: row.sample.known,
            logit: tidy(training.combination.vote(row)?.logit),
            win: row.sample.win,
            weight: row.sample.weight,
        })
    });
    let mut all: Vec<Observed> = all.collect();
    all.sort_by_key(|o| (o.at, o.pair));
    let raised = all.len() as f64 / SCORES_KEPT.min(all.len()).max(1) as f64;
    let mut kept = thinned(all, SCORES_KEPT, training.seed);
    for score in &mut kept {
        score.weight = tidy(score.weight * raised);
    }
    kept
}

/// One at random of each of `keep` equal parts: a fixed step would meet the same pair again and again.
fn thinned<T: Copy>(all: Vec<T>, keep: usize, seed: u64) -> Vec<T> {
    let n = all.len();
    if n <= keep {
        return all;
    }
    let mut rng = SplitMix64::new(&[seed, n as u64]);
    let part = |i: usize| i * n / keep;
    (0..keep).filter_map(|i| all.get(part(i) + rng.below(part(i + 1) - part(i)))).copied().collect()
}

fn misses(rows: &[OutOfSample<'_>]) -> Vec<f64> {
    let miss = |row: &OutOfSample<'_>| {
        let (low, high) = row.quantiles.eighty();
        let came = row.sample.scaled_return;
        (low - came).max(came - high)
    };
    let mut dated: Vec<(UtcMs, usize, f64)> = rows.iter().map(|r| (r.sample.at, r.sample.pair, miss(r))).collect();
    dated.sort_by_key(|(at, pair, _)| (*at, *pair));
    dated.iter().skip(dated.len().saturating_sub(MISSES_KEPT)).map(|d| tidy(d.2)).collect()
}

fn drift(training: &Training<'_, '_>) -> Option<DriftReference> {
    let samples = &training.data.samples;
    let instants: Vec<UtcMs> = samples.chunk_by(|a, b| a.at == b.at).filter_map(|c| c.first()).map(|s| s.at).collect();
    let step = instants.len().div_ceil(INSTANTS_KEPT).max(1);
    let kept: Vec<UtcMs> = instants.into_iter().step_by(step).collect();
    let rows = || samples.iter().filter(|s| kept.binary_search(&s.at).is_ok());
    let history = |input: &Input| FeatureHistory {
        feature: input.feature.clone(),
        values: rows().filter_map(|s| Some((s.at, f64::from(*s.features.get(input.place)?)))).collect(),
    };
    let inputs: Vec<FeatureHistory> = training.inputs.iter().map(history).collect();
    let loss = |judged: &Judged<'_>| {
        let said = if judged.sample.win { judged.confidence } else { 1.0 - judged.confidence };
        -said.clamp(EDGE, 1.0).ln()
    };
    let mut dated: Vec<(UtcMs, f64)> = training.judged.iter().map(|j| (j.sample.at, loss(j))).collect();
    dated.sort_by_key(|(at, _)| *at);
    let mean_of = |same: &[(UtcMs, f64)]| mean(&same.iter().map(|d| d.1).collect::<Vec<_>>());
    let losses: Vec<f64> = dated.chunk_by(|a, b| a.0 == b.0).filter_map(mean_of).collect();
    let spacing = stride_of(training.stride_hours, training.data.exits.horizon);
    DriftReference::of(&inputs, &losses, spacing, &Control { seed: training.seed, ..Control::default() })
}
