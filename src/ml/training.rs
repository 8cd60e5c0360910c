//! Training: one model per exit plan, with the proof of what it is worth.
//!
//! Per exit plan: label → leakage check → expanding purged walk-forward → calibrate on the out-of-sample scores → judge
//! with calibrators that know earlier blocks only → fit once more on everything. Nothing outside `settings.from..settings.to` is read.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::settings::TrainingSettings;
use crate::domain::snapshot::Progress;
use crate::domain::{ExitPlan, Horizon, Schema, UtcMs};

use super::calibration::Calibrator;
use super::conformal;
use super::crossfit::{ALPHA, crossfit, pairs_with_samples, scored};
use super::cv::{Fold, overlaps, purged_walk_forward};
use super::dataset::{Dataset, TrainingSeries};
use super::error::MlError;
use super::evidence::{Bootstrap, gate_evidence};
use super::leakage::{self, Dropped};
use super::model::{FORMAT, Model, ModelCard};
use super::numbers::{quantile_sorted, sorted, tidy};
use super::returns::choose_penalty;
use super::scaler::Input;
use super::walk::{Fitted, OutOfSample, Recipe, base_rate, fit_blocks, judge_folds};

/// Labelled rows, effective observations, and rows of each outcome that a model needs at least.
pub const MIN_ROWS: usize = 500;
pub const MIN_N_EFF: f64 = 100.0;
pub const MIN_PER_CLASS: usize = 30;

/// Trains one model per entry of `settings.exits`, in their order, on rows of the model inputs of `schema`.
///
/// `cost` is the round trip as a share of the notional, `gate_threshold` the confidence at which the evidence is counted. Runs on the
/// current rayon pool; the result is the same for any number of threads.
///
/// # Errors
/// [`MlError`]; no model is returned when any of them fails.
pub fn train(
    series: &[TrainingSeries],
    schema: &Schema,
    settings: &TrainingSettings,
    gate_threshold: f64,
    cost: f64,
    trained_at: UtcMs,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Vec<Model>, MlError> {
    check(settings, gate_threshold, cost)?;
    let total = settings.exits.len() as u64 * u64::from(settings.folds + 1) * u64::from(settings.members);
    let done = AtomicU64::new(0);
    let run = Run { series, schema, settings, gate: tidy(gate_threshold), cost: tidy(cost), trained_at };
    settings
        .exits
        .iter()
        .map(|exits| {
            let label = format!("training the {} model", exits.horizon);
            progress(Progress { label: label.clone(), done: done.load(Ordering::Relaxed), total });
            run.one(exits, &|| {
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                progress(Progress { label: label.clone(), done, total });
            })
        })
        .collect()
}

struct Run<'a> {
    series: &'a [TrainingSeries],
    schema: &'a Schema,
    settings: &'a TrainingSettings,
    gate: f64,
    cost: f64,
    trained_at: UtcMs,
}

/// What the walk-forward showed, before it becomes a model.
struct Walk<'a> {
    folds: Vec<Fold>,
    rows: Vec<OutOfSample<'a>>,
    all: Fitted,
}

