//! Instants from text, in nanoseconds since the Unix epoch.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Reason;
use crate::store::number;

/// How a file writes instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TimeUnit {
    /// Seconds since the Unix epoch, with or without decimals; so the next three.
    #[serde(rename = "s")]
    S,
    #[serde(rename = "ms")]
    Ms,
    #[serde(rename = "us")]
    Us,
    #[serde(rename = "ns")]
    Ns,
    /// With a zone: `2024-07-17T00:00:00Z`.
    #[serde(rename = "rfc3339")]
    Rfc3339,
    /// Without a zone, meant as UTC: `2024-07-17 00:00:00`.
    #[serde(rename = "datetime-utc")]
    DatetimeUtc,
    /// As the first row that is an instant in one way only; every other row must be the same.
    #[default]
    #[serde(rename = "auto")]
    Auto,
}

/// 2009-01-03: nothing was traded before the first block. An earlier instant means a wrong unit.
const EARLIEST_NS: i64 = 1_230_940_800_000_000_000;

impl TimeUnit {
    const fn power(self) -> Option<u32> {
        match self {
            Self::S => Some(9),
            Self::Ms => Some(6),
            Self::Us => Some(3),
            Self::Ns => Some(0),
            Self::Rfc3339 | Self::DatetimeUtc | Self::Auto => None,
        }
    }

    /// The unit in which `text` is an instant between 2009 and 2262; the ranges do not meet.
    pub(super) fn guess(text: &str, comma: bool) -> Option<Self> {
        [Self::S, Self::Ms, Self::Us, Self::Ns, Self::Rfc3339, Self::DatetimeUtc]
            .into_iter()
            .find(|unit| nanoseconds(text, *unit, comma).is_ok())
    }
}

/// Reads the instants of one file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instants {
    unit: TimeUnit,
    comma: bool,
}

impl Instants {
    pub(super) const fn new(unit: TimeUnit, comma: bool) -> Self {
        Self { unit, comma }
    }

    /// The unit, once it is known.
    pub(super) const fn unit(&self) -> TimeUnit {
        self.unit
    }

    /// # Errors
    /// [`Reason::BadTime`].
    pub(super) fn read(&mut self, text: &str) -> Result<i64, Reason> {
        if self.unit == TimeUnit::Auto {
            self.unit = TimeUnit::guess(text, self.comma).ok_or(Reason::BadTime)?;
        }
        nanoseconds(text, self.unit, self.comma)
    }
}

fn nanoseconds(text: &str, unit: TimeUnit, comma: bool) -> Result<i64, Reason> {
    let text = text.trim();
    let wide = match unit.power() {
        Some(power) => from_number(number::decimal(text, comma).map_err(|_| Reason::BadTime)?, power),
        None if unit == TimeUnit::DatetimeUtc => from_datetime(text),
        None => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_nanosecond),
    };
    let narrow = wide.and_then(|ns| i64::try_from(ns).ok());
    narrow.filter(|ns| *ns >= EARLIEST_NS).ok_or(Reason::BadTime)
}

/// `value × 10^power`, when that is a whole number.
fn from_number(value: Decimal, power: u32) -> Option<i128> {
    let (mantissa, scale) = (value.mantissa(), value.scale());
    match power.checked_sub(scale) {
        Some(up) => mantissa.checked_mul(10_i128.checked_pow(up)?),
        None => {
            let down = 10_i128.checked_pow(scale - power)?;
            (mantissa % down == 0).then(|| mantissa / down)
        }
    }
}

fn from_datetime(text: &str) -> Option<i128> {
    // The parser would overlook a zone; one that is written must be read with the other unit.
    let clock = text.get(10..).unwrap_or_default();
    if clock.contains(['Z', 'z', '+', '-', '[']) {
        return None;
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_nanosecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_in_every_form() {
        const NS: i64 = 1_704_067_200_000_000_000;
        for (text, unit) in [
            ("1704067200", TimeUnit::S),
            ("1704067200.000", TimeUnit::S),
            ("1.7040672E9", TimeUnit::S),
            ("1704067200000", TimeUnit::Ms),
            ("1704067200000000", TimeUnit::Us),
            ("1704067200000000000", TimeUnit::Ns),
            ("2024-01-01T00:00:00Z", TimeUnit::Rfc3339),
            ("2024-01-01T01:00:00+01:00", TimeUnit::Rfc3339),
            ("2024-01-01 00:00:00", TimeUnit::DatetimeUtc),
            ("2024-01-01T00:00", TimeUnit::DatetimeUtc),
            ("2024-01-01", TimeUnit::DatetimeUtc),
        ] {
            assert_eq!(TimeUnit::guess(text, false), Some(unit), "{text}");
            let mut instants = Instants::new(TimeUnit::Auto, false);
            assert_eq!(instants.read(text), Ok(NS), "{text}");
            assert_eq!(instants.unit(), unit);
        }
        let mut seconds = Instants::new(TimeUnit::S, false);
        assert_eq!(seconds.read("1672531436.1234567"), Ok(1_672_531_436_123_456_700));
        for text in ["1704067200000", "", "now", "-1", "0", "1230940799", "1704067200.0000000001", "NaN", "1e40"] {
            assert_eq!(seconds.read(text), Err(Reason::BadTime), "{text}");
        }
        for text in
            ["2024-01-01 00:00:00+02:00", "2024-02-30 00:00", "01/02/2024", "2024-01-01T00:00:00[Europe/Berlin]"]
        {
            assert_eq!(nanoseconds(text, TimeUnit::DatetimeUtc, false), Err(Reason::BadTime), "{text}");
        }
    }

    #[test]
    fn a_file_that_changes_its_unit_is_found_out() {
        let mut instants = Instants::new(TimeUnit::Auto, false);
        assert!(instants.read("1704067200").is_ok());
        assert_eq!(instants.read("1704067260000"), Err(Reason::BadTime));
        assert_eq!(instants.read("2024-01-01T00:00:00Z"), Err(Reason::BadTime));
    }
}
