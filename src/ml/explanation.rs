//! Why an ensemble says what it says: what each feature adds to the log odds of one row against those of an average row.
//!
//! Members speak of features in their own terms: a logistic regression of shares of its log odds (the average row is the training mean), boosted trees and
//! forests of Shapley values (the average row is the mean over the training rows). What then bends those sums is carried over by the
//! rescale rule (DeepLIFT: Shrikumar, Greenside, Kundaje 2017): a function of one number hands its difference from the average row on in
//! proportion to the number's parts, that is, at the slope of the chord. So it is with
//! - a forest, whose mean vote is a probability: the clamp and the log odds together are the function;
//! - the disagreement of the members, a square: the chord's slope for each member is the sum of its distances from the mean;
//! - the deflation's factor, a function of the disagreement;
//! - the product of factor and mean log odds, whose difference falls to either side in Shapley's halves.
//!
//! Each step keeps the sum exact, nothing is divided by a small difference, and a feature that no member uses gets nothing.

use super::contributions::Contributions;
use super::ensemble::{freedom, weighted_moments};
use super::numbers::logit;
use super::uncertainty::deflate;
use crate::domain::reading::Contribution;

/// What the features of one row add to its log odds.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Log odds of an average row: a constant of the model.
    pub base: f64,
    /// One per feature that the model uses, in its order; with the base they sum to the log odds of the row.
    pub contributions: Vec<Contribution>,
}

impl Explanation {
    /// The `most` that added or took most, the largest in size first, ties by name; those that did nothing are left out.
    #[must_use]
    pub fn largest(self, most: usize) -> Vec<Contribution> {
        let mut list = self.contributions;
        list.retain(|c| c.log_odds != 0.0);
        list.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()).then_with(|| a.feature.cmp(&b.feature)));
        list.truncate(most);
        list
    }
}

/// Parts of a probability as parts of its log odds, the probability held `edge` away from 0 and 1.
#[must_use]
pub fn on_log_odds(votes: &Contributions, edge: f64) -> Contributions {
    let (from, to) = (votes.base, votes.output());
    let [a, b] = [from, to].map(|p| p.clamp(edge, 1.0 - edge));
    let slope = if to == from {
        f64::from(u8::from(a == from)) / (a * (1.0 - a))
    } else {
        // logit(b) − logit(a), also where they are close.
        ((b - a) / (a * (1.0 - b))).ln_1p() / (to - from)
    };
    Contributions { base: logit(a), ..votes.clone().scaled(slope) }
}

/// Parts of the deflated vote ([`combine`](super::ensemble::combine)) from the parts of the members' log odds, which are all as many; `None` where there is no vote.
#[must_use]
pub fn combined(members: &[Contributions], weights: &[f64]) -> Option<Contributions> {
    let average: Vec<f64> = members.iter().map(|m| m.base).collect();
    let row: Vec<f64> = members.iter().map(Contributions::output).collect();
    let freedom = freedom(weights)?;
    let (mean_before, variance_before) = weighted_moments(&average, weights)?;
    let (mean, variance) = weighted_moments(&row, weights)?;
    let (before, after) = (deflate(1.0, variance_before), deflate(1.0, variance));
    // Of the factor in the variance, the chord's slope: `after² − before² = −π/8 · before²·after² · (variance − variance_before)`.
    let chord = -std::f64::consts::PI / 8.0 * (before * after).powi(2) / (before + after);
    let of_mean = f64::midpoint(before, after);
    let of_variance = chord * f64::midpoint(mean_before, mean) / freedom;
    let mut inputs = vec![0.0; members.first()?.inputs.len()];
    for (member, weight) in members.iter().zip(weights) {
        inputs.iter_mut().zip(&member.inputs).for_each(|(sum, part)| *sum += weight * part);
    }
    let means = inputs.clone();
    inputs.iter_mut().for_each(|part| *part *= of_mean);
    for ((member, weight), (average, row)) in members.iter().zip(weights).zip(average.iter().zip(&row)) {
        let apart = of_variance * weight * ((row - mean) + (average - mean_before));
        for (sum, (part, mean)) in inputs.iter_mut().zip(member.inputs.iter().zip(&means)) {
            *sum += apart * (part - mean);
        }
    }
    let parts = Contributions { base: deflate(mean_before, variance_before), inputs };
    parts.output().is_finite().then_some(parts)
}

#[cfg(test)]
#[path = "explanation_tests.rs"]
mod tests;