impl Run<'_> {
    fn one(&self, exits: &ExitPlan, done: &(dyn Fn() + Sync)) -> Result<Model, MlError> {
        let horizon = exits.horizon;
        let exits = ExitPlan {
            horizon,
            target_multiple: tidy(exits.target_multiple),
            stop_multiple: tidy(exits.stop_multiple),
        };
        let data = Dataset::build(self.series, self.settings, &exits, self.cost);
        enough(&data)?;
        let inputs = Input::of(self.schema);
        let dropped = leakage::inspect(&data, &inputs);
        let keep = kept(inputs, &dropped, horizon)?;
        let folds = self.folds(&data)?;
        let fit_error = |what: String| MlError::Fit { horizon, what };
        let first = folds.first().map(|f| data.pick(&f.train)).unwrap_or_default();
        let recipe = Recipe {
            data: &data,
            keep: &keep,
            settings: self.settings,
            penalty: choose_penalty(&first, &keep, horizon.ms()).map_err(fit_error)?,
        };
        let mut blocks: Vec<Vec<usize>> = folds.iter().map(|f| f.train.clone()).collect();
        blocks.push((0..data.samples.len()).collect());
        let mut fitted = fit_blocks(&recipe, &blocks, done).map_err(fit_error)?;
        let all = fitted.pop().ok_or_else(|| fit_error("there was nothing to fit".to_owned()))?;
        let rows = judge_folds(&data, &folds, &fitted).map_err(fit_error)?;
        self.model(&recipe, Walk { folds, rows, all }, dropped)
    }

    /// The walk-forward, audited, with both outcomes in every training block.
    fn folds(&self, data: &Dataset) -> Result<Vec<Fold>, MlError> {
        let horizon = data.exits.horizon;
        let spans = data.spans();
        let folds = purged_walk_forward(&spans, self.settings.folds as usize);
        if folds.is_empty() {
            let what = format!("{} rows cannot be cut into {} test blocks", spans.len(), self.settings.folds);
            return Err(MlError::NotEnoughData { horizon, what });
        }
        for (k, fold) in folds.iter().enumerate() {
            let count = overlaps(&spans, fold);
            if count > 0 {
                return Err(MlError::Overlap { horizon, count });
            }
            let wins = data.pick(&fold.train).iter().filter(|s| s.win).count();
            let least = wins.min(fold.train.len() - wins);
            if least < MIN_PER_CLASS {
                let what =
                    format!("training block {} holds {least} rows of one outcome, {MIN_PER_CLASS} needed", k + 1);
                return Err(MlError::NotEnoughData { horizon, what });
            }
        }
        Ok(folds)
    }

    fn model(&self, recipe: &Recipe<'_>, walk: Walk<'_>, dropped: Vec<Dropped>) -> Result<Model, MlError> {
        let data = recipe.data;
        let horizon = data.exits.horizon;
        let lacking = |what: &str| MlError::NotEnoughData { horizon, what: what.to_owned() };
        let calibrator = Calibrator::fit(&walk.rows.iter().map(scored).collect::<Vec<_>>())
            .ok_or_else(|| lacking("no out-of-sample scores to calibrate on"))?;
        let judged = crossfit(&walk.rows, &walk.folds)
            .ok_or_else(|| lacking("the out-of-sample blocks hold one outcome only"))?;
        let bootstrap = Bootstrap { block_ms: recipe.block_ms(), seed: self.settings.seed };
        let evidence = gate_evidence(&judged.candidates, self.gate, data.rho, bootstrap);
        let interval = conformal::quantile(&walk.rows.iter().map(|r| r.residual).collect::<Vec<_>>(), ALPHA);
        let epistemic_limit = quantile_sorted(&sorted(walk.rows.iter().map(|r| r.epistemic).collect()), 0.95)
            .ok_or_else(|| lacking("no out-of-sample scores"))?;
        let every: Vec<_> = data.samples.iter().collect();
        let card = ModelCard {
            version: String::new(),
            horizon,
            exits: data.exits,
            trained_at: self.trained_at,
            data_from: data.samples.iter().map(|s| s.at).min().unwrap_or_default(),
            data_to: data.samples.iter().map(|s| s.known).max().unwrap_or_default(),
            pairs: pairs_with_samples(data).into_iter().filter_map(|i| data.pairs.get(i)).cloned().collect(),
            rows: data.samples.len() as u64,
            n_eff: tidy(data.n_eff()),
            rho: tidy(data.rho),
            folds: self.settings.folds,
            features: recipe.keep.iter().map(|input| input.feature.clone()).collect(),
            inputs: self.schema.input_lines(),
            feature_hash: self.schema.input_hash().to_owned(),
            set_hash: self.schema.hash().to_owned(),
            dropped,
            cost: self.cost,
            gate: self.gate,
            metrics: judged.metrics,
            calibration: calibrator.kind().to_owned(),
            penalty: recipe.penalty,
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: self.settings.seed,
        };
        let model = Model {
            format: FORMAT,
            card,
            ensemble: walk.all.ensemble,
            returns: walk.all.returns,
            calibrator,
            interval: tidy(interval),
            epistemic_limit: tidy(epistemic_limit),
            base_rate: tidy(base_rate(&every)),
            evidence,
        };
        model.seal(self.schema)
    }
}

