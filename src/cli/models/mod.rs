//! `cst models`: what was trained, what is in force, and putting another version in its place.

use std::io::{IsTerminal, Write};

use color_eyre::eyre::{WrapErr, bail, eyre};
use serde_json::json;

use self::args::{ModelsArgs, ModelsCommand, Sure};
use super::args::Cli;
use super::{Outcome, find_home, load_settings, print};
use crate::broker::fees::FeeSchedule;
use crate::clock::{Clock, SystemClock};
use crate::domain::{Horizon, UtcMs};
use crate::ml::Model;
use crate::orchestrator::model_universe;
use crate::pipeline::FeatureSet;
use crate::store::{Change, Registry, RegistryEntry, StoreError, Who};

pub mod args;
mod listing;
mod report;
mod reporting;
mod show;
mod words;

/// A text for people, or JSON.
type Answer = Result<String, color_eyre::Report>;
/// Asks a person; `None` when nobody can be asked.
type Ask<'a> = &'a dyn Fn(&str) -> Option<bool>;

pub(super) fn models(cli: &Cli, args: &ModelsArgs) -> Outcome {
    print(&answer(cli, args, SystemClock::new().now(), &ask)?)
}

fn ask(question: &str) -> Option<bool> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return None;
    }
    write!(std::io::stderr().lock(), "{question} [y/N] ").ok()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).ok()?;
    Some(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// The folder of models and the part of it that is meant.
struct Shelf {
    registry: Registry,
    universe: String,
    horizon: Option<Horizon>,
    /// The features of the present settings, if the models are theirs.
    features: Option<std::sync::Arc<FeatureSet>>,
    json: bool,
    now: UtcMs,
}

fn answer(cli: &Cli, args: &ModelsArgs, now: UtcMs, ask: Ask<'_>) -> Answer {
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let (core, from) = (&loaded.settings.core, loaded.settings.replay.trading_from);
    let present = model_universe(core, FeeSchedule::with_settings(&core.paper).round_trip(from));
    let universe = args.universe.clone().unwrap_or_else(|| present.clone());
    let shelf = Shelf {
        registry: Registry::open(&home.path(&loaded.settings.models.dir))?,
        features: (universe == present).then_some(loaded.features),
        universe,
        horizon: args.horizon,
        json: cli.json,
        now,
    };
    match &args.what {
        ModelsCommand::List { all } => shelf.list(*all),
        ModelsCommand::Show { version } => shelf.show(version.as_deref()),
        ModelsCommand::Promote { version, sure } => shelf.promote(version.as_deref(), sure, ask),
        ModelsCommand::Rollback { sure } => shelf.rollback(sure, ask),
        ModelsCommand::Compare { a, b, all } => shelf.compare(a.as_deref(), b.as_deref(), *all),
        ModelsCommand::Candidate { version, withdraw } => shelf.candidate(version.as_deref(), *withdraw),
        ModelsCommand::Report { html } => shelf.report(html),
        ModelsCommand::History => shelf.history(),
        ModelsCommand::Prune { keep, dry_run, yes } => shelf.prune(*keep, *dry_run, *yes, ask),
    }
}

impl Shelf {
    /// The horizon that is meant: the one that was named, else the only one that has models, or that has this version.
    fn horizon(&self, version: Option<&str>) -> Result<Horizon, color_eyre::Report> {
        let all = self.registry.horizons(&self.universe)?;
        let names = |horizons: &[Horizon]| horizons.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        if all.is_empty() {
            let universe = &self.universe;
            bail!(
                "there are no models in '{universe}': `cst train` makes some, `cst models list --all` shows all there are"
            );
        }
        if let Some(asked) = self.horizon {
            if !all.contains(&asked) {
                bail!("there are no models of {asked} in '{}'; there are some of {}", self.universe, names(&all));
            }
            return Ok(asked);
        }
        let mut fitting = all.clone();
        if let Some(version) = version {
            fitting.retain(|horizon| self.registry.entry(&self.universe, *horizon, version).is_ok());
            if fitting.is_empty() {
                // A name that is none is refused as such.
                self.version(all.first().copied().unwrap_or(Horizon::H24), version)?;
            }
        }
        match fitting.as_slice() {
            [one] => Ok(*one),
            _ => bail!("name the horizon: --horizon {}", names(&fitting)),
        }
    }

    /// A version that exists, or what there is instead.
    fn version(&self, horizon: Horizon, version: &str) -> Result<RegistryEntry, color_eyre::Report> {
        match self.registry.entry(&self.universe, horizon, version) {
            Err(StoreError::BadModel { .. }) => {
                let horizons = self.horizon.map_or_else(|| self.registry.horizons(&self.universe), |h| Ok(vec![h]))?;
                let mut names = Vec::new();
                for horizon in horizons {
                    names.extend(self.registry.versions(&self.universe, horizon)?.into_iter().map(|e| e.version));
                }
                bail!("there is no version '{version}' in '{}'; there are {}", self.universe, names.join(", "))
            }
            other => Ok(other?),
        }
    }

    fn in_force(&self, horizon: Horizon) -> Result<Option<String>, color_eyre::Report> {
        Ok(self.registry.current(&self.universe, horizon)?)
    }

    fn the_candidate(&self, horizon: Horizon) -> Result<String, color_eyre::Report> {
        self.registry.candidate(&self.universe, horizon)?.ok_or_else(|| {
            eyre!("there is no candidate for {horizon}: name a version (`cst models list` shows them), or train one with `cst train`")
        })
    }

    /// Whether the model could be used: its files are whole and, where the models are those of the present settings, it fits their features.
    fn usable(&self, horizon: Horizon, version: &str) -> Result<(), color_eyre::Report> {
        let text = self.registry.text(&self.universe, horizon, version)?;
        if let Some(features) = &self.features {
            Model::from_json(&text, features.schema()).wrap_err_with(|| {
                format!("{version} does not work with the present features; `cst train` makes one that does")
            })?;
        }
        Ok(())
    }

    fn change(&self, sure: &Sure) -> Change {
        Change { at: self.now, by: Who::Command, reason: sure.reason.clone() }
    }

    fn promote(&self, version: Option<&str>, sure: &Sure, ask: Ask<'_>) -> Answer {
        let horizon = self.horizon(version)?;
        let version = match version {
            Some(version) => self.version(horizon, version)?.version,
            None => self.the_candidate(horizon)?,
        };
        self.usable(horizon, &version)?;
        // A mark that cannot be read is mended by naming a sound version.
        let from = self.registry.current(&self.universe, horizon).ok().flatten();
        let place = from.as_ref().map_or_else(String::new, |from| format!(" in place of {from}"));
        if from.as_ref() != Some(&version) {
            sure_of(&format!("Put {version} in force for {horizon}{place}?"), sure.yes, ask)?;
        }
        let changed = self.registry.promote(&self.universe, horizon, &version, &self.change(sure))?;
        if self.json {
            return words::json(&json!({ "horizon": horizon, "from": from, "to": version, "changed": changed }));
        }
        if !changed {
            return Ok(format!("{version} is in force for {horizon} already"));
        }
        Ok(format!(
            "{version} is in force for {horizon}{place}; sessions take it when they start\nback: cst models rollback --horizon {horizon}"
        ))
    }

    fn rollback(&self, sure: &Sure, ask: Ask<'_>) -> Answer {
        let horizon = self.horizon(None)?;
        let from = self.in_force(horizon)?.unwrap_or_else(|| "what is in force".to_owned());
        sure_of(&format!("Put the version before {from} back in force for {horizon}?"), sure.yes, ask)?;
        let done = self.registry.rollback(&self.universe, horizon, &self.change(sure))?;
        // It was asked for and is done; that a start would train anew instead of using it is worth a word.
        let unfit = self.usable(horizon, &done.to).err().map(|report| format!("{report:#}"));
        if self.json {
            return words::json(&json!({
                "horizon": horizon, "from": done.from, "to": done.to, "skipped": done.skipped, "unfit": unfit,
            }));
        }
        let mut text = format!("{} is in force for {horizon} again, in place of {}", done.to, done.from);
        for (version, reason) in done.skipped {
            text.push_str(&format!("\npassed over: {version}, {reason}"));
        }
        if let Some(unfit) = unfit {
            text.push_str(&format!("\nbut {unfit}"));
        }
        Ok(text)
    }

    fn candidate(&self, version: Option<&str>, withdraw: bool) -> Answer {
        let horizon = self.horizon(version)?;
        let before = self.registry.candidate(&self.universe, horizon).unwrap_or_default();
        if let Some(version) = version {
            self.version(horizon, version)?;
            self.usable(horizon, version)?;
            self.registry.propose(&self.universe, horizon, version)?;
        } else if withdraw {
            self.registry.withdraw(&self.universe, horizon)?;
        }
        let now = self.registry.candidate(&self.universe, horizon)?;
        let in_force = self.in_force(horizon)?;
        if self.json {
            return words::json(
                &json!({ "horizon": horizon, "candidate": now, "before": before, "in_force": in_force }),
            );
        }
        let beside = in_force.map_or_else(|| "nothing is in force".to_owned(), |v| format!("{v} is in force"));
        Ok(match (now, before) {
            (Some(now), _) => format!("{now} is the candidate for {horizon}; {beside}"),
            (None, Some(before)) => format!("{before} is no candidate for {horizon} any more; {beside}"),
            (None, None) => format!("there is no candidate for {horizon}; {beside}"),
        })
    }

    fn prune(&self, keep: usize, dry_run: bool, yes: bool, ask: Ask<'_>) -> Answer {
        let horizons = match self.horizon {
            Some(_) => vec![self.horizon(None)?],
            None => self.registry.horizons(&self.universe)?,
        };
        let mut old = Vec::new();
        for horizon in &horizons {
            old.extend(self.registry.prunable(&self.universe, *horizon, keep)?);
        }
        if !dry_run && !old.is_empty() {
            let question = format!("{}\nRemove {}?", words::versions(&old), words::how_many(old.len()));
            sure_of(&question, yes, ask)?;
            old.clear();
            for horizon in &horizons {
                old.extend(self.registry.prune(&self.universe, *horizon, keep)?);
            }
        }
        if self.json {
            let removed: Vec<_> =
                old.iter().map(|e| json!({ "horizon": e.horizon, "version": e.version, "bytes": e.bytes })).collect();
            return words::json(&json!({ "dry_run": dry_run, "removed": removed }));
        }
        if old.is_empty() {
            return Ok("nothing to remove: every version is among the newest, in use, or next in line".to_owned());
        }
        let bytes = words::bytes(old.iter().map(|e| e.bytes).sum());
        let (would, many) = (if dry_run { "would be " } else { "" }, words::how_many(old.len()));
        Ok(format!("{}\n{many} {would}removed, {bytes}", words::versions(&old)))
    }
}

/// Goes on only when a person said so.
fn sure_of(question: &str, yes: bool, ask: Ask<'_>) -> Outcome {
    let said = if yes { Some(true) } else { ask(question) };
    match said {
        Some(true) => Ok(()),
        Some(false) => bail!("nothing was changed"),
        None => bail!("this asks first, and there is no terminal to ask on: add --yes to do it. Nothing was changed"),
    }
}

#[cfg(test)]
mod tests;
