//! Training beside a running session: when the models have grown old, or drift asks for it, candidates are trained from the history known by
//! then. They wait for a person; nothing promotes itself.
//!
//! It works in a pool of one thread, so that the session keeps its own, and ends when the session does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Launch, OrchestratorError, SourceKind, training};
use crate::domain::command::Speed;
use crate::domain::drift::DriftAction;
use crate::domain::snapshot::Progress;
use crate::domain::time::{DAY_MS, UtcMs};
use crate::ml::{MlError, Trained, Watch};
use crate::store::Recording;
use crate::store::lake::VenueName;

/// What a training came to, per horizon.
pub(super) type Candidates = Result<Vec<Result<Trained, MlError>>, OrchestratorError>;

/// Days of data between two trainings, however loud the drift.
const LEAST_DAYS: i64 = 7;

/// See the module's description.
pub(super) struct Retraining {
    /// Days of data after which models are old; `None` when nothing is trained beside the session.
    every: Option<i64>,
    /// Data time of the last training's end.
    last: Option<UtcMs>,
    running: Option<JoinHandle<Candidates>>,
    stop: Arc<AtomicBool>,
    progress: watch::Receiver<Option<Progress>>,
}

impl Retraining {
    /// `trained_to` is where the data of the models in use end. A recording that is played at full speed trains nothing: it would be over first.
    pub(super) fn new(launch: &Launch, trained_to: Option<UtcMs>) -> Self {
        let days = i64::from(launch.settings.models.retrain_days);
        let hurried = launch.source == SourceKind::Replay && launch.speed == Speed::Max;
        Self {
            every: (days > 0 && !hurried).then_some(days),
            last: trained_to,
            running: None,
            stop: Arc::new(AtomicBool::new(false)),
            progress: watch::channel(None).1,
        }
    }

    /// Whether a training should begin at `now`, with the worst drift of the models in use.
    pub(super) fn is_due(&self, now: UtcMs, drift: DriftAction) -> bool {
        let (Some(every), None) = (self.every, &self.running) else { return false };
        let wanted = if drift >= DriftAction::RetrainCandidate { every.min(LEAST_DAYS) } else { every };
        self.last.is_some_and(|last| now.since(last) >= wanted * DAY_MS)
    }

    /// Begins to train on the history up to the day of `now`.
    pub(super) fn begin(&mut self, launch: &Launch, trading_from: UtcMs, now: UtcMs) {
        let until = now.day();
        self.last = Some(until);
        let (tell, progress) = watch::channel(None);
        self.progress = progress;
        let (settings, features, home) = (launch.settings.clone(), Arc::clone(&launch.features), launch.home.clone());
        let (source, at, stop) = (launch.source, launch.clock.now(), Arc::clone(&self.stop));
        self.running = Some(tokio::task::spawn_blocking(move || {
            let mut core = settings.core.clone();
            core.training.to = until;
            let candles = match source {
                SourceKind::Replay => {
                    Recording::open(&home.join(&settings.replay.recording))?.training_series(until)?
                }
                SourceKind::Kraken => {
                    training::lake_series(&home.join("data").join("lake"), &VenueName::kraken(), until)?
                }
            };
            let report = |p: Progress| {
                tell.send_replace(Some(p));
            };
            let go_on = || !stop.load(Ordering::Relaxed);
            let cost = training::training_cost(&core, trading_from);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            let pool = pool.map_err(|e| OrchestratorError::Task(e.to_string()))?;
            let watch = Watch { progress: &report, go_on: &go_on };
            pool.install(|| training::train_on(&core, &features, &candles, cost, at, watch))
        }));
    }

    /// Where the training is; `None` when none runs.
    pub(super) fn progress(&self) -> Option<Progress> {
        self.running.as_ref().and(self.progress.borrow().clone())
    }

    /// The end of the training that runs; never, when none does.
    pub(super) async fn done(&mut self) -> Candidates {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let outcome = running.await;
        self.running = None;
        outcome.map_err(|e| OrchestratorError::Task(e.to_string()))?
    }

    /// Ends a training that runs, at its next step.
    pub(super) fn cancel(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
