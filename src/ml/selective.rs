//! What abstaining buys (El-Yaniv, Wiener 2010; Geifman, El-Yaniv 2017): how often the most confident share was wrong.

use serde::{Deserialize, Serialize};

/// The outcome of answering only from some confidence on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RiskPoint {
    /// The lowest confidence that is answered.
    pub threshold: f64,
    /// Share of rows answered.
    pub coverage: f64,
    /// Share of wrong ones among them.
    pub risk: f64,
}

/// Risk over coverage, from the most confident rows down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskCoverage {
    /// One point per distinct confidence.
    pub points: Vec<RiskPoint>,
    /// Area under the curve: mean risk over all coverages `1/n ..= 1`. Rows of equal confidence are answered in an unknown
    /// order, so each counts for their mean.
    pub aurc: f64,
}

/// The curve of `(confidence, right)`; `None` without rows or with a confidence that is not a number.
#[must_use]
pub fn risk_coverage(rows: &[(f64, bool)]) -> Option<RiskCoverage> {
    if rows.is_empty() || rows.iter().any(|r| r.0.is_nan()) {
        return None;
    }
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut answered, mut wrong, mut area) = (0.0, 0.0, 0.0);
    let n = sorted.len() as f64;
    let points = sorted
        .chunk_by(|a, b| a.0 == b.0)
        .map(|tie| {
            let each = tie.iter().filter(|r| !r.1).count() as f64 / tie.len() as f64;
            for _ in tie {
                answered += 1.0;
                wrong += each;
                area += wrong / answered;
            }
            let threshold = tie.first().map_or(f64::NAN, |r| r.0);
            RiskPoint { threshold, coverage: answered / n, risk: wrong / answered }
        })
        .collect();
    Some(RiskCoverage { points, aurc: area / n })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let curve = risk_coverage(&[(0.6, false), (0.9, true), (0.8, false), (0.7, true)]).unwrap();
        let risks: Vec<f64> = curve.points.iter().map(|p| p.risk).collect();
        assert_eq!(risks, [0.0, 0.5, 1.0 / 3.0, 0.5]);
        assert_eq!(curve.points[1], RiskPoint { threshold: 0.8, coverage: 0.5, risk: 0.5 });
        assert!((curve.aurc - (0.0 + 0.5 + 1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-15);
    }

    #[test]
    fn ties_do_not_depend_on_the_order_of_rows() {
        let (a, b) = ([(0.8, true), (0.8, false), (0.5, true)], [(0.5, true), (0.8, false), (0.8, true)]);
        assert_eq!(risk_coverage(&a), risk_coverage(&b));
        assert_eq!(risk_coverage(&a).unwrap().points.len(), 2);
        assert_eq!(risk_coverage(&[]), None);
        assert_eq!(risk_coverage(&[(f64::NAN, true)]), None);
    }

    #[test]
    fn a_confidence_that_ranks_lowers_the_area() {
        let rows = |sign: f64| (0..100).map(move |i| (sign * f64::from(i), i % 10 < i / 10)).collect::<Vec<_>>();
        let area = |sign| risk_coverage(&rows(sign)).unwrap().aurc;
        assert!(area(1.0) < area(-1.0));
    }
}
