//! How two sets of candles of one month become one.

use std::collections::BTreeMap;

use crate::store::lake::StoredCandle;

/// A new candle of which the lake has another version.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) struct Conflict {
    /// Where the new one stands in the file it came from.
    pub line: u64,
    pub new: StoredCandle,
    pub old: StoredCandle,
}

/// What became of two sets of candles.
#[derive(Debug, Default, PartialEq)]
pub(in crate::store) struct MergedCandles {
    /// All that stay, sorted by time.
    pub rows: Vec<StoredCandle>,
    pub accepted: u64,
    pub identical: u64,
    pub replaced: u64,
    /// New rows that were left out.
    pub conflicts: Vec<Conflict>,
    /// Whether `rows` are not what was stored.
    pub changed: bool,
}

/// Puts `new` candles with their lines beside the `stored` ones of the same month. With `replace` the new one of two that differ stays, else the stored one.
pub(in crate::store) fn candles(
    stored: Vec<StoredCandle>,
    new: impl Iterator<Item = (u64, StoredCandle)>,
    replace: bool,
) -> MergedCandles {
    let mut merged = MergedCandles::default();
    let mut by_time: BTreeMap<i64, StoredCandle> = stored.into_iter().map(|row| (row.open_time.0, row)).collect();
    for (line, new) in new {
        match by_time.get_mut(&new.open_time.0) {
            None => {
                by_time.insert(new.open_time.0, new);
                merged.accepted += 1;
                merged.changed = true;
            }
            Some(old) if old.same_values(&new) && (old.trades == new.trades || new.trades.is_none()) => {
                merged.identical += 1;
            }
            // The same candle, now with its count of trades: nothing that was known changes.
            Some(old) if old.same_values(&new) && old.trades.is_none() => {
                old.trades = new.trades;
                merged.identical += 1;
                merged.changed = true;
            }
            Some(old) if replace => {
                *old = new;
                merged.replaced += 1;
                merged.changed = true;
            }
            Some(old) => merged.conflicts.push(Conflict { line, new, old: old.clone() }),
        }
    }
    merged.rows = by_time.into_values().collect();
    merged
}

/// Open, high, low, close, volume and trades, for people.
pub(in crate::store) fn values(row: &StoredCandle) -> String {
    let values: Vec<String> = match row.decimals() {
        Some(decimals) => decimals.iter().map(ToString::to_string).collect(),
        None => row.values.iter().map(ToString::to_string).collect(),
    };
    format!("{},{}", values.join(","), row.trades.map(|n| n.to_string()).unwrap_or_default())
}

/// The same behind its instant.
pub(in crate::store) fn shown(row: &StoredCandle) -> String {
    format!("{},{}", row.open_time.0, values(row))
}
