//! Removing old versions; only when asked.

use std::collections::BTreeSet;
use std::fs;

use super::lock::Lock;
use super::{Registry, RegistryEntry};
use crate::domain::Horizon;
use crate::store::{StoreError, files};

/// Entries of the history, and rollbacks, whose versions stay whatever is asked.
const LAST: usize = 2;

impl Registry {
    /// What [`Registry::prune`] would remove, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when a mark or the history cannot be read: then nothing is known to be superfluous.
    pub fn prunable(&self, universe: &str, horizon: Horizon, keep: usize) -> Result<Vec<RegistryEntry>, StoreError> {
        let folder = self.horizon(universe, horizon)?;
        let current = self.current(universe, horizon)?;
        let history = self.sound_history(&folder)?;
        let named = history.entries.iter().rev().take(LAST).flat_map(|e| e.from.iter().chain([&e.to]).cloned());
        let line = history.line(current.as_deref()).into_iter().rev().take(LAST + 1);
        let stays: BTreeSet<String> = named.chain(line).chain(self.candidate(universe, horizon)?).collect();
        let mut versions = self.versions(universe, horizon)?;
        versions.sort_by(|a, b| (b.made_at(), &b.version).cmp(&(a.made_at(), &a.version)));
        let mut old: Vec<_> = versions.into_iter().skip(keep).filter(|v| !stays.contains(&v.version)).collect();
        old.reverse();
        Ok(old)
    }

    /// Removes old versions and says which: all but the newest `keep`, and never the one in force, the candidate, the two that rollbacks would put
    /// back, nor those named by the last two entries of the history. A removal that is cut off leaves no half version.
    ///
    /// # Errors
    /// As [`Registry::prunable`], and when a folder cannot be removed.
    pub fn prune(&self, universe: &str, horizon: Horizon, keep: usize) -> Result<Vec<RegistryEntry>, StoreError> {
        let _lock = Lock::take(&self.folder)?;
        let old = self.prunable(universe, horizon, keep)?;
        for entry in &old {
            let folder = self.version(universe, horizon, &entry.version)?;
            let leftover = files::temporary(&folder);
            self.disk.rename(&folder, &leftover).map_err(files::failed("remove", &folder))?;
            fs::remove_dir_all(&leftover).map_err(files::failed("remove", &leftover))?;
        }
        if !old.is_empty() {
            self.flush(&self.horizon(universe, horizon)?)?;
        }
        Ok(old)
    }
}
