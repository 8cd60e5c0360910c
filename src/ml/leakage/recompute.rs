//! Feature rows computed again with less of the past or another future (López de Prado 2018; the lookahead checks of backtesters).

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::report::{Finding, LeakageTest, TestReport};
use crate::domain::random::SplitMix64;
use crate::ml::TrainingSeries;
use crate::ml::scaler::Input;

/// Instants that truncation and poison look at, at least.
pub const MIN_INSTANTS: usize = 50;
/// Bars of history, the instant's own included, that the warm-up test starts from.
pub const START_UPS: [usize; 5] = [199, 399, 499, 999, 1_999];
/// Relative difference allowed to a recursive feature under truncation and poison: the last bit of single precision, in which training keeps
/// features. Others must be equal bit for bit.
const RECURSIVE: f64 = f32::EPSILON as f64;
/// Difference, relative to 1 or the value if that is larger, at which a feature has settled.
const SETTLED: f64 = 1e-4;
/// Instants of the warm-up test; each costs as many bars as all start-ups together.
const WARM_UP_INSTANTS: usize = 8;

/// What stands in the place of the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poison {
    /// Every number is NaN.
    NotANumber,
    /// Prices and volumes of 1e12.
    Absurd,
    /// Every price and volume is its inverse.
    UpsideDown,
}

impl Poison {
    pub const ALL: [Self; 3] = [Self::NotANumber, Self::Absurd, Self::UpsideDown];
}

/// What a feature row may be computed from; of all pairs, the row's own bar included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Everything up to the row.
    UpTo,
    /// Everything, but with this in the place of what comes after the row.
    Poisoned(Poison),
    /// The last so many bars up to the row.
    Last(usize),
}

/// Whatever computes the feature rows of training.
pub trait Recompute: Sync {
    /// The model inputs of `pair` at `row` (places in the training series) from what is `known`; NaN for an input without a value,
    /// `None` without a row.
    fn features(&self, pair: usize, row: usize, known: Known) -> Option<Vec<f64>>;

    /// The same for many places with everything up to each of them, where one pass is cheaper than one each.
    fn up_to(&self, places: &[Place]) -> Vec<Option<Vec<f64>>> {
        places.par_iter().map(|place| self.features(place.pair, place.row, Known::UpTo)).collect()
    }
}

/// A model input with what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    pub input: Input,
    /// It carries a state on from bar to bar.
    pub recursive: bool,
    /// Bars before it agrees with one that saw all history.
    pub warm_up: usize,
}

/// A feature row of the training series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub pair: usize,
    pub row: usize,
}

/// `count` random places that have features and a future, and every one of `signals` that has features; ascending.
#[must_use]
pub fn places(series: &[TrainingSeries], count: usize, signals: &[Place], seed: u64) -> Vec<Place> {
    let with_features = |pair: usize, one: &TrainingSeries| {
        let rows: Vec<usize> =
            (0..one.rows.len()).filter(|r| one.rows.get(*r).is_some_and(|r| r.features.is_some())).collect();
        rows.into_iter().map(move |row| Place { pair, row })
    };
    let mut all: Vec<Place> = series.iter().enumerate().flat_map(|(pair, one)| with_features(pair, one)).collect();
    let known: BTreeSet<Place> = all.iter().copied().collect();
    let mut chosen: BTreeSet<Place> = signals.iter().filter(|p| known.contains(p)).copied().collect();
    all.retain(|p| series.get(p.pair).is_some_and(|one| p.row + 1 < one.rows.len()));
    let mut rng = SplitMix64::new(&[seed, all.len() as u64]);
    for _ in 0..count.min(all.len()) {
        chosen.insert(all.swap_remove(rng.below(all.len())));
    }
    chosen.into_iter().collect()
}

/// Feature rows must be the same with nothing known after them.
#[must_use]
pub fn truncation(series: &[TrainingSeries], watched: &[Watched], of: &dyn Recompute, at: &[Place]) -> TestReport {
    unchanged(LeakageTest::Truncation, series, watched, at, of.up_to(at))
}

/// Feature rows must be the same whatever comes after them; the poisons take turns.
#[must_use]
pub fn poison(series: &[TrainingSeries], watched: &[Watched], of: &dyn Recompute, at: &[Place]) -> TestReport {
    let again = |(turn, place): (usize, &Place)| {
        let poison = Poison::ALL.get(turn % Poison::ALL.len())?;
        of.features(place.pair, place.row, Known::Poisoned(*poison))
    };
    unchanged(LeakageTest::Poison, series, watched, at, at.par_iter().enumerate().map(again).collect())
}

