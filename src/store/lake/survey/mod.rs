//! What a lake holds, what is missing and whether it is sound. Problems are told, never mended.

use std::path::{Path, PathBuf};

use super::holes::Holes;
use super::lock::LOCK;
use super::manifest::{MANIFEST, Manifest, Origin};
use super::series::{Series, SeriesKey, VenueName};
use super::writer;
use crate::domain::{Pair, UtcMs};
use crate::store::import::REJECTS;
use crate::store::{StoreError, files};

mod coverage;
mod judge;
mod series;

pub use coverage::Cover;

/// What of a lake is looked at; everything where nothing is named.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub venue: Option<VenueName>,
    pub pair: Option<Pair>,
}

impl Filter {
    pub(super) fn wants_venue(&self, venue: &VenueName) -> bool {
        self.venue.as_ref().is_none_or(|wanted| wanted == venue)
    }

    pub(super) fn wants_pair(&self, pair: &Pair) -> bool {
        self.pair.as_ref().is_none_or(|wanted| wanted == pair)
    }
}

/// How a series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeriesState {
    /// No candle is absent between the first and the last; of trades and books: every file is sound.
    Whole,
    /// Candles are absent: quiet intervals or holes, which cannot be told apart where a venue writes no candle without trades.
    Holes,
    /// Something does not match the manifest or the rules; see the problems.
    Damaged,
}

impl SeriesState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Holes => "holes",
            Self::Damaged => "damaged",
        }
    }
}

/// All files of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct LakeEntry {
    pub venue: VenueName,
    pub pair: Pair,
    pub series: Series,
    pub state: SeriesState,
    /// Instants of the first and the last row.
    pub first: UtcMs,
    pub last: UtcMs,
    pub rows: u64,
    /// Candles that there could be from the first to the last; `None` for other series.
    pub expected: Option<u64>,
    /// Of candles; for others only the longest pause.
    pub holes: Holes,
    /// By month; of trades and books in days.
    pub cover: Vec<Cover>,
    /// Closes that the causal Hampel filter (window 11, 6 deviations) flags, and the first of them. Only [`check`] looks for them.
    pub outliers: Option<(u64, Vec<UtcMs>)>,
    /// On disk.
    pub bytes: u64,
    pub files: usize,
}

