//! Which version is in force and which one stands beside it: `CURRENT`, `CANDIDATE` and the history of both.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::history::{Change, ChangeKind, History, HistoryEntry, Who};
use super::lock::Lock;
use super::{CANDIDATE, CURRENT, HISTORY, Registry, checked};
use crate::domain::{Horizon, UtcMs};
use crate::store::{StoreError, files};

/// Where a newly trained version was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Admitted {
    /// No usable version was in force: it is now.
    InForce,
    /// Another version is in force: this one stands beside it until someone promotes it.
    Candidate,
}

/// What a rollback did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RolledBack {
    pub from: String,
    pub to: String,
    /// Versions between the two that could not be put back, with the reason.
    pub skipped: Vec<(String, String)>,
}

impl Registry {
    /// Name of the version in force, if one was promoted.
    ///
    /// # Errors
    /// [`StoreError`] when `CURRENT` cannot be read or holds no name.
    pub fn current(&self, universe: &str, horizon: Horizon) -> Result<Option<String>, StoreError> {
        named(&self.horizon(universe, horizon)?.join(CURRENT))
    }

    /// Name of the version that stands beside the one in force, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] when a mark cannot be read or holds no name.
    pub fn candidate(&self, universe: &str, horizon: Horizon) -> Result<Option<String>, StoreError> {
        let name = named(&self.horizon(universe, horizon)?.join(CANDIDATE))?;
        // A promotion that was cut off before its last step leaves the mark of what is in force by now.
        let current = if name.is_some() { self.current(universe, horizon).ok().flatten() } else { None };
        Ok(name.filter(|name| current.as_ref() != Some(name)))
    }

    /// Puts a whole stored version in force, an older one too; the mark of the candidate goes with it. Whatever ends this, the version in force
    /// is the one from before or this one. False when it was in force already. Of two processes at once, the second one waits and has its way.
    ///
    /// # Errors
    /// [`StoreError::BadModel`] when there is no such version or it is damaged; [`StoreError::ModelsBusy`].
    pub fn promote(
        &self,
        universe: &str,
        horizon: Horizon,
        version: &str,
        change: &Change,
    ) -> Result<bool, StoreError> {
        let _lock = Lock::take(&self.folder)?;
        self.text(universe, horizon, version)?;
        self.put_in_force(universe, horizon, version, ChangeKind::Promotion, change)
    }

    /// The version that [`Registry::rollback`] would put back; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when a mark or the history cannot be read.
    pub fn previous(&self, universe: &str, horizon: Horizon) -> Result<Option<String>, StoreError> {
        let Some(from) = self.current(universe, horizon)? else { return Ok(None) };
        let line = self.sound_history(&self.horizon(universe, horizon)?)?.line(Some(&from));
        let whole = |version: &String| *version != from && self.text(universe, horizon, version).is_ok();
        Ok(line.into_iter().rev().find(whole))
    }

    /// Puts the version before the one in force back: what it replaced, not what came after.
    ///
    /// # Errors
    /// [`StoreError::Models`] when none is in force, or no whole one was before it.
    pub fn rollback(&self, universe: &str, horizon: Horizon, change: &Change) -> Result<RolledBack, StoreError> {
        let _lock = Lock::take(&self.folder)?;
        let folder = self.horizon(universe, horizon)?;
        let refused = |reason: String| StoreError::Models { path: folder.clone(), reason };
        let Some(from) = self.current(universe, horizon)? else {
            return Err(refused("no version is in force; promote one".to_owned()));
        };
        let history = self.sound_history(&folder)?;
        let mut skipped: Vec<(String, String)> = Vec::new();
        for to in history.line(Some(&from)).into_iter().rev() {
            if to == from || skipped.iter().any(|(version, _)| *version == to) {
                continue;
            }
            match self.text(universe, horizon, &to) {
                Ok(_) => {
                    self.put_in_force(universe, horizon, &to, ChangeKind::Rollback, change)?;
                    return Ok(RolledBack { from, to, skipped });
                }
                Err(error) => skipped.push((to, error.to_string())),
            }
        }
        let mut reason = format!("{from} is in force and none was before it; promote another version by name");
        for (version, error) in skipped {
            reason = format!("{reason}; {version} cannot be put back: {error}");
        }
        Err(refused(reason))
    }

    /// Marks a whole stored version as the candidate, in place of the one before.
    ///
    /// # Errors
    /// [`StoreError::BadModel`] as for [`Registry::promote`]; [`StoreError::Models`] when it is the one in force.
    pub fn propose(&self, universe: &str, horizon: Horizon, version: &str) -> Result<(), StoreError> {
        let _lock = Lock::take(&self.folder)?;
        self.text(universe, horizon, version)?;
        self.mark_candidate(universe, horizon, version)
    }

    /// Takes the mark of the candidate away; its name, if there was one. The version stays.
    ///
    /// # Errors
    /// [`StoreError`] when the mark cannot be removed.
    pub fn withdraw(&self, universe: &str, horizon: Horizon) -> Result<Option<String>, StoreError> {
        let _lock = Lock::take(&self.folder)?;
        // A damaged mark names nothing, and goes as well.
        let name = self.candidate(universe, horizon).unwrap_or_default();
        self.unmark(&self.horizon(universe, horizon)?)?;
        Ok(name)
    }

