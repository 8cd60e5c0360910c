//! Sideways Strategy (range): long near the low of a range that reverts fast enough and is wide enough to pay its costs.

use super::{Setup, condition};
use crate::decision::wording::percent;
use crate::domain::decision::TraceStep;

/// From here on there is a trend, and no range.
const ADX_MAX: f64 = 20.0;
const PERCENT_B_MAX: f64 = 0.05;
const RSI_MAX: f64 = 30.0;
/// Bars within which half of a deviation must be gone.
const HALF_LIFE_MAX: f64 = 48.0;
/// Room to the middle band, in round-trip costs.
const ROOM_IN_COSTS: f64 = 3.0;

/// The conditions of a long entry in a sideways market.
#[must_use]
pub fn confirm(setup: &Setup<'_>) -> Vec<TraceStep> {
    let i = &setup.indicators;
    let room =
        setup.close.zip(i.bollinger_middle).filter(|(close, _)| *close > 0.0).map(|(close, mid)| mid / close - 1.0);
    let needed = ROOM_IN_COSTS * setup.plan.cost;
    vec![
        condition("ADX14", i.adx14, "< 20", |v| v < ADX_MAX),
        condition("%b", i.percent_b, "≤ 0.05", |v| v <= PERCENT_B_MAX),
        condition("RSI14", i.rsi14, "≤ 30", |v| v <= RSI_MAX),
        condition("half-life", i.half_life, "< 48 bars (no value: not reverting)", |v| v < HALF_LIFE_MAX),
        condition("room to the mid", room, format!("≥ {} (3 × cost)", percent(needed)), |v| v >= needed),
    ]
}
