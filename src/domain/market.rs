//! Market data: as it arrives ([`RawCandle`]) and after validation ([`Candle`]).

use serde::{Deserialize, Serialize};

use super::money::{Price, Qty};
use super::pair::{Interval, Pair, Venue};
use super::time::UtcMs;

/// One candle as a source delivered it: nothing about it is trusted yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawCandle {
    pub pair: Pair,
    pub venue: Venue,
    pub interval: Interval,
    /// Open time; the candle is known at `open_time + interval`.
    pub open_time: UtcMs,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    /// Base units.
    pub volume: f64,
    /// Number of trades, where the source counts them.
    pub trades: Option<u64>,
}

/// A closed candle that passed every check: `0 < low <= open, close <= high`, on the interval's UTC grid,
/// strictly later than the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    pub pair: Pair,
    pub venue: Venue,
    pub interval: Interval,
    pub open_time: UtcMs,
    pub open: Price,
    pub high: Price,
    pub low: Price,
    pub close: Price,
    /// Base units.
    pub volume: Qty,
    pub trades: Option<u64>,
}

impl Candle {
    /// The instant from which the candle is complete and may be used.
    #[must_use]
    pub const fn close_time(&self) -> UtcMs {
        self.open_time.plus(self.interval.ms())
    }
}

/// Why a row was refused. A refused row is quarantined with its reason and counted; it is never repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    NotFinite,
    PriceNotPositive,
    NegativeVolume,
    HighBelowBody,
    LowAboveBody,
    DuplicateTime,
    OutOfOrder,
    OffGrid,
    InFuture,
    UnknownPair,
    CurrencyMismatch,
}

impl RejectReason {
    /// Every reason, in the order of the checks.
    pub const ALL: [Self; 11] = [
        Self::UnknownPair,
        Self::CurrencyMismatch,
        Self::NotFinite,
        Self::PriceNotPositive,
        Self::NegativeVolume,
        Self::HighBelowBody,
        Self::LowAboveBody,
        Self::OffGrid,
        Self::InFuture,
        Self::DuplicateTime,
        Self::OutOfOrder,
    ];

    /// Name in metrics, logs and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFinite => "not_finite",
            Self::PriceNotPositive => "price_not_positive",
            Self::NegativeVolume => "negative_volume",
            Self::HighBelowBody => "high_below_body",
            Self::LowAboveBody => "low_above_body",
            Self::DuplicateTime => "duplicate_time",
            Self::OutOfOrder => "out_of_order",
            Self::OffGrid => "off_grid",
            Self::InFuture => "in_future",
            Self::UnknownPair => "unknown_pair",
            Self::CurrencyMismatch => "currency_mismatch",
        }
    }
}

/// Open, high, low, close and volume as floats: what kernels and models compute with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    pub open_time: UtcMs,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    /// Base units.
    pub volume: f64,
}

impl From<&Candle> for Bar {
    fn from(c: &Candle) -> Self {
        Self {
            open_time: c.open_time,
            open: c.open.to_f64(),
            high: c.high.to_f64(),
            low: c.low.to_f64(),
            close: c.close.to_f64(),
            volume: c.volume.to_f64(),
        }
    }
}
