//! `cst features PAIR|list|check`: the feature set in words, its values over recorded data, and the search for leaks.

mod args;
mod check;
mod list;
mod recorded;
mod show;

pub use args::FeaturesArgs;

use color_eyre::eyre::bail;

use self::args::FeaturesCommand;
use super::Outcome;
use super::args::Cli;

pub(super) fn features(cli: &Cli, args: &FeaturesArgs) -> Outcome {
    match (&args.what, &args.show.pair) {
        (Some(FeaturesCommand::List(args)), _) => list::list(cli, args),
        (Some(FeaturesCommand::Check(args)), _) => check::check(cli, args),
        (None, Some(pair)) => show::show(cli, pair, &args.show),
        (None, None) => {
            bail!("name a pair, such as `cst features BTC/USD`, or use `cst features list` or `cst features check`")
        }
    }
}
