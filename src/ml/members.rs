//! Members of the ensemble: L2 logistic regressions and shallow trees, each fitted on its own block bootstrap.

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

pub use super::linear::Linear;
use super::numbers::{tidy, tidy_all};
use super::tree::{Tree, TreeData};
use crate::domain::random::SplitMix64;

/// Steps of the optimiser (L-BFGS) after which the best point so far is taken.
const MAX_STEPS: u64 = 60;
/// Gradient, per row, at which it has converged: far below the sampling error of a coefficient.
const GRADIENT_PER_ROW: f64 = 1e-5;
/// Rows that a tree is grown on at most; leaves always use all of them.
const TREE_ROWS: usize = 8_000;

/// One member; its output is log odds of the gated event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    Logistic(Linear),
    Tree(Tree),
}

impl Member {
    #[must_use]
    pub fn logit(&self, x: &[f64]) -> Option<f64> {
        match self {
            Self::Logistic(linear) => linear.at(x),
            Self::Tree(tree) => tree.logit(x),
        }
    }

    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        match self {
            Self::Logistic(linear) => linear.is_sound(width),
            Self::Tree(tree) => tree.is_sound(width),
        }
    }
}

/// Training rows of one fold, oldest first.
pub struct TrainingRows {
    /// Scaled inputs.
    pub x: Array2<f64>,
    pub wins: Vec<bool>,
    pub at: Vec<i64>,
    /// Effective weights.
    pub weights: Vec<f64>,
}

/// How a member is fitted.
#[derive(Debug, Clone, Copy)]
pub struct MemberSpec {
    /// Position in the ensemble: even ones are logistic, odd ones trees.
    pub index: u32,
    pub l2: f64,
    pub tree_depth: u32,
    /// Length of the bootstrap's blocks in ms; at least the horizon.
    pub block_ms: i64,
    /// Seed of the stream; differs per model, fold and member.
    pub stream: [u64; 4],
}

/// Fits one member.
///
/// # Errors
/// What went wrong, in words: a draw with one class only, or the library's complaint.
pub fn fit(rows: &TrainingRows, spec: &MemberSpec) -> Result<Member, String> {
    let mut rng = SplitMix64::new(&spec.stream);
    let drawn = block_bootstrap(&rows.at, &rows.weights, spec.block_ms, &mut rng);
    if spec.index % 2 == 1 {
        let step = drawn.len().div_ceil(TREE_ROWS).max(1);
        let drawn: Vec<usize> = drawn.into_iter().step_by(step).collect();
        let data = TreeData { x: &rows.x, wins: &rows.wins, weights: &rows.weights };
        return Ok(Member::Tree(Tree::fit(&data, &drawn, spec.tree_depth)?));
    }
    fit_logistic(rows, &drawn, spec.l2).map(Member::Logistic)
}

/// The likelihood of overlapping rows counts each piece of evidence several times, so the penalty is raised by rows per effective
/// observation: `l2` then means the same whatever the overlap.
fn fit_logistic(rows: &TrainingRows, drawn: &[usize], l2: f64) -> Result<Linear, String> {
    let wins: Array1<bool> = drawn.iter().filter_map(|i| rows.wins.get(*i)).copied().collect();
    let effective: f64 = rows.weights.iter().sum();
    let alpha = l2 * (drawn.len() as f64 / effective.max(1.0)).max(1.0);
    let model = LogisticRegression::<f64>::default()
        .alpha(alpha)
        .max_iterations(MAX_STEPS)
        .gradient_tolerance(GRADIENT_PER_ROW * drawn.len().max(1) as f64)
        .fit(&DatasetBase::new(rows.x.select(Axis(0), drawn), wins))
        .map_err(|e| e.to_string())?;
    // The library takes the more frequent class as the positive one.
    let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
    let coefficients: Vec<f64> = model.params().iter().map(|c| sign * c).collect();
    let linear = Linear { intercept: tidy(sign * model.intercept()), coefficients: tidy_all(&coefficients) };
    if linear.is_sound(rows.x.ncols()) { Ok(linear) } else { Err("a coefficient is not finite".to_owned()) }
}

