//! Against a small server on this machine that answers what it is told.

mod server;

use secrecy::SecretString;

use self::server::{Reply, Server};
use super::*;
use crate::clock::SystemClock;
use crate::domain::pair::{Interval, Pair};
use crate::kraken::error::LOCKOUT_MINUTES;
use crate::kraken::keys::Purpose;
use crate::kraken::link::{RestAnswer, RestQuery};
use crate::kraken::sign::ApiKey;
use crate::kraken::wire::Stamp;
use crate::kraken::wire::rest::query::{GetBalance, QueryOrders, TradesHistory};
use crate::kraken::wire::ws::System;

const SECRET: &str = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";
const PAIRS: &str = r#"{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT","quote":"ZUSD",
    "pair_decimals":1,"lot_decimals":8,"cost_decimals":5,"ordermin":"0.00005","costmin":"0.5","tick_size":"0.1","status":"online"}}}"#;
const STATUS: &str = r#"{"error":[],"result":{"status":"online","timestamp":"2026-01-01T00:00:00Z"}}"#;

fn settings(server: &Server) -> RestSettings {
    RestSettings {
        base_url: server.base_url(),
        timeout_ms: 2_000,
        max_body_bytes: 64 * 1_024,
        retries: 0,
        public_pace_ms: 0,
        ..RestSettings::default()
    }
}

fn client(settings: RestSettings) -> Client {
    Client::new(settings, Arc::new(SystemClock::new()), 1).expect("a client")
}

fn private(server: &Server, folder: &tempfile::TempDir) -> Client {
    let key = ApiKey::new(&SecretString::from("key+1"), &SecretString::from(SECRET)).expect("a key");
    let access = Access::open(key, folder.path().join("nonce")).expect("nonces");
    client(settings(server)).with_access(access)
}

fn btc() -> Pair {
    "BTC/USD".parse().expect("a pair")
}

#[tokio::test]
async fn public_calls_are_asked_and_read_as_documented() {
    let trades = r#"{"error":[],"result":{"XXBTZUSD":[["37247.0","0.5",1701019771.0383663,"b","l","",7]],"last":"1701019771038366300"}}"#;
    let ohlc =
        r#"{"error":[],"result":{"XBT/USD":[[1700980260,"1","2","0.5","1.5","1.2","9.0",3]],"last":1700980200}}"#;
    let depth = r#"{"error":[],"result":{"XXBTZUSD":{"asks":[["2","1",1701023454]],"bids":[]}}}"#;
    let server = Server::start([STATUS, PAIRS, trades, ohlc, depth].map(Reply::ok)).await;
    let client = client(settings(&server));
    assert_eq!(client.system_status().await.expect("a status").status, System::Online);
    let page = client.trades(&btc(), Stamp(5)).await.expect("trades");
    assert_eq!((page.rows[0].trade_id, page.cursor(Stamp(5))), (7, Stamp(1_701_019_771_038_365_300)));
    let candles = client.ohlc(&btc(), Interval(1), Some(UtcMs(1_700_980_200_999))).await.expect("candles");
    assert_eq!(candles.rows[0].count, 3);
    assert_eq!(client.depth(&btc(), 10).await.expect("a book").rows.asks.len(), 1);
    let asked: Vec<String> = server.asked().iter().map(|r| r.target.clone()).collect();
    assert_eq!(
        asked,
        [
            "/0/public/SystemStatus",
            "/0/public/AssetPairs",
            "/0/public/Trades?pair=XBTUSD&since=5&count=1000",
            "/0/public/OHLC?pair=XBTUSD&interval=1&since=1700980200",
            "/0/public/Depth?pair=XBTUSD&count=10",
        ]
    );
    assert!(server.asked().iter().all(|r| r.header("user-agent").starts_with("cryptosmarttrader/")));
}

#[tokio::test]
async fn rows_of_another_pair_are_refused() {
    let other = r#"{"error":[],"result":{"XETHZUSD":[],"last":"1701019771038366300"}}"#;
    let server = Server::start([PAIRS, other].map(Reply::ok)).await;
    let error = client(settings(&server)).trades(&btc(), Stamp(0)).await.expect_err("another pair");
    assert!(error.to_string().contains("asked for BTC/USD, got rows of 'XETHZUSD'"), "{error}");
}

