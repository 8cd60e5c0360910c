//! What the small exchange trades, and how it writes it.

use serde_json::{Value, json};

use crate::domain::market::RawCandle;
use crate::domain::pair::{Interval, Pair, Venue};
use crate::domain::time::UtcMs;
use crate::kraken::link::{LinkPlan, PairListing};
use crate::kraken::wire::{Number, Stamp, ws};

/// A trade of the exchange: price in cents, quantity in units of 10^-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deal {
    pub id: u64,
    pub ns: i64,
    pub cents: i64,
    pub sats: i64,
}

pub fn pair(text: &str) -> Pair {
    text.parse().expect("pair")
}

pub fn decimal(value: i64, scale: u32) -> rust_decimal::Decimal {
    rust_decimal::Decimal::new(value, scale)
}

pub fn plain(value: i64, scale: u32) -> Value {
    serde_json::from_str(&decimal(value, scale).normalize().to_string()).expect("number")
}

pub fn plan(pairs: &[&str]) -> LinkPlan {
    LinkPlan {
        pairs: pairs.iter().map(|p| pair(p)).collect(),
        ticker: false,
        trades: true,
        books: Vec::new(),
        candles: Vec::new(),
        candles_from_trades: true,
        seed: 7,
    }
}

/// The candle that the deals make, as the rest of the program reads it.
pub fn expected(symbol: &str, minutes: u32, cell: &(i64, Vec<Deal>)) -> RawCandle {
    let row = ohlc(symbol, minutes, cell);
    let f = |n: Number| n.to_string().parse::<f64>().expect("float");
    RawCandle {
        pair: pair(symbol),
        venue: Venue::Kraken,
        interval: Interval(minutes),
        open_time: UtcMs(cell.0),
        open: f(row.open),
        high: f(row.high),
        low: f(row.low),
        close: f(row.close),
        volume: f(row.volume),
        trades: Some(row.trades),
    }
}

pub fn trade(symbol: &str, d: &Deal) -> ws::Trade {
    ws::Trade {
        symbol: symbol.to_owned(),
        side: ws::Side::Buy,
        price: Number(decimal(d.cents, 2)),
        qty: Number(decimal(d.sats, 8)),
        ord_type: "limit".to_owned(),
        trade_id: d.id,
        timestamp: Stamp(d.ns),
    }
}

pub fn deal_row(symbol: &str, d: &Deal) -> Value {
    json!({"symbol":symbol,"side":"buy","price":plain(d.cents, 2),"qty":plain(d.sats, 8),"ord_type":"limit","trade_id":d.id,
        "timestamp":Stamp(d.ns).to_string()})
}

pub fn ohlc(symbol: &str, minutes: u32, (start, deals): &(i64, Vec<Deal>)) -> ws::Ohlc {
    let price = |cents: Option<i64>| Number(decimal(cents.unwrap_or(0), 2));
    let traded = deals.iter().filter(|d| d.sats > 0).count();
    ws::Ohlc {
        symbol: symbol.to_owned(),
        open: price(deals.first().map(|d| d.cents)),
        high: price(deals.iter().map(|d| d.cents).max()),
        low: price(deals.iter().map(|d| d.cents).min()),
        close: price(deals.last().map(|d| d.cents)),
        vwap: price(deals.last().map(|d| d.cents)),
        trades: traded as u64,
        volume: Number(decimal(deals.iter().map(|d| d.sats).sum(), 8)),
        interval_begin: Stamp::from_ms(UtcMs(*start)),
        interval: minutes,
    }
}

pub fn ohlc_row(symbol: &str, minutes: u32, cell: &(i64, Vec<Deal>)) -> Value {
    let r = ohlc(symbol, minutes, cell);
    let v = |n: Number| -> Value { serde_json::from_str(&n.0.normalize().to_string()).expect("number") };
    json!({"symbol":symbol,"open":v(r.open),"high":v(r.high),"low":v(r.low),"close":v(r.close),"trades":r.trades,"volume":v(r.volume),
        "vwap":v(r.vwap),"interval_begin":r.interval_begin.to_string(),"interval":minutes,"timestamp":r.interval_begin.to_string()})
}

pub fn listing(pair: &Pair) -> PairListing {
    let number = |t: &str| t.parse().expect("number");
    PairListing {
        id: pair.file_stem(),
        altname: pair.file_stem(),
        wsname: pair.to_string(),
        pair: pair.clone(),
        status: ws::PairStatus::Online,
        price_decimals: 1,
        lot_decimals: 8,
        cost_decimals: 5,
        tick_size: number("0.1"),
        order_min: number("0.0001"),
        cost_min: None,
    }
}