fn check(settings: &TrainingSettings, gate: f64, cost: f64) -> Result<(), MlError> {
    let bad = |key: &'static str, got: String, rule: &'static str| Err(MlError::Setting { key, got, rule });
    if settings.exits.is_empty() {
        return bad("training.exits", "empty".to_owned(), "at least one exit plan");
    }
    for exits in &settings.exits {
        if exits.horizon.0 == 0 {
            return bad("training.exits.horizon", "0".to_owned(), "at least 1 hour");
        }
        for multiple in [exits.target_multiple, exits.stop_multiple] {
            if !(multiple.is_finite() && multiple > 0.0) {
                return bad("training.exits", multiple.to_string(), "made of multiples above 0");
            }
        }
    }
    if settings.from >= settings.to {
        return bad("training.from", settings.from.to_string(), "before training.to");
    }
    if settings.stride_hours == 0 {
        return bad("training.stride_hours", "0".to_owned(), "1 or more");
    }
    if settings.members < 2 {
        return bad("training.members", settings.members.to_string(), "2 or more: disagreement needs two");
    }
    if settings.folds < 2 {
        return bad("training.folds", settings.folds.to_string(), "2 or more: one block teaches the calibrator");
    }
    if !(settings.l2.is_finite() && settings.l2 > 0.0) {
        return bad("training.l2", settings.l2.to_string(), "above 0");
    }
    if !(1..=12).contains(&settings.tree_depth) {
        return bad("training.tree_depth", settings.tree_depth.to_string(), "within 1..=12");
    }
    if !(gate > 0.0 && gate < 1.0) {
        return bad("gate.threshold", gate.to_string(), "between 0 and 1");
    }
    if !(cost.is_finite() && (0.0..1.0).contains(&cost)) {
        return bad("cost", cost.to_string(), "a share of the notional, 0 or above and below 1");
    }
    Ok(())
}

fn enough(data: &Dataset) -> Result<(), MlError> {
    let horizon = data.exits.horizon;
    let rows = data.samples.len();
    let wins = data.samples.iter().filter(|s| s.win).count();
    let what = if rows < MIN_ROWS {
        format!("{rows} labelled rows, {MIN_ROWS} needed")
    } else if data.n_eff() < MIN_N_EFF {
        format!("{rows} rows are worth {:.0} independent ones, {MIN_N_EFF} needed", data.n_eff())
    } else if wins.min(rows - wins) < MIN_PER_CLASS {
        format!("{wins} of {rows} trades won, {MIN_PER_CLASS} of each outcome needed")
    } else {
        return Ok(());
    };
    Err(MlError::NotEnoughData { horizon, what })
}

fn kept(inputs: Vec<Input>, dropped: &[Dropped], horizon: Horizon) -> Result<Vec<Input>, MlError> {
    let keep: Vec<Input> = inputs.into_iter().filter(|i| dropped.iter().all(|d| d.feature != i.feature)).collect();
    if keep.is_empty() {
        let reasons: Vec<String> = dropped.iter().map(|d| format!("{}: {}", d.feature, d.reason)).collect();
        return Err(MlError::NoFeatures { horizon, reasons: reasons.join("; ") });
    }
    Ok(keep)
}

#[cfg(test)]
#[path = "training_tests.rs"]
mod tests;
