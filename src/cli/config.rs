//! `cst config check|show|default|schema`.

use serde_json::json;

use super::args::{Cli, ConfigArgs, ConfigCommand};
use super::{Outcome, find_home, load_settings, print, print_json};
use crate::config::{Origin, render_default, schema};

pub(super) fn config(cli: &Cli, args: &ConfigArgs) -> Outcome {
    match &args.what {
        ConfigCommand::Check => check(cli),
        ConfigCommand::Show { filter } => show(cli, filter.as_deref().unwrap_or_default()),
        ConfigCommand::Default => print(&render_default()),
        ConfigCommand::Schema => print_json(&schema()),
    }
}

fn check(cli: &Cli) -> Outcome {
    let home = find_home(cli)?;
    let settings = load_settings(cli, &home)?.show();
    let changed = settings.iter().filter(|s| s.origin != Origin::Default).count();
    if cli.json {
        return print_json(&json!({ "ok": true, "settings": settings.len(), "changed": changed, "home": home.dir }));
    }
    print(&format!(
        "ok: {} settings, {changed} of them changed from the default (home: {}, {})",
        settings.len(),
        home.dir.display(),
        home.why
    ))
}

fn show(cli: &Cli, filter: &str) -> Outcome {
    let home = find_home(cli)?;
    let mut settings = load_settings(cli, &home)?.show();
    settings.retain(|s| s.key.contains(filter));
    if cli.json {
        return print_json(&settings);
    }
    let width = settings.iter().map(|s| s.key.len()).max().unwrap_or(0);
    let values = settings.iter().map(|s| s.value.len()).max().unwrap_or(0).min(40);
    let lines: Vec<String> =
        settings.iter().map(|s| format!("{:<width$}  {:<values$}  {}", s.key, s.value, s.origin)).collect();
    print(&lines.join("\n"))
}
