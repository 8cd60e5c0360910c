//! Volatility that clusters: GARCH(1,1) (Bollerslev 1986) with mean zero and normal innovations, as filter and as fit.
//!
//! Returns are in percent: the optimum of returns in plain numbers lies where `omega` is lost in rounding.

use std::f64::consts::TAU;

/// σ²(t) = omega + alpha·r²(t − 1) + beta·σ²(t − 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GarchParameters {
    pub omega: f64,
    pub alpha: f64,
    pub beta: f64,
}

impl GarchParameters {
    /// How much of a shock to the variance is left one bar later.
    #[must_use]
    pub fn persistence(&self) -> f64 {
        self.alpha + self.beta
    }

    #[inline]
    fn next(&self, squared: f64, variance: f64) -> f64 {
        self.omega + self.alpha * squared + self.beta * variance
    }
}

/// The variance before the first return: the mean of the first 75 squares with weights 0.94^i; no value without returns.
#[must_use]
pub fn backcast(returns: &[f64]) -> Option<f64> {
    let (mut top, mut bottom, mut weight) = (0.0, 0.0, 1.0);
    for r in returns.iter().take(75) {
        top += weight * r * r;
        bottom += weight;
        weight *= 0.94;
    }
    (bottom > 0.0).then(|| top / bottom)
}

/// The conditional variance, return by return.
#[derive(Debug, Clone)]
pub struct Garch {
    parameters: GarchParameters,
    backcast: f64,
    /// Of the next return.
    variance: f64,
}

impl Garch {
    #[must_use]
    pub fn new(parameters: GarchParameters, backcast: f64) -> Self {
        Self { parameters, backcast, variance: parameters.next(backcast, backcast) }
    }

    /// Takes the next return; the variance that was expected of it. Always a value: the backcast stands before the first return.
    pub fn push(&mut self, r: f64) -> Option<f64> {
        let variance = self.variance;
        self.variance = self.parameters.next(r * r, variance);
        Some(variance)
    }

    /// The variances expected of the next `bars` returns.
    pub fn forecast(&self, bars: usize) -> impl Iterator<Item = f64> + use<> {
        let parameters = self.parameters;
        std::iter::successors(Some(self.variance), move |v| Some(parameters.next(*v, *v))).take(bars)
    }

    pub fn reset(&mut self) {
        *self = Self::new(self.parameters, self.backcast);
    }
}

/// Normal log-likelihood of the returns; no value when a variance is not positive.
#[must_use]
pub fn log_likelihood(returns: &[f64], parameters: GarchParameters, backcast: f64) -> Option<f64> {
    let mut garch = Garch::new(parameters, backcast);
    let mut sum = 0.0;
    for r in returns {
        let variance = garch.push(*r)?;
        sum += TAU.ln() + variance.ln() + r * r / variance;
    }
    Some(-0.5 * sum).filter(|l| l.is_finite())
}

/// What a fit found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GarchFit {
    pub parameters: GarchParameters,
    pub log_likelihood: f64,
    pub backcast: f64,
}

/// Maximum likelihood on returns in percent. No value with fewer than [`LEAST_RETURNS`] returns, without any movement, or when the best persistence
/// reaches [`MOST_PERSISTENCE`]: such a variance has no mean to return to.
#[must_use]
pub fn fit(returns: &[f64]) -> Option<GarchFit> {
    let backcast = backcast(returns)?;
    let mean_square = returns.iter().map(|r| r * r).sum::<f64>() / returns.len() as f64;
    if returns.len() < LEAST_RETURNS || !mean_square.is_finite() || mean_square <= 0.0 {
        return None;
    }
    let loss =
        |point: [f64; 3]| -> f64 { log_likelihood(returns, from_free(point), backcast).map_or(f64::INFINITY, |l| -l) };
    // The likelihood is flat along omega against persistence: several starts, and the best one once more from where it ended.
    let starts = STARTS.map(|(alpha, beta)| to_free(mean_square * (1.0 - alpha - beta), alpha, beta));
    let ends = starts.map(|start| descend(start, loss));
    let best = ends.into_iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let (point, least) = descend(best.0, loss);
    let parameters = from_free(point);
    (least.is_finite() && parameters.persistence() < MOST_PERSISTENCE).then_some(GarchFit {
        parameters,
        log_likelihood: -least,
        backcast,
    })
}

pub const LEAST_RETURNS: usize = 50;
pub const MOST_PERSISTENCE: f64 = 0.999;

/// Pairs of alpha and beta from which the search starts.
const STARTS: [(f64, f64); 4] = [(0.05, 0.90), (0.10, 0.85), (0.15, 0.60), (0.02, 0.97)];

