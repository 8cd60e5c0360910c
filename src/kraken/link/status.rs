//! A picture of the link for screens and health checks.

use super::core::LinkCore;
use super::shard::{Shard, Socket, SubState};
use crate::domain::pair::Pair;
use crate::domain::time::UtcMs;
use crate::kraken::book::Book;
use crate::kraken::wire::{Number, Stamp, ws};

/// The whole link at one instant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinkStatus {
    pub at: UtcMs,
    /// As far as it was told.
    pub system: Option<ws::System>,
    /// Exchange's clock minus ours, in milliseconds; the delay of messages is in it.
    pub clock_skew_ms: Option<i64>,
    pub connections: Vec<ConnectionStatus>,
    /// In the order of the plan.
    pub pairs: Vec<PairLinkStatus>,
    pub counters: LinkCounters,
    pub budgets: Budgets,
    /// Filled in by the driver.
    pub delivery: Delivery,
}

/// What the driver handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    pub events: u64,
    /// How often, and for how long in milliseconds, the link waited because the reader of its events was behind. Sockets wait meanwhile too.
    pub stalls: u64,
    pub stalled_ms: u64,
    /// The same for the reader of raw frames.
    pub tap_stalls: u64,
    pub tap_stalled_ms: u64,
    /// Inputs that wait in line, at the last look.
    pub waiting: usize,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionStatus {
    pub name: String,
    pub state: ConnectionState,
    pub subscriptions: usize,
    /// Acknowledged ones.
    pub subscribed: usize,
    pub refused: usize,
    pub frames: u64,
    pub bytes: u64,
    pub bad_frames: u64,
    pub reconnects: u64,
    /// Milliseconds since the last frame, while it is up.
    pub silent_ms: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionState {
    /// The reason, and milliseconds until the next try.
    Down {
        why: String,
        next_ms: i64,
    },
    Connecting,
    /// Since this many milliseconds.
    Up {
        ms: i64,
    },
}

/// One pair.
#[derive(Debug, Clone, PartialEq)]
pub struct PairLinkStatus {
    pub pair: Pair,
    /// Why its data are not proven; none when they are.
    pub doubt: Option<String>,
    pub state: Option<ws::PairStatus>,
    pub last_trade_id: Option<u64>,
    pub last_trade_at: Option<Stamp>,
    /// Milliseconds since the last good book frame.
    pub book_age_ms: Option<i64>,
    pub book_stamp: Option<Stamp>,
    /// Price and quantity; none when the book is not good.
    pub bid: Option<(Number, Number)>,
    pub ask: Option<(Number, Number)>,
    pub book_faults: u64,
    pub checksum_faults: u64,
    pub resyncs: u64,
    /// Holes in the ids that were pursued over REST.
    pub refills: u64,
    /// Trades that came from REST.
    pub refilled_trades: u64,
    pub repeated_trades: u64,
    pub lost_trades: u64,
    /// Ids that the exchange left out.
    pub skipped_ids: u64,
    /// Candles told, and those of them that were not proven.
    pub candles: u64,
    pub unproven_candles: u64,
    /// Trades that came after their candle was closed.
    pub late_trades: u64,
}

/// Since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkCounters {
    pub frames: u64,
    pub bytes: u64,
    pub bad_frames: u64,
    pub unknown_frames: u64,
    /// Frames of connections, symbols or requests that are not ours.
    pub stray: u64,
    /// Errors that the exchange told.
    pub errors: u64,
    pub connects: u64,
    pub reconnects: u64,
    /// Connections that the watchdog took down.
    pub watchdog: u64,
    /// Subscribe and unsubscribe messages.
    pub requests: u64,
    pub refused_subscriptions: u64,
    pub resubscribes: u64,
    pub book_faults: u64,
    pub trades: u64,
    pub candles: u64,
    pub rest_asked: u64,
    pub rest_troubles: u64,
    pub clock_jumps: u64,
}

/// What is used of the exchange's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budgets {
    /// Within the last ten minutes, and how many this program allows itself.
    pub connects: usize,
    pub connects_most: usize,
    /// Within the last second.
    pub requests: usize,
    pub requests_most: usize,
    /// Questions to REST that wait or are on their way.
    pub rest_backlog: usize,
    /// Milliseconds until connects are allowed again after a ban.
    pub banned_ms: i64,
}

