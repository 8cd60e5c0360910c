//! Bear Strategy (defensive): no new longs on spot; open positions are closed once the bear is confirmed.

use super::{Setup, above, below, condition};
use crate::domain::decision::{BlockReason, Station, TraceStep};
use crate::domain::frame::Indicators;

const ADX_MIN: f64 = 20.0;

/// The way of a would-be entry in a bear market: blocked, with the confirmation shown.
#[must_use]
pub fn defend(setup: &Setup<'_>) -> Vec<TraceStep> {
    let mut steps = vec![
        TraceStep::new(
            Station::Strategy,
            "new longs",
            None,
            "none in a bear market on spot",
            false,
            BlockReason::DefensiveRegime,
        )
        .with_note("the defensive strategy reduces and exits; below, whether the bear is confirmed"),
    ];
    steps.extend(confirmation(setup.close, &setup.indicators));
    steps
}

/// The conditions of a confirmed bear: close < EMA50 < EMA200, ADX14 ≥ 20, −DI14 > +DI14.
#[must_use]
pub fn confirmation(close: Option<f64>, i: &Indicators) -> Vec<TraceStep> {
    vec![
        below("close under EMA50", close, ("EMA50", i.ema50)),
        below("EMA50 under EMA200", i.ema50, ("EMA200", i.ema200)),
        condition("ADX14", i.adx14, "≥ 20", |v| v >= ADX_MIN),
        above("−DI14 over +DI14", i.minus_di14, ("+DI14", i.plus_di14)),
    ]
}

/// Whether open positions should be closed.
#[must_use]
pub fn is_confirmed(close: Option<f64>, indicators: &Indicators) -> bool {
    confirmation(close, indicators).iter().all(|s| s.passed)
}
