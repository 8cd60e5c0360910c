//! What can go wrong with history on disk.

use std::path::{Path, PathBuf};

use crate::domain::ErrorClass;
use crate::kraken::error::KrakenError;
use crate::kraken::wire::Stamp;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Exchange(#[from] KrakenError),
    #[error("'{path}' cannot be used: {why}")]
    File { path: PathBuf, why: String },
    #[error("'{path}' is damaged: {why}. Delete the folder and fetch again")]
    Damaged { path: PathBuf, why: String },
    #[error("another fetch writes to '{path}'; wait for it or choose another folder")]
    Busy { path: PathBuf },
    #[error("'{path}' begins at {begins}, later than the {wanted} asked for; choose another folder")]
    OtherStart { path: PathBuf, begins: Stamp, wanted: Stamp },
    #[error("the exchange repeats the page after {at}: nothing more can be had in this way")]
    Stuck { at: Stamp },
}

impl HistoryError {
    pub(super) fn file(path: &Path, why: &dyn ToString) -> Self {
        Self::File { path: path.to_owned(), why: why.to_string() }
    }

    pub(super) fn damaged(path: &Path, why: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), why: why.to_string() }
    }

    /// Class that picks the recovery.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Exchange(error) => error.class(),
            Self::Damaged { .. } | Self::Stuck { .. } => ErrorClass::Data,
            Self::File { .. } | Self::Busy { .. } | Self::OtherStart { .. } => ErrorClass::System,
        }
    }
}
