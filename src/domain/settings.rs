//! The parameters of the pure core, with the defaults of the methods that they belong to. The `config` room reads, documents and
//! range-checks them; a brain gets its part as a value.

use serde::{Deserialize, Serialize};

use super::plan::{ExitPlan, Horizon};
use super::time::{MINUTE_MS, UtcMs};

/// Validation and alignment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PipelineSettings {
    /// Consecutive silent source bars that still count as a quiet market; one more is a hole.
    /// Kraken writes no candle for an interval without trades.
    pub quiet_bars_max: u32,
    /// A row may lie at most this far in the future, in ms.
    pub future_tolerance_ms: i64,
    /// Causal Hampel filter on closes: window in bars and threshold in scaled MADs.
    pub hampel_window: usize,
    pub hampel_k: f64,
    /// A decision may rest on bars whose newest is at most so many intervals old …
    pub bar_age_intervals: u32,
    /// … on a book at most so old, in ms …
    pub book_age_ms: i64,
    /// … and on no input that was handed over later than this after its time, in ms.
    pub input_age_ms: i64,
    /// So long a refused row keeps its pair in quarantine, and as long after it the pair is on probation.
    pub quarantine_minutes: u32,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        Self {
            quiet_bars_max: 3,
            future_tolerance_ms: 2_000,
            hampel_window: 11,
            hampel_k: 6.0,
            bar_age_intervals: 2,
            book_age_ms: 5_000,
            input_age_ms: 300_000,
            quarantine_minutes: 60,
        }
    }
}

impl PipelineSettings {
    #[must_use]
    pub const fn quarantine_ms(&self) -> i64 {
        self.quarantine_minutes as i64 * MINUTE_MS
    }
}

/// Training of one model per horizon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// Exits of the managed trade per horizon; one model each.
    pub exits: Vec<ExitPlan>,
    /// Training data from here …
    pub from: UtcMs,
    /// … up to here; nothing later is ever seen by training.
    pub to: UtcMs,
    /// Take every n-th hourly bar as a sample.
    pub stride_hours: u32,
    /// Members of the ensemble: logistic regressions, boosted trees and forests in turn, each on its own draw of time blocks.
    pub members: u32,
    /// Walk-forward test blocks.
    pub folds: u32,
    /// L2 penalty of the logistic members.
    pub l2: f64,
    /// Depth of the boosted trees; a forest's trees are four deeper.
    pub tree_depth: u32,
    pub seed: u64,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            exits: vec![
                ExitPlan { horizon: Horizon::H1, target_multiple: 6.0, stop_multiple: 4.0 },
                ExitPlan { horizon: Horizon::H24, target_multiple: 2.0, stop_multiple: 1.5 },
                ExitPlan { horizon: Horizon(168), target_multiple: 2.0, stop_multiple: 1.5 },
                ExitPlan { horizon: Horizon(720), target_multiple: 2.0, stop_multiple: 1.5 },
            ],
            from: UtcMs(1_483_228_800_000), // 2017-01-01
            to: UtcMs(1_719_792_000_000),   // 2024-07-01, the first hour of the replayed recording
            stride_hours: 3,
            members: 6,
            folds: 6,
            l2: 1.0,
            tree_depth: 4,
            seed: 20_240_701,
        }
    }
}

/// The confidence gate and the clauses that stand beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GateSettings {
    /// Confidence must be strictly above this.
    pub threshold: f64,
    /// Effective number of past candidates above the gate.
    pub min_evidence: f64,
    /// Wilson lower bound of their hit rate.
    pub min_hit_rate_lower: f64,
    /// Confidence over the base rate.
    pub min_lift: f64,
    /// Expected calibration error, plus two standard errors.
    pub max_ece: f64,
    /// A signal exists when confidence exceeds the base rate by this much.
    pub signal_lift: f64,
}

impl Default for GateSettings {
    fn default() -> Self {
        Self {
            threshold: 0.80,
            min_evidence: 30.0,
            min_hit_rate_lower: 0.70,
            min_lift: 0.05,
            max_ece: 0.05,
            signal_lift: 0.02,
        }
    }
}

/// The rule regime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegimeSettings {
    pub window: usize,
    pub enter: f64,
    pub exit: f64,
    pub confirm_bars: u32,
}

impl Default for RegimeSettings {
    fn default() -> Self {
        Self { window: 48, enter: 1.0, exit: 0.5, confirm_bars: 3 }
    }
}

