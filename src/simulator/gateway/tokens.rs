//! Tokens that let a WebSocket act for an account.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::keys::Caller;
use crate::simulator::protocol::SimNs;

/// Seconds in which a token must be used first.
pub const TOKEN_SECONDS: i64 = 900;

#[derive(Debug, Clone)]
struct Token {
    caller: Caller,
    expires: SimNs,
    /// Private subscriptions that keep it alive.
    holders: u32,
}

/// All tokens that were given out and are still good.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    given: BTreeMap<String, Token>,
    issued: u64,
}

impl Tokens {
    /// A new token; its text depends on seed and number only.
    pub fn issue(&mut self, now: SimNs, seed: u64, caller: &Caller) -> String {
        self.given.retain(|_, t| t.holders > 0 || now < t.expires);
        self.issued = self.issued.saturating_add(1);
        let text = STANDARD_NO_PAD.encode(Sha256::digest(format!("token {} of seed {seed}", self.issued)));
        self.given.insert(
            text.clone(),
            Token { caller: caller.clone(), expires: now.plus_ms(TOKEN_SECONDS * 1_000), holders: 0 },
        );
        text
    }

    /// Whose token this is, while it is good.
    #[must_use]
    pub fn caller(&self, now: SimNs, text: &str) -> Option<&Caller> {
        self.given.get(text).filter(|t| t.holders > 0 || now < t.expires).map(|t| &t.caller)
    }

    /// A private subscription began to hold the token.
    pub fn hold(&mut self, text: &str) {
        if let Some(token) = self.given.get_mut(text) {
            token.holders = token.holders.saturating_add(1);
        }
    }

    /// A private subscription ended.
    pub fn release(&mut self, text: &str) {
        if let Some(token) = self.given.get_mut(text) {
            token.holders = token.holders.saturating_sub(1);
        }
    }

    /// Ends a token at once.
    pub fn revoke(&mut self, text: &str) {
        self.given.remove(text);
    }

    pub(super) fn fingerprint(&self) -> Value {
        let given: Vec<Value> =
            self.given.iter().map(|(k, t)| json!([k, t.caller.key, t.expires.0, t.holders])).collect();
        json!([given, self.issued])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_900_seconds_or_as_long_as_it_is_held() {
        let (mut tokens, caller) = (Tokens::default(), Caller { key: "K".into(), account: 1 });
        let (start, before, after) = (SimNs(0), SimNs(0).plus_ms(899_999), SimNs(0).plus_ms(900_000));
        let a = tokens.issue(start, 7, &caller);
        let b = tokens.issue(start, 7, &caller);
        assert_ne!(a, b);
        assert_eq!(a.len(), 43);
        tokens.hold(&b);
        assert!(tokens.caller(before, &a).is_some() && tokens.caller(after, &a).is_none());
        assert_eq!(tokens.caller(after, &b), Some(&caller));
        tokens.release(&b);
        assert!(tokens.caller(after, &b).is_none());
        let c = tokens.issue(after, 7, &caller);
        tokens.revoke(&c);
        assert!(tokens.caller(after, &c).is_none());
        assert_eq!(Tokens::default().issue(after, 7, &caller), a, "seed and number alone decide");
    }
}
