//! A small exchange in virtual time around the core: enough of the protocol to play every part against it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::model::{Deal, deal_row, listing, ohlc, ohlc_row, plain, trade};
use crate::domain::market::RawCandle;
use crate::domain::pair::Interval;
use crate::domain::random::SplitMix64;
use crate::domain::time::UtcMs;
use crate::kraken::link::{
    ConnId, Input, LinkCore, LinkEvent, LinkPlan, LinkSettings, Output, RestAnswer, RestId, RestQuery, RestTrouble,
};
use crate::kraken::wire::{Stamp, ws};

/// 2026-05-01T10:00:00Z
pub const START: i64 = 1_777_629_600_000;

#[derive(Debug, Clone)]
pub enum Ev {
    Opened(ConnId),
    Frame(ConnId, Vec<u8>),
    Closed(ConnId, String),
    Answer(RestId, Result<RestAnswer, RestTrouble>),
    Heartbeat,
}

/// Books in ticks: price with one decimal, quantity with eight.
pub type Side = BTreeMap<u64, u64>;
/// Prices and quantities of one side.
pub type Levels<'a> = &'a [(u64, u64)];

#[derive(Default)]
pub struct Conn {
    pub subs: BTreeSet<(String, String, u32)>,
    /// Nothing is delivered any more.
    pub mute: bool,
}

pub struct Rig {
    pub core: LinkCore,
    pub now: i64,
    pub queue: BTreeMap<(i64, u64), Ev>,
    seq: u64,
    pub conns: BTreeMap<ConnId, Conn>,
    /// Why connects are refused.
    pub refuse: Option<String>,
    pub system: &'static str,
    pub heartbeats: bool,
    /// How long a frame travels.
    pub line_ms: i64,
    pub deals: HashMap<String, Vec<Deal>>,
    pub books: HashMap<String, (Side, Side)>,
    pub unlisted: BTreeSet<String>,
    pub unsupported: BTreeSet<String>,
    /// (channel, symbol) → how many acknowledgements or first pictures are left out.
    pub drop_acks: HashMap<String, u32>,
    pub drop_pictures: HashMap<String, u32>,
    pub rest_down: Option<RestTrouble>,
    /// Trades this much younger than now are not in REST yet.
    pub rest_lag_ms: i64,
    pub page: usize,
    pub connects: Vec<i64>,
    pub sent: Vec<(i64, ConnId, Value)>,
    pub asked: Vec<(i64, RestQuery)>,
    pub events: Vec<(i64, LinkEvent)>,
    pub random: SplitMix64,
}

impl Rig {
    pub fn new(plan: LinkPlan, settings: LinkSettings) -> Self {
        Self {
            core: LinkCore::new(plan, settings),
            now: START,
            queue: BTreeMap::new(),
            seq: 0,
            conns: BTreeMap::new(),
            refuse: None,
            system: "online",
            heartbeats: true,
            line_ms: 5,
            deals: HashMap::new(),
            books: HashMap::new(),
            unlisted: BTreeSet::new(),
            unsupported: BTreeSet::new(),
            drop_acks: HashMap::new(),
            drop_pictures: HashMap::new(),
            rest_down: None,
            rest_lag_ms: 0,
            page: 1_000,
            connects: Vec::new(),
            sent: Vec::new(),
            asked: Vec::new(),
            events: Vec::new(),
            random: SplitMix64::seeded(1),
        }
    }

    pub fn at(&mut self, delay: i64, ev: Ev) {
        self.seq += 1;
        self.queue.insert((self.now + delay, self.seq), ev);
    }

    /// Sends a frame to a connection, unless it is mute.
    pub fn push(&mut self, conn: ConnId, frame: &Value) {
        if self.conns.get(&conn).is_some_and(|c| !c.mute) {
            self.at(self.line_ms, Ev::Frame(conn, frame.to_string().into_bytes()));
        }
    }

