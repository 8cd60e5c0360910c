//! Start-up: what is asked and subscribed, in which order and at which pace.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{pair, plan};
use super::rig::{Ev, Rig};
use crate::domain::pair::Interval;
use crate::kraken::link::{ConnectionState, LinkEvent, LinkSettings, RestQuery, RestTrouble};
use crate::kraken::wire::ws::{PairStatus, System};

#[test]
fn one_pair_is_doubted_first_and_proven_once_everything_stands() {
    let mut plan = plan(&["BTC/USD"]);
    plan.ticker = true;
    plan.books = vec![(pair("BTC/USD"), 10)];
    plan.candles = vec![(pair("BTC/USD"), Interval(1)), (pair("BTC/USD"), Interval(5))];
    let mut rig = Rig::new(plan, LinkSettings::default());
    rig.books.insert("BTC/USD".to_owned(), ([(999, 5)].into(), [(1_001, 7)].into()));
    rig.deal("BTC/USD", true);
    rig.run(10_000);
    assert_eq!(
        rig.asked[..2].iter().map(|(_, q)| q.clone()).collect::<Vec<_>>(),
        [RestQuery::AssetPairs, RestQuery::SystemStatus]
    );
    let channels: Vec<_> =
        rig.sent.iter().map(|(_, c, v)| (c.0, v["params"]["channel"].as_str().unwrap_or("").to_owned())).collect();
    assert_eq!(channels.first().map(|c| c.1.as_str()), Some("instrument"), "the list comes first");
    let books: BTreeSet<u32> = channels.iter().filter(|c| c.1 == "book").map(|c| c.0).collect();
    let data: BTreeSet<u32> =
        channels.iter().filter(|c| ["trade", "ticker", "ohlc"].contains(&c.1.as_str())).map(|c| c.0).collect();
    assert!(books.is_disjoint(&data), "books have connections of their own");
    let doubts = rig.doubts("BTC/USD");
    assert!(doubts[0].is_some() && doubts.last() == Some(&None), "{doubts:?}");
    let count = |f: fn(&LinkEvent) -> bool| rig.events.iter().filter(|(_, e)| f(e)).count();
    assert_eq!(count(|e| matches!(e, LinkEvent::System(System::Online))), 1);
    assert_eq!(count(|e| matches!(e, LinkEvent::PairStatus { status: PairStatus::Online, .. })), 1);
    assert_eq!(count(|e| matches!(e, LinkEvent::Top { .. })), 1);
    assert_eq!(count(|e| matches!(e, LinkEvent::Ticker { .. })), 1);
    let status = rig.core.status(crate::domain::time::UtcMs(rig.now));
    assert_eq!(status.pairs[0].doubt, None);
    assert_eq!(status.pairs[0].bid.map(|(p, _)| p.to_string()), Some("99.9".to_owned()));
    assert!(
        status
            .connections
            .iter()
            .all(|c| matches!(c.state, ConnectionState::Up { .. }) && c.subscribed == c.subscriptions)
    );
    assert_eq!((status.budgets.connects, status.budgets.connects_most), (2, 120));
}

