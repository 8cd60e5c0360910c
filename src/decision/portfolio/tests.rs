use std::sync::Arc;

use super::*;
use crate::decision::specimens::{account, frame, hold, pair, prediction};
use crate::domain::decision::BlockReason;
use crate::domain::event::{AllocationShare, Candidate};
use crate::domain::reading::RegimeReading;
use crate::domain::time::HOUR_MS;

const LAST: i64 = 200;

/// Deterministic returns: BTC calm, ETH livelier and moving with it, SOL wild and on its own.
fn price(name: &str, n: i64) -> f64 {
    let x = n as f64;
    let common = (x * 0.9).sin();
    let log = match name {
        "BTC/USD" => 0.004 * common,
        "ETH/USD" => 0.008 * common + 0.001 * (x * 2.3).cos(),
        _ => 0.03 * (x * 1.7 + 1.0).sin(),
    };
    100.0 * log.exp()
}

fn optimizer(method: AllocationMethod) -> Optimizer {
    let settings = PortfolioSettings { method, ..PortfolioSettings::default() };
    let mut optimizer = Optimizer::new(settings, RiskSettings::default());
    for n in 1..=LAST {
        let frames = ["BTC/USD", "ETH/USD", "SOL/USD"].map(|p| frame(p, n, price(p, n))).to_vec();
        let reply =
            run(&mut optimizer, n, request(Vec::new(), true), vec![Message::CollectorToOptimizer(Arc::new(frames))]);
        assert!(allocation(&reply).shares.is_empty());
    }
    optimizer
}

fn request(candidates: Vec<Candidate>, warmup: bool) -> PortfolioRequest {
    PortfolioRequest { warmup, candidates, main: account(AccountId::Main), shadow: account(AccountId::Shadow) }
}

fn run(optimizer: &mut Optimizer, n: i64, request: PortfolioRequest, inbox: Vec<Message>) -> Reply {
    let request = Request::OptimizePortfolio(Arc::new(request));
    let at = UtcMs(n * HOUR_MS);
    optimizer.handle(&Ask { cycle: n as u64, at, to: AgentKind::PortfolioOptimizer, request, inbox }).unwrap()
}

fn allocation(reply: &Reply) -> &Allocation {
    match &reply.finding {
        Finding::Allocation(allocation) => allocation,
        other => panic!("{other:?}"),
    }
}

fn candidate(name: &str, fraction: f64, shadow_fraction: f64) -> Candidate {
    Candidate {
        prediction: prediction(name, LAST, price(name, LAST)),
        regime: RegimeReading::default(),
        strategy: "Bull Strategy".to_owned(),
        steps: Vec::new(),
        sizing: Vec::new(),
        fraction,
        shadow_fraction,
    }
}

/// Messages of a sound cycle.
fn inbox(free: f64, expected: f64) -> Vec<Message> {
    let names = ["BTC/USD", "ETH/USD", "SOL/USD"];
    vec![
        Message::CollectorToOptimizer(Arc::new(Vec::new())),
        Message::SentimentToOptimizer(names.map(|n| (pair(n), 1.0)).to_vec()),
        Message::TechnicalToOptimizer(names.map(|n| (pair(n), 1.0)).to_vec()),
        Message::PredictorToOptimizer(names.map(|n| (pair(n), Horizon::H24, expected)).to_vec()),
        Message::RiskToOptimizer(Constraints { free_exposure: free, position_cap: 0.1, size_factor: 1.0 }),
        Message::HealthToOptimizer(0.9),
    ]
}

fn shares(candidates: Vec<Candidate>, messages: Vec<Message>) -> Vec<AllocationShare> {
    let reply = run(&mut optimizer(AllocationMethod::Hrp), LAST, request(candidates, false), messages);
    allocation(&reply).shares.clone()
}

fn fractions(shares: &[AllocationShare]) -> Vec<f64> {
    shares.iter().map(|s| s.fraction).collect()
}

