//! Long-only minimum variance (Markowitz 1952) and mean-variance with the cost of turnover.

use super::active_set::Program;
use super::limits::Limits;
use super::matrix::SymmetricMatrix;
use super::solution::{AllocationError, Solution};
use super::turnover::Turnover;

/// Weights of least variance; the objective is the variance of the portfolio.
///
/// # Errors
/// Sizes that differ, a covariance that is not positive semidefinite.
pub fn min_variance(covariance: &SymmetricMatrix, limits: &Limits) -> Result<Solution, AllocationError> {
    let linear = vec![0.0; covariance.size()];
    let found = Program { quadratic: covariance, linear: &linear, turnover: None, limits }.solve(None)?;
    Ok(Solution { objective: 2.0 * found.objective, ..found })
}

/// Weights that maximise μ′w − (γ/2) w′Σw − Σ cost·|w − held|; the objective is that value. `means` and covariance are of the same time, `aversion`
/// is γ > 0.
///
/// # Errors
/// As [`min_variance`]; an aversion that is not above 0; a mean that is not finite.
pub fn mean_variance(
    means: &[f64],
    covariance: &SymmetricMatrix,
    aversion: f64,
    turnover: Option<&Turnover>,
    limits: &Limits,
) -> Result<Solution, AllocationError> {
    if !(aversion > 0.0 && aversion.is_finite()) {
        return Err(AllocationError::OutOfRange);
    }
    // Divided by γ, so that the covariance is used as it is.
    let linear: Vec<f64> = means.iter().map(|m| m / aversion).collect();
    let scaled = turnover.map(|t| {
        let cost = t.cost().iter().map(|c| c / aversion).collect();
        Turnover::new(t.held().to_vec(), cost)
    });
    let scaled = scaled.transpose()?;
    let found = Program { quadratic: covariance, linear: &linear, turnover: scaled.as_ref(), limits }.solve(None)?;
    Ok(Solution { objective: -aversion * found.objective, ..found })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::limits::Total;
    use super::super::specimens::{covariance, permuted, spd};
    use super::*;

    #[test]
    fn the_sum_of_the_caps_is_the_only_portfolio() {
        let limits = Limits::uniform(4, 0.25, Total::Exactly(1.0)).unwrap();
        let found = min_variance(&covariance(4, 1), &limits).unwrap();
        assert_eq!((found.weights, found.kkt_residual), (vec![0.25; 4], 0.0));
    }

    #[test]
    fn two_equal_assets_share_the_weight() {
        let twins = SymmetricMatrix::from_cells(2, |_, _| 0.04).unwrap();
        let found = min_variance(&twins, &Limits::uniform(2, 1.0, Total::Exactly(1.0)).unwrap()).unwrap();
        assert!((found.objective - 0.04).abs() < 1e-12 && found.kkt_residual < 1e-6, "{found:?}");
    }

    #[test]
    fn a_small_promise_is_not_traded_for() {
        let (held, cov) =
            (vec![0.5, 0.5], SymmetricMatrix::from_cells(2, |i, j| if i == j { 1e-4 } else { 0.0 }).unwrap());
        let limits = Limits::uniform(2, 1.0, Total::Exactly(1.0)).unwrap();
        let of = |cost: f64| {
            let turnover = Turnover::new(held.clone(), vec![cost; 2]).unwrap();
            mean_variance(&[1e-4, 0.0], &cov, 1.0, Some(&turnover), &limits).unwrap()
        };
        assert_eq!(of(1e-4).weights, held);
        assert!((of(1e-5).weights[0] - 0.9).abs() < 1e-9);
    }

    #[test]
    fn no_aversion_is_out_of_range() {
        let limits = Limits::uniform(2, 1.0, Total::Exactly(1.0)).unwrap();
        for aversion in [0.0, -1.0, f64::NAN] {
            assert_eq!(
                mean_variance(&[0.0; 2], &covariance(2, 1), aversion, None, &limits),
                Err(AllocationError::OutOfRange)
            );
        }
    }

    proptest! {
        #[test]
        fn the_optimum_is_proved_inside_the_limits_and_follows_the_assets(
            n in 1_usize..40, seed in 0_u64..1_000, cap in 0.05_f64..1.0, cost in 0.0_f64..0.01, whole in any::<bool>(), factors in 1_usize..60,
        ) {
            let (cov, means, held) = spd(n, factors, seed);
            let cap = cap.max(1.01 / n as f64);
            let total = if whole { Total::Exactly(1.0) } else { Total::AtMost(0.7) };
            let limits = Limits::uniform(n, cap, total).unwrap();
            let turnover = Turnover::new(held.clone(), vec![cost; n]).unwrap();
            let found = mean_variance(&means, &cov, 3.0, Some(&turnover), &limits).unwrap();
            prop_assert!(found.kkt_residual < 1e-7, "{:?}", found);
            prop_assert!(limits.violation(&found.weights) < 1e-9);
            let least = min_variance(&cov, &limits).unwrap();
            prop_assert!(least.kkt_residual < 1e-7, "{:?}", least);
            let (order, cov) = permuted(&cov, seed);
            let pick = |x: &[f64]| order.iter().map(|i| x[*i]).collect::<Vec<_>>();
            let turnover = Turnover::new(pick(&held), vec![cost; n]).unwrap();
            let again = mean_variance(&pick(&means), &cov, 3.0, Some(&turnover), &limits).unwrap();
            prop_assert!((again.objective - found.objective).abs() <= 1e-8 * found.objective.abs().max(1e-6));
            if factors > n + 5 {
                let moved = pick(&found.weights).iter().zip(&again.weights).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                prop_assert!(moved < 1e-5, "{}", moved);
            }
        }
    }
}
