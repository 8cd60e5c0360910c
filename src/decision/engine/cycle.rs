//! The analysis cycle of the sequence diagram, as a state machine.
//!
//! Frames → in parallel Sentiment, Technical, ML Predictor, Whale Detector → Risk Manager over all signals → Portfolio Optimizer →
//! decisions → Health Monitor. A stage whose agent is late, failed or paused goes on without it, and the trace says so.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use crate::domain::account::AccountId;
use crate::domain::agent::AgentKind;
use crate::domain::alert::Severity;
use crate::domain::error::ErrorClass;
use crate::domain::event::{
    Allocation, Candidate, CycleRecord, Effect, Finding, HealthRequest, MarketUpdate, PortfolioRequest, Record,
    Request, RiskAssessment, RiskRequest,
};
use crate::domain::message::{Frames, Message};
use crate::domain::reading::{Prediction, SentimentReading, TechnicalReading, WhaleReading};
use crate::domain::time::{MINUTE_MS, UtcMs};

/// Agents asked at the same time, once the frames are there.
const PARALLEL: [AgentKind; 4] =
    [AgentKind::Sentiment, AgentKind::Technical, AgentKind::MlPredictor, AgentKind::WhaleDetector];

/// A cycle under way.
#[derive(Debug)]
pub(super) struct Cycle {
    /// Running number; 0 while windows are being filled.
    pub(super) id: u64,
    pub(super) at: UtcMs,
    pub(super) warmup: bool,
    pub(super) frames: Frames,
    waiting: BTreeSet<AgentKind>,
    pub(super) sentiment: Vec<SentimentReading>,
    pub(super) technical: Vec<TechnicalReading>,
    pub(super) predictions: Vec<Prediction>,
    pub(super) whales: Vec<WhaleReading>,
    pub(super) degraded: Vec<String>,
    missed: Vec<(AgentKind, String)>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) passed: u32,
    pub(super) shadow: u32,
}

impl Engine {
    pub(super) fn begin_cycle(&mut self, update: &MarketUpdate, warmup: bool, out: &mut Vec<Effect>) {
        for frame in update.frames.iter() {
            self.pairs.entry(frame.pair.clone()).or_default().frame = Some(frame.clone());
        }
        // The matrix has no column for the Whale Detector; it works from the frames that Technical gets.
        self.inbox
            .entry(AgentKind::WhaleDetector)
            .or_default()
            .push(Message::CollectorToTechnical(Arc::clone(&update.frames)));
        self.cycle = Some(Cycle {
            id: if warmup { 0 } else { self.durable.cycle + 1 },
            at: update.at,
            warmup,
            frames: Arc::clone(&update.frames),
            waiting: PARALLEL.into_iter().collect(),
            sentiment: Vec::new(),
            technical: Vec::new(),
            predictions: Vec::new(),
            whales: Vec::new(),
            degraded: Vec::new(),
            missed: Vec::new(),
            candidates: Vec::new(),
            passed: 0,
            shadow: 0,
        });
        self.ask(AgentKind::Sentiment, Request::AnalyzeSentiment, update.at, out);
        self.ask(AgentKind::Technical, Request::CalculateTechnical, update.at, out);
        self.ask(AgentKind::MlPredictor, Request::GeneratePredictions, update.at, out);
        self.ask(AgentKind::WhaleDetector, Request::DetectWhales, update.at, out);
    }

    /// A stage's answer.
    pub(super) fn on_finding(&mut self, from: AgentKind, finding: &Finding, out: &mut Vec<Effect>) {
        let Some(cycle) = self.cycle.as_mut() else { return };
        if !cycle.waiting.remove(&from) {
            return; // answered twice, or after it was given up
        }
        match finding {
            Finding::Sentiment(readings) => {
                cycle.sentiment.clone_from(readings);
                for r in readings {
                    self.pairs.entry(r.pair.clone()).or_default().sentiment = Some(r.clone());
                }
            }
            Finding::Technical(readings) => {
                cycle.technical.clone_from(readings);
                for r in readings {
                    self.pairs.entry(r.pair.clone()).or_default().technical = Some(r.clone());
                }
            }
            Finding::Predictions { made, none } => {
                let (frames, warmup) = (Arc::clone(&cycle.frames), cycle.warmup);
                let mut made = made.clone();
                self.adjust(&mut made, &frames, warmup, out);
                self.retell(&made);
                for state in self.pairs.values_mut() {
                    state.predictions.clear();
                    state.no_predictions.clear();
                }
                for p in &made {
                    self.pairs.entry(p.pair.clone()).or_default().predictions.push(p.clone());
                }
                for n in none {
                    self.pairs.entry(n.pair.clone()).or_default().no_predictions.push(n.clone());
                }
                if let Some(cycle) = self.cycle.as_mut() {
                    cycle.predictions = made;
                }
            }
            Finding::Whales(readings) => {
                cycle.whales.clone_from(readings);
                for r in readings {
                    self.pairs.entry(r.pair.clone()).or_default().whale = Some(r.clone());
                }
            }
            Finding::Risk(assessment) => return self.on_assessment(assessment, out),
            Finding::Allocation(allocation) => return self.on_allocation(allocation, out),
            Finding::Health(report) => {
                self.health = report.clone();
                let at = cycle.at;
                for (severity, class, source, text) in &report.alerts {
                    self.alert(at, *severity, *class, source, text, out);
                }
                return self.finish_cycle(out);
            }
            Finding::Market(_) => {}
        }
        self.after_parallel(out);
    }

