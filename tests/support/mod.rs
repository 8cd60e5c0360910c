//! Shared by tests and benches: a synchronous driver over the pure core, and small models trained on real candles.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cryptosmarttrader::broker::fees::FeeSchedule;
use cryptosmarttrader::decision::session::PaperSession;
use cryptosmarttrader::decision::{Optimizer, RiskManager};
use cryptosmarttrader::domain::CoreSettings;
use cryptosmarttrader::domain::agent::AgentKind;
use cryptosmarttrader::domain::event::{Brain, Effect, Event, RawBatch, Record};
use cryptosmarttrader::domain::pair::{Interval, Pair};
use cryptosmarttrader::domain::time::UtcMs;
use cryptosmarttrader::ml::Predictor;
use cryptosmarttrader::ml::Watch;
use cryptosmarttrader::ml::model::Model;
use cryptosmarttrader::monitor::HealthMonitor;
use cryptosmarttrader::orchestrator::train_models;
use cryptosmarttrader::pipeline::{Collector, FeatureSet};
use cryptosmarttrader::signals::{Sentiment, Technical, Whale};
use cryptosmarttrader::store::{Recording, load_instruments};

pub fn recording_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/recording")
}

pub fn at(text: &str) -> UtcMs {
    UtcMs::parse(text).expect("an instant")
}

/// Settings whose models train in a few seconds: one year, few members, the two horizons that a year is enough for.
pub fn small_settings() -> CoreSettings {
    let mut core = CoreSettings::default();
    core.training.from = at("2023-01-01T00:00:00Z");
    core.training.exits.truncate(2);
    core.training.members = 2;
    core.training.folds = 2;
    core.training.stride_hours = 6;
    core
}

pub fn small_models(core: &CoreSettings, dir: &Path) -> Vec<Arc<Model>> {
    let recording = Recording::open(&recording_dir()).expect("the recording opens");
    train_models(
        core,
        &FeatureSet::built_in(),
        dir,
        &recording,
        at("2024-07-17T00:00:00Z"),
        at("2024-07-01T00:00:00Z"),
        Watch { progress: &|_| {}, go_on: &|| true },
    )
    .expect("training works")
    .into_iter()
    .map(|trained| Arc::new(trained.expect("each horizon gets its model").model))
    .collect()
}

/// Engine, broker and brains in one thread: questions are answered on the spot.
pub struct Driver {
    pub session: PaperSession,
    brains: BTreeMap<AgentKind, Box<dyn Brain>>,
    pub records: Vec<Record>,
    /// Agents that are made to miss their questions.
    pub silent: Vec<AgentKind>,
}

impl Driver {
    pub fn new(core: &CoreSettings, universe: &[(Pair, Interval)], models: Vec<Arc<Model>>) -> Self {
        let instruments = load_instruments(&recording_dir().join("instruments.json")).expect("instruments");
        let session = PaperSession::new(&core.paper, instruments, 1);
        Self::with(session, core, universe, models)
    }

    pub fn with(
        session: PaperSession,
        core: &CoreSettings,
        universe: &[(Pair, Interval)],
        models: Vec<Arc<Model>>,
    ) -> Self {
        let fees = FeeSchedule::with_settings(&core.paper);
        let brains: Vec<Box<dyn Brain>> = vec![
            Box::new(Collector::new(universe, &core.pipeline)),
            Box::new(Sentiment::new(core.sentiment.clone(), Vec::new(), BTreeMap::new())),
            Box::new(Technical::new()),
            Box::new(Predictor::new(models, FeatureSet::built_in().schema(), Box::new(move |at| fees.round_trip(at)))),
            Box::new(Whale::new(core.whale.clone())),
            Box::new(RiskManager::new(core)),
            Box::new(Optimizer::new(core.portfolio.clone(), core.risk.clone())),
            Box::new(HealthMonitor::new(core)),
        ];
        let brains = brains.into_iter().map(|b| (b.kind(), b)).collect();
        Self { session, brains, records: Vec::new(), silent: Vec::new() }
    }

    /// One batch through everything it causes.
    pub fn feed(&mut self, batch: RawBatch) {
        let mut queue = std::collections::VecDeque::from([Event::Market(Arc::new(batch))]);
        while let Some(event) = queue.pop_front() {
            for effect in self.session.step(&event) {
                match effect {
                    Effect::Ask(ask) => {
                        let (cycle, agent) = (ask.cycle, ask.to);
                        let answer = if self.silent.contains(&agent) {
                            Event::Missed { cycle, agent, why: "silenced by the test".to_owned() }
                        } else {
                            match self.brains.get_mut(&agent).expect("all eight").handle(&ask) {
                                Ok(reply) => Event::Reply(Box::new(reply)),
                                Err(error) => Event::Missed { cycle, agent, why: error.to_string() },
                            }
                        };
                        queue.push_back(answer);
                    }
                    Effect::Record(record) => self.records.push(*record),
                    _ => {}
                }
            }
        }
    }
}

/// The replayed batches of a recording, up to `until`.
pub fn batches(trading_from: UtcMs, until: UtcMs) -> (Vec<(Pair, Interval)>, Vec<RawBatch>) {
    let recording = Recording::open(&recording_dir()).expect("the recording opens");
    let rows = recording.load_replay().expect("rows");
    let batches = recording.batches(rows, trading_from).take_while(|b| b.at <= until).collect();
    (recording.universe(), batches)
}
