//! Money is decimal. `f64` appears only where features and models read a price.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde::{Deserialize, Serialize};

/// A value that its type does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}, got '{got}'")]
pub struct OutOfRange {
    pub what: &'static str,
    pub rule: &'static str,
    pub got: String,
}

/// Price of one unit of the base asset in the quote asset; always above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Price(Decimal);

/// Quantity of the base asset; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Qty(Decimal);

/// A signed amount of the quote currency (US dollars in every bundled pair).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub Decimal);

/// A probability, `0..=1`, never NaN.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Prob(f64);

impl Price {
    /// # Errors
    /// [`OutOfRange`] unless `value > 0`.
    pub fn new(value: Decimal) -> Result<Self, OutOfRange> {
        if value > Decimal::ZERO {
            Ok(Self(value.normalize()))
        } else {
            Err(OutOfRange { what: "price", rule: "above 0", got: value.to_string() })
        }
    }

    /// Reads a venue's float, keeping the 15 significant digits a double can carry exactly.
    ///
    /// # Errors
    /// [`OutOfRange`] when not finite, not above zero or beyond a decimal's range.
    pub fn from_f64(value: f64) -> Result<Self, OutOfRange> {
        let bad = || OutOfRange { what: "price", rule: "a finite number above 0", got: value.to_string() };
        Self::new(Decimal::from_f64(value).ok_or_else(bad)?).map_err(|_| bad())
    }

    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0.to_f64().unwrap_or(f64::MAX)
    }

    /// The price as people read it: an average over fills can have 28 digits, ten say enough.
    #[must_use]
    pub fn readable(self) -> Decimal {
        self.0.round_sf(10).unwrap_or(self.0).normalize()
    }

    /// `price × qty`; saturates at the largest decimal instead of overflowing.
    #[must_use]
    pub fn times(self, qty: Qty) -> Money {
        Money(self.0.checked_mul(qty.0).unwrap_or(Decimal::MAX))
    }
}

impl Qty {
    /// No quantity.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// # Errors
    /// [`OutOfRange`] when `value < 0`.
    pub fn new(value: Decimal) -> Result<Self, OutOfRange> {
        if value >= Decimal::ZERO {
            Ok(Self(value.normalize()))
        } else {
            Err(OutOfRange { what: "quantity", rule: "0 or above", got: value.to_string() })
        }
    }

    /// # Errors
    /// [`OutOfRange`] when not finite, negative or beyond a decimal's range.
    pub fn from_f64(value: f64) -> Result<Self, OutOfRange> {
        let bad = || OutOfRange { what: "quantity", rule: "a finite number, 0 or above", got: value.to_string() };
        Self::new(Decimal::from_f64(value).ok_or_else(bad)?).map_err(|_| bad())
    }

    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0.to_f64().unwrap_or(f64::MAX)
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// `self − other`, or zero when `other` is larger.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self((self.0 - other.0).max(Decimal::ZERO))
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0.to_f64().unwrap_or(0.0)
    }

    /// The amount for an `f64` computed by a model or sizing step; `None` when not finite or out of range.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        Decimal::from_f64(value).map(Self)
    }

    /// This amount times a plain factor (a fee rate, a share); saturates instead of overflowing.
    #[must_use]
    pub fn scaled(self, factor: Decimal) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }
}

impl Prob {
    /// # Errors
    /// [`OutOfRange`] when outside `0..=1` or NaN.
    pub fn new(value: f64) -> Result<Self, OutOfRange> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(OutOfRange { what: "probability", rule: "within 0..=1", got: value.to_string() })
        }
    }

    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<Decimal> for Price {
    type Error = OutOfRange;
    fn try_from(value: Decimal) -> Result<Self, OutOfRange> {
        Self::new(value)
    }
}
impl From<Price> for Decimal {
    fn from(value: Price) -> Self {
        value.0
    }
}
impl TryFrom<Decimal> for Qty {
    type Error = OutOfRange;
    fn try_from(value: Decimal) -> Result<Self, OutOfRange> {
        Self::new(value)
    }
}
impl From<Qty> for Decimal {
    fn from(value: Qty) -> Self {
        value.0
    }
}
impl TryFrom<f64> for Prob {
    type Error = OutOfRange;
    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        Self::new(value)
    }
}
impl From<Prob> for f64 {
    fn from(value: Prob) -> Self {
        value.0
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

macro_rules! show {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}
show!(Price, Qty, Money, Prob);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_enforced() {
        assert!(Price::from_f64(0.0).is_err());
        assert!(Price::from_f64(f64::NAN).is_err());
        assert!(Price::from_f64(-1.0).is_err());
        assert!(Qty::from_f64(-0.1).is_err());
        assert!(Qty::from_f64(0.0).is_ok());
        assert!(Prob::new(1.0).is_ok());
        assert!(Prob::new(1.000_001).is_err());
        assert!(Prob::new(f64::NAN).is_err());
    }

    #[test]
    fn floats_keep_their_decimal_text() {
        let p = Price::from_f64(0.000_008_123).map(|p| p.to_string());
        assert_eq!(p, Ok("0.000008123".to_owned()));
        let p = Price::from_f64(70_357.1).map(|p| p.to_string());
        assert_eq!(p, Ok("70357.1".to_owned()));
    }

    #[test]
    fn bad_values_do_not_deserialise() {
        assert!(serde_json::from_str::<Price>("\"0\"").is_err());
        assert!(serde_json::from_str::<Prob>("1.2").is_err());
    }
}
