//! `cst data list|check|export|compact|resample`.

use std::ops::Range;

use color_eyre::eyre::{bail, eyre};
use serde_json::{Value, json};

use super::{lake_folder, listing};
use crate::cli::args::{Cli, CompactArgs, ExportArgs, ExportAs, LakeArgs, ResampleArgs};
use crate::cli::{Outcome, find_home, load_settings, print, print_json};
use crate::clock::{Clock, SystemClock};
use crate::domain::pair::Interval;
use crate::domain::time::UtcMs;
use crate::store::lake::{
    self, CompactOptions, Compacted, ExportFormat, Filter, Keep, LakeWriter, Resampled, Series, SeriesKey, VenueName,
};

pub(in crate::cli) fn list(cli: &Cli, args: &LakeArgs) -> Outcome {
    listing::tell(cli, &lake::list(&lake_folder(cli)?, &filter(args)?)?)
}

pub(in crate::cli) fn check(cli: &Cli, args: &LakeArgs) -> Outcome {
    let report = lake::check(&lake_folder(cli)?, &filter(args)?, SystemClock::new().now())?;
    listing::tell(cli, &report)?;
    match report.problems.len() {
        0 => Ok(()),
        n => bail!(
            "{n} problems; `cst data compact --drop-damaged` takes damaged files out of the lake, and their span can be imported or fetched again"
        ),
    }
}

pub(in crate::cli) fn export(cli: &Cli, args: &ExportArgs) -> Outcome {
    let series = match (args.trades, args.books) {
        (true, _) => Series::Trades,
        (_, true) => Series::Books,
        _ => Series::Candles(Interval(args.interval)),
    };
    let format = match args.format {
        ExportAs::Csv => ExportFormat::Csv,
        ExportAs::Json => ExportFormat::Json,
        ExportAs::Jsonl => ExportFormat::JsonLines,
        ExportAs::Parquet => ExportFormat::Parquet,
    };
    let key = SeriesKey::new(venue(&args.venue)?, args.pair.clone(), series);
    let range = range(args.since.as_deref(), args.until.as_deref())?;
    let done = lake::export(&lake_folder(cli)?, &key, range, format, &args.out)?;
    if cli.json {
        return print_json(&json!({ "file": done.path, "rows": done.rows, "bytes": done.bytes }));
    }
    print(&format!("{} rows written to '{}'", done.rows, done.path.display()))
}

pub(in crate::cli) fn compact(cli: &Cli, args: &CompactArgs) -> Outcome {
    let home = find_home(cli)?;
    let settings = load_settings(cli, &home)?.settings.lake;
    let days = |days: u32| (days > 0).then_some(days);
    let keep = Keep {
        candles: days(settings.keep_candles_days),
        trades: days(settings.keep_trades_days),
        books: days(settings.keep_books_days),
    };
    let options = CompactOptions {
        filter: filter(&args.of)?,
        now: SystemClock::new().now(),
        keep,
        drop_damaged: args.drop_damaged,
        dry_run: args.dry_run,
    };
    let (done, problems) = lake::compact(&lake_folder(cli)?, &options)?;
    if cli.json {
        let series: Vec<Value> = done.iter().map(compacted_json).collect();
        let problems: Vec<Value> = problems.iter().map(listing::problem_json).collect();
        print_json(&json!({ "dry_run": args.dry_run, "series": series, "problems": problems }))?;
    } else {
        let mut text: Vec<String> = done.iter().flat_map(|one| compacted_words(one, args.dry_run)).collect();
        text.extend(problems.iter().map(listing::problem_words));
        if text.is_empty() {
            text.push(
                "nothing to do: every month and day is one file, and nothing is older than it shall be kept".to_owned(),
            );
        }
        print(&text.join("\n"))?;
    }
    match problems.len() {
        0 => Ok(()),
        n => bail!("{n} series could not be tidied and are as they were"),
    }
}

fn compacted_words(done: &Compacted, dry_run: bool) -> Vec<String> {
    let (would, key) = (if dry_run { "would be " } else { "" }, &done.key);
    let mut text = Vec::new();
    if done.adopted {
        text.push(format!("{key}: a manifest {would}written for the files found"));
    }
    text.extend(done.merged.iter().map(|span| {
        let (rows, before, after) = (span.rows, span.files_before, span.files_after);
        format!("{key} {}: {before} files of {rows} rows {would}made {after}", span.span)
    }));
    text.extend(done.expired.iter().map(|file| {
        format!("{key} {}: {would}dropped by age, {} rows, {} bytes ({})", file.span, file.rows, file.bytes, file.name)
    }));
    text.extend(done.dropped.iter().map(|path| format!("{key}: {would}taken out as damaged: '{}'", path.display())));
    text.extend(done.removed.iter().map(|path| format!("{key}: {would}removed as a leftover: '{}'", path.display())));
    text
}

fn compacted_json(done: &Compacted) -> Value {
    let merged = |span: &lake::MergedSpan| json!({ "span": span.span, "rows": span.rows, "files_before": span.files_before, "files_after": span.files_after });
    json!({
        "venue": done.key.venue.as_str(), "pair": done.key.pair, "series": done.key.series.to_string(), "manifest_written": done.adopted,
        "merged": done.merged.iter().map(merged).collect::<Vec<_>>(), "expired": done.expired, "removed": done.removed, "dropped": done.dropped,
    })
}

pub(in crate::cli) fn resample(cli: &Cli, args: &ResampleArgs) -> Outcome {
    let writer = LakeWriter::open(&lake_folder(cli)?, SystemClock::new().now())?;
    let to: Vec<Interval> = args.to.iter().map(|minutes| Interval(*minutes)).collect();
    let range = range(args.since.as_deref(), args.until.as_deref())?;
    let venue = venue(&args.venue)?;
    let done = lake::resample(&writer, (&venue, &args.pair), (Interval(args.from), &to), range, args.replace)?;
    if cli.json {
        let of = |one: &Resampled| {
            json!({
                "interval": one.to.to_string(), "added": one.added, "identical": one.identical, "replaced": one.replaced,
                "conflicts": one.conflicts, "incomplete": one.incomplete, "files": one.files,
            })
        };
        return print_json(&done.iter().map(of).collect::<Vec<_>>());
    }
    let words = |one: &Resampled| {
        let conflicts = match one.conflicts {
            0 => String::new(),
            n => format!("; {n} differ from the lake's and were left out (--replace takes them)"),
        };
        format!(
            "{} {}: {} new, {} known, {} replaced, {} incomplete and left out{conflicts}",
            args.pair, one.to, one.added, one.identical, one.replaced, one.incomplete
        )
    };
    print(&done.iter().map(words).collect::<Vec<_>>().join("\n"))
}

fn venue(text: &str) -> Result<VenueName, color_eyre::Report> {
    text.parse().map_err(|e: String| eyre!(e))
}

fn filter(args: &LakeArgs) -> Result<Filter, color_eyre::Report> {
    Ok(Filter { venue: args.venue.as_deref().map(venue).transpose()?, pair: args.pair.clone() })
}

fn range(since: Option<&str>, until: Option<&str>) -> Result<Range<UtcMs>, color_eyre::Report> {
    let instant = |text: Option<&str>, open: i64| match text {
        Some(text) => UtcMs::parse(text).map_err(|e| eyre!("'{text}' is not an instant: {e}")),
        None => Ok(UtcMs(open)),
    };
    Ok(instant(since, i64::MIN)?..instant(until, i64::MAX)?)
}
