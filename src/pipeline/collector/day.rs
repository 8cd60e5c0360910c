//! How many bars the last 24 hours hold.

use crate::domain::time::HOUR_MS;
use crate::domain::{Interval, UtcMs};

/// Hours that are looked back on, the running one included.
const HOURS: usize = 24;

/// Counts source bars by the hour in which they began.
#[derive(Debug, Clone)]
pub(super) struct Day {
    step_ms: i64,
    /// Open of the first bar: before it nothing was missing.
    first: Option<UtcMs>,
    /// Hour and its bars, in the place of the hour of the day.
    hours: [(i64, u32); HOURS],
}

impl Day {
    pub(super) const fn new(source: Interval) -> Self {
        Self { step_ms: source.ms(), first: None, hours: [(i64::MIN, 0); HOURS] }
    }

    pub(super) fn take(&mut self, open_time: UtcMs) {
        self.first.get_or_insert(open_time);
        let hour = open_time.0.div_euclid(HOUR_MS);
        let place = usize::try_from(hour.rem_euclid(HOURS as i64)).unwrap_or(0);
        if let Some(slot) = self.hours.get_mut(place) {
            *slot = if slot.0 == hour { (hour, slot.1 + 1) } else { (hour, 1) };
        }
    }

    /// Bars that are there, and bars that could be, up to `at`.
    pub(super) fn count(&self, at: UtcMs) -> (u32, u32) {
        let Some(first) = self.first.filter(|_| self.step_ms > 0) else { return (0, 0) };
        let newest = at.plus(-1).0.div_euclid(HOUR_MS);
        let oldest = newest - (HOURS as i64 - 1);
        let bars = self.hours.iter().filter(|(hour, _)| (oldest..=newest).contains(hour)).map(|(_, n)| n).sum();
        let begin = first.max(UtcMs(oldest.saturating_mul(HOUR_MS)));
        let slots = at.floor_to(self.step_ms).since(begin).max(0) / self.step_ms;
        (bars, u32::try_from(slots).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{DAY_MS, MINUTE_MS};

    const NOON: UtcMs = UtcMs(1_721_217_600_000);

    #[test]
    fn a_day_holds_its_bars_and_forgets_older_ones() {
        let mut day = Day::new(Interval::M5);
        assert_eq!(day.count(NOON), (0, 0));
        for slot in 0..6 {
            day.take(NOON.plus(slot * 5 * MINUTE_MS));
        }
        assert_eq!(day.count(NOON.plus(HOUR_MS)), (6, 12));
        assert_eq!(day.count(NOON.plus(6 * HOUR_MS)), (6, 72));
        // The running hour counts as one of the 24.
        assert_eq!(day.count(NOON.plus(DAY_MS)), (6, 288));
        assert_eq!(day.count(NOON.plus(DAY_MS + 5 * MINUTE_MS)), (0, 277));
        day.take(NOON.plus(DAY_MS));
        assert_eq!(day.count(NOON.plus(DAY_MS + 5 * MINUTE_MS)), (1, 277));
    }
}
