//! The demo tape: real trades of the past, one Parquet file per pair, listed by a manifest.
//!
//! Columns `ts` (int64, UTC ms), `price`, `volume` (float64), `side`, `ordertype` (text) and `trade_id` (text, all or none of them). Every file is
//! checked against the manifest's fingerprint, count and span, and every row is judged, before anything is handed out.

use std::io::Cursor;
use std::panic::AssertUnwindSafe;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use polars::prelude::{DataFrame, DataType, Series};
use polars_io::prelude::{ParallelStrategy, ParquetReader, SerReader};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::{StoreError, files};
use crate::domain::{Pair, Side, UtcMs, Venue};

/// Name of the manifest in a tape's folder.
pub const TAPE_MANIFEST: &str = "tape.toml";

/// How the taker of a trade came to the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TakerOrder {
    Market,
    Limit,
}

/// One trade as the venue published it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TickRow {
    pub at: UtcMs,
    /// Above zero; the number whose shortest text the file's float has.
    pub price: Decimal,
    /// Base units, above zero.
    pub volume: Decimal,
    /// The taker's side.
    pub side: Side,
    pub ordertype: TakerOrder,
    /// Rises strictly within a pair. The venue's number where [`TapeSeries::ids`] says so, else the place in the file, from 1.
    pub id: u64,
}

/// Whose numbers the trades of a series carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradeIds {
    /// The venue's, of which `absent` are missing between the first and the last.
    Venue { absent: u64 },
    /// The file had none: numbered here, from 1, without a hole.
    Counted,
}

/// The trades of one pair, oldest first.
#[derive(Debug, Clone)]
pub struct TapeSeries {
    pub pair: Pair,
    pub ids: TradeIds,
    /// Where the trades come from, for people.
    pub source: String,
    /// Never empty.
    pub rows: Arc<[TickRow]>,
}

impl TapeSeries {
    /// The same trades numbered without a hole from the first one's number on: what a venue that plays them must hand out, since a
    /// hole in the numbers means a lost trade to whoever listens.
    #[must_use]
    pub fn renumbered(&self) -> Self {
        let first = self.rows.first().map_or(1, |row| row.id);
        let rows = self.rows.iter().zip(first..).map(|(row, id)| TickRow { id, ..*row }).collect();
        Self { rows, ids: TradeIds::Counted, ..self.clone() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "venue")]
    _venue: Venue,
    series: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    pair: Pair,
    /// Relative to the tape's folder.
    file: PathBuf,
    rows: usize,
    sha256: String,
    #[serde(deserialize_with = "instant")]
    first: UtcMs,
    #[serde(deserialize_with = "instant")]
    last: UtcMs,
    source: String,
    #[serde(rename = "licence")]
    _licence: String,
}

fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UtcMs, D::Error> {
    let text = String::deserialize(deserializer)?;
    UtcMs::parse(&text).map_err(|e| serde::de::Error::custom(format!("'{text}' is not an instant: {e}")))
}

/// The trades of every pair of the tape in `folder`, in the order of its manifest.
///
/// # Errors
/// [`StoreError`] naming the manifest or the file that is absent, damaged, not the one of the manifest, or holds a row that is no trade.
pub fn load_tape(folder: &Path) -> Result<Vec<TapeSeries>, StoreError> {
    let path = folder.join(TAPE_MANIFEST);
    let bad = |reason: String| StoreError::BadData { path: path.clone(), reason };
    let text = String::from_utf8(files::read(&path)?).map_err(|e| bad(e.to_string()))?;
    let manifest: Manifest = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
    check(&manifest).map_err(bad)?;
    manifest.series.into_iter().map(|entry| load(folder, entry)).collect()
}

fn check(manifest: &Manifest) -> Result<(), String> {
    if manifest.series.is_empty() {
        return Err("it lists no pair".to_owned());
    }
    for (n, entry) in manifest.series.iter().enumerate() {
        if manifest.series.iter().take(n).any(|other| other.pair == entry.pair) {
            return Err(format!("'{}' is listed twice", entry.pair));
        }
        if entry.file.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(format!("'{}' leads out of the tape", entry.file.display()));
        }
    }
    Ok(())
}

