//! What can go wrong with things on disk.

use std::path::PathBuf;

use crate::domain::ErrorClass;

/// An error of the store: what, where, why and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {action} '{}': {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// A candle file, a recording or a list of instruments.
    #[error("'{}' cannot be used: {reason}", path.display())]
    BadData { path: PathBuf, reason: String },
    #[error("model file '{}' cannot be used: {reason}; train again or promote another version", path.display())]
    BadModel { path: PathBuf, reason: String },
    /// A folder of models, as a whole or of one horizon.
    #[error("models in '{}': {reason}", path.display())]
    Models { path: PathBuf, reason: String },
    #[error("the models in '{}' are being changed by {by}; wait for its end", path.display())]
    ModelsBusy { path: PathBuf, by: String },
    #[error("'{name}' cannot name a {what}: use letters, digits, '.', '-' and '_', and do not begin with '.'")]
    BadName { what: &'static str, name: String },
    #[error("cannot {action} the journal '{}': {source}", path.display())]
    Database { action: &'static str, path: PathBuf, source: rusqlite::Error },
    #[error("'{}' is not a journal of this program: {reason}; move it away or name another file", path.display())]
    NotAJournal { path: PathBuf, reason: String },
    #[error("the journal '{}' has schema {found}, this program knows up to {known}; use the newer program", path.display())]
    NewerSchema { path: PathBuf, found: i64, known: i64 },
    #[error("the journal '{}' is in use by {by}; stop that one first", path.display())]
    Locked { path: PathBuf, by: String },
    #[error("the lake '{}' is being written by {by}; wait for its end", path.display())]
    Busy { path: PathBuf, by: String },
    #[error("the lake '{}' has no {what}; `cst data list` shows what it has", path.display())]
    NotInLake { path: PathBuf, what: String },
    #[error("the journal '{}' was changed from outside: row {row} of '{table}' {reason}", path.display())]
    Tampered { path: PathBuf, table: String, row: i64, reason: String },
    /// A row that is whole, but is not what this program writes into that table.
    #[error("row {row} of '{table}' in the journal '{}' cannot be read: {reason}", path.display())]
    BadRow { path: PathBuf, table: String, row: i64, reason: String },
    #[error("a record cannot be written as JSON: {reason}")]
    NotJson { reason: String },
}

impl StoreError {
    /// Which branch of the recovery diagram applies.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::BadData { .. } | Self::NotInLake { .. } => ErrorClass::Data,
            Self::BadModel { .. } | Self::Models { .. } => ErrorClass::Model,
            Self::Io { .. }
            | Self::ModelsBusy { .. }
            | Self::BadName { .. }
            | Self::Database { .. }
            | Self::NotAJournal { .. }
            | Self::NewerSchema { .. }
            | Self::Locked { .. }
            | Self::Busy { .. }
            | Self::Tampered { .. }
            | Self::BadRow { .. }
            | Self::NotJson { .. } => ErrorClass::System,
        }
    }
}
