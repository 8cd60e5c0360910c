//! Decimals and instants: arithmetic that never panics, and their exact texts on the wire.

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};

use crate::simulator::protocol::SimNs;

/// Arithmetic that saturates; dividing by zero gives zero.
pub(super) trait Calc: Sized {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn over(self, other: Self) -> Self;
    /// The rest after whole multiples of `other`; zero for `other = 0`.
    fn rest_of(self, other: Self) -> Self;
}

impl Calc for Decimal {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
    fn minus(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
    fn times(self, other: Self) -> Self {
        self.saturating_mul(other)
    }
    fn over(self, other: Self) -> Self {
        self.checked_div(other).unwrap_or_default()
    }
    fn rest_of(self, other: Self) -> Self {
        self.checked_rem(other).unwrap_or_default()
    }
}

pub(super) fn round_half_up(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

pub(super) fn round_up(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::AwayFromZero)
}

pub(super) fn round_down(value: Decimal, decimals: u32) -> Decimal {
    value.round_dp_with_strategy(decimals, RoundingStrategy::ToZero)
}

/// The nearest multiple of `tick`, half up.
pub(super) fn to_tick(value: Decimal, tick: Decimal) -> Decimal {
    if tick.is_zero() { value } else { round_half_up(value.over(tick), 0).times(tick) }
}

/// Text with at least `decimals` places, more only where the value has more: nothing is hidden.
pub(super) fn text(value: Decimal, decimals: u32) -> String {
    let plain = value.normalize();
    if plain.scale() > decimals { plain.to_string() } else { format!("{plain:.prec$}", prec = decimals as usize) }
}

/// Marks a text in a [`Value`] that [`json_text`] writes as a number. Control characters occur in no other text of the desk.
const EXACT: char = '\u{1}';

/// A decimal as a JSON number. What a double cannot print back exactly (some values beyond 15 significant digits) becomes a marked
/// text, which [`json_text`] writes as the number it is.
#[must_use]
pub fn json(value: Decimal) -> Value {
    let plain = value.normalize();
    let digits = plain.to_string();
    if let Ok(whole) = digits.parse::<i64>() {
        return Value::from(whole);
    }
    let number = digits.parse::<f64>().ok().and_then(Number::from_f64);
    match number {
        Some(number) if read(&number.to_string()) == Some(plain) => Value::Number(number),
        _ => Value::String(format!("{EXACT}{digits}")),
    }
}

/// The JSON text of `value`, with every number from [`json`] exact. Frames with private rows must be written with this.
#[must_use]
pub fn json_text(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::String(text) if text.starts_with(EXACT) => out.extend(text.chars().skip(1)),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (i, (key, field)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_json(field, out);
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

/// A decimal from a text with or without exponent.
pub(super) fn read(text: &str) -> Option<Decimal> {
    let text = text.trim();
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { text.parse().ok() }
}

fn stamp(at: SimNs) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `2026-05-01T10:00:00.123456Z`
pub(super) fn micros_text(at: SimNs) -> String {
    stamp(at).strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// `2026-05-01T10:00:00Z`
pub(super) fn seconds_text(at: SimNs) -> String {
    stamp(at).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Seconds since the epoch with microseconds, as REST writes instants.
pub(super) fn unix(at: SimNs) -> Value {
    json(unix_decimal(at))
}

/// Seconds since the epoch, cut to whole microseconds.
pub(super) fn unix_decimal(at: SimNs) -> Decimal {
    Decimal::new(at.0.div_euclid(1_000), 6)
}

/// The instant of an RFC 3339 text.
pub(super) fn instant(text: &str) -> Option<SimNs> {
    let at = text.parse::<Timestamp>().ok()?;
    i64::try_from(at.as_nanosecond()).ok().map(SimNs)
}

/// The instant of a number of seconds since the epoch.
pub(super) fn from_unix(seconds: Decimal) -> Option<SimNs> {
    let ns = seconds.checked_mul(Decimal::from(1_000_000_000_u64))?;
    i64::try_from(ns.trunc()).ok().map(SimNs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn numbers_are_written_exactly() {
        for (value, wanted) in [
            (dec!(0), "0"),
            (dec!(-19.9743), "-19.9743"),
            (dec!(111.0857412800), "111.08574128"),
            (dec!(26599.90), "26599.9"),
            (dec!(5.000), "5"),
            (dec!(123456789012345.678901234), "123456789012345.678901234"),
            (dec!(-0.1234567890123456789), "-0.1234567890123456789"),
        ] {
            assert_eq!(json_text(&serde_json::json!({ "v": json(value) })), format!("{{\"v\":{wanted}}}"));
        }
        let tiny = json_text(&json(dec!(0.00000001)));
        assert_eq!(read(&tiny), Some(dec!(0.00000001)), "{tiny}");
    }

    #[test]
    fn texts_keep_their_quotes_and_escapes() {
        let value = serde_json::json!({ "a\"b": ["x\ny", null, true, 1.5] });
        assert_eq!(json_text(&value), value.to_string());
    }

    #[test]
    fn texts_of_amounts_have_the_places_of_their_asset() {
        assert_eq!(text(dec!(0), 5), "0.00000");
        assert_eq!(text(dec!(22.6354), 4), "22.6354");
        assert_eq!(text(dec!(8.35287), 4), "8.35287");
        assert_eq!(text(dec!(30010), 1), "30010.0");
    }

    #[test]
    fn instants_have_kraken_s_shapes() {
        let at = SimNs(1_777_629_600_123_456_789);
        assert_eq!(micros_text(at), "2026-05-01T10:00:00.123456Z");
        assert_eq!(seconds_text(at), "2026-05-01T10:00:00Z");
        assert_eq!(json_text(&unix(at)), "1777629600.123456");
        assert_eq!(instant("2026-05-01T10:00:00.123456Z"), Some(SimNs(1_777_629_600_123_456_000)));
        assert_eq!(from_unix(dec!(1777629600.5)), Some(SimNs(1_777_629_600_500_000_000)));
    }

    #[test]
    fn prices_go_to_the_nearest_tick() {
        assert_eq!(to_tick(dec!(100.26), dec!(0.5)), dec!(100.5));
        assert_eq!(to_tick(dec!(100.24), dec!(0.5)), dec!(100.0));
    }
}
