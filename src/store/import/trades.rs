//! Trades of one day in Parquet, and how two sets of them become one.
//!
//! Columns: `ts` (int64, UTC nanoseconds), `price` and `volume` (text: exact decimals; volume in base units), `side` (text, `buy` or `sell`, the
//! taker's; nullable) and `id` (text, nullable). Rows are sorted by `ts`; trades of one instant keep the order in which they came.

use std::collections::HashMap;
use std::io::Cursor;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use polars::prelude::{Column, DataFrame, DataType, NamedFrom, Series, StringChunked};
use polars_io::prelude::{ParallelStrategy, ParquetReader, SerReader};
use rust_decimal::Decimal;

use super::{Reason, number};
use crate::domain::Side;
use crate::store::{StoreError, lake};

/// One trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeRow {
    /// Where it stands in the file it came from; 0 for rows of the lake.
    pub line: u64,
    /// UTC nanoseconds.
    pub at_ns: i64,
    pub price: Decimal,
    /// Base units.
    pub volume: Decimal,
    /// The taker's, where the source tells.
    pub side: Option<Side>,
    /// The venue's, where the source tells.
    pub id: Option<Box<str>>,
}

impl TradeRow {
    pub(super) fn shown(&self) -> String {
        let side = self.side.map_or("", Side::as_str);
        format!("{},{},{},{side},{}", self.at_ns, self.price, self.volume, self.id.as_deref().unwrap_or_default())
    }

    const fn key(&self) -> Key {
        (self.at_ns, self.price, self.volume, self.side)
    }
}

type Key = (i64, Decimal, Decimal, Option<Side>);

/// Reads a day's file.
///
/// # Errors
/// [`StoreError`] naming the file that is absent, damaged or of another shape.
pub(super) fn read(path: &Path) -> Result<Vec<TradeRow>, StoreError> {
    let bytes = lake::read_checked(path)?;
    let parsed = std::panic::catch_unwind(AssertUnwindSafe(|| parse(bytes)));
    let parsed = parsed.unwrap_or_else(|_| Err("it is damaged (the Parquet reader gave up)".to_owned()));
    parsed.map_err(|reason| StoreError::BadData { path: path.to_owned(), reason })
}

fn parse(bytes: Vec<u8>) -> Result<Vec<TradeRow>, String> {
    let reader = ParquetReader::new(Cursor::new(bytes)).read_parallel(ParallelStrategy::None).set_low_memory(true);
    let frame = reader.finish().map_err(|e| format!("it is damaged ({e})"))?;
    let text = |name: &str| column(&frame, name, DataType::String)?.str().map_err(|e| e.to_string());
    let times = column(&frame, "ts", DataType::Int64)?.i64().map_err(|e| e.to_string())?;
    let (prices, volumes, sides, ids): (&StringChunked, _, _, _) =
        (text("price")?, text("volume")?, text("side")?, text("id")?);
    let mut rows = Vec::with_capacity(frame.height());
    let columns = times.iter().zip(prices.iter()).zip(volumes.iter()).zip(sides.iter()).zip(ids.iter());
    for (n, ((((at, price), volume), side), id)) in columns.enumerate() {
        let row = (|| {
            let side = match side {
                None => None,
                Some("buy") => Some(Side::Buy),
                Some("sell") => Some(Side::Sell),
                Some(_) => return None,
            };
            let decimal = |text: Option<&str>| number::decimal(text?, false).ok();
            let (price, volume) = (decimal(price)?, decimal(volume)?);
            Some(TradeRow { line: 0, at_ns: at?, price, volume, side, id: id.map(Into::into) })
        })();
        rows.push(row.ok_or_else(|| format!("row {n} is not a trade"))?);
    }
    Ok(rows)
}

fn column<'a>(frame: &'a DataFrame, name: &str, kind: DataType) -> Result<&'a Series, String> {
    let column = frame.column(name).map_err(|_| format!("column '{name}' is missing"))?.as_materialized_series();
    if *column.dtype() == kind {
        Ok(column)
    } else {
        Err(format!("column '{name}' holds {}, not {kind}", column.dtype()))
    }
}

