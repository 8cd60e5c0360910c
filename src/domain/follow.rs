//! What was said and what came of it: predictions on the models' own grid, followed to their horizon whether or not anyone traded.
//!
//! These are the rows from which calibration, intervals and drift learn while the program runs, free of the selection that gate and risk make.

use serde::{Deserialize, Serialize};

use super::pair::Pair;
use super::plan::Horizon;
use super::time::UtcMs;

/// A prediction whose outcome is waited for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreseen {
    pub pair: Pair,
    pub at: UtcMs,
    /// Deflated log odds, and the confidence that was given out.
    pub logit: f64,
    pub confidence: f64,
    /// The 80 % interval of the log return as modelled, and the unit in which misses compare.
    pub band: (f64, f64),
    pub unit: f64,
    /// The managed trade: entry, stop, target, and the round trip as a share of the notional.
    pub entry: f64,
    pub stop: f64,
    pub target: f64,
    pub cost: f64,
    /// Values of the model's features, in the order of its card.
    pub features: Vec<f32>,
}

/// A followed trade that met one of its exits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    pub pair: Pair,
    /// When it was foreseen.
    pub foreseen: UtcMs,
    /// Whether it ended with a profit after costs.
    pub win: bool,
}

/// A followed prediction whose horizon is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Came {
    pub pair: Pair,
    pub foreseen: UtcMs,
    /// Log return over the horizon.
    pub log_return: f64,
}

/// Everything that happened to what one model had said at an instant. The same steps in the same order give the same state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowedStep {
    /// Data time.
    pub at: UtcMs,
    pub model: String,
    pub horizon: Horizon,
    pub ended: Vec<Ended>,
    pub came: Vec<Came>,
    /// Taken after the outcomes.
    pub foreseen: Vec<Foreseen>,
}

impl FollowedStep {
    #[must_use]
    pub fn new(at: UtcMs, model: &str, horizon: Horizon) -> Self {
        Self { at, model: model.to_owned(), horizon, ended: Vec::new(), came: Vec::new(), foreseen: Vec::new() }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.came.is_empty() && self.foreseen.is_empty()
    }
}

/// The steps of all models since the last checkpoint, in their order: one row of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Followed {
    /// Data time of the checkpoint that it belongs to.
    pub at: UtcMs,
    pub steps: Vec<FollowedStep>,
}
