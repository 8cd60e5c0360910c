//! Joins the link and the stand-in: messages travel with a delay, in order per socket, and time jumps from one event to the next.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use cryptosmarttrader::domain::random::SplitMix64;
use cryptosmarttrader::domain::time::UtcMs;
use cryptosmarttrader::kraken::error::KrakenError;
use cryptosmarttrader::kraken::link::{
    ConnId, Input, LinkCore, LinkSettings, Output, RestAnswer, RestId, RestQuery, RestTrouble,
};
use cryptosmarttrader::kraken::rest::{Question, trouble};
use cryptosmarttrader::kraken::symbols::Symbols;
use cryptosmarttrader::simulator::gateway::{
    ConnKey, Ending, Endpoint, Exchange, RestCall, RestEffect, RestReply, ServerOut,
};
use cryptosmarttrader::simulator::protocol::SimNs;

use super::audit::{Audit, LOOK_NS};
use super::report::Report;
use super::storm::{Family, Storm};
use super::world::{self, Scale};

const MS: i64 = 1_000_000;
const HOUR_NS: i64 = 3_600_000 * MS;
/// Slowest and fastest way of a message.
const DELAY_MS: (i64, i64) = (5, 80);
/// After this the caller of REST gives up.
const REST_TIMEOUT_MS: i64 = 10_000;

/// Something that is on its way.
enum Way {
    Open(ConnId),
    Text(ConnId, String),
    Gone(ConnId),
    Call(RestId, RestQuery),
    Opened(ConnId),
    Frame(ConnId, Arc<str>),
    Closed(ConnId, String),
    Answer(RestId, Result<RestAnswer, RestTrouble>),
}

#[derive(Default)]
struct Socket {
    key: Option<ConnKey>,
    /// The link wants nothing more of it.
    dropped: bool,
    /// When the last message of each direction arrives.
    out_at: i64,
    in_at: i64,
}

pub struct Rig {
    exchange: Exchange,
    link: LinkCore,
    settings: LinkSettings,
    symbols_of: Vec<String>,
    /// Those with books of ten levels.
    checked: Vec<String>,
    now: i64,
    queue: BTreeMap<(i64, u64), Way>,
    serial: u64,
    sockets: BTreeMap<ConnId, Socket>,
    conns: BTreeMap<ConnKey, ConnId>,
    symbols: Arc<Symbols>,
    rng: SplitMix64,
    storm: Storm,
    calm: bool,
    audit: Audit,
    look_at: i64,
    hour_at: i64,
    /// Ticks in a row that did not move the link's next wake.
    spins: u32,
    transcript: crc32fast::Hasher,
    text: String,
    trace: Option<String>,
    out: Vec<Output>,
    sent: Vec<ServerOut>,
    report: Report,
}

impl Rig {
    pub fn new(scale: Scale, families: &[Family]) -> Self {
        let world = world::build(scale);
        let settings = LinkSettings::default();
        let now = world.exchange.now().0;
        let storm = Storm::new(scale.seed, families, now);
        let symbols_of: Vec<String> = world.plan.pairs.iter().map(|p| p.as_str().to_owned()).collect();
        let tens = symbols_of.iter().zip(&world.depths).filter(|(_, d)| **d == 10);
        let checked = tens.map(|(s, _)| s.clone()).collect();
        let began = now + storm.offset_ms * MS;
        let audit = Audit::new(&world.plan.pairs, &world.tapes, &world.depths, began);
        Self {
            exchange: world.exchange,
            link: LinkCore::new(world.plan, settings.clone()),
            settings,
            symbols_of,
            checked,
            now,
            queue: BTreeMap::new(),
            serial: 0,
            sockets: BTreeMap::new(),
            conns: BTreeMap::new(),
            symbols: Arc::new(Symbols::new([])),
            rng: SplitMix64::new(&[scale.seed, 0x72_6967]),
            storm,
            calm: families.is_empty(),
            audit,
            look_at: now + 60_000 * MS,
            hour_at: now + HOUR_NS,
            spins: 0,
            transcript: crc32fast::Hasher::new(),
            text: String::new(),
            trace: std::env::var("CST_SOAK_TRACE").ok(),
            out: Vec::new(),
            sent: Vec::new(),
            report: Report::default(),
        }
    }

