//! Subscriptions: sent in batches at the exchange's pace, acknowledged one by one, repeated one by one.

use super::Output;
use super::core::LinkCore;
use super::pair_state::Series;
use super::shard::{Channel, SubRef, SubState};
use crate::kraken::wire::ws::Ack;

/// A subscription that was refused or stayed unanswered rests this long after its tries.
const REST_MS: i64 = 60_000;

/// What an error text of the exchange means for a subscription.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Already,
    /// The pair or the parameters will not be accepted later either.
    Final,
    Later,
}

fn refusal(text: &str) -> Refusal {
    let text = text.to_ascii_lowercase();
    if text.contains("already subscribed") {
        Refusal::Already
    } else if ["not supported", "unknown", "invalid", "unsupported", "malformed"].iter().any(|w| text.contains(w)) {
        Refusal::Final
    } else {
        Refusal::Later
    }
}

impl LinkCore {
    fn find_sub(&self, shard: usize, channel: Channel, pair: Option<usize>) -> Option<SubRef> {
        let subs = &self.shards.get(shard)?.subs;
        subs.iter().position(|s| s.channel == channel && s.pair == pair).map(|sub| SubRef { shard, sub })
    }

    /// Where a (channel, pair) lives, over all connections.
    pub(super) fn sub_of(&self, pair: usize, fits: impl Fn(Channel) -> bool) -> Option<SubRef> {
        let channel = |at: &&SubRef| self.shards.get(at.shard).and_then(|s| s.subs.get(at.sub)).map(|s| s.channel);
        self.pairs.get(pair)?.subs.iter().find(|at| channel(at).is_some_and(&fits)).copied()
    }

    /// The answer to one symbol of a request.
    pub(super) fn on_ack(&mut self, shard: usize, ack: &Ack) {
        let t = self.pulse.t();
        let requested = ack.req_id.and_then(|id| self.shards.get(shard)?.requested(id));
        let pair = ack.symbol.as_deref().and_then(|s| self.places.get(s).copied());
        let Some(at) = self.acked_sub(shard, ack, requested.map(|(channel, _)| channel), pair) else {
            self.counters.stray = self.counters.stray.saturating_add(1);
            return;
        };
        if !ack.subscribe {
            return;
        }
        if ack.success {
            self.sub_on(at, false);
            return;
        }
        let text = ack.error.clone().unwrap_or_else(|| "refused without a reason".to_owned());
        self.counters.refused_subscriptions = self.counters.refused_subscriptions.saturating_add(1);
        match refusal(&text) {
            Refusal::Already => self.sub_on(at, false),
            Refusal::Final => self.sub_off(t, at, text),
            Refusal::Later => self.retry_sub(t, at, text, false),
        }
    }

    /// Which subscription an acknowledgement means: by the request's number, else by what it names.
    fn acked_sub(&self, shard: usize, ack: &Ack, asked: Option<Channel>, pair: Option<usize>) -> Option<SubRef> {
        let subs = &self.shards.get(shard)?.subs;
        if let Some(channel) = asked {
            let pair = if channel == Channel::Instrument { None } else { Some(pair?) };
            return self.find_sub(shard, channel, pair);
        }
        let named = |c: Channel| match c {
            Channel::Ohlc(minutes) => ack.interval.is_none_or(|m| m == minutes),
            Channel::Book(depth) => ack.depth.is_none_or(|d| d == depth),
            _ => true,
        };
        let fits = |c: Channel| ack.channel.as_deref().is_none_or(|name| name == c.name()) && named(c);
        let waits =
            |s: &super::shard::Sub| s.pair == pair && fits(s.channel) && matches!(s.state, SubState::Sent { .. });
        subs.iter().position(waits).map(|sub| SubRef { shard, sub })
    }

