//! Training: one model per exit plan, with the proof of what it is worth.
//!
//! Per exit plan: label → hold out the end → leakage gate → expanding purged walk-forward → calibrate on the out-of-sample scores → judge
//! with calibrators that know earlier blocks only → judge the hold-out once → fit once more on everything. Nothing outside `settings.from..settings.to` is read.

use crate::domain::settings::{GateSettings, TrainingSettings};
use crate::domain::time::DAY_MS;
use crate::domain::{ExitPlan, Horizon, Schema, UtcMs};

use super::block::FitError;
use super::calibration::choose;
use super::crossfit::{Judged, bands, crossfit, dated, judged_by, pairs_with_samples};
use super::cv::{Fold, overlaps, purged_walk_forward};
use super::dataset::{Dataset, TrainingSeries};
use super::ensemble::Ensemble;
use super::error::MlError;
use super::evidence::{Bootstrap, gate_evidence};
use super::hold_out::{self, HoldOut, Split};
use super::leakage::{self, Dropped, FitTime, LeakageReport, Probe, Recompute, TestReport, Watched};
use super::model::{FORMAT, Model, ModelCard, hex_digest};
use super::numbers::{quantile_sorted, sorted, tidy};
use super::online::{self, Start};
use super::results::{ResultLine, lines};
use super::returns::{Returns, choose_penalty};
use super::scaler::Input;
use super::track_record::track;
use super::trials::Trial;
use super::walk::{Combination, Fitted, OutOfSample, Recipe, Steps, Watch, base_rate, combination, steps_of};
use super::worth::{self, FoldWorth};

/// Labelled rows, effective observations, and rows of each outcome that a model needs at least.
pub const MIN_ROWS: usize = 500;
pub const MIN_N_EFF: f64 = 100.0;
pub const MIN_PER_CLASS: usize = 30;

/// What is learned from, and whatever can compute it again.
#[derive(Clone, Copy)]
pub struct Material<'a> {
    pub series: &'a [TrainingSeries],
    pub schema: &'a Schema,
    /// The model inputs of `schema` with what they say of themselves.
    pub watched: &'a [Watched],
    pub recompute: &'a dyn Recompute,
}

/// Trains one model per entry of `settings.exits`, in their order, on rows of the model inputs of the schema; a horizon that fails does not
/// keep the others from theirs.
///
/// `cost` is the round trip as a share of the notional, `gate` says at which confidence the evidence is counted. Runs on the
/// current rayon pool; the result is the same for any number of threads.
///
/// # Errors
/// [`MlError::Setting`] and [`MlError::Stopped`]; per horizon whatever kept it from its model.
pub fn train(
    material: &Material<'_>,
    settings: &TrainingSettings,
    gate: &GateSettings,
    cost: f64,
    trained_at: UtcMs,
    watch: Watch<'_>,
) -> Result<Vec<Result<Trained, MlError>>, MlError> {
    check(settings, gate.threshold, cost)?;
    let steps = Steps::new(watch, settings.exits.len() as u64 * steps_of(settings));
    let Material { series, schema, watched, recompute } = *material;
    steps.tell("computing features again, from less and from other history".to_owned());
    let origin = leakage::Origin { series, watched, recompute, signals: &[], seed: settings.seed };
    let recomputed = &origin.recomputed();
    let run = Run { series, schema, recomputed, settings, gate, cost: tidy(cost), trained_at, steps: &steps };
    let mut out = Vec::new();
    for exits in &settings.exits {
        match run.one(exits) {
            Err(MlError::Stopped) => return Err(MlError::Stopped),
            outcome => out.push(outcome),
        }
    }
    Ok(out)
}

/// A model and the lines that say what its walk-forward was worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    pub model: Model,
    pub results: Vec<ResultLine>,
    /// For the ledger of trials; `None` where the walk-forward earned nothing that can be judged.
    pub trial: Option<Trial>,
    /// The same for the hold-out, which is used up by it.
    pub hold_out_trial: Option<Trial>,
}

impl Trained {
    /// What the ledger of trials must take.
    pub fn trials(&self) -> impl Iterator<Item = &Trial> {
        self.trial.iter().chain(&self.hold_out_trial)
    }
}

struct Run<'a> {
    series: &'a [TrainingSeries],
    schema: &'a Schema,
    recomputed: &'a [TestReport; 3],
    settings: &'a TrainingSettings,
    gate: &'a GateSettings,
    cost: f64,
    trained_at: UtcMs,
    steps: &'a Steps<'a>,
}

/// What the walk-forward showed, before it becomes a model.
struct Walk<'a> {
    folds: Vec<Fold>,
    rows: Vec<OutOfSample<'a>>,
    /// What the features were worth, per fold.
    worth: Vec<FoldWorth>,
    combination: Combination,
    /// The rows of the hold-out as the fit before it judged them, or why there are none.
    held: Result<Vec<OutOfSample<'a>>, String>,
    all: Fitted,
}