    /// Runs for so many simulated milliseconds.
    pub fn run(&mut self, ms: i64) {
        let end = self.now + ms * MS;
        if self.serial == 0 {
            self.tell_link(Input::Tick);
        }
        while self.now < end {
            let server = self.exchange.next_at().map_or(i64::MAX, |at| at.0);
            let way = self.queue.first_key_value().map_or(i64::MAX, |(k, _)| k.0);
            let due = server.min(way).min(self.wake()).min(self.storm.next_at).min(self.look_at).min(end);
            self.now = self.now.max(due);
            self.exchange.advance(SimNs(self.now));
            self.collect();
            while let Some(entry) = self.queue.first_entry().filter(|e| e.key().0 <= self.now) {
                let way = entry.remove();
                self.arrive(way);
            }
            if self.wake() <= self.now {
                self.tick();
            } else {
                self.spins = 0;
            }
            self.run_checks();
        }
    }

    /// When the link wants to be called, in the exchange's time.
    fn wake(&self) -> i64 {
        self.link.next_wake().0.saturating_sub(self.storm.offset_ms).saturating_mul(MS).max(self.storm.stalled_until)
    }

    fn tick(&mut self) {
        self.spins += 1;
        assert!(self.spins < 1_000, "the link wants to be called again and again at {}", self.now);
        self.tell_link(Input::Tick);
    }

    fn run_checks(&mut self) {
        if self.now >= self.storm.next_at {
            self.storm.strike(self.now, &mut self.exchange, &self.symbols_of, &self.checked);
            if self.trace.is_some() {
                let latest = self.exchange.state()["faults"].as_array().and_then(|list| list.last().cloned());
                println!(
                    "= {} {latest:?} clock {} ms stalled until {}",
                    self.now, self.storm.offset_ms, self.storm.stalled_until
                );
            }
            self.collect();
        }
        if self.now >= self.look_at {
            let frozen = self.now < self.storm.frozen_until.max(self.storm.stalled_until + 30_000 * MS);
            self.audit.look(self.now, &self.link, self.exchange.market(), frozen);
            self.look_at = self.now + LOOK_NS;
        }
        if self.now >= self.hour_at {
            self.hour_at = self.now + HOUR_NS;
            self.report.footprints.push(format!("{:?}", self.link).len());
            self.report.resident.extend(resident_mib());
        }
    }

    pub fn end_storm(&mut self) {
        self.storm.end(&mut self.exchange);
    }

    /// Hands in what is still on its way, and compares everything.
    pub fn finish(mut self) -> Report {
        while let Some((_, way)) = self.queue.pop_first() {
            match way {
                Way::Open(_) | Way::Text(..) | Way::Gone(_) | Way::Call(..) => {}
                to_link => self.arrive(to_link),
            }
        }
        self.audit.finish(self.now, &self.link, self.exchange.market());
        if let Err(text) = self.exchange.check() {
            self.audit.wrong(self.now, &format!("the stand-in: {text}"));
        }
        let status = self.link.status(UtcMs(self.now / MS));
        if self.calm {
            let c = status.counters;
            let odd = [
                c.bad_frames,
                c.unknown_frames,
                c.stray,
                c.errors,
                c.resubscribes,
                c.book_faults,
                c.watchdog,
                c.clock_jumps,
            ];
            if odd != [0; 8] {
                self.audit.wrong(self.now, &format!("without a fault: {c:?}"));
            }
        }
        if status.pairs.iter().any(|p| p.lost_trades > 0 || p.skipped_ids > 0) {
            self.audit.wrong(self.now, "trades are called lost or left out");
        }
        let mut report = self.report;
        report.footprints.push(format!("{:?}", self.link).len());
        report.resident.extend(resident_mib());
        report.frames = status.counters.frames;
        report.trades = self.audit.trades;
        report.candles = self.audit.candles;
        report.unproven = self.audit.unproven;
        report.skewed = self.audit.skewed;
        report.doubts = self.audit.doubts();
        report.resyncs = status.pairs.iter().map(|p| p.resyncs).sum();
        report.refills = status.pairs.iter().map(|p| p.refills).sum();
        report.refilled = status.pairs.iter().map(|p| p.refilled_trades).sum();
        report.reconnects = status.counters.reconnects;
        report.connects = status.counters.connects;
        report.rest_calls = status.counters.rest_asked;
        report.rest_troubles = status.counters.rest_troubles;
        report.faults = self.storm.sent;
        report.struck = self.exchange.counted().faults;
        report.notes = self.audit.notes;
        report.transcript = format!("{:08x}", self.transcript.finalize());
        report.digest = self.exchange.digest();
        report.connects_most = self.audit.connects_most;
        report.wrongs = self.audit.wrongs;
        report
    }

