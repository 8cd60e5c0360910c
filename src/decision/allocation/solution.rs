//! What a solver gives back, or why it gives nothing.

use thiserror::Error;

/// KKT residual above which weights are not used.
pub const KKT_MAX: f64 = 1e-6;

/// Weights with the proof of their quality.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// One per asset, in the order of the input.
    pub weights: Vec<f64>,
    /// Value of the method's objective at the weights, in its own unit.
    pub objective: f64,
    /// Largest violation of the optimality conditions, relative to the size of their terms; computed from the weights, not taken from the solver.
    pub kkt_residual: f64,
    /// Steps taken.
    pub iterations: usize,
}

impl Solution {
    /// The solution if all its numbers are numbers.
    pub(super) fn checked(self) -> Result<Self, AllocationError> {
        let told = self.weights.iter().chain([&self.objective, &self.kkt_residual]);
        if told.into_iter().all(|v| v.is_finite()) { Ok(self) } else { Err(AllocationError::NotFinite) }
    }
}

/// Why there are no weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AllocationError {
    #[error("there is no asset")]
    Empty,
    #[error("the inputs have different sizes")]
    Sizes,
    #[error("an input or a result is not a finite number")]
    NotFinite,
    #[error("a cap or a cost is negative, or a parameter is outside its range")]
    OutOfRange,
    #[error("a variance is not above zero")]
    Flat,
    #[error("the covariance is not positive definite")]
    NotPositiveDefinite,
    #[error("the caps leave no room for the whole budget")]
    Infeasible,
    #[error("the scenarios are too few for a tail")]
    TooFewScenarios,
    #[error("the scenarios of returns are missing")]
    NoScenarios,
    #[error("no convergence within the step limit")]
    NoConvergence,
    #[error("the optimality conditions do not hold closely enough")]
    Inexact,
}
