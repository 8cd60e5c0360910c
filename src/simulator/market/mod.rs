//! The market of the stand-in: trades, candles, tickers and books of all pairs, played from recorded data on the simulated clock.
//!
//! Serves the desk (who fills orders against the external book and the trades) and the gateway (who sends frames and answers REST). In: tapes, the
//! simulated clock, liquidity taken, trades injected, faults; out: [`MarketEvent`]s, snapshots, REST results. Always true: nothing later than the
//! clock is ever shown; books are sorted and not crossed; candles are the aggregation of the trades; what is synthetic says so
//! ([`Market::provenance`]); equal data, seed and calls give equal bytes.

mod build;
mod candles;
mod checksum;
mod control;
mod digest;
mod feed;
mod frames;
mod history;
mod ladder;
mod maker;
mod pair;
mod play;
mod rest;
mod stats;
pub mod synthetic;
mod tape;
#[cfg(test)]
mod tests;
mod text;
mod units;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::sync::Arc;

use build::Tapes;
use candles::INTERVALS;
use feed::BookFeed;
use frames::Kind;
use pair::PairState;
use play::DueKind;

use super::listing::{Listing, PairStatus};
use super::protocol::{SimNs, Symbol, Topic};
pub use tape::{
    BookFrame, BookLevel, BookTape, CandleRow, CandleTape, MarketData, MarketError, MarketEvent, MarketOptions, Tape,
};

/// Depths that a book can be had in.
pub const DEPTHS: [u32; 5] = [10, 25, 100, 500, 1_000];

/// Trades, and candles, that a snapshot holds.
const TRADES_SHOWN: usize = 50;
const CANDLES_SHOWN: usize = 10;

/// Something that will happen: when, in which pair, what.
type Due = Reverse<(i64, usize, DueKind)>;

/// The market. Advance it with [`Market::step_to`] before asking it anything about a later instant.
#[derive(Debug)]
pub struct Market {
    listing: Arc<Listing>,
    now: SimNs,
    /// Pairs with data, in the order of the listing.
    pairs: Vec<PairState>,
    by_symbol: HashMap<Symbol, usize>,
    dues: BinaryHeap<Due>,
    /// States of all listed pairs, in the order of the listing.
    statuses: Vec<PairStatus>,
    system: String,
    instrument_watched: bool,
    /// Made between two steps; told with the next.
    pending: Vec<MarketEvent>,
    /// Pairs whose book the desk changed.
    taken_from: BTreeSet<usize>,
    /// Numbers the trades that were injected.
    injected: u64,
}

impl Market {
    /// # Errors
    /// When data name unknown pairs, are not sorted, or hold numbers that make no sense.
    pub fn new(data: MarketData, options: MarketOptions) -> Result<Self, MarketError> {
        let mut tapes: BTreeMap<usize, Tapes> = BTreeMap::new();
        let place =
            |symbol: &Symbol| data.listing.index_of(symbol).ok_or_else(|| MarketError::UnknownPair(symbol.to_string()));
        for tape in data.trades {
            let own = tapes.entry(place(&tape.symbol)?).or_default();
            let symbol = tape.symbol.to_string();
            if own.trades.replace(tape).is_some() {
                return Err(MarketError::TwoTapes(symbol));
            }
        }
        for tape in data.candles {
            tapes.entry(place(&tape.symbol)?).or_default().candles.push(tape);
        }
        for tape in data.books {
            let own = tapes.entry(place(&tape.symbol)?).or_default();
            let symbol = tape.symbol.to_string();
            if own.book.replace(tape).is_some() {
                return Err(MarketError::TwoTapes(symbol));
            }
        }
        let mut pairs = Vec::with_capacity(tapes.len());
        for (place, tapes) in tapes {
            let Some(info) = data.listing.pairs().get(place) else { continue };
            pairs.push(build::pair(info, place, tapes, data.start, &options)?);
        }
        let mut dues = BinaryHeap::new();
        for (index, pair) in pairs.iter_mut().enumerate() {
            dues.extend(pair.first_dues(data.start.0).into_iter().map(|(at, kind)| Reverse((at, index, kind))));
        }
        Ok(Self {
            now: data.start,
            by_symbol: pairs.iter().enumerate().map(|(i, p)| (Arc::clone(&p.symbol), i)).collect(),
            statuses: data.listing.pairs().iter().map(|p| p.status).collect(),
            listing: data.listing,
            pairs,
            dues,
            system: "online".to_owned(),
            instrument_watched: false,
            pending: Vec::new(),
            taken_from: BTreeSet::new(),
            injected: 0,
        })
    }

    #[must_use]
    pub const fn listing(&self) -> &Arc<Listing> {
        &self.listing
    }

    /// The instant up to which everything was played.
    #[must_use]
    pub const fn now(&self) -> SimNs {
        self.now
    }

    /// When something happens next; [`Market::now`] when something waits to be told.
    #[must_use]
    pub fn next_at(&self) -> Option<SimNs> {
        if self.pending.is_empty() && self.taken_from.is_empty() {
            self.dues.peek().map(|Reverse((at, _, _))| SimNs(*at).max(self.now))
        } else {
            Some(self.now)
        }
    }

