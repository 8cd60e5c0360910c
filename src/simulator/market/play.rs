//! Playing one thing that is due in a pair: what it changes, which events and frames it makes.

use super::candles::INTERVALS;
use super::checksum::book_checksum;
use super::feed::Level;
use super::frames::{self, Kind};
use super::ladder::Rung;
use super::pair::{BookSource, PairState, reveal};
use super::tape::MarketEvent;
use super::units::{Amt, pow10};
use crate::domain::random::SplitMix64;
use crate::simulator::protocol::{Side, SimNs, TapeTrade, Topic};

/// What can be due in a pair. The order decides between things of one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DueKind {
    Trades,
    Injected,
    /// The next candle of that tape.
    Candle(usize),
    Book,
    Churn,
    Thaw,
}

impl DueKind {
    /// One number for each kind, for the digest.
    pub const fn number(self) -> u64 {
        match self {
            Self::Trades => 0,
            Self::Injected => 1,
            Self::Book => 2,
            Self::Churn => 3,
            Self::Thaw => 4,
            Self::Candle(tape) => (tape as u64).saturating_add(5),
        }
    }
}

impl PairState {
    /// Everything that waits in this pair at the start.
    pub fn first_dues(&mut self, now: i64) -> Vec<(i64, DueKind)> {
        let mut dues = Vec::new();
        dues.extend(self.next_trade().map(|at| (at, DueKind::Trades)));
        dues.extend((0..self.candles.len()).filter_map(|i| self.next_candle(i).map(|at| (at, DueKind::Candle(i)))));
        dues.extend(self.next_book().map(|at| (at, DueKind::Book)));
        dues.extend(self.next_churn(now).map(|at| (at, DueKind::Churn)));
        dues
    }

    fn next_trade(&self) -> Option<i64> {
        self.tape.as_ref().and_then(|t| t.trades.get(t.cursor)).map(|t| t.at.0)
    }

    fn next_candle(&self, tape: usize) -> Option<i64> {
        self.candles.get(tape).and_then(|c| c.bars.get(c.cursor).map(|b| reveal(b, c.minutes)))
    }

    fn next_book(&self) -> Option<i64> {
        match &self.book {
            BookSource::Recorded { frames, cursor, .. } => frames.get(*cursor).map(|f| f.at.0),
            BookSource::Synthetic(_) => None,
        }
    }

    fn next_churn(&mut self, now: i64) -> Option<i64> {
        match (&mut self.book, self.churn_ms) {
            (BookSource::Synthetic(maker), Some(mean)) => Some(now.saturating_add(maker.pause(mean))),
            _ => None,
        }
    }

    /// Plays what is due; returns when the same kind is due next.
    pub fn play(&mut self, kind: DueKind, at: i64, out: &mut Vec<MarketEvent>) -> Option<i64> {
        match kind {
            DueKind::Trades => {
                let from = self.history.rows().len();
                while let Some(trade) = self.take_trade(at) {
                    let id = trade.id;
                    self.play_trade(trade, id, out);
                }
                self.after_trades(from, at, true, out);
                self.next_trade()
            }
            DueKind::Injected => {
                let from = self.history.rows().len();
                while let Some(first) = self.injected.first_entry().filter(|e| e.key().0 <= at) {
                    let trade = first.remove();
                    let id = self.extra_id();
                    self.play_trade(trade, id, out);
                }
                self.after_trades(from, at, true, out);
                self.injected.first_key_value().map(|(key, _)| key.0)
            }
            DueKind::Candle(tape) => {
                self.play_candle(tape, at, out);
                self.next_candle(tape)
            }
            DueKind::Book => {
                if self.ingest_book() {
                    self.book_changed(at, true, out);
                }
                self.next_book()
            }
            DueKind::Churn => {
                let changed = match &mut self.book {
                    BookSource::Synthetic(maker) => maker.churn(&mut self.ladder, at),
                    BookSource::Recorded { .. } => false,
                };
                if changed {
                    self.book_changed(at, true, out);
                }
                self.next_churn(at)
            }
            DueKind::Thaw => {
                if self.faults.frozen_until.is_some_and(|until| until <= at) {
                    self.faults.frozen_until = None;
                    self.publish_books(at, out);
                }
                None
            }
        }
    }

    /// The next trade of the tape if it is due by `at`, with its id as it will be shown.
    fn take_trade(&mut self, at: i64) -> Option<TapeTrade> {
        let tape = self.tape.as_mut()?;
        let mut trade = tape.trades.get(tape.cursor).filter(|t| t.at.0 <= at)?.clone();
        tape.cursor += 1;
        trade.id = trade.id.saturating_add(tape.shift);
        Some(trade)
    }

    fn play_trade(&mut self, trade: TapeTrade, id: u64, out: &mut Vec<MarketEvent>) {
        if self.ingest(&trade, id).is_some() {
            out.push(MarketEvent::Trade(TapeTrade { id, ..trade }));
        }
    }

