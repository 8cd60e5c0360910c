//! Rows of the public channels. Source: Kraken, WebSocket v2, market data.

use serde::Deserialize;

use crate::kraken::wire::open_enum::open_enum;
use crate::kraken::wire::{Number, Stamp};

open_enum! {
    /// First picture or change of it.
    pub enum Kind { Snapshot = "snapshot", Update = "update" }
}

open_enum! {
    /// State of the whole exchange.
    pub enum System { Online = "online", Maintenance = "maintenance", CancelOnly = "cancel_only", PostOnly = "post_only", LimitOnly = "limit_only" }
}

open_enum! {
    /// Side of the taker.
    pub enum Side { Buy = "buy", Sell = "sell" }
}

open_enum! {
    /// What a pair may be used for.
    pub enum PairStatus {
        Online = "online", CancelOnly = "cancel_only", PostOnly = "post_only", LimitOnly = "limit_only", ReduceOnly = "reduce_only",
        Maintenance = "maintenance", Delisted = "delisted", WorkInProgress = "work_in_progress",
    }
}

/// First frame of a connection, and every later change of the exchange's state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    pub system: System,
    pub api_version: Option<String>,
    pub version: Option<String>,
    /// Larger than 2^53 now and then.
    pub connection_id: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Ticker {
    pub symbol: String,
    pub bid: Number,
    pub bid_qty: Number,
    pub ask: Number,
    pub ask_qty: Number,
    pub last: Number,
    pub volume: Number,
    pub vwap: Number,
    pub low: Number,
    pub high: Number,
    pub change: Number,
    pub change_pct: Number,
    pub timestamp: Option<Stamp>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Trade {
    pub symbol: String,
    pub side: Side,
    pub price: Number,
    pub qty: Number,
    pub ord_type: String,
    pub trade_id: u64,
    pub timestamp: Stamp,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Ohlc {
    pub symbol: String,
    pub open: Number,
    pub high: Number,
    pub low: Number,
    pub close: Number,
    pub vwap: Number,
    pub trades: u64,
    pub volume: Number,
    pub interval_begin: Stamp,
    /// Minutes.
    pub interval: u32,
}

/// One symbol's levels of a book frame, in the order of the frame.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct BookRows {
    pub symbol: String,
    #[serde(default)]
    pub bids: Vec<Level>,
    #[serde(default)]
    pub asks: Vec<Level>,
    pub checksum: u32,
    pub timestamp: Option<Stamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Level {
    pub price: Number,
    pub qty: Number,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Instruments {
    #[serde(default)]
    pub assets: Vec<Asset>,
    #[serde(default)]
    pub pairs: Vec<InstrumentPair>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Asset {
    pub id: String,
    pub status: String,
    pub precision: u32,
    pub precision_display: u32,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct InstrumentPair {
    pub symbol: String,
    pub base: String,
    pub quote: String,
    pub status: PairStatus,
    pub price_precision: u32,
    pub price_increment: Number,
    pub qty_precision: u32,
    pub qty_increment: Number,
    pub qty_min: Number,
    pub cost_precision: u32,
    pub cost_min: Option<Number>,
}
