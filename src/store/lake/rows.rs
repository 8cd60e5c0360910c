//! Rows of the lake: what is kept of a candle, a trade and a level of a book.
//!
//! Numbers lie in the files as floats, so that any program can compute with them at once. The float nearest to a decimal of up to 15 digits has that
//! decimal as its shortest text; the few rows of which that does not hold carry their decimals as text as well (`exact`).

use rust_decimal::Decimal;

use crate::domain::money::OutOfRange;
use crate::domain::{Bar, Candle, Interval, Pair, Price, Qty, RawCandle, Side, UtcMs, Venue};
use crate::store::number;

/// A candle of the lake.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCandle {
    pub open_time: UtcMs,
    /// Open, high, low, close, volume in base units; NaN where a foreign file has no value.
    pub values: [f64; 5],
    pub trades: Option<u32>,
    /// The same as decimals, where they are not what the floats say.
    pub(super) exact: Option<Box<[Decimal; 5]>>,
}

impl StoredCandle {
    /// From decimals, of which nothing is lost.
    #[must_use]
    pub fn from_decimals(open_time: UtcMs, decimals: [Decimal; 5], trades: Option<u32>) -> Self {
        let (values, exact) = floats(decimals);
        Self { open_time, values, trades, exact: exact.map(Box::new) }
    }

    /// Open, high, low, close and volume exactly; `None` when one of them is not a number.
    #[must_use]
    pub fn decimals(&self) -> Option<[Decimal; 5]> {
        self.exact.as_deref().copied().or_else(|| decimals(self.values))
    }

    /// What kernels compute with.
    #[must_use]
    pub const fn bar(&self) -> Bar {
        let [open, high, low, close, volume] = self.values;
        Bar { open_time: self.open_time, open, high, low, close, volume }
    }

    /// For the pipeline to judge.
    #[must_use]
    pub fn raw(&self, pair: &Pair, venue: Venue, interval: Interval) -> RawCandle {
        let [open, high, low, close, volume] = self.values;
        let (pair, open_time, trades) = (pair.clone(), self.open_time, self.trades.map(u64::from));
        RawCandle { pair, venue, interval, open_time, open, high, low, close, volume, trades }
    }

    /// As the exact candle that it is.
    ///
    /// # Errors
    /// What is wrong with a value that is not a price or a volume.
    pub fn candle(&self, pair: &Pair, venue: Venue, interval: Interval) -> Result<Candle, String> {
        let [open, high, low, close, volume] = self.decimals().ok_or("holds something that is not a number")?;
        let price = |value| Price::new(value).map_err(|e: OutOfRange| e.to_string());
        Ok(Candle {
            pair: pair.clone(),
            venue,
            interval,
            open_time: self.open_time,
            open: price(open)?,
            high: price(high)?,
            low: price(low)?,
            close: price(close)?,
            volume: Qty::new(volume).map_err(|e| e.to_string())?,
            trades: self.trades.map(u64::from),
        })
    }

    /// Whether both have the same open, high, low, close and volume.
    pub(in crate::store) fn same_values(&self, other: &Self) -> bool {
        self.values.map(f64::to_bits) == other.values.map(f64::to_bits) && self.exact == other.exact
    }
}

impl From<&Candle> for StoredCandle {
    fn from(candle: &Candle) -> Self {
        let decimals =
            [candle.open.get(), candle.high.get(), candle.low.get(), candle.close.get(), candle.volume.get()];
        // No minute has four billion trades; a count that would is none.
        let trades = candle.trades.and_then(|count| u32::try_from(count).ok());
        Self::from_decimals(candle.open_time, decimals, trades)
    }
}

/// A trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeRow {
    /// Where it stands in the file it came from; 0 for rows of the lake.
    pub line: u64,
    /// UTC nanoseconds.
    pub at_ns: i64,
    pub price: Decimal,
    /// Base units.
    pub volume: Decimal,
    /// The taker's, where the source tells.
    pub side: Option<Side>,
    /// The venue's, where the source tells.
    pub id: Option<Box<str>>,
}

/// One level of a book as it stood at an instant. All levels of one instant together are one picture of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookRow {
    /// UTC nanoseconds.
    pub at_ns: i64,
    /// `Buy`: a bid. `Sell`: an ask.
    pub side: Side,
    /// From the best one, which is 0.
    pub level: u16,
    pub price: Decimal,
    /// Base units.
    pub volume: Decimal,
}

/// Floats of decimals, and the decimals again where the floats do not give them back.
pub(super) fn floats<const N: usize>(decimals: [Decimal; N]) -> ([f64; N], Option<[Decimal; N]>) {
    let floats = decimals.map(number::float);
    let lost = decimals.iter().zip(floats).any(|(decimal, float)| !gives_back(*decimal, float));
    (floats, lost.then_some(decimals))
}

fn gives_back(decimal: Decimal, float: f64) -> bool {
    // Fifteen digits always come back.
    decimal.mantissa().unsigned_abs() < 1_000_000_000_000_000 || exactly(float) == Some(decimal)
}

/// The decimal that the shortest text of `value` writes.
pub(super) fn exactly(value: f64) -> Option<Decimal> {
    number::decimal(&value.to_string(), false).ok()
}

pub(super) fn decimals<const N: usize>(values: [f64; N]) -> Option<[Decimal; N]> {
    let mut out = [Decimal::ZERO; N];
    for (slot, value) in out.iter_mut().zip(values) {
        *slot = exactly(value)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn decimals_come_back_exactly(mantissas in prop::array::uniform5(1_i64..), scales in prop::array::uniform5(0_u32..20)) {
            let mut given = mantissas.map(|m| Decimal::new(m, 0));
            for (value, scale) in given.iter_mut().zip(scales) {
                value.set_scale(scale).unwrap();
            }
            let row = StoredCandle::from_decimals(UtcMs(0), given, None);
            prop_assert_eq!(row.decimals(), Some(given));
        }
    }

    #[test]
    fn only_what_floats_lose_is_kept_as_text() {
        let of = |text: &str| {
            let value = text.parse().unwrap();
            StoredCandle::from_decimals(UtcMs(0), [Decimal::ONE, Decimal::ONE, Decimal::ONE, Decimal::ONE, value], None)
        };
        for text in ["0.00000001", "56874.6", "123456789012345", "0.30000000000000004", "12345678.12345678"] {
            assert_eq!(of(text).exact, None, "{text}");
        }
        let long = of("1234567890.123456789");
        assert!(long.exact.is_some());
        assert_eq!(long.decimals().unwrap()[4].to_string(), "1234567890.123456789");
        let missing = StoredCandle { values: [1.0, 1.0, f64::NAN, 1.0, 1.0], ..of("1") };
        assert_eq!(missing.decimals(), None);
        assert!(missing.candle(&"BTC/USD".parse().unwrap(), Venue::Kraken, Interval::H1).is_err());
    }
}