#[test]
fn a_lone_candidate_gets_what_risk_sized() {
    let got = shares(vec![candidate("BTC/USD", 0.05, 0.0)], inbox(0.6, 0.01));
    assert_eq!(fractions(&got), [0.05]);
    assert!(got[0].steps.iter().all(|s| s.passed));
    assert_eq!(got[0].account, AccountId::Main);
}

#[test]
fn no_candidate_ever_gets_more_than_risk_sized_and_the_budget_holds() {
    let all = || ["BTC/USD", "ETH/USD", "SOL/USD"].map(|p| candidate(p, 0.08, 0.02)).to_vec();
    let got = shares(all(), inbox(0.10, 0.01));
    let main: Vec<_> = got.iter().filter(|s| s.account == AccountId::Main).collect();
    assert!(main.iter().all(|s| s.fraction <= 0.08));
    let sum: f64 = main.iter().map(|s| s.fraction).sum();
    assert!((sum - 0.10).abs() < 1e-12, "{sum}");
    assert!(main[0].fraction > main[2].fraction, "the calm pair gets more than the wild one");
    let shadow: Vec<_> = got.iter().filter(|s| s.account == AccountId::Shadow).map(|s| s.fraction).collect();
    assert_eq!(shadow, [0.02, 0.02, 0.02], "the shadow has its own budget");
}

#[test]
fn a_tilt_moves_the_weights_within_bounds_and_never_lifts_a_cap() {
    let with = |tilt: f64| {
        let mut messages = inbox(0.06, 0.01);
        messages[1] = Message::SentimentToOptimizer(vec![(pair("SOL/USD"), tilt)]);
        let pairs = ["BTC/USD", "SOL/USD"].map(|p| candidate(p, 0.10, 0.0)).to_vec();
        fractions(&shares(pairs, messages))
    };
    let (plain, tilted) = (with(1.0), with(1.1));
    assert!(tilted[1] > plain[1] && tilted[0] < plain[0]);
    assert_eq!(with(50.0), tilted, "a wild tilt counts as the bound");
    assert_eq!(with(f64::NAN), plain);
    let mut messages = inbox(0.6, 0.01);
    messages[1] = Message::SentimentToOptimizer(vec![(pair("BTC/USD"), 1.1)]);
    assert_eq!(fractions(&shares(vec![candidate("BTC/USD", 0.05, 0.0)], messages)), [0.05]);
}

#[test]
fn a_non_positive_expected_return_stops_the_main_account_only() {
    for expected in [0.0, -0.01, f64::NAN] {
        let got = shares(vec![candidate("BTC/USD", 0.05, 0.0), candidate("ETH/USD", 0.0, 0.02)], inbox(0.6, expected));
        assert_eq!(fractions(&got), [0.0, 0.02]);
        assert!(got[0].steps.iter().any(|s| s.reason == Some(BlockReason::NoAllocation)));
    }
    let mut messages = inbox(0.6, 0.01);
    messages.remove(3);
    assert_eq!(
        fractions(&shares(vec![candidate("BTC/USD", 0.05, 0.0)], messages)),
        [0.0],
        "nothing told, nothing given"
    );
}

#[test]
fn an_unwell_system_allocates_nothing() {
    for health in [Some(0.4), None] {
        let mut messages = inbox(0.6, 0.01);
        messages.pop();
        messages.extend(health.map(Message::HealthToOptimizer));
        let got = shares(vec![candidate("BTC/USD", 0.05, 0.0), candidate("ETH/USD", 0.0, 0.02)], messages);
        assert_eq!(fractions(&got), [0.0, 0.0]);
        assert!(got.iter().all(|s| s.steps.iter().any(|step| !step.passed)));
    }
}

#[test]
fn a_pair_without_volatility_gets_nothing() {
    let mut stranger = candidate("BTC/USD", 0.05, 0.0);
    stranger.prediction = prediction("ADA/USD", LAST, 1.0);
    let mut messages = inbox(0.6, 0.01);
    messages[3] = Message::PredictorToOptimizer(vec![(pair("ADA/USD"), Horizon::H24, 0.01)]);
    assert_eq!(fractions(&shares(vec![stranger], messages)), [0.0]);
}

