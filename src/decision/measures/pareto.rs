//! The tail of losses as a generalised Pareto curve: peaks over a threshold (McNeil and Frey 2000).

use serde::Serialize;

use super::sound;
use super::tail::beyond;
use crate::decision::check::known;
use crate::ml::numbers::{mean, quantile_sorted, sorted};

/// The quantile of losses from which on they are the tail.
pub const THRESHOLD: f64 = 0.90;
/// Losses above the threshold below which no tail is fitted.
pub const LEAST_EXCEEDANCES: usize = 40;
/// Below this shape maximum likelihood is not regular (Smith 1985): the losses have an end that the fit runs into.
const LEAST_SHAPE: f64 = -0.5;
/// The search goes over t = ln(1 + θ·largest excess) with θ = ξ/β, in steps of this size …
const GRID_STEP: f64 = 0.05;
/// … up to here: the largest excess is e²⁵ scales.
const GRID_END: f64 = 25.0;
const GRID_BEGIN: f64 = -5.0;

/// A generalised Pareto curve over the excesses y > 0: P(Y > y) = (1 + ξ y/β)^(−1/ξ).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pareto {
    /// Shape ξ: 0 is exponential, from 1 on there is no mean.
    pub xi: f64,
    /// Scale β.
    pub beta: f64,
    /// Negative log-likelihood of the excesses.
    pub nll: f64,
}

impl Pareto {
    /// Maximum likelihood on `excesses`, all above 0. `None` with fewer than two, or where the likelihood has no regular maximum.
    ///
    /// For a given θ = ξ/β the best ξ is the mean of ln(1 + θ y) (Grimshaw 1993), so that the search has one dimension.
    #[must_use]
    pub fn fit(excesses: &[f64]) -> Option<Self> {
        let excesses = sound(excesses).filter(|e| e.len() > 1 && e.iter().all(|y| *y > 0.0))?;
        let largest = excesses.iter().copied().fold(0.0, f64::max);
        let at = |t: f64| Self::along(excesses, t.exp_m1() / largest);
        let loss = |t: f64| at(t).filter(|c| c.xi > LEAST_SHAPE).map_or(f64::INFINITY, |c| c.nll);
        let steps = ((GRID_END - GRID_BEGIN) / GRID_STEP).round() as u32;
        let (best, least) = (0..=steps)
            .map(|i| f64::from(i).mul_add(GRID_STEP, GRID_BEGIN))
            .map(|t| (t, loss(t)))
            .min_by(|a, b| a.1.total_cmp(&b.1))?;
        let (low, high) = (best - GRID_STEP, best + GRID_STEP);
        // A maximum at the edge of what is allowed is none.
        if !least.is_finite() || !loss(low).is_finite() || high > GRID_END {
            return None;
        }
        at(narrowed(low, high, loss))
    }

    /// The best curve with ξ/β = `theta`.
    fn along(excesses: &[f64], theta: f64) -> Option<Self> {
        let n = excesses.len() as f64;
        let xi = excesses.iter().map(|y| (theta * y).ln_1p()).sum::<f64>() / n;
        let beta = if theta == 0.0 { mean(excesses)? } else { xi / theta };
        let nll = known(n * (beta.ln() + xi + 1.0))?;
        Some(Self { xi, beta, nll })
    }

    /// The excess that is exceeded `rarer` times more seldom than 0: β (rarer^ξ − 1)/ξ, which goes to β ln(rarer) as ξ goes to 0.
    #[must_use]
    pub fn excess(&self, rarer: f64) -> f64 {
        let log = rarer.ln();
        let reach = if self.xi == 0.0 { log } else { (self.xi * log).exp_m1() / self.xi };
        self.beta * reach
    }
}

/// Where `loss` is least between `low` and `high`, by the golden section.
fn narrowed(mut low: f64, mut high: f64, loss: impl Fn(f64) -> f64) -> f64 {
    const RATIO: f64 = 0.618_033_988_749_894_9;
    let (mut left, mut right) = (high - RATIO * (high - low), low + RATIO * (high - low));
    let (mut at_left, mut at_right) = (loss(left), loss(right));
    for _ in 0..60 {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - RATIO * (high - low);
            at_left = loss(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + RATIO * (high - low);
            at_right = loss(right);
        }
    }
    f64::midpoint(low, high)
}

/// The tail of a series of returns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LossTail {
    /// Losses above this are the tail.
    pub threshold: f64,
    pub exceedances: usize,
    /// Returns that the tail is a part of.
    pub returns: usize,
    pub curve: Pareto,
}

/// Losses above the type-7 quantile `quantile` of all, less that quantile.
fn excesses(returns: &[f64], quantile: f64) -> Option<(f64, Vec<f64>)> {
    let losses = sorted(sound(returns)?.iter().map(|r| -r).collect());
    let threshold = quantile_sorted(&losses, quantile)?;
    Some((threshold, losses.into_iter().map(|l| l - threshold).filter(|y| *y > 0.0).collect()))
}

/// How many losses lie above the type-7 quantile `quantile`; 0 for a series that is empty or not finite.
#[must_use]
pub fn exceedances(returns: &[f64], quantile: f64) -> usize {
    excesses(returns, quantile).map_or(0, |(_, above)| above.len())
}

impl LossTail {
    /// Fits the losses above their quantile `quantile` ([`THRESHOLD`]). `None` with fewer than [`LEAST_EXCEEDANCES`], or where the fit fails.
    #[must_use]
    pub fn of(returns: &[f64], quantile: f64) -> Option<Self> {
        let (threshold, above) = excesses(returns, quantile)?;
        if above.len() < LEAST_EXCEEDANCES {
            return None;
        }
        let curve = Pareto::fit(&above)?;
        Some(Self { threshold, exceedances: above.len(), returns: returns.len(), curve })
    }

