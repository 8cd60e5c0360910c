use std::sync::Arc;

use rust_decimal::Decimal;

use super::*;
use crate::decision::specimens::{self, account, bear_indicators, frame, hold, pair, risk_request, technical};
use crate::domain::event::{Candidate, RiskRequest};
use crate::domain::message::{Constraints, Message};
use crate::domain::money::{Money, Prob};
use crate::domain::plan::Horizon;
use crate::domain::reading::Prediction;
use crate::domain::time::HOUR_MS;

const LAST: i64 = 120;

/// A manager that has seen 119 hours of a rising or falling BTC and ETH.
fn manager(drift: f64) -> RiskManager {
    let mut manager = RiskManager::new(&CoreSettings::default());
    for n in 1..LAST {
        let frames = ["BTC/USD", "ETH/USD"].map(|p| frame(p, n, price(n, drift))).to_vec();
        let request = RiskRequest { warmup: true, ..risk_request() };
        let reply = manager.handle(&ask(n, request, vec![Message::CollectorToRisk(Arc::new(frames))])).unwrap();
        assert!(assessment(&reply).candidates.is_empty() && assessment(&reply).exits.is_empty());
        assert_eq!(reply.messages.len(), 6, "neighbours are told also in warm-up");
    }
    manager
}

fn price(n: i64, drift: f64) -> f64 {
    100.0 * (drift * n as f64 + if n % 2 == 0 { 0.003 } else { 0.0 }).exp()
}

fn ask(n: i64, request: RiskRequest, inbox: Vec<Message>) -> Ask {
    let request = Request::AssessRisk(Arc::new(request));
    Ask { cycle: n as u64, at: UtcMs(n * HOUR_MS), to: AgentKind::RiskManager, request, inbox }
}

fn assessment(reply: &Reply) -> &RiskAssessment {
    match &reply.finding {
        Finding::Risk(assessment) => assessment,
        other => panic!("{other:?}"),
    }
}

/// A cycle in which everything is sound; a test changes what it is about.
struct Cycle {
    request: RiskRequest,
    frames: Vec<Frame>,
    told: Option<Vec<(Pair, Horizon, f64, f64)>>,
    technical: bool,
    dispersion: Option<f64>,
    health: Option<f64>,
    free: f64,
}

fn prediction(name: &str, drift: f64) -> Prediction {
    specimens::prediction(name, LAST, price(LAST, drift))
}

impl Cycle {
    fn new(drift: f64, predictions: Vec<Prediction>) -> Self {
        let frames = ["BTC/USD", "ETH/USD"].map(|p| frame(p, LAST, price(LAST, drift))).to_vec();
        let told = predictions.iter().map(|p| (p.pair.clone(), p.horizon, p.confidence.get(), p.epistemic)).collect();
        let technical = frames.iter().map(|f| technical(f.pair.as_str(), LAST, Some(0.4))).collect();
        Self {
            request: RiskRequest { predictions, technical, ..risk_request() },
            frames,
            told: Some(told),
            technical: true,
            dispersion: None,
            health: Some(0.95),
            free: 0.6,
        }
    }

    fn run(self, manager: &mut RiskManager) -> Reply {
        let pairs: Vec<Pair> = self.frames.iter().map(|f| f.pair.clone()).collect();
        let mut inbox = vec![
            Message::CollectorToRisk(Arc::new(self.frames)),
            Message::SentimentToRisk(pairs.iter().map(|p| (p.clone(), self.dispersion)).collect()),
            Message::OptimizerToRisk(Constraints { free_exposure: self.free, position_cap: 0.1, size_factor: 1.0 }),
        ];
        if self.technical {
            inbox.push(Message::TechnicalToRisk(pairs.iter().map(|p| (p.clone(), Some(0.4))).collect()));
        }
        inbox.extend(self.told.map(Message::PredictorToRisk));
        inbox.extend(self.health.map(Message::HealthToRisk));
        manager.handle(&ask(LAST, self.request, inbox)).unwrap()
    }

    fn only(self) -> Candidate {
        let reply = self.run(&mut manager(0.004));
        let candidates = &assessment(&reply).candidates;
        assert_eq!(candidates.len(), 1);
        candidates[0].clone()
    }
}

