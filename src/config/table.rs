//! The table of settings: key, type, range and words for people. Checks, `config show`, the schema and the documented default file
//! are all made from it.

use super::kind::Kind;
use super::kind::Kind::{
    Above, Address, Choice, Exits, Flag, Number, Pairs, Path, Socket, Text, Time, Url, Whole, WordOrNumber,
};

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// `section.key`
    pub key: &'static str,
    pub kind: Kind,
    /// What it does, in one or two sentences.
    pub doc: &'static str,
}

impl Setting {
    /// The part before the dot.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(section, _)| section)
    }

    /// The part after the dot.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }
}

/// The setting of a full key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|s| s.key == key)
}

/// The sections in the order of the file.
pub const SECTIONS: &[(&str, &str)] = &[
    ("pipeline", "Validation and alignment of market data."),
    ("training", "Training: one model per horizon. Nothing after `to` is ever seen by training."),
    ("gate", "The confidence gate and the clauses beside it: all must hold before a signal may become a trade."),
    ("regime", "The rule regime: Bull, Bear or Sideways from the trend statistic of hourly closes."),
    ("sizing", "Kelly under uncertainty and its caps. Shares of equity unless said otherwise."),
    ("risk", "Limits of the account. All shares are shares of equity."),
    ("portfolio", "How the candidates of one cycle share the money."),
    ("paper", "The paper broker."),
    ("sentiment", "Sentiment from texts."),
    ("whale", "Whale detection from volume."),
    ("replay", "Playing of a recording."),
    ("kraken", "The link to Kraken: public market data over REST and WebSocket v2."),
    ("lake", "The lake: candles, trades and books of the past, in data/lake."),
    ("agents", "The runtime of every agent: mailbox, timeout, backoff and breaker."),
    ("services", "HTTP services: metrics, health and API, web page."),
    ("logs", "Log files: JSON lines, a new file each UTC day and whenever one is full."),
    ("journal", "The journal of decisions, orders, fills and outcomes."),
    ("quarantine", "Files of refused rows: JSON lines with the reason and the row as it was received."),
    ("models", "Trained models."),
    ("news", "Recorded news for Sentiment."),
    (
        "language_model",
        "A language model for Sentiment; optional. Its key is a secret: it comes from the environment variable OPENAI_API_KEY or from \
         config/secrets.toml (mode 0600), never from here.",
    ),
    ("ui", "The console."),
];

const fn setting(key: &'static str, kind: Kind, doc: &'static str) -> Setting {
    Setting { key, kind, doc }
}

/// A share that can't be zero.
const SHARE: Kind = Above(0.0, 1.0);

