//! How much of each month there is.

use std::collections::BTreeMap;

use crate::domain::UtcMs;
use crate::domain::time::DAY_MS;
use crate::store::lake::series::Series;
use crate::store::lake::span;

/// How much of a month is there, between the first and the last row of the series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// `2024-10`
    pub month: String,
    /// Candles that there could be; of trades and books: days.
    pub expected: u64,
    pub present: u64,
}

/// Counts rows by month as they come.
#[derive(Debug)]
pub(super) struct Coverage {
    step: i64,
    /// By the start of the month: its name, its end and what is there.
    months: BTreeMap<i64, (String, i64, u64)>,
    /// Start and end of the month of the last row, and of what was counted of it.
    current: (i64, i64),
    counted: Option<i64>,
}

impl Coverage {
    pub(super) fn new(series: Series) -> Self {
        let step = match series {
            Series::Candles(interval) => interval.ms(),
            Series::Trades | Series::Books => DAY_MS,
        };
        Self { step: step.max(1), months: BTreeMap::new(), current: (0, 0), counted: None }
    }

    /// Notes a row; those of one step count once.
    pub(super) fn note(&mut self, at: UtcMs) {
        let slot = at.0.div_euclid(self.step);
        if self.counted.replace(slot) == Some(slot) {
            return;
        }
        if !(self.current.0..self.current.1).contains(&at.0) {
            let Some(month) = span::month(at.0) else { return };
            self.current = (month.begin, month.end);
            self.months.entry(month.begin).or_insert((month.name, month.end, 0));
        }
        if let Some((_, _, present)) = self.months.get_mut(&self.current.0) {
            *present += 1;
        }
    }

    /// Every month from the first to the last row, those without a row included.
    pub(super) fn finish(self, first: UtcMs, last: UtcMs) -> Vec<Cover> {
        let mut covers = Vec::new();
        let (begin, end) = (first.0.div_euclid(self.step), last.0.div_euclid(self.step));
        let mut at = first.0;
        while let Some(month) = span::month(at).filter(|month| month.begin <= last.0) {
            // Steps that begin within the month and are not before the first or after the last row's.
            let ceil = |t: i64| t.div_euclid(self.step) + i64::from(t.rem_euclid(self.step) != 0);
            let (from, to) = (ceil(month.begin).max(begin), (ceil(month.end) - 1).min(end));
            let expected = u64::try_from(to - from + 1).unwrap_or(0);
            let present = self.months.get(&month.begin).map_or(0, |(_, _, present)| *present);
            at = month.end;
            covers.push(Cover { month: month.name, expected, present });
        }
        covers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Interval;

    #[test]
    fn each_month_is_counted_by_itself() {
        let at = |text: &str| UtcMs::parse(text).unwrap();
        let mut coverage = Coverage::new(Series::Candles(Interval::H1));
        let (first, last) = (at("2024-01-31T20:00:00Z"), at("2024-03-01T01:00:00Z"));
        for row in [first, at("2024-01-31T21:00:00Z"), at("2024-03-01T00:00:00Z"), last] {
            coverage.note(row);
        }
        let found: Vec<_> =
            coverage.finish(first, last).into_iter().map(|c| (c.month, c.present, c.expected)).collect();
        let want = [("2024-01", 2, 4), ("2024-02", 0, 29 * 24), ("2024-03", 2, 2)];
        assert_eq!(found, want.map(|(month, present, expected)| (month.to_owned(), present, expected)));

        let mut days = Coverage::new(Series::Trades);
        for row in ["2024-01-30T00:00:00Z", "2024-01-30T23:00:00Z", "2024-02-01T00:00:01Z"] {
            days.note(at(row));
        }
        let found = days.finish(at("2024-01-30T00:00:00Z"), at("2024-02-01T00:00:01Z"));
        let found: Vec<_> = found.into_iter().map(|c| (c.present, c.expected)).collect();
        assert_eq!(found, [(1, 2), (1, 1)]);
    }
}
