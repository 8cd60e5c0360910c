//! The list of the files that make up a series: written last and replaced at once, so that a series changes from one state to the next whole.
//!
//! Data files never change: new rows are new files under new names, and what the manifest does not list is not part of the series. Readers
//! take the manifest and the files that it lists, and need no lock.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::file;
use super::series::{Series, SeriesKey};
use super::table::Table;
use crate::domain::UtcMs;
use crate::store::disk::Disk;
use crate::store::{StoreError, files};

/// Name of the manifest in a series' folder.
pub const MANIFEST: &str = "manifest.json";
const VERSION: u32 = 1;
/// Manifest files are small; something larger is none.
const LARGEST: u64 = 64 << 20;

/// A data file of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    pub name: String,
    /// Month or day that its rows belong to.
    pub span: String,
    pub rows: u64,
    /// Instants of the first and the last row, in the unit of the manifest.
    pub first: i64,
    pub last: i64,
    pub bytes: u64,
    pub sha256: String,
    /// Of the columns; see `docs/lake.md`.
    pub schema: u32,
    /// Where the rows came from: a file's name, `live`, `resampled from 1m`, …
    pub source: String,
    /// When the file was written, RFC 3339.
    pub written: String,
}

/// All files of a series, oldest rows first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    version: u32,
    venue: String,
    pair: String,
    series: String,
    /// Of `first` and `last`: `ms` or `ns` since the epoch.
    unit: String,
    /// Rises with every change.
    pub commit: u64,
    pub files: Vec<FileEntry>,
    /// How the manifest came to be; not part of the file.
    #[serde(skip)]
    pub origin: Origin,
}

/// Where a manifest is from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    Written,
    /// There was none: the files that lie in the folder were taken as they are.
    Adopted,
}

/// The file: the manifest and its own fingerprint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    sha256: String,
    #[serde(borrow)]
    manifest: &'a RawValue,
}

impl Manifest {
    pub(super) fn new(key: &SeriesKey) -> Self {
        Self {
            version: VERSION,
            venue: key.venue.to_string(),
            pair: key.pair.to_string(),
            series: key.series.to_string(),
            unit: key.series.unit().0.to_owned(),
            commit: 0,
            files: Vec::new(),
            origin: Origin::Written,
        }
    }