    /// Plays everything up to and including `to`, in order; an earlier `to` only tells what waits.
    pub fn step_to(&mut self, to: SimNs, out: &mut Vec<MarketEvent>) {
        self.tell_waiting(out);
        while let Some(Reverse((at, index, kind))) = self.dues.peek().copied().filter(|Reverse((at, ..))| *at <= to.0) {
            self.dues.pop();
            self.now = self.now.max(SimNs(at));
            let Some(pair) = self.pairs.get_mut(index) else { continue };
            if let Some(next) = pair.play(kind, self.now.0, out) {
                self.dues.push(Reverse((next, index, kind)));
            }
        }
        self.now = self.now.max(to);
    }

    fn tell_waiting(&mut self, out: &mut Vec<MarketEvent>) {
        out.append(&mut self.pending);
        for index in std::mem::take(&mut self.taken_from) {
            if let Some(pair) = self.pairs.get_mut(index) {
                pair.book_changed(self.now.0, false, out);
            }
        }
    }

    fn pair(&self, symbol: &str) -> Option<&PairState> {
        self.pairs.get(*self.by_symbol.get(symbol)?)
    }

    fn pair_mut(&mut self, symbol: &str) -> Option<&mut PairState> {
        self.pairs.get_mut(*self.by_symbol.get(symbol)?)
    }

    /// From now on frames are produced for the topic. `false` when there is no such topic (pair without data, wrong depth or interval).
    pub fn activate(&mut self, topic: &Topic) -> bool {
        self.watch(topic, true)
    }

    /// No more frames for the topic.
    pub fn deactivate(&mut self, topic: &Topic) {
        self.watch(topic, false);
    }

    fn watch(&mut self, topic: &Topic, on: bool) -> bool {
        let symbol = match topic {
            Topic::Instrument => {
                self.instrument_watched = on;
                return true;
            }
            Topic::Ticker { symbol, .. }
            | Topic::Book { symbol, .. }
            | Topic::Trade { symbol }
            | Topic::Ohlc { symbol, .. } => symbol,
        };
        let Some(pair) = self.pair_mut(symbol) else { return false };
        match topic {
            Topic::Ticker { bbo: false, .. } => pair.watch.ticker = on,
            Topic::Ticker { bbo: true, .. } => pair.watch.ticker_bbo = on,
            Topic::Trade { .. } => pair.watch.trade = on,
            Topic::Ohlc { interval, .. } => {
                let slot = INTERVALS.iter().position(|i| i == interval).and_then(|i| pair.watch.ohlc.get_mut(i));
                let Some(slot) = slot else { return false };
                *slot = on;
            }
            Topic::Book { depth, .. } => {
                if !DEPTHS.contains(depth) {
                    return false;
                }
                let held = pair.watch.books.iter().any(|f| f.depth == *depth);
                match (on, held) {
                    (true, false) => pair.watch.books.push(BookFeed::new(&pair.ladder, *depth)),
                    (false, true) => pair.watch.books.retain(|f| f.depth != *depth),
                    _ => {}
                }
            }
            Topic::Instrument => {}
        }
        true
    }

    /// The snapshot frame of a topic. [`Market::activate`] it first, so that the updates that follow fit the snapshot. `None` where there is nothing to show:
    /// no such topic, or a ticker before the first price.
    pub fn snapshot(&mut self, topic: &Topic) -> Option<String> {
        let now = self.now.0;
        match topic {
            Topic::Instrument => {
                let statuses = &self.statuses;
                Some(self.listing.instrument_snapshot(|i| statuses.get(i).copied().unwrap_or(PairStatus::Online)))
            }
            Topic::Ticker { symbol, .. } => self.pair_mut(symbol)?.ticker_text(Kind::Snapshot, now),
            Topic::Trade { symbol } => {
                let pair = self.pair(symbol)?;
                let rows = pair.history.newest(TRADES_SHOWN);
                Some(frames::trades(Kind::Snapshot, &pair.symbol, rows, pair.style))
            }
            Topic::Ohlc { symbol, interval } => {
                let pair = self.pair(symbol)?;
                let place = INTERVALS.iter().position(|i| i == interval)?;
                let bars = &pair.series.get(place)?.0.bars;
                let newest = bars.get(bars.len().saturating_sub(CANDLES_SHOWN)..).unwrap_or_default();
                Some(frames::candles(Kind::Snapshot, &pair.symbol, *interval, newest, now, pair.style))
            }
            Topic::Book { symbol, depth } => {
                let pair = self.pair(symbol).filter(|_| DEPTHS.contains(depth))?;
                Some(book_snapshot(pair, *depth, now))
            }
        }
    }
}

/// What the holders of the book have been told so far; the book itself where nobody was told, or where a fault put in a level.
fn book_snapshot(pair: &PairState, depth: u32, now: i64) -> String {
    let held = pair.watch.books.iter().find(|f| f.depth == depth && !f.tainted).cloned();
    let feed = held.unwrap_or_else(|| BookFeed::new(&pair.ladder, depth));
    let checksum = checksum::book_checksum(&feed.asks, &feed.bids, pair.scale, pair.decimals);
    frames::book(Kind::Snapshot, &pair.symbol, &feed.bids, &feed.asks, checksum, now, pair.style)
}
