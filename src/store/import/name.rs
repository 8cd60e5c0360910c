//! What a file's name tells of pair and bar length.

use std::path::Path;

use crate::domain::{Interval, Pair};
use crate::store::lake::interval_from_text;

/// Bar lengths that may stand as a bare number behind the pair: Kraken's, and twelve hours.
const BARE_MINUTES: [u32; 10] = [1, 5, 15, 30, 60, 240, 720, 1440, 10080, 21600];

/// The pair that a name without folder and extension means: `XBTUSD`, `CHZEUR`, `XXBTZUSD`, `BTC-USD`.
#[must_use]
pub fn pair_from_name(name: &str) -> Option<Pair> {
    name.parse().ok()
}

/// Pair and bar length in a file's name: `XBTUSD_60.csv`, `BTC_USDT-1h.json`, `kraken_XRPEUR_trades.parquet`.
pub(super) fn from_file_name(path: &Path) -> (Option<Pair>, Option<Interval>) {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let words: Vec<&str> = stem.split(['_', '-', '.', ' ']).collect();
    let joined = |n: usize| {
        let (base, quote) = (words.get(n)?, words.get(n + 1)?.to_ascii_uppercase());
        crate::domain::pair::QUOTES.contains(&quote.as_str()).then(|| format!("{base}/{quote}").parse().ok()).flatten()
    };
    let found = (0..words.len()).find_map(|n| {
        // `STETH_USD` is not ST/ETH: two words are tried before one.
        let alone = || words.get(n).and_then(|word| pair_from_name(word)).map(|pair| (pair, n + 1));
        joined(n).map(|pair| (pair, n + 2)).or_else(alone)
    });
    let Some((pair, next)) = found else { return (None, None) };
    let rest = words.get(next..).unwrap_or_default();
    let bare = rest.first().and_then(|w| w.parse::<u32>().ok()).filter(|m| BARE_MINUTES.contains(m)).map(Interval);
    (Some(pair), bare.or_else(|| rest.iter().find_map(|word| interval_from_text(word))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_the_right_pair() {
        for (name, pair) in [
            ("XBTUSD", "BTC/USD"),
            ("XXBTZUSD", "BTC/USD"),
            ("XETHXXBT", "ETH/BTC"),
            ("XDGUSD", "DOGE/USD"),
            ("CHZUSD", "CHZ/USD"),
            ("XTZEUR", "XTZ/EUR"),
            ("XTZUSD", "XTZ/USD"),
            ("USDTZUSD", "USDT/USD"),
            ("ETHJPY", "ETH/JPY"),
            ("SOLETH", "SOL/ETH"),
            ("BTC-USD", "BTC/USD"),
            ("1INCHEUR", "1INCH/EUR"),
        ] {
            assert_eq!(pair_from_name(name).map(|p| p.to_string()).as_deref(), Some(pair), "{name}");
        }
        for name in ["", "USD", "trades", "AUSD", "ΩUSD", "../USD"] {
            assert_eq!(pair_from_name(name), None, "{name}");
        }
    }

    #[test]
    fn file_names_tell_pair_and_length() {
        for (name, pair, minutes) in [
            ("XBTUSD_60.csv", Some("BTC/USD"), Some(60)),
            ("CHZUSD_1.csv", Some("CHZ/USD"), Some(1)),
            ("BTC_USDT-1h.json", Some("BTC/USDT"), Some(60)),
            ("BTCUSDT-1m-2023-01.csv", Some("BTC/USDT"), Some(1)),
            ("kraken_XRPEUR_trades.parquet", Some("XRP/EUR"), None),
            ("Kraken_BTCUSD_minute.csv", Some("BTC/USD"), None),
            ("STETH_USD_1d.csv", Some("STETH/USD"), Some(1_440)),
            ("BCHEUR.csv", Some("BCH/EUR"), None),
            ("data.csv", None, None),
            ("", None, None),
        ] {
            let (got, interval) = from_file_name(Path::new(name));
            assert_eq!(got.map(|p| p.to_string()).as_deref(), pair, "{name}");
            assert_eq!(interval.map(|i| i.0), minutes, "{name}");
        }
    }
}
