//! Coverage that is kept while the market moves: the level of the interval answers to its own misses.
//!
//! ACI (Gibbs, Candès 2021) and DtACI (Gibbs, Candès, JMLR 2024, Algorithm 1 in its deterministic form). **A miss lowers `alpha_t`, and
//! that widens.** Both learn only when told: with a horizon of h bars the outcome is told h bars later.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Radius, quantile};

/// The radius for a level that may have left `0..1`.
#[must_use]
pub fn radius(scores: &[f64], alpha: f64) -> Radius {
    if alpha <= 0.0 {
        Radius::Everything
    } else if alpha >= 1.0 {
        Radius::Nothing
    } else {
        Radius::of(quantile(scores, alpha))
    }
}

/// The largest level whose radius over these scores still covers `score`.
#[must_use]
pub fn covering_level(scores: &[f64], score: f64) -> f64 {
    let below = scores.iter().filter(|s| **s < score).count();
    1.0 - below as f64 / (scores.len() + 1) as f64
}

/// One step size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aci {
    target: f64,
    gamma: f64,
    window: usize,
    alpha: f64,
    scores: VecDeque<f64>,
}

impl Aci {
    /// `target` is the share that may be missed; `scores` are those known at the start, of which the last `window` are kept.
    #[must_use]
    pub fn new(target: f64, gamma: f64, window: usize, scores: &[f64]) -> Self {
        let kept = scores.get(scores.len().saturating_sub(window)..).unwrap_or_default();
        Self { target, gamma, window, alpha: target, scores: kept.iter().copied().collect() }
    }

    #[must_use]
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The radius of an interval given now.
    #[must_use]
    pub fn radius(&self) -> Radius {
        radius(&self.scores.iter().copied().collect::<Vec<_>>(), self.alpha)
    }

    /// An outcome became known: its score, and whether the interval that was given for it missed it.
    pub fn mature(&mut self, score: f64, missed: bool) {
        self.alpha += self.gamma * (self.target - f64::from(u8::from(missed)));
        self.scores.push_back(score);
        if self.scores.len() > self.window {
            self.scores.pop_front();
        }
    }
}

/// Step sizes of the experts.
pub const GAMMAS: [f64; 8] = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128];
/// Length of the stretches over which it should be as good as the best expert, in outcomes.
pub const INTERVAL: f64 = 100.0;

/// Several step sizes, weighted by how well their levels did. Nothing is left to tune.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DtAci {
    target: f64,
    gammas: Vec<f64>,
    alphas: Vec<f64>,
    /// Sum to 1.
    weights: Vec<f64>,
    eta: f64,
    sigma: f64,
}

impl DtAci {
    /// With the paper's `eta` and `sigma` for stretches of [`INTERVAL`] outcomes.
    #[must_use]
    pub fn new(target: f64) -> Self {
        let experts = GAMMAS.len() as f64;
        let spread = (1.0 - target).powi(2) * target.powi(3) + target.powi(2) * (1.0 - target).powi(3);
        let eta = (3.0 / INTERVAL).sqrt() * (((experts * INTERVAL).ln() + 2.0) / spread).sqrt();
        Self::with(target, &GAMMAS, eta, 1.0 / (2.0 * INTERVAL))
    }

    /// `eta` is the rate of the weights, `sigma` the share that is dealt out evenly after each outcome.
    #[must_use]
    pub fn with(target: f64, gammas: &[f64], eta: f64, sigma: f64) -> Self {
        let n = gammas.len();
        let weights = vec![1.0 / n.max(1) as f64; n];
        Self { target, gammas: gammas.to_vec(), alphas: vec![target; n], weights, eta, sigma }
    }

    /// The level of an interval given now: the experts' weighted mean.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.weights.iter().zip(&self.alphas).map(|(w, a)| w * a).sum()
    }

    /// The experts' weights, in the order of their step sizes.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Share that may be missed in the long run.
    #[must_use]
    pub const fn target(&self) -> f64 {
        self.target
    }

    /// An outcome became known: `level` is the largest one at which the interval would have covered it ([`covering_level`]).
    pub fn mature(&mut self, level: f64) {
        let target = self.target;
        for (weight, alpha) in self.weights.iter_mut().zip(&self.alphas) {
            let pinball = target * (level - alpha) - (level - alpha).min(0.0);
            *weight *= (-self.eta * pinball).exp();
        }
        let sum: f64 = self.weights.iter().sum();
        let even = 1.0 / self.weights.len().max(1) as f64;
        for weight in &mut self.weights {
            *weight = (1.0 - self.sigma) * *weight / sum + self.sigma * even;
        }
        for (alpha, gamma) in self.alphas.iter_mut().zip(&self.gammas) {
            *alpha += gamma * (target - f64::from(u8::from(*alpha > level)));
        }
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let n = self.gammas.len();
        n > 0
            && self.alphas.len() == n
            && self.weights.len() == n
            && self.target > 0.0
            && self.target < 1.0
            && (0.0..1.0).contains(&self.sigma)
            && self.eta.is_finite()
            && self.eta >= 0.0
            && self.gammas.iter().all(|g| g.is_finite() && *g > 0.0)
            && self.alphas.iter().all(|a| a.is_finite())
            && self.weights.iter().all(|w| (0.0..=1.0).contains(w))
            && (self.weights.iter().sum::<f64>() - 1.0).abs() < 1e-6
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_miss_lowers_alpha_and_widens() {
        let scores: Vec<f64> = (0..100).map(f64::from).collect();
        let mut aci = Aci::new(0.2, 0.02, 100, &scores);
        let before = (aci.alpha(), aci.radius().finite().unwrap());
        aci.mature(50.0, true);
        assert!(aci.alpha() < before.0 && aci.radius().finite().unwrap() > before.1);
        let mut aci = Aci::new(0.2, 0.02, 100, &scores);
        aci.mature(50.0, false);
        assert!(aci.alpha() > before.0 && aci.radius().finite().unwrap() <= before.1);
        let mut experts = DtAci::new(0.2);
        experts.mature(0.05);
        assert!(experts.alpha() < 0.2, "missed at its level");
        for _ in 0..14 {
            aci.mature(1e3, true);
        }
        assert_eq!(aci.radius(), Radius::Everything);
        assert_eq!(radius(&scores, 1.0), Radius::Nothing);
    }

    #[test]
    fn the_papers_rate() {
        assert!((DtAci::new(0.1).eta - 5.671_439_730_878_951_5).abs() < 1e-12);
        assert!(DtAci::new(0.2).is_sound());
        assert!(!DtAci::with(0.2, &[], 1.0, 0.1).is_sound());
    }

    proptest! {
        #[test]
        fn the_covering_level_is_where_cover_ends(
            scores in prop::collection::vec(0_u8..30, 1..60),
            score in 0_u8..32,
        ) {
            let scores: Vec<f64> = scores.into_iter().map(f64::from).collect();
            let level = covering_level(&scores, f64::from(score));
            prop_assert!(radius(&scores, level - 1e-6).covers(f64::from(score)));
            prop_assert!(level >= 1.0 || !radius(&scores, level + 1e-6).covers(f64::from(score)));
        }

        #[test]
        fn stays_sound_whatever_comes(levels in prop::collection::vec(0.0_f64..=1.0, 0..300)) {
            let mut experts = DtAci::new(0.2);
            levels.iter().for_each(|l| experts.mature(*l));
            prop_assert!(experts.is_sound() && experts.alpha().is_finite());
        }
    }
}
