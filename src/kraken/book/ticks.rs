//! Decimals ↔ whole ticks of a precision, exactly or not at all.

use rust_decimal::Decimal;

use super::BookFault;
use crate::kraken::wire::Number;

/// `number` in units of 10^-`decimals`.
pub(super) fn to_ticks(number: Number, decimals: u32) -> Result<u64, BookFault> {
    let value = number.0;
    if value.is_sign_negative() && !value.is_zero() {
        return Err(BookFault::Negative { number });
    }
    let too_large = BookFault::TooLarge { number, decimals };
    if decimals > Decimal::MAX_SCALE {
        return Err(too_large);
    }
    let power = |exponent: u32| 10_u128.checked_pow(exponent).ok_or(too_large);
    let mantissa = value.mantissa().unsigned_abs();
    let ticks = match decimals.checked_sub(value.scale()) {
        Some(missing) => mantissa.checked_mul(power(missing)?).ok_or(too_large)?,
        None => {
            let beyond = power(value.scale().saturating_sub(decimals))?;
            if mantissa.checked_rem(beyond) != Some(0) {
                return Err(BookFault::TooPrecise { number, decimals });
            }
            mantissa.checked_div(beyond).ok_or(too_large)?
        }
    };
    u64::try_from(ticks).map_err(|_| too_large)
}

/// The decimal of a number of ticks.
pub(super) fn from_ticks(ticks: u64, decimals: u32) -> Number {
    // `to_ticks` made them with the same decimals, so the decimal exists.
    Number(Decimal::try_from_i128_with_scale(i128::from(ticks), decimals).unwrap_or_default())
}
