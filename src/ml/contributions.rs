//! The parts that an additive explanation splits one output into.

use serde::{Deserialize, Serialize};

/// What one output is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contributions {
    /// The output for an average row.
    pub base: f64,
    /// One per input, in their order; with the base they sum to the output.
    pub inputs: Vec<f64>,
}

impl Contributions {
    /// The output they explain.
    #[must_use]
    pub fn output(&self) -> f64 {
        self.base + self.inputs.iter().sum::<f64>()
    }

    /// The same parts of `factor` times the output.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.base *= factor;
        self.inputs.iter_mut().for_each(|part| *part *= factor);
        self
    }
}
