//! Order flow: what the trades and the book of one pair said within a bar, beyond its candle.
//!
//! All values are floats in base or quote units: features are made of them, never orders. A part that was not watched is absent, not zero.

use serde::{Deserialize, Serialize};

use super::order::Side;
use super::pair::{Interval, Pair};
use super::time::UtcMs;

/// Levels of each side that flow looks at.
pub const LEVELS: usize = 10;

/// Price and quantity of one level of a book.
pub type Level = (f64, f64);

/// The best levels of a checked book, best first, at most [`LEVELS`] a side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Depth {
    bids: Rungs,
    asks: Rungs,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Rungs {
    levels: [Level; LEVELS],
    len: usize,
}

impl Rungs {
    fn of(levels: impl Iterator<Item = Level>) -> Self {
        let mut rungs = Self::default();
        for (slot, level) in rungs.levels.iter_mut().zip(levels) {
            *slot = level;
            rungs.len += 1;
        }
        rungs
    }

    fn levels(&self) -> &[Level] {
        self.levels.get(..self.len).unwrap_or_default()
    }
}

impl Depth {
    /// From levels in their order; those beyond [`LEVELS`] are left out.
    pub fn new(bids: impl Iterator<Item = Level>, asks: impl Iterator<Item = Level>) -> Self {
        Self { bids: Rungs::of(bids), asks: Rungs::of(asks) }
    }

    #[must_use]
    pub fn bids(&self) -> &[Level] {
        self.bids.levels()
    }

    #[must_use]
    pub fn asks(&self) -> &[Level] {
        self.asks.levels()
    }

    /// Best bid and ask; `None` when a side is empty.
    #[must_use]
    pub fn touch(&self) -> Option<(Level, Level)> {
        self.bids().first().copied().zip(self.asks().first().copied())
    }

    /// (ask − bid) / mid; `None` when a side is empty.
    #[must_use]
    pub fn spread(&self) -> Option<f64> {
        let ((bid, _), (ask, _)) = self.touch()?;
        Some((ask - bid) / f64::midpoint(ask, bid))
    }
}

/// Trades of one taker side that followed each other closely: most likely one order that ate through the book.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Parent {
    pub side: Side,
    /// First and last trade.
    pub begin: UtcMs,
    pub end: UtcMs,
    pub prints: u32,
    /// Base units.
    pub qty: f64,
    /// Quote units.
    pub quote: f64,
    pub first_price: f64,
    pub last_price: f64,
}

/// What the trades of a stretch of time said.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TradeFlow {
    pub count: u64,
    /// Base units bought and sold by takers.
    pub buy_volume: f64,
    pub sell_volume: f64,
    /// Quote units traded.
    pub quote_volume: f64,
    /// Base units of the largest single trade.
    pub largest: Option<f64>,
    /// Cumulative volume delta at the end, in base units since recording began: only its change means something.
    pub cvd: f64,
    /// VPIN at the end, in 0..=1; `None` until a day's volume and a window of buckets are known.
    pub vpin: Option<f64>,
    /// Trades in which the tick rule could be compared with the sent side, and those in which it was wrong.
    pub compared: u64,
    pub guessed_wrong: u64,
    /// Trades that came without a side, and got that of the tick rule.
    pub guessed: u64,
    /// Trades joined to parents; none crosses the end of a bar.
    pub parents: u32,
    pub largest_parent: Option<Parent>,
    /// Parents above `threshold`.
    pub large_parents: u32,
    /// Quote units that a parent exceeds once in a thousand, from those before this bar; `None` until enough were seen.
    pub threshold: Option<f64>,
    /// Places at which trades are missing.
    pub gaps: u32,
    /// Trades of earlier bars that came after those were closed.
    pub late: u64,
    /// Every trade from the first to the last instant is here, and the exchange's own candle says the same.
    pub whole: bool,
}

impl TradeFlow {
    /// Base units traded.
    #[must_use]
    pub fn volume(&self) -> f64 {
        self.buy_volume + self.sell_volume
    }

    /// Base units bought less those sold: the change of the CVD.
    #[must_use]
    pub fn delta(&self) -> f64 {
        self.buy_volume - self.sell_volume
    }

