//! Fits the hidden Markov model: Baum-Welch in log space (Baum 1970; Rabiner 1989), with a floor under the variances and a prior that
//! favours staying, from several seeded starts.

use super::hmm::{Emission, GaussianHmm, Observation, Passes, PerState, STATES, plus};
use super::kmeans;
use crate::domain::random::SplitMix64;

/// Prior and floor of a fit. The default of both is none: pure maximum likelihood.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Restraint {
    /// What the Dirichlet prior of each row of transitions has on the diagonal above its 1 elsewhere.
    pub staying: f64,
    /// No variance falls below these.
    pub variance_floor: [f64; 2],
}

/// How the best of several fits is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    pub seed: u64,
    /// k-means starts, each tried for `trial_iterations`; the best goes on to the end.
    pub starts: u32,
    pub trial_iterations: u32,
    pub iterations: u32,
    /// Ends when an iteration raises the objective per bar by less.
    pub tolerance: f64,
    /// Prior on staying, and the variance floor as a share of the data's variance.
    pub staying: f64,
    pub floor_share: f64,
}

impl Default for Search {
    fn default() -> Self {
        Self {
            seed: 0,
            starts: 10,
            trial_iterations: 8,
            iterations: 100,
            tolerance: 1e-7,
            staying: 10.0,
            floor_share: 1e-3,
        }
    }
}

/// A fitted model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HmmFit {
    pub model: GaussianHmm,
    /// Of the observations under `model`.
    pub log_likelihood: f64,
    /// Expected number of bars spent in each state.
    pub bars: PerState,
}

/// What the expectation step counts.
struct Counts {
    start: PerState,
    steps: [PerState; STATES],
    bars: PerState,
    sum: [[f64; 2]; STATES],
    posteriors: Vec<PerState>,
}

/// One iteration of Baum-Welch with diagonal covariances: the ln likelihood of the observations under `model`, and the model after it.
/// `None` when the observations are empty, not finite or impossible under the model. A state that no bar belongs to keeps its emission.
#[must_use]
pub fn iterate(model: &GaussianHmm, row: &[Observation], restraint: &Restraint) -> Option<(f64, GaussianHmm)> {
    let passes = model.passes(row)?;
    let counts = count(model, row, &passes)?;
    Some((passes.log_likelihood, maximise(model, row, &counts, restraint)))
}

fn shares(logs: PerState) -> Option<PerState> {
    let top = logs.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let parts = logs.map(|v| (v - top).exp());
    let total: f64 = parts.iter().sum();
    (top.is_finite() && total > 0.0).then(|| parts.map(|p| p / total))
}

fn count(model: &GaussianHmm, row: &[Observation], passes: &Passes) -> Option<Counts> {
    let both = passes.forward.iter().zip(&passes.backward);
    let posteriors: Vec<PerState> = both.map(|(f, b)| shares(plus(f, b))).collect::<Option<_>>()?;
    let mut counts = Counts {
        start: *posteriors.first()?,
        steps: [[0.0; STATES]; STATES],
        bars: [0.0; STATES],
        sum: [[0.0; 2]; STATES],
        posteriors,
    };
    for (posterior, [x, y]) in counts.posteriors.iter().zip(row) {
        for ((p, bars), sum) in posterior.iter().zip(&mut counts.bars).zip(&mut counts.sum) {
            *bars += p;
            *sum = [sum[0] + p * x, sum[1] + p * y];
        }
    }
    let exits = model.log_transition();
    let ahead = row.iter().zip(&passes.backward).skip(1).map(|(x, b)| plus(&model.log_emissions(x), b));
    for (before, ahead) in passes.forward.iter().zip(ahead) {
        add_steps(&mut counts.steps, before, &exits, &ahead);
    }
    Some(counts)
}

/// Adds P(from, to | all observations) of one pair of bars.
fn add_steps(steps: &mut [PerState; STATES], before: &PerState, exits: &[PerState; STATES], ahead: &PerState) {
    let mut logs = *exits;
    let mut top = f64::NEG_INFINITY;
    for (row, from) in logs.iter_mut().zip(before) {
        for (v, to) in row.iter_mut().zip(ahead) {
            *v += from + to;
            top = top.max(*v);
        }
    }
    let parts = logs.map(|row| row.map(|v| (v - top).exp()));
    let total: f64 = parts.iter().flatten().sum();
    // Both passes exist, so that some step is possible.
    for (sum, part) in steps.iter_mut().flatten().zip(parts.iter().flatten()) {
        *sum += part / total;
    }
}

