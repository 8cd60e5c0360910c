//! Expected return over the horizon: an elastic net and boosted trees on returns in units of `σ24·√H`, so that pairs and calm or wild
//! times share one scale.

use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::block::{Block, FitError};
use super::cv::{Fold, Span, purged_kfold};
use super::dataset::Sample;
use super::linear::{Linear, Moments, elastic_net};
use super::scaler::{Input, Scaler};
use super::trees::{Boosted, Columns, Objective};

/// Share of the L1 part in the penalty.
const L1_RATIO: f64 = 0.5;
/// Penalties tried, strongest first; the strongest drops every slope below 0.05, which in a market without a strong drift leaves the
/// mean: the baseline to beat.
pub const PENALTIES: [f64; 3] = [0.1, 0.02, 0.004];
const INNER_FOLDS: usize = 5;

/// Rounds of boosting at most.
const ROUNDS: u32 = 200;
const DEPTH: u32 = 3;

/// The return model: two kinds of it, and how much each counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Returns {
    pub linear: Linear,
    pub boosted: Boosted,
    /// Weight of the boosted trees, 0..=1; the rest is the line's.
    pub share: f64,
}

impl Returns {
    /// What each kind forecasts, in units of `σ24·√H`: line, trees.
    #[must_use]
    pub fn each(&self, scaler: &Scaler, features: &[f32]) -> Option<[f64; 2]> {
        Some([self.linear.at(&scaler.transform(features))?, self.boosted.raw(&scaler.pick(features)?)?])
    }

    /// The forecast in units of `σ24·√H` from the kept inputs, as they are and scaled.
    #[must_use]
    pub fn at(&self, x: &[f32], scaled: &[f64]) -> Option<f64> {
        Some(mixed([self.linear.at(scaled)?, self.boosted.raw(x)?], self.share))
    }

    /// [`Returns::at`] of all rows of a matrix and their scaled inputs, bit for bit.
    #[must_use]
    pub fn at_many(&self, x: &Columns, scaled: &[&[f64]]) -> Option<Vec<f64>> {
        let all: Vec<u32> = (0..x.rows() as u32).collect();
        let trees = self.boosted.raw_rows(x, &all)?;
        scaled.iter().zip(trees).map(|(row, trees)| Some(mixed([self.linear.at(row)?, trees], self.share))).collect()
    }

    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        self.linear.is_sound(width) && self.boosted.is_sound(width) && (0.0..=1.0).contains(&self.share)
    }
}

/// Line and trees, the trees with this share.
#[must_use]
pub fn mixed([line, trees]: [f64; 2], share: f64) -> f64 {
    line + share * (trees - line)
}

