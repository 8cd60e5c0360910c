//! Candles in a Parquet file by itself, such as those of a recording: one file per pair and interval.
//!
//! Columns `ts` (int64, UTC ms of the candle's open), `open`, `high`, `low`, `close`, `volume` (float64, volume in base units) and
//! `trades` (int64, nullable). A file that cannot be read or lacks a column is an error; what its rows say is not judged
//! here: NaN (also where a value is missing), negative or unordered rows go to the pipeline as they are.
//!
//! Beside each file that is written here stands `<file>.sha256` with its fingerprint, and a file that has one is checked against
//! it before it is decoded: on damaged content the Parquet reader may panic or ask for absurd amounts of memory.

use std::io::Cursor;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame, DataType, NamedFrom, PolarsError, Series};
use polars_io::prelude::{ParallelStrategy, ParquetCompression, ParquetReader, ParquetWriter, SerReader};

use crate::domain::{Interval, Pair, RawCandle, UtcMs, Venue};
use crate::store::{StoreError, files};

const FLOATS: [&str; 5] = ["open", "high", "low", "close", "volume"];

/// One row of a file, without what is the same for all of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Row {
    pub open_time: UtcMs,
    /// Open, high, low, close, volume.
    pub values: [f64; 5],
    pub trades: Option<u32>,
}

impl Row {
    pub(in crate::store) fn candle(&self, pair: &Pair, venue: Venue, interval: Interval) -> RawCandle {
        let [open, high, low, close, volume] = self.values;
        RawCandle {
            pair: pair.clone(),
            venue,
            interval,
            open_time: self.open_time,
            open,
            high,
            low,
            close,
            volume,
            trades: self.trades.map(u64::from),
        }
    }
}

/// All candles of a file, in the order of the file.
///
/// # Errors
/// [`StoreError`] naming the file when it is absent, damaged, lacks a column or has one of a wrong type.
pub fn read_candles(path: &Path, pair: &Pair, venue: Venue, interval: Interval) -> Result<Vec<RawCandle>, StoreError> {
    Ok(read_rows(path)?.iter().map(|row| row.candle(pair, venue, interval)).collect())
}

/// The rows of a candle file, in its order.
fn read_rows(path: &Path) -> Result<Vec<Row>, StoreError> {
    decode(path, read_checked(path)?)
}

/// The content of a file, compared with its fingerprint where it has one.
pub(super) fn read_checked(path: &Path) -> Result<Vec<u8>, StoreError> {
    let bytes = files::read(path)?;
    let beside = fingerprint_path(path);
    if beside.exists() && String::from_utf8_lossy(&files::read(&beside)?).trim() != files::fingerprint(&bytes) {
        let reason = format!("its content does not match '{}'; fetch it again", beside.display());
        return Err(StoreError::BadData { path: path.to_owned(), reason });
    }
    Ok(bytes)
}

fn fingerprint_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

/// The rows of a Parquet file whose content is `bytes`.
pub(in crate::store) fn decode(path: &Path, bytes: Vec<u8>) -> Result<Vec<Row>, StoreError> {
    let bad = |reason: String| StoreError::BadData { path: path.to_owned(), reason };
    // The Parquet reader panics on some damaged files that carry no fingerprint; nothing of it outlives this call.
    let decoded = std::panic::catch_unwind(AssertUnwindSafe(|| parse(bytes)));
    decoded.unwrap_or_else(|_| Err("it is damaged (the Parquet reader gave up)".to_owned())).map_err(bad)
}

fn parse(bytes: Vec<u8>) -> Result<Vec<Row>, String> {
    let mut reader = ParquetReader::new(Cursor::new(bytes)).read_parallel(ParallelStrategy::None).set_low_memory(true);
    let schema = reader.schema().map_err(|e| format!("it is not a whole Parquet file ({e})"))?;
    let wanted: Vec<String> = ["ts"].iter().chain(&FLOATS).chain(&["trades"]).map(|c| (*c).to_owned()).collect();
    if let Some(missing) = wanted.iter().find(|c| !schema.contains(c.as_str())) {
        return Err(format!("column '{missing}' is missing"));
    }
    let frame = reader.with_columns(Some(wanted)).finish().map_err(|e| format!("it is damaged ({e})"))?;
    rows(&frame)
}

