//! Pairs with walks of their own, the same for every test of this folder.

use super::history::{History, Hour};
use crate::domain::flow::{BookClose, BookFlow, FlowHour, Parent, TradeFlow};
use crate::domain::random::SplitMix64;
use crate::domain::time::HOUR_MS;
use crate::domain::{Bar, Pair, UtcMs};

pub(super) const NAMES: [&str; 7] = ["ETH/USD", "BTC/USD", "SOL/USD", "XRP/USD", "LTC/USD", "DOGE/USD", "PEPE/USD"];

pub(super) fn pairs(names: &[&str]) -> Vec<Pair> {
    names.iter().map(|n| n.parse().unwrap()).collect()
}

fn seed(name: &str) -> u64 {
    name.bytes().map(u64::from).sum()
}

fn noise(name: &str, hour: i64) -> f64 {
    SplitMix64::new(&[seed(name), hour as u64]).unit() - 0.5
}

/// The bar of an hour: waves of the pair's own with noise on them.
pub(super) fn bar(name: &str, hour: i64) -> Bar {
    let phase = seed(name) as f64;
    let level = |h: i64| 100.0 * (0.1 * (h as f64 / 40.0 + phase).sin() + 0.01 * noise(name, h)).exp();
    let (open, close) = (level(hour - 1), level(hour));
    let reach = 1.0 + 0.003 * noise(name, hour + 1).abs();
    Bar {
        open_time: UtcMs(hour * HOUR_MS),
        open,
        high: open.max(close) * reach,
        low: open.min(close) / reach,
        close,
        volume: 10.0 + noise(name, hour + 2),
    }
}

/// The order flow of an hour, whole.
pub(super) fn flow(name: &str, hour: i64) -> FlowHour {
    let x = |n: i64| noise(name, hour + n);
    let close = BookClose {
        bid: 99.0,
        ask: 101.0,
        imbalance_1: x(1),
        imbalance_5: x(2),
        imbalance_10: x(3),
        imbalance_weighted: x(4),
        microprice: 100.0 + x(5),
    };
    let parent = Parent {
        side: crate::domain::Side::Buy,
        begin: UtcMs(0),
        end: UtcMs(0),
        prints: 3,
        qty: 1.0,
        quote: 100.0 + x(12),
        first_price: 100.0,
        last_price: 100.0,
    };
    let trades = TradeFlow {
        count: (100.0 + 50.0 * x(6)) as u64,
        buy_volume: 5.0 + x(7),
        sell_volume: 5.0 + x(8),
        quote_volume: 1_000.0,
        vpin: Some(0.5 + x(9)),
        largest_parent: Some(parent),
        ..TradeFlow::default()
    };
    let book = BookFlow {
        events: 10,
        ofi: x(10),
        depth: 30.0,
        two_sided_ms: 1_000,
        spread_ms: 1.0 + x(11),
        close: Some(close),
        ..BookFlow::default()
    };
    FlowHour {
        bars: 12,
        bars_expected: 12,
        trades: Some(trades),
        book: Some(book),
        trades_fault: None,
        book_fault: None,
    }
}

/// Hours `0..hours` of every pair, with order flow; the second pair has a hole after a while.
pub(super) fn histories(names: &[&str], hours: i64) -> Vec<History> {
    let hour = |i: usize, name: &str, h: i64| Hour {
        end: UtcMs((h + 1) * HOUR_MS),
        bar: (i != 2 || h != 30).then(|| bar(name, h)),
        flow: Some(flow(name, h)),
    };
    let history = |(i, name): (usize, &&str)| History {
        pair: name.parse().unwrap(),
        hours: (0..hours).map(|h| hour(i, name, h)).collect(),
    };
    names.iter().enumerate().map(history).collect()
}