/// Every setting, in the order of the file.
pub const SETTINGS: &[Setting] = &[
    setting(
        "pipeline.quiet_bars_max",
        Whole(0, 1_000),
        "Consecutive silent source bars that still count as a quiet market; one more is a hole. Kraken writes no candle for an interval without trades.",
    ),
    setting("pipeline.future_tolerance_ms", Whole(0, 60_000), "How far in the future a row may lie, in ms."),
    setting("pipeline.hampel_window", Whole(3, 199), "Window of the causal Hampel filter on closes, in bars."),
    setting(
        "pipeline.hampel_k",
        Above(0.0, 100.0),
        "Threshold of the Hampel filter, in scaled median absolute deviations.",
    ),
    setting(
        "pipeline.bar_age_intervals",
        Whole(1, 100),
        "A decision rests on bars whose newest is at most so many intervals old.",
    ),
    setting(
        "pipeline.book_age_ms",
        Whole(100, 600_000),
        "A decision rests on a book that was told at most so long ago, in ms.",
    ),
    setting(
        "pipeline.input_age_ms",
        Whole(1_000, 3_600_000),
        "A decision rests on nothing that was handed over later than this after its time, in ms.",
    ),
    setting(
        "pipeline.quarantine_minutes",
        Whole(1, 10_080),
        "So long a refused row keeps its pair in quarantine; as long after it the pair is on probation.",
    ),
    setting(
        "training.exits",
        Exits,
        "Exits of the managed trade, one model each. A barrier lies at multiple × (hourly volatility) × √horizon / 2, in log price.",
    ),
    setting("training.from", Time, "Training data from here."),
    setting("training.to", Time, "Training data up to here; must not lie after replay.trading_from."),
    setting(
        "training.stride_hours",
        Whole(1, 168),
        "Every n-th hourly bar becomes a sample; fewer where the horizon is long.",
    ),
    setting(
        "training.members",
        Whole(2, 64),
        "Members of the ensemble: logistic regressions, boosted trees and forests in turn, each on its own draw of time blocks.",
    ),
    setting("training.folds", Whole(2, 20), "Walk-forward test blocks."),
    setting("training.l2", Number(0.0, 1_000.0), "L2 penalty of the logistic members."),
    setting("training.tree_depth", Whole(1, 16), "Depth of the boosted trees; a forest's trees are four deeper."),
    setting("training.seed", Whole(0, i64::MAX), "Seed of everything random in training."),
    setting("gate.threshold", Number(0.5, 0.999), "Confidence must be strictly above this."),
    setting("gate.min_evidence", Number(1.0, 100_000.0), "Least effective number of past candidates above the gate."),
    setting("gate.min_hit_rate_lower", Number(0.0, 1.0), "Least Wilson lower bound of their hit rate."),
    setting("gate.min_lift", Number(0.0, 1.0), "Least confidence over the base rate."),
    setting("gate.max_ece", SHARE, "Largest expected calibration error, two standard errors included."),
    setting(
        "gate.signal_lift",
        Number(0.0, 1.0),
        "A signal exists when confidence exceeds the base rate by this much.",
    ),
    setting("regime.window", Whole(8, 200), "Window of the trend statistic, in hourly bars; the warm-up holds 200."),
    setting("regime.enter", Above(0.0, 10.0), "Size of the trend statistic from which a trend begins."),
    setting("regime.exit", Number(0.0, 10.0), "Size below which it ends; must not exceed regime.enter."),
    setting("regime.confirm_bars", Whole(1, 100), "Bars that must agree before the regime changes."),
    setting("sizing.kelly_bull", Number(0.0, 1.0), "Share of the Kelly bet in a bull market."),
    setting("sizing.kelly_bear", Number(0.0, 1.0), "Share of the Kelly bet in a bear market."),
    setting("sizing.kelly_sideways", Number(0.0, 1.0), "Share of the Kelly bet in a sideways market."),
    setting(
        "sizing.volatility_target",
        Above(0.0, 5.0),
        "Yearly volatility that one position may contribute, as a share.",
    ),
    setting("sizing.volume_share_max", SHARE, "Share of the volume of 24 hours that one order may take."),
    setting("sizing.shadow_fraction", Number(0.0, 1.0), "Share of the shadow account's equity per shadow trade."),
    setting("risk.position_max", SHARE, "Largest position; must not exceed risk.exposure_max."),
    setting("risk.exposure_max", SHARE, "Largest exposure of all positions together."),
    setting(
        "risk.daily_loss_max",
        SHARE,
        "Loss of a UTC day from which nothing new is entered; must not exceed risk.weekly_loss_max.",
    ),
    setting("risk.weekly_loss_max", SHARE, "Loss of seven days from which nothing new is entered."),
    setting(
        "risk.drawdown_halve",
        SHARE,
        "Fall from the peak from which sizes are halved; must lie below risk.drawdown_stop.",
    ),
    setting("risk.drawdown_stop", SHARE, "Fall from the peak from which nothing new is entered."),
    setting("risk.consecutive_losses_max", Whole(1, 1_000), "Losing trades in a row that start a cooldown."),
    setting("risk.cooldown_hours", Whole(0, 8_760), "Length of that cooldown, in hours."),
    setting("risk.orders_per_minute", Whole(1, 600), "Most orders in a minute of data time."),
    setting("risk.health_floor", Number(0.0, 1.0), "Health score below which nothing new is entered."),
    setting(
        "portfolio.method",
        Choice(&["inverse_variance", "hrp", "equal_risk", "min_variance", "min_cvar", "log_growth", "equal_weight"]),
        "How candidates share the money: hierarchical risk parity, equal risk contribution, inverse or minimum variance, minimum CVaR, log growth, 1/N.",
    ),
    setting("portfolio.window_hours", Whole(24, 8_760), "Hours of returns behind the covariance."),
    setting("portfolio.new_exposure_max", SHARE, "Most new exposure of one cycle, as a share of equity."),
    setting("paper.initial_cash", Above(0.0, 1e9), "Cash that each account starts with, in US dollars."),
    setting(
        "paper.maker_fee",
        WordOrNumber("schedule", 0.0, 0.1),
        "Maker fee as a share (0.0025 is 0.25 %); \"schedule\" is what Kraken charged at the time.",
    ),
    setting(
        "paper.taker_fee",
        WordOrNumber("schedule", 0.0, 0.1),
        "Taker fee as a share (0.004 is 0.40 %); \"schedule\" is what Kraken charged at the time.",
    ),
    setting("paper.latency_ms", Whole(0, 60_000), "Time from a decision to the market, in ms."),
    setting("paper.spread_bps", Number(0.0, 1_000.0), "Assumed full spread in basis points where no book is recorded."),
    setting("paper.impact_y", Number(0.0, 10.0), "Factor of the square-root law of market impact."),
    setting("sentiment.half_life_hours", Above(0.0, 8_760.0), "Time in which a text loses half its weight, in hours."),
    setting("sentiment.prior_weight", Number(0.0, 1_000.0), "Weight of the neutral prior, in texts."),
    setting("sentiment.min_n_eff", Above(0.0, 1_000.0), "Effective number of texts below which there is no score."),
    setting("whale.window_days", Whole(1, 90), "Days of the same hour that a bar is compared with."),
    setting("whale.alert_z", Above(0.0, 100.0), "Robust z from which a bar is a whale's."),
    setting("whale.alert_share", Number(0.0, 1.0), "Share of the hour's volume that the largest bar must hold."),
    setting("replay.recording", Path, "Folder of the recording."),
    setting("replay.trading_from", Time, "End of the warm-up: trading starts here; must not lie before training.to."),
    setting("replay.until", Time, "The recording is played up to here; must lie after replay.trading_from."),
    setting(
        "replay.speed",
        Above(0.0, 100_000.0),
        "Data time over wall time: 300 plays a bar of five minutes each second.",
    ),
    setting("kraken.rest_url", Url, "Root of the REST service."),
    setting("kraken.ws_url", Socket, "Address of the public WebSocket v2."),
    setting("kraken.pairs", Pairs, "Pairs that are watched and traded from live data, in the order of the watchlist."),
    setting(
        "kraken.book_depth",
        Choice(&["off", "10", "25", "100", "500", "1000"]),
        "Levels a side of the order books that are kept; every update is checked by checksum.",
    ),
    setting(
        "kraken.candle_grace_ms",
        Whole(0, 60_000),
        "How long after its end a candle waits for late trades before it is closed, in ms.",
    ),
    setting(
        "kraken.reach_timeout_ms",
        Whole(100, 60_000),
        "How long `--source auto` waits for Kraken before it takes the bundled recording, in ms.",
    ),
    setting("lake.record", Flag, "Live sessions add every closed candle to the lake; a replay never does."),
    setting("lake.record_trades", Flag, "Live sessions add every trade to the lake as well; needs lake.record."),
    setting(
        "lake.record_books_seconds",
        Whole(0, 86_400),
        "Live sessions add the best bid and ask of every pair each time so many seconds have passed; 0 adds none. Needs lake.record.",
    ),
    setting(
        "lake.keep_candles_days",
        Whole(0, 36_500),
        "`cst data compact` drops months of candles that are older than this many days; 0 keeps them.",
    ),
    setting(
        "lake.keep_trades_days",
        Whole(0, 36_500),
        "`cst data compact` drops days of trades that are older than this many days; 0 keeps them.",
    ),
    setting(
        "lake.keep_books_days",
        Whole(0, 36_500),
        "`cst data compact` drops days of order books that are older than this many days; 0 keeps them.",
    ),
    setting(
        "agents.mailbox_capacity",
        Whole(1, 65_536),
        "Messages that an agent's mailbox holds; what is refused is counted.",
    ),
    setting("agents.timeout_ms", Whole(10, 600_000), "Longest answer of an agent, in ms."),
    setting(
        "agents.backoff_initial_ms",
        Whole(1, 60_000),
        "First pause before another try, in ms; it doubles and must not exceed agents.backoff_max_ms.",
    ),
    setting("agents.backoff_max_ms", Whole(1, 3_600_000), "Longest pause before another try, in ms."),
    setting("agents.breaker_failures", Whole(1, 1_000), "Failures in a row that open the breaker."),
    setting(
        "agents.breaker_cooldown_ms",
        Whole(1, 3_600_000),
        "How long the breaker stays open before one try, in ms.",
    ),
    setting("services.enabled", Flag, "Whether the services listen at all."),
    setting("services.bind", Address, "Address they listen on; 127.0.0.1 is reachable from this machine only."),
    setting("services.api_port", Whole(0, 65_535), "Health and API; 0 takes any free port. Ports must differ."),
    setting("services.metrics_port", Whole(0, 65_535), "Prometheus metrics; 0 takes any free port."),
    setting("services.web_port", Whole(0, 65_535), "The web page; 0 takes any free port."),
    setting("logs.dir", Path, "Folder of the log files."),
    setting("logs.level", Choice(&["trace", "debug", "info", "warn", "error"]), "Least severe records that are kept."),
    setting("logs.keep_files", Whole(1, 1_000), "Log files that are kept; older ones are deleted."),
    setting(
        "logs.max_file_mb",
        Whole(1, 10_000),
        "Size from which a new file is begun, in megabytes (1,000,000 bytes).",
    ),
    setting("journal.path", Path, "File of the journal."),
    setting("quarantine.dir", Path, "Folder of the quarantine files."),
    setting("quarantine.keep_files", Whole(1, 10_000), "Newest files that are kept."),
    setting("quarantine.max_file_mb", Whole(1, 1_000), "Size at which a new file is begun, in megabytes."),
    setting("models.dir", Path, "Folder of the trained models."),
    setting(
        "models.retrain_days",
        Whole(0, 3_650),
        "Days of data after which candidates are trained beside the session (after 7 when a model drifts); 0 for never. They wait for a person.",
    ),
    setting("news.dir", Path, "Folder of recorded news; without it Sentiment says \"no data\"."),
    setting("language_model.enabled", Flag, "Whether texts are also scored by a language model. This costs money."),
    setting("language_model.base_url", Url, "Root of an API that speaks OpenAI's protocol."),
    setting("language_model.model", Text, "Name of the model."),
    setting("language_model.max_tokens_per_run", Whole(0, 10_000_000), "Tokens that one run of the program may use."),
    setting("language_model.timeout_ms", Whole(100, 600_000), "Longest answer of the API, in ms."),
    setting(
        "ui.colors",
        Choice(&["western", "eastern", "cvd", "mono"]),
        "western: green is up; eastern: red is up; cvd: blue and orange; mono: no colour.",
    ),
    setting("ui.zone", Choice(&["utc", "local"]), "Zone in which times are shown."),
    setting("ui.ascii", Choice(&["auto", "true", "false"]), "Keep to ASCII characters; auto asks the locale."),
    setting("ui.mouse", Flag, "Whether the console listens to the mouse."),
    setting("ui.reduced_motion", Flag, "No flashes and no spinners."),
    setting("ui.fps", Whole(1, 20), "Frames per second at most; nothing is drawn while nothing changes."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::Settings;

    #[test]
    fn table_and_types_name_the_same_settings() {
        let typed: Vec<String> = Settings::default().leaves().unwrap().into_keys().collect();
        let listed: BTreeSet<String> = SETTINGS.iter().map(|s| s.key.to_owned()).collect();
        assert_eq!(listed.len(), SETTINGS.len(), "a key is listed twice");
        assert_eq!(listed.into_iter().collect::<Vec<_>>(), typed);
    }

    #[test]
    fn every_default_passes_its_own_check_and_every_section_is_described() {
        let leaves = Settings::default().leaves().unwrap();
        for setting in SETTINGS {
            let text = setting.kind.write(&leaves[setting.key]);
            let value = text.parse::<toml::Value>().unwrap_or_else(|e| panic!("{}: {text}: {e}", setting.key));
            assert_eq!(setting.kind.read(&value).as_ref(), Ok(&leaves[setting.key]), "{}", setting.key);
            assert!(setting.doc.ends_with('.'), "{}", setting.key);
            assert!(SECTIONS.iter().any(|(name, _)| *name == setting.section()), "{}", setting.key);
        }
        assert!(SECTIONS.iter().all(|(name, _)| SETTINGS.iter().any(|s| s.section() == *name)));
    }
}
