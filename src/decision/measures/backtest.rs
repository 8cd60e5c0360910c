//! Whether a value at risk was exceeded as often as it said, and not in clusters: likelihood ratios of Kupiec (1995) and Christoffersen (1998).

use serde::Serialize;

use crate::decision::check::known;
use crate::ml::drift::chi_square::chi_square_tail;

/// A likelihood ratio and the probability of one as large, were the VaR right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LikelihoodRatio {
    pub statistic: f64,
    pub p: f64,
}

impl LikelihoodRatio {
    /// From log-likelihoods without and with freedom.
    fn new(bound: f64, free: f64, degrees: f64) -> Option<Self> {
        // The free one is never below; a difference there is rounding.
        let statistic = known(2.0 * (free - bound))?.max(0.0);
        Some(Self { statistic, p: chi_square_tail(statistic, degrees)? })
    }
}

/// Log-likelihood of `hits` and `misses` when a hit has probability `p`; 0·ln 0 is 0.
fn bernoulli(hits: f64, misses: f64, p: f64) -> f64 {
    let term = |count: f64, p: f64| if count > 0.0 { count * p.ln() } else { 0.0 };
    term(hits, p) + term(misses, 1.0 - p)
}

fn share(part: f64, rest: f64) -> f64 {
    if part > 0.0 { part / (part + rest) } else { 0.0 }
}

/// How many are, and how many are not.
fn count(of: impl Iterator<Item = bool>) -> (f64, f64) {
    of.fold((0.0, 0.0), |(yes, no), hit| if hit { (yes + 1.0, no) } else { (yes, no + 1.0) })
}

/// Kupiec's test of unconditional coverage (one degree of freedom): were there as many hits as the tail weight `p` (0.05 for VaR 95) says?
/// `hits` tells for each period whether the loss exceeded the VaR stated before it. `None` without periods or unless 0 < p < 1.
#[must_use]
pub fn kupiec(hits: &[bool], p: f64) -> Option<LikelihoodRatio> {
    let (yes, no) = count(hits.iter().copied());
    if hits.is_empty() || !(p > 0.0 && p < 1.0) {
        return None;
    }
    LikelihoodRatio::new(bernoulli(yes, no, p), bernoulli(yes, no, share(yes, no)), 1.0)
}

/// Christoffersen's test of independence (one degree of freedom): is a hit as likely after a hit as after none? `None` for fewer than two periods.
#[must_use]
pub fn christoffersen(hits: &[bool]) -> Option<LikelihoodRatio> {
    if hits.len() < 2 {
        return None;
    }
    let steps = || hits.iter().zip(hits.iter().skip(1));
    let after = |before: bool| count(steps().filter(move |(b, _)| **b == before).map(|(_, hit)| *hit));
    let ((calm_yes, calm_no), (hit_yes, hit_no)) = (after(false), after(true));
    let (yes, no) = (calm_yes + hit_yes, calm_no + hit_no);
    let bound = bernoulli(yes, no, share(yes, no));
    let free =
        bernoulli(calm_yes, calm_no, share(calm_yes, calm_no)) + bernoulli(hit_yes, hit_no, share(hit_yes, hit_no));
    LikelihoodRatio::new(bound, free, 1.0)
}

/// Christoffersen's test of conditional coverage (two degrees of freedom): both at once.
#[must_use]
pub fn conditional_coverage(hits: &[bool], p: f64) -> Option<LikelihoodRatio> {
    let statistic = kupiec(hits, p)?.statistic + christoffersen(hits)?.statistic;
    Some(LikelihoodRatio { statistic, p: chi_square_tail(statistic, 2.0)? })
}

/// The hits of a VaR: periods whose loss exceeded the one stated before it. `None` unless both have the same length and are finite.
#[must_use]
pub fn hits(returns: &[f64], vars: &[f64]) -> Option<Vec<bool>> {
    let finite = returns.iter().chain(vars).all(|v| v.is_finite());
    (returns.len() == vars.len() && finite).then(|| returns.iter().zip(vars).map(|(r, var)| -r > *var).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn as_many_hits_as_promised_are_no_evidence() {
        let hits: Vec<bool> = (0..400).map(|i| i % 20 == 0).collect();
        assert!(kupiec(&hits, 0.05).unwrap().statistic < 1e-12);
        assert!(kupiec(&hits, 0.01).unwrap().p < 1e-6);
    }

    #[test]
    fn hits_in_a_row_are_seen() {
        let clustered: Vec<bool> = (0..400).map(|i| i < 20).collect();
        assert!(christoffersen(&clustered).unwrap().p < 1e-6);
        assert!(kupiec(&clustered, 0.05).unwrap().p > 0.9);
        assert!(conditional_coverage(&clustered, 0.05).unwrap().p < 1e-6);
    }

    #[test]
    fn no_hit_and_only_hits_have_a_likelihood() {
        let none = kupiec(&[false; 100], 0.05).unwrap();
        assert!((none.statistic + 200.0 * 0.95_f64.ln()).abs() < 1e-10);
        assert!((kupiec(&[true; 3], 0.05).unwrap().statistic + 6.0 * 0.05_f64.ln()).abs() < 1e-10);
        assert_eq!(christoffersen(&[false; 100]).unwrap().statistic, 0.0);
        assert_eq!(kupiec(&[], 0.05), None);
        assert_eq!(kupiec(&[true], 0.0), None);
        assert_eq!(christoffersen(&[true]), None);
    }

    #[test]
    fn a_hit_is_a_loss_beyond_the_var() {
        assert_eq!(hits(&[-0.03, -0.02, 0.05], &[0.02, 0.02, 0.02]), Some(vec![true, false, false]));
        assert_eq!(hits(&[-0.03], &[]), None);
        assert_eq!(hits(&[f64::NAN], &[0.1]), None);
    }

    proptest! {
        #[test]
        fn a_ratio_is_never_negative(hits in proptest::collection::vec(any::<bool>(), 2..200), p in 0.01_f64..0.2) {
            for ratio in [kupiec(&hits, p), christoffersen(&hits), conditional_coverage(&hits, p)] {
                let ratio = ratio.unwrap();
                prop_assert!(ratio.statistic >= 0.0 && (0.0..=1.0).contains(&ratio.p));
            }
        }
    }
}
