//! `cst journal show|verify`.

use color_eyre::eyre::eyre;
use serde_json::json;

use super::args::{Cli, JournalArgs, JournalCommand};
use super::{Outcome, journal_path, print, print_json};
use crate::store::{Journal, Table};

pub(super) fn journal(cli: &Cli, args: &JournalArgs) -> Outcome {
    let path = journal_path(cli)?;
    let journal = Journal::open_read_only(&path)?;
    match &args.what {
        JournalCommand::Show { table, limit } => {
            let table: Table = table.parse().map_err(|e| eyre!("{e}"))?;
            let rows = journal.recent(table, *limit)?;
            if cli.json {
                return print_json(&rows);
            }
            if rows.is_empty() {
                return print(&format!("no {table} yet in '{}'", path.display()));
            }
            let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
            print(&lines.join("\n"))
        }
        JournalCommand::Verify => {
            let rows = journal.verify()?.rows;
            if cli.json {
                return print_json(&json!({ "ok": true, "rows": rows, "journal": path }));
            }
            print(&format!("ok: {rows} rows, the checksum chain of '{}' is whole", path.display()))
        }
    }
}
