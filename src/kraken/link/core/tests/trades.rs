//! Trades: each once, in order, whatever gets lost, repeated or mixed up.

use serde_json::json;

use super::model::{deal_row, pair, plan};
use super::rig::{Ev, Rig};
use crate::domain::pair::Interval;
use crate::kraken::link::{LinkSettings, RestQuery, RestTrouble};

fn btc() -> Rig {
    let mut rig = Rig::new(plan(&["BTC/USD"]), LinkSettings::default());
    rig.deals_lost("BTC/USD", 3);
    rig.run(5_000);
    assert!(rig.proven("BTC/USD"));
    rig
}

fn refills(rig: &Rig) -> usize {
    rig.asked.iter().filter(|(_, q)| matches!(q, RestQuery::Trades { .. })).count()
}

#[test]
fn trades_begin_with_the_first_live_one() {
    let mut rig = btc();
    for _ in 0..3 {
        rig.deal("BTC/USD", false);
        rig.run(10);
    }
    assert_eq!(rig.trades("BTC/USD"), [1_003, 1_004, 1_005]);
    assert_eq!(refills(&rig), 0);
}

#[test]
fn a_jump_is_filled_from_rest_and_the_live_ones_wait() {
    let mut rig = btc();
    rig.deal("BTC/USD", false);
    rig.run(1_000);
    rig.deal("BTC/USD", true);
    rig.deal("BTC/USD", true);
    rig.deal("BTC/USD", false);
    rig.run(10);
    assert_eq!(rig.trades("BTC/USD"), [1_003]);
    assert!(rig.doubts("BTC/USD").last().cloned().flatten().expect("doubt").contains("after 1003"));
    rig.deal("BTC/USD", false);
    rig.run(5_000);
    assert_eq!(rig.trades("BTC/USD"), [1_003, 1_004, 1_005, 1_006, 1_007]);
    assert!(rig.proven("BTC/USD"));
    assert_eq!(refills(&rig), 1);
}

#[test]
fn repeats_are_dropped_and_swapped_frames_need_no_rest() {
    let mut rig = btc();
    let first = rig.deal("BTC/USD", false);
    rig.run(100);
    let second = rig.deal("BTC/USD", true);
    let third = rig.deal("BTC/USD", true);
    for deal in [third, first, second, second, third] {
        rig.tell("BTC/USD", &deal);
        rig.run(20);
    }
    assert_eq!(rig.trades("BTC/USD"), [1_003, 1_004, 1_005]);
    assert!(rig.proven("BTC/USD"));
    rig.run(2_000);
    assert_eq!(refills(&rig), 0);
    assert_eq!(
        rig.core.status(crate::domain::time::UtcMs(rig.now)).pairs[0].repeated_trades,
        6,
        "three rows of the picture too"
    );
}

#[test]
fn a_cut_is_bridged_by_the_first_picture_or_by_pages_of_rest() {
    let mut rig = btc();
    rig.deal("BTC/USD", false);
    rig.run(100);
    rig.cut("gone");
    rig.deals_lost("BTC/USD", 40);
    rig.run(3_000);
    assert_eq!(rig.trades("BTC/USD"), (1_003..=1_043).collect::<Vec<_>>());
    assert_eq!(refills(&rig), 0, "fifty trades of the picture are enough");
    assert!(rig.proven("BTC/USD"));
    // longer: 250 trades in pages of 40, the borders inside one nanosecond
    rig.page = 40;
    rig.core.settings.trades_page = 40;
    rig.cut("gone again");
    for n in 0..250 {
        rig.deal("BTC/USD", true);
        if n % 20 == 19 {
            rig.run(3);
        }
    }
    rig.run(2_000);
    rig.deal("BTC/USD", false);
    assert!(rig.doubts("BTC/USD").last().cloned().flatten().is_some());
    rig.run(20_000);
    assert_eq!(rig.trades("BTC/USD"), (1_003..=1_294).collect::<Vec<_>>());
    assert!(refills(&rig) >= 6);
    assert!(rig.proven("BTC/USD"));
}

#[test]
fn rest_that_lags_is_asked_again() {
    let mut rig = btc();
    rig.rest_lag_ms = 4_000;
    rig.deal("BTC/USD", true);
    rig.deal("BTC/USD", false);
    rig.run(30_000);
    assert_eq!(rig.trades("BTC/USD"), [1_003, 1_004]);
    assert!(rig.proven("BTC/USD"));
    assert!((2..=6).contains(&refills(&rig)), "{}", refills(&rig));
}

#[test]
fn trouble_of_rest_is_waited_out() {
    let mut rig = btc();
    rig.rest_down = Some(RestTrouble { retry_after_ms: Some(15_000), text: "EService: Throttled".to_owned() });
    rig.deal("BTC/USD", true);
    rig.deal("BTC/USD", false);
    rig.run(60_000);
    assert_eq!(rig.trades("BTC/USD"), Vec::<u64>::new());
    assert!((3..=6).contains(&refills(&rig)), "{}", refills(&rig));
    rig.rest_down = None;
    rig.run(60_000);
    assert_eq!(rig.trades("BTC/USD"), [1_003, 1_004]);
    assert!(rig.proven("BTC/USD"));
}

