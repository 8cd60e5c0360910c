//! Hidden Markov model with three Gaussian states over two numbers a bar (Rabiner 1989): likelihood, filter, smoother, Viterbi.
//!
//! Live use is [`Filter`]: the probability of each state given this bar and those before it. The smoothed posterior and the Viterbi path
//! know the future.

use serde::{Deserialize, Serialize};

/// Number of hidden states.
pub const STATES: usize = 3;
/// One bar's observation.
pub type Observation = [f64; 2];
/// A number per state.
pub type PerState = [f64; STATES];

/// A probability below e^-745 is 0 as a double; the filter forgets no state further than that.
const LOWEST_LOG: f64 = -745.0;
/// Probabilities may miss their sum of 1 by this.
const SUM_ERROR: f64 = 1e-9;

/// What a state emits: a normal distribution in two dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emission {
    pub mean: Observation,
    /// Symmetric and positive definite.
    pub covariance: [[f64; 2]; 2],
}

impl Emission {
    fn determinant(&self) -> f64 {
        let [[a, b], [_, d]] = self.covariance;
        a * d - b * b
    }

    /// ln density.
    #[must_use]
    pub fn log_density(&self, x: &Observation) -> f64 {
        let ([[a, b], [_, d]], [mx, my], [x, y]) = (self.covariance, self.mean, *x);
        let (u, v) = (x - mx, y - my);
        let det = self.determinant();
        let distance = (d * u * u - 2.0 * b * u * v + a * v * v) / det;
        -std::f64::consts::TAU.ln() - 0.5 * (det.ln() + distance)
    }

    fn is_sound(&self) -> bool {
        let [[a, b], [c, d]] = self.covariance;
        let finite = self.mean.iter().chain(self.covariance.iter().flatten()).all(|v| v.is_finite());
        finite && b == c && a > 0.0 && d > 0.0 && self.determinant() > 0.0
    }
}

/// The model: probabilities of the first state, of each step from state to state (rows sum to 1), and what each state emits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianHmm {
    pub start: PerState,
    pub transition: [PerState; STATES],
    pub emissions: [Emission; STATES],
}

/// Everything known at each bar of a row of observations.
#[derive(Debug, Clone, PartialEq)]
pub struct Passes {
    /// ln likelihood of all observations.
    pub log_likelihood: f64,
    /// ln P(state at t | observations up to t).
    pub forward: Vec<PerState>,
    /// ln P(observations after t | state at t), up to a constant of each t.
    pub backward: Vec<PerState>,
}

/// ln Σ exp; −∞ of nothing.
pub(super) fn log_sum(values: PerState) -> f64 {
    let top = values.into_iter().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY { top } else { top + values.iter().map(|v| (v - top).exp()).sum::<f64>().ln() }
}

/// a + b, state by state.
pub(super) fn plus(a: &PerState, b: &PerState) -> PerState {
    let mut out = *a;
    out.iter_mut().zip(b).for_each(|(x, y)| *x += y);
    out
}

/// Moves logs so that their exponentials sum to 1, and says by how much; `None` when nothing is possible.
fn normalised(logs: PerState) -> Option<(PerState, f64)> {
    let total = log_sum(logs);
    total.is_finite().then(|| (logs.map(|v| v - total), total))
}

fn place_of_highest(values: &PerState) -> usize {
    let better = |best: (usize, f64), (i, v): (usize, f64)| if v > best.1 { (i, v) } else { best };
    values.iter().copied().enumerate().fold((0, f64::NEG_INFINITY), better).0
}