fn maximise(model: &GaussianHmm, row: &[Observation], counts: &Counts, restraint: &Restraint) -> GaussianHmm {
    let mut next = *model;
    next.start = counts.start;
    for (i, (to, steps)) in next.transition.iter_mut().zip(&counts.steps).enumerate() {
        let mut weights = *steps;
        weights.iter_mut().skip(i).take(1).for_each(|w| *w += restraint.staying);
        let total: f64 = weights.iter().sum();
        if total > 0.0 {
            *to = weights.map(|w| w / total);
        }
    }
    for (i, emission) in next.emissions.iter_mut().enumerate() {
        let (Some(bars), Some([x, y])) = (counts.bars.get(i), counts.sum.get(i)) else { continue };
        if *bars <= f64::MIN_POSITIVE {
            continue;
        }
        let mean = [x / bars, y / bars];
        let mut variance = [0.0; 2];
        for (p, [x, y]) in counts.posteriors.iter().filter_map(|p| p.get(i)).zip(row) {
            variance = [variance[0] + p * (x - mean[0]).powi(2), variance[1] + p * (y - mean[1]).powi(2)];
        }
        *emission = diagonal(mean, variance.map(|v| v / bars), restraint.variance_floor);
    }
    next
}

fn diagonal(mean: Observation, variance: [f64; 2], floor: [f64; 2]) -> Emission {
    // A state of identical bars has no variance; without any the model would not be one.
    let [a, b] = [0, 1].map(|i: usize| match (variance.get(i), floor.get(i)) {
        (Some(v), Some(f)) => v.max(*f).max(f64::MIN_POSITIVE.sqrt()),
        _ => 1.0,
    });
    Emission { mean, covariance: [[a, 0.0], [0.0, b]] }
}

/// ln posterior of the model up to a constant: ln likelihood and the prior on staying.
fn objective(log_likelihood: f64, model: &GaussianHmm, restraint: &Restraint) -> f64 {
    let staying = |(i, row): (usize, &PerState)| row.get(i).copied().unwrap_or(0.0);
    let prior: f64 = model.transition.iter().enumerate().map(staying).map(f64::ln).sum();
    if restraint.staying > 0.0 { log_likelihood + restraint.staying * prior } else { log_likelihood }
}

/// Where a start begins: means and variances of k-means clusters, even chances, and staying nine times in ten.
fn start(row: &[Observation], restraint: &Restraint, rng: &mut SplitMix64) -> Option<GaussianHmm> {
    let places = kmeans::clusters(row, rng)?;
    let whole = moments(row.iter())?;
    let emissions = std::array::from_fn(|k| {
        let mine = row.iter().zip(&places).filter(|(_, place)| **place == k).map(|(x, _)| x);
        let (mean, variance) = moments(mine).unwrap_or(whole);
        diagonal(mean, variance, restraint.variance_floor)
    });
    let transition = [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]];
    Some(GaussianHmm { start: [1.0 / STATES as f64; STATES], transition, emissions })
}

/// Mean and variance (ddof 0) of each coordinate; `None` of nothing.
pub(super) fn moments<'a>(row: impl Iterator<Item = &'a Observation> + Clone) -> Option<([f64; 2], [f64; 2])> {
    let n = row.clone().count() as f64;
    if n < 1.0 {
        return None;
    }
    let mean = row.clone().fold([0.0; 2], |[a, b], [x, y]| [a + x / n, b + y / n]);
    let variance = row.fold([0.0; 2], |[a, b], [x, y]| [a + (x - mean[0]).powi(2) / n, b + (y - mean[1]).powi(2) / n]);
    Some((mean, variance))
}

/// Whether each coordinate moves by more than the rounding of its mean.
pub(super) fn varies(mean: &Observation, variance: &[f64; 2]) -> bool {
    mean.iter().zip(variance).all(|(m, v)| v.is_finite() && *v > 1e-24 * (m * m) && *v > 0.0)
}

/// Runs Baum-Welch until it stands or `iterations` are done; gives the last model that was judged, with its objective and likelihood.
fn climb(
    mut model: GaussianHmm,
    row: &[Observation],
    restraint: &Restraint,
    iterations: u32,
    tolerance: f64,
) -> Option<(GaussianHmm, f64, f64)> {
    let mut last: Option<f64> = None;
    let mut left = iterations;
    loop {
        let (log_likelihood, next) = iterate(&model, row, restraint)?;
        let value = objective(log_likelihood, &model, restraint);
        let stands = last.is_some_and(|last| value - last < tolerance * row.len() as f64);
        if stands || left == 0 {
            return Some((model, value, log_likelihood));
        }
        last = Some(value);
        model = next;
        left -= 1;
    }
}

