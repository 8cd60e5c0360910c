//! Error classes and what the recovery diagram does with each.

use serde::{Deserialize, Serialize};

/// The four branches of the error-handling diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorClass {
    Network,
    Data,
    Model,
    System,
}

/// First answer to an error of a class, and what follows when that answer fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// Retry with backoff; then degrade and watch for recovery.
    RetryThenDegrade,
    /// Validate and clean; then alert and switch to the backup source.
    CleanThenBackupSource,
    /// Use the previous model; then alert and trade on paper only.
    FallbackThenPaper,
    /// Trip the breaker; then shut down in order with the state kept.
    BreakThenShutdown,
}

impl ErrorClass {
    pub const ALL: [Self; 4] = [Self::Network, Self::Data, Self::Model, Self::System];

    #[must_use]
    pub const fn recovery(self) -> Recovery {
        match self {
            Self::Network => Recovery::RetryThenDegrade,
            Self::Data => Recovery::CleanThenBackupSource,
            Self::Model => Recovery::FallbackThenPaper,
            Self::System => Recovery::BreakThenShutdown,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Data => "data",
            Self::Model => "model",
            Self::System => "system",
        }
    }
}
