//! What the members say together, and how far they disagree.

use serde::{Deserialize, Serialize};

use super::members::Member;
use super::numbers::{mean, sigmoid, variance};
use super::scaler::Scaler;
use super::uncertainty::deflate;

/// Members over one scaler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    pub scaler: Scaler,
    pub members: Vec<Member>,
}

/// The ensemble's answer for one row, before calibration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vote {
    /// Mean log odds, deflated for disagreement.
    pub logit: f64,
    /// Sd (ddof 1) of the members' probabilities: what the model does not know.
    pub epistemic: f64,
}

impl Vote {
    /// Deflated probability.
    #[must_use]
    pub fn probability(&self) -> f64 {
        sigmoid(self.logit)
    }
}

impl Ensemble {
    /// `None` with fewer than two members or a damaged one: without disagreement there is no knowing what is not known.
    #[must_use]
    pub fn vote(&self, features: &[f64]) -> Option<Vote> {
        let x = self.scaler.transform(features);
        let logits: Vec<f64> = self.members.iter().map(|m| m.logit(&x)).collect::<Option<_>>()?;
        combine(&logits)
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let width = self.scaler.width();
        self.scaler.is_sound() && self.members.len() > 1 && self.members.iter().all(|m| m.is_sound(width))
    }
}

fn combine(logits: &[f64]) -> Option<Vote> {
    let probabilities: Vec<f64> = logits.iter().copied().map(sigmoid).collect();
    let logit = deflate(mean(logits)?, variance(logits)?);
    let epistemic = variance(&probabilities)?.sqrt();
    (logit.is_finite() && epistemic.is_finite()).then_some(Vote { logit, epistemic })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agreement_keeps_and_disagreement_deflates() {
        let sure = combine(&[2.0, 2.0, 2.0]).unwrap();
        assert!((sure.probability() - sigmoid(2.0)).abs() < 1e-12 && sure.epistemic < 1e-12);
        let split = combine(&[0.0, 2.0, 4.0]).unwrap();
        let expected = 2.0 / (1.0 + std::f64::consts::PI * 4.0 / 8.0).sqrt();
        assert!((split.logit - expected).abs() < 1e-12);
        assert!(split.epistemic > 0.2);
        assert_eq!(combine(&[1.0]), None);
        assert_eq!(combine(&[]), None);
        assert_eq!(combine(&[1.0, f64::NAN]), None);
    }

    proptest! {
        #[test]
        fn deflation_never_adds_certainty(logits in prop::collection::vec(-8.0_f64..8.0, 2..9)) {
            let vote = combine(&logits).unwrap();
            let plain = mean(&logits).unwrap();
            prop_assert!(vote.logit.abs() <= plain.abs() + 1e-12);
            prop_assert!(vote.logit * plain >= 0.0);
            prop_assert!((0.0..=0.75).contains(&vote.epistemic));
            prop_assert!(crate::ml::uncertainty::aleatoric(vote.probability()) <= 0.5);
        }
    }
}