impl GaussianHmm {
    /// Whether every probability is one, every row sums to 1 and every covariance is positive definite.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let row =
            |p: &PerState| p.iter().all(|v| (0.0..=1.0).contains(v)) && (p.iter().sum::<f64>() - 1.0).abs() < SUM_ERROR;
        row(&self.start) && self.transition.iter().all(row) && self.emissions.iter().all(Emission::is_sound)
    }

    /// ln density of an observation in each state.
    #[must_use]
    pub fn log_emissions(&self, x: &Observation) -> PerState {
        self.emissions.map(|e| e.log_density(x))
    }

    /// ln of the transitions, one row per state that is left.
    pub(super) fn log_transition(&self) -> [PerState; STATES] {
        self.transition.map(|row| row.map(f64::ln))
    }

    /// ln of the transitions, one row per state that is entered.
    fn log_entries(&self) -> [PerState; STATES] {
        std::array::from_fn(|to| {
            let into = |row: &PerState| row.get(to).copied().unwrap_or(0.0).ln();
            let [a, b, c] = &self.transition;
            [into(a), into(b), into(c)]
        })
    }

    /// One step of the forward pass: ln posterior and the step's ln likelihood, or `None` when no state can be.
    fn forward_step(
        &self,
        entries: &[PerState; STATES],
        before: Option<&PerState>,
        x: &Observation,
    ) -> Option<(PerState, f64)> {
        let ahead = match before {
            Some(before) => entries.map(|entry| log_sum(plus(&entry, before))),
            None => self.start.map(f64::ln),
        };
        normalised(plus(&ahead, &self.log_emissions(x)))
    }

    /// Forward and backward pass; `None` for an empty row, a number that is not finite, or a row that the model holds impossible.
    #[must_use]
    pub fn passes(&self, row: &[Observation]) -> Option<Passes> {
        let entries = self.log_entries();
        let mut forward: Vec<PerState> = Vec::with_capacity(row.len());
        let mut log_likelihood = 0.0;
        for x in row {
            let (posterior, step) = self.forward_step(&entries, forward.last(), x)?;
            log_likelihood += step;
            forward.push(posterior);
        }
        let mut after = [0.0; STATES];
        let mut backward = Vec::with_capacity(row.len());
        let exits = self.log_transition();
        for x in row.iter().rev() {
            backward.push(after);
            let ahead = plus(&self.log_emissions(x), &after);
            after = normalised(exits.map(|exit| log_sum(plus(&exit, &ahead))))?.0;
        }
        backward.reverse();
        (!row.is_empty()).then_some(Passes { log_likelihood, forward, backward })
    }

    /// P(state at t | observations up to t) of every bar, and the ln likelihood of the whole.
    #[must_use]
    pub fn filtered(&self, row: &[Observation]) -> Option<(Vec<PerState>, f64)> {
        let passes = self.passes(row)?;
        Some((passes.forward.iter().map(|logs| logs.map(f64::exp)).collect(), passes.log_likelihood))
    }

    /// P(state at t | all observations) of every bar. Knows the future: for charts of the past only, never a feature, a label or a decision.
    #[must_use]
    pub fn smoothed(&self, row: &[Observation]) -> Option<Vec<PerState>> {
        let passes = self.passes(row)?;
        let both = passes.forward.iter().zip(&passes.backward);
        both.map(|(f, b)| normalised(plus(f, b)).map(|(logs, _)| logs.map(f64::exp))).collect()
    }

    /// The likeliest path of states and its ln likelihood (Viterbi). Knows the future: for charts of the past only.
    #[must_use]
    pub fn viterbi(&self, row: &[Observation]) -> Option<(Vec<usize>, f64)> {
        let entries = self.log_entries();
        let (first, rest) = row.split_first()?;
        let mut best = plus(&self.start.map(f64::ln), &self.log_emissions(first));
        let mut came_from: Vec<[usize; STATES]> = Vec::with_capacity(rest.len());
        for x in rest {
            let reached = entries.map(|entry| plus(&entry, &best));
            came_from.push(reached.map(|r| place_of_highest(&r)));
            let highest = reached.map(|r| r.into_iter().fold(f64::NEG_INFINITY, f64::max));
            best = plus(&highest, &self.log_emissions(x));
        }
        let mut state = place_of_highest(&best);
        let likelihood = best.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let mut path = vec![state];
        for sources in came_from.iter().rev() {
            state = sources.get(state).copied()?;
            path.push(state);
        }
        path.reverse();
        likelihood.is_finite().then_some((path, likelihood))
    }
}

/// The forward pass bar by bar: the one posterior that may be used live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    model: GaussianHmm,
    /// ln posterior of the newest bar.
    log_posterior: Option<PerState>,
}

impl Filter {
    /// Starts before the first bar.
    #[must_use]
    pub const fn new(model: GaussianHmm) -> Self {
        Self { model, log_posterior: None }
    }

    /// Takes the next bar's observation and gives P(state | bars so far). What is not finite, or impossible under the model,
    /// gives `None` and starts anew.
    pub fn push(&mut self, observation: &Observation) -> Option<PerState> {
        let step = self.model.forward_step(&self.model.log_entries(), self.log_posterior.as_ref(), observation);
        self.log_posterior = step.map(|(logs, _)| logs.map(|v| v.max(LOWEST_LOG)));
        self.posterior()
    }

    /// P(state | bars so far); `None` before the first bar.
    #[must_use]
    pub fn posterior(&self) -> Option<PerState> {
        self.log_posterior.map(|logs| logs.map(f64::exp))
    }