/// Fits the model from scratch: every start is tried for a few iterations and the best goes on to the end.
/// `None` without at least ten observations per state, with one that is not finite, or when a coordinate does not vary.
#[must_use]
pub fn fit(row: &[Observation], search: &Search) -> Option<HmmFit> {
    if row.len() < 10 * STATES || row.iter().flatten().any(|v| !v.is_finite()) {
        return None;
    }
    let (mean, variance) = moments(row.iter())?;
    if !varies(&mean, &variance) {
        return None;
    }
    let restraint = Restraint { staying: search.staying, variance_floor: variance.map(|v| v * search.floor_share) };
    let trial = |i: u32| {
        let mut rng = SplitMix64::new(&[search.seed, u64::from(i)]);
        climb(start(row, &restraint, &mut rng)?, row, &restraint, search.trial_iterations, search.tolerance)
    };
    let better = |a: (GaussianHmm, f64, f64), b: (GaussianHmm, f64, f64)| if b.1 > a.1 { b } else { a };
    let (best, ..) = (0..search.starts.max(1)).filter_map(trial).reduce(better)?;
    let (model, _, log_likelihood) = climb(best, row, &restraint, search.iterations, search.tolerance)?;
    let bars = count(&model, row, &model.passes(row)?)?.bars;
    model.is_sound().then_some(HmmFit { model, log_likelihood, bars })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of three states that stay about 50 bars, with its truth.
    pub(super) fn chain(bars: usize, seed: u64) -> (Vec<Observation>, Vec<usize>) {
        let mut rng = SplitMix64::new(&[seed]);
        let (means, mut state) = ([[2.0, 0.0], [-2.0, 1.0], [0.0, -2.0]], 0);
        (0..bars)
            .map(|_| {
                if rng.unit() < 0.02 {
                    state = (state + 1 + rng.below(2)) % STATES;
                }
                let [x, y] = means[state];
                ([x + rng.normal(), y + 0.7 * rng.normal()], state)
            })
            .unzip()
    }

    #[test]
    fn a_known_chain_is_found_again() {
        let (row, truth) = chain(3_000, 3);
        let fit = fit(&row, &Search::default()).unwrap();
        let (path, _) = fit.model.viterbi(&row).unwrap();
        // States have no names: each true state must have one of its own.
        let mut table = [[0_usize; STATES]; STATES];
        path.iter().zip(&truth).for_each(|(p, t)| table[*t][*p] += 1);
        let hits: usize = table.iter().map(|row| row.iter().max().unwrap()).sum();
        assert!(hits as f64 > 0.97 * 3_000.0, "{table:?}");
        assert!(fit.model.transition.iter().enumerate().all(|(i, row)| row[i] > 0.95));
        assert!((fit.bars.iter().sum::<f64>() - 3_000.0).abs() < 1e-6);
        assert_eq!(fit, super::fit(&row, &Search::default()).unwrap(), "seeded");
    }

    #[test]
    fn no_iteration_lowers_the_objective() {
        let (row, _) = chain(400, 5);
        let restraint = Restraint { staying: 10.0, variance_floor: [1e-3; 2] };
        let mut model = start(&row, &restraint, &mut SplitMix64::new(&[9])).unwrap();
        let mut last = f64::NEG_INFINITY;
        for _ in 0..30 {
            let (likelihood, next) = iterate(&model, &row, &restraint).unwrap();
            let value = objective(likelihood, &model, &restraint);
            assert!(value >= last - 1e-9, "{value} after {last}");
            (last, model) = (value, next);
        }
    }

    #[test]
    fn odd_rows_give_no_model_or_a_sound_one() {
        let search = Search::default();
        assert_eq!(fit(&[], &search), None);
        assert_eq!(fit(&[[1.0, 1.0]; 500], &search), None, "nothing varies");
        let (mut row, _) = chain(100, 1);
        row[50][1] = f64::NAN;
        assert_eq!(fit(&row, &search), None);
        // Two values only: the floor keeps every state wide enough.
        let two: Vec<Observation> = (0..90).map(|i| if i / 9 % 2 == 0 { [0.0, 0.0] } else { [1.0, 1.0] }).collect();
        let fit = fit(&two, &search).unwrap();
        assert!(fit.model.is_sound() && fit.log_likelihood.is_finite());
        assert!(fit.model.emissions.iter().all(|e| e.covariance[0][0] >= 0.25e-3 - 1e-15));
    }
}
