//! Writing numbers and instants into frames: exact, without floats.

use std::fmt::Write as _;

use super::units::{Amt, Px, Scale, div_round, pow10};

/// How the numbers of a pair are written in frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub scale: Scale,
    /// Decimals that are written even when they are zeros.
    pub price_least: u32,
    pub qty_least: u32,
}

impl Style {
    pub fn price(self, text: &mut String, price: Px) {
        number(text, Amt::from(price), self.scale.price, self.price_least);
    }

    pub fn qty(self, text: &mut String, qty: Amt) {
        number(text, qty, self.scale.qty, self.qty_least);
    }
}

const DIGITS: usize = 44;

/// Appends the decimal digits of `n`, at least `least` of them.
fn digits(text: &mut String, n: u128, least: usize) {
    let mut buffer = [b'0'; DIGITS];
    let mut used = 0_usize;
    let mut write = |digit: u8, slot: &mut u8| {
        *slot = b'0'.saturating_add(digit);
        used += 1;
    };
    let mut slots = buffer.iter_mut().rev();
    if let Ok(mut small) = u64::try_from(n) {
        while small > 0 {
            let Some(slot) = slots.next() else { break };
            write((small % 10) as u8, slot);
            small /= 10;
        }
    } else {
        let mut big = n;
        while big > 0 {
            let Some(slot) = slots.next() else { break };
            write((big % 10) as u8, slot);
            big /= 10;
        }
    }
    let from = DIGITS.saturating_sub(used.max(least));
    text.push_str(buffer.get(from..).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default());
}

/// `n`.
pub fn whole(text: &mut String, n: u64) {
    digits(text, u128::from(n), 1);
}

/// `units` of `10^-scale`: trailing zeros are dropped down to `least` decimals.
pub fn number(text: &mut String, units: i128, scale: u32, least: u32) {
    if units < 0 {
        text.push('-');
    }
    let magnitude = units.unsigned_abs();
    let mut point = scale as usize;
    let start = text.len();
    digits(text, magnitude, point.saturating_add(1));
    let end = text.len();
    let mut cut = end;
    for byte in text.as_bytes().iter().rev() {
        if *byte != b'0' || point <= least as usize {
            break;
        }
        cut -= 1;
        point -= 1;
    }
    text.truncate(cut);
    if point > 0 {
        text.insert(cut.saturating_sub(point).max(start), '.');
    }
    for _ in scale..least {
        if point == 0 {
            text.push('.');
        }
        point += 1;
        text.push('0');
    }
}

/// `units` of `10^-scale` with exactly `decimals` decimals, rounded half up.
pub fn fixed(units: i128, scale: u32, decimals: u32) -> String {
    let mut text = String::with_capacity(24);
    let (units, scale) =
        if scale > decimals { (div_round(units, pow10(scale - decimals)), decimals) } else { (units, scale) };
    number(&mut text, units, scale, decimals);
    text
}

/// Year, month, day of a day number since 1970-01-01 (Gregorian calendar; after Hinnant's `civil_from_days`).
const fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

fn padded(text: &mut String, n: i64, width: usize) {
    digits(text, u128::from(n.unsigned_abs()), width);
}

fn date_and_clock(text: &mut String, ns: i64) {
    let seconds = ns.div_euclid(1_000_000_000);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let clock = seconds.rem_euclid(86_400);
    padded(text, year, 4);
    text.push('-');
    padded(text, month, 2);
    text.push('-');
    padded(text, day, 2);
    text.push('T');
    padded(text, clock / 3_600, 2);
    text.push(':');
    padded(text, clock / 60 % 60, 2);
    text.push(':');
    padded(text, clock % 60, 2);
}

/// `2024-05-19T16:45:24.204654Z`
pub fn stamp_us(text: &mut String, ns: i64) {
    date_and_clock(text, ns);
    text.push('.');
    padded(text, ns.rem_euclid(1_000_000_000) / 1_000, 6);
    text.push('Z');
}

