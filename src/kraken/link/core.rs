//! The link's logic: inputs in, outputs out, time handed in.

use std::collections::HashMap;

use super::notes::Notes;
use super::ohlc_series::OhlcSeries;
use super::pair_state::{BookWatch, PairState, Series};
use super::pulse::{Jump, Pulse};
use super::rest_desk::RestDesk;
use super::shard::{Channel, Shard, SubRef, deal};
use super::status::LinkCounters;
use super::trade_flow::TradeFlow;
use super::trade_series::TradeSeries;
use super::window::Window;
use super::{ConnId, Input, LinkEvent, LinkPlan, LinkSettings, Output};
use crate::domain::backoff::Backoff;
use crate::domain::pair::Pair;
use crate::domain::random::SplitMix64;
use crate::domain::time::UtcMs;
use crate::kraken::book::Books;
use crate::kraken::wire::ws::{self, System};

/// So long without any input, and whoever drives the link was held up.
const STALL_MS: i64 = 5_000;
const STALL_GRACE_MS: i64 = 3_000;

/// One connection's part in a barrier: its ping has not been answered yet.
#[derive(Debug)]
pub(super) struct BarrierPing {
    pub barrier: u64,
    pub conn: ConnId,
    pub req_id: u64,
}

/// The link to the exchange as a machine without I/O.
///
/// Whoever drives it opens sockets and asks REST as told, and hands in what comes, in order, with the time. The same inputs give the same
/// outputs.
#[derive(Debug)]
pub struct LinkCore {
    pub(super) settings: LinkSettings,
    pub(super) plan: LinkPlan,
    pub(super) pulse: Pulse,
    pub(super) pairs: Vec<PairState>,
    pub(super) places: HashMap<String, usize>,
    pub(super) shards: Vec<Shard>,
    /// Open sockets and whose they are.
    pub(super) conns: Vec<(ConnId, usize)>,
    pub(super) next_conn: u32,
    pub(super) next_request: u64,
    pub(super) attempts: Window,
    pub(super) requests: Window,
    /// No subscribe request before this.
    pub(super) requests_from: i64,
    pub(super) banned_until: i64,
    /// Failed connects in a row over all connections, and when the next may be tried.
    pub(super) failing: u32,
    pub(super) connect_from: i64,
    pub(super) backoff: Backoff,
    pub(super) random: SplitMix64,
    pub(super) desk: RestDesk,
    pub(super) books: Books,
    /// Pair of each place among the books.
    pub(super) book_pairs: Vec<usize>,
    pub(super) system: Option<System>,
    pub(super) begun: Option<i64>,
    pub(super) listing_at: i64,
    /// When the state of the exchange is asked again.
    pub(super) system_at: i64,
    pub(super) listed_at: Option<i64>,
    pub(super) notes: Notes,
    pub(super) counters: LinkCounters,
    pub(super) dirty: Vec<usize>,
    /// Trades on their way from a flow to the events; kept for its room.
    pub(super) passed: Vec<ws::Trade>,
    pub(super) barriers: Vec<BarrierPing>,
    pub(super) next_barrier: u64,
    /// When [`Self::run`] has something to do.
    pub(super) wake: i64,
}

