//! What is traded, where, and on which bar length.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::time::MINUTE_MS;

/// A tradable pair in the form `BASE/QUOTE` (`BTC/USD`). Kraken's older names (`XBTUSD`, `XBT/USD`, `XXBTZUSD`,
/// `XDGUSD`) are accepted on input and shown nowhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pair(Arc<str>);

/// A text that names no pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a pair; write it like 'BTC/USD'")]
pub struct BadPair(pub String);

/// Quotes that a name without a separator may end with; longer ones first.
pub const QUOTES: [&str; 13] =
    ["USDT", "USDC", "USD", "EUR", "GBP", "JPY", "AUD", "CAD", "CHF", "DAI", "XBT", "BTC", "ETH"];

/// Both sides of a name in capitals without a separator: `XBTUSD`, `CHZEUR`, `XXBTZUSD`. Old asset codes count only where both sides have their
/// four letters: `CHZUSD` is never cut into `CH` and `ZUSD`.
fn split_name(upper: &str) -> Option<(&str, &str)> {
    if upper == "USDTZUSD" {
        // Kraken's one id with a new code in front of an old one.
        return Some(("USDT", "USD"));
    }
    let old = |code: &str| code.len() == 4 && code.starts_with(['X', 'Z']);
    if let Some((base, quote)) = upper.split_at_checked(4)
        && old(base)
        && old(quote)
        && let (Some(base), Some(quote)) = (base.get(1..), quote.get(1..))
        && QUOTES.contains(&quote)
    {
        return Some((base, quote));
    }
    QUOTES.iter().find_map(|quote| upper.strip_suffix(quote).map(|base| (base, *quote)))
}

fn rename(asset: &str) -> &str {
    match asset {
        "XBT" | "XXBT" => "BTC",
        "XDG" | "XXDG" => "DOGE",
        "XETH" => "ETH",
        "XXRP" => "XRP",
        "XLTC" => "LTC",
        "ZUSD" => "USD",
        "ZEUR" => "EUR",
        other => other,
    }
}

/// Names that Kraken gives to assets (`BTC`, `1INCH`, `T`, `ETH2.S`), in capitals: up to ten letters and digits, dots only between them. Such a
/// name is safe in a file name. A single digit is none.
fn is_asset(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    let digit = name.len() == 1 && name.starts_with(|c: char| c.is_ascii_digit());
    name.len() <= 10 && name.split('.').all(plain) && !digit
}

impl Pair {
    /// Asset that is bought and sold.
    #[must_use]
    pub fn base(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(base, _)| base)
    }

    /// Asset that prices are quoted in.
    #[must_use]
    pub fn quote(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, quote)| quote)
    }

    /// `BTC/USD`
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A form that is safe as a file name: `BTC-USD`.
    #[must_use]
    pub fn file_stem(&self) -> String {
        self.0.replace('/', "-")
    }
}

impl FromStr for Pair {
    type Err = BadPair;

    fn from_str(text: &str) -> Result<Self, BadPair> {
        let upper = text.trim().to_ascii_uppercase();
        let bad = || BadPair(text.to_owned());
        let (base, quote) = match upper.split_once(['/', '-']) {
            Some((base, quote)) => (base.to_owned(), quote.to_owned()),
            // Without a separator a single letter could be the rest of an asset's name: TUSD, ZUSD and XETH are assets.
            None => {
                let (base, quote) = split_name(&upper).filter(|(base, _)| base.len() > 1).ok_or_else(bad)?;
                (base.to_owned(), quote.to_owned())
            }
        };
        if !is_asset(&base) || !is_asset(&quote) || quote.len() < 2 || base == quote {
            return Err(bad());
        }
        Ok(Self(format!("{}/{}", rename(&base), rename(&quote)).into()))
    }
}

impl TryFrom<String> for Pair {
    type Error = BadPair;
    fn try_from(text: String) -> Result<Self, BadPair> {
        text.parse()
    }
}

impl From<Pair> for String {
    fn from(pair: Pair) -> Self {
        pair.0.to_string()
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a market datum comes from. Every bar carries its venue to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Venue {
    Kraken,
}

impl fmt::Display for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kraken => "kraken",
        })
    }
}

/// Length of a bar in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Interval(pub u32);

impl Interval {
    pub const M5: Self = Self(5);
    pub const H1: Self = Self(60);

    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0 as i64 * MINUTE_MS
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            m if m >= 1440 && m.is_multiple_of(1440) => write!(f, "{}d", m / 1440),
            m if m >= 60 && m.is_multiple_of(60) => write!(f, "{}h", m / 60),
            m => write!(f, "{m}m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kraken_name_means_one_pair() {
        for (given, meant) in [
            ("BTC/USD", "BTC/USD"),
            ("XBTUSD", "BTC/USD"),
            ("XBT/USD", "BTC/USD"),
            ("XXBTZUSD", "BTC/USD"),
            ("xbt-usd", "BTC/USD"),
            ("XDGUSD", "DOGE/USD"),
            ("XRPEUR", "XRP/EUR"),
            ("XBTUSDT", "BTC/USDT"),
            ("ETHXBT", "ETH/BTC"),
            ("XETHXXBT", "ETH/BTC"),
            ("CHZUSD", "CHZ/USD"),
            ("XTZEUR", "XTZ/EUR"),
            ("SOLJPY", "SOL/JPY"),
            ("USDTZUSD", "USDT/USD"),
            ("T/USD", "T/USD"),
            ("t-eur", "T/EUR"),
            ("ETH2.S/ETH", "ETH2.S/ETH"),
        ] {
            assert_eq!(given.parse::<Pair>().map(|p| p.to_string()), Ok(meant.to_owned()), "{given}");
        }
        for bad in [
            "",
            "BTC",
            "BTC/",
            "/USD",
            "A/B",
            "BTC/BTC",
            "B TC/USD",
            "../etc/USD",
            "TUSD",
            "ZUSD",
            "XETH",
            "1/USD",
            "BTC/1",
            "./USD",
            "A./USD",
            ".A/USD",
            "A..B/USD",
            "../USD",
            "ABCDEFGHIJK/USD",
        ] {
            assert!(bad.parse::<Pair>().is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_pair_is_a_safe_file_name_that_means_it(text in "[A-Za-z0-9./ -]{1,24}") {
            if let Ok(pair) = text.parse::<Pair>() {
                let stem = pair.file_stem();
                let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
                proptest::prop_assert!(stem.chars().all(safe) && !stem.starts_with('.') && !stem.contains("..") && !stem.ends_with('.'));
                proptest::prop_assert_eq!(stem.parse::<Pair>(), Ok(pair));
            }
        }
    }

    #[test]
    fn intervals_read_well() {
        assert_eq!([5, 60, 240, 1440].map(|m| Interval(m).to_string()), ["5m", "1h", "4h", "1d"]);
    }
}
