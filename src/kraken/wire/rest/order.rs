//! Private answers about orders and their fills.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::text::{null_is_default, unset_or_stamp, unset_or_text};
use crate::kraken::wire::open_enum::open_enum;
use crate::kraken::wire::ws::Side;
use crate::kraken::wire::{Number, Stamp};

/// By order id.
pub type Orders = BTreeMap<String, Order>;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenOrders {
    pub open: Orders,
}

/// One page of closed orders, newest first on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClosedOrders {
    pub closed: Orders,
    #[serde(default)]
    pub count: Option<u64>,
}

open_enum! {
    pub enum OrderStatus { Pending = "pending", Open = "open", Closed = "closed", Canceled = "canceled", Expired = "expired" }
}

open_enum! {
    pub enum OrderType {
        Market = "market", Limit = "limit", Iceberg = "iceberg", StopLoss = "stop-loss", TakeProfit = "take-profit",
        StopLossLimit = "stop-loss-limit", TakeProfitLimit = "take-profit-limit", TrailingStop = "trailing-stop",
        TrailingStopLimit = "trailing-stop-limit", SettlePosition = "settle-position",
    }
}

/// An order. A closed one with `vol_exec < vol` was filled in part, then cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Order {
    #[serde(default, deserialize_with = "unset_or_text")]
    pub refid: Option<String>,
    #[serde(default)]
    pub userref: Option<i64>,
    #[serde(default, deserialize_with = "unset_or_text")]
    pub cl_ord_id: Option<String>,
    pub status: OrderStatus,
    #[serde(deserialize_with = "unset_or_stamp")]
    pub opentm: Option<Stamp>,
    #[serde(default, deserialize_with = "unset_or_stamp")]
    pub starttm: Option<Stamp>,
    #[serde(default, deserialize_with = "unset_or_stamp")]
    pub expiretm: Option<Stamp>,
    #[serde(default, deserialize_with = "unset_or_stamp")]
    pub closetm: Option<Stamp>,
    pub descr: Description,
    /// Base units.
    pub vol: Number,
    pub vol_exec: Number,
    /// Quote units.
    pub cost: Number,
    pub fee: Number,
    /// Average price of the fills, **not** the limit: that is [`Description::price`].
    pub price: Number,
    #[serde(default)]
    pub stopprice: Option<Number>,
    #[serde(default)]
    pub limitprice: Option<Number>,
    /// `last` or `index`.
    #[serde(default)]
    pub trigger: Option<String>,
    /// Comma list: `stopped touched liquidated partial amended`.
    #[serde(default)]
    pub misc: String,
    /// Comma list: `post fciq fcib viqc`.
    #[serde(default)]
    pub oflags: String,
    /// Why it ended.
    #[serde(default, deserialize_with = "unset_or_text")]
    pub reason: Option<String>,
    /// Ids of the fills, when asked for.
    #[serde(default, deserialize_with = "null_is_default")]
    pub trades: Vec<String>,
}

impl Order {
    /// Whether `flag` stands in `oflags`.
    #[must_use]
    pub fn has_flag(&self, flag: &str) -> bool {
        self.oflags.split(',').any(|f| f.trim() == flag)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Description {
    /// Altname (`XBTUSD`).
    pub pair: String,
    #[serde(rename = "type")]
    pub side: Side,
    pub ordertype: OrderType,
    pub price: PriceText,
    #[serde(default)]
    pub price2: PriceText,
    #[serde(default)]
    pub leverage: Option<String>,
    /// For people: `buy 1.25000000 XBTUSD @ limit 30010.0`.
    #[serde(default)]
    pub order: String,
    #[serde(default, deserialize_with = "unset_or_text")]
    pub close: Option<String>,
    #[serde(default)]
    pub aclass: Option<String>,
}

/// A price, an offset (`+1.0000%`) or nothing (`0`), as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct PriceText(pub String);

impl PriceText {
    /// The price; `None` when unset or an offset.
    #[must_use]
    pub fn absolute(&self) -> Option<Decimal> {
        let plain = self.0.starts_with(|c: char| c.is_ascii_digit());
        let value: Number = self.0.parse().ok().filter(|_| plain)?;
        (!value.0.is_zero()).then_some(value.0)
    }
}

/// One page of own fills.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TradesHistory {
    pub trades: Fills,
    #[serde(default)]
    pub count: Option<u64>,
}

/// By fill id, which is `exec_id` on the WebSocket.
pub type Fills = BTreeMap<String, Fill>;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fill {
    pub ordertxid: String,
    #[serde(default)]
    pub postxid: Option<String>,
    /// Pair id or altname.
    pub pair: String,
    pub time: Stamp,
    #[serde(rename = "type")]
    pub side: Side,
    pub ordertype: OrderType,
    pub price: Number,
    /// Quote units.
    pub cost: Number,
    pub fee: Number,
    /// Base units.
    pub vol: Number,
    #[serde(default)]
    pub margin: Option<Number>,
    #[serde(default)]
    pub misc: String,
    /// Absent in older recordings.
    #[serde(default)]
    pub trade_id: Option<u64>,
    #[serde(default)]
    pub maker: Option<bool>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub ledgers: Vec<String>,
}
