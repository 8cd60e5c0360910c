//! Arguments, with the help that teaches them.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::backtest::args::BacktestArgs;
use super::features::FeaturesArgs;
use super::models::args::ModelsArgs;
use super::risk::args::RiskArgs;
use super::train::TrainArgs;
use crate::domain::command::Speed;
use crate::domain::decision::DecisionId;
use crate::domain::pair::Pair;

mod lake;
pub use lake::{CompactArgs, ExportArgs, ExportAs, LakeArgs, ResampleArgs};

const AFTER: &str = "\
Examples:
  cst                                   the console, on the bundled recording, with paper money
  cst --speed 1200                      the same, twenty minutes of data per second
  cst --headless --speed max --until-end --json
                                        play the whole recording without a screen and print a summary
  cst why D1-42                         the whole path of decision D1-42 through the decision tree
  cst config show                       every setting, its value and where it comes from

While it runs: http://127.0.0.1:8001/health, http://127.0.0.1:8001/api/docs, http://127.0.0.1:8000/metrics";

/// A terminal console for trading crypto on Kraken, with eight agents behind it. Trades on paper.
#[derive(Debug, Parser)]
#[command(name = "cst", version, about, after_help = AFTER, args_conflicts_with_subcommands = false)]
pub struct Cli {
    /// Run without a screen: JSON lines on stdout, for servers
    #[arg(long)]
    pub headless: bool,

    /// Where market data come from
    #[arg(long, value_enum, default_value_t = Source::Auto)]
    pub source: Source,

    /// Replay speed: data time over wall time, or `max` [default: replay.speed]
    #[arg(long, value_name = "N|max")]
    pub speed: Option<SpeedArg>,

    /// Paper or live money
    #[arg(long, value_enum, default_value_t = Mode::Paper)]
    pub mode: Mode,

    /// Stop when the recording has been played to its end
    #[arg(long)]
    pub until_end: bool,

    /// Begin a new paper account instead of continuing the last one (which stays in the journal)
    #[arg(long)]
    pub fresh: bool,

    /// Also serve the read-only web page
    #[arg(long)]
    pub web: bool,

    /// Look, but let no key change anything
    #[arg(long)]
    pub read_only: bool,

    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,

    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,

    /// Print facts as JSON
    #[arg(long, global = true)]
    pub json: bool,

    /// Folder that holds config/, data/, models/ and logs/
    #[arg(long, value_name = "DIR", global = true, env = "CST_HOME")]
    pub home: Option<PathBuf>,

    /// A settings file on top of config/default.toml
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// One setting, checked like the file's; may be repeated
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    pub set: Vec<String>,

    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Explain a decision: every value and threshold on its path
    Why(WhyArgs),
    /// Check or show the settings
    Config(ConfigArgs),
    /// Read or verify the journal
    Journal(JournalArgs),
    /// Trained models: list, show, compare, promote, roll back, prune
    Models(ModelsArgs),
    /// Train the models anew from the recorded history
    Train(TrainArgs),
    /// Test the whole system on recorded data: decisions, orders, costs, and what anyone could have done instead
    Backtest(BacktestArgs),
    /// What the book could lose: worst recorded days, correlation 1, gaps
    Risk(RiskArgs),
    /// Get, import, record, list and check market data
    Data(DataArgs),
    /// Show features of recorded data, list the set, or check it for leaks
    Features(FeaturesArgs),
    /// Check everything a session needs: clock, network, exchange, keys, disk, ports; each finding with its fix
    Doctor,
    /// Run the stand-in exchange: Kraken's protocol over recorded data, for tests and demonstrations
    Simulator(SimulatorArgs),
    /// Measure this program on this machine
    Bench(BenchArgs),
    /// Print completions for a shell
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub struct WhyArgs {
    /// A decision, such as D1-42 (the Decisions screen and the journal show them), or an order, such as O17
    #[arg(value_name = "DECISION|ORDER")]
    pub id: Subject,
}

/// What `why` is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Decision(DecisionId),
    /// An order of the newest session.
    Order(u64),
}

