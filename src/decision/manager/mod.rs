//! The Risk Manager's brain: every signal through the decision tree, up to and including the Risk Check.
//!
//! Data → Confidence Gate → Regime Check → Strategy → Position Sizing → Risk Check. All stations are evaluated and kept, also
//! after the first that blocks, so that a trace shows the whole picture and the shadow account knows what only the gate stopped.

mod inbox;
mod judge;

use std::collections::{BTreeMap, BTreeSet};

use self::inbox::Inbox;
use super::gate::is_signal;
use super::regime::PairRegime;
use super::returns::ReturnPanel;
use super::risk::{self, RiskContext};
use super::strategies::bear;
use super::vitals::Vitals;
use crate::domain::account::AccountId;
use crate::domain::agent::AgentKind;
use crate::domain::decision::{BlockReason, Station, TraceStep};
use crate::domain::error::ErrorClass;
use crate::domain::event::{
    AccountView, Ask, Brain, BrainError, ExitAdvice, Finding, Reply, Request, RiskAssessment, RiskRequest,
};
use crate::domain::frame::Frame;
use crate::domain::message::{Constraints, Message};
use crate::domain::pair::Pair;
use crate::domain::reading::{Regime, RegimeReading};
use crate::domain::settings::CoreSettings;
use crate::domain::time::UtcMs;

/// The Risk Manager. Holds the regime of every pair and the returns behind correlations; both refill from market data.
#[derive(Debug, Clone)]
pub struct RiskManager {
    settings: CoreSettings,
    regimes: BTreeMap<Pair, PairRegime>,
    panel: ReturnPanel,
    vitals: Vitals,
}

impl RiskManager {
    #[must_use]
    pub fn new(core: &CoreSettings) -> Self {
        Self {
            settings: core.clone(),
            regimes: BTreeMap::new(),
            panel: ReturnPanel::new(core.portfolio.window_hours),
            vitals: Vitals::default(),
        }
    }

    /// The regime of a pair; nothing known of a pair that was never seen.
    fn regime(&self, pair: &Pair) -> RegimeReading {
        self.regimes.get(pair).map(PairRegime::reading).unwrap_or_default()
    }

    fn context<'a>(&'a self, request: &'a RiskRequest, inbox: &Inbox<'_>, at: UtcMs) -> RiskContext<'a> {
        RiskContext {
            settings: &self.settings.risk,
            at,
            halted: request.halted.as_deref(),
            health: self.vitals.score(at),
            recent_orders: request.recent_orders,
            free_exposure: inbox.free_exposure,
        }
    }

    fn assess(&self, request: &RiskRequest, inbox: &Inbox<'_>, at: UtcMs) -> RiskAssessment {
        let context = self.context(request, inbox, at);
        let mut assessment = RiskAssessment {
            regimes: inbox.frames.iter().map(|f| (f.pair.clone(), self.regime(&f.pair))).collect(),
            limits: risk::limits_in_use(&request.main, &context),
            ..RiskAssessment::default()
        };
        if request.warmup {
            return assessment;
        }
        let signals = request.predictions.iter().filter(|p| is_signal(p, &self.settings.gate));
        assessment.candidates = signals.map(|p| self.judge(p, request, inbox, &context)).collect();
        judge::one_entry_per_pair(&mut assessment.candidates);
        assessment.exits = [&request.main, &request.shadow].into_iter().flat_map(|v| self.exits(v, inbox)).collect();
        assessment
    }

    /// Positions to close because the bear is confirmed. No gate and no limit is asked.
    fn exits(&self, view: &AccountView, inbox: &Inbox<'_>) -> Vec<ExitAdvice> {
        let advise = |pair: &Pair| self.exit(view.state.id, pair, inbox.frame(pair)?);
        view.state.positions.keys().filter_map(advise).collect()
    }

    fn exit(&self, account: AccountId, pair: &Pair, frame: &Frame) -> Option<ExitAdvice> {
        let reading = self.regime(pair);
        let close = frame.bar.close.to_f64();
        let bear = reading.regime == Regime::Bear && reading.z.is_some();
        if !bear || !bear::is_confirmed(Some(close), &frame.indicators) {
            return None;
        }
        let conditions: Vec<String> = bear::confirmation(Some(close), &frame.indicators)
            .iter()
            .map(|s| format!("{} {} {}", s.name, s.value.map_or_else(String::new, |v| format!("{v}")), s.rule))
            .collect();
        let step = TraceStep::new(
            Station::Strategy,
            "bear confirmed",
            reading.z,
            "Bear regime, close < EMA50 < EMA200, ADX14 ≥ 20, −DI14 > +DI14",
            true,
            BlockReason::DefensiveRegime,
        )
        .with_note(conditions.join("; "));
        Some(ExitAdvice { account, pair: pair.clone(), reason: "bear regime confirmed".to_owned(), step })
    }

    /// What the neighbours are told, in every cycle.
    fn tell(&self, request: &RiskRequest, inbox: &Inbox<'_>, at: UtcMs) -> Vec<Message> {
        let settings = &self.settings.risk;
        let limits = risk::limits_in_use(&request.main, &self.context(request, inbox, at));
        let usage = risk::risk_use(&limits);
        let factor = risk::size_factor(request.main.drawdown, settings);
        let shut = request.halted.is_some() || limits.iter().any(|l| l.tripped);
        let held: BTreeSet<&Pair> =
            request.main.state.positions.keys().chain(request.shadow.state.positions.keys()).collect();
        let barred = inbox.frames.iter().map(|f| &f.pair).filter(|pair| {
            let reading = self.regime(pair);
            let bear = reading.z.is_some() && reading.regime == Regime::Bear;
            shut || bear || risk::is_held(&request.main, pair)
        });
        vec![
            Message::RiskToCollector(usage.clone()),
            Message::RiskToSentiment(held.into_iter().cloned().collect()),
            Message::RiskToTechnical(factor),
            Message::RiskToPredictor(barred.cloned().collect()),
            Message::RiskToOptimizer(Constraints {
                free_exposure: risk::free_exposure(&request.main, settings),
                position_cap: settings.position_max,
                size_factor: factor,
            }),
            Message::RiskToHealth(usage),
        ]
    }
}

impl Brain for RiskManager {
    fn kind(&self) -> AgentKind {
        AgentKind::RiskManager
    }

    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError> {
        let Request::AssessRisk(request) = &ask.request else {
            return Err(BrainError {
                class: ErrorClass::System,
                text: "the Risk Manager can only assess risk".to_owned(),
            });
        };
        let inbox = Inbox::read(&ask.inbox);
        for frame in inbox.all_frames() {
            self.regimes
                .entry(frame.pair.clone())
                .or_insert_with(|| PairRegime::new(&self.settings.regime))
                .observe(frame);
            self.panel.observe(frame);
        }
        if let Some(score) = inbox.health {
            self.vitals.report(score, ask.at);
        }
        Ok(Reply {
            cycle: ask.cycle,
            from: AgentKind::RiskManager,
            finding: Finding::Risk(self.assess(request, &inbox, ask.at)),
            messages: self.tell(request, &inbox, ask.at),
            used: inbox.used(),
        })
    }
}

#[cfg(test)]
mod tests;
