//! Members of the ensemble: L2 logistic regressions, boosted trees and forests in turn, each fitted on its own draw of time blocks.

use ndarray::Axis;
use serde::{Deserialize, Serialize};

use super::block::{Block, FitError};
use super::linear::{Linear, logistic};
use super::numbers::logit;
use super::trees::{Boosted, Forest, ForestSpec, Growth, Objective};
use crate::domain::random::SplitMix64;

/// Rounds of boosting at most; the rows behind the learning ones say when to stop.
const ROUNDS: u32 = 300;
/// Trees of a forest.
const TREES: u32 = 100;
/// Depth that a forest's trees may have beyond the boosted ones.
const DEEPER: u32 = 4;

/// One member; its output is log odds of the gated event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Member {
    Logistic(Linear),
    Boosted(Boosted),
    Forest(Forest),
}

/// What a forest says is kept this far from certainty: a leaf without one of the outcomes has not proved that there is none.
const FOREST_EDGE: f64 = 0.005;

impl Member {
    /// `x`: the inputs as they are; `scaled`: winsorised and standardised.
    #[must_use]
    pub fn logit(&self, x: &[f32], scaled: &[f64]) -> Option<f64> {
        match self {
            Self::Logistic(linear) => linear.at(scaled),
            Self::Boosted(boosted) => boosted.raw(x),
            Self::Forest(forest) => forest.mean(x).map(|p| logit(p.clamp(FOREST_EDGE, 1.0 - FOREST_EDGE))),
        }
    }

    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        match self {
            Self::Logistic(linear) => linear.is_sound(width),
            Self::Boosted(boosted) => boosted.is_sound(width),
            Self::Forest(forest) => forest.is_sound(width),
        }
    }
}

/// How a member is fitted.
#[derive(Debug, Clone, Copy)]
pub struct MemberSpec {
    /// Position in the ensemble: logistic, boosted trees and forest in turn.
    pub index: u32,
    pub l2: f64,
    pub tree_depth: u32,
    /// Seed of the stream; differs per model, fold and member.
    pub stream: [u64; 4],
}

/// Fits one member; `go_on` is asked now and then.
///
/// # Errors
/// [`FitError`]: stopped, or what went wrong in words.
pub fn fit(block: &Block<'_>, spec: &MemberSpec, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Member, FitError> {
    match spec.index % 3 {
        0 => {
            let mut rng = SplitMix64::new(&spec.stream);
            let drawn = block_bootstrap(&block.blocks, &block.weights, &mut rng);
            fit_logistic(block, &drawn, spec.l2).map(Member::Logistic).map_err(FitError::Failed)
        }
        1 => block
            .boost(Objective::Logistic, &block.wins, ROUNDS, spec.tree_depth, spec.stream, go_on)
            .map(Member::Boosted),
        _ => forest(block, spec, go_on).map(Member::Forest),
    }
}

fn forest(block: &Block<'_>, spec: &MemberSpec, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Forest, FitError> {
    let columns = block.binned.width() as f64;
    let growth = Growth {
        max_depth: spec.tree_depth + DEEPER,
        columns_per_split: Some(columns.sqrt().ceil() as u32),
        ..block.growth()
    };
    let spec = ForestSpec { trees: TREES, growth, seed: SplitMix64::new(&spec.stream).next_u64() };
    block.forest(&spec, go_on)
}

/// The likelihood of overlapping rows counts each piece of evidence several times, so the penalty is raised by rows per effective
/// observation: `l2` then means the same whatever the overlap.
fn fit_logistic(block: &Block<'_>, drawn: &[usize], l2: f64) -> Result<Linear, String> {
    let wins: Vec<bool> = drawn.iter().filter_map(|i| block.wins.get(*i)).map(|w| *w > 0.5).collect();
    let effective: f64 = block.weights.iter().sum();
    let penalty = l2 * (drawn.len() as f64 / effective.max(1.0)).max(1.0);
    logistic(&block.x.select(Axis(0), drawn), &wins, 1.0 / penalty)
}

/// Draws as many time blocks as there are, with replacement; rows of one instant stay together. Within a block a row is kept
/// with probability weight / largest weight, so that overlapping rows do not vote several times.
fn block_bootstrap(blocks: &[u32], weights: &[f64], rng: &mut SplitMix64) -> Vec<usize> {
    let numbered: Vec<(usize, u32)> = blocks.iter().copied().enumerate().collect();
    let groups: Vec<&[(usize, u32)]> = numbered.chunk_by(|a, b| a.1 == b.1).collect();
    let heaviest = weights.iter().copied().fold(0.0, f64::max);
    let mut out = Vec::with_capacity(blocks.len());
    for _ in 0..groups.len() {
        let Some(group) = groups.get(rng.below(groups.len())) else { continue };
        for (i, _) in *group {
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
