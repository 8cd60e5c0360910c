//! The exchange's error texts: `<severity><Category>:<message>[:<extra>]`.

use std::fmt;

use super::{LOCKOUT_MINUTES, LimitScope, Remedy};
use crate::kraken::wire::open_enum::open_enum;
use crate::kraken::wire::ws::PairStatus;

/// Whether the call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    /// The call succeeded.
    Warning,
}

open_enum! {
    /// Part of the exchange that speaks.
    pub enum Category {
        General = "General", Api = "API", Query = "Query", Order = "Order", Trade = "Trade", Funding = "Funding", Service = "Service",
        Session = "Session", Auth = "Auth", Account = "Account", Database = "Database", Bm = "BM",
        /// A text without the usual form, as the WebSocket writes some.
        Plain = "",
    }
}

/// One text of an answer's `error` list, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    pub severity: Severity,
    pub category: Category,
    pub message: String,
    /// What follows the second colon.
    pub extra: Option<String>,
}

impl ApiError {
    /// Takes a text apart; parts are trimmed. A text of another form becomes an error of category [`Category::Plain`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let coded = text.split_once(':').and_then(|(head, rest)| {
            let head = head.trim();
            let severity = match head.chars().next()? {
                'E' => Severity::Error,
                'W' => Severity::Warning,
                _ => return None,
            };
            let category = head.get(1..)?;
            let named = category.starts_with(|c: char| c.is_ascii_uppercase());
            (named && category.chars().all(|c| c.is_ascii_alphanumeric())).then_some((severity, category, rest))
        });
        let Some((severity, category, rest)) = coded else {
            let (severity, category) = (Severity::Error, Category::Plain);
            return Self { severity, category, message: text.to_owned(), extra: None };
        };
        let (message, extra) = rest.split_once(':').map_or((rest, None), |(m, x)| (m, Some(x.trim())));
        let extra = extra.filter(|x| !x.is_empty()).map(str::to_owned);
        Self { severity, category: Category::from(category), message: message.trim().to_owned(), extra }
    }

    /// What to do about it (`is_order`: the call could have changed orders).
    #[must_use]
    pub fn remedy(&self, is_order: bool) -> Remedy {
        let message = self.message.to_ascii_lowercase();
        let known = match self.category {
            Category::Service => self.of_service(&message, is_order),
            Category::General => of_general(&message, is_order),
            Category::Api => of_api(&message),
            Category::Auth | Category::Account => of_account(&message),
            Category::Database => (message == "internal error").then(|| unsure(is_order)),
            Category::Session => (message == "invalid session").then_some(Remedy::NewSession),
            Category::Funding => Some(Remedy::OurMistake),
            Category::Order => of_order(&message),
            Category::Query => {
                matches!(message.as_str(), "unknown asset pair" | "invalid asset pair" | "unknown asset")
                    .then_some(Remedy::ReadSymbols)
            }
            Category::Trade => matches!(message.as_str(), "invalid request" | "user locked").then_some(Remedy::Final),
            Category::Bm => (message == "limit exceeded").then_some(Remedy::Final),
            // the WebSocket's answer to too many messages
            Category::Plain => message
                .starts_with("exceeded msg rate")
                .then_some(Remedy::Wait { scope: LimitScope::Calls, until: None }),
            Category::Unknown(_) => None,
        };
        known.unwrap_or(if is_order { Remedy::UnknownOutcome } else { Remedy::Final })
    }

    fn of_service(&self, message: &str, is_order: bool) -> Option<Remedy> {
        if let Some(mode) = message.strip_prefix("market in ").and_then(|m| m.strip_suffix(" mode")) {
            return Some(Remedy::PairMode(PairStatus::from(mode)));
        }
        match message {
            "unavailable" | "busy" => Some(unsure(is_order)),
            "deadline elapsed" => Some(if is_order { Remedy::ReconcileOnce } else { Remedy::Retry }),
            "throttled" => {
                let until = self.extra.as_deref().and_then(|x| x.parse().ok()).filter(|s: &i64| *s > 0);
                Some(Remedy::Wait { scope: LimitScope::Calls, until })
            }
            _ => None,
        }
    }
}

/// The server failed in the middle: a read may be asked again, an order may exist.
const fn unsure(is_order: bool) -> Remedy {
    if is_order { Remedy::UnknownOutcome } else { Remedy::Retry }
}

const WAIT: Remedy = Remedy::Wait { scope: LimitScope::Calls, until: None };
const LOCKOUT: Remedy = Remedy::Halt { minutes: Some(LOCKOUT_MINUTES) };
const MEND: Remedy = Remedy::Halt { minutes: None };

fn of_general(message: &str, is_order: bool) -> Option<Remedy> {
    match message {
        "internal error" => Some(unsure(is_order)),
        "too many requests" => Some(WAIT),
        "temporary lockout" => Some(LOCKOUT),
        "permission denied" => Some(MEND),
        "invalid arguments" | "unknown method" => Some(Remedy::OurMistake),
        _ => None,
    }
}

fn of_api(message: &str) -> Option<Remedy> {
    match message {
        "rate limit exceeded" => Some(WAIT),
        "invalid nonce" => Some(Remedy::FreshNonceOnce),
        "invalid key" | "invalid signature" | "bad request" => Some(MEND),
        _ => None,
    }
}

fn of_account(message: &str) -> Option<Remedy> {
    match message {
        "rate limit exceeded" | "too many requests" => Some(WAIT),
        "account temporary disabled" => Some(LOCKOUT),
        "failed" | "account unconfirmed" | "invalid permissions" => Some(MEND),
        _ => None,
    }
}

fn of_order(message: &str) -> Option<Remedy> {
    let refused_for_margin =
        ["cannot open position", "cannot open opposing position", "margin ", "insufficient margin"];
    match message {
        "rate limit exceeded" | "domain rate limit exceeded" => {
            Some(Remedy::Wait { scope: LimitScope::Pair, until: None })
        }
        "orders limit exceeded" | "scheduled orders limit exceeded" | "positions limit exceeded" => {
            Some(Remedy::TooManyOpen)
        }
        "insufficient funds" => Some(Remedy::ReadBalances),
        "order minimum not met"
        | "cost minimum not met"
        | "tick size check failed"
        | "invalid price"
        | "invalid order" => Some(Remedy::ReadPairRules),
        "post only order" => Some(Remedy::Requote),
        "unknown order" => Some(Remedy::OrderGone),
        "reduce only" | "unknown position" => Some(Remedy::Final),
        other if refused_for_margin.iter().any(|m| other.starts_with(m)) => Some(Remedy::Final),
        _ => None,
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.category, self.severity) {
            (Category::Plain, _) => {}
            (category, Severity::Error) => write!(f, "E{category}:")?,
            (category, Severity::Warning) => write!(f, "W{category}:")?,
        }
        f.write_str(&super::excerpt(&self.message))?;
        self.extra.as_ref().map_or(Ok(()), |extra| write!(f, ":{}", super::excerpt(extra)))
    }
}