/// Fits both kinds; they count the same until something out of sample says otherwise.
///
/// # Errors
/// [`FitError`].
pub fn fit_both(
    block: &Block<'_>,
    penalty: f64,
    stream: [u64; 4],
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Returns, FitError> {
    let linear = fit(&block.samples, &block.scaler, penalty).map_err(FitError::Failed)?;
    let boosted = block.boost(Objective::Squared, &block.returns, ROUNDS, DEPTH, stream, go_on)?;
    Ok(Returns { linear, boosted, share: 0.5 })
}

/// Fits on scaled rows; the objective is `(1/2n)·|y−Xw|² + a·l1·|w|₁ + a·(1−l1)/2·|w|²`, rows weighed.
///
/// # Errors
/// What the fit complains of.
pub fn fit(samples: &[&Sample<'_>], scaler: &Scaler, penalty: f64) -> Result<Linear, String> {
    elastic_net(&moments(samples, scaler)?, penalty, L1_RATIO)
}

fn moments(samples: &[&Sample<'_>], scaler: &Scaler) -> Result<Moments, String> {
    let mut x = Array2::zeros((samples.len(), scaler.width()));
    for (mut row, sample) in x.rows_mut().into_iter().zip(samples) {
        for (slot, value) in row.iter_mut().zip(scaler.transform(sample.features)) {
            *slot = value;
        }
    }
    let y: Vec<f64> = samples.iter().map(|s| s.scaled_return).collect();
    let weights: Vec<f64> = samples.iter().map(|s| s.weight).collect();
    Moments::of(&x, &y, Some(&weights))
}

/// The penalty with the smallest squared error in a purged, embargoed k-fold over these samples (which must lie before everything
/// that will be judged). Ties go to the stronger one.
///
/// # Errors
/// As [`fit`].
pub fn choose_penalty(samples: &[&Sample<'_>], keep: &[Input], embargo_ms: i64) -> Result<f64, String> {
    let spans: Vec<Span> = samples.iter().map(|s| Span { start: s.at.0, end: s.known.0 }).collect();
    let folds = purged_kfold(&spans, INNER_FOLDS, embargo_ms);
    let errors: Vec<[f64; PENALTIES.len()]> =
        folds.par_iter().map(|fold| squared_errors(samples, fold, keep)).collect::<Result<_, _>>()?;
    let [strongest, ..] = PENALTIES;
    let mut best = (strongest, f64::INFINITY);
    for (n, penalty) in PENALTIES.iter().enumerate() {
        let sum: f64 = errors.iter().filter_map(|of_fold| of_fold.get(n)).sum();
        if sum < best.1 {
            best = (*penalty, sum);
        }
    }
    Ok(best.0)
}

/// Sum of weighted squared errors on the test block, for each penalty; nothing from a block with too few rows.
fn squared_errors(samples: &[&Sample<'_>], fold: &Fold, keep: &[Input]) -> Result<[f64; PENALTIES.len()], String> {
    let of = |indices: &[usize]| indices.iter().filter_map(|i| samples.get(*i)).copied().collect::<Vec<_>>();
    let train = of(&fold.train);
    let mut errors = [0.0; PENALTIES.len()];
    if train.len() <= keep.len() {
        return Ok(errors);
    }
    let scaler = Scaler::fit(&train.iter().map(|s| s.features).collect::<Vec<_>>(), keep);
    let moments = moments(&train, &scaler)?;
    let test = of(&fold.test);
    for (penalty, error) in PENALTIES.iter().zip(&mut errors) {
        let model = elastic_net(&moments, *penalty, L1_RATIO)?;
        let of_row =
            |s: &&Sample<'_>| Some(s.weight * (s.scaled_return - model.at(&scaler.transform(s.features))?).powi(2));
        *error = test.iter().filter_map(of_row).sum();
    }
    Ok(errors)
}

#[cfg(test)]
mod tests {
    use super::super::dataset::Dataset;
    use super::super::testkit::{Market, inputs, settings};
    use super::*;

    fn chosen(market: Market) -> (f64, Linear) {
        let settings = settings(6);
        let series = market.build();
        let data = Dataset::build(&series, &settings, &settings.exits[0], 0.004);
        let samples: Vec<&Sample<'_>> = data.samples.iter().collect();
        let penalty = choose_penalty(&samples, &inputs(), 6 * 3_600_000).unwrap();
        let scaler = Scaler::fit(&samples.iter().map(|s| s.features).collect::<Vec<_>>(), &inputs());
        (penalty, fit(&samples, &scaler, penalty).unwrap())
    }

    #[test]
    fn noise_is_shrunk_to_next_to_nothing() {
        let (penalty, model) = chosen(Market::noise(2, 6_000, 8));
        assert_eq!(penalty, PENALTIES[0]);
        assert!(model.coefficients.iter().all(|c| c.abs() < 0.05), "{model:?}");
    }

    #[test]
    fn a_real_drift_is_kept() {
        let (_, model) = chosen(Market::planted(2, 6_000, 8));
        let [first, second, rest @ ..] = model.coefficients.as_slice() else { panic!("features") };
        assert!(*first > 0.05 && *second > 0.05, "{model:?}");
        assert!(rest.iter().all(|c| c.abs() < first.min(*second)), "{model:?}");
    }
}
