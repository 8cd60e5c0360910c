//! Intervals of one horizon whose level follows the market: `DtACI`, told of each outcome when it is known and never before.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Refused, hours, sound_span};
use crate::domain::UtcMs;
use crate::domain::time::DAY_MS;
use crate::ml::binomial::{RateInBand, binomial_band};
use crate::ml::conformal::Radius;
use crate::ml::conformal::adaptive::{DtAci, covering_level, radius};
use crate::ml::conformal::cqr::band;
use crate::ml::weights::{PooledSpan, pooled};

/// Scores that a radius is taken from: the latest ones.
const WINDOW: usize = 500;
/// Matured intervals that the coverage is counted over.
const COVERAGE_OVER: usize = 250;
/// Confidence of the coverage band.
const BAND_LEVEL: f64 = 0.99;
/// How long after its due time an outcome is waited for; then the forecast is void, so that a hole in the data does not hold up the rest.
const GRACE_MS: i64 = DAY_MS;

/// What a model says of one pair: a band before calibration (`low = high` for a point forecast).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forecast {
    pub pair: u32,
    /// Decision.
    pub at: UtcMs,
    /// When the outcome can be known.
    pub due: UtcMs,
    pub low: f64,
    pub high: f64,
    /// The unit in which misses of different pairs and times compare: `σ24·√H`.
    pub unit: f64,
}

/// The interval that is given out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// `None` when the level asks for everything or nothing.
    pub ends: Option<(f64, f64)>,
    pub radius: Radius,
    /// Share that may be missed, as of now.
    pub alpha: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    forecast: Forecast,
    radius: Radius,
    /// Scores that were known when it was given, counted from the first ever.
    seen: u64,
    outcome: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    pair: u32,
    at: UtcMs,
    due: UtcMs,
    covered: bool,
}

/// See the module's first line. All pairs of the horizon share it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntervalTracker {
    experts: DtAci,
    /// Mean correlation between pairs, for the effective number of outcomes.
    rho: f64,
    /// The latest instant that it was told of.
    now: UtcMs,
    /// Matured scores in the order of decisions: the latest, and what pending forecasts were given from.
    scores: VecDeque<f64>,
    /// Scores forgotten before the first in `scores`.
    forgotten: u64,
    /// By decision time, then pair.
    pending: VecDeque<Pending>,
    done: VecDeque<Done>,
    /// Forecasts whose outcome never came.
    void: u64,
}

impl IntervalTracker {
    /// Starts with out-of-sample scores (misses in units, oldest first) of the model's training; `target` is the share that may be
    /// missed. Scores that are not finite are left out.
    #[must_use]
    pub fn new(target: f64, rho: f64, scores: &[f64]) -> Self {
        let finite: Vec<f64> = scores.iter().copied().filter(|s| s.is_finite()).collect();
        let kept = finite.get(finite.len().saturating_sub(WINDOW)..).unwrap_or_default();
        Self {
            experts: DtAci::new(target),
            rho,
            now: UtcMs(0),
            scores: kept.iter().copied().collect(),
            forgotten: 0,
            pending: VecDeque::new(),
            done: VecDeque::new(),
            void: 0,
        }
    }

    fn total(&self) -> u64 {
        self.forgotten + self.scores.len() as u64
    }

    /// The scores that were the latest when `seen` of them were known.
    fn window(&self, seen: u64) -> Vec<f64> {
        let end = usize::try_from(seen.saturating_sub(self.forgotten)).unwrap_or(usize::MAX).min(self.scores.len());
        self.scores.range(end.saturating_sub(WINDOW)..end).copied().collect()
    }

    /// Gives the interval of a forecast and waits for its outcome.
    ///
    /// # Errors
    /// [`Refused::Past`] when outcomes of a later instant were used already, [`Refused::Twice`], [`Refused::OutOfRange`].
    pub fn predict(&mut self, forecast: Forecast) -> Result<Band, Refused> {
        let Forecast { pair, at, due, low, high, unit } = forecast;
        if !(sound_span(pair, at, due) && low.is_finite() && high.is_finite() && unit.is_finite() && unit > 0.0) {
            return Err(Refused::OutOfRange);
        }
        if at < self.now {
            return Err(Refused::Past { at, now: self.now });
        }
        let place = match self.find(pair, at) {
            Ok(_) => return Err(Refused::Twice(at)),
            Err(place) => place,
        };
        self.now = at;
        let (alpha, seen) = (self.experts.alpha(), self.total());
        let radius = radius(&self.window(seen), alpha);
        self.pending.insert(place, Pending { forecast, radius, seen, outcome: None });
        let ends = radius.finite().and_then(|q| band(low, high, Radius::Upto(q * unit)));
        Ok(Band { ends, radius, alpha })
    }

    fn find(&self, pair: u32, at: UtcMs) -> Result<usize, usize> {
        self.pending.binary_search_by_key(&(at, pair), |p| (p.forecast.at, p.forecast.pair))
    }

