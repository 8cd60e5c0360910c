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
use crate::simulator::gateway::{ConnKey, Ending, Exchange};
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
        moved_to: None,
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
    /// The book after each frame.
    books: BTreeMap<String, Vec<Book>>,
    newest_book: BTreeMap<String, String>,
}

/// Ten levels a side, best first.
#[derive(Debug, Clone, Default)]
struct Book {
    at: i64,
    bids: Vec<(f64, f64)>,
    asks: Vec<(f64, f64)>,
}

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
        let mut book = books.last().filter(|_| !snapshot).cloned().unwrap_or_default();
        for (side, name, up) in [(&mut book.bids, "bids", false), (&mut book.asks, "asks", true)] {
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
        books.push(Book { at: time(row), ..book });
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

    /// What the books of a bar come to, frame by frame, for a client that heard nothing after `blind.0` and got a new first picture at `blind.1`.
    fn book_flow(&self, pair: &str, begin: i64, end: i64, blind: (i64, i64)) -> BookFlow {
        let mut flow = BookFlow::default();
        let (lost, back) = blind;
        let heard = |at: i64| at <= lost || at > back;
        let mut books: Vec<(i64, &Book, bool)> =
            self.books[pair].iter().filter(|b| heard(b.at)).map(|b| (b.at, b, false)).collect();
        if back > lost {
            let picture = self.books[pair].iter().rev().find(|b| b.at <= back).expect("a book");
            let place = books.partition_point(|(at, ..)| *at <= lost);
            books.insert(place, (back, picture, true));
        }
        for (i, (at, book, fresh)) in books.iter().enumerate().filter(|(_, b)| b.0 < end) {
            let next = books.get(i + 1).map_or((i64::MAX, false), |(at, _, fresh)| (*at, *fresh));
            let until = if next.1 { lost } else { next.0 }.min(end);
            let ms = (until - (*at).max(begin)).max(0);
            let ((bid, bid_qty), (ask, ask_qty)) = (book.bids[0], book.asks[0]);
            flow.known_ms += ms;
            flow.spread_ms += (ask - bid) / ((ask + bid) / 2.0) * ms as f64;
            if *at < begin {
                continue;
            }
            flow.events += 1;
            flow.depth += (bid_qty + ask_qty) / 2.0;
            let before = i.checked_sub(1).filter(|_| !fresh).map(|i| books[i].1);
            if let Some(before) = before {
                let ((bid1, bid1_qty), (ask1, ask1_qty)) = (before.bids[0], before.asks[0]);
                flow.ofi += if bid >= bid1 { bid_qty } else { 0.0 } - if bid <= bid1 { bid1_qty } else { 0.0 };
                flow.ofi -= if ask <= ask1 { ask_qty } else { 0.0 } - if ask >= ask1 { ask1_qty } else { 0.0 };
            }
        }
        flow.blind_ms = end - begin - flow.known_ms;
        flow.breaks = u32::from(back > lost);
        flow
    }

    /// The book at the end of a bar.
    fn book_at(&self, pair: &str, end: i64) -> &Book {
        self.books[pair].iter().rev().find(|b| b.at < end).expect("a book")
    }
}

fn time(row: &Value) -> i64 {
    UtcMs::parse(row["timestamp"].as_str().expect("a time")).expect("an instant").0
}

