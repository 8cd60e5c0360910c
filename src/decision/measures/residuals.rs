//! What a series hides: memory of its values or of their size, tails that are not normal, and the error of its mean in spite of both.

use serde::Serialize;

use super::regression::regress;
use super::sound;
use super::stationarity::Test;
use super::tail::Shape;
use crate::decision::check::known;
use crate::ml::drift::chi_square::chi_square_tail;
use crate::ml::numbers::mean;
use crate::ml::selection::univariate::bartlett;

/// Ljung and Box's test (1978) of the first `lags` autocorrelations: a small p says that the series remembers. `None` for a flat series or one
/// not longer than the lags.
#[must_use]
pub fn ljung_box(values: &[f64], lags: usize) -> Option<Test> {
    let values = sound(values)?;
    let centre = mean(values)?;
    let around: Vec<f64> = values.iter().map(|v| v - centre).collect();
    let whole: f64 = around.iter().map(|v| v * v).sum();
    if lags == 0 || lags >= values.len() || whole <= 1e-24 * centre * centre * values.len() as f64 {
        return None;
    }
    let n = values.len() as f64;
    let term = |lag: usize| {
        let shared: f64 = around.iter().zip(around.iter().skip(lag)).map(|(a, b)| a * b).sum();
        (shared / whole).powi(2) / (n - lag as f64)
    };
    let statistic = known(n * (n + 2.0) * (1..=lags).map(term).sum::<f64>())?;
    Some(Test { statistic, p: chi_square_tail(statistic, lags as f64)? })
}

/// Engle's test (1982) for volatility that clusters: squares regressed on `lags` earlier squares, observations times R². `None` for a series
/// that is too short, flat or not finite.
#[must_use]
pub fn arch_lm(values: &[f64], lags: usize) -> Option<Test> {
    let squares: Vec<f64> = sound(values)?.iter().map(|v| v * v).collect();
    let y = squares.get(lags..).filter(|_| lags > 0)?;
    let mut columns = vec![vec![1.0; y.len()]];
    for lag in 1..=lags {
        columns.push(squares.get(lags - lag..squares.len() - lag)?.to_vec());
    }
    let centre = mean(y)?;
    let whole: f64 = y.iter().map(|v| (v - centre).powi(2)).sum();
    let explained = 1.0 - regress(&columns, y)?.residual / whole;
    let statistic = known(y.len() as f64 * explained)?.max(0.0);
    Some(Test { statistic, p: chi_square_tail(statistic, lags as f64)? })
}

/// Jarque and Bera's test (1980) of skew and kurtosis against the normal. `None` for a flat series.
#[must_use]
pub fn jarque_bera(values: &[f64]) -> Option<Test> {
    let Shape { skew, excess_kurtosis } = Shape::of(values)?;
    let statistic = known(values.len() as f64 / 6.0 * (skew * skew + excess_kurtosis * excess_kurtosis / 4.0))?;
    Some(Test { statistic, p: chi_square_tail(statistic, 2.0)? })
}

/// A mean with the error that serially dependent values leave it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeanError {
    pub mean: f64,
    pub error: f64,
    pub t: f64,
}

/// Mean with the standard error of Newey and West (1987): Bartlett kernel over `lags`, no small-sample factor. `None` for a flat or empty series.
#[must_use]
pub fn newey_west_mean(values: &[f64], lags: usize) -> Option<MeanError> {
    let centre = mean(sound(values)?)?;
    let of_sum = bartlett(values.iter().map(|v| v - centre), values.len(), lags)?;
    let error = of_sum.sqrt() / values.len() as f64;
    // What is left of a constant is rounding.
    (error > 1e-14 * centre.abs()).then(|| known(centre / error).map(|t| MeanError { mean: centre, error, t }))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    fn noise(n: usize) -> Vec<f64> {
        let mut random = SplitMix64::seeded(21);
        (0..n).map(|_| random.normal()).collect()
    }

    #[test]
    fn noise_remembers_nothing() {
        let noise = noise(1_000);
        for test in [ljung_box(&noise, 10), arch_lm(&noise, 5), jarque_bera(&noise)] {
            assert!(test.unwrap().p > 0.01, "{test:?}");
        }
    }

    #[test]
    fn memory_clusters_and_fat_tails_are_seen() {
        let noise = noise(1_000);
        let smooth: Vec<f64> = noise.windows(3).map(|w| w.iter().sum()).collect();
        assert!(ljung_box(&smooth, 10).unwrap().p < 1e-6);
        let bursts: Vec<f64> =
            noise.iter().enumerate().map(|(i, v)| if i / 50 % 2 == 0 { *v } else { 5.0 * v }).collect();
        assert!(arch_lm(&bursts, 5).unwrap().p < 1e-6);
        assert!(jarque_bera(&bursts).unwrap().p < 1e-6);
        let (honest, naive) = (newey_west_mean(&smooth, 10).unwrap(), newey_west_mean(&smooth, 0).unwrap());
        assert!(honest.error > 1.4 * naive.error && honest.mean == naive.mean);
    }

    #[test]
    fn what_cannot_be_tested_is_none() {
        for values in [vec![], vec![0.1; 40], vec![0.1, f64::NAN, 0.2, 0.3]] {
            assert_eq!(ljung_box(&values, 2), None);
            assert_eq!(arch_lm(&values, 2), None);
            assert_eq!(jarque_bera(&values), None);
            assert_eq!(newey_west_mean(&values, 2), None);
        }
        assert_eq!(ljung_box(&[1.0, 2.0], 2), None);
        assert_eq!(arch_lm(&[1.0, 2.0], 3), None);
        assert_eq!(arch_lm(&[1.0, 2.0, 3.0], 0), None);
    }
}