/// Writes a day's file, whole or not at all.
///
/// # Errors
/// [`StoreError`] when it cannot be written.
pub(super) fn write(path: &Path, rows: &[TradeRow]) -> Result<(), StoreError> {
    let times: Vec<i64> = rows.iter().map(|r| r.at_ns).collect();
    let text = |name: &str, of: fn(&TradeRow) -> Option<String>| {
        let values: Vec<Option<String>> = rows.iter().map(of).collect();
        Column::from(Series::new(name.into(), values))
    };
    let columns = vec![
        Column::from(Series::new("ts".into(), times)),
        text("price", |r| Some(r.price.to_string())),
        text("volume", |r| Some(r.volume.to_string())),
        text("side", |r| r.side.map(|side| side.as_str().to_owned())),
        text("id", |r| r.id.as_deref().map(str::to_owned)),
    ];
    let bad = |e: polars::error::PolarsError| StoreError::BadData { path: path.to_owned(), reason: e.to_string() };
    let mut frame = DataFrame::new(rows.len(), columns).map_err(bad)?;
    lake::write_frame(path, &mut frame)
}

/// What became of two sets of trades.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// All that stay, sorted by time.
    pub rows: Vec<TradeRow>,
    pub rejected: Vec<(TradeRow, Reason, String)>,
    pub accepted: u64,
    pub identical: u64,
    pub replaced: u64,
    pub dropped: u64,
}

impl Merged {
    pub(super) const fn changed(&self) -> bool {
        self.accepted + self.replaced + self.dropped > 0
    }
}

/// Puts `new` rows of one file beside the `stored` rows of the same day, both sorted by time.
///
/// With ids a trade is known by its id. Without, equal rows are counted: a file that shows a row twice means two trades, and the lake, which has
/// both, takes none of them again. A new row *within* the span that the lake has is then a conflict, not an addition: it is more likely the
/// same trade written otherwise (whole seconds, other digits) than one that was overlooked, and doubled volume would not be seen. With `replace` the new
/// rows win: the one with the same id, or without ids all of the span from the first to the last.
pub(super) fn merge(stored: Vec<TradeRow>, new: Vec<TradeRow>, replace: bool) -> Merged {
    let with_ids = stored.first().or(new.first()).is_some_and(|row| row.id.is_some());
    let mut merged = Merged::default();
    let (new, mixed): (Vec<_>, Vec<_>) = new.into_iter().partition(|row| row.id.is_some() == with_ids);
    for row in mixed {
        let said =
            if with_ids { "the other trades of this day have ids" } else { "the other trades of this day have no ids" };
        merged.rejected.push((row, Reason::MixedIds, said.to_owned()));
    }
    if with_ids {
        by_id(&mut merged, stored, new, replace);
    } else if replace {
        by_span(&mut merged, stored, new);
    } else {
        by_count(&mut merged, stored, new);
    }
    merged.rows.sort_by_key(|row| row.at_ns);
    merged
}

fn by_id(merged: &mut Merged, stored: Vec<TradeRow>, new: Vec<TradeRow>, replace: bool) {
    let from_lake = stored.len();
    merged.rows = stored;
    let mut known: HashMap<Box<str>, usize> =
        merged.rows.iter().enumerate().filter_map(|(n, row)| Some((row.id.clone()?, n))).collect();
    for row in new {
        let Some(id) = row.id.clone() else { continue };
        match known.get(&id).and_then(|n| Some((*n, merged.rows.get_mut(*n)?))) {
            None => {
                known.insert(id, merged.rows.len());
                merged.rows.push(row);
                merged.accepted += 1;
            }
            Some((_, old)) if old.key() == row.key() => merged.identical += 1,
            Some((n, old)) if replace && n < from_lake => {
                *old = row;
                merged.replaced += 1;
            }
            Some((n, old)) => {
                let (reason, whose) = if n < from_lake {
                    (Reason::ConflictWithLake, "the lake")
                } else {
                    (Reason::ConflictInFile, "the file")
                };
                let said = format!("{whose} has {}", old.shown());
                merged.rejected.push((row, reason, said));
            }
        }
    }
}

fn count(rows: &[TradeRow]) -> HashMap<Key, u64> {
    let mut counts = HashMap::new();
    for row in rows {
        *counts.entry(row.key()).or_default() += 1;
    }
    counts
}

/// Whether one more of these is there; takes it.
fn take(counts: &mut HashMap<Key, u64>, row: &TradeRow) -> bool {
    match counts.get_mut(&row.key()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    }
}

fn by_count(merged: &mut Merged, stored: Vec<TradeRow>, new: Vec<TradeRow>) {
    let mut counts = count(&stored);
    let span = stored.first().zip(stored.last()).map(|(first, last)| (first.at_ns, last.at_ns));
    merged.rows = stored;
    for row in new {
        if take(&mut counts, &row) {
            merged.identical += 1;
        } else if span.is_some_and(|(first, last)| first < row.at_ns && row.at_ns < last) {
            merged.rejected.push((row, Reason::ConflictWithLake, "the lake has this span without it".to_owned()));
        } else {
            merged.rows.push(row);
            merged.accepted += 1;
        }
    }
}

