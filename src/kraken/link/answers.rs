//! What REST and `instrument` tell: which pairs there are, their decimals and states, the state of the exchange; and the answers to errands.

use std::collections::HashMap;

use super::core::LinkCore;
use super::frames::short;
use super::pair_state::Series;
use super::rest_desk::{Answered, Errand};
use super::shard::{Channel, SubRef, SubState};
use super::{LinkEvent, Output, PairListing, RestAnswer, RestId, RestQuery, RestTrouble};
use crate::kraken::book::Precision;
use crate::kraken::wire::ws::{Instruments, Kind, PairStatus, System};

/// After a refused question for the lists, and between two because of reconnects.
const LISTING_AGAIN_MS: i64 = 60_000;
/// While the exchange is not online its state is asked again: the frame that ends that may be lost.
const SYSTEM_AGAIN_MS: i64 = 60_000;

impl LinkCore {
    pub(super) fn ask_listings(&mut self, t: i64) {
        self.desk.ask(t, Errand::Listings, RestQuery::AssetPairs);
        self.listing_at = t.saturating_add(self.settings.listing_refresh_ms);
        self.wake_at(t);
    }

    pub(super) fn ask_system(&mut self, t: i64) {
        self.desk.ask(t, Errand::System, RestQuery::SystemStatus);
        self.system_at = t.saturating_add(match self.system {
            None | Some(System::Online) => self.settings.listing_refresh_ms,
            Some(_) => SYSTEM_AGAIN_MS,
        });
        self.wake_at(t);
    }

    pub(super) fn run_listings(&mut self, t: i64) {
        if t >= self.listing_at {
            self.ask_listings(t);
        }
        if t >= self.system_at {
            self.ask_system(t);
        }
        self.wake_at(self.listing_at.min(self.system_at));
        let waited = self.begun.unwrap_or(0).saturating_add(self.settings.listing_wait_ms);
        if t < waited {
            self.wake_at(waited);
        }
    }

    /// A connection came back: what the exchange lists may have changed meanwhile.
    pub(super) fn refresh_after_reconnect(&mut self, t: i64) {
        if self.listed_at.is_none_or(|at| t.saturating_sub(at) >= LISTING_AGAIN_MS) && !self.desk.has(Errand::Listings)
        {
            self.ask_listings(t);
        }
    }

    pub(super) fn on_answer(&mut self, id: RestId, answer: Result<RestAnswer, RestTrouble>, out: &mut Vec<Output>) {
        let t = self.pulse.t();
        self.wake_at(t);
        match self.desk.answered(t, id, answer) {
            Answered::Nothing => {}
            Answered::Trouble(text) => self.notes.say(t, "rest", || format!("REST: {}", short(&text))),
            Answered::Answer(errand, answer) => self.on_errand(t, errand, answer, out),
            Answered::Refused(errand, text) => {
                self.notes.say(t, "rest refused", || format!("REST refuses: {}", short(&text)));
                self.on_refused(t, errand, &text, out);
            }
        }
    }

    fn on_errand(&mut self, t: i64, errand: Errand, answer: RestAnswer, out: &mut Vec<Output>) {
        match (errand, answer) {
            (Errand::Listings, RestAnswer::AssetPairs(listings)) => self.on_listings(t, &listings, out),
            (Errand::System, RestAnswer::SystemStatus(system)) => self.on_system(system, out),
            (Errand::Trades(place), RestAnswer::Trades { rows, .. }) => {
                if let Some(flow) = self.pairs.get_mut(place).and_then(|p| p.flow.as_mut()) {
                    flow.page(t, rows, &self.settings, &mut self.passed);
                }
                self.touch(place);
                self.pass_trades(t, place, out);
            }
            (Errand::CandleTrades(place, n), RestAnswer::Trades { rows, .. }) => {
                if let Some(Series::Trades(series)) = self.pairs.get_mut(place).and_then(|p| p.series.get_mut(n)) {
                    series.trades_page(rows, &self.settings);
                }
                self.poll_series(t, place, n, out);
            }
            (Errand::Rows(place, n), RestAnswer::Ohlc { rows }) => {
                match self.pairs.get_mut(place).and_then(|p| p.series.get_mut(n)) {
                    Some(Series::Trades(series)) => series.rows_answer(&rows),
                    Some(Series::Ohlc(series)) => series.rows_answer(&rows),
                    None => {}
                }
                self.touch(place);
                self.poll_series(t, place, n, out);
            }
            // the desk lets only fitting answers through
            _ => {}
        }
    }

    fn on_refused(&mut self, t: i64, errand: Errand, text: &str, out: &mut Vec<Output>) {
        match errand {
            Errand::Listings => self.listing_at = t.saturating_add(LISTING_AGAIN_MS),
            Errand::System => {}
            Errand::Trades(place) => {
                if let Some(flow) = self.pairs.get_mut(place).and_then(|p| p.flow.as_mut()) {
                    flow.refused(text, &mut self.passed);
                }
                self.touch(place);
                self.pass_trades(t, place, out);
            }
            Errand::CandleTrades(place, n) | Errand::Rows(place, n) => {
                match self.pairs.get_mut(place).and_then(|p| p.series.get_mut(n)) {
                    Some(Series::Trades(series)) => series.refused(),
                    Some(Series::Ohlc(series)) => series.refused(text),
                    None => {}
                }
                self.touch(place);
                self.poll_series(t, place, n, out);
            }
        }
    }

