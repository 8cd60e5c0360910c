//! What can go wrong with models.

use super::leakage::LeakageReport;
use crate::domain::{ErrorClass, Horizon};

/// Training or loading failed; nothing was promoted and no earlier model is affected.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MlError {
    #[error(
        "not enough data to train the {horizon} model: {what}; give a longer history, more pairs or a smaller horizon"
    )]
    NotEnoughData { horizon: Horizon, what: String },
    #[error("the training setting '{key}' is '{got}', it must be {rule}")]
    Setting { key: &'static str, got: String, rule: &'static str },
    #[error("every feature of the {horizon} model was dropped ({reasons}); nothing is left to learn from")]
    NoFeatures { horizon: Horizon, reasons: String },
    #[error(
        "{count} training labels of the {horizon} model touch their test block; training stopped because its scores would lie"
    )]
    Overlap { horizon: Horizon, count: usize },
    #[error(
        "the {horizon} model would have seen what it cannot know, and was not trained: {what}; see `cst train --explain`"
    )]
    Leakage { horizon: Horizon, what: String, report: Box<LeakageReport> },
    #[error("the {horizon} model did not fit ({what}); the previous model stays in use")]
    Fit { horizon: Horizon, what: String },
    #[error("training was stopped; nothing was stored, and the models in use are untouched")]
    Stopped,
    #[error("the model file is not readable ({0}); train again or roll back to an earlier version")]
    Unreadable(String),
    #[error(
        "model '{version}' has format {found}, this program reads format {expected}; train again or roll back to an earlier version"
    )]
    Format { version: String, found: u32, expected: u32 },
    #[error(
        "model '{version}' was trained on other features: {difference}; train again, or put back the feature set of its training"
    )]
    Features { version: String, difference: String },
    #[error("model '{version}' is damaged: {what}; restore the file or train again")]
    Damaged { version: String, what: String },
}

impl MlError {
    /// Every failure here is of the model branch: fall back to the previous model, then to paper.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Model
    }
}
