//! A plausible picture for tests and the frame benchmark: seven pairs, eight agents, passed and blocked decisions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::account::{AccountId, AccountState, Position};
use crate::domain::agent::{AgentKind, AgentState, Trigger};
use crate::domain::alert::{Alert, Severity};
use crate::domain::command::Speed;
use crate::domain::decision::{
    BlockReason, Decision, DecisionId, DecisionKind, DecisionTrace, SizingStep, Station, TraceStep, Verdict,
};
use crate::domain::error::ErrorClass;
use crate::domain::event::{ComponentHealth, GoNoGo, LimitUse};
use crate::domain::market::{Candle, RejectReason};
use crate::domain::money::{Money, Price, Prob, Qty};
use crate::domain::order::{Fill, Intent, Liquidity, Order, OrderId, OrderKind, OrderStatus, Outcome, Purpose, Side};
use crate::domain::pair::{Interval, Pair, Venue};
use crate::domain::plan::{Horizon, TradePlan};
use crate::domain::reading::{
    GateEvidence, NoPrediction, Prediction, Regime, RegimeReading, SentimentReading, TechnicalReading, WhaleReading,
};
use crate::domain::snapshot::{
    AccountSummary, AgentView, Funnel, ModelView, PairView, PipelineView, ServiceView, Snapshot, SourceView,
    SystemState, TransitionView,
};
use crate::domain::time::{HOUR_MS, UtcMs};
use crate::telemetry::ring::{LogLevel, LogRecord};

fn at(text: &str) -> UtcMs {
    UtcMs::parse(text).unwrap()
}

pub fn price(value: f64) -> Price {
    Price::from_f64(value).unwrap()
}

fn qty(value: f64) -> Qty {
    Qty::from_f64(value).unwrap()
}

fn money(value: f64) -> Money {
    Money(Money::from_f64(value).unwrap().0.round_dp(2))
}

pub fn pair(name: &str) -> Pair {
    name.parse().unwrap()
}

fn data_now() -> UtcMs {
    at("2024-07-17T14:00:00Z")
}

/// Wall clock of the picture.
pub fn wall() -> UtcMs {
    at("2026-01-15T14:05:09Z")
}

/// Hourly bars by a small linear congruential walk, ending at `last`.
fn bars(name: &str, last: f64, seed: u64, decimals: i32) -> Vec<Candle> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    let unit = 10_f64.powi(decimals);
    let tick = |v: f64| price((v * unit).round().max(1.0) / unit);
    let mut close = last;
    let mut out: Vec<Candle> = (0..240_i64)
        .map(|back| {
            let open = close * (1.0 + next() * 0.012);
            let (high, low) =
                (open.max(close) * (1.0 + next().abs() * 0.006), open.min(close) * (1.0 - next().abs() * 0.006));
            let candle = Candle {
                pair: pair(name),
                venue: Venue::Kraken,
                interval: Interval::H1,
                open_time: data_now().plus(-HOUR_MS * (back + 1)),
                open: tick(open),
                high: tick(high),
                low: tick(low),
                close: tick(close),
                volume: qty(((20.0 + 60.0 * next().abs()) * 100.0).round() / 100.0),
                trades: Some(410),
            };
            close = open;
            candle
        })
        .collect();
    out.reverse();
    out
}

pub fn plan(name: &str, horizon: Horizon, entry: f64) -> TradePlan {
    TradePlan {
        pair: pair(name),
        side: Side::Buy,
        horizon,
        entry: price(entry),
        stop: price(entry * 0.985),
        target: price(entry * 1.024),
        expires: data_now().plus(horizon.ms()),
        cost: 0.0062,
        win: 0.0178,
        loss: 0.0212,
    }
}

