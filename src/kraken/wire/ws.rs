//! WebSocket v2, inbound and outbound.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::{Number, Stamp};

/// One decoded frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Inbound {
    Heartbeat,
    Status(Status),
    Pong {
        req_id: Option<u64>,
    },
    /// Answer to a subscribe or unsubscribe: one per symbol.
    Ack(Ack),
    Ticker {
        kind: Kind,
        rows: Vec<Ticker>,
    },
    Trade {
        kind: Kind,
        rows: Vec<Trade>,
    },
    Ohlc {
        kind: Kind,
        rows: Vec<Ohlc>,
    },
    Instrument {
        kind: Kind,
        data: Instruments,
    },
    Book {
        kind: Kind,
        rows: Vec<BookRows>,
    },
    /// `{"Error":"Exceeded msg rate"}` and the like.
    Error(String),
    /// A channel or method that this program does not use, by name.
    Unknown(String),
}

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

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    pub system: System,
    pub api_version: Option<String>,
    pub version: Option<String>,
    pub connection_id: Option<u64>,
}

/// Answer to one symbol's subscribe or unsubscribe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    pub subscribe: bool,
    pub success: bool,
    pub channel: Option<String>,
    pub symbol: Option<String>,
    pub error: Option<String>,
    pub req_id: Option<u64>,
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

/// A subscription request; `req_id` names it in every answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscribe {
    /// `subscribe` or `unsubscribe`.
    pub method: &'static str,
    pub params: SubscribeParams,
    pub req_id: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscribeParams {
    /// `ticker`, `book`, `trade`, `ohlc` or `instrument`.
    pub channel: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbol: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// Minutes, for `ohlc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_trigger: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<bool>,
}