impl LinkCore {
    /// What an operator wants to see. Takes time in proportion to the number of pairs.
    #[must_use]
    pub fn status(&self, now: UtcMs) -> LinkStatus {
        let t = self.pulse.t();
        LinkStatus {
            at: now,
            system: self.system.clone(),
            clock_skew_ms: self.pulse.skew_ms(),
            connections: self.shards.iter().map(|s| connection(s, t)).collect(),
            pairs: (0..self.pairs.len()).filter_map(|place| self.pair_status(place, t)).collect(),
            counters: LinkCounters { rest_asked: self.desk.asked, rest_troubles: self.desk.troubles, ..self.counters },
            budgets: Budgets {
                connects: self.attempts.used(t),
                connects_most: self.attempts.most(),
                requests: self.requests.used(t),
                requests_most: self.requests.most(),
                rest_backlog: self.desk.backlog(),
                banned_ms: self.banned_until.saturating_sub(t).max(0),
            },
            delivery: Delivery::default(),
        }
    }

    /// The book of a pair, while it is right.
    #[must_use]
    pub fn book(&self, pair: &Pair) -> Option<&Book> {
        let watch = self.places.get(pair.as_str()).and_then(|p| self.pairs.get(*p))?.book.as_ref()?;
        self.books.get(watch.place.filter(|_| watch.good)?)
    }

    fn pair_status(&self, place: usize, t: i64) -> Option<PairLinkStatus> {
        let state = self.pairs.get(place)?;
        let (flow, book) = (state.flow.as_ref(), state.book.as_ref());
        let good = book.filter(|b| b.good);
        let last = flow.and_then(super::trade_flow::TradeFlow::last);
        let mut status = PairLinkStatus {
            pair: state.pair.clone(),
            doubt: self.doubt(place),
            state: state.status.clone(),
            last_trade_id: last.map(|m| m.id),
            last_trade_at: last.map(|m| m.at),
            book_age_ms: book.and_then(|b| b.fresh_at).map(|at| t.saturating_sub(at)),
            book_stamp: book.and_then(|b| b.stamp),
            bid: good.and_then(|b| b.bid),
            ask: good.and_then(|b| b.ask),
            book_faults: book.map_or(0, |b| b.faults),
            checksum_faults: book.map_or(0, |b| b.checksum_faults),
            resyncs: book.map_or(0, |b| b.resyncs),
            refills: flow.map_or(0, |f| f.refills),
            refilled_trades: flow.map_or(0, |f| f.refilled),
            repeated_trades: flow.map_or(0, |f| f.repeats),
            lost_trades: state.lost_trades,
            skipped_ids: flow.map_or(0, |f| f.skipped_ids),
            candles: 0,
            unproven_candles: 0,
            late_trades: 0,
        };
        for series in &state.series {
            match series {
                super::pair_state::Series::Trades(s) => {
                    status.candles = status.candles.saturating_add(s.emitted);
                    status.unproven_candles = status.unproven_candles.saturating_add(s.unproven);
                    status.late_trades = status.late_trades.saturating_add(s.late_trades);
                }
                super::pair_state::Series::Ohlc(s) => status.candles = status.candles.saturating_add(s.emitted),
            }
        }
        Some(status)
    }
}

fn connection(shard: &Shard, t: i64) -> ConnectionStatus {
    let count = |f: fn(&SubState) -> bool| shard.subs.iter().filter(|s| f(&s.state)).count();
    ConnectionStatus {
        name: shard.name.clone(),
        state: match shard.socket {
            Socket::Closed { at } => {
                ConnectionState::Down { why: shard.trouble.clone(), next_ms: at.saturating_sub(t).max(0) }
            }
            Socket::Connecting { .. } | Socket::Opened { .. } => ConnectionState::Connecting,
            Socket::Up { since } => ConnectionState::Up { ms: t.saturating_sub(since) },
        },
        subscriptions: shard.subs.len(),
        subscribed: count(|s| matches!(s, SubState::On { .. })),
        refused: count(|s| matches!(s, SubState::Off)),
        frames: shard.frames,
        bytes: shard.bytes,
        bad_frames: shard.bad_frames,
        reconnects: shard.reconnects,
        silent_ms: shard.is_up().then(|| t.saturating_sub(shard.last_frame)),
    }
}
