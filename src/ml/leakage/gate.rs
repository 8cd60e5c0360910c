//! All tests at once, in front of a training.

use super::fitted::{FitTime, fit_times};
use super::outliers::{associations, event_outlier, forward_shift, target_outlier};
use super::recompute::{MIN_INSTANTS, Place, Recompute, Watched, places, poison, truncation, warm_up};
use super::report::LeakageReport;
use super::shuffle::{MIN_RUNS, shuffle};
use super::splits::{duplicates, overlap, same_instant};
use crate::ml::TrainingSeries;
use crate::ml::cv::Fold;
use crate::ml::dataset::Dataset;
use crate::ml::scaler::Input;

/// What the gate looks at.
pub struct Evidence<'a> {
    pub series: &'a [TrainingSeries],
    /// The samples of `series`.
    pub data: &'a Dataset<'a>,
    pub watched: &'a [Watched],
    pub folds: &'a [Fold],
    /// Computes feature rows as those of `series` were.
    pub recompute: &'a dyn Recompute,
    /// Bars at which a strategy signalled; looked at beside the random ones.
    pub signals: &'a [Place],
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
    let Evidence { series, data, watched, folds, recompute, .. } = *evidence;
    let at = places(series, MIN_INSTANTS, evidence.signals, evidence.seed);
    let inputs: Vec<Input> = watched.iter().map(|w| w.input.clone()).collect();
    let measured = associations(data, &inputs);
    let (shuffle, shuffled) = shuffle(data, evidence.block_ms, MIN_RUNS, evidence.seed, evidence.score);
    let tests = vec![
        truncation(series, watched, recompute, &at),
        poison(series, watched, recompute, &at),
        warm_up(series, watched, recompute, &at),
        target_outlier(data, &measured),
        event_outlier(&measured),
        forward_shift(&measured),
        shuffle,
        overlap(data, folds),
        fit_times(evidence.fits),
        duplicates(data, folds),
        same_instant(data, folds),
    ];
    LeakageReport { tests, shuffled }
}
