//! Why rows are rejected, and the file that lists them.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::domain::UtcMs;
use crate::store::{StoreError, files};

/// Why a row was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    LineTooLong,
    NotUtf8,
    BinaryData,
    BadQuotes,
    WrongColumnCount,
    /// Not JSON, or cut off.
    BadJson,
    /// A row or value of a kind that holds no number.
    WrongShape,
    MissingValue,
    BadTime,
    NotANumber,
    NotFinite,
    /// More digits than can be kept exactly.
    TooPrecise,
    BadCount,
    BadSide,
    BadId,
    PriceNotPositive,
    NegativeVolume,
    /// A trade of nothing.
    VolumeNotPositive,
    HighBelowBody,
    LowAboveBody,
    OffGrid,
    InFuture,
    /// A candle that was not over when it was imported.
    Unfinished,
    OutOfOrder,
    /// Another row of the file has the same instant or id and other values.
    ConflictInFile,
    /// The lake has the same instant or id with other values, or a complete span without this trade.
    ConflictWithLake,
    /// The lake has this day with ids and the file has none, or the other way round: the two cannot be told apart.
    MixedIds,
}

impl Reason {
    /// Name in files, logs and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LineTooLong => "line_too_long",
            Self::NotUtf8 => "not_utf8",
            Self::BinaryData => "binary_data",
            Self::BadQuotes => "bad_quotes",
            Self::WrongColumnCount => "wrong_column_count",
            Self::BadJson => "bad_json",
            Self::WrongShape => "wrong_shape",
            Self::MissingValue => "missing_value",
            Self::BadTime => "bad_time",
            Self::NotANumber => "not_a_number",
            Self::NotFinite => "not_finite",
            Self::TooPrecise => "too_precise",
            Self::BadCount => "bad_count",
            Self::BadSide => "bad_side",
            Self::BadId => "bad_id",
            Self::PriceNotPositive => "price_not_positive",
            Self::NegativeVolume => "negative_volume",
            Self::VolumeNotPositive => "volume_not_positive",
            Self::HighBelowBody => "high_below_body",
            Self::LowAboveBody => "low_above_body",
            Self::OffGrid => "off_grid",
            Self::InFuture => "in_future",
            Self::Unfinished => "unfinished",
            Self::OutOfOrder => "out_of_order",
            Self::ConflictInFile => "conflict_in_file",
            Self::ConflictWithLake => "conflict_with_lake",
            Self::MixedIds => "mixed_ids",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One rejected row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line of a text file, row of a JSON array or Parquet file; from 1.
    pub line: u64,
    pub reason: Reason,
    /// The beginning of what stands there, without control characters; for a conflict also what the other side says.
    pub text: String,
}

const KEPT: usize = 20;
const LONGEST_TEXT: usize = 200;

/// `text` cut short and without control characters.
pub(super) fn shown(text: &str) -> String {
    let mut out: String =
        text.chars().take(LONGEST_TEXT).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LONGEST_TEXT).is_some() {
        out.push('…');
    }
    out
}

/// Counts the rejected rows of one file and lists them in a file of their own.
#[derive(Debug)]
pub(super) struct Rejects {
    /// Where the list goes; `None` counts only.
    folder: Option<PathBuf>,
    name: String,
    out: Option<(::csv::Writer<BufWriter<File>>, PathBuf)>,
    pub counts: BTreeMap<Reason, u64>,
    pub first: Vec<Problem>,
}

impl Rejects {
    pub(super) fn new(folder: Option<&Path>, source: &Path, now: UtcMs) -> Self {
        let name = source.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let name = format!("{name}-{}", now.to_string().replace(['-', ':'], ""));
        Self { folder: folder.map(Path::to_owned), name, out: None, counts: BTreeMap::new(), first: Vec::new() }
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// # Errors
    /// [`StoreError::Io`] when the list cannot be written.
    pub(super) fn push(&mut self, line: u64, reason: Reason, text: &str) -> Result<(), StoreError> {
        *self.counts.entry(reason).or_default() += 1;
        let text = shown(text);
        if let Some(folder) = &self.folder {
            if self.out.is_none() {
                self.out = Some(create(folder, &self.name)?);
            }
            if let Some((out, path)) = &mut self.out {
                let record = [line.to_string().as_str(), reason.as_str(), &text].map(str::to_owned);
                out.write_record(record).map_err(|e| files::failed("write", path)(e.into()))?;
            }
        }
        if self.first.len() < KEPT {
            self.first.push(Problem { line, reason, text });
        }
        Ok(())
    }

    /// Ends the list; where it is, if there is one.
    pub(super) fn finish(&mut self) -> Result<Option<PathBuf>, StoreError> {
        let Some((mut out, path)) = self.out.take() else { return Ok(None) };
        out.flush().map_err(files::failed("write", &path))?;
        Ok(Some(path))
    }
}

/// A file that did not exist: an earlier list is never lost.
fn create(folder: &Path, name: &str) -> Result<(::csv::Writer<BufWriter<File>>, PathBuf), StoreError> {
    files::create_folder(folder)?;
    let mut number = 0_u32;
    let (file, path) = loop {
        let suffix = if number == 0 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{name}{suffix}.rejects.csv"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => break (file, path),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && number < 10_000 => number += 1,
            Err(e) => return Err(files::failed("create", &path)(e)),
        }
    };
    let mut out = ::csv::Writer::from_writer(BufWriter::new(file));
    out.write_record(["line", "reason", "text"]).map_err(|e| files::failed("write", &path)(e.into()))?;
    Ok((out, path))
}
