//! Splits in time that keep what is judged away from what was learned (López de Prado 2018, ch. 7).
//!
//! Observations are label spans `start..=end`; equal starts (several pairs at one instant) always share a fold.

use std::ops::Range;

/// When a label starts and when it is fully known, on any one time scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: i64,
    pub end: i64,
}

/// One split: indices into the spans, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    pub train: Vec<usize>,
    pub test: Vec<usize>,
    /// First start in the test block.
    pub test_from: i64,
}

/// Positions of a walk-forward over `n` observations: `(train, test)`. The test block follows `purge` positions behind the
/// training block; both move on by `test` (with `expanding` the training block only grows).
#[must_use]
pub fn walk_forward_windows(
    n: usize,
    train: usize,
    test: usize,
    purge: usize,
    expanding: bool,
) -> Vec<(Range<usize>, Range<usize>)> {
    let mut out = Vec::new();
    if test == 0 {
        return out;
    }
    let mut shift = 0;
    while shift + train + purge + test <= n {
        let from = if expanding { 0 } else { shift };
        let test_from = shift + train + purge;
        out.push((from..shift + train, test_from..test_from + test));
        shift += test;
    }
    out
}

fn instants(spans: &[Span]) -> Vec<i64> {
    let mut times: Vec<i64> = spans.iter().map(|s| s.start).collect();
    times.sort_unstable();
    times.dedup();
    times
}

fn pick(spans: &[Span], keep: impl Fn(&Span) -> bool) -> Vec<usize> {
    spans.iter().enumerate().filter(|(_, s)| keep(s)).map(|(i, _)| i).collect()
}

/// Expanding walk-forward with `folds` equal test blocks over the last half of the instants. A training span ends strictly before
/// its test block begins. Empty when there are fewer than two instants per block.
#[must_use]
pub fn purged_walk_forward(spans: &[Span], folds: usize) -> Vec<Fold> {
    let times = instants(spans);
    let n = times.len();
    let test = (n / 2).checked_div(folds).unwrap_or(0);
    if test < 2 {
        return Vec::new();
    }
    walk_forward_windows(n, n - folds * test, test, 0, true)
        .into_iter()
        .filter_map(|(_, block)| {
            let from = *times.get(block.start)?;
            let to = *times.get(block.end - 1)?;
            Some(Fold {
                train: pick(spans, |s| s.end < from),
                test: pick(spans, |s| (from..=to).contains(&s.start)),
                test_from: from,
            })
        })
        .collect()
}

/// K-fold over the instants, edges `⌊n·i/k⌋`. Purged: every training span that meets the test block's spans; behind the block also
/// what starts within `embargo` (same time scale) of its last label.
#[must_use]
pub fn purged_kfold(spans: &[Span], k: usize, embargo: i64) -> Vec<Fold> {
    let times = instants(spans);
    let n = times.len();
    (0..k)
        .filter_map(|i| {
            let block = times.get(n * i / k..n * (i + 1) / k)?;
            let (from, to) = (*block.first()?, *block.last()?);
            let test = pick(spans, |s| (from..=to).contains(&s.start));
            let known = test.iter().filter_map(|t| spans.get(*t)).map(|s| s.end).max()?.max(to);
            let train = pick(spans, |s| s.end < from || s.start > known.saturating_add(embargo));
            Some(Fold { train, test, test_from: from })
        })
        .collect()
}

