//! One pair on the market: what was played so far, and the book of the moment.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::candles::{Bar, Series};
use super::feed::BookFeed;
use super::frames::{Kind, TickerView};
use super::history::{History, Row};
use super::ladder::{Ladder, Rung};
use super::maker::Maker;
use super::stats::Stats;
use super::tape::BookFrame;
use super::text::Style;
use super::units::{Amt, Px, Scale};
use crate::domain::random::SplitMix64;
use crate::simulator::protocol::{Side, Symbol, TapeTrade};

/// How many changes of the best prices `Spread` remembers.
const SPREADS: usize = 200;

/// Where a book comes from.
#[derive(Debug)]
pub enum BookSource {
    Recorded { frames: Arc<[BookFrame]>, cursor: usize, depth: u32 },
    Synthetic(Maker),
}

/// A recorded candle tape in units.
#[derive(Debug)]
pub struct Recorded {
    pub minutes: u32,
    pub bars: Vec<Bar>,
    pub cursor: usize,
}

/// Recorded (or generated) trades and how far they were played.
#[derive(Debug)]
pub struct Tracked {
    pub trades: Arc<[TapeTrade]>,
    pub cursor: usize,
    /// By how much ids have moved up because of trades that were added.
    pub shift: u64,
    pub synthetic: bool,
}

/// Which topics of the pair have holders.
#[derive(Debug, Default)]
pub struct Watch {
    pub ticker: bool,
    pub ticker_bbo: bool,
    pub trade: bool,
    /// In the order of [`super::candles::INTERVALS`].
    pub ohlc: [bool; 9],
    pub books: Vec<BookFeed>,
}

/// Faults that wait for the next book frames.
#[derive(Debug, Default)]
pub struct BookFaults {
    pub corrupt: bool,
    pub cross: bool,
    pub frozen_until: Option<i64>,
}

/// All of one pair.
#[derive(Debug)]
pub struct PairState {
    pub symbol: Symbol,
    /// Place in the listing.
    pub place: usize,
    pub scale: Scale,
    /// Decimals of the pair as listed: checksums and REST use them.
    pub decimals: Scale,
    pub cost_decimals: u32,
    pub style: Style,
    pub tick: Px,
    pub tape: Option<Tracked>,
    pub injected: BTreeMap<(i64, u64), TapeTrade>,
    /// Finest first; empty for a pair with trades.
    pub candles: Vec<Recorded>,
    /// One per interval, and the candle tape that feeds it (none: the trades do, or nothing does).
    pub series: Vec<(Series, Option<usize>)>,
    pub history: History,
    pub stats: Stats,
    pub ladder: Ladder,
    pub book: BookSource,
    pub churn_ms: Option<u32>,
    pub spreads: VecDeque<(i64, Px, Px)>,
    pub best: (Option<Rung>, Option<Rung>),
    pub watch: Watch,
    pub faults: BookFaults,
    /// Draws which updates name a price twice.
    pub noise: SplitMix64,
    pub repeat_one_in: u32,
}

impl PairState {
    /// Whether candles are made from trades.
    pub const fn makes_candles(&self) -> bool {
        self.candles.is_empty()
    }

    /// Takes a trade into history, candles and ticker. `None` when it does not fit the scale, which was checked before.
    pub fn ingest(&mut self, trade: &TapeTrade, id: u64) -> Option<Row> {
        let (price, qty) = (self.scale.price_units(trade.price)?, self.scale.qty_units(trade.qty)?);
        let row = Row { at: trade.at.0, cursor: 0, price, qty, id, taker: trade.taker, market: trade.market };
        self.history.push(row);
        if self.makes_candles() {
            let piece = Bar::of_trade(row.at, price, qty);
            for (series, _) in &mut self.series {
                series.absorb(&piece);
            }
            self.stats.add(row.at, &piece, qty);
        } else {
            // Recorded candles hold the whole market: an added trade only moves the last price.
            self.stats.set_last(price, qty);
        }
        Some(row)
    }

