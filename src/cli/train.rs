//! `cst train`: trains the models anew, with progress, and says which of them are in force.

use std::sync::Mutex;

use serde_json::json;

use super::args::{Cli, TrainArgs};
use super::progress::ProgressLine;
use super::{Outcome, find_home, load_settings, print, print_json};
use crate::broker::fees::FeeSchedule;
use crate::clock::{Clock, SystemClock};
use crate::domain::snapshot::{ModelView, Progress};
use crate::orchestrator::{model_universe, train_models};
use crate::store::{Change, Recording, Registry, Who};

pub(super) fn train(cli: &Cli, args: &TrainArgs) -> Outcome {
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let settings = loaded.settings;
    let recording = Recording::open(&home.recording(&settings.replay.recording)?)?;
    let line = Mutex::new(ProgressLine::new(false));
    let progress = |p: Progress| {
        let mut line = line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        line.show(format!("{} {}/{}", p.label, p.done, p.total));
    };
    let folder = home.path(&settings.models.dir);
    let trading_from = settings.replay.trading_from;
    let now = SystemClock::new().now();
    let models = train_models(&settings.core, &loaded.features, &folder, &recording, trading_from, now, &progress)?;
    let views: Vec<ModelView> = models.iter().map(|m| m.view()).collect();
    let registry = Registry::open(&folder)?;
    let universe =
        model_universe(&settings.core, FeeSchedule::with_settings(&settings.core.paper).round_trip(trading_from));
    let mut standing = Vec::new();
    for view in &views {
        if args.promote {
            let change = Change { at: now, by: Who::Command, reason: "cst train --promote".to_owned() };
            registry.promote(&universe, view.horizon, &view.version, &change)?;
        }
        standing.push(registry.current(&universe, view.horizon)?.is_some_and(|version| version == view.version));
    }
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

fn told(v: &ModelView, in_force: bool) -> String {
    let horizon = v.horizon.to_string();
    let stands = if in_force {
        "in force: sessions take it when they start".to_owned()
    } else {
        format!("the candidate, another one stays in force: cst models compare --horizon {horizon}")
    };
    format!(
        "{horizon:>4}  {}  rows {}  n_eff {:.0}  base {:.3}  Brier {:.4}  AUC {:.3}  ECE {:.4}  ({})\n      {stands}\n",
        v.version, v.rows, v.n_eff, v.base_rate, v.brier, v.auc, v.ece, v.calibration
    )
}
