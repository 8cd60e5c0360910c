//! Splits in time that keep what is judged away from what was learned (López de Prado 2018, ch. 7).
//!
//! Observations are label spans `start..=end`; equal starts (several pairs at one instant) always share a fold.

use std::ops::Range;

use super::numbers::combinations;

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

/// Combinatorial purged cross-validation (López de Prado 2018, ch. 12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combinatorial {
    /// First instant of each group as a position among the distinct starts, and behind the last their number.
    pub edges: Vec<usize>,
    /// One split per choice of test groups, in lexicographic order.
    pub splits: Vec<Combination>,
}

/// One split of a [`Combinatorial`] scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combination {
    /// Groups that are tested, ascending.
    pub groups: Vec<usize>,
    pub fold: Fold,
}

/// Most groups that [`combinatorial`] makes splits of (12,870 splits at 8 of 16).
const MAX_GROUPS: usize = 16;

/// Every choice of `test_groups` of `groups` runs of instants (edges `⌊n·i/groups⌋`) is tested once. Purged and with embargo at
/// each test group as in [`purged_kfold`]. `None` when the numbers make no split or a group would be empty.
#[must_use]
pub fn combinatorial(spans: &[Span], groups: usize, test_groups: usize, embargo: i64) -> Option<Combinatorial> {
    let times = instants(spans);
    if test_groups == 0 || test_groups >= groups || groups > MAX_GROUPS || times.len() < groups {
        return None;
    }
    let edges: Vec<usize> = (0..=groups).map(|i| times.len() * i / groups).collect();
    let group_of = |s: &Span| {
        let place = times.partition_point(|t| *t < s.start);
        edges.partition_point(|e| *e <= place) - 1
    };
    let group: Vec<usize> = spans.iter().map(group_of).collect();
    // Per group: first start, and when its last label is known.
    let mut blocks = vec![(i64::MAX, i64::MIN); groups];
    for (s, g) in spans.iter().zip(&group) {
        let block = blocks.get_mut(*g)?;
        *block = (block.0.min(s.start), block.1.max(s.end).max(s.start));
    }
    let split = |chosen: Vec<usize>| {
        let clear = |s: &Span| {
            let mut tested = chosen.iter().filter_map(|g| blocks.get(*g));
            tested.all(|(from, known)| s.end < *from || s.start > known.saturating_add(embargo))
        };
        let rows = || spans.iter().zip(&group).enumerate();
        let train = rows().filter(|(_, (s, g))| !chosen.contains(g) && clear(s)).map(|(i, _)| i).collect();
        let test = rows().filter(|(_, (_, g))| chosen.contains(g)).map(|(i, _)| i).collect();
        let test_from = chosen.first().and_then(|g| blocks.get(*g)).map(|b| b.0)?;
        Some(Combination { groups: chosen, fold: Fold { train, test, test_from } })
    };
    let splits = combinations(groups, test_groups).into_iter().map(split).collect::<Option<_>>()?;
    Some(Combinatorial { edges, splits })
}

impl Combinatorial {
    /// The paths through all groups: per path the split that speaks for each group in turn. Path `j` takes the `j`-th split that
    /// tests the group, so that each prediction is used exactly once; their number is `test_groups/groups` of the splits.
    #[must_use]
    pub fn paths(&self) -> Vec<Vec<usize>> {
        let groups = self.edges.len().saturating_sub(1);
        let testing: Vec<Vec<usize>> = (0..groups)
            .map(|g| self.splits.iter().enumerate().filter(|(_, s)| s.groups.contains(&g)).map(|(i, _)| i).collect())
            .collect();
        let count = testing.iter().map(Vec::len).min().unwrap_or(0);
        (0..count).map(|j| testing.iter().filter_map(|of| of.get(j)).copied().collect()).collect()
    }
}

/// Shares of the instants that may be held out at the end.
pub const HOLD_OUT_SHARES: std::ops::RangeInclusive<f64> = 0.10..=0.20;

