//! Expected return over the horizon: an elastic net and boosted trees on returns in units of `σ24·√H`, so that pairs and calm or wild
//! times share one scale.

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use linfa_elasticnet::ElasticNet;
use ndarray::{Array1, Array2, ShapeBuilder};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cv::{Fold, Span, purged_kfold};
use super::dataset::Sample;
use super::block::{Block, FitError};
use super::linear::Linear;
use super::numbers::{mean, tidy, tidy_all};
use super::scaler::{Input, Scaler};
use super::trees::{Boosted, Objective};

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

    /// The forecast in units of `σ24·√H`.
    #[must_use]
    pub fn at(&self, scaler: &Scaler, features: &[f32]) -> Option<f64> {
        self.each(scaler, features).map(|kinds| mixed(kinds, self.share))
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

/// Fits on scaled rows; the objective is `(1/2n)·|y−Xw|² + a·l1·|w|₁ + a·(1−l1)/2·|w|²`.
///
/// # Errors
/// The library's complaint, or a coefficient that is not finite.
pub fn fit(samples: &[&Sample<'_>], scaler: &Scaler, penalty: f64) -> Result<Linear, String> {
    // Column order: coordinate descent walks along columns.
    let mut x = Array2::<f64>::zeros((samples.len(), scaler.width()).f());
    for (mut row, sample) in x.rows_mut().into_iter().zip(samples) {
        for (slot, value) in row.iter_mut().zip(scaler.transform(sample.features)) {
            *slot = value;
        }
    }
    let y: Array1<f64> = samples.iter().map(|s| s.scaled_return).collect();
    let model = ElasticNet::params()
        .penalty(penalty)
        .l1_ratio(L1_RATIO)
        .fit(&DatasetBase::new(x, y))
        .map_err(|e| e.to_string())?;
    let coefficients: Vec<f64> = model.hyperplane().iter().copied().collect();
    let linear = Linear { intercept: tidy(model.intercept()), coefficients: tidy_all(&coefficients) };
    if linear.is_sound(scaler.width()) { Ok(linear) } else { Err("a coefficient is not finite".to_owned()) }
}

/// The penalty with the smallest squared error in a purged, embargoed k-fold over these samples (which must lie before everything
/// that will be judged). Ties go to the stronger one.
///
/// # Errors
/// As [`fit`].
pub fn choose_penalty(samples: &[&Sample<'_>], keep: &[Input], embargo_ms: i64) -> Result<f64, String> {
    let spans: Vec<Span> = samples.iter().map(|s| Span { start: s.at.0, end: s.known.0 }).collect();
    let folds = purged_kfold(&spans, INNER_FOLDS, embargo_ms);
    let jobs: Vec<(f64, &Fold)> = PENALTIES.iter().flat_map(|p| folds.iter().map(|f| (*p, f))).collect();
    let errors: Vec<Vec<f64>> = jobs
        .par_iter()
        .map(|(penalty, fold)| squared_errors(samples, fold, keep, *penalty))
        .collect::<Result<_, _>>()?;
    let [strongest, ..] = PENALTIES;
    let mut best = (strongest, f64::INFINITY);
    for (penalty, of_folds) in PENALTIES.iter().zip(errors.chunks(folds.len().max(1))) {
        if let Some(error) = mean(&of_folds.concat()).filter(|e| *e < best.1) {
            best = (*penalty, error);
        }
    }
    Ok(best.0)
}

fn squared_errors(samples: &[&Sample<'_>], fold: &Fold, keep: &[Input], penalty: f64) -> Result<Vec<f64>, String> {
    let of = |indices: &[usize]| indices.iter().filter_map(|i| samples.get(*i)).copied().collect::<Vec<_>>();
    let train = of(&fold.train);
    if train.len() <= keep.len() {
        return Ok(Vec::new());
    }
    let scaler = Scaler::fit(&train.iter().map(|s| s.features).collect::<Vec<_>>(), keep);
    let model = fit(&train, &scaler, penalty)?;
    Ok(of(&fold.test)
        .iter()
        .filter_map(|s| Some((s.scaled_return - model.at(&scaler.transform(s.features))?).powi(2)))
        .collect())
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