    /// State of the exchange, from REST or from a connection.
    pub(super) fn on_system(&mut self, system: System, out: &mut Vec<Output>) {
        if self.system.as_ref() == Some(&system) {
            return;
        }
        if system != System::Online {
            self.system_at = self.system_at.min(self.pulse.t().saturating_add(SYSTEM_AGAIN_MS));
            self.wake_at(self.system_at);
        }
        self.system = Some(system.clone());
        out.push(Output::Event(LinkEvent::System(system)));
    }

    fn on_listings(&mut self, t: i64, listings: &[PairListing], out: &mut Vec<Output>) {
        // what was refused is tried again with each new list, not with the first
        let again = self.listed_at.replace(t).is_some();
        if listings.is_empty() {
            self.notes.say(t, "listings", || "AssetPairs lists no pair: the list is not used".to_owned());
            return;
        }
        let by_pair: HashMap<&str, &PairListing> = listings.iter().map(|l| (l.pair.as_str(), l)).collect();
        for place in 0..self.pairs.len() {
            let Some(state) = self.pairs.get_mut(place) else { continue };
            let listing = by_pair.get(state.pair.as_str());
            state.in_rest = Some(listing.is_some());
            let live = state.in_instrument.is_some();
            if let Some(listing) = listing.filter(|_| !live) {
                let precision = Precision { price: listing.price_decimals, qty: listing.lot_decimals };
                self.on_precision(place, precision);
                self.on_pair_status(place, &listing.status, out);
            }
            self.on_listed(place, again);
        }
    }

    /// The `instrument` channel: the live source of decimals and states.
    pub(super) fn on_instruments(&mut self, shard: usize, kind: &Kind, data: &Instruments, out: &mut Vec<Output>) {
        if let Some(sub) =
            self.shards.get(shard).and_then(|s| s.subs.iter().position(|s| s.channel == Channel::Instrument))
        {
            self.sub_on(SubRef { shard, sub }, *kind == Kind::Snapshot);
        }
        let whole = *kind == Kind::Snapshot && !data.pairs.is_empty();
        let mut named = vec![false; self.pairs.len()];
        for row in &data.pairs {
            let Some(place) = self.places.get(row.symbol.as_str()).copied() else { continue };
            if let Some(slot) = named.get_mut(place) {
                *slot = true;
            }
            if let Some(state) = self.pairs.get_mut(place) {
                state.in_instrument = Some(true);
            }
            self.on_precision(place, Precision { price: row.price_precision, qty: row.qty_precision });
            self.on_pair_status(place, &row.status, out);
        }
        for (place, named) in named.into_iter().enumerate() {
            if !named && !whole {
                continue;
            }
            if let Some(state) = self.pairs.get_mut(place).filter(|_| !named) {
                state.in_instrument = Some(false);
            }
            self.on_listed(place, false);
        }
        let t = self.pulse.t();
        self.wake_at(t);
    }

    /// Decimals of a pair: a book with other decimals has to be built anew.
    fn on_precision(&mut self, place: usize, precision: Precision) {
        let Some(state) = self.pairs.get_mut(place) else { return };
        let before = state.precision.replace(precision);
        if before.is_some_and(|b| b != precision) && state.book.is_some() {
            let t = self.pulse.t();
            let pair = state.pair.clone();
            self.notes.say(t, "precision", || format!("{pair}: prices and quantities have other decimals now"));
            if let Some(book) = self.pairs.get_mut(place).and_then(|s| s.book.as_mut()) {
                book.in_row = 0;
            }
            if let Some(at) = self.sub_of(place, |c| matches!(c, Channel::Book(_))) {
                self.resubscribe(at, 0);
                self.hurry(at);
            }
        }
    }

    fn on_pair_status(&mut self, place: usize, status: &PairStatus, out: &mut Vec<Output>) {
        let Some(state) = self.pairs.get_mut(place) else { return };
        if state.status.as_ref() != Some(status) {
            state.status = Some(status.clone());
            out.push(Output::Event(LinkEvent::PairStatus { pair: state.pair.clone(), status: status.clone() }));
        }
    }

    /// Takes the subscriptions of a pair that is not listed out, and those of one that is listed (again) in. `again`: also those that were
    /// refused while it was listed.
    fn on_listed(&mut self, place: usize, again: bool) {
        let t = self.pulse.t();
        let Some(state) = self.pairs.get(place) else { return };
        let Some(listed) = state.listed() else { return };
        for at in state.subs.clone() {
            let Some(sub) = self.shards.get_mut(at.shard).and_then(|s| s.subs.get_mut(at.sub)) else { continue };
            match (listed, sub.state) {
                (false, SubState::Off) => {}
                (false, _) => {
                    sub.state = SubState::Off;
                    sub.refusal = None;
                    self.forget_sub(at.shard, at.sub);
                }
                (true, SubState::Off) if again || sub.refusal.is_none() => {
                    sub.state = SubState::Idle { not_before: t, leave: false };
                    sub.tries = 0;
                }
                (true, _) => {}
            }
        }
        self.touch(place);
    }
}
