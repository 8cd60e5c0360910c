//! `cst risk`: what the book could lose.

pub mod args;

use std::collections::{BTreeMap, BTreeSet};

use color_eyre::eyre::{WrapErr, bail};
use serde::Deserialize;

use self::args::{RiskArgs, RiskCommand, StressArgs};
use super::args::Cli;
use super::{Outcome, find_home, load_settings, print, print_json};
use crate::config::{Home, Settings};
use crate::decision::session::Checkpoint;
use crate::decision::stress::{
    Book, Breach, Holding, HourlyHistory, Scenario, StressLimit, StressLimits, StressPlan, StressReport, StressRow,
    stress,
};
use crate::domain::money::Money;
use crate::domain::time::HOUR_MS;
use crate::domain::{Pair, RawCandle, UtcMs};
use crate::orchestrator::lake_series;
use crate::store::{Journal, Recording};

pub(super) fn risk(cli: &Cli, args: &RiskArgs) -> Outcome {
    match &args.what {
        RiskCommand::Stress(args) => under_stress(cli, args),
    }
}

fn under_stress(cli: &Cli, args: &StressArgs) -> Outcome {
    let home = find_home(cli)?;
    let settings = load_settings(cli, &home)?.settings;
    let (whose, book) = if args.hold.is_empty() {
        account(&home, &settings, &args.account)?
    } else {
        let holding = |held: &args::Held| Holding { pair: held.pair.clone(), share: held.share, stop: None };
        (
            "a book that is asked about".to_owned(),
            Book { holdings: args.hold.iter().map(holding).collect(), ..Book::default() },
        )
    };
    if book.holdings.is_empty() {
        return if cli.json {
            print_json(&serde_json::json!({ "book": whose, "rows": [] }))
        } else {
            print(&format!(
                "{whose}: no position is open, so there is nothing to lose. --hold PAIR=SHARE asks about a book that is not there yet"
            ))
        };
    }
    let (told, candles) = if args.lake {
        (
            format!("hourly candles of {} in the lake", args.venue),
            lake_series(&home.lake(), &args.venue, UtcMs(i64::MAX))?,
        )
    } else {
        let recording = Recording::open(&home.recording(&settings.replay.recording)?)?;
        ("the hourly history of the recording".to_owned(), recording.training_series(UtcMs(i64::MAX))?)
    };
    let held: BTreeSet<&Pair> = book.holdings.iter().map(|h| &h.pair).collect();
    let missing: Vec<String> = held
        .iter()
        .filter(|pair| !candles.iter().any(|(p, rows)| p == **pair && !rows.is_empty()))
        .map(ToString::to_string)
        .collect();
    if !missing.is_empty() {
        bail!("there is no hourly history of {} ({told}); --lake takes the lake's", missing.join(", "));
    }
    let history = history(candles.into_iter().filter(|(pair, _)| held.contains(pair)));
    let limits = StressLimits::new(&settings.core.risk, args.es99);
    let report = stress(&book, &history, &limits, &StressPlan { days: args.days, gaps: args.gaps.clone() })?;
    if cli.json {
        return print_json(&serde_json::json!({ "book": whose, "history": told, "report": report }));
    }
    print(&text(&whose, &told, &book, &report))
}

