//! Linear models and the baselines that every other model has to beat.
//!
//! In go scaled inputs (rows × columns, finite), one target per row and, where a method takes them, one effective weight per row; out
//! comes a [`Linear`] that needs no library to speak. Elastic net and logistic regression are fitted by linfa, ridge and quantile
//! regression here. Always true: the same rows give the same bits, a fit that did not reach its stated accuracy is an error, and
//! columns that carry nothing of their own (constant, or a combination of earlier ones) get a finite coefficient, 0 where there
//! is no penalty to decide.

mod baseline;
mod cholesky;
mod elastic_net;
mod logistic;
mod moments;
mod quantile;
mod ridge;
mod thin;

use serde::{Deserialize, Serialize};

pub use baseline::{Baseline, BaselineKind, PastOutcome, momentum};
pub use elastic_net::elastic_net;
pub use logistic::logistic;
pub use moments::Moments;
pub use quantile::{pinball, quantile_regression};
pub use ridge::ridge;
pub use thin::thinned;

pub use super::contributions::Contributions;
use super::numbers::{tidy, tidy_all};

/// Intercept and coefficients over scaled inputs; needs no library to speak.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    pub intercept: f64,
    pub coefficients: Vec<f64>,
}

impl Linear {
    /// `intercept + coefficients · x`; `None` when the widths differ.
    #[must_use]
    pub fn at(&self, x: &[f64]) -> Option<f64> {
        (x.len() == self.coefficients.len())
            .then(|| self.intercept + self.coefficients.iter().zip(x).map(|(c, v)| c * v).sum::<f64>())
    }

    /// The parts of [`Linear::at`], which sum to it bit for bit; over scaled inputs the base is the output at the training mean.
    /// `None` when the widths differ.
    #[must_use]
    pub fn contributions(&self, x: &[f64]) -> Option<Contributions> {
        (x.len() == self.coefficients.len()).then(|| Contributions {
            base: self.intercept,
            inputs: self.coefficients.iter().zip(x).map(|(c, v)| c * v).collect(),
        })
    }

    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        self.intercept.is_finite()
            && self.coefficients.len() == width
            && self.coefficients.iter().all(|c| c.is_finite())
    }

    /// What was fitted, rounded as every stored number is.
    ///
    /// # Errors
    /// A number is not finite.
    fn fitted(intercept: f64, coefficients: &[f64]) -> Result<Self, String> {
        let linear = Self { intercept: tidy(intercept), coefficients: tidy_all(coefficients) };
        if linear.is_sound(coefficients.len()) { Ok(linear) } else { Err("a coefficient is not finite".to_owned()) }
    }
}

/// Rows, targets and weights must belong together and be finite.
fn check(x: &ndarray::Array2<f64>, y: &[f64], weights: Option<&[f64]>) -> Result<(), String> {
    if x.nrows() != y.len() || weights.is_some_and(|w| w.len() != y.len()) {
        return Err(format!("{} rows of inputs do not match {} targets and their weights", x.nrows(), y.len()));
    }
    if y.is_empty() {
        return Err("there are no rows".to_owned());
    }
    let finite = x.iter().chain(y).all(|v| v.is_finite());
    let weighable = weights.is_none_or(|w| w.iter().all(|w| w.is_finite() && *w >= 0.0) && w.iter().any(|w| *w > 0.0));
    match (finite, weighable) {
        (true, true) => Ok(()),
        (false, _) => Err("an input or a target is not finite".to_owned()),
        (true, false) => Err("the weights are not finite, negative or all zero".to_owned()),
    }
}

#[cfg(test)]
#[path = "linear_tests.rs"]
mod tests;