    /// [`Self::delta`] over [`Self::volume`]; `None` when nothing was traded.
    #[must_use]
    pub fn delta_share(&self) -> Option<f64> {
        ratio(self.delta(), self.volume())
    }

    /// Mean price by volume; `None` when nothing was traded.
    #[must_use]
    pub fn vwap(&self) -> Option<f64> {
        ratio(self.quote_volume, self.volume())
    }

    /// Share of trades in which the tick rule was wrong.
    #[must_use]
    pub fn tick_error(&self) -> Option<f64> {
        ratio(self.guessed_wrong as f64, self.compared as f64)
    }

    /// Adds the stretch right after this one.
    pub fn join(&mut self, next: &Self) {
        self.count += next.count;
        self.buy_volume += next.buy_volume;
        self.sell_volume += next.sell_volume;
        self.quote_volume += next.quote_volume;
        self.largest = larger(self.largest, next.largest, |qty| *qty);
        (self.cvd, self.vpin, self.threshold) = (next.cvd, next.vpin, next.threshold);
        self.compared += next.compared;
        self.guessed_wrong += next.guessed_wrong;
        self.guessed += next.guessed;
        self.parents += next.parents;
        self.largest_parent = larger(self.largest_parent, next.largest_parent, |p| p.quote);
        self.large_parents += next.large_parents;
        self.gaps += next.gaps;
        self.late += next.late;
        self.whole &= next.whole;
    }

    /// Why the values are not those of all trades; `None` when they are.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        match self.gaps {
            0 if self.whole => None,
            0 => Some("not all trades are proven to be here".to_owned()),
            1 => Some("trades are missing at 1 place".to_owned()),
            n => Some(format!("trades are missing at {n} places")),
        }
    }
}

/// What the book was worth at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BookClose {
    pub bid: f64,
    pub ask: f64,
    /// (bids − asks) / (bids + asks) over 1, 5 and 10 levels.
    pub imbalance_1: f64,
    pub imbalance_5: f64,
    pub imbalance_10: f64,
    /// Over 10 levels, level i weighted by exp(−0.5 i).
    pub imbalance_weighted: f64,
    pub microprice: f64,
}

impl BookClose {
    #[must_use]
    pub const fn mid(&self) -> f64 {
        f64::midpoint(self.bid, self.ask)
    }

    /// Distance of the microprice from the mid, as a share of the mid.
    #[must_use]
    pub fn microprice_deviation(&self) -> f64 {
        self.microprice / self.mid() - 1.0
    }
}

/// What the book of a stretch of time said.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct BookFlow {
    /// Changes of the book while it had two sides.
    pub events: u64,
    /// Order-flow imbalance at the best levels, summed over the events, base units.
    pub ofi: f64,
    /// Half the quantity at both best levels, summed over the events, base units.
    pub depth: f64,
    /// Time in which the book was known, and in which it was not.
    pub known_ms: i64,
    pub blind_ms: i64,
    /// Time in which it had two sides, and the relative spread summed over the milliseconds of that time.
    pub two_sided_ms: i64,
    pub spread_ms: f64,
    /// Times the book began anew: nothing was compared across them.
    pub breaks: u32,
    /// The book at the end; `None` when it was not known or had an empty side.
    pub close: Option<BookClose>,
}

impl BookFlow {
    /// Mean over the events of half the quantity at both best levels, base units.
    #[must_use]
    pub fn mean_depth(&self) -> Option<f64> {
        ratio(self.depth, self.events as f64)
    }

    /// [`Self::ofi`] over [`Self::mean_depth`]: without a unit.
    #[must_use]
    pub fn ofi_over_depth(&self) -> Option<f64> {
        ratio(self.ofi, self.mean_depth()?)
    }

    /// Time-weighted mean of (ask − bid) / mid.
    #[must_use]
    pub fn spread(&self) -> Option<f64> {
        ratio(self.spread_ms, self.two_sided_ms as f64)
    }