/// `2024-05-17T11:12:00.000000000Z`
pub fn stamp_ns(text: &mut String, ns: i64) {
    date_and_clock(text, ns);
    text.push('.');
    padded(text, ns.rem_euclid(1_000_000_000), 9);
    text.push('Z');
}

/// `2024-01-24T11:45:46Z`
pub fn stamp_s(ns: i64) -> String {
    let mut text = String::with_capacity(24);
    date_and_clock(&mut text, ns);
    text.push('Z');
    text
}

/// `Thu, 06 Jul 23 18:50:48 +0000`
pub fn rfc1123(ns: i64) -> String {
    let seconds = ns.div_euclid(1_000_000_000);
    let days = seconds.div_euclid(86_400);
    let (year, month, day) = civil(days);
    let clock = seconds.rem_euclid(86_400);
    let name = |list: &[&'static str], i: i64| list.get(usize::try_from(i).unwrap_or(0)).copied().unwrap_or("");
    let weekday = name(&["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"], days.rem_euclid(7));
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut text = String::with_capacity(32);
    // Writing to a `String` cannot fail.
    let _ = write!(
        text,
        "{weekday}, {day:02} {} {:02} {:02}:{:02}:{:02} +0000",
        name(&months, month - 1),
        year.rem_euclid(100),
        clock / 3_600,
        clock / 60 % 60,
        clock % 60
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_short() {
        let table = [
            (452_852, 1, 0, "45285.2"),
            (667_880, 1, 0, "66788"),
            (667_880, 1, 1, "66788.0"),
            (100_000, 8, 0, "0.001"),
            (100_000, 8, 8, "0.00100000"),
            (1, 8, 0, "0.00000001"),
            (0, 8, 0, "0"),
            (0, 2, 2, "0.00"),
            (5_670, 4, 0, "0.567"),
            (7, 0, 0, "7"),
            (700, 0, 0, "700"),
            (700, 0, 2, "700.00"),
            (12, 1, 3, "1.200"),
            (-4_138, 1, 0, "-413.8"),
            (123_456_789_012_345_678_901_234_567, 8, 0, "1234567890123456789.01234567"),
        ];
        for (units, scale, least, expected) in table {
            let mut text = String::from("x");
            number(&mut text, units, scale, least);
            assert_eq!(text, format!("x{expected}"));
        }
        assert_eq!(fixed(452_852, 1, 5), "45285.20000");
        assert_eq!(fixed(136_500, 6, 3), "0.137");
        assert_eq!(fixed(0, 8, 1), "0.0");
    }

    #[test]
    fn instants_are_written_as_on_the_exchange() {
        let mut text = String::new();
        stamp_us(&mut text, 1_716_137_124_204_654_321);
        assert_eq!(text, "2024-05-19T16:45:24.204654Z");
        text.clear();
        stamp_ns(&mut text, 1_715_944_320_000_000_000);
        assert_eq!(text, "2024-05-17T11:12:00.000000000Z");
        assert_eq!(stamp_s(1_706_096_746_000_000_000), "2024-01-24T11:45:46Z");
        assert_eq!(rfc1123(1_688_669_448_000_000_000), "Thu, 06 Jul 23 18:50:48 +0000");
    }

    proptest::proptest! {
        #[test]
        fn instants_agree_with_the_calendar_of_jiff(seconds in 0_i64..4_000_000_000, rest in 0_i64..1_000_000_000) {
            let ns = seconds * 1_000_000_000 + rest;
            let mut text = String::new();
            stamp_ns(&mut text, ns);
            let read: jiff::Timestamp = text.parse().unwrap();
            proptest::prop_assert_eq!(read.as_nanosecond(), i128::from(ns));
        }

        #[test]
        fn numbers_read_back(units in proptest::num::i64::ANY, scale in 0_u32..12, least in 0_u32..12) {
            let mut text = String::new();
            number(&mut text, i128::from(units), scale, least);
            let read: rust_decimal::Decimal = text.parse().unwrap();
            proptest::prop_assert_eq!(read, rust_decimal::Decimal::from_i128_with_scale(i128::from(units), scale));
        }
    }
}
