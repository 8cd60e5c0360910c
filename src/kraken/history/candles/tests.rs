//! Recorded trades against recorded candles of the same hours; borders, repeats and quiet minutes by hand.

use proptest::prelude::*;

use super::*;
use crate::domain::time::MINUTE_MS;
use crate::kraken::wire::Stamp;
use crate::kraken::wire::rest::history::{Ohlc, OhlcRow, Trades};
use crate::kraken::wire::rest::read;

const TRADES: &str = include_str!("../../../../tests/fixtures/kraken/nautilus/http_trades.json");
const CANDLES: &str = include_str!("../../../../tests/fixtures/kraken/nautilus/http_ohlc.json");

fn trade(id: u64, ms: i64, price: &str, qty: &str) -> ws::Trade {
    ws::Trade {
        symbol: "BTC/USD".to_owned(),
        side: ws::Side::Buy,
        price: price.parse().expect("a price"),
        qty: qty.parse().expect("a quantity"),
        ord_type: "limit".to_owned(),
        trade_id: id,
        timestamp: Stamp::from_ms(UtcMs(ms)),
    }
}

#[test]
fn recorded_trades_give_the_recorded_candles() {
    let trades = read::<Trades>("Trades", 200, TRADES.as_bytes()).expect("trades").value;
    let candles = read::<Ohlc>("OHLC", 200, CANDLES.as_bytes()).expect("candles").value;
    let listed: std::collections::BTreeMap<UtcMs, OhlcRow> =
        candles.rows.into_iter().map(|row| (row.open_time.ms(), row)).collect();
    let mut builder = CandleBuilder::new(1);
    let mut built = Vec::new();
    for row in trades.rows {
        let row = row.to_ws("BTC/USDT");
        built.extend(builder.close_until(row.timestamp.ms()));
        assert_eq!(builder.push(&row), Ok(None), "closed before by the clock");
    }
    // the first minute began before the recording
    let built = built.split_off(1);
    let (mut busy, mut quiet) = (0, 0);
    for candle in built {
        let row = &listed[&candle.open_time];
        let ours =
            (candle.open, candle.high, candle.low, candle.close, candle.vwap_cut(1), candle.volume, candle.trades);
        assert_eq!(
            ours,
            (row.open.0, row.high.0, row.low.0, row.close.0, row.vwap.0, row.volume.0, row.count),
            "{}",
            candle.open_time
        );
        assert!(candle.is_whole());
        *if candle.trades == 0 { &mut quiet } else { &mut busy } += 1;
    }
    assert_eq!((busy, quiet), (272, 137), "whole minutes with and without trades");
}

#[test]
fn a_trade_on_the_border_opens_the_next_candle() {
    let mut builder = CandleBuilder::new(5);
    let end = 5 * MINUTE_MS;
    assert_eq!(builder.push(&trade(10, 0, "100", "1")), Ok(None));
    assert_eq!(builder.push(&trade(11, end - 1, "90", "3")), Ok(None));
    let done = builder.push(&trade(12, end, "95", "1")).expect("counted").expect("closed");
    assert_eq!((done.open_time, done.open, done.low, done.close), (UtcMs(0), 100.into(), 90.into(), 90.into()));
    assert_eq!((done.vwap, done.volume, done.first_id, done.last_id), (Decimal::new(925, 1), 4.into(), 10, 11));
    assert!(builder.close_until(UtcMs(2 * end - 1)).is_empty());
    assert_eq!(builder.close_until(UtcMs(2 * end)).len(), 1);
    // nothing may join a closed candle
    let late = builder.push(&trade(13, 2 * end - 1, "95", "1"));
    assert_eq!(late, Err(CandleError::Late { id: 13, at: UtcMs(2 * end - 1), open: UtcMs(2 * end) }));
}

#[test]
fn repeats_holes_and_bad_values_are_seen() {
    let mut builder = CandleBuilder::new(1);
    builder.push(&trade(7, 0, "100", "1")).expect("counted");
    for id in [7, 3] {
        assert_eq!(builder.push(&trade(id, 1, "100", "1")), Err(CandleError::Repeated { id, last: 7 }));
    }
    for (price, qty) in [("0", "1"), ("1", "0"), ("-1", "1")] {
        assert_eq!(builder.push(&trade(8, 1, price, qty)), Err(CandleError::NotPositive { id: 8 }));
    }
    let most = Decimal::MAX.to_string();
    assert_eq!(builder.push(&trade(8, 1, &most, "2")), Err(CandleError::Overflow { id: 8 }));
    assert_eq!(builder.unfinished().map(|c| (c.trades, c.volume, c.is_whole())), Some((1, Decimal::ONE, true)));
    builder.push(&trade(9, 1, "100", "1")).expect("counted");
    assert_eq!(builder.unfinished().map(|c| (c.trades, c.is_whole())), Some((2, false)));
    assert_eq!(CandleBuilder::new(0).push(&trade(1, 0, "1", "1")), Err(CandleError::NoInterval));
    assert!(CandleBuilder::new(0).close_until(UtcMs(1)).is_empty());
}

#[test]
fn a_long_quiet_time_comes_in_parts() {
    let mut builder = CandleBuilder::new(1);
    assert!(builder.close_until(UtcMs(MINUTE_MS)).is_empty(), "no price yet, no candle");
    builder.push(&trade(1, 0, "100", "1")).expect("counted");
    let now = UtcMs(30_000 * MINUTE_MS);
    let mut all = Vec::new();
    loop {
        let part = builder.close_until(now);
        assert!(part.len() <= QUIET_MAX + 1);
        if part.is_empty() {
            break;
        }
        all.extend(part);
    }
    assert_eq!(all.len(), 30_000);
    assert!(all.windows(2).all(|w| w[1].open_time == w[0].open_time.plus(MINUTE_MS)));
    assert!(all[1..].iter().all(|c| c.trades == 0 && c.close == Decimal::from(100) && c.volume.is_zero()));
}

proptest! {
    #[test]
    fn nothing_is_lost_or_counted_twice(steps in prop::collection::vec((0_i64..200_000, 1_i64..1_000, 1_i64..1_000), 1..80)) {
        let mut builder = CandleBuilder::new(1);
        let (mut at, mut built) = (0, Vec::new());
        for (id, (ms, price, qty)) in steps.iter().enumerate() {
            at += ms;
            built.extend(builder.close_until(UtcMs(at)));
            built.extend(builder.push(&trade(id as u64 + 1, at, &price.to_string(), &qty.to_string())).expect("counted"));
        }
        built.extend(builder.unfinished());
        prop_assert_eq!(built.iter().map(|c| c.trades).sum::<u64>(), steps.len() as u64);
        prop_assert_eq!(built.iter().map(|c| c.volume).sum::<Decimal>(), steps.iter().map(|s| Decimal::from(s.2)).sum::<Decimal>());
        for c in &built {
            prop_assert!(c.low <= c.open && c.open <= c.high && c.low <= c.close && c.close <= c.high && c.is_whole());
            prop_assert!(c.trades == 0 || (c.low <= c.vwap && c.vwap <= c.high));
        }
        prop_assert!(built.windows(2).all(|w| w[1].open_time == w[0].open_time.plus(MINUTE_MS)));
    }
}
