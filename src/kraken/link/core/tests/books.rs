//! Books: checked, and repaired one by one.

use super::model::{pair, plan};
use super::rig::{Ev, Rig};
use crate::kraken::link::{LinkEvent, LinkPlan, LinkSettings};

fn books(names: &[&str]) -> LinkPlan {
    let mut plan = plan(names);
    plan.trades = false;
    plan.books = names.iter().map(|n| (pair(n), 10)).collect();
    plan
}

fn rig() -> Rig {
    let mut rig = Rig::new(books(&["BTC/USD", "ETH/USD"]), LinkSettings::default());
    for symbol in ["BTC/USD", "ETH/USD"] {
        rig.books.insert(symbol.to_owned(), ([(990, 5), (999, 6)].into(), [(1_001, 7), (1_010, 8)].into()));
    }
    rig.run(3_000);
    assert!(rig.proven("BTC/USD") && rig.proven("ETH/USD"), "{:?}", rig.doubts("BTC/USD"));
    rig
}

fn tops(rig: &Rig, symbol: &str) -> Vec<String> {
    let tops = rig.events.iter().filter_map(|(_, e)| match e {
        LinkEvent::Top { pair, bid, ask, .. } if pair.as_str() == symbol => Some(format!(
            "{}/{}",
            bid.map_or_else(String::new, |b| b.0.to_string()),
            ask.map_or_else(String::new, |a| a.0.to_string())
        )),
        _ => None,
    });
    tops.collect()
}

#[test]
fn the_top_is_told_when_it_changes() {
    let mut rig = rig();
    rig.change("BTC/USD", &[(990, 9)], &[], false);
    rig.change("BTC/USD", &[(1_000, 1)], &[], false);
    rig.change("BTC/USD", &[], &[(1_001, 0)], false);
    rig.run(100);
    assert_eq!(tops(&rig, "BTC/USD"), ["99.9/100.1", "100.0/100.1", "100.0/101.0"]);
    assert_eq!(tops(&rig, "ETH/USD").len(), 1);
}

#[test]
fn levels_are_told_after_every_frame_until_the_book_is_lost_and_afresh_after_it() {
    let settings = LinkSettings { tell_depth: true, ..LinkSettings::default() };
    let mut rig = Rig::new(books(&["BTC/USD"]), settings);
    rig.books.insert("BTC/USD".to_owned(), ([(990, 5), (999, 6)].into(), [(1_001, 7), (1_010, 8)].into()));
    rig.run(3_000);
    rig.change("BTC/USD", &[(990, 9)], &[], false);
    rig.change("BTC/USD", &[(998, 3)], &[], true);
    rig.change("BTC/USD", &[(997, 3)], &[], false);
    rig.run(3_000);
    assert!(rig.proven("BTC/USD"));
    let told: Vec<(bool, Option<String>)> = rig
        .events
        .iter()
        .filter_map(|(_, e)| match e {
            LinkEvent::Depth { depth, fresh, .. } => Some((*fresh, depth.as_ref().map(|d| format!("{:?}", d.bids())))),
            _ => None,
        })
        .collect();
    let levels = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [
            (true, levels("[(99.9, 6e-8), (99.0, 5e-8)]")),
            (false, levels("[(99.9, 6e-8), (99.0, 9e-8)]")),
            (false, None),
            (true, levels("[(99.9, 6e-8), (99.8, 3e-8), (99.7, 3e-8), (99.0, 9e-8)]")),
        ]
    );
}

