//! Regime Router: the regime picks the strategy, and the strategy must be Confirmed by its own conditions.

use super::check::check;
use super::strategies::{Setup, bear, bull, sideways};
use super::wording::number;
use crate::domain::decision::{BlockReason, Station, TraceStep};
use crate::domain::order::Side;
use crate::domain::reading::{Regime, RegimeReading};
use crate::domain::settings::{RegimeSettings, SizingSettings};

/// What the router picks: one strategy per regime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Bull Strategy: ride the trend, long.
    Bull,
    /// Bear Strategy: defend, no new longs.
    Bear,
    /// Sideways Strategy: buy the low of a range.
    Sideways,
}

impl Strategy {
    pub const ALL: [Self; 3] = [Self::Bull, Self::Bear, Self::Sideways];

    /// Name in decisions and on screen.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bull => "Bull Strategy",
            Self::Bear => "Bear Strategy",
            Self::Sideways => "Sideways Strategy",
        }
    }

    /// How the diagram names its position sizing.
    #[must_use]
    pub const fn sizing_name(self) -> &'static str {
        match self {
            Self::Bull => "Kelly + Uncertainty",
            Self::Bear => "Defensive",
            Self::Sideways => "Range Trading",
        }
    }

    /// Share of full Kelly that is used.
    #[must_use]
    pub const fn kelly_fraction(self, settings: &SizingSettings) -> f64 {
        match self {
            Self::Bull => settings.kelly_bull,
            Self::Bear => settings.kelly_bear,
            Self::Sideways => settings.kelly_sideways,
        }
    }

    /// Factor on the cap of one position: the defensive strategy has half of it.
    #[must_use]
    pub const fn cap_factor(self) -> f64 {
        match self {
            Self::Bear => 0.5,
            Self::Bull | Self::Sideways => 1.0,
        }
    }
}

/// Regime Check: whether a regime is known at all.
#[must_use]
pub fn regime_check(reading: &RegimeReading, settings: &RegimeSettings) -> TraceStep {
    let rule = format!(
        "known; Bull z > {}, Bear z < −{}, {} bars in a row",
        number(settings.enter),
        number(settings.enter),
        settings.confirm_bars
    );
    let step = check(Station::Regime, "regime", reading.z, rule, |_| true, BlockReason::RegimeUnknown);
    let note = match (reading.z, reading.pending) {
        (None, _) => {
            format!("the window of {} bars is not filled since the last hole, or the price is flat", settings.window)
        }
        (Some(_), None) => format!("{} for {} bars", reading.regime.as_str(), reading.bars),
        (Some(_), Some(next)) => {
            format!("{} for {} bars, {} awaits confirmation", reading.regime.as_str(), reading.bars, next.as_str())
        }
    };
    step.with_note(note)
}

/// The strategy of a regime; none while no regime is known.
#[must_use]
pub const fn route(reading: &RegimeReading) -> Option<Strategy> {
    match (reading.z, reading.regime) {
        (None, _) => None,
        (Some(_), Regime::Bull) => Some(Strategy::Bull),
        (Some(_), Regime::Bear) => Some(Strategy::Bear),
        (Some(_), Regime::Sideways) => Some(Strategy::Sideways),
    }
}

