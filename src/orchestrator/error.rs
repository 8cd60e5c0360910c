//! What can stop a run.

use crate::decision::session::CheckpointError;
use crate::domain::error::ErrorClass;
use crate::ml::MlError;
use crate::pipeline::features::SetError;
use crate::sources::{LanguageModelError, NewsError};
use crate::store::StoreError;
use crate::store::frames::FramesError;

/// An error that ends the run. Everything before it is in the journal.
#[derive(Debug, thiserror::Error)]
pub enum OrchestratorError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Frames(#[from] FramesError),
    #[error("no model could be trained: {0}")]
    Training(#[from] MlError),
    #[error(transparent)]
    Features(#[from] SetError),
    #[error(transparent)]
    News(#[from] NewsError),
    #[error(transparent)]
    LanguageModel(#[from] LanguageModelError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(
        "the account in the journal does not agree with its fills ({0}); nothing was changed. `cst journal verify` shows where; `--fresh` starts a new account and keeps the old one for inspection"
    )]
    Books(String),
    #[error("the stand-in exchange could not be started: {0}")]
    StandIn(String),
    #[error("the link to the market data broke off: {0}")]
    Link(String),
    #[error("the backtest cannot run: {0}")]
    Backtest(String),
    #[error("a background task was lost: {0}")]
    Task(String),
}

impl OrchestratorError {
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Store(error) => error.class(),
            Self::Training(error) => error.class(),
            Self::News(error) => error.class(),
            Self::LanguageModel(error) => error.class(),
            Self::Checkpoint(_) | Self::Books(_) | Self::Frames(_) | Self::Backtest(_) => ErrorClass::Data,
            Self::Features(_) | Self::StandIn(_) | Self::Task(_) => ErrorClass::System,
            Self::Link(_) => ErrorClass::Network,
        }
    }
}
