//! API keys: what they may do, whether a call is signed by them, and in which order their nonces come.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use super::api::RestCall;
use super::limits::{Failures, Leaky, Tier};
use crate::simulator::protocol::{Params, SimNs};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    QueryFunds,
    WithdrawFunds,
    QueryOpenTrades,
    QueryClosedTrades,
    ModifyTrades,
    CloseTrades,
    QueryLedger,
    ExportData,
    CreateWsToken,
}

impl Permission {
    /// Everything a trading program needs, and nothing that moves money out.
    pub const TRADING: [Self; 7] = [
        Self::QueryFunds,
        Self::QueryOpenTrades,
        Self::QueryClosedTrades,
        Self::ModifyTrades,
        Self::CloseTrades,
        Self::QueryLedger,
        Self::CreateWsToken,
    ];
}

/// One key of the stand-in. Its secret is public: it opens nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientKey {
    /// Name on the key page.
    pub name: String,
    pub key: String,
    /// Base64.
    pub secret: String,
    /// Keys of one account share orders and funds.
    pub account: u32,
    pub permissions: BTreeSet<Permission>,
    /// The password that the key's own second factor expects.
    #[serde(default)]
    pub otp: Option<String>,
    /// How far a nonce may lie behind the highest one seen.
    #[serde(default)]
    pub nonce_window: u64,
}

/// Secret of Kraken's published signature example.
const PUBLISHED_SECRET: &str =
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";

impl ClientKey {
    /// A key with every permission for trading, its secret derived from its name.
    #[must_use]
    pub fn trading(name: &str, account: u32) -> Self {
        Self {
            name: name.to_owned(),
            key: format!("STANDIN-{}", name.to_uppercase()),
            secret: STANDARD.encode(Sha512::digest(format!("stand-in secret of {name}"))),
            account,
            permissions: Permission::TRADING.into(),
            otp: None,
            nonce_window: 0,
        }
    }

    /// The keys that the stand-in has unless told otherwise: one for each client, each with an account of its own, and one each with a
    /// nonce window, a second factor, a withdrawal permission and no right to trade.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let own = Self { secret: PUBLISHED_SECRET.to_owned(), ..Self::trading("own", 1) };
        let reading = [Permission::QueryFunds, Permission::QueryOpenTrades, Permission::QueryClosedTrades];
        vec![
            own,
            Self::trading("ccxt", 2),
            Self::trading("cli", 3),
            Self { permissions: reading.into(), ..Self::trading("reader", 1) },
            Self { nonce_window: 10_000_000_000, ..Self::trading("window", 4) },
            Self { otp: Some("123456".to_owned()), ..Self::trading("otp", 4) },
            Self {
                permissions: Permission::TRADING.into_iter().chain([Permission::WithdrawFunds]).collect(),
                ..Self::trading("withdraw", 4)
            },
        ]
    }
}

#[derive(Debug, Clone)]
struct KeyState {
    config: ClientKey,
    secret: Vec<u8>,
    highest: u64,
    /// Nonces within the window below `highest`.
    recent: BTreeSet<u64>,
    failures: Failures,
    counter: Leaky,
    last_used: SimNs,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub key: String,
    pub account: u32,
}

/// All keys and what was seen of them.
#[derive(Debug, Clone)]
pub struct Keyring {
    keys: BTreeMap<String, KeyState>,
    /// Calls with keys that do not exist: counted together, their texts are kept nowhere.
    strangers: Failures,
    lockout_after: u32,
}

impl Keyring {
    /// # Errors
    /// The name of a key whose secret is not base64.
    pub fn new(keys: &[ClientKey], lockout_after: u32, tier: impl Fn(u32) -> Tier) -> Result<Self, String> {
        let state = |config: &ClientKey| {
            let secret = STANDARD
                .decode(&config.secret)
                .map_err(|_| format!("the secret of key '{}' is not base64", config.name))?;
            let (highest, recent, failures) = (0, BTreeSet::new(), Failures::default());
            let counter = tier(config.account).rest_counter();
            Ok((
                config.key.clone(),
                KeyState { config: config.clone(), secret, highest, recent, failures, counter, last_used: SimNs(0) },
            ))
        };
        let keys = keys.iter().map(state).collect::<Result<_, String>>()?;
        Ok(Self { keys, strangers: Failures::default(), lockout_after })
    }

