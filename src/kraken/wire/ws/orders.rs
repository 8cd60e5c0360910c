//! Trading calls as they are written on the wire. Types only: nothing here sends. Source: Kraken, WebSocket v2, user trading.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::market::Side;
use super::requests::Token;
use crate::kraken::wire::open_enum::open_enum;
use crate::kraken::wire::{Number, Stamp};

open_enum! {
    /// Kind of order.
    pub enum OrderType {
        Market = "market", Limit = "limit", Iceberg = "iceberg", StopLoss = "stop-loss", StopLossLimit = "stop-loss-limit",
        TakeProfit = "take-profit", TakeProfitLimit = "take-profit-limit", TrailingStop = "trailing-stop",
        TrailingStopLimit = "trailing-stop-limit", SettlePosition = "settle-position",
    }
}

/// How long an order stays. Sent in small letters; told in capital ones by `executions`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeInForce {
    Gtc,
    Gtd,
    Ioc,
    Fok,
    /// A value this program does not know, as it was written.
    Unknown(String),
}

impl TimeInForce {
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Gtc => "gtc",
            Self::Gtd => "gtd",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
            Self::Unknown(text) => text,
        }
    }
}

impl Serialize for TimeInForce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TimeInForce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = [Self::Gtc, Self::Gtd, Self::Ioc, Self::Fok];
        Ok(known.into_iter().find(|k| text.eq_ignore_ascii_case(k.as_str())).unwrap_or(Self::Unknown(text)))
    }
}

/// A trading call; `req_id` names it in every answer.
#[derive(Debug, Clone, Serialize)]
pub struct Call<P> {
    method: &'static str,
    pub params: P,
    pub req_id: u64,
}

/// Parameters that know their method.
pub trait Params: Serialize {
    const METHOD: &'static str;
}

impl<P: Params> Call<P> {
    #[must_use]
    pub const fn new(params: P, req_id: u64) -> Self {
        Self { method: P::METHOD, params, req_id }
    }
}

macro_rules! params {
    ($($name:ty = $method:literal),+ $(,)?) => {
        $(impl Params for $name { const METHOD: &'static str = $method; })+
    };
}

params! {
    AddOrder = "add_order", AmendOrder = "amend_order", EditOrder = "edit_order", CancelOrder = "cancel_order",
    CancelAll = "cancel_all", CancelAfter = "cancel_all_orders_after", BatchAdd = "batch_add", BatchCancel = "batch_cancel",
}

/// Our name for a new order: one of two, never both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderRef {
    /// Unique among open orders.
    ClOrdId(String),
    /// Not unique.
    OrderUserref(i32),
}

/// An order that exists, by the exchange's name or by ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKey {
    OrderId(String),
    ClOrdId(String),
}

/// How much: in base, or (market buys) in quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    OrderQty(Number),
    CashOrderQty(Number),
}

/// What sets a stop or take-profit order off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trigger {
    pub price: Number,
    /// `static`, `pct` or `quote`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_type: Option<&'static str>,
    /// `last` or `index`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<&'static str>,
}

/// The order that follows each fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conditional {
    pub order_type: OrderType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_price: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_price: Option<Number>,
}

/// A new order. Inside [`BatchAdd`] it has neither symbol nor token nor deadline of its own.
#[derive(Debug, Clone, Serialize)]
pub struct AddOrder {
    pub order_type: OrderType,
    pub side: Side,
    #[serde(flatten)]
    pub quantity: Quantity,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_price: Option<Number>,
    /// `static`, `pct` or `quote`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_price_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Trigger>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_in_force: Option<TimeInForce>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_only: Option<bool>,
    /// Visible part of an iceberg order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_qty: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_time: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_time: Option<Stamp>,
    /// The engine refuses the order later than this: 500 ms to 60 s ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Stamp>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub reference: Option<OrderRef>,
    /// `base` or `quote`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_preference: Option<&'static str>,
    /// `cancel_newest`, `cancel_oldest` or `cancel_both`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stp_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditional: Option<Conditional>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_sub_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

impl AddOrder {
    /// An order with nothing optional in it.
    #[must_use]
    pub const fn new(order_type: OrderType, side: Side, quantity: Quantity) -> Self {
        Self {
            order_type,
            side,
            quantity,
            symbol: None,
            limit_price: None,
            limit_price_type: None,
            triggers: None,
            time_in_force: None,
            post_only: None,
            display_qty: None,
            effective_time: None,
            expire_time: None,
            deadline: None,
            reference: None,
            fee_preference: None,
            stp_type: None,
            conditional: None,
            validate: None,
            sender_sub_id: None,
            token: None,
        }
    }
}

/// Changes an order in place; it keeps its ids, and its place in the queue where the rules allow.
#[derive(Debug, Clone, Serialize)]
pub struct AmendOrder {
    #[serde(flatten)]
    pub key: OrderKey,
    /// The new total, filled part included.
    pub order_qty: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_price: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_price: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_qty: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_only: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Stamp>,
    pub token: Token,
}

/// Replaces an order: legacy, the order loses its id and its place. Kept so that its answers can be matched.
#[derive(Debug, Clone, Serialize)]
pub struct EditOrder {
    pub order_id: String,
    pub symbol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_qty: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_price: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Stamp>,
    pub token: Token,
}

/// Cancels the orders named; one answer for each.
#[derive(Debug, Clone, Serialize)]
pub struct CancelOrder {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_id: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cl_ord_id: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_userref: Vec<i32>,
    pub token: Token,
}

/// Cancels every open order.
#[derive(Debug, Clone, Serialize)]
pub struct CancelAll {
    pub token: Token,
}

/// Cancels every open order after `timeout` seconds without a new call; 0 takes the switch away.
#[derive(Debug, Clone, Serialize)]
pub struct CancelAfter {
    pub timeout: u32,
    pub token: Token,
}

/// Two to fifteen orders of one pair.
#[derive(Debug, Clone, Serialize)]
pub struct BatchAdd {
    pub symbol: String,
    pub orders: Vec<AddOrder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate: Option<bool>,
    pub token: Token,
}

/// Two to fifty orders, by the exchange's names or by ours.
#[derive(Debug, Clone, Serialize)]
pub struct BatchCancel {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cl_ord_id: Vec<String>,
    pub token: Token,
}
