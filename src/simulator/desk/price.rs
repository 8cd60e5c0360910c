//! Prices as they are asked: absolute, or as an offset from the last trade.

use rust_decimal::Decimal;

use super::numbers::{Calc, read, text, to_tick};
use crate::simulator::protocol::Side;

/// A signed distance, in quote currency or in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    pub amount: Decimal,
    pub percent: bool,
}

impl Offset {
    /// `base` moved by this distance, on the tick.
    pub fn from(self, base: Decimal, tick: Decimal) -> Decimal {
        let by = if self.percent { base.times(self.amount).times(Decimal::new(1, 2)) } else { self.amount };
        to_tick(base.plus(by), tick)
    }

    pub fn negated(self) -> Self {
        Self { amount: -self.amount, ..self }
    }

    /// `+1.0000%`, `-20.5`
    pub fn words(self, decimals: u32) -> String {
        let sign = if self.amount.is_sign_negative() { '-' } else { '+' };
        let amount = self.amount.abs();
        if self.percent { format!("{sign}{}%", text(amount, 4)) } else { format!("{sign}{}", text(amount, decimals)) }
    }
}

/// A price as it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    At(Decimal),
    /// `+x`, `-x`
    By(Offset),
    /// `#x`: away from the market in the direction that the order type has.
    Away(Offset),
}

impl Asked {
    /// Reads `37500.0`, `+2%`, `-10`, `#5`.
    pub fn parse(given: &str) -> Option<Self> {
        let given = given.trim();
        let (sign, rest) = match given.chars().next()? {
            c @ ('+' | '-' | '#') => (Some(c), given.get(1..)?),
            _ => (None, given),
        };
        let (number, percent) = rest.strip_suffix('%').map_or((rest, false), |number| (number, true));
        if number.starts_with(['+', '-']) {
            return None;
        }
        let amount = read(number)?;
        match sign {
            None if percent => None,
            None => Some(Self::At(amount)),
            Some('#') => Some(Self::Away(Offset { amount, percent })),
            Some('-') => Some(Self::By(Offset { amount: -amount, percent })),
            Some(_) => Some(Self::By(Offset { amount, percent })),
        }
    }

    /// The absolute price; relative ones need a last trade. `upwards`: where `#` leads.
    pub fn resolve(self, last: Option<Decimal>, tick: Decimal, upwards: bool) -> Option<Decimal> {
        match self {
            Self::At(price) => Some(price),
            Self::By(offset) => last.map(|last| offset.from(last, tick)),
            Self::Away(offset) => last.map(|last| (if upwards { offset } else { offset.negated() }).from(last, tick)),
        }
    }
}

/// Where `#` leads: entries and profits wait on the better side of the market, stops on the worse one.
pub(super) const fn away_is_up(side: Side, stop: bool) -> bool {
    matches!((side, stop), (Side::Buy, true) | (Side::Sell, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn asked_prices_resolve_from_the_last_trade() {
        let at = |given: &str, up: bool| Asked::parse(given).and_then(|a| a.resolve(Some(dec!(200)), dec!(0.1), up));
        assert_eq!(at("37500.0", false), Some(dec!(37500.0)));
        assert_eq!(at("+2%", false), Some(dec!(204.0)));
        assert_eq!(at("-0.26", false), Some(dec!(199.7)));
        assert_eq!(at("#5", true), Some(dec!(205)));
        assert_eq!(at("#5%", false), Some(dec!(190)));
        assert_eq!(at("1e-2", false), Some(dec!(0.01)));
        for bad in ["", "+", "%", "5%", "+-5", "abc", "++1", "# 1x"] {
            assert_eq!(Asked::parse(bad), None, "{bad}");
        }
        assert_eq!(Asked::parse("+1").and_then(|a| a.resolve(None, dec!(0.1), true)), None);
    }

    #[test]
    fn offsets_read_as_kraken_writes_them() {
        assert_eq!(Offset { amount: dec!(1), percent: true }.words(1), "+1.0000%");
        assert_eq!(Offset { amount: dec!(-100), percent: false }.words(1), "-100.0");
    }
}
