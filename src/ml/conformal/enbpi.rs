//! The narrowest band of out-of-sample residuals (Xu, Xie 2021).

use crate::ml::numbers::{quantile_sorted, sorted};

/// Offsets of the ends from the forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offsets {
    /// Share of the misses that fall below.
    pub beta: f64,
    pub low: f64,
    pub high: f64,
}

/// The narrowest `[q(beta), q(1 − alpha + beta)]` over `grid` values of beta from 0 to `alpha`; the first of equals. `None` without
/// residuals or with a grid of less than two.
#[must_use]
pub fn narrowest(residuals: &[f64], alpha: f64, grid: usize) -> Option<Offsets> {
    let residuals = sorted(residuals.to_vec());
    let steps = grid.checked_sub(1).filter(|s| *s > 0)?;
    let at = |i: usize| {
        let beta = alpha * i as f64 / steps as f64;
        let (low, high) = (quantile_sorted(&residuals, beta)?, quantile_sorted(&residuals, 1.0 - alpha + beta)?);
        Some(Offsets { beta, low, high })
    };
    (0..grid).filter_map(at).reduce(|best, next| if next.high - next.low < best.high - best.low { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_tail_is_left_out() {
        let residuals: Vec<f64> =
            (0..100).map(|i| if i < 90 { f64::from(i) / 90.0 } else { 10.0 * f64::from(i) }).collect();
        let band = narrowest(&residuals, 0.1, 21).unwrap();
        assert_eq!((band.beta, band.low), (0.0, 0.0));
        assert_eq!(narrowest(&[], 0.1, 21), None);
        assert_eq!(narrowest(&residuals, 0.1, 1), None);
    }
}
