use serde_json::json;

use super::rig::{ORDER, Rig, START, result};
use crate::simulator::gateway::{ExchangeOptions, RestCall};

#[test]
fn public_calls_answer_by_get_and_post_and_unknown_ones_say_so() {
    let mut rig = Rig::new();
    let time = result(&rig.get("Time", "")).unwrap();
    assert_eq!(time["unixtime"], START.seconds());
    let ticker = result(&rig.get("Ticker", "pair=XBTUSD")).unwrap();
    assert!(ticker.get("XXBTZUSD").is_some());
    let post = RestCall {
        method: "POST".into(),
        path: "/0/public/Depth".into(),
        body: b"pair=XXBTZUSD&count=2".to_vec(),
        ..RestCall::default()
    };
    assert_eq!(result(&rig.x.rest(post)).unwrap()["XXBTZUSD"]["asks"].as_array().unwrap().len(), 2);
    assert_eq!(result(&rig.get("Secrets", "")), Err("EGeneral:Unknown method".into()));
    assert_eq!(rig.err("WithdrawEverything", ""), "EGeneral:Unknown method");
    assert_eq!(rig.x.rest(RestCall { path: "/".into(), ..RestCall::default() }).status, 404);
    assert_eq!(result(&rig.get("SystemStatus", "")).unwrap()["status"], "online");
}

#[test]
fn orders_go_through_and_keys_have_their_rights() {
    let mut rig = Rig::new();
    let id = rig.order();
    assert_eq!(rig.open_ids(), std::slice::from_ref(&id));
    assert_eq!(rig.ok("CancelOrder", &format!("&txid={id}"))["count"], 1);
    assert!(rig.open_ids().is_empty());
    rig.as_key("reader");
    assert!(rig.ok("BalanceEx", "").get("ZUSD").is_some());
    assert_eq!(rig.err("AddOrder", ORDER), "EGeneral:Permission denied");
    assert_eq!(rig.err("GetWebSocketsToken", ""), "EGeneral:Permission denied");
    assert_eq!(
        rig.ok("GetApiKeyInfo", "")["permissions"],
        json!(["query-funds", "query-open-trades", "query-closed-trades"])
    );
    let get = RestCall { method: "GET".into(), ..rig.signed("Balance", "") };
    assert_eq!(result(&rig.x.rest(get)), Err("EGeneral:Unknown method".into()));
}

#[test]
fn the_call_counter_refuses_and_falls() {
    let mut rig = Rig::with(ExchangeOptions::default());
    let refused =
        (0..30).map(|_| rig.call("Balance", "")).filter(|r| r.body.contains("EAPI:Rate limit exceeded")).count();
    assert_eq!(refused, 10, "an intermediate account holds 20");
    assert!(result(&rig.call("AddOrder", ORDER)).is_ok(), "orders have a limit of their own");
    assert_eq!(rig.err("TradesHistory", ""), "EAPI:Rate limit exceeded");
    rig.advance(8_100);
    assert!(result(&rig.call("TradesHistory", "")).is_ok());
    assert_eq!(rig.err("Balance", ""), "EAPI:Rate limit exceeded");
}

#[test]
fn public_calls_are_paced_per_call_and_pair() {
    let mut rig = Rig::with(ExchangeOptions::default());
    let answers: Vec<bool> = (0..3).map(|_| result(&rig.get("OHLC", "pair=XBTUSD")).is_ok()).collect();
    assert_eq!(answers, [true, true, false]);
    assert_eq!(result(&rig.get("OHLC", "pair=XBTUSD")), Err("EGeneral:Too many requests".into()));
    assert!(result(&rig.get("OHLC", "pair=ETHUSD")).is_ok() && result(&rig.get("Trades", "pair=XBTUSD")).is_ok());
    rig.advance(1_000);
    assert!(result(&rig.get("OHLC", "pair=XBTUSD")).is_ok());
}

#[test]
fn foreign_keys_are_refused_and_written_nowhere() {
    let mut rig = Rig::new();
    let stranger = RestCall { api_key: Some("SOMEBODYS-REAL-KEY".into()), ..rig.signed("Balance", "") };
    assert_eq!(result(&rig.x.rest(stranger)), Err("EAPI:Invalid key".into()));
    let inside = format!("{}{}{:?}", rig.x.log(), rig.x.state(), rig.x);
    assert!(!inside.contains("SOMEBODYS-REAL-KEY"));
    let log = rig.x.log().to_string();
    assert!(!log.contains(&rig.key.secret) && !log.contains(&rig.key.key), "names only");
}
