//! The single writer of state: runs the analysis cycle, answers commands, publishes snapshots, shuts down in order.
//!
//! Serves the interfaces through [`Handle`]; drives the pure [`PaperSession`](crate::decision::session::PaperSession) with
//! recorded data and the answers of the eight agents, and writes what it decides to the journal before anyone is told of it. Always true:
//! nothing is shown that is not on disk; a stopped or killed run continues from its last checkpoint with the same account.

mod analysis;
pub mod backtest;
mod brains;
mod conductor;
mod direct;
mod error;
mod feed;
pub mod handle;
mod market;
mod picture;
mod recompute;
mod retraining;
mod shelf;
mod source;
pub mod standin;
mod startup;
mod summary;
mod training;

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

pub use error::OrchestratorError;
pub use handle::{Handle, NotTaken, Pending, Ports, connect};
pub use summary::{AccountResult, Summary};
pub use training::{lake_candles, lake_series, train_models, train_on, training_cost, universe as model_universe};

use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::command::Speed;
use crate::domain::snapshot::ServiceView;
use crate::pipeline::FeatureSet;
use crate::store::lake::Recorder;

/// Where market data come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Kraken, live.
    Kraken,
    /// A recording, played by the stand-in exchange.
    Replay,
}

impl SourceKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kraken => "kraken",
            Self::Replay => "replay",
        }
    }
}

/// What a run is started with.
pub struct Launch {
    pub settings: Settings,
    /// What is computed of the data, and what models see of it.
    pub features: Arc<FeatureSet>,
    /// Folder that holds `config/`, `data/`, `models/` and `logs/`.
    pub home: PathBuf,
    /// Hash of the settings that decide: written to the journal with every session.
    pub config_hash: String,
    pub source: SourceKind,
    /// Why this source was taken.
    pub source_reason: String,
    /// Pace of a replay; live data set their own.
    pub speed: Speed,
    /// Begin a new paper account even if one could be continued.
    pub fresh: bool,
    /// Stop when the recording has been played.
    pub until_end: bool,
    pub clock: Arc<dyn Clock>,
    /// Where closed candles of a live session go.
    pub recorder: Option<Recorder>,
    /// Key of the language model, where one is kept.
    pub openai_key: Option<SecretString>,
    /// The services that listen, for the screen.
    pub services: Vec<ServiceView>,
    /// Log lines dropped so far.
    pub lost_logs: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// Runs until the recording ends (with `until_end`), a shutdown is asked for or `stop` is cancelled.
///
/// # Errors
/// [`OrchestratorError`] when something the run cannot do without is missing or broken; its text says what to do.
pub async fn run(mut ports: Ports, launch: Launch, stop: CancellationToken) -> Result<Summary, OrchestratorError> {
    let mut picture = picture::Picture::new(&launch);
    picture.publish(&ports.snapshots);
    let started = startup::start(&mut ports, &mut picture, &launch, &stop).await;
    let result = match started {
        Ok(Some(ready)) => conductor::Conductor::new(ready, picture, ports, launch).run(stop).await,
        Ok(None) => Ok(Summary::default()), // asked to stop while starting
        Err(error) => {
            picture.fail(&error.to_string());
            picture.publish(&ports.snapshots);
            Err(error)
        }
    };
    if let Err(error) = &result {
        tracing::error!(error = %error, class = error.class().as_str(), "the run ended with an error");
    }
    result
}