fn prediction(name: &str, horizon: Horizon, entry: f64, confidence: f64) -> Prediction {
    Prediction {
        pair: pair(name),
        at: data_now(),
        horizon,
        model: format!("{horizon}-20260115-1"),
        plan: plan(name, horizon, entry),
        raw: Prob::new(confidence * 0.97).unwrap(),
        confidence: Prob::new(confidence).unwrap(),
        base_rate: Prob::new(0.38).unwrap(),
        epistemic: 0.051,
        epistemic_limit: 0.11,
        aleatoric: (confidence * (1.0 - confidence)).sqrt(),
        expected_return: 0.0031,
        interval: (-0.0182, 0.0240),
        evidence: GateEvidence {
            n: 212,
            n_eff: 41.3,
            hit_rate: Some(0.81),
            hit_rate_lower: Some(0.72),
            mean_net: Some(0.004),
            mean_net_lower: Some(0.001),
        },
        ece: 0.021,
        ece_se: 0.004,
        inputs: vec!["candles".into()],
    }
}

struct Quote(&'static str, f64, u32, f64, f64, Regime);

const QUOTES: [Quote; 7] = [
    Quote("BTC/USD", 64_812.4, 1, 0.0124, 0.87, Regime::Bull),
    Quote("ETH/USD", 3_418.42, 2, 0.0066, 0.81, Regime::Bull),
    Quote("SOL/USD", 158.87, 2, 0.0402, 0.91, Regime::Bull),
    Quote("XRP/USD", 0.61024, 5, -0.0231, 0.62, Regime::Sideways),
    Quote("DOGE/USD", 0.123_891_4, 7, 0.067, 0.74, Regime::Sideways),
    Quote("LTC/USD", 71.31, 2, 0.0, 0.50, Regime::Bear),
    Quote("PEPE/USD", 0.000_011_81, 9, -0.0308, 0.55, Regime::Sideways),
];

fn pair_view(i: usize, q: &Quote) -> PairView {
    let Quote(name, last, decimals, change, confidence, regime) = q;
    let stale = *name == "LTC/USD";
    let blind = *name == "PEPE/USD";
    let predictions = if blind {
        Vec::new()
    } else {
        vec![
            prediction(name, Horizon::H1, *last, *confidence),
            prediction(name, Horizon::H24, *last, confidence - 0.16),
        ]
    };
    let none = NoPrediction { pair: pair(name), horizon: Horizon::H24, reason: "200 hours of bars are needed".into() };
    PairView {
        pair: pair(name),
        venue: Venue::Kraken,
        interval: Interval::M5,
        price_decimals: *decimals,
        last: Some(price(*last)),
        last_at: Some(data_now()),
        change_24h: if stale { None } else { Some(*change) },
        bars: Arc::new(bars(name, *last, 7 + i as u64, *decimals as i32)),
        regime: Some(RegimeReading { regime: *regime, z: (!blind).then_some(1.84), bars: 31, pending: None }),
        technical: Some(TechnicalReading {
            pair: pair(name),
            at: data_now(),
            score: Some(0.42),
            votes: vec![
                ("trend".into(), 0.8),
                ("momentum".into(), 0.35),
                ("reversion".into(), -0.2),
                ("volume".into(), 0.73),
            ],
            tempered: Some(0.36),
            note: None,
        }),
        sentiment: Some(SentimentReading {
            pair: pair(name),
            at: data_now(),
            score: None,
            n_eff: 0.0,
            dispersion: None,
            texts: 0,
            engine: "none".into(),
            note: Some("no recorded news".into()),
        }),
        whale: Some(WhaleReading {
            pair: pair(name),
            at: data_now(),
            volume_z: Some(6.4),
            trade_size_z: None,
            impact: Some(0.0041),
            alert: i == 2,
            basis: "candle volume".into(),
            note: None,
        }),
        predictions,
        no_predictions: if blind { vec![none] } else { Vec::new() },
        complete: !blind,
        data_note: blind.then(|| "52 of 200 hours".to_owned()),
        stale,
    }
}

fn agent(kind: AgentKind) -> AgentView {
    let i = kind.index() as u64;
    let state = match kind {
        AgentKind::Sentiment => AgentState::Processing,
        AgentKind::WhaleDetector => AgentState::Paused,
        AgentKind::PortfolioOptimizer => AgentState::Error,
        _ => AgentState::Running,
    };
    let since = wall().plus(-90_000);
    let failed = state == AgentState::Error;
    let step = |from, trigger, to| TransitionView { at: since, from, trigger, to };
    AgentView {
        kind,
        state,
        since,
        pending: (kind == AgentKind::RiskManager).then(|| "pausing".to_owned()),
        mailbox: (i % 3) as u32,
        mailbox_capacity: 64,
        dropped: 0,
        processed: 1_204 + i,
        errors: u64::from(failed) * 3,
        retries: u64::from(failed),
        timeouts: 0,
        restarts: 0,
        breaker: if failed { "half-open".into() } else { "closed".into() },
        last_run: Some(wall().plus(-800)),
        p50_ms: Some(2.4 + i as f64),
        p95_ms: (state != AgentState::Paused).then_some(7.5 + 31.0 * i as f64),
        busy: 0.03 * i as f64,
        last_input: "frames of 7 pairs at 2024-07-17 14:00".into(),
        last_output: format!("{} readings", 7 - i % 2),
        last_error: failed
            .then(|| "the covariance of 7 pairs is not positive definite; shares stay as they were".to_owned()),
        transitions: vec![
            step(AgentState::Initialized, Trigger::Start, AgentState::Starting),
            step(AgentState::Starting, Trigger::SuccessfulStartup, AgentState::Running),
            step(AgentState::Running, Trigger::NewData, AgentState::Processing),
        ],
    }
}

fn steps(confidence: f64, block: Option<BlockReason>) -> Vec<TraceStep> {
    let mut out = vec![
        TraceStep::new(Station::Data, "frame complete", Some(1.0), "= 1", true, BlockReason::DataIncomplete),
        TraceStep::new(
            Station::Gate,
            "confidence",
            Some(confidence),
            "> 0.80",
            confidence > 0.80,
            BlockReason::LowConfidence,
        ),
        TraceStep::new(Station::Gate, "lower hit rate", Some(0.72), "≥ 0.70", true, BlockReason::InsufficientEvidence)
            .with_note("n_eff 41.3 of 212 past candidates"),
    ];
    if block == Some(BlockReason::LowConfidence) {
        return out;
    }
    let bear = block == Some(BlockReason::StrategyRejected);
    out.push(TraceStep::new(Station::Regime, "z", Some(1.84), "≥ 1.0", true, BlockReason::RegimeUnknown));
    out.push(TraceStep::new(Station::Strategy, "ADX14", Some(18.2), "≥ 20", !bear, BlockReason::StrategyRejected));
    if bear {
        return out;
    }
    out.push(TraceStep::new(Station::Sizing, "share", Some(0.018), "> 0", true, BlockReason::ZeroSize));
    let over = block == Some(BlockReason::ExposureLimit);
    out.push(TraceStep::new(
        Station::Risk,
        "gross exposure",
        Some(if over { 0.62 } else { 0.38 }),
        "≤ 60 % of equity",
        !over,
        BlockReason::ExposureLimit,
    ));
    if !over {
        out.push(TraceStep::new(Station::Portfolio, "share", Some(0.018), "> 0", true, BlockReason::NoAllocation));
        out.push(TraceStep::new(
            Station::Execution,
            "cost",
            Some(1_920.0),
            "≥ 5",
            true,
            BlockReason::BelowMinimumOrder,
        ));
    }
    out
}

fn decision(number: u64, quote: &Quote, minutes: i64, block: Option<BlockReason>) -> Arc<Decision> {
    let Quote(name, last, _, _, confidence, regime) = quote;
    let steps = steps(*confidence, block);
    let passed = block.is_none();
    let sizing = |name: &str, fraction, note: &str| SizingStep { name: name.into(), fraction, note: note.into() };
    let fraction = if passed { 0.018 } else { 0.0 };
    Arc::new(Decision {
        id: DecisionId { session: 1, number },
        kind: DecisionKind::Entry,
        cycle: 312,
        at: data_now().plus(-minutes * 60_000),
        pair: pair(name),
        side: Side::Buy,
        horizon: Horizon::H1,
        plan: plan(name, Horizon::H1, *last),
        confidence: *confidence,
        epistemic: 0.051,
        base_rate: 0.38,
        regime: *regime,
        strategy: "momentum".into(),
        technical: Some(0.42),
        sentiment: None,
        whale: Some(0.1),
        model: "1h-20260115-1".into(),
        fraction,
        verdict: match block {
            None => Verdict::Pass { order: OrderId(number + 40), qty: qty(0.0285) },
            Some(reason) => Verdict::Block { reason },
        },
        shadow_order: (block == Some(BlockReason::LowConfidence)).then(|| (OrderId(number + 90), qty(12.5))),
        account: AccountId::Main,
        trace: DecisionTrace {
            steps,
            sizing: if passed || block == Some(BlockReason::ExposureLimit) {
                vec![
                    sizing("full Kelly", 0.074, "p .87, payoff 0.84"),
                    sizing("half Kelly (bull)", 0.037, "× 0.50"),
                    sizing("uncertainty", 0.024, "× 0.65"),
                    sizing("volatility target", 0.018, "σ 27 % a year"),
                ]
            } else {
                Vec::new()
            },
            degraded: if number == 5 { vec!["whale-detector paused: last reading used".into()] } else { Vec::new() },
        },
    })
}

fn decisions() -> Vec<Arc<Decision>> {
    let [btc, eth, sol, xrp, doge, ltc, pepe] = &QUOTES;
    let low = Some(BlockReason::LowConfidence);
    vec![
        decision(1, pepe, 600, low),
        decision(2, ltc, 540, low),
        decision(3, xrp, 480, low),
        decision(4, doge, 300, low),
        decision(5, eth, 240, Some(BlockReason::ExposureLimit)),
        decision(6, sol, 180, Some(BlockReason::StrategyRejected)),
        decision(7, xrp, 120, low),
        decision(8, doge, 60, low),
        decision(9, btc, 0, None),
        decision(10, sol, 0, None),
    ]
}

fn intent(order: u64, name: &str, side: Side, kind: OrderKind, amount: f64, purpose: Purpose) -> Intent {
    Intent {
        order: OrderId(order),
        decision: DecisionId { session: 1, number: 9 },
        account: AccountId::Main,
        at: data_now(),
        pair: pair(name),
        side,
        kind,
        qty: qty(amount),
        purpose,
        group: Some(1),
    }
}

fn order(intent: Intent, status: OrderStatus) -> Order {
    let filled = if status == OrderStatus::Filled { intent.qty } else { Qty::ZERO };
    let note = (status == OrderStatus::Canceled).then(|| "the target of its group was filled".to_owned());
    Order { live_from: intent.at.plus(150), updated: intent.at, filled, status, note, intent }
}

fn position(name: &str, amount: f64, entry: f64) -> Position {
    Position {
        pair: pair(name),
        qty: qty(amount),
        entry: price(entry),
        entry_fees: money(4.12),
        opened: data_now().plus(-HOUR_MS),
        decision: DecisionId { session: 1, number: 9 },
        horizon: Horizon::H1,
        plan: plan(name, Horizon::H1, entry),
        confidence: 0.87,
        group: 1,
        closed: crate::domain::ClosedPart::default(),
    }
}

fn fill(id: u64, name: &str, side: Side, at_price: f64, reference: f64, purpose: Purpose) -> Fill {
    Fill {
        id,
        order: OrderId(40 + id),
        decision: DecisionId { session: 1, number: 9 },
        account: AccountId::Main,
        at: data_now().plus(-(id as i64) * 900_000),
        pair: pair(name),
        side,
        price: price(at_price),
        qty: qty(0.0285),
        fee: money(4.61),
        fee_rate: "0.0026".parse().unwrap(),
        liquidity: Liquidity::Taker,
        purpose,
        reference: price(reference),
    }
}

fn outcome(number: u64, name: &str, pnl: f64, by: Purpose) -> Outcome {
    Outcome {
        decision: DecisionId { session: 1, number },
        account: AccountId::Main,
        pair: pair(name),
        horizon: Horizon::H1,
        opened: data_now().plus(-HOUR_MS * 4),
        closed: data_now().plus(-HOUR_MS * number as i64),
        entry: price(64_000.0),
        exit: price(64_500.0),
        qty: qty(0.0285),
        fees: money(9.2),
        pnl: money(pnl),
        net_return: pnl / 1_824.0,
        ended_by: by,
        confidence: 0.84,
    }
}

fn account(id: AccountId, initial: f64, equity: f64) -> AccountSummary {
    let main = id == AccountId::Main;
    let mut positions = BTreeMap::new();
    let mut orders = Vec::new();
    if main {
        positions.insert(pair("BTC/USD"), position("BTC/USD", 0.0285, 64_500.0));
        positions.insert(pair("SOL/USD"), position("SOL/USD", 41.0, 160.2));
        let target = OrderKind::Limit { price: price(66_368.0) };
        orders.push(order(intent(50, "BTC/USD", Side::Sell, target, 0.0285, Purpose::Target), OrderStatus::Open));
        let stop = OrderKind::StopLoss { trigger: price(63_840.1) };
        orders.push(order(intent(51, "BTC/USD", Side::Sell, stop, 0.0285, Purpose::Stop), OrderStatus::Open));
    }
    let curve = |i: i64| {
        let wave = (i as f64 / 9.0).sin() * 380.0 + (i as f64 / 31.0).cos() * 240.0;
        (data_now().plus(-HOUR_MS * (239 - i)), money(initial + (equity - initial) * i as f64 / 239.0 + wave))
    };
    AccountSummary {
        id,
        marks: QUOTES.iter().map(|q| (pair(q.0), price(q.1))).collect(),
        equity: money(equity),
        unrealised: money(if main { -58.31 } else { 12.4 }),
        day_pnl: money(if main { 612.18 } else { -204.5 }),
        drawdown: 0.018,
        exposure: if main { 0.38 } else { 0.08 },
        equity_curve: Arc::new((0..240).map(curve).collect()),
        recent_orders: Arc::new(vec![
            order(intent(41, "ETH/USD", Side::Buy, OrderKind::Market, 1.607, Purpose::Entry), OrderStatus::Filled),
            order(
                intent(
                    42,
                    "ETH/USD",
                    Side::Sell,
                    OrderKind::StopLoss { trigger: price(3_361.0) },
                    1.607,
                    Purpose::Stop,
                ),
                OrderStatus::Canceled,
            ),
        ]),
        recent_fills: Arc::new(vec![
            fill(3, "ETH/USD", Side::Buy, 3_401.22, 3_400.0, Purpose::Entry),
            fill(2, "ETH/USD", Side::Sell, 3_468.9, 3_469.0, Purpose::Target),
            fill(1, "BTC/USD", Side::Buy, 64_512.3, 64_500.0, Purpose::Entry),
        ]),
        recent_outcomes: Arc::new(vec![
            outcome(7, "SOL/USD", -38.4, Purpose::Stop),
            outcome(3, "ETH/USD", 102.77, Purpose::Target),
        ]),
        state: AccountState {
            id,
            initial_cash: money(initial),
            cash: money(equity * 0.62),
            positions,
            orders,
            realised: money(if main { 4_276.71 } else { -1_300.0 }),
            fees: money(218.42),
            fills: 19,
            orders_total: 44,
            trades_closed: 9,
            trades_won: 6,
            consecutive_losses: 1,
            last_loss: Some(data_now().plus(-HOUR_MS * 7)),
            peak_equity: money(equity * 1.018),
            max_drawdown: 0.031,
            day: data_now().day(),
            day_start_equity: money(equity - if main { 612.18 } else { -204.5 }),
            week_equity: Vec::new(),
            next_fill: 20,
        },
    }
}

fn funnel(passed: u64) -> Funnel {
    Funnel {
        signals: 214,
        gate: 31,
        regime: 22,
        sizing: 20,
        risk: 17,
        passed,
        shadow: 160,
        blocked: BTreeMap::from([
            (BlockReason::LowConfidence, 183),
            (BlockReason::StrategyRejected, 9),
            (BlockReason::ExposureLimit, 3),
            (BlockReason::NoAllocation, 2),
        ]),
    }
}

fn model(horizon: Horizon, brier: f64) -> ModelView {
    ModelView {
        horizon,
        version: format!("{horizon}-20260115-1"),
        trained_at: at("2026-01-15T14:01:40Z"),
        trained_from: at("2017-01-01T00:00:00Z"),
        trained_to: at("2024-07-01T00:00:00Z"),
        rows: 61_344,
        n_eff: 20_448.0,
        folds: 6,
        base_rate: 0.38,
        brier,
        log_loss: 0.642,
        auc: 0.561,
        ece: 0.021,
        calibration: "isotonic".into(),
        reliability: vec![
            (0.24, 0.25, 10_224),
            (0.31, 0.30, 10_224),
            (0.36, 0.37, 10_224),
            (0.41, 0.40, 10_224),
            (0.47, 0.48, 10_224),
            (0.58, 0.44, 10_224),
        ],
    }
}

fn alerts() -> Vec<Alert> {
    let alert = |id, minutes: i64, severity, source: &str, text: &str, acknowledged| Alert {
        id,
        at: data_now().plus(-minutes * 60_000),
        severity,
        class: Some(ErrorClass::Model),
        source: source.into(),
        text: text.into(),
        acknowledged,
    };
    vec![
        alert(1, 300, Severity::Info, "health-monitor", "9 decisions have matured; 30 are needed for a verdict", true),
        alert(
            2,
            90,
            Severity::Warning,
            "portfolio-optimizer",
            "the covariance is not positive definite: shares stay as they were; R restarts the agent",
            false,
        ),
        alert(
            3,
            3,
            Severity::Critical,
            "pipeline",
            "LTC/USD has had no bar for 3 intervals: its data are stale and nothing is entered",
            false,
        ),
    ]
}

/// A session in full swing.
pub fn running() -> Snapshot {
    let limit = |name: &str, value, limit| LimitUse { name: name.into(), value, limit, tripped: false };
    let gate = |name: &str, go, value: &str, threshold: &str| GoNoGo {
        name: name.into(),
        go,
        value: value.into(),
        threshold: threshold.into(),
    };
    let part = |name: &str, score, note: &str| ComponentHealth { name: name.into(), score, note: note.into() };
    let service = |name: &str, address: &str, up, note: &str| ServiceView {
        name: name.into(),
        address: address.into(),
        up,
        note: note.into(),
    };
    Snapshot {
        version: 4_711,
        at: data_now(),
        wall: wall().plus(-240),
        started: wall().plus(-3 * HOUR_MS),
        session: 1,
        state: SystemState::Running,
        source: SourceView {
            kind: "replay".into(),
            label: "kraken recording 2024-07-01 … 2024-10-31".into(),
            reason: "auto: Kraken could not be reached".into(),
            first: at("2024-07-01T00:00:00Z"),
            last: at("2024-10-31T23:55:00Z"),
            trading_from: at("2024-07-10T00:00:00Z"),
        },
        speed: Some(Speed::Times(300.0)),
        gate: 0.80,
        cycle: 312,
        fingerprint: "9f3ac1d2e4b5a697887766554433221100ffeeddccbbaa998877665544332211".into(),
        pairs: QUOTES.iter().enumerate().map(|(i, q)| pair_view(i, q)).collect(),
        agents: AgentKind::ALL.map(agent).to_vec(),
        decisions: Arc::new(decisions()),
        funnel: funnel(17),
        funnel_today: Funnel { signals: 21, gate: 4, regime: 3, sizing: 3, risk: 2, passed: 2, ..funnel(2) },
        main: Some(account(AccountId::Main, 100_000.0, 104_218.40)),
        shadow: Some(account(AccountId::Shadow, 100_000.0, 98_712.4)),
        limits: vec![
            limit("exposure", 0.38, 0.60),
            limit("daily loss", 0.0, 0.02),
            limit("weekly loss", 0.042, 0.05),
            limit("drawdown", 0.018, 0.15),
            limit("losses", 1.0, 5.0),
            limit("orders/min", 2.0, 10.0),
        ],
        gates: vec![
            gate("data complete", true, "0.98", "≥ 0.95"),
            gate("Brier", false, "unknown", "≤ 0.20 on 30 or more"),
            gate("agents up", true, "7/8", "≥ 7"),
        ],
        health_score: 0.92,
        components: vec![
            part("data", 0.98, "6 of 7 pairs complete"),
            part("agents", 0.85, "optimizer in Error"),
            part("models", 0.4, "9 matured"),
        ],
        matured: 9,
        models: vec![model(Horizon::H1, 0.231), model(Horizon::H24, 0.238)],
        pipeline: PipelineView {
            ingested: 61_204,
            accepted: 61_201,
            rejected: BTreeMap::from([(RejectReason::DuplicateTime, 3)]),
            holes: 1,
            frames: 2_184,
            frames_complete: 2_101,
        },
        alerts: alerts(),
        services: vec![
            service("api", "127.0.0.1:8001", true, "19 requests"),
            service("metrics", "127.0.0.1:8000", false, "the port is taken"),
        ],
        cells: BTreeMap::from([
            ("CollectorToTechnical".to_owned(), (312, 312)),
            ("RiskToOptimizer".to_owned(), (312, 311)),
        ]),
        memory: Some(412_000_000),
        cpu: Some(0.21),
        ..Snapshot::default()
    }
}

/// The same session after a halt.
pub fn halted() -> Snapshot {
    Snapshot { state: SystemState::Halted, note: Some("asked for by a person: stop new entries".into()), ..running() }
}

/// Models are being trained; nothing else exists yet.
pub fn training() -> Snapshot {
    Snapshot {
        version: 3,
        wall: wall().plus(-400),
        started: wall().plus(-20_000),
        state: SystemState::Training,
        progress: Some(crate::domain::snapshot::Progress { label: "Training the 1h model".into(), done: 3, total: 12 }),
        gate: 0.80,
        source: running().source,
        speed: Some(Speed::Times(300.0)),
        ..Snapshot::default()
    }
}

/// The recording has ended and the gate let nothing through.
pub fn ended_without_trades() -> Snapshot {
    let mut s = running();
    let blocked: Vec<Arc<Decision>> = s
        .decisions
        .iter()
        .map(|d| {
            let mut d = d.as_ref().clone();
            d.confidence *= 0.5;
            d.verdict = Verdict::Block { reason: BlockReason::LowConfidence };
            d.trace.steps = steps(d.confidence, Some(BlockReason::LowConfidence));
            d.fraction = 0.0;
            Arc::new(d)
        })
        .collect();
    s.decisions = Arc::new(blocked);
    s.funnel = Funnel {
        signals: 1_204,
        shadow: 1_150,
        blocked: BTreeMap::from([(BlockReason::LowConfidence, 1_204)]),
        ..Funnel::default()
    };
    s.funnel_today =
        Funnel { signals: 21, blocked: BTreeMap::from([(BlockReason::LowConfidence, 21)]), ..Funnel::default() };
    s.state = SystemState::Ended;
    s.main = s.main.map(|mut a| {
        a.state.positions.clear();
        a.state.orders.clear();
        a
    });
    s
}

/// Log records of the session.
pub fn logs() -> Vec<Arc<LogRecord>> {
    let record = |sequence: u64, level, target: &str, message: &str, cycle| {
        Arc::new(LogRecord {
            sequence,
            at: wall().plus(sequence as i64 * 1_000 - 9_000),
            level,
            target: target.into(),
            message: message.into(),
            cycle,
            fields: vec![("pairs".into(), "7".into())],
        })
    };
    vec![
        record(1, LogLevel::Info, "orchestrator", "session started", None),
        record(2, LogLevel::Debug, "agents", "technical answered in 18 ms", Some(311)),
        record(3, LogLevel::Info, "decision", "10 decisions, 2 passed", Some(312)),
        record(4, LogLevel::Warn, "agents", "whale-detector is paused: its last reading is used", Some(312)),
        record(
            5,
            LogLevel::Error,
            "agents",
            "portfolio-optimizer failed: the covariance is not positive definite",
            Some(312),
        ),
    ]
}
