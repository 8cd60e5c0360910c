//! Series of the lake as one file for other programs, a batch of rows at a time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::rows::{BookRow, StoredCandle, TradeRow};
use super::scan::Scan;
use super::series::{Series, SeriesKey};
use super::table::{Stored, TableWriter};
use crate::domain::UtcMs;
use crate::store::{StoreError, files};

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// With a header; candles `time` in ms, trades and books in ns.
    Csv,
    /// An array of objects, one in each line; prices and volumes of trades and books are texts, since they are exact.
    Json,
    /// An object in each line.
    JsonLines,
    /// As in the lake.
    Parquet,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
}

/// Writes the rows of a series that lie within `range` (its end excluded) to `target`, which appears whole or not at all. Candles and trades that
/// are written so come back by an import as they were.
///
/// # Errors
/// [`StoreError`] when the lake has no such series, a file of it is damaged, or the target cannot be written.
pub fn export(
    lake: &Path,
    key: &SeriesKey,
    range: Range<UtcMs>,
    format: ExportFormat,
    target: &Path,
) -> Result<Exported, StoreError> {
    let scan = Scan::new(lake, key.clone()).within(range);
    let rows = match key.series {
        Series::Candles(_) => write(scan.candles()?, format, target)?,
        Series::Trades => write(scan.trades()?, format, target)?,
        Series::Books => write(scan.books()?, format, target)?,
    };
    let bytes = std::fs::metadata(target).map_err(files::failed("find", target))?.len();
    Ok(Exported { path: target.to_owned(), rows, bytes })
}

fn write<R: Stored + Fields>(
    batches: impl Iterator<Item = Result<Vec<R>, StoreError>>,
    format: ExportFormat,
    target: &Path,
) -> Result<u64, StoreError> {
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        files::create_folder(folder)?;
    }
    let temporary = files::temporary(target);
    let written = (|| {
        let file = File::create(&temporary).map_err(files::failed("create", &temporary))?;
        let (file, rows) = match format {
            ExportFormat::Parquet => as_parquet(batches, file, &temporary)?,
            _ => as_text(batches, format, file, &temporary)?,
        };
        file.sync_all().map_err(files::failed("flush", &temporary))?;
        std::fs::rename(&temporary, target).map_err(files::failed("replace", target))?;
        Ok(rows)
    })();
    if written.is_err() {
        // The error above is what matters; a leftover temporary file is never read.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

fn as_parquet<R: Stored>(
    batches: impl Iterator<Item = Result<Vec<R>, StoreError>>,
    file: File,
    path: &Path,
) -> Result<(File, u64), StoreError> {
    // The writer of polars keeps its file; a second handle makes the content durable.
    let handle = file.try_clone().map_err(files::failed("write", path))?;
    let bad = |reason: String| StoreError::BadData { path: path.to_owned(), reason };
    let mut out = TableWriter::<R, _>::begin(file).map_err(bad)?;
    let mut rows = 0;
    for batch in batches {
        let batch = batch?;
        out.push(&batch).map_err(bad)?;
        rows += batch.len() as u64;
    }
    out.finish().map_err(bad)?;
    Ok((handle, rows))
}

fn as_text<R: Fields>(
    batches: impl Iterator<Item = Result<Vec<R>, StoreError>>,
    format: ExportFormat,
    file: File,
    path: &Path,
) -> Result<(File, u64), StoreError> {
    let mut out = Text { out: BufWriter::with_capacity(1 << 16, file), path, format, rows: 0, line: String::new() };
    out.begin(R::NAMES)?;
    for batch in batches {
        for row in batch? {
            let fields = row.fields().map_err(|reason| StoreError::BadData { path: path.to_owned(), reason })?;
            out.row(R::NAMES, &fields)?;
        }
    }
    out.finish()
}

/// A value of a text file.
enum Field {
    Number(String),
    /// Exact: a text in JSON.
    Text(String),
    None,
}

/// A row as named values.
trait Fields {
    const NAMES: &'static [&'static str];
    /// # Errors
    /// What of the row cannot be written.
    fn fields(&self) -> Result<Vec<Field>, String>;
}