fn stored(series: &[TrainingSeries], place: Place) -> Option<&[f32]> {
    series.get(place.pair)?.rows.get(place.row)?.features.as_deref()
}

/// A value as training keeps it.
fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

/// Difference relative to 1 or the value if that is larger; none between values that are both missing.
fn distance(a: f64, b: f64) -> f64 {
    if a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()) {
        return 0.0;
    }
    let far = (a - b).abs() / a.abs().max(1.0);
    if far.is_nan() { f64::INFINITY } else { far }
}

fn finding(series: &[TrainingSeries], place: Place, what: &str, value: f64, other: f64) -> Finding {
    let one = series.get(place.pair);
    Finding {
        what: what.to_owned(),
        pair: one.map(|one| one.pair.clone()),
        at: one.and_then(|one| one.rows.get(place.row)).map(|row| row.bar.open_time),
        value: Some(value),
        other: Some(other),
    }
}

fn unchanged(
    test: LeakageTest,
    series: &[TrainingSeries],
    watched: &[Watched],
    at: &[Place],
    rows: Vec<Option<Vec<f64>>>,
) -> TestReport {
    let mut report = TestReport::new(test, RECURSIVE);
    for (place, row) in at.iter().zip(rows) {
        let Some(full) = stored(series, *place) else { continue };
        for one in watched {
            let Some(value) = full.get(one.input.place).map(|v| f64::from(*v)) else { continue };
            let other = row.as_ref().and_then(|row| row.get(one.input.place)).map_or(f64::NAN, |v| single(*v));
            let far = distance(value, other);
            report.seen(far);
            if far > if one.recursive { RECURSIVE } else { 0.0 }
                || (!one.recursive && value.to_bits() != other.to_bits())
            {
                report.found(finding(series, *place, &one.input.feature, value, other));
            }
        }
    }
    report.done((MIN_INSTANTS * watched.len()).max(1) as u64)
}

/// Features must agree to 1e-4 with those of training when they start from as many bars as they ask for, or more. A finding's `value`
/// is the warm-up that the feature states, `other` the first start-up from which it agrees, if there is one.
#[must_use]
pub fn warm_up(series: &[TrainingSeries], watched: &[Watched], of: &dyn Recompute, at: &[Place]) -> TestReport {
    let [least, .., most] = START_UPS;
    // The later a row, the more start-ups it can be held against.
    let mut late: Vec<Place> = at.iter().filter(|p| p.row >= least).copied().collect();
    late.sort_by_key(|p| (std::cmp::Reverse(p.row.min(most)), *p));
    let late: Vec<Place> =
        late.iter().step_by((late.len() / WARM_UP_INSTANTS).max(1)).take(WARM_UP_INSTANTS).copied().collect();
    let jobs: Vec<(Place, usize)> =
        late.iter().flat_map(|p| START_UPS.iter().filter(|n| **n <= p.row).map(|n| (*p, *n))).collect();
    let rows: Vec<Option<Vec<f64>>> =
        jobs.par_iter().map(|(place, bars)| of.features(place.pair, place.row, Known::Last(*bars))).collect();
    let mut report = TestReport::new(LeakageTest::WarmUp, SETTLED);
    for one in watched {
        let far = |place: Place, row: &Option<Vec<f64>>| {
            let value = f64::from(*stored(series, place)?.get(one.input.place)?);
            Some(distance(value, row.as_ref().and_then(|row| row.get(one.input.place)).copied().unwrap_or(f64::NAN)))
        };
        let seen: Vec<(Place, usize, f64)> = jobs
            .iter()
            .zip(&rows)
            .filter_map(|((place, bars), row)| Some((*place, *bars, far(*place, row)?)))
            .collect();
        let unsettled = seen.iter().filter(|(_, _, far)| *far > SETTLED).map(|(_, bars, _)| *bars).max();
        let needs =
            START_UPS.into_iter().find(|n| unsettled.is_none_or(|u| *n > u) && seen.iter().any(|(_, b, _)| b == n));
        for (place, _, far) in seen.iter().filter(|(_, bars, _)| *bars >= one.warm_up) {
            report.seen(*far);
            if *far > SETTLED {
                let needs = needs.map_or(f64::NAN, |n| n as f64);
                report.found(finding(series, *place, &one.input.feature, one.warm_up as f64, needs));
            }
        }
    }
    report.done(watched.len().max(1) as u64)
}
