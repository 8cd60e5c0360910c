//! The system's health score as a brain last heard it.

use crate::domain::time::{HOUR_MS, UtcMs};

/// A score counts for this long: one missed report is bridged, a silent Health Monitor is not.
const VALID_MS: i64 = 3 * HOUR_MS;

/// The last reported score, and when it came in.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Vitals {
    last: Option<(f64, UtcMs)>,
}

impl Vitals {
    pub(super) const fn report(&mut self, score: f64, at: UtcMs) {
        self.last = Some((score, at));
    }

    /// The score, unless it is older than three hours of data time.
    pub(super) fn score(&self, at: UtcMs) -> Option<f64> {
        self.last.filter(|(_, heard)| at.since(*heard) <= VALID_MS).map(|(score, _)| score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_score_is_no_score() {
        let mut vitals = Vitals::default();
        assert_eq!(vitals.score(UtcMs(0)), None);
        vitals.report(0.9, UtcMs(0));
        assert_eq!(vitals.score(UtcMs(VALID_MS)), Some(0.9));
        assert_eq!(vitals.score(UtcMs(VALID_MS + 1)), None);
    }
}
