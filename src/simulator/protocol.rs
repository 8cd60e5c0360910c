//! Words that the parts of the stand-in share.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::Value;

/// Pair in the form of WebSocket v2: `BTC/USD`.
pub type Symbol = Arc<str>;

/// A result as Kraken would put it in `result`, or the texts of its `error` list.
pub type Answer = Result<Value, Vec<String>>;

/// Simulated nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimNs(pub i64);

/// Side of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Buy,
    Sell,
}

/// A trade between others, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapeTrade {
    pub symbol: Symbol,
    /// Rises by one per pair.
    pub id: u64,
    pub at: SimNs,
    pub price: Decimal,
    pub qty: Decimal,
    /// Side of the taker.
    pub taker: Side,
    /// Whether the taker's order was a market order.
    pub market: bool,
}

/// Parameters of a call: form fields, query fields or a JSON object, read the same way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Params(pub BTreeMap<String, Value>);

/// One feed of public data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Ticker { symbol: Symbol, bbo: bool },
    Book { symbol: Symbol, depth: u32 },
    Trade { symbol: Symbol },
    Ohlc { symbol: Symbol, interval: u32 },
    Instrument,
}

impl Side {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }

    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

impl SimNs {
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000_000)))
    }

    /// Whole seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }
}

impl Params {
    /// A field as text: texts as they are, numbers and booleans as written.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        match self.0.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    /// `true`, `True`, `TRUE`, `1` and JSON `true` are true; everything else is not.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        self.text(key).is_some_and(|t| t.eq_ignore_ascii_case("true") || t == "1")
    }

    /// A field as a decimal; `Some(Err)` holds the text that is none.
    #[must_use]
    pub fn decimal(&self, key: &str) -> Option<Result<Decimal, String>> {
        let text = self.text(key)?;
        let value = if text.contains(['e', 'E']) { Decimal::from_scientific(&text) } else { text.parse() };
        Some(value.map_err(|_| text))
    }

    /// A field as a list of texts: a JSON array, or a text separated by commas.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<String> {
        match self.0.get(key) {
            Some(Value::Array(items)) => {
                items.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect()
            }
            Some(Value::String(text)) => {
                text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
            }
            Some(Value::Null) | None => Vec::new(),
            Some(other) => vec![other.to_string()],
        }
    }
}
