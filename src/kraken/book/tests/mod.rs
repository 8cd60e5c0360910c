//! Books against the exchange's vectors, recorded sessions and a simple model; the fast way against the decoder.

mod equal_ways;
mod faults;
mod model;
mod recorded;
mod vectors;

use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{Book, BookFault, BookSide, Precision};
use crate::kraken::wire::Number;
use crate::kraken::wire::ws::{BookRows, Level};

pub(super) fn number(text: &str) -> Number {
    text.parse().expect(text)
}

/// Rows from texts like `45285.2/0.001 45286.4/1.5`.
pub(super) fn rows(bids: &str, asks: &str, checksum: u32) -> BookRows {
    let levels = |text: &str| {
        let level = |pair: &str| {
            let (price, qty) = pair.split_once('/').expect("price/qty");
            Level { price: number(price), qty: number(qty) }
        };
        text.split_whitespace().map(level).collect()
    };
    BookRows { symbol: "A/B".to_owned(), bids: levels(bids), asks: levels(asks), checksum, timestamp: None }
}

/// The checksum's rule on texts: numbers at full precision, without dot and leading zeros.
pub(super) fn naive_crc<'a>(
    asks: impl Iterator<Item = (&'a str, &'a str)>,
    bids: impl Iterator<Item = (&'a str, &'a str)>,
) -> u32 {
    let digits = |text: &str| text.replace('.', "").trim_start_matches('0').to_owned();
    let level = |(price, qty): (&str, &str)| digits(price) + &digits(qty);
    let text: String = asks.take(10).map(level).chain(bids.take(10).map(level)).collect();
    crc32fast::hash(text.as_bytes())
}

/// The simplest book that follows the rules.
#[derive(Debug, Default)]
pub(super) struct Model {
    bids: BTreeMap<u64, u64>,
    asks: BTreeMap<u64, u64>,
    ready: bool,
}

/// One frame in ticks.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub snapshot: bool,
    pub bids: Vec<(u64, u64)>,
    pub asks: Vec<(u64, u64)>,
    /// Added to the right checksum.
    pub off: u32,
}

/// Frames whose sides sometimes cross and whose checksums are sometimes wrong; prices repeat, also within a frame.
pub(super) fn told() -> impl Strategy<Value = Vec<Told>> {
    let qty = || prop_oneof![2 => Just(0_u64), 5 => 1_u64..10_000_000_000];
    let bids = prop::collection::vec((0_u64..41, qty()), 0..9);
    let asks = prop::collection::vec((40_u64..80, qty()), 0..9);
    let off = prop_oneof![60 => Just(0_u32), 1 => 1_u32..9];
    let frame = (prop::bool::weighted(0.1), bids, asks, off);
    prop::collection::vec(frame.prop_map(|(snapshot, bids, asks, off)| Told { snapshot, bids, asks, off }), 1..40)
}

fn text(ticks: u64, decimals: u32) -> String {
    Decimal::from_i128_with_scale(i128::from(ticks), decimals).to_string()
}

impl Model {
    pub fn levels(&self, side: BookSide) -> Vec<(u64, u64)> {
        match side {
            BookSide::Bids => self.bids.iter().rev().map(|(p, q)| (*p, *q)).collect(),
            BookSide::Asks => self.asks.iter().map(|(p, q)| (*p, *q)).collect(),
        }
    }

    pub fn crc(&self, precision: Precision) -> u32 {
        let texts = |side| -> Vec<(String, String)> {
            let level = |(p, q)| (text(p, precision.price), text(q, precision.qty));
            self.levels(side).into_iter().map(level).collect()
        };
        let (asks, bids) = (texts(BookSide::Asks), texts(BookSide::Bids));
        naive_crc(
            asks.iter().map(|(p, q)| (p.as_str(), q.as_str())),
            bids.iter().map(|(p, q)| (p.as_str(), q.as_str())),
        )
    }

    /// Applies a frame; the checksum that the exchange would have sent, and what must come of it.
    pub fn apply(&mut self, told: &Told, depth: usize, precision: Precision) -> (u32, Result<bool, BookFault>) {
        let top = |model: &Self| [BookSide::Bids, BookSide::Asks].map(|side| model.levels(side).first().copied());
        let before = top(self);
        if told.snapshot {
            *self = Self { ready: true, ..Self::default() };
        }
        if !self.ready {
            return (0, Err(BookFault::NoSnapshot));
        }
        for (side, changes) in [(&mut self.bids, &told.bids), (&mut self.asks, &told.asks)] {
            for (price, qty) in changes {
                side.remove(price);
                if *qty > 0 {
                    side.insert(*price, *qty);
                }
            }
        }
        while self.bids.len() > depth {
            self.bids.pop_first();
        }
        while self.asks.len() > depth {
            self.asks.pop_last();
        }
        let got = self.crc(precision);
        let expected = got.wrapping_add(told.off);
        let price = |ticks: u64| number(&text(ticks, precision.price));
        let result = match top(self) {
            _ if told.off != 0 => Err(BookFault::Checksum { expected, got }),
            [Some((bid, _)), Some((ask, _))] if bid >= ask => {
                Err(BookFault::Crossed { bid: price(bid), ask: price(ask) })
            }
            after => Ok(after != before),
        };
        if result.is_err() {
            *self = Self::default();
        }
        (expected, result)
    }
}

/// The frame as rows.
pub(super) fn as_rows(told: &Told, checksum: u32, precision: Precision) -> BookRows {
    let levels = |side: &[(u64, u64)]| {
        let level = |(p, q): &(u64, u64)| Level {
            price: number(&text(*p, precision.price)),
            qty: number(&text(*q, precision.qty)),
        };
        side.iter().map(level).collect()
    };
    BookRows { symbol: "A/B".to_owned(), bids: levels(&told.bids), asks: levels(&told.asks), checksum, timestamp: None }
}

/// Rows as the exchange writes them.
pub(super) fn as_frame(snapshot: bool, rows: &BookRows) -> String {
    let levels = |side: &[Level]| {
        let level = |l: &Level| format!("{{\"price\":{},\"qty\":{}}}", l.price, l.qty);
        side.iter().map(level).collect::<Vec<_>>().join(",")
    };
    let at = rows.timestamp.map(|at| format!(",\"timestamp\":\"{at}\"")).unwrap_or_default();
    format!(
        "{{\"channel\":\"book\",\"type\":\"{}\",\"data\":[{{\"symbol\":\"{}\",\"bids\":[{}],\"asks\":[{}],\"checksum\":{}{at}}}]}}",
        if snapshot { "snapshot" } else { "update" },
        rows.symbol,
        levels(&rows.bids),
        levels(&rows.asks),
        rows.checksum,
    )
}

/// Applies rows to a book as a snapshot or an update.
pub(super) fn give(book: &mut Book, snapshot: bool, rows: &BookRows) -> Result<bool, BookFault> {
    if snapshot { book.snapshot(rows) } else { book.update(rows) }
}
