mod books;
mod candle_tapes;
mod recorded;
mod rest;
mod stream;

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;
use crate::simulator::protocol::{Params, Side, TapeTrade};

pub const SECOND: i64 = 1_000_000_000;
pub const MINUTE: i64 = 60 * SECOND;
/// 2024-07-17T00:00:00Z
pub const START: i64 = 1_721_174_400 * SECOND;

pub fn dec(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap()
}

pub fn listing() -> Arc<Listing> {
    Arc::new(Listing::bundled().unwrap())
}

pub fn data(start: i64) -> MarketData {
    MarketData { listing: listing(), trades: vec![], candles: vec![], books: vec![], start: SimNs(start) }
}

pub fn trade(symbol: &str, id: u64, at: i64, price: &str, qty: &str, taker: Side) -> TapeTrade {
    TapeTrade { symbol: symbol.into(), id, at: SimNs(at), price: dec(price), qty: dec(qty), taker, market: false }
}

pub fn tape(symbol: &str, trades: Vec<TapeTrade>) -> Tape {
    Tape { symbol: symbol.into(), trades: trades.into(), synthetic: false }
}

/// Synthetic trades of these pairs; the clock starts after `history` hours of them.
pub fn made_up(symbols: &[&str], history: i64, hours: u32, seed: u64, options: MarketOptions) -> Market {
    let mut all = data(START + history * 3_600 * SECOND);
    let symbols: Vec<Symbol> = symbols.iter().map(|s| (*s).into()).collect();
    all.trades = synthetic::trades(&all.listing, &symbols, SimNs(START), hours, 4_000, seed).unwrap();
    Market::new(all, options).unwrap()
}

pub fn params(pairs: &[(&str, &str)]) -> Params {
    Params(pairs.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect())
}

pub fn ask(market: &mut Market, call: &str, pairs: &[(&str, &str)]) -> Value {
    let now = market.now();
    market.rest(now, call, &params(pairs)).unwrap().unwrap()
}

pub fn topics(symbol: &str) -> Vec<Topic> {
    let symbol: Symbol = symbol.into();
    let mut all = vec![
        Topic::Trade { symbol: symbol.clone() },
        Topic::Ticker { symbol: symbol.clone(), bbo: false },
        Topic::Ticker { symbol: symbol.clone(), bbo: true },
    ];
    all.extend(DEPTHS.map(|depth| Topic::Book { symbol: symbol.clone(), depth }));
    all.extend(INTERVALS.map(|interval| Topic::Ohlc { symbol: symbol.clone(), interval }));
    all
}

pub fn book_topic(symbol: &str, depth: u32) -> Topic {
    Topic::Book { symbol: symbol.into(), depth }
}

pub fn digest(market: &Market) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    market.state_hash(&mut |bytes| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    });
    hash
}

/// The frames of one topic, in order.
pub fn frames_of(events: &[MarketEvent], topic: &Topic) -> Vec<Value> {
    let text = |e: &MarketEvent| match e {
        MarketEvent::Frame { topic: t, text } if t == topic => Some(serde_json::from_str(text).unwrap()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

pub fn step(market: &mut Market, to: i64) -> Vec<MarketEvent> {
    let mut out = Vec::new();
    market.step_to(SimNs(to), &mut out);
    out
}

/// What a careful client of a book feed does: apply in order, cut, compare the checksum with one of its own making.
#[derive(Debug)]
pub struct BookClient {
    pub depth: usize,
    pub bids: BTreeMap<Decimal, Decimal>,
    pub asks: BTreeMap<Decimal, Decimal>,
    pub updates: usize,
    pub twice: usize,
    pub wrong: usize,
    pub crossed: usize,
}

/// A number as it stands in the text, without a float in between.
fn exact(level: &str, key: &str) -> Decimal {
    let rest = level.split_once(&format!("\"{key}\":")).unwrap().1;
    dec(rest.split([',', '}']).next().unwrap())
}

impl BookClient {
    pub fn new(depth: usize) -> Self {
        let (bids, asks) = (BTreeMap::new(), BTreeMap::new());
        Self { depth, bids, asks, updates: 0, twice: 0, wrong: 0, crossed: 0 }
    }

    pub fn take(&mut self, info: &crate::simulator::listing::PairInfo, text: &str) {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value["data"][0]["symbol"], *info.symbol);
        if value["type"] == "snapshot" {
            self.bids.clear();
            self.asks.clear();
        } else {
            self.updates += 1;
        }
        let part =
            |key: &str| text.split_once(&format!("\"{key}\":[")).unwrap().1.split_once(']').unwrap().0.to_owned();
        for (key, book) in [("bids", &mut self.bids), ("asks", &mut self.asks)] {
            let mut seen = Vec::new();
            for level in part(key).split("},{").filter(|t| !t.is_empty()) {
                let (price, qty) = (exact(level, "price"), exact(level, "qty"));
                self.twice += usize::from(seen.contains(&price));
                seen.push(price);
                if qty.is_zero() {
                    book.remove(&price)
                } else {
                    book.insert(price, qty)
                };
            }
        }
        while self.bids.len() > self.depth {
            self.bids.pop_first();
        }
        while self.asks.len() > self.depth {
            self.asks.pop_last();
        }
        let crossed = self.bids.last_key_value().zip(self.asks.first_key_value()).is_some_and(|(b, a)| b.0 >= a.0);
        self.crossed += usize::from(crossed);
        self.wrong += usize::from(value["data"][0]["checksum"].as_u64().unwrap() != u64::from(self.checksum(info)));
    }

    fn checksum(&self, info: &crate::simulator::listing::PairInfo) -> u32 {
        let mut text = String::new();
        let mut add = |(price, qty): (&Decimal, &Decimal)| {
            for (n, decimals) in [(price, info.pair_decimals), (qty, info.lot_decimals)] {
                let padded = format!("{n:.*}", decimals as usize).replace('.', "");
                text.push_str(padded.trim_start_matches('0'));
            }
        };
        self.asks.iter().take(10).for_each(&mut add);
        self.bids.iter().rev().take(10).for_each(&mut add);
        crc32fast::hash(text.as_bytes())
    }

    /// The book as the market itself has it.
    pub fn equals(&self, market: &Market, symbol: &str) -> bool {
        let side = |side| market.external_levels(symbol, side).take(self.depth).collect::<Vec<_>>();
        let own = |b: (&Decimal, &Decimal)| (*b.0, *b.1);
        side(Side::Buy) == self.bids.iter().rev().map(own).collect::<Vec<_>>()
            && side(Side::Sell) == self.asks.iter().map(own).collect::<Vec<_>>()
    }
}
