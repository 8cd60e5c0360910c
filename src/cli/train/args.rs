//! Arguments of `cst train`.

use std::path::PathBuf;

use clap::Args;

use crate::store::lake::VenueName;

const EXAMPLES: &str = "\
Per horizon, training labels what a managed trade would have brought after costs, looks for leaks, walks forward through time with purged blocks, and fits \
lines, boosted trees and forests; what was not seen decides how much each counts, calibrates the confidence and is the evidence that the gate asks for.

Examples:
  cst train                                  train on the bundled recording and store the models
  cst train --explain                        show what each test for leakage looked at, and what it found
  cst train --results results.md             the same, and write down what each horizon was worth out of sample
  cst train --lake --venue coinbase --results coinbase.md
                                             walk through the lake's hourly candles and only write the results

The first model of a horizon is in force at once. Where one is in force already the new one becomes the candidate: `cst models compare` shows both, \
`cst models promote` puts it in force. With --promote that is done in one go.

Ctrl-C ends it without damage: nothing is stored, and the models in use stay.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// Put the new models in force, also where others are
    #[arg(long, conflicts_with = "lake")]
    pub promote: bool,
    /// Write the out-of-sample results here as Markdown: per horizon, pair and block, beside the baselines, before and after costs
    #[arg(long, value_name = "FILE")]
    pub results: Option<PathBuf>,
    /// Show what every test for leakage looked at and found, horizon by horizon
    #[arg(long)]
    pub explain: bool,
    /// Train on the hourly candles of every pair in the lake instead of the recording; the models are not stored
    #[arg(long, requires = "results")]
    pub lake: bool,
    /// Venue in the lake
    #[arg(long, default_value = "kraken", requires = "lake")]
    pub venue: VenueName,
}
