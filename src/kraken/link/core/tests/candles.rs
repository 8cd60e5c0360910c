//! Candles: built from trades, compared, never twice; or taken from the exchange.

use super::model::{expected, pair, plan};
use super::rig::{Rig, START};
use crate::domain::market::RawCandle;
use crate::domain::pair::Interval;
use crate::kraken::link::{LinkSettings, RestQuery};

const MINUTE: i64 = 60_000;

fn minutes(from_trades: bool) -> Rig {
    let mut plan = plan(&["BTC/USD"]);
    plan.trades = from_trades;
    plan.candles = vec![(pair("BTC/USD"), Interval(1)), (pair("BTC/USD"), Interval(5))];
    plan.candles_from_trades = from_trades;
    let mut rig = Rig::new(plan, LinkSettings::default());
    rig.deal("BTC/USD", true);
    rig.run(3_000);
    rig
}

/// Trades every few seconds for so many milliseconds.
fn trade_for(rig: &mut Rig, ms: i64) {
    let until = rig.now + ms;
    while rig.now < until {
        rig.deal("BTC/USD", false);
        let pause = 500 + rig.random.below(9_000) as i64;
        rig.run(pause.min(until - rig.now).max(1));
    }
}

fn truth(rig: &Rig, minutes: u32, from: i64, to: i64) -> Vec<RawCandle> {
    let cells = rig.candles("BTC/USD", minutes);
    cells.iter().filter(|c| c.0 >= from && c.0 < to).map(|c| expected("BTC/USD", minutes, c)).collect()
}

fn told(rig: &Rig, minutes: u32) -> Vec<RawCandle> {
    rig.told_candles("BTC/USD", minutes).into_iter().map(|(row, _)| row).collect()
}

fn rest_calls(rig: &Rig) -> usize {
    rig.asked.iter().filter(|(_, q)| matches!(q, RestQuery::Trades { .. } | RestQuery::Ohlc { .. })).count()
}

#[test]
fn candles_equal_the_exchanges_in_both_ways() {
    for from_trades in [true, false] {
        let mut rig = minutes(from_trades);
        trade_for(&mut rig, 20 * MINUTE);
        rig.run(20_000);
        let over = (rig.now - 2_000) / MINUTE * MINUTE;
        assert_eq!(told(&rig, 1), truth(&rig, 1, START, over), "from trades: {from_trades}");
        assert_eq!(told(&rig, 5), truth(&rig, 5, START, over / (5 * MINUTE) * 5 * MINUTE));
        assert!(rig.told_candles("BTC/USD", 1).iter().all(|(_, proven)| *proven));
        assert!(rig.proven("BTC/USD"));
        assert!(rest_calls(&rig) <= usize::from(from_trades), "{:?}", rig.asked);
    }
}

#[test]
fn the_clock_closes_candles_after_the_grace_when_the_line_lives() {
    let mut rig = minutes(true);
    rig.run(30_000);
    rig.deal("BTC/USD", false);
    rig.run(START + MINUTE + 1_900 - rig.now);
    assert_eq!(told(&rig, 1).len(), 0);
    rig.run(1_500);
    assert_eq!(told(&rig, 1).len(), 1);
    // nothing is closed on a dead line: the trade of the last second comes after it is back
    rig.run(START + 2 * MINUTE - 1_000 - rig.now);
    let conn = *rig.conns.keys().next().expect("a connection");
    rig.conns.get_mut(&conn).expect("it").mute = true;
    rig.queue.retain(|_, ev| !matches!(ev, super::rig::Ev::Frame(..)));
    let late = rig.deal("BTC/USD", false);
    rig.run(5_000);
    assert_eq!(told(&rig, 1).len(), 1);
    rig.run(20_000);
    let rows = rig.told_candles("BTC/USD", 1);
    assert_eq!((rows.len(), rows[1].0.trades, rows[1].1), (2, Some(1), true), "{late:?}");
}

#[test]
fn a_slow_line_closes_no_candle_before_its_trades_are_here() {
    for from_trades in [true, false] {
        let mut rig = minutes(from_trades);
        rig.run(20_000);
        rig.line_ms = 8_000;
        trade_for(&mut rig, 5 * MINUTE);
        rig.run(30_000);
        assert_eq!(told(&rig, 1), truth(&rig, 1, START, START + 5 * MINUTE));
        assert!(rig.told_candles("BTC/USD", 1).iter().all(|(_, proven)| *proven));
        assert_eq!(rig.core.status(crate::domain::time::UtcMs(rig.now)).pairs[0].late_trades, 0);
        assert_eq!(rig.connects.len(), 1);
    }
}

#[test]
fn quiet_minutes_have_no_candle() {
    for from_trades in [true, false] {
        let mut rig = minutes(from_trades);
        rig.run(10 * MINUTE);
        rig.deal("BTC/USD", false);
        rig.run(2 * MINUTE);
        assert_eq!(told(&rig, 1), truth(&rig, 1, START, rig.now - 2_000));
        assert_eq!(told(&rig, 1).len(), 2);
        assert!(rig.proven("BTC/USD"));
    }
}