#[test]
fn what_rest_never_lists_is_given_up_and_said() {
    let mut rig = btc();
    let lost = rig.deal("BTC/USD", true);
    rig.deal("BTC/USD", false);
    // the exchange forgets the trade and the one after it is REST's newest: no neighbour proves the jump
    rig.deals.get_mut("BTC/USD").expect("deals").truncate(3);
    rig.run(200_000);
    assert_eq!(rig.trades("BTC/USD"), [1_004]);
    let doubts: Vec<String> = rig.doubts("BTC/USD").into_iter().flatten().collect();
    assert!(doubts.iter().any(|d| d == "trades between 1002 and 1004 are lost"), "{doubts:?} {lost:?}");
    assert_eq!(rig.core.status(crate::domain::time::UtcMs(rig.now)).pairs[0].lost_trades, 1);
    rig.run(600_000);
    assert!(rig.proven("BTC/USD"), "told for ten minutes");
}

#[test]
fn ids_that_the_exchange_left_out_are_no_hole() {
    let mut rig = btc();
    rig.deal("BTC/USD", true);
    rig.deal("BTC/USD", true);
    let deals = rig.deals.get_mut("BTC/USD").expect("deals");
    deals.remove(3);
    rig.deal("BTC/USD", false);
    rig.run(5_000);
    assert_eq!(rig.trades("BTC/USD"), [1_004, 1_005]);
    assert!(rig.proven("BTC/USD"));
    let status = rig.core.status(crate::domain::time::UtcMs(rig.now));
    assert_eq!((status.pairs[0].skipped_ids, status.pairs[0].lost_trades), (1, 0));
}

#[test]
fn a_useless_question_ends_the_refill_with_a_doubt() {
    let mut rig = btc();
    rig.rest_down = Some(RestTrouble { retry_after_ms: None, text: "EQuery:Unknown asset pair".to_owned() });
    rig.deal("BTC/USD", true);
    rig.deal("BTC/USD", false);
    rig.run(5_000);
    assert_eq!(rig.trades("BTC/USD"), [1_004]);
    assert!(rig.doubts("BTC/USD").last().cloned().flatten().expect("doubt").contains("are lost"));
}

#[test]
fn a_full_buffer_is_emptied_and_filled_from_rest() {
    let mut rig = btc();
    rig.core.settings.trade_buffer = 10;
    rig.rest_down = Some(RestTrouble { retry_after_ms: Some(3_000), text: "busy".to_owned() });
    rig.deal("BTC/USD", true);
    for _ in 0..60 {
        rig.deal("BTC/USD", false);
        rig.run(20);
    }
    rig.rest_down = None;
    rig.run(20_000);
    assert_eq!(rig.trades("BTC/USD"), (1_003..=1_063).collect::<Vec<_>>());
    assert!(rig.proven("BTC/USD"));
}

#[test]
fn a_new_numbering_is_noticed() {
    let mut rig = btc();
    rig.deal("BTC/USD", false);
    rig.run(5_000);
    let deals = rig.deals.get_mut("BTC/USD").expect("deals");
    deals.clear();
    deals.push(super::model::Deal { id: 4, ns: rig.now * 1_000_000, cents: 100, sats: 100 });
    rig.deal("BTC/USD", false);
    rig.run(10);
    rig.deal("BTC/USD", false);
    rig.run(5_000);
    assert_eq!(rig.trades("BTC/USD"), [1_003, 5, 6]);
    assert!(rig.notes().iter().any(|n| n.contains("start anew")));
}

#[test]
fn a_frame_that_cannot_be_read_makes_its_connection_doubtful() {
    let mut rig = btc();
    let conn = *rig.conns.keys().next().expect("a connection");
    rig.deal("BTC/USD", true);
    rig.at(0, Ev::Frame(conn, b"<html>502 Bad Gateway</html>".to_vec()));
    rig.run(1);
    assert!(rig.doubts("BTC/USD").last().cloned().flatten().is_some());
    rig.run(1_000);
    // the trade inside the lost frame came with the new first picture
    assert_eq!(rig.trades("BTC/USD"), [1_003]);
    assert!(rig.proven("BTC/USD"));
    assert_eq!((rig.connects.len(), rig.requests("unsubscribe", "trade")), (1, 1));
    // a second one soon after: the connection itself is bad
    rig.at(0, Ev::Frame(conn, vec![b'['; 100]));
    rig.run(3_000);
    assert_eq!(rig.connects.len(), 2);
    assert!(rig.proven("BTC/USD"));
}

#[test]
fn trades_from_the_future_or_without_value_are_refused() {
    let mut rig = btc();
    let conn = *rig.conns.keys().next().expect("a connection");
    let mut deal = rig.deal("BTC/USD", true);
    deal.ns += 3_600_000_000_000;
    let row = deal_row("BTC/USD", &deal);
    rig.push(conn, &json!({"channel":"trade","type":"update","data":[row]}));
    rig.run(3_000);
    // the right one came with the new picture
    assert_eq!(rig.trades("BTC/USD"), [1_003]);
    assert!(rig.proven("BTC/USD"));
    assert_eq!(rig.core.status(crate::domain::time::UtcMs(rig.now)).counters.bad_frames, 1);
}

#[test]
fn a_start_in_the_middle_of_a_candle_fetches_its_trades() {
    let mut plan = plan(&["BTC/USD"]);
    plan.candles = vec![(pair("BTC/USD"), Interval(5))];
    let mut rig = Rig::new(plan, LinkSettings::default());
    for _ in 0..200 {
        rig.deal("BTC/USD", true);
        rig.now += 1_000;
    }
    rig.run(10_000);
    assert_eq!(rig.trades("BTC/USD"), (1_000..1_200).collect::<Vec<_>>());
    assert_eq!(refills(&rig), 1);
    assert!(rig.proven("BTC/USD"));
}
