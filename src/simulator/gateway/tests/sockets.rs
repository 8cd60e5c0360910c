use serde_json::{Value, json};

use super::rig::{ORDER, Rig};
use crate::simulator::gateway::{Ending, Endpoint, ExchangeOptions};
use crate::simulator::listing::PairStatus;

#[test]
fn the_first_frame_is_the_status_and_pings_are_answered() {
    let mut rig = Rig::new();
    let conn = rig.open();
    let first = &rig.frames(conn)[0];
    assert_eq!((&first["channel"], &first["type"]), (&json!("status"), &json!("update")));
    assert!(first["data"][0]["connection_id"].as_u64().unwrap() > 1 << 53);
    let pong = &rig.say(conn, json!({"method": "ping", "req_id": 1}))[0];
    assert_eq!((&pong["method"], &pong["req_id"]), (&json!("pong"), &json!(1)));
    assert_eq!(pong["time_in"], "2026-05-01T10:00:00.000000Z");
    assert!(rig.say(conn, json!({"method": "ping"}))[0].get("req_id").is_none());
}

#[test]
fn each_symbol_gets_its_answer_and_its_snapshot() {
    let mut rig = Rig::new();
    let conn = rig.open();
    let frames =
        rig.subscribe(conn, json!({"channel": "book", "symbol": ["BTC/USD", "XBT/USD", "ETH/USD"], "depth": 25}));
    let kinds: Vec<&str> = frames.iter().map(|f| f["method"].as_str().or(f["type"].as_str()).unwrap()).collect();
    assert_eq!(kinds, ["subscribe", "snapshot", "subscribe", "subscribe", "snapshot"]);
    assert_eq!(frames[0]["result"], json!({"channel": "book", "depth": 25, "snapshot": true, "symbol": "BTC/USD"}));
    assert_eq!(
        (&frames[2]["success"], &frames[2]["error"]),
        (&json!(false), &json!("Currency pair not supported XBT/USD"))
    );
    assert!(frames.iter().filter(|f| f.get("method").is_some()).all(|f| f["req_id"] == 7));
    let again = rig.subscribe(conn, json!({"channel": "book", "symbol": ["BTC/USD"], "depth": 10}));
    assert_eq!(again[0]["error"], "Already subscribed");
    let wrong = rig.subscribe(conn, json!({"channel": "book", "symbol": ["XRP/USD"], "depth": 11}));
    assert_eq!(wrong[0]["success"], false);
    let trade = rig.subscribe(conn, json!({"channel": "trade", "symbol": ["BTC/USD"]}));
    assert_eq!(
        (trade.len(), &trade[0]["result"]["snapshot"]),
        (1, &json!(false)),
        "trades come without a snapshot unless asked for"
    );
    let with = rig.subscribe(conn, json!({"channel": "trade", "symbol": ["ETH/USD"], "snapshot": true}));
    assert_eq!(with[1]["data"].as_array().unwrap().len(), 50);
    for interval in [1, 5] {
        let ohlc = rig.subscribe(conn, json!({"channel": "ohlc", "symbol": ["BTC/USD"], "interval": interval}));
        assert_eq!(ohlc[0]["result"]["interval"], interval);
    }
    let instrument = rig.subscribe(conn, json!({"channel": "instrument"}));
    assert!(instrument[1]["data"]["pairs"].as_array().unwrap().len() > 10);
}

#[test]
fn subscriptions_end_one_by_one_and_frames_stop() {
    let mut rig = Rig::new();
    let conn = rig.open();
    rig.subscribe(conn, json!({"channel": "trade", "symbol": ["BTC/USD", "ETH/USD"]}));
    rig.out.clear();
    rig.advance(60_000);
    let symbols =
        |rig: &Rig, name: &str| rig.channel(conn, "trade").iter().filter(|f| f["data"][0]["symbol"] == name).count();
    assert!(symbols(&rig, "BTC/USD") > 5 && symbols(&rig, "ETH/USD") > 5);
    let ended = rig.say(
        conn,
        json!({"method": "unsubscribe", "params": {"channel": "trade", "symbol": ["BTC/USD", "XRP/USD"]}, "req_id": 8}),
    );
    assert_eq!(
        (&ended[0]["success"], &ended[0]["result"]),
        (&json!(true), &json!({"channel": "trade", "symbol": "BTC/USD"}))
    );
    assert_eq!((&ended[1]["error"], &ended[1]["symbol"]), (&json!("Subscription Not Found"), &json!("XRP/USD")));
    rig.out.clear();
    rig.advance(60_000);
    assert_eq!(symbols(&rig, "BTC/USD"), 0);
    assert!(symbols(&rig, "ETH/USD") > 5);
}

