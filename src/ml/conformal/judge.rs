//! What intervals were worth: proper scores (Winkler 1972; Gneiting, Raftery 2007) and coverage.

use crate::ml::numbers::mean;

/// A given interval with what came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Given {
    pub low: f64,
    pub high: f64,
    pub outcome: f64,
}

/// Mean Winkler score of intervals that should miss `alpha`: width plus `2/alpha` for each unit missed by. Lower is better.
#[must_use]
pub fn winkler(rows: &[Given], alpha: f64) -> Option<f64> {
    let score = |r: &Given| {
        let missed = (r.low - r.outcome).max(0.0) + (r.outcome - r.high).max(0.0);
        r.high - r.low + 2.0 / alpha * missed
    };
    mean(&rows.iter().map(score).collect::<Vec<_>>())
}

/// Share of outcomes inside, ends included.
#[must_use]
pub fn covered(rows: &[Given]) -> Option<f64> {
    let inside = |r: &Given| f64::from(u8::from((r.low..=r.high).contains(&r.outcome)));
    mean(&rows.iter().map(inside).collect::<Vec<_>>())
}

/// Mean pinball loss of `(predicted quantile, outcome)` at the level `tau`.
#[must_use]
pub fn pinball(rows: &[(f64, f64)], tau: f64) -> Option<f64> {
    let loss = |(q, y): &(f64, f64)| (tau * (y - q)).max((tau - 1.0) * (y - q));
    mean(&rows.iter().map(loss).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let rows = [Given { low: 0.0, high: 1.0, outcome: 1.0 }, Given { low: 0.0, high: 1.0, outcome: 1.5 }];
        assert_eq!(winkler(&rows, 0.2), Some((1.0 + 6.0) / 2.0));
        assert_eq!(covered(&rows), Some(0.5));
        assert_eq!(pinball(&[(1.0, 2.0), (1.0, 0.0)], 0.75), Some(0.5));
        assert_eq!((winkler(&[], 0.2), covered(&[]), pinball(&[], 0.5)), (None, None, None));
    }
}
