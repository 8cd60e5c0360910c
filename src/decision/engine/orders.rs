//! Orders after they were sent: fills into the ledger, protective orders, and the exits that never ask the gate.

use super::Engine;
use crate::broker::ledger;
use crate::domain::account::{AccountId, Position};
use crate::domain::alert::Severity;
use crate::domain::command::HaltScope;
use crate::domain::decision::{
    BlockReason, Decision, DecisionId, DecisionKind, DecisionTrace, Station, TraceStep, Verdict,
};
use crate::domain::event::{Effect, ExitAdvice, Record};
use crate::domain::order::{Fill, Intent, Order, OrderKind, Purpose, Side};
use crate::domain::pair::Pair;
use crate::domain::time::UtcMs;

impl Engine {
    /// The broker tells fills before the order's final state, so that a final entry needs its plan no more.
    pub(super) fn on_order(&mut self, order: &Order, out: &mut Vec<Effect>) {
        ledger::track(self.account_mut(order.intent.account), order);
        if order.status.is_final() {
            self.durable.entries.retain(|e| e.order != order.intent.order);
        }
        out.push(Effect::Record(Box::new(Record::Order(order.clone()))));
    }

    pub(super) fn on_fill(&mut self, fill: &Fill, out: &mut Vec<Effect>) {
        self.durable.fingerprint.fill(fill);
        let entry = self.durable.entries.iter().find(|e| e.order == fill.order).cloned();
        let (plan, confidence, group) =
            entry.as_ref().map_or((None, 0.0, 0), |e| (Some(&e.plan), e.confidence, e.group));
        let booked = ledger::apply(self.account_mut(fill.account), fill, plan, confidence, group);
        out.push(Effect::Record(Box::new(Record::Fill(fill.clone()))));
        match booked {
            Err(error) => self.books_disagree(fill.at, &error.to_string(), out),
            Ok(Some(outcome)) => {
                self.durable.fingerprint.outcome(&outcome);
                out.push(Effect::Record(Box::new(Record::Outcome(outcome))));
                self.cancel_all(fill.account, &fill.pair, |_| true, out);
            }
            Ok(None) if fill.purpose == Purpose::Entry => self.protect(fill.account, &fill.pair, fill.at, out),
            Ok(None) => {}
        }
    }

    /// Replaces the position's target and stop by a pair for its whole quantity.
    fn protect(&mut self, account: AccountId, pair: &Pair, at: UtcMs, out: &mut Vec<Effect>) {
        self.cancel_all(account, pair, |o| matches!(o.intent.purpose, Purpose::Target | Purpose::Stop), out);
        let Some(position) = self.account(account).positions.get(pair).cloned() else { return };
        let instrument = self.instruments.get(pair);
        let on_tick =
            |price: crate::domain::Price, up| instrument.and_then(|i| i.round_price(price.get(), up)).unwrap_or(price);
        // Away from the market for the target (sell up), towards it for the stop: neither is bettered by rounding.
        let target = OrderKind::Limit { price: on_tick(position.plan.target, true) };
        let stop = OrderKind::StopLoss { trigger: on_tick(position.plan.stop, true) };
        for (kind, purpose) in [(stop, Purpose::Stop), (target, Purpose::Target)] {
            let intent = self.exit_intent(&position, account, at, kind, purpose, position.decision);
            self.send(Intent { group: Some(position.group), ..intent }, out);
        }
    }

    fn exit_intent(
        &mut self,
        position: &Position,
        account: AccountId,
        at: UtcMs,
        kind: OrderKind,
        purpose: Purpose,
        decision: DecisionId,
    ) -> Intent {
        Intent {
            order: self.next_order(),
            decision,
            account,
            at,
            pair: position.pair.clone(),
            side: Side::Sell,
            kind,
            qty: position.qty,
            purpose,
            group: None,
        }
    }

    fn cancel_all(&self, account: AccountId, pair: &Pair, which: impl Fn(&Order) -> bool, out: &mut Vec<Effect>) {
        for order in self.account(account).orders.iter().filter(|o| o.intent.pair == *pair && which(o)) {
            out.push(Effect::Cancel(order.intent.order, account));
        }
    }

    /// Whether a market exit of the position is already on its way.
    fn is_closing(&self, account: AccountId, pair: &Pair) -> bool {
        self.account(account)
            .orders
            .iter()
            .any(|o| o.intent.pair == *pair && matches!(o.intent.purpose, Purpose::TimeLimit | Purpose::Exit))
    }

