//! The model that a session works with: the one in force, or the newest before it that can be used, and never without saying so.

use std::fmt::Display;

use serde::Serialize;

use super::history::{ChangeKind, History, HistoryEntry, Who};
use super::lock::Lock;
use super::{CURRENT, HISTORY, Registry};
use crate::domain::{Horizon, UtcMs};
use crate::store::StoreError;

/// A model that was loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce<T> {
    pub model: T,
    pub version: String,
    /// Why it is not the one in force; `None` when it is.
    pub fell_back: Option<FellBack>,
}

/// Why the version in force is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FellBack {
    /// The version in force; `None` when `CURRENT` itself cannot be read.
    pub from: Option<String>,
    /// What is wrong with it, and with those tried after it.
    pub reason: String,
}

impl Registry {
    /// Loads the version in force. When it is damaged or `read` refuses it, the newest earlier one that can be used is loaded instead: first the
    /// version it replaced, then the one before that. A version that was rolled back is not tried. A fallback is noted in the history
    /// (once, however often it repeats) and leaves `CURRENT` as it is: a person decides.
    ///
    /// `read` makes a model of a text whose fingerprint was checked, and refuses what must not be used (another format, other features).
    /// `None` when none was ever promoted.
    ///
    /// # Errors
    /// [`StoreError::BadModel`] when none of them can be used, with the reason of each.
    pub fn load_in_force<T, E: Display>(
        &self,
        universe: &str,
        horizon: Horizon,
        now: UtcMs,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<InForce<T>>, StoreError> {
        let found = self.find_in_force(universe, horizon, read)?;
        if let Some(InForce { version, fell_back: Some(FellBack { from, reason }), .. }) = &found {
            tracing::warn!(%universe, %horizon, from = ?from, to = %version, %reason, "the model in force cannot be used; an earlier one is");
            let entry = HistoryEntry {
                at: now,
                what: ChangeKind::Fallback,
                from: from.clone(),
                to: version.clone(),
                by: Who::Fallback,
                reason: reason.clone(),
            };
            if let Err(error) = self.note_fallback(universe, horizon, &entry) {
                tracing::warn!(%error, "the fallback could not be noted in the history");
            }
        }
        Ok(found)
    }

    /// As [`Registry::load_in_force`], noting nothing.
    ///
    /// # Errors
    /// As [`Registry::load_in_force`].
    pub fn find_in_force<T, E: Display>(
        &self,
        universe: &str,
        horizon: Horizon,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<InForce<T>>, StoreError> {
        let load = |version: &str| {
            let text = self.text(universe, horizon, version).map_err(|e| e.to_string())?;
            read(&text).map_err(|e| e.to_string())
        };
        let folder = self.horizon(universe, horizon)?;
        let (current, reason) = match self.current(universe, horizon) {
            Ok(None) => return Ok(None),
            Ok(Some(version)) => match load(&version) {
                Ok(model) => return Ok(Some(InForce { model, version, fell_back: None })),
                Err(reason) => (Some(version), reason),
            },
            Err(error) => (None, error.to_string()),
        };
        let mut reasons = vec![reason];
        let mut tried: Vec<String> = current.iter().cloned().collect();
        // A damaged line hides one change; the others still tell what was in force.
        let line = History::read(&folder.join(HISTORY)).map(|history| history.line(current.as_deref()));
        for version in line.unwrap_or_default().into_iter().rev() {
            if tried.contains(&version) {
                continue;
            }
            match load(&version) {
                Ok(model) => {
                    let fell_back = Some(FellBack { from: current, reason: reasons.join("; ") });
                    return Ok(Some(InForce { model, version, fell_back }));
                }
                Err(reason) => reasons.push(format!("{version}: {reason}")),
            }
            tried.push(version);
        }
        let path = folder.join(current.as_deref().unwrap_or(CURRENT));
        Err(StoreError::BadModel { path, reason: format!("{}; no earlier version can be used", reasons.join("; ")) })
    }

    fn note_fallback(&self, universe: &str, horizon: Horizon, entry: &HistoryEntry) -> Result<(), StoreError> {
        let _lock = Lock::take(&self.folder)?;
        let folder = self.horizon(universe, horizon)?;
        let last = History::read(&folder.join(HISTORY))?.entries.pop();
        let told = last.is_some_and(|last| last.what == entry.what && last.from == entry.from && last.to == entry.to);
        if told { Ok(()) } else { self.note(&folder, entry) }
    }
}
