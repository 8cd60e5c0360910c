//! What the brains say: readings of sentiment, technicals, whales and regime, and predictions.

use serde::{Deserialize, Serialize};

use super::drift::DriftAction;
use super::money::Prob;
use super::order::Side;
use super::pair::Pair;
use super::plan::{Horizon, TradePlan};
use super::time::UtcMs;

/// The market's state, as the router needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Regime {
    Bull,
    Bear,
    #[default]
    Sideways,
}

impl Regime {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bull => "Bull",
            Self::Bear => "Bear",
            Self::Sideways => "Sideways",
        }
    }
}

/// Regime with the evidence behind it. Computed from closed bars only; nothing is smoothed backwards.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RegimeReading {
    pub regime: Regime,
    /// Trend statistic z = slope·W / (sd·√W), W = 48 bars; `None` before the window is filled: no regime is known.
    pub z: Option<f64>,
    /// Bars in this state.
    pub bars: u32,
    /// Raw state that waits for its third confirming bar, if another than `regime`.
    pub pending: Option<Regime>,
}

/// What Sentiment says of one pair. `score` is `None` when there is no news, or too little.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentimentReading {
    pub pair: Pair,
    pub at: UtcMs,
    /// −1..=1, decayed and credibility-weighted.
    pub score: Option<f64>,
    /// Effective number of independent texts behind the score.
    pub n_eff: f64,
    /// Weighted sd of the texts' scores.
    pub dispersion: Option<f64>,
    /// Texts seen for the pair so far.
    pub texts: u32,
    /// Which engine scored: `lexicon`, a model's name, or `none`.
    pub engine: String,
    /// Why there is no score, in words (`no recorded news`).
    pub note: Option<String>,
}

/// What Technical says of one pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TechnicalReading {
    pub pair: Pair,
    pub at: UtcMs,
    /// −1 (down) ..= 1 (up): mean of the votes below; `None` while indicators are not filled.
    pub score: Option<f64>,
    /// Named votes in −1..=1.
    pub votes: Vec<(String, f64)>,
    /// Score after the neighbours' context (sentiment, risk) tempered it; never larger in size than `score`.
    pub tempered: Option<f64>,
    pub note: Option<String>,
}

/// What Whale says of one pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhaleReading {
    pub pair: Pair,
    pub at: UtcMs,
    /// Robust z of the hour's largest bar notional against 7 days of the same hour-of-day bucket.
    pub volume_z: Option<f64>,
    /// Robust z of the mean trade size, where trades are counted.
    pub trade_size_z: Option<f64>,
    /// Log return of the bar that held the largest notional.
    pub impact: Option<f64>,
    /// The hour's largest order, where all of its trades are recorded.
    #[serde(default)]
    pub order: Option<WhaleOrder>,
    /// z ≥ 6, or an order above its threshold, and at least 5 % of the hour's volume.
    pub alert: bool,
    /// What the alert rests on: `candle volume` or `trades`, and why not the other.
    pub basis: String,
    pub note: Option<String>,
}

/// Trades of one side that followed each other closely: most likely one order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WhaleOrder {
    pub side: Side,
    pub prints: u32,
    /// Quote units.
    pub quote: f64,
    /// Share of the hour's quote volume.
    pub share: Option<f64>,
    /// Log return from its first price to its last.
    pub impact: Option<f64>,
    /// Robust z of ln quote against the largest orders of this hour of the day over 7 days.
    pub z: Option<f64>,
    /// Quote units that an order exceeds once in a thousand, and how many of the hour did.
    pub threshold: Option<f64>,
    pub above_threshold: u32,
}

impl WhaleOrder {
    /// Whether enough was seen before it to say how large it is.
    #[must_use]
    pub const fn is_judged(&self) -> bool {
        self.z.is_some() || self.threshold.is_some()
    }
}

/// Past out-of-sample candidates at or above the gate: does the model's confidence keep its word?
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct GateEvidence {
    /// Candidates with calibrated confidence at or above the gate.
    pub n: u32,
    /// Effective number after overlap (sum of uniqueness).
    pub n_eff: f64,
    /// Share of them that ended with a net profit.
    pub hit_rate: Option<f64>,
    /// One-sided 90 % Wilson lower bound of that share on `n_eff`.
    pub hit_rate_lower: Option<f64>,
    /// Mean net return of them.
    pub mean_net: Option<f64>,
    /// One-sided 90 % lower bound of the mean net return.
    pub mean_net_lower: Option<f64>,
}

/// What ML Predictor says of one pair at one horizon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    pub pair: Pair,
    pub at: UtcMs,
    pub horizon: Horizon,
    /// Version of the model that spoke.
    pub model: String,
    /// The managed trade the probability is about.
    pub plan: TradePlan,
    /// Ensemble probability after deflation, before calibration.
    pub raw: Prob,
    /// Calibrated out-of-sample probability that the plan ends with a net profit.
    pub confidence: Prob,
    /// How often such plans won in training.
    pub base_rate: Prob,
    /// Sd of the members' probabilities (what the model does not know).
    pub epistemic: f64,
    /// Its 95 % quantile over calibration: above it the model is out of its depth.
    pub epistemic_limit: f64,
    /// √(p(1−p)): what no model can know.
    pub aleatoric: f64,
    /// Expected log return over the horizon, and the 80 % conformal interval of it.
    pub expected_return: f64,
    pub interval: (f64, f64),
    /// The same interval before it was made conformal, and the unit in which misses compare: `σ24·√H`.
    pub band: (f64, f64),
    pub unit: f64,
    pub evidence: GateEvidence,
    /// Out-of-sample expected calibration error of the model, and its standard error.
    pub ece: f64,
    pub ece_se: f64,
    /// Input groups that had data (`candles`, `sentiment`, …).
    pub inputs: Vec<String>,
    /// The calibrator that gave the confidence, where it is not the model's own: fitted since on what has matured.
    pub calibrator: Option<String>,
    /// The rung of the action ladder that the model stands on.
    pub drift: DriftAction,
    /// What moved the log odds of `raw` away from those of an average row, the largest in size first; empty for a prediction that is no
    /// signal, which nobody asks about.
    pub contributions: Vec<Contribution>,
}

/// What one feature did to a prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Name in the feature set.
    pub feature: String,
    /// Its value in this row.
    pub value: f64,
    /// Log odds that it adds; all of a row's add up to what sets it apart from an average one.
    pub log_odds: f64,
}

/// Why a pair has no prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoPrediction {
    pub pair: Pair,
    pub horizon: Horizon,
    pub reason: String,
}
