//! Rows as columns of a Parquet file, and back. The frames of polars go no further than this file and its neighbours.
//!
//! | series | columns |
//! |---|---|
//! | candles | `ts` (int64, UTC ms of the open), `open` `high` `low` `close` `volume` (float64), `trades` (int64, nullable), `exact` |
//! | trades | `ts` (int64, UTC ns), `price` `volume` (float64), `side` (text, `buy` or `sell`, nullable), `id` (text, nullable), `exact` |
//! | books | `ts` (int64, UTC ns), `side` (text, `buy` for bids), `level` (int32, best = 0), `price` `volume` (float64), `exact` |
//!
//! `exact` (text, nullable) has the decimals of a row, separated by commas in the order of its float columns, where the floats do not give them back.
//! Rows are sorted by `ts`, in row groups of [`GROUP_ROWS`] with statistics.

use std::io::{Cursor, Write};
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;

use polars::prelude::{Column, DataFrame, DataType, NamedFrom, Series as Values};
use polars_io::prelude::{
    BatchedWriter, FileMetadataRef, KeyValueMetadata, ParallelStrategy, ParquetCompression, ParquetReader,
    ParquetWriter, SerReader,
};
use rust_decimal::Decimal;

use super::rows::{self, BookRow, StoredCandle, TradeRow};
use crate::domain::{Side, UtcMs};
use crate::store::{StoreError, number};

/// Of the columns above. Files of schema 1 had no `exact`, and prices and volumes of trades as text; they are read as well.
pub(super) const SCHEMA: u32 = 2;
/// Rows of a row group: what a reader decodes at once.
pub(super) const GROUP_ROWS: usize = 16_384;

/// A row that the lake keeps.
pub(in crate::store) trait Stored: Clone + Sized {
    /// All columns; the last one may be absent.
    const COLUMNS: &'static [&'static str];
    /// Its instant, in the unit of its series.
    fn at(&self) -> i64;
    fn columns(rows: &[Self]) -> Vec<Column>;
    /// # Errors
    /// What is wrong with the frame.
    fn parse(frame: &DataFrame) -> Result<Vec<Self>, String>;
}

/// Sorted rows as the bytes of a Parquet file.
///
/// # Errors
/// What polars says; rows of the lake can always be written.
pub(super) fn encode<R: Stored>(rows: &[R], notes: Vec<(String, String)>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut out = TableWriter::<R, _>::on(
        writer(&mut bytes).with_key_value_metadata(Some(KeyValueMetadata::from_static(notes))),
    )?;
    out.push(rows)?;
    out.finish()?;
    Ok(bytes)
}

fn writer<W: Write>(out: W) -> ParquetWriter<W> {
    ParquetWriter::new(out).with_compression(ParquetCompression::Zstd(None)).set_parallel(false)
}

/// Writes a Parquet file batch by batch; each becomes one or more row groups of at most [`GROUP_ROWS`].
pub(super) struct TableWriter<R, W: Write> {
    out: BatchedWriter<W>,
    kind: PhantomData<R>,
}

impl<R: Stored, W: Write> TableWriter<R, W> {
    pub(super) fn begin(out: W) -> Result<Self, String> {
        Self::on(writer(out))
    }

    fn on(writer: ParquetWriter<W>) -> Result<Self, String> {
        let empty = DataFrame::new(0, R::columns(&[])).map_err(|e| e.to_string())?;
        let out = writer.batched(empty.schema()).map_err(|e| e.to_string())?;
        Ok(Self { out, kind: PhantomData })
    }

    pub(super) fn push(&mut self, rows: &[R]) -> Result<(), String> {
        for group in rows.chunks(GROUP_ROWS) {
            let frame = DataFrame::new(group.len(), R::columns(group)).map_err(|e| e.to_string())?;
            self.out.write_batch(&frame).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), String> {
        self.out.finish().map(|_| ()).map_err(|e| e.to_string())
    }
}

/// Rows that are decoded together, and between which instants they lie as far as the file says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// Place of its first row in the file.
    pub begin: usize,
    pub rows: usize,
    pub least: Option<i64>,
    pub most: Option<i64>,
}

/// A Parquet file in memory, of which slices are decoded.
#[derive(Clone)]
pub(super) struct Table {
    bytes: Arc<[u8]>,
    metadata: FileMetadataRef,
    columns: Vec<String>,
    pub groups: Vec<Group>,
}