    /// Adds the stretch right after this one.
    pub fn join(&mut self, next: &Self) {
        self.events += next.events;
        self.ofi += next.ofi;
        self.depth += next.depth;
        self.known_ms += next.known_ms;
        self.blind_ms += next.blind_ms;
        self.two_sided_ms += next.two_sided_ms;
        self.spread_ms += next.spread_ms;
        self.breaks += next.breaks;
        self.close = next.close;
    }

    /// Why the values are not those of the whole time; `None` when they are. A book that began anew without having been lost misses nothing.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        (self.blind_ms > 0).then(|| format!("the book was not known for {:.1} s", self.blind_ms as f64 / 1_000.0))
    }
}

/// Order flow of one pair within one source bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowBar {
    pub pair: Pair,
    pub interval: Interval,
    /// Open time; known at `open_time + interval`.
    pub open_time: UtcMs,
    /// `None` when no trades were watched.
    pub trades: Option<TradeFlow>,
    /// `None` when no book was known at any instant of the bar.
    pub book: Option<BookFlow>,
}

/// Order flow of one pair within one hour: its source bars, joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowHour {
    /// Source bars that had order flow, and how many there could be.
    pub bars: u32,
    pub bars_expected: u32,
    pub trades: Option<TradeFlow>,
    pub book: Option<BookFlow>,
    /// Why the part is not that of the whole hour; `None` when it is.
    pub trades_fault: Option<String>,
    pub book_fault: Option<String>,
}

impl FlowHour {
    /// Both parts are those of the whole hour.
    #[must_use]
    pub const fn complete(&self) -> bool {
        self.trades_fault.is_none() && self.book_fault.is_none()
    }
}

/// Order flow of one pair as it stands now, for a screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlowView {
    pub pair: Pair,
    /// The exchange's time of the newest trade or book.
    pub at: UtcMs,
    /// What it is made of: `trades and book`, `trades`, `book`.
    pub source: String,
    /// Begin of the bar that is still open: trades count from here.
    pub bar: UtcMs,
    pub trades: Option<TradeFlow>,
    /// The book as it stands; `None` when it is not known or has an empty side.
    pub book: Option<BookClose>,
    /// Time-weighted relative spread of the open bar.
    pub spread: Option<f64>,
}

impl FlowView {
    /// Time since the newest trade or book.
    #[must_use]
    pub fn age_ms(&self, now: UtcMs) -> i64 {
        now.since(self.at).max(0)
    }
}

fn ratio(top: f64, bottom: f64) -> Option<f64> {
    (bottom > 0.0).then(|| top / bottom)
}

/// The larger by `size`; of equals the first.
fn larger<T>(a: Option<T>, b: Option<T>, size: impl Fn(&T) -> f64) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if size(&b) > size(&a) { b } else { a }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_there_has_no_value() {
        let (trades, book) = (TradeFlow::default(), BookFlow::default());
        assert_eq!((trades.vwap(), trades.delta_share(), trades.tick_error()), (None, None, None));
        assert_eq!((book.mean_depth(), book.ofi_over_depth(), book.spread()), (None, None, None));
        let one_sided = Depth::new([(10.0, 1.0)].into_iter(), [].into_iter());
        assert_eq!((one_sided.touch(), one_sided.spread()), (None, None));
        let many =
            Depth::new((0..20).map(|i| (100.0 - f64::from(i), 1.0)), (0..3).map(|i| (101.0 + f64::from(i), 1.0)));
        assert_eq!((many.bids().len(), many.asks().len()), (LEVELS, 3));
    }

    #[test]
    fn faults_say_what_is_missing() {
        let mut trades = TradeFlow { whole: true, ..TradeFlow::default() };
        assert_eq!(trades.fault(), None);
        trades.join(&TradeFlow::default());
        assert_eq!(trades.fault().as_deref(), Some("not all trades are proven to be here"));
        trades.gaps = 2;
        assert_eq!(trades.fault().as_deref(), Some("trades are missing at 2 places"));
        let book = BookFlow { blind_ms: 3_210, breaks: 1, ..BookFlow::default() };
        assert_eq!(book.fault().as_deref(), Some("the book was not known for 3.2 s"));
        assert_eq!(BookFlow { breaks: 1, ..BookFlow::default() }.fault(), None);
    }
}