    /// Closes a position at the market: its other orders are cancelled first.
    fn close(
        &mut self,
        account: AccountId,
        pair: &Pair,
        at: UtcMs,
        purpose: Purpose,
        decision: Option<DecisionId>,
        out: &mut Vec<Effect>,
    ) {
        let Some(position) = self.account(account).positions.get(pair).cloned() else { return };
        self.cancel_all(account, pair, |_| true, out);
        let decision = decision.unwrap_or(position.decision);
        let intent = self.exit_intent(&position, account, at, OrderKind::Market, purpose, decision);
        self.send(intent, out);
    }

    /// Ends the positions whose time limit has come.
    pub(super) fn close_expired(&mut self, at: UtcMs, out: &mut Vec<Effect>) {
        for account in AccountId::ALL {
            let due: Vec<Pair> = self
                .account(account)
                .positions
                .values()
                .filter(|p| p.plan.expires <= at && !self.is_closing(account, &p.pair))
                .map(|p| p.pair.clone())
                .collect();
            for pair in due {
                self.close(account, &pair, at, Purpose::TimeLimit, None, out);
            }
        }
    }

    /// A defensive exit that the Risk Manager advises.
    pub(super) fn exit_on_advice(&mut self, advice: &ExitAdvice, at: UtcMs, out: &mut Vec<Effect>) {
        if !self.is_closing(advice.account, &advice.pair) {
            self.exit_decision(advice.account, &advice.pair, at, &advice.reason, advice.step.clone(), out);
        }
    }

    /// Decides and sends a market exit; the decision explains it.
    fn exit_decision(
        &mut self,
        account: AccountId,
        pair: &Pair,
        at: UtcMs,
        strategy: &str,
        step: TraceStep,
        out: &mut Vec<Effect>,
    ) {
        let Some(position) = self.account(account).positions.get(pair).cloned() else { return };
        let id = DecisionId { session: self.durable.session, number: self.durable.next_decision };
        self.durable.next_decision += 1;
        let order = crate::domain::OrderId(self.durable.next_order);
        let regime = self.pairs.get(pair).and_then(|p| p.regime).unwrap_or_default().regime;
        self.decided(
            Decision {
                id,
                kind: DecisionKind::Exit,
                cycle: self.cycle.as_ref().map_or(self.durable.cycle, |c| c.id),
                at,
                pair: pair.clone(),
                side: Side::Sell,
                horizon: position.horizon,
                plan: position.plan.clone(),
                confidence: position.confidence,
                epistemic: 0.0,
                base_rate: 0.0,
                regime,
                strategy: strategy.to_owned(),
                technical: None,
                sentiment: None,
                whale: None,
                model: String::new(),
                fraction: 0.0,
                verdict: Verdict::Pass { order, qty: position.qty },
                shadow_order: None,
                account,
                trace: DecisionTrace {
                    steps: vec![step],
                    sizing: Vec::new(),
                    degraded: Vec::new(),
                    contributions: Vec::new(),
                },
            },
            out,
        );
        self.close(account, pair, at, Purpose::Exit, Some(id), out);
    }

    /// Stops new entries at once; wider scopes cancel working entries and close every position. Risk-reducing orders stay.
    pub(super) fn halt(&mut self, scope: HaltScope, at: UtcMs, out: &mut Vec<Effect>) {
        self.durable.halted = Some(format!("by a person: {}", scope.as_str()));
        self.alert(at, Severity::Warning, None, "halt", &format!("trading halted: {}", scope.as_str()), out);
        if scope == HaltScope::StopEntries {
            return;
        }
        for account in AccountId::ALL {
            for order in self.account(account).orders.iter().filter(|o| o.intent.purpose == Purpose::Entry) {
                out.push(Effect::Cancel(order.intent.order, account));
            }
            if scope == HaltScope::Flatten {
                let held: Vec<Pair> = self.account(account).positions.keys().cloned().collect();
                for pair in held.iter().filter(|p| !self.is_closing(account, p)).cloned().collect::<Vec<_>>() {
                    let step =
                        TraceStep::new(Station::Risk, "halt", None, "flatten asked for", true, BlockReason::Halted);
                    self.exit_decision(account, &pair, at, "flatten", step, out);
                }
            }
        }
    }
}
