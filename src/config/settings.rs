//! The settings as types. Defaults live here and in `domain::settings`; ranges and words for people live in [`super::table`].

use std::net::{IpAddr, Ipv4Addr};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::pair::Pair;
use crate::domain::settings::CoreSettings;
use crate::domain::time::UtcMs;

/// Everything that can be set. In the file the sections of `core` stand beside the others.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Settings {
    #[serde(flatten)]
    pub core: CoreSettings,
    pub replay: ReplaySettings,
    pub kraken: KrakenSettings,
    pub lake: LakeSettings,
    pub agents: AgentsSettings,
    pub services: ServicesSettings,
    pub logs: LogsSettings,
    pub journal: JournalSettings,
    pub quarantine: QuarantineSettings,
    pub models: ModelsSettings,
    pub news: NewsSettings,
    pub language_model: LanguageModelSettings,
    pub ui: UiSettings,
}

/// Playing of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplaySettings {
    /// Folder of the recording, relative to the home folder.
    pub recording: String,
    /// End of the warm-up: trading starts here.
    pub trading_from: UtcMs,
    /// The recording is played up to here, or to its end if that comes first.
    pub until: UtcMs,
    /// Data time over wall time.
    pub speed: f64,
}

impl Default for ReplaySettings {
    fn default() -> Self {
        Self {
            recording: "data/recording".to_owned(),
            trading_from: UtcMs(1_721_174_400_000), // 2024-07-17: the recording starts on 2024-07-01, the rest fills windows
            until: UtcMs(1_730_419_200_000),        // 2024-11-01: the end of the bundled recording
            speed: 300.0,
        }
    }
}

/// The lake: market data of the past, below `data/lake`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LakeSettings {
    /// Live sessions add their closed candles.
    pub record: bool,
    /// Live sessions add every trade as well.
    pub record_trades: bool,
    /// Live sessions add the best bid and ask every so many seconds; 0 adds none.
    pub record_books_seconds: u32,
    /// For how many days each kind is kept; 0 keeps it for ever.
    pub keep_candles_days: u32,
    pub keep_trades_days: u32,
    pub keep_books_days: u32,
}

impl Default for LakeSettings {
    fn default() -> Self {
        Self {
            record: true,
            record_trades: false,
            record_books_seconds: 0,
            keep_candles_days: 0,
            keep_trades_days: 0,
            keep_books_days: 0,
        }
    }
}

/// The link to Kraken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KrakenSettings {
    pub rest_url: String,
    pub ws_url: String,
    /// What is traded from live data, in the order of the watchlist.
    pub pairs: Vec<Pair>,
    pub book_depth: BookDepth,
    /// How long after its end a candle may still grow.
    pub candle_grace_ms: u64,
    /// How long `auto` waits for an answer before it takes the recording.
    pub reach_timeout_ms: u64,
}

impl Default for KrakenSettings {
    fn default() -> Self {
        let pairs = ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "LTC/USD", "DOGE/USD"];
        Self {
            rest_url: "https://api.kraken.com".to_owned(),
            ws_url: "wss://ws.kraken.com/v2".to_owned(),
            pairs: pairs.iter().filter_map(|p| p.parse().ok()).collect(),
            book_depth: BookDepth::Ten,
            candle_grace_ms: 2_000,
            reach_timeout_ms: 4_000,
        }
    }
}

/// Depth of the order books that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum BookDepth {
    #[serde(rename = "off")]
    Off,
    #[default]
    #[serde(rename = "10")]
    Ten,
    #[serde(rename = "25")]
    TwentyFive,
    #[serde(rename = "100")]
    Hundred,
    #[serde(rename = "500")]
    FiveHundred,
    #[serde(rename = "1000")]
    Thousand,
}

impl BookDepth {
    /// Levels a side; `None` when no book is kept.
    #[must_use]
    pub const fn levels(self) -> Option<u32> {
        match self {
            Self::Off => None,
            Self::Ten => Some(10),
            Self::TwentyFive => Some(25),
            Self::Hundred => Some(100),
            Self::FiveHundred => Some(500),
            Self::Thousand => Some(1_000),
        }
    }
}

/// The runtime of every agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentsSettings {
    pub mailbox_capacity: usize,
    pub timeout_ms: u64,
    pub backoff_initial_ms: u64,
    pub backoff_max_ms: u64,
    pub breaker_failures: u32,
    pub breaker_cooldown_ms: u64,
}

impl Default for AgentsSettings {
    fn default() -> Self {
        Self {
            mailbox_capacity: 64,
            timeout_ms: 10_000,
            backoff_initial_ms: 100,
            backoff_max_ms: 10_000,
            breaker_failures: 5,
            breaker_cooldown_ms: 30_000,
        }
    }
}

/// The HTTP services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServicesSettings {
    pub enabled: bool,
    pub bind: IpAddr,
    pub api_port: u16,
    pub metrics_port: u16,
    pub web_port: u16,
}

impl Default for ServicesSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            api_port: 8001,
            metrics_port: 8000,
            web_port: 5000,
        }
    }
}

