//! `cst features check`: the search for leaks over recorded data.

use color_eyre::eyre::bail;
use serde_json::{Value, json};

use super::args::CheckArgs;
use super::recorded::Source;
use crate::cli::args::Cli;
use crate::cli::progress::ProgressLine;
use crate::cli::{Outcome, find_home, load_settings, print, print_json};
use crate::pipeline::features::{Checker, Finding, Summary, panel_rows};

pub(super) fn check(cli: &Cli, args: &CheckArgs) -> Outcome {
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let set = &loaded.features;
    let mut line = ProgressLine::new(cli.json);
    line.show("reading the hours".to_owned());
    let histories = Source::open(&home, &loaded.settings, &args.data)?.histories(&args.pairs)?;
    let compute = panel_rows(set, &loaded.settings.core.pipeline);
    let checker = Checker::new(set, &histories, &compute, args.instants as usize);
    let summaries = checker.run(|check| line.show(format!("{}: {}", check.as_str(), check.words())));
    line.clear();
    let unchecked = checker.without_values();
    let wrong: Vec<&Summary> = summaries.iter().filter(|summary| summary.wrong > 0).collect();
    let pairs: Vec<&str> = histories.iter().map(|history| history.pair.as_str()).collect();
    if cli.json {
        print_json(&json!({
            "hash": set.schema().hash(), "features": set.schema().len(), "pairs": pairs, "instants": checker.instants(),
            "clean": wrong.is_empty(), "without_values": unchecked, "checks": summaries.iter().map(as_json).collect::<Vec<_>>(),
        }))?;
    } else {
        print(&table(&summaries, set.schema().len(), &pairs, checker.instants(), &unchecked))?;
    }
    let mut features: Vec<&str> = wrong.iter().flat_map(|summary| &summary.features).map(String::as_str).collect();
    features.sort_unstable();
    features.dedup();
    match features.as_slice() {
        [] => Ok(()),
        [one] => bail!("the feature '{one}' is not what it says it is: do not train on it"),
        many => {
            bail!("{} features are not what they say they are ({}): do not train on them", many.len(), many.join(", "))
        }
    }
}

fn as_json(summary: &Summary) -> Value {
    let findings: Vec<Value> = summary
        .findings
        .iter()
        .map(|f| {
            json!({
                "feature": f.feature, "pair": f.pair, "at": f.at.to_string(), "value": f.value, "other": f.other,
            })
        })
        .collect();
    json!({
        "check": summary.check.as_str(), "words": summary.check.words(), "compared": summary.compared, "wrong": summary.wrong,
        "largest_difference": summary.largest, "features": summary.features, "findings": findings,
    })
}

fn table(summaries: &[Summary], features: usize, pairs: &[&str], instants: usize, unchecked: &[&str]) -> String {
    let mut text = vec![
        format!("{features} features of {} pairs at {instants} instants", pairs.len()),
        format!("{:<11} {:>10} {:>7} {:>10}  {}", "CHECK", "COMPARED", "WRONG", "LARGEST", "A VALUE IS"),
    ];
    for summary in summaries {
        text.push(format!(
            "{:<11} {:>10} {:>7} {:>10.1e}  {}",
            summary.check.as_str(),
            summary.compared,
            summary.wrong,
            summary.largest,
            summary.check.words()
        ));
        text.extend(summary.findings.iter().map(in_words));
    }
    if !unchecked.is_empty() {
        text.push(format!("not checked, without a value in these data: {}", unchecked.join(", ")));
    }
    text.join("\n")
}

fn in_words(finding: &Finding) -> String {
    let value = |v: Option<f64>| v.map_or_else(|| "no value".to_owned(), |v| v.to_string());
    format!(
        "  {} of {} at {}: {}, in the check {}",
        finding.feature,
        finding.pair,
        finding.at.minute(),
        value(finding.value),
        value(finding.other)
    )
}
