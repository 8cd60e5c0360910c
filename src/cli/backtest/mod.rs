//! `cst backtest`: the whole system on recorded data.

pub mod args;
mod page;
mod rules;
mod text;

use color_eyre::eyre::{WrapErr, bail, eyre};
use sha2::{Digest, Sha256};

use self::args::{BacktestArgs, ModelsArg};
use super::args::Cli;
use super::page::write_whole;
use super::progress::watched;
use super::{Outcome, find_home, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::domain::UtcMs;
use crate::orchestrator::backtest::{Data, Market, Models, Plan, Report, run};
use crate::store::TrialFile;

/// Folder of the ledger of backtests, in the home folder.
const LEDGER: &str = "data/backtests";

pub(super) fn backtest(cli: &Cli, args: &BacktestArgs) -> Outcome {
    if let Some(name) = &args.strategy {
        return rules::backtest_rules(cli, args, name);
    }
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let mut settings = loaded.settings;
    if args.no_costs {
        let paper = &mut settings.core.paper;
        (paper.maker_fee, paper.taker_fee) = (Some(0.0), Some(0.0));
        (paper.spread_bps, paper.impact_y) = (0.0, 0.0);
    }
    let data = if args.lake {
        Data::Lake(args.venue.clone())
    } else {
        home.recording(&settings.replay.recording)?;
        Data::Recording
    };
    let market = Market::open(&data, &settings, &home.dir)?;
    let (from, to) = span(args, &settings, &market)?;
    let models = match args.models {
        ModelsArg::WalkForward => Models::WalkForward { days: args.retrain },
        ModelsArg::InForce => Models::InForce,
    };
    let now = SystemClock::new().now();
    let plan = Plan {
        settings: &settings,
        features: &loaded.features,
        home: &home.dir,
        market: &market,
        from,
        to,
        models,
        now,
    };
    let done = watched(|watch| run(&plan, watch))??;
    let mut report = Report::of(&plan, done)?;
    // Every try that traded counts against the next: also one that is thrown away.
    if let Some(trial) = report.trial(configuration(&settings, &data, models)?, now) {
        let ledger = TrialFile::of(&home.path(LEDGER)).enter(vec![trial.clone()])?;
        report.deflate(&ledger, &trial);
    }
    if let Some(path) = &args.html {
        write_whole(path, page::page(&report, now).as_bytes())
            .wrap_err_with(|| format!("'{}' could not be written", path.display()))?;
    }
    if cli.json { print_json(&report) } else { print(&text::text(&report, args.trades)) }
}

/// Everything that was chosen, as a hash; the span of the data is not a choice.
fn configuration(settings: &Settings, data: &Data, models: Models) -> Result<String, color_eyre::Report> {
    let mut core = settings.core.clone();
    (core.training.from, core.training.to) = (UtcMs::default(), UtcMs::default());
    let chosen = format!("{}{data:?}{models:?}{}", serde_json::to_string(&core)?, env!("CARGO_PKG_VERSION"));
    Ok(Sha256::digest(chosen.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// An instant of the command line; a day alone means its midnight.
fn moment(name: &str, text: &Option<String>) -> Result<Option<UtcMs>, color_eyre::Report> {
    let whole = |text: &str| if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    text.as_deref().map(|text| UtcMs::parse(&whole(text))).transpose().map_err(|why| eyre!("{name}: {why}"))
}

/// The span that is asked for, inside that of the data.
fn span(args: &BacktestArgs, settings: &Settings, market: &Market) -> Result<(UtcMs, UtcMs), color_eyre::Report> {
    let default = if args.lake {
        market.last.plus(-market.last.since(market.first) / 4).day()
    } else {
        settings.replay.trading_from
    };
    let from = moment("--from", &args.from)?.unwrap_or(default);
    let to = moment("--to", &args.to)?.unwrap_or(market.last);
    if from >= to || from >= market.last || to <= market.first {
        bail!(
            "nothing to test between {} and {}: the data ({}) go from {} to {}",
            from.minute(),
            to.minute(),
            market.label,
            market.first.minute(),
            market.last.minute()
        );
    }
    Ok((from, to))
}
