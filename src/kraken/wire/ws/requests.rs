//! Subscriptions and pings that go out.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

/// A subscription request; `req_id` names it in every answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscribe {
    /// `subscribe` or `unsubscribe`.
    pub method: &'static str,
    pub params: SubscribeParams,
    pub req_id: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
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

/// Asks for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Ping {
    method: &'static str,
    pub req_id: u64,
}

impl Ping {
    #[must_use]
    pub const fn new(req_id: u64) -> Self {
        Self { method: "ping", req_id }
    }
}

/// The token of GetWebSocketsToken. It opens the account: it shows itself only inside a request.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

/// A subscription that needs a token: `executions`, `balances`, `level3`.
#[derive(Debug, Clone, Serialize)]
pub struct PrivateSubscribe {
    /// `subscribe` or `unsubscribe`.
    pub method: &'static str,
    pub params: PrivateParams,
    pub req_id: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct PrivateParams {
    pub channel: &'static str,
    /// For `level3`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub symbol: Vec<String>,
    /// 10, 100 or 1000, for `level3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<bool>,
    /// Open orders first, for `executions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snap_orders: Option<bool>,
    /// The last fifty fills first, for `executions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snap_trades: Option<bool>,
    /// Changes of an order's state besides fills, for `executions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_status: Option<bool>,
    /// The engine's counter with every change, for `executions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratecounter: Option<bool>,
    pub token: Token,
}

impl PrivateParams {
    /// Parameters with the exchange's own defaults.
    #[must_use]
    pub const fn new(channel: &'static str, token: Token) -> Self {
        Self {
            channel,
            symbol: Vec::new(),
            depth: None,
            snapshot: None,
            snap_orders: None,
            snap_trades: None,
            order_status: None,
            ratecounter: None,
            token,
        }
    }
}
