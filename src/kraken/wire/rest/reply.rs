//! Answers to order entry. An acknowledgement says accepted, never filled.

use serde::Deserialize;

use super::text::{one_or_many, unset_or_text};
use crate::kraken::wire::{Number, Stamp};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AddOrderReply {
    pub descr: Texts,
    /// Empty when only validated.
    #[serde(default, deserialize_with = "one_or_many")]
    pub txid: Vec<String>,
}

/// For people.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Texts {
    #[serde(default)]
    pub order: String,
    #[serde(default, deserialize_with = "unset_or_text")]
    pub close: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AddOrderBatchReply {
    /// In the order of the request.
    pub orders: Vec<BatchItem>,
}

/// One order of a batch: accepted (`txid`) or refused (`error`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BatchItem {
    #[serde(default, deserialize_with = "one_or_many")]
    pub txid: Vec<String>,
    #[serde(default)]
    pub descr: Option<Texts>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub error: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AmendOrderReply {
    pub amend_id: String,
}

/// Answer to the call that replaces an order; read only, it is never sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EditOrderReply {
    pub txid: String,
    #[serde(default)]
    pub originaltxid: Option<String>,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub volume: Option<Number>,
    #[serde(default)]
    pub price: Option<Number>,
    #[serde(default)]
    pub orders_cancelled: Option<u64>,
    pub descr: Texts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct CancelReply {
    pub count: u64,
    /// The cancel is on its way, not done.
    #[serde(default)]
    pub pending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct CancelAllOrdersAfterReply {
    #[serde(rename = "currentTime")]
    pub current_time: Stamp,
    /// 1970 when switched off.
    #[serde(rename = "triggerTime")]
    pub trigger_time: Stamp,
}