impl LinkCore {
    #[must_use]
    pub fn new(plan: LinkPlan, settings: LinkSettings) -> Self {
        let mut pairs: Vec<PairState> = Vec::new();
        let mut places = HashMap::new();
        let extra = plan.books.iter().map(|(p, _)| p).chain(plan.candles.iter().map(|(p, _)| p));
        for pair in plan.pairs.iter().chain(extra) {
            if !places.contains_key(pair.as_str()) {
                places.insert(pair.as_str().to_owned(), pairs.len());
                pairs.push(PairState::new(pair.clone()));
            }
        }
        let shards = deal(&plan, &places, &settings);
        for (shard, share) in shards.iter().enumerate() {
            for (sub, what) in share.subs.iter().enumerate() {
                let Some(state) = what.pair.and_then(|p| pairs.get_mut(p)) else { continue };
                state.subs.push(SubRef { shard, sub });
                match what.channel {
                    Channel::Trade => state.trade_sub = Some(SubRef { shard, sub }),
                    Channel::Book(_) => state.book = Some(BookWatch::default()),
                    _ => {}
                }
                if !matches!(what.channel, Channel::Book(_)) {
                    state.data_shard = Some(shard);
                }
            }
        }
        let tell: &[Pair] = if plan.trades { &plan.pairs } else { &[] };
        for pair in tell {
            if let Some(state) = places.get(pair.as_str()).and_then(|p| pairs.get_mut(*p)) {
                state.tell_trades = true;
            }
        }
        Self {
            pulse: Pulse::default(),
            pairs,
            places,
            shards,
            conns: Vec::new(),
            next_conn: 0,
            next_request: 0,
            attempts: Window::new(settings.connects_per_10_min, 600_000),
            requests: Window::new(settings.requests_per_second, 1_000),
            requests_from: 0,
            banned_until: 0,
            failing: 0,
            connect_from: 0,
            backoff: Backoff::new(10_000, 30_000, plan.seed),
            random: SplitMix64::new(&[plan.seed, 0x6c69_6e6b]),
            desk: RestDesk::new(),
            books: Books::new(),
            book_pairs: Vec::new(),
            system: None,
            begun: None,
            listing_at: 0,
            system_at: 0,
            listed_at: None,
            notes: Notes::default(),
            counters: LinkCounters::default(),
            dirty: Vec::new(),
            passed: Vec::new(),
            barriers: Vec::new(),
            next_barrier: 0,
            wake: 0,
            settings,
            plan,
        }
    }

    /// Takes one input at the time `now` and pushes what follows from it.
    pub fn handle(&mut self, now: UtcMs, input: Input<'_>, out: &mut Vec<Output>) {
        let before = self.pulse.t();
        let jump = self.pulse.advance(now);
        let t = self.pulse.t();
        self.on_jump(t, jump);
        if t.saturating_sub(before) >= STALL_MS {
            self.after_stall(t);
        }
        if self.begun.is_none() {
            self.begin(t);
        }
        match input {
            Input::Frame(conn, bytes) => self.on_frame(conn, bytes, out),
            Input::Opened(conn) => self.on_opened(conn),
            Input::Closed(conn, why) => self.on_closed(conn, &why),
            Input::Answer(id, answer) => self.on_answer(id, answer, out),
            Input::Tick => {}
        }
        if t >= self.wake {
            self.run(t, out);
        }
        self.tell(out);
    }

    /// When a [`Input::Tick`] is needed at the latest.
    #[must_use]
    pub fn next_wake(&self) -> UtcMs {
        self.pulse.wall_at(self.wake)
    }

    /// Nothing was handed in for long: frames may be waiting in line, so no connection is called silent before they had their turn.
    fn after_stall(&mut self, t: i64) {
        let latest = t.saturating_sub(self.settings.silence_ms).saturating_add(STALL_GRACE_MS);
        for shard in self.shards.iter_mut().filter(|s| s.is_up()) {
            shard.last_frame = shard.last_frame.max(latest);
        }
        self.wake = t;
    }

    fn on_jump(&mut self, t: i64, jump: Jump) {
        match jump {
            Jump::None => return,
            // A clock that is moved by hand leaps from step to step.
            Jump::Ahead(ms) if ms <= self.settings.clock_jump_ms => {
                self.wake = t;
                return;
            }
            Jump::Back(ms) => self.notes.say(t, "clock back", || format!("the clock went back by {ms} ms")),
            Jump::Ahead(ms) => self.notes.say(t, "clock ahead", || {
                format!("the clock went ahead by {} s: everything is checked anew", ms / 1_000)
            }),
        }
        self.counters.clock_jumps = self.counters.clock_jumps.saturating_add(1);
        self.wake = t;
    }

