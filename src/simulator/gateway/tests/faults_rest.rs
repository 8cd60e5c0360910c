use serde_json::{Value, json};

use super::rig::{ORDER, Rig, START, at, result};
use crate::simulator::gateway::RestEffect;
use crate::simulator::gateway::faults::{Fault, Kind, Match, Stage};

fn fault(kind: Kind, path: &str) -> Fault {
    Fault::new(kind, at(path))
}

#[test]
fn gateway_pages_come_before_or_after_execution() {
    for (when, status, placed) in [(Stage::Before, 502, 0), (Stage::After, 520, 1)] {
        let mut rig = Rig::new();
        rig.arm(Fault { when, status: Some(status), ..fault(Kind::Html, "AddOrder") });
        let reply = rig.call("AddOrder", ORDER);
        assert_eq!((reply.status, reply.content_type), (status, "text/html; charset=UTF-8"));
        assert!(reply.body.starts_with("<!DOCTYPE html>"));
        assert_eq!(rig.placed(), placed);
        assert!(result(&rig.call("AddOrder", ORDER)).is_ok(), "struck once");
    }
}

#[test]
fn api_troubles_come_before_or_after_execution() {
    let kinds = [
        (Kind::ServiceUnavailable, "EService:Unavailable"),
        (Kind::Busy, "EService:Busy"),
        (Kind::InternalError, "EGeneral:Internal error"),
    ];
    for (kind, text) in kinds {
        for (when, placed) in [(Stage::Before, 0), (Stage::After, 1)] {
            let mut rig = Rig::new();
            rig.arm(Fault { when, ..fault(kind, "AddOrder") });
            assert_eq!(rig.err("AddOrder", ORDER), text);
            assert_eq!(rig.placed(), placed);
        }
    }
}

#[test]
fn refusals_execute_nothing() {
    let throttled = format!("EService:Throttled:{}", START.seconds() + 5);
    let kinds = [
        (Kind::NonceError, "EAPI:Invalid nonce"),
        (Kind::RateLimit, "EAPI:Rate limit exceeded"),
        (Kind::Throttled, throttled.as_str()),
        (Kind::EngineLimit, "EOrder:Rate limit exceeded"),
        (Kind::Lockout, "EGeneral:Temporary lockout"),
    ];
    for (kind, text) in kinds {
        let mut rig = Rig::new();
        rig.arm(Fault { count: 2, ..fault(kind, "AddOrder") });
        assert_eq!([rig.err("AddOrder", ORDER), rig.err("AddOrder", ORDER)], [text, text]);
        assert_eq!(rig.placed(), 0);
        assert!(result(&rig.call("AddOrder", ORDER)).is_ok());
    }
}

#[test]
fn public_calls_fail_too() {
    let mut rig = Rig::new();
    rig.arm(fault(Kind::RateLimit, "/0/public/Trades"));
    rig.arm(Fault { status: Some(504), ..fault(Kind::Html, "Depth") });
    rig.arm(Fault { ms: Some(3_000), ..fault(Kind::SlowBefore, "Time") });
    assert_eq!(result(&rig.get("Trades", "pair=XBTUSD")), Err("EAPI:Rate limit exceeded".into()));
    assert_eq!(rig.get("Depth", "pair=XBTUSD").status, 504);
    assert_eq!(rig.get("Time", "").delay_ms, 3_000);
}

