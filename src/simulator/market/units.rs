//! Prices and quantities as whole units of a pair's smallest digit: exact and quick.

use rust_decimal::Decimal;

/// A price in units of `10^-Scale::price`.
pub type Px = i64;
/// A quantity in units of `10^-Scale::qty`, or a product of both.
pub type Amt = i128;

/// Digits behind the point that one unit stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub price: u32,
    pub qty: u32,
}

impl Scale {
    /// `None` when the price has more digits than the scale or does not fit.
    pub fn price_units(self, price: Decimal) -> Option<Px> {
        units(price, self.price).and_then(|p| Px::try_from(p).ok())
    }

    pub fn qty_units(self, qty: Decimal) -> Option<Amt> {
        units(qty, self.qty)
    }

    pub fn price(self, units: Px) -> Decimal {
        decimal(Amt::from(units), self.price)
    }

    pub fn qty(self, units: Amt) -> Decimal {
        decimal(units, self.qty)
    }
}

pub const fn pow10(digits: u32) -> i128 {
    10_i128.saturating_pow(digits)
}

/// The value in units of `10^-decimals`; `None` when it has more digits.
pub fn units(value: Decimal, decimals: u32) -> Option<i128> {
    let (mantissa, scale) = (value.mantissa(), value.scale());
    if scale <= decimals {
        return mantissa.checked_mul(pow10(decimals - scale));
    }
    let surplus = pow10(scale - decimals);
    (mantissa.checked_rem(surplus)? == 0).then(|| mantissa / surplus)
}

/// The other way round. A value beyond 28 digits loses its last digits, as any decimal of ours does.
pub fn decimal(units: i128, decimals: u32) -> Decimal {
    let mut shift = 0;
    while shift <= decimals {
        let fewer = div_round(units, pow10(shift));
        if let Ok(value) = Decimal::try_from_i128_with_scale(fewer, decimals - shift) {
            return value;
        }
        shift += 1;
    }
    if units < 0 { Decimal::MIN } else { Decimal::MAX }
}

/// Division rounded half up, for values that are not negative; 0 when divided by nothing.
pub const fn div_round(n: i128, d: i128) -> i128 {
    if d <= 0 { 0 } else { n.saturating_add(d / 2) / d }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let scale = Scale { price: 1, qty: 8 };
        assert_eq!(scale.price_units(Decimal::new(452_852, 1)), Some(452_852));
        assert_eq!(scale.price_units(Decimal::new(45_285_200, 3)), Some(452_852));
        assert_eq!(scale.price_units(Decimal::new(45_285_201, 3)), None);
        assert_eq!(scale.qty_units(Decimal::from(3)), Some(300_000_000));
        assert_eq!(scale.qty(100_000), Decimal::new(1, 3));
        assert_eq!(scale.price_units(Decimal::MAX), None);
        assert_eq!(decimal(i128::MAX / 10, 8).scale(), 0);
        assert_eq!(div_round(5, 2), 3);
        assert_eq!(div_round(5, 0), 0);
    }
}
