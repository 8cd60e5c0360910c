//! Recorded data that the market plays, and how it plays them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::simulator::listing::Listing;
use crate::simulator::protocol::{Side, SimNs, Symbol, TapeTrade, Topic};

/// Everything that will happen on the market.
#[derive(Debug, Clone)]
pub struct MarketData {
    pub listing: Arc<Listing>,
    /// Trades, one tape per pair.
    pub trades: Vec<Tape>,
    /// Recorded candles, one tape per pair and interval, for pairs without trades.
    pub candles: Vec<CandleTape>,
    /// Recorded books, one tape per pair.
    pub books: Vec<BookTape>,
    /// First instant of the simulated clock: earlier rows are history from the start.
    pub start: SimNs,
}

/// The trades of one pair, oldest first; ids rise.
#[derive(Debug, Clone)]
pub struct Tape {
    pub symbol: Symbol,
    pub trades: Arc<[TapeTrade]>,
    /// Generated, not recorded.
    pub synthetic: bool,
}

/// The recorded candles of one pair and interval, oldest first; intervals without trades are absent.
#[derive(Debug, Clone)]
pub struct CandleTape {
    pub symbol: Symbol,
    /// Minutes.
    pub interval: u32,
    pub rows: Arc<[CandleRow]>,
}

/// One recorded candle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandleRow {
    pub begin: SimNs,
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    pub close: Decimal,
    /// Base units.
    pub volume: Decimal,
    /// `None` when not recorded: the mean of high, low and close stands in for it.
    pub vwap: Option<Decimal>,
    /// `None` when not recorded: 1 stands in for it (a candle exists only if there was a trade).
    pub trades: Option<u64>,
}

/// The recorded book of one pair.
#[derive(Debug, Clone)]
pub struct BookTape {
    pub symbol: Symbol,
    /// Levels per side that were recorded; deeper ones are cut after each frame, as the recorded client had to.
    pub depth: u32,
    /// Oldest first.
    pub frames: Arc<[BookFrame]>,
}

/// One recorded snapshot or update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookFrame {
    pub at: SimNs,
    /// Replaces the whole book.
    pub snapshot: bool,
    /// In recorded order; quantity 0 removes.
    pub levels: Vec<BookLevel>,
}

/// One level of a recorded frame; [`Side::Buy`] is a bid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookLevel {
    pub side: Side,
    pub price: Decimal,
    pub qty: Decimal,
}

/// How the market behaves where the data leave it open.
#[derive(Debug, Clone)]
pub struct MarketOptions {
    pub seed: u64,
    /// Levels per side of a synthetic book.
    pub depth_levels: u32,
    /// Other numbers of levels for single pairs (thin books).
    pub levels_of: BTreeMap<Symbol, u32>,
    /// Mean simulated milliseconds between changes of a synthetic book when nothing trades; `None` = only trades change it.
    pub churn_ms: Option<u32>,
    /// One in so many book updates names one price twice; 0 = never.
    pub repeat_one_in: u32,
    /// Writes frame numbers with all decimals of the pair (`0.10000000`), as Kraken does at times.
    pub keep_zeros: bool,
}

impl Default for MarketOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            depth_levels: 100,
            levels_of: BTreeMap::new(),
            churn_ms: Some(1_000),
            repeat_one_in: 20,
            keep_zeros: false,
        }
    }
}

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarketEvent {
    /// A trade between others. Its book change (if any) comes as [`MarketEvent::Book`] after it.
    Trade(TapeTrade),
    /// The external book of the pair changed.
    Book { symbol: Symbol },
    /// A frame for everybody who holds the topic.
    Frame { topic: Topic, text: String },
}

/// Why data cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarketError {
    #[error("{0} is not in the listing")]
    UnknownPair(String),
    #[error("{0}: two tapes of the same kind")]
    TwoTapes(String),
    #[error("{symbol}: {what}")]
    BadData { symbol: String, what: String },
}
