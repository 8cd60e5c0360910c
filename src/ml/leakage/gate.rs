//! All tests at once, in front of a training.

use super::fitted::{FitTime, fit_times};
use super::outliers::{associations, event_outlier, forward_shift, target_outlier};
use super::recompute::{MIN_INSTANTS, Place, Recompute, Watched, places, poison, truncation, warm_up};
use super::report::{LeakageReport, TestReport};
use super::shuffle::{MIN_RUNS, shuffle};
use super::splits::{duplicates, overlap, same_instant};
use crate::ml::TrainingSeries;
use crate::ml::cv::Fold;
use crate::ml::dataset::Dataset;
use crate::ml::scaler::Input;

/// Where training rows come from, for the tests that compute them again. They know nothing of labels: one look serves all horizons.
pub struct Origin<'a> {
    pub series: &'a [TrainingSeries],
    pub watched: &'a [Watched],
    /// Computes feature rows as those of `series` were.
    pub recompute: &'a dyn Recompute,
    /// Bars at which a strategy signalled; looked at beside the random ones.
    pub signals: &'a [Place],
    pub seed: u64,
}

impl Origin<'_> {
    /// Truncation, poison and warm-up.
    #[must_use]
    pub fn recomputed(&self) -> [TestReport; 3] {
        let Self { series, watched, recompute, .. } = *self;
        let at = places(series, MIN_INSTANTS, self.signals, self.seed);
        [
            truncation(series, watched, recompute, &at),
            poison(series, watched, recompute, &at),
            warm_up(series, watched, recompute, &at),
        ]
    }
}

/// What the gate looks at.
pub struct Evidence<'a> {
    /// What [`Origin::recomputed`] came to.
    pub recomputed: &'a [TestReport; 3],
    pub data: &'a Dataset<'a>,
    /// The inputs that may be learned from.
    pub inputs: &'a [Input],
    pub folds: &'a [Fold],
    /// Everything that was fitted for the folds.
    pub fits: &'a [FitTime],
    /// Trains on labels, one per sample, and returns the AUC on the test blocks against them.
    pub score: &'a dyn Fn(&[bool]) -> Option<f64>,
    /// Length of the blocks that labels are shuffled in; at least the horizon.
    pub block_ms: i64,
    pub seed: u64,
}

/// Runs every test. Training may begin when [`LeakageReport::passed`].
#[must_use]
pub fn gate(evidence: &Evidence<'_>) -> LeakageReport {
    let Evidence { data, folds, .. } = *evidence;
    let measured = associations(data, evidence.inputs);
    let (shuffle, shuffled) = shuffle(data, evidence.block_ms, MIN_RUNS, evidence.seed, evidence.score);
    let mut tests = evidence.recomputed.to_vec();
    tests.extend([
        target_outlier(data, &measured),
        event_outlier(&measured),
        forward_shift(&measured),
        shuffle,
        overlap(data, folds),
        fit_times(evidence.fits),
        duplicates(data, folds),
        same_instant(data, folds),
    ]);
    LeakageReport { tests, shuffled }
}
