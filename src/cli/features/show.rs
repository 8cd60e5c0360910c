//! `cst features PAIR`: rows over recorded data.

use std::fmt::Write as _;
use std::path::Path;

use color_eyre::eyre::{WrapErr, bail, eyre};
use serde_json::{Value, json};

use super::args::ShowArgs;
use super::recorded::histories;
use crate::cli::args::Cli;
use crate::cli::{Outcome, find_home, load_settings, print, print_json};
use crate::domain::pair::Pair;
use crate::domain::time::UtcMs;
use crate::domain::{FeatureRow, Schema};
use crate::pipeline::FeatureSet;
use crate::pipeline::features::replay;

/// Hours side by side on a screen; more belong into a file.
const MOST_ON_SCREEN: u32 = 6;

/// One pair's row at the end of an hour.
struct Row {
    at: UtcMs,
    features: FeatureRow,
}

pub(super) fn show(cli: &Cli, pair: &Pair, args: &ShowArgs) -> Outcome {
    if args.last > MOST_ON_SCREEN && args.out.is_none() && !cli.json {
        bail!(
            "{} hours do not fit on a screen (at most {MOST_ON_SCREEN}); add `--out FILE.csv` or `--json`",
            args.last
        );
    }
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let until = match &args.at {
        None => UtcMs(i64::MAX),
        Some(text) => UtcMs::parse(text).map_err(|e| eyre!("--at '{text}' is not an instant: {e}"))?,
    };
    // Every pair: some features look at all of them.
    let histories = histories(&home, &loaded.settings, &[])?;
    let Some(place) = histories.iter().position(|history| history.pair == *pair) else {
        let known: Vec<&str> = histories.iter().map(|history| history.pair.as_str()).collect();
        bail!("the recording has no {pair}; it has {}", known.join(", "));
    };
    let known: Vec<_> = histories.iter().map(|history| history.up_to(until)).collect();
    let mut rows = std::collections::VecDeque::with_capacity(args.last as usize);
    replay(&loaded.features, &loaded.settings.core.pipeline, &known, |at, panel, present| {
        if let Some(output) = panel.output(place).filter(|_| present.contains(&place)) {
            if rows.len() == args.last as usize {
                rows.pop_front();
            }
            rows.push_back(Row { at, features: output.features });
        }
    });
    let rows: Vec<Row> = rows.into();
    if rows.is_empty() {
        let until = args.at.as_ref().map(|at| format!(" before {at}")).unwrap_or_default();
        bail!("the recording has no usable hour of {pair}{until}");
    }
    if let Some(path) = &args.out {
        write(path, pair, &rows, loaded.features.schema())?;
        let text = format!(
            "{} rows of {} columns written to '{}'",
            rows.len(),
            loaded.features.schema().len(),
            path.display()
        );
        return if cli.json { print_json(&json!({ "file": path, "rows": rows.len() })) } else { print(&text) };
    }
    if cli.json {
        return print_json(&rows.iter().map(|row| as_json(pair, row)).collect::<Vec<_>>());
    }
    print(&table(pair, &rows, &loaded.features))
}

fn as_json(pair: &Pair, row: &Row) -> Value {
    let columns = row.features.schema().columns().iter();
    let values: serde_json::Map<String, Value> =
        columns.zip(row.features.values()).map(|(column, value)| (column.name.clone(), json!(value))).collect();
    json!({
        "pair": pair, "at": row.at.to_string(), "set": row.features.schema().hash(),
        "missing": row.features.missing().map(|column| &column.name), "values": values,
    })
}

fn write(path: &Path, pair: &Pair, rows: &[Row], schema: &Schema) -> Outcome {
    let as_lines = path.extension().is_some_and(|ext| ext == "json" || ext == "jsonl");
    let mut text = String::new();
    if as_lines {
        for row in rows {
            writeln!(text, "{}", as_json(pair, row))?;
        }
    } else {
        let names: Vec<&str> = schema.columns().iter().map(|column| column.name.as_str()).collect();
        writeln!(text, "pair,at,{}", names.join(","))?;
        for row in rows {
            let values: Vec<String> =
                row.features.values().map(|value| value.map(|v| v.to_string()).unwrap_or_default()).collect();
            writeln!(text, "{pair},{},{}", row.at, values.join(","))?;
        }
    }
    std::fs::write(path, text).wrap_err_with(|| format!("'{}' could not be written", path.display()))
}

fn table(pair: &Pair, rows: &[Row], set: &FeatureSet) -> String {
    let width = set.schema().columns().iter().map(|column| column.name.len()).max().unwrap_or(0);
    let times: Vec<String> = rows.iter().map(|row| format!("{:>16}", row.at.minute())).collect();
    let mut text = vec![format!("{pair} at the close of the hour (UTC)\n{:<width$}  {}", "", times.join("  "))];
    for (i, (column, feature)) in set.features().enumerate() {
        let values: Vec<String> = rows
            .iter()
            .map(|row| row.features.at(i).map_or_else(|| format!("{:>16}", "no value"), |v| format!("{v:>16.6}")))
            .collect();
        let words = if rows.len() == 1 { format!("  {}", feature.words) } else { String::new() };
        text.push(format!("{:<width$}  {}{words}", column.name, values.join("  ")));
    }
    if let Some(missing) = rows.last().and_then(|row| row.features.missing()) {
        text.push(format!("no decision can be made on the last row: '{}' has no value", missing.name));
    }
    text.join("\n")
}
