//! Trained models: `models/<universe>/<horizon>/<version>/{model.json, card.json, model.sha256}` and, beside the versions, `CURRENT`, `CANDIDATE`,
//! `HISTORY` and `REFUSAL`.
//!
//! A version is written once and never changed; `CURRENT` holds the name of the one in force and is replaced in one step, so promotion and
//! rollback are atomic. `model.sha256` stands beside each model: a damaged file is an error, never a slightly different model. Nothing promotes
//! itself: a newly trained version stands beside the one in force until a person promotes it. Plain JSON: loading executes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use self::lock::Lock;
use super::disk::{Disk, RealDisk};
use super::{StoreError, files};
use crate::domain::Horizon;

mod compare;
mod history;
mod in_force;
mod lock;
mod promotion;
mod prune;
mod trials;
mod version;

pub use compare::CompareRow;
pub use history::{Change, ChangeKind, HistoryEntry, Who};
pub use in_force::{FellBack, InForce};
pub use promotion::{Admitted, RolledBack};
pub use trials::TrialFile;
pub use version::RegistryEntry;

const MODEL: &str = "model.json";
const CARD: &str = "card.json";
const FINGERPRINT: &str = "model.sha256";
const CURRENT: &str = "CURRENT";
const CANDIDATE: &str = "CANDIDATE";
const HISTORY: &str = "HISTORY";
const REFUSAL: &str = "REFUSAL";

/// The folder of models.
#[derive(Debug, Clone)]
pub struct Registry {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
}

