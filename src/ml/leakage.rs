//! Does a feature know what it cannot know? Checked inside every training; a suspect is left out and named on the model's card.
//!
//! Two tests: an association too strong for an honest feature, and information that vanishes when the feature is one bar
//! older. Both run on all samples: dropping a feature can only take information away, so looking at the test blocks cannot flatter.

use serde::{Deserialize, Serialize};

use super::dataset::{Dataset, Sample};
use super::numbers::{correlation, ranks, spearman, tidy};
use super::scaler::Input;
use super::scores::auc;

/// Largest |Spearman| with the horizon's return at 24 hours or less.
pub const MAX_SPEARMAN: f64 = 0.3;
/// Largest single-feature AUC (or its mirror image) against the gated event.
pub const MAX_AUC: f64 = 0.65;
/// An information coefficient above this …
pub const SHIFT_FLOOR: f64 = 0.1;
/// … that is this many times the one of the feature lagged by one more bar is suspect.
pub const SHIFT_RATIO: f64 = 3.0;

const STRATA: usize = 10;

/// Why a feature is not used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum DropReason {
    /// One value throughout.
    Constant,
    /// Rank correlation with the future return, too strong to be honest.
    TargetOutlier { spearman: f64 },
    /// Tells winners from losers too well alone, at equal volatility.
    EventOutlier { auc: f64 },
    /// Its information dies when it is one bar older.
    ForwardShift { now: f64, lagged: f64 },
    /// Too many rows have no value for it.
    Missing { share: f64 },
    /// Says nearly the same as a cheaper one that is kept.
    Redundant { with: String, spearman: f64 },
    /// Alone it says nothing about the target that chance would not.
    NotSignificant { p: f64, adjusted: f64 },
    /// Significant, but the evidence carries no more than `limit` features.
    BeyondLimit { limit: usize },
    /// Scores no worse without it in too many folds.
    Unimportant { folds: usize, of: usize },
}

impl std::fmt::Display for DropReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Constant => write!(f, "constant"),
            Self::TargetOutlier { spearman } => {
                write!(f, "quarantined: rank correlation {spearman:.3} with the future return")
            }
            Self::EventOutlier { auc } => write!(f, "quarantined: AUC {auc:.3} alone"),
            Self::ForwardShift { now, lagged } => {
                write!(f, "quarantined: correlation {now:.3} falls to {lagged:.3} one bar earlier")
            }
            Self::Missing { share } => write!(f, "no value in {:.1} % of the rows", 100.0 * share),
            Self::Redundant { with, spearman } => {
                write!(f, "rank correlation {spearman:.3} with '{with}', which is kept")
            }
            Self::NotSignificant { p, adjusted } => {
                write!(f, "not significant: p {p:.4}, {adjusted:.4} among all that were tested")
            }
            Self::BeyondLimit { limit } => write!(f, "significant, but the evidence carries only {limit} features"),
            Self::Unimportant { folds, of } => write!(f, "important in {folds} of {of} folds only"),
        }
    }
}

/// A feature that training left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dropped {
    pub feature: String,
    pub reason: DropReason,
}

/// Those of the inputs that must not be used on these samples, in their order.
#[must_use]
pub fn inspect(data: &Dataset<'_>, inputs: &[Input]) -> Vec<Dropped> {
    let target = ranks(&data.samples.iter().map(|s| s.scaled_return).collect::<Vec<_>>());
    let strata = strata(&data.samples);
    let dropped = |input: &Input| {
        let reason = judge(data, input.place, &target, &strata)?;
        Some(Dropped { feature: input.feature.clone(), reason })
    };
    inputs.iter().filter_map(dropped).collect()
}

