//! What can go wrong between us and a language model server.

use std::path::PathBuf;

use async_openai::error::OpenAIError;
use serde_json::Value;

use crate::domain::ErrorClass;
use crate::signals::lexicon::clean;

/// Longest piece of a server's own words in an error.
const MAX_WORDS: usize = 200;

/// Why scoring could not start or had to stop. No variant carries the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LanguageModelError {
    #[error("language model: '{key}' is '{value}'; it must be {rule}")]
    Setting { key: &'static str, value: String, rule: &'static str },
    #[error(
        "language model: the API key holds characters that no header can carry; set it again, without blanks and line breaks"
    )]
    KeyText,
    #[error(
        "language model: the server refused the key (HTTP {0}); check the key. News is scored by the lexicon until then"
    )]
    Unauthorised(u16),
    #[error("language model: the account has no quota left ({0}); waiting does not help, add credit or remove the key")]
    Quota(String),
    #[error("language model: too many requests; try again later")]
    RateLimited,
    #[error(
        "language model: the server refused the request (HTTP {status}: {words}); check the model's name and the address"
    )]
    Refused { status: u16, words: String },
    #[error("language model: the server failed (HTTP {0})")]
    Server(u16),
    #[error("language model: no answer within {0} ms")]
    Timeout(u64),
    #[error("language model: the server cannot be reached ({0}); check the address and the network")]
    Unreachable(String),
    #[error("language model: the answer was not in the form of the chat completions API; check the address")]
    Unreadable,
    #[error("language model: the token budget is used up ({used} of {limit} today); the lexicon scores the rest")]
    Budget { used: u64, limit: u64 },
    #[error("language model: the store '{path}' cannot be used: {why}; repair or delete it")]
    Store { path: PathBuf, why: String },
}

impl LanguageModelError {
    /// Class that picks the recovery. All but a broken store and wrong settings end in "go on with the lexicon".
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Setting { .. } | Self::KeyText | Self::Store { .. } => ErrorClass::System,
            Self::Budget { .. } | Self::Unreadable => ErrorClass::Data,
            Self::Unauthorised(_)
            | Self::Quota(_)
            | Self::RateLimited
            | Self::Refused { .. }
            | Self::Server(_)
            | Self::Timeout(_)
            | Self::Unreachable(_) => ErrorClass::Network,
        }
    }

    /// Whether the next text may fare better. A wrong key, an empty account, a full minute or a broken store do not heal by asking again.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Server(_) | Self::Timeout(_) | Self::Unreachable(_) | Self::Unreadable)
    }

    /// Whether the server surely billed nothing.
    #[must_use]
    pub(super) const fn is_free(&self) -> bool {
        matches!(
            self,
            Self::Unauthorised(_) | Self::Quota(_) | Self::RateLimited | Self::Refused { .. } | Self::Unreachable(_)
        )
    }

    /// Reads the transport's error. `secret` is taken out of the server's words.
    pub(super) fn from_transport(error: OpenAIError, timeout_ms: u64, secret: &str) -> Self {
        match error {
            OpenAIError::Reqwest(e) if e.is_timeout() => Self::Timeout(timeout_ms),
            OpenAIError::Reqwest(e) if e.is_connect() => Self::Unreachable(words(&root_cause(&e), secret)),
            OpenAIError::ApiError(e) => {
                let names = [e.api_error.code.unwrap_or_default(), e.api_error.r#type.unwrap_or_default()];
                Self::from_status(e.status_code.as_u16(), &names, &e.api_error.message, secret)
            }
            OpenAIError::JSONDeserialize(_, body) => Self::from_odd_body(&body, secret),
            // anything else broke off in the middle: it may have been billed
            _ => Self::Unreadable,
        }
    }

    /// `names` are the error's code and type.
    fn from_status(status: u16, names: &[String; 2], message: &str, secret: &str) -> Self {
        let spent = names.iter().find(|name| ["quota", "spend", "billing"].iter().any(|w| name.contains(w)));
        match (status, spent) {
            (402 | 403 | 429, Some(name)) => Self::Quota(words(name, secret)),
            (401 | 403, _) => Self::Unauthorised(status),
            (429, _) => Self::RateLimited,
            (500.., _) => Self::Server(status),
            _ => Self::Refused { status, words: words(message, secret) },
        }
    }

    /// Some servers give the error's code as a number, which the client does not read.
    fn from_odd_body(body: &str, secret: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let status = value.pointer("/error/code").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        match status {
            Some(status @ 400..600) => {
                let names = [String::new(), text("/error/type").to_owned()];
                Self::from_status(status, &names, text("/error/message"), secret)
            }
            _ => Self::Unreadable,
        }
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A server's words, cleaned, short and without the secret.
fn words(text: &str, secret: &str) -> String {
    let open = if secret.is_empty() { text.to_owned() } else { text.replace(secret, "***") };
    clean(&open).chars().take(MAX_WORDS).collect()
}
