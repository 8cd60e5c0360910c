//! Arguments of `cst models`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::Horizon;

const EXAMPLES: &str = "\
Each horizon has one version in force: sessions load it when they start. A newly trained one becomes the candidate beside it, and nothing
promotes itself. Every change is written to a history, and an earlier version can be put back at once. docs/models.md tells the whole life of a
model.

Examples:
  cst models list                          every version: in force (*), candidate (+), size, age, how good
  cst models show --horizon 24h            the card of the version in force
  cst models compare --horizon 24h         the version in force beside the candidate
  cst models promote --horizon 24h         put the candidate in force (asks; --yes in scripts)
  cst models rollback --horizon 24h --reason 'worse since Monday'
                                           put the version before it back
  cst models report --html models.html     the models in force as a page for a browser
  cst models history --horizon 24h         what was in force, when, by whom and why
  cst models prune --keep 5                remove old versions, never one that is in use or next in line";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub what: ModelsCommand,
    /// Models of other settings, by the name of their folder [default: those of the present settings]
    #[arg(long, global = true, value_name = "NAME")]
    pub universe: Option<String>,
    /// How far ahead the models look, such as 24h; needed where several horizons would do
    #[arg(long, global = true, value_name = "HOURS", value_parser = horizon)]
    pub horizon: Option<Horizon>,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Every stored version; the one in force is marked * and the candidate +
    List {
        /// Those of other settings too
        #[arg(long)]
        all: bool,
    },
    /// The card of a version: data, features, metrics, calibration, evidence for the gate, and whether its files are whole
    Show {
        /// [default: the one in force]
        version: Option<String>,
    },
    /// Put a version in force
    #[command(after_help = "\
The files are checked first, and whether the model fits the present features. Sessions that run go on with the models they have; the next start takes
the new one. An older version may be promoted as well; `rollback` is the short way to the one before.")]
    Promote {
        /// [default: the candidate]
        version: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
    /// Put the version that was in force before back
    #[command(after_help = "\
It goes back to what the version in force replaced: v1, v2, v3, rolled back twice, is v1. Versions on the way that are gone or damaged are passed over and
named. Promote a version by name to go elsewhere.")]
    Rollback {
        #[command(flatten)]
        sure: Sure,
    },
    /// Two versions side by side, metrics first
    Compare {
        /// [default: the one in force]
        a: Option<String>,
        /// [default: the candidate]
        b: Option<String>,
        /// What is equal, too
        #[arg(long)]
        all: bool,
    },
    /// The version that stands beside the one in force: name it, mark another one, or take the mark away
    Candidate {
        /// Mark this version
        #[arg(conflicts_with = "withdraw")]
        version: Option<String>,
        /// Take the mark away; the version stays
        #[arg(long)]
        withdraw: bool,
    },
    /// The models in force as one HTML page: figures beside their baselines, reliability, evidence, importance, tests for leakage
    #[command(after_help = "\
The page stands alone: no script, nothing to load, light or dark as the browser is, and it prints. A horizon whose model cannot be read is named on it with
the reason. Without --horizon all horizons are on it.")]
    Report {
        /// Write the page to this file; one that is there is replaced once the new one is whole
        #[arg(long, value_name = "FILE")]
        html: PathBuf,
    },
    /// Every promotion, rollback and fallback of a horizon, oldest first
    History,
    /// Remove old versions
    #[command(after_help = "\
Never removed, whatever is asked: the version in force, the candidate, the two that rollbacks would put back, and those that the last two entries of the history
name. Without --horizon all horizons are pruned.")]
    Prune {
        /// So many of the newest versions of each horizon stay
        #[arg(long, value_name = "VERSIONS")]
        keep: usize,
        /// Show what would go, and remove nothing
        #[arg(long)]
        dry_run: bool,
        /// Do it without being asked
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub struct Sure {
    /// Why; kept in the history
    #[arg(long, value_name = "WORDS", default_value = "asked for")]
    pub reason: String,
    /// Do it without being asked; needed where there is no terminal to ask on
    #[arg(long)]
    pub yes: bool,
}

fn horizon(text: &str) -> Result<Horizon, String> {
    let hours = text.strip_suffix('h').unwrap_or(text).parse().ok().filter(|hours| *hours > 0);
    hours.map(Horizon).ok_or_else(|| "a horizon is a number of hours, such as 24h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn horizons() {
        assert_eq!((horizon("24h"), horizon("1")), (Ok(Horizon(24)), Ok(Horizon(1))));
        assert!(["", "h", "0h", "-1h", "1d", "../24h"].iter().all(|text| horizon(text).is_err()));
    }
}
