//! What trades and book of one pair say, bar by bar.

use super::book_recorder::BookRecorder;
use super::trade_recorder::{Told, TradeRecorder};
use crate::domain::flow::{Depth, FlowBar, FlowView};
use crate::domain::{Interval, Pair, UtcMs};

/// Makes a [`FlowBar`] of every source bar of a pair from its trades and books as they come; whoever feeds it closes the bars.
///
/// Trades belong to the bar of their own time, whenever they come; a book belongs to the instant from which it was told. What runs on from bar to bar
/// (CVD, tick rule, VPIN, the tail of the parents) follows the order in which trades come.
#[derive(Debug, Clone)]
pub struct FlowRecorder {
    pair: Pair,
    interval: Interval,
    trades: TradeRecorder,
    book: BookRecorder,
    /// Time of the newest trade.
    traded_at: Option<UtcMs>,
    /// Whether a book has come.
    booked: bool,
}

impl FlowRecorder {
    /// Records from the bar on that begins at `since`; every trade from there on will be told. `day_volume` is the volume of the day before in base
    /// units, where it is known: VPIN begins with it.
    #[must_use]
    pub fn new(pair: Pair, interval: Interval, since: UtcMs, day_volume: Option<f64>) -> Self {
        let since = since.floor_to(interval.ms());
        Self {
            pair,
            interval,
            trades: TradeRecorder::new(interval.ms(), since, day_volume),
            book: BookRecorder::new(interval.ms(), since),
            traded_at: None,
            booked: false,
        }
    }

    /// Takes a trade and its number.
    pub fn trade(&mut self, id: u64, trade: &Told) {
        self.traded_at = self.traded_at.max(Some(trade.at));
        self.trades.push(id, trade);
    }

    /// Takes the book after a change. `fresh`: it comes from a new first picture.
    pub fn book(&mut self, at: UtcMs, depth: &Depth, fresh: bool) {
        self.booked = true;
        self.book.push(at, depth, fresh);
    }

    /// From `at` on the book is not known.
    pub fn lose_book(&mut self, at: UtcMs) {
        self.book.lose(at);
    }

    /// The bar that ends at `end`, to be asked for once and in order. `told` is the number of trades and the volume of the bar by the exchange's own
    /// candle, `None` when no candle is vouched for: flow is whole only when it says the same.
    pub fn close(&mut self, end: UtcMs, told: Option<(u64, f64)>) -> FlowBar {
        let mut trades = self.trades.close(end);
        if let Some(flow) = &mut trades {
            let agrees = |(count, volume): (u64, f64)| {
                count == flow.count && (volume - flow.volume()).abs() <= VOLUME_ROUNDING * volume
            };
            flow.whole &= flow.gaps == 0 && told.is_some_and(agrees);
        }
        FlowBar {
            pair: self.pair.clone(),
            interval: self.interval,
            open_time: end.plus(-self.interval.ms()),
            trades,
            book: self.book.close(end),
        }
    }

    /// How it stands now; `None` before the first trade and the first book.
    #[must_use]
    pub fn view(&self) -> Option<FlowView> {
        let (booked_at, book, spread) = self.book.now();
        let source = match (self.traded_at.is_some(), self.booked) {
            (true, true) => "trades and book",
            (true, false) => "trades",
            (false, true) => "book",
            (false, false) => return None,
        };
        let (bar, trades) = self.trades.open()?;
        Some(FlowView {
            pair: self.pair.clone(),
            at: self.traded_at.max(self.booked.then_some(booked_at))?,
            source: source.to_owned(),
            bar,
            trades: self.traded_at.map(|_| trades),
            book,
            spread,
        })
    }
}

/// Volumes are summed in another order than the exchange sums them.
const VOLUME_ROUNDING: f64 = 1e-9;
