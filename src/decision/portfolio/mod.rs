//! The Portfolio Optimizer's brain: how a cycle's candidates share the money.
//!
//! Weights by the method of the settings over the candidates of one account (hierarchical risk parity, where nothing else is asked for), times the
//! cycle's budget, under the share that Risk sized each of them at: an allocation only ever makes a candidate smaller. Main and shadow account are
//! allocated apart. Without a volatility, and while the system is unwell, nothing is given out.

mod allocate;

use std::collections::{BTreeMap, BTreeSet};

use self::allocate::{Account, Terms};
use super::check::known;
use super::returns::ReturnPanel;
use super::risk;
use super::vitals::Vitals;
use crate::domain::account::AccountId;
use crate::domain::agent::AgentKind;
use crate::domain::error::ErrorClass;
use crate::domain::event::{
    AccountView, Allocation, Ask, Brain, BrainError, Finding, PortfolioRequest, Reply, Request,
};
use crate::domain::message::{AllocationStatus, Constraints, Message, PerPair};
use crate::domain::pair::Pair;
use crate::domain::plan::Horizon;
use crate::domain::settings::{AllocationMethod, HOURS_PER_YEAR, PortfolioSettings, RiskSettings};
use crate::domain::time::UtcMs;

/// The Portfolio Optimizer. Holds the returns behind the covariance; they refill from market data.
#[derive(Debug, Clone)]
pub struct Optimizer {
    settings: PortfolioSettings,
    risk: RiskSettings,
    panel: ReturnPanel,
    vitals: Vitals,
}

/// What the neighbours told, newest of each kind.
#[derive(Debug, Default)]
struct Inbox<'a> {
    sentiment: Option<&'a PerPair<f64>>,
    technical: Option<&'a PerPair<f64>>,
    expected: Option<&'a [(Pair, Horizon, f64)]>,
    constraints: Option<&'a Constraints>,
    names: BTreeSet<&'static str>,
}

impl Optimizer {
    #[must_use]
    pub fn new(settings: PortfolioSettings, risk: RiskSettings) -> Self {
        let panel = ReturnPanel::new(settings.window_hours);
        Self { settings, risk, panel, vitals: Vitals::default() }
    }

