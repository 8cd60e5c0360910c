//! What the exchange knows of one WebSocket.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::api::Endpoint;
use super::limits::Leaky;
use crate::simulator::desk::{AccountKey, Channel};
use crate::simulator::protocol::{SimNs, Symbol, Topic};

/// One open socket.
#[derive(Debug, Clone)]
pub struct Session {
    pub endpoint: Endpoint,
    /// Above 2^53, as on Kraken: readers of doubles trip over it.
    pub connection_id: u64,
    pub last_in: SimNs,
    pub last_out: SimNs,
    pub subs: BTreeMap<SubKey, Sub>,
    pub rate: Leaky,
    /// Half-open: nothing comes in, nothing goes out.
    pub silent: bool,
    /// A heartbeat is due at some time.
    pub beating: bool,
    /// It is looked at some time whether it is idle.
    pub watched: bool,
    /// A frame that waits for the next one of its channel.
    pub held: Vec<(String, Arc<str>)>,
}

/// What a subscription is known by: one depth per book, several intervals per pair.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubKey {
    Public { channel: &'static str, symbol: Option<Symbol>, interval: u32 },
    Private(&'static str),
}

/// One subscription.
#[derive(Debug, Clone)]
pub enum Sub {
    Public(Topic),
    Private {
        account: AccountKey,
        token: String,
        /// Whether steps of orders between their start and end are told.
        steps: bool,
        /// Of the last frame.
        sequence: u64,
    },
}

/// A private channel's name on the wire.
#[must_use]
pub const fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Executions => "executions",
        Channel::Balances => "balances",
    }
}

impl SubKey {
    #[must_use]
    pub fn of(topic: &Topic) -> Self {
        let public =
            |channel, symbol: &Symbol, interval| Self::Public { channel, symbol: Some(symbol.clone()), interval };
        match topic {
            Topic::Ticker { symbol, .. } => public("ticker", symbol, 0),
            Topic::Book { symbol, .. } => public("book", symbol, 0),
            Topic::Trade { symbol } => public("trade", symbol, 0),
            Topic::Ohlc { symbol, interval } => public("ohlc", symbol, *interval),
            Topic::Instrument => Self::Public { channel: "instrument", symbol: None, interval: 0 },
        }
    }

    #[must_use]
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::Public { channel, .. } | Self::Private(channel) => channel,
        }
    }

    #[must_use]
    pub fn symbol(&self) -> Option<&Symbol> {
        match self {
            Self::Public { symbol, .. } => symbol.as_ref(),
            Self::Private(_) => None,
        }
    }
}

impl Session {
    #[must_use]
    pub fn new(endpoint: Endpoint, connection_id: u64, now: SimNs, rate: Leaky) -> Self {
        let subs = BTreeMap::new();
        let (silent, beating, watched, held) = (false, false, true, Vec::new());
        Self { endpoint, connection_id, last_in: now, last_out: now, subs, rate, silent, beating, watched, held }
    }

    pub(super) fn fingerprint(&self) -> Value {
        let subs: Vec<String> = self.subs.iter().map(|(k, s)| format!("{k:?} {s:?}")).collect();
        json!([self.connection_id, self.last_in.0, self.last_out.0, self.silent, subs, self.held])
    }
}
