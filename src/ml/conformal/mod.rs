//! Split conformal intervals (Lei et al. 2018). Markets are not exchangeable: the claim is long-run coverage, and it is measured.
//!
//! [`cqr`] bends quantile models into bands that cover, [`adaptive`] follows a market that moves, [`enbpi`] takes the narrowest band
//! of residuals, [`net`] bounds what a trade brings from below, [`judge`] says what a band was worth.

use serde::{Deserialize, Serialize};

pub mod adaptive;
pub mod cqr;
pub mod enbpi;
pub mod judge;
pub mod net;

/// How far from its centre a set of outcomes reaches, in the units of the scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Radius {
    /// The empty set.
    Nothing,
    /// All scores up to this one.
    Upto(f64),
    /// Too little is known for any bound.
    Everything,
}

impl Radius {
    /// Whether an outcome of this score lies within.
    #[must_use]
    pub fn covers(self, score: f64) -> bool {
        match self {
            Self::Nothing => false,
            Self::Upto(q) => score <= q,
            Self::Everything => !score.is_nan(),
        }
    }

    /// The reach, where there is a finite one.
    #[must_use]
    pub const fn finite(self) -> Option<f64> {
        match self {
            Self::Upto(q) => Some(q),
            Self::Nothing | Self::Everything => None,
        }
    }

    fn of(q: f64) -> Self {
        if q.is_finite() { Self::Upto(q) } else { Self::Everything }
    }
}

/// The half-width that covers `1 − alpha` of such scores: the `⌈(n+1)(1−alpha)⌉`-th smallest; infinite when there are too few.
#[must_use]
pub fn quantile(scores: &[f64], alpha: f64) -> f64 {
    let sorted = super::numbers::sorted(scores.to_vec());
    rank(sorted.len(), alpha).checked_sub(1).and_then(|i| sorted.get(i)).copied().unwrap_or(f64::INFINITY)
}

/// Which of `n` ascending scores bounds `1 − alpha` of the next ones, counted from 1; above `n` there is none.
#[must_use]
pub fn rank(n: usize, alpha: f64) -> usize {
    // A hair is taken off so that 0.9·100 is 90, whatever the last bit says.
    ((n + 1) as f64 * (1.0 - alpha) - 1e-9).ceil().max(1.0) as usize
}

/// The same for `(score, weight)`, weights being effective observations; the one to come counts as a whole observation
/// (Barber, Candès, Ramdas, Tibshirani 2023). With weights of 1 it is [`quantile`].
#[must_use]
pub fn weighted_quantile(scores: &[(f64, f64)], alpha: f64) -> f64 {
    let mut sorted: Vec<(f64, f64)> = scores.iter().copied().filter(|s| s.1 > 0.0).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: f64 = sorted.iter().map(|s| s.1).sum::<f64>() + 1.0;
    let needed = all * (1.0 - alpha) - 1e-9;
    let mut held = 0.0;
    let reached = sorted.iter().find(|s| {
        held += s.1;
        held >= needed
    });
    reached.map_or(f64::INFINITY, |s| s.0)
}

/// `centre ± q`.
#[must_use]
pub fn interval(centre: f64, q: f64) -> (f64, f64) {
    (centre - q, centre + q)
}

/// Share of scores within the half-width; `None` without any.
#[must_use]
pub fn coverage(scores: &[f64], q: f64) -> Option<f64> {
    super::numbers::mean(&scores.iter().map(|s| f64::from(u8::from(*s <= q))).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn covers_what_it_says() {
        let mut rng = SplitMix64::new(&[5]);
        let mut draw = |n: usize| (0..n).map(|_| rng.normal().abs()).collect::<Vec<f64>>();
        let q = quantile(&draw(4_000), 0.2);
        let covered = coverage(&draw(4_000), q).unwrap();
        assert!((covered - 0.8).abs() < 0.03, "{covered}");
        assert_eq!(coverage(&[], q), None);
        assert!(quantile(&[], 0.2).is_infinite());
    }

    #[test]
    fn half_observations_count_half() {
        let scores: Vec<(f64, f64)> = (1..=198).map(|i| (f64::from(i), 0.5)).collect();
        // 99 observations and one to come: 90 of the hundred are reached at the 180th half.
        assert_eq!(weighted_quantile(&scores, 0.1), 180.0);
        assert!(weighted_quantile(&scores, 0.005).is_infinite());
        assert!(weighted_quantile(&[(1.0, 0.0)], 0.5).is_infinite());
    }

    proptest! {
        #[test]
        fn whole_weights_are_the_plain_quantile(
            scores in prop::collection::vec(-5.0_f64..5.0, 0..60),
            alpha in 0.01_f64..0.99,
        ) {
            let weighted: Vec<(f64, f64)> = scores.iter().map(|s| (*s, 1.0)).collect();
            prop_assert_eq!(weighted_quantile(&weighted, alpha), quantile(&scores, alpha));
        }
    }
}
