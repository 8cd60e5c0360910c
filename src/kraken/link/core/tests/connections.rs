//! Connections: refused, silent, cut, under maintenance; and the clock.

use super::model::{pair, plan};
use super::rig::{Ev, Rig, START};
use crate::domain::time::UtcMs;
use crate::kraken::link::{Input, LinkEvent, LinkPlan, LinkSettings};
use crate::kraken::wire::ws::System;

fn many() -> LinkPlan {
    let names: Vec<String> = (0..500).map(|n| format!("A{n}/USD")).collect();
    let mut plan = plan(&names.iter().map(String::as_str).collect::<Vec<_>>());
    plan.books = names.iter().map(|n| (pair(n), 10)).collect();
    plan
}

/// Most attempts within any ten minutes.
fn densest(connects: &[i64]) -> usize {
    let within = |n: usize| connects[n..].iter().take_while(|later| **later - connects[n] < 600_000).count();
    (0..connects.len()).map(within).max().unwrap_or(0)
}

#[test]
fn an_hour_of_refused_connects_stays_inside_the_limits() {
    let mut rig = Rig::new(many(), LinkSettings::default());
    rig.refuse = Some("connection refused".to_owned());
    rig.run(3_600_000);
    assert!(densest(&rig.connects) <= 120, "{} attempts in ten minutes", densest(&rig.connects));
    assert!(rig.connects.len() > 100, "it keeps trying: {}", rig.connects.len());
    let late = rig.connects.windows(2).filter(|w| w[0] > START + 60_000).map(|w| w[1] - w[0]);
    assert!(late.clone().min().is_some_and(|ms| ms >= 5_000) && late.max().is_some_and(|ms| ms <= 31_000));
    assert!(rig.doubts("A0/USD").last().cloned().flatten().is_some_and(|d| d.contains("connection refused")));
    // when the exchange is back, so is the link, at once
    rig.refuse = None;
    rig.run(60_000);
    assert!((0..500).all(|n| rig.proven(&format!("A{n}/USD"))));
    assert!(densest(&rig.connects) <= 120);
}

#[test]
fn connections_that_open_and_die_stay_inside_the_limits_too() {
    let mut rig = Rig::new(many(), LinkSettings::default());
    for _ in 0..3_000 {
        rig.run(500);
        rig.cut("gone");
    }
    assert!(densest(&rig.connects) <= 120, "{}", densest(&rig.connects));
    assert!(rig.notes().iter().any(|n| n.contains("connects within ten minutes are used up")), "{:?}", rig.notes());
}

#[test]
fn a_ban_is_waited_out() {
    let mut rig = Rig::new(plan(&["BTC/USD"]), LinkSettings::default());
    rig.refuse = Some("HTTP error: 429 Too Many Requests".to_owned());
    rig.run(599_000);
    assert_eq!(rig.connects.len(), 1);
    assert!(rig.notes().iter().any(|n| n.contains("refuses connections from this address")));
    assert!(rig.core.status(UtcMs(rig.now)).budgets.banned_ms > 0);
    rig.refuse = None;
    rig.run(10_000);
    assert_eq!(rig.connects.len(), 2);
    assert!(
        rig.proven("BTC/USD") || rig.doubts("BTC/USD").last().cloned().flatten().is_some_and(|d| d.contains("trades"))
    );
}

#[test]
fn silence_is_death_and_a_ping_is_tried_first() {
    let mut rig = Rig::new(plan(&["BTC/USD"]), LinkSettings::default());
    rig.deal("BTC/USD", true);
    rig.run(5_000);
    assert!(rig.proven("BTC/USD"));
    let first = *rig.conns.keys().next().expect("a connection");
    rig.conns.get_mut(&first).expect("it").mute = true;
    rig.run(9_000);
    assert_eq!(rig.connects.len(), 1);
    assert!(rig.sent.iter().any(|(_, _, v)| v["method"] == "ping"));
    rig.run(3_000);
    assert_eq!(rig.connects.len(), 2);
    rig.run(2_000);
    assert!(rig.proven("BTC/USD"));
    let doubts: Vec<String> = rig.doubts("BTC/USD").into_iter().flatten().collect();
    assert!(doubts.iter().any(|d| d.contains("silent")), "{doubts:?}");
    // a quiet line that answers pings lives
    rig.heartbeats = false;
    rig.run(600_000);
    assert_eq!(rig.connects.len(), 2);
}

