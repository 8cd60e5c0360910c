//! What one hour of a pair brings: the columns that everything else is computed from.

use crate::domain::flow::FlowHour;
use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::{Bar, UtcMs};

/// The columns, by the names that a feature set uses. Those of order flow have a value only where trades or books were watched for the whole hour.
pub const FIELDS: &[&str] = &[
    "open",
    "high",
    "low",
    "close",
    "volume",
    "hour_of_day",
    "hour_of_week",
    "trades",
    "taker_delta",
    "vpin",
    "largest_parent_share",
    "book_ofi",
    "book_imbalance_1",
    "book_imbalance_5",
    "book_imbalance_10",
    "book_imbalance_weighted",
    "microprice",
    "spread",
];

/// Number of columns.
pub(super) const COUNT: usize = FIELDS.len();

/// The values of an hour in the order of [`FIELDS`]; NaN where there is none.
pub(super) fn columns(bar: &Bar, flow: Option<&FlowHour>) -> [f64; COUNT] {
    let trades = flow.filter(|f| f.trades_fault.is_none()).and_then(|f| f.trades.as_ref());
    let book = flow.filter(|f| f.book_fault.is_none()).and_then(|f| f.book.as_ref());
    let close = book.and_then(|b| b.close);
    let or_none = |value: Option<f64>| value.filter(|v| v.is_finite()).unwrap_or(f64::NAN);
    let largest = trades.and_then(|t| Some(t.largest_parent?.quote / t.quote_volume));
    [
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        hour_of_day(bar.open_time),
        hour_of_week(bar.open_time),
        or_none(trades.map(|t| t.count as f64)),
        or_none(trades.and_then(|t| t.delta_share())),
        or_none(trades.and_then(|t| t.vpin)),
        or_none(largest),
        or_none(book.and_then(|b| b.ofi_over_depth())),
        or_none(close.map(|c| c.imbalance_1)),
        or_none(close.map(|c| c.imbalance_5)),
        or_none(close.map(|c| c.imbalance_10)),
        or_none(close.map(|c| c.imbalance_weighted)),
        or_none(close.map(|c| c.microprice_deviation())),
        or_none(book.and_then(|b| b.spread())),
    ]
}

/// Hours since midnight (UTC) when the bar opened.
fn hour_of_day(open_time: UtcMs) -> f64 {
    (open_time.since(open_time.day()) / HOUR_MS) as f64
}

/// Hours since the beginning of Monday (UTC) when the bar opened.
fn hour_of_week(open_time: UtcMs) -> f64 {
    const DAY: i64 = DAY_MS / HOUR_MS;
    // The epoch was a Thursday.
    (open_time.0.div_euclid(HOUR_MS) + 3 * DAY).rem_euclid(7 * DAY) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::{BookFlow, TradeFlow};

    fn bar(text: &str) -> Bar {
        let open_time = UtcMs::parse(text).unwrap();
        Bar { open_time, open: 1.0, high: 3.0, low: 0.5, close: 2.0, volume: 9.0 }
    }

    #[test]
    fn the_week_begins_on_monday() {
        for (text, day, week) in [
            ("2024-07-01T00:00:00Z", 0.0, 0.0),
            ("2024-07-07T23:00:00Z", 23.0, 167.0),
            ("1969-12-31T05:00:00Z", 5.0, 53.0),
        ] {
            let columns = columns(&bar(text), None);
            assert_eq!((columns[5], columns[6]), (day, week), "{text}");
        }
    }

    #[test]
    fn flow_counts_only_for_a_whole_hour() {
        let trades =
            TradeFlow { count: 7, buy_volume: 3.0, sell_volume: 1.0, quote_volume: 8.0, ..TradeFlow::default() };
        let book =
            BookFlow { events: 2, ofi: 3.0, depth: 4.0, two_sided_ms: 10, spread_ms: 0.02, ..BookFlow::default() };
        let mut hour = FlowHour {
            bars: 12,
            bars_expected: 12,
            trades: Some(trades),
            book: Some(book),
            trades_fault: None,
            book_fault: None,
        };
        let of = |hour: &FlowHour| columns(&bar("2024-07-01T00:00:00Z"), Some(hour));
        let whole = of(&hour);
        assert_eq!((whole[7], whole[8], whole[11], whole[17]), (7.0, 0.5, 1.5, 0.002));
        assert!(whole[9].is_nan() && whole[12].is_nan(), "{whole:?}");
        hour.trades_fault = Some("11 of 12 bars of the hour".to_owned());
        let part = of(&hour);
        assert!(part[7].is_nan() && part[8].is_nan());
        assert_eq!(part[11], 1.5);
        hour.book_fault = Some("the book was not known for 3 s".to_owned());
        assert!(of(&hour)[7..].iter().all(|v| v.is_nan()));
    }
}
