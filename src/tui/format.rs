//! Numbers and times as text: thousands commas, a sign on every change, `–` where a value does not apply and `···` where it
//! is not known. Zero is shown only for zero.

use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::domain::money::{Money, Price, Qty};
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};

/// Does not apply.
pub const NA: &str = "–";
/// Applies, but is not known.
pub const UNKNOWN: &str = "···";

/// Commas between the thousands of a plain decimal text.
fn group(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |r| ("-", r));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::with_capacity(text.len() + whole.len() / 3 + 1);
    out.push_str(sign);
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

fn plus(text: String) -> String {
    if text.starts_with('-') { text } else { format!("+{text}") }
}

/// A decimal with `places` digits after the point.
#[must_use]
pub fn decimal(value: Decimal, places: u32) -> String {
    let places = places.min(12);
    let mut rounded = value.round_dp(places);
    if rounded.is_zero() {
        rounded = Decimal::ZERO;
    }
    group(&format!("{rounded:.0$}", places as usize))
}

/// A price with the pair's decimals.
#[must_use]
pub fn price(value: Option<Price>, places: u32) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |p| decimal(p.get(), places))
}

/// An amount with cents.
#[must_use]
pub fn money(value: Money) -> String {
    decimal(value.0, 2)
}

/// An amount with cents and its sign.
#[must_use]
pub fn signed_money(value: Money) -> String {
    plus(money(value))
}

/// A quantity, all its digits up to eight decimals.
#[must_use]
pub fn qty(value: Qty) -> String {
    group(&value.get().round_dp(8).normalize().to_string())
}

/// A float with `places` digits after the point.
#[must_use]
pub fn float(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    let text = format!("{value:.places$}");
    let zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    group(if zero { text.trim_start_matches('-') } else { &text })
}

/// As [`float`], or `···`.
#[must_use]
pub fn maybe(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |v| float(v, places))
}

/// A share as per cent: `38%`.
#[must_use]
pub fn percent(share: f64, places: usize) -> String {
    if share.is_finite() { format!("{}%", float(share * 100.0, places)) } else { UNKNOWN.to_owned() }
}

/// A change as per cent with its sign: `+4.22%`.
#[must_use]
pub fn signed_percent(share: f64, places: usize) -> String {
    if share.is_finite() { plus(percent(share, places)) } else { UNKNOWN.to_owned() }
}

/// A probability with two decimals and no leading zero (`.87`), cut, not rounded: what stands below a threshold must not look
/// as if it had reached it.
#[must_use]
pub fn prob(value: f64) -> String {
    if !value.is_finite() {
        return UNKNOWN.to_owned();
    }
    // The small term undoes the binary representation of decimals such as 0.29.
    let cut = ((value * 100.0 + 1e-9).floor() / 100.0).clamp(-9.99, 9.99);
    let text = format!("{cut:.2}");
    text.strip_prefix('0').map_or(text.clone(), ToOwned::to_owned)
}

/// A count with commas.
#[must_use]
pub fn count(value: u64) -> String {
    group(&value.to_string())
}

/// A volume, shortened: `41.2k`, `1.3M`.
#[must_use]
pub fn volume(value: f64) -> String {
    match value {
        v if !v.is_finite() => UNKNOWN.to_owned(),
        v if v < 0.0 => format!("-{}", volume(-v)),
        v if v >= 1e12 => format!("{:.0e}", v),
        v if v >= 1e9 => format!("{:.1}G", v / 1e9),
        v if v >= 1e6 => format!("{:.1}M", v / 1e6),
        v if v >= 1e4 => format!("{:.1}k", v / 1e3),
        v => format!("{v:.1}"),
    }
}

/// Milliseconds of work: `18ms`, `1.2s`.
#[must_use]
pub fn latency(ms: Option<f64>) -> String {
    match ms {
        None => NA.to_owned(),
        Some(v) if !v.is_finite() => UNKNOWN.to_owned(),
        Some(v) if v < 10.0 => format!("{v:.1}ms"),
        Some(v) if v < 1_000.0 => format!("{v:.0}ms"),
        Some(v) if v < 100_000.0 => format!("{:.1}s", v / 1_000.0),
        Some(v) => age(v as i64),
    }
}

/// How long ago: `0.2s`, `42s`, `3m`, `5h`, `12d`. The future counts as now.
#[must_use]
pub fn age(ms: i64) -> String {
    match ms.max(0) {
        v if v < 10_000 => format!("{}.{}s", v / 1_000, v % 1_000 / 100),
        v if v < MINUTE_MS => format!("{}s", v / 1_000),
        v if v < HOUR_MS => format!("{}m", v / MINUTE_MS),
        v if v < 3 * DAY_MS => format!("{}h", v / HOUR_MS),
        v => format!("{}d", v / DAY_MS),
    }
}

/// Bytes: `412 MB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    match value {
        v if v >= 10_000_000_000 => format!("{} GB", v / 1_000_000_000),
        v if v >= 1_000_000 => format!("{} MB", v / 1_000_000),
        v => format!("{} kB", v / 1_000),
    }
}

