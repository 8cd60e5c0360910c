//! The hidden Markov regime as it is used: standardised observations, states that keep their place from fit to fit, and their names.

use serde::{Deserialize, Serialize};

use super::fit::{HmmFit, Search, fit, moments, varies};
use super::hmm::{Filter, GaussianHmm, Observation, PerState, STATES};
use crate::domain::reading::Regime;

/// The observed return spans this many bars, so that one bar in so many is independent.
const RETURN_BARS: f64 = 24.0;
/// A state is called Bull or Bear only when its mean return is this many standard errors from 0.
const NAME_T: f64 = 1.0;

/// A fitted regime model: it takes (24-bar log return, ln EWMA volatility) as they are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegimeHmm {
    /// Mean and sd of the observations it was fitted on.
    mean: Observation,
    sd: Observation,
    model: GaussianHmm,
    /// Names of the states in their order.
    names: [Regime; STATES],
    /// Per bar, under the model.
    log_likelihood: f64,
}

impl RegimeHmm {
    /// Fits on observations in time order. With `previous`, each state takes the place of the previous state that its mean is nearest to,
    /// so that names and posteriors do not flip from fit to fit. `None` where [`fit`] gives none.
    #[must_use]
    pub fn fit(row: &[Observation], search: &Search, previous: Option<&Self>) -> Option<Self> {
        let (mean, variance) = moments(row.iter())?;
        if !varies(&mean, &variance) {
            return None;
        }
        let sd = variance.map(f64::sqrt);
        let scale = |x: &Observation| standardised(x, &mean, &sd);
        let mut fitted = fit(&row.iter().map(scale).collect::<Vec<_>>(), search)?;
        if let Some(previous) = previous {
            let before = previous.model.emissions.map(|e| scale(&restored(&e.mean, &previous.mean, &previous.sd)));
            fitted = in_order(&fitted, nearest_order(&fitted.model.emissions.map(|e| e.mean), &before));
        }
        let names = names(&fitted, &mean, &sd);
        let log_likelihood = fitted.log_likelihood / row.len() as f64;
        let regime = Self { mean, sd, model: fitted.model, names, log_likelihood };
        regime.is_sound().then_some(regime)
    }

    /// Names of the states in their order. More than one state may be Sideways.
    #[must_use]
    pub const fn names(&self) -> [Regime; STATES] {
        self.names
    }

    /// The model of standardised observations.
    #[must_use]
    pub const fn model(&self) -> &GaussianHmm {
        &self.model
    }

    /// ln likelihood per bar of the observations it was fitted on.
    #[must_use]
    pub const fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// An observation as the model sees it.
    #[must_use]
    pub fn standardise(&self, x: &Observation) -> Observation {
        standardised(x, &self.mean, &self.sd)
    }

    /// A filter that starts before the first bar; it takes what [`Self::standardise`] gives.
    #[must_use]
    pub const fn filter(&self) -> Filter {
        Filter::new(self.model)
    }

    /// Probability of a regime: the sum over the states of that name.
    #[must_use]
    pub fn probability(&self, regime: Regime, posterior: &PerState) -> f64 {
        self.names.iter().zip(posterior).filter(|(name, _)| **name == regime).map(|(_, p)| p).sum()
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let finite = self.mean.iter().chain([&self.log_likelihood]).all(|v| v.is_finite());
        let once = |regime: Regime| self.names.iter().filter(|name| **name == regime).count() <= 1;
        finite
            && self.sd.iter().all(|v| *v > 0.0 && v.is_finite())
            && self.model.is_sound()
            && once(Regime::Bull)
            && once(Regime::Bear)
    }
}

fn standardised(x: &Observation, mean: &Observation, sd: &Observation) -> Observation {
    let ([x, y], [mx, my], [sx, sy]) = (x, mean, sd);
    [(x - mx) / sx, (y - my) / sy]
}

fn restored(x: &Observation, mean: &Observation, sd: &Observation) -> Observation {
    let ([x, y], [mx, my], [sx, sy]) = (x, mean, sd);
    [x * sx + mx, y * sy + my]
}