    fn read<'a>(&mut self, messages: &'a [Message], at: UtcMs) -> Inbox<'a> {
        let mut inbox = Inbox::default();
        for message in messages {
            match message {
                Message::CollectorToOptimizer(frames) => frames.iter().for_each(|f| self.panel.observe(f)),
                Message::SentimentToOptimizer(tilts) => inbox.sentiment = Some(tilts),
                Message::TechnicalToOptimizer(tilts) => inbox.technical = Some(tilts),
                Message::PredictorToOptimizer(expected) => inbox.expected = Some(expected),
                Message::RiskToOptimizer(constraints) => inbox.constraints = Some(constraints),
                Message::HealthToOptimizer(score) => self.vitals.report(*score, at),
                _ => continue,
            }
            inbox.names.insert(message.name());
        }
        inbox
    }

    /// What the main account may still take: its own sum, and what Risk says if it says less.
    fn free_main(&self, view: &AccountView, inbox: &Inbox<'_>) -> f64 {
        let own = risk::free_exposure(view, &self.risk);
        inbox.constraints.map_or(own, |c| known(c.free_exposure).map_or(0.0, |free| free.min(own)).max(0.0))
    }

    /// Annualised volatility of every pair that has one.
    fn volatility(&self) -> PerPair<f64> {
        let annual = |pair: &Pair| self.panel.variance(pair).map(|v| (pair.clone(), (v * HOURS_PER_YEAR).sqrt()));
        self.panel.pairs().filter_map(annual).collect()
    }

    fn allocate(&self, request: &PortfolioRequest, inbox: &Inbox<'_>, at: UtcMs) -> Allocation {
        let mut allocation = Allocation {
            method: method_name(self.settings.method).to_owned(),
            shares: Vec::new(),
            volatility: self.volatility(),
        };
        if request.warmup {
            return allocation;
        }
        let factor = inbox.constraints.map_or(1.0, |c| known(c.size_factor).map_or(0.0, |f| f.clamp(0.0, 1.0)));
        let cap = inbox.constraints.map_or(self.risk.position_max, |c| c.position_cap.min(self.risk.position_max));
        let terms = Terms {
            panel: &self.panel,
            method: self.settings.method,
            health: self.vitals.score(at),
            health_floor: self.risk.health_floor,
            sentiment: inbox.sentiment,
            technical: inbox.technical,
        };
        let main = Account {
            id: AccountId::Main,
            budget: (self.settings.new_exposure_max * factor).min(self.free_main(&request.main, inbox)),
            position_cap: cap,
            expected: Some(inbox.expected.unwrap_or_default()),
        };
        let shadow = Account {
            id: AccountId::Shadow,
            budget: self.settings.new_exposure_max.min(risk::free_exposure(&request.shadow, &self.risk)),
            position_cap: self.risk.position_max,
            expected: None,
        };
        allocation.shares = terms.allocate(&main, &request.candidates);
        allocation.shares.extend(terms.allocate(&shadow, &request.candidates));
        allocation
    }

    /// What the neighbours are told, in every cycle.
    fn tell(&self, request: &PortfolioRequest, allocation: &Allocation, inbox: &Inbox<'_>) -> Vec<Message> {
        let main: Vec<_> = allocation.shares.iter().filter(|s| s.account == AccountId::Main).collect();
        let given: f64 = main.iter().map(|s| s.fraction).sum();
        let mut weights: BTreeMap<Pair, f64> = BTreeMap::new();
        for pair in request.main.state.positions.keys() {
            weights.insert(pair.clone(), risk::position_share(&request.main, pair));
        }
        let mut watched: BTreeSet<Pair> = weights.keys().cloned().collect();
        watched.extend(request.shadow.state.positions.keys().cloned());
        watched.extend(request.candidates.iter().map(|c| c.prediction.pair.clone()));
        for share in main.iter().filter(|s| s.fraction > 0.0) {
            *weights.entry(share.pair.clone()).or_default() += share.fraction;
        }
        let weights: PerPair<f64> = weights.into_iter().collect();
        vec![
            Message::OptimizerToCollector(watched.into_iter().collect()),
            Message::OptimizerToSentiment(weights.clone()),
            Message::OptimizerToTechnical(weights),
            Message::OptimizerToPredictor(allocation.volatility.clone()),
            Message::OptimizerToRisk(Constraints {
                free_exposure: (self.free_main(&request.main, inbox) - given).max(0.0),
                position_cap: self.risk.position_max,
                size_factor: risk::size_factor(request.main.drawdown, &self.risk),
            }),
            Message::OptimizerToHealth(AllocationStatus {
                candidates: request.candidates.len() as u32,
                allocated: main.iter().filter(|s| s.fraction > 0.0).count() as u32,
                fraction: given,
                method: allocation.method.clone(),
            }),
        ]
    }
}

const fn method_name(method: AllocationMethod) -> &'static str {
    match method {
        AllocationMethod::InverseVariance => "inverse variance",
        AllocationMethod::Hrp => "hierarchical risk parity",
        AllocationMethod::EqualRisk => "equal risk contribution",
        AllocationMethod::MinVariance => "minimum variance",
        AllocationMethod::MinCvar => "minimum CVaR",
        AllocationMethod::LogGrowth => "log growth",
        AllocationMethod::EqualWeight => "1/N",
    }
}

impl Brain for Optimizer {
    fn kind(&self) -> AgentKind {
        AgentKind::PortfolioOptimizer
    }

    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError> {
        let Request::OptimizePortfolio(request) = &ask.request else {
            return Err(BrainError {
                class: ErrorClass::System,
                text: "the Portfolio Optimizer can only optimise a portfolio".to_owned(),
            });
        };
        let inbox = self.read(&ask.inbox, ask.at);
        let allocation = self.allocate(request, &inbox, ask.at);
        Ok(Reply {
            cycle: ask.cycle,
            from: AgentKind::PortfolioOptimizer,
            messages: self.tell(request, &allocation, &inbox),
            finding: Finding::Allocation(allocation),
            used: inbox.names.iter().map(|n| (*n).to_owned()).collect(),
        })
    }
}

#[cfg(test)]
mod tests;