/// Free numbers from parameters: the logarithm of omega, the logit of the persistence, the logit of alpha's share of it.
fn to_free(omega: f64, alpha: f64, beta: f64) -> [f64; 3] {
    let logit = |p: f64| (p / (1.0 - p)).ln();
    [omega.ln(), logit(alpha + beta), logit(alpha / (alpha + beta))]
}

/// Parameters from free numbers: always positive, with a persistence below one.
fn from_free([omega, persistence, share]: [f64; 3]) -> GarchParameters {
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (persistence, share) = (logistic(persistence), logistic(share));
    GarchParameters { omega: omega.exp(), alpha: persistence * share, beta: persistence * (1.0 - share) }
}

type Corner = ([f64; 3], f64);

/// Least value of `loss` near `start`, by a simplex that reflects, expands, contracts and shrinks (Nelder and Mead 1965).
fn descend(start: [f64; 3], loss: impl Fn([f64; 3]) -> f64) -> Corner {
    const STEPS: usize = 400;
    const CLOSE: f64 = 1e-10;
    let corner = |point: [f64; 3]| (point, loss(point));
    let moved = |axis: usize| {
        let mut point = start;
        if let Some(x) = point.get_mut(axis) {
            *x += 0.5;
        }
        corner(point)
    };
    let mut simplex = [corner(start), moved(0), moved(1), moved(2)];
    for _ in 0..STEPS {
        simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
        let [best, second, third, worst] = simplex;
        if (worst.1 - best.1).abs() <= CLOSE {
            break;
        }
        let centre = mix([1.0 / 3.0; 3], [best.0, second.0, third.0]);
        let beyond = |reach: f64| corner(mix([1.0 + reach, -reach, 0.0], [centre, worst.0, centre]));
        let reflected = beyond(1.0);
        let new = if reflected.1 < best.1 {
            let expanded = beyond(2.0);
            if expanded.1 < reflected.1 { expanded } else { reflected }
        } else if reflected.1 < third.1 {
            reflected
        } else {
            let contracted = if reflected.1 < worst.1 { beyond(0.5) } else { beyond(-0.5) };
            if contracted.1 < reflected.1.min(worst.1) {
                contracted
            } else {
                let shrunk = |c: Corner| corner(mix([0.5, 0.5, 0.0], [best.0, c.0, c.0]));
                simplex = [best, shrunk(second), shrunk(third), shrunk(worst)];
                continue;
            }
        };
        simplex = [best, second, third, new];
    }
    simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
    let [best, ..] = simplex;
    best
}

/// A weighted sum of points.
fn mix([wa, wb, wc]: [f64; 3], [a, b, c]: [[f64; 3]; 3]) -> [f64; 3] {
    let [a0, a1, a2] = a;
    let [b0, b1, b2] = b;
    let [c0, c1, c2] = c;
    let at = |a: f64, b: f64, c: f64| wa * a + wb * b + wc * c;
    [at(a0, b0, c0), at(a1, b1, c1), at(a2, b2, c2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns of a known process, pushed about by a fixed pattern that looks normal enough.
    fn simulated(parameters: GarchParameters, count: usize) -> Vec<f64> {
        let mut variance = 1.0;
        let mut state: u64 = 7;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..count)
            .map(|_| {
                let normal = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
                let r = normal * f64::sqrt(variance);
                variance = parameters.next(r * r, variance);
                r
            })
            .collect()
    }

    #[test]
    fn a_known_process_is_found_again() {
        let truth = GarchParameters { omega: 0.05, alpha: 0.1, beta: 0.85 };
        let returns = simulated(truth, 8_000);
        let fit = fit(&returns).unwrap();
        assert!((fit.parameters.alpha - truth.alpha).abs() < 0.02, "{fit:?}");
        assert!((fit.parameters.beta - truth.beta).abs() < 0.03, "{fit:?}");
        assert!(fit.log_likelihood >= log_likelihood(&returns, truth, fit.backcast).unwrap());
    }

    #[test]
    fn too_little_and_nothing_that_moves_have_no_fit() {
        assert_eq!(fit(&[0.5; 10]), None);
        assert_eq!(fit(&[0.0; 100]), None);
        assert_eq!(fit(&[f64::NAN; 100]), None);
        assert_eq!(backcast(&[]), None);
    }

    #[test]
    fn forecasts_go_to_the_mean_variance() {
        let parameters = GarchParameters { omega: 0.1, alpha: 0.1, beta: 0.8 };
        let garch = Garch::new(parameters, 4.0);
        let path: Vec<f64> = garch.forecast(200).collect();
        assert!(path.windows(2).all(|w| w[1] <= w[0]));
        assert!((path[199] - 1.0).abs() < 1e-6);
    }
}
