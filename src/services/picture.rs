//! A picture of a running session, as the orchestrator would publish it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::account::{AccountId, AccountState, Position};
use crate::domain::agent::{AgentKind, AgentState, Trigger};
use crate::domain::decision::{
    BlockReason, Decision, DecisionId, DecisionKind, DecisionTrace, Station, TraceStep, Verdict,
};
use crate::domain::event::ComponentHealth;
use crate::domain::money::{Money, Price, Qty};
use crate::domain::order::{OrderId, Side};
use crate::domain::pair::{Interval, Venue};
use crate::domain::plan::{Horizon, TradePlan};
use crate::domain::reading::Regime;
use crate::domain::snapshot::{AccountSummary, AgentView, PairView, Snapshot, SystemState, TransitionView};
use crate::domain::time::UtcMs;

const AT: UtcMs = UtcMs(1_721_218_400_000);

fn price(text: &str) -> Price {
    Price::new(text.parse().unwrap()).unwrap()
}

fn money(text: &str) -> Money {
    Money(text.parse().unwrap())
}

fn plan(pair: &str) -> TradePlan {
    TradePlan {
        pair: pair.parse().unwrap(),
        side: Side::Buy,
        horizon: Horizon::H24,
        entry: price("64000.10"),
        stop: price("63000"),
        target: price("66000"),
        expires: AT.plus(86_400_000),
        cost: 0.006,
        win: 0.025,
        loss: 0.02,
    }
}

fn decision(number: u64, pair: &str) -> Arc<Decision> {
    Arc::new(Decision {
        id: DecisionId { session: 1, number },
        kind: DecisionKind::Entry,
        cycle: number,
        at: AT,
        pair: pair.parse().unwrap(),
        side: Side::Buy,
        horizon: Horizon::H24,
        plan: plan(pair),
        confidence: 0.71,
        epistemic: 0.03,
        base_rate: 0.5,
        regime: Regime::Bull,
        strategy: "trend".into(),
        technical: Some(0.4),
        sentiment: None,
        whale: None,
        model: "24h-1".into(),
        fraction: 0.0,
        verdict: Verdict::Block { reason: BlockReason::LowConfidence },
        shadow_order: Some((OrderId(7), Qty::new("0.03125".parse().unwrap()).unwrap())),
        account: AccountId::Main,
        trace: DecisionTrace {
            steps: vec![TraceStep::new(
                Station::Gate,
                "confidence",
                Some(0.71),
                "> 0.80",
                false,
                BlockReason::LowConfidence,
            )],
            sizing: vec![],
            degraded: vec!["sentiment did not answer".into()],
            contributions: Vec::new(),
        },
    })
}

fn account(id: AccountId, equity: &str) -> AccountSummary {
    let pair: crate::domain::pair::Pair = "BTC/USD".parse().unwrap();
    let position = Position {
        pair: pair.clone(),
        qty: Qty::new("0.1".parse().unwrap()).unwrap(),
        entry: price("60000.10"),
        entry_fees: money("24"),
        opened: AT,
        decision: DecisionId { session: 1, number: 2 },
        horizon: Horizon::H24,
        plan: plan("BTC/USD"),
        confidence: 0.85,
        group: 1,
        closed: crate::domain::ClosedPart::default(),
    };
    let state = AccountState {
        id,
        initial_cash: money("100000"),
        cash: money("93999.99"),
        positions: BTreeMap::from([(pair.clone(), position)]),
        orders: vec![],
        realised: Money::ZERO,
        fees: money("24"),
        fills: 1,
        orders_total: 1,
        trades_closed: 0,
        trades_won: 0,
        consecutive_losses: 0,
        last_loss: None,
        peak_equity: money(equity),
        max_drawdown: 0.0,
        day: AT.day(),
        day_start_equity: money(equity),
        week_equity: vec![],
        next_fill: 2,
    };
    AccountSummary {
        id,
        state,
        marks: BTreeMap::from([(pair, price("61000.20"))]),
        equity: money(equity),
        unrealised: money("76.01"),
        day_pnl: money("-3.5"),
        drawdown: 0.01,
        exposure: 0.06,
        equity_curve: Arc::default(),
        recent_orders: Arc::default(),
        recent_fills: Arc::default(),
        recent_outcomes: Arc::default(),
    }
}

fn agent_view(kind: AgentKind) -> AgentView {
    let (from, to) = (AgentState::Starting, AgentState::Running);
    AgentView {
        kind,
        state: to,
        since: AT,
        pending: None,
        mailbox: 0,
        mailbox_capacity: 16,
        dropped: 0,
        processed: 5,
        errors: 0,
        retries: 0,
        timeouts: 0,
        restarts: 0,
        breaker: "closed".into(),
        last_run: None,
        p50_ms: Some(1.5),
        p95_ms: None,
        busy: 0.1,
        last_input: String::new(),
        last_output: String::new(),
        last_error: None,
        transitions: vec![TransitionView { at: AT, from, trigger: Trigger::SuccessfulStartup, to }],
    }
}

pub(super) fn full() -> Snapshot {
    let pair = |text: &str| PairView {
        pair: text.parse().unwrap(),
        venue: Venue::Kraken,
        interval: Interval::M5,
        price_decimals: 1,
        last: Some(price("61000.20")),
        last_at: Some(AT),
        change_24h: None,
        bars: Arc::default(),
        source_bars: Arc::default(),
        quiet_bars: 3,
        regime: None,
        technical: None,
        sentiment: None,
        whale: None,
        predictions: vec![],
        no_predictions: vec![],
        complete: true,
        data_note: None,
        stale: false,
    };
    Snapshot {
        version: 1,
        at: AT,
        state: SystemState::Running,
        cycle: 9,
        session: 1,
        gate: 0.8,
        health_score: 0.9,
        components: vec![ComponentHealth { name: "data".into(), score: 0.9, note: "fine".into() }],
        agents: AgentKind::ALL.map(agent_view).to_vec(),
        pairs: vec![pair("BTC/USD"), pair("ETH/USD")],
        decisions: Arc::new((1..=60).map(|n| decision(n, if n % 2 == 0 { "BTC/USD" } else { "ETH/USD" })).collect()),
        main: Some(account(AccountId::Main, "100076.01")),
        shadow: Some(account(AccountId::Shadow, "50000")),
        ..Snapshot::default()
    }
}
