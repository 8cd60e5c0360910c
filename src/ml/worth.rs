//! What each feature was worth: how much worse the fit of a fold judges its test block when the feature's values are shuffled.

use super::dataset::Sample;
use super::ensemble::{Ensemble, combine};
use super::numbers::{mean, tidy, variance};
use super::scores::log_loss;
use super::selection::importance::{Importance, Permutations, permutation_importance};
use crate::domain::random::SplitMix64;
use crate::domain::snapshot::FeatureImportance;

/// Rows of a fold that are judged again at most, and how often each feature is shuffled: importance is to cost little beside the fit.
const ROWS: usize = 800;
const REPEATS: usize = 2;
/// Rows that a block must hold, so that shuffling within it moves anything.
const LEAST_BLOCK: usize = 24;

/// Names and importance of a fold's features; `None` where one could not be scored.
pub type FoldWorth = Vec<(String, Option<Importance>)>;

/// Importance of each feature of `ensemble` on `rows`, which it has not seen, in order of time; the score is minus the log loss of the vote. Values
/// move within blocks of at least `block_ms`. Nothing for an empty fold.
#[must_use]
pub fn of_fold(ensemble: &Ensemble, rows: &[&Sample<'_>], block_ms: i64, seed: u64) -> FoldWorth {
    let rows = thinned(rows, seed);
    let places: Vec<usize> = ensemble.scaler.inputs().map(|input| input.place).collect();
    let column = |place: &usize| rows.iter().filter_map(|s| s.features.get(*place).copied()).collect::<Vec<f32>>();
    let columns: Vec<Vec<f32>> = places.iter().map(column).collect();
    let view: Vec<&[f32]> = columns.iter().map(Vec::as_slice).collect();
    let wins: Vec<bool> = rows.iter().map(|s| s.win).collect();
    let width = rows.iter().map(|s| s.features.len()).max().unwrap_or(0);
    let score = |columns: &[&[f32]]| {
        let mut row = vec![0.0; width];
        let vote = |i: usize| {
            for (place, column) in places.iter().zip(columns) {
                *row.get_mut(*place)? = *column.get(i)?;
            }
            combine(&ensemble.logits(&row)?, &ensemble.weights).map(|v| v.probability())
        };
        let said: Option<Vec<f64>> = (0..wins.len()).map(vote).collect();
        said.and_then(|p| log_loss(&p, &wins)).map_or(f64::NAN, |loss| -loss)
    };
    let groups: Vec<Vec<usize>> = (0..places.len()).map(|c| vec![c]).collect();
    let plan = Permutations { block: block_of(&rows, block_ms), repeats: REPEATS, seed };
    let found = permutation_importance(&view, &groups, &plan, score).unwrap_or_default();
    ensemble.scaler.inputs().map(|input| input.feature.clone()).zip(found).collect()
}

/// One at random of each of equal parts: a fixed step would meet the same pair or hour of the day again and again.
fn thinned<'r, 'a>(rows: &[&'r Sample<'a>], seed: u64) -> Vec<&'r Sample<'a>> {
    let n = rows.len();
    let keep = n.min(ROWS);
    let mut rng = SplitMix64::new(&[seed, n as u64]);
    let one = |part: usize| {
        let (from, to) = (n * part / keep, n * (part + 1) / keep);
        rows.get(from + rng.below(to - from)).copied()
    };
    (0..keep).filter_map(one).collect()
}

/// Rows that last `block_ms`.
fn block_of(rows: &[&Sample<'_>], block_ms: i64) -> usize {
    let lasts = rows.first().zip(rows.last()).map_or(0, |(first, last)| last.at.0 - first.at.0);
    let rows_per_block = rows.len() as f64 * block_ms as f64 / lasts.max(1) as f64;
    (rows_per_block.ceil() as usize).max(LEAST_BLOCK)
}

/// The features of a model over the folds, best first. One that a fold left out was worth nothing there; a fold that could not score it
/// does not count for its mean. A feature that no fold could score is left out.
#[must_use]
pub fn over_folds<'n>(features: impl Iterator<Item = &'n str>, folds: &[FoldWorth]) -> Vec<FeatureImportance> {
    let nothing = Some(Importance { mean: 0.0, se: 0.0 });
    let summary = |feature: &str| {
        let in_fold = |fold: &FoldWorth| fold.iter().find(|(name, _)| name == feature).map_or(nothing, |(_, i)| *i);
        let known: Vec<Importance> = folds.iter().filter_map(in_fold).collect();
        let means: Vec<f64> = known.iter().map(|i| i.mean).collect();
        // A single fold has no scatter but that of its shuffles.
        let single = || known.first().map(|i| i.se);
        let se = variance(&means).map(|v| (v / means.len() as f64).sqrt()).or_else(single)?;
        Some(FeatureImportance {
            feature: feature.to_owned(),
            mean: tidy(mean(&means)?),
            se: tidy(se),
            clear: u32::try_from(known.iter().filter(|i| i.is_clear()).count()).ok()?,
            folds: u32::try_from(folds.len()).ok()?,
        })
    };
    let mut out: Vec<FeatureImportance> = features.filter_map(summary).collect();
    out.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    out
}

/// Whether one that was read back can be shown.
#[must_use]
pub fn is_sound(importance: &[FeatureImportance], features: &[String]) -> bool {
    let one = |i: &FeatureImportance| {
        i.mean.is_finite() && i.se.is_finite() && i.se >= 0.0 && i.clear <= i.folds && features.contains(&i.feature)
    };
    importance.iter().all(one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UtcMs;

    #[test]
    fn folds_are_summed_up_best_first() {
        let i = |mean: f64, se: f64| Some(Importance { mean, se });
        let of = |list: [(&str, Option<Importance>); 3]| list.map(|(n, i)| (n.to_owned(), i)).to_vec();
        let folds = [
            of([("a", i(0.01, 0.01)), ("b", i(0.04, 0.01)), ("unscored", None)]),
            of([("other", i(1.0, 0.1)), ("b", i(0.02, 0.01)), ("unscored", None)]),
        ];
        let found = over_folds(["a", "unscored", "b", "never"].into_iter(), &folds);
        let told: Vec<_> = found.iter().map(|i| (i.feature.as_str(), i.mean, i.se, i.clear, i.folds)).collect();
        assert_eq!(told, [("b", 0.03, 0.01, 1, 2), ("a", 0.005, 0.005, 0, 2), ("never", 0.0, 0.0, 0, 2)]);
        let names = ["a", "b", "never"].map(str::to_owned);
        assert!(is_sound(&found, &names) && !is_sound(&found, &names[1..]));
    }

    #[test]
    fn thinning_is_even_and_blocks_last_as_long_as_they_must() {
        let samples: Vec<Sample<'_>> = (0..2_000_i64)
            .map(|i| Sample {
                pair: 0,
                at: UtcMs(i * 10),
                known: UtcMs(i * 10 + 5),
                features: &[],
                lagged: None,
                sigma24: 1.0,
                scaled_return: 0.0,
                win: false,
                net: 0.0,
                momentum: None,
                weight: 1.0,
            })
            .collect();
        let rows: Vec<&Sample<'_>> = samples.iter().collect();
        let kept = thinned(&rows, 3);
        assert_eq!(kept.len(), ROWS);
        assert!(kept.iter().zip(0_i64..).all(|(s, i)| (i * 25 - 9..=i * 25 + 25).contains(&s.at.0)));
        assert_eq!((thinned(&rows[..9], 3).len(), thinned(&[], 3).len()), (9, 0));
        assert!((200..=202).contains(&block_of(&kept, 5_000)), "{}", block_of(&kept, 5_000));
        assert_eq!(block_of(&kept, 10), LEAST_BLOCK);
    }
}
