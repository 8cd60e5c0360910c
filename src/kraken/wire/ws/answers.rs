//! Answers to requests: one per symbol of a subscription, one per trading call (one per order for `cancel_order`). Match them by `req_id`
//! only. Source: Kraken, WebSocket v2, user trading.

use serde::Deserialize;

use super::private::null_is_default;
use crate::kraken::wire::Stamp;
use crate::kraken::wire::open_enum::open_enum;

/// Answer to one symbol's subscribe or unsubscribe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ack {
    pub subscribe: bool,
    pub success: bool,
    pub channel: Option<String>,
    pub symbol: Option<String>,
    pub error: Option<String>,
    pub req_id: Option<u64>,
    /// Of `book` and `level3`.
    pub depth: Option<u32>,
    /// Minutes, of `ohlc`.
    pub interval: Option<u32>,
    pub snapshot: Option<bool>,
    /// Of `ticker`.
    pub event_trigger: Option<String>,
    /// Highest value of the engine's counter, of `executions`.
    pub max_rate_count: Option<u32>,
    /// Deprecations and the like, in the exchange's words.
    pub warnings: Vec<String>,
}

open_enum! {
    /// A request that is no subscription.
    pub enum Method {
        AddOrder = "add_order", AmendOrder = "amend_order", EditOrder = "edit_order", CancelOrder = "cancel_order",
        CancelAll = "cancel_all", CancelAllOrdersAfter = "cancel_all_orders_after", BatchAdd = "batch_add",
        BatchCancel = "batch_cancel", Ping = "ping",
    }
}

/// Answer to a trading call. Success means accepted, not filled: the order's state comes from `executions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodReply {
    pub method: Method,
    pub req_id: Option<u64>,
    /// The result, or the error's text (`EOrder:Insufficient funds`).
    pub outcome: Result<MethodResult, String>,
    /// When the exchange received the request; `None` when absent or unreadable.
    pub time_in: Option<Stamp>,
    /// When the exchange answered; `None` when absent or unreadable.
    pub time_out: Option<Stamp>,
}

/// What a trading call that succeeded says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MethodResult {
    /// No `order_id` when the order was only validated.
    Added {
        ids: OrderIds,
        warnings: Vec<String>,
    },
    Amended {
        amend_id: Option<String>,
        ids: OrderIds,
        warnings: Vec<String>,
    },
    /// The order has a new id now.
    Edited {
        ids: OrderIds,
        original_order_id: Option<String>,
        warnings: Vec<String>,
    },
    /// One order; a call with more orders is answered once for each.
    Cancelled {
        ids: OrderIds,
        warnings: Vec<String>,
    },
    /// In the order of the request.
    BatchAdded(Vec<BatchItem>),
    /// How many orders were cancelled, when told.
    BatchCancelled {
        count: Option<u64>,
    },
    /// How many orders were cancelled, when told.
    AllCancelled {
        count: Option<u64>,
    },
    /// The dead man's switch is set; no trigger when it was taken away.
    CancelAfter {
        current_time: Option<Stamp>,
        trigger_time: Option<Stamp>,
    },
}

/// The names of an order, as far as the answer told them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderIds {
    pub order_id: Option<String>,
    pub cl_ord_id: Option<String>,
    pub order_userref: Option<i64>,
}

/// One order of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchItem {
    pub ids: OrderIds,
    /// Why this order was not accepted; `None` when it was.
    pub error: Option<String>,
    pub warnings: Vec<String>,
}

/// `result` of a subscription.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AckResult {
    pub channel: Option<String>,
    pub symbol: Option<String>,
    pub depth: Option<u32>,
    pub interval: Option<u32>,
    pub snapshot: Option<bool>,
    pub event_trigger: Option<String>,
    pub maxratecount: Option<u32>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub warnings: Vec<String>,
}

/// `result` of a trading call, or one item of a batch: every field that any of them has.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CallResult {
    order_id: Option<String>,
    cl_ord_id: Option<String>,
    order_userref: Option<i64>,
    amend_id: Option<String>,
    original_order_id: Option<String>,
    count: Option<u64>,
    orders_cancelled: Option<u64>,
    #[serde(rename = "currentTime")]
    current_time: Option<Stamp>,
    #[serde(rename = "triggerTime")]
    trigger_time: Option<Stamp>,
    success: Option<bool>,
    error: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    orders: Vec<Self>,
    #[serde(default, deserialize_with = "null_is_default")]
    warnings: Vec<String>,
}

/// What stands in for the text when a refusal has none.
pub(super) const NO_REASON: &str = "refused without a reason";

impl CallResult {
    /// A `result` that is a list of orders.
    pub fn list(orders: Vec<Self>) -> Self {
        Self { orders, ..Self::default() }
    }

    /// The result of `method`; `top_count` is a count that stood beside `result` instead of in it. `None` for a method without results.
    pub fn of(self, method: &Method, top_count: Option<u64>) -> Option<MethodResult> {
        let count = top_count.or(self.count).or(self.orders_cancelled);
        Some(match method {
            Method::AddOrder => {
                let (ids, warnings) = self.ids();
                MethodResult::Added { ids, warnings }
            }
            Method::AmendOrder => {
                let amend_id = self.amend_id.clone();
                let (ids, warnings) = self.ids();
                MethodResult::Amended { amend_id, ids, warnings }
            }
            Method::EditOrder => {
                let original_order_id = self.original_order_id.clone();
                let (ids, warnings) = self.ids();
                MethodResult::Edited { ids, original_order_id, warnings }
            }
            Method::CancelOrder => {
                let (ids, warnings) = self.ids();
                MethodResult::Cancelled { ids, warnings }
            }
            Method::BatchAdd => MethodResult::BatchAdded(Self::items(self.orders)),
            Method::BatchCancel => MethodResult::BatchCancelled { count },
            Method::CancelAll => MethodResult::AllCancelled { count },
            Method::CancelAllOrdersAfter => {
                MethodResult::CancelAfter { current_time: self.current_time, trigger_time: self.trigger_time }
            }
            Method::Ping | Method::Unknown(_) => return None,
        })
    }

    fn items(orders: Vec<Self>) -> Vec<BatchItem> {
        let item = |order: Self| {
            let refused = order.success == Some(false);
            let error = order.error.clone().or_else(|| refused.then(|| NO_REASON.to_owned()));
            let (ids, warnings) = order.ids();
            BatchItem { ids, error, warnings }
        };
        orders.into_iter().map(item).collect()
    }

    fn ids(self) -> (OrderIds, Vec<String>) {
        let ids = OrderIds { order_id: self.order_id, cl_ord_id: self.cl_ord_id, order_userref: self.order_userref };
        (ids, self.warnings)
    }
}
