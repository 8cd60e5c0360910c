//! The driver against a small exchange on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::{DriverSettings, LinkHandle, RestFuture, RestSource, start};
use crate::clock::SystemClock;
use crate::kraken::link::{ConnectionState, LinkEvent, LinkPlan, LinkSettings, RestAnswer, RestQuery, RestTrouble};
use crate::kraken::wire::ws::System;

const LONG: Duration = Duration::from_secs(20);

/// REST with nothing to tell but the state.
#[derive(Debug, Default)]
struct Quiet(AtomicUsize);

impl RestSource for Quiet {
    fn ask(&self, query: RestQuery) -> RestFuture<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            match query {
                RestQuery::SystemStatus => Ok(RestAnswer::SystemStatus(System::Online)),
                RestQuery::AssetPairs => Ok(RestAnswer::AssetPairs(Arc::new([]))),
                RestQuery::Trades { since, .. } => Ok(RestAnswer::Trades { rows: vec![], last: since }),
                RestQuery::Ohlc { .. } => Err(RestTrouble { retry_after_ms: None, text: "none".to_owned() }),
            }
        })
    }
}

fn plan() -> LinkPlan {
    LinkPlan {
        pairs: vec!["BTC/USD".parse().expect("pair")],
        ticker: false,
        trades: true,
        books: vec![],
        candles: vec![],
        candles_from_trades: false,
        seed: 1,
    }
}

fn launch(port: u16, settings: DriverSettings) -> (LinkHandle, mpsc::Receiver<LinkEvent>) {
    let settings = DriverSettings { url: format!("ws://127.0.0.1:{port}/v2"), status_every_ms: 0, ..settings };
    let rest: Arc<dyn RestSource> = Arc::new(Quiet::default());
    start(plan(), LinkSettings::default(), settings, Arc::new(SystemClock::new()), rest).expect("started")
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("address").port();
    (listener, port)
}

struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    /// Accepts a connection and greets.
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(LONG, listener.accept()).await.expect("in time").expect("a caller");
        let mut peer = Self(tokio_tungstenite::accept_async(stream).await.expect("a handshake"));
        peer.say(&json!({"channel":"status","type":"update","data":[{"system":"online","api_version":"v2","version":"2.0.10"}]})).await;
        peer
    }

    async fn say(&mut self, value: &Value) {
        self.0.send(Message::text(value.to_string())).await.expect("sent");
    }

    /// The next request; `None` when the other side closed.
    async fn hear(&mut self) -> Option<Value> {
        loop {
            match timeout(LONG, self.0.next()).await.expect("in time") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).expect("json")),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    /// Answers one request the way the exchange does.
    async fn answer(&mut self, request: &Value) {
        let id = request["req_id"].clone();
        let channel = request["params"]["channel"].as_str().unwrap_or_default().to_owned();
        match (request["method"].as_str().expect("method"), channel.as_str()) {
            ("ping", _) => self.say(&json!({"method":"pong","req_id":id})).await,
            (_, "instrument") => {
                self.say(&json!({"method":"subscribe","success":true,"result":{"channel":"instrument"},"req_id":id}))
                    .await;
                let pair = json!({"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,"qty_increment":1e-8,
                    "qty_min":0.0001,"price_precision":1,"price_increment":0.1,"cost_precision":5});
                self.say(&json!({"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[pair]}})).await;
            }
            _ => {
                let result = json!({"channel":channel,"symbol":"BTC/USD"});
                self.say(&json!({"method":"subscribe","success":true,"result":result,"req_id":id})).await;
                self.say(&json!({"channel":channel,"type":"snapshot","data":[trade(1)]})).await;
            }
        }
    }

    /// Serves until the trades are subscribed.
    async fn serve_start(&mut self) {
        loop {
            let request = self.hear().await.expect("a request");
            self.answer(&request).await;
            if request["params"]["channel"] == "trade" {
                return;
            }
        }
    }

    async fn trades(&mut self, ids: std::ops::RangeInclusive<u64>) {
        for id in ids {
            self.say(&json!({"channel":"trade","type":"update","data":[trade(id)]})).await;
        }
    }
}

fn trade(id: u64) -> Value {
    json!({"symbol":"BTC/USD","side":"sell","price":100.5,"qty":0.25,"ord_type":"market","trade_id":id,"timestamp":"2024-05-01T10:00:00.000001Z"})
}

/// Ids of the trades among what waits.
fn waiting(events: &mut mpsc::Receiver<LinkEvent>) -> Vec<u64> {
    let all = std::iter::from_fn(|| events.try_recv().ok());
    all.filter_map(|e| if let LinkEvent::Trade { trade, .. } = e { Some(trade.trade_id) } else { None }).collect()
}

async fn until<T>(events: &mut mpsc::Receiver<LinkEvent>, mut wanted: impl FnMut(LinkEvent) -> Option<T>) -> T {
    let search = async {
        loop {
            let event = events.recv().await.expect("the link runs");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    };
    timeout(LONG, search).await.expect("in time")
}

#[tokio::test]
async fn a_barrier_passes_after_everything_sent_before_it() {
    let (listener, port) = listener().await;
    let (tap, mut frames) = mpsc::channel(1_000);
    let (link, mut events) = launch(port, DriverSettings { tap: Some(tap), ..DriverSettings::default() });
    let mut peer = Peer::accept(&listener).await;
    peer.serve_start().await;
    until(&mut events, |e| matches!(e, LinkEvent::Proof { doubt: None, .. }).then_some(())).await;
    let exchange = tokio::spawn(async move {
        loop {
            let request = peer.hear().await;
            let Some(request) = request else { return };
            if request["method"] == "ping" {
                peer.trades(2..=101).await;
            }
            peer.answer(&request).await;
        }
    });
    timeout(LONG, link.barrier()).await.expect("in time").expect("running");
    let ids = waiting(&mut events);
    assert_eq!(ids, (2..=101).collect::<Vec<_>>());
    let status = link.status().borrow().clone();
    assert!(status.connections.iter().all(|c| matches!(c.state, ConnectionState::Up { .. })));
    assert_eq!((status.pairs[0].last_trade_id, status.counters.trades), (Some(101), 100));
    link.stop().await;
    timeout(LONG, exchange).await.expect("the other side saw the end").expect("no panic");
    let mut taped = 0;
    while let Ok((_, conn, bytes)) = frames.try_recv() {
        assert_eq!(conn.0, 1);
        taped += usize::from(bytes.starts_with(b"{\"channel\":\"trade\""));
    }
    assert_eq!(taped, 101, "the first picture and a hundred trades");
}

#[tokio::test]
async fn a_slow_reader_makes_the_link_wait_and_loses_nothing() {
    let (listener, port) = listener().await;
    let settings = DriverSettings { events: 2, inputs: 4, ..DriverSettings::default() };
    let (link, mut events) = launch(port, settings);
    let exchange = tokio::spawn(async move {
        let mut peer = Peer::accept(&listener).await;
        peer.serve_start().await;
        peer.trades(2..=400).await;
        while let Some(request) = peer.hear().await {
            peer.answer(&request).await;
        }
    });
    let mut ids = Vec::new();
    while ids.last() != Some(&400) {
        if ids.len() % 50 == 10 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let id =
            until(&mut events, |e| if let LinkEvent::Trade { trade, .. } = e { Some(trade.trade_id) } else { None })
                .await;
        ids.push(id);
    }
    assert_eq!(ids, (2..=400).collect::<Vec<_>>());
    let mut status = link.status();
    timeout(LONG, status.wait_for(|s| s.delivery.stalls > 0 && s.delivery.events >= 400))
        .await
        .expect("in time")
        .expect("counted");
    drop(link);
    timeout(LONG, exchange).await.expect("dropping the handle ends it").expect("no panic");
}

#[tokio::test]
async fn a_refused_handshake_is_a_ban_and_a_lost_connection_comes_back() {
    let (listener, port) = listener().await;
    let (link, mut events) = launch(port, DriverSettings::default());
    let mut peer = Peer::accept(&listener).await;
    peer.serve_start().await;
    until(&mut events, |e| matches!(e, LinkEvent::Proof { doubt: None, .. }).then_some(())).await;
    peer.0.close(None).await.expect("closed");
    let doubt =
        until(&mut events, |e| if let LinkEvent::Proof { doubt: Some(d), .. } = e { Some(d) } else { None }).await;
    assert!(doubt.contains("closed the connection"), "{doubt}");
    // the next attempt meets a proxy that has had enough
    let (mut stream, _) = timeout(LONG, listener.accept()).await.expect("in time").expect("a caller");
    let mut head = [0; 1_024];
    assert!(stream.read(&mut head).await.expect("a request") > 0);
    stream.write_all(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n").await.expect("sent");
    let note = until(&mut events, |e| match e {
        LinkEvent::Note(text) if text.contains("refuses connections") => Some(text),
        _ => None,
    })
    .await;
    assert!(note.contains("429") && note.contains("10 minutes"), "{note}");
    link.stop().await;
}

#[tokio::test]
async fn a_message_too_large_closes_the_connection() {
    let (listener, port) = listener().await;
    let (link, mut events) = launch(port, DriverSettings { largest_message: 10_000, ..DriverSettings::default() });
    let mut peer = Peer::accept(&listener).await;
    peer.serve_start().await;
    peer.say(&json!({"channel":"trade","pad":"x".repeat(20_000)})).await;
    let note = until(&mut events, |e| match e {
        LinkEvent::Note(text) if text.contains("lost") => Some(text),
        _ => None,
    })
    .await;
    assert!(note.to_lowercase().contains("long") || note.to_lowercase().contains("limit"), "{note}");
    let mut peer = Peer::accept(&listener).await;
    peer.serve_start().await;
    until(&mut events, |e| matches!(e, LinkEvent::Proof { doubt: None, .. }).then_some(())).await;
    link.stop().await;
}

#[test]
fn unencrypted_sockets_stay_on_this_machine() {
    let check = |url: &str| DriverSettings { url: url.to_owned(), ..DriverSettings::default() }.checked_url();
    for good in [
        "wss://ws.kraken.com/v2",
        "wss://beta-ws.kraken.com/v2",
        "ws://127.0.0.1:8080/v2",
        "ws://[::1]:9/v2",
        "ws://localhost:1/v2",
    ] {
        assert!(check(good).is_ok(), "{good}");
    }
    for bad in [
        "ws://ws.kraken.com/v2",
        "ws://10.0.0.1/v2",
        "ws://127.0.0.1.evil.com/v2",
        "https://ws.kraken.com/v2",
        "wss:///v2",
        "wss://user:secret@ws.kraken.com/v2",
        "",
        "/v2",
    ] {
        let refused = check(bad).expect_err(bad);
        assert!(!refused.to_string().contains("secret"));
    }
}