    /// Forgets the bars, as after a hole in the data.
    pub const fn reset(&mut self) {
        self.log_posterior = None;
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let logs = |logs: PerState| {
            logs.iter().all(|v| (LOWEST_LOG..=SUM_ERROR).contains(v)) && log_sum(logs).abs() < SUM_ERROR
        };
        self.model.is_sound() && self.log_posterior.is_none_or(logs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn model() -> GaussianHmm {
        let emission = |x: f64, y: f64, b: f64| Emission { mean: [x, y], covariance: [[1.0, b], [b, 0.5]] };
        GaussianHmm {
            start: [0.5, 0.3, 0.2],
            transition: [[0.9, 0.1, 0.0], [0.05, 0.9, 0.05], [0.1, 0.2, 0.7]],
            emissions: [emission(1.0, 0.0, 0.2), emission(-1.0, 0.5, 0.0), emission(0.0, 2.0, -0.3)],
        }
    }

    /// Likelihood and smoothed posterior by listing every path.
    fn by_enumeration(model: &GaussianHmm, row: &[Observation]) -> (f64, Vec<PerState>) {
        let mut posterior = vec![[0.0; STATES]; row.len()];
        let mut total = 0.0;
        for code in 0..STATES.pow(row.len() as u32) {
            let path: Vec<usize> = (0..row.len()).map(|t| code / STATES.pow(t as u32) % STATES).collect();
            let mut p = model.start[path[0]];
            for (t, x) in row.iter().enumerate() {
                p *= if t == 0 { 1.0 } else { model.transition[path[t - 1]][path[t]] };
                p *= model.emissions[path[t]].log_density(x).exp();
            }
            total += p;
            path.iter().enumerate().for_each(|(t, s)| posterior[t][*s] += p);
        }
        (total.ln(), posterior.into_iter().map(|p| p.map(|v| v / total)).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn passes_equal_the_sum_over_all_paths(row in proptest::collection::vec(proptest::array::uniform2(-3.0_f64..3.0), 1..6)) {
            let (likelihood, smoothed) = by_enumeration(&model(), &row);
            let (filtered, got) = model().filtered(&row).unwrap();
            prop_assert!((got - likelihood).abs() < 1e-9);
            for (g, w) in model().smoothed(&row).unwrap().iter().flatten().zip(smoothed.iter().flatten()) {
                prop_assert!((g - w).abs() < 1e-9);
            }
            // At the last bar nothing lies ahead: filter and smoother agree.
            for (g, w) in filtered.last().unwrap().iter().zip(smoothed.last().unwrap()) {
                prop_assert!((g - w).abs() < 1e-9);
            }
            let (path, best) = model().viterbi(&row).unwrap();
            prop_assert_eq!(path.len(), row.len());
            prop_assert!(best <= likelihood + 1e-9);
        }

        #[test]
        fn the_filter_is_the_forward_pass(row in proptest::collection::vec(proptest::array::uniform2(-9.0_f64..9.0), 1..60)) {
            let mut filter = Filter::new(model());
            let (filtered, _) = model().filtered(&row).unwrap();
            for (x, want) in row.iter().zip(&filtered) {
                // A restart between any two bars changes nothing.
                filter = serde_json::from_str(&serde_json::to_string(&filter).unwrap()).unwrap();
                let got = filter.push(x).unwrap();
                prop_assert_eq!(got.map(f64::to_bits), want.map(f64::to_bits));
                prop_assert!(filter.is_sound());
            }
        }
    }

    #[test]
    fn what_cannot_be_is_no_value() {
        let mut filter = Filter::new(model());
        assert!(filter.push(&[0.0, 0.0]).is_some());
        for bad in [[f64::NAN, 0.0], [0.0, f64::INFINITY], [1e300, 0.0]] {
            assert_eq!(filter.push(&bad), None);
            assert_eq!(filter.posterior(), None);
            assert_eq!(model().passes(&[[0.0, 0.0], bad]), None);
            assert_eq!(model().viterbi(&[bad]), None);
        }
        assert!(filter.push(&[0.0, 0.0]).is_some());
        filter.reset();
        assert_eq!(filter.posterior(), None);
        assert_eq!(model().passes(&[]), None);
        assert_eq!(model().viterbi(&[]), None);
    }

    #[test]
    fn unsound_models_are_seen() {
        assert!(model().is_sound());
        let mut rows = model();
        rows.transition[0] = [0.9, 0.2, 0.0];
        let mut singular = model();
        singular.emissions[1].covariance = [[1.0, 1.0], [1.0, 1.0]];
        let mut nan = model();
        nan.emissions[1].mean = [f64::NAN, 0.0];
        for bad in [rows, singular, nan] {
            assert!(!bad.is_sound());
        }
    }
}
