//! `cst backtest --strategy`: a strategy of the file by itself, through the step that also trades live.

use std::sync::Arc;

use color_eyre::eyre::{bail, eyre};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::args::BacktestArgs;
use super::text::{number, percent, size};
use super::{LEDGER, moment};
use crate::broker::fees::FeeSchedule;
use crate::cli::args::Cli;
use crate::cli::{Outcome, find_home, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::config::{Home, Loaded};
use crate::decision::rules::{Backtest, RuleCosts, RuleReport, RuleStrategy, RuleTrader, StrategyFile, backtest};
use crate::domain::market::Bar;
use crate::domain::money::Money;
use crate::domain::plan::Horizon;
use crate::domain::time::DAY_MS;
use crate::domain::{Interval, Pair, RawCandle, UtcMs};
use crate::ml::overfit::Track;
use crate::ml::trials::{Deflated, Trial};
use crate::monitor::performance::{sharpe, simple_returns};
use crate::orchestrator::lake_candles;
use crate::pipeline::align::resample;
use crate::pipeline::{NamedColumns, Validator};
use crate::store::lake::Filter;
use crate::store::{Recording, TrialFile};

/// Cash that each pair begins with, in quote units.
const CASH: f64 = 10_000.0;

/// One pair's result.
#[derive(Debug, Serialize)]
struct PairResult {
    pair: Pair,
    from: UtcMs,
    to: UtcMs,
    bars: usize,
    trades: usize,
    won: usize,
    total_return: f64,
    max_drawdown: f64,
    exposure: f64,
    /// A year, from returns per bar; `None` when nothing ever moved.
    sharpe: Option<f64>,
    probabilistic_sharpe: Option<f64>,
    /// After all backtests on record.
    deflated_sharpe: Option<f64>,
    buy_and_hold: f64,
    /// The fee of each fill, as a share.
    fee_rate: f64,
    fingerprint: String,
}

pub(super) fn backtest_rules(cli: &Cli, args: &BacktestArgs, name: &str) -> Outcome {
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let file = strategies(&home, &loaded)?;
    if name == "list" {
        let told: Vec<String> = file.strategies.iter().map(told).collect();
        return print(&told.join("\n"));
    }
    let Some(strategy) = file.strategies.iter().find(|s| s.name == name) else {
        let names: Vec<&str> = file.strategies.iter().map(|s| s.name.as_str()).collect();
        bail!("there is no strategy '{name}'; there is {}", names.join(", "));
    };
    let mut results = Vec::new();
    let mut missing = Vec::new();
    for pair in &strategy.pairs {
        match bars(&home, &loaded, args, pair, strategy.interval)? {
            bars if bars.len() > 1 => results.push(one(&home, &loaded, args, strategy, pair, &bars)?),
            _ => missing.push(pair.to_string()),
        }
    }
    if results.is_empty() {
        bail!(
            "there are no {} candles of {}; the recording holds hourly ones, --lake takes the lake's",
            strategy.interval,
            missing.join(", ")
        );
    }
    if cli.json {
        return print_json(
            &serde_json::json!({ "strategy": name, "without_costs": args.no_costs, "pairs": results, "missing": missing }),
        );
    }
    print(&text(strategy, args, &results, &missing))
}

/// The home's own file, or the one that comes with the program.
fn strategies(home: &Home, loaded: &Loaded) -> Result<StrategyFile, color_eyre::Report> {
    let path = home.path("config").join(StrategyFile::NAME);
    let own = std::fs::read_to_string(&path);
    let (file, text) = match &own {
        Ok(text) => (path.display().to_string(), text.as_str()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            ("config/strategies.toml".to_owned(), StrategyFile::BUILT_IN)
        }
        Err(e) => bail!("'{}' cannot be read: {e}", path.display()),
    };
    StrategyFile::parse(&file, text, |interval| columns(loaded, interval)).map_err(|e| eyre!("{e}"))
}

fn columns(loaded: &Loaded, interval: Interval) -> NamedColumns {
    NamedColumns::new(interval, Arc::clone(&loaded.features), &loaded.settings.core.pipeline)
}

fn told(s: &RuleStrategy) -> String {
    let pairs: Vec<String> = s.pairs.iter().map(ToString::to_string).collect();
    format!("{:<18} {:>3}  {}\n    entry {}", s.name, s.interval.to_string(), pairs.join(" "), s.rules.entry)
}

/// Validated bars of the strategy's length; hours are put together where it asks for longer ones than there are.
fn bars(
    home: &Home,
    loaded: &Loaded,
    args: &BacktestArgs,
    pair: &Pair,
    interval: Interval,
) -> Result<Vec<Bar>, color_eyre::Report> {
    let ever = UtcMs(i64::MAX);
    let lake = |interval| -> Result<Vec<RawCandle>, color_eyre::Report> {
        let filter = Filter { venue: Some(args.venue.clone()), pair: Some(pair.clone()) };
        Ok(lake_candles(&home.lake(), &filter, interval, ever)?.into_iter().flat_map(|(_, rows)| rows).collect())
    };
    let (rows, length) = if args.lake {
        match lake(interval)? {
            rows if rows.is_empty() && interval.ms() > Interval::H1.ms() => (lake(Interval::H1)?, Interval::H1),
            rows => (rows, interval),
        }
    } else {
        let recording = Recording::open(&home.recording(&loaded.settings.replay.recording)?)?;
        (recording.training_pair(pair, ever)?.unwrap_or_default(), Interval::H1)
    };
    if interval.ms() < length.ms() {
        return Ok(Vec::new());
    }
    let mut validator = Validator::new(std::slice::from_ref(pair), &loaded.settings.core.pipeline);
    let candles: Vec<_> =
        rows.iter().filter_map(|row| validator.check(row, row.open_time.plus(row.interval.ms())).ok()).collect();
    let all: Vec<Bar> = if length == interval {
        candles.iter().map(Bar::from).collect()
    } else {
        let longer = resample(&candles, length, interval).unwrap_or_default();
        longer.iter().filter(|bar| bar.complete).map(|bar| Bar::from(&bar.candle)).collect()
    };
    let (from, to) = (moment("--from", &args.from)?, moment("--to", &args.to)?);
    let inside = |bar: &Bar| from.is_none_or(|t| bar.open_time >= t) && to.is_none_or(|t| bar.open_time < t);
    Ok(all.into_iter().filter(inside).collect())
}

fn one(
    home: &Home,
    loaded: &Loaded,
    args: &BacktestArgs,
    strategy: &RuleStrategy,
    pair: &Pair,
    bars: &[Bar],
) -> Result<PairResult, color_eyre::Report> {
    let (Some(first), Some(last)) = (bars.first(), bars.last()) else { bail!("no bars of {pair}") };
    let paper = &loaded.settings.core.paper;
    let costs = if args.no_costs {
        RuleCosts { fee_rate: 0.0, slippage_bps: 0.0 }
    } else {
        // One schedule over the whole span: that of its end, which is the dearer one wherever fees rose.
        let taker = FeeSchedule::with_settings(paper).rates(last.open_time, Money::ZERO).taker;
        RuleCosts { fee_rate: Money(taker).to_f64(), slippage_bps: paper.spread_bps / 2.0 }
    };
    let mut trader =
        RuleTrader::new(&strategy.rules, columns(loaded, strategy.interval), costs).map_err(|e| eyre!("{e}"))?;
    let report = backtest(&mut trader, bars, &Backtest { cash: CASH, with_equity: true });
    let returns = simple_returns(&report.equity).unwrap_or_default();
    let track = Track::of(&returns).filter(Track::is_sound);
    let (from, to) = (first.open_time, last.open_time.plus(strategy.interval.ms()));
    let deflated = match track {
        Some(track) => {
            let chosen = format!("{:?}{pair}{costs:?}", strategy.rules);
            let configuration = Sha256::digest(chosen.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            let at = SystemClock::new().now();
            let trial = Trial { at, configuration, horizon: Horizon(1), from, to, track, hold_out: false };
            let ledger = TrialFile::of(&home.path(LEDGER)).enter(vec![trial])?;
            ledger.deflated_sharpe(&track, &[]).map(|Deflated { probability, .. }| probability)
        }
        None => None,
    };
    let RuleReport { trades, final_equity, max_drawdown, exposure, .. } = &report;
    Ok(PairResult {
        pair: pair.clone(),
        from,
        to,
        bars: bars.len(),
        trades: trades.len(),
        won: trades.iter().filter(|t| t.profit > 0.0).count(),
        total_return: final_equity / CASH - 1.0,
        max_drawdown: *max_drawdown,
        exposure: *exposure,
        sharpe: sharpe(&returns, 365.0 * DAY_MS as f64 / strategy.interval.ms() as f64),
        probabilistic_sharpe: track.and_then(|t| t.probabilistic_sharpe(0.0)),
        deflated_sharpe: deflated,
        buy_and_hold: last.close / first.open * (1.0 - costs.fee_rate).powi(2) - 1.0,
        fee_rate: costs.fee_rate,
        fingerprint: format!("{:016x}", report.fingerprint()),
    })
}

fn text(strategy: &RuleStrategy, args: &BacktestArgs, results: &[PairResult], missing: &[String]) -> String {
    let mut out = vec![told(strategy)];
    if args.no_costs {
        out.push("WITHOUT COSTS: no fees, no slippage. Nobody trades like that.".to_owned());
    }
    out.push(format!(
        "{:<10} {:<23} {:>7} {:>7} {:>6} {:>10} {:>10} {:>9} {:>7} {:>7} {:>7} {:>9} {:>8}",
        "pair", "span", "bars", "trades", "won", "return", "held", "max DD", "in", "Sharpe", "PSR", "deflated", "fee"
    ));
    for r in results {
        out.push(format!(
            "{:<10} {:<23} {:>7} {:>7} {:>6} {:>10} {:>10} {:>9} {:>7} {:>7} {:>7} {:>9} {:>8}",
            r.pair.to_string(),
            format!("{} {}", r.from.date(), r.to.date()),
            r.bars,
            r.trades,
            r.won,
            percent(Some(r.total_return), 2),
            percent(Some(r.buy_and_hold), 2),
            size(Some(r.max_drawdown), 2),
            size(Some(r.exposure), 1),
            number(r.sharpe, 2),
            number(r.probabilistic_sharpe, 3),
            number(r.deflated_sharpe, 3),
            size(Some(r.fee_rate), 2),
        ));
    }
    if !missing.is_empty() {
        out.push(format!("no candles of {}", missing.join(", ")));
    }
    out.push("held: bought at the first open and sold at the last close, with the same fee; in: share of bars with a position; PSR, deflated: probability that the true Sharpe ratio is above 0, above what the best of all backtests on record would show without skill".to_owned());
    out.join("\n")
}
