//! Models while the session runs: candidates trained beside it, and the way back to an earlier version.

use super::{Candidates, Conductor};
use crate::domain::agent::AgentKind;
use crate::domain::alert::Severity;
use crate::domain::command::Ack;
use crate::domain::drift::DriftAction;
use crate::domain::error::ErrorClass;
use crate::domain::event::Event;
use crate::domain::plan::Horizon;
use crate::domain::time::UtcMs;
use crate::ml::MlError;
use crate::orchestrator::OrchestratorError;

impl Conductor {
    /// Begins to train candidates where that is due.
    pub(super) fn retrain(&mut self, at: UtcMs) {
        let followers = self.session.engine().followers();
        let drift = followers.iter().map(|f| f.action()).max().unwrap_or(DriftAction::None);
        if self.warmup || !self.retraining.is_due(at, drift) {
            return;
        }
        self.retraining.begin(&self.launch, self.trading_from, at);
        self.say("training candidates beside the session; nothing changes until a person promotes them");
    }

    /// A training beside the session has ended.
    pub(super) fn trained(&mut self, outcome: Candidates) -> Result<(), OrchestratorError> {
        self.dirty = true;
        self.picture.snapshot.progress = None;
        let trained = match outcome {
            Ok(trained) => trained,
            Err(error) => return self.not_trained(&error.to_string()),
        };
        for one in trained {
            match one {
                Ok(trained) => {
                    let card = &trained.model.card;
                    let shelf = &self.shelf;
                    tokio::task::block_in_place(|| shelf.propose(&trained))?;
                    self.say(&format!(
                        "{} is a candidate for {}, trained up to {}: 'cst models compare --horizon {}'",
                        card.version,
                        card.horizon,
                        card.data_to.minute(),
                        card.horizon.0
                    ));
                }
                Err(MlError::Stopped) => return Ok(()),
                Err(error) => self.not_trained(&error.to_string())?,
            }
        }
        self.show_models();
        Ok(())
    }

    fn not_trained(&mut self, why: &str) -> Result<(), OrchestratorError> {
        self.pump(Event::Recovery {
            agent: AgentKind::MlPredictor,
            class: ErrorClass::Model,
            severity: Severity::Info,
            text: format!("no candidate was trained: {why}"),
        })
    }

    /// Puts the version before the one in force back, and lets it be followed from its training on.
    pub(super) fn roll_back(&mut self, horizon: Horizon) -> Ack {
        let now = self.launch.clock.now();
        let shelf = &self.shelf;
        match tokio::task::block_in_place(|| shelf.rollback(horizon, now)) {
            Ok(done) => {
                let followers = self.shelf.followers();
                self.session.follow(followers, &[]);
                self.show_models();
                self.say(&format!("{} is in force for {horizon} again, in place of {}", done.to, done.from));
                Ack::Accepted
            }
            Err(error) => Ack::Refused { reason: error.to_string() },
        }
    }

    /// The models in use, anew; how they do comes with the next picture.
    fn show_models(&mut self) {
        let live: Vec<_> = std::mem::take(&mut self.picture.snapshot.models);
        self.picture.snapshot.models = self.shelf.views();
        for view in &mut self.picture.snapshot.models {
            let same = live.iter().find(|old| old.horizon == view.horizon && old.version == view.version);
            view.live = same.and_then(|old| old.live.clone());
        }
    }
}
