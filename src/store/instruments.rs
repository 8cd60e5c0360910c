//! Tick, lot and minimums of the tradable pairs, from `data/recording/instruments.json`.

use std::collections::BTreeSet;
use std::path::Path;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{StoreError, files};
use crate::domain::Instrument;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InstrumentFile {
    /// Where the numbers come from, for readers of the file.
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "note")]
    _note: String,
    instruments: Vec<Instrument>,
}

/// The instruments of the file, in its order.
///
/// # Errors
/// [`StoreError`] naming the file when it is absent, is not of that form, names a pair twice or has a tick that is not positive.
pub fn load_instruments(path: &Path) -> Result<Vec<Instrument>, StoreError> {
    let bad = |reason: String| StoreError::BadData { path: path.to_owned(), reason };
    let file: InstrumentFile = serde_json::from_slice(&files::read(path)?).map_err(|e| bad(e.to_string()))?;
    let mut seen = BTreeSet::new();
    for instrument in &file.instruments {
        if !seen.insert(&instrument.pair) {
            return Err(bad(format!("'{}' is listed twice", instrument.pair)));
        }
        if instrument.tick_size <= Decimal::ZERO {
            return Err(bad(format!("tick_size of '{}' must be above 0", instrument.pair)));
        }
    }
    Ok(file.instruments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_file_lists_the_universe() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/recording/instruments.json");
        let instruments = load_instruments(&path).unwrap();
        let pairs: Vec<_> = instruments.iter().map(|i| i.pair.to_string()).collect();
        assert_eq!(pairs, ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "LTC/USD", "DOGE/USD", "PEPE/USD", "SGB/USD"]);
        let pepe = &instruments[6];
        assert_eq!((pepe.tick_size.to_string(), pepe.lot_decimals), ("0.000000001".to_owned(), 5));
    }

    #[test]
    fn a_bad_file_is_named_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("instruments.json");
        let entry = r#"{ "pair": "BTC/USD", "tick_size": "0.1", "price_decimals": 1, "lot_decimals": 8, "order_min": "0.0001", "cost_min": "0.5" }"#;
        for (body, reason) in [
            (format!("{entry},{entry}"), "twice"),
            (entry.replace("0.1", "0"), "above 0"),
            (entry.replace("BTC/USD", "?"), "is not a pair"),
            (entry.replace("tick_size", "tick"), "tick"),
        ] {
            std::fs::write(&path, format!(r#"{{ "source": "s", "note": "n", "instruments": [{body}] }}"#)).unwrap();
            let error = load_instruments(&path).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("instruments.json"), "{error}");
        }
    }
}