fn bull_cycle() -> Cycle {
    Cycle::new(0.004, vec![prediction("BTC/USD", 0.004)])
}

/// The specimen with a confidence the gate rejects.
fn doubtful(name: &str) -> Prediction {
    Prediction { confidence: Prob::new(0.71).unwrap(), ..prediction(name, 0.004) }
}

fn reasons(candidate: &Candidate) -> Vec<BlockReason> {
    candidate.steps.iter().filter_map(|s| s.reason).collect()
}

#[test]
fn a_sound_signal_passes_every_station() {
    let candidate = bull_cycle().only();
    assert_eq!(reasons(&candidate), []);
    assert_eq!(candidate.strategy, "Bull Strategy");
    assert_eq!(candidate.regime.regime, Regime::Bull);
    assert!(candidate.fraction > 0.0 && candidate.fraction <= 0.10);
    assert_eq!(candidate.shadow_fraction, 0.0);
    let stations: BTreeSet<Station> = candidate.steps.iter().map(|s| s.station).collect();
    let wanted = [Station::Data, Station::Gate, Station::Regime, Station::Strategy, Station::Sizing, Station::Risk];
    assert_eq!(stations, wanted.into_iter().collect());
    assert_eq!(candidate.sizing.last().map(|s| s.fraction), Some(candidate.fraction));
}

#[test]
fn what_is_no_signal_is_no_candidate() {
    let flat = Prediction { confidence: Prob::new(0.56).unwrap(), ..prediction("BTC/USD", 0.004) };
    let reply = Cycle::new(0.004, vec![flat]).run(&mut manager(0.004));
    assert!(assessment(&reply).candidates.is_empty());
    assert_eq!(assessment(&reply).regimes.len(), 2);
}

#[test]
fn only_the_gate_lets_the_shadow_trade() {
    let candidate = Cycle::new(0.004, vec![doubtful("BTC/USD")]).only();
    assert_eq!(reasons(&candidate), [BlockReason::LowConfidence]);
    assert_eq!((candidate.fraction, candidate.shadow_fraction), (0.0, 0.02));
}

#[test]
fn a_zero_kelly_size_is_a_consequence_of_the_gate_and_no_second_block() {
    let mut p = doubtful("BTC/USD");
    p.evidence = crate::domain::reading::GateEvidence::default();
    let candidate = Cycle::new(0.004, vec![p.clone()]).only();
    assert_eq!(candidate.sizing.last().map(|s| s.fraction), Some(0.0));
    assert!(candidate.steps.iter().all(|s| s.station != Station::Sizing));
    assert!(candidate.trace(&[]).only_gate_blocks());
    assert_eq!(candidate.shadow_fraction, 0.02);

    let mut cycle = bull_cycle();
    cycle.frames[0].indicators.volume24 = Some(0.0);
    let open_gate = cycle.only();
    assert_eq!(reasons(&open_gate), [BlockReason::ZeroSize]);
    assert_eq!((open_gate.fraction, open_gate.shadow_fraction), (0.0, 0.0));
}

#[test]
fn a_second_block_keeps_the_shadow_out() {
    type Spoil = fn(&mut Cycle);
    let cases: [(BlockReason, Spoil); 9] = [
        (BlockReason::DataIncomplete, |c| c.frames[0].quality.complete = false),
        (BlockReason::DataIncomplete, |c| c.frames[0].quality.outlier = true),
        (BlockReason::DataIncomplete, |c| c.told = None),
        (BlockReason::DataIncomplete, |c| c.told.as_mut().unwrap()[0].2 += 0.01),
        (BlockReason::DataStale, |c| c.frames[0].quality.age_ms = 16 * 60_000),
        (BlockReason::StrategyRejected, |c| c.frames[0].indicators.adx14 = Some(12.0)),
        (BlockReason::AgentUnavailable, |c| c.technical = false),
        (BlockReason::SentimentRisk, |c| c.dispersion = Some(0.7)),
        (BlockReason::Halted, |c| c.request.halted = Some("by hand".to_owned())),
    ];
    for (i, (reason, spoil)) in cases.into_iter().enumerate() {
        let mut cycle = Cycle::new(0.004, vec![doubtful("BTC/USD")]);
        spoil(&mut cycle);
        let candidate = cycle.only();
        assert!(reasons(&candidate).contains(&reason), "case {i}: {:?}", reasons(&candidate));
        assert_eq!(candidate.shadow_fraction, 0.0, "case {i}");
        let mut sound = bull_cycle();
        spoil(&mut sound);
        let candidate = sound.only();
        assert_eq!(reasons(&candidate), [reason], "case {i}");
        assert_eq!(candidate.fraction, 0.0, "case {i}");
    }
}

