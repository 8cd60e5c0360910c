//! Members of the ensemble: L2 logistic regressions, boosted trees and forests in turn, each fitted on its own draw of time blocks.

use ndarray::Axis;
use serde::{Deserialize, Serialize};

use super::block::{Block, FitError};
use super::contributions::Contributions;
use super::explanation::on_log_odds;
use super::linear::{Linear, logistic};
use super::numbers::logit;
use super::trees::{Boosted, Columns, Forest, ForestSpec, Growth, Objective};
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

/// Log odds of a forest's mean vote.
fn of_votes(mean: f64) -> f64 {
    logit(mean.clamp(FOREST_EDGE, 1.0 - FOREST_EDGE))
}

impl Member {
    /// `x`: the inputs as they are; `scaled`: winsorised and standardised.
    #[must_use]
    pub fn logit(&self, x: &[f32], scaled: &[f64]) -> Option<f64> {
        match self {
            Self::Logistic(linear) => linear.at(scaled),
            Self::Boosted(boosted) => boosted.raw(x),
            Self::Forest(forest) => forest.mean(x).map(of_votes),
        }
    }

    /// [`Member::logit`] of all rows of a matrix and their scaled inputs, bit for bit.
    #[must_use]
    pub fn logits(&self, x: &Columns, scaled: &[&[f64]]) -> Option<Vec<f64>> {
        let all: Vec<u32> = (0..x.rows() as u32).collect();
        match self {
            Self::Logistic(linear) => scaled.iter().map(|row| linear.at(row)).collect(),
            Self::Boosted(boosted) => boosted.raw_rows(x, &all),
            Self::Forest(forest) => Some(forest.mean_rows(x, &all)?.into_iter().map(of_votes).collect()),
        }
    }

    /// The parts of [`Member::logit`], one per input; `None` where that is, and for trees that are too deep to explain.
    #[must_use]
    pub fn contributions(&self, x: &[f32], scaled: &[f64]) -> Option<Contributions> {
        match self {
            Self::Logistic(linear) => linear.contributions(scaled),
            Self::Boosted(boosted) => boosted.contributions(x),
            Self::Forest(forest) => forest.contributions(x).map(|votes| on_log_odds(&votes, FOREST_EDGE)),
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
    use super::super::dataset::Dataset;
    use super::super::numbers::sigmoid;
    use super::super::testkit::{Market, inputs, settings};
    use super::*;

    fn spec(index: u32) -> MemberSpec {
        MemberSpec { index, l2: 1.0, tree_depth: 3, stream: [9, 0, 0, u64::from(index)] }
    }

    #[test]
    fn every_kind_finds_the_planted_event_and_stops_when_asked() {
        let series = Market::planted(2, 6_000, 17).build();
        let settings = settings(6);
        let data = Dataset::build(&series, &settings, &settings.exits[0], 0.004);
        let block = Block::new(data.samples.iter().collect(), &inputs(), 24 * 3_600_000).unwrap();
        for index in 0..3 {
            let member = fit(&block, &spec(index), &|| true).unwrap();
            assert!(member.is_sound(inputs().len()));
            let said = |high: bool| {
                let rows = data.samples.iter().filter(|s| (s.features[0] > 0.0 && s.features[1] > 0.0) == high);
                let p: Vec<f64> = rows
                    .map(|s| member.logit(&block.scaler.pick(s.features).unwrap(), &block.scaler.transform(s.features)))
                    .map(|l| sigmoid(l.unwrap()))
                    .collect();
                p.iter().sum::<f64>() / p.len() as f64
            };
            assert!(said(true) > said(false) + 0.1, "member {index}: {} {}", said(true), said(false));
        }
        assert_eq!(fit(&block, &spec(1), &|| false), Err(FitError::Stopped));
        assert_eq!(fit(&block, &spec(2), &|| false), Err(FitError::Stopped));
    }

    #[test]
    fn blocks_stay_whole_and_weights_thin() {
        let blocks: Vec<u32> = (0..1_000).map(|row| row / 50).collect();
        let mut rng = SplitMix64::new(&[1]);
        let drawn = block_bootstrap(&blocks, &[1.0; 1_000], &mut rng);
        let jumps = drawn.windows(2).filter(|w| w[1] != w[0] + 1).count();
        assert!(jumps <= 21, "{jumps} jumps in {}", drawn.len());
        let weights: Vec<f64> = (0..1_000).map(|row| if row < 500 { 1.0 } else { 0.25 }).collect();
        let heavy = (0..40)
            .flat_map(|_| block_bootstrap(&blocks, &weights, &mut rng))
            .fold((0.0, 0.0), |(h, n), i| (h + f64::from(u8::from(i < 500)), n + 1.0));
        assert!((heavy.0 / heavy.1 - 0.8_f64).abs() < 0.05, "{heavy:?}");
    }
}