impl Table {
    /// # Errors
    /// [`StoreError::BadData`] when `bytes` are not a whole Parquet file with a column `ts`.
    pub(super) fn open(path: &Path, bytes: Vec<u8>) -> Result<Self, StoreError> {
        guarded(path, || {
            let bytes: Arc<[u8]> = bytes.into();
            let mut reader = ParquetReader::new(Cursor::new(Arc::clone(&bytes)));
            let whole = |e| format!("it is not a whole Parquet file ({e})");
            let columns: Vec<String> = reader.schema().map_err(whole)?.iter_names().map(ToString::to_string).collect();
            let metadata = Arc::clone(reader.get_metadata().map_err(whole)?);
            if !columns.iter().any(|name| name == "ts") {
                return Err("column 'ts' is missing".to_owned());
            }
            let mut begin = 0;
            let mut groups = Vec::with_capacity(metadata.row_groups.len());
            for group in &metadata.row_groups {
                let mut times = group.columns_under_root_iter("ts").into_iter().flatten();
                let told = times.next().and_then(|c| c.statistics(&metadata.footer_buf)).and_then(Result::ok);
                let ends = told.as_ref().and_then(|s| s.as_int64());
                let (least, most) = ends.map_or((None, None), |s| (s.min_value, s.max_value));
                groups.push(Group { begin, rows: group.num_rows(), least, most });
                begin += group.num_rows();
            }
            Ok(Self { bytes, metadata, columns, groups })
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.groups.iter().map(|group| group.rows).sum()
    }

    /// Least and greatest instant; `None` for a file without rows.
    ///
    /// # Errors
    /// [`StoreError::BadData`] when a row has none.
    pub(super) fn ends(&self, path: &Path) -> Result<Option<(i64, i64)>, StoreError> {
        let mut ends: Option<(i64, i64)> = None;
        for group in self.groups.iter().filter(|group| group.rows > 0) {
            let frame = self.slice(path, (group.begin, group.rows), &["ts"])?;
            for at in guarded(path, || times(&frame))? {
                ends = Some(ends.map_or((at, at), |(least, most)| (least.min(at), most.max(at))));
            }
        }
        Ok(ends)
    }

    /// `rows` rows from the one at `begin` on, of the `wanted` columns; the one called `exact` may be absent.
    ///
    /// # Errors
    /// [`StoreError::BadData`] naming the column that is missing, or damage.
    pub(super) fn slice(
        &self,
        path: &Path,
        (begin, rows): (usize, usize),
        wanted: &[&str],
    ) -> Result<DataFrame, StoreError> {
        guarded(path, || {
            let there = |name: &&&str| self.columns.iter().any(|column| column == **name);
            if let Some(missing) = wanted.iter().find(|name| **name != "exact" && !there(name)) {
                return Err(format!("column '{missing}' is missing"));
            }
            let wanted = wanted.iter().filter(there).map(|name| (*name).to_owned()).collect();
            let mut reader = ParquetReader::new(Cursor::new(Arc::clone(&self.bytes)))
                .read_parallel(ParallelStrategy::None)
                .set_low_memory(true)
                .with_columns(Some(wanted))
                .with_slice(Some((begin, rows)));
            reader.set_metadata(Arc::clone(&self.metadata));
            let frame = reader.finish().map_err(|e| format!("it is damaged ({e})"))?;
            if frame.height() == rows {
                Ok(frame)
            } else {
                Err(format!("it has fewer rows than it says: {} of {rows} from row {begin} on", frame.height()))
            }
        })
    }
}

/// The Parquet reader panics on some damaged files that carry no fingerprint; nothing of it outlives this call.
pub(super) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, String>) -> Result<T, StoreError> {
    let done = std::panic::catch_unwind(AssertUnwindSafe(work));
    let done = done.unwrap_or_else(|_| Err("it is damaged (the Parquet reader gave up)".to_owned()));
    done.map_err(|reason| StoreError::BadData { path: path.to_owned(), reason })
}

pub(super) fn column<'a>(frame: &'a DataFrame, name: &str, kind: &DataType) -> Result<&'a Values, String> {
    let column = frame.column(name).map_err(|_| format!("column '{name}' is missing"))?.as_materialized_series();
    if column.dtype() == kind {
        Ok(column)
    } else {
        Err(format!("column '{name}' holds {}, not {kind}", column.dtype()))
    }
}

pub(super) fn times(frame: &DataFrame) -> Result<Vec<i64>, String> {
    let times = column(frame, "ts", &DataType::Int64)?.i64().map_err(|e| e.to_string())?;
    times.iter().enumerate().map(|(n, at)| at.ok_or_else(|| format!("row {n} has no 'ts'"))).collect()
}

