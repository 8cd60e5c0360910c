//! How much of the capital a bet deserves: Kelly's stake in its forms, what uncertainty and the fear of a drawdown leave of it, and the odds of
//! touching one of two barriers first.
//!
//! Stakes are shares of capital. Pure functions of numbers; Position Sizing puts them in order.

use super::check::known;
use crate::ml::binomial::beta_quantile;
use crate::ml::numbers::mean;

/// Full Kelly as a share of capital for a win of `win` and a loss of `loss` per unit staked; negative without an edge,
/// `None` unless both are positive and `p` is a probability.
#[must_use]
pub fn kelly_binary(p: f64, win: f64, loss: f64) -> Option<f64> {
    let sound = (0.0..=1.0).contains(&p) && win > 0.0 && loss > 0.0;
    if sound { known(p / loss - (1.0 - p) / win) } else { None }
}

/// Factor 0..=1 on a Kelly stake when p is known with the sd `sd_p`: k = f² / (f² + ((b+1)/b)² sd²), with f the full Kelly
/// stake at odds `odds` to one. 0 without an edge.
#[must_use]
pub fn baker_mchale(p: f64, odds: f64, sd_p: f64) -> Option<f64> {
    let full = kelly_binary(p, odds, 1.0)?;
    if full <= 0.0 {
        return Some(0.0);
    }
    let noise = (odds + 1.0) / odds * known(sd_p)?;
    known(full * full / (full * full + noise * noise))
}

/// Full Kelly for returns of arithmetic mean `mu` in excess of cash and costs, with the sd `sigma` over the same horizon: μ/σ² (Thorp 2006).
/// Negative without an edge, `None` without a spread.
#[must_use]
pub fn kelly_continuous(mu: f64, sigma: f64) -> Option<f64> {
    if sigma > 0.0 { known(mu / (sigma * sigma)) } else { None }
}

/// A mean that is known with the standard error `error`, shrunk towards 0 by μ²/(μ² + se²).
#[must_use]
pub fn shrunk_mean(mu: f64, error: f64) -> Option<f64> {
    if mu == 0.0 {
        return known(error).map(|_| 0.0);
    }
    if error >= 0.0 { known(mu * (mu * mu / (mu * mu + error * error))) } else { None }
}

/// What a full Kelly stake becomes: never short, a `fraction` of it (MacLean, Thorp and Ziemba 2010), and no more than `cap`.
#[must_use]
pub fn fractional(full: f64, fraction: f64, cap: f64) -> Option<f64> {
    let sound = fraction >= 0.0 && cap >= 0.0;
    if sound { known((full * fraction).max(0.0).min(cap)).filter(|_| !full.is_nan()) } else { None }
}

/// What wins and losses say about the probability of a win: Beta(prior_a + wins, prior_b + losses).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaPosterior {
    a: f64,
    b: f64,
}

impl BetaPosterior {
    /// Counts may be effective, so fractional; the uniform prior is (1, 1). `None` for negative counts or a prior that is not positive.
    #[must_use]
    pub fn new(wins: f64, losses: f64, prior: (f64, f64)) -> Option<Self> {
        let sound = wins >= 0.0 && losses >= 0.0 && prior.0 > 0.0 && prior.1 > 0.0;
        let (a, b) = (prior.0 + wins, prior.1 + losses);
        (sound && a.is_finite() && b.is_finite()).then_some(Self { a, b })
    }

    #[must_use]
    pub fn mean(&self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// The probability of a win that the true one lies below with probability `level`; `None` unless 0 < level < 1.
    #[must_use]
    pub fn quantile(&self, level: f64) -> Option<f64> {
        (level > 0.0 && level < 1.0).then(|| beta_quantile(level, self.a, self.b))
    }
}

/// A stake that keeps the capital above a floor with a stated probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrawdownConstrained {
    /// Exponent of the constraint, ln β/ln α.
    pub lambda: f64,
    /// The stake of the most growth, without the constraint.
    pub full: f64,
    /// The largest stake that the constraint allows, and no more than `full`.
    pub sized: f64,
}

