//! Rows of the private channels. Source: Kraken, WebSocket v2, user data.

use serde::{Deserialize, Deserializer};

use super::market::Side;
use super::orders::{OrderType, TimeInForce};
use crate::kraken::wire::open_enum::open_enum;
use crate::kraken::wire::{Number, Stamp};

open_enum! {
    /// Why a row of `executions` was sent.
    pub enum ExecType {
        PendingNew = "pending_new", New = "new", Trade = "trade", Filled = "filled", Canceled = "canceled", Expired = "expired",
        Amended = "amended", Restated = "restated", Status = "status", IcebergRefill = "iceberg_refill",
    }
}

open_enum! {
    /// State of an order.
    pub enum OrderStatus {
        PendingNew = "pending_new", New = "new", PartiallyFilled = "partially_filled", Filled = "filled", Canceled = "canceled",
        Expired = "expired",
    }
}

open_enum! {
    /// Whether we took liquidity or made it.
    pub enum Liquidity { Maker = "m", Taker = "t" }
}

/// One row of `executions`. An update carries only what changed (often not even the symbol): merge by `order_id`. A fill is named by
/// `exec_id`, here and in REST.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Execution {
    pub order_id: String,
    pub cl_ord_id: Option<String>,
    pub order_userref: Option<i64>,
    pub exec_id: Option<String>,
    pub exec_type: Option<ExecType>,
    pub order_status: Option<OrderStatus>,
    pub symbol: Option<String>,
    pub side: Option<Side>,
    pub order_type: Option<OrderType>,
    pub order_qty: Option<Number>,
    pub cash_order_qty: Option<Number>,
    pub display_qty: Option<Number>,
    pub limit_price: Option<Number>,
    pub limit_price_type: Option<String>,
    /// Filled so far, in base.
    pub cum_qty: Option<Number>,
    /// Filled so far, in quote.
    pub cum_cost: Option<Number>,
    pub avg_price: Option<Number>,
    /// Of this fill, in base.
    pub last_qty: Option<Number>,
    pub last_price: Option<Number>,
    /// Of this fill, in quote.
    pub cost: Option<Number>,
    pub liquidity_ind: Option<Liquidity>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub fees: Vec<Fee>,
    pub fee_usd_equiv: Option<Number>,
    /// `fciq` or `fcib`.
    pub fee_ccy_pref: Option<String>,
    pub time_in_force: Option<TimeInForce>,
    pub post_only: Option<bool>,
    pub reduce_only: Option<bool>,
    pub margin: Option<bool>,
    pub liquidated: Option<bool>,
    pub amended: Option<bool>,
    /// Why the order was cancelled, amended or restated.
    pub reason: Option<String>,
    pub trade_id: Option<u64>,
    pub triggers: Option<Triggers>,
    pub contingent: Option<Contingent>,
    pub effective_time: Option<Stamp>,
    pub expire_time: Option<Stamp>,
    pub timestamp: Option<Stamp>,
}

/// A fee, in the asset that was charged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fee {
    pub asset: String,
    pub qty: Number,
}

/// What sets a stop or take-profit order off.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Triggers {
    /// `last` or `index`.
    pub reference: Option<String>,
    pub price: Option<Number>,
    /// `static`, `pct` or `quote`.
    pub price_type: Option<String>,
    pub actual_price: Option<Number>,
    pub peak_price: Option<Number>,
    pub last_price: Option<Number>,
    /// `triggered` or `untriggered`.
    pub status: Option<String>,
    pub timestamp: Option<Stamp>,
}

/// The order that follows a fill.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contingent {
    pub order_type: Option<OrderType>,
    pub trigger_price: Option<Number>,
    pub trigger_price_type: Option<String>,
    pub limit_price: Option<Number>,
    pub limit_price_type: Option<String>,
}

/// What a `balances` frame holds: totals in a snapshot, ledger entries in an update.
#[derive(Debug, Clone, PartialEq)]
pub enum BalanceRows {
    Snapshot(Vec<AssetBalance>),
    Update(Vec<LedgerEntry>),
}

/// Total of an asset over its wallets; amounts held by open orders are included.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AssetBalance {
    pub asset: String,
    pub asset_class: Option<String>,
    pub balance: Number,
    #[serde(default, deserialize_with = "null_is_default")]
    pub wallets: Vec<Wallet>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Wallet {
    /// `spot` or `earn`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `main`, `flex`, `bonded` …
    pub id: String,
    pub balance: Number,
}

/// One movement of an asset. `balance` is the total afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LedgerEntry {
    pub asset: String,
    pub asset_class: Option<String>,
    /// Negative when it left.
    pub amount: Number,
    pub balance: Number,
    pub fee: Option<Number>,
    pub ledger_id: String,
    /// Of the trade, deposit … that moved it.
    pub ref_id: Option<String>,
    pub timestamp: Option<Stamp>,
    /// `deposit`, `withdrawal`, `trade`, `margin`, `rollover`, `credit`, `transfer` …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub subtype: Option<String>,
    pub category: Option<String>,
    pub wallet_type: Option<String>,
    pub wallet_id: Option<String>,
}

/// `null` and nothing mean the same: an empty list.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}
