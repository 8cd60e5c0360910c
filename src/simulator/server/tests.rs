//! Real sockets on loopback: our own HTTP and WebSocket clients against a running stand-in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

use super::*;
use crate::clock::SystemClock;
use crate::simulator::desk::{Desk, DeskOptions};
use crate::simulator::gateway::ExchangeOptions;
use crate::simulator::listing::Listing;
use crate::simulator::market::{Market, MarketData, MarketOptions, synthetic};
use crate::simulator::protocol::Symbol;

type Ws = WebSocketStream<MaybeTlsStream<TcpStream>>;

const START: SimNs = SimNs(1_777_629_600_000_000_000);
/// Longer than anything here takes; a test that waits so long fails.
const PATIENCE: Duration = Duration::from_secs(30);

async fn started(mode: ClockMode, queue: usize) -> RunningServer {
    let listing = Arc::new(Listing::bundled().unwrap());
    let symbols = [Symbol::from("BTC/USD"), Symbol::from("ETH/USD")];
    let trades = synthetic::trades(&listing, &symbols, START.plus_ms(-600_000), 2, 500, 7).unwrap();
    let data = MarketData { listing, trades, candles: Vec::new(), books: Vec::new(), start: START };
    let market = Market::new(data, MarketOptions::default()).unwrap();
    let options = ExchangeOptions { strict: false, ..ExchangeOptions::default() };
    let exchange = Exchange::new(options, market, Desk::new(DeskOptions::default())).unwrap();
    let options = ServerOptions { mode, queue, ..ServerOptions::default() };
    Server::start(options, exchange, Arc::new(SystemClock::new())).await.unwrap()
}

async fn connect(address: SocketAddr, path: &str) -> Result<Ws, tungstenite::Error> {
    tokio_tungstenite::connect_async(format!("ws://{address}{path}")).await.map(|(ws, _)| ws)
}

/// The next text frame as JSON; `None` when the socket ended.
async fn next(ws: &mut Ws) -> Option<Value> {
    loop {
        match tokio::time::timeout(PATIENCE, ws.next()).await.unwrap()? {
            Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).unwrap()),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

async fn say(ws: &mut Ws, message: Value) {
    ws.send(Message::text(message.to_string())).await.unwrap();
}

/// A client that trusts the given authority; without one, nothing beyond plain HTTP.
fn http(ca_pem: Option<&str>) -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder().no_proxy();
    let builder = match ca_pem {
        Some(pem) => builder.tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()]),
        None => builder,
    };
    builder.build().unwrap()
}

async fn get(url: String) -> Value {
    http(None).get(url).send().await.unwrap().json().await.unwrap()
}

