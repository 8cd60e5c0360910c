//! The models of a session: what the ML Predictor uses, and how a person changes it while the session runs.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use super::OrchestratorError;
use crate::domain::plan::Horizon;
use crate::domain::snapshot::ModelView;
use crate::domain::time::UtcMs;
use crate::ml::Trained;
use crate::ml::model::Model;
use crate::ml::online::Follower;
use crate::pipeline::FeatureSet;
use crate::store::{Change, Registry, RolledBack, StoreError, Who};

/// The models in use, shared with the agent that predicts: a new brain of it takes them when it starts.
#[derive(Debug, Clone, Default)]
pub(super) struct InUse(Arc<RwLock<Vec<Arc<Model>>>>);

impl InUse {
    pub(super) fn new(models: Vec<Arc<Model>>) -> Self {
        Self(Arc::new(RwLock::new(models)))
    }

    pub(super) fn all(&self) -> Vec<Arc<Model>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replace(&self, model: Model) {
        let mut models = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let model = Arc::new(model);
        match models.iter_mut().find(|m| m.card.horizon == model.card.horizon) {
            Some(slot) => *slot = model,
            None => models.push(model),
        }
    }
}

/// The registry, as a session sees it.
pub(super) struct Shelf {
    registry: Registry,
    universe: String,
    features: Arc<FeatureSet>,
    in_use: InUse,
}

impl Shelf {
    pub(super) fn open(
        models_dir: &Path,
        universe: String,
        features: Arc<FeatureSet>,
        in_use: InUse,
    ) -> Result<Self, OrchestratorError> {
        Ok(Self { registry: Registry::open(models_dir)?, universe, features, in_use })
    }

    /// Followers of the models in use, as they come from training.
    pub(super) fn followers(&self) -> Vec<Follower> {
        let models = self.in_use.all();
        models.iter().map(|model| Follower::new(model, models.len() as u32)).collect()
    }

    /// The models in use with what stands beside them in the registry.
    pub(super) fn views(&self) -> Vec<ModelView> {
        self.in_use.all().iter().map(|model| self.view(model)).collect()
    }

    fn view(&self, model: &Model) -> ModelView {
        let horizon = model.card.horizon;
        // A registry that cannot be read is told of by whatever next needs it; here the names are left out.
        let previous = self.registry.previous(&self.universe, horizon).ok().flatten();
        let candidate = self.registry.candidate(&self.universe, horizon).ok().flatten();
        ModelView { previous, candidate, ..model.view() }
    }

    /// When the newest model in use was trained to, per horizon.
    pub(super) fn trained_to(&self) -> Option<UtcMs> {
        self.in_use.all().iter().map(|m| m.card.data_to).max()
    }

    /// Puts the version before the one in force back in force, and in use.
    pub(super) fn rollback(&self, horizon: Horizon, now: UtcMs) -> Result<RolledBack, StoreError> {
        if let Some(version) = self.registry.previous(&self.universe, horizon)? {
            self.read(horizon, &version)?;
        }
        let change = Change { at: now, by: Who::Console, reason: "asked for on the Models screen".to_owned() };
        let done = self.registry.rollback(&self.universe, horizon, &change)?;
        self.in_use.replace(self.read(horizon, &done.to)?);
        Ok(done)
    }

    /// Stores a newly trained model beside the one in force.
    pub(super) fn propose(&self, trained: &Trained) -> Result<(), StoreError> {
        let model = &trained.model;
        let card = &model.card;
        self.registry.trial_file().enter(trained.trials().cloned().collect())?;
        self.registry.save(&self.universe, card.horizon, &card.version, model, card)?;
        self.registry.propose(&self.universe, card.horizon, &card.version)
    }

    fn read(&self, horizon: Horizon, version: &str) -> Result<Model, StoreError> {
        let text = self.registry.text(&self.universe, horizon, version)?;
        Model::from_json(&text, self.features.schema())
            .map_err(|e| StoreError::Models { path: version.into(), reason: e.to_string() })
    }
}
