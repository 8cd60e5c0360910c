//! What the members say together, and how far they disagree.

use serde::{Deserialize, Serialize};

use super::contributions::Contributions;
use super::explanation::combined;
use super::members::Member;
use super::numbers::sigmoid;
use super::scaler::Scaler;
use super::uncertainty::deflate;

/// Members over one scaler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    pub scaler: Scaler,
    pub members: Vec<Member>,
    /// How much each member counts; they sum to 1.
    pub weights: Vec<f64>,
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
    /// What each member says of one row.
    #[must_use]
    pub fn logits(&self, features: &[f32]) -> Option<Vec<f64>> {
        self.logits_of(&self.scaler.pick(features)?, &self.scaler.transform(features))
    }

    /// [`Ensemble::logits`] of the kept inputs, as they are and scaled.
    pub(super) fn logits_of(&self, x: &[f32], scaled: &[f64]) -> Option<Vec<f64>> {
        self.members.iter().map(|m| m.logit(x, scaled)).collect()
    }

    /// What each kept input adds to the vote's log odds ([`combine`]) against those of an average row; `None` where there is no vote.
    #[must_use]
    pub fn contributions(&self, features: &[f32]) -> Option<Contributions> {
        let x = self.scaler.pick(features)?;
        let scaled = self.scaler.transform(features);
        let parts: Vec<Contributions> =
            self.members.iter().map(|m| m.contributions(&x, &scaled)).collect::<Option<_>>()?;
        combined(&parts, &self.weights)
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let width = self.scaler.width();
        let weighed = self.weights.len() == self.members.len()
            && self.weights.iter().all(|w| (0.0..=1.0).contains(w))
            && (self.weights.iter().sum::<f64>() - 1.0).abs() < 1e-6;
        self.scaler.is_sound() && weighed && self.members.len() > 1 && self.members.iter().all(|m| m.is_sound(width))
    }
}

/// The weighted vote of the members' log odds; `None` with fewer than two, or where one member is everything.
#[must_use]
pub fn combine(logits: &[f64], weights: &[f64]) -> Option<Vote> {
    let probabilities: Vec<f64> = logits.iter().copied().map(sigmoid).collect();
    let (mean, variance) = weighted_moments(logits, weights)?;
    let logit = deflate(mean, variance);
    let epistemic = weighted_moments(&probabilities, weights)?.1.sqrt();
    (logit.is_finite() && epistemic.is_finite()).then_some(Vote { logit, epistemic })
}

/// Mean and variance under weights that sum to 1; with equal ones the variance has ddof 1.
pub(super) fn weighted_moments(values: &[f64], weights: &[f64]) -> Option<(f64, f64)> {
    let freedom = freedom(weights)?;
    if values.len() != weights.len() || values.len() < 2 {
        return None;
    }
    let mean: f64 = values.iter().zip(weights).map(|(v, w)| v * w).sum();
    let variance = values.iter().zip(weights).map(|(v, w)| w * (v - mean).powi(2)).sum::<f64>() / freedom;
    Some((mean, variance))
}

/// Share of the spread that is left once the mean is taken from it; `None` where one weight is all.
pub(super) fn freedom(weights: &[f64]) -> Option<f64> {
    Some(1.0 - weights.iter().map(|w| w * w).sum::<f64>()).filter(|freedom| *freedom > 0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::numbers::mean;
    use super::*;

    fn combined(logits: &[f64]) -> Option<Vote> {
        combine(logits, &vec![1.0 / logits.len().max(1) as f64; logits.len()])
    }

    #[test]
    fn agreement_keeps_and_disagreement_deflates() {
        let sure = combined(&[2.0, 2.0, 2.0]).unwrap();
        assert!((sure.probability() - sigmoid(2.0)).abs() < 1e-12 && sure.epistemic < 1e-12);
        let split = combined(&[0.0, 2.0, 4.0]).unwrap();
        let expected = 2.0 / (1.0 + std::f64::consts::PI * 4.0 / 8.0).sqrt();
        assert!((split.logit - expected).abs() < 1e-12);
        assert!(split.epistemic > 0.2);
        assert_eq!(combined(&[1.0]), None);
        assert_eq!(combined(&[]), None);
        assert_eq!(combined(&[1.0, f64::NAN]), None);
    }

    proptest! {
        #[test]
        fn deflation_never_adds_certainty(logits in prop::collection::vec(-8.0_f64..8.0, 2..9)) {
            let vote = combined(&logits).unwrap();
            let plain = mean(&logits).unwrap();
            prop_assert!(vote.logit.abs() <= plain.abs() + 1e-12);
            prop_assert!(vote.logit * plain >= 0.0);
            prop_assert!((0.0..=0.75).contains(&vote.epistemic));
            prop_assert!(crate::ml::uncertainty::aleatoric(vote.probability()) <= 0.5);
        }
    }
}
