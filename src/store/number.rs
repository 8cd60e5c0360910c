//! Exact numbers from text.

use rust_decimal::Decimal;

use super::import::Reason;

/// Digits that 96 bits always hold, and then some: more cannot be exact.
const MOST_DIGITS: usize = 60;
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Reads `-12.34e-5` exactly. Thousands separators, signs elsewhere and other words are no numbers; with `comma` the decimal sign is a comma.
///
/// # Errors
/// The [`Reason`] to reject the row with.
pub(super) fn decimal(text: &str, comma: bool) -> Result<Decimal, Reason> {
    let text = text.trim();
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..).unwrap_or_default()),
        [b'+', ..] => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = digits.split_once(if comma { ',' } else { '.' }).unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return Err(word(unsigned));
    }
    let shift = exponent.map_or(Ok(0), small_exponent)?;
    let fraction = fraction.trim_end_matches('0');
    let whole = whole.trim_start_matches('0');
    if whole.len() + fraction.len() > MOST_DIGITS {
        return Err(Reason::TooPrecise);
    }
    let mut mantissa = 0_i128;
    for digit in whole.bytes().chain(fraction.bytes()) {
        let next = mantissa.checked_mul(10).and_then(|m| m.checked_add(i128::from(digit - b'0')));
        mantissa = next.ok_or(Reason::TooPrecise)?;
    }
    let scale = i32::try_from(fraction.len()).map_err(|_| Reason::TooPrecise)? - shift;
    scaled(if negative { -mantissa } else { mantissa }, scale)
}

/// A text that is no number: a word for "none", or anything.
fn word(text: &str) -> Reason {
    const NOT_FINITE: [&str; 4] = ["nan", "inf", "infinity", "-nan"];
    if NOT_FINITE.iter().any(|w| text.eq_ignore_ascii_case(w)) { Reason::NotFinite } else { Reason::NotANumber }
}

fn small_exponent(text: &str) -> Result<i32, Reason> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::NotANumber);
    }
    match text.parse::<i32>() {
        Ok(exponent) if (-60..=60).contains(&exponent) => Ok(exponent),
        _ => Err(Reason::TooPrecise),
    }
}

fn scaled(mut mantissa: i128, mut scale: i32) -> Result<Decimal, Reason> {
    if mantissa == 0 {
        return Ok(Decimal::ZERO);
    }
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    while scale < 0 {
        mantissa = mantissa.checked_mul(10).ok_or(Reason::TooPrecise)?;
        scale += 1;
    }
    let scale = u32::try_from(scale).map_err(|_| Reason::TooPrecise)?;
    Decimal::try_from_i128_with_scale(mantissa, scale).map_err(|_| Reason::TooPrecise)
}

/// The float nearest to `value`: what reading its text as a float gives.
pub(super) fn float(value: Decimal) -> f64 {
    let mantissa = value.mantissa();
    let power = usize::try_from(value.scale()).ok().and_then(|scale| EXACT_POWERS.get(scale));
    if let (Some(power), true) = (power, mantissa.unsigned_abs() < 1 << 53) {
        // Both sides are exact, so that the one division rounds once.
        #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
        return mantissa as f64 / power;
    }
    // A decimal's text is always a float's text; NaN would be refused by whoever reads the lake.
    value.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        for (text, meant) in [
            ("56874.6", "56874.6"),
            (" 90.540000 ", "90.54"),
            ("1.2E+3", "1200"),
            ("1e-08", "0.00000001"),
            ("-0.5", "-0.5"),
            ("+.5", "0.5"),
            ("5.", "5"),
            ("000123", "123"),
            ("0.00e60", "0"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
        ] {
            assert_eq!(decimal(text, false).map(|d| d.to_string()), Ok(meant.to_owned()), "{text}");
        }
        for text in
            ["", "-", ".", "1,234.5", "1 234", "0x10", "1.2.3", "1e", "1e1.5", "--1", "½", "12%", "$5", "1_000", "null"]
        {
            assert_eq!(decimal(text, false), Err(Reason::NotANumber), "{text}");
        }
        for text in ["NaN", "nan", "inf", "-Infinity", "+INF"] {
            assert_eq!(decimal(text, false), Err(Reason::NotFinite), "{text}");
        }
        for text in
            ["79228162514264337593543950336", "1e61", "1e-29", "0.10000000000000000555111512312578", "1e99999999999"]
        {
            assert_eq!(decimal(text, false), Err(Reason::TooPrecise), "{text}");
        }
        assert_eq!(decimal("1,5", true), Ok(Decimal::new(15, 1)));
        for text in ["1.5", "1.234,5"] {
            assert_eq!(decimal(text, true), Err(Reason::NotANumber), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = decimal(&text, false);
        }

        #[test]
        fn floats_are_the_nearest_ones(mantissa in any::<i64>(), scale in 0_u32..=28) {
            let value = Decimal::new(mantissa, scale);
            let nearest: f64 = value.to_string().parse().unwrap();
            prop_assert_eq!(float(value).to_bits(), if value.is_zero() { 0.0_f64 } else { nearest }.to_bits());
            prop_assert_eq!(decimal(&value.to_string(), false), Ok(value.normalize()));
        }
    }
}