    fn delay(&mut self) -> i64 {
        let (least, most) = DELAY_MS;
        (least + i64::try_from(self.rng.below(usize::try_from(most - least).unwrap())).unwrap()) * MS
    }

    fn send(&mut self, at: i64, way: Way) {
        self.serial += 1;
        self.queue.insert((at, self.serial), way);
    }

    /// Sends to the exchange, in order per socket.
    fn up(&mut self, conn: ConnId, way: Way) {
        let at = self.now + self.delay();
        let socket = self.sockets.entry(conn).or_default();
        socket.out_at = socket.out_at.max(at);
        let at = socket.out_at;
        self.send(at, way);
    }

    /// Sends to the link, in order per socket.
    fn down(&mut self, conn: ConnId, way: Way) {
        let at = (self.now + self.delay()).max(self.storm.stalled_until);
        let Some(socket) = self.sockets.get_mut(&conn) else { return };
        socket.in_at = socket.in_at.max(at);
        let at = socket.in_at;
        self.send(at, way);
    }

    /// Takes what the exchange sends.
    fn collect(&mut self) {
        let mut sent = std::mem::take(&mut self.sent);
        self.exchange.drain(&mut sent);
        for out in sent.drain(..) {
            match out {
                ServerOut::Frame { conn, text } => {
                    if text.contains("Exceeded msg rate") {
                        self.audit.wrong(self.now, "too many messages on a socket");
                    }
                    if let Some(id) = self.conns.get(&conn).copied() {
                        self.down(id, Way::Frame(id, text));
                    }
                }
                ServerOut::Close { conn, how } => {
                    let words = match how {
                        Ending::HalfOpen => continue,
                        Ending::Clean => "closed by the exchange",
                        Ending::Reset => "connection reset",
                    };
                    if let Some(id) = self.conns.remove(&conn) {
                        self.down(id, Way::Closed(id, words.to_owned()));
                    }
                }
                ServerOut::Answer { .. } => self.audit.wrong(self.now, "an answer to a private call"),
            }
        }
        self.sent = sent;
    }

    fn arrive(&mut self, way: Way) {
        match way {
            Way::Open(conn) => self.open(conn),
            Way::Text(conn, text) => {
                if let Some(key) = self.sockets.get(&conn).and_then(|s| s.key) {
                    self.exchange.text(key, &text);
                    self.collect();
                }
            }
            Way::Gone(conn) => {
                if let Some(key) = self.sockets.remove(&conn).and_then(|s| s.key) {
                    self.conns.remove(&key);
                    self.exchange.closed(key);
                }
            }
            Way::Call(id, query) => self.call(id, query),
            Way::Opened(conn) if self.wanted(conn) => self.tell_link(Input::Opened(conn)),
            Way::Frame(conn, text) if self.wanted(conn) => {
                self.audit.frame(&text);
                self.tell_link(Input::Frame(conn, text.as_bytes()));
            }
            Way::Opened(_) | Way::Frame(..) => {}
            Way::Closed(conn, why) => {
                if self.sockets.get(&conn).is_some_and(|s| !s.dropped) {
                    self.sockets.remove(&conn);
                }
                self.tell_link(Input::Closed(conn, why));
            }
            Way::Answer(id, answer) => self.tell_link(Input::Answer(id, answer)),
        }
    }

    fn wanted(&self, conn: ConnId) -> bool {
        self.sockets.get(&conn).is_some_and(|s| !s.dropped)
    }

    fn open(&mut self, conn: ConnId) {
        match self.exchange.open(Endpoint::Public) {
            Ok(key) => {
                self.conns.insert(key, conn);
                if let Some(socket) = self.sockets.get_mut(&conn) {
                    socket.key = Some(key);
                }
                self.down(conn, Way::Opened(conn));
                self.collect();
            }
            Err(refusal) => {
                if refusal.status == 429 && self.now >= self.storm.banned_until {
                    self.audit.wrong(self.now, "a connect was refused for being one too many");
                }
                self.down(conn, Way::Closed(conn, format!("HTTP error: {}", refusal.status)));
            }
        }
    }