/// The overlap audit: how many training spans of the fold meet a span of its test block. Anything but 0 is a leak.
#[must_use]
pub fn overlaps(spans: &[Span], fold: &Fold) -> usize {
    let mut tests: Vec<Span> = fold.test.iter().filter_map(|i| spans.get(*i)).copied().collect();
    tests.sort_unstable_by_key(|s| s.start);
    // Latest end among the test spans that start no later than the given one.
    let mut latest = i64::MIN;
    let reach: Vec<(i64, i64)> = tests
        .iter()
        .map(|s| {
            latest = latest.max(s.end).max(s.start);
            (s.start, latest)
        })
        .collect();
    fold.train
        .iter()
        .filter_map(|i| spans.get(*i))
        .filter(|train| {
            let before = reach.partition_point(|(start, _)| *start <= train.end.max(train.start));
            before.checked_sub(1).and_then(|i| reach.get(i)).is_some_and(|(_, end)| *end >= train.start)
        })
        .count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testkit::{golden, integers};
    use super::*;

    #[test]
    fn kfold_matches_the_reference() {
        let file = golden("cv");
        let mut seen = 0;
        for case in file.cases("purged_kfold") {
            let ends = integers(&case["inputs"]["label_end"]);
            let spans: Vec<Span> =
                ends.iter().enumerate().map(|(i, e)| Span { start: i as i64, end: *e as i64 }).collect();
            let k = case["params"]["k"].as_u64().unwrap() as usize;
            let folds = purged_kfold(&spans, k, case["params"]["embargo"].as_i64().unwrap());
            let expected = case["expected"]["folds"].as_array().unwrap();
            assert_eq!(folds.len(), expected.len());
            for (fold, want) in folds.iter().zip(expected) {
                let test = integers(&want["test"]);
                assert_eq!(fold.test, (test[0]..test[1]).collect::<Vec<_>>(), "{}", case["name"]);
                assert_eq!(fold.train, integers(&want["train"]), "{}", case["name"]);
                assert_eq!(overlaps(&spans, fold), 0);
            }
            seen += 1;
        }
        assert_eq!(seen, 4);
    }

    #[test]
    fn walk_forward_matches_the_reference() {
        let file = golden("cv");
        let mut seen = 0;
        for case in file.cases("purged_walk_forward") {
            let p = |key: &str| case["params"][key].as_u64().unwrap() as usize;
            let expanding = case["params"]["expanding"].as_bool().unwrap();
            let got = walk_forward_windows(p("n"), p("train"), p("test"), p("purge"), expanding);
            let expected = case["expected"]["folds"].as_array().unwrap();
            assert_eq!(got.len(), expected.len());
            for ((train, test), want) in got.iter().zip(expected) {
                assert_eq!(vec![train.start, train.end], integers(&want["train"]), "{}", case["name"]);
                assert_eq!(vec![test.start, test.end], integers(&want["test"]), "{}", case["name"]);
            }
            seen += 1;
        }
        assert_eq!(seen, 3);
    }

    #[test]
    fn the_audit_sees_a_leak() {
        let spans: Vec<Span> = (0..20).map(|i| Span { start: i, end: i + 3 }).collect();
        let leaky = Fold { train: (0..10).collect(), test: (10..20).collect(), test_from: 10 };
        assert_eq!(overlaps(&spans, &leaky), 3);
        let behind = Fold { train: (10..20).collect(), test: (0..10).collect(), test_from: 0 };
        assert_eq!(overlaps(&spans, &behind), 3);
    }

    #[test]
    fn too_little_gives_no_folds() {
        let spans: Vec<Span> = (0..10).map(|i| Span { start: i, end: i }).collect();
        assert!(purged_walk_forward(&spans, 6).is_empty());
        assert!(purged_walk_forward(&spans, 0).is_empty());
        assert!(purged_kfold(&spans, 0, 0).is_empty());
        assert!(purged_kfold(&[], 5, 0).is_empty());
    }

    proptest! {
        #[test]
        fn no_training_span_meets_a_test_span(
            lengths in prop::collection::vec((0_i64..40, 0_i64..4), 40..200),
            folds in 2_usize..6,
            embargo in 0_i64..10,
        ) {
            // Steps of 0 put several observations on one instant, as pooled pairs do.
            let mut at = 0;
            let spans: Vec<Span> = lengths
                .iter()
                .map(|(length, step)| {
                    at += step;
                    Span { start: at, end: at + length }
                })
                .collect();
            let splits = [purged_walk_forward(&spans, folds), purged_kfold(&spans, folds, embargo)];
            for fold in splits.iter().flatten() {
                prop_assert_eq!(overlaps(&spans, fold), 0);
                for t in &fold.train {
                    prop_assert!(fold.test.iter().all(|s| spans[*s].start != spans[*t].start));
                }
            }
            for fold in &splits[0] {
                prop_assert!(fold.train.iter().all(|t| spans[*t].end < fold.test_from));
            }
            let tested: usize = splits[1].iter().map(|f| f.test.len()).sum();
            prop_assert_eq!(tested, spans.len());
        }
    }
}