    /// Key, signature, nonce and second factor of a private call, in this order.
    ///
    /// # Errors
    /// The text of the `error` list.
    pub fn authenticate(&mut self, now: SimNs, call: &RestCall, params: &Params) -> Result<Caller, String> {
        let limit = self.lockout_after;
        let Some(state) = call.api_key.as_ref().and_then(|key| self.keys.get_mut(key)) else {
            if self.strangers.locked(now) {
                return Err("EGeneral:Temporary lockout".to_owned());
            }
            self.strangers.count(now, limit);
            return Err("EAPI:Invalid key".to_owned());
        };
        if state.failures.locked(now) {
            return Err("EGeneral:Temporary lockout".to_owned());
        }
        let checked = state.check(call, params);
        if checked.is_err() {
            state.failures.count(now, limit);
        }
        checked?;
        state.last_used = now;
        Ok(Caller { key: state.config.key.clone(), account: state.config.account })
    }

    /// Raises the call counter of a key.
    pub fn charge(&mut self, now: SimNs, key: &str, cost: u32) -> bool {
        self.keys.get_mut(key).is_none_or(|state| state.counter.take(now, cost))
    }

    /// Whether a key has one of the permissions (all keys have none of an empty list).
    #[must_use]
    pub fn allows(&self, key: &str, any_of: &[Permission]) -> bool {
        any_of.is_empty() || self.keys.get(key).is_some_and(|s| any_of.iter().any(|p| s.config.permissions.contains(p)))
    }

    /// Answer of `GetApiKeyInfo`. Both spellings of the names are in use; this one is of the answers seen on the wire.
    #[must_use]
    pub fn info(&self, key: &str) -> Option<Value> {
        let state = self.keys.get(key)?;
        let config = &state.config;
        Some(json!({
            "api_key_name": config.name, "api_key": config.key, "nonce": state.highest.to_string(),
            "nonce_window": config.nonce_window.to_string(), "permissions": config.permissions, "iban": "", "valid_until": "0",
            "query_from": "0", "query_to": "0", "created_time": "0", "modified_time": "0", "ip_allowlist": [],
            "last_used": state.last_used.seconds().to_string(),
        }))
    }

    /// Name of a key for people and logs; the text of an unknown key is never repeated.
    #[must_use]
    pub fn name(&self, key: Option<&str>) -> String {
        key.map_or_else(String::new, |k| {
            self.keys.get(k).map_or_else(|| "unknown key".to_owned(), |s| s.config.name.clone())
        })
    }

    /// Everything that decides future answers, for the digest.
    pub(super) fn fingerprint(&mut self, now: SimNs) -> Value {
        let keys: Vec<Value> = self
            .keys
            .values_mut()
            .map(|s| {
                json!([s.config.key, s.highest, s.recent, s.counter.level(now), s.failures.locked(now), s.last_used.0])
            })
            .collect();
        json!([keys, self.strangers.locked(now)])
    }
}

impl KeyState {
    fn check(&mut self, call: &RestCall, params: &Params) -> Result<(), String> {
        let nonce_text = params.text("nonce").unwrap_or_default();
        let signature = call.api_sign.as_deref().and_then(|s| STANDARD.decode(s).ok()).unwrap_or_default();
        if !signed(&self.secret, &call.path, &nonce_text, &call.body, &signature) {
            return Err("EAPI:Invalid signature".to_owned());
        }
        let nonce: u64 = nonce_text.parse().map_err(|_| "EAPI:Invalid nonce".to_owned())?;
        if !self.accept_nonce(nonce) {
            return Err("EAPI:Invalid nonce".to_owned());
        }
        if self.config.otp.is_some() && params.text("otp") != self.config.otp {
            return Err("EAuth:Failed".to_owned());
        }
        Ok(())
    }

    fn accept_nonce(&mut self, nonce: u64) -> bool {
        let floor = self.highest.saturating_sub(self.config.nonce_window);
        let fresh = nonce > self.highest || (nonce > floor && !self.recent.contains(&nonce));
        if fresh && self.config.nonce_window > 0 {
            self.recent.insert(nonce);
        }
        if fresh {
            self.highest = self.highest.max(nonce);
            self.recent = self.recent.split_off(&self.highest.saturating_sub(self.config.nonce_window));
        }
        fresh
    }
}

/// Whether `signature` is HMAC-SHA512 of path and SHA-256 of nonce and body.
fn signed(secret: &[u8], path: &str, nonce: &str, body: &[u8], signature: &[u8]) -> bool {
    let digest = Sha256::new().chain_update(nonce.as_bytes()).chain_update(body).finalize();
    Hmac::<Sha512>::new_from_slice(secret)
        .is_ok_and(|mac| mac.chain_update(path.as_bytes()).chain_update(digest).verify_slice(signature).is_ok())
}

#[cfg(test)]
mod tests;