#[test]
fn the_shadow_has_limits_of_its_own() {
    let mut cycle = Cycle::new(0.004, vec![doubtful("BTC/USD")]);
    cycle.request.shadow.day_pnl = Money(Decimal::from(-3_000));
    let candidate = cycle.only();
    assert_eq!(candidate.shadow_fraction, 0.0);
    assert!(candidate.trace(&[]).only_gate_blocks(), "the shadow's refusal is no block of the main path");
    let note = candidate.steps.last().unwrap().note.clone().unwrap();
    assert!(note.contains("shadow account refused: P&L today"), "{note}");
}

#[test]
fn the_shadow_holding_the_pair_does_not_touch_the_main_account() {
    let mut cycle = bull_cycle();
    hold(&mut cycle.request.shadow, "BTC/USD", 10, 160.0);
    assert!(cycle.only().fraction > 0.0);
    let mut cycle = Cycle::new(0.004, vec![doubtful("BTC/USD")]);
    hold(&mut cycle.request.shadow, "BTC/USD", 10, 160.0);
    assert_eq!(cycle.only().shadow_fraction, 0.0);
}

#[test]
fn a_missing_frame_or_technical_reading_of_another_bar_blocks() {
    let mut cycle = bull_cycle();
    cycle.frames.remove(0);
    let candidate = cycle.only();
    assert!(reasons(&candidate).contains(&BlockReason::DataIncomplete));
    assert_eq!(candidate.fraction, 0.0);
    let mut cycle = bull_cycle();
    cycle.request.technical[0].at = UtcMs((LAST - 1) * HOUR_MS);
    assert_eq!(reasons(&cycle.only()), [BlockReason::AgentUnavailable]);
    let mut cycle = bull_cycle();
    cycle.request.predictions[0].at = UtcMs((LAST - 1) * HOUR_MS);
    assert_eq!(reasons(&cycle.only()), [BlockReason::DataStale]);
}

#[test]
fn health_is_remembered_for_a_while_and_then_missed() {
    let mut cycle = bull_cycle();
    cycle.health = None;
    assert_eq!(reasons(&cycle.only()), [BlockReason::AgentUnavailable]);
    let mut cycle = bull_cycle();
    cycle.health = Some(0.2);
    assert_eq!(reasons(&cycle.only()), [BlockReason::AgentUnavailable]);
}

#[test]
fn an_entry_takes_no_more_than_what_is_free() {
    let mut cycle = bull_cycle();
    cycle.free = 0.004;
    let candidate = cycle.only();
    assert_eq!(candidate.fraction, 0.004);
    let mut cycle = bull_cycle();
    cycle.request.main.exposure = 0.595;
    assert!(cycle.only().fraction <= 0.005 + 1e-12);
}

#[test]
fn a_pair_is_entered_by_its_best_horizon_only() {
    let best = prediction("BTC/USD", 0.004);
    let mut other = prediction("BTC/USD", 0.004);
    other.horizon = Horizon::H1;
    other.plan.win = 0.02;
    let eth = prediction("ETH/USD", 0.004);
    let reply = Cycle::new(0.004, vec![other, best, eth]).run(&mut manager(0.004));
    let candidates = &assessment(&reply).candidates;
    let fractions: Vec<bool> = candidates.iter().map(|c| c.fraction > 0.0).collect();
    assert_eq!(fractions, [false, true, true]);
    assert_eq!(reasons(&candidates[0]), [BlockReason::AlreadyInPosition]);

    let mut doubtful_too = doubtful("BTC/USD");
    doubtful_too.horizon = Horizon::H1;
    let reply = Cycle::new(0.004, vec![doubtful("BTC/USD"), doubtful_too]).run(&mut manager(0.004));
    let shadow: Vec<f64> = assessment(&reply).candidates.iter().map(|c| c.shadow_fraction).collect();
    assert_eq!(shadow, [0.0, 0.02], "of equals the shorter horizon");
}

