//! Keeping a lake tidy: small files of a month or day become one, what is older than it shall be kept goes, and so does what interrupted
//! writers left behind.

use std::path::{Path, PathBuf};

use super::manifest::{FileEntry, MARK, Manifest, Origin, span_of_name};
use super::rows::{BookRow, StoredCandle, TradeRow};
use super::scan;
use super::series::{Series, SeriesKey};
use super::span::Span;
use super::survey::{self, Filter, LakeProblem};
use super::table::{SCHEMA, Stored};
use super::writer::{LakeWriter, PART_ROWS, SeriesWriter, leftovers};
use crate::domain::UtcMs;
use crate::domain::time::DAY_MS;
use crate::store::{StoreError, files};

/// For how many days rows are kept; for ever where nothing is said. Whole months and days go, once all of them is older.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keep {
    pub candles: Option<u32>,
    pub trades: Option<u32>,
    pub books: Option<u32>,
}

impl Keep {
    const fn of(self, series: Series) -> Option<u32> {
        match series {
            Series::Candles(_) => self.candles,
            Series::Trades => self.trades,
            Series::Books => self.books,
        }
    }
}

/// How a lake is tidied.
#[derive(Debug, Clone)]
pub struct CompactOptions {
    pub filter: Filter,
    pub now: UtcMs,
    pub keep: Keep,
    /// Take files out of the lake that are absent or not what the manifest says; what is left of them is kept as `<name>.damaged`.
    pub drop_damaged: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// A month or day that was put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedSpan {
    pub span: String,
    pub rows: u64,
    pub files_before: usize,
    pub files_after: usize,
}

/// What was done, or would be, to one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compacted {
    pub key: SeriesKey,
    /// There was no manifest, and now there is.
    pub adopted: bool,
    pub merged: Vec<MergedSpan>,
    /// Files that are older than they shall be kept.
    pub expired: Vec<FileEntry>,
    /// Files that interrupted writers left.
    pub removed: Vec<PathBuf>,
    /// Files that were taken out as damaged.
    pub dropped: Vec<PathBuf>,
}

impl Compacted {
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        !self.adopted
            && self.merged.is_empty()
            && self.expired.is_empty()
            && self.removed.is_empty()
            && self.dropped.is_empty()
    }
}

/// Tidies the series of a lake that `options` name. What of it could not be tidied is a problem, and as it was.
///
/// # Errors
/// [`StoreError`] when the lake cannot be read, or is being written.
pub fn compact(lake: &Path, options: &CompactOptions) -> Result<(Vec<Compacted>, Vec<LakeProblem>), StoreError> {
    let (mut done, mut problems) = (Vec::new(), Vec::new());
    if !lake.exists() {
        return Ok((done, problems));
    }
    let writer = if options.dry_run { None } else { Some(LakeWriter::open(lake, options.now)?) };
    for key in survey::keys(lake, &options.filter, &mut Vec::new())? {
        let folder = key.folder(lake);
        match series(lake, &folder, &key, writer.as_ref(), options) {
            Ok(compacted) => done.push(compacted),
            Err(error) => problems.push(LakeProblem { path: folder, row: None, reason: error.to_string() }),
        }
    }
    Ok((done, problems))
}

fn series(
    lake: &Path,
    folder: &Path,
    key: &SeriesKey,
    writer: Option<&LakeWriter>,
    options: &CompactOptions,
) -> Result<Compacted, StoreError> {
    let mut removed = leftovers(folder)?;
    let mut open = writer.map(|writer| writer.series(key)).transpose()?;
    let mut manifest = match &open {
        Some(series) => series.manifest().clone(),
        None => Manifest::load(lake, key)?.unwrap_or_else(|| Manifest::new(key)),
    };
    for path in survey::orphans(folder, &manifest)? {
        if left_by_a_writer(&path, key.series)? {
            if let Some(series) = &open {
                series.remove(&path)?;
            }
            removed.push(path);
        }
    }
    let dropped = if options.drop_damaged { damaged(folder, &manifest)? } else { Vec::new() };
    manifest.files.retain(|file| !dropped.contains(&file.name));
    let expired = expired(&manifest, key.series, options);
    manifest.files.retain(|file| !expired.contains(file));
    let adopted = manifest.origin == Origin::Adopted;
    if let Some(series) = &mut open {
        let gone: Vec<String> = expired.iter().map(|file| file.name.clone()).chain(dropped.iter().cloned()).collect();
        if adopted || !gone.is_empty() {
            keep_aside(folder, &dropped);
            series.commit(Vec::new(), &gone)?;
        }
    }
    let mut merged = Vec::new();
    for span in fragmented(&manifest, key.series) {
        let before = manifest.files.iter().filter(|file| file.span == span.name);
        let (files_before, rows) = before.fold((0, 0), |(count, rows), file| (count + 1, rows + file.rows));
        let files_after = match &mut open {
            Some(series) => merge(series, &span)?,
            None => usize::try_from(rows.div_ceil(PART_ROWS as u64)).unwrap_or(usize::MAX),
        };
        merged.push(MergedSpan { span: span.name, rows, files_before, files_after });
    }
    let dropped = dropped.iter().map(|name| folder.join(name)).collect();
    Ok(Compacted { key: key.clone(), adopted, merged, expired, removed, dropped })
}

