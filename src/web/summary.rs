//! What the page shows. Money and prices as decimal strings; what is not known is null.

use serde::Serialize;

use crate::domain::account::AccountId;
use crate::domain::decision::{Decision, Verdict};
use crate::domain::snapshot::{AccountSummary, AgentView, Funnel, PairView, Snapshot};
use crate::domain::time::UtcMs;

/// Decisions and alerts that the page shows at most.
const RECENT: usize = 20;
/// Points of the equity line.
const POINTS: usize = 120;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Summary {
    version: u64,
    /// The orchestrator has stopped: this is its last picture.
    gone: bool,
    mode: &'static str,
    state: &'static str,
    note: Option<String>,
    progress: Option<(String, u64, u64)>,
    source: Source,
    speed: Option<String>,
    session: u32,
    cycle: u64,
    /// Data time, and wall-clock time of the picture.
    at: Option<String>,
    wall: Option<String>,
    gate: f64,
    /// Null before the first grading.
    health: Option<f64>,
    main: Option<Account>,
    shadow: Option<Account>,
    pairs: Vec<PairRow>,
    agents: Vec<Agent>,
    funnel: Stages,
    funnel_today: Stages,
    decisions: Vec<DecisionRow>,
    alerts: Vec<AlertRow>,
    lost: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Source {
    kind: String,
    label: String,
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Account {
    shadow: bool,
    equity: String,
    initial_cash: String,
    cash: String,
    realised: String,
    unrealised: String,
    day_pnl: String,
    fees: String,
    drawdown: f64,
    exposure: f64,
    trades_closed: u64,
    trades_won: u64,
    open_orders: usize,
    positions: Vec<Position>,
    /// For the drawing only: the figures above are exact.
    curve: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Position {
    pair: String,
    qty: String,
    entry: String,
    mark: Option<String>,
    value: Option<String>,
    stop: String,
    target: String,
    decision: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct PairRow {
    pair: String,
    last: Option<String>,
    change_24h: Option<f64>,
    regime: Option<&'static str>,
    /// Highest confidence among the predictions.
    confidence: Option<f64>,
    stale: bool,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Agent {
    name: &'static str,
    state: &'static str,
    pending: Option<String>,
    breaker: String,
    errors: u64,
    p95_ms: Option<f64>,
    last_output: String,
    last_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Stages {
    signals: u64,
    gate: u64,
    regime: u64,
    sizing: u64,
    risk: u64,
    passed: u64,
    shadow: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct DecisionRow {
    id: String,
    at: String,
    pair: String,
    side: &'static str,
    horizon: String,
    confidence: f64,
    passed: bool,
    reason: Option<&'static str>,
    /// The decision, or its order, is the shadow account's.
    shadow: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct AlertRow {
    at: Option<String>,
    severity: String,
    text: String,
}

fn known(at: UtcMs) -> Option<String> {
    (at != UtcMs::default()).then(|| at.to_string())
}

impl Summary {
    pub(super) fn of(s: &Snapshot, gone: bool) -> Self {
        let alert = |a: &crate::domain::alert::Alert| AlertRow {
            at: known(a.at),
            severity: format!("{:?}", a.severity).to_lowercase(),
            text: a.text.clone(),
        };
        let alerts: Vec<_> = s.open_alerts().collect();
        Self {
            version: s.version,
            gone,
            mode: s.mode.as_str(),
            state: s.state.as_str(),
            note: s.note.clone(),
            progress: s.progress.as_ref().map(|p| (p.label.clone(), p.done, p.total)),
            source: Source {
                kind: s.source.kind.clone(),
                label: s.source.label.clone(),
                reason: s.source.reason.clone(),
            },
            speed: s.speed.map(|x| x.to_string()),
            session: s.session,
            cycle: s.cycle,
            at: known(s.at),
            wall: known(s.wall),
            gate: s.gate,
            health: (!s.components.is_empty()).then_some(s.health_score),
            main: s.main.as_ref().map(Account::of),
            shadow: s.shadow.as_ref().map(Account::of),
            pairs: s.pairs.iter().map(PairRow::of).collect(),
            agents: s.agents.iter().map(Agent::of).collect(),
            funnel: Stages::of(&s.funnel),
            funnel_today: Stages::of(&s.funnel_today),
            decisions: s.decisions.iter().rev().take(RECENT).map(|d| DecisionRow::of(d)).collect(),
            alerts: alerts.into_iter().rev().take(RECENT).map(alert).collect(),
            lost: s.lost,
        }
    }
}

impl Account {
    fn of(a: &AccountSummary) -> Self {
        let position = |p: &crate::domain::account::Position| Position {
            pair: p.pair.to_string(),
            qty: p.qty.to_string(),
            entry: p.entry.readable().to_string(),
            mark: a.marks.get(&p.pair).map(ToString::to_string),
            value: a.marks.get(&p.pair).map(|m| m.times(p.qty).to_string()),
            stop: p.plan.stop.to_string(),
            target: p.plan.target.to_string(),
            decision: p.decision.to_string(),
        };
        Self {
            shadow: a.id == AccountId::Shadow,
            equity: a.equity.to_string(),
            initial_cash: a.state.initial_cash.to_string(),
            cash: a.state.cash.to_string(),
            realised: a.state.realised.to_string(),
            unrealised: a.unrealised.to_string(),
            day_pnl: a.day_pnl.to_string(),
            fees: a.state.fees.to_string(),
            drawdown: a.drawdown,
            exposure: a.exposure,
            trades_closed: a.state.trades_closed,
            trades_won: a.state.trades_won,
            open_orders: a.state.orders.len(),
            positions: a.state.positions.values().map(position).collect(),
            curve: thinned(&a.equity_curve.iter().map(|(_, m)| m.to_f64()).collect::<Vec<_>>()),
        }
    }
}

/// At most [`POINTS`] values, evenly spaced, the newest always among them.
fn thinned(values: &[f64]) -> Vec<f64> {
    let step = values.len().div_ceil(POINTS).max(1);
    let mut kept: Vec<f64> = values.iter().rev().step_by(step).copied().collect();
    kept.reverse();
    kept
}

impl PairRow {
    fn of(v: &PairView) -> Self {
        Self {
            pair: v.pair.to_string(),
            last: v.last.map(|p| p.to_string()),
            change_24h: v.change_24h,
            regime: v.regime.as_ref().and_then(|r| r.z.map(|_| r.regime.as_str())),
            confidence: v.predictions.iter().map(|p| p.confidence.get()).max_by(f64::total_cmp),
            stale: v.stale,
            note: v.data_note.clone(),
        }
    }
}

impl Agent {
    fn of(v: &AgentView) -> Self {
        Self {
            name: v.kind.as_str(),
            state: v.state.as_str(),
            pending: v.pending.clone(),
            breaker: v.breaker.clone(),
            errors: v.errors,
            p95_ms: v.p95_ms,
            last_output: v.last_output.clone(),
            last_error: v.last_error.clone(),
        }
    }
}

impl Stages {
    const fn of(f: &Funnel) -> Self {
        Self {
            signals: f.signals,
            gate: f.gate,
            regime: f.regime,
            sizing: f.sizing,
            risk: f.risk,
            passed: f.passed,
            shadow: f.shadow,
        }
    }
}

impl DecisionRow {
    fn of(d: &Decision) -> Self {
        let reason = match d.verdict {
            Verdict::Pass { .. } => None,
            Verdict::Block { reason } => Some(reason.as_str()),
        };
        Self {
            id: d.id.to_string(),
            at: d.at.to_string(),
            pair: d.pair.to_string(),
            side: d.side.as_str(),
            horizon: d.horizon.to_string(),
            confidence: d.confidence,
            passed: reason.is_none(),
            reason,
            shadow: d.account == AccountId::Shadow || d.shadow_order.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_newest_point() {
        for n in [0_usize, 1, 2, 119, 120, 121, 720] {
            let values: Vec<f64> = (0..n).map(|i| i as f64).collect();
            let kept = thinned(&values);
            assert!(kept.len() <= POINTS && kept.is_sorted());
            assert_eq!(kept.last(), values.last());
        }
        assert_eq!(thinned(&[1.0, 2.0]), [1.0, 2.0]);
    }
}
