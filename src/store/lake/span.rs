//! Which file of the lake an instant belongs to.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::time::DAY_MS;

/// A month or day (UTC): the name of its file and its instants, `begin <= t < end`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Span {
    pub name: String,
    pub begin: i64,
    pub end: i64,
}

fn date(ms: i64) -> Option<Date> {
    Some(jiff::Timestamp::from_millisecond(ms).ok()?.to_zoned(TimeZone::UTC).date())
}

fn midnight(date: Date) -> Option<i64> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

/// The month of an instant in ms: `2024-10`.
pub(in crate::store) fn month(ms: i64) -> Option<Span> {
    let first = date(ms)?.first_of_month();
    let next = first.last_of_month().tomorrow().ok()?;
    let name = format!("{:04}-{:02}", first.year(), first.month());
    Some(Span { name, begin: midnight(first)?, end: midnight(next)? })
}

/// The day of an instant in ns: `2024-10-31`; its limits are in ns as well.
pub(in crate::store) fn day_ns(ns: i64) -> Option<Span> {
    let ms = ns.div_euclid(1_000_000);
    let begin = ms.div_euclid(DAY_MS).checked_mul(DAY_MS)?;
    let name = date(ms)?.to_string();
    Some(Span { name, begin: begin.checked_mul(1_000_000)?, end: (begin + DAY_MS).checked_mul(1_000_000)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UtcMs;

    #[test]
    fn months_and_days_have_their_limits() {
        let at = |text: &str| UtcMs::parse(text).unwrap().0;
        let leap = month(at("2024-02-29T23:59:59Z")).unwrap();
        assert_eq!(
            leap,
            Span { name: "2024-02".to_owned(), begin: at("2024-02-01T00:00:00Z"), end: at("2024-03-01T00:00:00Z") }
        );
        let december = month(at("2023-12-31T12:00:00Z")).unwrap();
        assert_eq!((december.name.as_str(), december.end), ("2023-12", at("2024-01-01T00:00:00Z")));
        let day = day_ns(at("2024-10-31T23:59:59Z") * 1_000_000 + 999_999_999).unwrap();
        assert_eq!((day.name.as_str(), day.end), ("2024-10-31", at("2024-11-01T00:00:00Z") * 1_000_000));
        assert_eq!(day_ns(i64::MAX).map(|s| s.end), None);
        assert_eq!(month(i64::MAX), None);
    }
}
