//! The thinking part of each agent, made of what a run has loaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shelf::InUse;
use crate::broker::fees::FeeSchedule;
use crate::decision::{Optimizer, RiskManager};
use crate::domain::CoreSettings;
use crate::domain::agent::AgentKind;
use crate::domain::event::Brain;
use crate::domain::pair::{Interval, Pair};
use crate::ml::Predictor;
use crate::monitor::HealthMonitor;
use crate::pipeline::{Collector, FeatureSet};
use crate::signals::{NewsText, Sentiment, Technical, TextScore, Whale};

/// See the module's first line.
pub(super) struct Ingredients {
    pub(super) core: CoreSettings,
    pub(super) features: Arc<FeatureSet>,
    pub(super) universe: Vec<(Pair, Interval)>,
    pub(super) price_decimals: BTreeMap<Pair, u32>,
    pub(super) models: InUse,
    pub(super) texts: Vec<NewsText>,
    pub(super) scores: BTreeMap<String, TextScore>,
}

impl Ingredients {
    /// A fresh brain; that of the ML Predictor has the models in use now.
    pub(super) fn brain(&self, kind: AgentKind) -> Box<dyn Brain> {
        let core = &self.core;
        match kind {
            AgentKind::DataCollector => {
                let collector = Collector::with_features(&self.universe, &core.pipeline, &self.features);
                Box::new(collector.knowing_decimals(&self.price_decimals))
            }
            AgentKind::Sentiment => {
                Box::new(Sentiment::new(core.sentiment.clone(), self.texts.clone(), self.scores.clone()))
            }
            AgentKind::Technical => Box::new(Technical::new()),
            AgentKind::MlPredictor => {
                let fees = FeeSchedule::with_settings(&core.paper);
                let cost = Box::new(move |at| fees.round_trip(at));
                let predictor = Predictor::new(self.models.all(), self.features.schema(), cost);
                Box::new(predictor.explaining_from(core.gate.signal_lift))
            }
            AgentKind::WhaleDetector => Box::new(Whale::new(core.whale.clone())),
            AgentKind::RiskManager => Box::new(RiskManager::new(core)),
            AgentKind::PortfolioOptimizer => Box::new(Optimizer::new(core.portfolio.clone(), core.risk.clone())),
            AgentKind::HealthMonitor => Box::new(HealthMonitor::new(core)),
        }
    }
}
