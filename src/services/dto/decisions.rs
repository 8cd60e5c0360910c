//! Decisions, short and with their trace.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, SHADOW_NOTE, word};
use crate::domain::decision::{self, Verdict};
use crate::domain::pair::Pair;
use crate::domain::plan::TradePlan;
use crate::domain::snapshot::Snapshot;

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Decisions {
    context: Context,
    /// The confidence gate: a signal must be strictly above it.
    gate: f64,
    /// Newest first.
    decisions: Vec<Decision>,
    /// How many the snapshot holds that match, at most 500.
    matching: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Decision {
    #[schema(example = "D1-42")]
    id: String,
    /// `entry` or `exit`
    kind: String,
    cycle: u64,
    /// Data time.
    at: String,
    #[schema(example = "BTC/USD")]
    pair: String,
    side: String,
    #[schema(example = "24h")]
    horizon: String,
    /// Whose decision: `main` or `shadow`.
    account: String,
    /// Whether the decision is the shadow account's own.
    shadow: bool,
    /// `pass` or `block`
    verdict: String,
    /// Why it was blocked.
    reason: Option<String>,
    order: Option<String>,
    qty: Option<String>,
    confidence: f64,
    epistemic: f64,
    base_rate: f64,
    regime: String,
    strategy: String,
    technical: Option<f64>,
    sentiment: Option<f64>,
    whale: Option<f64>,
    model: String,
    /// Share of equity.
    fraction: f64,
    plan: Plan,
    /// What the shadow account did where only the gate blocked.
    shadow_order: Option<ShadowOrder>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct ShadowOrder {
    shadow: bool,
    note: String,
    order: String,
    qty: String,
}

/// The managed trade, exits fixed before it starts.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Plan {
    entry: String,
    stop: String,
    target: String,
    expires: String,
    /// Round-trip cost, net win and net loss as shares of the notional.
    cost: f64,
    win: f64,
    loss: f64,
    payoff: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct DecisionDetail {
    #[serde(flatten)]
    decision: Decision,
    trace: Trace,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Trace {
    steps: Vec<Step>,
    sizing: Vec<SizingStep>,
    /// Agents that did not answer, and what stood in for them.
    degraded: Vec<String>,
    /// What moved the prediction away from that of an average row, largest first.
    contributions: Vec<Contribution>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Contribution {
    #[schema(example = "rsi14")]
    feature: String,
    value: f64,
    /// Log odds that it adds.
    log_odds: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Step {
    station: String,
    name: String,
    value: Option<f64>,
    rule: String,
    passed: bool,
    reason: Option<String>,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct SizingStep {
    name: String,
    /// Share of equity after this step.
    fraction: f64,
    note: String,
}

impl Decisions {
    pub(in crate::services) fn of(s: &Snapshot, pair: Option<&Pair>, limit: usize) -> Self {
        let matching = || s.decisions.iter().rev().filter(|d| pair.is_none_or(|p| d.pair == *p));
        Self {
            context: Context::of(s),
            gate: s.gate,
            decisions: matching().take(limit).map(|d| Decision::of(d)).collect(),
            matching: matching().count(),
        }
    }
}

impl Decision {
    fn of(d: &decision::Decision) -> Self {
        let (order, qty, reason) = match &d.verdict {
            Verdict::Pass { order, qty } => (Some(order.to_string()), Some(qty.to_string()), None),
            Verdict::Block { reason } => (None, None, Some(reason.as_str().to_owned())),
        };
        let shadow_order = d.shadow_order.as_ref().map(|(order, qty)| ShadowOrder {
            shadow: true,
            note: SHADOW_NOTE.to_owned(),
            order: order.to_string(),
            qty: qty.to_string(),
        });
        Self {
            id: d.id.to_string(),
            kind: word(&d.kind),
            cycle: d.cycle,
            at: d.at.to_string(),
            pair: d.pair.to_string(),
            side: d.side.as_str().to_owned(),
            horizon: d.horizon.to_string(),
            account: d.account.to_string(),
            shadow: d.account == crate::domain::account::AccountId::Shadow,
            verdict: if reason.is_none() { "pass" } else { "block" }.to_owned(),
            reason,
            order,
            qty,
            confidence: d.confidence,
            epistemic: d.epistemic,
            base_rate: d.base_rate,
            regime: d.regime.as_str().to_owned(),
            strategy: d.strategy.clone(),
            technical: d.technical,
            sentiment: d.sentiment,
            whale: d.whale,
            model: d.model.clone(),
            fraction: d.fraction,
            plan: Plan::of(&d.plan),
            shadow_order,
        }
    }
}

impl Plan {
    pub(super) fn of(p: &TradePlan) -> Self {
        Self {
            entry: p.entry.to_string(),
            stop: p.stop.to_string(),
            target: p.target.to_string(),
            expires: p.expires.to_string(),
            cost: p.cost,
            win: p.win,
            loss: p.loss,
            payoff: p.payoff(),
        }
    }
}

impl DecisionDetail {
    pub(in crate::services) fn of(d: &decision::Decision) -> Self {
        let step = |s: &decision::TraceStep| Step {
            station: s.station.as_str().to_owned(),
            name: s.name.clone(),
            value: s.value,
            rule: s.rule.clone(),
            passed: s.passed,
            reason: s.reason.map(|r| r.as_str().to_owned()),
            note: s.note.clone(),
        };
        let sizing =
            |s: &decision::SizingStep| SizingStep { name: s.name.clone(), fraction: s.fraction, note: s.note.clone() };
        let contribution = |c: &crate::domain::reading::Contribution| Contribution {
            feature: c.feature.clone(),
            value: c.value,
            log_odds: c.log_odds,
        };
        Self {
            decision: Decision::of(d),
            trace: Trace {
                steps: d.trace.steps.iter().map(step).collect(),
                sizing: d.trace.sizing.iter().map(sizing).collect(),
                degraded: d.trace.degraded.clone(),
                contributions: d.trace.contributions.iter().map(contribution).collect(),
            },
        }
    }
}