/// The final hold-out: the last `share` of the instants as `test`, and as `train` all whose label was known before the first
/// of them. Everything that is chosen or tuned may see `train` only; `test` is judged once, and the ledger says so. `None` for a
/// share outside [`HOLD_OUT_SHARES`] or when a side would be empty.
#[must_use]
pub fn final_hold_out(spans: &[Span], share: f64) -> Option<Fold> {
    if !HOLD_OUT_SHARES.contains(&share) {
        return None;
    }
    let times = instants(spans);
    let held = (times.len() as f64 * share).floor() as usize;
    let from = *times.get(times.len().checked_sub(held.max(1))?)?;
    let fold = Fold { train: pick(spans, |s| s.end < from), test: pick(spans, |s| s.start >= from), test_from: from };
    (!fold.train.is_empty()).then_some(fold)
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

    use super::*;

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
        for (groups, tested) in [(6, 0), (6, 6), (11, 2), (17, 2), (0, 0)] {
            assert_eq!(combinatorial(&spans, groups, tested, 0), None, "{groups} {tested}");
        }
        assert_eq!(final_hold_out(&spans, 0.15).map(|f| (f.train.len(), f.test.len())), Some((9, 1)));
        assert_eq!(final_hold_out(&spans, 0.5), None);
        assert_eq!(final_hold_out(&spans, f64::NAN), None);
        assert_eq!(final_hold_out(&[], 0.1), None);
    }

    /// Spans of the given lengths; steps of 0 put several on one instant, as pooled pairs do.
    fn laid(lengths: &[(i64, i64)]) -> Vec<Span> {
        let mut at = 0;
        let next = |(length, step): &(i64, i64)| {
            at += step;
            Span { start: at, end: at + length }
        };
        lengths.iter().map(next).collect()
    }

    fn times_tested<'a>(spans: &[Span], folds: impl Iterator<Item = &'a Fold>) -> Vec<usize> {
        let mut times = vec![0; spans.len()];
        folds.flat_map(|f| &f.test).for_each(|t| times[*t] += 1);
        times
    }

    proptest! {
        #[test]
        fn no_training_span_meets_a_test_span(
            lengths in prop::collection::vec((0_i64..40, 0_i64..4), 40..200),
            folds in 2_usize..6,
            embargo in 0_i64..10,
        ) {
            let spans = laid(&lengths);
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
            prop_assert_eq!(times_tested(&spans, splits[1].iter()), vec![1; spans.len()]);
        }

        #[test]
        fn combinations_test_everything_equally_often_and_leak_nothing(
            lengths in prop::collection::vec((0_i64..40, 0_i64..4), 40..150),
            (groups, tested) in (2_usize..7).prop_flat_map(|n| (Just(n), 1..n)),
            embargo in 0_i64..10,
        ) {
            let spans = laid(&lengths);
            let scheme = combinatorial(&spans, groups, tested, embargo).unwrap();
            let paths = scheme.paths();
            prop_assert_eq!(paths.len() * groups, scheme.splits.len() * tested);
            prop_assert_eq!(times_tested(&spans, scheme.splits.iter().map(|s| &s.fold)), vec![paths.len(); spans.len()]);
            for split in &scheme.splits {
                prop_assert_eq!(overlaps(&spans, &split.fold), 0);
                for t in &split.fold.train {
                    prop_assert!(split.fold.test.iter().all(|s| spans[*s].start != spans[*t].start));
                }
            }
            // Each path goes through every group, and no two share a split for the same group.
            for group in 0..groups {
                let mut speakers: Vec<usize> = paths.iter().map(|path| path[group]).collect();
                prop_assert!(speakers.iter().all(|s| scheme.splits[*s].groups.contains(&group)));
                speakers.sort_unstable();
                speakers.dedup();
                prop_assert_eq!(speakers.len(), paths.len());
            }
        }

        #[test]
        fn nothing_reaches_into_the_hold_out(
            lengths in prop::collection::vec((0_i64..20, 1_i64..4), 100..200),
            share in 0.10_f64..=0.20,
        ) {
            let spans = laid(&lengths);
            let fold = final_hold_out(&spans, share).unwrap();
            prop_assert_eq!(overlaps(&spans, &fold), 0);
            prop_assert!(fold.train.iter().all(|t| spans[*t].end < fold.test_from));
            prop_assert!(fold.test.iter().all(|t| spans[*t].start >= fold.test_from));
            let held = fold.test.len() as f64 / spans.len() as f64;
            prop_assert!((0.09..=0.20).contains(&held), "{}", held);
        }
    }
}