/// Kelly under uncertainty and what follows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SizingSettings {
    pub kelly_bull: f64,
    pub kelly_bear: f64,
    pub kelly_sideways: f64,
    /// Yearly volatility target of one position's contribution, as a share.
    pub volatility_target: f64,
    /// Share of 24 h volume that one order may take.
    pub volume_share_max: f64,
    /// Fixed share of the shadow account's equity per shadow trade.
    pub shadow_fraction: f64,
}

impl Default for SizingSettings {
    fn default() -> Self {
        Self {
            kelly_bull: 0.25,
            kelly_bear: 0.125,
            kelly_sideways: 0.15,
            volatility_target: 0.20,
            volume_share_max: 0.01,
            shadow_fraction: 0.02,
        }
    }
}

/// Limits; all shares of equity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskSettings {
    pub position_max: f64,
    pub exposure_max: f64,
    pub daily_loss_max: f64,
    pub weekly_loss_max: f64,
    /// Sizes are halved from here.
    pub drawdown_halve: f64,
    /// No new entries from here.
    pub drawdown_stop: f64,
    pub consecutive_losses_max: u32,
    pub cooldown_hours: u32,
    pub orders_per_minute: u32,
    /// Health score below which nothing new is entered.
    pub health_floor: f64,
}

impl Default for RiskSettings {
    fn default() -> Self {
        Self {
            position_max: 0.10,
            exposure_max: 0.60,
            daily_loss_max: 0.02,
            weekly_loss_max: 0.05,
            drawdown_halve: 0.10,
            drawdown_stop: 0.15,
            consecutive_losses_max: 5,
            cooldown_hours: 24,
            orders_per_minute: 10,
            health_floor: 0.5,
        }
    }
}

/// How a cycle's candidates share the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllocationMethod {
    InverseVariance,
    /// Hierarchical risk parity (López de Prado 2016).
    Hrp,
    /// Every position contributes the same risk (Spinu 2013).
    EqualRisk,
    MinVariance,
    /// Least expected shortfall at 95 % over the hours that are kept (Rockafellar and Uryasev 2000).
    MinCvar,
    /// Most log growth by shrunk expected returns, a quarter of it.
    LogGrowth,
    /// 1/N.
    EqualWeight,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PortfolioSettings {
    pub method: AllocationMethod,
    /// Hours of returns behind the covariance.
    pub window_hours: usize,
    /// Cap of one cycle's new exposure.
    pub new_exposure_max: f64,
}

impl Default for PortfolioSettings {
    fn default() -> Self {
        Self { method: AllocationMethod::Hrp, window_hours: 720, new_exposure_max: 0.30 }
    }
}

/// The paper broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaperSettings {
    pub initial_cash: f64,
    /// Overrides of the dated schedule, as shares (0.004 = 0.40 %); `None` uses what Kraken charged at the time.
    pub maker_fee: Option<f64>,
    pub taker_fee: Option<f64>,
    /// From decision to market, in ms.
    pub latency_ms: i64,
    /// Assumed full spread in basis points where no book is recorded.
    pub spread_bps: f64,
    /// Y of the square-root impact law.
    pub impact_y: f64,
}

impl Default for PaperSettings {
    fn default() -> Self {
        Self {
            initial_cash: 100_000.0,
            maker_fee: None,
            taker_fee: None,
            latency_ms: 150,
            spread_bps: 4.0,
            impact_y: 1.0,
        }
    }
}

/// Sentiment from texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SentimentSettings {
    pub half_life_hours: f64,
    /// Weight of the neutral prior.
    pub prior_weight: f64,
    /// Effective number of texts below which there is no score.
    pub min_n_eff: f64,
}

impl Default for SentimentSettings {
    fn default() -> Self {
        Self { half_life_hours: 6.0, prior_weight: 3.0, min_n_eff: 3.0 }
    }
}

/// Whale detection from volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WhaleSettings {
    pub window_days: usize,
    pub alert_z: f64,
    /// Share of the hour's volume that the largest bar must hold.
    pub alert_share: f64,
}

impl Default for WhaleSettings {
    fn default() -> Self {
        Self { window_days: 7, alert_z: 6.0, alert_share: 0.05 }
    }
}

/// Everything the core needs, in one value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CoreSettings {
    pub pipeline: PipelineSettings,
    pub training: TrainingSettings,
    pub gate: GateSettings,
    pub regime: RegimeSettings,
    pub sizing: SizingSettings,
    pub risk: RiskSettings,
    pub portfolio: PortfolioSettings,
    pub paper: PaperSettings,
    pub sentiment: SentimentSettings,
    pub whale: WhaleSettings,
}

/// Bars per year of the hourly market that never closes.
pub const HOURS_PER_YEAR: f64 = 8_760.0;