/// Largest stake f with `E[(1 + f r)^−λ] ≤ 1`, λ = ln β/ln α, over the recorded simple `returns` per unit staked: then the capital ever falls below
/// the share `alpha` of its start with a probability of at most `beta` (Busseti, Ryu and Boyd 2016). Both stakes are 0 without an edge. `None`
/// when returns never lose (no stake is too large), are none or not finite, or unless α and β lie within 0..1.
#[must_use]
pub fn drawdown_constrained(returns: &[f64], alpha: f64, beta: f64) -> Option<DrawdownConstrained> {
    let inside = |x: f64| x > 0.0 && x < 1.0;
    if !(inside(alpha) && inside(beta) && returns.iter().all(|r| r.is_finite())) {
        return None;
    }
    let lambda = known(beta.ln() / alpha.ln())?;
    let worst = returns.iter().copied().fold(f64::INFINITY, f64::min);
    if mean(returns)? <= 0.0 {
        return Some(DrawdownConstrained { lambda, full: 0.0, sized: 0.0 });
    }
    if worst >= 0.0 {
        return None;
    }
    // At this stake the worst return takes everything.
    let ruin = -1.0 / worst;
    let average = |of: &dyn Fn(f64) -> f64| returns.iter().map(|r| of(*r)).sum::<f64>() / returns.len() as f64;
    // Growth rises while its slope is positive; the constraint starts at 1, dips, and rises through 1 once.
    let full = crossing(ruin, |f| average(&|r| r / (1.0 + f * r)) > 0.0);
    let allowed = crossing(ruin, |f| average(&|r| (-lambda * (f * r).ln_1p()).exp_m1()) <= 0.0);
    Some(DrawdownConstrained { lambda, full, sized: allowed.min(full) })
}

/// Where `holds` ceases to hold between 0 and `end`, by halving until the doubles meet.
fn crossing(end: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, end);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return low;
        }
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// Probability that a log price with drift `mu` and volatility `sigma` per unit of time rises by `up` before it falls by `down`, both positive
/// distances, without a time limit (Brownian motion with drift). `None` unless the distances and the volatility are above 0.
#[must_use]
pub fn barrier_hit_probability(mu: f64, sigma: f64, up: f64, down: f64) -> Option<f64> {
    if !(sigma > 0.0 && up > 0.0 && down > 0.0) {
        return None;
    }
    let theta = 2.0 * mu / (sigma * sigma);
    // Each way keeps its exponents negative, so that nothing overflows.
    let p = if theta == 0.0 {
        down / (up + down)
    } else if theta > 0.0 {
        (-theta * down).exp_m1() / (-theta * (up + down)).exp_m1()
    } else {
        (theta * up).exp() * (theta * down).exp_m1() / (theta * (up + down)).exp_m1()
    };
    known(p)
}