    /// Takes the outcome of the forecast of this pair at `at`, heard at `now`. It is used at once, unless an earlier decision still waits
    /// for its own.
    ///
    /// # Errors
    /// [`Refused::NotYet`] before the outcome can be known, [`Refused::Unknown`], [`Refused::Past`], [`Refused::OutOfRange`].
    pub fn mature(&mut self, pair: u32, at: UtcMs, outcome: f64, now: UtcMs) -> Result<(), Refused> {
        if now < self.now {
            return Err(Refused::Past { at: now, now: self.now });
        }
        if !outcome.is_finite() {
            return Err(Refused::OutOfRange);
        }
        let place = self.find(pair, at).map_err(|_| Refused::Unknown(at))?;
        let pending = self.pending.get_mut(place).ok_or(Refused::Unknown(at))?;
        if now < pending.forecast.due {
            return Err(Refused::NotYet { known: pending.forecast.due, now });
        }
        if pending.outcome.is_some() {
            return Err(Refused::Twice(at));
        }
        pending.outcome = Some(outcome);
        self.settle(now);
        Ok(())
    }

    /// Uses what can be used at `now`, in the order of decisions; a forecast whose outcome has been missing for a day after it
    /// was due is void. An earlier instant than one already told changes nothing.
    pub fn settle(&mut self, now: UtcMs) {
        self.now = self.now.max(now);
        while let Some(first) = self.pending.front().copied() {
            match first.outcome {
                Some(outcome) => self.learn(&first, outcome),
                None if self.now >= first.forecast.due.plus(GRACE_MS) => self.void += 1,
                None => break,
            }
            self.pending.pop_front();
        }
        let needed = self.pending.front().map_or(self.total(), |p| p.seen).saturating_sub(WINDOW as u64);
        while self.forgotten < needed && self.scores.pop_front().is_some() {
            self.forgotten += 1;
        }
    }

    fn learn(&mut self, pending: &Pending, outcome: f64) {
        let Forecast { pair, at, due, low, high, unit } = pending.forecast;
        let score = (low.min(high) - outcome).max(outcome - low.max(high)) / unit;
        self.experts.mature(covering_level(&self.window(pending.seen), score));
        self.scores.push_back(score);
        self.done.push_back(Done { pair, at, due, covered: pending.radius.covers(score) });
        if self.done.len() > COVERAGE_OVER {
            self.done.pop_front();
        }
    }

    /// Coverage of the last 250 matured intervals by effective weight, beside its exact 99 % binomial band around the
    /// target. `None` while they are worth less than one.
    #[must_use]
    pub fn coverage(&self) -> Option<RateInBand> {
        let spans: Vec<PooledSpan> = self.done.iter().map(|d| hours(d.pair, d.at, d.due)).collect();
        let weights = pooled(&spans, self.rho);
        let n_eff: f64 = weights.iter().sum();
        let covered: f64 = self.done.iter().zip(&weights).map(|(d, w)| w * f64::from(u8::from(d.covered))).sum();
        let band = binomial_band(1.0 - self.experts.target(), n_eff, BAND_LEVEL)?;
        Some(RateInBand { rate: covered / n_eff, n_eff, band })
    }

    /// How far the ends of an interval given now lie outside the forecast's, in its unit.
    #[must_use]
    pub fn radius(&self) -> Radius {
        radius(&self.window(self.total()), self.experts.alpha())
    }

    /// The largest miss among the scores that a radius is taken from.
    #[must_use]
    pub fn farthest(&self) -> Option<f64> {
        self.window(self.total()).into_iter().max_by(f64::total_cmp)
    }