impl FromStr for Subject {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(number) = text.strip_prefix(['O', 'o']) {
            return number
                .parse()
                .map(Self::Order)
                .map_err(|_| format!("'{text}' is not an order; they look like 'O17'"));
        }
        text.parse().map(Self::Decision)
    }
}

#[derive(Debug, Args)]
pub struct DataArgs {
    #[command(subcommand)]
    pub what: DataCommand,
}

#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Fetch candles or trades from Kraken's REST service into the lake; can be stopped and continued
    Fetch(FetchArgs),
    /// Import files: Kraken's OHLCVT and trades CSV, or any venue's CSV, JSON or Parquet with a mapping
    Import(ImportArgs),
    /// Record the frames of the WebSocket as they arrive, for replay and tests
    Record(RecordArgs),
    /// List what the lake holds: span, rows, completeness, holes and a map of the months
    List(LakeArgs),
    /// Read every row of the lake again: fingerprints, order, grid, prices, holes, outliers
    Check(LakeArgs),
    /// Write a series of the lake to a CSV, JSON, JSON-lines or Parquet file
    Export(ExportArgs),
    /// Put the small files of each month and day together, drop what is older than `lake.keep_*_days`, clear away leftovers
    Compact(CompactArgs),
    /// Make longer candles from shorter ones of the lake; only bars of which every part is there
    Resample(ResampleArgs),
}

#[derive(Debug, Args)]
pub struct FetchArgs {
    /// Pairs, such as BTC/USD
    #[arg(required = true, value_name = "PAIR")]
    pub pairs: Vec<Pair>,
    /// Every trade instead of candles: as far back as Kraken has them
    #[arg(long)]
    pub trades: bool,
    /// Length of a candle in minutes; Kraken gives the newest 720 only
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    pub interval: u32,
    /// Begin here (RFC 3339) [default: a day ago, or where the last fetch ended]
    #[arg(long, value_name = "TIME", requires = "trades")]
    pub since: Option<String>,
    /// End here (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", requires = "trades")]
    pub until: Option<String>,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Files or folders
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How the columns are called and what they mean (TOML); not needed for Kraken's own files
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Where the data come from [default: as the mapping says, else kraken]
    #[arg(long)]
    pub venue: Option<String>,
    /// The pair, where neither the mapping nor the file's name tells
    #[arg(long)]
    pub pair: Option<Pair>,
    /// Length of a candle, where neither the mapping nor the file's name tells
    #[arg(long, value_name = "MINUTES")]
    pub interval: Option<u32>,
    /// Show what would be taken, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Let imported rows replace stored ones that differ
    #[arg(long)]
    pub replace: bool,
}