    /// Loss exceeded with probability 1 − `level`; `None` where that lies below the threshold.
    #[must_use]
    pub fn var(&self, level: f64) -> Option<f64> {
        let rarer = self.exceedances as f64 / (self.returns as f64 * beyond(level)?);
        if rarer < 1.0 { None } else { known(self.threshold + self.curve.excess(rarer)) }
    }

    /// Mean loss beyond the VaR: (VaR + β − ξ u)/(1 − ξ). `None` also where ξ ≥ 1: such a tail has no mean.
    #[must_use]
    pub fn es(&self, level: f64) -> Option<f64> {
        let Pareto { xi, beta, .. } = self.curve;
        if xi >= 1.0 {
            return None;
        }
        known((self.var(level)? + beta - xi * self.threshold) / (1.0 - xi))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::random::SplitMix64;

    /// Excesses drawn from a curve.
    fn drawn(n: usize, xi: f64, beta: f64, seed: u64) -> Vec<f64> {
        let curve = Pareto { xi, beta, nll: 0.0 };
        let mut random = SplitMix64::seeded(seed);
        (0..n).map(|_| curve.excess(1.0 / (1.0 - random.unit())).max(1e-12)).collect()
    }

    /// Returns whose losses above 0 follow the curve, and as many gains times nine.
    fn returns(n: usize, xi: f64, seed: u64) -> Vec<f64> {
        let losses = drawn(n, xi, 0.01, seed);
        losses.iter().map(|l| -l).chain((0..9 * n).map(|i| 1e-6 * (1 + i) as f64)).collect()
    }

    #[test]
    fn the_fit_finds_the_curve_that_was_drawn_from() {
        for xi in [-0.2, 0.0, 0.3, 0.8, 1.3] {
            let fit = Pareto::fit(&drawn(20_000, xi, 0.02, 3)).unwrap();
            assert!((fit.xi - xi).abs() < 0.04, "{xi}: {fit:?}");
            assert!((fit.beta / 0.02 - 1.0).abs() < 0.05, "{xi}: {fit:?}");
        }
    }

    #[test]
    fn no_other_curve_is_likelier() {
        let excesses = drawn(60, 0.4, 0.01, 9);
        let fit = Pareto::fit(&excesses).unwrap();
        let nll = |xi: f64, beta: f64| -> f64 {
            excesses.iter().map(|y| beta.ln() + (1.0 + 1.0 / xi) * (xi * y / beta).ln_1p()).sum()
        };
        assert!((nll(fit.xi, fit.beta) - fit.nll).abs() < 1e-9);
        for (i, j) in (-10..=10).flat_map(|i| (-10..=10).map(move |j| (i, j))) {
            let (xi, beta) = (fit.xi + 0.02 * f64::from(i), fit.beta * (1.0 + 0.02 * f64::from(j)));
            let other = nll(xi, beta);
            assert!(other.is_nan() || other >= fit.nll - 1e-9, "{xi} {beta}: {other} below {}", fit.nll);
        }
    }

    #[test]
    fn a_tail_without_a_mean_has_no_shortfall() {
        let tail = LossTail::of(&returns(2_000, 1.3, 5), THRESHOLD).unwrap();
        assert!(tail.curve.xi >= 1.0 && tail.var(0.99).is_some());
        assert_eq!(tail.es(0.99), None);
    }

    #[test]
    fn the_exponential_limit_is_continuous() {
        let at = |xi: f64| LossTail {
            threshold: 0.01,
            exceedances: 50,
            returns: 500,
            curve: Pareto { xi, beta: 0.02, nll: 0.0 },
        };
        let (var, es) = (at(0.0).var(0.99).unwrap(), at(0.0).es(0.99).unwrap());
        assert!((var - (0.01 + 0.02 * 10.0_f64.ln())).abs() < 1e-12);
        assert!((es - var - 0.02).abs() < 1e-12);
        for xi in [-1e-9, 1e-9] {
            assert!((at(xi).var(0.99).unwrap() - var).abs() < 1e-9 && (at(xi).es(0.99).unwrap() - es).abs() < 1e-8);
        }
        assert_eq!(at(0.0).var(0.85), None, "below the threshold the curve says nothing");
    }

    #[test]
    fn too_little_or_a_hard_end_is_not_fitted() {
        assert_eq!(LossTail::of(&returns(39, 0.3, 1), 0.9), None);
        assert_eq!(LossTail::of(&[0.0; 1_000], 0.9), None);
        assert_eq!(LossTail::of(&[], 0.9), None);
        assert_eq!(Pareto::fit(&[0.1, f64::NAN]), None);
        assert_eq!(Pareto::fit(&[0.1, -0.1]), None);
        // Evenly spread up to an end: ξ = −1.
        let even: Vec<f64> = (1..=100).map(|i| f64::from(i) / 100.0).collect();
        assert_eq!(Pareto::fit(&even), None);
        assert_eq!(Pareto::fit(&[0.5; 50]), None);
    }

    proptest! {
        #[test]
        fn risk_rises_with_the_level(seed in 0_u64..500, xi in -0.2_f64..0.9) {
            if let Some(tail) = LossTail::of(&returns(60, xi, seed), THRESHOLD) {
                let vars: Vec<f64> = [0.95, 0.975, 0.99, 0.995].into_iter().map(|l| tail.var(l).unwrap()).collect();
                prop_assert!(vars.windows(2).all(|w| w[0] <= w[1]), "{vars:?}");
                if let Some(es) = tail.es(0.99) {
                    prop_assert!(es >= tail.var(0.99).unwrap());
                }
            }
        }
    }
}