impl Registry {
    /// Opens the folder; creates it when absent. Leftovers of a process that was killed are removed; they are never read.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be created.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        files::create_folder(folder)?;
        let registry = Self { folder: folder.to_owned(), disk: Arc::new(RealDisk) };
        // While another process writes, what looks left over may be its work. A folder that may only be read is read as it is.
        if let Ok(Some(_lock)) = Lock::attempt(folder) {
            registry.clean();
        }
        Ok(registry)
    }

    /// Stores a version; it appears whole or not at all, and is not in force until [`Registry::promote`]. Storing the same again
    /// changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written, or the version exists with another model or card.
    pub fn save(
        &self,
        universe: &str,
        horizon: Horizon,
        version: &str,
        model: &impl Serialize,
        card: &impl Serialize,
    ) -> Result<(), StoreError> {
        let folder = self.version(universe, horizon, version)?;
        let model = serde_json::to_vec(model).map_err(|e| StoreError::NotJson { reason: e.to_string() })?;
        let card = serde_json::to_vec_pretty(card).map_err(|e| StoreError::NotJson { reason: e.to_string() })?;
        let _lock = Lock::take(&self.folder)?;
        if folder.exists() {
            let same = |name: &str, bytes: &[u8]| fs::read(folder.join(name)).is_ok_and(|found| found == bytes);
            let fingerprint = files::fingerprint(&model);
            if same(MODEL, &model) && same(CARD, &card) && same(FINGERPRINT, fingerprint.as_bytes()) {
                return Ok(());
            }
            let reason = "this version exists with other content, or not whole".to_owned();
            return Err(StoreError::BadModel { path: folder, reason });
        }
        let temporary = files::temporary(&folder);
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(files::failed("remove", &temporary))?;
        }
        self.disk.create_folder(&temporary).map_err(files::failed("create the folder", &temporary))?;
        let write = |name: &str, bytes: &[u8]| {
            let path = temporary.join(name);
            self.disk.write(&path, bytes).map_err(files::failed("write", &path))
        };
        write(MODEL, &model)?;
        write(CARD, &card)?;
        write(FINGERPRINT, files::fingerprint(&model).as_bytes())?;
        self.flush(&temporary)?;
        self.disk.rename(&temporary, &folder).map_err(files::failed("create", &folder))?;
        // Up to the folder of models: any of those above may be new as well.
        folder.ancestors().skip(1).take(3).try_for_each(|above| self.flush(above))
    }

    /// Every stored version, by universe, horizon and version name. One that is not whole is among them, with what is wrong.
    ///
    /// # Errors
    /// [`StoreError`] when a folder cannot be read.
    pub fn list(&self) -> Result<Vec<RegistryEntry>, StoreError> {
        let mut entries = Vec::new();
        for universe in folders(&self.folder)? {
            for horizon in self.horizons(&universe)? {
                entries.extend(self.versions(&universe, horizon)?);
            }
        }
        Ok(entries)
    }

    /// The horizons of a universe, shortest first; empty when there is no such universe.
    ///
    /// # Errors
    /// [`StoreError`] when the name is none, or the folder cannot be read.
    pub fn horizons(&self, universe: &str) -> Result<Vec<Horizon>, StoreError> {
        let folder = self.folder.join(checked("universe", universe)?);
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let horizon = |name: String| name.strip_suffix('h').and_then(|hours| hours.parse().ok()).map(Horizon);
        let mut horizons: Vec<Horizon> = folders(&folder)?.into_iter().filter_map(horizon).collect();
        horizons.sort();
        Ok(horizons)
    }

    /// Notes why training gave a horizon no model; what is in force stays in force.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn refuse(&self, universe: &str, horizon: Horizon, reason: &str) -> Result<(), StoreError> {
        files::write_whole(&self.horizon(universe, horizon)?.join(REFUSAL), format!("{reason}\n").as_bytes())
    }

    /// Why the last training gave a horizon no model.
    ///
    /// # Errors
    /// [`StoreError`] when the note cannot be read.
    pub fn refusal(&self, universe: &str, horizon: Horizon) -> Result<Option<String>, StoreError> {
        let path = self.horizon(universe, horizon)?.join(REFUSAL);
        path.exists().then(|| Ok(String::from_utf8_lossy(&files::read(&path)?).trim().to_owned())).transpose()
    }

    fn horizon(&self, universe: &str, horizon: Horizon) -> Result<PathBuf, StoreError> {
        Ok(self.folder.join(checked("universe", universe)?).join(horizon.to_string()))
    }

    fn version(&self, universe: &str, horizon: Horizon, version: &str) -> Result<PathBuf, StoreError> {
        let version = checked("version", version)?;
        // On some systems 'current' and 'CURRENT' are one name.
        if [CURRENT, CANDIDATE, HISTORY, REFUSAL].iter().any(|mark| mark.eq_ignore_ascii_case(version)) {
            return Err(StoreError::BadName { what: "version", name: version.to_owned() });
        }
        Ok(self.horizon(universe, horizon)?.join(version))
    }

    fn flush(&self, folder: &Path) -> Result<(), StoreError> {
        self.disk.flush_folder(folder).map_err(files::failed("flush the folder", folder))
    }

    /// Removes what a killed process left half done. What cannot be removed stays, and is not read either.
    fn clean(&self) {
        for universe in folders(&self.folder).unwrap_or_default() {
            for horizon in folders(&self.folder.join(&universe)).unwrap_or_default() {
                let folder = self.folder.join(&universe).join(horizon);
                for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if name.starts_with('.') && name.ends_with(".tmp") {
                        let path = entry.path();
                        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                        let done = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                        match done {
                            Ok(()) => tracing::info!(path = %path.display(), "a leftover was removed"),
                            Err(error) => tracing::warn!(path = %path.display(), %error, "a leftover stays"),
                        }
                    }
                }
            }
        }
    }
}

fn checked<'a>(what: &'static str, name: &'a str) -> Result<&'a str, StoreError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(plain) {
        Ok(name)
    } else {
        Err(StoreError::BadName { what, name: name.to_owned() })
    }
}

/// Names of the folders in a folder that a version or universe could have; anything else is not ours.
fn folders(path: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(files::failed("list", path))? {
        let entry = entry.map_err(files::failed("list", path))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && checked("folder", &name).is_ok() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests;