#[test]
fn fourteen_hundred_pairs_are_dealt_out_and_paced() {
    let names: Vec<String> = (0..1_400).map(|n| format!("A{n}/USD")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut plan = plan(&names);
    plan.ticker = true;
    plan.books = names.iter().map(|n| (pair(n), 10)).collect();
    plan.candles = names.iter().map(|n| (pair(n), Interval(5))).collect();
    plan.candles_from_trades = false;
    let mut rig = Rig::new(plan, LinkSettings::default());
    rig.run(60_000);
    let unproven: Vec<&&str> = names.iter().filter(|n| !rig.proven(n)).collect();
    // quiet pairs have no candle picture and wait for REST at one question a second
    assert!(
        unproven.iter().all(|n| rig.doubts(n).last().cloned().flatten().is_some_and(|d| d.contains("candles"))),
        "{unproven:?}"
    );
    let status = rig.core.status(crate::domain::time::UtcMs(rig.now));
    assert_eq!(status.connections.len(), 6 + 28);
    assert!(status.connections.iter().all(|c| c.subscribed == c.subscriptions), "{:?}", status.connections);
    let subscribes: Vec<i64> =
        rig.sent.iter().filter(|(_, _, v)| v["method"] != "ping").map(|(at, _, _)| *at).collect();
    for (n, at) in subscribes.iter().enumerate() {
        let within = subscribes[n..].iter().take_while(|later| **later - at < 1_000).count();
        assert!(within <= 20, "{within} subscribe messages within a second");
    }
    let symbols: usize = rig.sent.iter().filter_map(|(_, _, v)| v["params"]["symbol"].as_array()).map(Vec::len).sum();
    assert_eq!(symbols, 4 * 1_400, "each subscription once");
    assert!(subscribes.last().expect("some") - subscribes[0] < 10_000, "all within ten seconds");
    let mut rest: BTreeMap<i64, usize> = BTreeMap::new();
    rig.asked.iter().for_each(|(at, _)| *rest.entry(at / 1_000).or_default() += 1);
    assert!(rest.values().all(|n| *n <= 2), "REST is asked about once a second");
    rig.run(1_500_000);
    assert!(names.iter().all(|n| rig.proven(n)));
}

#[test]
fn a_pair_that_does_not_exist_hinders_nobody() {
    let mut plan = plan(&["BTC/USD", "NOPE/USD", "GONE/USD"]);
    plan.books = vec![(pair("NOPE/USD"), 10), (pair("BTC/USD"), 10)];
    let mut rig = Rig::new(plan, LinkSettings::default());
    rig.unlisted.insert("NOPE/USD".to_owned());
    rig.unsupported.insert("GONE/USD".to_owned());
    rig.deal("BTC/USD", true);
    rig.run(20_000);
    assert!(rig.proven("BTC/USD"));
    assert_eq!(rig.doubts("NOPE/USD").last(), Some(&Some("the exchange does not list NOPE/USD".to_owned())));
    let gone = rig.doubts("GONE/USD").last().cloned().flatten().expect("doubt");
    assert!(gone.contains("Currency pair not supported GONE/USD"), "{gone}");
    let named = |s: &str| rig.sent.iter().filter(|(_, _, v)| v["params"]["symbol"].to_string().contains(s)).count();
    assert_eq!((named("NOPE"), named("GONE")), (0, 1), "not asked for again and again");
    // an hour later it is listed and accepted
    rig.unlisted.clear();
    rig.unsupported.clear();
    rig.run(3_700_000);
    assert!(rig.proven("GONE/USD"), "{:?}", rig.doubts("GONE/USD"));
}

#[test]
fn without_rest_the_instrument_channel_is_enough() {
    let mut plan = plan(&["BTC/USD"]);
    plan.books = vec![(pair("BTC/USD"), 10)];
    let mut rig = Rig::new(plan, LinkSettings::default());
    rig.rest_down = Some(RestTrouble { retry_after_ms: Some(5_000), text: "HTTP 502".to_owned() });
    rig.deal("BTC/USD", true);
    rig.run(120_000);
    assert!(rig.proven("BTC/USD"));
    assert!(rig.asked.len() < 40, "{} questions", rig.asked.len());
    assert!(rig.notes().iter().any(|n| n.contains("HTTP 502")));
}

#[test]
fn lost_acknowledgements_and_pictures_are_asked_for_again() {
    let mut plan = plan(&["BTC/USD", "ETH/USD"]);
    plan.books = vec![(pair("BTC/USD"), 10), (pair("ETH/USD"), 10)];
    let mut rig = Rig::new(plan, LinkSettings::default());
    rig.deal("BTC/USD", true);
    rig.deal("ETH/USD", true);
    rig.drop_acks.insert("trade BTC/USD".to_owned(), 1);
    rig.drop_acks.insert("book ETH/USD".to_owned(), 2);
    rig.drop_pictures.insert("book BTC/USD".to_owned(), 2);
    rig.run(30_000);
    assert!(rig.proven("BTC/USD") && rig.proven("ETH/USD"), "{:?} {:?}", rig.doubts("BTC/USD"), rig.doubts("ETH/USD"));
    let unsubscribed: Vec<String> = rig
        .sent
        .iter()
        .filter(|(_, _, v)| v["method"] == "unsubscribe")
        .map(|(_, _, v)| v["params"]["symbol"].to_string())
        .collect();
    assert_eq!(unsubscribed, [r#"["BTC/USD"]"#; 2], "only the one whose picture is missing");
}

#[test]
fn a_subscription_that_is_never_answered_rests_and_its_connection_stays() {
    let mut rig = Rig::new(plan(&["BTC/USD", "ETH/USD"]), LinkSettings::default());
    rig.deal("BTC/USD", true);
    rig.drop_acks.insert("trade ETH/USD".to_owned(), 1_000);
    rig.drop_pictures.insert("trade ETH/USD".to_owned(), 1_000);
    rig.run(12_000);
    // from the second try on the exchange says that it is subscribed already
    assert!(rig.proven("BTC/USD") && rig.proven("ETH/USD"));
    assert_eq!(rig.connects.len(), 1);
}

#[test]
fn too_many_messages_make_it_pause() {
    let mut rig = Rig::new(plan(&["BTC/USD"]), LinkSettings::default());
    rig.run(25);
    let conn = *rig.conns.keys().next().expect("a connection");
    rig.at(1, Ev::Frame(conn, br#"{"Error":"Exceeded msg rate"}"#.to_vec()));
    rig.run(1_000);
    let sent = rig.requests("subscribe", "trade");
    rig.run(3_000);
    assert_eq!(rig.requests("subscribe", "trade"), sent, "silent for five seconds");
    rig.run(10_000);
    assert!(rig.proven("BTC/USD"));
    assert!(rig.notes().iter().any(|n| n.contains("Exceeded msg rate")));
}
