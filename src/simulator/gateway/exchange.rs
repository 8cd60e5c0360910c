//! The exchange as one state machine: clock, market, desk, sessions and timers, in this order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::api::{ConnKey, Ending, Endpoint, Refusal, RestCall, ServerOut, Ticket};
use super::faults::{Faults, Kind, Point, gateway_page};
use super::floor::{self, Floor, Specs};
use super::keys::{Caller, Keyring};
use super::limits::{Attempts, Leaky, Tier};
use super::log::Log;
use super::options::ExchangeOptions;
use super::session::{Session, Sub};
use super::tokens::Tokens;
use crate::simulator::desk::{AccountKey, Desk, Mode, PrivateEvent};
use crate::simulator::listing::PairStatus;
use crate::simulator::market::{Market, MarketEvent};
use crate::simulator::protocol::{Params, SimNs, Topic};

/// Silence of a client without subscriptions after which its socket is closed.
const IDLE_MS: i64 = 60_000;
/// Above 2^53.
const FIRST_CONNECTION_ID: u64 = 13_834_774_380_200_032_777;

/// The whole exchange.
#[derive(Debug)]
pub struct Exchange {
    pub(super) now: SimNs,
    pub(super) options: ExchangeOptions,
    pub(super) market: Market,
    pub(super) desk: Desk,
    pub(super) specs: Specs,
    pub(super) system: PairStatus,
    pub(super) keyring: Keyring,
    pub(super) tokens: Tokens,
    pub(super) pacing: BTreeMap<(String, String), Leaky>,
    pub(super) attempts: Attempts,
    pub(super) sessions: BTreeMap<ConnKey, Session>,
    pub(super) holders: BTreeMap<Topic, BTreeSet<ConnKey>>,
    pub(super) faults: Faults,
    /// Frames that wait for the next one of their channel.
    pub(super) held: usize,
    /// A private call that waits for the next one.
    pub(super) overtaken: Option<(Ticket, RestCall)>,
    pub(super) timers: BTreeMap<(SimNs, u64), Timer>,
    pub(super) out: Vec<ServerOut>,
    pub(super) log: Log,
    /// Over everything that was sent.
    pub(super) sent: crc32fast::Hasher,
    pub(super) counted: Counted,
    pub(super) serial: u64,
    events: Vec<MarketEvent>,
}

/// Counters for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub rest_calls: u64,
    pub messages: u64,
    pub frames: u64,
    pub connects: u64,
    pub refused: u64,
    pub faults: u64,
    /// Sockets closed because their client did not read.
    pub slow_clients: u64,
}

/// What happens at an instant.
#[derive(Debug, Clone)]
pub(super) enum Timer {
    Heartbeat(ConnKey),
    Idle(ConnKey),
    /// A frame that was held back; with its channel.
    Frame(ConnKey, Arc<str>),
    /// A private event that was held back from one socket.
    Event(ConnKey, PrivateEvent),
    /// A slow REST call is executed.
    Call {
        ticket: Ticket,
        caller: Caller,
        name: String,
        params: Params,
    },
    /// A slow WebSocket method is executed.
    Method {
        conn: ConnKey,
        caller: Caller,
        method: String,
        params: Params,
        req_id: Option<Value>,
    },
    /// The overtaken call is let through.
    Overtaken(Ticket),
    /// The next status of a maintenance cycle, and the milliseconds of each.
    Status(PairStatus, i64),
    /// REST is as fast as it was.
    LagEnds,
    /// What a cancelled order left is filled after all.
    LateFill(String),
}

impl Exchange {
    /// An exchange over a market and a desk, on which the options' accounts are opened; the clock starts where the market's data start.
    ///
    /// # Errors
    /// The name of a key with an unusable secret, or of an account that cannot be opened.
    pub fn new(options: ExchangeOptions, mut market: Market, mut desk: Desk) -> Result<Self, String> {
        let specs = floor::specs(market.listing());
        let now = market.now();
        let floor = Floor { market: &mut market, specs: &specs, system: Mode::Online };
        for plan in &options.accounts {
            desk.open_account(now, AccountKey(plan.account), &plan.balances, plan.tier.of_desk(), &floor)?;
        }
        let tier = |account| options.accounts.iter().find(|p| p.account == account).map_or(Tier::Starter, |p| p.tier);
        let keyring = Keyring::new(&options.keys, options.lockout_after, tier)?;
        Ok(Self {
            now,
            specs,
            system: PairStatus::Online,
            keyring,
            tokens: Tokens::default(),
            pacing: BTreeMap::new(),
            attempts: Attempts::new(options.connects_per_ten_minutes),
            sessions: BTreeMap::new(),
            holders: BTreeMap::new(),
            faults: Faults::seeded(options.seed),
            held: 0,
            overtaken: None,
            timers: BTreeMap::new(),
            out: Vec::new(),
            log: Log::default(),
            sent: crc32fast::Hasher::new(),
            counted: Counted::default(),
            serial: 0,
            events: Vec::new(),
            options,
            market,
            desk,
        })
    }