/// Log files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogsSettings {
    /// Relative to the home folder.
    pub dir: String,
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: String,
    pub keep_files: usize,
    pub max_file_mb: u64,
}

impl Default for LogsSettings {
    fn default() -> Self {
        Self { dir: "logs".to_owned(), level: "info".to_owned(), keep_files: 14, max_file_mb: 50 }
    }
}

/// The journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalSettings {
    /// Relative to the home folder.
    pub path: String,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { path: "data/journal.sqlite".to_owned() }
    }
}

/// Files of refused rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuarantineSettings {
    /// Relative to the home folder.
    pub dir: String,
    pub keep_files: usize,
    pub max_file_mb: u64,
}

impl Default for QuarantineSettings {
    fn default() -> Self {
        Self { dir: "data/quarantine".to_owned(), keep_files: 10, max_file_mb: 10 }
    }
}

/// Trained models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelsSettings {
    /// Relative to the home folder.
    pub dir: String,
    /// Days of data after which candidates are trained beside the session; 0 for never.
    pub retrain_days: u32,
}

impl Default for ModelsSettings {
    fn default() -> Self {
        Self { dir: "models".to_owned(), retrain_days: 14 }
    }
}

/// Recorded news.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewsSettings {
    /// Relative to the home folder.
    pub dir: String,
}

impl Default for NewsSettings {
    fn default() -> Self {
        Self { dir: "data/news".to_owned() }
    }
}

/// The optional language model behind Sentiment. Its key is a secret and no setting: see [`super::secrets`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LanguageModelSettings {
    pub enabled: bool,
    pub base_url: String,
    pub model: String,
    pub max_tokens_per_run: u64,
    pub timeout_ms: u64,
}

impl Default for LanguageModelSettings {
    fn default() -> Self {
        Self {
            enabled: false,
            base_url: "https://api.openai.com/v1".to_owned(),
            model: "gpt-4o-mini".to_owned(),
            max_tokens_per_run: 20_000,
            timeout_ms: 20_000,
        }
    }
}

/// What up and down look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colors {
    /// Green is up.
    #[default]
    Western,
    /// Red is up.
    Eastern,
    /// Blue and orange, for colour vision deficiency.
    Cvd,
    Mono,
}

/// Zone in which times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zone {
    #[default]
    Utc,
    Local,
}

/// Whether the console keeps to ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Ascii {
    /// As the locale says.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "true")]
    Always,
    #[serde(rename = "false")]
    Never,
}

/// The console.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UiSettings {
    pub colors: Colors,
    pub zone: Zone,
    pub ascii: Ascii,
    pub mouse: bool,
    pub reduced_motion: bool,
    /// Frames per second at most; nothing is drawn while nothing changes.
    pub fps: u32,
}

impl Default for UiSettings {
    fn default() -> Self {
        Self {
            colors: Colors::Western,
            zone: Zone::Utc,
            ascii: Ascii::Auto,
            mouse: true,
            reduced_motion: false,
            fps: 20,
        }
    }
}

impl Settings {
    /// The settings of a tree `section → key → value` in serialised form. A missing key takes its default.
    ///
    /// # Errors
    /// When a value has not the type of its setting.
    pub(super) fn from_tree(tree: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        fn section<T: DeserializeOwned>(tree: &Map<String, Value>, name: &str) -> Result<T, serde_json::Error> {
            serde_json::from_value(tree.get(name).cloned().unwrap_or_else(|| Value::Object(Map::new())))
        }
        Ok(Self {
            core: CoreSettings {
                pipeline: section(tree, "pipeline")?,
                training: section(tree, "training")?,
                gate: section(tree, "gate")?,
                regime: section(tree, "regime")?,
                sizing: section(tree, "sizing")?,
                risk: section(tree, "risk")?,
                portfolio: section(tree, "portfolio")?,
                paper: section(tree, "paper")?,
                sentiment: section(tree, "sentiment")?,
                whale: section(tree, "whale")?,
            },
            replay: section(tree, "replay")?,
            lake: section(tree, "lake")?,
            kraken: section(tree, "kraken")?,
            agents: section(tree, "agents")?,
            services: section(tree, "services")?,
            logs: section(tree, "logs")?,
            journal: section(tree, "journal")?,
            quarantine: section(tree, "quarantine")?,
            models: section(tree, "models")?,
            news: section(tree, "news")?,
            language_model: section(tree, "language_model")?,
            ui: section(tree, "ui")?,
        })
    }

    /// Every leaf by its full key (`gate.threshold`), in serialised form.
    ///
    /// # Errors
    /// When a number can't be written as JSON (it never passed a check, then).
    pub(super) fn leaves(&self) -> Result<std::collections::BTreeMap<String, Value>, serde_json::Error> {
        let mut leaves = std::collections::BTreeMap::new();
        if let Value::Object(sections) = serde_json::to_value(self)? {
            for (section, keys) in sections {
                if let Value::Object(keys) = keys {
                    leaves.extend(keys.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)));
                }
            }
        }
        Ok(leaves)
    }
}
