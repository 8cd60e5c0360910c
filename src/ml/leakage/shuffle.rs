//! Training on labels in another order: whoever learns something from them has seen the answers.

use serde::{Deserialize, Serialize};

use super::report::{Finding, LeakageTest, TestReport};
use crate::domain::random::SplitMix64;
use crate::ml::dataset::Dataset;
use crate::ml::numbers::{mean, tidy, variance};

/// Runs with shuffled labels, at least.
pub const MIN_RUNS: usize = 20;
/// Standard errors of one run's AUC that the mean may lie from one half.
const ERRORS: f64 = 2.0;

/// What training on true and on shuffled labels came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shuffled {
    /// Out-of-sample AUC on the true labels, where there is one.
    pub auc: Option<f64>,
    /// Runs that gave a score.
    pub runs: usize,
    /// Mean out-of-sample AUC on shuffled labels, and its standard deviation over the runs: the standard error of one AUC.
    pub null_mean: f64,
    pub null_sd: f64,
    /// Share of runs, the true one counted in, that score no worse than the true labels (Phipson, Smyth 2010).
    pub p: Option<f64>,
}

/// The labels of the samples with time blocks of `block_ms` (at least the horizon) in another order. Blocks stay whole, so that
/// labels keep their overlap and the pairs of an instant theirs.
#[must_use]
pub fn permuted(data: &Dataset<'_>, block_ms: i64, rng: &mut SplitMix64) -> Vec<bool> {
    let block_ms = block_ms.max(data.exits.horizon.ms()).max(1);
    let offset = rng.below(usize::try_from(block_ms).unwrap_or(usize::MAX)) as i64;
    let mut blocks: Vec<Vec<bool>> = data
        .samples
        .chunk_by(|a, b| (a.at.0 + offset).div_euclid(block_ms) == (b.at.0 + offset).div_euclid(block_ms))
        .map(|block| block.iter().map(|s| s.win).collect())
        .collect();
    for last in (1..blocks.len()).rev() {
        blocks.swap(last, rng.below(last + 1));
    }
    blocks.concat()
}

/// Scores training on `runs` shuffled sets of labels. `score` trains on the labels given (one per sample, in their order) and returns the
/// AUC on test blocks against these same labels. The mean must lie within two standard errors of one run's AUC from one half; a
/// small `p` alone is skill, not a leak.
#[must_use]
pub fn shuffle(
    data: &Dataset<'_>,
    block_ms: i64,
    runs: usize,
    seed: u64,
    score: &dyn Fn(&[bool]) -> Option<f64>,
) -> (TestReport, Option<Shuffled>) {
    let run = |n: usize| score(&permuted(data, block_ms, &mut SplitMix64::new(&[seed, n as u64])));
    let nulls: Vec<f64> = (0..runs).filter_map(run).collect();
    let mut report = TestReport::new(LeakageTest::Shuffle, ERRORS);
    let (Some(null_mean), Some(spread)) = (mean(&nulls), variance(&nulls)) else { return (report, None) };
    let null_sd = spread.sqrt();
    let wins: Vec<bool> = data.samples.iter().map(|s| s.win).collect();
    let auc = score(&wins);
    let p = auc.map(|auc| (nulls.iter().filter(|n| **n >= auc).count() + 1) as f64 / (nulls.len() + 1) as f64);
    let away = (null_mean - 0.5).abs();
    let errors = if away > 0.0 { (away / null_sd).min(1e6) } else { 0.0 };
    report.seen(errors);
    if errors > ERRORS {
        report.found(Finding { value: Some(null_mean), other: Some(0.5), ..Finding::of("AUC on shuffled labels") });
    }
    report.checked = nulls.len() as u64;
    let shuffled = Shuffled {
        auc: auc.map(tidy),
        runs: nulls.len(),
        null_mean: tidy(null_mean),
        null_sd: tidy(null_sd),
        p: p.map(tidy),
    };
    (report.done(MIN_RUNS as u64), Some(shuffled))
}
