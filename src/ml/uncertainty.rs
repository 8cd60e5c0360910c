//! What cannot be known, and what the model does not know: the spread of an outcome taken apart over the members of an ensemble.

use serde::{Deserialize, Serialize};

use super::numbers::mean;

/// `mean / √(1 + π·v/8)` for mean and variance of log odds (MacKay 1992): disagreement pulls towards one half.
#[must_use]
pub fn deflate(mean: f64, variance: f64) -> f64 {
    mean / (1.0 + std::f64::consts::PI * variance / 8.0).sqrt()
}

/// What no model can know of a yes-or-no outcome: `√(p(1−p))`.
#[must_use]
pub fn aleatoric(p: f64) -> f64 {
    (p * (1.0 - p)).max(0.0).sqrt()
}

/// The predictive variance of a number, by the law of total variance over members.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub mean: f64,
    /// Mean of the members' variances: what no model can know.
    pub aleatoric: f64,
    /// Variance (ddof 0) of the members' means: what this model does not know.
    pub epistemic: f64,
}

impl Spread {
    /// From each member's mean and variance; `None` without members, or with one that is not finite or has a variance below 0.
    #[must_use]
    pub fn of(members: &[(f64, f64)]) -> Option<Self> {
        let (means, variances): (Vec<f64>, Vec<f64>) = members.iter().copied().unzip();
        if variances.iter().any(|v| *v < 0.0) {
            return None;
        }
        let (centre, aleatoric) = (mean(&means)?, mean(&variances)?);
        let epistemic = mean(&means.iter().map(|m| (m - centre).powi(2)).collect::<Vec<_>>())?;
        let spread = Self { mean: centre, aleatoric, epistemic };
        (centre.is_finite() && spread.total().is_finite()).then_some(spread)
    }

    #[must_use]
    pub fn total(&self) -> f64 {
        self.aleatoric + self.epistemic
    }
}

/// The entropy of a yes-or-no outcome, in nats (Depeweg et al. 2018).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Entropy {
    /// Entropy of the mean probability.
    pub total: f64,
    /// Mean of the members' entropies: what no model can know.
    pub aleatoric: f64,
    /// Mutual information of outcome and member, the difference of the two: what this model does not know.
    pub epistemic: f64,
}

impl Entropy {
    /// From the members' probabilities; `None` without members or with one outside `0..=1`.
    #[must_use]
    pub fn of(probabilities: &[f64]) -> Option<Self> {
        if probabilities.iter().any(|p| !(0.0..=1.0).contains(p)) {
            return None;
        }
        let total = entropy(mean(probabilities)?);
        let aleatoric = mean(&probabilities.iter().copied().map(entropy).collect::<Vec<_>>())?;
        Some(Self { total, aleatoric, epistemic: (total - aleatoric).max(0.0) })
    }
}

fn entropy(p: f64) -> f64 {
    let part = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    part(p) + part(1.0 - p)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_mind_has_nothing_epistemic() {
        let spread = Spread::of(&[(0.1, 0.04); 5]).unwrap();
        assert!(spread.epistemic < 1e-30 && (spread.total() - 0.04).abs() < 1e-15);
        let entropy = Entropy::of(&[0.3; 5]).unwrap();
        assert!(entropy.epistemic < 1e-15);
        let split = Entropy::of(&[0.0, 1.0]).unwrap();
        assert!(split.aleatoric == 0.0 && (split.epistemic - std::f64::consts::LN_2).abs() < 1e-15);
    }

    #[test]
    fn what_is_no_number_has_no_spread() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[(1.0, -1.0)]), None);
        assert_eq!(Spread::of(&[(f64::NAN, 1.0)]), None);
        assert_eq!(Entropy::of(&[]), None);
        assert_eq!(Entropy::of(&[1.1]), None);
        assert_eq!(Entropy::of(&[f64::NAN]), None);
    }

    proptest! {
        #[test]
        fn the_parts_make_the_whole(probabilities in prop::collection::vec(0.0_f64..=1.0, 1..20)) {
            let parts = Entropy::of(&probabilities).unwrap();
            prop_assert!((parts.total - parts.aleatoric - parts.epistemic).abs() < 1e-12);
            prop_assert!(parts.total <= std::f64::consts::LN_2 + 1e-12 && parts.aleatoric >= 0.0);
        }
    }
}