#[test]
fn a_lost_update_resyncs_this_book_only() {
    let mut rig = rig();
    rig.change("BTC/USD", &[(998, 3)], &[], true);
    rig.change("BTC/USD", &[(997, 3)], &[], false);
    rig.run(6);
    let doubt = rig.doubts("BTC/USD").last().cloned().flatten().expect("doubt");
    assert!(doubt.contains("checksum"), "{doubt}");
    // updates that were on their way are no new faults
    rig.change("BTC/USD", &[(996, 3)], &[], false);
    rig.run(1_000);
    assert!(rig.proven("BTC/USD"));
    assert!(rig.doubts("ETH/USD").iter().skip(1).filter(|d| d.is_some()).count() <= 2);
    let status = rig.core.status(crate::domain::time::UtcMs(rig.now));
    assert_eq!((status.pairs[0].checksum_faults, status.pairs[0].resyncs, status.pairs[1].resyncs), (1, 1, 0));
    let unsubscribed: Vec<String> = rig
        .sent
        .iter()
        .filter(|(_, _, v)| v["method"] == "unsubscribe")
        .map(|(_, _, v)| v["params"]["symbol"].to_string())
        .collect();
    assert_eq!(unsubscribed, [r#"["BTC/USD"]"#]);
    assert_eq!(rig.connects.len(), 1);
}

#[test]
fn other_decimals_build_the_book_anew() {
    let mut rig = rig();
    let conn = *rig.conns.keys().next().expect("a connection");
    for (decimals, good) in [(2, false), (1, true)] {
        let row = serde_json::json!({"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"post_only","qty_precision":8,"qty_increment":1e-8,
            "qty_min":0.0001,"price_precision":decimals,"price_increment":0.1,"cost_precision":5});
        rig.push(conn, &serde_json::json!({"channel":"instrument","type":"update","data":{"assets":[],"pairs":[row]}}));
        rig.run(1_500);
        // the small exchange goes on with one decimal: with two its checksum is wrong
        assert_eq!(rig.proven("BTC/USD"), good, "{decimals} decimals: {:?}", rig.doubts("BTC/USD").last());
    }
    assert!(rig.proven("ETH/USD") && rig.requests("unsubscribe", "book") >= 2);
    let told = |s: &str| {
        rig.events
            .iter()
            .filter(|(_, e)| matches!(e, LinkEvent::PairStatus { status, .. } if status.as_str() == s))
            .count()
    };
    assert_eq!((told("online"), told("post_only")), (2, 1));
}

#[test]
fn a_crossed_book_is_a_fault_even_with_a_right_checksum() {
    let mut rig = rig();
    rig.change("BTC/USD", &[(1_005, 3)], &[], false);
    rig.run(6);
    assert!(rig.doubts("BTC/USD").last().cloned().flatten().expect("doubt").contains("crossed"));
    rig.change("BTC/USD", &[(1_005, 0)], &[], false);
    rig.run(3_000);
    assert!(rig.proven("BTC/USD"));
}

#[test]
fn faults_without_end_are_repaired_slower_and_slower() {
    let mut rig = rig();
    rig.books.get_mut("BTC/USD").expect("book").0.insert(1_500, 1);
    let before = rig.requests("subscribe", "book");
    rig.change("BTC/USD", &[(1_500, 2)], &[], false);
    rig.run(600_000);
    let tries = rig.requests("subscribe", "book") - before;
    assert!((8..80).contains(&tries), "{tries} tries in ten minutes");
    assert!(rig.proven("ETH/USD"));
    rig.change("BTC/USD", &[(1_500, 0)], &[], false);
    rig.run(60_000);
    assert!(rig.proven("BTC/USD"), "{:?}", rig.doubts("BTC/USD").last());
}

#[test]
fn a_frame_in_another_form_is_decoded() {
    let mut rig = rig();
    let frame = {
        rig.change("BTC/USD", &[(1_000, 4)], &[], true);
        rig.book_frame("BTC/USD", "update", Some((&[(1_000, 4)], &[])))
    };
    let conn = rig.conns.iter().find(|(_, c)| c.subs.iter().any(|s| s.0 == "book")).map(|(c, _)| *c).expect("books");
    let text = serde_json::to_string_pretty(&frame).expect("json");
    rig.at(0, Ev::Frame(conn, text.into_bytes()));
    rig.run(10);
    assert_eq!(tops(&rig, "BTC/USD").last().map(String::as_str), Some("100.0/100.1"));
    assert!(rig.proven("BTC/USD"));
}

#[test]
fn a_cut_discards_books_until_their_snapshot() {
    let mut rig = rig();
    rig.cut("gone");
    rig.run(1);
    assert!(rig.doubts("BTC/USD").last().cloned().flatten().expect("doubt").contains("gone"));
    assert_eq!(rig.core.status(crate::domain::time::UtcMs(rig.now)).pairs[0].bid, None);
    rig.run(3_000);
    assert!(rig.proven("BTC/USD") && rig.proven("ETH/USD"));
}

#[test]
fn garbage_among_books_resyncs_all_of_that_connection() {
    let mut rig = rig();
    let conn = rig.conns.iter().find(|(_, c)| c.subs.iter().any(|s| s.0 == "book")).map(|(c, _)| *c).expect("books");
    rig.at(0, Ev::Frame(conn, b"{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"BT".to_vec()));
    rig.run(1);
    assert!(!rig.proven("BTC/USD") && !rig.proven("ETH/USD"));
    rig.run(3_000);
    assert!(rig.proven("BTC/USD") && rig.proven("ETH/USD"));
    assert_eq!(rig.connects.len(), 1);
}
