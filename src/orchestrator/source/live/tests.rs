//! Live bars of order flow against what a second, simple client of the same stand-in was told.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::*;
use crate::clock::{ManualClock, SystemClock};
use crate::domain::flow::{BookFlow, FlowBar, TradeFlow};
use crate::orchestrator::standin::{StandIn, invented};
use crate::simulator::clock::ClockMode;
use crate::simulator::protocol::SimNs;
use crate::simulator::server::{RunningServer, Server, ServerOptions};

/// 2024-05-01T10:00:00Z
const START: i64 = 1_714_557_600_000;
const LONG: Duration = Duration::from_secs(30);
const PAIRS: [&str; 2] = ["BTC/USD", "ETH/USD"];
/// One step of simulated time.
const STEP_MS: i64 = 10_000;

async fn stand_in() -> RunningServer {
    let wanted = StandIn {
        invent: PAIRS.iter().map(|p| p.parse().expect("a pair")).collect(),
        synthetic: 0,
        seed: 7,
        strict: true,
        full_deltas: false,
        from: Some(UtcMs(START)),
    };
    let options =
        ServerOptions { tls_port: None, control_port: None, mode: ClockMode::Step, ..ServerOptions::default() };
    let exchange = invented(&wanted).expect("an exchange");
    Server::start(options, exchange, Arc::new(SystemClock::new())).await.expect("a server")
}

/// What the stand-in tells of both pairs, taken down by a client that shares nothing with the link.
struct Observer {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Side, price, quantity and time in ms.
    trades: BTreeMap<String, Vec<(String, f64, f64, i64)>>,
    newest_trade: BTreeMap<String, u64>,
    /// Best bid and ask after each frame, and the ten levels a side, with the frame's time.
    books: BTreeMap<String, Vec<(i64, Side, Side)>>,
    newest_book: BTreeMap<String, String>,
}

/// Levels by price, best first.
type Side = Vec<(f64, f64)>;

impl Observer {
    async fn subscribe(server: &RunningServer) -> Self {
        let (socket, _) = connect_async(format!("ws://{}/v2", server.plain)).await.expect("connected");
        let mut observer = Self {
            socket,
            trades: BTreeMap::new(),
            newest_trade: BTreeMap::new(),
            books: BTreeMap::new(),
            newest_book: BTreeMap::new(),
        };
        let book = json!({"channel": "book", "symbol": PAIRS, "depth": 10});
        let trade = json!({"channel": "trade", "symbol": PAIRS, "snapshot": false});
        for params in [book, trade] {
            let request = json!({"method": "subscribe", "params": params, "req_id": 1});
            observer.socket.send(Message::text(request.to_string())).await.expect("sent");
        }
        observer.catch_up().await;
        observer
    }

