//! `cst data fetch|import|record|list|check|export|compact|resample`.

mod fetch;
mod fetched;
mod files;
mod lake;
mod listing;
mod record;

use std::path::PathBuf;

use super::args::{Cli, DataArgs, DataCommand};
use super::{Outcome, find_home};

pub(super) fn data(cli: &Cli, args: &DataArgs) -> Outcome {
    match &args.what {
        DataCommand::Fetch(args) => fetch::fetch(cli, args),
        DataCommand::Import(args) => files::import(cli, args),
        DataCommand::Record(args) => record::record(cli, args),
        DataCommand::List(args) => lake::list(cli, args),
        DataCommand::Check(args) => lake::check(cli, args),
        DataCommand::Export(args) => lake::export(cli, args),
        DataCommand::Compact(args) => lake::compact(cli, args),
        DataCommand::Resample(args) => lake::resample(cli, args),
    }
}

/// Folder of the lake.
fn lake_folder(cli: &Cli) -> Result<PathBuf, color_eyre::Report> {
    Ok(find_home(cli)?.lake())
}