#[test]
fn a_bear_blocks_entries_and_closes_positions_in_both_accounts() {
    let mut cycle = Cycle::new(-0.004, vec![prediction("BTC/USD", -0.004)]);
    for f in &mut cycle.frames {
        f.indicators = bear_indicators(price(LAST, -0.004));
    }
    // Whatever is wrong with entries, exits go on.
    cycle.request.halted = Some("by hand".to_owned());
    cycle.request.main.day_pnl = Money(Decimal::from(-50_000));
    cycle.health = Some(0.0);
    hold(&mut cycle.request.main, "BTC/USD", 10, 100.0);
    hold(&mut cycle.request.shadow, "ETH/USD", 10, 100.0);
    hold(&mut cycle.request.shadow, "SOL/USD", 10, 100.0);
    let reply = cycle.run(&mut manager(-0.004));
    let found = assessment(&reply);
    assert_eq!(found.candidates[0].strategy, "Bear Strategy");
    assert!(reasons(&found.candidates[0]).contains(&BlockReason::DefensiveRegime));
    let exits: Vec<_> = found.exits.iter().map(|e| (e.account, e.pair.as_str(), e.step.passed)).collect();
    assert_eq!(exits, [(AccountId::Main, "BTC/USD", true), (AccountId::Shadow, "ETH/USD", true)]);
    let barred = reply.messages.iter().find_map(|m| match m {
        Message::RiskToPredictor(pairs) => Some(pairs.clone()),
        _ => None,
    });
    assert_eq!(barred, Some(vec![pair("BTC/USD"), pair("ETH/USD")]));
}

#[test]
fn an_unconfirmed_bear_closes_nothing() {
    let mut cycle = Cycle::new(-0.004, vec![]);
    hold(&mut cycle.request.main, "BTC/USD", 10, 100.0);
    let reply = cycle.run(&mut manager(-0.004));
    assert!(assessment(&reply).regimes.iter().all(|(_, r)| r.regime == Regime::Bear));
    assert!(assessment(&reply).exits.is_empty());
}

#[test]
fn before_the_window_is_filled_no_regime_is_known() {
    let reply = bull_cycle().run(&mut RiskManager::new(&CoreSettings::default()));
    let candidate = &assessment(&reply).candidates[0];
    assert_eq!(candidate.trace(&[]).first_block().and_then(|s| s.reason), Some(BlockReason::RegimeUnknown));
    assert_eq!((candidate.strategy.as_str(), candidate.fraction), ("none", 0.0));
}

#[test]
fn what_was_read_is_named_and_six_neighbours_are_told() {
    let reply = bull_cycle().run(&mut manager(0.004));
    assert_eq!(
        reply.used,
        ["CollectorToRisk", "HealthToRisk", "OptimizerToRisk", "PredictorToRisk", "SentimentToRisk", "TechnicalToRisk"]
    );
    let told: Vec<_> = reply.messages.iter().map(Message::name).collect();
    assert_eq!(
        told,
        ["RiskToCollector", "RiskToSentiment", "RiskToTechnical", "RiskToPredictor", "RiskToOptimizer", "RiskToHealth"]
    );
}

#[test]
fn equal_inputs_give_equal_answers_and_another_question_is_refused() {
    let mut one = manager(0.004);
    let mut two = one.clone();
    assert_eq!(bull_cycle().run(&mut one), bull_cycle().run(&mut two));
    let mut wrong = ask(LAST, risk_request(), Vec::new());
    wrong.request = Request::DetectWhales;
    assert_eq!(one.handle(&wrong).map_err(|e| e.class), Err(ErrorClass::System));
    assert_eq!(account(AccountId::Main), risk_request().main);
}
