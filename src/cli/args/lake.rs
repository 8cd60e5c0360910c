//! Arguments of what is done with the lake.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::pair::Pair;

#[derive(Debug, Args)]
pub struct LakeArgs {
    /// Only this pair, such as BTC/USD
    #[arg(long)]
    pub pair: Option<Pair>,
    /// Only this venue, such as kraken
    #[arg(long)]
    pub venue: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cst data export BTC/USD btc.csv --interval 60
  cst data export BTC/USD btc.jsonl --format jsonl --since 2024-01-01T00:00:00Z
  cst data export XRP/EUR trades.parquet --trades --format parquet

Candles and trades come back by `cst data import` as they were. The Parquet files of the lake itself open in polars, pandas and DuckDB as they \
are: see docs/lake.md.")]
pub struct ExportArgs {
    /// The pair, such as BTC/USD
    pub pair: Pair,
    /// File to write; it appears whole or not at all
    pub out: PathBuf,
    #[arg(long, default_value = "kraken")]
    pub venue: String,
    /// Length of the candles
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    pub interval: u32,
    /// Trades instead of candles
    #[arg(long, conflicts_with = "books")]
    pub trades: bool,
    /// Pictures of the order book instead of candles
    #[arg(long)]
    pub books: bool,
    #[arg(long, value_enum, default_value_t = ExportAs::Csv)]
    pub format: ExportAs,
    /// From here (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Up to here, this instant excluded (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportAs {
    Csv,
    /// One array of objects
    Json,
    /// An object in each line
    Jsonl,
    Parquet,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is dropped by age unless lake.keep_candles_days, lake.keep_trades_days or lake.keep_books_days is set; then whole months of candles and \
whole days of trades and books go, once all of them is older. `--dry-run` shows what would go.")]
pub struct CompactArgs {
    #[command(flatten)]
    pub of: LakeArgs,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Also take files out of the lake that are gone or damaged, so that their span can be fetched or imported again; what is left of them is kept as <name>.damaged
    #[arg(long)]
    pub drop_damaged: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cst data resample BTC/USD --from 1 --to 5,15,60,240,1440

Kraken writes no candle for a minute without trades, so that a longer bar of a quiet pair can lack a part: it is left out and counted.")]
pub struct ResampleArgs {
    /// The pair, such as BTC/USD
    pub pair: Pair,
    #[arg(long, default_value = "kraken")]
    pub venue: String,
    /// Length of the candles to make others from
    #[arg(long, default_value_t = 1, value_name = "MINUTES")]
    pub from: u32,
    /// Lengths to make, whole multiples of the first
    #[arg(long, required = true, value_delimiter = ',', value_name = "MINUTES")]
    pub to: Vec<u32>,
    /// From candles that open here or later (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// From candles that open before this (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Let the new candles replace those of the lake that say otherwise
    #[arg(long)]
    pub replace: bool,
}