#[test]
fn slow_answers_are_executed_now_or_later() {
    let mut rig = Rig::new();
    rig.arm(Fault { ms: Some(20_000), ..fault(Kind::SlowAfter, "AddOrder") });
    let reply = rig.call("AddOrder", ORDER);
    assert_eq!((reply.delay_ms, rig.placed()), (20_000, 1));
    assert!(result(&reply).is_ok());

    rig.arm(Fault { ms: Some(20_000), ..fault(Kind::SlowBefore, "AddOrder") });
    let RestEffect::Later(ticket) = rig.call("AddOrder", ORDER).effect else { panic!("not late") };
    rig.advance(19_999);
    assert_eq!((rig.placed(), rig.late_answer(ticket)), (1, None));
    rig.advance(1);
    assert!(result(rig.late_answer(ticket).unwrap()).is_ok());
    assert_eq!(rig.placed(), 2);

    rig.arm(Fault { ms: Some(20_000), ..fault(Kind::SlowBefore, "AddOrder") });
    let deadline = "&deadline=2026-05-01T10%3A00%3A30Z";
    let RestEffect::Later(ticket) = rig.call("AddOrder", &format!("{ORDER}{deadline}")).effect else {
        panic!("not late")
    };
    rig.advance(20_000);
    assert_eq!(result(rig.late_answer(ticket).unwrap()), Err("EService:Deadline elapsed".into()));
    assert_eq!(rig.placed(), 2, "the engine keeps deadlines");
}

#[test]
fn resets_come_before_or_after_execution() {
    for (when, placed) in [(Stage::Before, 0), (Stage::After, 1)] {
        let mut rig = Rig::new();
        rig.arm(Fault { when, ..fault(Kind::Reset, "AddOrder") });
        assert_eq!(rig.call("AddOrder", ORDER).effect, RestEffect::Reset);
        assert_eq!(rig.placed(), placed);
    }
}

#[test]
fn answers_arrive_broken() {
    let mut rig = Rig::new();
    for kind in [Kind::TruncatedJson, Kind::EmptyBody] {
        rig.arm(fault(kind, "Balance"));
        assert!(serde_json::from_str::<Value>(&rig.call("Balance", "").body).is_err());
    }
    rig.arm(Fault { value: Some(json!(["surprise"])), ..fault(Kind::WrongType, "Balance") });
    assert_eq!(rig.ok("Balance", ""), json!(["surprise"]));
    rig.arm(fault(Kind::ExtraFields, "BalanceEx"));
    assert!(rig.ok("BalanceEx", "").get("novel_field").is_some());
    rig.order();
    rig.arm(Fault { field: Some("status".into()), ..fault(Kind::UnknownEnum, "SystemStatus") });
    assert_eq!(result(&rig.get("SystemStatus", "")).unwrap()["status"], "novel_word");
    rig.arm(fault(Kind::MalformedLast, "Trades"));
    let last = result(&rig.get("Trades", "pair=XBTUSD")).unwrap()["last"].as_str().unwrap().to_owned();
    assert_eq!(last.len(), 10);
    let rows = |rig: &mut Rig| {
        result(&rig.get("OHLC", "pair=XBTUSD&interval=5")).unwrap()["XXBTZUSD"].as_array().unwrap().len()
    };
    let whole = rows(&mut rig);
    rig.fault(Kind::OhlcGap, Match::default());
    assert_eq!((rows(&mut rig), rows(&mut rig)), (whole - 1, whole));
}

#[test]
fn an_order_appears_a_minute_late_everywhere() {
    let mut rig = Rig::new();
    let (conn, _) = rig.private();
    rig.arm(Fault { s: Some(55), ..fault(Kind::LateAppearance, "AddOrder") });
    assert_eq!(rig.call("AddOrder", ORDER).status, 520);
    assert_eq!((rig.placed(), rig.open_ids().len()), (1, 0));
    let other = rig.order();
    rig.advance(54_000);
    assert_eq!(rig.open_ids(), [other], "others are seen at once");
    let orders =
        |rig: &Rig| rig.channel(conn, "executions").iter().filter(|f| f["data"][0]["exec_type"] == "new").count();
    assert_eq!(orders(&rig), 1);
    rig.advance(1_500);
    assert_eq!((rig.open_ids().len(), orders(&rig)), (2, 2));
}

