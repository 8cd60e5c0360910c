//! A recording: real candles of the past with a manifest, played as they became known.
//!
//! The manifest `recording.toml` names the replayed span, the pairs with their files, and the hourly files that models may be trained on.
//! Every file is checked against its fingerprint before a row of it is used.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::lake::{self, Row};
use super::{StoreError, files};
use crate::domain::{Interval, Pair, RawCandle, UtcMs, Venue};

mod batches;
pub use batches::Batches;

/// Name of the manifest in a recording's folder.
pub const MANIFEST: &str = "recording.toml";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    venue: Venue,
    /// Pairs whose bars are longer than the grid are delivered from here, so that their windows are filled early.
    #[serde(deserialize_with = "instant")]
    lead_in: UtcMs,
    #[serde(deserialize_with = "instant")]
    first: UtcMs,
    #[serde(deserialize_with = "instant")]
    last: UtcMs,
    replay: Vec<FileEntry>,
    training: Vec<FileEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    pair: Pair,
    minutes: u32,
    /// Relative to the recording's folder.
    file: PathBuf,
    rows: usize,
    sha256: String,
}

impl FileEntry {
    const fn interval(&self) -> Interval {
        Interval(self.minutes)
    }
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UtcMs, D::Error> {
    let text = String::deserialize(deserializer)?;
    UtcMs::parse(&text).map_err(|e| serde::de::Error::custom(format!("'{text}' is not an instant: {e}")))
}

/// The rows of a recording that are played, in memory and shared: a clone costs nothing.
#[derive(Debug, Clone)]
pub struct ReplayRows {
    series: Arc<Vec<Series>>,
}

impl ReplayRows {
    /// Number of rows over all pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.iter().map(|s| s.rows.len()).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every row with the place of its pair in the manifest; a pair's rows in the order of its file.
    pub fn candles(&self) -> impl Iterator<Item = (usize, RawCandle)> + '_ {
        self.series.iter().enumerate().flat_map(|(place, series)| {
            series.rows.iter().map(move |row| (place, row.candle(&series.pair, Venue::Kraken, series.interval)))
        })
    }
}

/// One pair's rows, in the order of its file.
#[derive(Debug)]
struct Series {
    pair: Pair,
    interval: Interval,
    rows: Vec<Row>,
}

/// A recording on disk.
#[derive(Debug, Clone)]
pub struct Recording {
    folder: PathBuf,
    manifest: Manifest,
}

