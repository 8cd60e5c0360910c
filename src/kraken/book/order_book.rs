//! The book of one pair. Rules: Kraken, WebSocket v2, book, and its guide to the checksum.

use super::BookFault;
use super::ladder::{CHECKED, Ladder};
use super::level::MOST_DIGITS;
use super::ticks::{from_ticks, to_ticks};
use crate::domain::flow::Depth;
use crate::kraken::wire::Number;
use crate::kraken::wire::ws::{BookRows, Level};

/// Levels that one frame may carry; a snapshot of the deepest book has 2,000.
const MOST_CHANGES: usize = 10_000;

/// Decimals of a pair: `price_precision` and `qty_precision` of the `instrument` channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Precision {
    pub price: u32,
    pub qty: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BookSide {
    Bids,
    Asks,
}

/// One changed price, in ticks; quantity 0 takes it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub side: BookSide,
    pub price: u64,
    pub qty: u64,
}

/// What a frame says of one book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Snapshot,
    Update,
}

/// Room for the text that the checksum is computed over; kept so that it need not be cleared each time.
type Scratch = [u8; 2 * CHECKED * MOST_DIGITS];

/// A book that was equal to the exchange's at its last frame, or an empty one.
#[derive(Debug, Clone)]
pub struct Book {
    depth: usize,
    precision: Precision,
    bids: Ladder,
    asks: Ladder,
    /// A snapshot came, and no fault since.
    ready: bool,
    scratch: Scratch,
}

impl Book {
    /// A book without levels; `depth` is the subscribed one.
    #[must_use]
    pub const fn new(depth: u32, precision: Precision) -> Self {
        Self {
            depth: depth as usize,
            precision,
            bids: Ladder::bids(),
            asks: Ladder::asks(),
            ready: false,
            scratch: [0; 2 * CHECKED * MOST_DIGITS],
        }
    }

    /// Replaces the whole book. `true` when the best levels are others than before.
    ///
    /// # Errors
    /// [`BookFault`]; the book is empty then.
    pub fn snapshot(&mut self, rows: &BookRows) -> Result<bool, BookFault> {
        self.rows(Step::Snapshot, rows)
    }

    /// Applies the levels in their order, cuts to the depth, checks. `true` when the best levels changed.
    ///
    /// # Errors
    /// [`BookFault`]; the book is empty then.
    pub fn update(&mut self, rows: &BookRows) -> Result<bool, BookFault> {
        self.rows(Step::Update, rows)
    }

    fn rows(&mut self, step: Step, rows: &BookRows) -> Result<bool, BookFault> {
        match self.changes(rows) {
            Ok(changes) => self.apply(step, &changes, rows.checksum),
            Err(fault) => {
                self.reset();
                Err(fault)
            }
        }
    }

    fn changes(&self, rows: &BookRows) -> Result<Vec<Change>, BookFault> {
        let change = |side, level: &Level| {
            Ok(Change {
                side,
                price: to_ticks(level.price, self.precision.price)?,
                qty: to_ticks(level.qty, self.precision.qty)?,
            })
        };
        let bids = rows.bids.iter().map(|level| change(BookSide::Bids, level));
        bids.chain(rows.asks.iter().map(|level| change(BookSide::Asks, level))).collect()
    }

    /// [`Self::snapshot`] or [`Self::update`] with levels in ticks.
    pub(super) fn apply(&mut self, step: Step, changes: &[Change], checksum: u32) -> Result<bool, BookFault> {
        let top = self.top();
        let applied = self.load(step, changes).and_then(|()| self.check(checksum));
        if let Err(fault) = applied {
            self.reset();
            return Err(fault);
        }
        Ok(self.top() != top)
    }

    pub(super) fn load(&mut self, step: Step, changes: &[Change]) -> Result<(), BookFault> {
        if changes.len() > MOST_CHANGES {
            return Err(BookFault::TooMany { levels: changes.len() });
        }
        if step == Step::Snapshot {
            self.reset();
            self.ready = true;
        } else if !self.ready {
            return Err(BookFault::NoSnapshot);
        }
        for change in changes {
            match change.side {
                BookSide::Bids => self.bids.set(change.price, change.qty),
                BookSide::Asks => self.asks.set(change.price, change.qty),
            }
        }
        // The exchange sends no removal for levels that were pushed out.
        self.bids.cut(self.depth);
        self.asks.cut(self.depth);
        Ok(())
    }