#[test]
fn rest_lags_behind_the_socket() {
    let mut rig = Rig::new();
    let (conn, _) = rig.private();
    rig.arm(Fault { s: Some(3), for_s: Some(60), ..Fault::new(Kind::RestLag, Match::default()) });
    rig.order();
    assert!(!rig.channel(conn, "executions").is_empty());
    assert!(rig.open_ids().is_empty());
    rig.advance(3_000);
    assert_eq!(rig.open_ids().len(), 1);
    rig.advance(60_000);
    rig.order();
    assert_eq!(rig.open_ids().len(), 2, "the lag ended by itself");
}

#[test]
fn a_call_is_overtaken_and_its_nonce_is_then_too_small() {
    let mut rig = Rig::new();
    rig.arm(fault(Kind::NonceReorder, "Balance"));
    let RestEffect::Later(first) = rig.call("Balance", "").effect else { panic!("not held back") };
    assert!(result(&rig.call("OpenOrders", "")).is_ok());
    assert_eq!(result(rig.late_answer(first).unwrap()), Err("EAPI:Invalid nonce".into()));
    rig.arm(fault(Kind::NonceReorder, "Balance"));
    let RestEffect::Later(alone) = rig.call("Balance", "").effect else { panic!("not held back") };
    rig.advance(2_000);
    assert!(result(rig.late_answer(alone).unwrap()).is_ok(), "nobody overtook");
    rig.as_key("window");
    rig.arm(fault(Kind::NonceReorder, "Balance"));
    let RestEffect::Later(tolerated) = rig.call("Balance", "").effect else { panic!("not held back") };
    rig.call("OpenOrders", "");
    assert!(result(rig.late_answer(tolerated).unwrap()).is_ok(), "a window tolerates it");
}

#[test]
fn a_skewed_clock_shows_in_times_and_deadlines() {
    let mut rig = Rig::new();
    rig.arm(Fault { s: Some(10), ..Fault::new(Kind::ClockSkew, Match::default()) });
    assert_eq!(result(&rig.get("Time", "")).unwrap()["unixtime"], START.seconds() + 10);
    let late = format!("{ORDER}&deadline=2026-05-01T10%3A00%3A05Z");
    assert_eq!(rig.err("AddOrder", &late), "EService:Deadline elapsed");
    assert!(result(&rig.call("AddOrder", &format!("{ORDER}&deadline=2026-05-01T10%3A00%3A15Z"))).is_ok());
    rig.x.remove_faults(None);
    assert_eq!(result(&rig.get("Time", "")).unwrap()["unixtime"], START.seconds());
}

#[test]
fn maintenance_runs_through_its_states() {
    let mut rig = Rig::new();
    let conn = rig.open();
    rig.subscribe(conn, json!({"channel": "instrument", "snapshot": false}));
    rig.out.clear();
    rig.arm(Fault { s: Some(20), ..Fault::new(Kind::Maintenance, Match::default()) });
    assert!(result(&rig.call("AddOrder", ORDER)).is_err());
    rig.advance(100_000);
    let told: Vec<Value> = rig.channel(conn, "status").iter().map(|f| f["data"][0]["system"].clone()).collect();
    assert_eq!(told, ["maintenance", "cancel_only", "post_only", "online"]);
    assert!(result(&rig.call("AddOrder", ORDER)).is_ok());
}

#[test]
fn faults_with_wrong_numbers_or_pairs_are_refused() {
    let mut rig = Rig::new();
    assert!(rig.x.add_fault(Fault { p: 2.0, ..Fault::new(Kind::Busy, Match::default()) }).is_err());
    let nowhere = Match { pair: Some("NOPE".into()), ..Match::default() };
    assert!(rig.x.add_fault(Fault::new(Kind::Busy, nowhere)).is_err());
    let here = Match { pair: Some("XXBTZUSD".into()), ..at("AddOrder") };
    rig.fault(Kind::Busy, here);
    assert!(result(&rig.call("AddOrder", "&pair=ETHUSD&type=buy&ordertype=limit&price=10.0&volume=0.1")).is_ok());
    assert_eq!(rig.err("AddOrder", ORDER), "EService:Busy");
}
