use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::rig::{Rig, on_channel, on_method};
use crate::simulator::gateway::faults::{Fault, Kind, Match, Stage};
use crate::simulator::gateway::{ConnKey, Ending, Endpoint};

fn order(token: &str) -> Value {
    let params = json!({"order_type": "limit", "side": "buy", "symbol": "BTC/USD", "order_qty": 0.1, "limit_price": 100.0, "token": token});
    json!({"method": "add_order", "params": params, "req_id": 5})
}

/// A socket on one public channel of BTC/USD, snapshot read.
fn on(rig: &mut Rig, channel: &str) -> ConnKey {
    let conn = rig.open();
    rig.subscribe(conn, json!({"channel": channel, "symbol": ["BTC/USD"]}));
    rig.out.clear();
    conn
}

fn fills(rig: &Rig, conn: ConnKey) -> Vec<Value> {
    let rows = rig.channel(conn, "executions").into_iter().flat_map(|f| f["data"].as_array().unwrap().clone());
    rows.filter(|r| r["exec_type"] == "trade").collect()
}

const MARKET_BUY: &str = "&pair=XBTUSD&type=buy&ordertype=market&volume=0.001";

#[test]
fn sockets_end_around_a_method() {
    for (kind, how) in
        [(Kind::WsClose, Ending::Clean), (Kind::WsHalfOpen, Ending::HalfOpen), (Kind::Reset, Ending::Reset)]
    {
        for (when, placed) in [(Stage::Before, 0), (Stage::After, 1)] {
            let mut rig = Rig::new();
            let (conn, token) = rig.private();
            rig.arm(Fault { when, ..Fault::new(kind, on_method("add_order")) });
            let frames = rig.say(conn, order(&token));
            assert!(frames.iter().all(|f| f.get("method").is_none()), "no answer");
            assert_eq!((rig.ended(conn), rig.placed()), (Some(how), placed), "{kind:?} {when:?}");
            rig.out.clear();
            rig.advance(5_000);
            assert!(rig.frames(conn).is_empty(), "silent afterwards");
            assert!(rig.say(conn, json!({"method": "ping"})).is_empty());
        }
    }
}

#[test]
fn sockets_end_at_a_frame() {
    for (kind, how) in [(Kind::WsClose, Ending::Clean), (Kind::WsHalfOpen, Ending::HalfOpen)] {
        let mut rig = Rig::new();
        let conn = on(&mut rig, "trade");
        rig.fault(kind, Match { nth: Some(3), ..on_channel("trade") });
        rig.advance(60_000);
        assert_eq!((rig.ended(conn), rig.channel(conn, "trade").len()), (Some(how), 2));
    }
}

#[test]
fn connects_are_refused_and_banned() {
    let mut rig = Rig::new();
    rig.fault(Kind::WsRefuse, Match::default());
    assert_eq!(rig.x.open(Endpoint::All).unwrap_err().status, 503);
    assert!(rig.x.open(Endpoint::All).is_ok());
    rig.arm(Fault { s: Some(60), ..Fault::new(Kind::WsBan, Match::default()) });
    assert_eq!(rig.x.open(Endpoint::All).unwrap_err().status, 429);
    rig.advance(59_000);
    assert_eq!(rig.x.open(Endpoint::Public).unwrap_err().status, 429);
    rig.advance(1_000);
    assert!(rig.x.open(Endpoint::All).is_ok());
}

#[test]
fn methods_fail_slow_down_and_lose_their_session() {
    let mut rig = Rig::new();
    let (conn, token) = rig.private();
    for (kind, text) in [
        (Kind::Busy, "EService:Busy"),
        (Kind::EngineLimit, "EOrder:Rate limit exceeded"),
        (Kind::Lockout, "EGeneral:Temporary lockout"),
    ] {
        rig.fault(kind, on_method("add_order"));
        assert_eq!(rig.say(conn, order(&token))[0]["error"], text);
        assert_eq!(rig.placed(), 0);
    }
    rig.arm(Fault { when: Stage::After, ..Fault::new(Kind::ServiceUnavailable, on_method("add_order")) });
    assert_eq!((&rig.say(conn, order(&token))[0]["error"], rig.placed()), (&json!("EService:Unavailable"), 1));
    rig.arm(Fault { ms: Some(4_000), ..Fault::new(Kind::SlowAfter, on_method("add_order")) });
    assert!(rig.say(conn, order(&token)).iter().all(|f| f.get("method").is_none()));
    assert_eq!(rig.placed(), 2);
    rig.advance(4_000);
    assert_eq!(rig.frames(conn).iter().filter(|f| f["method"] == "add_order").count(), 1);
    rig.arm(Fault { ms: Some(4_000), ..Fault::new(Kind::SlowBefore, on_method("add_order")) });
    assert!(rig.say(conn, order(&token)).is_empty());
    assert_eq!(rig.placed(), 2);
    rig.advance(4_000);
    assert_eq!(rig.placed(), 3);
    rig.arm(Fault { s: Some(55), ..Fault::new(Kind::LateAppearance, on_method("add_order")) });
    assert!(rig.say(conn, order(&token)).is_empty(), "neither answer nor row");
    assert_eq!(rig.placed(), 4);
    rig.fault(Kind::TokenExpired, on_method("add_order"));
    assert_eq!(rig.say(conn, order(&token))[0]["error"], "ESession:Invalid session");
    let fresh = rig.token();
    assert_eq!(rig.say(conn, order(&fresh))[0]["success"], true);
}