/// An account's book at the newest checkpoint of the newest session.
fn account(home: &Home, settings: &Settings, name: &str) -> Result<(String, Book), color_eyre::Report> {
    let journal = Journal::open_read_only(&home.path(&settings.journal.path))?;
    let Some(session) = journal.latest_session()? else { bail!("the journal holds no session yet; `cst` begins one") };
    let Some(stored) = journal.last_checkpoint(session.id)? else {
        bail!("session {} has no checkpoint yet", session.id);
    };
    let Checkpoint { engine, broker } = Checkpoint::deserialize(&stored.state)
        .wrap_err_with(|| format!("the checkpoint of session {} cannot be read", session.id))?;
    let state = if name == "shadow" { &engine.shadow } else { &engine.main };
    let price = |pair: &Pair| broker.last_price(pair);
    let value = |pair: &Pair| {
        let position = state.positions.get(pair)?;
        Some(price(pair).unwrap_or(position.entry).times(position.qty))
    };
    let equity: Money = state.cash + state.positions.keys().filter_map(value).sum::<Money>();
    let share = |money: Money| money.to_f64() / equity.to_f64().max(f64::MIN_POSITIVE);
    let holdings = state
        .positions
        .values()
        .map(|p| {
            let now = price(&p.pair).unwrap_or(p.entry).to_f64();
            let stop = 1.0 - p.plan.stop.to_f64() / now;
            Holding {
                pair: p.pair.clone(),
                share: value(&p.pair).map_or(0.0, share),
                stop: (0.0..1.0).contains(&stop).then_some(stop),
            }
        })
        .collect();
    let week = state.week_equity.first().map_or(state.day_start_equity, |(_, equity)| *equity);
    let book = Book {
        holdings,
        drawdown: (1.0 - equity.to_f64() / state.peak_equity.to_f64().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0),
        lost_today: share(state.day_start_equity - equity),
        lost_week: share(week - equity),
    };
    Ok((format!("{name} account of session {}, {} UTC, equity {:.2}", session.id, stored.at.minute(), equity.0), book))
}

/// Returns from close to close of neighbouring hours.
fn history(series: impl Iterator<Item = (Pair, Vec<RawCandle>)>) -> HourlyHistory {
    let closes: BTreeMap<Pair, BTreeMap<UtcMs, f64>> =
        series.map(|(pair, rows)| (pair, rows.iter().map(|r| (r.open_time, r.close)).collect())).collect();
    let hours: BTreeSet<UtcMs> = closes.values().flat_map(BTreeMap::keys).copied().collect();
    let of = |closes: &BTreeMap<UtcMs, f64>| {
        let at = |hour: &UtcMs| {
            let (now, before) = (closes.get(hour)?, closes.get(&hour.plus(-HOUR_MS))?);
            (*before > 0.0).then(|| now / before - 1.0)
        };
        hours.iter().map(at).collect()
    };
    let returns = closes.iter().map(|(pair, closes)| (pair.clone(), of(closes))).collect();
    HourlyHistory { hours: hours.into_iter().collect(), returns }
}

fn text(whose: &str, told: &str, book: &Book, report: &StressReport) -> String {
    let mut out = vec![whose.to_owned()];
    for h in &book.holdings {
        let stop = h.stop.map_or_else(|| "no stop".to_owned(), |s| format!("stop {} below", share(s)));
        out.push(format!("  {:<10} {:>8} of equity, {stop}", h.pair.to_string(), share(h.share)));
    }
    out.push(format!("history: {told}, {} whole days, {} left out as incomplete", report.days, report.days_incomplete));
    out.push(format!("{:<34} {:>9} {:>14}  limits reached", "", "loss", "if stops held"));
    out.extend(report.rows.iter().map(row));
    out.push("losses are shares of equity now; a day counts only with all its hours of all held pairs".to_owned());
    out.join("\n")
}

fn row(row: &StressRow) -> String {
    let name = match row.scenario {
        Scenario::RecordedDay { day } => format!("{} again", day.date()),
        Scenario::BookEs99 => "ES 99 of a day, the book as it is".to_owned(),
        Scenario::TogetherVar99 => "each its VaR 99 at once".to_owned(),
        Scenario::TogetherEs99 => "each its ES 99 at once".to_owned(),
        Scenario::Gap { share: gap } => format!("every price opens {} lower", share(gap)),
    };
    let maybe = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), share);
    let reached: Vec<String> = row.breaches.iter().map(breach).collect();
    format!("{name:<34} {:>9} {:>14}  {}", maybe(row.loss), maybe(row.if_stops_held), reached.join(", "))
}

fn breach(b: &Breach) -> String {
    let limit = match b.limit {
        StressLimit::DailyLoss => "loss of a day",
        StressLimit::WeeklyLoss => "loss of 7 days",
        StressLimit::DrawdownHalve => "halved sizes",
        StressLimit::DrawdownStop => "drawdown stop",
        StressLimit::Es99 => "ES 99",
    };
    format!("{limit} ({} of {})", share(b.value), share(b.threshold))
}

fn share(value: f64) -> String {
    format!("{:.2} %", value * 100.0)
}
