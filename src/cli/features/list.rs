//! `cst features list`.

use color_eyre::eyre::bail;
use serde_json::json;

use super::args::ListArgs;
use crate::cli::args::Cli;
use crate::cli::{Outcome, find_home, load_settings, print, print_json};
use crate::pipeline::features::FILE_NAME;

pub(super) fn list(cli: &Cli, args: &ListArgs) -> Outcome {
    let loaded = load_settings(cli, &find_home(cli)?)?;
    let set = &loaded.features;
    if let Some(group) = args.group.as_ref().filter(|group| !set.groups().contains_key(*group)) {
        let groups: Vec<&str> = set.groups().keys().map(String::as_str).collect();
        bail!("there is no group '{group}'; there are {}", groups.join(", "));
    }
    let wanted = |group: &str| args.group.as_ref().is_none_or(|wanted| wanted == group);
    let file = loaded.files.iter().find(|path| path.ends_with(FILE_NAME));
    let shown: Vec<_> = set.features().filter(|(column, _)| wanted(&column.group)).collect();
    if cli.json {
        let features: Vec<_> = shown
            .iter()
            .map(|(column, feature)| {
                json!({
                    "name": column.name, "group": column.group, "required": column.required, "model": column.model,
                    "words": feature.words, "formula": column.formula, "warm_up_hours": feature.filled,
                    "agreement_hours": feature.settled, "looks_at_all_pairs": feature.universal,
                })
            })
            .collect();
        return print_json(&json!({
            "file": file, "hash": set.schema().hash(), "model_hash": set.schema().input_hash(),
            "warm_up_hours": set.warm_up(), "agreement_hours": set.agreement(),
            "values_per_pair": set.values_per_pair(), "features": features,
        }));
    }
    let mut text = vec![
        format!(
            "{} features of {}, {} of them inputs of the models",
            set.schema().len(),
            file.map_or_else(|| "the built-in set".to_owned(), |path| format!("'{}'", path.display())),
            set.schema().inputs().count()
        ),
        format!("hash {}  of the models' inputs {}", short(set.schema().hash()), short(set.schema().input_hash())),
        format!(
            "no decision before {} hours without a hole; from {} hours on the required values agree to 1e-6 with a longer history",
            set.warm_up(),
            set.agreement()
        ),
    ];
    let width = shown.iter().map(|(column, _)| column.name.len()).max().unwrap_or(0);
    let mut group = "";
    for (column, feature) in &shown {
        if column.group != group {
            group = &column.group;
            let of = set.groups().get(group);
            let need = if column.required { "required" } else { "may be absent" };
            let models = if column.model { ", inputs of the models" } else { "" };
            let words = of.map_or("", |g| g.words.as_str());
            text.push(format!("\n{group}: {words} ({need}{models})\n  {:<width$}  HOURS  AGREES  WHAT", "NAME"));
        }
        text.push(format!(
            "  {:<width$}  {:>5}  {:>6}  {}",
            column.name, feature.filled, feature.settled, feature.words
        ));
    }
    print(&text.join("\n"))
}

fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}
