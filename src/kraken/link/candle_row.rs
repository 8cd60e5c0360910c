//! One candle's values: from trades or from the exchange, compared field by field, and handed on as floats.

use rust_decimal::Decimal;

use crate::domain::market::RawCandle;
use crate::domain::pair::{Interval, Pair, Venue};
use crate::domain::time::UtcMs;
use crate::kraken::history::candles::Built;
use crate::kraken::wire::ws;

/// What two sources of a candle must agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Values {
    pub open: Decimal,
    pub high: Decimal,
    pub low: Decimal,
    pub close: Decimal,
    pub volume: Decimal,
    pub trades: u64,
}

impl From<&Built> for Values {
    fn from(b: &Built) -> Self {
        Self { open: b.open, high: b.high, low: b.low, close: b.close, volume: b.volume, trades: b.trades }
    }
}

impl From<&ws::Ohlc> for Values {
    fn from(o: &ws::Ohlc) -> Self {
        Self { open: o.open.0, high: o.high.0, low: o.low.0, close: o.close.0, volume: o.volume.0, trades: o.trades }
    }
}

impl Values {
    /// The names of the fields that differ, with commas; empty when none does.
    pub fn differences(&self, other: &Self) -> String {
        let fields = [
            ("open", self.open == other.open),
            ("high", self.high == other.high),
            ("low", self.low == other.low),
            ("close", self.close == other.close),
            ("volume", self.volume == other.volume),
            ("trades", self.trades == other.trades),
        ];
        fields.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// As the rest of the program reads candles. `None` when a value is no float.
    pub fn raw(&self, pair: &Pair, interval: Interval, open_time: UtcMs) -> Option<RawCandle> {
        Some(RawCandle {
            pair: pair.clone(),
            venue: Venue::Kraken,
            interval,
            open_time,
            open: float(self.open)?,
            high: float(self.high)?,
            low: float(self.low)?,
            close: float(self.close)?,
            volume: float(self.volume)?,
            trades: Some(self.trades),
        })
    }
}

/// The float nearest to the decimal: through its text, which is read with correct rounding.
fn float(value: Decimal) -> Option<f64> {
    value.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_and_scales_do_not_matter() {
        let d = |t: &str| t.parse::<Decimal>().expect("decimal");
        let a =
            Values { open: d("1.50"), high: d("2"), low: d("1"), close: d("1.7"), volume: d("0.30000000"), trades: 3 };
        let same = Values { open: d("1.5"), volume: d("0.3"), ..a };
        assert_eq!(a.differences(&same), "");
        assert_eq!(a.differences(&Values { volume: d("0.31"), trades: 4, ..a }), "volume, trades");
        let raw = a.raw(&"BTC/USD".parse().expect("pair"), Interval(5), UtcMs(300_000)).expect("floats");
        assert_eq!((raw.open, raw.volume, raw.trades, raw.open_time), (1.5, 0.3, Some(3), UtcMs(300_000)));
        assert_eq!(float(d("49844.89424998")), Some(49_844.894_249_98));
    }
}