    pub fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.core.handle(UtcMs(self.now), input, &mut out);
        for output in out {
            self.output(output);
        }
    }

    /// Lets time pass: the core is woken exactly when it asks for it.
    pub fn run(&mut self, ms: i64) {
        let until = self.now + ms;
        loop {
            let wake = self.core.next_wake().0.max(self.now);
            let next = self.queue.first_key_value().map_or(i64::MAX, |((at, _), _)| *at);
            if wake.min(next) > until {
                self.now = until;
                return;
            }
            if wake < next {
                self.now = wake;
                self.input(Input::Tick);
                assert!(
                    self.core.next_wake().0 > self.now || !self.queue.is_empty(),
                    "the core asks to be woken at once, forever"
                );
                continue;
            }
            self.now = next;
            let Some((_, ev)) = self.queue.pop_first() else { continue };
            self.deliver(ev);
        }
    }

    fn deliver(&mut self, ev: Ev) {
        match ev {
            Ev::Opened(conn) => {
                self.conns.insert(conn, Conn::default());
                self.input(Input::Opened(conn));
                let status = json!({"channel":"status","type":"update","data":[{"version":"2.0.10","system":self.system,
                    "api_version":"v2","connection_id":13_834_774_380_200_032_777_u64}]});
                self.push(conn, &status);
            }
            Ev::Frame(conn, bytes) => {
                if self.conns.contains_key(&conn) {
                    self.input(Input::Frame(conn, &bytes));
                }
            }
            Ev::Closed(conn, why) => {
                self.conns.remove(&conn);
                self.input(Input::Closed(conn, why));
            }
            Ev::Answer(id, answer) => self.input(Input::Answer(id, answer)),
            Ev::Heartbeat => {
                let conns: Vec<ConnId> =
                    self.conns.iter().filter(|(_, c)| !c.subs.is_empty()).map(|(c, _)| *c).collect();
                if self.heartbeats {
                    conns.iter().for_each(|c| self.push(*c, &json!({"channel":"heartbeat"})));
                }
                self.at(1_000, Ev::Heartbeat);
            }
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Connect(conn) => {
                self.connects.push(self.now);
                if self.connects.len() == 1 {
                    self.at(1_000, Ev::Heartbeat);
                }
                match self.refuse.clone() {
                    Some(why) => self.at(20, Ev::Closed(conn, why)),
                    None => self.at(20, Ev::Opened(conn)),
                }
            }
            Output::Disconnect(conn) => {
                self.conns.remove(&conn);
                self.at(5, Ev::Closed(conn, "closed by us".to_owned()));
            }
            Output::Send(conn, text) => {
                let value: Value = serde_json::from_str(&text).expect("json out");
                self.sent.push((self.now, conn, value.clone()));
                if self.conns.get(&conn).is_some_and(|c| !c.mute) {
                    self.request(conn, &value);
                }
            }
            Output::Ask(id, query) => {
                self.asked.push((self.now, query.clone()));
                let answer = self.rest(&query);
                self.at(100, Ev::Answer(id, answer));
            }
            Output::Event(event) => self.events.push((self.now, event)),
        }
    }

    fn request(&mut self, conn: ConnId, value: &Value) {
        let req_id = value["req_id"].clone();
        match value["method"].as_str().expect("method") {
            "ping" => {
                let time_in = Stamp::from_ms(UtcMs(self.now)).to_string();
                self.push(conn, &json!({"method":"pong","req_id":req_id,"time_in":time_in}));
            }
            method => {
                let subscribe = method == "subscribe";
                let channel = value["params"]["channel"].as_str().expect("channel").to_owned();
                let detail =
                    value["params"]["depth"].as_u64().or(value["params"]["interval"].as_u64()).unwrap_or(0) as u32;
                let Some(symbols) = value["params"]["symbol"].as_array() else {
                    self.push(conn, &json!({"method":method,"result":{"channel":channel,"snapshot":true},"success":true,"req_id":req_id}));
                    let picture = self.instruments();
                    return self.push(conn, &picture);
                };
                for symbol in symbols {
                    let symbol = symbol.as_str().expect("symbol");
                    self.one(conn, subscribe, &channel, symbol, detail, &req_id);
                }
            }
        }
    }

    fn one(&mut self, conn: ConnId, subscribe: bool, channel: &str, symbol: &str, detail: u32, req_id: &Value) {
        let method = if subscribe { "subscribe" } else { "unsubscribe" };
        if self.unsupported.contains(symbol) {
            let error = format!("Currency pair not supported {symbol}");
            return self
                .push(conn, &json!({"method":method,"error":error,"success":false,"symbol":symbol,"req_id":req_id}));
        }
        let key = (channel.to_owned(), symbol.to_owned(), detail);
        let subs = &mut self.conns.get_mut(&conn).expect("connection").subs;
        let changed = if subscribe { subs.insert(key) } else { subs.remove(&key) };
        if !changed {
            let error = if subscribe { "Already subscribed" } else { "Subscription Not Found" };
            return self
                .push(conn, &json!({"method":method,"error":error,"success":false,"symbol":symbol,"req_id":req_id}));
        }
        let name = format!("{channel} {symbol}");
        if !take(&mut self.drop_acks, &name) {
            let mut result = json!({"channel":channel,"symbol":symbol});
            if subscribe {
                result["snapshot"] = json!(true);
            }
            self.push(conn, &json!({"method":method,"result":result,"success":true,"req_id":req_id}));
        }
        if subscribe && !take(&mut self.drop_pictures, &name) {
            let picture = self.picture(channel, symbol, detail);
            picture.iter().for_each(|p| self.push(conn, p));
        }
    }

    fn picture(&self, channel: &str, symbol: &str, detail: u32) -> Option<Value> {
        match channel {
            "trade" => {
                let deals = self.deals.get(symbol)?;
                let rows: Vec<Value> = deals.iter().rev().take(50).rev().map(|d| deal_row(symbol, d)).collect();
                Some(json!({"channel":"trade","type":"snapshot","data":rows}))
            }
            "ohlc" => {
                let rows = self.candles(symbol, detail);
                let rows: Vec<Value> = rows.iter().rev().take(10).rev().map(|r| ohlc_row(symbol, detail, r)).collect();
                Some(json!({"channel":"ohlc","type":"snapshot","data":rows}))
            }
            "book" => Some(self.book_frame(symbol, "snapshot", None)),
            "ticker" => Some(self.ticker(symbol)),
            _ => None,
        }
    }

    pub fn ticker(&self, symbol: &str) -> Value {
        json!({"channel":"ticker","type":"snapshot","data":[{"symbol":symbol,"bid":1.0,"bid_qty":1,"ask":1.1,"ask_qty":1,"last":1.0,
            "volume":5,"vwap":1.0,"low":1.0,"high":1.2,"change":0.1,"change_pct":1.0}]})
    }

    fn instruments(&self) -> Value {
        let listed = self.core.pairs.iter().filter(|p| !self.unlisted.contains(p.pair.as_str()));
        let pairs: Vec<Value> = listed
            .map(|p| {
                json!({"symbol":p.pair.as_str(),"base":p.pair.base(),"quote":p.pair.quote(),"status":"online",
                    "qty_precision":8,"qty_increment":1e-8,"qty_min":0.0001,"price_precision":1,"price_increment":0.1,
                    "cost_precision":5,"cost_min":"0.5","marginable":false,"has_index":true})
            })
            .collect();
        json!({"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":pairs}})
    }

    fn rest(&self, query: &RestQuery) -> Result<RestAnswer, RestTrouble> {
        if let Some(trouble) = &self.rest_down {
            return Err(trouble.clone());
        }
        Ok(match query {
            RestQuery::SystemStatus => RestAnswer::SystemStatus(ws::System::from(self.system)),
            RestQuery::AssetPairs => {
                let listed = self.core.pairs.iter().filter(|p| !self.unlisted.contains(p.pair.as_str()));
                RestAnswer::AssetPairs(listed.map(|p| listing(&p.pair)).collect())
            }
            RestQuery::Trades { symbol, since } => {
                let newest = (self.now - self.rest_lag_ms) * 1_000_000;
                let deals = self.deals.get(symbol).cloned().unwrap_or_default();
                let seen = deals.iter().filter(|d| d.ns > since.0 && d.ns <= newest);
                let rows: Vec<ws::Trade> = seen.take(self.page).map(|d| trade(symbol, d)).collect();
                let last = rows.last().map_or(*since, |r| r.timestamp);
                RestAnswer::Trades { rows, last }
            }
            RestQuery::Ohlc { symbol, interval, since } => {
                let rows = self.candles(symbol, interval.0);
                let rows = rows.iter().filter(|r| since.is_none_or(|s| r.0 > s.0)).map(|r| ohlc(symbol, interval.0, r));
                let mut rows: Vec<ws::Ohlc> = rows.collect();
                // the unfinished candle is always the last row, even without a trade
                let current = UtcMs(self.now).floor_to(interval.ms());
                if rows.last().is_none_or(|r| r.interval_begin.ms() != current) {
                    rows.push(ohlc(
                        symbol,
                        interval.0,
                        &(current.0, [Deal { id: 0, ns: 0, cents: 100, sats: 0 }; 1].to_vec()),
                    ));
                }
                RestAnswer::Ohlc { rows }
            }
        })
    }

    /// The deals of each candle that has any.
    pub fn candles(&self, symbol: &str, minutes: u32) -> Vec<(i64, Vec<Deal>)> {
        let mut cells: BTreeMap<i64, Vec<Deal>> = BTreeMap::new();
        for deal in self.deals.get(symbol).into_iter().flatten() {
            let start = UtcMs(deal.ns.div_euclid(1_000_000)).floor_to(Interval(minutes).ms());
            cells.entry(start.0).or_default().push(*deal);
        }
        cells.into_iter().collect()
    }

    /// A trade happens; it is told live unless `lost`.
    pub fn deal(&mut self, symbol: &str, lost: bool) -> Deal {
        let (cents, sats) = (10_000 + self.random.below(500) as i64, 1 + self.random.below(1_000_000) as i64);
        let deals = self.deals.entry(symbol.to_owned()).or_default();
        let id = deals.last().map_or(1_000, |d| d.id + 1);
        let ns =
            (self.now * 1_000_000 + i64::try_from(id % 7).unwrap_or(0) * 1_000).max(deals.last().map_or(0, |d| d.ns));
        let deal = Deal { id, ns, cents, sats };
        deals.push(deal);
        if !lost {
            self.tell(symbol, &deal);
        }
        deal
    }

    /// Trades of which no frame tells.
    pub fn deals_lost(&mut self, symbol: &str, count: usize) {
        for _ in 0..count {
            self.deal(symbol, true);
        }
    }

    /// Tells a deal and the candles it is in.
    pub fn tell(&mut self, symbol: &str, deal: &Deal) {
        let subscribed: Vec<(ConnId, String, u32)> = self
            .conns
            .iter()
            .flat_map(|(c, conn)| conn.subs.iter().filter(|s| s.1 == symbol).map(|s| (*c, s.0.clone(), s.2)))
            .collect();
        for (conn, channel, detail) in subscribed {
            match channel.as_str() {
                "trade" => self.push(conn, &json!({"channel":"trade","type":"update","data":[deal_row(symbol, deal)]})),
                "ohlc" => {
                    let rows = self.candles(symbol, detail);
                    if let Some(row) = rows.last() {
                        self.push(
                            conn,
                            &json!({"channel":"ohlc","type":"update","data":[ohlc_row(symbol, detail, row)]}),
                        );
                    }
                }
                _ => {}
            }
        }
    }

    /// A book's levels change (quantity 0 takes one away); the frame goes out unless it is lost.
    pub fn change(&mut self, symbol: &str, bids: &[(u64, u64)], asks: &[(u64, u64)], lost: bool) {
        let (own_bids, own_asks) = self.books.entry(symbol.to_owned()).or_default();
        for (side, levels) in [(&mut *own_bids, bids), (&mut *own_asks, asks)] {
            for (price, qty) in levels {
                if *qty == 0 {
                    side.remove(price);
                } else {
                    side.insert(*price, *qty);
                }
            }
        }
        let frame = self.book_frame(symbol, "update", Some((bids, asks)));
        if !lost {
            self.send_book(symbol, &frame);
        }
    }

    pub fn send_book(&mut self, symbol: &str, frame: &Value) {
        let conns: Vec<ConnId> = self
            .conns
            .iter()
            .filter(|(_, c)| c.subs.iter().any(|s| s.0 == "book" && s.1 == symbol))
            .map(|(c, _)| *c)
            .collect();
        conns.iter().for_each(|c| self.push(*c, frame));
    }

    pub fn book_frame(&self, symbol: &str, kind: &str, changed: Option<(Levels<'_>, Levels<'_>)>) -> Value {
        let (bids, asks) = self.books.get(symbol).cloned().unwrap_or_default();
        let best: Vec<(u64, u64)> =
            asks.iter().take(10).chain(bids.iter().rev().take(10)).map(|(p, q)| (*p, *q)).collect();
        let text: String = best.iter().map(|(p, q)| format!("{p}{q}")).collect();
        let level = |(p, q): &(u64, u64)| json!({"price":plain(*p as i64, 1),"qty":plain(*q as i64, 8)});
        let all_bids: Vec<(u64, u64)> = bids.iter().rev().take(10).map(|(p, q)| (*p, *q)).collect();
        let all_asks: Vec<(u64, u64)> = asks.iter().take(10).map(|(p, q)| (*p, *q)).collect();
        let (b, a) = changed.unwrap_or((&all_bids, &all_asks));
        json!({"channel":"book","type":kind,"data":[{"symbol":symbol,"bids":b.iter().map(level).collect::<Vec<_>>(),
            "asks":a.iter().map(level).collect::<Vec<_>>(),"checksum":crc32fast::hash(text.as_bytes()),
            "timestamp":Stamp::from_ms(UtcMs(self.now)).to_string()}]})
    }

    /// Cuts every connection.
    pub fn cut(&mut self, why: &str) {
        let conns: Vec<ConnId> = self.conns.keys().copied().collect();
        for conn in conns {
            self.conns.remove(&conn);
            self.at(0, Ev::Closed(conn, why.to_owned()));
        }
    }

    pub fn trades(&self, symbol: &str) -> Vec<u64> {
        let ids = self.events.iter().filter_map(|(_, e)| match e {
            LinkEvent::Trade { pair, trade } if pair.as_str() == symbol => Some(trade.trade_id),
            _ => None,
        });
        ids.collect()
    }

    pub fn told_candles(&self, symbol: &str, minutes: u32) -> Vec<(RawCandle, bool)> {
        let rows = self.events.iter().filter_map(|(_, e)| match e {
            LinkEvent::Candle { row, proven } if row.pair.as_str() == symbol && row.interval.0 == minutes => {
                Some((row.clone(), *proven))
            }
            _ => None,
        });
        rows.collect()
    }

    pub fn doubts(&self, symbol: &str) -> Vec<Option<String>> {
        let doubts = self.events.iter().filter_map(|(_, e)| match e {
            LinkEvent::Proof { pair, doubt } if pair.as_str() == symbol => Some(doubt.clone()),
            _ => None,
        });
        doubts.collect()
    }

    pub fn proven(&self, symbol: &str) -> bool {
        self.doubts(symbol).last() == Some(&None)
    }

    pub fn notes(&self) -> Vec<String> {
        let notes =
            self.events.iter().filter_map(|(_, e)| if let LinkEvent::Note(n) = e { Some(n.clone()) } else { None });
        notes.collect()
    }

    /// Requests of a method and channel.
    pub fn requests(&self, method: &str, channel: &str) -> usize {
        self.sent.iter().filter(|(_, _, v)| v["method"] == method && v["params"]["channel"] == channel).count()
    }
}

fn take(counts: &mut HashMap<String, u32>, key: &str) -> bool {
    match counts.get_mut(key) {
        Some(n) if *n > 0 => {
            *n -= 1;
            true
        }
        _ => false,
    }
}