#[test]
fn frames_are_dropped_doubled_and_reordered() {
    let ids = |rig: &Rig, conn| -> Vec<u64> {
        rig.channel(conn, "trade")
            .iter()
            .flat_map(|f| f["data"].as_array().unwrap().clone())
            .map(|r| r["trade_id"].as_u64().unwrap())
            .collect()
    };
    let mut plain = Rig::new();
    let conn = on(&mut plain, "trade");
    plain.advance(60_000);
    let all = ids(&plain, conn);
    let first = plain.channel(conn, "trade")[0]["data"].as_array().unwrap().len();
    let second = plain.channel(conn, "trade")[1]["data"].as_array().unwrap().len();
    let run = |kind| {
        let mut rig = Rig::new();
        let conn = on(&mut rig, "trade");
        rig.fault(kind, on_channel("trade"));
        rig.advance(60_000);
        ids(&rig, conn)
    };
    assert_eq!(run(Kind::DropFrame), all[first..]);
    assert_eq!(run(Kind::DupFrame), [&all[..first], &all[..]].concat());
    assert_eq!(run(Kind::Reorder), [&all[first..first + second], &all[..first], &all[first + second..]].concat());
}

#[test]
fn a_dropped_private_frame_leaves_a_gap_in_the_sequence() {
    let mut rig = Rig::new();
    let (conn, _) = rig.private();
    rig.fault(Kind::DropFrame, Match { nth: Some(2), ..on_channel("executions") });
    rig.order();
    rig.order();
    let sequences: Vec<u64> = rig.channel(conn, "executions").iter().map(|f| f["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, [2, 4, 5]);
}

#[test]
fn fills_are_told_twice_or_late_with_their_own_id() {
    let mut rig = Rig::new();
    let (conn, _) = rig.private();
    rig.fault(Kind::DupFill, on_channel("executions"));
    rig.ok("AddOrder", MARKET_BUY);
    let told = fills(&rig, conn);
    let truth = rig.x.fills().as_array().unwrap().len();
    assert_eq!(told.len(), truth + 1);
    assert_eq!(told[0]["exec_id"], told[1]["exec_id"]);
    let sequences: Vec<u64> = rig.channel(conn, "executions").iter().map(|f| f["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (2..2 + sequences.len() as u64).collect::<Vec<_>>());

    rig.out.clear();
    rig.arm(Fault { s: Some(3), ..Fault::new(Kind::LateFill, on_channel("executions")) });
    rig.ok("AddOrder", MARKET_BUY);
    let before = fills(&rig, conn).len();
    rig.advance(3_000);
    assert_eq!(fills(&rig, conn).len(), before + 1);
    assert_eq!(rig.x.fills().as_array().unwrap().len(), truth + before + 1);
}

#[test]
fn a_cancelled_order_is_filled_after_all() {
    let mut rig = Rig::new();
    let (conn, _) = rig.private();
    let id = rig.order();
    rig.arm(Fault { s: Some(2), ..Fault::new(Kind::LateFill, super::rig::at("CancelOrder")) });
    rig.ok("CancelOrder", &format!("&txid={id}"));
    assert!(fills(&rig, conn).is_empty());
    rig.advance(2_000);
    assert_eq!(fills(&rig, conn)[0]["order_id"], json!(id));
    rig.x.check().unwrap();
}

#[test]
fn books_lie_stand_still_and_cross() {
    let mut rig = Rig::new();
    let conn = on(&mut rig, "book");
    let mut other = Rig::new();
    let twin = on(&mut other, "book");
    rig.fault(Kind::BadChecksum, on_channel("book"));
    [&mut rig, &mut other].into_iter().for_each(|r| r.advance(20_000));
    let sums = |r: &Rig, c| -> Vec<u64> {
        r.channel(c, "book").iter().map(|f| f["data"][0]["checksum"].as_u64().unwrap()).collect()
    };
    let (wrong, right) = (sums(&rig, conn), sums(&other, twin));
    assert!(wrong[0] != right[0] && wrong[1..] == right[1..]);

    rig.arm(Fault { s: Some(30), ..Fault::new(Kind::StaleBook, on_channel("book")) });
    rig.advance(20_000);
    rig.out.clear();
    rig.advance(5_000);
    assert_eq!(rig.channel(conn, "book").len(), 0, "frozen");
    rig.advance(60_000);
    assert!(!rig.channel(conn, "book").is_empty());

    let book = json!({"channel": "book", "symbol": ["BTC/USD"]});
    rig.say(conn, json!({"method": "unsubscribe", "params": book}));
    let snapshot = rig.subscribe(conn, book)[1].clone();
    rig.fault(Kind::CrossedBook, on_channel("book"));
    rig.out.clear();
    rig.advance(30_000);
    let frames: Vec<Value> = std::iter::once(snapshot).chain(rig.channel(conn, "book")).collect();
    let crossed = crossings(&frames);
    assert_eq!((crossed.first(), crossed.last()), (Some(&false), Some(&false)));
    assert!(crossed.contains(&true));
}

/// After each frame of a book ten deep, whether its best bid is at or above its best ask.
fn crossings(frames: &[Value]) -> Vec<bool> {
    let mut sides: [BTreeMap<Decimal, Decimal>; 2] = Default::default();
    let number = |v: &Value| Decimal::from_str_exact(&v.to_string()).unwrap();
    let mut crossed = Vec::new();
    for frame in frames {
        for (side, name) in sides.iter_mut().zip(["bids", "asks"]) {
            for level in frame["data"][0][name].as_array().unwrap() {
                side.insert(number(&level["price"]), number(&level["qty"]));
            }
            side.retain(|_, qty| !qty.is_zero());
            while side.len() > 10 {
                if name == "bids" {
                    side.pop_first()
                } else {
                    side.pop_last()
                };
            }
        }
        let [bids, asks] = &sides;
        crossed.push(bids.last_key_value().map(|b| b.0) >= asks.first_key_value().map(|a| a.0));
    }
    crossed
}

#[test]
fn heartbeats_snapshots_and_answers_go_missing_or_come_in_disorder() {
    let mut rig = Rig::new();
    let conn = rig.open();
    rig.subscribe(conn, json!({"channel": "instrument", "snapshot": false}));
    rig.arm(Fault { count: 1_000, for_s: Some(20), ..Fault::new(Kind::NoHeartbeat, Match::default()) });
    rig.out.clear();
    rig.advance(19_000);
    assert!(rig.frames(conn).is_empty());
    rig.advance(5_000);
    assert!(rig.channel(conn, "heartbeat").len() >= 3, "they come back");

    rig.fault(Kind::MissingSnapshot, on_channel("book"));
    let frames = rig.subscribe(conn, json!({"channel": "book", "symbol": ["BTC/USD"]}));
    assert_eq!((frames.len(), &frames[0]["success"]), (1, &json!(true)));
    rig.fault(Kind::DataBeforeAck, on_channel("book"));
    let frames = rig.subscribe(conn, json!({"channel": "book", "symbol": ["ETH/USD"]}));
    assert_eq!((&frames[0]["type"], &frames[1]["method"]), (&json!("snapshot"), &json!("subscribe")));
}

#[test]
fn frames_hold_new_words_new_fields_and_no_symbol() {
    let mut rig = Rig::new();
    let conn = on(&mut rig, "trade");
    rig.fault(Kind::UnknownEnum, on_channel("trade"));
    rig.fault(Kind::ExtraFields, Match { nth: Some(2), ..on_channel("trade") });
    rig.fault(Kind::SymbolOmitted, Match { nth: Some(3), ..on_channel("trade") });
    rig.advance(60_000);
    let frames = rig.channel(conn, "trade");
    assert_eq!(frames[0]["data"][0]["ord_type"], "novel_word");
    assert!(frames[1].get("novel_field").is_some() && frames[1]["data"][0].get("novel_field").is_some());
    assert!(frames[2]["data"][0].get("symbol").is_none());
    assert!(frames[3]["data"][0].get("symbol").is_some() && frames[3].get("novel_field").is_none());
}