    /// The manifest of a series; without one, a list of the files that lie in its folder. `None` when there is no such folder, or nothing in it.
    ///
    /// # Errors
    /// [`StoreError`] when the manifest is damaged, or a file that is to be listed is.
    pub fn load(lake: &Path, key: &SeriesKey) -> Result<Option<Self>, StoreError> {
        let folder = key.folder(lake);
        let path = folder.join(MANIFEST);
        let bad = |reason: String| {
            let reason = format!("{reason}; move it away, and the next use takes the files of the folder as they are");
            StoreError::BadData { path: path.clone(), reason }
        };
        match std::fs::metadata(&path) {
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Self::adopt(&folder, key);
            }
            Err(e) => return Err(files::failed("find", &path)(e)),
            Ok(about) if about.len() > LARGEST => return Err(bad(format!("it has {} bytes", about.len()))),
            Ok(_) => {}
        }
        let text = String::from_utf8(files::read(&path)?).map_err(|_| bad("it is not text".to_owned()))?;
        let sealed: Sealed<'_> = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
        if files::fingerprint(sealed.manifest.get().as_bytes()) != sealed.sha256 {
            return Err(bad("its content does not match its own fingerprint".to_owned()));
        }
        let manifest: Self = serde_json::from_str(sealed.manifest.get()).map_err(|e| bad(e.to_string()))?;
        manifest.check(key).map_err(bad)?;
        Ok(Some(manifest))
    }

    /// What must hold for every manifest.
    pub(super) fn check(&self, key: &SeriesKey) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!("it has version {}, this program knows {VERSION}", self.version));
        }
        let expected = Self::new(key);
        if (&self.venue, &self.pair, &self.series, &self.unit)
            != (&expected.venue, &expected.pair, &expected.series, &expected.unit)
        {
            return Err(format!("it is that of {} of {} from {}", self.series, self.pair, self.venue));
        }
        for file in &self.files {
            file.check(key.series).map_err(|reason| format!("'{}' {reason}", file.name))?;
        }
        let strict = matches!(key.series, Series::Candles(_));
        for (earlier, later) in self.files.iter().zip(self.files.iter().skip(1)) {
            if earlier.last > later.first || (strict && earlier.last == later.first) {
                return Err(format!("'{}' and '{}' overlap", earlier.name, later.name));
            }
        }
        Ok(())
    }

    /// Makes it durable. The old one stays until the new one is whole.
    pub(super) fn save(&self, disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
        let plain = |e: serde_json::Error| StoreError::NotJson { reason: e.to_string() };
        let body = serde_json::to_string(self).map_err(plain)?;
        // One file a line, for people and for `diff`.
        let body = body.replace("{\"name\":", "\n{\"name\":");
        let text = format!("{{\"sha256\":\"{}\",\"manifest\":{body}}}\n", files::fingerprint(body.as_bytes()));
        files::put(disk, &folder.join(MANIFEST), text.as_bytes())?;
        disk.flush_folder(folder).map_err(files::failed("flush the folder", folder))
    }

    /// A list of what lies in a folder that has no manifest, such as one of an earlier version of this program.
    fn adopt(folder: &Path, key: &SeriesKey) -> Result<Option<Self>, StoreError> {
        let mut manifest = Self { origin: Origin::Adopted, ..Self::new(key) };
        for (span, path) in data_files(folder, key.series)? {
            let bytes = file::read_checked(&path)?;
            let (length, sha256) = (bytes.len(), files::fingerprint(&bytes));
            let bad = |reason: &str| StoreError::BadData { path: path.clone(), reason: reason.to_owned() };
            let table = Table::open(&path, bytes)?;
            if table.rows() == 0 {
                continue;
            }
            let ends = table.ends(&path)?.ok_or_else(|| bad("a row has no 'ts'"))?;
            manifest.files.push(FileEntry {
                name: path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
                span,
                rows: table.rows() as u64,
                first: ends.0,
                last: ends.1,
                bytes: length as u64,
                sha256,
                schema: 1,
                source: "found".to_owned(),
                written: String::new(),
            });
        }
        manifest.files.sort_by_key(|file| (file.first, file.last));
        let overlap = manifest.check(key).err();
        match overlap {
            Some(reason) => Err(StoreError::BadData { path: folder.to_owned(), reason }),
            None if manifest.files.is_empty() => Ok(None),
            None => Ok(Some(manifest)),
        }
    }

    /// Instants of the first and the last row.
    #[must_use]
    pub fn ends(&self) -> Option<(i64, i64)> {
        self.files.first().zip(self.files.last()).map(|(first, last)| (first.first, last.last))
    }

    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl FileEntry {
    fn check(&self, series: Series) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.name.starts_with('.') || !self.name.ends_with(".parquet") || !self.name.chars().all(plain) {
            return Err("is not the name of a data file".to_owned());
        }
        if self.rows == 0 || self.first > self.last {
            return Err(format!("has {} rows from {} to {}", self.rows, self.first, self.last));
        }
        match series.span_of(&self.span) {
            Some(span)
                if (span.begin..span.end).contains(&self.first) && (span.begin..span.end).contains(&self.last) =>
            {
                Ok(())
            }
            _ => Err(format!("has rows from {} to {}, beyond '{}'", self.first, self.last, self.span)),
        }
    }

    /// When the file was written; `None` where that is not known.
    #[must_use]
    pub fn written_at(&self) -> Option<UtcMs> {
        UtcMs::parse(&self.written).ok()
    }
}

/// The span that a data file's name means: `2024-10.parquet`, `2024-10-1f0c6a2b9d3e.parquet`.
pub(super) fn span_of_name(name: &str, series: Series) -> Option<String> {
    let stem = name.strip_suffix(".parquet")?;
    let alone = |text: &str| series.span_of(text).map(|span| span.name);
    let (before, mark) = stem.rsplit_once('-')?;
    let marked = mark.len() == MARK && mark.bytes().all(|b| b.is_ascii_hexdigit());
    if marked { alone(before) } else { alone(stem) }
}

/// Digits of the fingerprint in a file's name.
pub(super) const MARK: usize = 12;

/// Data files of a folder with the names of their spans, in the order of their names.
fn data_files(folder: &Path, series: Series) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries.map_err(files::failed("list", folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(files::failed("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.extend(span_of_name(&name, series).map(|span| (span, entry.path())));
    }
    found.sort();
    Ok(found)
}