fn load(folder: &Path, entry: Entry) -> Result<TapeSeries, StoreError> {
    let path = folder.join(&entry.file);
    let bad = |reason: String| StoreError::BadData { path: path.clone(), reason };
    let bytes = files::read(&path)?;
    if files::fingerprint(&bytes) != entry.sha256 {
        return Err(bad(format!("its content is not the one that {TAPE_MANIFEST} describes; restore the file")));
    }
    // Only listed content gets here, but the Parquet reader may still panic; nothing of it outlives this call.
    let parsed = std::panic::catch_unwind(AssertUnwindSafe(|| parse(bytes)));
    let (rows, ids) =
        parsed.unwrap_or_else(|_| Err("it is damaged (the Parquet reader gave up)".to_owned())).map_err(bad)?;
    let bad = |reason: String| StoreError::BadData { path: path.clone(), reason };
    let (first, last) = match (rows.first(), rows.last()) {
        (Some(first), Some(last)) => (first.at, last.at),
        _ => return Err(bad("it has no rows".to_owned())),
    };
    if (rows.len(), first, last) != (entry.rows, entry.first, entry.last) {
        let found = format!("{} rows from {first} to {last}", rows.len());
        return Err(bad(format!(
            "it has {found}, {TAPE_MANIFEST} says {} from {} to {}",
            entry.rows, entry.first, entry.last
        )));
    }
    Ok(TapeSeries { pair: entry.pair, ids, source: entry.source, rows: rows.into() })
}

fn parse(bytes: Vec<u8>) -> Result<(Vec<TickRow>, TradeIds), String> {
    let reader = ParquetReader::new(Cursor::new(bytes)).read_parallel(ParallelStrategy::None).set_low_memory(true);
    let frame = reader.finish().map_err(|e| format!("it is damaged ({e})"))?;
    let text = |name: &str| column(&frame, name, DataType::String)?.str().map_err(|e| e.to_string());
    let float = |name: &str| column(&frame, name, DataType::Float64)?.f64().map_err(|e| e.to_string());
    let times = column(&frame, "ts", DataType::Int64)?.i64().map_err(|e| e.to_string())?;
    let (prices, volumes) = (float("price")?, float("volume")?);
    let (sides, orders, ids) = (text("side")?, text("ordertype")?, text("trade_id")?);
    let counted = ids.iter().all(|id| id.is_none());

    let mut rows: Vec<TickRow> = Vec::with_capacity(frame.height());
    let columns =
        times.iter().zip(prices.iter()).zip(volumes.iter()).zip(sides.iter()).zip(orders.iter()).zip(ids.iter());
    for (place, (((((at, price), volume), side), order), id)) in (1_u64..).zip(columns) {
        let row = (|| {
            Some(TickRow {
                at: UtcMs(at?),
                price: positive(price?)?,
                volume: positive(volume?)?,
                side: side_of(side?)?,
                ordertype: order_of(order?)?,
                id: if counted { place } else { id?.parse().ok()? },
            })
        })();
        let row = row.ok_or_else(|| format!("row {place} is not a trade"))?;
        if rows.last().is_some_and(|before| before.at > row.at || before.id >= row.id) {
            return Err(format!("row {place} is out of order"));
        }
        rows.push(row);
    }
    let ids = if counted { TradeIds::Counted } else { TradeIds::Venue { absent: absent(&rows) } };
    Ok((rows, ids))
}

fn column<'a>(frame: &'a DataFrame, name: &str, kind: DataType) -> Result<&'a Series, String> {
    let column = frame.column(name).map_err(|e| e.to_string())?.as_materialized_series();
    if *column.dtype() == kind {
        Ok(column)
    } else {
        Err(format!("column '{name}' holds {}, not {kind}", column.dtype()))
    }
}

