//! `cst features PAIR`: rows over recorded data or the lake.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use color_eyre::eyre::{WrapErr, bail, eyre};
use serde_json::{Value, json};

use super::args::ShowArgs;
use super::recorded::{Source, tell_refused};
use crate::cli::args::Cli;
use crate::cli::progress::ProgressLine;
use crate::cli::{Outcome, find_home, load_settings, print, print_json};
use crate::domain::pair::Pair;
use crate::domain::time::{DAY_MS, UtcMs};
use crate::domain::{FeatureRow, Schema};
use crate::pipeline::FeatureSet;
use crate::pipeline::features::replay_streams;

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
    let set = &loaded.features;
    // Every pair: some features look at all of them.
    let mut source = Source::open(&home, &loaded.settings, &args.data)?;
    let place = source.place(pair)?;
    let pairs: Vec<Pair> = source.streams.iter().map(|stream| stream.pair().clone()).collect();
    let mut file = args.out.as_ref().map(|path| RowFile::create(path, pair, set.schema())).transpose()?;
    let most = if args.all { 0 } else { args.last as usize };
    let mut rows = VecDeque::new();
    let mut line = ProgressLine::new(cli.json);
    let mut shown = 0;
    replay_streams(set, &loaded.settings.core.pipeline, &pairs, &mut source.streams, |at, panel, present| {
        if at.0 / DAY_MS > shown {
            shown = at.0 / DAY_MS;
            line.show(format!("{} at {}", pair, at.minute()));
        }
        let Some(output) = panel.output(place).filter(|_| at <= until && present.contains(&place)) else {
            return Ok(());
        };
        let row = Row { at, features: output.features };
        match &mut file {
            Some(file) if args.all => file.write(&row)?,
            _ => {
                if rows.len() == most {
                    rows.pop_front();
                }
                rows.push_back(row);
            }
        }
        Ok(())
    })?;
    line.clear();
    source.streams.iter().for_each(tell_refused);
    let rows: Vec<Row> = rows.into();
    if let (Some(mut file), Some(path)) = (file, &args.out) {
        for row in &rows {
            file.write(row)?;
        }
        if file.rows == 0 {
            bail!("{}; '{}' was not written", nothing(pair, args), path.display());
        }
        let written = file.finish()?;
        let text = format!("{written} rows of {} columns written to '{}'", set.schema().len(), path.display());
        return if cli.json { print_json(&json!({ "file": path, "rows": written })) } else { print(&text) };
    }
    if rows.is_empty() {
        bail!("{}", nothing(pair, args));
    }
    if cli.json {
        return print_json(&rows.iter().map(|row| as_json(pair, row)).collect::<Vec<_>>());
    }
    print(&table(pair, &rows, set))
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

fn nothing(pair: &Pair, args: &ShowArgs) -> String {
    let until = args.at.as_ref().map(|at| format!(" up to {at}")).unwrap_or_default();
    format!("there is no usable hour of {pair}{until}")
}

/// Rows on their way to a file, CSV or JSON lines by its name. The file appears when it is whole; until then it is called `.part`.
struct RowFile {
    out: BufWriter<File>,
    path: PathBuf,
    part: PathBuf,
    pair: Pair,
    as_lines: bool,
    rows: u64,
}

impl RowFile {
    fn create(path: &Path, pair: &Pair, schema: &Schema) -> Result<Self, color_eyre::Report> {
        let as_lines = path.extension().is_some_and(|ext| ext == "json" || ext == "jsonl");
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).wrap_err_with(|| unwritten(path))?;
        let mut made =
            Self { out: BufWriter::new(file), path: path.to_owned(), part, pair: pair.clone(), as_lines, rows: 0 };
        if !as_lines {
            let names: Vec<&str> = schema.columns().iter().map(|column| column.name.as_str()).collect();
            made.line(&format!("pair,at,{}", names.join(",")))?;
        }
        Ok(made)
    }

    fn write(&mut self, row: &Row) -> Outcome {
        self.rows += 1;
        if self.as_lines {
            return self.line(&as_json(&self.pair, row).to_string());
        }
        let values: Vec<String> =
            row.features.values().map(|value| value.map(|v| v.to_string()).unwrap_or_default()).collect();
        self.line(&format!("{},{},{}", self.pair, row.at, values.join(",")))
    }

    fn line(&mut self, text: &str) -> Outcome {
        writeln!(self.out, "{text}").wrap_err_with(|| unwritten(&self.path))
    }

    /// Puts the file in its place; how many rows it has.
    fn finish(mut self) -> Result<u64, color_eyre::Report> {
        self.out
            .flush()
            .and_then(|()| std::fs::rename(&self.part, &self.path))
            .wrap_err_with(|| unwritten(&self.path))?;
        Ok(self.rows)
    }
}

impl Drop for RowFile {
    fn drop(&mut self) {
        // Gone already when it was finished.
        let _ = std::fs::remove_file(&self.part);
    }
}

fn unwritten(path: &Path) -> String {
    format!("'{}' could not be written", path.display())
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
