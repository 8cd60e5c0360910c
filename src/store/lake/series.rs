//! What the lake is divided into: venue, pair and series, each series a folder of its own.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::span::{self, Span};
use crate::domain::{Interval, Pair, UtcMs};

/// A venue's name: begins with a lower-case letter, then lower-case letters, digits, `-` and `_`, at most 32. Names a folder of the lake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VenueName(String);

impl VenueName {
    /// Where this program trades.
    #[must_use]
    pub fn kraken() -> Self {
        Self("kraken".to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for VenueName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if text.len() <= 32 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(good) {
            Ok(Self(text))
        } else {
            Err(format!("'{text}' cannot name a venue: use lower-case letters, digits, '-' and '_'"))
        }
    }
}

impl std::str::FromStr for VenueName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

impl From<VenueName> for String {
    fn from(name: VenueName) -> Self {
        name.0
    }
}

impl fmt::Display for VenueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Reads `5m`, `1h`, `1d` and `1w`.
#[must_use]
pub fn interval_from_text(text: &str) -> Option<Interval> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = lower.split_at_checked(digits)?;
    let minutes = match unit {
        "m" | "min" => 1,
        "h" => 60,
        "d" => 1_440,
        "w" => 10_080,
        _ => return None,
    };
    let minutes = count.parse::<u32>().ok()?.checked_mul(minutes)?;
    (1..=44_640).contains(&minutes).then_some(Interval(minutes))
}

/// One kind of data of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// `ts` in milliseconds, a file a month.
    Candles(Interval),
    /// `ts` in nanoseconds, a file a day.
    Trades,
    /// Best levels of the order book from time to time; `ts` in nanoseconds, a file a day.
    Books,
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Candles(interval) => f.pad(&interval.to_string()),
            Self::Trades => f.pad("trades"),
            Self::Books => f.pad("books"),
        }
    }
}

impl Series {
    /// The series that a folder's name means.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "trades" => Some(Self::Trades),
            "books" => Some(Self::Books),
            _ => interval_from_text(name).filter(|interval| interval.to_string() == name).map(Self::Candles),
        }
    }

    /// Name of the unit of `ts`, and how many of it make a millisecond.
    pub(super) const fn unit(self) -> (&'static str, i64) {
        match self {
            Self::Candles(_) => ("ms", 1),
            Self::Trades | Self::Books => ("ns", 1_000_000),
        }
    }

    /// An instant of a row as milliseconds.
    #[must_use]
    pub const fn to_ms(self, at: i64) -> UtcMs {
        UtcMs(at.div_euclid(self.unit().1))
    }

    /// A millisecond in the unit of the rows; the ends of time stay there.
    pub(super) const fn in_unit(self, at: UtcMs) -> i64 {
        at.0.saturating_mul(self.unit().1)
    }

    /// The month or day that a row belongs to; `None` beyond the calendar.
    pub(in crate::store) fn span(self, at: i64) -> Option<Span> {
        match self {
            Self::Candles(_) => span::month(at),
            Self::Trades | Self::Books => span::day_ns(at),
        }
    }

    /// The month or day of that name; its limits in the unit of the rows.
    pub(super) fn span_of(self, name: &str) -> Option<Span> {
        let begin = match self {
            Self::Candles(_) => UtcMs::parse(&format!("{name}-01T00:00:00Z")).ok()?.0,
            Self::Trades | Self::Books => UtcMs::parse(&format!("{name}T00:00:00Z")).ok()?.0.checked_mul(1_000_000)?,
        };
        self.span(begin).filter(|span| span.name == name)
    }
}

/// The whole name of a series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    pub venue: VenueName,
    pub pair: Pair,
    pub series: Series,
}

impl SeriesKey {
    #[must_use]
    pub const fn new(venue: VenueName, pair: Pair, series: Series) -> Self {
        Self { venue, pair, series }
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self, lake: &Path) -> PathBuf {
        lake.join(self.venue.as_str()).join(self.pair.file_stem()).join(self.series.to_string())
    }
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} from {}", self.series, self.pair, self.venue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_venues_are_checked() {
        for interval in [1, 5, 60, 90, 240, 1_440, 10_080, 21_600].map(Interval) {
            assert_eq!(interval_from_text(&interval.to_string()), Some(interval));
        }
        for text in ["", "m", "5", "0m", "5x", "99999999999m", "-5m", "99w"] {
            assert_eq!(interval_from_text(text), None, "{text}");
        }
        assert!("coinbase_pro-2".parse::<VenueName>().is_ok());
        for text in ["", "Kraken", "..", "_x", "a/b", "ä", "a b"] {
            assert!(text.parse::<VenueName>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_series_and_spans_are_read_back() {
        for series in [Series::Candles(Interval::M5), Series::Candles(Interval(1_440)), Series::Trades, Series::Books] {
            assert_eq!(Series::from_name(&series.to_string()), Some(series));
            let at = series.in_unit(UtcMs(1_709_251_200_123));
            assert_eq!(series.to_ms(at), UtcMs(1_709_251_200_123));
            let span = series.span(at).unwrap();
            assert_eq!(series.span_of(&span.name), Some(span));
        }
        for name in ["", "60m", "1x", "Trades", "60"] {
            assert_eq!(Series::from_name(name), None, "{name}");
        }
        for name in ["2024-13", "2024-1", "2024-02-30", "../2024-01"] {
            assert_eq!(Series::Candles(Interval::H1).span_of(name), None, "{name}");
            assert_eq!(Series::Trades.span_of(name), None, "{name}");
        }
    }
}