impl Fields for StoredCandle {
    const NAMES: &'static [&'static str] = &["time", "open", "high", "low", "close", "volume", "trades"];

    fn fields(&self) -> Result<Vec<Field>, String> {
        let values = self
            .decimals()
            .ok_or_else(|| format!("the row of {} holds something that is not a number", self.open_time))?;
        let mut fields = vec![Field::Number(self.open_time.0.to_string())];
        fields.extend(values.iter().map(|value| Field::Number(value.to_string())));
        fields.push(self.trades.map_or(Field::None, |count| Field::Number(count.to_string())));
        Ok(fields)
    }
}

impl Fields for TradeRow {
    const NAMES: &'static [&'static str] = &["time", "price", "volume", "side", "id"];

    fn fields(&self) -> Result<Vec<Field>, String> {
        Ok(vec![
            Field::Number(self.at_ns.to_string()),
            Field::Text(self.price.to_string()),
            Field::Text(self.volume.to_string()),
            self.side.map_or(Field::None, |side| Field::Text(side.as_str().to_owned())),
            self.id.as_deref().map_or(Field::None, |id| Field::Text(id.to_owned())),
        ])
    }
}

impl Fields for BookRow {
    const NAMES: &'static [&'static str] = &["time", "side", "level", "price", "volume"];

    fn fields(&self) -> Result<Vec<Field>, String> {
        Ok(vec![
            Field::Number(self.at_ns.to_string()),
            Field::Text(self.side.as_str().to_owned()),
            Field::Number(self.level.to_string()),
            Field::Text(self.price.to_string()),
            Field::Text(self.volume.to_string()),
        ])
    }
}

struct Text<'a> {
    out: BufWriter<File>,
    path: &'a Path,
    format: ExportFormat,
    rows: u64,
    line: String,
}

impl Text<'_> {
    fn put(&mut self, text: &str) -> Result<(), StoreError> {
        self.out.write_all(text.as_bytes()).map_err(files::failed("write", self.path))
    }

    fn begin(&mut self, names: &[&str]) -> Result<(), StoreError> {
        match self.format {
            ExportFormat::Json => self.put("["),
            ExportFormat::Csv => self.put(&format!("{}\n", names.join(","))),
            _ => Ok(()),
        }
    }

    fn row(&mut self, names: &[&str], fields: &[Field]) -> Result<(), StoreError> {
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        if self.format == ExportFormat::Csv {
            for (n, field) in fields.iter().enumerate() {
                line.push_str(if n == 0 { "" } else { "," });
                match field {
                    // An id holds no quotes, but it may hold a separator.
                    Field::Text(text) if text.contains(',') => line.extend(["\"", text, "\""]),
                    Field::Text(text) | Field::Number(text) => line.push_str(text),
                    Field::None => {}
                }
            }
            line.push('\n');
        } else {
            let array = self.format == ExportFormat::Json;
            line.push_str(if !array {
                ""
            } else if self.rows == 0 {
                "\n"
            } else {
                ",\n"
            });
            for (n, (name, field)) in names.iter().zip(fields).enumerate() {
                line.extend([if n == 0 { "{\"" } else { ",\"" }, name, "\":"]);
                match field {
                    Field::Number(number) => line.push_str(number),
                    Field::Text(text) => line.push_str(&serde_json::Value::from(text.as_str()).to_string()),
                    Field::None => line.push_str("null"),
                }
            }
            line.push_str(if array { "}" } else { "}\n" });
        }
        self.rows += 1;
        let put = self.put(&line);
        self.line = line;
        put
    }

    fn finish(mut self) -> Result<(File, u64), StoreError> {
        if self.format == ExportFormat::Json {
            self.put("\n]\n")?;
        }
        let file = self.out.into_inner().map_err(|e| files::failed("write", self.path)(e.into_error()))?;
        Ok((file, self.rows))
    }
}
