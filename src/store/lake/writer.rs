//! Changing a series: new files first, then the manifest, then the files that it no longer lists go.
//!
//! Whatever ends a change in between, the series is what it was before or what it is after it. Files that a change left behind are not part of the series;
//! temporary ones are removed by the next writer, others are told by `cst data check` and removed by `cst data compact`.

use std::path::{Path, PathBuf};

use super::lock::WriterLock;
use super::manifest::{FileEntry, MANIFEST, MARK, Manifest};
use super::scan;
use super::series::{Series, SeriesKey};
use super::span::Span;
use super::table::{self, SCHEMA, Stored};
use crate::domain::UtcMs;
use crate::store::disk::{Disk, RealDisk};
use crate::store::{StoreError, files};

/// Rows of a data file at most.
pub(super) const PART_ROWS: usize = 1 << 18;
/// A file of fewer rows takes up appended ones; a longer one gets a neighbour.
const SMALL_ROWS: usize = 4_096;

/// A lake that is being written, by this writer alone.
#[derive(Debug)]
pub struct LakeWriter {
    lake: PathBuf,
    now: UtcMs,
    disk: Box<dyn Disk>,
    _lock: WriterLock,
}

impl LakeWriter {
    /// `now` is the time of writing.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another writer is at work, or that the folder cannot be used.
    pub fn open(lake: &Path, now: UtcMs) -> Result<Self, StoreError> {
        Self::on(Box::new(RealDisk), lake, now)
    }

    pub(super) fn on(disk: Box<dyn Disk>, lake: &Path, now: UtcMs) -> Result<Self, StoreError> {
        Ok(Self { lake: lake.to_owned(), now, disk, _lock: WriterLock::take(lake)? })
    }

    #[must_use]
    pub fn lake(&self) -> &Path {
        &self.lake
    }

    /// Opens a series for writing, and clears away what an interrupted writer left half-written.
    ///
    /// # Errors
    /// [`StoreError`] when its manifest is damaged.
    pub fn series(&self, key: &SeriesKey) -> Result<SeriesWriter<'_>, StoreError> {
        let folder = key.folder(&self.lake);
        for path in leftovers(&folder)? {
            self.disk.remove(&path).map_err(files::failed("remove", &path))?;
        }
        let manifest = Manifest::load(&self.lake, key)?.unwrap_or_else(|| Manifest::new(key));
        Ok(SeriesWriter { writer: self, key: key.clone(), folder, manifest })
    }
}