impl LakeEntry {
    /// Share of the candles that are there, from 0 to 1.
    #[must_use]
    pub fn completeness(&self) -> Option<f64> {
        self.expected.filter(|expected| *expected > 0).map(|expected| self.rows as f64 / expected as f64)
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeProblem {
    pub path: PathBuf,
    /// Row of the file, from 0.
    pub row: Option<usize>,
    pub reason: String,
}

/// Sorted by venue, pair and series. Files that cannot be read are problems and not counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CheckReport {
    pub entries: Vec<LakeEntry>,
    pub problems: Vec<LakeProblem>,
}

/// What the lake holds: reads the instants of each file, judges nothing else.
///
/// # Errors
/// [`StoreError`] when a folder cannot be read. A lake that is not there is empty.
pub fn list(lake: &Path, filter: &Filter) -> Result<CheckReport, StoreError> {
    survey(lake, filter, None)
}

/// Reads every row of the lake again: fingerprints, form, order, grid, the file's month or day, prices, candles that are over by `now`.
///
/// # Errors
/// As [`list`].
pub fn check(lake: &Path, filter: &Filter, now: UtcMs) -> Result<CheckReport, StoreError> {
    survey(lake, filter, Some(now))
}

/// The series that a lake has, in order; nothing of them is read.
///
/// # Errors
/// [`StoreError`] when a folder cannot be read. A lake that is not there is empty.
pub fn names(lake: &Path, filter: &Filter) -> Result<Vec<SeriesKey>, StoreError> {
    keys(lake, filter, &mut Vec::new())
}

fn survey(lake: &Path, filter: &Filter, now: Option<UtcMs>) -> Result<CheckReport, StoreError> {
    let mut report = CheckReport::default();
    let keys = keys(lake, filter, &mut report.problems)?;
    for key in keys {
        report.series(lake, &key, now)?;
    }
    Ok(report)
}

/// The series of a lake, in order. What lies there and is none is a problem.
pub(super) fn keys(
    lake: &Path,
    filter: &Filter,
    problems: &mut Vec<LakeProblem>,
) -> Result<Vec<SeriesKey>, StoreError> {
    let mut keys = Vec::new();
    if !lake.exists() {
        return Ok(keys);
    }
    for (name, path) in entries(lake)? {
        if name == LOCK || name == REJECTS {
            continue;
        }
        let Ok(venue) = name.parse::<VenueName>() else {
            problems.push(stray(path, "it names no venue"));
            continue;
        };
        if !filter.wants_venue(&venue) {
            continue;
        }
        for (name, path) in inside(&path, problems)? {
            let Some(pair) = name.parse::<Pair>().ok().filter(|pair| pair.file_stem() == name) else {
                problems.push(stray(path, "it names no pair"));
                continue;
            };
            if !filter.wants_pair(&pair) {
                continue;
            }
            for (name, path) in inside(&path, problems)? {
                match Series::from_name(&name) {
                    Some(_) if !path.is_dir() => problems.push(stray(path, "it is not a folder")),
                    Some(series) => keys.push(SeriesKey::new(venue.clone(), pair.clone(), series)),
                    None => problems.push(stray(path, "it names no series")),
                }
            }
        }
    }
    Ok(keys)
}

fn stray(path: PathBuf, reason: &str) -> LakeProblem {
    LakeProblem { path, row: None, reason: format!("{reason}; it is not part of the lake") }
}

fn inside(folder: &Path, problems: &mut Vec<LakeProblem>) -> Result<Vec<(String, PathBuf)>, StoreError> {
    if folder.is_dir() {
        return entries(folder);
    }
    problems.push(stray(folder.to_owned(), "it is not a folder"));
    Ok(Vec::new())
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(files::failed("list", folder))? {
        let entry = entry.map_err(files::failed("list", folder))?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    found.sort();
    Ok(found)
}

/// What lies in a series' folder and is not part of the series.
pub(super) fn orphans(folder: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>, StoreError> {
    let listed = |name: &str| manifest.files.iter().any(|file| file.name == name);
    let part = |name: &str| name == MANIFEST || listed(name) || name.strip_suffix(".sha256").is_some_and(listed);
    let temporary = writer::leftovers(folder)?;
    let other = entries(folder)?.into_iter().filter(|(name, path)| !part(name) && !temporary.contains(path));
    Ok(other.map(|(_, path)| path).collect())
}

impl CheckReport {
    fn series(&mut self, lake: &Path, key: &SeriesKey, now: Option<UtcMs>) -> Result<(), StoreError> {
        let folder = key.folder(lake);
        let manifest = match Manifest::load(lake, key) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => Manifest::new(key),
            Err(error) => {
                self.problems.push(LakeProblem { path: folder, row: None, reason: error.to_string() });
                return Ok(());
            }
        };
        if manifest.origin == Origin::Adopted && now.is_some() {
            let reason =
                format!("it has no {MANIFEST}: whether a file changed cannot be told; `cst data compact` writes one");
            self.problems.push(LakeProblem { path: folder.clone(), row: None, reason });
        }
        for path in orphans(&folder, &manifest)? {
            self.problems.push(stray(path, "the manifest does not list it"));
        }
        let before = self.problems.len();
        let read = series::read(&folder, &manifest, key, now, &mut self.problems);
        let damaged = self.problems.len() > before;
        if let Some(mut entry) = read {
            entry.state = match entry.holes.absent {
                _ if damaged => SeriesState::Damaged,
                0 => SeriesState::Whole,
                _ => SeriesState::Holes,
            };
            self.entries.push(entry);
        }
        Ok(())
    }
}