/// The zone in which instants are shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Zone {
    #[default]
    Utc,
    Local(TimeZone),
}

impl Zone {
    fn show(&self, at: UtcMs, pattern: &str) -> String {
        let Ok(instant) = jiff::Timestamp::from_millisecond(at.0) else { return UNKNOWN.to_owned() };
        match self {
            Self::Utc => instant.strftime(pattern).to_string(),
            Self::Local(zone) => instant.to_zoned(zone.clone()).strftime(pattern).to_string(),
        }
    }

    /// `14:05:09`
    #[must_use]
    pub fn clock(&self, at: UtcMs) -> String {
        self.show(at, "%H:%M:%S")
    }

    /// `14:05`
    #[must_use]
    pub fn hour(&self, at: UtcMs) -> String {
        self.show(at, "%H:%M")
    }

    /// `07-17 14:05`
    #[must_use]
    pub fn short(&self, at: UtcMs) -> String {
        self.show(at, "%m-%d %H:%M")
    }

    /// `2024-07-17 14:05`
    #[must_use]
    pub fn minute(&self, at: UtcMs) -> String {
        self.show(at, "%Y-%m-%d %H:%M")
    }

    /// `2024-07-17`
    #[must_use]
    pub fn date(&self, at: UtcMs) -> String {
        self.show(at, "%Y-%m-%d")
    }

    /// `07-17`
    #[must_use]
    pub fn day(&self, at: UtcMs) -> String {
        self.show(at, "%m-%d")
    }

    /// `UTC`, or the local zone's short name at that instant.
    #[must_use]
    pub fn name(&self, at: UtcMs) -> String {
        match self {
            Self::Utc => "UTC".to_owned(),
            Self::Local(_) => self.show(at, "%Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::dec;

    use super::*;

    #[test]
    fn numbers_read_as_promised() {
        assert_eq!(decimal(dec!(1234567.891), 2), "1,234,567.89");
        assert_eq!(decimal(dec!(-0.001), 2), "0.00");
        assert_eq!(decimal(dec!(-999.995), 2), "-1,000.00");
        assert_eq!(price(Price::new(dec!(97412.5)).ok(), 1), "97,412.5");
        assert_eq!(price(Price::new(dec!(0.00000812)).ok(), 9), "0.000008120");
        assert_eq!(price(None, 2), "···");
        assert_eq!(signed_money(Money(dec!(612.184))), "+612.18");
        assert_eq!(signed_money(Money(dec!(-12))), "-12.00");
        assert_eq!(qty(Qty::new(dec!(41000.50)).unwrap()), "41,000.5");
        assert_eq!(signed_percent(0.0422, 2), "+4.22%");
        assert_eq!(signed_percent(-0.00001, 2), "+0.00%");
        assert_eq!(percent(f64::NAN, 0), "···");
        assert_eq!(float(-1234.5, 1), "-1,234.5");
        assert_eq!(maybe(None, 2), "···");
        assert_eq!([volume(41_230.0), volume(-1_500_000.0), volume(0.0)], ["41.2k", "-1.5M", "0.0"]);
        assert_eq!(latency(Some(1_204.0)), "1.2s");
        assert_eq!(latency(None), "–");
        assert_eq!([200, 42_000, 180_000, 7_200_000, -5].map(age), ["0.2s", "42s", "3m", "2h", "0.0s"]);
    }

    #[test]
    fn a_probability_below_the_gate_never_looks_like_the_gate() {
        assert_eq!(prob(0.7999), ".79");
        assert_eq!(prob(0.80), ".80");
        assert_eq!(prob(0.29), ".29");
        assert_eq!(prob(1.0), "1.00");
        assert_eq!(prob(f64::NAN), "···");
    }

    #[test]
    fn zones_only_change_the_display() {
        let t = UtcMs::parse("2024-07-17T23:30:00Z").unwrap();
        let berlin = Zone::Local(TimeZone::fixed(jiff::tz::offset(2)));
        assert_eq!((Zone::Utc.short(t), Zone::Utc.name(t)), ("07-17 23:30".to_owned(), "UTC".to_owned()));
        assert_eq!(berlin.short(t), "07-18 01:30");
        assert_eq!(Zone::Utc.clock(UtcMs(i64::MAX)), "···");
    }

    proptest! {
        #[test]
        fn grouping_only_adds_commas(value in any::<i64>()) {
            let text = group(&value.to_string());
            prop_assert_eq!(text.replace(',', ""), value.to_string());
        }

        #[test]
        fn no_float_breaks_a_formatter(value in any::<f64>(), places in 0_usize..6) {
            for text in [float(value, places), percent(value, places), prob(value), volume(value), latency(Some(value))] {
                prop_assert!(!text.is_empty() && !text.contains("NaN") && !text.contains("inf"));
            }
        }
    }
}