/// Weight that brings a yearly volatility down to `target`, at most `max`.
#[must_use]
pub fn volatility_target(sigma_annual: f64, target: f64, max: f64) -> Option<f64> {
    if sigma_annual > 0.0 && sigma_annual.is_finite() { known((target / sigma_annual).min(max)) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn without_an_edge_nothing_is_staked() {
        assert!(kelly_binary(0.4, 1.0, 1.0).unwrap() < 0.0);
        assert_eq!(baker_mchale(0.4, 1.0, 0.1), Some(0.0));
        assert_eq!(fractional(kelly_continuous(-0.01, 0.1).unwrap(), 0.25, 0.2), Some(0.0));
        let flat = drawdown_constrained(&[0.01, -0.02], 0.8, 0.1).unwrap();
        assert_eq!((flat.full, flat.sized), (0.0, 0.0));
    }

    #[test]
    fn what_is_undefined_is_none() {
        assert_eq!(kelly_binary(1.1, 1.0, 1.0), None);
        assert_eq!(kelly_binary(f64::NAN, 1.0, 1.0), None);
        assert_eq!(kelly_continuous(0.1, 0.0), None);
        assert_eq!(kelly_continuous(f64::NAN, 0.1), None);
        assert_eq!(fractional(f64::NAN, 0.25, 0.2), None);
        assert_eq!(fractional(1.0, f64::NAN, 0.2), None);
        assert_eq!(shrunk_mean(0.1, f64::NAN), None);
        assert_eq!(shrunk_mean(0.0, f64::NAN), None);
        assert_eq!(BetaPosterior::new(-1.0, 2.0, (1.0, 1.0)), None);
        assert_eq!(BetaPosterior::new(1.0, 2.0, (1.0, 1.0)).unwrap().quantile(1.0), None);
        assert_eq!(drawdown_constrained(&[], 0.8, 0.1), None);
        assert_eq!(drawdown_constrained(&[0.01, 0.02], 0.8, 0.1), None, "what never loses bounds no stake");
        assert_eq!(drawdown_constrained(&[0.01, f64::NAN], 0.8, 0.1), None);
        assert_eq!(drawdown_constrained(&[0.02, -0.01], 1.0, 0.1), None);
        assert_eq!(barrier_hit_probability(0.0, 0.0, 0.1, 0.1), None);
        assert_eq!(barrier_hit_probability(f64::NAN, 0.1, 0.1, 0.1), None);
        assert_eq!(volatility_target(0.0, 0.2, 1.0), None);
    }

    #[test]
    fn a_mean_known_exactly_stays_and_an_unknown_one_goes() {
        assert_eq!(shrunk_mean(0.02, 0.0), Some(0.02));
        assert_eq!(shrunk_mean(0.0, 0.0), Some(0.0));
        assert!((shrunk_mean(-0.02, 0.02).unwrap() + 0.01).abs() < 1e-15);
    }

    #[test]
    fn the_unconstrained_stake_of_a_coin_is_kellys() {
        // 60 wins of 1 and 40 losses of 1: f = 0.2, and at λ = 1 the constraint is met exactly there.
        let coin: Vec<f64> = (0..100).map(|i| if i < 60 { 1.0 } else { -1.0 }).collect();
        let half = drawdown_constrained(&coin, 0.5, 0.5).unwrap();
        assert!((half.full - 0.2).abs() < 1e-12 && (half.sized - 0.2).abs() < 1e-9, "{half:?}");
    }

    #[test]
    fn the_stake_keeps_its_promise() {
        let coin: Vec<f64> = (0..100).map(|i| if i < 60 { 1.0 } else { -1.0 }).collect();
        let stake = drawdown_constrained(&coin, 0.8, 0.1).unwrap().sized;
        let mut random = SplitMix64::seeded(17);
        let runs = 2_000;
        let fell = (0..runs)
            .filter(|_| {
                let mut wealth = 1.0;
                (0..1_000).any(|_| {
                    wealth *= 1.0 + stake * if random.unit() < 0.6 { 1.0 } else { -1.0 };
                    wealth < 0.8
                })
            })
            .count();
        assert!(fell > 0 && fell * 10 < runs, "{fell} of {runs}");
    }

    proptest! {
        #[test]
        fn a_tighter_floor_never_stakes_more(
            returns in proptest::collection::vec(-0.5_f64..0.6, 5..60), beta in 0.02_f64..0.3,
        ) {
            let stakes: Vec<f64> = [0.5, 0.7, 0.9]
                .into_iter()
                .filter_map(|alpha| drawdown_constrained(&returns, alpha, beta))
                .map(|c| { assert!(c.sized >= 0.0 && c.sized <= c.full); c.sized })
                .collect();
            prop_assert!(stakes.windows(2).all(|w| w[1] <= w[0] + 1e-12), "{stakes:?}");
        }

        #[test]
        fn the_barriers_share_all_of_the_probability(
            mu in -0.5_f64..0.5, sigma in 0.005_f64..0.1, up in 0.005_f64..0.2, down in 0.005_f64..0.2,
        ) {
            let p = barrier_hit_probability(mu, sigma, up, down).unwrap();
            let mirrored = barrier_hit_probability(-mu, sigma, down, up).unwrap();
            prop_assert!((0.0..=1.0).contains(&p) && (p + mirrored - 1.0).abs() < 1e-9, "{p} {mirrored}");
        }

        #[test]
        fn a_vanishing_drift_is_none(up in 0.01_f64..0.2, down in 0.01_f64..0.2, mu in -1e-12_f64..1e-12) {
            let p = barrier_hit_probability(mu, 0.02, up, down).unwrap();
            prop_assert!((p - down / (up + down)).abs() < 1e-7);
        }

        #[test]
        fn quantiles_of_the_posterior_rise(wins in 0_u32..200, losses in 0_u32..200, level in 0.05_f64..0.9) {
            let posterior = BetaPosterior::new(f64::from(wins), f64::from(losses), (1.0, 1.0)).unwrap();
            let (low, high) = (posterior.quantile(level).unwrap(), posterior.quantile(level + 0.05).unwrap());
            prop_assert!(low < high && (0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
        }
    }
}
