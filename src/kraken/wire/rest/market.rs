//! Public answers: clock, state, assets, pairs, prices.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::keyed::Keyed;
use super::row::row;
use crate::kraken::wire::ws::{PairStatus, System};
use crate::kraken::wire::{Number, Stamp};

/// The exchange's clock, to the second.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Time {
    /// Unix seconds.
    pub unixtime: i64,
    #[serde(default)]
    pub rfc1123: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SystemStatus {
    pub status: System,
    #[serde(default)]
    pub timestamp: Option<Stamp>,
}

/// By asset id (`XXBT`).
pub type Assets = BTreeMap<String, Asset>;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Asset {
    pub aclass: String,
    pub altname: String,
    /// Decimals in the ledger.
    pub decimals: u32,
    pub display_decimals: u32,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub collateral_value: Option<Number>,
    #[serde(default)]
    pub margin_rate: Option<Number>,
}

/// By pair id (`XXBTZUSD`).
pub type AssetPairs = BTreeMap<String, AssetPair>;

/// One pair. Fields that recordings of 2021 lack are optional.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AssetPair {
    pub altname: String,
    /// Absent for dark pools.
    #[serde(default)]
    pub wsname: Option<String>,
    #[serde(default)]
    pub aclass_base: Option<String>,
    pub base: String,
    #[serde(default)]
    pub aclass_quote: Option<String>,
    pub quote: String,
    /// Decimals of a price.
    pub pair_decimals: u32,
    /// Decimals of a volume.
    pub lot_decimals: u32,
    #[serde(default)]
    pub cost_decimals: Option<u32>,
    #[serde(default)]
    pub lot_multiplier: Option<u32>,
    /// Base units.
    #[serde(default)]
    pub ordermin: Option<Number>,
    /// Quote units.
    #[serde(default)]
    pub costmin: Option<Number>,
    #[serde(default)]
    pub tick_size: Option<Number>,
    #[serde(default)]
    pub status: Option<PairStatus>,
    /// Taker's fees by 30-day volume.
    #[serde(default)]
    pub fees: Vec<FeeTier>,
    /// Maker's; absent when the maker pays `fees`.
    #[serde(default)]
    pub fees_maker: Option<Vec<FeeTier>>,
    #[serde(default)]
    pub fee_volume_currency: Option<String>,
    #[serde(default)]
    pub execution_venue: Option<String>,
}

row! {
    /// From this 30-day volume on, so many percent; negative is a rebate.
    pub struct FeeTier { volume: Number, percent: Number }
}

/// By pair id.
pub type Tickers = BTreeMap<String, Ticker>;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ticker {
    #[serde(rename = "a")]
    pub ask: TopLevel,
    #[serde(rename = "b")]
    pub bid: TopLevel,
    #[serde(rename = "c")]
    pub last: LastTrade,
    #[serde(rename = "v")]
    pub volume: Spans<Number>,
    #[serde(rename = "p")]
    pub vwap: Spans<Number>,
    #[serde(rename = "t")]
    pub trades: Spans<u64>,
    #[serde(rename = "l")]
    pub low: Spans<Number>,
    #[serde(rename = "h")]
    pub high: Spans<Number>,
    /// Today's first price.
    #[serde(rename = "o")]
    pub open: Number,
}

row! {
    pub struct TopLevel { price: Number, whole_lots: Number, volume: Number }
}

row! {
    pub struct LastTrade { price: Number, volume: Number }
}

/// Since 00:00 UTC, and over the last 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spans<T> {
    pub today: T,
    pub day: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spans<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut values = Vec::<T>::deserialize(deserializer)?.into_iter();
        match (values.next(), values.next()) {
            (Some(today), Some(day)) => Ok(Self { today, day }),
            _ => Err(serde::de::Error::custom("fewer than two values")),
        }
    }
}

/// Book of one pair.
pub type Depth = Keyed<Sides>;

/// Both best first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sides {
    pub asks: Vec<BookLevel>,
    pub bids: Vec<BookLevel>,
}

row! {
    pub struct BookLevel { price: Number, volume: Number, at: Stamp }
}

/// Best prices of the last minutes.
pub type Spread = Keyed<Vec<SpreadRow>>;

row! {
    pub struct SpreadRow { at: Stamp, bid: Number, ask: Number }
}
