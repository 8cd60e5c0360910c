//! placeholder until merge
use serde::{Deserialize, Serialize};

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

    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        self.intercept.is_finite()
            && self.coefficients.len() == width
            && self.coefficients.iter().all(|c| c.is_finite())
    }
}

