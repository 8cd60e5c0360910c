//! Instants: UTC milliseconds since the Unix epoch. A zone exists only where a person reads it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An instant in UTC, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcMs(pub i64);

/// Milliseconds in one minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds in one hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds in one day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

impl UtcMs {
    /// This instant moved by `ms` milliseconds (negative moves back); saturates at the ends of the range.
    #[must_use]
    pub const fn plus(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant (negative when `earlier` is later).
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The start of the UTC grid cell of `step_ms` milliseconds that holds this instant.
    #[must_use]
    pub const fn floor_to(self, step_ms: i64) -> Self {
        if step_ms <= 0 { self } else { Self(self.0.saturating_sub(self.0.rem_euclid(step_ms))) }
    }

    /// Midnight (UTC) of this instant's day.
    #[must_use]
    pub const fn day(self) -> Self {
        self.floor_to(DAY_MS)
    }

    /// Reads an RFC 3339 instant such as `2024-07-17T00:00:00Z`.
    ///
    /// # Errors
    /// The text of the parser's complaint when `text` is not an instant.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.parse::<jiff::Timestamp>().map(|t| Self(t.as_millisecond())).map_err(|e| e.to_string())
    }

    fn format(self, pattern: &str) -> String {
        jiff::Timestamp::from_millisecond(self.0).map_or_else(|_| "···".to_owned(), |t| t.strftime(pattern).to_string())
    }

    /// `14:05:09`
    #[must_use]
    pub fn clock(self) -> String {
        self.format("%H:%M:%S")
    }

    /// `2024-07-17`
    #[must_use]
    pub fn date(self) -> String {
        self.format("%Y-%m-%d")
    }

    /// `2024-07-17 14:05`
    #[must_use]
    pub fn minute(self) -> String {
        self.format("%Y-%m-%d %H:%M")
    }
}

impl fmt::Display for UtcMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grid_and_text() {
        let t = UtcMs::parse("2024-07-17T13:47:09Z").unwrap_or_default();
        assert_eq!(t.to_string(), "2024-07-17T13:47:09Z");
        assert_eq!(t.floor_to(HOUR_MS).to_string(), "2024-07-17T13:00:00Z");
        assert_eq!(t.day().to_string(), "2024-07-17T00:00:00Z");
        assert_eq!(UtcMs(-1).floor_to(HOUR_MS), UtcMs(-HOUR_MS));
        assert!(UtcMs::parse("yesterday").is_err());
    }
}