fn rows(frame: &DataFrame) -> Result<Vec<Row>, String> {
    let column = |name: &str, kind: DataType| {
        let column = frame.column(name).map_err(|e| e.to_string())?.as_materialized_series();
        if *column.dtype() == kind {
            Ok(column)
        } else {
            Err(format!("column '{name}' holds {}, not {kind}", column.dtype()))
        }
    };
    let mut out: Vec<Row> = Vec::with_capacity(frame.height());
    for (n, ts) in column("ts", DataType::Int64)?.i64().map_err(|e| e.to_string())?.iter().enumerate() {
        let open_time = UtcMs(ts.ok_or_else(|| format!("row {n} has no 'ts'"))?);
        out.push(Row { open_time, values: [f64::NAN; 5], trades: None });
    }
    for (place, name) in FLOATS.iter().enumerate() {
        let values = column(name, DataType::Float64)?.f64().map_err(|e| e.to_string())?;
        for (row, value) in out.iter_mut().zip(values.iter()) {
            if let (Some(slot), Some(value)) = (row.values.get_mut(place), value) {
                *slot = value;
            }
        }
    }
    let trades = column("trades", DataType::Int64)?.i64().map_err(|e| e.to_string())?;
    for (n, (row, count)) in out.iter_mut().zip(trades.iter()).enumerate() {
        row.trades = count
            .map(|count| u32::try_from(count).map_err(|_| format!("row {n} counts {count} trades")))
            .transpose()?;
    }
    Ok(out)
}

/// Writes candles of one pair and interval, in the order given. The file appears whole or not at all.
///
/// # Errors
/// [`StoreError::Io`] when it cannot be written.
pub fn write_candles(path: &Path, candles: &[RawCandle]) -> Result<(), StoreError> {
    let bad = |reason: String| StoreError::BadData { path: path.to_owned(), reason };
    let trades = candles
        .iter()
        .map(|c| c.trades.map(u32::try_from).transpose())
        .collect::<Result<Vec<Option<u32>>, _>>()
        .map_err(|_| bad("a count of trades is beyond 32 bits".to_owned()))?;
    let row = |(c, trades): (&RawCandle, Option<u32>)| Row {
        open_time: c.open_time,
        values: [c.open, c.high, c.low, c.close, c.volume],
        trades,
    };
    let rows: Vec<Row> = candles.iter().zip(trades).map(row).collect();
    write_rows(path, &rows)
}

/// Writes rows of one pair and interval, in the order given.
fn write_rows(path: &Path, rows: &[Row]) -> Result<(), StoreError> {
    let times: Vec<i64> = rows.iter().map(|row| row.open_time.0).collect();
    let trades: Vec<Option<i64>> = rows.iter().map(|row| row.trades.map(i64::from)).collect();
    let mut columns = vec![Column::from(Series::new("ts".into(), times))];
    for (place, name) in FLOATS.iter().enumerate() {
        let values: Vec<f64> = rows.iter().map(|row| row.values.get(place).copied().unwrap_or(f64::NAN)).collect();
        columns.push(Column::from(Series::new((*name).into(), values)));
    }
    columns.push(Column::from(Series::new("trades".into(), trades)));
    let bad = |e: PolarsError| StoreError::BadData { path: path.to_owned(), reason: e.to_string() };
    write_frame(path, &mut DataFrame::new(rows.len(), columns).map_err(bad)?)
}

