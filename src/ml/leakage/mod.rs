//! Does training know what it cannot know? Every test of this room stands in front of training, and each failure blocks it.
//!
//! In go samples, folds, whatever recomputes feature rows from less or other history, and whatever trains and scores on given
//! labels; out comes one [`LeakageReport`]. [`inspect`] leaves out by name what says too much before the gate is asked; what the gate finds then ends
//! the training.
//! What catches what: whatever looks ahead while it computes a feature (next close, centred mean, full-sample z-score, Chikou,
//! right-labelled resampling, volume over a future sum, the forming bar) changes under truncation and poison; a value that was
//! stored wrong although its formula is honest is left to outliers and shift; leaks of labels between folds to overlap, duplicates and
//! shuffle. Always true: a test that could check nothing has not passed.

mod fitted;
mod gate;
mod outliers;
mod probe;
mod recompute;
mod report;
mod shuffle;
mod splits;

pub use fitted::{FitTime, Fitted, fit_times};
pub use gate::{Evidence, Origin, gate};
pub use outliers::{
    Association, DropReason, Dropped, MAX_AUC, MAX_SPEARMAN, SHIFT_FLOOR, SHIFT_RATIO, associations, event_outlier,
    forward_shift, inspect, target_outlier,
};
pub use probe::Probe;
pub use recompute::{
    Known, MIN_INSTANTS, Place, Poison, Recompute, START_UPS, Watched, places, poison, truncation, warm_up,
};
pub use report::{Finding, LeakageReport, LeakageTest, TestReport, Verdict};
pub use shuffle::{MIN_RUNS, Shuffled, permuted, shuffle};
pub use splits::{duplicates, overlap, same_instant};

#[cfg(test)]
#[path = "canary_tests.rs"]
mod canaries;