/// A column of floats; NaN where there is no value.
pub(super) fn floats(frame: &DataFrame, name: &str) -> Result<Vec<f64>, String> {
    let values = column(frame, name, &DataType::Float64)?.f64().map_err(|e| e.to_string())?;
    Ok(values.iter().map(|value| value.unwrap_or(f64::NAN)).collect())
}

fn texts(frame: &DataFrame, name: &str) -> Result<Vec<Option<String>>, String> {
    let values = column(frame, name, &DataType::String)?.str().map_err(|e| e.to_string())?;
    Ok(values.iter().map(|text| text.map(str::to_owned)).collect())
}

/// The column `exact`, where the file has it.
fn exact<const N: usize>(frame: &DataFrame) -> Result<Vec<Option<[Decimal; N]>>, String> {
    if frame.column("exact").is_err() {
        return Ok(vec![None; frame.height()]);
    }
    let read = |(n, text): (usize, Option<&str>)| match text {
        None => Ok(None),
        Some(text) => split(text).map(Some).ok_or_else(|| format!("row {n} has '{text}' as its exact values")),
    };
    let values = column(frame, "exact", &DataType::String)?.str().map_err(|e| e.to_string())?;
    values.iter().enumerate().map(read).collect()
}

fn split<const N: usize>(text: &str) -> Option<[Decimal; N]> {
    let mut out = [Decimal::ZERO; N];
    let mut parts = text.split(',');
    for slot in &mut out {
        *slot = number::decimal(parts.next()?, false).ok()?;
    }
    parts.next().is_none().then_some(out)
}

fn joined<const N: usize>(decimals: &[Decimal; N]) -> String {
    decimals.map(|value| value.to_string()).join(",")
}

fn make<T, V>(name: &str, values: V) -> Column
where
    V: AsRef<[T]>,
    Values: NamedFrom<V, [T]>,
{
    Column::from(Values::new(name.into(), values))
}

fn side(text: &str) -> Option<Side> {
    match text {
        "buy" => Some(Side::Buy),
        "sell" => Some(Side::Sell),
        _ => None,
    }
}

/// Prices and volumes of trades and levels, as exact as they are.
fn amounts(frame: &DataFrame) -> Result<Vec<[Decimal; 2]>, String> {
    let column = frame.column("price").map_err(|_| "column 'price' is missing".to_owned())?;
    let of_row = |n: usize, values: Option<[Decimal; 2]>| {
        values.ok_or_else(|| format!("row {n} has a price or volume that is not a number"))
    };
    if *column.dtype() == DataType::String {
        // Schema 1.
        let (prices, volumes) = (texts(frame, "price")?, texts(frame, "volume")?);
        let read = |text: &Option<String>| number::decimal(text.as_deref()?, false).ok();
        let pairs = prices.iter().zip(&volumes).map(|(price, volume)| Some([read(price)?, read(volume)?]));
        return pairs.enumerate().map(|(n, pair)| of_row(n, pair)).collect();
    }
    let (prices, volumes) = (floats(frame, "price")?, floats(frame, "volume")?);
    let told = exact::<2>(frame)?;
    let pairs = prices.into_iter().zip(volumes).zip(told);
    pairs.enumerate().map(|(n, ((p, v), told))| of_row(n, told.or_else(|| rows::decimals([p, v])))).collect()
}

fn amount_columns(amounts: &[[Decimal; 2]]) -> [Column; 3] {
    let (floats, exact): (Vec<[f64; 2]>, Vec<_>) = amounts.iter().map(|amount| rows::floats(*amount)).unzip();
    [
        make::<f64, _>("price", floats.iter().map(|[price, _]| *price).collect::<Vec<_>>()),
        make::<f64, _>("volume", floats.iter().map(|[_, volume]| *volume).collect::<Vec<_>>()),
        make::<Option<String>, _>("exact", exact.iter().map(|e| e.as_ref().map(joined)).collect::<Vec<_>>()),
    ]
}