    /// The subscription stands; `pictured`: its first picture came.
    pub(super) fn sub_on(&mut self, at: SubRef, pictured: bool) {
        let t = self.pulse.t();
        let Some(sub) = self.shards.get_mut(at.shard).and_then(|s| s.subs.get_mut(at.sub)) else { return };
        let (channel, pair) = (sub.channel, sub.pair);
        match &mut sub.state {
            SubState::On { pictured: had, .. } if *had || !pictured => return,
            SubState::On { pictured: had, .. } => *had = true,
            state => *state = SubState::On { at: t, pictured },
        }
        if pictured {
            sub.tries = 0;
        }
        sub.refusal = None;
        if let Some(state) = pair.and_then(|p| self.pairs.get_mut(p)) {
            match channel {
                Channel::Trade => {
                    if let Some(flow) = &mut state.flow {
                        flow.subscribed(t, &self.settings);
                    }
                }
                Channel::Ohlc(minutes) => {
                    for series in &mut state.series {
                        if let Series::Ohlc(series) = series
                            && series.interval().0 == minutes
                        {
                            series.subscribed(t, &self.settings);
                        }
                    }
                }
                _ => {}
            }
        }
        self.wake_at(t.saturating_add(self.settings.snapshot_timeout_ms));
        if let Some(pair) = pair {
            self.touch(pair);
        }
    }

    fn sub_off(&mut self, t: i64, at: SubRef, text: String) {
        let Some(sub) = self.shards.get_mut(at.shard).and_then(|s| s.subs.get_mut(at.sub)) else { return };
        sub.state = SubState::Off;
        let (channel, pair) = (sub.channel, sub.pair);
        let name = pair.and_then(|p| self.pairs.get(p)).map(|p| p.pair.to_string()).unwrap_or_default();
        self.notes.say(t, "refused", || format!("the exchange refused '{}' of {name}: {text}", channel.name()));
        if let Some(sub) = self.shards.get_mut(at.shard).and_then(|s| s.subs.get_mut(at.sub)) {
            sub.refusal = Some(text);
        }
        self.forget_sub(at.shard, at.sub);
        if let Some(pair) = pair {
            self.touch(pair);
        }
    }

    /// Sends the subscription again after a wait that grows with its tries; `leave` unsubscribes first.
    pub(super) fn retry_sub(&mut self, t: i64, at: SubRef, why: String, leave: bool) {
        let tries_max = self.settings.subscribe_tries;
        let Some(sub) = self.shards.get_mut(at.shard).and_then(|s| s.subs.get_mut(at.sub)) else { return };
        sub.tries = sub.tries.saturating_add(1);
        let wait = if sub.tries >= tries_max {
            sub.tries = 0;
            REST_MS
        } else {
            250_i64.saturating_mul(1_i64.checked_shl(sub.tries).unwrap_or(1))
        };
        sub.refusal = Some(why);
        sub.state = SubState::Idle { not_before: t.saturating_add(wait), leave };
        self.counters.resubscribes = self.counters.resubscribes.saturating_add(1);
        let pair = sub.pair;
        self.forget_sub(at.shard, at.sub);
        if let Some(pair) = pair {
            self.touch(pair);
        }
        self.wake_at(t.saturating_add(wait));
    }

    /// Subscribes again after `wait`, with an unsubscribe first: what came over the old subscription is lost.
    pub(super) fn resubscribe(&mut self, at: SubRef, wait: i64) {
        let t = self.pulse.t();
        let Some(sub) = self.shards.get_mut(at.shard).and_then(|s| s.subs.get_mut(at.sub)) else { return };
        if matches!(sub.state, SubState::Off | SubState::Idle { .. }) {
            return;
        }
        sub.state = SubState::Idle { not_before: t.saturating_add(wait), leave: true };
        self.counters.resubscribes = self.counters.resubscribes.saturating_add(1);
        self.forget_sub(at.shard, at.sub);
        self.wake_at(t.saturating_add(wait));
    }

