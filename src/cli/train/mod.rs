//! `cst train`: trains the models anew, with progress, and tells what they were worth.

mod args;
mod table;

use std::path::Path;
use std::sync::Mutex;

use color_eyre::eyre::{WrapErr, bail};
use serde_json::json;

pub use args::TrainArgs;
use table::{Origin, Section, document};

use super::args::Cli;
use super::interrupt::Interrupt;
use super::progress::ProgressLine;
use super::{Outcome, find_home, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::config::{Home, Settings};
use crate::domain::UtcMs;
use crate::domain::snapshot::{ModelView, Progress};
use crate::ml::Watch;
use crate::orchestrator::{lake_series, model_universe, train_models, train_on, training_cost};
use crate::store::{Change, Recording, Registry, Who};

pub(super) fn train(cli: &Cli, args: &TrainArgs) -> Outcome {
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let settings = loaded.settings;
    let core = &settings.core;
    let interrupt = Interrupt::listen()?;
    let line = Mutex::new(ProgressLine::new(false));
    let progress = |p: Progress| {
        let mut line = line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        line.show(format!("{} {}/{}", p.label, p.done, p.total));
    };
    let watch = Watch { progress: &progress, go_on: &|| !interrupt.asked() };
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
        let outcomes = train_on(core, &loaded.features, &candles, cost, now, watch)?;
        (format!("the hourly candles of {} in the lake", args.venue), outcomes)
    } else {
        let recording = Recording::open(&home.recording(&settings.replay.recording)?)?;
        let models = home.path(&settings.models.dir);
        let from = settings.replay.trading_from;
        let outcomes = train_models(core, &loaded.features, &models, &recording, from, now, watch)?;
        ("the bundled recording".to_owned(), outcomes)
    };
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
    if args.lake {
        return if cli.json { print_json(&views) } else { print(&views.iter().map(summary).collect::<String>()) };
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
        return print_json(&views.iter().zip(&standing).map(told).collect::<Result<Vec<_>, _>>()?);
    }
    print(&views.iter().zip(&standing).map(|(view, in_force)| told(view, *in_force)).collect::<String>())
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
