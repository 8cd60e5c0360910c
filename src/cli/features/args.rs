//! Arguments of `cst features`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::domain::pair::Pair;
use crate::store::lake::VenueName;

const EXAMPLES: &str = "\
A feature is a number about a pair at the close of an hour, made so that it means the same for every pair and price: a distance in ATR, a
return in units of volatility, a rank. The set is declared in config/features.toml; without that file the built-in one is used.

Examples:
  cst features list                        every feature in words, its group, and how many hours it needs
  cst features BTC/USD                     the newest row of BTC/USD in the recorded data
  cst features BTC/USD --at 2024-08-05T14:00:00Z
  cst features ETH/USD --last 720 --out eth.csv
  cst features ETH/USD --lake --interval 1 --all --out eth.csv
                                           every hour, from the lake's one-minute candles of all its pairs
  cst features check                       look for leaks: exit code 0 only when every feature is clean";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct FeaturesArgs {
    #[command(subcommand)]
    pub what: Option<FeaturesCommand>,
    #[command(flatten)]
    pub show: ShowArgs,
}

#[derive(Debug, Subcommand)]
pub enum FeaturesCommand {
    /// Every feature: group, hours until its first value and until it agrees with a longer history, and what it is in words
    List(ListArgs),
    /// Recompute features with less past, another future, another order of pairs and another unit of price; name those that differ
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The pair, such as BTC/USD
    pub pair: Option<Pair>,
    /// The hour that was over at this instant (RFC 3339) [default: the newest]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// So many hours, the last of them first named by --at
    #[arg(long, value_name = "HOURS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub last: u32,
    /// Every hour, written as it is computed
    #[arg(long, requires = "out", conflicts_with = "last")]
    pub all: bool,
    /// Write the rows to this file: CSV, or JSON lines when its name ends in .json or .jsonl
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub data: DataArgs,
}

/// What features are computed from.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// From the candles of the lake, every pair that has them, instead of the bundled recording
    #[arg(long)]
    pub lake: bool,
    /// Of this venue of the lake
    #[arg(long, default_value = "kraken", requires = "lake")]
    pub venue: VenueName,
    /// Length of the candles; whole ones fill an hour
    #[arg(long, default_value_t = 60, value_name = "MINUTES", requires = "lake")]
    pub interval: u32,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this group
    #[arg(long)]
    pub group: Option<String>,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Only these pairs; what looks at all pairs needs several [default: every pair that is there]
    #[arg(long = "pair", value_name = "PAIR")]
    pub pairs: Vec<Pair>,
    /// Instants to look at, spread over the second half of the data
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub instants: u32,
    #[command(flatten)]
    pub data: DataArgs,
}
