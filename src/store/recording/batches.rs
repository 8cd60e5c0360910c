//! The replayed rows, one batch per step of the grid.

use super::{Manifest, ReplayRows};
use crate::domain::event::RawBatch;
use crate::domain::time::HOUR_MS;
use crate::domain::{UtcMs, Venue};

/// Iterator over the batches of a recording.
///
/// Steps are hourly from the lead-in to the start of the span, then as long as the shortest bar. A row comes with the first batch at
/// or after its bar's close, in the order of its file: rows that are out of order are handed on as they are.
#[derive(Debug, Clone)]
pub struct Batches {
    rows: ReplayRows,
    venue: Venue,
    trading_from: UtcMs,
    first: UtcMs,
    last: UtcMs,
    grid_ms: i64,
    next: UtcMs,
    /// Rows of each pair that have been handed out.
    taken: Vec<usize>,
}

impl Batches {
    pub(super) fn new(manifest: &Manifest, rows: ReplayRows, trading_from: UtcMs) -> Self {
        let grid_ms = manifest.replay.iter().map(|e| e.interval().ms()).min().unwrap_or(HOUR_MS);
        let taken = vec![0; rows.series.len()];
        let mut batches = Self {
            rows,
            venue: manifest.venue,
            trading_from,
            first: manifest.first,
            last: manifest.last,
            grid_ms,
            next: manifest.lead_in,
            taken,
        };
        batches.next = batches.after(manifest.lead_in);
        batches
    }

    /// Goes on after `at`: what became known up to then is not delivered again. For a restart.
    #[must_use]
    pub fn starting_after(mut self, at: UtcMs) -> Self {
        while self.next <= at && self.next <= self.last {
            self.advance(self.next, |_, _| ());
            self.next = self.after(self.next);
        }
        self
    }

    const fn after(&self, at: UtcMs) -> UtcMs {
        if at.0 < self.first.0 {
            let hour = at.plus(HOUR_MS);
            if hour.0 < self.first.0 { hour } else { self.first }
        } else {
            at.plus(self.grid_ms)
        }
    }

    /// Takes the rows that are known at `at`.
    fn advance(&mut self, at: UtcMs, mut each: impl FnMut(&super::Series, &super::Row)) {
        for (series, taken) in self.rows.series.iter().zip(&mut self.taken) {
            for row in series.rows.iter().skip(*taken) {
                if row.open_time.plus(series.interval.ms()) > at {
                    break;
                }
                each(series, row);
                *taken += 1;
            }
        }
    }
}

impl Iterator for Batches {
    type Item = RawBatch;

    fn next(&mut self) -> Option<RawBatch> {
        let at = self.next;
        if at > self.last {
            return None;
        }
        let (venue, mut rows) = (self.venue, Vec::new());
        self.advance(at, |series, row| rows.push(row.candle(&series.pair, venue, series.interval)));
        self.next = self.after(at);
        Some(RawBatch { at, rows, warmup: at < self.trading_from, ..RawBatch::default() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let steps = |from: UtcMs, to: UtcMs, step: i64| to.since(from).max(-1).div_euclid(step.max(1)) + 1;
        let mut left = 0;
        if self.next < self.first {
            left += self.first.since(self.next).saturating_add(HOUR_MS - 1).div_euclid(HOUR_MS);
        }
        left += steps(self.next.max(self.first), self.last, self.grid_ms).max(0);
        let left = usize::try_from(left).unwrap_or(0);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Batches {}