#[test]
fn pongs_without_a_number_are_signs_of_life() {
    let mut rig = Rig::new(plan(&["BTC/USD"]), LinkSettings::default());
    rig.deal("BTC/USD", true);
    rig.run(5_000);
    let conn = *rig.conns.keys().next().expect("a connection");
    rig.conns.get_mut(&conn).expect("it").mute = true;
    for _ in 0..20 {
        rig.at(0, Ev::Frame(conn, br#"{"method":"pong","time_in":"2026-05-01T10:00:00Z"}"#.to_vec()));
        rig.run(5_000);
    }
    assert_eq!(rig.connects.len(), 1);
}

#[test]
fn a_barrier_passes_when_every_connection_answered_or_went() {
    let mut plan = plan(&["BTC/USD"]);
    plan.books = vec![(pair("BTC/USD"), 10)];
    let mut rig = Rig::new(plan, LinkSettings::default());
    rig.run(5_000);
    let mut out = Vec::new();
    let barrier = rig.core.start_barrier(&mut out);
    assert_eq!(out.len(), 2, "one ping for each connection");
    assert!(!rig.core.barrier_passed(barrier));
    let conns: Vec<_> = rig.conns.keys().copied().collect();
    let crate::kraken::link::Output::Send(to, text) = &out[0] else { panic!("a ping") };
    let id = serde_json::from_str::<serde_json::Value>(text).expect("json")["req_id"].as_u64().expect("id");
    rig.input(Input::Frame(*to, format!(r#"{{"method":"pong","req_id":{}}}"#, id + 1_000).as_bytes()));
    rig.input(Input::Frame(*to, format!(r#"{{"method":"pong","req_id":{id}}}"#).as_bytes()));
    assert!(!rig.core.barrier_passed(barrier));
    let other = conns.into_iter().find(|c| c != to).expect("the other");
    rig.input(Input::Closed(other, "gone".to_owned()));
    assert!(rig.core.barrier_passed(barrier));
}

#[test]
fn maintenance_is_told_and_raises_no_storm() {
    let mut rig = Rig::new(plan(&["BTC/USD"]), LinkSettings::default());
    rig.deal("BTC/USD", true);
    rig.run(60_000);
    rig.system = "maintenance";
    let conn = *rig.conns.keys().next().expect("a connection");
    rig.push(
        conn,
        &serde_json::json!({"channel":"status","type":"update","data":[{"system":"maintenance","api_version":"v2"}]}),
    );
    rig.run(1_000);
    rig.cut("going away");
    let before = rig.connects.len();
    rig.run(4_000);
    assert_eq!(rig.connects.len(), before, "at least five seconds");
    rig.run(10_000);
    assert_eq!(rig.connects.len(), before + 1);
    rig.system = "online";
    let conn = *rig.conns.keys().next().expect("a connection");
    rig.push(
        conn,
        &serde_json::json!({"channel":"status","type":"update","data":[{"system":"online","api_version":"v2"}]}),
    );
    rig.run(1_000);
    let states: Vec<System> = rig
        .events
        .iter()
        .filter_map(|(_, e)| if let LinkEvent::System(s) = e { Some(s.clone()) } else { None })
        .collect();
    assert_eq!(states, [System::Online, System::Maintenance, System::Online]);
}

#[test]
fn the_clock_may_jump() {
    let mut rig = Rig::new(plan(&["BTC/USD"]), LinkSettings::default());
    rig.deal("BTC/USD", true);
    rig.run(20_000);
    assert!(rig.proven("BTC/USD"));
    // an hour back: the watchdog still counts
    let (conn, back) = (*rig.conns.keys().next().expect("a connection"), 3_600_000);
    rig.queue.clear();
    rig.conns.get_mut(&conn).expect("it").mute = true;
    rig.now -= back;
    rig.input(Input::Tick);
    rig.run(12_000);
    // silence is noticed by time that passed; stamps an hour ahead are refused until several agree
    assert!((2..=4).contains(&rig.connects.len()), "{}", rig.connects.len());
    rig.at(1_000, Ev::Heartbeat);
    rig.run(5_000);
    assert!(rig.proven("BTC/USD"), "{:?}", rig.doubts("BTC/USD"));
    assert!(rig.notes().iter().any(|n| n.contains("clock is behind")), "{:?}", rig.notes());
    // a laptop that slept: everything is dead and comes back
    rig.queue.clear();
    rig.now += 2 * back;
    rig.input(Input::Tick);
    rig.at(1_000, Ev::Heartbeat);
    rig.run(5_000);
    rig.run(10_000);
    assert!(rig.proven("BTC/USD"), "{:?}", rig.doubts("BTC/USD"));
    let notes = rig.notes().join("\n");
    assert!(notes.contains("went back") && notes.contains("went ahead"), "{notes}");
    for now in [i64::MIN, i64::MAX, 0, i64::MAX, i64::MIN] {
        let mut out = Vec::new();
        rig.core.handle(UtcMs(now), Input::Tick, &mut out);
    }
}
