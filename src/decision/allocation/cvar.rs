//! Conditional value at risk of a portfolio, and the weights of least CVaR (Rockafellar & Uryasev 2000).

use super::cvar_search::Search;
use super::lanes::dot;
use super::limits::{Limits, Total, ascending};
use super::scenarios::Scenarios;
use super::shares::fill_under_caps;
use super::solution::{AllocationError, Solution};

/// Mean loss in the worst share 1 − `beta` of equally probable scenarios, a fraction of a scenario counted as such; loss is the negative return.
/// `None` without returns or unless 0 ≤ `beta` < 1.
#[must_use]
pub fn cvar(returns: &[f64], beta: f64) -> Option<f64> {
    if returns.is_empty() || !(0.0..1.0).contains(&beta) {
        return None;
    }
    let mut losses: Vec<f64> = returns.iter().map(|r| -r).collect();
    losses.sort_by(|a, b| b.total_cmp(a));
    let worst = (1.0 - beta) * losses.len() as f64;
    let parts = losses.iter().enumerate().map(|(k, loss)| (worst - k as f64).clamp(0.0, 1.0) * loss);
    let value = parts.sum::<f64>() / worst;
    value.is_finite().then_some(value)
}

/// Weights of least CVaR; the objective is the CVaR. The residual is the duality gap: the distance to a lower bound for every portfolio inside the
/// limits, relative to the CVaR.
///
/// # Errors
/// `beta` outside 0..1, sizes that differ, more steps than the limit.
pub fn min_cvar(scenarios: &Scenarios, beta: f64, limits: &Limits) -> Result<Solution, AllocationError> {
    if !(0.0..1.0).contains(&beta) {
        return Err(AllocationError::OutOfRange);
    }
    if limits.caps().len() != scenarios.assets() {
        return Err(AllocationError::Sizes);
    }
    if let Total::AtMost(sum) = limits.total() {
        return with_cash(scenarios, beta, limits, sum);
    }
    let found = Search::new(scenarios, beta, limits, start(scenarios, limits))?.run()?;
    let returns = scenarios.portfolio(&found.weights);
    let objective = cvar(&returns, beta).ok_or(AllocationError::NotFinite)?;
    let bound = lower_bound(scenarios, &found.multipliers, limits);
    let size = returns.iter().map(|r| r.abs()).sum::<f64>() / returns.len() as f64;
    let gap = (objective - bound).max(0.0) / objective.abs().max(size).max(f64::MIN_POSITIVE);
    let kkt_residual = gap.max(limits.violation(&found.weights) / limits.sum().max(f64::MIN_POSITIVE));
    Solution { weights: found.weights, objective, kkt_residual, iterations: found.steps }.checked()
}

/// The budget spread by inverse variance; where that does not give out everything, filled from the least variance on.
fn start(scenarios: &Scenarios, limits: &Limits) -> Vec<f64> {
    let squares: Vec<f64> = scenarios.by_asset().map(|r| dot(r, r)).collect();
    let floor = f64::MIN_POSITIVE.max(1e-12 * squares.iter().sum::<f64>());
    let weights: Vec<f64> = squares.iter().map(|s| 1.0 / s.max(floor)).collect();
    let spread = fill_under_caps(&weights, limits.caps(), limits.sum());
    if limits.violation(&spread) <= 1e-12 { spread } else { limits.filled(ascending(&squares)) }
}

/// Cash is one more asset that never moves.
fn with_cash(scenarios: &Scenarios, beta: f64, limits: &Limits, sum: f64) -> Result<Solution, AllocationError> {
    let mut returns: Vec<Vec<f64>> = scenarios.by_asset().map(<[f64]>::to_vec).collect();
    returns.push(vec![0.0; scenarios.count()]);
    let widened = Scenarios::from_assets(&returns).ok_or(AllocationError::NotFinite)?;
    let caps = limits.caps().iter().copied().chain([sum]).collect();
    let mut found = min_cvar(&widened, beta, &Limits::new(caps, Total::Exactly(sum))?)?;
    found.weights.pop();
    Ok(found)
}

/// Σ over scenarios of probability × loss is below the CVaR for all probabilities up to 1/((1−β)T) that sum to 1; its least value inside the limits
/// is found by filling the total with the smallest mean losses first.
fn lower_bound(scenarios: &Scenarios, probabilities: &[f64], limits: &Limits) -> f64 {
    let sum: f64 = probabilities.iter().sum();
    let losses: Vec<f64> = scenarios.by_asset().map(|r| -dot(r, probabilities) / sum).collect();
    let filled = limits.filled(ascending(&losses));
    filled.iter().zip(&losses).map(|(w, loss)| w * loss).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::specimens::scenarios;
    use super::*;

    #[test]
    fn the_worst_scenarios_are_averaged_with_a_fraction() {
        let returns = [-4.0, 1.0, -2.0, 3.0, 2.0];
        assert_eq!(cvar(&returns, 0.8), Some(4.0));
        assert!((cvar(&returns, 0.7).unwrap() - 5.0 / 1.5).abs() < 1e-12);
        assert_eq!(cvar(&returns, 0.0), Some(0.0));
        assert!(cvar(&[], 0.5).is_none() && cvar(&returns, 1.0).is_none() && cvar(&returns, f64::NAN).is_none());
    }

    #[test]
    fn where_everything_can_lose_cash_is_kept() {
        let found =
            min_cvar(&scenarios(5, 200, 3), 0.95, &Limits::uniform(5, 0.5, Total::AtMost(1.0)).unwrap()).unwrap();
        assert!(found.weights.iter().sum::<f64>() < 1e-9 && found.objective.abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn the_same_scenarios_again_and_again_do_not_stop_the_search() {
        let few = scenarios(12, 25, 4);
        let again: Vec<Vec<f64>> = few.by_asset().map(|r| r.repeat(20)).collect();
        let again = Scenarios::from_assets(&again).unwrap();
        let limits = Limits::uniform(12, 0.25, Total::Exactly(1.0)).unwrap();
        let (one, many) = (min_cvar(&few, 0.8, &limits).unwrap(), min_cvar(&again, 0.8, &limits).unwrap());
        assert!((one.objective - many.objective).abs() < 1e-8 && many.kkt_residual < 1e-6, "{one:?} {many:?}");
    }

    proptest! {
        #[test]
        fn the_optimum_is_proved_inside_the_limits(
            n in 1_usize..30, count in 1_usize..150, seed in 0_u64..1_000, cap in 0.05_f64..1.0, beta in 0.5_f64..0.99,
        ) {
            let limits = Limits::uniform(n, cap.max(1.0 / n as f64), Total::Exactly(1.0)).unwrap();
            let given = scenarios(n, count, seed);
            let found = min_cvar(&given, beta, &limits).unwrap();
            prop_assert!(found.kkt_residual < 1e-6, "{:?}", found);
            prop_assert!(limits.violation(&found.weights) < 1e-9);
            let turned: Vec<Vec<f64>> = (0..n).rev().map(|i| given.asset(i).to_vec()).collect();
            let again = min_cvar(&Scenarios::from_assets(&turned).unwrap(), beta, &limits).unwrap();
            prop_assert!((again.objective - found.objective).abs() < 1e-6 * found.objective.abs().max(1e-3));
        }
    }
}
