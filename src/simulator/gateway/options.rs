//! How strict the exchange is and who may enter.

use serde::{Deserialize, Serialize};

use super::keys::ClientKey;

/// Settings of the gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangeOptions {
    /// Decides tokens, faults' chances and ids.
    pub seed: u64,
    pub keys: Vec<ClientKey>,
    /// Enforces call counters, public pacing and the rate of messages. Off, only signatures, nonces and sizes are checked.
    pub strict: bool,
    /// Bad keys, signatures or nonces in five minutes that lock a key for fifteen.
    pub lockout_after: u32,
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
            strict: true,
            lockout_after: 20,
            connects_per_ten_minutes: 150,
            messages: (60, 30),
            public_burst: 2,
        }
    }
}
