//! Where a backtest's models come from, and when they are replaced.

use serde::Serialize;

use super::Plan;
use crate::domain::plan::Horizon;
use crate::domain::time::{DAY_MS, UtcMs};
use crate::ml::Watch;
use crate::ml::model::Model;
use crate::ml::online::Follower;
use crate::orchestrator::shelf::InUse;
use crate::orchestrator::{OrchestratorError, model_universe, train_on, training_cost};
use crate::store::Registry;

/// Which models decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Models {
    /// Trained inside the test on what was known by then: before it begins and, unless 0, again whenever this many days have passed.
    WalkForward { days: u32 },
    /// Those in force. They must have been trained on data from before the test.
    InForce,
}

/// One training inside the test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Training {
    /// The last instant that it knew.
    pub to: UtcMs,
    pub horizon: Horizon,
    /// The version, or why there is no new one (an earlier one stays in use).
    pub outcome: Result<String, String>,
}

/// The models of a test.
pub(super) struct Shelf {
    in_use: InUse,
    days: Option<i64>,
    last: UtcMs,
    trainings: Vec<Training>,
}

impl Shelf {
    pub(super) fn new(plan: &Plan<'_>, watch: Watch<'_>) -> Result<Self, OrchestratorError> {
        let mut shelf = Self { in_use: InUse::default(), days: None, last: plan.from, trainings: Vec::new() };
        match plan.models {
            Models::InForce => {
                for model in in_force(plan)? {
                    shelf.in_use.replace(model);
                }
            }
            Models::WalkForward { days } => {
                shelf.days = (days > 0).then_some(i64::from(days));
                shelf.train(plan, plan.from, watch)?;
            }
        }
        if shelf.in_use.all().is_empty() {
            let whys: Vec<String> = shelf.trainings.iter().filter_map(|t| t.outcome.clone().err()).collect();
            return Err(OrchestratorError::Backtest(format!(
                "there is no model that knows only what came before {}: {}",
                plan.from.minute(),
                if whys.is_empty() { "none is in force".to_owned() } else { whys.join("; ") }
            )));
        }
        Ok(shelf)
    }

    pub(super) const fn in_use(&self) -> &InUse {
        &self.in_use
    }

    pub(super) fn followers(&self) -> Vec<Follower> {
        let models = self.in_use.all();
        models.iter().map(|model| Follower::new(model, models.len() as u32)).collect()
    }

    pub(super) fn is_due(&self, at: UtcMs) -> bool {
        self.days.is_some_and(|days| at.since(self.last) >= days * DAY_MS)
    }

    /// Trains on what was over by the day of `at`, and puts in use what came of it.
    pub(super) fn train(&mut self, plan: &Plan<'_>, at: UtcMs, watch: Watch<'_>) -> Result<(), OrchestratorError> {
        let until = at.day();
        self.last = at;
        let mut core = plan.settings.core.clone();
        core.training.to = until;
        let candles = plan.market.history(until)?;
        let cost = training_cost(&core, plan.from);
        let outcomes = train_on(&core, plan.features, &candles, cost, plan.now, watch)?;
        for (exit, outcome) in core.training.exits.iter().zip(outcomes) {
            let outcome = match outcome {
                Ok(trained) => {
                    let version = trained.model.card.version.clone();
                    self.in_use.replace(trained.model);
                    Ok(version)
                }
                Err(error) => Err(error.to_string()),
            };
            self.trainings.push(Training { to: until, horizon: exit.horizon, outcome });
        }
        Ok(())
    }

    pub(super) fn into_trainings(self) -> Vec<Training> {
        self.trainings
    }
}

/// The models in force, if all their data lie before the test.
fn in_force(plan: &Plan<'_>) -> Result<Vec<Model>, OrchestratorError> {
    let settings = plan.settings;
    let registry = Registry::open(&plan.home.join(&settings.models.dir))?;
    let universe = model_universe(&settings.core, training_cost(&settings.core, settings.replay.trading_from));
    let read = |text: &str| Model::from_json(text, plan.features.schema());
    let mut models = Vec::new();
    for exit in &settings.core.training.exits {
        let Some(found) = registry.load_in_force(&universe, exit.horizon, plan.now, read)? else { continue };
        let model = found.model;
        if model.card.data_to > plan.from {
            return Err(OrchestratorError::Backtest(format!(
                "{} was trained up to {} and would know what it is tested on; begin with --from {} or later, or let the test train its own (--models walk-forward)",
                model.card.version,
                model.card.data_to.minute(),
                model.card.data_to.minute(),
            )));
        }
        models.push(model);
    }
    Ok(models)
}
