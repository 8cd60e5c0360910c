//! Answers and the day's token count on disk. One JSON file, replaced as a whole, so that it is never half written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::answer::Verdict;
use super::error::LanguageModelError;
use crate::domain::UtcMs;

const VERSION: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    version: u32,
    /// Midnight (UTC) of the day that `tokens` counts.
    day: UtcMs,
    tokens: u64,
    /// By the hash of model, prompt version, assets and text.
    answers: BTreeMap<String, Verdict>,
}

/// The open store with the budget of the run.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    contents: Contents,
    limit: u64,
}

impl Store {
    /// Opens or starts a store. What earlier runs spent on the day of `now` counts against `limit`.
    pub fn open(path: PathBuf, now: UtcMs, limit: u64) -> Result<Self, LanguageModelError> {
        let fresh = Contents { version: VERSION, day: now.day(), tokens: 0, answers: BTreeMap::new() };
        let failed = |why: String| LanguageModelError::Store { path: path.clone(), why };
        let mut contents = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice::<Contents>(&bytes).map_err(|e| failed(e.to_string()))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => fresh,
            Err(e) => return Err(failed(e.to_string())),
        };
        if contents.version != VERSION {
            return Err(failed(format!("its version is {}, not {VERSION}", contents.version)));
        }
        if contents.day != now.day() {
            contents.day = now.day();
            contents.tokens = 0;
        }
        Ok(Self { path, contents, limit })
    }

    pub const fn tokens(&self) -> u64 {
        self.contents.tokens
    }

    pub fn answer(&self, key: &str) -> Option<&Verdict> {
        self.contents.answers.get(key)
    }

    pub fn remember(&mut self, key: String, verdict: Verdict) {
        self.contents.answers.insert(key, verdict);
    }

    /// Sets tokens aside before a call.
    pub const fn reserve(&mut self, tokens: u64) -> Result<(), LanguageModelError> {
        let wanted = self.contents.tokens.saturating_add(tokens);
        if wanted > self.limit {
            return Err(LanguageModelError::Budget { used: self.contents.tokens, limit: self.limit });
        }
        self.contents.tokens = wanted;
        Ok(())
    }

    /// Replaces a reservation by what was spent.
    pub const fn settle(&mut self, reserved: u64, spent: u64) {
        self.contents.tokens = self.contents.tokens.saturating_sub(reserved).saturating_add(spent);
    }

    /// Writes the store, off the reactor.
    pub async fn save(&self) -> Result<(), LanguageModelError> {
        let failed = |why: String| LanguageModelError::Store { path: self.path.clone(), why };
        let bytes = serde_json::to_vec_pretty(&self.contents).map_err(|e| failed(e.to_string()))?;
        let path = self.path.clone();
        let written =
            tokio::task::spawn_blocking(move || replace(&path, &bytes)).await.map_err(|e| failed(e.to_string()))?;
        written.map_err(|e| failed(e.to_string()))
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let beside = PathBuf::from(name);
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
