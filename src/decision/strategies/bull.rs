//! Bull Strategy (trend): long while price, averages, direction and flow agree and the price is not stretched.

use super::{Setup, TechnicalSignal, above, condition};
use crate::domain::decision::{BlockReason, Station, TraceStep};

/// Trend strength from which a trend is one.
const ADX_MIN: f64 = 20.0;
/// Above this many sd over its 20-bar mean a price is stretched.
const Z20_MAX: f64 = 2.0;

/// The conditions of a long entry in a bull market.
#[must_use]
pub fn confirm(setup: &Setup<'_>) -> Vec<TraceStep> {
    let i = &setup.indicators;
    vec![
        above("close over EMA50", setup.close, ("EMA50", i.ema50)),
        above("EMA50 over EMA200", i.ema50, ("EMA200", i.ema200)),
        condition("ADX14", i.adx14, "≥ 20", |v| v >= ADX_MIN),
        above("+DI14 over −DI14", i.plus_di14, ("−DI14", i.minus_di14)),
        condition("z20", i.z20, "≤ 2 (not stretched)", |v| v <= Z20_MAX),
        condition("CMF20", i.cmf20, "≥ 0", |v| v >= 0.0).with_note(
            "money flow from candles; the cumulative volume delta needs single trades, which are not recorded",
        ),
        technical(setup.technical),
    ]
}

fn technical(signal: TechnicalSignal) -> TraceStep {
    match signal {
        TechnicalSignal::Score(score) => condition("technical score", score, "> 0 (tempered)", |v| v > 0.0),
        TechnicalSignal::Unavailable => TraceStep::new(
            Station::Strategy,
            "technical score",
            None,
            "> 0 (tempered)",
            false,
            BlockReason::AgentUnavailable,
        )
        .with_note("Technical did not answer for this bar"),
    }
}
