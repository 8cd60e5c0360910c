//! Covariance estimators: sample, shrunk towards a target, and exponentially weighted.
//!
//! In go simple returns per bar, out comes a matrix per bar. Each is `None` when there are too few returns or a number is not finite.

use super::lanes::dot;
use super::matrix::SymmetricMatrix;
use super::scenarios::Scenarios;

/// A shrunk matrix, and by how much: 0 is the sample, 1 the target.
#[derive(Debug, Clone, PartialEq)]
pub struct Shrunk {
    pub covariance: SymmetricMatrix,
    pub shrinkage: f64,
}

/// Sample covariance; `ddof` is taken off the number of returns (1 unbiased, 0 maximum likelihood).
#[must_use]
pub fn sample(returns: &Scenarios, ddof: usize) -> Option<SymmetricMatrix> {
    let divisor = returns.count().checked_sub(ddof).filter(|d| *d > 0)? as f64;
    products(&returns.centred(), divisor)
}

/// Σ over scenarios of rᵢrⱼ, divided.
fn products(centred: &Scenarios, divisor: f64) -> Option<SymmetricMatrix> {
    SymmetricMatrix::from_cells(centred.assets(), |i, j| dot(centred.asset(i), centred.asset(j)) / divisor)
}

/// Towards a multiple of the identity (Ledoit & Wolf 2004, Journal of Multivariate Analysis); ddof 0.
#[must_use]
pub fn ledoit_wolf_identity(returns: &Scenarios) -> Option<Shrunk> {
    let (n, count) = (returns.assets() as f64, returns.count() as f64);
    let centred = returns.centred();
    let covariance = products(&centred, count)?;
    let squares: f64 = covariance.rows().map(|row| dot(row, row)).sum();
    let mean = covariance.diagonal().sum::<f64>() / n;
    let distance = (squares / n - mean * mean).max(0.0);
    // Σᵢⱼ of the mean of (rᵢrⱼ)² is the mean of the fourth power of a scenario's length.
    let fourth: f64 = centred.by_scenario().map(|row| dot(row, row).powi(2)).sum::<f64>() / count;
    let error = (fourth - squares) / (n * count);
    towards_identity(&covariance, mean, ratio(error, distance))
}

/// Oracle approximating shrinkage towards a multiple of the identity (Chen, Wiesel, Eldar & Hero 2010); ddof 0.
#[must_use]
pub fn oas(returns: &Scenarios) -> Option<Shrunk> {
    let (n, count) = (returns.assets() as f64, returns.count() as f64);
    let covariance = sample(returns, 0)?;
    let mean = covariance.diagonal().sum::<f64>() / n;
    let squares = covariance.rows().map(|row| dot(row, row)).sum::<f64>() / (n * n);
    let distance = (count + 1.0) * (squares - mean * mean / n);
    towards_identity(&covariance, mean, ratio(squares + mean * mean, distance))
}

/// How much of the target; all of it where the sample is the target already.
fn ratio(error: f64, distance: f64) -> f64 {
    if distance > 0.0 { (error / distance).clamp(0.0, 1.0) } else { 1.0 }
}

fn towards_identity(covariance: &SymmetricMatrix, mean: f64, shrinkage: f64) -> Option<Shrunk> {
    let cell = |i: usize, j: usize| {
        let own = covariance.row(i).get(j).copied().unwrap_or(f64::NAN);
        (1.0 - shrinkage) * own + if i == j { shrinkage * mean } else { 0.0 }
    };
    SymmetricMatrix::from_cells(covariance.size(), cell).map(|covariance| Shrunk { covariance, shrinkage })
}

