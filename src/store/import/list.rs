//! What a lake holds, and whether it is sound.

use std::io::Cursor;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use polars_io::prelude::{ParallelStrategy, ParquetReader, SerReader};
use rust_decimal::Decimal;

use super::lock::LOCK;
use super::run::REJECTS;
use super::span::{self, Span};
use super::{Holes, ImportError, VenueName, interval_from_text, judge, trades};
use crate::domain::{Interval, Pair, UtcMs};
use crate::store::{files, lake};

/// One kind of data of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    Candles(Interval),
    Trades,
}

impl std::fmt::Display for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Candles(interval) => f.pad(&interval.to_string()),
            Self::Trades => f.pad("trades"),
        }
    }
}

/// All files of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeEntry {
    pub venue: VenueName,
    pub pair: Pair,
    pub series: Series,
    /// Instants of the first and the last row.
    pub first: UtcMs,
    pub last: UtcMs,
    pub rows: u64,
    /// Of candles; for trades only the longest pause.
    pub holes: Holes,
    /// On disk.
    pub bytes: u64,
    pub files: usize,
}

/// Something that is not as it should be. Problems are told, never mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeProblem {
    pub path: PathBuf,
    /// Row of the file, from 0.
    pub row: Option<usize>,
    pub reason: String,
}

/// Sorted by venue, pair and series. Files that cannot be read are problems and not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    pub entries: Vec<LakeEntry>,
    pub problems: Vec<LakeProblem>,
}

/// Problems told of one file.
const MOST_OF_ONE_FILE: usize = 20;

/// What the lake holds: reads the instants of each file, judges nothing else.
///
/// # Errors
/// [`ImportError`] when a folder cannot be read. A lake that is not there is empty.
pub fn list(lake: &Path) -> Result<CheckReport, ImportError> {
    walk(lake, None)
}

/// Reads every row of the lake again: fingerprints, form, order, grid, the file's month or day, prices, candles that are over by `now`.
///
/// # Errors
/// As [`list`].
pub fn check(lake: &Path, now: UtcMs) -> Result<CheckReport, ImportError> {
    walk(lake, Some(now))
}

fn walk(lake: &Path, now: Option<UtcMs>) -> Result<CheckReport, ImportError> {
    let mut report = CheckReport::default();
    if !lake.exists() {
        return Ok(report);
    }
    for (name, venue_folder) in entries(lake)? {
        if name == LOCK || name == REJECTS {
            continue;
        }
        let Ok(venue) = name.parse::<VenueName>() else {
            report.stray(venue_folder, "it names no venue");
            continue;
        };
        for (name, pair_folder) in report.folder(&venue_folder)? {
            let Some(pair) = name.parse::<Pair>().ok().filter(|pair| pair.file_stem() == name) else {
                report.stray(pair_folder, "it names no pair");
                continue;
            };
            for (name, folder) in report.folder(&pair_folder)? {
                match series(&name) {
                    Some(series) => report.series(&venue, &pair, series, &folder, now)?,
                    None => report.stray(folder, "it names no series"),
                }
            }
        }
    }
    Ok(report)
}