impl Run<'_> {
    fn one(&self, exits: &ExitPlan) -> Result<Trained, MlError> {
        let horizon = exits.horizon;
        self.steps.tell(format!("labels of the {horizon} model"));
        let exits = ExitPlan {
            horizon,
            target_multiple: tidy(exits.target_multiple),
            stop_multiple: tidy(exits.stop_multiple),
        };
        let data = Dataset::build(self.series, self.settings, &exits, self.cost);
        enough(&data)?;
        let split = self.split(&data);
        // All that is chosen is chosen by what lies before the hold-out.
        let before = split.as_ref().map_or(&data, |split| &split.before);
        let inputs = Input::of(self.schema);
        let dropped = leakage::inspect(before, &inputs);
        let keep = kept(inputs, &dropped, horizon)?;
        let folds = self.folds(before)?;
        let leakage = self.leakage(before, &keep, &folds, split.as_ref().ok().map(|split| split.from))?;
        let fit_error = |what: String| MlError::Fit { horizon, what };
        let stopped = |error: FitError| match error {
            FitError::Stopped => MlError::Stopped,
            FitError::Failed(what) => fit_error(what),
        };
        let first = folds.first().map(|f| before.pick(&f.train)).unwrap_or_default();
        let recipe = Recipe {
            data: before,
            keep: &keep,
            settings: self.settings,
            penalty: choose_penalty(&first, &keep, horizon.ms()).map_err(fit_error)?,
            steps: self.steps,
        };
        let (rows, worth) = recipe.walk(&folds).map_err(stopped)?;
        let combination = combination(rows.iter()).ok_or_else(|| fit_error("no block was judged".to_owned()))?;
        let every = |data: &Dataset<'_>| (0..data.samples.len()).collect::<Vec<usize>>();
        let held = match &split {
            Ok(split) => {
                let fitted = recipe.fit(&every(before), folds.len() + 1).map_err(stopped)?;
                Ok(fitted.judge_all(&data.pick(&split.held), folds.len()).map_err(stopped)?)
            }
            Err(why) => {
                self.steps.pass_over_fit(self.settings);
                Err(why.clone())
            }
        };
        let last = Recipe { data: &data, ..recipe };
        let all = last.fit(&every(&data), folds.len()).map_err(stopped)?;
        self.model(&last, before, Walk { folds, rows, worth, combination, held, all }, dropped, leakage)
    }

    /// The hold-out, where what is left without it is enough for a model.
    fn split<'a>(&'a self, data: &Dataset<'a>) -> Result<Split<'a>, String> {
        let split = hold_out::split(data, self.series, self.settings, self.cost)?;
        enough(&split.before)
            .and_then(|()| self.folds(&split.before))
            .map_err(|error| format!("what lies before a hold-out would be too little: {error}"))?;
        Ok(split)
    }

    /// The gate in front of training: everything that a fit of the folds will be given is looked at.
    fn leakage(
        &self,
        data: &Dataset<'_>,
        keep: &[Input],
        folds: &[Fold],
        held_from: Option<UtcMs>,
    ) -> Result<LeakageReport, MlError> {
        let horizon = data.exits.horizon;
        self.steps.tell(format!("looking for leaks in the {horizon} model's data"));
        let probe = Probe::new(data, keep, folds);
        let fit = |(k, fold): (usize, &Fold)| {
            let known = data.pick(&fold.train).iter().map(|s| s.known).max()?;
            let what = format!("scaler, selection and members of fold {}", k + 1);
            Some(FitTime { what, known_to: known, first_use: UtcMs(fold.test_from) })
        };
        let last = held_from.and_then(|first_use| {
            let what = "everything that is judged on the hold-out".to_owned();
            Some(FitTime { what, known_to: data.samples.iter().map(|s| s.known).max()?, first_use })
        });
        let fits: Vec<FitTime> = folds.iter().enumerate().filter_map(fit).chain(last).collect();
        let report = leakage::gate(&leakage::Evidence {
            recomputed: self.recomputed,
            data,
            inputs: keep,
            folds,
            fits: &fits,
            score: &|labels| probe.score(labels),
            block_ms: horizon.ms().max(DAY_MS),
            seed: self.settings.seed,
        });
        if report.passed() {
            Ok(report)
        } else {
            Err(MlError::Leakage { horizon, what: report.words(), report: Box::new(report) })
        }
    }

    /// The walk-forward, audited, with both outcomes in every training block.
    fn folds(&self, data: &Dataset<'_>) -> Result<Vec<Fold>, MlError> {
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

    fn model(
        &self,
        recipe: &Recipe<'_>,
        before: &Dataset<'_>,
        walk: Walk<'_>,
        dropped: Vec<Dropped>,
        leakage: LeakageReport,
    ) -> Result<Trained, MlError> {
        let data = recipe.data;
        let horizon = data.exits.horizon;
        let lacking = |what: &str| MlError::NotEnoughData { horizon, what: what.to_owned() };
        let calibration = choose(&dated(walk.rows.iter(), &walk.combination))
            .ok_or_else(|| lacking("no out-of-sample scores to calibrate on"))?;
        let judged = crossfit(&walk.rows, &walk.folds)
            .ok_or_else(|| lacking("the out-of-sample blocks hold one outcome only"))?;
        let bootstrap = Bootstrap { block_ms: recipe.block_ms(), seed: self.settings.seed };
        let candidates: Vec<_> = judged.judged.iter().map(Judged::candidate).collect();
        let evidence = gate_evidence(&candidates, self.gate.threshold, before.rho, bootstrap);
        let results = lines(before, &judged.judged, &walk.folds, self.gate, self.cost, bootstrap);
        let bands = bands(walk.rows.iter());
        let held = walk.held.map(|rows| judged_by(rows.iter(), &walk.combination, &calibration.calibrator, &bands));
        let trial = self.trial(&data.exits, &judged.judged, false);
        let hold_out_trial = held.as_ref().ok().and_then(|held| self.trial(&data.exits, held, true));
        let hold_out = held.and_then(|held| {
            HoldOut::of(&held, &evidence, self.gate, before.rho, bootstrap)
                .ok_or_else(|| "the rows held out could not be judged".to_owned())
        });
        let epistemic = walk.rows.iter().filter_map(|r| walk.combination.vote(r)).map(|v| v.epistemic).collect();
        let epistemic_limit =
            quantile_sorted(&sorted(epistemic), 0.95).ok_or_else(|| lacking("no out-of-sample scores"))?;
        let every: Vec<_> = data.samples.iter().collect();
        let inputs: Vec<Input> = walk.all.ensemble.scaler.inputs().cloned().collect();
        let start = Start::of(&online::Training {
            data,
            stride_hours: self.settings.stride_hours,
            rows: &walk.rows,
            combination: &walk.combination,
            judged: &judged.judged,
            inputs: &inputs,
            seed: self.settings.seed,
        });
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
            features: walk.all.ensemble.scaler.inputs().map(|input| input.feature.clone()).collect(),
            inputs: self.schema.input_lines(),
            feature_hash: self.schema.input_hash().to_owned(),
            set_hash: self.schema.hash().to_owned(),
            dropped: dropped.into_iter().chain(walk.all.dropped).collect(),
            leakage,
            cost: self.cost,
            gate: tidy(self.gate.threshold),
            metrics: judged.metrics,
            importance: worth::over_folds(inputs.iter().map(|input| input.feature.as_str()), &walk.worth),
            no_hold_out: hold_out.as_ref().err().cloned(),
            hold_out: hold_out.ok(),
            calibration: calibration.picked.as_str().to_owned(),
            calibrations: calibration.tried,
            weights: walk.combination.weights.clone(),
            share: walk.combination.share,
            penalty: recipe.penalty,
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: self.settings.seed,
        };
        let Combination { weights, share } = walk.combination;
        let model = Model {
            format: FORMAT,
            card,
            ensemble: Ensemble { weights, ..walk.all.ensemble },
            returns: Returns { share, ..walk.all.returns },
            quantiles: walk.all.quantiles,
            bands,
            familiarity: walk.all.familiarity,
            calibrator: calibration.calibrator,
            epistemic_limit: tidy(epistemic_limit),
            base_rate: tidy(base_rate(&every)),
            evidence,
            start,
        };
        Ok(Trained { model: model.seal(self.schema)?, results, trial, hold_out_trial })
    }

    /// These rows as an entry of the ledger.
    fn trial(&self, exits: &ExitPlan, judged: &[Judged<'_>], hold_out: bool) -> Option<Trial> {
        // Everything that was chosen. The data are not: the same choice on longer history is no other configuration.
        let chosen = TrainingSettings {
            from: UtcMs::default(),
            to: UtcMs::default(),
            exits: vec![*exits],
            ..self.settings.clone()
        };
        let chosen = (chosen, self.gate, self.cost, self.schema.hash(), env!("CARGO_PKG_VERSION"));
        Some(Trial {
            at: self.trained_at,
            configuration: hex_digest(&serde_json::to_string(&chosen).ok()?),
            horizon: exits.horizon,
            from: judged.iter().map(|j| j.sample.at).min()?,
            to: judged.iter().map(|j| j.sample.known).max()?,
            track: track(judged, self.gate)?,
            hold_out,
        })
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

fn enough(data: &Dataset<'_>) -> Result<(), MlError> {
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