    /// The next id for a trade that is on no tape; later trades of the tape move up.
    pub fn extra_id(&mut self) -> u64 {
        let upcoming = self.tape.as_ref().and_then(|t| t.trades.get(t.cursor).map(|n| n.id.saturating_add(t.shift)));
        let id = self.history.last().map(|r| r.id.saturating_add(1)).or(upcoming).unwrap_or(1);
        if let Some(tape) = &mut self.tape {
            tape.shift = tape.shift.saturating_add(1);
        }
        id
    }

    /// Takes the next candle of a tape into the series that it feeds.
    pub fn ingest_candle(&mut self, tape: usize) -> Option<Bar> {
        let recorded = self.candles.get_mut(tape)?;
        let bar = *recorded.bars.get(recorded.cursor)?;
        recorded.cursor += 1;
        for (series, _) in self.series.iter_mut().filter(|(_, from)| *from == Some(tape)) {
            series.absorb(&bar);
        }
        if tape == 0 {
            self.stats.add(reveal(&bar, self.candles.first().map_or(1, |c| c.minutes)), &bar, 0);
        }
        Some(bar)
    }

    /// Puts the synthetic book around a price.
    pub fn centre(&mut self, price: Px, at: i64) {
        if let BookSource::Synthetic(maker) = &mut self.book {
            maker.centre(&mut self.ladder, price, at);
        }
    }

    /// Applies the next recorded book frame.
    pub fn ingest_book(&mut self) -> bool {
        let BookSource::Recorded { frames, cursor, depth } = &mut self.book else { return false };
        let Some(frame) = frames.get(*cursor) else { return false };
        *cursor += 1;
        let mut changed = false;
        if frame.snapshot {
            self.ladder = Ladder::default();
            changed = true;
        }
        for level in &frame.levels {
            if let (Some(price), Some(qty)) = (self.scale.price_units(level.price), self.scale.qty_units(level.qty)) {
                changed |= self.ladder.set(level.side, price, qty, frame.at.0);
            }
        }
        self.ladder.cut(*depth as usize);
        changed
    }

    /// Notes the best levels; returns whether they changed.
    pub fn note_best(&mut self, at: i64) -> bool {
        let best = (self.ladder.best(Side::Buy), self.ladder.best(Side::Sell));
        let level = |r: Option<Rung>| r.map(|r| (r.price, r.qty));
        let changed = level(best.0) != level(self.best.0) || level(best.1) != level(self.best.1);
        let price = |r: Option<Rung>| r.map(|r| r.price);
        let moved = price(best.0) != price(self.best.0) || price(best.1) != price(self.best.1);
        if let (true, Some(bid), Some(ask)) = (moved, best.0, best.1) {
            self.spreads.push_back((at, bid.price, ask.price));
            if self.spreads.len() > SPREADS {
                self.spreads.pop_front();
            }
        }
        self.best = best;
        changed
    }

    /// The numbers of a ticker frame; `None` before the first trade or candle.
    pub fn ticker(&mut self, at: i64) -> Option<TickerView> {
        self.stats.expire(at);
        let (last, _) = self.stats.last()?;
        let day = self.stats.day()?;
        let level = |side| self.ladder.best(side).map_or((0, 0), |r| (r.price, r.qty));
        let vwap = if day.volume > 0 { day.cost / day.volume } else { Amt::from(last) };
        Some(TickerView {
            bid: level(Side::Buy),
            ask: level(Side::Sell),
            last,
            volume: day.volume,
            vwap,
            low: day.low,
            high: day.high,
            reference: self.stats.reference().unwrap_or(last),
            at,
        })
    }

    /// The ticker frame.
    pub fn ticker_text(&mut self, kind: Kind, at: i64) -> Option<String> {
        let view = self.ticker(at)?;
        Some(super::frames::ticker(kind, &self.symbol, &view, self.style))
    }
}

/// When a recorded candle becomes known: a millisecond before its interval ends.
pub fn reveal(bar: &Bar, minutes: u32) -> i64 {
    bar.begin.saturating_add(i64::from(minutes).saturating_mul(super::candles::MINUTE_NS)).saturating_sub(1_000_000)
}
