//! From the socket to the event: a small exchange on this machine writes trades one by one, and the link tells each.

use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{ensure, eyre};
use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::clock::{Clock, SystemClock};
use crate::domain::pair::Pair;
use crate::kraken::driver::{self, DriverSettings, RestFuture, RestSource};
use crate::kraken::link::{LinkEvent, LinkPlan, LinkSettings, RestAnswer, RestQuery, RestTrouble};
use crate::kraken::wire::Stamp;
use crate::kraken::wire::ws::System;

/// Trades that are measured, after the first ones.
const MEASURED: usize = 20_000;
const FIRST: usize = 2_000;
/// Longest wait for one step of the exchange's and the link's talk.
const PATIENCE: Duration = Duration::from_secs(10);

/// Microseconds from just before a trade's frame is written to a socket on this machine until the link's event is in its reader's hands: both
/// ends of the socket, the WebSocket, decoding and the link are in it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Latency {
    pub(super) trades: usize,
    pub(super) p50_us: f64,
    pub(super) p90_us: f64,
    pub(super) p99_us: f64,
    pub(super) max_us: f64,
}

/// REST of an exchange that tells everything over its socket.
struct Quiet;

impl RestSource for Quiet {
    fn ask(&self, query: RestQuery) -> RestFuture<'_> {
        Box::pin(async move {
            match query {
                RestQuery::SystemStatus => Ok(RestAnswer::SystemStatus(System::Online)),
                RestQuery::AssetPairs => Ok(RestAnswer::AssetPairs(Arc::new([]))),
                RestQuery::Trades { since, .. } => Ok(RestAnswer::Trades { rows: Vec::new(), last: since }),
                RestQuery::Ohlc { .. } => Err(RestTrouble { retry_after_ms: None, text: "no candles".to_owned() }),
            }
        })
    }
}

/// The exchange's side of the one connection.
struct Peer {
    socket: WebSocketStream<TcpStream>,
    symbol: String,
}

pub(super) async fn measure() -> Result<Latency, color_eyre::Report> {
    // As in the program: a task on a worker, not the thread that waits for everything.
    tokio::spawn(measured()).await?
}

async fn measured() -> Result<Latency, color_eyre::Report> {
    let pair: Pair = "BTC/USD".parse()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let driver = DriverSettings { url: format!("ws://{}/v2", listener.local_addr()?), ..DriverSettings::default() };
    let plan = LinkPlan {
        pairs: vec![pair.clone()],
        ticker: false,
        trades: true,
        books: Vec::new(),
        candles: Vec::new(),
        candles_from_trades: false,
        seed: 1,
    };
    let (link, mut events) = driver::start(plan, LinkSettings::default(), driver, Arc::clone(&clock), Arc::new(Quiet))?;
    let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await.map_err(|_| eyre!("nobody connects"))??;
    // As the link's own side: a frame leaves at once.
    accepted.0.set_nodelay(true)?;
    let mut peer =
        Peer { socket: tokio_tungstenite::accept_async(accepted.0).await?, symbol: pair.as_str().to_owned() };
    peer.serve_start(clock.as_ref()).await?;
    let mut taken = Vec::with_capacity(FIRST + MEASURED);
    let mut id = 1_u64;
    while taken.len() < FIRST + MEASURED {
        id += 1;
        let frame = peer.trade("update", id, clock.as_ref());
        let begin = clock.monotonic_ms();
        peer.socket.send(Message::text(frame)).await?;
        peer.until_told(&mut events, id).await?;
        taken.push((clock.monotonic_ms() - begin) * 1_000.0);
    }
    link.stop().await;
    let mut measured: Vec<f64> = taken.into_iter().skip(FIRST).collect();
    measured.sort_by(f64::total_cmp);
    let at = |share: f64| measured.get(((measured.len() as f64 * share) as usize).min(measured.len() - 1)).copied();
    let of = |share: f64| at(share).unwrap_or(f64::NAN);
    Ok(Latency { trades: measured.len(), p50_us: of(0.5), p90_us: of(0.9), p99_us: of(0.99), max_us: of(1.0) })
}

impl Peer {
    async fn say(&mut self, value: &Value) -> Result<(), color_eyre::Report> {
        Ok(self.socket.send(Message::text(value.to_string())).await?)
    }

    /// Greets, and answers until the trades are subscribed and their first picture is told.
    async fn serve_start(&mut self, clock: &dyn Clock) -> Result<(), color_eyre::Report> {
        self.say(&json!({"channel": "status", "type": "update", "data": [{"system": "online", "api_version": "v2"}]}))
            .await?;
        loop {
            let heard = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            let request =
                heard.map_err(|_| eyre!("the link subscribes nothing"))?.ok_or_else(|| eyre!("the link hung up"))??;
            if self.answer(&request, clock).await? {
                return Ok(());
            }
        }
    }

    /// Answers a request the way the exchange does; whether it was the one for trades.
    async fn answer(&mut self, request: &Message, clock: &dyn Clock) -> Result<bool, color_eyre::Report> {
        let Message::Text(text) = request else { return Ok(false) };
        let request: Value = serde_json::from_str(text)?;
        let field = |name: &str| request.get(name).cloned().unwrap_or(Value::Null);
        let id = field("req_id");
        if field("method") == "ping" {
            self.say(&json!({"method": "pong", "req_id": id})).await?;
            return Ok(false);
        }
        let channel = field("params").get("channel").cloned().unwrap_or(Value::Null);
        let symbol = self.symbol.clone();
        if channel == "instrument" {
            let result = json!({"channel": channel});
            self.say(&json!({"method": "subscribe", "success": true, "result": result, "req_id": id})).await?;
            let pair = json!({"symbol": symbol, "base": "BTC", "quote": "USD", "status": "online", "qty_precision": 8,
                "qty_increment": 1e-8, "qty_min": 0.0001, "price_precision": 1, "price_increment": 0.1, "cost_precision": 5});
            self.say(&json!({"channel": channel, "type": "snapshot", "data": {"assets": [], "pairs": [pair]}})).await?;
            return Ok(false);
        }
        let result = json!({"channel": channel, "symbol": symbol});
        self.say(&json!({"method": "subscribe", "success": true, "result": result, "req_id": id})).await?;
        let first = self.trade("snapshot", 1, clock);
        self.socket.send(Message::text(first)).await?;
        Ok(true)
    }

    fn trade(&self, kind: &str, id: u64, clock: &dyn Clock) -> String {
        let at = Stamp::from_ms(clock.now());
        format!(
            r#"{{"channel":"trade","type":"{kind}","data":[{{"symbol":"{}","side":"sell","price":68500.1,"qty":0.01044926,"ord_type":"market","trade_id":{id},"timestamp":"{at}"}}]}}"#,
            self.symbol
        )
    }

    /// Until the link told the trade `id`. There are no pings meanwhile: a connection with frames is not asked for a sign of life.
    async fn until_told(&self, events: &mut mpsc::Receiver<LinkEvent>, id: u64) -> Result<(), color_eyre::Report> {
        loop {
            let event = tokio::time::timeout(PATIENCE, events.recv()).await;
            let event = event.map_err(|_| eyre!("the link does not tell trade {id}"))?;
            match event.ok_or_else(|| eyre!("the link ended"))? {
                LinkEvent::Trade { trade, .. } if trade.trade_id == id => return Ok(()),
                LinkEvent::Trade { trade, .. } => {
                    ensure!(trade.trade_id < id, "trade {} came before {id}", trade.trade_id)
                }
                _ => {}
            }
        }
    }
}