#[tokio::test]
async fn everything_that_is_no_answer_is_typed() {
    let html = "<html><head><title>502 Bad Gateway</title></head></html>";
    let long = format!("{{\"error\":[],\"result\":\"{}\"}}", "x".repeat(70_000));
    let replies = [
        Reply::new(502, html),
        Reply::new(520, html),
        Reply::ok("{\"error\":[],\"result\":{\"status\":\"onl"),
        Reply::ok(""),
        Reply::ok(&long),
        Reply::ok(&long).without_length(),
        Reply::ok(r#"{"error":[],"result":{"status":7}}"#),
        Reply::ok(r#"{"error":["EService: Throttled: 99999999999"]}"#),
        Reply::new(301, ""),
    ];
    let server = Server::start(replies).await;
    let client = client(settings(&server));
    let mut kinds = Vec::new();
    for _ in 0..9 {
        kinds.push(match client.system_status().await.expect_err("no answer") {
            KrakenError::Gateway { status, html, .. } => format!("gateway {status} {html}"),
            KrakenError::NotJson { .. } => "not json".to_owned(),
            KrakenError::Empty { .. } => "empty".to_owned(),
            KrakenError::TooLarge { limit: 65_536, .. } => "too large".to_owned(),
            KrakenError::Shape { .. } => "shape".to_owned(),
            KrakenError::Api { errors, .. } => errors[0].message.clone(),
            KrakenError::Halted { .. } => "no room".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    let meant = [
        "gateway 502 true",
        "gateway 520 true",
        "not json",
        "empty",
        "too large",
        "too large",
        "shape",
        "Throttled",
        "no room",
    ];
    assert_eq!(kinds, meant, "after being throttled for long it does not even ask");
}

#[tokio::test]
async fn broken_lines_are_typed() {
    let server = Server::start([Reply::ok(STATUS).cut(20), Reply::ok(STATUS).late(60_000)]).await;
    let client = client(RestSettings { timeout_ms: 150, ..settings(&server) });
    assert!(matches!(client.system_status().await, Err(KrakenError::Broken { .. })));
    assert!(matches!(client.system_status().await, Err(KrakenError::Timeout { ms: 150, .. })));
    // a port that was free a moment ago
    let gone = Server::start([]).await.base_url();
    let nobody = self::client(RestSettings { base_url: gone, ..settings(&server) });
    assert!(matches!(nobody.system_status().await, Err(KrakenError::NotSent { .. })));
}

#[tokio::test]
async fn reads_are_repeated_only_when_that_can_help() {
    let replies = [Reply::new(520, "<html>"), Reply::ok(r#"{"error":["EService:Busy"]}"#), Reply::ok(STATUS)];
    let server = Server::start(replies).await;
    let patient = client(RestSettings { retries: 2, ..settings(&server) });
    assert!(patient.system_status().await.is_ok());
    assert_eq!(server.asked().len(), 3);
    let final_error = r#"{"error":["EGeneral:Invalid arguments"]}"#;
    let server = Server::start([Reply::ok(final_error), Reply::ok(STATUS)]).await;
    let patient = client(RestSettings { retries: 2, ..settings(&server) });
    assert!(matches!(patient.system_status().await, Err(KrakenError::Api { .. })));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn tickers_are_asked_fifty_at_a_time() {
    let row = |i: usize| {
        format!(
            r#""P{i}":{{"altname":"A{i:03}USD","wsname":"A{i:03}/USD","base":"A","quote":"USD","pair_decimals":1,"lot_decimals":8,"ordermin":"1"}}"#
        )
    };
    let pairs = format!(r#"{{"error":[],"result":{{{}}}}}"#, (0..120).map(row).collect::<Vec<_>>().join(","));
    let none = r#"{"error":[],"result":{}}"#;
    let server = Server::start([pairs.as_str(), none, none, none, none].map(Reply::ok)).await;
    let client = client(settings(&server));
    let wanted: Vec<Pair> = (0..120).map(|i| format!("A{i:03}/USD").parse().expect("a pair")).collect();
    assert!(client.tickers(&wanted).await.expect("tickers").is_empty());
    assert!(client.tickers(&[]).await.expect("tickers").is_empty());
    let counts: Vec<usize> = server.asked().iter().skip(1).map(|r| r.target.matches("USD").count()).collect();
    assert_eq!(counts, [50, 50, 20, 0]);
    assert!(client.tickers(&["NOPE/USD".parse().expect("a pair")]).await.is_err());
}

#[tokio::test]
async fn the_clocks_are_compared() {
    let clock = SystemClock::new();
    let seconds = clock.now().0 / 1_000 + 100;
    let time = format!(r#"{{"error":[],"result":{{"unixtime":{seconds},"rfc1123":""}}}}"#);
    let server = Server::start([Reply::ok(&time)]).await;
    let skew = client(settings(&server)).clock_skew().await.expect("a skew");
    assert!(skew.is_large() && (skew.ms - 100_000).abs() < 60_000, "{skew:?}");
}

#[tokio::test]
async fn private_reads_are_signed_and_nonces_rise() {
    let folder = tempfile::tempdir().expect("a folder");
    let balance = r#"{"error":[],"result":{"ZUSD":"12.50"}}"#;
    let server = Server::start([balance, balance].map(Reply::ok)).await;
    let client = private(&server, &folder);
    for _ in 0..2 {
        assert_eq!(client.read(&GetBalance).await.expect("a balance")["ZUSD"].to_string(), "12.50");
    }
    let mut last = 0;
    for request in server.asked() {
        assert_eq!((request.target.as_str(), request.header("api-key")), ("/0/private/Balance", "key+1"));
        assert_eq!(request.header("content-type"), "application/x-www-form-urlencoded");
        let nonce: u64 = request.body.strip_prefix("nonce=").expect("a nonce").parse().expect("a number");
        assert!(nonce > last);
        last = nonce;
        let key = ApiKey::new(&SecretString::from("k"), &SecretString::from(SECRET)).expect("a key");
        assert_eq!(request.header("api-sign"), key.sign("/0/private/Balance", nonce, request.body.as_bytes()));
    }
    assert_eq!(client.budget().await.map(|b| b.max), Some(15_000));
    assert!(!format!("{client:?}").contains("key+1"));
}

#[tokio::test]
async fn an_invalid_nonce_is_tried_once_more_and_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = r#"{"error":["EAPI:Invalid nonce"]}"#;
    let server = Server::start([bad, r#"{"error":[],"result":{}}"#, bad, bad, bad].map(Reply::ok)).await;
    let client = private(&server, &folder);
    assert!(client.read(&GetBalance).await.is_ok());
    assert!(client.read(&GetBalance).await.is_err());
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn after_a_lockout_nothing_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let server =
        Server::start([r#"{"error":["EGeneral:Temporary lockout"]}"#, r#"{"error":[],"result":{}}"#].map(Reply::ok))
            .await;
    let client = private(&server, &folder);
    assert_eq!(
        client.read(&GetBalance).await.map_err(|e| e.remedy(false)),
        Err(Remedy::Halt { minutes: Some(LOCKOUT_MINUTES) })
    );
    let Err(KrakenError::Halted { why }) = client.read(&GetBalance).await else { panic!("it asked again") };
    assert!(why.contains("Temporary lockout") && why.contains("until 20"), "{why}");
    assert_eq!(server.asked().len(), 1);
    client.resume().await;
    assert!(client.read(&GetBalance).await.is_ok());
}

#[tokio::test]
async fn keys_are_checked_and_bad_requests_are_not_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let info =
        r#"{"error":[],"result":{"apiKeyName":"k","permissions":["query-funds","withdraw-funds"],"nonceWindow":"0"}}"#;
    let server = Server::start([Reply::ok(info)]).await;
    let client = private(&server, &folder);
    let refused = client.check_key(Purpose::Reading).await.expect_err("withdraws").to_string();
    assert!(refused.contains("withdraw-funds"), "{refused}");
    assert!(matches!(client.read(&QueryOrders::default()).await, Err(KrakenError::Request { .. })));
    let zero = TradesHistory { limit: Some(0), ..TradesHistory::default() };
    assert!(matches!(client.read(&zero).await, Err(KrakenError::Request { .. })));
    assert_eq!(server.asked().len(), 1);
    let without = self::client(settings(&server));
    assert!(matches!(without.read(&GetBalance).await, Err(KrakenError::Key(_))));
    assert_eq!(without.budget().await, None);
}

#[tokio::test]
async fn the_links_questions_are_answered_once() {
    let trades =
        r#"{"error":[],"result":{"XXBTZUSD":[["37247.0","0.5",1701019771.0383663,"s","m","",7]],"last":"17010197"}}"#;
    let ohlc =
        r#"{"error":[],"result":{"XXBTZUSD":[[1700980260,"1","2","0.5","1.5","1.2","9.0",3]],"last":1700980200}}"#;
    let replies = [
        Reply::ok(PAIRS),
        Reply::ok(STATUS),
        Reply::ok(trades),
        Reply::ok(ohlc),
        Reply::new(520, "<html>"),
        Reply::ok(r#"{"error":["EQuery:Unknown asset pair"]}"#),
        Reply::ok(r#"{"error":[],"result":{"status":[]}}"#),
        Reply::ok(r#"{"error":["EGeneral:Too many requests"]}"#),
    ];
    let server = Server::start(replies).await;
    let client = client(RestSettings { retries: 3, ..settings(&server) });
    let Ok(RestAnswer::AssetPairs(rows)) = client.answer(RestQuery::AssetPairs).await else { panic!("no pairs") };
    assert_eq!((rows.len(), rows[0].pair.as_str(), rows[0].tick_size.to_string()), (1, "BTC/USD", "0.1".to_owned()));
    assert_eq!(client.answer(RestQuery::SystemStatus).await, Ok(RestAnswer::SystemStatus(System::Online)));
    let since = Stamp(9);
    let ask = || RestQuery::Trades { symbol: "BTC/USD".to_owned(), since };
    let Ok(RestAnswer::Trades { rows, last }) = client.answer(ask()).await else { panic!("no trades") };
    assert_eq!((rows[0].symbol.as_str(), rows[0].ord_type.as_str(), rows[0].trade_id), ("BTC/USD", "market", 7));
    assert_eq!(last.0, rows[0].timestamp.0 - 1_000, "whatever the malformed cursor says");
    let symbol = "BTC/USD".to_owned();
    let Ok(RestAnswer::Ohlc { rows }) =
        client.answer(RestQuery::Ohlc { symbol, interval: Interval(1), since: None }).await
    else {
        panic!("no candles")
    };
    assert_eq!((rows[0].interval, rows[0].interval_begin), (1, Stamp(1_700_980_260_000_000_000)));
    let waits =
        |answer: Result<RestAnswer, crate::kraken::link::RestTrouble>| answer.expect_err("trouble").retry_after_ms;
    assert_eq!(waits(client.answer(ask()).await), Some(1_000), "a gateway may recover");
    assert_eq!(waits(client.answer(ask()).await), None, "a pair that is unknown stays so");
    assert_eq!(waits(client.answer(RestQuery::SystemStatus).await), Some(60_000));
    assert_eq!(waits(client.answer(RestQuery::SystemStatus).await), Some(5_000));
    assert_eq!(server.asked().len(), 8, "one try each");
}

#[tokio::test]
async fn a_pair_that_vanished_makes_the_table_be_read_anew() {
    let gone = r#"{"error":["EQuery:Unknown asset pair"]}"#;
    let server = Server::start([PAIRS, gone, r#"{"error":[],"result":{}}"#].map(Reply::ok)).await;
    let client = client(settings(&server));
    let ask = || RestQuery::Trades { symbol: "BTC/USD".to_owned(), since: Stamp(0) };
    for text in ["Unknown asset pair", "lists no pair 'BTC/USD'"] {
        let trouble = client.answer(ask()).await.expect_err("gone");
        assert!(trouble.text.contains(text) && trouble.retry_after_ms.is_none(), "{trouble:?}");
    }
    assert_eq!(server.asked().iter().filter(|r| r.target == "/0/public/AssetPairs").count(), 2);
}
