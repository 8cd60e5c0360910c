//! Log growth (Kelly 1956, Thorp 2006): on scenarios by Newton steps under the limits, and its unconstrained quadratic form.

use super::active_set::Program;
use super::cholesky::Cholesky;
use super::lanes::{add_scaled, dot};
use super::limits::{Limits, Total};
use super::matrix::SymmetricMatrix;
use super::optimality::{kkt_residual, largest, pieces};
use super::scenarios::Scenarios;
use super::solution::{AllocationError, Solution};
use super::turnover::Turnover;

const STEPS: usize = 100;
/// A residual below this ends the search.
const CLOSE: f64 = 1e-11;
/// Shortest part of a Newton step that is tried.
const SHORTEST: f64 = 1e-10;
/// Share of the promised gain that a step must bring.
const SUFFICIENT: f64 = 1e-4;

/// Weights that maximise the mean of ln(1 + r′w) over the scenarios less the cost of turnover; the objective is that growth per bar. What the limits
/// leave over is cash at no return.
///
/// # Errors
/// Sizes that differ; a total that must be given out and with which a scenario loses everything.
pub fn kelly_scenarios(
    scenarios: &Scenarios,
    turnover: Option<&Turnover>,
    limits: &Limits,
) -> Result<Solution, AllocationError> {
    let n = scenarios.assets();
    if limits.caps().len() != n || turnover.is_some_and(|t| t.held().len() != n) {
        return Err(AllocationError::Sizes);
    }
    let pieces = pieces(limits, turnover);
    let cost = |w: &[f64]| turnover.map_or(0.0, |t| t.price(w));
    let value = |w: &[f64]| growth(&scenarios.portfolio(w)).map(|g| g - cost(w));
    // Cash survives every scenario.
    let mut weights = match limits.total() {
        Total::AtMost(_) => vec![0.0; n],
        Total::Exactly(_) => limits.filled(0..n),
    };
    let mut now = value(&weights).ok_or(AllocationError::NotFinite)?;
    let mut iterations = 0;
    loop {
        let at = Slopes::at(scenarios, &weights);
        let residual = kkt_residual(&at.gradient, at.scale, &pieces, limits, &weights);
        let solution = move |weights, objective| Solution { weights, objective, kkt_residual: residual, iterations };
        if residual <= CLOSE || iterations == STEPS {
            return solution(weights, now).checked();
        }
        iterations += 1;
        let hessian = at.hessian(scenarios)?;
        // −growth ≈ ½ w′Hw − (Hw₀ − g)′w around the present weights w₀.
        let linear: Vec<f64> = hessian.times(&weights).iter().zip(&at.gradient).map(|(h, g)| h - g).collect();
        let model = Program { quadratic: &hessian, linear: &linear, turnover, limits };
        let wanted = model.solve(Some(&weights))?.weights;
        let step: Vec<f64> = wanted.iter().zip(&weights).map(|(to, from)| to - from).collect();
        let promised = -dot(&at.gradient, &step) - (cost(&wanted) - cost(&weights));
        let Some((better, gained)) = shortened(&weights, &wanted, promised, now, &value) else {
            return solution(weights, now).checked();
        };
        (weights, now) = (better, gained);
    }
}

/// The longest of the halved steps that brings enough; `None` when none does.
fn shortened(
    from: &[f64],
    to: &[f64],
    promised: f64,
    now: f64,
    value: &impl Fn(&[f64]) -> Option<f64>,
) -> Option<(Vec<f64>, f64)> {
    let mut length = 1.0;
    while promised > 0.0 && length > SHORTEST {
        // The whole step lands on the bounds exactly.
        let tried: Vec<f64> =
            if length == 1.0 { to.to_vec() } else { from.iter().zip(to).map(|(a, b)| a + length * (b - a)).collect() };
        if let Some(then) = value(&tried).filter(|then| then - now >= SUFFICIENT * length * promised) {
            return Some((tried, then));
        }
        length /= 2.0;
    }
    None
}

/// Mean of ln(1 + r); `None` where a scenario loses everything.
#[must_use]
pub fn growth(returns: &[f64]) -> Option<f64> {
    let alive = !returns.is_empty() && returns.iter().all(|r| *r > -1.0);
    let mean = returns.iter().map(|r| r.ln_1p()).sum::<f64>() / returns.len() as f64;
    (alive && mean.is_finite()).then_some(mean)
}

/// First and second derivatives of −growth at some weights.
struct Slopes {
    /// 1/(1 + r′w) in each scenario.
    inverse: Vec<f64>,
    gradient: Vec<f64>,
    /// Size of the terms of the gradient.
    scale: f64,
}

