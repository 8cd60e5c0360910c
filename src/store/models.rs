//! Trained models: `models/<universe>/<horizon>/<version>/{model.json, card.json}` and, beside the versions, `CURRENT`.
//!
//! A version is written once and never changed; `CURRENT` holds the name of the one in use and is replaced in one step, so promotion
//! and rollback are atomic. `model.sha256` stands beside each model: a damaged file is an error, never a slightly different model.
//! Plain JSON: loading executes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, files};
use crate::domain::Horizon;

const MODEL: &str = "model.json";
const CARD: &str = "card.json";
const FINGERPRINT: &str = "model.sha256";
const CURRENT: &str = "CURRENT";
const REFUSAL: &str = "REFUSAL";

/// One stored version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegistryEntry {
    pub universe: String,
    pub horizon: Horizon,
    pub version: String,
    /// Whether it is the one in use.
    pub current: bool,
    pub card: serde_json::Value,
}

/// The folder of models.
#[derive(Debug, Clone)]
pub struct Registry {
    folder: PathBuf,
}

impl Registry {
    /// Opens the folder; creates it when absent.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be created.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        files::create_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Stores a version; it appears whole or not at all, and is not in use until [`Registry::promote`]. Storing the same again
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
        if folder.exists() {
            let same = files::read(&folder.join(MODEL))? == model && files::read(&folder.join(CARD))? == card;
            let reason = "this version exists with other content".to_owned();
            return if same { Ok(()) } else { Err(StoreError::BadModel { path: folder, reason }) };
        }
        let temporary = files::temporary(&folder);
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(files::failed("remove", &temporary))?;
        }
        files::write_whole(&temporary.join(MODEL), &model)?;
        files::write_whole(&temporary.join(CARD), &card)?;
        files::write_whole(&temporary.join(FINGERPRINT), files::fingerprint(&model).as_bytes())?;
        fs::rename(&temporary, &folder).map_err(files::failed("create", &folder))?;
        folder.parent().map_or(Ok(()), files::flush_folder)
    }

    /// Puts a stored version into use; an older one too (rollback).
    ///
    /// # Errors
    /// [`StoreError::BadModel`] when there is no such version.
    pub fn promote(&self, universe: &str, horizon: Horizon, version: &str) -> Result<(), StoreError> {
        let folder = self.version(universe, horizon, version)?;
        if !folder.join(MODEL).is_file() {
            return Err(StoreError::BadModel { path: folder, reason: "there is no such version".to_owned() });
        }
        files::write_whole(&folder.with_file_name(CURRENT), format!("{version}\n").as_bytes())
    }

    /// Notes why there is no model of a horizon; what is in use stays in use.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn refuse(&self, universe: &str, horizon: Horizon, reason: &str) -> Result<(), StoreError> {
        files::write_whole(&self.horizon(universe, horizon)?.join(REFUSAL), format!("{reason}\n").as_bytes())
    }

    /// Why there is no model of a horizon, where that was found.
    ///
    /// # Errors
    /// [`StoreError`] when the note cannot be read.
    pub fn refusal(&self, universe: &str, horizon: Horizon) -> Result<Option<String>, StoreError> {
        let path = self.horizon(universe, horizon)?.join(REFUSAL);
        path.exists().then(|| Ok(String::from_utf8_lossy(&files::read(&path)?).trim().to_owned())).transpose()
    }

    /// Name of the version in use, if one was promoted.
    ///
    /// # Errors
    /// [`StoreError`] when `CURRENT` cannot be read or holds no name.
    pub fn current(&self, universe: &str, horizon: Horizon) -> Result<Option<String>, StoreError> {
        let path = self.horizon(universe, horizon)?.join(CURRENT);
        if !path.exists() {
            return Ok(None);
        }
        let name = String::from_utf8_lossy(&files::read(&path)?).trim().to_owned();
        checked("version", &name)?;
        Ok(Some(name))
    }

    /// The model in use; `None` when none was ever promoted.
    ///
    /// # Errors
    /// [`StoreError::BadModel`] naming the file that is absent, damaged or of another form.
    pub fn load_current<T: DeserializeOwned>(&self, universe: &str, horizon: Horizon) -> Result<Option<T>, StoreError> {
        self.current(universe, horizon)?.map(|version| self.load(universe, horizon, &version)).transpose()
    }

    /// The model of one version.
    ///
    /// # Errors
    /// As [`Registry::load_current`].
    pub fn load<T: DeserializeOwned>(&self, universe: &str, horizon: Horizon, version: &str) -> Result<T, StoreError> {
        let folder = self.version(universe, horizon, version)?;
        let path = folder.join(MODEL);
        let bad = |reason: String| StoreError::BadModel { path: path.clone(), reason };
        let bytes = fs::read(&path).map_err(|e| bad(e.to_string()))?;
        let expected = fs::read_to_string(folder.join(FINGERPRINT)).map_err(|e| bad(format!("{FINGERPRINT}: {e}")))?;
        if files::fingerprint(&bytes) != expected.trim() {
            return Err(bad(format!("it does not match {FINGERPRINT}")));
        }
        serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))
    }

    /// The card of one version.
    ///
    /// # Errors
    /// [`StoreError::BadModel`] naming the file that is absent, damaged or of another form.
    pub fn card<T: DeserializeOwned>(&self, universe: &str, horizon: Horizon, version: &str) -> Result<T, StoreError> {
        let path = self.version(universe, horizon, version)?.join(CARD);
        let bad = |reason: String| StoreError::BadModel { path: path.clone(), reason };
        let bytes = fs::read(&path).map_err(|e| bad(e.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))
    }

    /// Every stored version, by universe, horizon and version name.
    ///
    /// # Errors
    /// [`StoreError`] when a folder or a card cannot be read.
    pub fn list(&self) -> Result<Vec<RegistryEntry>, StoreError> {
        let mut entries = Vec::new();
        for universe in folders(&self.folder)? {
            for name in folders(&self.folder.join(&universe))? {
                let Some(horizon) = name.strip_suffix('h').and_then(|h| h.parse().ok()).map(Horizon) else { continue };
                let current = self.current(&universe, horizon)?;
                for version in folders(&self.folder.join(&universe).join(&name))? {
                    entries.push(RegistryEntry {
                        card: self.card(&universe, horizon, &version)?,
                        current: current.as_ref() == Some(&version),
                        universe: universe.clone(),
                        horizon,
                        version,
                    });
                }
            }
        }
        entries.sort_by(|a, b| (&a.universe, a.horizon, &a.version).cmp(&(&b.universe, b.horizon, &b.version)));
        Ok(entries)
    }

    fn horizon(&self, universe: &str, horizon: Horizon) -> Result<PathBuf, StoreError> {
        Ok(self.folder.join(checked("universe", universe)?).join(horizon.to_string()))
    }

    fn version(&self, universe: &str, horizon: Horizon, version: &str) -> Result<PathBuf, StoreError> {
        let version = checked("version", version)?;
        if version == CURRENT {
            return Err(StoreError::BadName { what: "version", name: version.to_owned() });
        }
        Ok(self.horizon(universe, horizon)?.join(version))
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
mod tests {
    use super::*;
    use crate::domain::ErrorClass;

    const H: Horizon = Horizon::H24;

    fn registry() -> (tempfile::TempDir, Registry) {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(&folder.path().join("models")).unwrap();
        (folder, registry)
    }

    #[test]
    fn a_model_is_in_use_only_after_promotion_and_can_be_rolled_back() {
        let (_folder, registry) = registry();
        assert_eq!(registry.load_current::<Vec<u32>>("usd", H).unwrap(), None);
        registry.save("usd", H, "v1", &vec![1_u32], &"first").unwrap();
        registry.save("usd", H, "v2", &vec![2_u32], &"second").unwrap();
        assert_eq!(registry.load_current::<Vec<u32>>("usd", H).unwrap(), None);
        for (version, model) in [("v2", 2_u32), ("v1", 1)] {
            registry.promote("usd", H, version).unwrap();
            assert_eq!(registry.load_current("usd", H).unwrap(), Some(vec![model]));
        }
        let list = registry.list().unwrap();
        let seen: Vec<_> = list.iter().map(|e| (e.version.as_str(), e.current, e.card.as_str().unwrap())).collect();
        assert_eq!(seen, [("v1", true, "first"), ("v2", false, "second")]);
        assert_eq!(registry.card::<String>("usd", H, "v2").unwrap(), "second");
        assert!(registry.promote("usd", H, "v3").unwrap_err().to_string().contains("no such version"));
    }

    #[test]
    fn a_version_never_changes() {
        let (_folder, registry) = registry();
        registry.save("usd", H, "v1", &vec![1_u32], &"card").unwrap();
        registry.save("usd", H, "v1", &vec![1_u32], &"card").unwrap();
        let error = registry.save("usd", H, "v1", &vec![2_u32], &"card").unwrap_err();
        assert!(error.to_string().contains("other content"), "{error}");
        assert_eq!(registry.load::<Vec<u32>>("usd", H, "v1").unwrap(), [1]);
    }

    #[test]
    fn damage_is_an_error_that_names_the_file() {
        let (folder, registry) = registry();
        registry.save("usd", H, "v1", &vec![10_u32], &"card").unwrap();
        registry.promote("usd", H, "v1").unwrap();
        let path = folder.path().join("models/usd/24h/v1/model.json");
        for content in ["[11]", "[1", ""] {
            fs::write(&path, content).unwrap();
            let error = registry.load_current::<Vec<u32>>("usd", H).unwrap_err();
            assert!(error.to_string().contains("model.json"), "{error}");
            assert_eq!(error.class(), ErrorClass::Model);
        }
        fs::write(&path, "[10]").unwrap();
        assert!(registry.load_current::<Vec<String>>("usd", H).unwrap_err().to_string().contains("invalid type"));
        fs::remove_file(&path).unwrap();
        assert!(
            registry.load_current::<Vec<u32>>("usd", H).is_err(),
            "a promoted model that is gone is not 'no model'"
        );
        fs::write(folder.path().join("models/usd/24h/CURRENT"), "../../secret").unwrap();
        assert!(registry.load_current::<Vec<u32>>("usd", H).unwrap_err().to_string().contains("cannot name"));
    }

    #[test]
    fn names_cannot_lead_elsewhere() {
        let (_folder, registry) = registry();
        for name in ["", ".", "..", "a/b", "a\\b", ".hidden", "CURRENT"] {
            assert!(registry.save("usd", H, name, &1, &1).is_err(), "{name}");
        }
        assert!(registry.save("../usd", H, "v1", &1, &1).is_err());
    }
}