/// Temporary files of a folder.
pub(super) fn leftovers(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(files::failed("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && name.ends_with(".tmp") {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// One series that is being written.
#[derive(Debug)]
pub struct SeriesWriter<'a> {
    writer: &'a LakeWriter,
    key: SeriesKey,
    folder: PathBuf,
    manifest: Manifest,
}

impl SeriesWriter<'_> {
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn of_span(&self, span: &Span) -> impl DoubleEndedIterator<Item = &FileEntry> {
        self.manifest.files.iter().filter(|file| file.span == span.name)
    }

    /// The newest row that the lake has of a month or day.
    pub(in crate::store) fn newest(&self, span: &Span) -> Option<i64> {
        self.of_span(span).next_back().map(|file| file.last)
    }

    /// What the lake has of a month or day.
    pub(in crate::store) fn rows<R: Stored>(&self, span: &Span) -> Result<Vec<R>, StoreError> {
        stored_rows(&self.folder, &self.manifest, span)
    }

    /// Puts `rows`, sorted and all of `span`, in the place of what the lake has of it. The files that were written.
    pub(in crate::store) fn replace<R: Stored>(
        &mut self,
        span: &Span,
        rows: &[R],
        source: &str,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let old: Vec<String> = self.of_span(span).map(|file| file.name.clone()).collect();
        let parts = rows.chunks(PART_ROWS).map(|part| self.draft(span, part, source)).collect::<Result<Vec<_>, _>>()?;
        self.commit(parts, &old)
    }

    /// Adds sorted `rows`, all of `span` and later than what the lake has of it.
    pub(in crate::store) fn append<R: Stored>(
        &mut self,
        span: &Span,
        rows: &[R],
        source: &str,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let small = |file: &&FileEntry| {
            usize::try_from(file.rows).is_ok_and(|count| count + rows.len() <= SMALL_ROWS) && file.source == source
        };
        self.is_later(span, rows)?;
        let Some(last) = self.of_span(span).next_back().filter(small).cloned() else {
            let parts = rows.chunks(PART_ROWS).map(|part| self.draft(span, part, source));
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            return self.commit(parts, &[]);
        };
        let mut together: Vec<R> = scan::read_rows(&self.folder.join(&last.name), &last)?;
        together.extend_from_slice(rows);
        let part = self.draft(span, &together, source)?;
        self.commit(vec![part], &[last.name])
    }

    /// # Errors
    /// When the lake has rows of `span` at or after the first of `rows`; trades and levels may share an instant.
    fn is_later<R: Stored>(&self, span: &Span, rows: &[R]) -> Result<(), StoreError> {
        let newest = self.newest(span);
        let gap = i64::from(matches!(self.key.series, Series::Candles(_)));
        match (newest, rows.first().map(Stored::at)) {
            (Some(newest), Some(first)) if first < newest.saturating_add(gap) => {
                let reason = format!("new rows from {first} on overlap what it has up to {newest}");
                Err(StoreError::BadData { path: self.folder.clone(), reason })
            }
            _ => Ok(()),
        }
    }

    /// Writes a data file that is not part of the series until it is committed.
    pub(super) fn draft<R: Stored>(&self, span: &Span, rows: &[R], source: &str) -> Result<FileEntry, StoreError> {
        let notes = [
            ("cst.schema", SCHEMA.to_string()),
            ("cst.venue", self.key.venue.to_string()),
            ("cst.pair", self.key.pair.to_string()),
            ("cst.series", self.key.series.to_string()),
            ("cst.unit", self.key.series.unit().0.to_owned()),
        ];
        let notes = notes.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let bad = |reason: String| StoreError::BadData { path: self.folder.clone(), reason };
        let (first, last) = rows.first().zip(rows.last()).ok_or_else(|| bad("no rows to write".to_owned()))?;
        let bytes = table::encode(rows, notes).map_err(bad)?;
        let sha256 = files::fingerprint(&bytes);
        let mark: String = sha256.chars().take(MARK).collect();
        let entry = FileEntry {
            name: format!("{}-{mark}.parquet", span.name),
            span: span.name.clone(),
            rows: rows.len() as u64,
            first: first.at(),
            last: last.at(),
            bytes: bytes.len() as u64,
            sha256,
            schema: SCHEMA,
            source: source.to_owned(),
            written: self.writer.now.to_string(),
        };
        self.make_folder()?;
        files::put(&*self.writer.disk, &self.folder.join(&entry.name), &bytes)?;
        Ok(entry)
    }

    fn make_folder(&self) -> Result<(), StoreError> {
        let disk = &*self.writer.disk;
        if !self.folder.is_dir() {
            disk.create_folder(&self.folder).map_err(files::failed("create the folder", &self.folder))?;
            // The names of new folders are in those above them.
            for folder in self.folder.ancestors().skip(1).take(3) {
                disk.flush_folder(folder).map_err(files::failed("flush the folder", folder))?;
            }
        }
        if self.manifest.files.is_empty() && !self.folder.join(MANIFEST).exists() {
            // From here on what lies in the folder is part of the series only when it is listed.
            self.manifest.save(disk, &self.folder)?;
        }
        Ok(())
    }

    /// Lists `fresh` files and no longer those named in `dropped`, then removes the latter. The files that are new.
    pub(super) fn commit(&mut self, fresh: Vec<FileEntry>, dropped: &[String]) -> Result<Vec<PathBuf>, StoreError> {
        let disk = &*self.writer.disk;
        let mut next = self.manifest.clone();
        next.files.retain(|file| !dropped.contains(&file.name) && fresh.iter().all(|new| new.name != file.name));
        next.files.extend(fresh.iter().cloned());
        next.files.sort_by_key(|file| (file.first, file.last));
        next.commit += 1;
        next.check(&self.key).map_err(|reason| StoreError::BadData { path: self.folder.clone(), reason })?;
        if !fresh.is_empty() {
            disk.flush_folder(&self.folder).map_err(files::failed("flush the folder", &self.folder))?;
        }
        next.save(disk, &self.folder)?;
        self.manifest = next;
        for name in dropped.iter().filter(|name| fresh.iter().all(|new| new.name != **name)) {
            // The series is what it should be; a file that stays behind is told by the next check.
            let _ = disk.remove(&self.folder.join(name));
            let _ = disk.remove(&self.folder.join(format!("{name}.sha256")));
        }
        Ok(fresh.into_iter().map(|file| self.folder.join(file.name)).collect())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) const fn series(&self) -> Series {
        self.key.series
    }

    pub(super) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        self.writer.disk.remove(path).map_err(files::failed("remove", path))
    }
}

/// What a series has of a month or day.
pub(in crate::store) fn stored_rows<R: Stored>(
    folder: &Path,
    manifest: &Manifest,
    span: &Span,
) -> Result<Vec<R>, StoreError> {
    let mut rows = Vec::new();
    for file in manifest.files.iter().filter(|file| file.span == span.name) {
        rows.extend(scan::read_rows::<R>(&folder.join(&file.name), file)?);
    }
    Ok(rows)
}
