//! What a row of the lake must be.

use rust_decimal::Decimal;

use crate::domain::{Interval, UtcMs};
use crate::store::import::grid;
use crate::store::lake::rows::{BookRow, StoredCandle, TradeRow};

pub(super) fn candle(row: &StoredCandle, interval: Interval, now: UtcMs) -> Option<&'static str> {
    let [open, high, low, close, volume] = row.values;
    let step = interval.ms();
    if !row.values.iter().all(|value| value.is_finite()) {
        Some("holds something that is not a number")
    } else if low <= 0.0 || volume < 0.0 {
        Some("has a price that is not above 0 or a volume below 0")
    } else if high < open.max(close) || low > open.min(close) {
        Some("has a body outside of high and low")
    } else if row.open_time.0.rem_euclid(grid(step).max(1)) != 0 {
        Some("is off the grid")
    } else if row.open_time.plus(step) > now {
        Some("is not over")
    } else {
        None
    }
}

pub(super) fn trade(row: &TradeRow, now: UtcMs) -> Option<&'static str> {
    amounts(row.price, row.volume).or_else(|| past(row.at_ns, now))
}

pub(super) fn level(row: &BookRow, now: UtcMs) -> Option<&'static str> {
    amounts(row.price, row.volume).or_else(|| past(row.at_ns, now))
}

fn amounts(price: Decimal, volume: Decimal) -> Option<&'static str> {
    let positive = price > Decimal::ZERO && volume > Decimal::ZERO;
    (!positive).then_some("has a price or volume that is not above 0")
}

fn past(at_ns: i64, now: UtcMs) -> Option<&'static str> {
    (at_ns.div_euclid(1_000_000) > now.0).then_some("is in the future")
}
