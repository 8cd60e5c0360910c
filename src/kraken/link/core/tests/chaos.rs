//! Everything at once, by seed: afterwards every trade was told once and in order, every proven candle equals the exchange's, and the
//! link is proven again. And any bytes at all are survived.

use proptest::prelude::*;

use super::model::{expected, pair, plan};
use super::rig::{Ev, Rig, START};
use crate::domain::pair::Interval;
use crate::domain::random::SplitMix64;
use crate::domain::time::UtcMs;
use crate::kraken::link::{ConnId, Input, LinkEvent, LinkSettings, RestId, RestTrouble};

const SYMBOLS: [&str; 3] = ["BTC/USD", "ETH/USD", "SOL/USD"];

fn everything(from_trades: bool) -> Rig {
    let mut plan = plan(&SYMBOLS);
    plan.ticker = true;
    plan.books = SYMBOLS.iter().map(|s| (pair(s), 10)).collect();
    plan.candles = SYMBOLS.iter().map(|s| (pair(s), Interval(1))).collect();
    plan.candles_from_trades = from_trades;
    let mut rig = Rig::new(plan, LinkSettings::default());
    for symbol in SYMBOLS {
        rig.books.insert(symbol.to_owned(), ([(990, 5), (999, 6)].into(), [(1_001, 7), (1_010, 8)].into()));
        rig.deal(symbol, true);
    }
    rig
}

/// One mishap or ordinary event.
fn happen(rig: &mut Rig, random: &mut SplitMix64) {
    let symbol = SYMBOLS[random.below(3)];
    match random.below(400) {
        0 => rig.cut("chaos"),
        1 => {
            let conns: Vec<ConnId> = rig.conns.keys().copied().collect();
            if let Some(conn) = conns.first().and_then(|_| conns.get(random.below(conns.len()))) {
                rig.conns.get_mut(conn).expect("it").mute = true;
            }
        }
        2 => {
            let conns: Vec<ConnId> = rig.conns.keys().copied().collect();
            for conn in conns {
                rig.at(5, Ev::Frame(conn, b"<html>bad gateway</html>".to_vec()));
            }
        }
        3 => rig.rest_down = Some(RestTrouble { retry_after_ms: Some(2_000), text: "HTTP 520".to_owned() }),
        4..=8 => rig.rest_down = None,
        9 => rig.refuse = Some("refused".to_owned()),
        10..=14 => rig.refuse = None,
        15 => rig.rest_lag_ms = 3_000,
        16..=20 => rig.rest_lag_ms = 0,
        21 => {
            rig.drop_acks.insert(format!("trade {symbol}"), 1);
            rig.drop_pictures.insert(format!("book {symbol}"), 1);
        }
        22..=30 => {
            // swapped and repeated
            let (a, b) = (rig.deal(symbol, true), rig.deal(symbol, true));
            [b, a, b].iter().for_each(|d| rig.tell(symbol, d));
        }
        // a frame that the exchange never sent shows with the next one
        31..=38 => {
            rig.deal(symbol, true);
            rig.deal(symbol, false);
        }
        39..=44 => rig.change(symbol, &[(990 + random.below(10) as u64, 1 + random.below(50) as u64)], &[], true),
        45..=200 => rig.change(symbol, &[(990 + random.below(10) as u64, 1 + random.below(50) as u64)], &[], false),
        201..=330 => {
            rig.deal(symbol, false);
        }
        _ => {}
    }
}

fn storm(seed: u64, from_trades: bool) -> Rig {
    let mut rig = everything(from_trades);
    let mut random = SplitMix64::new(&[seed]);
    rig.run(4_000);
    for _ in 0..4_000 {
        happen(&mut rig, &mut random);
        rig.run(random.below(700) as i64);
    }
    (rig.refuse, rig.rest_down, rig.rest_lag_ms) = (None, None, 0);
    // after the storm one trade and one change each show what is missing; then two quiet minutes
    rig.run(60_000);
    for symbol in SYMBOLS {
        rig.deal(symbol, false);
        rig.change(symbol, &[(995, 77)], &[], false);
    }
    rig.run(180_000);
    rig
}