async fn post(server: &RunningServer, path: &str, body: Value) -> (u16, Value) {
    let url = format!("http://{}{path}", server.control.unwrap());
    let answer = http(None).post(url).body(body.to_string()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn rest_and_sockets_share_the_plain_port() {
    let server = started(ClockMode::Real, 100).await;
    assert!(server.plain.ip().is_loopback() && server.tls.unwrap().ip().is_loopback());
    let time = get(format!("http://{}/0/public/Time", server.plain)).await;
    assert!(time["result"]["unixtime"].as_i64().unwrap() >= START.seconds());
    let mut ws = connect(server.plain, "/v2").await.unwrap();
    assert_eq!(next(&mut ws).await.unwrap()["channel"], "status");
    say(&mut ws, json!({"method": "ping", "req_id": 3})).await;
    assert_eq!(next(&mut ws).await.unwrap()["req_id"], 3);
    assert!(connect(server.plain, "/v1").await.is_err());
    let described = server.describe(&ClientKey::usual());
    assert_eq!(described["ws"], format!("ws://{}/v2", server.plain));
}

#[tokio::test]
async fn tls_shows_a_leaf_of_the_stand_ins_authority() {
    let server = started(ClockMode::Real, 100).await;
    let (address, pem) = (server.tls.unwrap(), server.ca_pem.clone().unwrap());
    let trusting = http(Some(&pem));
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{}/0/public/Time", address.port());
        assert!(trusting.get(url).send().await.unwrap().status().is_success());
    }
    let other = tls::Certificates::make().unwrap().ca_pem;
    let distrusting = http(Some(&other));
    assert!(distrusting.get(format!("https://{address}/0/public/Time")).send().await.is_err());

    let mut roots = rustls::RootCertStore::empty();
    let der = rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes()).unwrap();
    roots.add(der).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = Connector::Rustls(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let url = format!("wss://{address}/v2");
    let (mut ws, _) = tokio_tungstenite::connect_async_tls_with_config(url, None, true, Some(connector)).await.unwrap();
    assert_eq!(next(&mut ws).await.unwrap()["channel"], "status");
}

#[tokio::test]
async fn a_step_is_done_when_its_frames_are_on_their_way() {
    let server = started(ClockMode::Step, 16).await;
    let mut ws = connect(server.plain, "/v2").await.unwrap();
    say(&mut ws, json!({"method": "subscribe", "params": {"channel": "trade", "symbol": ["BTC/USD"]}, "req_id": 1}))
        .await;
    while next(&mut ws).await.unwrap()["method"] != "subscribe" {}
    let reader = tokio::spawn(async move {
        let mut ids = Vec::new();
        loop {
            let frame = next(&mut ws).await.unwrap();
            let rows = frame["data"].as_array().cloned().unwrap_or_default();
            ids.extend(rows.iter().map(|r| r["trade_id"].as_u64().unwrap()));
            if frame["method"] == "pong" {
                return ids;
            }
            if ids.len() == 500 {
                say(&mut ws, json!({"method": "ping"})).await;
            }
        }
    });
    let reached = server.handle.advance(START.plus_ms(600_000)).await.unwrap();
    assert_eq!(reached, START.plus_ms(600_000));
    let ids = tokio::time::timeout(PATIENCE, reader).await.unwrap().unwrap();
    assert!(ids.len() >= 500 && ids.windows(2).all(|w| w[1] == w[0] + 1), "nothing lost, though the queue holds 16");
    assert_eq!(server.handle.with(|x| x.now()).await, Some(reached));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_and_counted() {
    let server = started(ClockMode::Real, 4).await;
    let mut ws = connect(server.plain, "/v2").await.unwrap();
    assert_eq!(next(&mut ws).await.unwrap()["channel"], "status");
    // Each answer lists every pair, some hundred kB: the queue runs over, whatever the buffers of the sockets hold.
    let ask = |method: &str| Message::text(json!({"method": method, "params": {"channel": "instrument"}}).to_string());
    for _ in 0..400 {
        // Once it is closed, nothing more can be said.
        if ws.send(ask("subscribe")).await.is_err() || ws.send(ask("unsubscribe")).await.is_err() {
            break;
        }
    }
    let slow = tokio::time::timeout(PATIENCE, async {
        while server.handle.with(|x| x.counted().slow_clients).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    slow.await.unwrap();
    assert_eq!(server.handle.with(|x| x.counted().slow_clients).await, Some(1));
    assert_eq!(server.handle.with(|x| x.state()["sessions"].as_array().unwrap().len()).await, Some(0));
}

#[tokio::test]
async fn faults_reach_the_wire() {
    let server = started(ClockMode::Step, 100).await;
    let url = format!("http://{}/0/public/Time", server.plain);
    post(&server, "/fault", json!({"kind": "reset", "match": {"path": "Time"}})).await;
    assert!(http(None).get(&url).send().await.is_err(), "reset");
    post(&server, "/fault", json!({"kind": "html", "status": 520, "match": {"path": "Time"}})).await;
    assert_eq!(http(None).get(&url).send().await.unwrap().status().as_u16(), 520);
    post(&server, "/fault", json!({"kind": "truncated_json", "match": {"path": "Time"}})).await;
    assert!(http(None).get(&url).send().await.unwrap().json::<Value>().await.is_err());

    post(&server, "/fault", json!({"kind": "slow_after", "ms": 5_000, "match": {"path": "Time"}})).await;
    let late = tokio::spawn(http(None).get(&url).send());
    while server.handle.with(|x| x.counted().rest_calls).await.unwrap() < 4 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    server.handle.advance(START.plus_ms(4_999)).await.unwrap();
    assert!(!late.is_finished());
    server.handle.advance(START.plus_ms(5_000)).await.unwrap();
    assert!(tokio::time::timeout(PATIENCE, late).await.unwrap().unwrap().unwrap().status().is_success());

    post(&server, "/fault", json!({"kind": "ws_ban", "s": 60})).await;
    let Err(tungstenite::Error::Http(refused)) = connect(server.plain, "/v2").await else { panic!("not refused") };
    assert_eq!(refused.status().as_u16(), 429);
}

#[tokio::test]
async fn sockets_end_cleanly_by_reset_or_not_at_all() {
    let server = started(ClockMode::Step, 100).await;
    let mut clean = connect(server.plain, "/v2").await.unwrap();
    next(&mut clean).await.unwrap();
    assert_eq!(post(&server, "/disconnect", json!({})).await.1["ended"], 1);
    let last = tokio::time::timeout(PATIENCE, clean.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(last, Message::Close(Some(frame)) if u16::from(frame.code) == 1000));

    let mut reset = connect(server.plain, "/v2").await.unwrap();
    next(&mut reset).await.unwrap();
    post(&server, "/disconnect", json!({"how": "reset"})).await;
    assert!(tokio::time::timeout(PATIENCE, reset.next()).await.unwrap().unwrap().is_err());

    let mut half = connect(server.plain, "/v2").await.unwrap();
    next(&mut half).await.unwrap();
    post(&server, "/disconnect", json!({"how": "half_open"})).await;
    say(&mut half, json!({"method": "ping"})).await;
    assert!(tokio::time::timeout(Duration::from_millis(200), half.next()).await.is_err(), "open and silent");
}

#[tokio::test]
async fn the_control_api_moves_looks_and_refuses() {
    let server = started(ClockMode::Step, 100).await;
    let control = server.control.unwrap();
    let before = get(format!("http://{control}/digest")).await;
    assert_eq!(before, get(format!("http://{control}/digest")).await, "looking changes nothing");
    let moved = post(&server, "/clock", json!({"advance_ms": 1_500})).await.1;
    assert_eq!(moved["now_ns"], START.plus_ms(1_500).0);
    assert_ne!(before, get(format!("http://{control}/digest")).await);
    assert_eq!(
        post(&server, "/clock", json!({"to_ns": START.plus_ms(3_000).0})).await.1["now_ns"],
        START.plus_ms(3_000).0
    );
    assert_eq!(post(&server, "/status", json!({"system": "post_only"})).await.0, 200);
    assert_eq!(post(&server, "/status", json!({"pair": "XBTUSD", "status": "cancel_only"})).await.0, 200);
    let status = get(format!("http://{}/0/public/SystemStatus", server.plain)).await;
    assert_eq!(status["result"]["status"], "post_only");
    let trade = json!({"pair": "BTC/USD", "side": "sell", "price": "1234.5", "qty": "0.5"});
    assert_eq!(post(&server, "/trade", trade).await.0, 200);
    assert_eq!(
        server.handle.with(|x| x.market().last_price("BTC/USD")).await.unwrap(),
        Some(rust_decimal::dec!(1234.5))
    );
    let id = post(&server, "/fault", json!({"kind": "busy"})).await.1["id"].as_u64().unwrap();
    assert_eq!(get(format!("http://{control}/state")).await["faults"][0]["fault"]["id"], id);
    let url = format!("http://{control}/fault");
    let removed: Value = http(None).delete(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(removed["removed"], 1);
    for (path, body) in [
        ("/fault", json!({"kind": "unheard_of"})),
        ("/fault", json!({"kind": "busy", "p": 7})),
        ("/clock", json!({"mode": "backwards"})),
        ("/clock", json!({"advance_ms": "soon"})),
        ("/status", json!({"system": "fine"})),
        ("/status", json!({})),
        ("/trade", json!({"pair": "NOPE", "side": "buy", "price": 1, "qty": 1})),
        ("/disconnect", json!({"how": "politely"})),
    ] {
        let (status, answer) = post(&server, path, body.clone()).await;
        assert!(status == 400 && answer["error"].is_string(), "{path} {body}: {answer}");
    }
    for list in ["orders", "fills", "log"] {
        assert!(get(format!("http://{control}/{list}")).await.is_array(), "{list}");
    }
    server.handle.stop();
    server.handle.stopped().await;
    assert!(server.handle.with(|x| x.now()).await.is_none() || server.handle.advance(START).await.is_none());
}
