//! What a feature says of the label, against what an honest one can say.
//!
//! Two tests: an association too strong for an honest feature, and information that vanishes when the feature is one bar
//! older. Both run on the samples of training and test blocks alike: dropping a feature can only take information away, so looking at
//! the test blocks cannot flatter. Above 30,000 samples they see one at random of each of 30,000 equal stretches: the standard
//! error of a rank correlation is then 0.006 and that of an AUC 0.004, far below every threshold.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::report::{Finding, LeakageTest, TestReport};
use crate::domain::random::SplitMix64;
use crate::ml::dataset::{Dataset, Sample};
use crate::ml::numbers::{correlation, ranks, spearman, tidy};
use crate::ml::scaler::Input;
use crate::ml::scores::auc;

/// Largest |Spearman| with the horizon's return at 24 hours or less.
pub const MAX_SPEARMAN: f64 = 0.3;
/// Largest single-feature AUC (or its mirror image) against the gated event.
pub const MAX_AUC: f64 = 0.65;
/// An information coefficient above this …
pub const SHIFT_FLOOR: f64 = 0.1;
/// … that is this many times the one of the feature lagged by one more bar is suspect.
pub const SHIFT_RATIO: f64 = 3.0;

/// The longest horizon at which the correlation with the return is judged.
const SHORT_HOURS: u32 = 24;
const STRATA: usize = 10;
/// Samples that the ranks are taken of at most.
const MOST_SAMPLES: usize = 30_000;

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

/// What one feature says of the label.
#[derive(Debug, Clone, PartialEq)]
pub struct Association {
    pub feature: String,
    pub constant: bool,
    /// Rank correlation with the return over the horizon.
    pub spearman: Option<f64>,
    /// AUC against the gated event at equal volatility.
    pub auc: Option<f64>,
    /// Rank correlation on the samples that have a feature one bar older, and, where it is above [`SHIFT_FLOOR`], of that older one.
    pub shift: Option<(f64, Option<f64>)>,
}

impl Association {
    /// Why the feature must not be used, if so; `short` is a horizon of 24 hours or less.
    fn reason(&self, short: bool) -> Option<DropReason> {
        if self.constant {
            return Some(DropReason::Constant);
        }
        if let Some(spearman) = self.spearman.filter(|ic| short && ic.abs() > MAX_SPEARMAN) {
            return Some(DropReason::TargetOutlier { spearman: tidy(spearman) });
        }
        if let Some(auc) = self.auc.filter(|a| a.max(1.0 - a) > MAX_AUC) {
            return Some(DropReason::EventOutlier { auc: tidy(auc) });
        }
        let (now, lagged) = self.shift.filter(|(now, lagged)| shift_ratio(*now, *lagged) > SHIFT_RATIO)?;
        Some(DropReason::ForwardShift { now: tidy(now), lagged: tidy(lagged?) })
    }
}

/// How many times the information of the older feature; 0 where there is too little to speak of.
fn shift_ratio(now: f64, lagged: Option<f64>) -> f64 {
    lagged.map_or(0.0, |lagged| (now / lagged).abs().min(1e6))
}

/// Those of the inputs that must not be used on these samples, in their order.
#[must_use]
pub fn inspect(data: &Dataset<'_>, inputs: &[Input]) -> Vec<Dropped> {
    let short = data.exits.horizon.0 <= SHORT_HOURS;
    let dropped = |a: Association| Some(Dropped { reason: a.reason(short)?, feature: a.feature });
    associations(data, inputs).into_iter().filter_map(dropped).collect()
}