    /// Puts a newly trained version where it belongs: in force when none is, or the one that is cannot be used; beside the one in force
    /// otherwise. `read` tells whether the text of a stored model can be used.
    ///
    /// # Errors
    /// [`StoreError`] as for [`Registry::promote`].
    pub fn admit<T, E: Display>(
        &self,
        universe: &str,
        horizon: Horizon,
        version: &str,
        now: UtcMs,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Admitted, StoreError> {
        let _lock = Lock::take(&self.folder)?;
        self.text(universe, horizon, version)?;
        let usable = |current: &str| {
            let text = self.text(universe, horizon, current).map_err(|e| e.to_string())?;
            read(&text).map_err(|e| e.to_string())
        };
        let reason = match self.current(universe, horizon) {
            Ok(Some(current)) if current == version => return Ok(Admitted::InForce),
            Ok(Some(current)) => match usable(&current) {
                Ok(_) => {
                    self.mark_candidate(universe, horizon, version)?;
                    return Ok(Admitted::Candidate);
                }
                Err(error) => format!("{current} cannot be used: {error}"),
            },
            Ok(None) => "the first of its horizon".to_owned(),
            Err(error) => format!("what was in force cannot be told: {error}"),
        };
        let change = Change { at: now, by: Who::Training, reason };
        self.put_in_force(universe, horizon, version, ChangeKind::Promotion, &change)?;
        Ok(Admitted::InForce)
    }

    /// Every change, oldest first, each with whether it took place.
    ///
    /// # Errors
    /// [`StoreError::Models`] naming the line that is damaged.
    pub fn history(&self, universe: &str, horizon: Horizon) -> Result<Vec<(HistoryEntry, bool)>, StoreError> {
        let history = self.sound_history(&self.horizon(universe, horizon)?)?;
        let current = self.current(universe, horizon);
        // Where nothing is in force, the one change there is was cut off.
        let nothing = matches!(current, Ok(None));
        let changes = history.changes(current.ok().flatten().as_deref());
        let took_place = |entry: &HistoryEntry| {
            let change = changes.iter().find(|(change, _)| std::ptr::eq(*change, entry));
            change.is_none_or(|(entry, took_place)| *took_place && (entry.from.is_some() || !nothing))
        };
        Ok(history.entries.iter().map(|entry| (entry.clone(), took_place(entry))).collect())
    }

    pub(super) fn sound_history(&self, folder: &Path) -> Result<History, StoreError> {
        let history = History::read(&folder.join(HISTORY))?;
        match &history.damage {
            None => Ok(history),
            Some(damage) => {
                let reason = format!("{damage}; mend or remove that line, then try again");
                Err(StoreError::Models { path: folder.to_owned(), reason })
            }
        }
    }

    /// Notes what is about to happen, then does it: whoever finds a note without its deed sees that it was cut off.
    fn put_in_force(
        &self,
        universe: &str,
        horizon: Horizon,
        version: &str,
        what: ChangeKind,
        change: &Change,
    ) -> Result<bool, StoreError> {
        let folder = self.horizon(universe, horizon)?;
        // A damaged CURRENT must not keep anyone from naming a sound version.
        let from = self.current(universe, horizon).ok().flatten();
        let changes = from.as_deref() != Some(version);
        // Neither is a candidate: one is in force now, the other was until now.
        let settled = |name: &String| name == version || Some(name) == from.as_ref();
        let unmarks = named(&folder.join(CANDIDATE)).ok().flatten().as_ref().is_some_and(settled);
        if changes {
            let Change { at, by, reason } = change.clone();
            self.note(&folder, &HistoryEntry { at, what, from, to: version.to_owned(), by, reason })?;
            self.mark(&folder.join(CURRENT), version)?;
        }
        if unmarks {
            self.unmark(&folder)?;
        }
        Ok(changes)
    }

    pub(super) fn note(&self, folder: &Path, entry: &HistoryEntry) -> Result<(), StoreError> {
        let path = folder.join(HISTORY);
        History::read(&path)?.append(&*self.disk, &path, entry)?;
        self.flush(folder)
    }

    fn mark_candidate(&self, universe: &str, horizon: Horizon, version: &str) -> Result<(), StoreError> {
        let folder = self.horizon(universe, horizon)?;
        if self.current(universe, horizon).ok().flatten().as_deref() == Some(version) {
            let reason = format!("{version} is in force and cannot be the candidate as well");
            return Err(StoreError::Models { path: folder, reason });
        }
        self.mark(&folder.join(CANDIDATE), version)
    }

    fn mark(&self, path: &Path, version: &str) -> Result<(), StoreError> {
        files::put(&*self.disk, path, format!("{version}\n").as_bytes())?;
        path.parent().map_or(Ok(()), |folder| self.flush(folder))
    }

    fn unmark(&self, folder: &Path) -> Result<(), StoreError> {
        let path: PathBuf = folder.join(CANDIDATE);
        if path.exists() {
            self.disk.remove(&path).map_err(files::failed("remove", &path))?;
            self.flush(folder)?;
        }
        Ok(())
    }
}

/// The version that a mark names; `None` when there is no mark.
fn named(path: &Path) -> Result<Option<String>, StoreError> {
    if !path.exists() {
        return Ok(None);
    }
    let name = String::from_utf8_lossy(&files::read(path)?).trim().to_owned();
    checked("version", &name)?;
    Ok(Some(name))
}
