//! Permutation importance: how much worse a fitted model scores on its validation part when a feature's values are shuffled.

use rayon::prelude::*;

use super::super::numbers::{mean, variance};
use crate::domain::random::SplitMix64;

/// Standard errors that an importance must exceed …
const STANDARD_ERRORS: f64 = 2.0;
/// … in at least this share of the folds.
const FOLD_FIFTHS: usize = 3;

/// How values are shuffled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permutations {
    /// Rows of a time block, at least the horizon: values move within their block only, so that the level of the time stays.
    pub block: usize,
    /// Shuffles per group, at least two.
    pub repeats: usize,
    pub seed: u64,
}

/// Loss of score when one group of features is shuffled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Importance {
    pub mean: f64,
    /// `sd·√(1 + 1/repeats)`, sd over the shuffles. For a worthless group the order found is one more shuffle, and its score
    /// scatters about their mean by just this; the error of the mean alone would call half of all noise important.
    pub se: f64,
}

impl Importance {
    /// Whether the loss exceeds twice its standard error.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.mean > STANDARD_ERRORS * self.se
    }
}

/// Importance of each group of `columns` (a cluster of features that stand in for each other is shuffled by the same order). Rows are
/// in order of time. `score` (higher is better) gets all columns with those of one group shuffled; it is called `1 + groups ×
/// repeats` times from the threads of the current rayon pool. `None` for a group whose score is undefined or that names no column;
/// nothing at all for fewer than two repeats, an undefined score of the columns as they are, or columns of different length.
#[must_use]
pub fn permutation_importance<T, S>(
    columns: &[&[T]],
    groups: &[Vec<usize>],
    plan: &Permutations,
    score: S,
) -> Option<Vec<Option<Importance>>>
where
    T: Copy + Sync + Send,
    S: Fn(&[&[T]]) -> f64 + Sync,
{
    let rows = columns.first()?.len();
    if plan.repeats < 2 || columns.iter().any(|c| c.len() != rows) {
        return None;
    }
    let whole = Some(score(columns)).filter(|s| s.is_finite())?;
    let one = |(group, number): (&Vec<usize>, u64)| {
        let losses: Option<Vec<f64>> = (0..plan.repeats as u64)
            .map(|repeat| {
                let mut rng = SplitMix64::new(&[plan.seed, number, repeat]);
                let order = shuffled(rows, plan.block, &mut rng);
                Some(whole - score_with(columns, group, &order, &score)?)
            })
            .collect();
        let losses = losses?;
        let se = (variance(&losses)? * (1.0 + 1.0 / losses.len() as f64)).sqrt();
        Some(Importance { mean: mean(&losses)?, se })
    };
    let numbered: Vec<(&Vec<usize>, u64)> = groups.iter().zip(0..).collect();
    Some(numbered.into_par_iter().map(one).collect())
}

fn score_with<T: Copy>(
    columns: &[&[T]],
    group: &[usize],
    order: &[usize],
    score: impl Fn(&[&[T]]) -> f64,
) -> Option<f64> {
    let moved = |c: &usize| {
        let column = columns.get(*c)?;
        Some((*c, order.iter().filter_map(|i| column.get(*i)).copied().collect::<Vec<T>>()))
    };
    let moved: Vec<(usize, Vec<T>)> = group.iter().map(moved).collect::<Option<_>>()?;
    let mut view = columns.to_vec();
    for (c, values) in &moved {
        *view.get_mut(*c)? = values;
    }
    Some(score(&view)).filter(|s| s.is_finite() && !group.is_empty())
}

/// `0..rows` shuffled within equal blocks of at least `block` rows.
fn shuffled(rows: usize, block: usize, rng: &mut SplitMix64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    let blocks = (rows / block.max(1)).max(1);
    let mut rest = order.as_mut_slice();
    for i in 0..blocks {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(rows * (i + 1) / blocks - rows * i / blocks);
        for last in (1..head.len()).rev() {
            head.swap(last, rng.below(last + 1));
        }
        rest = tail;
    }
    order
}

/// Per group: in how many folds its importance is clear. A fold in which it is unknown is none.
#[must_use]
pub fn clear_folds(folds: &[Vec<Option<Importance>>]) -> Vec<usize> {
    let groups = folds.iter().map(Vec::len).max().unwrap_or(0);
    let clear =
        |g: usize| move |fold: &&Vec<Option<Importance>>| fold.get(g).is_some_and(|i| i.is_some_and(|i| i.is_clear()));
    (0..groups).map(|g| folds.iter().filter(clear(g)).count()).collect()
}

