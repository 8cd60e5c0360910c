//! What was refused, and how far the data of a pair can be trusted.

use serde::{Deserialize, Serialize};

use super::market::RejectReason;
use super::message::PerPair;
use super::pair::{Interval, Pair};
use super::time::UtcMs;

/// Kinds of data that are validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    Candle,
    Trade,
    Book,
    Text,
    Transfer,
}

impl DataKind {
    pub const ALL: [Self; 5] = [Self::Candle, Self::Trade, Self::Book, Self::Text, Self::Transfer];

    /// Name in metrics, logs and on the screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Candle => "candle",
            Self::Trade => "trade",
            Self::Book => "book",
            Self::Text => "text",
            Self::Transfer => "transfer",
        }
    }

    /// Why data of this kind can be refused, in the order of the checks.
    #[must_use]
    pub const fn reasons(self) -> &'static [RejectReason] {
        use RejectReason as R;
        match self {
            Self::Candle => &[
                R::UnknownPair,
                R::CurrencyMismatch,
                R::NotFinite,
                R::PriceNotPositive,
                R::NegativeVolume,
                R::HighBelowBody,
                R::LowAboveBody,
                R::OffGrid,
                R::InFuture,
                R::DuplicateTime,
                R::OutOfOrder,
                R::LevelJump,
            ],
            Self::Trade => &[
                R::UnknownVenue,
                R::UnknownPair,
                R::CurrencyMismatch,
                R::NotFinite,
                R::PriceNotPositive,
                R::VolumeNotPositive,
                R::UnknownSide,
                R::InFuture,
                R::DuplicateId,
                R::IdBackwards,
                R::OutOfOrder,
            ],
            Self::Book => &[
                R::NotFinite,
                R::PriceNotPositive,
                R::VolumeNotPositive,
                R::OneSided,
                R::Unsorted,
                R::DuplicateLevel,
                R::Crossed,
                R::ChecksumMismatch,
                R::InFuture,
                R::Stale,
            ],
            Self::Text => &[
                R::Unreadable,
                R::NoId,
                R::NoKnownTime,
                R::PublishedAfterKnown,
                R::InFuture,
                R::Empty,
                R::TooLong,
                R::ControlCharacters,
                R::UnknownPair,
                R::DuplicateId,
            ],
            Self::Transfer => &[
                R::NotFinite,
                R::AmountNotPositive,
                R::UnknownAsset,
                R::NoId,
                R::PublishedAfterKnown,
                R::InFuture,
                R::DuplicateId,
            ],
        }
    }
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    pub kind: DataKind,
    pub reason: RejectReason,
    /// As the row named it; empty where it names none.
    pub pair: String,
    pub venue: String,
    /// What delivered it.
    pub source: String,
    /// Data time at which it was there.
    pub known_time: UtcMs,
    /// The row as it was received, as JSON; a number that JSON has no word for stands there as a text.
    pub row: String,
}

/// How far the data of a pair can be trusted; worse ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustState {
    /// Nothing speaks against them.
    Proven,
    /// They are on their way to being proven: windows fill, a gap is refilled, a quarantine has just ended.
    #[default]
    CatchingUp,
    /// They are older than a decision may rest on.
    Stale,
    /// Something in them is wrong, or may be.
    Quarantined,
}

impl TrustState {
    pub const ALL: [Self; 4] = [Self::Proven, Self::CatchingUp, Self::Stale, Self::Quarantined];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::CatchingUp => "catching_up",
            Self::Stale => "stale",
            Self::Quarantined => "quarantined",
        }
    }

    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::CatchingUp => "catching up",
            other => other.as_str(),
        }
    }
}

/// A pair's state of trust.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trust {
    pub state: TrustState,
    /// Data time since which the state holds.
    pub since: UtcMs,
    /// The worst thing that speaks against the data; `None` only when they are proven.
    pub reason: Option<String>,
}

/// What became of outliers, since the start. Outliers that follow each other before the first is resolved count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutlierCounts {
    pub flagged: u64,
    /// A second source said the same.
    pub confirmed: u64,
    /// A second source said something else.
    pub contradicted: u64,
    /// No second source spoke, and the market went on: at the new level or back at the old one.
    pub settled: u64,
}

/// The data of one pair in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairQuality {
    pub pair: Pair,
    pub interval: Interval,
    pub trust: Trust,
    /// Close of the newest source bar; `None` before the first.
    pub newest: Option<UtcMs>,
    /// Source bars of the last 24 hours, and how many there could have been since the pair is watched.
    pub bars_24h: u32,
    pub slots_24h: u32,
    /// Since the start.
    pub holes: u64,
    pub rejected: u64,
    pub last_reject: Option<RejectReason>,
    pub outliers: OutlierCounts,
}

impl PairQuality {
    /// Share of the possible bars of the last 24 hours that are there; `None` before there could be any.
    #[must_use]
    pub fn completeness(&self) -> Option<f64> {
        (self.slots_24h > 0).then(|| f64::from(self.bars_24h) / f64::from(self.slots_24h))
    }
}

/// Who confirms a candle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// The same bar, once built from trades and once told by the exchange: they must be equal.
    Trades,
    /// The same bar on another venue: prices must be near.
    OtherVenue,
}

/// A second source's close of a bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Testimony {
    pub by: Witness,
    pub pair: Pair,
    pub interval: Interval,
    pub open_time: UtcMs,
    pub close: f64,
}

/// What arrives beside the rows of a batch and says how good they are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// When the batch was handed over, where that can be later than its data time.
    pub handed_over: Option<UtcMs>,
    pub testimonies: Vec<Testimony>,
    /// Milliseconds since the newest sound frame of each book that is kept; `None`: the book is not sound now.
    pub book_ages: PerPair<Option<i64>>,
    /// Rows of other kinds that were refused on their way here.
    pub refused: Vec<Quarantined>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_belongs_to_a_kind_and_stands_there_once() {
        let mut met = BTreeSet::new();
        for kind in DataKind::ALL {
            let reasons: BTreeSet<_> = kind.reasons().iter().collect();
            assert_eq!(reasons.len(), kind.reasons().len(), "{}", kind.as_str());
            met.extend(kind.reasons());
        }
        assert_eq!(met, RejectReason::ALL.into_iter().collect());
        let names: BTreeSet<_> = RejectReason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(names.len(), RejectReason::ALL.len());
    }

    #[test]
    fn worse_states_are_greater() {
        assert!(TrustState::ALL.is_sorted());
        assert_eq!(TrustState::default(), TrustState::CatchingUp, "nothing is proven before it was looked at");
    }
}
