//! Decimals from the raw token: REST writes texts (`"37500.0"`), WebSocket v2 writes JSON numbers, sometimes with an exponent (`1e-08`).
//! Neither passes through a float.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A decimal exactly as the exchange wrote it (the scale is kept: `1.50` stays `1.50`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Number(pub Decimal);

/// A token that is no decimal within 28 digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a decimal number")]
pub struct BadNumber(pub String);

/// Longest token that is looked at; every number of the exchange is far shorter.
const LONGEST: usize = 64;

impl Number {
    /// The float that is nearest to the decimal: what features and models read. NaN, which every check refuses, when there is none.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0.to_string().parse().unwrap_or(f64::NAN)
    }
}

impl FromStr for Number {
    type Err = BadNumber;

    fn from_str(text: &str) -> Result<Self, BadNumber> {
        let bad = || BadNumber(text.chars().take(LONGEST).collect());
        if text.len() > LONGEST {
            return Err(bad());
        }
        let value =
            if text.contains(['e', 'E']) { Decimal::from_scientific(text) } else { Decimal::from_str_exact(text) };
        value.map(Self).map_err(|_| bad())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let text = raw.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(raw);
        text.parse().map_err(D::Error::custom)
    }
}

/// As a JSON number without an exponent, the way WebSocket v2 wants it.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.normalize().to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_numbers_and_exponents_are_exact() {
        for (json, meant) in [
            ("\"37500.0\"", "37500.0"),
            ("0.00005", "0.00005"),
            ("1e-08", "0.00000001"),
            ("\"1E-8\"", "0.00000001"),
            ("-2", "-2"),
            ("49844.89424998", "49844.89424998"),
        ] {
            let read: Number = serde_json::from_str(json).expect(json);
            assert_eq!(read.to_string(), meant);
        }
        for bad in ["\"\"", "true", "null", "\"1,5\"", "\"NaN\"", "[1]", "1e-99"] {
            assert!(serde_json::from_str::<Number>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn it_is_sent_as_a_plain_number() {
        let sent = serde_json::to_string(&Number("1e-08".parse::<Number>().expect("a number").0)).expect("json");
        assert_eq!(sent, "0.00000001");
    }
}