    /// A subscription that waits is sent now.
    pub(super) fn hurry(&mut self, at: SubRef) {
        let t = self.pulse.t();
        if let Some(sub) = self.shards.get_mut(at.shard).and_then(|s| s.subs.get_mut(at.sub))
            && let SubState::Idle { not_before, .. } = &mut sub.state
        {
            *not_before = t.min(*not_before);
            self.wake_at(t);
        }
    }

    /// What the subscription brought is worthless from now on.
    pub(super) fn forget_sub(&mut self, shard: usize, sub: usize) {
        let Some(sub) = self.shards.get(shard).and_then(|s| s.subs.get(sub)) else { return };
        let (channel, Some(place)) = (sub.channel, sub.pair) else { return };
        let Some(state) = self.pairs.get_mut(place) else { return };
        match channel {
            Channel::Trade => {
                if let Some(flow) = &mut state.flow {
                    flow.down();
                    let floor = state.series.iter().filter_map(|s| match s {
                        Series::Trades(s) => Some(s.boundary()),
                        Series::Ohlc(_) => None,
                    });
                    flow.begins_at(floor.min());
                }
                self.desk.forget(super::rest_desk::Errand::Trades(place));
            }
            Channel::Ohlc(minutes) => {
                for (n, series) in state.series.iter_mut().enumerate() {
                    match series {
                        Series::Ohlc(series) if series.interval().0 == minutes => {
                            series.down();
                            self.desk.forget(super::rest_desk::Errand::Rows(place, n));
                        }
                        Series::Trades(series) if series.interval().0 == minutes => series.distrust_rows(),
                        _ => {}
                    }
                }
            }
            Channel::Book(_) => {
                self.books.reset(state.pair.as_str());
                if let Some(book) = &mut state.book {
                    book.good = false;
                }
            }
            Channel::Ticker | Channel::Instrument => {}
        }
        self.touch(place);
    }

    pub(super) fn run_subscriptions(&mut self, t: i64, out: &mut Vec<Output>) {
        self.check_answers(t);
        self.send_batches(t, out);
        let from = self.requests_from.max(self.requests.free_at(t));
        let mut next = i64::MAX;
        for shard in self.shards.iter().filter(|s| s.is_up()) {
            for sub in &shard.subs {
                next = next.min(match sub.state {
                    SubState::Idle { not_before, .. } if self.may_send(sub.channel, sub.pair, t) => {
                        not_before.max(from)
                    }
                    SubState::Sent { at } => at.saturating_add(self.settings.ack_timeout_ms),
                    SubState::On { at, pictured: false } => at.saturating_add(self.settings.snapshot_timeout_ms),
                    _ => i64::MAX,
                });
            }
        }
        self.wake_at(next);
    }

    /// Acknowledgements and first pictures that did not come.
    fn check_answers(&mut self, t: i64) {
        let (ack, picture) = (self.settings.ack_timeout_ms, self.settings.snapshot_timeout_ms);
        let mut late = Vec::new();
        for (place, shard) in self.shards.iter_mut().enumerate().filter(|(_, s)| s.is_up()) {
            for (n, sub) in shard.subs.iter_mut().enumerate() {
                let at = SubRef { shard: place, sub: n };
                match &mut sub.state {
                    SubState::Sent { at: sent } if t.saturating_sub(*sent) >= ack => {
                        late.push((at, "no answer to the subscription", false));
                    }
                    SubState::On { at: on, pictured } if !*pictured && t.saturating_sub(*on) >= picture => {
                        if matches!(sub.channel, Channel::Trade | Channel::Ohlc(_)) {
                            // REST tells instead
                            *pictured = true;
                        } else {
                            late.push((at, "no first picture after the subscription", true));
                        }
                    }
                    _ => {}
                }
            }
        }
        for (at, why, leave) in late {
            self.retry_sub(t, at, why.to_owned(), leave);
        }
    }

