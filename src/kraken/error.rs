//! What can go wrong between us and the exchange, and what each error asks for.

mod api;
#[cfg(test)]
mod tests;

pub use api::{ApiError, Category, Severity};

use crate::domain::ErrorClass;
use crate::kraken::wire::ws::PairStatus;

/// Longest piece of a foreign answer that an error repeats.
const EXCERPT: usize = 160;

/// Minutes without a call after a lockout: trying may prolong it.
pub const LOCKOUT_MINUTES: u32 = 15;

/// Why a call gave no answer. No variant holds a key, a secret or a signed body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KrakenError {
    /// The exchange's own words; at least one.
    #[error("the exchange refused {call}: {}", list(.errors))]
    Api { call: &'static str, errors: Vec<ApiError> },
    #[error("{call}: no connection to the exchange ({why}); nothing was sent. Check the network and the address")]
    NotSent { call: &'static str, why: String },
    #[error("{call}: no answer within {ms} ms")]
    Timeout { call: &'static str, ms: u64 },
    #[error("{call}: the connection broke before the answer was complete ({why})")]
    Broken { call: &'static str, why: String },
    /// Another status than 200, or a page for people: the proxy in front of the exchange speaks.
    #[error("{call}: the gateway answered with HTTP {status}{}: {excerpt}", if *.html { " and a web page" } else { "" })]
    Gateway { call: &'static str, status: u16, html: bool, excerpt: String },
    #[error("{call}: the answer is empty (HTTP {status})")]
    Empty { call: &'static str, status: u16 },
    #[error("{call}: the answer is not JSON ({why}): {excerpt}")]
    NotJson { call: &'static str, why: String, excerpt: String },
    /// JSON, but other than documented.
    #[error("{call}: the answer has an unexpected form ({why})")]
    Shape { call: &'static str, why: String },
    #[error("{call}: the answer is larger than {limit} bytes; it was not read")]
    TooLarge { call: &'static str, limit: usize },
    #[error("{call}: {why}")]
    Request { call: &'static str, why: String },
    #[error("'{key}' is '{value}'; it must be {rule}")]
    Setting { key: &'static str, value: String, rule: &'static str },
    #[error("{0}")]
    Key(String),
    #[error("{0}")]
    Nonce(#[from] crate::kraken::nonce::NonceError),
    /// Private calls rest after a [`Remedy::Halt`].
    #[error("private calls are halted: {why}")]
    Halted { why: String },
}

fn list(errors: &[ApiError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The first characters of a foreign text, on one line.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut out: String =
        text.split_whitespace().flat_map(|word| word.chars().chain([' '])).take(EXCERPT + 1).collect();
    if out.chars().count() > EXCERPT {
        out.pop();
        out.push('…');
    }
    out.trim_end().to_owned()
}

/// What rate limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitScope {
    /// All calls of the key or address.
    Calls,
    /// Orders of one pair.
    Pair,
}

/// What an error asks for. Later variants win when one answer carries several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Show it; the same again would fail again.
    Final,
    /// Too many orders or positions are open: final until some are gone.
    TooManyOpen,
    /// The request is wrong: our mistake. Log it without secrets.
    OurMistake,
    /// The order would have crossed the book: final; make a new price.
    Requote,
    /// Refused for funds: final; read the balances first, holds lag behind.
    ReadBalances,
    /// Refused for precision or size: final; read AssetPairs, never round and resend.
    ReadPairRules,
    /// The pair or asset is unknown: final; read the symbol map again.
    ReadSymbols,
    /// Final for this order, and the pair's state is known now.
    PairMode(PairStatus),
    /// The order to cancel or amend is gone: ask QueryOrders, it may have filled.
    OrderGone,
    /// Fetch a new WebSocket token once and subscribe again.
    NewSession,
    /// Not executed: repeat with backoff.
    Retry,
    /// Not executed: repeat once with a fresh nonce.
    FreshNonceOnce,
    /// The engine refused for the deadline: reconcile once, then repeat with new prices.
    ReconcileOnce,
    /// Wait: until the Unix second given, else by the limits' own clock.
    Wait { scope: LimitScope, until: Option<i64> },
    /// An order that may or may not have been executed: reconcile, never repeat.
    UnknownOutcome,
    /// No private call for so many minutes; `None`: until a person has mended key or account.
    Halt { minutes: Option<u32> },
}

impl Remedy {
    const fn rank(&self) -> u8 {
        match self {
            Self::Final => 0,
            Self::TooManyOpen => 1,
            Self::OurMistake => 2,
            Self::Requote => 3,
            Self::ReadBalances => 4,
            Self::ReadPairRules => 5,
            Self::ReadSymbols => 6,
            Self::PairMode(_) => 7,
            Self::OrderGone => 8,
            Self::NewSession => 9,
            Self::Retry => 10,
            Self::FreshNonceOnce => 11,
            Self::ReconcileOnce => 12,
            Self::Wait { .. } => 13,
            Self::UnknownOutcome => 14,
            Self::Halt { .. } => 15,
        }
    }

    /// Whether a read that met this may be asked again by itself.
    #[must_use]
    pub const fn repeats_read(&self) -> bool {
        matches!(self, Self::Retry | Self::Wait { scope: LimitScope::Calls, .. })
    }

    /// Whether a cancel that met this may be sent again by itself: cancels are harmless to repeat unless calls are halted.
    #[must_use]
    pub const fn repeats_cancel(&self) -> bool {
        !matches!(self, Self::Halt { .. })
    }
}

impl KrakenError {
    /// What to do. `is_order`: the call could have changed orders; a read never leaves an unknown outcome.
    #[must_use]
    pub fn remedy(&self, is_order: bool) -> Remedy {
        match self {
            Self::Api { errors, .. } => {
                errors.iter().map(|e| e.remedy(is_order)).max_by_key(Remedy::rank).unwrap_or(Remedy::Final)
            }
            Self::NotSent { .. } => Remedy::Retry,
            Self::Timeout { .. }
            | Self::Broken { .. }
            | Self::Gateway { .. }
            | Self::Empty { .. }
            | Self::NotJson { .. } => {
                if is_order {
                    Remedy::UnknownOutcome
                } else {
                    Remedy::Retry
                }
            }
            // the answer came, we cannot read it: asking again gives the same
            Self::Shape { .. } | Self::TooLarge { .. } => {
                if is_order {
                    Remedy::UnknownOutcome
                } else {
                    Remedy::Final
                }
            }
            Self::Request { .. } => Remedy::OurMistake,
            Self::Setting { .. } | Self::Key(_) | Self::Nonce(_) | Self::Halted { .. } => {
                Remedy::Halt { minutes: None }
            }
        }
    }

    /// Class that picks the recovery.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Api { .. } if matches!(self.remedy(false), Remedy::Halt { .. }) => ErrorClass::System,
            Self::Api { .. }
            | Self::NotSent { .. }
            | Self::Timeout { .. }
            | Self::Broken { .. }
            | Self::Gateway { .. } => ErrorClass::Network,
            Self::Empty { .. } | Self::NotJson { .. } | Self::Shape { .. } | Self::TooLarge { .. } => ErrorClass::Data,
            Self::Request { .. } | Self::Setting { .. } | Self::Key(_) | Self::Nonce(_) | Self::Halted { .. } => {
                ErrorClass::System
            }
        }
    }
}