/// Towards the same correlation for every pair (Ledoit & Wolf 2004, "Honey, I Shrunk the Sample Covariance Matrix"); the variances stay (ddof 1).
/// `None` with fewer than two assets or a flat one.
#[must_use]
pub fn ledoit_wolf_constant_correlation(returns: &Scenarios) -> Option<Shrunk> {
    let (n, count) = (returns.assets(), returns.count() as f64);
    let centred = returns.centred();
    let sample = products(&centred, (returns.count().checked_sub(1).filter(|d| *d > 0)?) as f64)?;
    if n < 2 || !sample.has_positive_diagonal() {
        return None;
    }
    let sds: Vec<f64> = sample.diagonal().map(f64::sqrt).collect();
    let inverse: Vec<f64> = sds.iter().map(|sd| 1.0 / sd).collect();
    let mean_correlation = (sample.quadratic(&inverse) - n as f64) / (n * (n - 1)) as f64;
    let target = SymmetricMatrix::from_cells(n, |i, j| match (sds.get(i), sds.get(j)) {
        (Some(a), Some(b)) if i == j => a * b,
        (Some(a), Some(b)) => mean_correlation * a * b,
        _ => f64::NAN,
    })?;
    let squared = centred.squared();
    let (mut noise, mut own, mut shared, mut distance) = (0.0, 0.0, 0.0, 0.0);
    for (i, (row, to)) in sample.rows().zip(target.rows()).enumerate() {
        let (x, x2, variance) = (centred.asset(i), squared.asset(i), row.get(i)?);
        let cubed: Vec<f64> = x.iter().zip(x2).map(|(x, x2)| x * x2).collect();
        let own_product = dot(x, x) / count;
        for (j, ((s, f), inverse_j)) in row.iter().zip(to).zip(&inverse).enumerate() {
            let product = dot(x, centred.asset(j)) / count;
            let spread = dot(x2, squared.asset(j)) / count - 2.0 * product * s + s * s;
            noise += spread;
            distance += (s - f).powi(2);
            if i == j {
                own += spread;
            } else {
                let third = dot(&cubed, centred.asset(j)) / count;
                // Asymptotic covariance of the variance of i with the covariance of i and j, weighted by sdⱼ/sdᵢ.
                let moved = third - own_product * s - product * variance + variance * s;
                shared += inverse.get(i)? / inverse_j * moved;
            }
        }
    }
    let shrinkage = ratio((noise - own - mean_correlation * shared) / count, distance);
    let cell = |i: usize, j: usize| {
        let at = |m: &SymmetricMatrix| m.row(i).get(j).copied().unwrap_or(f64::NAN);
        shrinkage * at(&target) + (1.0 - shrinkage) * at(&sample)
    };
    SymmetricMatrix::from_cells(n, cell).map(|covariance| Shrunk { covariance, shrinkage })
}

/// Exponentially weighted mean of the products of returns, zero mean, weights `decay`^age normalised to 1; the last scenario is the newest.
/// `None` unless 0 < `decay` ≤ 1.
#[must_use]
pub fn ewma(returns: &Scenarios, decay: f64) -> Option<SymmetricMatrix> {
    if !(decay > 0.0 && decay <= 1.0) {
        return None;
    }
    let mut weights: Vec<f64> = std::iter::successors(Some(1.0), |w| Some(w * decay)).take(returns.count()).collect();
    weights.reverse();
    let sum: f64 = weights.iter().sum();
    let mut weighted = Vec::with_capacity(returns.count());
    let mut of = None;
    SymmetricMatrix::from_cells(returns.assets(), |i, j| {
        if of != Some(i) {
            weighted.clear();
            weighted.extend(returns.asset(i).iter().zip(&weights).map(|(r, w)| r * w / sum));
            of = Some(i);
        }
        dot(&weighted, returns.asset(j))
    })
}

/// What allocations rest on: exponentially weighted variances ([`ewma`]) with the correlations of [`ledoit_wolf_constant_correlation`]; recent risk,
/// steady structure. `None` where either is.
#[must_use]
pub fn ewma_with_shrunk_correlation(returns: &Scenarios, decay: f64) -> Option<SymmetricMatrix> {
    let recent = ewma(returns, decay)?;
    let steady = ledoit_wolf_constant_correlation(returns)?.covariance;
    let factors: Vec<f64> = recent.diagonal().zip(steady.diagonal()).map(|(r, s)| (r / s).sqrt()).collect();
    SymmetricMatrix::from_cells(recent.size(), |i, j| match (steady.row(i).get(j), factors.get(i), factors.get(j)) {
        (Some(cell), Some(a), Some(b)) => cell * a * b,
        _ => f64::NAN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_returns_are_no_covariance() {
        let one = Scenarios::from_assets(&[vec![0.01], vec![0.02]]).unwrap();
        assert!(sample(&one, 1).is_none());
        assert!(ledoit_wolf_constant_correlation(&one).is_none());
        assert!(ewma(&one, 0.0).is_none() && ewma(&one, f64::NAN).is_none());
    }

    #[test]
    fn recent_variances_carry_steady_correlations() {
        let s = super::super::specimens::scenarios(4, 200, 1);
        let (both, recent) = (ewma_with_shrunk_correlation(&s, 0.97).unwrap(), ewma(&s, 0.97).unwrap());
        let steady = ledoit_wolf_constant_correlation(&s).unwrap().covariance;
        let rho = |m: &SymmetricMatrix| m.row(0)[3] / (m.row(0)[0] * m.row(3)[3]).sqrt();
        assert!((rho(&both) - rho(&steady)).abs() < 1e-12);
        assert!(both.diagonal().zip(recent.diagonal()).all(|(a, b)| (a / b - 1.0).abs() < 1e-12));
    }

    #[test]
    fn a_sample_that_is_the_target_is_kept() {
        let s = Scenarios::from_assets(&[vec![1.0, -1.0, 0.0, 0.0], vec![0.0, 0.0, 1.0, -1.0]]).unwrap();
        for shrunk in [ledoit_wolf_identity(&s).unwrap(), oas(&s).unwrap()] {
            assert_eq!((shrunk.shrinkage, shrunk.covariance.row(0)), (1.0, &[0.5, 0.0][..]));
        }
    }
}