    /// Whether the pair is known well enough to subscribe.
    fn may_send(&self, channel: Channel, pair: Option<usize>, t: i64) -> bool {
        let Some(state) = pair.and_then(|p| self.pairs.get(p)) else { return true };
        let waited = self.begun.is_some_and(|b| t >= b.saturating_add(self.settings.listing_wait_ms));
        let listed = state.listed().unwrap_or(waited);
        listed && (state.precision.is_some() || !matches!(channel, Channel::Book(_)))
    }

    fn send_batches(&mut self, t: i64, out: &mut Vec<Output>) {
        if t < self.requests_from {
            return;
        }
        for place in 0..self.shards.len() {
            if !self.shards.get(place).is_some_and(|s| s.is_up()) {
                continue;
            }
            while let Some((channel, leave, batch)) = self.next_batch(t, place) {
                if !self.requests.take(t) {
                    return;
                }
                if leave {
                    self.send_batch(t, place, channel, false, &batch, out);
                    if !self.requests.take(t) {
                        return;
                    }
                }
                self.send_batch(t, place, channel, true, &batch, out);
            }
        }
    }

    /// Subscriptions that fit into one request.
    fn next_batch(&self, t: i64, place: usize) -> Option<(Channel, bool, Vec<usize>)> {
        let subs = &self.shards.get(place)?.subs;
        let ready = |s: &super::shard::Sub| match s.state {
            SubState::Idle { not_before, leave } if not_before <= t && self.may_send(s.channel, s.pair, t) => {
                Some(leave)
            }
            _ => None,
        };
        let (channel, leave) = subs.iter().find_map(|s| ready(s).map(|leave| (s.channel, leave)))?;
        let same = subs.iter().enumerate().filter(|(_, s)| s.channel == channel && ready(s) == Some(leave));
        let batch = same.map(|(n, _)| n).take(self.settings.symbols_per_request.max(1)).collect();
        Some((channel, leave, batch))
    }

    fn send_batch(
        &mut self,
        t: i64,
        place: usize,
        channel: Channel,
        subscribe: bool,
        batch: &[usize],
        out: &mut Vec<Output>,
    ) {
        self.next_request = self.next_request.saturating_add(1);
        let req_id = self.next_request;
        let mut symbols = Vec::with_capacity(batch.len());
        let Some(shard) = self.shards.get_mut(place) else { return };
        for n in batch {
            let Some(sub) = shard.subs.get_mut(*n) else { continue };
            sub.state =
                if subscribe { SubState::Sent { at: t } } else { SubState::Idle { not_before: t, leave: false } };
            let Some(pair) = sub.pair else { continue };
            let Some(state) = self.pairs.get_mut(pair) else { continue };
            symbols.push(state.pair.as_str().to_owned());
            if let (true, Channel::Book(depth), Some(precision)) = (subscribe, channel, state.precision) {
                let at = self.books.subscribe(state.pair.as_str(), depth, precision);
                if self.book_pairs.len() <= at {
                    self.book_pairs.resize(at.saturating_add(1), usize::MAX);
                }
                if let Some(slot) = self.book_pairs.get_mut(at) {
                    *slot = pair;
                }
                if let Some(book) = &mut state.book {
                    book.place = Some(at);
                }
            }
        }
        shard.remember(req_id, channel, subscribe);
        let Some(conn) = shard.conn else { return };
        let request = channel.request(subscribe, symbols, req_id, self.settings.ticker_quotes);
        if let Ok(text) = serde_json::to_string(&request) {
            self.counters.requests = self.counters.requests.saturating_add(1);
            out.push(Output::Send(conn, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_by_their_words() {
        for (text, meant) in [
            ("Already subscribed", Refusal::Already),
            ("Currency pair not supported XBT/USD", Refusal::Final),
            ("Subscription depth not supported", Refusal::Final),
            ("Exceeded msg rate", Refusal::Later),
            ("EService:Unavailable", Refusal::Later),
        ] {
            assert_eq!(refusal(text), meant, "{text}");
        }
    }
}
