//! From the recorded history to trained models.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::OrchestratorError;
use crate::broker::fees::FeeSchedule;
use crate::domain::market::Bar;
use crate::domain::pair::{Interval, Pair};
use crate::domain::plan::Horizon;
use crate::domain::settings::CoreSettings;
use crate::domain::snapshot::Progress;
use crate::domain::time::{HOUR_MS, UtcMs};
use crate::ml::model::Model;
use crate::ml::training::train;
use crate::ml::{TrainingRow, TrainingSeries};
use crate::pipeline::{FeatureEngine, FeatureSet, Validator};
use crate::store::{Recording, Registry};

/// Shows how far training is.
pub type OnProgress<'a> = dyn Fn(Progress) + Sync + 'a;

/// The folder of the models that belong to these settings: other exits, costs, data or seed are other models.
#[must_use]
pub fn universe(core: &CoreSettings, cost: f64) -> String {
    let text = serde_json::json!({
        "training": core.training,
        "gate": core.gate.threshold,
        "pipeline": core.pipeline,
        "cost": cost,
    });
    let digest = Sha256::digest(text.to_string().as_bytes());
    let hash: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("kraken-usd-{hash}")
}

/// Loads the newest models of these settings, or trains and stores them.
///
/// # Errors
/// [`OrchestratorError`] when the recording cannot be read, there is too little data, or the registry cannot be written.
pub fn load_or_train(
    core: &CoreSettings,
    features: &Arc<FeatureSet>,
    models_dir: &Path,
    recording: &Recording,
    trading_from: UtcMs,
    now: UtcMs,
    progress: &OnProgress<'_>,
) -> Result<Vec<Arc<Model>>, OrchestratorError> {
    let cost = FeeSchedule::with_settings(&core.paper).round_trip(trading_from);
    let registry = Registry::open(models_dir)?;
    let universe = universe(core, cost);
    let mut models = Vec::new();
    for exit in &core.training.exits {
        let Some(model) = registry.load_current::<Model>(&universe, exit.horizon)? else { break };
        match model.check(features.schema()) {
            Ok(()) => models.push(Arc::new(model)),
            Err(error) => {
                tracing::warn!(error = %error, horizon = %exit.horizon, "stored model is not usable; training anew");
                break;
            }
        }
    }
    if models.len() == core.training.exits.len() {
        return Ok(models);
    }
    train_models(core, features, models_dir, recording, trading_from, now, progress)
}

/// Trains one model per horizon from the recording's hourly history. Where no usable one is in force the new one is; elsewhere it becomes the candidate.
///
/// # Errors
/// When the recording cannot be read, there is too little data, or the registry cannot be written.
pub fn train_models(
    core: &CoreSettings,
    features: &Arc<FeatureSet>,
    models_dir: &Path,
    recording: &Recording,
    trading_from: UtcMs,
    now: UtcMs,
    progress: &OnProgress<'_>,
) -> Result<Vec<Arc<Model>>, OrchestratorError> {
    let cost = FeeSchedule::with_settings(&core.paper).round_trip(trading_from);
    let registry = Registry::open(models_dir)?;
    let universe = universe(core, cost);
    let series = series(core, features, recording, progress)?;
    let trained = train(&series, features.schema(), &core.training, core.gate.threshold, cost, now, progress)?;
    drop(series);
    let mut models = Vec::new();
    for model in trained {
        let horizon: Horizon = model.card.exits.horizon;
        registry.save(&universe, horizon, &model.card.version, &model, &model.card)?;
        let read = |text: &str| Model::from_json(text, features.schema());
        let admitted = registry.admit(&universe, horizon, &model.card.version, now, read)?;
        tracing::info!(horizon = %horizon, version = %model.card.version, ?admitted, "model trained and stored");
        models.push(Arc::new(model));
    }
    Ok(models)
}

/// Features over the hourly history, through the same checks and kernels as live data.
fn series(
    core: &CoreSettings,
    features: &FeatureSet,
    recording: &Recording,
    progress: &OnProgress<'_>,
) -> Result<Vec<TrainingSeries>, OrchestratorError> {
    // What models do not see is not computed.
    let features = Arc::new(features.for_training()?);
    let sources = recording.training_series(core.training.to)?;
    let total = sources.iter().map(|(_, rows)| rows.len() as u64).sum();
    let mut done = 0;
    let mut all = Vec::new();
    for (pair, rows) in sources {
        progress(Progress { label: format!("features of {pair}"), done, total });
        done += rows.len() as u64;
        all.push(one_series(core, &features, pair, &rows));
    }
    Ok(all)
}

fn one_series(
    core: &CoreSettings,
    features: &Arc<FeatureSet>,
    pair: Pair,
    rows: &[crate::domain::RawCandle],
) -> TrainingSeries {
    let mut validator = Validator::new(std::slice::from_ref(&pair), &core.pipeline);
    let mut engine = FeatureEngine::new(Arc::clone(features), &core.pipeline);
    let mut out = Vec::new();
    let mut expected: Option<UtcMs> = None;
    // The windows fill before the first sample: bars from a little before the training span are enough for them.
    let from = core.training.from.plus(-2 * HOUR_MS * features.warm_up() as i64);
    for row in rows.iter().filter(|r| r.open_time >= from) {
        let now = row.open_time.plus(row.interval.ms());
        let Ok(candle) = validator.check(row, now) else { continue };
        let bar = Bar::from(&candle);
        let after_hole = expected.is_some_and(|t| t != bar.open_time);
        if after_hole {
            engine.reset();
        }
        expected = Some(bar.open_time.plus(Interval::H1.ms()));
        let output = engine.push(&bar);
        if bar.open_time >= core.training.from {
            out.push(TrainingRow {
                bar,
                features: output.features.inputs().ok(),
                sigma24: output.indicators.sigma24,
                after_hole: after_hole || out.is_empty(),
            });
        }
    }
    TrainingSeries { pair, rows: out }
}
