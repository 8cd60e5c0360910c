//! Equal risk contribution: every asset brings the same share of the portfolio's variance (Maillard, Roncalli & Teïletche 2010).
//!
//! Convex form of Spinu 2013: minimise ½ y′Σy − (1/n) Σ ln yᵢ, then scale y to sum 1; solved by cyclical coordinate descent (Griveau-Billion,
//! Richard & Roncalli 2013), each coordinate in closed form.

use super::lanes::add_scaled;
use super::matrix::SymmetricMatrix;
use super::solution::{AllocationError, Solution};

const SWEEPS: usize = 2_000;
/// Contributions further apart than this, as a share of their target, cost another sweep.
const CLOSE: f64 = 1e-10;

/// Weights that sum to 1; the objective is the portfolio variance, the residual the largest relative error of a contribution.
///
/// # Errors
/// A variance that is not positive, or a covariance so far from positive definite that the contributions do not settle.
pub fn equal_risk(covariance: &SymmetricMatrix) -> Result<Solution, AllocationError> {
    if !covariance.has_positive_diagonal() {
        return Err(AllocationError::Flat);
    }
    let target = 1.0 / covariance.size() as f64;
    // Start at inverse volatility, scaled so that y′Σy = 1 as it is at the solution.
    let mut y: Vec<f64> = covariance.diagonal().map(|v| 1.0 / v.sqrt()).collect();
    let variance = covariance.quadratic(&y);
    if variance > 0.0 {
        y.iter_mut().for_each(|y| *y /= variance.sqrt());
    }
    for sweep in 1..=SWEEPS {
        let mut pull = covariance.times(&y);
        for (i, row) in covariance.rows().enumerate() {
            let (Some(own), Some(here), Some(yi)) = (row.get(i), pull.get(i), y.get_mut(i)) else { continue };
            // own·y² + others·y − target = 0 has one positive root; this form of it cancels nothing.
            let others = here - own * *yi;
            let root = (others * others + 4.0 * own * target).sqrt();
            let next = if others > 0.0 { 2.0 * target / (others + root) } else { (root - others) / (2.0 * own) };
            let change = next - *yi;
            *yi = next;
            add_scaled(&mut pull, change, row);
        }
        let error = contribution_error(covariance, &y);
        if error <= CLOSE {
            let sum: f64 = y.iter().sum();
            let weights: Vec<f64> = y.iter().map(|y| y / sum).collect();
            let objective = covariance.quadratic(&weights);
            return Solution { weights, objective, kkt_residual: error, iterations: sweep }.checked();
        }
    }
    Err(AllocationError::NoConvergence)
}

/// Share of the portfolio's variance that each asset brings; they sum to 1. Empty without variance.
#[must_use]
pub fn risk_contributions(covariance: &SymmetricMatrix, weights: &[f64]) -> Vec<f64> {
    let pull = covariance.times(weights);
    let parts: Vec<f64> = pull.iter().zip(weights).map(|(p, w)| p * w).collect();
    let variance: f64 = parts.iter().sum();
    if variance > 0.0 { parts.iter().map(|p| p / variance).collect() } else { Vec::new() }
}

/// Largest relative error of a contribution; infinite without variance.
fn contribution_error(covariance: &SymmetricMatrix, y: &[f64]) -> f64 {
    let contributions = risk_contributions(covariance, y);
    if contributions.is_empty() {
        return f64::INFINITY;
    }
    let n = contributions.len() as f64;
    contributions.iter().fold(0.0, |worst, c| worst.max((c * n - 1.0).abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uncorrelated_assets_are_weighted_by_inverse_volatility() {
        let cov = SymmetricMatrix::from_cells(3, |i, j| if i == j { [1.0, 4.0, 16.0][i] } else { 0.0 }).unwrap();
        let found = equal_risk(&cov).unwrap();
        assert!(found.weights.iter().zip([4.0, 2.0, 1.0]).all(|(w, want)| (w - want / 7.0).abs() < 1e-9));
        assert!(found.kkt_residual < 1e-9);
    }

    #[test]
    fn a_flat_asset_is_an_error() {
        let cov = SymmetricMatrix::from_cells(2, |_, _| 0.0).unwrap();
        assert_eq!(equal_risk(&cov), Err(AllocationError::Flat));
    }
}
