//! The falls of an equity curve from its peaks.

use serde::Serialize;

use super::ratios::equity;
use crate::ml::numbers::mean;

/// Distance from the peak, bar by bar; the start counts as a peak.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drawdowns {
    /// After each return, 0 at a peak and negative below it.
    pub series: Vec<f64>,
    /// The deepest, negative.
    pub deepest: f64,
    /// Return after which it was reached first.
    pub trough: usize,
    /// Root mean square of the series (Martin 1987).
    pub ulcer: f64,
}

/// Drawdowns of the equity that `returns` compound to. `None` without returns and when they lose everything.
#[must_use]
pub fn drawdowns(returns: &[f64]) -> Option<Drawdowns> {
    let mut peak: f64 = 1.0;
    let fall = |value: &f64| {
        peak = peak.max(*value);
        value / peak - 1.0
    };
    let series: Vec<f64> = equity(returns)?.iter().skip(1).map(fall).collect();
    let (trough, deepest) =
        series.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))?;
    let ulcer = mean(&series.iter().map(|d| d * d).collect::<Vec<_>>())?.sqrt();
    Some(Drawdowns { series, deepest, trough, ulcer })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::monitor::performance::max_drawdown;

    #[test]
    fn the_start_is_a_peak_and_a_new_peak_ends_a_fall() {
        let falls = drawdowns(&[-0.1, 0.25, -0.2, -0.2]).unwrap();
        for (got, want) in falls.series.iter().zip([-0.1, 0.0, -0.2, -0.36]) {
            assert!((got - want).abs() < 1e-12);
        }
        assert!((falls.deepest + 0.36).abs() < 1e-12 && falls.trough == 3);
        assert_eq!(drawdowns(&[]), None);
        assert_eq!(drawdowns(&[-1.0]), None);
        assert_eq!(drawdowns(&[f64::NAN]), None);
        assert_eq!(drawdowns(&[0.1, 0.1]).unwrap().deepest, 0.0);
    }

    proptest! {
        #[test]
        fn it_is_the_fall_that_the_monitor_sees(returns in proptest::collection::vec(-0.3_f64..0.3, 1..100)) {
            let falls = drawdowns(&returns).unwrap();
            let worst = max_drawdown(&equity(&returns).unwrap()).unwrap();
            prop_assert!((falls.deepest + worst).abs() < 1e-12);
            prop_assert!(falls.series.iter().all(|d| (-1.0..=0.0).contains(d)));
            prop_assert!(falls.ulcer <= worst + 1e-12);
        }
    }
}
