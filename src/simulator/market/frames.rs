//! The frames of the public channels, written key by key in the order of recorded ones.

use super::candles::Bar;
use super::feed::Level;
use super::history::Row;
use super::text::{Style, number, stamp_ns, stamp_us, whole};
use super::units::{Amt, Px};

/// First frame of a subscription, or a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Snapshot,
    Update,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Update => "update",
        }
    }
}

/// Opens a frame up to its data.
fn open(channel: &str, kind: Kind, capacity: usize) -> String {
    let mut text = String::with_capacity(capacity);
    for part in [r#"{"channel":""#, channel, r#"","type":""#, kind.as_str(), r#"","#] {
        text.push_str(part);
    }
    text
}

fn symbol_key(text: &mut String, symbol: &str) {
    text.push_str(r#"{"symbol":""#);
    text.push_str(symbol);
    text.push('"');
}

/// `,"key":` followed by a price.
fn price_key(text: &mut String, key: &str, price: Px, style: Style) {
    text.push_str(key);
    style.price(text, price);
}

/// `trade`: rows of one pair, oldest first.
pub fn trades(kind: Kind, symbol: &str, rows: &[Row], style: Style) -> String {
    let mut text = open("trade", kind, rows.len().saturating_mul(180).saturating_add(64));
    text.push_str(r#""data":["#);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        symbol_key(&mut text, symbol);
        text.push_str(r#","side":""#);
        text.push_str(row.taker.as_str());
        price_key(&mut text, r#"","price":"#, row.price, style);
        text.push_str(r#","qty":"#);
        style.qty(&mut text, row.qty);
        text.push_str(if row.market {
            r#","ord_type":"market","trade_id":"#
        } else {
            r#","ord_type":"limit","trade_id":"#
        });
        whole(&mut text, row.id);
        text.push_str(r#","timestamp":""#);
        stamp_us(&mut text, row.at);
        text.push_str("\"}");
    }
    text.push_str("]}");
    text
}

/// `ohlc`: candles of one pair and interval, oldest first. `at` is when the frame is made.
pub fn candles(kind: Kind, symbol: &str, minutes: u32, bars: &[Bar], at: i64, style: Style) -> String {
    let step = i64::from(minutes).saturating_mul(super::candles::MINUTE_NS);
    let mut text = open("ohlc", kind, bars.len().saturating_mul(300).saturating_add(110));
    text.push_str(r#""timestamp":""#);
    stamp_ns(&mut text, at);
    text.push_str(r#"","data":["#);
    for (index, bar) in bars.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        symbol_key(&mut text, symbol);
        price_key(&mut text, r#","open":"#, bar.open, style);
        price_key(&mut text, r#","high":"#, bar.high, style);
        price_key(&mut text, r#","low":"#, bar.low, style);
        price_key(&mut text, r#","close":"#, bar.close, style);
        text.push_str(r#","trades":"#);
        whole(&mut text, bar.count);
        text.push_str(r#","volume":"#);
        style.qty(&mut text, bar.volume);
        text.push_str(r#","vwap":"#);
        number(&mut text, bar.vwap(), style.scale.price, style.price_least);
        text.push_str(r#","interval_begin":""#);
        stamp_ns(&mut text, bar.begin);
        text.push_str(r#"","interval":"#);
        whole(&mut text, u64::from(minutes));
        text.push_str(r#","timestamp":""#);
        stamp_us(&mut text, bar.begin.saturating_add(step));
        text.push_str("\"}");
    }
    text.push_str("]}");
    text
}

/// Numbers of a ticker frame; the sums are those of the last 24 hours.
#[derive(Debug, Clone, Copy)]
pub struct TickerView {
    pub bid: Level,
    pub ask: Level,
    pub last: Px,
    pub volume: Amt,
    pub vwap: Amt,
    pub low: Px,
    pub high: Px,
    /// Price 24 hours ago.
    pub reference: Px,
    pub at: i64,
}

/// `ticker`.
pub fn ticker(kind: Kind, symbol: &str, view: &TickerView, style: Style) -> String {
    let mut text = open("ticker", kind, 420);
    text.push_str(r#""data":["#);
    symbol_key(&mut text, symbol);
    price_key(&mut text, r#","bid":"#, view.bid.0, style);
    text.push_str(r#","bid_qty":"#);
    style.qty(&mut text, view.bid.1);
    price_key(&mut text, r#","ask":"#, view.ask.0, style);
    text.push_str(r#","ask_qty":"#);
    style.qty(&mut text, view.ask.1);
    price_key(&mut text, r#","last":"#, view.last, style);
    text.push_str(r#","volume":"#);
    style.qty(&mut text, view.volume);
    text.push_str(r#","vwap":"#);
    number(&mut text, view.vwap, style.scale.price, style.price_least);
    price_key(&mut text, r#","low":"#, view.low, style);
    price_key(&mut text, r#","high":"#, view.high, style);
    let change = view.last.saturating_sub(view.reference);
    price_key(&mut text, r#","change":"#, change, style);
    text.push_str(r#","change_pct":"#);
    number(&mut text, percent(change, view.reference), 2, if style.price_least > 0 { 2 } else { 0 });
    text.push_str(r#","timestamp":""#);
    stamp_us(&mut text, view.at);
    text.push_str("\"}]}");
    text
}

/// `part` of `whole` in hundredths of a percent, rounded half away from zero; 0 of nothing.
fn percent(part: Px, whole: Px) -> i128 {
    let size = super::units::div_round(i128::from(part.unsigned_abs()).saturating_mul(10_000), i128::from(whole));
    if part < 0 { -size } else { size }
}

/// `book`: levels of one pair in the order in which they are to be applied.
pub fn book(kind: Kind, symbol: &str, bids: &[Level], asks: &[Level], checksum: u32, at: i64, style: Style) -> String {
    let levels = bids.len().saturating_add(asks.len());
    let mut text = open("book", kind, levels.saturating_mul(44).saturating_add(180));
    text.push_str(r#""data":["#);
    symbol_key(&mut text, symbol);
    for (key, side) in [(r#","bids":["#, bids), (r#"],"asks":["#, asks)] {
        text.push_str(key);
        for (index, (price, qty)) in side.iter().enumerate() {
            price_key(&mut text, if index > 0 { r#",{"price":"# } else { r#"{"price":"# }, *price, style);
            text.push_str(r#","qty":"#);
            style.qty(&mut text, *qty);
            text.push('}');
        }
    }
    text.push_str(r#"],"checksum":"#);
    whole(&mut text, u64::from(checksum));
    text.push_str(r#","timestamp":""#);
    stamp_us(&mut text, at);
    text.push_str("\"}]}");
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::simulator::market::units::Scale;
    use crate::simulator::protocol::Side;

    const BTC: Style = Style { scale: Scale { price: 1, qty: 8 }, price_least: 0, qty_least: 0 };

    /// A recorded frame without its white space; numbers stay as written.
    fn recorded(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    /// Keys in the order in which they appear.
    fn keys(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for part in text.split("\":").collect::<Vec<_>>().iter().rev().skip(1).rev() {
            let key = part.rsplit('"').next().unwrap().to_owned();
            if !found.contains(&key) {
                found.push(key);
            }
        }
        found
    }

    macro_rules! fixture {
        ($name:literal) => {
            recorded(include_str!(concat!(
                "../../../tests/fixtures/kraken/kraken_async_rs/kraken_wss_client__test_",
                $name,
                ".json"
            )))
        };
    }

    #[test]
    fn a_trade_frame_is_the_recorded_one_to_the_letter() {
        let row = |id, qty| Row {
            at: 1_716_813_791_798_009_000,
            cursor: 0,
            price: 685_000,
            qty,
            id,
            taker: Side::Buy,
            market: false,
        };
        let rows = [row(70_635_299, 1_044_926), row(70_635_300, 483_192)];
        let keeping = Style { price_least: 1, qty_least: 8, ..BTC };
        assert_eq!(trades(Kind::Update, "BTC/USD", &rows, keeping), fixture!("trade_update"));
        assert!(trades(Kind::Update, "BTC/USD", &rows, BTC).contains(r#""price":68500,"qty":0.01044926,"#));
        assert_eq!(trades(Kind::Snapshot, "BTC/USD", &[], BTC), r#"{"channel":"trade","type":"snapshot","data":[]}"#);
    }

    #[test]
    fn a_candle_frame_is_the_recorded_one_to_the_letter() {
        let bar = |minute: i64, [open, high, low, close]: [Px; 4], count, volume: Amt, vwap: Amt| Bar {
            begin: 1_715_944_320_000_000_000 + minute * super::super::candles::MINUTE_NS,
            open,
            high,
            low,
            close,
            volume,
            cost: vwap * volume,
            count,
        };
        let bars = [
            bar(0, [302_780, 302_780, 302_613, 302_613], 9, 1_331_603_062, 302_701),
            bar(1, [302_646, 302_647, 302_646, 302_647], 4, 214_044_498, 302_646),
        ];
        let eth = Style { scale: Scale { price: 2, qty: 8 }, price_least: 2, qty_least: 8 };
        let ours = candles(Kind::Snapshot, "ETH/USD", 1, &bars, 1_715_944_876_318_303_322, eth);
        assert_eq!(ours, fixture!("candles_snapshot"));
    }

    #[test]
    fn a_book_update_is_the_recorded_one_to_the_letter() {
        let bids = [(667_865, 0), (667_845, 1_470_022), (667_877, 12_440_000)];
        let keeping = Style { price_least: 1, qty_least: 8, ..BTC };
        let at = 1_716_137_124_204_654_000;
        assert_eq!(book(Kind::Update, "BTC/USD", &bids, &[], 902_440_905, at, keeping), fixture!("book_update"));
        assert!(book(Kind::Update, "BTC/USD", &bids, &[], 1, at, BTC).contains(r#"{"price":66787.7,"qty":0.1244}"#));
    }

    #[test]
    fn a_ticker_frame_has_the_recorded_numbers_and_keys() {
        let view = TickerView {
            bid: (658_437, 1_231_628_629),
            ask: (658_438, 31_232_000),
            last: 658_437,
            volume: 418_259_447_976,
            vwap: 642_234,
            low: 613_254,
            high: 664_500,
            reference: 658_437 - 42_138,
            at: 1_716_137_124_204_654_000,
        };
        let ours = ticker(Kind::Update, "BTC/USD", &view, BTC);
        let theirs = fixture!("ticker_update");
        let mut expected = keys(&theirs);
        expected.push("timestamp".to_owned());
        assert_eq!(keys(&ours), expected);
        let (ours, theirs): (Value, Value) =
            (serde_json::from_str(&ours).unwrap(), serde_json::from_str(&theirs).unwrap());
        for (key, value) in theirs["data"][0].as_object().unwrap() {
            let same = ours["data"][0][key] == *value || ours["data"][0][key].as_f64() == value.as_f64();
            assert!(same, "{key}: {} is not {value}", ours["data"][0][key]);
        }
    }

    #[test]
    fn percentages_are_rounded_and_signed() {
        assert_eq!((percent(1, 3), percent(-2, 3), percent(5, 0), percent(0, 7)), (3_333, -6_667, 0, 0));
    }
}
