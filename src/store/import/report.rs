//! What an import did with one file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Mapping, Problem, Reason, Refusal};
use crate::domain::UtcMs;
use crate::store::lake::Holes;

/// `read` = `accepted` + `identical` + `replaced` + all of `rejected`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Why no row was taken; the rest is then empty.
    pub refused: Option<Refusal>,
    /// What the columns were taken for.
    pub mapping: Option<Mapping>,
    /// What was guessed, for people.
    pub notes: Vec<String>,
    /// The first rows as they were understood.
    pub sample: Vec<String>,
    /// Rows of the file, without header and blank lines.
    pub read: u64,
    /// Rows that are new to the lake (or would be, in a dry run).
    pub accepted: u64,
    /// Rows that were there already, in the lake or earlier in the file.
    pub identical: u64,
    /// Rows that took the place of one of the lake with other values.
    pub replaced: u64,
    /// Trades without ids that the lake lost because their span was replaced.
    pub dropped: u64,
    pub rejected: BTreeMap<Reason, u64>,
    /// The first rejected rows.
    pub problems: Vec<Problem>,
    /// The list of all of them.
    pub rejects: Option<PathBuf>,
    /// Instants of the first and last row that passed, at or before its checks against the lake.
    pub first: Option<UtcMs>,
    pub last: Option<UtcMs>,
    /// Of candles.
    pub holes: Holes,
    /// Files of the lake that were written.
    pub files: Vec<PathBuf>,
    /// Bytes of the source that were read.
    pub bytes: u64,
    /// Reading was ended from outside; what was read until then is stored.
    pub stopped: bool,
}

impl Report {
    #[must_use]
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }
}