    /// Share that an interval given now may miss.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.experts.alpha()
    }

    /// Forecasts that wait, and those whose outcome never came.
    #[must_use]
    pub fn waiting(&self) -> (usize, u64) {
        (self.pending.len(), self.void)
    }

    /// Whether a state that was read back can go on.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let key = |p: &Pending| (p.forecast.at, p.forecast.pair);
        let total = self.total();
        let finite = |r: Radius| r.finite().is_none_or(f64::is_finite);
        self.experts.is_sound()
            && (0.0..=1.0).contains(&self.rho)
            && self.scores.iter().all(|s| s.is_finite())
            && self.pending.iter().zip(self.pending.iter().skip(1)).all(|(a, b)| key(a) < key(b))
            && self.pending.iter().all(|p| {
                let f = &p.forecast;
                sound_span(f.pair, f.at, f.due)
                    && f.at <= self.now
                    && [f.low, f.high].iter().all(|v| v.is_finite())
                    && f.unit.is_finite()
                    && f.unit > 0.0
                    && p.seen <= total
                    && finite(p.radius)
                    && p.outcome.is_none_or(|y| y.is_finite() && f.due <= self.now)
            })
            && self.done.len() <= COVERAGE_OVER
            && self.done.iter().all(|d| sound_span(d.pair, d.at, d.due))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::random::SplitMix64;
    use crate::domain::time::HOUR_MS;

    const HORIZON: i64 = 6;

    fn hour(h: i64) -> UtcMs {
        UtcMs(h * HOUR_MS)
    }

    fn point(pair: u32, h: i64) -> Forecast {
        Forecast { pair, at: hour(h), due: hour(h + HORIZON), low: 0.0, high: 0.0, unit: 1.0 }
    }

    fn started() -> IntervalTracker {
        let mut rng = SplitMix64::new(&[31]);
        IntervalTracker::new(0.2, 0.5, &(0..500).map(|_| rng.normal().abs()).collect::<Vec<_>>())
    }

    /// One hour: outcomes that are due, then the forecasts of two pairs.
    fn step(tracker: &mut IntervalTracker, h: i64, outcome: impl Fn(u32, i64) -> f64) -> [Band; 2] {
        for pair in [0, 1] {
            if h >= HORIZON {
                tracker.mature(pair, hour(h - HORIZON), outcome(pair, h - HORIZON), hour(h)).unwrap();
            }
        }
        [0, 1].map(|pair| tracker.predict(point(pair, h)).unwrap())
    }

    fn noise(pair: u32, h: i64) -> f64 {
        SplitMix64::new(&[41, u64::from(pair), h as u64]).normal()
    }

    #[test]
    fn a_market_that_grows_wilder_is_covered_again() {
        let wild = |pair, h| noise(pair, h) * if h < 300 { 1.0 } else { 3.0 };
        let mut adaptive = started();
        let mut lowest = 1.0_f64;
        for h in 0..1_500 {
            step(&mut adaptive, h, wild);
            if h > 300 && h < 600 {
                lowest = lowest.min(adaptive.coverage().unwrap().rate);
            }
        }
        let end = adaptive.coverage().unwrap();
        assert!(lowest < 0.72, "the shift shows: {lowest}");
        assert!(end.holds(), "{end:?}");
        assert!(end.n_eff < 60.0, "250 overlapping outcomes of two pairs are few: {}", end.n_eff);
    }

    #[test]
    fn nothing_is_learned_before_it_is_known() {
        let mut tracker = started();
        tracker.predict(point(0, 0)).unwrap();
        tracker.predict(point(0, 1)).unwrap();
        let before = tracker.clone();
        let refused = |t: &mut IntervalTracker, at, now| t.mature(0, hour(at), 9.0, hour(now)).unwrap_err();
        assert_eq!(refused(&mut tracker, 0, 5), Refused::NotYet { known: hour(6), now: hour(5) });
        assert_eq!(refused(&mut tracker, 3, 9), Refused::Unknown(hour(3)));
        assert_eq!(refused(&mut tracker, 0, 0), Refused::Past { at: hour(0), now: hour(1) });
        assert_eq!(tracker.predict(point(0, 1)), Err(Refused::Twice(hour(1))));
        assert_eq!(tracker.predict(Forecast { unit: 0.0, ..point(1, 1) }), Err(Refused::OutOfRange));
        assert_eq!(tracker, before, "what is refused changes nothing");
        // The later decision's outcome waits for the earlier one's.
        tracker.mature(0, hour(1), 9.0, hour(7)).unwrap();
        assert_eq!((tracker.alpha(), tracker.waiting()), (before.alpha(), (2, 0)));
        assert_eq!(tracker.predict(point(0, 6)), Err(Refused::Past { at: hour(6), now: hour(7) }));
        tracker.mature(0, hour(0), 9.0, hour(8)).unwrap();
        assert!(tracker.alpha() < before.alpha(), "two misses widen");
        assert_eq!(tracker.waiting(), (0, 0));
    }

    #[test]
    fn an_outcome_that_never_comes_holds_nothing_up() {
        let mut tracker = started();
        tracker.predict(point(0, 0)).unwrap();
        tracker.predict(point(0, 1)).unwrap();
        tracker.mature(0, hour(1), 0.1, hour(7)).unwrap();
        tracker.settle(hour(29));
        assert_eq!(tracker.waiting(), (2, 0));
        tracker.settle(hour(30));
        assert_eq!(tracker.waiting(), (0, 1));
    }

    #[test]
    fn a_restart_goes_on_with_the_same_bits() {
        let mut through = started();
        let mut stopped = started();
        for h in 0..700 {
            let a = step(&mut through, h, noise);
            let b = step(&mut stopped, h, noise);
            assert_eq!(a, b);
            if h % 97 == 0 {
                stopped = serde_json::from_str(&serde_json::to_string(&stopped).unwrap()).unwrap();
                assert!(stopped.is_sound());
                assert_eq!(stopped, through);
            }
        }
        assert!(through.scores.len() <= WINDOW + 2 * HORIZON as usize, "{}", through.scores.len());
        stopped.rho = 2.0;
        assert!(!stopped.is_sound());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn no_band_depends_on_an_outcome_that_was_not_known(at in 1_i64..120, change in -20.0_f64..20.0) {
            let (mut one, mut other) = (started(), started());
            // Outcomes of decisions from `at − HORIZON + 1` on are known only after `at`.
            let altered = |pair, h| if h > at - HORIZON { change } else { noise(pair, h) };
            for h in 0..=at {
                prop_assert_eq!(step(&mut one, h, noise), step(&mut other, h, altered));
            }
        }
    }
}