    fn check(&mut self, expected: u32) -> Result<(), BookFault> {
        let got = crc(&self.asks, &self.bids, &mut self.scratch);
        if got != expected {
            return Err(BookFault::Checksum { expected, got });
        }
        match (self.bids.best(), self.asks.best()) {
            (Some((bid, _)), Some((ask, _))) if bid >= ask => {
                Err(BookFault::Crossed { bid: self.price(bid), ask: self.price(ask) })
            }
            _ => Ok(()),
        }
    }

    /// Empties the book; it waits for a snapshot.
    pub fn reset(&mut self) {
        self.bids.clear();
        self.asks.clear();
        self.ready = false;
    }

    /// Whether a snapshot came and no fault since. A ready book may still have no levels.
    #[must_use]
    pub const fn ready(&self) -> bool {
        self.ready
    }

    #[must_use]
    pub const fn precision(&self) -> Precision {
        self.precision
    }

    #[must_use]
    pub const fn depth(&self) -> u32 {
        self.depth as u32
    }

    /// Price and quantity.
    #[must_use]
    pub fn best_bid(&self) -> Option<(Number, Number)> {
        self.bids.best().map(|level| self.decimals(level))
    }

    /// Price and quantity.
    #[must_use]
    pub fn best_ask(&self) -> Option<(Number, Number)> {
        self.asks.best().map(|level| self.decimals(level))
    }

    /// Prices and quantities, best first.
    pub fn levels(&self, side: BookSide) -> impl Iterator<Item = (Number, Number)> + '_ {
        self.ladder(side).iter().map(|level| self.decimals(level))
    }

    /// The best levels of both sides as the floats nearest to their decimals: what features read.
    #[must_use]
    pub fn floats(&self) -> Depth {
        let decimals = |digits: u32| 10_f64.powi(i32::try_from(digits).unwrap_or(i32::MAX));
        let (price, qty) = (decimals(self.precision.price), decimals(self.precision.qty));
        let float = |(p, q): (u64, u64)| (p as f64 / price, q as f64 / qty);
        Depth::new(self.bids.iter().map(float), self.asks.iter().map(float))
    }

    /// Levels of a side.
    #[must_use]
    pub fn len(&self, side: BookSide) -> usize {
        self.ladder(side).len()
    }

    /// Whether both sides have no level.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bids.len() == 0 && self.asks.len() == 0
    }

    /// CRC-32 over the ten best asks, then the ten best bids.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        crc(&self.asks, &self.bids, &mut [0; 2 * CHECKED * MOST_DIGITS])
    }

    /// Levels of a side in ticks, best first.
    #[cfg(test)]
    pub(super) fn ticks(&self, side: BookSide) -> Vec<(u64, u64)> {
        self.ladder(side).iter().collect()
    }

    const fn ladder(&self, side: BookSide) -> &Ladder {
        match side {
            BookSide::Bids => &self.bids,
            BookSide::Asks => &self.asks,
        }
    }

    fn top(&self) -> [Option<(u64, u64)>; 2] {
        [self.bids.best(), self.asks.best()]
    }

    fn price(&self, ticks: u64) -> Number {
        from_ticks(ticks, self.precision.price)
    }

    fn decimals(&self, (price, qty): (u64, u64)) -> (Number, Number) {
        (self.price(price), from_ticks(qty, self.precision.qty))
    }
}

/// Books are equal when their levels are, and both are ready or not.
impl PartialEq for Book {
    fn eq(&self, other: &Self) -> bool {
        self.ready == other.ready
            && self.precision == other.precision
            && self.depth == other.depth
            && self.bids == other.bids
            && self.asks == other.asks
    }
}

/// The exchange's checksum: per level the digits of price and quantity at full precision, without dot and leading zeros.
fn crc(asks: &Ladder, bids: &Ladder, scratch: &mut Scratch) -> u32 {
    let mut end = 0;
    asks.checked().chain(bids.checked()).for_each(|level| {
        let (text, len) = level.text();
        // Twenty levels of the longest text fill the room exactly, so there is always a chunk.
        if let Some(chunk) = scratch.get_mut(end..).and_then(<[u8]>::first_chunk_mut) {
            *chunk = *text;
            end += len;
        }
    });
    crc32fast::hash(scratch.get(..end).unwrap_or_default())
}
