//! Whether folds keep apart what they must.

use std::collections::HashSet;

use super::report::{Finding, LeakageTest, TestReport};
use crate::domain::UtcMs;
use crate::ml::cv::{Fold, overlaps};
use crate::ml::dataset::Dataset;

fn fold_report(
    test: LeakageTest,
    folds: &[Fold],
    faults: impl Fn(&Fold) -> (usize, Option<UtcMs>, Option<usize>),
    data: &Dataset<'_>,
) -> TestReport {
    let mut report = TestReport::new(test, 0.0);
    for (n, fold) in folds.iter().enumerate() {
        let (count, at, pair) = faults(fold);
        report.seen(count as f64);
        if count > 0 {
            let pair = pair.and_then(|p| data.pairs.get(p)).cloned();
            report.found(Finding { at, pair, value: Some(count as f64), ..Finding::of(&format!("fold {}", n + 1)) });
        }
    }
    report.done(1)
}

/// No training label span may meet a test label span; the worst value counts the training spans of a fold that do.
#[must_use]
pub fn overlap(data: &Dataset<'_>, folds: &[Fold]) -> TestReport {
    let spans = data.spans();
    let faults = |fold: &Fold| (overlaps(&spans, fold), Some(UtcMs(fold.test_from)), None);
    fold_report(LeakageTest::Overlap, folds, faults, data)
}

/// No test row may repeat a training row, whatever their pairs and instants; features are compared as training has them, in single precision. The worst value
/// counts the test rows of a fold that do.
#[must_use]
pub fn duplicates(data: &Dataset<'_>, folds: &[Fold]) -> TestReport {
    let hashes: Vec<u64> = data.samples.iter().map(|s| row_hash(s.features)).collect();
    // Most sets have no two equal rows, which one sort tells.
    let mut sorted = hashes.clone();
    sorted.sort_unstable();
    let twice: HashSet<u64> =
        sorted.windows(2).filter_map(|w| matches!(w, [a, b] if a == b).then(|| w.first().copied())?).collect();
    let faults = |fold: &Fold| {
        let of = |i: &usize| hashes.get(*i).filter(|h| twice.contains(h));
        let train: HashSet<&u64> = fold.train.iter().filter_map(of).collect();
        let copies: Vec<usize> =
            fold.test.iter().filter(|i| of(i).is_some_and(|h| train.contains(h))).copied().collect();
        let first = copies.first().and_then(|i| data.samples.get(*i));
        (copies.len(), first.map(|s| s.at), first.map(|s| s.pair))
    };
    fold_report(LeakageTest::Duplicates, folds, faults, data)
}

/// The samples of one instant, whatever their pairs, must not be on both sides of a fold; the worst value counts such instants.
#[must_use]
pub fn same_instant(data: &Dataset<'_>, folds: &[Fold]) -> TestReport {
    let faults = |fold: &Fold| {
        let instants = |indices: &[usize]| -> HashSet<UtcMs> {
            indices.iter().filter_map(|i| data.samples.get(*i)).map(|s| s.at).collect()
        };
        let (train, test) = (instants(&fold.train), instants(&fold.test));
        let mut shared: Vec<UtcMs> = test.intersection(&train).copied().collect();
        shared.sort_unstable();
        (shared.len(), shared.first().copied(), None)
    };
    fold_report(LeakageTest::SameInstant, folds, faults, data)
}

/// 64 bits of a row with its values rounded; rows that differ share them once in 2^64.
fn row_hash(row: &[f32]) -> u64 {
    row.iter().fold(0x9E37_79B9_7F4A_7C15, |hash, value| {
        // Adding zero makes the two zeros one.
        let mixed = (hash ^ u64::from((value + 0.0).to_bits())).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 29)).wrapping_mul(0x94D0_49BB_1331_11EB).rotate_left(31)
    })
}
