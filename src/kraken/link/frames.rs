//! What a frame does: books by the short way, everything else decoded and handed to where it belongs.

use std::collections::BTreeMap;

use super::core::LinkCore;
use super::pair_state::Series;
use super::shard::{Channel, Socket, SubRef};
use super::{ConnId, LinkEvent, Output};
use crate::kraken::book::{BookFault, BookOutcome};
use crate::kraken::wire::Stamp;
use crate::kraken::wire::ws::{self, Inbound, Kind};

/// After the exchange complained of too many messages, nothing is sent for this long.
const RATE_PAUSE_MS: i64 = 5_000;
/// Bad frames closer together than this replace the connection instead of its subscriptions.
const RESYNC_EVERY_MS: i64 = 30_000;
/// A book that was right for this long starts a new count of faults.
const CALM_MS: i64 = 60_000;

impl LinkCore {
    pub(super) fn on_frame(&mut self, conn: ConnId, bytes: &[u8], out: &mut Vec<Output>) {
        let t = self.pulse.t();
        let Some(place) = self.shard_of(conn) else {
            self.counters.stray = self.counters.stray.saturating_add(1);
            return;
        };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.counters.frames = self.counters.frames.saturating_add(1);
        self.counters.bytes = self.counters.bytes.saturating_add(length);
        let Some(shard) = self.shards.get_mut(place) else { return };
        shard.frames = shard.frames.saturating_add(1);
        shard.bytes = shard.bytes.saturating_add(length);
        shard.last_frame = t;
        if !shard.is_up() && matches!(shard.socket, Socket::Connecting { .. } | Socket::Opened { .. }) {
            self.connection_up(place);
        }
        if let Some(outcome) = self.books.on_frame(bytes) {
            self.on_book(&outcome, bytes.starts_with(br#"{"channel":"book","type":"snapshot""#), out);
            return;
        }
        let decoded = if bytes.len() > self.settings.largest_frame {
            Err(format!("a frame of {} bytes", bytes.len()))
        } else {
            ws::decode(bytes).map_err(|e| e.to_string())
        };
        match decoded {
            Ok(frame) => self.on_inbound(place, frame, out),
            Err(why) => self.bad_frame(place, &why, out),
        }
    }

    fn on_inbound(&mut self, place: usize, frame: Inbound, out: &mut Vec<Output>) {
        let t = self.pulse.t();
        match frame {
            Inbound::Heartbeat => {}
            Inbound::Status(status) => self.on_system(status.system, out),
            Inbound::Pong { req_id, time_in } => self.on_pong(place, req_id, time_in),
            Inbound::Ack(ack) => self.on_ack(place, &ack),
            Inbound::Ticker { kind, rows } => self.on_tickers(&kind, rows, out),
            Inbound::Trade { kind, rows } => self.on_trades(place, &kind, rows, out),
            Inbound::Ohlc { kind, rows } => self.on_candle_rows(&kind, rows, out),
            Inbound::Instrument { kind, data } => self.on_instruments(place, &kind, &data, out),
            Inbound::Book { kind, rows } => {
                for row in &rows {
                    match self.books.on_rows(&kind, row) {
                        Some(outcome) => self.on_book(&outcome, kind == Kind::Snapshot, out),
                        None => self.counters.stray = self.counters.stray.saturating_add(1),
                    }
                }
            }
            Inbound::Error(text) => {
                self.counters.errors = self.counters.errors.saturating_add(1);
                if text.to_ascii_lowercase().contains("rate") {
                    self.requests_from = t.saturating_add(RATE_PAUSE_MS);
                    self.wake_at(self.requests_from);
                }
                self.notes.say(t, "error", || format!("the exchange says: {}", short(&text)));
            }
            Inbound::Reply(reply) => {
                self.counters.errors = self.counters.errors.saturating_add(1);
                let why = reply.outcome.err().unwrap_or_default();
                self.notes.say(t, "reply", || format!("unexpected answer to '{}': {}", reply.method, short(&why)));
            }
            Inbound::Unknown(name) => {
                self.counters.unknown_frames = self.counters.unknown_frames.saturating_add(1);
                self.notes.say(t, "unknown", || format!("a frame of the unknown channel or method '{}'", short(&name)));
            }
            Inbound::Level3 { .. } | Inbound::Executions { .. } | Inbound::Balances { .. } => {
                self.counters.stray = self.counters.stray.saturating_add(1);
            }
        }
    }

    /// A frame that means nothing: whatever it carried is missing, so everything of its connection is subscribed anew.
    fn bad_frame(&mut self, place: usize, why: &str, out: &mut Vec<Output>) {
        let t = self.pulse.t();
        self.counters.bad_frames = self.counters.bad_frames.saturating_add(1);
        let Some(shard) = self.shards.get_mut(place) else { return };
        shard.bad_frames = shard.bad_frames.saturating_add(1);
        let recent = shard.resynced_at.is_some_and(|at| t.saturating_sub(at) < RESYNC_EVERY_MS);
        shard.resynced_at = Some(t);
        let name = shard.name.clone();
        self.notes.say(t, "bad frame", || format!("connection '{name}': {}", short(why)));
        if recent {
            self.drop_connection(place, "several frames that cannot be read", out);
            return;
        }
        let subs = self.shards.get(place).map_or(0, |s| s.subs.len());
        for sub in 0..subs {
            self.resubscribe(SubRef { shard: place, sub }, 0);
        }
    }

    fn on_pong(&mut self, place: usize, req_id: Option<u64>, time_in: Option<Stamp>) {
        let Some(shard) = self.shards.get_mut(place) else { return };
        let (Some(conn), Some(id)) = (shard.conn, shard.ponged(req_id, time_in)) else { return };
        self.barriers.retain(|b| b.conn != conn || b.req_id > id);
        // candles that waited for it can be closed now
        self.wake_at(self.pulse.t());
    }

    fn on_tickers(&mut self, kind: &Kind, rows: Vec<ws::Ticker>, out: &mut Vec<Output>) {
        for ticker in rows {
            let Some(place) = self.places.get(ticker.symbol.as_str()).copied() else {
                self.counters.stray = self.counters.stray.saturating_add(1);
                continue;
            };
            if let (Kind::Update, Some(stamp)) = (kind, ticker.timestamp) {
                self.pulse.observe(stamp);
            }
            if let Some(at) = self.sub_of(place, |c| c == Channel::Ticker) {
                self.sub_on(at, true);
            }
            if let Some(state) = self.pairs.get(place) {
                out.push(Output::Event(LinkEvent::Ticker { pair: state.pair.clone(), ticker }));
            }
        }
    }

    fn on_trades(&mut self, shard: usize, kind: &Kind, rows: Vec<ws::Trade>, out: &mut Vec<Output>) {
        let t = self.pulse.t();
        let zero = rust_decimal::Decimal::ZERO;
        let behind = self.pulse.behind_ms();
        let worthless = rows.iter().find(|r| r.price.0 <= zero || r.qty.0 <= zero);
        // every stamp is looked at: those of one first picture may show that the clock is wrong
        let mut early = None;
        for row in &rows {
            early = if self.pulse.plausible(row.timestamp) {
                early.filter(|_| self.pulse.behind_ms() == behind)
            } else {
                early.or(Some(row))
            };
        }
        let wrong = worthless.or(early);
        if let Some(ms) = self.pulse.behind_ms().filter(|_| behind.is_none()) {
            self.notes.say(t, "clock", || {
                format!("this machine's clock is behind the exchange's by {} minutes", ms / 60_000)
            });
        }
        if let Some(bad) = wrong {
            let why =
                format!("trade {} of {} at {}: {} x {}", bad.trade_id, bad.symbol, bad.timestamp, bad.price, bad.qty);
            self.bad_frame(shard, &why, out);
            return;
        }
        if *kind == Kind::Snapshot {
            self.on_trade_pictures(t, rows, out);
            return;
        }
        for trade in rows {
            self.pulse.observe(trade.timestamp);
            let Some(place) = self.trade_place(&trade.symbol) else { continue };
            if let Some(at) = self.pairs.get(place).and_then(|p| p.trade_sub) {
                self.sub_on(at, false);
            }
            let Some(flow) = self.pairs.get_mut(place).and_then(|p| p.flow.as_mut()) else { continue };
            let live = flow.is_live();
            flow.live(t, trade, &self.settings, &mut self.passed);
            if !(live && flow.is_live()) {
                self.touch(place);
            }
            self.pass_trades(t, place, out);
        }
    }

    fn trade_place(&mut self, symbol: &str) -> Option<usize> {
        let place = self.places.get(symbol).copied().filter(|p| self.pairs.get(*p).is_some_and(|s| s.flow.is_some()));
        if place.is_none() {
            self.counters.stray = self.counters.stray.saturating_add(1);
        }
        place
    }

    /// First pictures, one list per pair.
    fn on_trade_pictures(&mut self, t: i64, rows: Vec<ws::Trade>, out: &mut Vec<Output>) {
        let mut lists: BTreeMap<usize, Vec<ws::Trade>> = BTreeMap::new();
        for row in rows {
            if let Some(place) = self.trade_place(&row.symbol) {
                lists.entry(place).or_default().push(row);
            }
        }
        for (place, rows) in lists {
            if let Some(at) = self.pairs.get(place).and_then(|p| p.trade_sub) {
                self.sub_on(at, true);
            }
            if let Some(flow) = self.pairs.get_mut(place).and_then(|p| p.flow.as_mut()) {
                flow.first_picture(t, rows, &self.settings, &mut self.passed);
            }
            self.touch(place);
            self.pass_trades(t, place, out);
        }
    }

    fn on_candle_rows(&mut self, kind: &Kind, rows: Vec<ws::Ohlc>, out: &mut Vec<Output>) {
        let t = self.pulse.t();
        let mut lists: BTreeMap<(usize, u32), Vec<ws::Ohlc>> = BTreeMap::new();
        for row in rows {
            match self.places.get(row.symbol.as_str()) {
                Some(place) => lists.entry((*place, row.interval)).or_default().push(row),
                None => self.counters.stray = self.counters.stray.saturating_add(1),
            }
        }
        for ((place, minutes), rows) in lists {
            if let Some(at) = self.sub_of(place, |c| c == Channel::Ohlc(minutes)) {
                self.sub_on(at, *kind == Kind::Snapshot);
            }
            let Some(state) = self.pairs.get_mut(place) else { continue };
            let Some(n) = state.series.iter().position(|s| s.interval().0 == minutes) else { continue };
            match state.series.get_mut(n) {
                Some(Series::Trades(series)) => rows.iter().for_each(|row| series.row(row, false)),
                Some(Series::Ohlc(series)) if *kind == Kind::Snapshot => series.first_picture(t, &rows, &self.settings),
                Some(Series::Ohlc(series)) => rows.iter().for_each(|row| series.update(t, row, &self.settings)),
                None => {}
            }
            self.poll_series(t, place, n, out);
        }
    }

    /// A book frame was applied, or showed that the book is wrong.
    fn on_book(&mut self, outcome: &BookOutcome, snapshot: bool, out: &mut Vec<Output>) {
        let t = self.pulse.t();
        let Some(place) = self.book_pairs.get(outcome.index).copied() else { return };
        let Some(state) = self.pairs.get_mut(place) else { return };
        let Some(watch) = &mut state.book else { return };
        match outcome.result {
            Ok(changed) => {
                watch.fresh_at = Some(t);
                watch.stamp = outcome.at.or(watch.stamp);
                let first = !watch.good;
                if self.settings.tell_depth
                    && let Some(book) = self.books.get(outcome.index)
                {
                    watch.told = true;
                    let (pair, depth) = (state.pair.clone(), Some(Box::new(book.floats())));
                    let fresh = first || snapshot;
                    out.push(Output::Event(LinkEvent::Depth { pair, depth, fresh, at: outcome.at }));
                }
                if !changed && !first {
                    return;
                }
                let Some(book) = self.books.get(outcome.index) else { return };
                let (bid, ask) = (book.best_bid(), book.best_ask());
                if first {
                    (watch.good, watch.fault) = (true, None);
                }
                if (bid, ask) != (watch.bid, watch.ask) {
                    (watch.bid, watch.ask) = (bid, ask);
                    out.push(Output::Event(LinkEvent::Top { pair: state.pair.clone(), bid, ask, at: outcome.at }));
                }
                if first || snapshot {
                    if let Some(at) = self.sub_of(place, |c| matches!(c, Channel::Book(_))) {
                        self.sub_on(at, true);
                    }
                    self.touch(place);
                }
            }
            // updates of the old subscription, on their way before the new snapshot
            Err(BookFault::NoSnapshot) if !watch.good => {}
            Err(fault) => self.book_fault(t, place, fault),
        }
    }

    /// Subscribes this one book anew; sooner after a first fault than after many.
    fn book_fault(&mut self, t: i64, place: usize, fault: BookFault) {
        let Some(watch) = self.pairs.get_mut(place).and_then(|s| s.book.as_mut()) else { return };
        watch.good = false;
        watch.fault = Some(fault.to_string());
        watch.faults = watch.faults.saturating_add(1);
        let checksum = matches!(fault, BookFault::Checksum { .. });
        watch.checksum_faults = watch.checksum_faults.saturating_add(u64::from(checksum));
        watch.in_row = if t.saturating_sub(watch.fault_at) > CALM_MS { 0 } else { watch.in_row.saturating_add(1) };
        watch.fault_at = t;
        watch.resyncs = watch.resyncs.saturating_add(1);
        let wait = match watch.in_row {
            0..=2 => 0,
            n => 500_i64.saturating_mul(1_i64.checked_shl(n.min(8)).unwrap_or(1)).min(CALM_MS / 2),
        };
        self.counters.book_faults = self.counters.book_faults.saturating_add(1);
        if let Some(at) = self.sub_of(place, |c| matches!(c, Channel::Book(_))) {
            self.resubscribe(at, wait);
        }
        self.touch(place);
    }
}

/// Texts of others, short enough for a line.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(160).collect()
}