/// Writes a table and its fingerprint. The file appears whole or not at all.
fn write_frame(path: &Path, frame: &mut DataFrame) -> Result<(), StoreError> {
    let mut bytes = Vec::new();
    let writer = ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Zstd(None));
    writer
        .finish(frame)
        .map_err(|e: PolarsError| StoreError::BadData { path: path.to_owned(), reason: e.to_string() })?;
    // At no instant does a fingerprint stand beside a file that it does not belong to.
    let beside = fingerprint_path(path);
    match std::fs::remove_file(&beside) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(files::failed("replace", &beside)(e)),
        _ => {}
    }
    files::write_whole(path, &bytes)?;
    files::write_whole(&beside, format!("{}\n", files::fingerprint(&bytes)).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candle(n: i64, close: f64, trades: Option<u64>) -> RawCandle {
        RawCandle {
            pair: "PEPE/USD".parse().unwrap(),
            venue: Venue::Kraken,
            interval: Interval::M5,
            open_time: UtcMs(n * 300_000),
            open: 1.1e-5,
            high: 1.3e-5,
            low: 1.0e-5,
            close,
            volume: 123_456.5,
            trades,
        }
    }

    fn read(path: &Path) -> Result<Vec<RawCandle>, StoreError> {
        read_candles(path, &"PEPE/USD".parse().unwrap(), Venue::Kraken, Interval::M5)
    }

    fn written(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("kraken").join("PEPE-USD_5.parquet");
        let candles: Vec<_> = (0..2_000).map(|n| candle(n, 1.2e-5 + n as f64 * 1e-9, Some(n as u64))).collect();
        write_candles(&path, &candles).unwrap();
        path
    }

    #[test]
    fn rows_come_back_as_they_were_even_bad_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a").join("x.parquet");
        let candles =
            vec![candle(7, 1.2e-5, None), candle(3, f64::NAN, Some(5)), candle(3, -1.0, Some(0)), candle(4, 0.0, None)];
        write_candles(&path, &candles).unwrap();
        let got = read(&path).unwrap();
        assert!(got[1].close.is_nan());
        let clean = |rows: &[RawCandle]| rows.iter().filter(|r| !r.close.is_nan()).cloned().collect::<Vec<_>>();
        assert_eq!(clean(&got), clean(&candles));
        assert_eq!(got[1].trades, Some(5));
        let names: Vec<_> =
            std::fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "the file and its fingerprint, nothing temporary: {names:?}");
        write_candles(&path, &[]).unwrap();
        assert_eq!(read(&path).unwrap(), []);
    }

    #[test]
    fn damage_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let whole = std::fs::read(&path).unwrap();
        std::fs::remove_file(fingerprint_path(&path)).unwrap();
        let absent = read(&folder.path().join("none.parquet")).unwrap_err();
        assert!(matches!(absent, StoreError::Io { .. }) && absent.to_string().contains("none.parquet"));
        for content in [
            &b""[..],
            b"PAR1",
            b"not parquet at all",
            &whole[..whole.len() / 2],
            &whole[..whole.len() - 1],
            &whole[100..],
        ] {
            std::fs::write(&path, content).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, StoreError::BadData { .. }), "{error}");
            assert!(error.to_string().contains("PEPE-USD_5.parquet"), "{error}");
            assert_eq!(error.class(), crate::domain::ErrorClass::Data);
        }
    }

    #[test]
    fn a_single_changed_bit_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let whole = std::fs::read(&path).unwrap();
        for place in (0..whole.len()).step_by(997) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x10;
            std::fs::write(&path, bytes).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("PEPE-USD_5.parquet.sha256"), "{error}");
        }
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2_000);
        std::fs::remove_file(fingerprint_path(&path)).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2_000, "files from elsewhere have no fingerprint");
    }

    #[test]
    fn wrong_columns_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.parquet");
        let write = |columns: Vec<Column>| {
            let mut frame = DataFrame::new(1, columns).unwrap();
            ParquetWriter::new(std::fs::File::create(&path).unwrap()).finish(&mut frame).unwrap();
        };
        let float = |name: &str| Column::from(Series::new(name.into(), vec![1.0_f64]));
        let int = |name: &str| Column::from(Series::new(name.into(), vec![1_i64]));
        write(vec![int("ts"), float("open"), float("high"), float("low"), float("close"), int("trades")]);
        assert!(read(&path).unwrap_err().to_string().contains("'volume' is missing"));
        write(vec![
            int("ts"),
            float("open"),
            int("high"),
            float("low"),
            float("close"),
            float("volume"),
            int("trades"),
        ]);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("'high' holds i64, not f64"), "{error}");
    }
}
