//! The net return that a trade brings at least, four times out of five: the independent check on the gate's probability.

use serde::{Deserialize, Serialize};

use super::{Radius, weighted_quantile};

/// Share of trades that may end below the bound.
pub const MISSED_BELOW: f64 = 0.2;

/// A past out-of-sample forecast of an exit plan's net return with what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetOutcome {
    pub forecast: f64,
    pub net: f64,
    /// Effective observations that it counts for.
    pub weight: f64,
}

/// How far below its forecast a net return falls at most, [`MISSED_BELOW`] of the time more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetBound {
    shortfall: Radius,
    /// Effective observations behind it.
    pub n_eff: f64,
}

impl NetBound {
    #[must_use]
    pub fn fit(past: &[NetOutcome]) -> Self {
        let scores: Vec<(f64, f64)> = past.iter().map(|p| (p.forecast - p.net, p.weight)).collect();
        let shortfall = Radius::of(weighted_quantile(&scores, MISSED_BELOW));
        Self { shortfall, n_eff: past.iter().map(|p| p.weight).sum() }
    }

    /// One-sided 80 % conformal lower bound of the net return of a plan with this forecast; `None` while too little is known.
    #[must_use]
    pub fn lower(&self, forecast: f64) -> Option<f64> {
        self.shortfall.finite().map(|q| forecast - q).filter(|v| v.is_finite())
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let finite = self.shortfall.finite().is_none_or(f64::is_finite);
        !matches!(self.shortfall, Radius::Nothing) && finite && self.n_eff.is_finite() && self.n_eff >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn four_of_five_end_above() {
        let mut rng = SplitMix64::new(&[8]);
        let mut draw = |n: usize| -> Vec<NetOutcome> {
            (0..n)
                .map(|_| {
                    let forecast = 0.01 * rng.unit();
                    NetOutcome { forecast, net: forecast + 0.02 * rng.normal(), weight: 1.0 }
                })
                .collect()
        };
        let bound = NetBound::fit(&draw(2_000));
        let above = draw(2_000).iter().filter(|p| p.net >= bound.lower(p.forecast).unwrap()).count();
        assert!((above as f64 / 2_000.0 - 0.8).abs() < 0.03, "{above}");
        assert!(bound.is_sound());
        assert_eq!(NetBound::fit(&[]).lower(0.1), None);
    }
}