fn absent(rows: &[TickRow]) -> u64 {
    rows.iter().zip(rows.iter().skip(1)).map(|(a, b)| b.id.saturating_sub(a.id).saturating_sub(1)).sum()
}

/// The decimal that the shortest text of `value` writes.
fn positive(value: f64) -> Option<Decimal> {
    let exact = Decimal::from_str_exact(&value.to_string()).ok()?;
    (exact > Decimal::ZERO).then(|| exact.normalize())
}

fn side_of(text: &str) -> Option<Side> {
    match text {
        "buy" => Some(Side::Buy),
        "sell" => Some(Side::Sell),
        _ => None,
    }
}

fn order_of(text: &str) -> Option<TakerOrder> {
    match text {
        "market" => Some(TakerOrder::Market),
        "limit" => Some(TakerOrder::Limit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundled() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("data/tape")
    }

    #[test]
    fn the_bundled_tape_is_what_its_manifest_says() {
        let tape = load_tape(&bundled()).unwrap();
        let shape: Vec<_> = tape.iter().map(|s| (s.pair.to_string(), s.rows.len(), s.ids)).collect();
        assert_eq!(
            shape,
            [
                ("BTC/USDT".to_owned(), 26_921, TradeIds::Venue { absent: 26 }),
                ("XRP/EUR".to_owned(), 151_636, TradeIds::Counted),
            ]
        );
        let first = tape[0].rows[0];
        assert_eq!(
            (first.price.to_string(), first.volume.to_string()),
            ("36160.9".to_owned(), "0.00039906".to_owned())
        );
        assert_eq!((first.side, first.ordertype, first.id), (Side::Buy, TakerOrder::Market, 5_504_897));
        let last = *tape[1].rows.last().unwrap();
        assert_eq!(
            (last.price.to_string(), last.volume.to_string()),
            ("0.29628".to_owned(), "3298.13741355".to_owned())
        );
        assert_eq!(last.id, 151_636);

        let whole = tape[0].renumbered();
        assert_eq!(whole.rows[0], first);
        assert_eq!(whole.rows.last().unwrap().id, 5_504_897 + 26_920);
        assert_eq!(absent(&whole.rows), 0);
    }

    #[test]
    fn floats_become_the_number_that_was_published() {
        for (value, text) in [(36_160.9, Some("36160.9")), (1e-8, Some("0.00000001")), (1_068_000.0, Some("1068000"))] {
            assert_eq!(positive(value).map(|d| d.to_string()).as_deref(), text);
        }
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            assert_eq!(positive(value), None, "{value}");
        }
        assert_eq!(positive(0.1 + 0.2).map(|d| d.to_string()).as_deref(), Some("0.30000000000000004"));
    }

    #[test]
    fn what_is_not_listed_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = std::fs::read_to_string(bundled().join(TAPE_MANIFEST)).unwrap();
        let put = |text: String, flip: bool| {
            std::fs::write(folder.path().join(TAPE_MANIFEST), text).unwrap();
            for file in ["BTC-USDT_trades.parquet", "XRP-EUR_trades.parquet"] {
                let mut bytes = std::fs::read(bundled().join(file)).unwrap();
                bytes[1_000] ^= u8::from(flip);
                std::fs::write(folder.path().join(file), bytes).unwrap();
            }
            load_tape(folder.path()).unwrap_err().to_string()
        };
        assert!(put(manifest.clone(), true).contains("BTC-USDT_trades.parquet' cannot be used: its content is not"));
        assert!(put(manifest.replace("26921", "26920"), false).contains("26921 rows"));
        assert!(put(manifest.replace("08:41:40.044Z", "08:41:40Z"), false).contains("BTC-USDT"));
        assert!(put(manifest.replace("XRP/EUR", "BTC/USDT"), false).contains("listed twice"));
        assert!(put(manifest.replace("file = \"X", "file = \"../X"), false).contains("leads out"));
        assert!(put(manifest.replace("licence", "license"), false).contains("tape.toml"));
    }
}