#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Pairs, such as BTC/USD [default: kraken.pairs]
    #[arg(value_name = "PAIR")]
    pub pairs: Vec<Pair>,
    /// Stop after this many seconds [default: when interrupted]
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
    /// Folder to write to [default: data/frames]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct SimulatorArgs {
    /// Folder with recorded data: frames of `cst data record`, a tape of trades (tape.toml) or a recording of candles (recording.toml)
    /// [default: data/tape]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Invent trades in these listed pairs, from a day before now on, with the clock at now: for clients that want BTC/USD
    #[arg(long, value_name = "PAIR", value_delimiter = ',')]
    pub invent: Vec<Pair>,
    /// Also invent this many pairs with invented trades, clearly named SIM…, for load tests
    #[arg(long, value_name = "PAIRS", default_value_t = 0)]
    pub synthetic: usize,
    /// Seed of everything invented: synthetic books, faults with a probability
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Plain HTTP and WebSocket; 0 takes any free port
    #[arg(long, default_value_t = 8010)]
    pub port: u16,
    /// HTTPS and secure WebSocket with a certificate made at start; 0 takes any free port
    #[arg(long, default_value_t = 8011)]
    pub tls_port: u16,
    /// Control: faults, clock, trades, state; 0 takes any free port
    #[arg(long, default_value_t = 8012)]
    pub control_port: u16,
    /// The clock: `real`, a factor such as `60`, or `step` (moved by POST /clock alone)
    #[arg(long, default_value = "real", value_name = "real|N|step")]
    pub clock: String,
    /// Start of simulated time (RFC 3339) [default: an hour after the start of the data, the first books of recorded frames, now with
    /// invented data]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Move recorded trades and books in time, so that they begin now: for clients that live in the present, such as `cst` itself
    #[arg(long, conflicts_with_all = ["invent", "synthetic"])]
    pub as_now: bool,
    /// Write the certificate authority here, for clients that want to trust it
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Do not enforce limits of requests and messages
    #[arg(long)]
    pub lenient: bool,
    /// Name the symbol in every row of `executions`, which Kraken leaves out at times and some clients need
    #[arg(long)]
    pub full_deltas: bool,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub what: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// The link: bytes to checksummed book, trades, and socket to event
    Link {
        /// Recorded frames, one JSON text per line [default: the bundled recording of BTC/USD]
        #[arg(long, value_name = "FILE")]
        frames: Option<PathBuf>,
        /// Write the frames of the measurement here, one per line, for other programs to be measured with
        #[arg(long, value_name = "FILE")]
        dump: Option<PathBuf>,
    },
    /// The indicators: a million candles in batch, one bar of one pair, one bar of 1,400 pairs
    Features {
        /// Only these indicators
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        only: Vec<String>,
        /// Measure nothing; write candles and outputs of one pair here as CSV, for other programs to be compared with
        #[arg(long, value_name = "FILE")]
        dump: Option<PathBuf>,
    },
    /// Many pairs at once on the configured exchange (see `cst simulator --synthetic` for one that may be loaded)
    Load {
        /// Pairs with ticker and trades
        #[arg(long, default_value_t = 1_400)]
        pairs: usize,
        /// Books of depth 10
        #[arg(long, default_value_t = 100)]
        books: usize,
        /// How long to listen once every pair is proven
        #[arg(long, default_value_t = 30)]
        seconds: u64,
    },
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub what: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check every setting; list all problems
    Check,
    /// Show every setting with its value and where it comes from
    Show {
        /// Only keys that contain this
        filter: Option<String>,
    },
    /// Print the settings file that documents every key with its default
    Default,
    /// Print the JSON schema of the settings
    Schema,
}

#[derive(Debug, Args)]
pub struct JournalArgs {
    #[command(subcommand)]
    pub what: JournalCommand,
}

#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Show the newest rows of a table
    Show {
        /// sessions, cycles, decisions, intents, orders, fills, outcomes, alerts or commands
        #[arg(default_value = "decisions")]
        table: String,
        /// How many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// Recompute the checksum chain: finds a changed or missing row
    Verify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Source {
    /// Kraken if it can be reached, else the bundled recording
    Auto,
    /// Kraken itself
    Kraken,
    /// The bundled recording of real Kraken candles, played by the stand-in exchange
    Replay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    Paper,
    Live,
}

/// `--speed`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeedArg(pub Speed);

impl FromStr for SpeedArg {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self(Speed::Max));
        }
        match text.trim_end_matches(['x', 'X']).parse::<f64>() {
            Ok(x) if (0.1..=100_000.0).contains(&x) => Ok(Self(Speed::Times(x))),
            _ => Err("a speed is a number from 0.1 to 100000 (data time over wall time), or 'max'".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn speeds_and_subjects() {
        assert_eq!("max".parse(), Ok(SpeedArg(Speed::Max)));
        assert_eq!("300".parse(), Ok(SpeedArg(Speed::Times(300.0))));
        assert_eq!("60x".parse(), Ok(SpeedArg(Speed::Times(60.0))));
        assert!("-1".parse::<SpeedArg>().is_err());
        assert!("nan".parse::<SpeedArg>().is_err());
        assert_eq!("O17".parse(), Ok(Subject::Order(17)));
        assert!(matches!("D1-2".parse(), Ok(Subject::Decision(_))));
        assert!("x".parse::<Subject>().is_err());
    }
}
