//! One connection's share of the subscriptions: which (channel, symbol), and how far each has come.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{ConnId, LinkPlan, LinkSettings};
use crate::domain::pair::Pair;
use crate::domain::time::UtcMs;
use crate::kraken::wire::Stamp;
use crate::kraken::wire::ws::{Subscribe, SubscribeParams};

/// What is subscribed, with the parameters that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    Instrument,
    Ticker,
    Trade,
    /// Minutes.
    Ohlc(u32),
    /// Depth.
    Book(u32),
}

impl Channel {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instrument => "instrument",
            Self::Ticker => "ticker",
            Self::Trade => "trade",
            Self::Ohlc(_) => "ohlc",
            Self::Book(_) => "book",
        }
    }

    /// The request for `symbols`; one acknowledgement follows for each. `quotes`: tickers at each change of the best prices.
    pub fn request(self, subscribe: bool, symbols: Vec<String>, req_id: u64, quotes: bool) -> Subscribe {
        let params = SubscribeParams {
            channel: self.name(),
            symbol: symbols,
            depth: if let Self::Book(depth) = self { Some(depth) } else { None },
            interval: if let Self::Ohlc(minutes) = self { Some(minutes) } else { None },
            event_trigger: (subscribe && quotes && matches!(self, Self::Ticker)).then_some("bbo"),
            snapshot: subscribe.then_some(true),
        };
        Subscribe { method: if subscribe { "subscribe" } else { "unsubscribe" }, params, req_id }
    }
}

/// How far a subscription has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SubState {
    /// To be sent at `not_before` or later; `leave` sends an unsubscribe first.
    Idle {
        not_before: i64,
        leave: bool,
    },
    Sent {
        at: i64,
    },
    /// Acknowledged, or data came.
    On {
        at: i64,
        pictured: bool,
    },
    /// The pair is not there, or the exchange refused for good.
    Off,
}

/// One (channel, symbol).
#[derive(Debug)]
pub(super) struct Sub {
    pub channel: Channel,
    /// Position of the pair; none for `instrument`.
    pub pair: Option<usize>,
    pub state: SubState,
    pub tries: u32,
    /// The exchange's last refusal.
    pub refusal: Option<String>,
}

impl Sub {
    const fn new(channel: Channel, pair: Option<usize>) -> Self {
        Self { channel, pair, state: SubState::Idle { not_before: 0, leave: false }, tries: 0, refusal: None }
    }
}

/// How far the socket has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Socket {
    /// To be opened at `at` or later.
    Closed {
        at: i64,
    },
    Connecting {
        since: i64,
    },
    /// Open, and nothing came yet.
    Opened {
        since: i64,
    },
    Up {
        since: i64,
    },
}

/// One connection's share.
#[derive(Debug)]
pub(super) struct Shard {
    pub name: String,
    pub subs: Vec<Sub>,
    pub socket: Socket,
    pub conn: Option<ConnId>,
    /// Failures in a row.
    pub failures: u32,
    /// Why the socket is not up, in words.
    pub trouble: String,
    pub last_frame: i64,
    /// Pings without an answer, oldest first: number, [`super::pulse::Pulse::safe_now`] and the link's time when sent.
    pub pings: VecDeque<(u64, UtcMs, i64)>,
    /// Everything that the exchange sent before this instant has been handled: a ping of then was answered, and a socket keeps order.
    pub drained: UtcMs,
    /// Requests whose answers may still come: number, channel, subscribe or not.
    pub requests: VecDeque<(u64, Channel, bool)>,
    pub frames: u64,
    pub bytes: u64,
    pub was_up: bool,
    pub reconnects: u64,
    pub bad_frames: u64,
    /// When everything was last subscribed anew because of a bad frame.
    pub resynced_at: Option<i64>,
}

const REQUESTS_MAX: usize = 256;
const PINGS_MAX: usize = 64;

impl Shard {
    fn new(name: String) -> Self {
        Self {
            name,
            subs: Vec::new(),
            socket: Socket::Closed { at: 0 },
            conn: None,
            failures: 0,
            trouble: "not connected yet".to_owned(),
            last_frame: 0,
            pings: VecDeque::new(),
            drained: UtcMs(i64::MIN),
            requests: VecDeque::new(),
            frames: 0,
            bytes: 0,
            was_up: false,
            reconnects: 0,
            bad_frames: 0,
            resynced_at: None,
        }
    }

    pub const fn is_up(&self) -> bool {
        matches!(self.socket, Socket::Up { .. })
    }

    /// A ping goes out.
    pub fn pinged(&mut self, req_id: u64, safe_now: UtcMs, t: i64) {
        self.pings.push_back((req_id, safe_now, t));
        if self.pings.len() > PINGS_MAX {
            self.pings.pop_front();
        }
    }