impl Stored for StoredCandle {
    const COLUMNS: &'static [&'static str] = &["ts", "open", "high", "low", "close", "volume", "trades", "exact"];

    fn at(&self) -> i64 {
        self.open_time.0
    }

    fn columns(rows: &[Self]) -> Vec<Column> {
        let times: Vec<i64> = rows.iter().map(|row| row.open_time.0).collect();
        let trades: Vec<Option<i64>> = rows.iter().map(|row| row.trades.map(i64::from)).collect();
        let exact: Vec<Option<String>> = rows.iter().map(|row| row.exact.as_deref().map(joined)).collect();
        let mut columns = vec![make::<i64, _>("ts", times)];
        for (place, name) in ["open", "high", "low", "close", "volume"].into_iter().enumerate() {
            let of = |row: &Self| row.values.get(place).copied().unwrap_or(f64::NAN);
            columns.push(make::<f64, _>(name, rows.iter().map(of).collect::<Vec<f64>>()));
        }
        columns.push(make::<Option<i64>, _>("trades", trades));
        columns.push(make::<Option<String>, _>("exact", exact));
        columns
    }

    fn parse(frame: &DataFrame) -> Result<Vec<Self>, String> {
        let times = times(frame)?;
        let mut out: Vec<Self> = times
            .into_iter()
            .zip(exact(frame)?)
            .map(|(at, exact)| Self {
                open_time: UtcMs(at),
                values: [f64::NAN; 5],
                trades: None,
                exact: exact.map(Box::new),
            })
            .collect();
        for (place, name) in ["open", "high", "low", "close", "volume"].into_iter().enumerate() {
            for (row, value) in out.iter_mut().zip(floats(frame, name)?) {
                if let Some(slot) = row.values.get_mut(place) {
                    *slot = value;
                }
            }
        }
        let trades = column(frame, "trades", &DataType::Int64)?.i64().map_err(|e| e.to_string())?;
        for (n, (row, count)) in out.iter_mut().zip(trades.iter()).enumerate() {
            let count = count.map(|count| u32::try_from(count).map_err(|_| format!("row {n} counts {count} trades")));
            row.trades = count.transpose()?;
        }
        Ok(out)
    }
}

impl Stored for TradeRow {
    const COLUMNS: &'static [&'static str] = &["ts", "price", "volume", "side", "id", "exact"];

    fn at(&self) -> i64 {
        self.at_ns
    }

    fn columns(rows: &[Self]) -> Vec<Column> {
        let times: Vec<i64> = rows.iter().map(|row| row.at_ns).collect();
        let sides: Vec<Option<&str>> = rows.iter().map(|row| row.side.map(Side::as_str)).collect();
        let ids: Vec<Option<&str>> = rows.iter().map(|row| row.id.as_deref()).collect();
        let [price, volume, exact] =
            amount_columns(&rows.iter().map(|row| [row.price, row.volume]).collect::<Vec<_>>());
        let side = make::<Option<&str>, _>("side", sides);
        vec![make::<i64, _>("ts", times), price, volume, side, make::<Option<&str>, _>("id", ids), exact]
    }

    fn parse(frame: &DataFrame) -> Result<Vec<Self>, String> {
        let columns =
            times(frame)?.into_iter().zip(amounts(frame)?).zip(texts(frame, "side")?).zip(texts(frame, "id")?);
        let mut rows = Vec::with_capacity(frame.height());
        for (n, (((at_ns, [price, volume]), word), id)) in columns.enumerate() {
            let side = match word {
                None => None,
                Some(word) => Some(side(&word).ok_or_else(|| format!("row {n} has '{word}' as its side"))?),
            };
            rows.push(Self { line: 0, at_ns, price, volume, side, id: id.map(Into::into) });
        }
        Ok(rows)
    }
}

impl Stored for BookRow {
    const COLUMNS: &'static [&'static str] = &["ts", "side", "level", "price", "volume", "exact"];

    fn at(&self) -> i64 {
        self.at_ns
    }

    fn columns(rows: &[Self]) -> Vec<Column> {
        let times: Vec<i64> = rows.iter().map(|row| row.at_ns).collect();
        let sides: Vec<&str> = rows.iter().map(|row| row.side.as_str()).collect();
        let levels: Vec<i32> = rows.iter().map(|row| i32::from(row.level)).collect();
        let [price, volume, exact] =
            amount_columns(&rows.iter().map(|row| [row.price, row.volume]).collect::<Vec<_>>());
        let (side, level) = (make::<&str, _>("side", sides), make::<i32, _>("level", levels));
        vec![make::<i64, _>("ts", times), side, level, price, volume, exact]
    }

    fn parse(frame: &DataFrame) -> Result<Vec<Self>, String> {
        let levels = column(frame, "level", &DataType::Int32)?.i32().map_err(|e| e.to_string())?;
        let levels = levels.iter().map(|level| level.and_then(|level| u16::try_from(level).ok()));
        let columns = times(frame)?.into_iter().zip(amounts(frame)?).zip(texts(frame, "side")?).zip(levels);
        let mut rows = Vec::with_capacity(frame.height());
        for (n, (((at_ns, [price, volume]), word), level)) in columns.enumerate() {
            let (side, level) =
                word.as_deref().and_then(side).zip(level).ok_or_else(|| format!("row {n} is not a level of a book"))?;
            rows.push(Self { at_ns, side, level, price, volume });
        }
        Ok(rows)
    }
}
