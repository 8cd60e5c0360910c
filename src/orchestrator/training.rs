//! From the recorded history to trained models.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::OrchestratorError;
use super::recompute::{Accepted, Again};
use crate::broker::fees::FeeSchedule;
use crate::domain::RawCandle;
use crate::domain::market::Bar;
use crate::domain::pair::{Interval, Pair, Venue};
use crate::domain::plan::Horizon;
use crate::domain::settings::CoreSettings;
use crate::domain::snapshot::Progress;
use crate::domain::time::{HOUR_MS, UtcMs};
use crate::ml::model::Model;
use crate::ml::{Material, MlError, Trained, TrainingRow, TrainingSeries, Watch, train};
use crate::pipeline::{FeatureEngine, FeatureSet, Validator};
use crate::store::lake::{self, Filter, Scan, Series, VenueName};
use crate::store::{Recording, Registry, StoreError};

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

/// Loads the models in force for these settings, or earlier ones where those are damaged; trains where none can be used.
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
    watch: Watch<'_>,
) -> Result<Vec<Arc<Model>>, OrchestratorError> {
    let registry = Registry::open(models_dir)?;
    let universe = universe(core, training_cost(core, trading_from));
    let mut stored = Vec::new();
    let mut settled = true;
    for horizon in core.training.exits.iter().map(|exit| exit.horizon) {
        let read = |text: &str| Model::from_json(text, features.schema());
        match registry.load_in_force(&universe, horizon, now, read) {
            Ok(Some(found)) => stored.push(Arc::new(found.model)),
            // The same data would be too little again.
            Ok(None) => match registry.refusal(&universe, horizon)? {
                Some(reason) => tracing::info!(horizon = %horizon, reason, "there is no model of this horizon"),
                None => settled = false,
            },
            Err(error @ StoreError::BadModel { .. }) => {
                tracing::warn!(error = %error, horizon = %horizon, "no stored model is usable; training anew");
                settled = false;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if settled && !stored.is_empty() {
        return Ok(stored);
    }
    let trained = train_models(core, features, models_dir, recording, trading_from, now, watch)?;
    // Beside a usable model in force the new one is a candidate, and a session does not follow candidates.
    let kept = |model: Model| {
        let horizon = model.card.horizon;
        stored.iter().find(|kept| kept.card.horizon == horizon).map_or_else(|| Arc::new(model), Arc::clone)
    };
    Ok(trained.into_iter().flatten().map(|t| kept(t.model)).collect())
}

/// Trains one model per horizon from the recording's hourly history. Where no usable one is in force the new one is; elsewhere it becomes the
/// candidate. A horizon that gets no model is left out, and the registry keeps the reason.
///
/// # Errors
/// When the recording cannot be read, there is too little data for every horizon, training was stopped, or the registry cannot be written.
pub fn train_models(
    core: &CoreSettings,
    features: &Arc<FeatureSet>,
    models_dir: &Path,
    recording: &Recording,
    trading_from: UtcMs,
    now: UtcMs,
    watch: Watch<'_>,
) -> Result<Vec<Result<Trained, MlError>>, OrchestratorError> {
    let cost = training_cost(core, trading_from);
    let registry = Registry::open(models_dir)?;
    let universe = universe(core, cost);
    let candles = recording.training_series(core.training.to)?;
    let trained = train_on(core, features, &candles, cost, now, watch)?;
    for (exit, outcome) in core.training.exits.iter().zip(&trained) {
        let horizon: Horizon = exit.horizon;
        match outcome {
            Ok(Trained { model, .. }) => {
                registry.save(&universe, horizon, &model.card.version, model, &model.card)?;
                let read = |text: &str| Model::from_json(text, features.schema());
                let admitted = registry.admit(&universe, horizon, &model.card.version, now, read)?;
                tracing::info!(horizon = %horizon, version = %model.card.version, ?admitted, "model trained and stored");
            }
            Err(error) => {
                tracing::warn!(horizon = %horizon, error = %error, "no model of this horizon");
                registry.refuse(&universe, horizon, &error.to_string())?;
            }
        }
    }
    registry.trial_file().enter(trained.iter().flatten().flat_map(Trained::trials).cloned().collect())?;
    match trained.iter().find_map(|outcome| outcome.as_ref().err()) {
        Some(error) if trained.iter().all(Result::is_err) => Err(error.clone().into()),
        _ => Ok(trained),
    }
}

/// Round trip at an instant, as a share of the notional.
#[must_use]
pub fn training_cost(core: &CoreSettings, trading_from: UtcMs) -> f64 {
    FeeSchedule::with_settings(&core.paper).round_trip(trading_from)
}

/// Trains one model per horizon on hourly candles of some pairs and stores nothing.
///
/// # Errors
/// When the feature set or a setting does not fit, or training was stopped; per horizon whatever kept it from its model.
pub fn train_on(
    core: &CoreSettings,
    features: &FeatureSet,
    candles: &[(Pair, Vec<RawCandle>)],
    cost: f64,
    now: UtcMs,
    watch: Watch<'_>,
) -> Result<Vec<Result<Trained, MlError>>, OrchestratorError> {
    let (series, again) = series(core, features, candles, watch)?;
    let watched = again.watched();
    let material = Material { series: &series, schema: features.schema(), watched: &watched, recompute: &again };
    Ok(train(&material, &core.training, &core.gate, cost, now, watch)?)
}

/// Hourly candles of every pair of a venue in the lake that were over at `until`; empty when it has none.
///
/// # Errors
/// [`StoreError`] when the lake cannot be read.
pub fn lake_series(folder: &Path, venue: &VenueName, until: UtcMs) -> Result<Vec<(Pair, Vec<RawCandle>)>, StoreError> {
    lake_candles(folder, &Filter { venue: Some(venue.clone()), pair: None }, Interval::H1, until)
}

/// The same for candles of any length, and for one pair where the filter names one.
///
/// # Errors
/// [`StoreError`] when the lake cannot be read.
pub fn lake_candles(
    folder: &Path,
    filter: &Filter,
    interval: Interval,
    until: UtcMs,
) -> Result<Vec<(Pair, Vec<RawCandle>)>, StoreError> {
    let mut keys = lake::names(folder, filter)?;
    keys.retain(|key| key.series == Series::Candles(interval));
    keys.sort();
    let mut all = Vec::new();
    for key in keys {
        let pair = key.pair.clone();
        let mut rows = Vec::new();
        for batch in Scan::new(folder, key).candles()? {
            // The kind of venue plays no part in the checks of one series.
            let raw = batch?.into_iter().map(|row| row.raw(&pair, Venue::Kraken, interval));
            rows.extend(raw.filter(|r| r.open_time.plus(interval.ms()) <= until));
        }
        all.push((pair, rows));
    }
    Ok(all)
}

/// Features over the hourly history, through the same checks and kernels as live data.
fn series(
    core: &CoreSettings,
    features: &FeatureSet,
    sources: &[(Pair, Vec<RawCandle>)],
    watch: Watch<'_>,
) -> Result<(Vec<TrainingSeries>, Again), OrchestratorError> {
    // What models do not see is not computed.
    let features = Arc::new(features.for_training()?);
    let total = sources.iter().map(|(_, rows)| rows.len() as u64).sum();
    let mut done = 0;
    let (mut all, mut pairs) = (Vec::new(), Vec::new());
    for (pair, rows) in sources {
        if !(watch.go_on)() {
            return Err(MlError::Stopped.into());
        }
        (watch.progress)(Progress { label: format!("features of {pair}"), done, total });
        done += rows.len() as u64;
        let (series, accepted) = one_series(core, &features, pair.clone(), rows);
        all.push(series);
        pairs.push(accepted);
    }
    Ok((all, Again { features, pipeline: core.pipeline.clone(), pairs }))
}

fn one_series(
    core: &CoreSettings,
    features: &Arc<FeatureSet>,
    pair: Pair,
    rows: &[RawCandle],
) -> (TrainingSeries, Accepted) {
    let mut validator = Validator::new(std::slice::from_ref(&pair), &core.pipeline);
    let mut engine = FeatureEngine::new(Arc::clone(features), &core.pipeline);
    let mut out = Vec::new();
    let mut accepted = Accepted { bars: Vec::new(), first: 0 };
    let mut expected: Option<UtcMs> = None;
    // Every feature agrees with one that saw all of history when the first sample comes.
    let from = core.training.from.plus(-2 * HOUR_MS * features.agreement() as i64);
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
        accepted.bars.push((bar, after_hole));
        if bar.open_time < core.training.from {
            accepted.first += 1;
        } else {
            out.push(TrainingRow {
                bar,
                features: output.features.inputs().ok().map(|values| values.iter().map(|v| *v as f32).collect()),
                sigma24: output.indicators.sigma24,
                after_hole: after_hole || out.is_empty(),
            });
        }
    }
    (TrainingSeries { pair, rows: out }, accepted)
}
