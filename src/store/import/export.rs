//! Series of the lake as one file for other programs.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::list::data_files;
use super::trades::{self, TradeRow};
use super::{ImportError, Series, VenueName};
use crate::domain::{Pair, UtcMs};
use crate::store::{StoreError, files, lake};

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// With a header; candles `time` in ms, trades in ns.
    Csv,
    /// An array of objects, one in each line; prices and volumes of trades are texts, since they are exact.
    Json,
    /// As in the lake; all rows are in memory while it is written.
    Parquet,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
}

/// Writes the rows of a series that lie within `range` (its end excluded) to `target`, which appears whole or not at all. What `export` writes,
/// [`super::import`] reads.
///
/// # Errors
/// [`ImportError`] when the lake has no such series, a file of it is damaged, or the target cannot be written.
pub fn export(
    lake: &Path,
    venue: &VenueName,
    pair: &Pair,
    series: Series,
    range: Range<UtcMs>,
    format: ExportFormat,
    target: &Path,
) -> Result<Exported, ImportError> {
    let folder = lake.join(venue.as_str()).join(pair.file_stem()).join(series.to_string());
    if !folder.is_dir() {
        return Err(ImportError::NotInLake { path: lake.to_owned(), what: format!("{series} of {pair} from {venue}") });
    }
    let (data, _) = data_files(&folder, series)?;
    let paths: Vec<PathBuf> = data.into_iter().map(|(_, path)| path).collect();
    let rows = match format {
        ExportFormat::Parquet => as_parquet(&paths, series, &range, target)?,
        ExportFormat::Csv | ExportFormat::Json => as_text(&paths, series, &range, format, target)?,
    };
    let bytes = std::fs::metadata(target).map_err(files::failed("find", target))?.len();
    Ok(Exported { path: target.to_owned(), rows, bytes })
}

fn candles(path: &Path, range: &Range<UtcMs>) -> Result<Vec<lake::Row>, StoreError> {
    let mut rows = lake::read_rows(path)?;
    rows.retain(|row| range.contains(&row.open_time));
    match rows.iter().find(|row| !row.values.iter().all(|value| value.is_finite())) {
        None => Ok(rows),
        Some(row) => {
            let reason = format!("the row of {} holds something that is not a number", row.open_time);
            Err(StoreError::BadData { path: path.to_owned(), reason })
        }
    }
}

fn ticks(path: &Path, range: &Range<UtcMs>) -> Result<Vec<TradeRow>, StoreError> {
    let mut rows = trades::read(path)?;
    rows.retain(|row| range.contains(&UtcMs(row.at_ns.div_euclid(1_000_000))));
    Ok(rows)
}

fn as_parquet(paths: &[PathBuf], series: Series, range: &Range<UtcMs>, target: &Path) -> Result<u64, ImportError> {
    let count = match series {
        Series::Candles(_) => {
            let parts = paths.iter().map(|path| candles(path, range)).collect::<Result<Vec<_>, _>>()?;
            let rows = parts.concat();
            lake::write_rows(target, &rows)?;
            rows.len()
        }
        Series::Trades => {
            let parts = paths.iter().map(|path| ticks(path, range)).collect::<Result<Vec<_>, _>>()?;
            let rows = parts.concat();
            trades::write(target, &rows)?;
            rows.len()
        }
    };
    Ok(u64::try_from(count).unwrap_or(u64::MAX))
}

fn as_text(
    paths: &[PathBuf],
    series: Series,
    range: &Range<UtcMs>,
    format: ExportFormat,
    target: &Path,
) -> Result<u64, ImportError> {
    if let Some(folder) = target.parent() {
        files::create_folder(folder)?;
    }
    let temporary = files::temporary(target);
    let written = (|| {
        let file = File::create(&temporary).map_err(files::failed("create", &temporary))?;
        let mut out = Text { out: BufWriter::new(file), path: &temporary, json: format == ExportFormat::Json, rows: 0 };
        out.begin(series)?;
        for path in paths {
            match series {
                Series::Candles(_) => candles(path, range)?.iter().try_for_each(|row| out.candle(row))?,
                Series::Trades => ticks(path, range)?.iter().try_for_each(|row| out.trade(row))?,
            }
        }
        let rows = out.finish()?;
        std::fs::rename(&temporary, target).map_err(files::failed("replace", target))?;
        Ok(rows)
    })();
    if written.is_err() {
        // The error above is what matters; a leftover temporary file is never read.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

struct Text<'a> {
    out: BufWriter<File>,
    path: &'a Path,
    json: bool,
    rows: u64,
}

impl Text<'_> {
    fn put(&mut self, text: &str) -> Result<(), StoreError> {
        self.out.write_all(text.as_bytes()).map_err(files::failed("write", self.path))
    }

    fn begin(&mut self, series: Series) -> Result<(), StoreError> {
        match (self.json, series) {
            (true, _) => self.put("["),
            (false, Series::Candles(_)) => self.put("time,open,high,low,close,volume,trades\n"),
            (false, Series::Trades) => self.put("time,price,volume,side,id\n"),
        }
    }

    /// Each value as a CSV field, and as JSON.
    fn row(&mut self, fields: &[(&str, String, String)]) -> Result<(), StoreError> {
        let text = if self.json {
            let fields: Vec<String> = fields.iter().map(|(name, _, json)| format!("\"{name}\":{json}")).collect();
            format!("{}{{{}}}", if self.rows == 0 { "\n" } else { ",\n" }, fields.join(","))
        } else {
            let fields: Vec<&str> = fields.iter().map(|(_, csv, _)| csv.as_str()).collect();
            format!("{}\n", fields.join(","))
        };
        self.rows += 1;
        self.put(&text)
    }

    fn candle(&mut self, row: &lake::Row) -> Result<(), StoreError> {
        let number = |name, value: String| (name, value.clone(), value);
        let [open, high, low, close, volume] = row.values.map(|value| value.to_string());
        let trades = row.trades.map(|count| count.to_string());
        let trades = ("trades", trades.clone().unwrap_or_default(), trades.unwrap_or_else(|| "null".to_owned()));
        self.row(&[
            number("time", row.open_time.0.to_string()),
            number("open", open),
            number("high", high),
            number("low", low),
            number("close", close),
            number("volume", volume),
            trades,
        ])
    }

    fn trade(&mut self, row: &TradeRow) -> Result<(), StoreError> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let time = row.at_ns.to_string();
        let (price, volume) = (row.price.to_string(), row.volume.to_string());
        let side = row.side.map(|side| side.as_str());
        let id = row.id.as_deref();
        // An id holds no quotes, but it may hold a separator.
        let id_field =
            id.map_or_else(String::new, |id| if id.contains(',') { format!("\"{id}\"") } else { id.to_owned() });
        let optional = |text: Option<&str>| text.map_or_else(|| "null".to_owned(), quoted);
        self.row(&[
            ("time", time.clone(), time),
            ("price", price.clone(), quoted(&price)),
            ("volume", volume.clone(), quoted(&volume)),
            ("side", side.unwrap_or_default().to_owned(), optional(side)),
            ("id", id_field, optional(id)),
        ])
    }

    fn finish(mut self) -> Result<u64, StoreError> {
        if self.json {
            self.put("\n]\n")?;
        }
        let file = self.out.into_inner().map_err(|e| files::failed("write", self.path)(e.into_error()))?;
        file.sync_all().map_err(files::failed("flush", self.path))?;
        Ok(self.rows)
    }
}