impl Slopes {
    fn at(scenarios: &Scenarios, weights: &[f64]) -> Self {
        let inverse: Vec<f64> = scenarios.portfolio(weights).iter().map(|r| 1.0 / (1.0 + r)).collect();
        let count = scenarios.count() as f64;
        let gradient = scenarios.by_asset().map(|r| -dot(r, &inverse) / count).collect();
        let sizes =
            scenarios.by_asset().map(|r| r.iter().zip(&inverse).map(|(r, i)| (r * i).abs()).sum::<f64>() / count);
        Self { scale: largest(sizes), inverse, gradient }
    }

    fn hessian(&self, scenarios: &Scenarios) -> Result<SymmetricMatrix, AllocationError> {
        let count = scenarios.count() as f64;
        let weighed = |r: &[f64]| r.iter().zip(&self.inverse).map(|(r, i)| r * i).collect::<Vec<f64>>();
        let rows: Vec<Vec<f64>> = scenarios.by_asset().map(weighed).collect();
        let row = |i: usize| rows.get(i).map(Vec::as_slice).unwrap_or_default();
        SymmetricMatrix::from_cells(rows.len(), |i, j| dot(row(i), row(j)) / count).ok_or(AllocationError::NotFinite)
    }
}

/// Unconstrained quadratic Kelly weights Σ⁻¹μ, for comparison only: on sample means they are mostly noise and are never traded. The objective is the
/// growth of the quadratic form, μ′w − ½ w′Σw.
///
/// # Errors
/// Sizes that differ, a mean that is not finite, a covariance that is not positive definite.
pub fn kelly_mv(means: &[f64], covariance: &SymmetricMatrix) -> Result<Solution, AllocationError> {
    if means.len() != covariance.size() {
        return Err(AllocationError::Sizes);
    }
    let factor = Cholesky::of(covariance).ok_or(AllocationError::NotPositiveDefinite)?;
    let mut weights = means.to_vec();
    factor.solve(&mut weights);
    // One refinement with what the first solve left over.
    let left_over = |w: &[f64]| means.iter().zip(covariance.times(w)).map(|(m, s)| m - s).collect::<Vec<f64>>();
    let mut correction = left_over(&weights);
    factor.solve(&mut correction);
    add_scaled(&mut weights, 1.0, &correction);
    let scale = largest(means.iter().copied()).max(f64::MIN_POSITIVE);
    let kkt_residual = largest(left_over(&weights)) / scale;
    let objective = dot(means, &weights) - 0.5 * covariance.quadratic(&weights);
    Solution { weights, objective, kkt_residual, iterations: 1 }.checked()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::specimens::scenarios;
    use super::*;

    #[test]
    fn an_even_bet_is_sized_as_kelly_says() {
        // Win 2 or lose 1 with probability one half: f = p − q/b = 1/4.
        let bet = Scenarios::from_assets(&[vec![2.0, -1.0]]).unwrap();
        let limits = Limits::uniform(1, 0.9, Total::AtMost(1.0)).unwrap();
        let found = kelly_scenarios(&bet, None, &limits).unwrap();
        assert!((found.weights[0] - 0.25).abs() < 1e-9 && found.kkt_residual < 1e-9, "{found:?}");
    }

    #[test]
    fn what_costs_more_than_it_brings_is_not_bought() {
        let bet = Scenarios::from_assets(&[vec![0.02, -0.01]]).unwrap();
        let limits = Limits::uniform(1, 1.0, Total::AtMost(1.0)).unwrap();
        let of = |cost| kelly_scenarios(&bet, Some(&Turnover::new(vec![0.0], vec![cost]).unwrap()), &limits).unwrap();
        assert_eq!((of(0.006).weights[0], of(0.001).weights[0]), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn the_optimum_is_proved_inside_the_limits(
            n in 1_usize..25, count in 1_usize..120, seed in 0_u64..1_000, cap in 0.05_f64..1.0, sum in 0.2_f64..1.0, cost in 0.0_f64..0.002,
        ) {
            let given = scenarios(n, count, seed);
            let limits = Limits::uniform(n, cap, Total::AtMost(sum)).unwrap();
            let turnover = Turnover::new(vec![sum / n as f64; n], vec![cost; n]).unwrap();
            let found = kelly_scenarios(&given, Some(&turnover), &limits).unwrap();
            prop_assert!(found.kkt_residual < 1e-6, "{:?}", found);
            prop_assert!(limits.violation(&found.weights) < 1e-9);
            let turned: Vec<Vec<f64>> = (0..n).rev().map(|i| given.asset(i).to_vec()).collect();
            let again = kelly_scenarios(&Scenarios::from_assets(&turned).unwrap(), Some(&turnover), &limits).unwrap();
            prop_assert!((again.objective - found.objective).abs() < 1e-8);
        }
    }
}