    /// Frames after trades of one instant (history from row `from` on); `external` trades move the synthetic book.
    pub fn after_trades(&mut self, from: usize, at: i64, external: bool, out: &mut Vec<MarketEvent>) {
        let rows = self.history.rows().get(from..).unwrap_or_default();
        let Some(last) = rows.last().map(|r| r.price) else { return };
        if self.watch.trade {
            let text = frames::trades(Kind::Update, &self.symbol, rows, self.style);
            out.push(MarketEvent::Frame { topic: Topic::Trade { symbol: self.symbol.clone() }, text });
        }
        if self.makes_candles() {
            self.candle_frames(None, at, out);
        }
        if external {
            self.centre(last, at);
            if matches!(self.book, BookSource::Synthetic(_)) {
                self.book_changed(at, true, out);
            }
        }
        self.ticker_frame(false, at, out);
    }

    fn play_candle(&mut self, tape: usize, at: i64, out: &mut Vec<MarketEvent>) {
        let Some(bar) = self.ingest_candle(tape) else { return };
        self.candle_frames(Some(tape), at, out);
        if tape == 0 {
            self.centre(bar.close, at);
            if matches!(self.book, BookSource::Synthetic(_)) {
                self.book_changed(at, true, out);
            }
            self.ticker_frame(false, at, out);
        }
    }

    /// The running candle of every interval that has holders and is fed from there.
    fn candle_frames(&self, fed_by: Option<usize>, at: i64, out: &mut Vec<MarketEvent>) {
        for (((series, from), minutes), wanted) in self.series.iter().zip(INTERVALS).zip(self.watch.ohlc) {
            let Some(bar) = series.bars.last().filter(|_| wanted && *from == fed_by) else { continue };
            let text = frames::candles(Kind::Update, &self.symbol, minutes, std::slice::from_ref(bar), at, self.style);
            let topic = Topic::Ohlc { symbol: self.symbol.clone(), interval: minutes };
            out.push(MarketEvent::Frame { topic, text });
        }
    }

    fn ticker_frame(&mut self, bbo: bool, at: i64, out: &mut Vec<MarketEvent>) {
        let wanted = if bbo { self.watch.ticker_bbo } else { self.watch.ticker };
        if !wanted {
            return;
        }
        if let Some(text) = self.ticker_text(Kind::Update, at) {
            out.push(MarketEvent::Frame { topic: Topic::Ticker { symbol: self.symbol.clone(), bbo }, text });
        }
    }

    /// Tells of a changed book. `told`: the desk hears of it, too (it knows of what it took itself).
    pub fn book_changed(&mut self, at: i64, told: bool, out: &mut Vec<MarketEvent>) {
        if told {
            out.push(MarketEvent::Book { symbol: self.symbol.clone() });
        }
        let best = self.note_best(at);
        self.publish_books(at, out);
        if best {
            self.ticker_frame(true, at, out);
        }
    }

    /// Book frames for what changed since the last ones.
    fn publish_books(&mut self, at: i64, out: &mut Vec<MarketEvent>) {
        if self.watch.books.is_empty() || self.faults.frozen_until.is_some_and(|until| at < until) {
            return;
        }
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        let (mut told, mut crossed) = (false, false);
        for feed in &mut self.watch.books {
            let mut changed = feed.advance(&self.ladder, &mut bids, &mut asks);
            if self.faults.cross
                && let Some(Rung { price, qty, .. }) = self.ladder.best(Side::Sell)
            {
                let above = price.saturating_add(self.tick);
                feed.taint(above, qty);
                bids.push((above, qty));
                (changed, crossed) = (true, true);
            }
            if !changed {
                continue;
            }
            told = true;
            let lot = pow10(self.scale.qty.saturating_sub(self.decimals.qty));
            name_twice(&mut self.noise, self.repeat_one_in, lot, if bids.is_empty() { &mut asks } else { &mut bids });
            let mut checksum = book_checksum(&feed.asks, &feed.bids, self.scale, self.decimals);
            if self.faults.corrupt {
                checksum ^= 0x5A5A_5A5A;
            }
            let text = frames::book(Kind::Update, &self.symbol, &bids, &asks, checksum, at, self.style);
            let topic = Topic::Book { symbol: self.symbol.clone(), depth: feed.depth };
            out.push(MarketEvent::Frame { topic, text });
        }
        self.faults.corrupt &= !told;
        self.faults.cross &= !crossed;
    }

    /// The instant at which the pair's book frames may flow again.
    pub fn freeze(&mut self, until: SimNs) {
        self.faults.frozen_until = Some(until.0);
    }
}

/// Once in a while puts another state of one level before its final one, as Kraken does when a level changes twice within one update.
fn name_twice(noise: &mut SplitMix64, one_in: u32, lot: Amt, levels: &mut Vec<Level>) {
    if one_in == 0 || noise.below(one_in as usize) != 0 {
        return;
    }
    let place = noise.below(levels.len());
    if let Some((price, qty)) = levels.get(place).copied() {
        let other = if qty > 0 && noise.below(2) == 0 { 0 } else { qty.saturating_mul(2).max(lot) };
        levels.insert(place, (price, other));
    }
}