    fn call(&mut self, id: RestId, query: RestQuery) {
        let asked = self.now;
        if self.symbols.is_empty() && matches!(query, RestQuery::Trades { .. } | RestQuery::Ohlc { .. }) {
            let (_, answer) = self.ask(&RestQuery::AssetPairs);
            if let Err(error) = answer {
                let answer = Err(trouble(&error, self.local()));
                let at = self.now + self.delay();
                return self.send(at, Way::Answer(id, answer));
            }
        }
        let (delay_ms, answer) = self.ask(&query);
        let (delay_ms, answer) = if delay_ms > REST_TIMEOUT_MS {
            (REST_TIMEOUT_MS, Err(KrakenError::Timeout { call: "REST", ms: 10_000 }))
        } else {
            (delay_ms, answer)
        };
        let at = (asked + self.delay() + delay_ms * MS).max(self.storm.stalled_until);
        let local = UtcMs(at / MS + self.storm.offset_ms);
        let answer = answer.map_err(|e| trouble(&e, local));
        self.send(at, Way::Answer(id, answer));
    }

    /// The exchange's answer, read as the client reads it, and how long it lies on the wire.
    fn ask(&mut self, query: &RestQuery) -> (i64, Result<RestAnswer, KrakenError>) {
        let question = match Question::new(query, &self.symbols) {
            Ok(question) => question,
            Err(error) => return (0, Err(error)),
        };
        let call = RestCall {
            method: "GET".to_owned(),
            path: format!("/0/public/{}", question.call),
            query: question.fields.query(),
            ..RestCall::default()
        };
        let RestReply { status, body, delay_ms, effect, .. } = self.exchange.rest(call);
        self.collect();
        if body.contains("Too many requests") {
            self.audit.wrong(self.now, &format!("too many questions: {query:?}"));
        }
        let delay_ms = i64::try_from(delay_ms).unwrap();
        if effect != RestEffect::Normal {
            let why = "connection reset by peer".to_owned();
            return (delay_ms, Err(KrakenError::Broken { call: question.call, why }));
        }
        let read = question.read(query, &self.symbols, status, body.as_bytes());
        let answer = read.map(|(answer, symbols)| {
            self.symbols = symbols.unwrap_or_else(|| Arc::clone(&self.symbols));
            answer
        });
        (delay_ms, answer)
    }

    /// The clock of the link's machine.
    fn local(&self) -> UtcMs {
        UtcMs(self.now / MS + self.storm.offset_ms)
    }

    /// Prints what goes into and comes out of the link and names the traced pair, but for books and tickers.
    fn trace(&self, way: &str, text: &str) {
        let loud = ["Top {", "Ticker {", "\"book\"", "\"ticker\"", "AssetPairs", "instrument"];
        if self.trace.as_ref().is_some_and(|pair| text.contains(pair)) && !loud.iter().any(|word| text.contains(word)) {
            println!("{way} {}", text.chars().take(1_000).collect::<String>());
        }
    }

    fn tell_link(&mut self, input: Input<'_>) {
        if self.trace.is_some() {
            let text = match &input {
                Input::Frame(conn, frame) => format!("{} {conn:?} {}", self.now, String::from_utf8_lossy(frame)),
                other => format!("{} {other:?}", self.now),
            };
            self.trace(">", &text);
        }
        let mut out = std::mem::take(&mut self.out);
        self.link.handle(self.local(), input, &mut out);
        for output in out.drain(..) {
            self.text.clear();
            write!(self.text, "{} {output:?}", self.now).unwrap();
            self.transcript.update(self.text.as_bytes());
            self.trace("<", &self.text);
            match output {
                Output::Connect(conn) => {
                    self.audit.connect(self.now, self.settings.connects_per_10_min as usize);
                    self.up(conn, Way::Open(conn));
                }
                Output::Disconnect(conn) => {
                    if let Some(socket) = self.sockets.get_mut(&conn) {
                        socket.dropped = true;
                        self.up(conn, Way::Gone(conn));
                    }
                    self.send(self.now + MS, Way::Closed(conn, "closed by us".to_owned()));
                }
                Output::Send(conn, text) => self.up(conn, Way::Text(conn, text)),
                Output::Ask(id, query) => {
                    let at = self.now + self.delay();
                    self.send(at, Way::Call(id, query));
                }
                Output::Event(event) => self.audit.event(self.now, &event, self.calm, &self.storm),
            }
        }
        self.out = out;
    }
}

/// Resident memory of this process, where the system tells it.
fn resident_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|l| l.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1_024)
}
