//! From candidates and their allocation to decisions and orders: the last stations of the decision tree.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::{Engine, PendingEntry};
use crate::domain::account::AccountId;
use crate::domain::decision::{
    BlockReason, Decision, DecisionId, DecisionKind, DecisionTrace, Station, TraceStep, Verdict,
};
use crate::domain::event::{Allocation, AllocationShare, Candidate, Effect, Record};
use crate::domain::money::Qty;
use crate::domain::order::{Intent, OrderId, OrderKind, Purpose};
use crate::domain::snapshot::Funnel;
use crate::domain::time::UtcMs;

impl Engine {
    /// Turns every candidate of the cycle into a decision, and sends the orders of those that passed.
    pub(super) fn decide(&mut self, allocation: &Allocation, out: &mut Vec<Effect>) {
        let Some(cycle) = self.cycle.as_mut() else { return };
        let candidates = std::mem::take(&mut cycle.candidates);
        for candidate in &candidates {
            self.decide_one(candidate, allocation, out);
        }
        if let Some(cycle) = self.cycle.as_mut() {
            cycle.candidates = candidates;
        }
    }

    fn decide_one(&mut self, candidate: &Candidate, allocation: &Allocation, out: &mut Vec<Effect>) {
        let Some(cycle) = self.cycle.as_ref() else { return };
        let (number, at) = (cycle.id, cycle.at);
        let prediction = &candidate.prediction;
        let id = DecisionId { session: self.durable.session, number: self.durable.next_decision };
        self.durable.next_decision += 1;

        let mut trace = candidate.trace(&cycle.degraded);
        let technical = cycle.technical.iter().find(|t| t.pair == prediction.pair).and_then(|t| t.tempered.or(t.score));
        let sentiment = cycle.sentiment.iter().find(|s| s.pair == prediction.pair).and_then(|s| s.score);
        let whale = cycle.whales.iter().find(|w| w.pair == prediction.pair).and_then(|w| w.volume_z);

        let share = |account| {
            allocation
                .shares
                .iter()
                .find(|s| s.account == account && s.pair == prediction.pair && s.horizon == prediction.horizon)
        };
        let mut fraction = 0.0;
        let mut order = None;
        if trace.first_block().is_none() {
            (fraction, order) = self.enter_main(candidate, share(AccountId::Main), id, at, &mut trace, out);
        }
        let shadow_order = if trace.only_gate_blocks() && candidate.shadow_fraction > 0.0 {
            self.enter_shadow(candidate, share(AccountId::Shadow), id, at, &mut trace, out)
        } else {
            None
        };
        let verdict = match order {
            Some((order, qty)) => Verdict::Pass { order, qty },
            None => Verdict::Block {
                reason: trace.first_block().and_then(|s| s.reason).unwrap_or(BlockReason::NoAllocation),
            },
        };
        if let Some(cycle) = self.cycle.as_mut() {
            cycle.passed += u32::from(order.is_some());
            cycle.shadow += u32::from(shadow_order.is_some());
        }
        for funnel in [&mut self.durable.funnel, &mut self.durable.funnel_today] {
            tally(funnel, &trace, &verdict, shadow_order.is_some());
        }
        self.durable.record.watch(&prediction.plan, prediction.confidence.get());
        let decision = Decision {
            id,
            kind: DecisionKind::Entry,
            cycle: number,
            at,
            pair: prediction.pair.clone(),
            side: prediction.plan.side,
            horizon: prediction.horizon,
            plan: prediction.plan.clone(),
            confidence: prediction.confidence.get(),
            epistemic: prediction.epistemic,
            base_rate: prediction.base_rate.get(),
            regime: candidate.regime.regime,
            strategy: candidate.strategy.clone(),
            technical,
            sentiment,
            whale,
            model: prediction.model.clone(),
            fraction,
            verdict,
            shadow_order,
            account: AccountId::Main,
            trace,
        };
        self.decided(decision, out);
    }

    fn enter_main(
        &mut self,
        candidate: &Candidate,
        share: Option<&AllocationShare>,
        id: DecisionId,
        at: UtcMs,
        trace: &mut DecisionTrace,
        out: &mut Vec<Effect>,
    ) -> (f64, Option<(OrderId, Qty)>) {
        let Some(share) = share.filter(|s| s.fraction > 0.0) else {
            let fraction = share.map_or(0.0, |s| s.fraction);
            trace.steps.extend(share.into_iter().flat_map(|s| s.steps.clone()));
            if trace.first_block().is_none() {
                let step = TraceStep::new(
                    Station::Portfolio,
                    "allocation",
                    Some(fraction),
                    "> 0 % of equity",
                    false,
                    BlockReason::NoAllocation,
                );
                trace.steps.push(step);
            }
            return (0.0, None);
        };
        trace.steps.extend(share.steps.clone());
        if trace.first_block().is_some() {
            return (0.0, None);
        }
        let (step, qty) = self.sized(AccountId::Main, candidate, share.fraction);
        trace.steps.push(step);
        let order = qty.map(|qty| (self.send_entry(AccountId::Main, candidate, qty, id, at, out), qty));
        (if order.is_some() { share.fraction } else { 0.0 }, order)
    }