    /// A ping was answered; without a number it is the oldest. Gives the request's number. `time_in`: when the exchange saw it, by its own
    /// clock; ours may be ahead.
    pub fn ponged(&mut self, req_id: Option<u64>, time_in: Option<Stamp>) -> Option<u64> {
        let place = match req_id {
            Some(id) => self.pings.iter().position(|p| p.0 == id)?,
            None => 0,
        };
        let (id, sent, _) = *self.pings.get(place)?;
        self.pings.drain(..=place);
        self.drained = self.drained.max(time_in.map_or(sent, |at| at.ms().min(sent)));
        Some(id)
    }

    pub fn remember(&mut self, req_id: u64, channel: Channel, subscribe: bool) {
        self.requests.push_back((req_id, channel, subscribe));
        if self.requests.len() > REQUESTS_MAX {
            self.requests.pop_front();
        }
    }

    pub fn requested(&self, req_id: u64) -> Option<(Channel, bool)> {
        self.requests.iter().rev().find(|(id, _, _)| *id == req_id).map(|(_, channel, sub)| (*channel, *sub))
    }

    /// Everything of the connection is lost.
    pub fn lose_subscriptions(&mut self) {
        self.requests.clear();
        for sub in &mut self.subs {
            if sub.state != SubState::Off {
                sub.state = SubState::Idle { not_before: 0, leave: false };
            }
            sub.tries = 0;
        }
    }
}

/// Where a subscription lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SubRef {
    pub shard: usize,
    pub sub: usize,
}

/// Deals the plan's subscriptions out: data of a pair stay together on one connection, books have their own.
/// `places`: the position of each pair; the plan's own pairs come first.
pub(super) fn deal(plan: &LinkPlan, places: &HashMap<String, usize>, settings: &LinkSettings) -> Vec<Shard> {
    let place = |pair: &Pair| places.get(pair.as_str()).copied();
    let watched: BTreeSet<usize> = plan.pairs.iter().filter_map(place).collect();
    let mut shards = Vec::new();
    let mut data: Vec<(usize, Vec<Channel>)> = Vec::new();
    let mut ohlc: Vec<Vec<u32>> = vec![Vec::new(); places.len()];
    for (pair, interval) in &plan.candles {
        if let Some(minutes) = place(pair).and_then(|p| ohlc.get_mut(p))
            && !minutes.contains(&interval.0)
        {
            minutes.push(interval.0);
        }
    }
    for (p, minutes) in ohlc.into_iter().enumerate() {
        let mut channels = Vec::new();
        let watched = watched.contains(&p);
        if (plan.trades && watched) || (plan.candles_from_trades && !minutes.is_empty()) {
            channels.push(Channel::Trade);
        }
        if plan.ticker && watched {
            channels.push(Channel::Ticker);
        }
        channels.extend(minutes.into_iter().map(Channel::Ohlc));
        if !channels.is_empty() {
            data.push((p, channels));
        }
    }
    for (n, chunk) in data.chunks(settings.pairs_per_connection.max(1)).enumerate() {
        let mut shard = Shard::new(format!("data {}", n.saturating_add(1)));
        for (p, channels) in chunk {
            shard.subs.extend(channels.iter().map(|c| Sub::new(*c, Some(*p))));
        }
        shard.subs.sort_by_key(|s| s.channel);
        shards.push(shard);
    }
    let (mut books, mut known): (Vec<(usize, u32)>, BTreeSet<usize>) = Default::default();
    for (pair, depth) in &plan.books {
        if let Some(p) = place(pair).filter(|p| known.insert(*p)) {
            books.push((p, *depth));
        }
    }
    for (n, chunk) in books.chunks(settings.books_per_connection.max(1)).enumerate() {
        let mut shard = Shard::new(format!("books {}", n.saturating_add(1)));
        shard.subs.extend(chunk.iter().map(|(p, depth)| Sub::new(Channel::Book(*depth), Some(*p))));
        shards.push(shard);
    }
    if shards.is_empty() {
        shards.push(Shard::new("data 1".to_owned()));
    }
    if let Some(first) = shards.first_mut() {
        first.subs.insert(0, Sub::new(Channel::Instrument, None));
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_exchange_sent_is_handled_up_to_its_own_time_or_ours_whichever_is_less() {
        let mut shard = Shard::new("data 1".to_owned());
        for (id, ours, theirs, drained) in
            [(1, 10_000, Some(7_000), 7_000), (2, 12_000, Some(60_000), 12_000), (3, 13_000, None, 13_000)]
        {
            shard.pinged(id, UtcMs(ours), 0);
            assert_eq!(shard.ponged(Some(id), theirs.map(|ms| Stamp::from_ms(UtcMs(ms)))), Some(id));
            assert_eq!(shard.drained, UtcMs(drained));
        }
        assert_eq!(shard.ponged(Some(9), None), None, "nobody asked");
    }
}
