//! The mathematics of the Portfolio Optimizer: from covariances and scenarios to weights, each with the proof of its quality.
//!
//! Serves [`super::portfolio`]. In go a covariance matrix or equally probable scenarios of returns, caps and a budget; out come weights ≥ 0 under
//! the caps, a KKT residual that is computed from the weights themselves, and the same measures for 1/N. Always true: a solver that does not reach
//! its optimum is an error value, never a wrong weight; equal inputs give equal bits.

mod active_set;
mod cholesky;
pub mod covariance;
mod cvar;
mod cvar_search;
mod equal_risk;
mod growth;
mod hrp;
mod inverse;
mod lanes;
mod limits;
mod matrix;
mod mean_variance;
mod optimality;
mod pieces;
mod scenarios;
mod shares;
mod solution;
#[cfg(test)]
mod specimens;
mod turnover;
mod within;

pub use cvar::{cvar, min_cvar};
pub use equal_risk::{equal_risk, risk_contributions};
pub use growth::{growth, kelly_mv, kelly_scenarios};
pub use hrp::hrp;
pub use limits::{Limits, Total};
pub use matrix::SymmetricMatrix;
pub use mean_variance::{mean_variance, min_variance};
pub use scenarios::Scenarios;
pub use shares::{fill_under_caps, inverse_variance};
pub use solution::{AllocationError, KKT_MAX, Solution};
pub use turnover::{TradingCost, Turnover};
pub use within::{Allocation, Measures, Method, Question, SCENARIOS_MIN, allocate_within};
