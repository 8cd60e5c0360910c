//! `cst train`: trains the models anew, with progress, and tells what they were worth.

mod args;
mod table;

use std::path::Path;

use color_eyre::eyre::{WrapErr, bail};
use serde_json::json;

pub use args::TrainArgs;
use table::{Origin, Section, document};

use super::args::Cli;
use super::progress::watched;
use super::{Outcome, find_home, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::config::{Home, Settings};
use crate::domain::UtcMs;
use crate::domain::settings::CoreSettings;
use crate::domain::snapshot::{LeakageLine, ModelView};
use crate::ml::trials::Ledger;
use crate::ml::{MlError, Trained};
use crate::orchestrator::{OrchestratorError, lake_series, model_universe, train_models, train_on, training_cost};
use crate::store::{Change, Recording, Registry, Who};

pub(super) fn train(cli: &Cli, args: &TrainArgs) -> Outcome {
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let settings = loaded.settings;
    let core = &settings.core;
    let now = SystemClock::new().now();
    let cost = training_cost(core, settings.replay.trading_from);
    let (data, outcomes) = if args.lake {
        let candles = lake_series(&home.lake(), &args.venue, core.training.to)?;
        if candles.is_empty() {
            bail!(
                "the lake has no hourly candles of {}; see `cst data list`, and `cst data import --help` for how candles get there",
                args.venue
            );
        }
        let trained = watched(|watch| train_on(core, &loaded.features, &candles, cost, now, watch))?;
        let outcomes = explained(args, trained)?;
        (format!("the hourly candles of {} in the lake", args.venue), outcomes)
    } else {
        let recording = Recording::open(&home.recording(&settings.replay.recording)?)?;
        let models = home.path(&settings.models.dir);
        let from = settings.replay.trading_from;
        let trained = watched(|watch| train_models(core, &loaded.features, &models, &recording, from, now, watch))?;
        let outcomes = explained(args, trained)?;
        ("the bundled recording".to_owned(), outcomes)
    };
    let refused = refusals(core, &outcomes);
    let luck = luck(&Registry::open(&home.path(&settings.models.dir))?, &outcomes)?;
    let views: Vec<ModelView> = outcomes.iter().flatten().map(|t| t.model.view()).collect();
    if let Some(path) = &args.results {
        let origin = Origin {
            data,
            command: command(args),
            from: core.training.from,
            to: core.training.to,
            cost,
            gate: core.gate.threshold,
        };
        let sections: Vec<Section> = core
            .training
            .exits
            .iter()
            .zip(outcomes)
            .map(|(exit, outcome)| (exit.horizon, outcome.map(|t| t.results).map_err(|e| e.to_string())))
            .collect();
        write(path, &document(&origin, &sections))?;
    }
    let explain = |view: &ModelView| if args.explain { report(&view.leakage) } else { String::new() };
    if args.lake {
        if cli.json {
            print_json(&views)?;
        } else {
            print(&views.iter().map(|view| summary(view) + &explain(view)).collect::<String>())?;
        }
        return refused.end(cli.json);
    }
    let standing = settle(&home, &settings, args.promote, &views, now)?;
    if cli.json {
        let told = |(view, in_force): (&ModelView, &bool)| -> Result<serde_json::Value, serde_json::Error> {
            let mut value = serde_json::to_value(view)?;
            if let Some(fields) = value.as_object_mut() {
                fields.insert("in_force".to_owned(), json!(in_force));
            }
            Ok(value)
        };
        print_json(&views.iter().zip(&standing).map(told).collect::<Result<Vec<_>, _>>()?)?;
    } else {
        let lines = views.iter().zip(&standing);
        print(&lines.map(|(view, in_force)| told(view, *in_force) + &explain(view)).collect::<String>())?;
        print(&luck)?;
    }
    refused.end(cli.json)
}

/// Horizons without a model.
struct Refused {
    text: String,
    leaking: usize,
}

impl Refused {
    /// Says which and why. A leak is an error, whatever else was trained; too little data for a long horizon is none.
    fn end(self, json: bool) -> Outcome {
        if !json {
            print(&self.text)?;
        }
        if self.leaking > 0 {
            bail!("training would have seen what it cannot know; nothing was stored for {} horizons", self.leaking);
        }
        Ok(())
    }
}

fn refusals(core: &CoreSettings, outcomes: &[Result<Trained, MlError>]) -> Refused {
    let mut refused = Refused { text: String::new(), leaking: 0 };
    for (exit, error) in core.training.exits.iter().zip(outcomes).filter_map(|(e, o)| Some((e, o.as_ref().err()?))) {
        refused.text.push_str(&format!("{:>4}  no model: {error}\n", exit.horizon.to_string()));
        refused.leaking += usize::from(matches!(error, MlError::Leakage { .. }));
    }
    refused
}

/// With `--explain`, shows the report of a training that a leak ended for every horizon.
fn explained(
    args: &TrainArgs,
    outcomes: Result<Vec<Result<Trained, MlError>>, OrchestratorError>,
) -> Result<Vec<Result<Trained, MlError>>, color_eyre::Report> {
    if let (true, Err(OrchestratorError::Training(MlError::Leakage { report: found, .. }))) = (args.explain, &outcomes)
    {
        print(&report(&found.lines()))?;
    }
    let outcomes = outcomes?;
    for outcome in outcomes.iter().filter(|_| args.explain) {
        if let Err(MlError::Leakage { report: found, horizon, .. }) = outcome {
            print(&format!("{horizon}\n{}", report(&found.lines())))?;
        }
    }
    Ok(outcomes)
}

/// What the ledger of trials makes of the walk-forwards: how likely each would be as good by skill, after all that was ever tried.
fn luck(registry: &Registry, outcomes: &[Result<Trained, MlError>]) -> Result<String, color_eyre::Report> {
    let ledger = registry.trial_file().read()?;
    let mut text = String::new();
    for trained in outcomes.iter().flatten() {
        text.push_str(&held_out(&ledger, &trained.model.view()));
        let Some(trial) = &trained.trial else { continue };
        let Some(told) = ledger.deflated_sharpe(&trial.track, &[]) else { continue };
        text.push_str(&format!(
            "{:>4}  Sharpe {:+.4} a step; the best of {} configurations without skill would show {:+.4}; above that with probability {:.3}\n",
            trial.horizon.to_string(),
            trial.track.sharpe,
            told.configurations,
            told.benchmark,
            told.probability
        ));
    }
    Ok(text)
}

/// The final hold-out of a model, and how often that time was looked at before.
fn held_out(ledger: &Ledger, view: &ModelView) -> String {
    let horizon = view.horizon.to_string();
    let Some(held) = &view.hold_out else {
        let why = view.no_hold_out.as_deref().unwrap_or("the model was stored without one");
        return format!("{horizon:>4}  nothing was held out: {why}\n");
    };
    let used = match ledger.hold_out_uses(view.horizon, held.from) {
        0 | 1 => String::new(),
        n => format!("; {n} trainings have looked at that time: it is no hold-out any more"),
    };
    format!(
        "{horizon:>4}  held out from {}: Brier {:.4} (base rate {:.4}), AUC {:.3}, ECE {:.3} ± {:.3}, {} rows worth {:.0}, {} above the gate{used}\n",
        held.from.minute(),
        held.brier,
        held.brier_base,
        held.auc,
        held.ece,
        held.ece_se,
        held.rows,
        held.n_eff,
        held.confident.n,
    )
}

/// A leakage report, a test to a line, what it found below.
fn report(lines: &[LeakageLine]) -> String {
    let one = |l: &LeakageLine| {
        let worst = l.worst.map_or_else(String::new, |w| format!(", worst {w:.4} of {:.4}", l.threshold));
        let head = format!("      {:<11} {} ({} looked at{worst})\n", l.verdict, l.test, l.checked);
        let findings: String = l.findings.iter().map(|f| format!("                  {f}\n")).collect();
        head + &findings
    };
    lines.iter().map(one).collect()
}

/// Puts the new models in force where that is asked for; whether each is.
fn settle(
    home: &Home,
    settings: &Settings,
    promote: bool,
    views: &[ModelView],
    now: UtcMs,
) -> Result<Vec<bool>, color_eyre::Report> {
    let registry = Registry::open(&home.path(&settings.models.dir))?;
    let universe = model_universe(&settings.core, training_cost(&settings.core, settings.replay.trading_from));
    let mut standing = Vec::new();
    for view in views {
        if promote {
            let change = Change { at: now, by: Who::Command, reason: "cst train --promote".to_owned() };
            registry.promote(&universe, view.horizon, &view.version, &change)?;
        }
        standing.push(registry.current(&universe, view.horizon)?.is_some_and(|version| version == view.version));
    }
    Ok(standing)
}

fn command(args: &TrainArgs) -> String {
    if args.lake {
        format!("cst train --lake --venue {} --results FILE", args.venue)
    } else {
        "cst train --results FILE".to_owned()
    }
}

fn write(path: &Path, text: &str) -> Result<(), color_eyre::Report> {
    std::fs::write(path, text).wrap_err_with(|| format!("{} could not be written", path.display()))
}

fn summary(v: &ModelView) -> String {
    format!(
        "{:>4}  {}  rows {}  n_eff {:.0}  base {:.3}  Brier {:.4}  AUC {:.3}  ECE {:.4}  ({})\n",
        v.horizon.to_string(),
        v.version,
        v.rows,
        v.n_eff,
        v.base_rate,
        v.brier,
        v.auc,
        v.ece,
        v.calibration
    )
}

fn told(v: &ModelView, in_force: bool) -> String {
    let stands = if in_force {
        "in force: sessions take it when they start".to_owned()
    } else {
        format!("the candidate, another one stays in force: cst models compare --horizon {}", v.horizon)
    };
    format!("{}      {stands}\n", summary(v))
}
