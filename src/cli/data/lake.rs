//! `cst data list|check|export`.

use color_eyre::eyre::{bail, eyre};
use serde_json::{Value, json};

use super::lake_folder;
use crate::cli::args::{Cli, ExportArgs, ExportAs};
use crate::cli::{Outcome, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::domain::pair::Interval;
use crate::domain::time::UtcMs;
use crate::store::import::{self, CheckReport, ExportFormat, LakeEntry, Series, VenueName};

pub(in crate::cli) fn list(cli: &Cli) -> Outcome {
    tell(cli, &import::list(&lake_folder(cli)?)?)
}

pub(in crate::cli) fn check(cli: &Cli) -> Outcome {
    let report = import::check(&lake_folder(cli)?, SystemClock::new().now())?;
    tell(cli, &report)?;
    match report.problems.len() {
        0 => Ok(()),
        n => bail!("{n} problems; a file that is damaged can be deleted and its span imported or fetched again"),
    }
}

pub(in crate::cli) fn export(cli: &Cli, args: &ExportArgs) -> Outcome {
    let instant = |text: &Option<String>, open: i64| match text {
        Some(text) => UtcMs::parse(text).map_err(|e| eyre!("'{text}' is not an instant: {e}")),
        None => Ok(UtcMs(open)),
    };
    let range = instant(&args.since, i64::MIN)?..instant(&args.until, i64::MAX)?;
    let series = if args.trades { Series::Trades } else { Series::Candles(Interval(args.interval)) };
    let format = match args.format {
        ExportAs::Csv => ExportFormat::Csv,
        ExportAs::Json => ExportFormat::Json,
        ExportAs::Parquet => ExportFormat::Parquet,
    };
    let venue: VenueName = args.venue.parse().map_err(|e: String| eyre!(e))?;
    let done = import::export(&lake_folder(cli)?, &venue, &args.pair, series, range, format, &args.out)?;
    if cli.json {
        return print_json(&json!({ "file": done.path, "rows": done.rows, "bytes": done.bytes }));
    }
    print(&format!("{} rows written to '{}'", done.rows, done.path.display()))
}

fn tell(cli: &Cli, report: &CheckReport) -> Outcome {
    if cli.json {
        let problem = |p: &import::LakeProblem| json!({ "file": p.path, "row": p.row, "reason": p.reason });
        return print_json(&json!({
            "entries": report.entries.iter().map(entry_json).collect::<Vec<_>>(),
            "problems": report.problems.iter().map(problem).collect::<Vec<_>>(),
        }));
    }
    if report.entries.is_empty() && report.problems.is_empty() {
        return print("the lake is empty: `cst data fetch` or `cst data import` fills it");
    }
    let mut text = vec![format!(
        "{:<10} {:<12} {:<7} {:<17} {:<17} {:>10} {:>7} {:>13}",
        "VENUE", "PAIR", "SERIES", "FIRST", "LAST", "ROWS", "HOLES", "LONGEST"
    )];
    text.extend(report.entries.iter().map(|e| {
        format!(
            "{:<10} {:<12} {:<7} {:<17} {:<17} {:>10} {:>7} {:>9} min",
            e.venue,
            e.pair,
            e.series,
            e.first.minute(),
            e.last.minute(),
            e.rows,
            e.holes.count,
            e.holes.longest_ms / 60_000
        )
    }));
    text.extend(report.problems.iter().map(|p| {
        let row = p.row.map(|row| format!(" row {row}")).unwrap_or_default();
        format!("problem: '{}'{row}: {}", p.path.display(), p.reason)
    }));
    print(&text.join("\n"))
}

fn entry_json(e: &LakeEntry) -> Value {
    json!({
        "venue": e.venue.as_str(), "pair": e.pair, "series": e.series.to_string(), "first": e.first.to_string(), "last": e.last.to_string(),
        "rows": e.rows, "holes": e.holes.count, "absent": e.holes.absent, "longest_hole_ms": e.holes.longest_ms,
        "bytes": e.bytes, "files": e.files,
    })
}
