//! `cst data import`.

use std::ops::ControlFlow;
use std::path::Path;

use color_eyre::eyre::{bail, eyre};
use serde_json::{Value, json};

use super::lake_folder;
use crate::cli::args::{Cli, ImportArgs};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::ProgressLine;
use crate::cli::{Outcome, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::domain::pair::Interval;
use crate::store::import::{FileOutcome, Mapping, Options, Progress, Report, import as import_into, inspect};

pub(in crate::cli) fn import(cli: &Cli, args: &ImportArgs) -> Outcome {
    let lake = lake_folder(cli)?;
    let options = Options {
        mapping: args.mapping.as_deref().map(Mapping::load).transpose()?,
        venue: args.venue.as_deref().map(str::parse).transpose().map_err(|e: String| eyre!(e))?,
        pair: args.pair.clone(),
        interval: args.interval.map(Interval),
        replace: args.replace,
        dry_run: args.dry_run,
        ..Options::new(SystemClock::new().now())
    };
    let interrupt = Interrupt::listen()?;
    let mut line = ProgressLine::new(cli.json);
    let mut told = |p: &Progress<'_>| {
        let name = p.file.file_name().unwrap_or_default().to_string_lossy();
        let share = (p.bytes.0 * 100).checked_div(p.bytes.1).unwrap_or(100);
        line.show(format!("{name} ({} of {})  {share} %  {} rows", p.number.0 + 1, p.number.1, p.rows));
        if interrupt.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut outcomes = Vec::new();
    for source in &args.files {
        outcomes.extend(if args.dry_run {
            inspect(source, &options)?
        } else {
            import_into(source, &lake, &options, &mut told)?
        });
        if interrupt.asked() {
            break;
        }
    }
    line.clear();
    tell(cli, &outcomes, &lake, args.dry_run)?;
    let refused = outcomes.iter().filter(|o| !matches!(&o.result, Ok(r) if r.refused.is_none())).count();
    if refused > 0 {
        bail!("{refused} of {} files were not imported; `--dry-run` shows what they were taken for", outcomes.len());
    }
    Ok(())
}

fn tell(cli: &Cli, outcomes: &[FileOutcome], lake: &Path, dry_run: bool) -> Outcome {
    if cli.json {
        let files: Vec<Value> = outcomes.iter().map(as_json).collect();
        return print_json(&json!({ "lake": lake, "dry_run": dry_run, "files": files }));
    }
    let mut text = Vec::new();
    for outcome in outcomes {
        text.push(format!("{}", outcome.path.display()));
        match &outcome.result {
            Ok(report) => in_words(report, dry_run, &mut text),
            Err(error) => text.push(format!("  not imported: {error}")),
        }
    }
    print(&text.join("\n"))
}

fn in_words(report: &Report, dry_run: bool, text: &mut Vec<String>) {
    if let Some(refusal) = &report.refused {
        text.push(format!("  not imported: {refusal}"));
    }
    let new = if dry_run { "would be new" } else { "new" };
    text.push(format!(
        "  {} rows: {} {new}, {} known, {} replaced, {} rejected",
        report.read,
        report.accepted,
        report.identical,
        report.replaced,
        report.rejected_total()
    ));
    if let (Some(first), Some(last)) = (report.first, report.last) {
        let holes = report.holes;
        text.push(format!(
            "  {first} … {last}; {} holes, the longest of {} minutes",
            holes.count,
            holes.longest_ms / 60_000
        ));
    }
    text.extend(report.notes.iter().map(|note| format!("  {note}")));
    if dry_run {
        text.extend(report.sample.iter().map(|row| format!("    {row}")));
    }
    text.extend(report.rejected.iter().map(|(reason, n)| format!("  {n} rejected: {reason}")));
    text.extend(report.problems.iter().take(3).map(|p| format!("    line {}: {}: {}", p.line, p.reason, p.text)));
    if let Some(path) = &report.rejects {
        text.push(format!("  every rejected row with its reason: {}", path.display()));
    }
}

fn as_json(outcome: &FileOutcome) -> Value {
    let report = match &outcome.result {
        Ok(report) => report,
        Err(error) => return json!({ "file": outcome.path, "error": error.to_string() }),
    };
    let rejected: serde_json::Map<String, Value> =
        report.rejected.iter().map(|(reason, n)| (reason.as_str().to_owned(), json!(n))).collect();
    json!({
        "file": outcome.path, "error": report.refused.as_ref().map(ToString::to_string), "read": report.read,
        "accepted": report.accepted, "identical": report.identical, "replaced": report.replaced, "rejected": rejected,
        "rejects": report.rejects, "first": report.first.map(|t| t.to_string()), "last": report.last.map(|t| t.to_string()),
        "holes": report.holes.count, "longest_hole_ms": report.holes.longest_ms, "notes": report.notes, "stopped": report.stopped,
    })
}