/// Draws as many time blocks as there are, with replacement; rows of one instant stay together. Within a block a row is kept
/// with probability weight / largest weight, so that overlapping rows do not vote several times.
fn block_bootstrap(at: &[i64], weights: &[f64], block_ms: i64, rng: &mut SplitMix64) -> Vec<usize> {
    let block_ms = block_ms.max(1);
    let offset = rng.below(usize::try_from(block_ms).unwrap_or(usize::MAX)) as i64;
    let indexed: Vec<(usize, i64)> = at.iter().map(|t| (t + offset).div_euclid(block_ms)).enumerate().collect();
    let blocks: Vec<&[(usize, i64)]> = indexed.chunk_by(|a, b| a.1 == b.1).collect();
    let heaviest = weights.iter().copied().fold(0.0, f64::max);
    let mut out = Vec::with_capacity(at.len());
    for _ in 0..blocks.len() {
        let Some(block) = blocks.get(rng.below(blocks.len())) else { continue };
        for (i, _) in *block {
            if rng.unit() * heaviest < weights.get(*i).copied().unwrap_or(0.0) {
                out.push(*i);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::numbers::sigmoid;
    use super::*;

    fn spec(index: u32) -> MemberSpec {
        MemberSpec { index, l2: 1.0, tree_depth: 3, block_ms: 24, stream: [9, 0, 0, u64::from(index)] }
    }

    /// Log odds −1 + 1.5·x0; wins are the minority.
    fn rows(n: usize) -> TrainingRows {
        let mut rng = SplitMix64::new(&[17]);
        let x = Array2::from_shape_fn((n, 4), |_| rng.normal());
        let wins = x.rows().into_iter().map(|r| rng.unit() < sigmoid(-1.0 + 1.5 * r[0])).collect();
        TrainingRows { x, wins, at: (0..n as i64).collect(), weights: vec![1.0; n] }
    }

    #[test]
    fn a_logistic_member_recovers_the_law() {
        let rows = rows(6_000);
        let Member::Logistic(linear) = fit(&rows, &spec(0)).unwrap() else { panic!("even members are logistic") };
        assert!((linear.intercept + 1.0).abs() < 0.12, "{linear:?}");
        assert!((linear.coefficients[0] - 1.5).abs() < 0.15, "{linear:?}");
        assert!(linear.coefficients[1..].iter().all(|c| c.abs() < 0.12), "{linear:?}");
    }

    #[test]
    fn the_sign_survives_when_wins_are_the_majority() {
        let mut rows = rows(6_000);
        rows.wins.iter_mut().for_each(|w| *w = !*w);
        let Member::Logistic(linear) = fit(&rows, &spec(0)).unwrap() else { panic!("even members are logistic") };
        assert!((linear.intercept - 1.0).abs() < 0.12 && (linear.coefficients[0] + 1.5).abs() < 0.15, "{linear:?}");
    }

    #[test]
    fn overlap_raises_the_penalty() {
        let mut rows = rows(2_000);
        let free = fit(&rows, &spec(0)).unwrap();
        rows.weights = vec![0.005; 2_000];
        let bound = fit(&rows, &spec(0)).unwrap();
        let size = |m: &Member| if let Member::Logistic(l) = m { l.coefficients[0].abs() } else { 0.0 };
        assert!(size(&bound) < 0.9 * size(&free), "{} {}", size(&bound), size(&free));
    }

    #[test]
    fn one_class_is_an_error_in_words() {
        let mut rows = rows(200);
        rows.wins = vec![false; 200];
        assert!(fit(&rows, &spec(0)).is_err());
    }

    #[test]
    fn blocks_stay_whole_and_weights_thin() {
        let at: Vec<i64> = (0..1_000).collect();
        let mut rng = SplitMix64::new(&[1]);
        let drawn = block_bootstrap(&at, &[1.0; 1_000], 50, &mut rng);
        let jumps = drawn.windows(2).filter(|w| w[1] != w[0] + 1).count();
        assert!(jumps <= 21, "{jumps} jumps in {}", drawn.len());
        let weights: Vec<f64> = at.iter().map(|t| if *t < 500 { 1.0 } else { 0.25 }).collect();
        let heavy = (0..40)
            .flat_map(|_| block_bootstrap(&at, &weights, 50, &mut rng))
            .fold((0.0, 0.0), |(h, n), i| (h + f64::from(u8::from(i < 500)), n + 1.0));
        assert!((heavy.0 / heavy.1 - 0.8_f64).abs() < 0.05, "{heavy:?}");
    }
}