    fn enter_shadow(
        &mut self,
        candidate: &Candidate,
        share: Option<&AllocationShare>,
        id: DecisionId,
        at: UtcMs,
        trace: &mut DecisionTrace,
        out: &mut Vec<Effect>,
    ) -> Option<(OrderId, Qty)> {
        let fraction = share.map_or(0.0, |s| s.fraction);
        let (step, qty) = self.sized(AccountId::Shadow, candidate, fraction);
        let note = match qty {
            Some(qty) => format!("shadow account: {qty} at {:.2} % of its equity", fraction * 100.0),
            None => format!("shadow account: no order ({} fails {})", step.name, step.rule),
        };
        // The main account's path ended at the gate; what the shadow does is told, not counted as a step.
        if let Some(last) = trace.steps.iter_mut().rev().find(|s| s.station == Station::Gate) {
            last.note = Some(last.note.take().map_or_else(|| note.clone(), |n| format!("{n}; {note}")));
        }
        qty.map(|qty| (self.send_entry(AccountId::Shadow, candidate, qty, id, at, out), qty))
    }

    /// The quantity for a share of an account's equity, rounded down to the lot, and the step that says whether it suffices.
    fn sized(&self, account: AccountId, candidate: &Candidate, fraction: f64) -> (TraceStep, Option<Qty>) {
        let pair = &candidate.prediction.pair;
        let price = self.marks.get(pair).copied().unwrap_or(candidate.prediction.plan.entry);
        let notional = Decimal::from_f64(fraction).map(|f| self.view(account).equity.scaled(f.round_dp(6)));
        let instrument = self.instruments.get(pair);
        let qty = notional
            .and_then(|n| n.0.checked_div(price.get()))
            .zip(instrument)
            .map_or(Qty::ZERO, |(raw, i)| i.round_qty(raw));
        let enough = instrument.is_some_and(|i| i.accepts(qty, price));
        let rule = instrument.map_or_else(
            || "an instrument the exchange lists".to_owned(),
            |i| format!("≥ {} {} and ≥ {} {}", i.order_min, pair.base(), i.cost_min, pair.quote()),
        );
        let step = TraceStep::new(
            Station::Execution,
            "order size",
            Some(qty.to_f64()),
            rule,
            enough,
            BlockReason::BelowMinimumOrder,
        );
        (step, enough.then_some(qty))
    }

    fn send_entry(
        &mut self,
        account: AccountId,
        candidate: &Candidate,
        qty: Qty,
        decision: DecisionId,
        at: UtcMs,
        out: &mut Vec<Effect>,
    ) -> OrderId {
        let plan = candidate.prediction.plan.clone();
        let group = self.next_group();
        let intent = Intent {
            order: self.next_order(),
            decision,
            account,
            at,
            pair: plan.pair.clone(),
            side: plan.side,
            kind: OrderKind::Market,
            qty,
            purpose: Purpose::Entry,
            group: None,
        };
        if account == AccountId::Main {
            self.durable.recent_orders.push_back(at);
        }
        self.durable.entries.push(PendingEntry {
            order: intent.order,
            plan,
            confidence: candidate.prediction.confidence.get(),
            group,
        });
        let order = intent.order;
        self.send(intent, out);
        order
    }

    pub(super) fn next_order(&mut self) -> OrderId {
        let id = OrderId(self.durable.next_order);
        self.durable.next_order += 1;
        id
    }

    pub(super) fn next_group(&mut self) -> u64 {
        let group = self.durable.next_group;
        self.durable.next_group += 1;
        group
    }

    /// Writes the intent down, then sends it.
    pub(super) fn send(&mut self, intent: Intent, out: &mut Vec<Effect>) {
        self.durable.fingerprint.intent(&intent);
        out.push(Effect::Record(Box::new(Record::Intent(intent.clone()))));
        out.push(Effect::Submit(intent));
    }
}

/// Counts how far a signal came: each count is of those that passed everything up to there.
fn tally(funnel: &mut Funnel, trace: &DecisionTrace, verdict: &Verdict, shadow: bool) {
    funnel.signals += 1;
    funnel.shadow += u64::from(shadow);
    let passed: BTreeMap<Station, bool> = Station::ALL.into_iter().map(|s| (s, trace.at(s).unwrap_or(true))).collect();
    let ok = |stations: &[Station]| stations.iter().all(|s| passed.get(s).copied().unwrap_or(true));
    let gate = ok(&[Station::Data, Station::Gate]);
    let regime = gate && ok(&[Station::Regime, Station::Strategy]);
    let sizing = regime && ok(&[Station::Sizing]);
    let risk = sizing && ok(&[Station::Risk]);
    funnel.gate += u64::from(gate);
    funnel.regime += u64::from(regime);
    funnel.sizing += u64::from(sizing);
    funnel.risk += u64::from(risk);
    match verdict {
        Verdict::Pass { .. } => funnel.passed += 1,
        Verdict::Block { reason } => *funnel.blocked.entry(*reason).or_default() += 1,
    }
}