const ORDERS: [[usize; STATES]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The order of the new states that brings their means nearest to the old ones, all three together.
fn nearest_order(new: &[Observation; STATES], old: &[Observation; STATES]) -> [usize; STATES] {
    let cost = |order: &[usize; STATES]| -> f64 {
        let pairs = order.iter().filter_map(|i| new.get(*i)).zip(old);
        pairs.map(|([a, b], [x, y])| (a - x).powi(2) + (b - y).powi(2)).sum()
    };
    ORDERS.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or([0, 1, 2])
}

fn in_order(fit: &HmmFit, order: [usize; STATES]) -> HmmFit {
    let model = &fit.model;
    let pick = |row: &PerState| order.map(|i| row.get(i).copied().unwrap_or(0.0));
    let [first, second, third] = &model.transition;
    let rows = order.map(|i| match i {
        0 => pick(first),
        1 => pick(second),
        _ => pick(third),
    });
    let [a, b, c] = model.emissions;
    let emissions = order.map(|i| match i {
        0 => a,
        1 => b,
        _ => c,
    });
    HmmFit {
        model: GaussianHmm { start: pick(&model.start), transition: rows, emissions },
        bars: pick(&fit.bars),
        log_likelihood: fit.log_likelihood,
    }
}

/// Bull is the state with the highest mean return per sd, Bear that with the lowest; each only if its mean is on its side of 0 by more
/// than [`NAME_T`] standard errors. The rest is Sideways.
fn names(fit: &HmmFit, mean: &Observation, sd: &Observation) -> [Regime; STATES] {
    let ([mean, _], [sd, _]) = (mean, sd);
    let mut strengths = [0.0; STATES];
    for (strength, e) in strengths.iter_mut().zip(&fit.model.emissions) {
        let ([m, _], [[v, _], _]) = (e.mean, e.covariance);
        *strength = (m * sd + mean) / (v.sqrt() * sd);
    }
    let (low, high) = strengths.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), s| (l.min(*s), h.max(*s)));
    let mut out = [Regime::Sideways; STATES];
    for ((name, strength), bars) in out.iter_mut().zip(&strengths).zip(&fit.bars) {
        let t = strength * (bars / RETURN_BARS).sqrt();
        if *strength == high && t > NAME_T {
            *name = Regime::Bull;
        } else if *strength == low && t < -NAME_T {
            *name = Regime::Bear;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    /// Hours of a market that rises, falls and rests for about two weeks each; the drift of the three is given.
    fn market(bars: usize, drifts: [f64; 3], seed: u64) -> Vec<Observation> {
        let mut rng = SplitMix64::new(&[seed]);
        let (means, mut state) = ([-4.0, -3.0, -5.0], 0);
        (0..bars)
            .map(|_| {
                if rng.unit() < 0.003 {
                    state = (state + 1 + rng.below(2)) % 3;
                }
                [drifts[state] + 0.02 * rng.normal(), means[state] + 0.2 * rng.normal()]
            })
            .collect()
    }

    #[test]
    fn states_are_named_and_keep_their_places() {
        let row = market(4_000, [0.03, -0.05, 0.0], 11);
        let first = RegimeHmm::fit(&row, &Search::default(), None).unwrap();
        let mut names = first.names();
        names.sort_unstable();
        assert_eq!(names, [Regime::Bull, Regime::Bear, Regime::Sideways]);
        // A later fit from another seed, on other bars: the same names in the same places.
        for seed in 1..5 {
            let search = Search { seed, ..Search::default() };
            let next = RegimeHmm::fit(&row[seed as usize * 100..], &search, Some(&first)).unwrap();
            assert_eq!(next.names(), first.names());
        }
        let mut filter = first.filter();
        let posterior = (0..12).filter_map(|_| filter.push(&first.standardise(&[0.03, -4.0]))).last().unwrap();
        assert!(first.probability(Regime::Bull, &posterior) > 0.7);
        let back: RegimeHmm = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
        assert_eq!(back, first);
    }

    #[test]
    fn a_market_that_only_rises_has_no_bear() {
        let row = market(4_000, [0.09, 0.05, 0.02], 12);
        let fit = RegimeHmm::fit(&row, &Search::default(), None).unwrap();
        assert!(!fit.names().contains(&Regime::Bear), "{:?}", fit.names());
        assert!(fit.names().contains(&Regime::Bull));
    }

    #[test]
    fn nothing_is_fitted_on_nothing() {
        assert_eq!(RegimeHmm::fit(&[], &Search::default(), None), None);
        for flat in [0.0, 0.1, -7.3] {
            assert_eq!(RegimeHmm::fit(&[[flat, 1.0]; 100], &Search::default(), None), None);
        }
    }
}
