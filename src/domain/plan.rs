//! A managed trade: where it enters, and the three ways it ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::money::Price;
use super::order::Side;
use super::pair::Pair;
use super::time::{HOUR_MS, UtcMs};

/// How far ahead a prediction and its trade look, in hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Horizon(pub u32);

impl Horizon {
    pub const H1: Self = Self(1);
    pub const H24: Self = Self(24);

    #[must_use]
    pub const fn ms(self) -> i64 {
        self.0 as i64 * HOUR_MS
    }
}

impl fmt::Display for Horizon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}h", self.0))
    }
}

/// The exits of a horizon's trade: barrier distances are `multiple × σ24 × √H / 2` in log price (triple barrier,
/// López de Prado 2018, ch. 3), the time limit is the horizon itself.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExitPlan {
    pub horizon: Horizon,
    pub target_multiple: f64,
    pub stop_multiple: f64,
}

impl ExitPlan {
    /// Log-price distances `(target, stop)` for a per-bar volatility `sigma24`; both positive.
    #[must_use]
    pub fn distances(&self, sigma24: f64) -> (f64, f64) {
        let unit = sigma24 * f64::from(self.horizon.0).sqrt() / 2.0;
        (self.target_multiple * unit, self.stop_multiple * unit)
    }
}

/// One concrete managed trade, exits fixed before it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradePlan {
    pub pair: Pair,
    pub side: Side,
    pub horizon: Horizon,
    /// Price the plan was made at (the bar's close); the fill decides the true entry.
    pub entry: Price,
    pub stop: Price,
    pub target: Price,
    pub expires: UtcMs,
    /// Round-trip cost as a share of the notional: two fees, spread and impact.
    pub cost: f64,
    /// Net gain when the target is hit, as a share of the notional (may be negative: then the plan can't win).
    pub win: f64,
    /// Net loss when the stop is hit, as a positive share of the notional.
    pub loss: f64,
}

impl TradePlan {
    /// Net payoff ratio: what a win brings per unit that a loss costs.
    #[must_use]
    pub fn payoff(&self) -> f64 {
        if self.loss > 0.0 { self.win / self.loss } else { 0.0 }
    }
}