#[test]
fn cuts_of_many_minutes_leave_no_hole_and_no_repeat() {
    for from_trades in [true, false] {
        let mut rig = minutes(from_trades);
        trade_for(&mut rig, 3 * MINUTE);
        rig.refuse = Some("down".to_owned());
        rig.cut("gone");
        trade_for(&mut rig, 17 * MINUTE);
        rig.refuse = None;
        trade_for(&mut rig, 5 * MINUTE);
        rig.run(60_000);
        let over = (rig.now - 3_000) / MINUTE * MINUTE;
        assert_eq!(told(&rig, 1), truth(&rig, 1, START, over), "from trades: {from_trades}");
        assert!(rig.told_candles("BTC/USD", 1).iter().all(|(_, proven)| *proven));
        assert!(rig.proven("BTC/USD"), "{:?}", rig.doubts("BTC/USD").last());
    }
}

#[test]
fn a_difference_is_looked_at_twice_and_then_named() {
    let mut rig = minutes(true);
    rig.deal("BTC/USD", false);
    rig.run(10_000);
    // the exchange's own candle counts a trade that its trades do not have
    let cheat = super::model::Deal { id: 0, ns: (START + 20_000) * 1_000_000, cents: 9_999_999, sats: 5 };
    rig.deals.get_mut("BTC/USD").expect("deals").push(cheat);
    let rows = rig.candles("BTC/USD", 1);
    let conn = *rig.conns.keys().next().expect("a connection");
    let frame = serde_json::json!({"channel":"ohlc","type":"update","data":[{"symbol":"BTC/USD","open":100.5,"high":99999.99,
        "low":100.5,"close":100.5,"trades":3,"volume":0.5,"vwap":100.5,"interval_begin":"2026-05-01T10:00:00Z","interval":1}]});
    rig.push(conn, &frame);
    rig.deals.get_mut("BTC/USD").expect("deals").pop();
    rig.run(2 * MINUTE);
    // REST's own row agrees with the trades: the candle is right and the live row was not
    let candles = rig.told_candles("BTC/USD", 1);
    assert_eq!((candles.len(), candles[0].1, candles[0].0.trades), (1, true, Some(2)), "{rows:?}");
    let kinds: Vec<bool> = rig.asked.iter().skip(2).map(|(_, q)| matches!(q, RestQuery::Ohlc { .. })).collect();
    assert_eq!(kinds, [false, false, true], "backfill, trades of the candle, the exchange's rows");
}

#[test]
fn a_trade_that_comes_to_light_later_is_counted() {
    let mut rig = minutes(true);
    rig.run(10_000);
    rig.deal("BTC/USD", false);
    rig.run(10_000);
    // from now on REST and the live rows count a trade more than there are
    let deals = rig.deals.get_mut("BTC/USD").expect("deals");
    let ghost = super::model::Deal { id: 999, ns: START * 1_000_000 + 1, cents: 10_000, sats: 77 };
    deals.insert(0, ghost);
    let cell = rig.candles("BTC/USD", 1).remove(0);
    rig.tell("BTC/USD", &cell.1[0]);
    rig.run(500);
    rig.deals.get_mut("BTC/USD").expect("deals")[0].id = 5;
    rig.run(2 * MINUTE);
    let candles = rig.told_candles("BTC/USD", 1);
    assert_eq!(candles.len(), 1);
    // the trades of the cell were fetched again with the ghost in it, so both agree now
    assert!(candles[0].1, "the second look settles it");
    assert_eq!(candles[0].0.trades, Some(3));
}

#[test]
fn lost_trades_make_an_unproven_candle_with_the_exchanges_values() {
    let mut rig = minutes(true);
    rig.core.settings.refill_tries = 2;
    rig.run(5_000);
    let before = rig.deals["BTC/USD"].clone();
    rig.deal("BTC/USD", true);
    let told_one = rig.deal("BTC/USD", false);
    // REST does not list them for good
    let all = rig.deals.insert("BTC/USD".to_owned(), before).expect("deals");
    rig.run(45_000);
    assert!(rig.trades("BTC/USD").contains(&told_one.id));
    rig.deals.insert("BTC/USD".to_owned(), all);
    rig.run(2 * MINUTE);
    let rows = rig.told_candles("BTC/USD", 1);
    assert_eq!((rows.len(), rows[0].0.trades), (1, Some(3)), "the exchange's row has the lost trade: {rows:?}");
    assert!(!rows[0].1, "and it is not proven by trades");
    assert!(rig.doubts("BTC/USD").iter().flatten().any(|d| d.contains("are lost")));
}

#[test]
fn the_exchanges_candles_missing_from_rest_are_told() {
    let mut rig = minutes(false);
    trade_for(&mut rig, 2 * MINUTE);
    rig.refuse = Some("down".to_owned());
    rig.cut("gone");
    trade_for(&mut rig, 15 * MINUTE);
    rig.rest_down =
        Some(crate::kraken::link::RestTrouble { retry_after_ms: None, text: "EQuery:Unknown asset pair".to_owned() });
    rig.refuse = None;
    trade_for(&mut rig, 30_000);
    let doubt = rig.doubts("BTC/USD").last().cloned().flatten().expect("doubt");
    assert!(doubt.contains("may be missing"), "{doubt}");
    trade_for(&mut rig, 12 * MINUTE);
    assert!(rig.proven("BTC/USD"), "later candles are whole again: {:?}", rig.doubts("BTC/USD").last());
}