/// The series that a folder's name means.
pub(super) fn series(name: &str) -> Option<Series> {
    if name == "trades" {
        return Some(Series::Trades);
    }
    interval_from_text(name).filter(|interval| interval.to_string() == name).map(Series::Candles)
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, ImportError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(files::failed("list", folder))? {
        let entry = entry.map_err(files::failed("list", folder))?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    found.sort();
    Ok(found)
}

/// Data files with their spans, and other files.
type Sorted = (Vec<(Span, PathBuf)>, Vec<PathBuf>);

/// The data files of a series in the order of their time, and everything else that lies there.
pub(super) fn data_files(folder: &Path, series: Series) -> Result<Sorted, ImportError> {
    let (mut data, mut other) = (Vec::new(), Vec::new());
    let all = entries(folder)?;
    for (name, path) in &all {
        let of_data = |name: &str| name.strip_suffix(".parquet").and_then(|stem| span_of(stem, series));
        match of_data(name) {
            Some(span) => data.push((span, path.clone())),
            None => {
                let beside = name
                    .strip_suffix(".sha256")
                    .is_some_and(|n| of_data(n).is_some() && all.iter().any(|(o, _)| o == n));
                if !beside {
                    other.push(path.clone());
                }
            }
        }
    }
    Ok((data, other))
}

/// The month or day that a file's name means; its limits in the unit of its rows.
fn span_of(stem: &str, series: Series) -> Option<Span> {
    let span = match series {
        Series::Candles(_) => span::month(UtcMs::parse(&format!("{stem}-01T00:00:00Z")).ok()?.0),
        Series::Trades => span::day_ns(UtcMs::parse(&format!("{stem}T00:00:00Z")).ok()?.0.checked_mul(1_000_000)?),
    };
    span.filter(|span| span.name == stem)
}

impl CheckReport {
    fn stray(&mut self, path: PathBuf, reason: &str) {
        self.problems.push(LakeProblem { path, row: None, reason: format!("{reason}; it is not part of the lake") });
    }

    fn folder(&mut self, folder: &Path) -> Result<Vec<(String, PathBuf)>, ImportError> {
        if folder.is_dir() {
            return entries(folder);
        }
        self.stray(folder.to_owned(), "it is not a folder");
        Ok(Vec::new())
    }

    fn series(
        &mut self,
        venue: &VenueName,
        pair: &Pair,
        series: Series,
        folder: &Path,
        now: Option<UtcMs>,
    ) -> Result<(), ImportError> {
        if !folder.is_dir() {
            self.stray(folder.to_owned(), "it is not a folder");
            return Ok(());
        }
        let (data, other) = data_files(folder, series)?;
        for path in other {
            self.stray(path, "its name is not that of a data file");
        }
        let (mut rows, mut bytes, mut count, mut holes) = (0, 0, 0, Holes::default());
        let mut ends: Option<(i64, i64)> = None;
        for (span, path) in data {
            let times = match times_of(&path, series, &span, now, &mut self.problems) {
                Ok(times) => times,
                Err(error) => {
                    self.problems.push(LakeProblem { path, row: None, reason: error.to_string() });
                    continue;
                }
            };
            for at in &times {
                if let Some((_, last)) = ends {
                    pause(&mut holes, last, *at, series);
                }
                ends = Some(ends.map_or((*at, *at), |(first, _)| (first, *at)));
            }
            rows += u64::try_from(times.len()).unwrap_or(u64::MAX);
            bytes += std::fs::metadata(&path).map_err(files::failed("find", &path))?.len();
            count += 1;
        }
        if let Some((first, last)) = ends {
            let at = |t: i64| if series == Series::Trades { UtcMs(t.div_euclid(1_000_000)) } else { UtcMs(t) };
            let (venue, pair) = (venue.clone(), pair.clone());
            self.entries.push(LakeEntry {
                venue,
                pair,
                series,
                first: at(first),
                last: at(last),
                rows,
                holes,
                bytes,
                files: count,
            });
        }
        Ok(())
    }
}

fn pause(holes: &mut Holes, earlier: i64, later: i64, series: Series) {
    match series {
        Series::Candles(interval) => holes.note(earlier, later, interval.ms()),
        Series::Trades => {
            let ms = later.saturating_sub(earlier).div_euclid(1_000_000);
            holes.longest_ms = holes.longest_ms.max(ms);
        }
    }
}

/// The instants of a file (candles: ms, trades: ns); with `now` every row is judged.
fn times_of(
    path: &Path,
    series: Series,
    span: &Span,
    now: Option<UtcMs>,
    problems: &mut Vec<LakeProblem>,
) -> Result<Vec<i64>, crate::store::StoreError> {
    let Some(now) = now else { return only_times(path) };
    if !lake::fingerprint_path(path).exists() {
        let reason = "it has no fingerprint; whether it changed cannot be told".to_owned();
        problems.push(LakeProblem { path: path.to_owned(), row: None, reason });
    }
    let mut before = None;
    let mut told = 0;
    let mut tell = |row: usize, at: i64, wrong: Option<&'static str>, strict: bool| {
        let order =
            before.replace(at).filter(|before| *before > at || (strict && *before == at)).map(|_| "is out of order");
        let place = (!(span.begin..span.end).contains(&at)).then_some("belongs to another file");
        for wrong in [order, place, wrong].into_iter().flatten().take(MOST_OF_ONE_FILE - told) {
            problems.push(LakeProblem { path: path.to_owned(), row: Some(row), reason: format!("the row {wrong}") });
            told += 1;
        }
    };
    match series {
        Series::Candles(interval) => {
            let rows = lake::read_rows(path)?;
            for (n, row) in rows.iter().enumerate() {
                tell(n, row.open_time.0, candle(row, interval, now), true);
            }
            Ok(rows.iter().map(|row| row.open_time.0).collect())
        }
        Series::Trades => {
            let rows = trades::read(path)?;
            for (n, row) in rows.iter().enumerate() {
                let positive = row.price > Decimal::ZERO && row.volume > Decimal::ZERO;
                tell(n, row.at_ns, (!positive).then_some("has a price or volume that is not above 0"), false);
            }
            Ok(rows.iter().map(|row| row.at_ns).collect())
        }
    }
}

fn candle(row: &lake::Row, interval: Interval, now: UtcMs) -> Option<&'static str> {
    let [open, high, low, close, volume] = row.values;
    let step = interval.ms();
    if !row.values.iter().all(|value| value.is_finite()) {
        Some("holds something that is not a number")
    } else if low <= 0.0 || volume < 0.0 {
        Some("has a price that is not above 0 or a volume below 0")
    } else if high < open.max(close) || low > open.min(close) {
        Some("has a body outside of high and low")
    } else if row.open_time.0.rem_euclid(judge::grid(step).max(1)) != 0 {
        Some("is off the grid")
    } else if row.open_time.plus(step) > now {
        Some("is not over")
    } else {
        None
    }
}

/// Reads the column `ts` alone, after the fingerprint.
fn only_times(path: &Path) -> Result<Vec<i64>, crate::store::StoreError> {
    let bytes = lake::read_checked(path)?;
    let read = || {
        let reader = ParquetReader::new(Cursor::new(bytes)).read_parallel(ParallelStrategy::None).set_low_memory(true);
        let frame = reader.with_columns(Some(vec!["ts".to_owned()])).finish().map_err(|e| e.to_string())?;
        let column = frame.column("ts").map_err(|e| e.to_string())?.as_materialized_series();
        let times = column.i64().map_err(|e| e.to_string())?;
        times.iter().collect::<Option<Vec<i64>>>().ok_or_else(|| "a row has no 'ts'".to_owned())
    };
    // The Parquet reader panics on some damaged files that carry no fingerprint; nothing of it outlives this call.
    let read = std::panic::catch_unwind(AssertUnwindSafe(read));
    let read = read.unwrap_or_else(|_| Err("it is damaged (the Parquet reader gave up)".to_owned()));
    read.map_err(|reason| crate::store::StoreError::BadData { path: path.to_owned(), reason })
}