fn check(rig: &Rig, seed: u64, from_trades: bool) {
    for symbol in SYMBOLS {
        let deals = &rig.deals[symbol];
        let told = rig.trades(symbol);
        let first = *told.first().expect("trades");
        let meant: Vec<u64> = (first..=deals.last().expect("deals").id).collect();
        assert_eq!(told, meant, "seed {seed} {symbol}");
        if from_trades {
            assert_eq!(first, 1_000, "the candle's first trade");
        }
        let cells = rig.candles(symbol, 1);
        let candles = rig.told_candles(symbol, 1);
        let times: Vec<i64> = candles.iter().map(|(c, _)| c.open_time.0).collect();
        let over = (rig.now - 3_000) / 60_000 * 60_000;
        let meant: Vec<i64> = cells.iter().map(|c| c.0).filter(|s| *s >= START && *s < over).collect();
        assert_eq!(times, meant, "seed {seed} {symbol}: every candle once, in order");
        for (candle, proven) in &candles {
            let cell = cells.iter().find(|c| c.0 == candle.open_time.0).expect("a cell");
            assert!(*proven, "seed {seed} {symbol} {}", candle.open_time);
            assert_eq!(*candle, expected(symbol, 1, cell), "seed {seed} {symbol} {}", candle.open_time);
        }
        assert!(rig.proven(symbol), "seed {seed} {symbol}: {:?}", rig.doubts(symbol).last());
        let (bids, asks) = &rig.books[symbol];
        let status = rig.core.status(UtcMs(rig.now));
        let book = status.pairs.iter().find(|p| p.pair.as_str() == symbol).expect("pair");
        let best = |level: Option<(&u64, &u64)>| level.map(|(p, q)| (*p, *q));
        let ticks = |n: Option<(crate::kraken::wire::Number, crate::kraken::wire::Number)>| {
            n.map(|(p, q)| {
                (
                    (p.0 * rust_decimal::Decimal::from(10)).try_into().expect("ticks"),
                    (q.0 * rust_decimal::Decimal::from(100_000_000)).try_into().expect("ticks"),
                )
            })
        };
        assert_eq!(ticks(book.bid), best(bids.last_key_value()), "seed {seed}");
        assert_eq!(ticks(book.ask), best(asks.first_key_value()), "seed {seed}");
    }
    let connects = &rig.connects;
    let within = |n: usize| connects[n..].iter().take_while(|l| **l - connects[n] < 600_000).count();
    assert!((0..connects.len()).all(|n| within(n) <= 120));
}

#[test]
fn storms_leave_no_hole_no_repeat_and_no_false_proof() {
    for seed in 0..6 {
        for from_trades in [true, false] {
            check(&storm(seed, from_trades), seed, from_trades);
        }
    }
}

#[test]
fn the_same_storm_gives_the_same_outputs() {
    let (a, b) = (storm(99, true), storm(99, true));
    assert_eq!(a.events, b.events);
    assert_eq!(
        a.sent.iter().map(|s| s.2.to_string()).collect::<Vec<_>>(),
        b.sent.iter().map(|s| s.2.to_string()).collect::<Vec<_>>()
    );
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":1,"qty":1,"ord_type":"limit","trade_id":7,"timestamp":"2026-05-01T10:00:01Z"}]}"#,
        r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":1,"qty":0}],"asks":[],"checksum":1,"timestamp":"2026-05-01T10:00:01.000000Z"}]}"#,
        r#"{"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD","open":1,"high":1,"low":1,"close":1,"trades":1,"volume":1,"vwap":1,"interval_begin":"2026-05-01T10:00:00Z","interval":1}]}"#,
        r#"{"method":"subscribe","error":"Currency pair not supported BTC/USD","success":false,"symbol":"BTC/USD"}"#,
        r#"{"method":"pong"}"#,
        r#"{"channel":"status","type":"update","data":[{"system":"sleeping","api_version":"v2"}]}"#,
        r#"{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[]}}"#,
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        (0..known.len(), 0_usize..400, any::<u8>()).prop_map(move |(n, at, byte)| {
            let mut bytes = known[n].as_bytes().to_vec();
            if let Some(slot) = bytes.get_mut(at) {
                *slot = byte;
            }
            bytes
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_are_survived_and_the_link_heals(frames in proptest::collection::vec((frame(), any::<bool>(), -5_000_i64..5_000), 1..20)) {
        let mut rig = everything(true);
        rig.run(3_000);
        for (bytes, stray, shift) in frames {
            let conns: Vec<ConnId> = rig.conns.keys().copied().collect();
            let conn = if stray { ConnId(999) } else { conns.first().copied().unwrap_or(ConnId(1)) };
            let (now, id) = (rig.now, RestId(u64::from(bytes.first().copied().unwrap_or(0))));
            rig.now += shift;
            rig.input(Input::Answer(id, Err(RestTrouble { retry_after_ms: Some(1), text: String::new() })));
            rig.now = now;
            rig.input(Input::Frame(conn, &bytes));
            rig.run(100);
            let status = rig.core.status(UtcMs(rig.now));
            for pair in &status.pairs {
                // what was told last is what the status says
                prop_assert_eq!(rig.doubts(pair.pair.as_str()).last().cloned().flatten(), pair.doubt.clone());
            }
        }
        let nothing_lost = rig.events.iter().all(|(_, e)| !matches!(e, LinkEvent::Trade { trade, .. } if trade.trade_id < 1_000));
        prop_assert!(nothing_lost || rig.notes().iter().any(|n| n.contains("start")));
    }
}