/// The strategy's confirmations for a new entry: Confirmed only if all of them passed, else Rejected.
///
/// The exit plan of every strategy is the prediction's own [`crate::domain::TradePlan`]: the calibrated probability is about exactly
/// that trade, and another stop or target would be another event with another, unknown probability.
#[must_use]
pub fn confirm(strategy: Strategy, setup: &Setup<'_>) -> Vec<TraceStep> {
    let mut steps = match strategy {
        Strategy::Bull => bull::confirm(setup),
        Strategy::Bear => bear::defend(setup),
        Strategy::Sideways => sideways::confirm(setup),
    };
    if setup.plan.side == Side::Sell {
        let step = TraceStep::new(
            Station::Strategy,
            "side",
            None,
            "buy: a spot account cannot sell short",
            false,
            BlockReason::StrategyRejected,
        );
        steps.push(step);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::specimens::{bear_indicators, bull_indicators, prediction, range_indicators};
    use crate::decision::strategies::TechnicalSignal;
    use crate::domain::frame::Indicators;

    fn reading(regime: Regime, z: Option<f64>) -> RegimeReading {
        RegimeReading { regime, z, bars: 5, pending: None }
    }

    fn failures(strategy: Strategy, indicators: Indicators, technical: TechnicalSignal) -> Vec<(String, BlockReason)> {
        let prediction = prediction("BTC/USD", 1, 100.0);
        let setup = Setup { close: Some(100.0), indicators, plan: &prediction.plan, technical };
        confirm(strategy, &setup).into_iter().filter_map(|s| s.reason.map(|reason| (s.name, reason))).collect()
    }

    #[test]
    fn the_regime_picks_the_strategy_and_an_unknown_one_picks_none() {
        let z = Some(1.2);
        assert_eq!(route(&reading(Regime::Bull, z)), Some(Strategy::Bull));
        assert_eq!(route(&reading(Regime::Bear, z)), Some(Strategy::Bear));
        assert_eq!(route(&reading(Regime::Sideways, z)), Some(Strategy::Sideways));
        assert_eq!(route(&reading(Regime::Bull, None)), None);
        let step = regime_check(&reading(Regime::Bull, None), &RegimeSettings::default());
        assert_eq!((step.passed, step.reason), (false, Some(BlockReason::RegimeUnknown)));
        assert!(regime_check(&reading(Regime::Sideways, Some(0.0)), &RegimeSettings::default()).passed);
    }

    #[test]
    fn a_bull_is_confirmed_only_if_all_conditions_hold() {
        type Spoil = fn(&mut Indicators);
        let up = TechnicalSignal::Score(Some(0.3));
        assert_eq!(failures(Strategy::Bull, bull_indicators(100.0), up), []);
        let cases: [(&str, Spoil); 7] = [
            ("close over EMA50", |i| i.ema50 = Some(100.0)),
            ("EMA50 over EMA200", |i| i.ema200 = Some(98.0)),
            ("ADX14", |i| i.adx14 = Some(19.99)),
            ("+DI14 over −DI14", |i| i.minus_di14 = Some(30.0)),
            ("z20", |i| i.z20 = Some(2.01)),
            ("CMF20", |i| i.cmf20 = Some(-0.001)),
            ("z20", |i| i.z20 = None),
        ];
        for (name, spoil) in cases {
            let mut indicators = bull_indicators(100.0);
            spoil(&mut indicators);
            assert_eq!(failures(Strategy::Bull, indicators, up), [(name.to_owned(), BlockReason::StrategyRejected)]);
        }
    }

    #[test]
    fn a_bull_needs_the_technical_agent_on_its_side() {
        let bull = |technical| failures(Strategy::Bull, bull_indicators(100.0), technical);
        let name = "technical score".to_owned();
        assert_eq!(bull(TechnicalSignal::Unavailable), [(name.clone(), BlockReason::AgentUnavailable)]);
        assert_eq!(bull(TechnicalSignal::Score(None)), [(name.clone(), BlockReason::StrategyRejected)]);
        assert_eq!(bull(TechnicalSignal::Score(Some(0.0))), [(name, BlockReason::StrategyRejected)]);
    }

    #[test]
    fn a_range_is_bought_only_at_its_low() {
        type Spoil = fn(&mut Indicators);
        let any = TechnicalSignal::Unavailable;
        assert_eq!(failures(Strategy::Sideways, range_indicators(100.0), any), []);
        let cases: [(&str, Spoil); 7] = [
            ("ADX14", |i| i.adx14 = Some(20.0)),
            ("%b", |i| i.percent_b = Some(0.051)),
            ("RSI14", |i| i.rsi14 = Some(30.1)),
            ("half-life", |i| i.half_life = Some(48.0)),
            ("half-life", |i| i.half_life = None),
            ("room to the mid", |i| i.bollinger_middle = Some(101.7)),
            ("room to the mid", |i| i.bollinger_middle = None),
        ];
        for (name, spoil) in cases {
            let mut indicators = range_indicators(100.0);
            spoil(&mut indicators);
            assert_eq!(
                failures(Strategy::Sideways, indicators, any),
                [(name.to_owned(), BlockReason::StrategyRejected)]
            );
        }
    }

    #[test]
    fn a_bear_takes_no_new_longs_and_shows_why() {
        let any = TechnicalSignal::Unavailable;
        let blocks = failures(Strategy::Bear, bear_indicators(100.0), any);
        assert_eq!(blocks, [("new longs".to_owned(), BlockReason::DefensiveRegime)]);
        let unconfirmed = failures(Strategy::Bear, bull_indicators(100.0), any);
        assert_eq!(unconfirmed[0], ("new longs".to_owned(), BlockReason::DefensiveRegime));
        assert!(unconfirmed.len() > 1);
    }

    #[test]
    fn a_short_is_never_confirmed() {
        let mut prediction = prediction("BTC/USD", 1, 100.0);
        prediction.plan.side = Side::Sell;
        let setup = Setup {
            close: Some(100.0),
            indicators: bull_indicators(100.0),
            plan: &prediction.plan,
            technical: TechnicalSignal::Score(Some(0.5)),
        };
        assert!(confirm(Strategy::Bull, &setup).iter().any(|s| s.name == "side" && !s.passed));
    }

    #[test]
    fn without_a_frame_nothing_is_confirmed() {
        for strategy in [Strategy::Bull, Strategy::Bear, Strategy::Sideways] {
            let prediction = prediction("BTC/USD", 1, 100.0);
            let setup = Setup {
                close: None,
                indicators: Indicators::default(),
                plan: &prediction.plan,
                technical: TechnicalSignal::Score(Some(0.5)),
            };
            assert!(confirm(strategy, &setup).iter().any(|s| !s.passed), "{strategy:?}");
        }
    }
}