#[test]
fn risk_can_close_the_budget() {
    let mut messages = inbox(0.6, 0.01);
    messages[4] = Message::RiskToOptimizer(Constraints { free_exposure: 0.6, position_cap: 0.1, size_factor: 0.0 });
    let got = shares(vec![candidate("BTC/USD", 0.05, 0.0)], messages);
    assert_eq!(fractions(&got), [0.0]);
    assert_eq!(got[0].steps.last().map(|s| (s.name.as_str(), s.passed)), Some(("allocated share", false)));
    let got = shares(vec![candidate("BTC/USD", 0.05, 0.0)], inbox(0.0, 0.01));
    assert_eq!(fractions(&got), [0.0]);
}

#[test]
fn both_methods_share_by_risk() {
    for method in [AllocationMethod::Hrp, AllocationMethod::InverseVariance] {
        let mut optimizer = optimizer(method);
        let all = ["BTC/USD", "SOL/USD"].map(|p| candidate(p, 0.10, 0.0)).to_vec();
        let reply = run(&mut optimizer, LAST, request(all, false), inbox(0.05, 0.01));
        let got = fractions(&allocation(&reply).shares);
        assert!(got[0] > got[1], "{method:?} {got:?}");
        assert_eq!(allocation(&reply).method, method_name(method));
    }
}

#[test]
fn neighbours_are_told_what_was_given_out_and_what_is_free() {
    let mut optimizer = optimizer(AllocationMethod::Hrp);
    let mut request = request(vec![candidate("BTC/USD", 0.05, 0.0)], false);
    hold(&mut request.main, "ETH/USD", 100, 100.0);
    hold(&mut request.shadow, "SOL/USD", 10, 100.0);
    let reply = run(&mut optimizer, LAST, request, inbox(0.6, 0.01));
    let told: Vec<_> = reply.messages.iter().map(Message::name).collect();
    assert_eq!(
        told,
        [
            "OptimizerToCollector",
            "OptimizerToSentiment",
            "OptimizerToTechnical",
            "OptimizerToPredictor",
            "OptimizerToRisk",
            "OptimizerToHealth"
        ]
    );
    assert_eq!(reply.used.len(), 6);
    assert_eq!(reply.messages[0], Message::OptimizerToCollector(["BTC/USD", "ETH/USD", "SOL/USD"].map(pair).to_vec()));
    assert_eq!(reply.messages[1], Message::OptimizerToSentiment(vec![(pair("BTC/USD"), 0.05), (pair("ETH/USD"), 0.1)]));
    let Message::OptimizerToRisk(free) = &reply.messages[4] else { panic!() };
    assert!((free.free_exposure - 0.45).abs() < 1e-12);
    let Message::OptimizerToPredictor(volatility) = &reply.messages[3] else { panic!() };
    assert_eq!(volatility.len(), 3);
    assert!(volatility.iter().all(|(_, v)| *v > 0.0 && v.is_finite()));
}

#[test]
fn equal_inputs_give_equal_answers_and_another_question_is_refused() {
    let mut one = optimizer(AllocationMethod::Hrp);
    let mut two = one.clone();
    let all = || ["BTC/USD", "ETH/USD", "SOL/USD"].map(|p| candidate(p, 0.08, 0.02)).to_vec();
    let first = run(&mut one, LAST, request(all(), false), inbox(0.1, 0.01));
    assert_eq!(first, run(&mut two, LAST, request(all(), false), inbox(0.1, 0.01)));
    let ask = Ask {
        cycle: 1,
        at: UtcMs(0),
        to: AgentKind::PortfolioOptimizer,
        request: Request::DetectWhales,
        inbox: Vec::new(),
    };
    assert_eq!(one.handle(&ask).map_err(|e| e.class), Err(ErrorClass::System));
}
