//! Arguments of `cst risk`.

use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::domain::Pair;
use crate::store::lake::VenueName;

const EXAMPLES: &str = "\
What the book would lose: on the worst days that are recorded, when all positions fall together (correlation 1), and when prices open lower than any stop. \
Each loss stands beside the limits that it would reach. Nothing is traded or changed.

Examples:
  cst risk stress                                  the paper account as it stood at the last checkpoint
  cst risk stress --account shadow --days 10       the shadow account, on the ten worst days
  cst risk stress --hold BTC/USD=0.30 --hold ETH/USD=0.30
                                                   a book that is not there yet: shares of equity
  cst risk stress --lake --venue coinbase          with the lake's hourly candles as history";

#[derive(Debug, Args)]
pub struct RiskArgs {
    #[command(subcommand)]
    pub what: RiskCommand,
}

#[derive(Debug, Subcommand)]
pub enum RiskCommand {
    /// Put the book under stress: worst recorded days, correlation 1, gaps through the stops
    Stress(StressArgs),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct StressArgs {
    /// Whose positions
    #[arg(long, default_value = "main", value_parser = ["main", "shadow"], conflicts_with = "hold")]
    pub account: String,
    /// Instead of an account: a pair and its share of equity; may be repeated
    #[arg(long, value_name = "PAIR=SHARE")]
    pub hold: Vec<Held>,
    /// How many of the worst recorded days
    #[arg(long, default_value_t = 5)]
    pub days: usize,
    /// Gaps to open with, as shares of the price
    #[arg(long, value_name = "SHARE", value_delimiter = ',', default_values_t = [0.10, 0.20, 0.40])]
    pub gaps: Vec<f64>,
    /// Limit of the expected shortfall of a day (99 %), as a share of equity
    #[arg(long, value_name = "SHARE", default_value_t = 0.04)]
    pub es99: f64,
    /// History from the lake's hourly candles instead of the recording
    #[arg(long)]
    pub lake: bool,
    /// Venue in the lake
    #[arg(long, default_value = "kraken", requires = "lake")]
    pub venue: VenueName,
}

/// A position that is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub pair: Pair,
    pub share: f64,
}

impl FromStr for Held {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (pair, share) = text.split_once('=').ok_or("write it as PAIR=SHARE, such as BTC/USD=0.3")?;
        let pair = pair.parse().map_err(|e| format!("{e}"))?;
        let share: f64 = share.parse().map_err(|_| format!("'{share}' is no number"))?;
        if (0.0..=1.0).contains(&share) {
            Ok(Self { pair, share })
        } else {
            Err(format!("'{share}' must be a share of equity, 0 to 1"))
        }
    }
}