/// Measures every input, in their order.
#[must_use]
pub fn associations(data: &Dataset<'_>, inputs: &[Input]) -> Vec<Association> {
    let samples = spread(&data.samples);
    let targets = |s: &[&Sample<'_>]| ranks(&s.iter().map(|s| s.scaled_return).collect::<Vec<_>>());
    let lagged: Vec<&Sample<'_>> = samples.iter().filter(|s| s.lagged.is_some()).copied().collect();
    let (target, target_lagged, strata) = (targets(&samples), targets(&lagged), strata(&samples));
    let measure = |input: &Input| {
        let c = input.place;
        let values = column(&samples, c);
        // Most features say little, and then nothing can be lost.
        let older = || spearman(&lagged_column(&lagged, c), &target_lagged).unwrap_or(0.0);
        let shift = correlation(&ranks(&column(&lagged, c)), &target_lagged)
            .map(|now| (now, (now.abs() > SHIFT_FLOOR).then(older)));
        Association {
            feature: input.feature.clone(),
            constant: values.windows(2).all(|w| matches!(w, [a, b] if a == b)),
            spearman: correlation(&ranks(&values), &target),
            auc: stratified_auc(&samples, &values, &strata),
            shift,
        }
    };
    inputs.par_iter().map(measure).collect()
}

/// No feature may be associated with the return too strongly. Not asked above 24 hours, where overlapping labels make chance large.
#[must_use]
pub fn target_outlier(data: &Dataset<'_>, associations: &[Association]) -> TestReport {
    let short = data.exits.horizon.0 <= SHORT_HOURS;
    let limit = if short { MAX_SPEARMAN } else { 1.0 };
    judged(LeakageTest::TargetOutlier, associations, limit, |a| Some((a.spearman?.abs().min(1.0), a.spearman?, None)))
}

/// No feature may tell winners from losers too well.
#[must_use]
pub fn event_outlier(associations: &[Association]) -> TestReport {
    judged(LeakageTest::EventOutlier, associations, MAX_AUC, |a| Some((a.auc?.max(1.0 - a.auc?), a.auc?, None)))
}

/// No feature may lose its information with one bar.
#[must_use]
pub fn forward_shift(associations: &[Association]) -> TestReport {
    judged(LeakageTest::ForwardShift, associations, SHIFT_RATIO, |a| {
        a.shift.map(|(now, lagged)| (shift_ratio(now, lagged), now, lagged))
    })
}

fn judged(
    test: LeakageTest,
    associations: &[Association],
    limit: f64,
    of: impl Fn(&Association) -> Option<(f64, f64, Option<f64>)>,
) -> TestReport {
    let mut report = TestReport::new(test, limit);
    for a in associations.iter().filter(|a| !a.constant) {
        let Some((size, value, other)) = of(a) else { continue };
        report.seen(size);
        if size > limit {
            report.found(Finding { value: Some(value), other, ..Finding::of(&a.feature) });
        }
    }
    report.done(1)
}

/// All samples, or one at random of each of [`MOST_SAMPLES`] equal stretches; evenly spaced ones could miss a pair.
fn spread<'a>(samples: &'a [Sample<'a>]) -> Vec<&'a Sample<'a>> {
    if samples.len() <= MOST_SAMPLES {
        return samples.iter().collect();
    }
    let mut rng = SplitMix64::new(&[samples.len() as u64]);
    let stretch = samples.len() as f64 / MOST_SAMPLES as f64;
    (0..MOST_SAMPLES).filter_map(|i| samples.get(((i as f64 + rng.unit()) * stretch) as usize)).collect()
}

fn column(samples: &[&Sample<'_>], c: usize) -> Vec<f64> {
    samples.iter().filter_map(|s| s.features.get(c)).map(|v| f64::from(*v)).collect()
}

fn lagged_column(samples: &[&Sample<'_>], c: usize) -> Vec<f64> {
    samples.iter().filter_map(|s| s.lagged?.get(c)).map(|v| f64::from(*v)).collect()
}

/// Sample indices by tenths of σ24. With a fixed cost, volatility itself decides how often a trade can pay (at one hour more than
/// anything else), honestly so; within a tenth that is taken out.
fn strata(samples: &[&Sample<'_>]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let sigma = |i: &usize| samples.get(*i).map_or(0.0, |s| s.sigma24);
    order.sort_by(|a, b| sigma(a).total_cmp(&sigma(b)));
    order.chunks(samples.len().div_ceil(STRATA).max(1)).map(<[usize]>::to_vec).collect()
}

fn stratified_auc(samples: &[&Sample<'_>], values: &[f64], strata: &[Vec<usize>]) -> Option<f64> {
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
    use super::*;
    use crate::ml::testkit::{Market, input, inputs, settings};
    use crate::ml::{TrainingRow, TrainingSeries};

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
        let level = column(&data.samples.iter().collect::<Vec<_>>(), place);
        let wins: Vec<bool> = data.samples.iter().map(|s| s.win).collect();
        assert!(auc(&level, &wins).unwrap() > MAX_AUC, "the trap is set");
        assert_eq!(inspect(&data, &inputs()), vec![]);
    }
}
