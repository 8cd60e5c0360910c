//! Reading one version, whole or not at all.

use std::fs;
use std::time::UNIX_EPOCH;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CARD, FINGERPRINT, MODEL, Registry, folders};
use crate::domain::{Horizon, UtcMs};
use crate::store::{StoreError, files};

/// One stored version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegistryEntry {
    pub universe: String,
    pub horizon: Horizon,
    pub version: String,
    /// Whether it is the one in force.
    pub current: bool,
    /// Whether it stands beside the one in force.
    pub candidate: bool,
    /// Size of its files.
    pub bytes: u64,
    /// When its files were written, as the file system says.
    pub saved_at: Option<UtcMs>,
    /// Why it cannot be used; `None` when it is whole and matches its fingerprint.
    pub problem: Option<String>,
    /// `Null` when it cannot be read.
    pub card: Value,
}

impl RegistryEntry {
    /// When it was made: trained, as its card says, else saved.
    #[must_use]
    pub fn made_at(&self) -> Option<UtcMs> {
        self.card.get("trained_at").and_then(Value::as_i64).map(UtcMs).or(self.saved_at)
    }
}

/// What a model's file knows and a card need not.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Beside {
    card: Option<Value>,
    evidence: Option<Value>,
    base_rate: Option<Value>,
    epistemic_limit: Option<Value>,
}

impl Registry {
    /// The model of one version.
    ///
    /// # Errors
    /// As [`Registry::text`], and when it is of another form.
    pub fn load<T: DeserializeOwned>(&self, universe: &str, horizon: Horizon, version: &str) -> Result<T, StoreError> {
        let text = self.text(universe, horizon, version)?;
        let path = self.version(universe, horizon, version)?.join(MODEL);
        serde_json::from_str(&text).map_err(|e| StoreError::BadModel { path, reason: e.to_string() })
    }

    /// The model in force; `None` when none was ever promoted.
    ///
    /// # Errors
    /// As [`Registry::load`].
    pub fn load_current<T: DeserializeOwned>(&self, universe: &str, horizon: Horizon) -> Result<Option<T>, StoreError> {
        self.current(universe, horizon)?.map(|version| self.load(universe, horizon, &version)).transpose()
    }

    /// The text of a version's model. The version is whole: its card can be read, and the text matches its fingerprint.
    ///
    /// # Errors
    /// [`StoreError::BadModel`] naming the file that is absent or damaged, or that there is no such version.
    pub fn text(&self, universe: &str, horizon: Horizon, version: &str) -> Result<String, StoreError> {
        self.card::<Value>(universe, horizon, version)?;
        let folder = self.version(universe, horizon, version)?;
        let path = folder.join(MODEL);
        let bad = |reason: String| StoreError::BadModel { path: path.clone(), reason };
        let bytes = fs::read(&path).map_err(|e| bad(e.to_string()))?;
        let expected = fs::read(folder.join(FINGERPRINT)).map_err(|e| bad(format!("{FINGERPRINT}: {e}")))?;
        if files::fingerprint(&bytes).as_bytes() != expected.trim_ascii() {
            return Err(bad(format!("it does not match {FINGERPRINT}")));
        }
        String::from_utf8(bytes).map_err(|e| bad(e.to_string()))
    }

    /// The card of one version.
    ///
    /// # Errors
    /// [`StoreError::BadModel`] naming the file that is absent, damaged or of another form, or that there is no such version.
    pub fn card<T: DeserializeOwned>(&self, universe: &str, horizon: Horizon, version: &str) -> Result<T, StoreError> {
        let folder = self.version(universe, horizon, version)?;
        if !folder.is_dir() {
            return Err(StoreError::BadModel { path: folder, reason: "there is no such version".to_owned() });
        }
        let path = folder.join(CARD);
        let bad = |reason: String| StoreError::BadModel { path: path.clone(), reason };
        let bytes = fs::read(&path).map_err(|e| bad(e.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|e| bad(e.to_string()))
    }

    /// The card of one version and what else its model knows of itself: `evidence`, `base_rate` and `epistemic_limit`, where its file is whole.
    ///
    /// # Errors
    /// As [`Registry::card`].
    pub fn facts(&self, universe: &str, horizon: Horizon, version: &str) -> Result<Value, StoreError> {
        let mut facts: Value = self.card(universe, horizon, version)?;
        let beside = self.load::<Beside>(universe, horizon, version).unwrap_or_default();
        if let Value::Object(fields) = &mut facts {
            for (key, value) in [
                ("evidence", beside.evidence),
                ("base_rate", beside.base_rate),
                ("epistemic_limit", beside.epistemic_limit),
            ] {
                if let Some(value) = value
                    && !fields.contains_key(key)
                {
                    fields.insert(key.to_owned(), value);
                }
            }
        }
        Ok(facts)
    }

    /// What is known of one version, also of one that is not whole.
    ///
    /// # Errors
    /// [`StoreError::BadModel`] when there is no such version.
    pub fn entry(&self, universe: &str, horizon: Horizon, version: &str) -> Result<RegistryEntry, StoreError> {
        let folder = self.version(universe, horizon, version)?;
        if !folder.is_dir() {
            return Err(StoreError::BadModel { path: folder, reason: "there is no such version".to_owned() });
        }
        let is = |mark: Result<Option<String>, StoreError>| mark.ok().flatten().as_deref() == Some(version);
        let saved = fs::metadata(folder.join(FINGERPRINT)).and_then(|m| m.modified()).ok();
        let saved_at = saved.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let card: Value = self.card(universe, horizon, version).unwrap_or_default();
        Ok(RegistryEntry {
            universe: universe.to_owned(),
            horizon,
            version: version.to_owned(),
            current: is(self.current(universe, horizon)),
            candidate: is(self.candidate(universe, horizon)),
            bytes: [MODEL, CARD, FINGERPRINT]
                .iter()
                .filter_map(|name| fs::metadata(folder.join(name)).ok())
                .map(|file| file.len())
                .sum(),
            saved_at: saved_at.and_then(|at| i64::try_from(at.as_millis()).ok()).map(UtcMs),
            problem: self.problem(universe, horizon, version, &card),
            card,
        })
    }

    /// Every version of a horizon, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be read.
    pub fn versions(&self, universe: &str, horizon: Horizon) -> Result<Vec<RegistryEntry>, StoreError> {
        let folder = self.horizon(universe, horizon)?;
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        // A folder with the name of a mark is not ours.
        let ours = |name: &String| self.version(universe, horizon, name).is_ok();
        folders(&folder)?.into_iter().filter(ours).map(|name| self.entry(universe, horizon, &name)).collect()
    }

    fn problem(&self, universe: &str, horizon: Horizon, version: &str, card: &Value) -> Option<String> {
        if let Err(error) = self.text(universe, horizon, version) {
            return Some(error.to_string());
        }
        // A model without a card inside says nothing of the one beside it.
        let inside = self.load::<Beside>(universe, horizon, version).ok()?.card.filter(Value::is_object)?;
        (inside != *card).then(|| format!("{CARD} is not the card of the model beside it"))
    }
}
