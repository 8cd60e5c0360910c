//! What was put in force, when, by whom and why: `HISTORY`, a JSON line for each change, which only grows.
//!
//! An entry is on disk before `CURRENT` follows it. One whose change was cut off is known by what came after: the version from before was still
//! in force then. A line without its end was cut off while it was written; it counts for nothing and goes with the next entry.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::domain::UtcMs;
use crate::store::disk::Disk;
use crate::store::{StoreError, files};

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// A person, by `cst models` or `cst train`.
    Command,
    /// A person, by the console.
    Console,
    /// A training that found no usable model in force.
    Training,
    /// A start that could not load the model in force.
    Fallback,
}

impl Who {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Console => "console",
            Self::Training => "training",
            Self::Fallback => "fallback",
        }
    }
}

/// When, by whom and why something is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub at: UtcMs,
    pub by: Who,
    pub reason: String,
}

/// What a change was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Promotion,
    /// An earlier version was put back.
    Rollback,
    /// The version in force could not be loaded and an earlier one was used; `CURRENT` stayed.
    Fallback,
}

impl ChangeKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promotion => "promotion",
            Self::Rollback => "rollback",
            Self::Fallback => "fallback",
        }
    }
}

/// One line of `HISTORY`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryEntry {
    pub at: UtcMs,
    pub what: ChangeKind,
    /// The version in force before; `None` when there was none, or `CURRENT` could not be read.
    pub from: Option<String>,
    pub to: String,
    pub by: Who,
    pub reason: String,
}

/// What a file of history holds.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) entries: Vec<HistoryEntry>,
    /// The first line that is no entry, and why.
    pub(super) damage: Option<String>,
    /// Length of the whole lines, when something follows them.
    torn: Option<usize>,
}

impl History {
    /// An absent file is an empty history.
    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let bytes = files::read(path)?;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut history = Self { torn: (end < bytes.len()).then_some(end), ..Self::default() };
        let whole = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
        for (number, line) in whole.lines().enumerate() {
            match serde_json::from_str(line) {
                Ok(entry) => history.entries.push(entry),
                Err(error) => {
                    history.damage.get_or_insert_with(|| format!("line {} of HISTORY: {error}", number + 1));
                }
            }
        }
        Ok(history)
    }

    /// Adds an entry; it is durable when this returns, once the folder is flushed.
    pub(super) fn append(&self, disk: &dyn Disk, path: &Path, entry: &HistoryEntry) -> Result<(), StoreError> {
        let mut line = serde_json::to_vec(entry).map_err(|e| StoreError::NotJson { reason: e.to_string() })?;
        line.push(b'\n');
        let Some(whole) = self.torn else {
            return disk.append(path, &line).map_err(files::failed("write", path));
        };
        let mut all = files::read(path)?;
        all.truncate(whole);
        all.extend(line);
        files::put(disk, path, &all)
    }

    /// The changes of `CURRENT` in order, each with whether it took place: one that was cut off left what was in force before. `current` is the
    /// version in force now, where it is known.
    pub(super) fn changes<'a>(&'a self, current: Option<&str>) -> Vec<(&'a HistoryEntry, bool)> {
        let changes: Vec<&HistoryEntry> = self.entries.iter().filter(|e| e.what != ChangeKind::Fallback).collect();
        let after = changes.iter().skip(1).map(|next| Some(next.from.as_deref())).chain([current.map(Some)]);
        changes.iter().zip(after).map(|(entry, after)| (*entry, after != Some(entry.from.as_deref()))).collect()
    }

    /// The versions that a series of rollbacks would leave, the one in force last: a promotion puts its version on top, a
    /// rollback takes what it undoes away. A version that was rolled back is not among them unless it was promoted again.
    pub(super) fn line(&self, current: Option<&str>) -> Vec<String> {
        let mut line: Vec<String> = Vec::new();
        for (entry, took_place) in self.changes(current) {
            if let Some(from) = &entry.from
                && line.last() != Some(from)
            {
                line.push(from.clone());
            }
            match line.iter().rposition(|v| *v == entry.to) {
                _ if !took_place => {}
                Some(at) if entry.what == ChangeKind::Rollback => line.truncate(at + 1),
                _ => line.push(entry.to.clone()),
            }
        }
        if let Some(current) = current
            && line.last().is_none_or(|v| v != current)
        {
            line.push(current.to_owned());
        }
        line
    }
}
