//! What the link knows of one pair.

use super::ohlc_series::OhlcSeries;
use super::shard::SubRef;
use super::trade_flow::TradeFlow;
use super::trade_series::TradeSeries;
use crate::domain::pair::{Interval, Pair};
use crate::domain::time::UtcMs;
use crate::kraken::book::Precision;
use crate::kraken::wire::{Number, Stamp, ws::PairStatus};

/// Candles of one interval, from either source.
#[derive(Debug)]
pub(super) enum Series {
    Trades(TradeSeries),
    Ohlc(OhlcSeries),
}

impl Series {
    pub const fn interval(&self) -> Interval {
        match self {
            Self::Trades(s) => s.interval(),
            Self::Ohlc(s) => s.interval(),
        }
    }

    pub const fn ends_at(&self) -> UtcMs {
        match self {
            Self::Trades(s) => s.ends_at(),
            Self::Ohlc(s) => s.ends_at(),
        }
    }

    pub fn due(&self) -> i64 {
        match self {
            Self::Trades(s) => s.due(),
            Self::Ohlc(s) => s.due(),
        }
    }

    pub fn trouble(&self) -> Option<String> {
        match self {
            Self::Trades(s) => s.doubt.clone(),
            Self::Ohlc(s) => s.trouble(),
        }
    }
}

/// A best price and its quantity.
pub(super) type Best = Option<(Number, Number)>;

/// The book of a pair.
#[derive(Debug, Default)]
pub(super) struct BookWatch {
    /// Place among the books, once subscribed.
    pub place: Option<usize>,
    /// Whether the book was right at its last frame.
    pub good: bool,
    /// Whether its levels were told, and not yet that they are not known any more.
    pub told: bool,
    /// The last fault, until the next good snapshot.
    pub fault: Option<String>,
    /// When the last good frame came.
    pub fresh_at: Option<i64>,
    pub stamp: Option<Stamp>,
    pub bid: Best,
    pub ask: Best,
    pub faults: u64,
    pub checksum_faults: u64,
    pub resyncs: u64,
    /// Faults close together, and when the last one was: each makes the next resync wait longer.
    pub in_row: u32,
    pub fault_at: i64,
}

/// One pair.
#[derive(Debug)]
pub(super) struct PairState {
    pub pair: Pair,
    /// Whether AssetPairs and `instrument` list it; none until they were read.
    pub in_rest: Option<bool>,
    pub in_instrument: Option<bool>,
    pub status: Option<PairStatus>,
    pub precision: Option<Precision>,
    pub flow: Option<TradeFlow>,
    /// Whether its trades are told, not only used for candles.
    pub tell_trades: bool,
    pub series: Vec<Series>,
    pub book: Option<BookWatch>,
    pub subs: Vec<SubRef>,
    pub trade_sub: Option<SubRef>,
    /// The connection of its trades, candles and ticker.
    pub data_shard: Option<usize>,
    /// Trades that are lost for good, and until when that is told.
    pub lost: Option<(String, UtcMs)>,
    pub lost_trades: u64,
    /// What was told last: nothing yet, or the doubt.
    pub told: Option<Option<String>>,
    pub dirty: bool,
}

impl PairState {
    pub const fn new(pair: Pair) -> Self {
        Self {
            pair,
            in_rest: None,
            in_instrument: None,
            status: None,
            precision: None,
            flow: None,
            tell_trades: false,
            series: Vec::new(),
            book: None,
            subs: Vec::new(),
            trade_sub: None,
            data_shard: None,
            lost: None,
            lost_trades: 0,
            told: None,
            dirty: false,
        }
    }

    /// Whether the exchange lists the pair; `instrument` is the live source.
    pub fn listed(&self) -> Option<bool> {
        self.in_instrument.or(self.in_rest)
    }

    /// Where trades have to start so that every open candle is whole.
    pub fn floor(&self) -> Option<UtcMs> {
        let starts = self.series.iter().filter_map(|s| match s {
            Series::Trades(s) => Some(s.boundary()),
            Series::Ohlc(_) => None,
        });
        starts.min()
    }

    /// The longest interval of its candles.
    pub fn longest_ms(&self) -> i64 {
        self.series.iter().map(|s| s.interval().ms()).max().unwrap_or(10 * 60_000)
    }
}