#[test]
fn silence_is_filled_with_heartbeats_and_idle_sockets_are_closed() {
    let mut rig = Rig::new();
    let (idle, quiet) = (rig.open(), rig.open());
    rig.subscribe(quiet, json!({"channel": "instrument", "snapshot": false}));
    rig.out.clear();
    rig.advance(59_999);
    assert_eq!((rig.channel(quiet, "heartbeat").len(), rig.channel(idle, "heartbeat").len()), (59, 0));
    assert_eq!(rig.ended(idle), None);
    rig.advance(1);
    assert_eq!((rig.ended(idle), rig.ended(quiet)), (Some(Ending::Clean), None));
    rig.advance(300_000);
    assert_eq!(rig.ended(quiet), None, "a subscription keeps it open");
    rig.say(quiet, json!({"method": "unsubscribe", "params": {"channel": "instrument"}}));
    rig.advance(59_999);
    assert_eq!((rig.ended(quiet), rig.channel(quiet, "heartbeat").len()), (None, 0));
    rig.advance(1);
    assert_eq!(rig.ended(quiet), Some(Ending::Clean));
}

#[test]
fn private_channels_need_a_token_and_number_their_frames() {
    let mut rig = Rig::new();
    let conn = rig.open();
    assert_eq!(
        rig.subscribe(conn, json!({"channel": "executions", "token": "wrong"}))[0]["error"],
        "ESession:Invalid session"
    );
    assert_eq!(rig.subscribe(conn, json!({"channel": "executions"}))[0]["error"], "Token(s) not found");
    let token = rig.token();
    let frames = rig.subscribe(conn, json!({"channel": "executions", "token": token, "snap_trades": true}));
    assert_eq!(
        (&frames[0]["result"]["channel"], &frames[0]["result"]["maxratecount"]),
        (&json!("executions"), &json!(125))
    );
    assert_eq!(frames[1..].iter().map(|f| f["sequence"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    let balances = rig.subscribe(conn, json!({"channel": "balances", "token": token}));
    assert_eq!((&balances[1]["type"], &balances[1]["sequence"]), (&json!("snapshot"), &json!(1)));

    rig.out.clear();
    rig.ok("AddOrder", "&pair=XBTUSD&type=buy&ordertype=market&volume=0.01");
    let sequences: Vec<u64> = rig.channel(conn, "executions").iter().map(|f| f["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (3..3 + sequences.len() as u64).collect::<Vec<_>>());
    let types: Vec<Value> = rig
        .channel(conn, "executions")
        .iter()
        .flat_map(|f| f["data"].as_array().unwrap().clone())
        .map(|r| r["exec_type"].clone())
        .collect();
    assert_eq!((&types[0], &types[1], types.last().unwrap()), (&json!("pending_new"), &json!("new"), &json!("filled")));
    let ledger = rig.channel(conn, "balances");
    assert!(!ledger.is_empty() && ledger[0]["data"][0]["type"] == "trade");
}

#[test]
fn a_token_outlives_its_time_only_while_it_is_held() {
    let mut rig = Rig::new();
    let (conn, held) = rig.private();
    let loose = rig.token();
    rig.advance(901_000);
    let add = |token: &str| json!({"method": "cancel_all", "params": {"token": token}, "req_id": 1});
    assert_eq!(rig.say(conn, add(&loose))[0]["error"], "ESession:Invalid session");
    assert_eq!(rig.say(conn, add(&held))[0]["success"], true);
    rig.x.closed(conn);
    let other = rig.open();
    assert_eq!(rig.say(other, add(&held))[0]["error"], "ESession:Invalid session");
}

#[test]
fn keys_may_see_and_do_on_sockets_what_they_may_elsewhere() {
    use crate::simulator::gateway::{ClientKey, Permission};
    let key = ClientKey {
        permissions: [Permission::CreateWsToken, Permission::QueryFunds].into(),
        ..ClientKey::trading("own", 1)
    };
    let mut rig = Rig::with(ExchangeOptions { keys: vec![key], strict: false, ..ExchangeOptions::default() });
    let (conn, token) = (rig.open(), rig.token());
    let refused = "EGeneral:Permission denied";
    assert_eq!(rig.subscribe(conn, json!({"channel": "executions", "token": token}))[0]["error"], refused);
    assert_eq!(rig.subscribe(conn, json!({"channel": "balances", "token": token}))[0]["success"], true);
    assert_eq!(rig.say(conn, json!({"method": "cancel_all", "params": {"token": token}}))[0]["error"], refused);
}

#[test]
fn trading_methods_answer_by_request_id_and_once_per_cancelled_order() {
    let mut rig = Rig::new();
    let (conn, token) = rig.private();
    let params = json!({"order_type": "limit", "side": "buy", "symbol": "BTC/USD", "order_qty": 0.1, "limit_price": 100.0, "token": token});
    let frames = rig.say(conn, json!({"method": "add_order", "params": params, "req_id": 11}));
    assert_eq!(
        (&frames[0]["method"], &frames[0]["success"], &frames[0]["req_id"]),
        (&json!("add_order"), &json!(true), &json!(11))
    );
    let id = frames[0]["result"]["order_id"].as_str().unwrap().to_owned();
    assert!(frames[1..].iter().any(|f| f["data"][0]["exec_type"] == "new"));
    let cancel = json!({"method": "cancel_order", "params": {"order_id": [id, "OAAAAA-AAAAA-AAAAAA"], "token": token}, "req_id": 12});
    let answers: Vec<Value> = rig.say(conn, cancel).into_iter().filter(|f| f["req_id"] == 12).collect();
    assert_eq!(answers.iter().map(|a| a["success"].as_bool().unwrap()).collect::<Vec<_>>(), [true, false]);
    let batch =
        json!({"method": "batch_cancel", "params": {"orders": ["OAAAAA-AAAAA-AAAAAA"], "token": token}, "req_id": 13});
    assert_eq!(rig.say(conn, batch)[0]["orders_cancelled"], 0);
    assert_eq!(
        rig.say(conn, json!({"method": "teleport", "params": {"token": token}}))[0]["error"],
        "Unsupported event"
    );
    rig.x.text(conn, "{not json");
    rig.x.drain(&mut rig.out);
    assert_eq!(rig.frames(conn).last().unwrap()["error"], "Malformed request");
}

#[test]
fn endpoints_serve_their_own_channels_only() {
    let mut rig = Rig::new();
    let token = rig.token();
    let (public, auth) = (rig.open_at(Endpoint::Public), rig.open_at(Endpoint::Auth));
    let (book, executions) =
        (json!({"channel": "book", "symbol": ["BTC/USD"]}), json!({"channel": "executions", "token": token}));
    assert_eq!(rig.subscribe(public, book.clone())[0]["success"], true);
    assert_eq!(rig.subscribe(auth, executions.clone())[0]["success"], true);
    assert!(rig.subscribe(public, executions)[0]["error"].as_str().unwrap().contains("ws-auth"));
    assert!(rig.subscribe(auth, book)[0]["error"].as_str().unwrap().contains("ws.kraken.com"));
    assert_eq!(rig.say(public, json!({"method": "cancel_all", "params": {"token": token}}))[0]["success"], false);
}

#[test]
fn too_many_messages_and_too_many_connects_are_refused() {
    let mut rig = Rig::with(ExchangeOptions::default());
    let conn = rig.open();
    let refused = (0..100)
        .filter(|_| rig.say(conn, json!({"method": "ping"}))[0] == json!({"Error": "Exceeded msg rate"}))
        .count();
    assert_eq!(refused, 40);
    rig.advance(1_000);
    assert_eq!(rig.say(conn, json!({"method": "ping"}))[0]["method"], "pong");
    let opened = (0..200).filter(|_| rig.x.open(Endpoint::All).is_ok()).count();
    assert_eq!(opened, 149, "150 with the first");
    assert_eq!(rig.x.open(Endpoint::All).unwrap_err().status, 429);
    rig.advance(10 * 60_000);
    assert!(rig.x.open(Endpoint::All).is_ok());
}

#[test]
fn status_changes_are_told_and_enforced() {
    let mut rig = Rig::new();
    let conn = rig.open();
    rig.subscribe(conn, json!({"channel": "instrument", "snapshot": false}));
    rig.out.clear();
    rig.x.set_system_status(PairStatus::CancelOnly);
    rig.x.set_pair_status("XBTUSD", PairStatus::PostOnly).unwrap();
    rig.x.drain(&mut rig.out);
    assert_eq!(rig.channel(conn, "status")[0]["data"][0]["system"], "cancel_only");
    assert_eq!(rig.channel(conn, "instrument")[0]["data"]["pairs"][0]["status"], "post_only");
    assert_eq!(rig.err("AddOrder", ORDER), "EService:Market in cancel_only mode");
    rig.x.set_system_status(PairStatus::Online);
    assert_eq!(
        rig.err("AddOrder", "&pair=XBTUSD&type=buy&ordertype=market&volume=0.1"),
        "EService:Market in post_only mode"
    );
    assert!(rig.x.set_pair_status("NOPE", PairStatus::Online).is_err());
}
