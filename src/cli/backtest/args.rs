//! Arguments of `cst backtest`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::store::lake::VenueName;

const EXAMPLES: &str = "\
The same decisions as live, on recorded candles, as fast as one thread goes: validation, features, models, gate, regimes, sizing, risk, portfolio and the \
paper broker are those of a session. Costs are on. Models are trained inside the test on what was known by then, so that none knows what it is tested on.

Beside the two accounts stand what anyone could have done instead (nothing, buying and holding, equal shares, the 50/200-day averages), the probability that \
the Sharpe ratio is above zero, the same after all backtests that are on record (data/backtests), and the result without its best month.

Examples:
  cst backtest                               the bundled recording, models trained before it and every 30 days
  cst backtest --html report.html            the same, and one page with the curves
  cst backtest --models in-force             with the models that sessions use; they must be older than the test
  cst backtest --lake --venue kraken --from 2023-01-01 --to 2024-01-01
                                             hourly candles of the lake
  cst backtest --set gate.threshold=0.75     what another setting would have done; every try that trades is on record
  cst backtest --strategy crossover          one of the rules in config/strategies.toml by itself: no models, no gate, all its pairs

Ctrl-C ends it; nothing is changed then.";

/// Which models decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModelsArg {
    /// Trained inside the test on what was known by then
    WalkForward,
    /// Those that sessions use
    InForce,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct BacktestArgs {
    /// Test a strategy of config/strategies.toml by itself, on each of its pairs; `list` names them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["models", "retrain", "html", "trades"])]
    pub strategy: Option<String>,
    /// Where the models come from
    #[arg(long, value_enum, default_value_t = ModelsArg::WalkForward)]
    pub models: ModelsArg,
    /// Train again after this many days of the test; 0 trains once, before it
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub retrain: u32,
    /// Trade from here, such as 2024-07-17 [default: replay.trading_from, or the last quarter of the lake's span]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// … up to here [default: the end of the data]
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Play the hourly candles of a venue in the lake instead of the recording
    #[arg(long)]
    pub lake: bool,
    /// Venue in the lake
    #[arg(long, default_value = "kraken", requires = "lake")]
    pub venue: VenueName,
    /// Leave out fees, spread and impact: what no trader gets. The report says so on every page
    #[arg(long)]
    pub no_costs: bool,
    /// Write the report here as one HTML page that stands alone
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Show every closed trade
    #[arg(long)]
    pub trades: bool,
}