/// Per group: whether its importance is more than two standard errors in at least 60 % of the folds.
#[must_use]
pub fn persistent(folds: &[Vec<Option<Importance>>]) -> Vec<bool> {
    clear_folds(folds).into_iter().map(|clear| clear * 5 >= folds.len() * FOLD_FIFTHS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::numbers::correlation;
    use super::*;

    const PLAN: Permutations = Permutations { block: 24, repeats: 20, seed: 3 };

    fn columns(seed: u64) -> Vec<Vec<f64>> {
        let mut rng = SplitMix64::new(&[seed]);
        (0..8).map(|_| (0..480).map(|_| rng.normal()).collect()).collect()
    }

    /// A "model" that adds up all columns, and a target in which only the first three are.
    fn score(seed: u64) -> impl Fn(&[&[f64]]) -> f64 + Sync {
        let truth = columns(seed);
        let mut rng = SplitMix64::new(&[seed, 1]);
        let target: Vec<f64> = (0..480).map(|i| truth[0][i] + truth[1][i] + truth[2][i] + 3.0 * rng.normal()).collect();
        move |c| {
            let sum: Vec<f64> = (0..480).map(|i| c.iter().map(|one| one[i]).sum()).collect();
            correlation(&sum, &target).unwrap_or(f64::NAN)
        }
    }

    #[test]
    fn what_matters_persists_and_noise_does_not() {
        let groups = vec![vec![0], vec![1, 2], vec![3], vec![4, 5], vec![6], vec![7]];
        let fold = |seed: u64| {
            let columns = columns(seed);
            let view: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            permutation_importance(&view, &groups, &PLAN, score(seed)).unwrap()
        };
        let folds: Vec<_> = (0..5).map(fold).collect();
        assert_eq!(persistent(&folds), [true, true, false, false, false, false]);
        assert_eq!(fold(2), folds[2]);
        // Noise seems clear in about one fold in forty, not in half of them.
        let noise = (0..40).flat_map(fold).enumerate().filter(|(i, _)| i % 6 >= 2);
        let clear = noise.filter(|(_, i)| i.is_some_and(|i| i.is_clear())).count();
        assert!(clear <= 12, "{clear} of 160");
    }

    #[test]
    fn the_share_of_folds_is_exact() {
        let (clear, dull) = (Some(Importance { mean: 2.1, se: 1.0 }), Some(Importance { mean: 2.0, se: 1.0 }));
        let folds = |n: usize| (0..5).map(|i| vec![if i < n { clear } else { dull }]).collect::<Vec<_>>();
        assert_eq!((persistent(&folds(3)), persistent(&folds(2))), (vec![true], vec![false]));
        assert_eq!(persistent(&[vec![None], vec![clear], vec![]]), [false]);
        assert!(persistent(&[]).is_empty());
    }

    #[test]
    fn what_cannot_be_scored_is_unknown() {
        let view: [&[f64]; 2] = [&[1.0, 2.0], &[3.0, 4.0]];
        let found = permutation_importance(&view, &[vec![5], vec![], vec![1]], &PLAN, |c| c[0][0]).unwrap();
        assert_eq!(found, [None, None, Some(Importance { mean: 0.0, se: 0.0 })]);
        assert!(!found[2].unwrap().is_clear());
        assert_eq!(permutation_importance(&view, &[], &PLAN, |_| f64::NAN), None);
        assert_eq!(permutation_importance(&view, &[], &Permutations { repeats: 1, ..PLAN }, |_| 1.0), None);
        assert_eq!(permutation_importance(&[&[1.0][..], &[]], &[], &PLAN, |_| 1.0), None);
    }

    proptest! {
        #[test]
        fn values_stay_in_their_block(rows in 0_usize..200, block in 0_usize..50, seed in any::<u64>()) {
            let order = shuffled(rows, block, &mut SplitMix64::seeded(seed));
            let mut all = order.clone();
            all.sort_unstable();
            prop_assert_eq!(all, (0..rows).collect::<Vec<_>>());
            let blocks = (rows / block.max(1)).max(1);
            let edges: Vec<usize> = (0..=blocks).map(|i| rows * i / blocks).collect();
            for pair in edges.windows(2) {
                prop_assert!(order[pair[0]..pair[1]].iter().all(|i| (pair[0]..pair[1]).contains(i)));
                prop_assert!(blocks == 1 || pair[1] - pair[0] >= block);
            }
        }
    }
}