    /// Reads until the answer to a ping: everything that was sent before it has come then.
    async fn catch_up(&mut self) {
        self.socket.send(Message::text(r#"{"method":"ping","req_id":2}"#)).await.expect("sent");
        loop {
            let message = timeout(LONG, self.socket.next()).await.expect("in time").expect("open").expect("a frame");
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text).expect("json");
            match frame["channel"].as_str() {
                Some("trade") => frame["data"].as_array().expect("rows").iter().for_each(|row| self.trade(row)),
                Some("book") => self.book(frame["type"] == "snapshot", &frame["data"][0]),
                _ if frame["method"] == "pong" => return,
                _ => {}
            }
        }
    }

    fn trade(&mut self, row: &Value) {
        let number = |name: &str| row[name].as_f64().expect("a number");
        let symbol = row["symbol"].as_str().expect("a symbol").to_owned();
        let side = row["side"].as_str().expect("a side").to_owned();
        self.newest_trade.insert(symbol.clone(), row["trade_id"].as_u64().expect("an id"));
        self.trades.entry(symbol).or_default().push((side, number("price"), number("qty"), time(row)));
    }

    fn book(&mut self, snapshot: bool, row: &Value) {
        let symbol = row["symbol"].as_str().expect("a symbol").to_owned();
        let books = self.books.entry(symbol.clone()).or_default();
        let (mut bids, mut asks) = match books.last() {
            Some((_, bids, asks)) if !snapshot => (bids.clone(), asks.clone()),
            _ => (Vec::new(), Vec::new()),
        };
        for (side, name, up) in [(&mut bids, "bids", false), (&mut asks, "asks", true)] {
            for level in row[name].as_array().into_iter().flatten() {
                let (price, qty) = (level["price"].as_f64().expect("a price"), level["qty"].as_f64().expect("a qty"));
                side.retain(|(p, _)| *p != price);
                if qty > 0.0 {
                    side.push((price, qty));
                }
            }
            side.sort_by(|a, b| if up { a.0.total_cmp(&b.0) } else { b.0.total_cmp(&a.0) });
            side.truncate(10);
        }
        books.push((time(row), bids, asks));
        self.newest_book.insert(symbol, row["timestamp"].as_str().expect("a time").to_owned());
    }

    /// What the trades of a bar add up to.
    fn trade_flow(&self, pair: &str, begin: i64, end: i64) -> TradeFlow {
        let mut flow = TradeFlow { whole: true, ..TradeFlow::default() };
        let inside = |t: &&(String, f64, f64, i64)| t.3 >= begin && t.3 < end;
        for (side, price, qty, _) in self.trades[pair].iter().filter(inside) {
            if side == "buy" {
                flow.buy_volume += qty
            } else {
                flow.sell_volume += qty
            }
            flow.count += 1;
            flow.quote_volume += price * qty;
            flow.largest = Some(flow.largest.unwrap_or(0.0).max(*qty));
        }
        flow
    }

    /// What the books of a bar come to, frame by frame.
    fn book_flow(&self, pair: &str, begin: i64, end: i64) -> BookFlow {
        let mut flow = BookFlow::default();
        let books = &self.books[pair];
        for (i, (at, bids, asks)) in books.iter().enumerate().filter(|(_, b)| b.0 < end) {
            let until = books.get(i + 1).map_or(i64::MAX, |next| next.0).min(end);
            let ms = (until - (*at).max(begin)).max(0);
            let ((bid, bid_qty), (ask, ask_qty)) = (bids[0], asks[0]);
            flow.known_ms += ms;
            flow.two_sided_ms += ms;
            flow.spread_ms += (ask - bid) / ((ask + bid) / 2.0) * ms as f64;
            if *at >= begin {
                flow.events += 1;
                flow.depth += (bid_qty + ask_qty) / 2.0;
                if let Some((_, bids, asks)) = i.checked_sub(1).map(|before| &books[before]) {
                    let ((bid1, bid1_qty), (ask1, ask1_qty)) = (bids[0], asks[0]);
                    flow.ofi += if bid >= bid1 { bid_qty } else { 0.0 } - if bid <= bid1 { bid1_qty } else { 0.0 };
                    flow.ofi -= if ask <= ask1 { ask_qty } else { 0.0 } - if ask >= ask1 { ask1_qty } else { 0.0 };
                }
            }
        }
        flow
    }

    /// The book's levels at the end of a bar.
    fn levels_at(&self, pair: &str, end: i64) -> &(i64, Side, Side) {
        self.books[pair].iter().rev().find(|b| b.0 < end).expect("a book")
    }
}

fn time(row: &Value) -> i64 {
    UtcMs::parse(row["timestamp"].as_str().expect("a time")).expect("an instant").0
}

/// The live source, without history.
fn source(server: &RunningServer, clock: &Arc<ManualClock>) -> Source {
    let settings = KrakenSettings {
        rest_url: format!("http://{}", server.plain),
        ws_url: format!("ws://{}/v2", server.plain),
        pairs: PAIRS.iter().map(|p| p.parse().expect("a pair")).collect(),
        ..KrakenSettings::default()
    };
    let rest = RestSettings { base_url: settings.rest_url.clone(), public_pace_ms: 0, ..RestSettings::default() };
    let client = Client::new(rest, Arc::new(SystemClock::new()), 1).expect("a client");
    let universe = settings.pairs.iter().map(|pair| (pair.clone(), BAR)).collect();
    let ground = Ground { instruments: Vec::new(), universe, history: Vec::new(), client: Arc::new(client) };
    start(ground, &settings, Arc::clone(clock) as Arc<dyn Clock>, UtcMs(START)).expect("a source")
}

/// Until the link has every trade and book that the observer has.
async fn caught_up(source: &mut Source, observer: &Observer) {
    let reached = source.link.status.wait_for(|status| {
        !status.pairs.is_empty()
            && status.pairs.iter().all(|p| {
                let name = p.pair.as_str();
                let book = p.book_stamp.map(|stamp| stamp.to_string());
                let trades = observer.newest_trade.get(name).is_none_or(|id| p.last_trade_id == Some(*id));
                trades && book.as_ref() == observer.newest_book.get(name)
            })
    });
    timeout(LONG, reached).await.expect("in time").expect("the link runs");
}

fn near(got: f64, want: f64, what: &str) {
    assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{what}: {got} instead of {want}");
}

fn compare(bar: &FlowBar, observer: &Observer, begin: i64) {
    let (pair, end) = (bar.pair.as_str(), begin + BAR.ms());
    assert_eq!((bar.interval, bar.open_time), (BAR, UtcMs(begin)));
    let (got, want) = (bar.trades.expect("trades"), observer.trade_flow(pair, begin, end));
    assert!(want.count > 20, "{pair}: too few trades to mean anything");
    assert_eq!((got.count, got.largest, got.gaps, got.late), (want.count, want.largest, 0, 0), "{pair}");
    assert_eq!((got.whole, got.fault()), (true, None), "{pair}: the exchange's candle agrees");
    near(got.buy_volume, want.buy_volume, "bought");
    near(got.sell_volume, want.sell_volume, "sold");
    near(got.quote_volume, want.quote_volume, "quote volume");
    let (got, want) = (bar.book.expect("a book"), observer.book_flow(pair, begin, end));
    assert!(want.events > 50, "{pair}: too few books to mean anything");
    assert_eq!((got.events, got.known_ms, got.blind_ms, got.breaks), (want.events, want.known_ms, 0, 0), "{pair}");
    near(got.ofi, want.ofi, "OFI");
    near(got.depth, want.depth, "depth");
    near(got.spread_ms, want.spread_ms, "spread");
    let (_, bids, asks) = observer.levels_at(pair, end);
    let close = got.close.expect("two sides");
    let sum = |side: &Side, n: usize| side.iter().take(n).map(|l| l.1).sum::<f64>();
    for (got, n) in [(close.imbalance_1, 1), (close.imbalance_5, 5), (close.imbalance_10, 10)] {
        near(got, (sum(bids, n) - sum(asks, n)) / (sum(bids, n) + sum(asks, n)), "imbalance");
    }
    let ((bid, bid_qty), (ask, ask_qty)) = (bids[0], asks[0]);
    assert_eq!((close.bid, close.ask), (bid, ask));
    near(close.microprice, (bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty), "microprice");
}

#[tokio::test(flavor = "multi_thread")]
async fn bars_of_order_flow_equal_what_the_exchange_told() {
    let server = stand_in().await;
    let clock = Arc::new(ManualClock::at(UtcMs(START)));
    let mut observer = Observer::subscribe(&server).await;
    let mut source = source(&server, &clock);
    caught_up(&mut source, &observer).await;
    let mut bars = 0;
    for step in 1..=2 * BAR.ms() / STEP_MS + 1 {
        let now = START + step * STEP_MS;
        server.handle.advance(SimNs(now * 1_000_000)).await.expect("running");
        observer.catch_up().await;
        clock.set(UtcMs(now));
        caught_up(&mut source, &observer).await;
        let end = now - STEP_MS;
        if end > START && UtcMs(end).floor_to(BAR.ms()) == UtcMs(end) {
            let delivery = timeout(LONG, source.deliveries.recv()).await.expect("in time").expect("runs");
            let batch = delivery.expect("a batch");
            assert_eq!((batch.at, batch.doubts.len(), batch.rows.len()), (UtcMs(end), 0, 2));
            let pairs: Vec<&str> = batch.flow.iter().map(|bar| bar.pair.as_str()).collect();
            assert_eq!(pairs, PAIRS);
            batch.flow.iter().for_each(|bar| compare(bar, &observer, end - BAR.ms()));
            bars += batch.flow.len();
        }
    }
    assert_eq!(bars, 4);
    let views = source.link.flow.as_ref().expect("flow is watched").borrow().clone();
    assert!(views.iter().all(|v| v.source == "trades and book" && v.age_ms(clock.now()) < 60_000), "{views:?}");
}