impl Recording {
    /// Reads the manifest in `folder` and checks that it makes sense and its files are there.
    ///
    /// # Errors
    /// [`StoreError`] naming the manifest and what is wrong with it, or the file that is absent.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(MANIFEST);
        let bad = |reason: String| StoreError::BadData { path: path.clone(), reason };
        let text = String::from_utf8(files::read(&path)?).map_err(|e| bad(e.to_string()))?;
        let manifest: Manifest = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
        check(&manifest).map_err(bad)?;
        for entry in manifest.replay.iter().chain(&manifest.training) {
            let file = folder.join(&entry.file);
            std::fs::metadata(&file).map_err(files::failed("find", &file))?;
        }
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Name of the recording, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.manifest.name
    }

    #[must_use]
    pub const fn venue(&self) -> Venue {
        self.manifest.venue
    }

    /// Start of the replayed span.
    #[must_use]
    pub const fn first(&self) -> UtcMs {
        self.manifest.first
    }

    /// End of the replayed span: the close of its last candles.
    #[must_use]
    pub const fn last(&self) -> UtcMs {
        self.manifest.last
    }

    /// The replayed pairs with their bar lengths, in the manifest's order.
    #[must_use]
    pub fn universe(&self) -> Vec<(Pair, Interval)> {
        self.manifest.replay.iter().map(|e| (e.pair.clone(), e.interval())).collect()
    }

    /// The pairs with training data.
    #[must_use]
    pub fn training_pairs(&self) -> Vec<Pair> {
        self.manifest.training.iter().map(|e| e.pair.clone()).collect()
    }

    /// Loads what is played: the replayed span, and from the lead-in on the pairs with longer bars.
    ///
    /// # Errors
    /// [`StoreError`] naming the file that is absent, damaged or not the one of the manifest.
    pub fn load_replay(&self) -> Result<ReplayRows, StoreError> {
        let span = (self.manifest.lead_in, self.manifest.last);
        let load = |entry: &FileEntry| {
            let mut rows = self.rows(entry)?;
            rows.retain(|r| r.open_time >= span.0 && r.open_time.plus(entry.interval().ms()) <= span.1);
            rows.shrink_to_fit();
            Ok(Series { pair: entry.pair.clone(), interval: entry.interval(), rows })
        };
        let series = self.manifest.replay.iter().map(load).collect::<Result<_, StoreError>>()?;
        Ok(ReplayRows { series: Arc::new(series) })
    }

    /// One batch for every step of the grid, empty ones included, with the rows whose bars close at that instant. Batches before
    /// `trading_from` are marked as warm-up.
    #[must_use]
    pub fn batches(&self, rows: ReplayRows, trading_from: UtcMs) -> Batches {
        Batches::new(&self.manifest, rows, trading_from)
    }

    /// Hourly history for training: per pair the bars that close at or before `until`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] naming the file that is absent, damaged or not the one of the manifest.
    pub fn training_series(&self, until: UtcMs) -> Result<Vec<(Pair, Vec<RawCandle>)>, StoreError> {
        self.manifest.training.iter().map(|e| Ok((e.pair.clone(), self.training(e, until)?))).collect()
    }

    /// The same for one pair; `None` when the recording has no training data for it.
    ///
    /// # Errors
    /// As [`Recording::training_series`].
    pub fn training_pair(&self, pair: &Pair, until: UtcMs) -> Result<Option<Vec<RawCandle>>, StoreError> {
        self.manifest.training.iter().find(|e| e.pair == *pair).map(|e| self.training(e, until)).transpose()
    }

    fn training(&self, entry: &FileEntry, until: UtcMs) -> Result<Vec<RawCandle>, StoreError> {
        let interval = entry.interval();
        let known = |row: &&Row| row.open_time.plus(interval.ms()) <= until;
        let rows = self.rows(entry)?;
        Ok(rows.iter().filter(known).map(|r| r.candle(&entry.pair, self.manifest.venue, interval)).collect())
    }

    fn rows(&self, entry: &FileEntry) -> Result<Vec<Row>, StoreError> {
        let path = self.folder.join(&entry.file);
        let bad = |reason: String| StoreError::BadData { path: path.clone(), reason };
        let bytes = files::read(&path)?;
        if files::fingerprint(&bytes) != entry.sha256 {
            return Err(bad(format!("its content is not the one that {MANIFEST} describes; restore the file")));
        }
        let rows = lake::decode(&path, bytes)?;
        if rows.len() == entry.rows {
            Ok(rows)
        } else {
            Err(bad(format!("it has {} rows, {MANIFEST} says {}", rows.len(), entry.rows)))
        }
    }
}

fn check(manifest: &Manifest) -> Result<(), String> {
    if !(manifest.lead_in <= manifest.first && manifest.first < manifest.last) {
        return Err("it must hold that lead_in ≤ first < last".to_owned());
    }
    if manifest.replay.is_empty() {
        return Err("no pair is replayed".to_owned());
    }
    for list in [&manifest.replay, &manifest.training] {
        for (n, entry) in list.iter().enumerate() {
            if entry.minutes == 0 {
                return Err(format!("minutes of '{}' must be above 0", entry.pair));
            }
            if list.iter().take(n).any(|other| other.pair == entry.pair) {
                return Err(format!("'{}' is listed twice", entry.pair));
            }
            if entry.file.components().any(|part| !matches!(part, Component::Normal(_))) {
                return Err(format!("'{}' leads out of the recording", entry.file.display()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