/// Whether a file that no manifest lists is one that a writer of this program made: its name has the beginning of its fingerprint.
fn left_by_a_writer(path: &Path, series: Series) -> Result<bool, StoreError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !path.is_file() || span_of_name(&name, series).is_none() {
        return Ok(false);
    }
    let mark = files::fingerprint(&files::read(path)?);
    Ok(mark.get(..MARK).is_some_and(|mark| name.ends_with(&format!("-{mark}.parquet"))))
}

/// Names of the files that are absent or not what the manifest says.
fn damaged(folder: &Path, manifest: &Manifest) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for file in &manifest.files {
        match scan::read_listed(&folder.join(&file.name), file) {
            Ok(_) => {}
            Err(StoreError::BadData { .. }) => found.push(file.name.clone()),
            Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                found.push(file.name.clone());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn keep_aside(folder: &Path, dropped: &[String]) {
    for name in dropped {
        // A file that is absent cannot be kept.
        let _ = std::fs::rename(folder.join(name), folder.join(format!("{name}.damaged")));
    }
}

fn expired(manifest: &Manifest, series: Series, options: &CompactOptions) -> Vec<FileEntry> {
    let Some(days) = options.keep.of(series) else { return Vec::new() };
    let oldest = series.in_unit(options.now.plus(-i64::from(days).saturating_mul(DAY_MS)));
    let old = |file: &&FileEntry| series.span_of(&file.span).is_some_and(|span| span.end <= oldest);
    manifest.files.iter().filter(old).cloned().collect()
}

/// Months or days that have more files than they need, or files of an older form.
fn fragmented(manifest: &Manifest, series: Series) -> Vec<Span> {
    let mut names: Vec<&str> = manifest.files.iter().map(|file| file.span.as_str()).collect();
    names.dedup();
    let untidy = |name: &&str| {
        let files: Vec<&FileEntry> = manifest.files.iter().filter(|file| file.span == **name).collect();
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        files.len() as u64 > rows.div_ceil(PART_ROWS as u64) || files.iter().any(|file| file.schema != SCHEMA)
    };
    names.into_iter().filter(untidy).filter_map(|name| series.span_of(name)).collect()
}

/// Writes a span anew; how many files it has now.
fn merge(series: &mut SeriesWriter<'_>, span: &Span) -> Result<usize, StoreError> {
    match series.series() {
        Series::Candles(_) => rewrite::<StoredCandle>(series, span),
        Series::Trades => rewrite::<TradeRow>(series, span),
        Series::Books => rewrite::<BookRow>(series, span),
    }
}

fn rewrite<R: Stored>(series: &mut SeriesWriter<'_>, span: &Span) -> Result<usize, StoreError> {
    let old: Vec<FileEntry> = series.manifest().files.iter().filter(|file| file.span == span.name).cloned().collect();
    let source = match old.first() {
        Some(first) if old.iter().all(|file| file.source == first.source) => first.source.clone(),
        _ => "several".to_owned(),
    };
    let mut parts = Vec::new();
    let mut rows: Vec<R> = Vec::new();
    for file in &old {
        rows.extend(scan::read_rows::<R>(&series.folder().join(&file.name), file)?);
        while rows.len() >= PART_ROWS {
            let rest = rows.split_off(PART_ROWS);
            parts.push(series.draft(span, &rows, &source)?);
            rows = rest;
        }
    }
    if !rows.is_empty() {
        parts.push(series.draft(span, &rows, &source)?);
    }
    let count = parts.len();
    let names: Vec<String> = old.into_iter().map(|file| file.name).collect();
    series.commit(parts, &names)?;
    Ok(count)
}
