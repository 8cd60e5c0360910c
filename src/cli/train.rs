//! `cst train`: trains the models anew, with progress.

use std::sync::Mutex;

use super::args::Cli;
use super::interrupt::Interrupt;
use super::progress::ProgressLine;
use super::{Outcome, find_home, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::domain::snapshot::Progress;
use crate::ml::Watch;
use crate::orchestrator::train_models;
use crate::store::Recording;

pub(super) fn train(cli: &Cli) -> Outcome {
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let settings = loaded.settings;
    let recording = Recording::open(&home.recording(&settings.replay.recording)?)?;
    let interrupt = Interrupt::listen()?;
    let line = Mutex::new(ProgressLine::new(false));
    let progress = |p: Progress| {
        let mut line = line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        line.show(format!("{} {}/{}", p.label, p.done, p.total));
    };
    let trained = train_models(
        &settings.core,
        &loaded.features,
        &home.path(&settings.models.dir),
        &recording,
        settings.replay.trading_from,
        SystemClock::new().now(),
        Watch { progress: &progress, go_on: &|| !interrupt.asked() },
    )?;
    let views: Vec<_> = trained.iter().map(|t| t.model.view()).collect();
    if cli.json {
        return print_json(&views);
    }
    let mut text = String::new();
    for v in &views {
        text.push_str(&format!(
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
        ));
    }
    print(&text)
}
