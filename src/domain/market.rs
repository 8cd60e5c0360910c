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

impl RawCandle {
    /// The row as it was received, as JSON: a number that JSON has no word for (NaN, infinities) stands there as a text.
    #[must_use]
    pub fn as_received(&self) -> String {
        serde_json::json!({
            "pair": self.pair, "venue": self.venue, "interval": self.interval, "open_time": self.open_time,
            "open": number(self.open), "high": number(self.high), "low": number(self.low), "close": number(self.close),
            "volume": number(self.volume), "trades": self.trades,
        })
        .to_string()
    }
}

/// A float as JSON.
fn number(value: f64) -> serde_json::Value {
    serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), serde_json::Value::Number)
}

/// One trade as a source delivered it: nothing about it is trusted yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawTrade {
    pub pair: Pair,
    pub venue: String,
    /// Rises with every trade of a pair, where the venue numbers them.
    pub id: Option<u64>,
    pub price: f64,
    /// Base units.
    pub qty: f64,
    /// Side of the taker in the venue's word; empty where it does not tell.
    pub side: String,
    pub at: UtcMs,
}

impl RawTrade {
    /// The row as it was received, as JSON; see [`RawCandle::as_received`].
    #[must_use]
    pub fn as_received(&self) -> String {
        serde_json::json!({
            "pair": self.pair, "venue": self.venue, "id": self.id, "price": number(self.price),
            "qty": number(self.qty), "side": self.side, "at": self.at,
        })
        .to_string()
    }
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
    /// A trade or a level without quantity.
    VolumeNotPositive,
    AmountNotPositive,
    HighBelowBody,
    LowAboveBody,
    /// The whole bar lies so far from the last close that units or pairs must have been mixed up.
    LevelJump,
    DuplicateTime,
    OutOfOrder,
    DuplicateId,
    IdBackwards,
    OffGrid,
    InFuture,
    Stale,
    UnknownPair,
    UnknownVenue,
    UnknownSide,
    UnknownAsset,
    CurrencyMismatch,
    OneSided,
    Unsorted,
    DuplicateLevel,
    Crossed,
    ChecksumMismatch,
    /// Not UTF-8, or not of the form that the source promises.
    Unreadable,
    NoId,
    NoKnownTime,
    /// It claims to be younger than the moment at which it was known.
    PublishedAfterKnown,
    Empty,
    TooLong,
    ControlCharacters,
}

impl RejectReason {
    /// Every reason; which of them a kind of data knows says [`super::quality::DataKind::reasons`].
    pub const ALL: [Self; 32] = [
        Self::NotFinite,
        Self::PriceNotPositive,
        Self::NegativeVolume,
        Self::VolumeNotPositive,
        Self::AmountNotPositive,
        Self::HighBelowBody,
        Self::LowAboveBody,
        Self::LevelJump,
        Self::DuplicateTime,
        Self::OutOfOrder,
        Self::DuplicateId,
        Self::IdBackwards,
        Self::OffGrid,
        Self::InFuture,
        Self::Stale,
        Self::UnknownPair,
        Self::UnknownVenue,
        Self::UnknownSide,
        Self::UnknownAsset,
        Self::CurrencyMismatch,
        Self::OneSided,
        Self::Unsorted,
        Self::DuplicateLevel,
        Self::Crossed,
        Self::ChecksumMismatch,
        Self::Unreadable,
        Self::NoId,
        Self::NoKnownTime,
        Self::PublishedAfterKnown,
        Self::Empty,
        Self::TooLong,
        Self::ControlCharacters,
    ];

    /// Name in metrics, logs and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFinite => "not_finite",
            Self::PriceNotPositive => "price_not_positive",
            Self::NegativeVolume => "negative_volume",
            Self::VolumeNotPositive => "volume_not_positive",
            Self::AmountNotPositive => "amount_not_positive",
            Self::HighBelowBody => "high_below_body",
            Self::LowAboveBody => "low_above_body",
            Self::LevelJump => "level_jump",
            Self::DuplicateTime => "duplicate_time",
            Self::OutOfOrder => "out_of_order",
            Self::DuplicateId => "duplicate_id",
            Self::IdBackwards => "id_backwards",
            Self::OffGrid => "off_grid",
            Self::InFuture => "in_future",
            Self::Stale => "stale",
            Self::UnknownPair => "unknown_pair",
            Self::UnknownVenue => "unknown_venue",
            Self::UnknownSide => "unknown_side",
            Self::UnknownAsset => "unknown_asset",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::OneSided => "one_sided",
            Self::Unsorted => "unsorted",
            Self::DuplicateLevel => "duplicate_level",
            Self::Crossed => "crossed",
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::Unreadable => "unreadable",
            Self::NoId => "no_id",
            Self::NoKnownTime => "no_known_time",
            Self::PublishedAfterKnown => "published_after_known",
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::ControlCharacters => "control_characters",
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
