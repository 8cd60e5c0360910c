//! `cst models list`.

use super::args::{Cli, ModelsArgs, ModelsCommand};
use super::{Outcome, find_home, load_settings, print, print_json};
use crate::store::Registry;

pub(super) fn models(cli: &Cli, args: &ModelsArgs) -> Outcome {
    let home = find_home(cli)?;
    let loaded = load_settings(cli, &home)?;
    let registry = Registry::open(&home.path(&loaded.settings.models.dir))?;
    match args.what {
        ModelsCommand::List => {
            let entries = registry.list()?;
            if cli.json {
                return print_json(&entries);
            }
            if entries.is_empty() {
                return print("no models yet: `cst` trains them on its first start, `cst train` does it now");
            }
            let lines: Vec<String> = entries
                .iter()
                .map(|e| {
                    format!("{} {:<22} {:>5}  {}", if e.current { '*' } else { ' ' }, e.universe, e.horizon, e.version)
                })
                .collect();
            print(&lines.join("\n"))
        }
    }
}