/// The live source, without history.
fn source(server: &RunningServer, clock: &Arc<ManualClock>) -> Source {
    let kraken = KrakenSettings {
        rest_url: format!("http://{}", server.plain),
        ws_url: format!("ws://{}/v2", server.plain),
        pairs: PAIRS.iter().map(|p| p.parse().expect("a pair")).collect(),
        ..KrakenSettings::default()
    };
    let settings = Settings { kraken, ..Settings::default() };
    let rest =
        RestSettings { base_url: settings.kraken.rest_url.clone(), public_pace_ms: 0, ..RestSettings::default() };
    let client = Client::new(rest, Arc::new(SystemClock::new()), 1).expect("a client");
    let universe = settings.kraken.pairs.iter().map(|pair| (pair.clone(), BAR)).collect();
    let ground = Ground { instruments: Vec::new(), universe, history: Vec::new(), client: Arc::new(client) };
    start(ground, &settings, Arc::clone(clock) as Arc<dyn Clock>, None, UtcMs(START)).expect("a source")
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

fn compare(bar: &FlowBar, observer: &Observer, begin: i64, blind: (i64, i64)) {
    let (pair, end) = (bar.pair.as_str(), begin + BAR.ms());
    assert_eq!((bar.interval, bar.open_time), (BAR, UtcMs(begin)));
    let (got, want) = (bar.trades.expect("trades"), observer.trade_flow(pair, begin, end));
    assert!(want.count > 20, "{pair}: too few trades to mean anything");
    assert_eq!((got.count, got.largest, got.gaps, got.late), (want.count, want.largest, 0, 0), "{pair}");
    assert_eq!((got.whole, got.fault()), (true, None), "{pair}: the exchange's candle agrees");
    near(got.buy_volume, want.buy_volume, "bought");
    near(got.sell_volume, want.sell_volume, "sold");
    near(got.quote_volume, want.quote_volume, "quote volume");
    let (got, want) = (bar.book.expect("a book"), observer.book_flow(pair, begin, end, blind));
    assert!(want.events > 50, "{pair}: too few books to mean anything");
    assert_eq!((got.events, got.breaks), (want.events, want.breaks), "{pair}");
    assert_eq!((got.known_ms, got.blind_ms, got.two_sided_ms), (want.known_ms, want.blind_ms, want.known_ms), "{pair}");
    near(got.ofi, want.ofi, "OFI");
    near(got.depth, want.depth, "depth");
    near(got.spread_ms, want.spread_ms, "spread");
    let (close, book) = (got.close.expect("two sides"), observer.book_at(pair, end));
    let sum = |side: &[(f64, f64)], n: usize| side.iter().take(n).map(|l| l.1).sum::<f64>();
    for (got, n) in [(close.imbalance_1, 1), (close.imbalance_5, 5), (close.imbalance_10, 10)] {
        let (bids, asks) = (sum(&book.bids, n), sum(&book.asks, n));
        near(got, (bids - asks) / (bids + asks), "imbalance");
    }
    let ((bid, bid_qty), (ask, ask_qty)) = (book.bids[0], book.asks[0]);
    assert_eq!((close.bid, close.ask), (bid, ask));
    near(close.microprice, (bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty), "microprice");
}

/// Stand-in, link and observer on one clock.
struct World {
    server: RunningServer,
    clock: Arc<ManualClock>,
    observer: Observer,
    source: Source,
    now: i64,
}

impl World {
    async fn begin() -> Self {
        let server = stand_in().await;
        let clock = Arc::new(ManualClock::at(UtcMs(START)));
        let observer = Observer::subscribe(&server).await;
        let source = source(&server, &clock);
        let mut world = Self { server, clock, observer, source, now: START };
        caught_up(&mut world.source, &world.observer).await;
        world
    }

    /// One step of time, for the exchange first.
    async fn step(&mut self) {
        self.now += STEP_MS;
        self.server.handle.advance(SimNs(self.now * 1_000_000)).await.expect("running");
        self.observer.catch_up().await;
        self.clock.set(UtcMs(self.now));
    }

    async fn steps(&mut self, n: i64) {
        for _ in 0..n {
            self.step().await;
            caught_up(&mut self.source, &self.observer).await;
        }
    }

    /// The next batch. A candle settles a quarter of a second after its close, so the clock goes on a little.
    async fn batch(&mut self) -> RawBatch {
        for _ in 0..1_500 {
            match timeout(Duration::from_millis(20), self.source.deliveries.recv()).await {
                Ok(batch) => return batch.expect("runs").expect("a batch"),
                Err(_) => self.clock.advance(5),
            }
        }
        panic!("no batch came");
    }

    /// Until the link's pairs are all in doubt, or all proven; the clock goes on a little where that needs it.
    async fn until_doubtful(&mut self, doubtful: bool) {
        for _ in 0..1_000 {
            if self.source.link.status.borrow().pairs.iter().all(|p| p.doubt.is_some() == doubtful) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            if !doubtful {
                self.clock.advance(5);
            }
        }
        panic!("the link did not come to doubt {doubtful}: {:?}", self.source.link.status.borrow().pairs);
    }
}

/// Steps in a bar.
const STEPS: i64 = BAR.ms() / STEP_MS;

#[tokio::test(flavor = "multi_thread")]
async fn bars_of_order_flow_equal_what_the_exchange_told() {
    let mut world = World::begin().await;
    world.steps(1).await;
    for n in 1..=2 {
        world.steps(STEPS).await;
        let (batch, end) = (world.batch().await, START + n * BAR.ms());
        assert_eq!((batch.at, batch.doubts.len(), batch.rows.len()), (UtcMs(end), 0, 2));
        let pairs: Vec<&str> = batch.flow.iter().map(|bar| bar.pair.as_str()).collect();
        assert_eq!(pairs, PAIRS);
        batch.flow.iter().for_each(|bar| compare(bar, &world.observer, end - BAR.ms(), (0, 0)));
    }
    // What is shown follows what was told by a few looks.
    let now = world.clock.now();
    let shown = world.source.link.flow.as_mut().expect("flow is watched");
    let fresh = |views: &Arc<Vec<FlowView>>| {
        views.len() == PAIRS.len() && views.iter().all(|v| v.source == "trades and book" && v.age_ms(now) < 60_000)
    };
    timeout(LONG, shown.wait_for(fresh)).await.expect("in time").expect("a source");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_costs_the_book_its_time_and_no_trades() {
    let mut world = World::begin().await;
    world.steps(STEPS / 2).await;
    let lost = world.now;
    let cut = |exchange: &mut Exchange| {
        let sessions = exchange.state()["sessions"].as_array().cloned().unwrap_or_default();
        // The first one is the observer's.
        let others = sessions.iter().filter_map(|s| s["conn"].as_u64()).filter(|conn| *conn != 1);
        others.map(|conn| exchange.disconnect(Some(ConnKey(conn)), Ending::Reset)).sum::<usize>()
    };
    assert!(world.server.handle.with(cut).await.expect("running") >= 2, "trades and books have sockets of their own");
    world.until_doubtful(true).await;
    let heard = world.source.link.flow.as_mut().expect("flow").wait_for(|views| views.iter().all(|v| v.book.is_none()));
    timeout(LONG, heard).await.expect("in time").expect("the source runs");
    world.step().await;
    world.until_doubtful(false).await;
    let back = world.now;
    world.steps(STEPS - STEPS / 2).await;
    let batch = world.batch().await;
    for bar in &batch.flow {
        compare(bar, &world.observer, START, (lost, back));
        let book = bar.book.expect("a book");
        assert_eq!((book.blind_ms, book.fault().as_deref()), (STEP_MS, Some("the book was not known for 10.0 s")));
    }
    assert_eq!(batch.flow.len(), 2);
}