fn by_span(merged: &mut Merged, stored: Vec<TradeRow>, new: Vec<TradeRow>) {
    let Some((first, last)) = new.first().zip(new.last()).map(|(a, b)| (a.at_ns, b.at_ns)) else {
        merged.rows = stored;
        return;
    };
    let (inside, outside): (Vec<_>, Vec<_>) = stored.into_iter().partition(|row| (first..=last).contains(&row.at_ns));
    let mut counts = count(&inside);
    for row in &new {
        if take(&mut counts, row) {
            merged.identical += 1;
        } else {
            merged.accepted += 1;
        }
    }
    merged.dropped = counts.values().sum();
    merged.rows = outside;
    merged.rows.extend(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(at_ns: i64, price: i64, id: Option<&str>) -> TradeRow {
        let (price, volume) = (Decimal::new(price, 1), Decimal::new(123_456_789_012, 11));
        TradeRow { line: 7, at_ns, price, volume, side: Some(Side::Sell), id: id.map(Into::into) }
    }

    fn plain(rows: &[(i64, i64)]) -> Vec<TradeRow> {
        rows.iter().map(|(at, price)| trade(*at, *price, None)).collect()
    }

    #[test]
    fn a_day_comes_back_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("2024-10-31.parquet");
        let mut rows = vec![trade(5, 1, None), trade(5, 1, None), trade(6, 123, Some("T-1"))];
        rows[1].side = None;
        rows[0].price = Decimal::new(1, 28);
        write(&path, &rows).unwrap();
        let read = read(&path).unwrap();
        let unlined: Vec<_> = rows.into_iter().map(|row| TradeRow { line: 0, ..row }).collect();
        assert_eq!(read, unlined);
        std::fs::write(&path, b"PAR1 nothing PAR1").unwrap();
        assert!(super::read(&path).is_err());
    }

    #[test]
    fn equal_rows_without_ids_are_counted() {
        let twice = plain(&[(1, 10), (1, 10), (2, 11)]);
        let first = merge(Vec::new(), twice.clone(), false);
        assert_eq!((first.accepted, first.rows.len()), (3, 3));
        let again = merge(first.rows.clone(), twice, false);
        assert_eq!((again.identical, again.changed(), again.rows.len()), (3, false, 3));
        let more = merge(first.rows, plain(&[(1, 10), (2, 11), (2, 11), (3, 12)]), false);
        assert_eq!((more.identical, more.accepted, more.rows.len()), (2, 2, 5));
    }

    #[test]
    fn a_row_within_a_known_span_is_a_conflict_unless_it_replaces() {
        let stored = plain(&[(10, 1), (20, 2), (30, 3)]);
        let other = plain(&[(10, 1), (19, 2), (30, 3), (31, 4)]);
        let careful = merge(stored.clone(), other.clone(), false);
        assert_eq!((careful.identical, careful.accepted, careful.rejected.len()), (2, 1, 1));
        assert_eq!(careful.rejected[0].1, Reason::ConflictWithLake);
        let bold = merge(stored, other.clone(), true);
        assert_eq!((bold.identical, bold.accepted, bold.dropped), (2, 2, 1));
        assert_eq!(bold.rows, other);
    }

    #[test]
    fn ids_decide_where_there_are_any() {
        let stored = vec![trade(1, 10, Some("a")), trade(2, 20, Some("b"))];
        let new =
            vec![trade(1, 10, Some("a")), trade(2, 21, Some("b")), trade(2, 20, Some("c")), trade(3, 1, Some("c"))];
        let careful = merge(stored.clone(), new.clone(), false);
        assert_eq!((careful.identical, careful.accepted), (1, 1));
        let reasons: Vec<_> = careful.rejected.iter().map(|r| r.1).collect();
        assert_eq!(reasons, [Reason::ConflictWithLake, Reason::ConflictInFile]);
        let bold = merge(stored.clone(), new, true);
        assert_eq!((bold.replaced, bold.rows[1].price), (1, Decimal::new(21, 1)));
        let mixed = merge(stored, plain(&[(9, 9)]), true);
        assert_eq!((mixed.rejected[0].1, mixed.changed()), (Reason::MixedIds, false));
    }
}
