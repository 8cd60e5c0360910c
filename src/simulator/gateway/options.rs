//! How strict the exchange is and who may enter.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};

use super::keys::ClientKey;
use super::limits::Tier;

/// Settings of the gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangeOptions {
    /// Decides tokens, faults' chances and ids.
    pub seed: u64,
    pub keys: Vec<ClientKey>,
    pub accounts: Vec<AccountPlan>,
    /// Enforces call counters, public pacing and the rate of messages. Off, only signatures, nonces and sizes are checked.
    pub strict: bool,
    /// Bad keys, signatures or nonces in five minutes that lock a key for fifteen.
    pub lockout_after: u32,
    /// Silence after which a heartbeat is sent, in simulated ms.
    pub heartbeat_ms: i64,
    /// WebSocket connects in ten minutes.
    pub connects_per_ten_minutes: usize,
    /// Messages that one socket may send at once, and per second in the long run.
    pub messages: (u32, u32),
    /// Public calls of one kind and pair: at once; one per second in the long run.
    pub public_burst: u32,
}

impl Default for ExchangeOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            keys: ClientKey::usual(),
            accounts: (1..=4).map(AccountPlan::usual).collect(),
            strict: true,
            lockout_after: 20,
            heartbeat_ms: 1_000,
            connects_per_ten_minutes: 150,
            messages: (60, 30),
            public_burst: 2,
        }
    }
}

/// An account and what it begins with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountPlan {
    pub account: u32,
    pub tier: Tier,
    /// By any name of the asset.
    pub balances: BTreeMap<String, Decimal>,
}

impl AccountPlan {
    /// Enough to try everything with.
    #[must_use]
    pub fn usual(account: u32) -> Self {
        let balances = [("USD", dec!(100_000)), ("EUR", dec!(50_000)), ("BTC", dec!(5)), ("ETH", dec!(100))];
        let balances = balances.into_iter().map(|(name, amount)| (name.to_owned(), amount)).collect();
        Self { account, tier: Tier::Intermediate, balances }
    }
}
