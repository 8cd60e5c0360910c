//! Instants of the exchange, to the nanosecond: RFC 3339 texts on the WebSocket, seconds as decimals in REST, nanoseconds as cursors.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::time::UtcMs;

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Stamp(pub i64);

impl Stamp {
    #[must_use]
    pub const fn from_ms(at: UtcMs) -> Self {
        Self(at.0.saturating_mul(1_000_000))
    }

    /// The millisecond that holds this instant.
    #[must_use]
    pub const fn ms(self) -> UtcMs {
        UtcMs(self.0.div_euclid(1_000_000))
    }

    /// Reads an RFC 3339 text or a number of seconds with decimals (`1616663618.1234`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('T') {
            let at = text.parse::<jiff::Timestamp>().ok()?;
            return i64::try_from(at.as_nanosecond()).ok().map(Self);
        }
        let seconds: Decimal = text.parse::<super::Number>().ok()?.0;
        seconds.checked_mul(Decimal::from(1_000_000_000))?.trunc().to_i64().map(Self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let text = raw.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(raw);
        Self::parse(text).ok_or_else(|| D::Error::custom(format!("'{text}' is not an instant")))
    }
}

/// As RFC 3339 with microseconds.
impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(at) => write!(f, "{at:.6}"),
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_mean_the_same_instant() {
        let ws: Stamp = serde_json::from_str("\"2026-05-01T10:00:00.123456Z\"").expect("rfc 3339");
        let rest: Stamp = serde_json::from_str("1777629600.123456").expect("seconds");
        assert_eq!(ws, rest);
        assert_eq!(ws.to_string(), "2026-05-01T10:00:00.123456Z");
        assert_eq!(Stamp::parse("1777629600"), Some(Stamp(1_777_629_600_000_000_000)));
        assert_eq!(Stamp(-1).ms(), UtcMs(-1));
        assert!(Stamp::parse("soon").is_none() && Stamp::parse("1e40").is_none());
    }
}