fn column(samples: &[Sample<'_>], c: usize) -> Vec<f64> {
    samples.iter().filter_map(|s| s.features.get(c)).map(|v| f64::from(*v)).collect()
}

fn judge(data: &Dataset<'_>, c: usize, target: &[f64], strata: &[Vec<usize>]) -> Option<DropReason> {
    let values = column(&data.samples, c);
    let first = values.first()?;
    if values.iter().all(|v| v == first) {
        return Some(DropReason::Constant);
    }
    let short = data.exits.horizon.0 <= 24;
    if let Some(ic) = correlation(&ranks(&values), target).filter(|ic| short && ic.abs() > MAX_SPEARMAN) {
        return Some(DropReason::TargetOutlier { spearman: tidy(ic) });
    }
    if let Some(auc) = stratified_auc(&data.samples, &values, strata).filter(|a| a.max(1.0 - a) > MAX_AUC) {
        return Some(DropReason::EventOutlier { auc: tidy(auc) });
    }
    let (now, lagged) = shifted(&data.samples, c)?;
    (now.abs() > SHIFT_FLOOR && now.abs() > SHIFT_RATIO * lagged.abs())
        .then(|| DropReason::ForwardShift { now: tidy(now), lagged: tidy(lagged) })
}

/// Information coefficient of the feature and of the feature one bar older, on the samples that have both.
fn shifted(samples: &[Sample<'_>], c: usize) -> Option<(f64, f64)> {
    let mut now = Vec::new();
    let mut before = Vec::new();
    let mut target = Vec::new();
    for s in samples {
        if let (Some(a), Some(b)) = (s.features.get(c), s.lagged.as_ref().and_then(|l| l.get(c))) {
            now.push(f64::from(*a));
            before.push(f64::from(*b));
            target.push(s.scaled_return);
        }
    }
    Some((spearman(&now, &target)?, spearman(&before, &target).unwrap_or(0.0)))
}

/// Sample indices by tenths of σ24. With a fixed cost, volatility itself decides how often a trade can pay (at one hour more than
/// anything else), honestly so; within a tenth that is taken out.
fn strata(samples: &[Sample<'_>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let sigma = |i: &usize| samples.get(*i).map_or(0.0, |s| s.sigma24);
    order.sort_by(|a, b| sigma(a).total_cmp(&sigma(b)));
    order.chunks(samples.len().div_ceil(STRATA).max(1)).map(<[usize]>::to_vec).collect()
}

fn stratified_auc(samples: &[Sample<'_>], values: &[f64], strata: &[Vec<usize>]) -> Option<f64> {
    let (mut sum, mut couples) = (0.0, 0.0);
    for stratum in strata {
        let x: Vec<f64> = stratum.iter().filter_map(|i| values.get(*i)).copied().collect();
        let y: Vec<bool> = stratum.iter().filter_map(|i| samples.get(*i)).map(|s| s.win).collect();
        let wins = y.iter().filter(|w| **w).count();
        if let Some(one) = auc(&x, &y) {
            let weight = (wins * (y.len() - wins)) as f64;
            sum += one * weight;
            couples += weight;
        }
    }
    (couples > 0.0).then(|| sum / couples)
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{Market, input, inputs, settings};
    use super::super::{TrainingRow, TrainingSeries};
    use super::*;

    type Canary = fn(&[TrainingRow], usize) -> Option<f64>;

    fn dataset(series: &[TrainingSeries], horizon: u32) -> Dataset<'_> {
        let settings = settings(horizon);
        Dataset::build(series, &settings, &settings.exits[0], 0.004)
    }

    fn with_canary(canary: Canary, feature: &str, horizon: u32) -> Vec<Dropped> {
        let place = input(feature).place;
        let mut series = Market::noise(2, 6_000, 11).build();
        for one in &mut series {
            let values: Vec<Option<f64>> = (0..one.rows.len()).map(|t| canary(&one.rows, t)).collect();
            for (row, value) in one.rows.iter_mut().zip(values) {
                row.features = row.features.take().zip(value).map(|(mut x, value)| {
                    x[place] = value as f32;
                    x
                });
            }
        }
        inspect(&dataset(&series, horizon), &inputs())
    }

    fn close(rows: &[TrainingRow], t: usize) -> Option<f64> {
        rows.get(t).map(|r| r.bar.close)
    }

    #[test]
    fn a_clean_set_raises_no_alarm() {
        for (seed, horizon) in [(1, 1), (2, 6), (3, 24)] {
            let series = Market::noise(2, 6_000, seed).build();
            assert_eq!(inspect(&dataset(&series, horizon), &inputs()), vec![], "seed {seed} horizon {horizon}");
        }
    }

    #[test]
    fn every_canary_is_caught_and_nothing_else() {
        let next_close: Canary = |rows, t| Some((close(rows, t + 1)? / close(rows, t)?).ln());
        let future: Canary = |rows, t| Some((close(rows, t + 24)? / close(rows, t)?).ln());
        let centred: Canary = |rows, t| {
            let window = rows.get(t.checked_sub(12)?..=t + 12)?;
            let mean = window.iter().map(|r| r.bar.close).sum::<f64>() / 25.0;
            Some((close(rows, t)? / mean).ln())
        };
        // How far the next day will rise at best: no direction, but it tells whether the target is touched.
        let future_high: Canary = |rows, t| {
            let high = rows.get(t + 1..=t + 24)?.iter().map(|r| r.bar.high).fold(0.0, f64::max);
            Some((high / close(rows, t)?).ln() / rows.get(t)?.sigma24?)
        };
        for (name, canary) in
            [("next close", next_close), ("return", future), ("centred mean", centred), ("future high", future_high)]
        {
            let found = with_canary(canary, "cmf20", 24);
            assert_eq!(found.iter().map(|d| d.feature.as_str()).collect::<Vec<_>>(), ["cmf20"], "{name}: {found:?}");
        }
    }

    #[test]
    fn a_constant_is_dropped_by_name() {
        let found = with_canary(|_, _| Some(0.25), "volume_z", 6);
        assert_eq!(found, vec![Dropped { feature: "volume_z".to_owned(), reason: DropReason::Constant }]);
    }

    #[test]
    fn volatility_may_decide_whether_a_trade_pays() {
        // At one hour and a cost near one sd, the level of volatility tells winners from losers by honest means.
        let mut series = Market::noise(2, 6_000, 21).volatility_cycle().build();
        let place = input("volatility_level").place;
        for one in &mut series {
            for row in &mut one.rows {
                row.features = row.features.take().zip(row.sigma24).map(|(mut x, sigma)| {
                    x[place] = sigma.ln() as f32;
                    x
                });
            }
        }
        let settings = settings(1);
        let data = Dataset::build(&series, &settings, &settings.exits[0], 0.01);
        let level = column(&data.samples, place);
        let wins: Vec<bool> = data.samples.iter().map(|s| s.win).collect();
        assert!(auc(&level, &wins).unwrap() > MAX_AUC, "the trap is set");
        assert_eq!(inspect(&data, &inputs()), vec![]);
    }
}
