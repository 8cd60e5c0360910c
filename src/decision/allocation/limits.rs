//! What weights may be: between 0 and a cap each, and in sum what is given out.

use super::solution::AllocationError;

/// What the weights sum to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Total {
    Exactly(f64),
    /// The rest stays cash.
    AtMost(f64),
}

/// Caps and sum. Weights are never below 0: spot, no leverage.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    caps: Vec<f64>,
    total: Total,
}

/// Sums are compared up to this share of them.
const ROUNDING: f64 = 1e-12;

impl Limits {
    /// # Errors
    /// No asset; a cap or the total negative or not finite; a total that must be met and that the caps do not allow.
    pub fn new(caps: Vec<f64>, total: Total) -> Result<Self, AllocationError> {
        let (Total::Exactly(sum) | Total::AtMost(sum)) = total;
        if caps.is_empty() {
            return Err(AllocationError::Empty);
        }
        if !sum.is_finite() || !caps.iter().all(|c| c.is_finite()) {
            return Err(AllocationError::NotFinite);
        }
        if sum < 0.0 || caps.iter().any(|c| *c < 0.0) {
            return Err(AllocationError::OutOfRange);
        }
        let short = caps.iter().sum::<f64>() < sum * (1.0 - ROUNDING);
        if short && matches!(total, Total::Exactly(_)) {
            return Err(AllocationError::Infeasible);
        }
        Ok(Self { caps, total })
    }

    /// The same cap for each of n assets.
    ///
    /// # Errors
    /// As [`Limits::new`].
    pub fn uniform(n: usize, cap: f64, total: Total) -> Result<Self, AllocationError> {
        Self::new(vec![cap; n], total)
    }

    #[must_use]
    pub fn caps(&self) -> &[f64] {
        &self.caps
    }

    #[must_use]
    pub const fn total(&self) -> Total {
        self.total
    }

    /// The most that the weights may sum to.
    #[must_use]
    pub const fn sum(&self) -> f64 {
        let (Total::Exactly(sum) | Total::AtMost(sum)) = self.total;
        sum
    }

    /// Whether a sum reaches the total.
    pub(super) fn is_reached_by(&self, sum: f64) -> bool {
        sum >= self.sum() * (1.0 - ROUNDING)
    }

    /// How far weights are outside: below 0, above a cap, off the total.
    pub(super) fn violation(&self, weights: &[f64]) -> f64 {
        let outside = weights.iter().zip(&self.caps).map(|(w, c)| (-w).max(w - c).max(0.0)).fold(0.0, f64::max);
        let excess = weights.iter().sum::<f64>() - self.sum();
        outside.max(if matches!(self.total, Total::Exactly(_)) { excess.abs() } else { excess.max(0.0) })
    }

    /// Fills the total with the assets in the given order, each to its cap.
    pub(super) fn filled(&self, order: impl IntoIterator<Item = usize>) -> Vec<f64> {
        let (mut weights, mut left) = (vec![0.0; self.caps.len()], self.sum());
        for i in order {
            if let (Some(weight), Some(cap)) = (weights.get_mut(i), self.caps.get(i)) {
                *weight = cap.min(left);
                left -= *weight;
            }
        }
        weights
    }
}

/// Places of a list from the smallest value to the largest, the first among equals first.
pub(super) fn ascending(values: &[f64]) -> Vec<usize> {
    let mut ranked: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    ranked.into_iter().map(|(i, _)| i).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_cannot_be_met_are_refused() {
        assert_eq!(Limits::new(vec![], Total::AtMost(1.0)), Err(AllocationError::Empty));
        assert_eq!(Limits::uniform(3, 0.3, Total::Exactly(1.0)), Err(AllocationError::Infeasible));
        assert_eq!(Limits::uniform(3, -0.3, Total::AtMost(1.0)), Err(AllocationError::OutOfRange));
        assert_eq!(Limits::uniform(3, f64::NAN, Total::AtMost(1.0)), Err(AllocationError::NotFinite));
        assert!(
            Limits::uniform(3, 0.3, Total::AtMost(1.0)).is_ok()
                && Limits::uniform(10, 0.1, Total::Exactly(1.0)).is_ok()
        );
    }

    #[test]
    fn the_order_fills_the_total() {
        let limits = Limits::new(vec![0.5, 0.2, 0.9], Total::Exactly(1.0)).unwrap();
        assert_eq!(limits.filled(ascending(&[0.3, 0.1, 0.2])), [0.0, 0.2, 0.8]);
        assert!((limits.violation(&[0.6, 0.0, 0.0]) - 0.4).abs() < 1e-12);
    }
}