    /// First input: every pair is in doubt, REST is asked, candles begin with the cell of this instant.
    fn begin(&mut self, t: i64) {
        self.begun = Some(t);
        self.wake = t;
        let now = self.pulse.wall();
        let from_trades = self.plan.candles_from_trades;
        for (pair, interval) in &self.plan.candles {
            let Some(state) = self.places.get(pair.as_str()).and_then(|p| self.pairs.get_mut(*p)) else { continue };
            if interval.0 == 0 || state.series.iter().any(|s| s.interval() == *interval) {
                continue;
            }
            state.series.push(if from_trades {
                Series::Trades(TradeSeries::new(*interval, now))
            } else {
                Series::Ohlc(OhlcSeries::new(*interval, now))
            });
        }
        for (place, state) in self.pairs.iter_mut().enumerate() {
            if state.trade_sub.is_some() {
                state.flow = Some(TradeFlow::new(state.floor()));
            }
            state.dirty = true;
            self.dirty.push(place);
        }
        self.ask_listings(t);
        self.ask_system(t);
    }

    /// Everything that time brings, and everything that was queued.
    pub(super) fn run(&mut self, t: i64, out: &mut Vec<Output>) {
        self.wake = i64::MAX;
        self.run_sockets(t, out);
        self.run_subscriptions(t, out);
        self.run_listings(t);
        self.run_trades(t);
        self.run_candles(t, out);
        self.desk.pump(t, &self.settings, out);
        self.wake_at(self.desk.due(&self.settings));
    }

    /// Makes sure that [`Self::run`] is called at `t`.
    pub(super) fn wake_at(&mut self, t: i64) {
        self.wake = self.wake.min(t);
    }

    /// The pair's proof may have changed.
    pub(super) fn touch(&mut self, place: usize) {
        if let Some(state) = self.pairs.get_mut(place).filter(|s| !s.dirty) {
            state.dirty = true;
            self.dirty.push(place);
        }
    }

    /// Tells changed proofs, then the notes.
    fn tell(&mut self, out: &mut Vec<Output>) {
        while let Some(place) = self.dirty.pop() {
            let doubt = self.doubt(place);
            let Some(state) = self.pairs.get_mut(place) else { continue };
            state.dirty = false;
            if let Some(book) = state.book.as_mut().filter(|b| b.told && !b.good) {
                book.told = false;
                let pair = state.pair.clone();
                out.push(Output::Event(LinkEvent::Depth { pair, depth: None, fresh: false, at: None }));
            }
            if state.told.as_ref() != Some(&doubt) {
                state.told = Some(doubt.clone());
                out.push(Output::Event(LinkEvent::Proof { pair: state.pair.clone(), doubt }));
            }
        }
        if !self.notes.is_empty() {
            out.extend(self.notes.take().map(|text| Output::Event(LinkEvent::Note(text))));
        }
    }

    /// Sends a ping on every open connection and gives the barrier's number: once [`Self::barrier_passed`], every frame that the exchange
    /// had sent before it saw the pings has been handled, for frames of one socket keep their order.
    pub fn start_barrier(&mut self, out: &mut Vec<Output>) -> u64 {
        self.next_barrier = self.next_barrier.saturating_add(1);
        let barrier = self.next_barrier;
        let up: Vec<ConnId> =
            self.conns.iter().filter(|(_, s)| self.shards.get(*s).is_some_and(Shard::is_up)).map(|(c, _)| *c).collect();
        for conn in up {
            let req_id = self.ping(conn, out);
            self.barriers.push(BarrierPing { barrier, conn, req_id });
        }
        barrier
    }

    /// Whether every connection that was open at the barrier's start has answered or is gone.
    #[must_use]
    pub fn barrier_passed(&self, barrier: u64) -> bool {
        self.barriers.iter().all(|b| b.barrier != barrier)
    }

    /// Questions to REST that wait or are on their way.
    #[must_use]
    pub fn rest_backlog(&self) -> usize {
        self.desk.backlog()
    }
}

#[cfg(test)]
mod tests;