    /// The simulated instant.
    #[must_use]
    pub const fn now(&self) -> SimNs {
        self.now
    }

    #[must_use]
    pub const fn market(&self) -> &Market {
        &self.market
    }

    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }

    #[must_use]
    pub const fn options(&self) -> &ExchangeOptions {
        &self.options
    }

    #[must_use]
    pub const fn counted(&self) -> Counted {
        self.counted
    }

    /// When something happens next, if nobody calls.
    #[must_use]
    pub fn next_at(&self) -> Option<SimNs> {
        let timer = self.timers.first_key_value().map(|(k, _)| k.0);
        [self.market.next_at(), self.desk.next_at(), timer].into_iter().flatten().min()
    }

    /// Moves the clock, event by event: market, then desk, then timers. One long step gives the same as many short ones.
    pub fn advance(&mut self, to: SimNs) {
        while let Some(at) = self.next_at().filter(|at| *at <= to) {
            self.now = self.now.max(at);
            self.settle();
            self.run_timers();
        }
        if to > self.now {
            self.now = to;
            self.settle();
        }
    }

    /// Everything that follows from the present instant: the market's events, what the desk makes of them, and their frames. What the desk
    /// took from the book shows in the market's next turn.
    pub(super) fn settle(&mut self) {
        self.market_turn();
        let now = self.now;
        let (mut floor, desk) = self.desk_and_floor();
        desk.advance(now, &mut floor);
        if self.tell_accounts() {
            self.market_turn();
            self.tell_accounts();
        }
    }

    pub(super) fn desk_and_floor(&mut self) -> (Floor<'_>, &mut Desk) {
        (Floor { market: &mut self.market, specs: &self.specs, system: floor::mode(self.system) }, &mut self.desk)
    }

    fn market_turn(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        self.market.step_to(self.now, &mut events);
        for event in events.drain(..) {
            match event {
                MarketEvent::Trade(trade) => {
                    let now = self.now;
                    let (mut floor, desk) = self.desk_and_floor();
                    desk.on_trade(now, &trade, &mut floor);
                }
                MarketEvent::Book { symbol } => {
                    let now = self.now;
                    let (mut floor, desk) = self.desk_and_floor();
                    desk.on_book(now, &symbol, &mut floor);
                }
                MarketEvent::Frame { topic, text } => self.spread(&topic, text),
            }
        }
        self.events = events;
    }

    fn run_timers(&mut self) {
        while let Some(entry) = self.timers.first_entry().filter(|e| e.key().0 <= self.now) {
            match entry.remove() {
                Timer::Heartbeat(conn) => self.heartbeat(conn),
                Timer::Idle(conn) => self.close_if_idle(conn),
                Timer::Frame(conn, text) => self.push(conn, text),
                Timer::Event(conn, event) => {
                    self.private_frame(conn, event.channel, event.symbol.as_ref(), "update", &event.rows)
                }
                Timer::Call { ticket, caller, name, params } => self.answer_late(ticket, &caller, &name, &params),
                Timer::Method { conn, caller, method, params, req_id } => {
                    self.run_method(conn, &caller, &method, &params, req_id.as_ref())
                }
                Timer::Overtaken(ticket) => self.let_through(ticket),
                Timer::Status(status, span_ms) => self.cycle_status(status, span_ms),
                Timer::LagEnds => self.desk.set_rest_lag(0),
                Timer::LateFill(order) => self.fill_late(&order),
            }
        }
    }

    pub(super) fn at(&mut self, when: SimNs, timer: Timer) {
        self.serial = self.serial.saturating_add(1);
        self.timers.insert((when, self.serial), timer);
    }

    /// Opens a WebSocket. Its first frame is the status.
    ///
    /// # Errors
    /// The HTTP answer when connects are refused.
    pub fn open(&mut self, endpoint: Endpoint) -> Result<ConnKey, Refusal> {
        let refused = self.refusal();
        self.log.write(
            self.now,
            "connect",
            &format!("{endpoint:?}"),
            "",
            refused.as_ref().map_or("open", |_| "refused"),
        );
        if let Some(refusal) = refused {
            self.counted.refused = self.counted.refused.saturating_add(1);
            return Err(refusal);
        }
        self.counted.connects = self.counted.connects.saturating_add(1);
        let conn = ConnKey(self.counted.connects);
        let id = FIRST_CONNECTION_ID.wrapping_add(conn.0);
        let (burst, per_second) = self.options.messages;
        let rate = Leaky::new(burst, per_second.saturating_mul(100));
        self.sessions.insert(conn, Session::new(endpoint, id, self.now, rate));
        self.at(self.now.plus_ms(IDLE_MS), Timer::Idle(conn));
        self.send_status(conn, id);
        Ok(conn)
    }

    fn refusal(&mut self) -> Option<Refusal> {
        let fault =
            self.strike(Point { channel: Some("connect"), ..Point::default() }, &[Kind::WsRefuse, Kind::WsBan], None);
        if let Some(fault) = fault {
            if fault.kind == Kind::WsBan {
                self.attempts.ban(self.now, fault.span_ms(600));
            } else {
                let status = fault.status.unwrap_or(503);
                return Some(Refusal { status, body: gateway_page(status) });
            }
        }
        let passes = self.attempts.attempt(self.now);
        (!passes).then(|| Refusal { status: 429, body: "Too Many Requests\n".to_owned() })
    }

    /// The socket is gone, whoever closed it.
    pub fn closed(&mut self, conn: ConnKey) {
        if let Some(session) = self.sessions.remove(&conn) {
            self.log.write(self.now, "closed", &session.connection_id.to_string(), "", "");
            self.held = self.held.saturating_sub(session.held.len());
            for sub in session.subs.into_values() {
                self.let_go(conn, sub);
            }
        }
    }

    /// The socket was closed because its client did not read.
    pub fn too_slow(&mut self, conn: ConnKey) {
        self.counted.slow_clients = self.counted.slow_clients.saturating_add(1);
        self.closed(conn);
    }

    /// Ends a socket from this side.
    pub(super) fn end(&mut self, conn: ConnKey, how: Ending) {
        if how == Ending::HalfOpen {
            if let Some(session) = self.sessions.get_mut(&conn) {
                session.silent = true;
            }
        } else {
            self.closed(conn);
        }
        self.out.push(ServerOut::Close { conn, how });
    }

    pub(super) fn let_go(&mut self, conn: ConnKey, sub: Sub) {
        match sub {
            Sub::Public(topic) => {
                if let Some(holders) = self.holders.get_mut(&topic) {
                    holders.remove(&conn);
                    if holders.is_empty() {
                        self.holders.remove(&topic);
                        self.market.deactivate(&topic);
                    }
                }
            }
            Sub::Private { token, .. } => self.tokens.release(&token),
        }
    }

    /// Takes what is to be sent.
    pub fn drain(&mut self, out: &mut Vec<ServerOut>) {
        out.append(&mut self.out);
    }

    pub(super) fn strike(
        &mut self,
        point: Point<'_>,
        kinds: &[Kind],
        stage: Option<super::faults::Stage>,
    ) -> Option<super::faults::Fault> {
        let fault = self.faults.strike(self.now, point, kinds, stage)?;
        self.counted.faults = self.counted.faults.saturating_add(1);
        let place =
            [point.path, point.method, point.channel, point.pair].into_iter().flatten().collect::<Vec<_>>().join(" ");
        self.log.write(self.now, "fault", &format!("{:?}", fault.kind), "", &place);
        Some(fault)
    }

    /// The first subscription of a socket starts its heartbeats.
    pub(super) fn start_heartbeats(&mut self, conn: ConnKey) {
        let Some(session) = self.sessions.get_mut(&conn).filter(|s| !s.beating) else { return };
        session.beating = true;
        let due = session.last_out.max(self.now).plus_ms(self.options.heartbeat_ms);
        self.at(due, Timer::Heartbeat(conn));
    }

    fn heartbeat(&mut self, conn: ConnKey) {
        let (now, pause) = (self.now, self.options.heartbeat_ms);
        let Some(session) = self.sessions.get_mut(&conn) else { return };
        if session.subs.is_empty() || session.silent {
            session.beating = false;
            return;
        }
        let mut due = session.last_out.plus_ms(pause);
        if due <= now {
            due = now.plus_ms(pause);
            let point = Point { channel: Some("heartbeat"), ..Point::default() };
            if self.faults.is_empty() || self.strike(point, &[Kind::NoHeartbeat], None).is_none() {
                self.emit(conn, point, r#"{"channel":"heartbeat"}"#.into());
            }
        }
        self.at(due, Timer::Heartbeat(conn));
    }

    /// Looks after the client's last message plus a minute whether the socket still has no subscription.
    pub(super) fn watch_idle(&mut self, conn: ConnKey) {
        let Some(session) = self.sessions.get_mut(&conn).filter(|s| s.subs.is_empty() && !s.watched) else { return };
        session.watched = true;
        let due = session.last_in.plus_ms(IDLE_MS);
        self.at(due, Timer::Idle(conn));
    }

    fn close_if_idle(&mut self, conn: ConnKey) {
        let Some(session) = self.sessions.get_mut(&conn).filter(|s| !s.silent) else { return };
        session.watched = false;
        if session.subs.is_empty() && session.last_in.plus_ms(IDLE_MS) <= self.now {
            self.end(conn, Ending::Clean);
        } else {
            self.watch_idle(conn);
        }
    }

    pub(super) fn send_status(&mut self, conn: ConnKey, id: u64) {
        let data =
            json!([{"version": "2.0.10", "system": self.system.as_str(), "api_version": "v2", "connection_id": id}]);
        let text = json!({"channel": "status", "type": "update", "data": data}).to_string();
        self.emit(conn, Point { channel: Some("status"), ..Point::default() }, text.into());
    }
}
