//! What it costs to get from the held weights to the wanted ones, and whether it is worth it.

use super::solution::AllocationError;

/// Costs of trading one asset, each as a share of the traded value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TradingCost {
    pub fee: f64,
    /// The whole spread; a trade pays half of it.
    pub spread: f64,
    pub impact: f64,
}

impl TradingCost {
    /// Cost of a unit of turnover.
    #[must_use]
    pub fn per_unit(&self) -> f64 {
        self.fee + self.spread / 2.0 + self.impact
    }
}

/// What is held now, and what a unit of turnover costs, per asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Turnover {
    held: Vec<f64>,
    cost: Vec<f64>,
}

impl Turnover {
    /// # Errors
    /// Lists of different lengths, a number that is not finite, a negative cost.
    pub fn new(held: Vec<f64>, cost: Vec<f64>) -> Result<Self, AllocationError> {
        if held.len() != cost.len() {
            return Err(AllocationError::Sizes);
        }
        if !held.iter().chain(&cost).all(|v| v.is_finite()) {
            return Err(AllocationError::NotFinite);
        }
        if cost.iter().any(|c| *c < 0.0) {
            return Err(AllocationError::OutOfRange);
        }
        Ok(Self { held, cost })
    }

    #[must_use]
    pub fn held(&self) -> &[f64] {
        &self.held
    }

    #[must_use]
    pub fn cost(&self) -> &[f64] {
        &self.cost
    }

    /// Σ |w − held| · cost, as a share of equity.
    #[must_use]
    pub fn price(&self, weights: &[f64]) -> f64 {
        weights.iter().zip(&self.held).zip(&self.cost).map(|((w, held), cost)| (w - held).abs() * cost).sum()
    }

    /// The no-trade band: a rebalance is worth it only if the gain of the objective is above what it costs, both as a share of equity over the
    /// same time. A gain that is not a number is none.
    #[must_use]
    pub fn is_worth(&self, weights: &[f64], gain: f64) -> bool {
        gain.is_finite() && gain > self.price(weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_gain_is_not_traded_for() {
        let cost = TradingCost { fee: 0.0026, spread: 0.001, impact: 0.0004 };
        assert!((cost.per_unit() - 0.0035).abs() < 1e-15);
        let turnover = Turnover::new(vec![0.2, 0.3], vec![cost.per_unit(); 2]).unwrap();
        let wanted = [0.3, 0.2];
        assert!((turnover.price(&wanted) - 0.0007).abs() < 1e-15);
        assert!(turnover.is_worth(&wanted, 0.0008));
        for gain in [0.0006, 0.0, -1.0, f64::NAN] {
            assert!(!turnover.is_worth(&wanted, gain), "{gain}");
        }
    }

    #[test]
    fn a_cost_is_never_negative() {
        assert_eq!(Turnover::new(vec![0.1], vec![-0.1]), Err(AllocationError::OutOfRange));
        assert_eq!(Turnover::new(vec![0.1], vec![]), Err(AllocationError::Sizes));
    }
}