    /// A stage that will not answer.
    pub(super) fn on_missed(&mut self, id: u64, agent: AgentKind, why: &str, out: &mut Vec<Effect>) {
        if agent == AgentKind::DataCollector {
            // No frames, no cycle: the driver offers the same batch again, so that no data are lost.
            self.batch = None;
            return;
        }
        let Some(cycle) = self.cycle.as_mut().filter(|c| c.id == id) else { return };
        if !cycle.waiting.remove(&agent) {
            return;
        }
        cycle.degraded.push(format!("{agent}: {why}"));
        cycle.missed.push((agent, why.to_owned()));
        let state = self.pairs.values_mut();
        match agent {
            AgentKind::Sentiment => state.for_each(|p| p.sentiment = None),
            AgentKind::Technical => state.for_each(|p| p.technical = None),
            AgentKind::WhaleDetector => state.for_each(|p| p.whale = None),
            AgentKind::MlPredictor => state.for_each(|p| p.predictions.clear()),
            AgentKind::RiskManager => return self.on_assessment(&RiskAssessment::default(), out),
            AgentKind::PortfolioOptimizer => return self.on_allocation(&Allocation::default(), out),
            AgentKind::HealthMonitor => return self.finish_cycle(out),
            AgentKind::DataCollector => {}
        }
        self.after_parallel(out);
    }

    fn after_parallel(&mut self, out: &mut Vec<Effect>) {
        let (main, shadow) = (self.view(AccountId::Main), self.view(AccountId::Shadow));
        let Some(cycle) = self.cycle.as_mut().filter(|c| c.waiting.is_empty()) else { return };
        cycle.waiting.insert(AgentKind::RiskManager);
        let at = cycle.at;
        self.durable.recent_orders.retain(|t| at.since(*t) < MINUTE_MS);
        let request = RiskRequest {
            warmup: cycle.warmup,
            predictions: cycle.predictions.clone(),
            technical: cycle.technical.clone(),
            sentiment: cycle.sentiment.clone(),
            whales: cycle.whales.clone(),
            main,
            shadow,
            halted: self.durable.halted.clone(),
            degraded: cycle.degraded.clone(),
            recent_orders: self.durable.recent_orders.len() as u32,
        };
        self.ask(AgentKind::RiskManager, Request::AssessRisk(Arc::new(request)), at, out);
    }

    fn on_assessment(&mut self, assessment: &RiskAssessment, out: &mut Vec<Effect>) {
        for (pair, regime) in &assessment.regimes {
            self.pairs.entry(pair.clone()).or_default().regime = Some(*regime);
        }
        if !assessment.limits.is_empty() {
            self.limits.clone_from(&assessment.limits);
        }
        let Some(cycle) = self.cycle.as_mut() else { return };
        cycle.waiting.remove(&AgentKind::RiskManager);
        let (at, warmup) = (cycle.at, cycle.warmup);
        if !warmup {
            cycle.candidates.clone_from(&assessment.candidates);
            for advice in &assessment.exits {
                self.exit_on_advice(advice, at, out);
            }
        }
        let (main, shadow) = (self.view(AccountId::Main), self.view(AccountId::Shadow));
        let Some(cycle) = self.cycle.as_mut() else { return };
        cycle.waiting.insert(AgentKind::PortfolioOptimizer);
        let request = PortfolioRequest { warmup, candidates: cycle.candidates.clone(), main, shadow };
        self.ask(AgentKind::PortfolioOptimizer, Request::OptimizePortfolio(Arc::new(request)), at, out);
    }

    fn on_allocation(&mut self, allocation: &Allocation, out: &mut Vec<Effect>) {
        self.decide(allocation, out);
        let (main, in_use) = (self.view(AccountId::Main), self.in_use());
        let models =
            self.pairs.values().flat_map(|p| &p.predictions).map(|p| p.model.as_str()).collect::<BTreeSet<_>>().len()
                as u32;
        let Some(cycle) = self.cycle.as_mut() else { return };
        cycle.waiting.remove(&AgentKind::PortfolioOptimizer);
        cycle.waiting.insert(AgentKind::HealthMonitor);
        let at = cycle.at;
        let request = HealthRequest {
            at,
            warmup: cycle.warmup,
            agents: self.agents.iter().map(|(kind, (state, errors))| (*kind, *state, *errors)).collect(),
            missed: cycle.missed.clone(),
            decisions: self.durable.funnel.signals,
            passed: self.durable.funnel.passed,
            matured: self.durable.record.recent(),
            main,
            models,
            in_use,
            halted: self.durable.halted.clone(),
        };
        self.ask(AgentKind::HealthMonitor, Request::CheckHealth(Arc::new(request)), at, out);
    }

    fn finish_cycle(&mut self, out: &mut Vec<Effect>) {
        let Some(cycle) = self.cycle.take() else { return };
        if !cycle.warmup {
            self.durable.cycle = cycle.id;
            let record = CycleRecord {
                cycle: cycle.id,
                at: cycle.at,
                frames: cycle.frames.len() as u32,
                complete: cycle.frames.iter().filter(|f| f.quality.complete).count() as u32,
                predictions: cycle.predictions.len() as u32,
                candidates: cycle.candidates.len() as u32,
                passed: cycle.passed,
                shadow: cycle.shadow,
                missed: cycle.missed,
                equity: self.view(AccountId::Main).equity,
                shadow_equity: self.view(AccountId::Shadow).equity,
                fingerprint: self.fingerprint(),
            };
            out.push(Effect::Record(Box::new(Record::Cycle(record))));
        }
        out.push(Effect::CycleDone { cycle: cycle.id, at: cycle.at });
    }

    /// Raises an alert that the books do not agree, and stops new entries: reconciliation is a person's business.
    pub(super) fn books_disagree(&mut self, at: UtcMs, text: &str, out: &mut Vec<Effect>) {
        self.durable.halted = Some(format!("the books disagree: {text}"));
        self.alert(at, Severity::Critical, Some(ErrorClass::System), "ledger", text, out);
    }
}
