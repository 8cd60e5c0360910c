//! What is missing between the rows of a series.

/// Spans without a row between the first and the last one. Where a venue writes no candle for an interval without trades, quiet and
/// missing cannot be told apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holes {
    pub count: u64,
    /// Candles that are not there.
    pub absent: u64,
    /// From the end of one row's interval to the next row, in ms.
    pub longest_ms: i64,
}

impl Holes {
    /// Notes the distance between two rows that follow each other, of candles `step` ms long.
    pub(in crate::store) fn note(&mut self, earlier: i64, later: i64, step: i64) {
        let between = later.saturating_sub(earlier).saturating_sub(step);
        if step > 0 && between > 0 {
            self.count += 1;
            self.absent += u64::try_from(between / step).unwrap_or(0);
            self.longest_ms = self.longest_ms.max(between);
        }
    }
}
