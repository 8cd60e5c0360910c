//! The exact binomial: bounds of a rate, and the band in which an observed rate should lie.

use serde::{Deserialize, Serialize};

use super::distributions::incomplete_beta;
use crate::domain::gamma::ln_gamma;

/// Where `I_x(a, b)`, the distribution function of Beta(a, b), reaches `level`, by bisection.
pub(crate) fn beta_quantile(level: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if incomplete_beta(a, b, middle).is_some_and(|below| below < level) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Clopper and Pearson's interval (1934) of a rate after `won` of `n` trials (both may be effective, so fractional), at confidence
/// `level` (0.95). Never too narrow. `None` for no trials.
#[must_use]
pub fn clopper_pearson(won: f64, n: f64, level: f64) -> Option<(f64, f64)> {
    if !(n > 0.0 && n.is_finite() && (0.0..=n).contains(&won) && level > 0.0 && level < 1.0) {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    let low = if won > 0.0 { beta_quantile(tail, won, n - won + 1.0) } else { 0.0 };
    let high = if won < n { beta_quantile(1.0 - tail, won + 1.0, n - won) } else { 1.0 };
    Some((low, high))
}

/// An observed rate beside the band in which it lies with a stated probability if the true rate is the target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RateInBand {
    pub rate: f64,
    /// Effective trials.
    pub n_eff: f64,
    pub band: (f64, f64),
}

impl RateInBand {
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rate >= self.band.0 && self.rate <= self.band.1
    }
}

/// The exact binomial band of the rate of a target: outside it, on either side, lies at most `(1 − level)/2`. `n_eff` is
/// rounded down. `None` for less than one trial.
#[must_use]
pub fn binomial_band(target: f64, n_eff: f64, level: f64) -> Option<(f64, f64)> {
    let n = n_eff.floor();
    if !((1.0..=1e6).contains(&n) && target > 0.0 && target < 1.0 && level > 0.0 && level < 1.0) {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    let mass = |k: f64| {
        let ways = ln_gamma(n + 1.0)? - ln_gamma(k + 1.0)? - ln_gamma(n - k + 1.0)?;
        Some((ways + k * target.ln() + (n - k) * (-target).ln_1p()).exp())
    };
    // The first count whose tail, itself included, is more than the share allowed outside.
    let first = |counts: &mut dyn Iterator<Item = u32>| {
        let mut outside = 0.0;
        for k in counts.map(f64::from) {
            outside += mass(k)?;
            if outside > tail {
                return Some(k);
            }
        }
        None
    };
    let trials = n as u32;
    Some((first(&mut (0..=trials))? / n, first(&mut (0..=trials).rev())? / n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beta_function_at_known_points() {
        assert!((incomplete_beta(1.0, 1.0, 0.3).unwrap() - 0.3).abs() < 1e-14);
        // I_x(2, 3) = 6x² − 8x³ + 3x⁴.
        let x = 0.37_f64;
        let meant = 6.0 * x.powi(2) - 8.0 * x.powi(3) + 3.0 * x.powi(4);
        assert!((incomplete_beta(2.0, 3.0, x).unwrap() - meant).abs() < 1e-14);
        assert_eq!(incomplete_beta(0.0, 3.0, x), None);
    }

    #[test]
    fn the_band_leaves_no_more_outside_than_it_says() {
        // By hand: 10 trials at 0.8; P(≤ 4) = 0.0064, P(≤ 3) = 0.0009, P(10) = 0.107.
        assert_eq!(binomial_band(0.8, 10.9, 0.99), Some((0.4, 1.0)));
        let (low, high) = binomial_band(0.8, 250.0, 0.99).unwrap();
        let normal = 2.576 * (0.16_f64 / 250.0).sqrt();
        assert!((low - (0.8 - normal)).abs() < 0.01 && (high - (0.8 + normal)).abs() < 0.01, "{low} {high}");
        assert_eq!(binomial_band(0.8, 0.9, 0.99), None);
        assert_eq!(binomial_band(0.8, f64::NAN, 0.99), None);
    }

    #[test]
    fn an_interval_needs_trials() {
        assert_eq!(clopper_pearson(0.0, 0.0, 0.95), None);
        assert_eq!(clopper_pearson(3.0, 2.0, 0.95), None);
        let (low, high) = clopper_pearson(0.0, 12.0, 0.95).unwrap();
        assert!(low == 0.0 && (high - (1.0 - 0.025_f64.powf(1.0 / 12.0))).abs() < 1e-12);
    }
}
