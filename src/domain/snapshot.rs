//! What an interface sees: one immutable picture of the whole, published by the orchestrator, latest wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::account::{AccountId, AccountState};
use super::agent::{AgentKind, AgentState, Trigger};
use super::alert::{Alert, Severity};
use super::command::Speed;
use super::decision::{BlockReason, Decision};
use super::drift::DriftReport;
use super::event::{ComponentHealth, GoNoGo, LimitUse};
use super::flow::FlowView;
use super::link::LinkView;
use super::market::{Candle, RejectReason};
use super::money::{Money, Price};
use super::order::{Fill, Order, Outcome};
use super::pair::{Interval, Pair, Venue};
use super::plan::Horizon;
use super::quality::{DataKind, PairQuality, Quarantined};
use super::reading::{
    GateEvidence, NoPrediction, Prediction, RegimeReading, SentimentReading, TechnicalReading, WhaleReading,
};
use super::time::UtcMs;

/// Paper or live. Live is not part of this version: the type exists so that nothing can confuse the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Paper,
    Live,
}

impl Mode {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "PAPER",
            Self::Live => "LIVE",
        }
    }
}

/// What the system as a whole is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemState {
    #[default]
    Starting,
    /// Models are being trained; `progress` says how far.
    Training,
    /// Windows are being filled from recorded data; nothing is traded.
    WarmingUp,
    Running,
    /// Every agent is paused by a person.
    Paused,
    /// The replay is held by a person.
    Held,
    /// No new entries until a person resumes.
    Halted,
    /// The recording has been played to its end.
    Ended,
    Stopping,
    /// The orchestrator stopped on an error; `note` says which.
    Failed,
}

impl SystemState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Training => "TRAINING",
            Self::WarmingUp => "WARMING UP",
            Self::Running => "RUNNING",
            Self::Paused => "PAUSED",
            Self::Held => "HELD",
            Self::Halted => "HALTED",
            Self::Ended => "ENDED",
            Self::Stopping => "STOPPING",
            Self::Failed => "FAILED",
        }
    }
}

/// Where the data come from, and why from there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SourceView {
    /// `kraken` or `replay`.
    pub kind: String,
    /// What is played: `kraken recording 2024-07-01 … 2024-10-31`.
    pub label: String,
    /// Why this source was taken (`auto: …`).
    pub reason: String,
    pub first: UtcMs,
    pub last: UtcMs,
    /// End of the warm-up: trading starts here.
    pub trading_from: UtcMs,
}

/// Work that takes a while.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    pub label: String,
    pub done: u64,
    pub total: u64,
}

/// One pair on the watchlist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairView {
    pub pair: Pair,
    pub venue: Venue,
    /// Interval of the source bars.
    pub interval: Interval,
    pub price_decimals: u32,
    pub last: Option<Price>,
    /// Close time of the newest source bar.
    pub last_at: Option<UtcMs>,
    /// Change over 24 hours, as a share.
    pub change_24h: Option<f64>,
    /// Hourly bars, oldest first, at most 720.
    pub bars: Arc<Vec<Candle>>,
    /// Closed source bars, oldest first, at most 720; empty where the source's own bars are hours.
    pub source_bars: Arc<Vec<Candle>>,
    /// Consecutive source bars that may be silent in a quiet market; one more is a hole.
    pub quiet_bars: u32,
    pub regime: Option<RegimeReading>,
    pub technical: Option<TechnicalReading>,
    pub sentiment: Option<SentimentReading>,
    pub whale: Option<WhaleReading>,
    pub predictions: Vec<Prediction>,
    /// Why a horizon has no prediction.
    pub no_predictions: Vec<NoPrediction>,
    /// Whether the newest frame was complete, and why not.
    pub complete: bool,
    pub data_note: Option<String>,
    /// Data older than two intervals.
    pub stale: bool,
}

/// One change of an agent's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitionView {
    pub at: UtcMs,
    pub from: AgentState,
    pub trigger: Trigger,
    pub to: AgentState,
}

/// One agent as its runtime sees it. Times here are wall-clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentView {
    pub kind: AgentKind,
    pub state: AgentState,
    pub since: UtcMs,
    /// A command that the agent has not yet acted on (`pausing`, `resuming`, `restarting`).
    pub pending: Option<String>,
    pub mailbox: u32,
    pub mailbox_capacity: u32,
    /// Messages refused because the mailbox was full.
    pub dropped: u64,
    pub processed: u64,
    pub errors: u64,
    pub retries: u64,
    pub timeouts: u64,
    pub restarts: u64,
    /// `closed`, `open`, `half-open`.
    pub breaker: String,
    pub last_run: Option<UtcMs>,
    /// Of the last 256 runs, in ms.
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    /// Busy share of the last minute, 0..=1.
    pub busy: f64,
    pub last_input: String,
    pub last_output: String,
    pub last_error: Option<String>,
    pub transitions: Vec<TransitionView>,
}

/// How far signals came today and since the start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Funnel {
    pub signals: u64,
    pub gate: u64,
    pub regime: u64,
    pub sizing: u64,
    pub risk: u64,
    pub passed: u64,
    pub shadow: u64,
    pub blocked: BTreeMap<BlockReason, u64>,
}

/// An account at current prices, with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountSummary {
    pub id: AccountId,
    pub state: AccountState,
    pub marks: BTreeMap<Pair, Price>,
    pub equity: Money,
    pub unrealised: Money,
    pub day_pnl: Money,
    pub drawdown: f64,
    pub exposure: f64,
    /// Equity at the end of each cycle, oldest first, at most 720.
    pub equity_curve: Arc<Vec<(UtcMs, Money)>>,
    /// Newest last, at most 200 each.
    pub recent_orders: Arc<Vec<Order>>,
    pub recent_fills: Arc<Vec<Fill>>,
    pub recent_outcomes: Arc<Vec<Outcome>>,
}

/// Counts of the data pipeline since the start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PipelineView {
    pub ingested: u64,
    pub accepted: u64,
    pub rejected: BTreeMap<DataKind, BTreeMap<RejectReason, u64>>,
    pub holes: u64,
    pub frames: u64,
    pub frames_complete: u64,
    /// The data of every pair, in the order of the universe.
    pub pairs: Arc<Vec<PairQuality>>,
    /// Refused rows, newest last, at most 50.
    pub quarantine: Arc<Vec<Quarantined>>,
    /// Records that the quarantine file could not take.
    pub quarantine_lost: u64,
}

impl PipelineView {
    /// Rows refused, over all kinds and reasons.
    #[must_use]
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().flat_map(BTreeMap::values).sum()
    }

    /// Refusals by kind and reason, none of them 0.
    pub fn rejects(&self) -> impl Iterator<Item = (DataKind, RejectReason, u64)> + '_ {
        let each = |(kind, reasons): (&DataKind, &BTreeMap<RejectReason, u64>)| {
            let kind = *kind;
            reasons.iter().map(move |(reason, n)| (kind, *reason, *n)).collect::<Vec<_>>()
        };
        self.rejected.iter().flat_map(each).filter(|(.., n)| *n > 0)
    }

    #[must_use]
    pub fn pair(&self, pair: &Pair) -> Option<&PairQuality> {
        self.pairs.iter().find(|q| q.pair == *pair)
    }
}

/// One trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelView {
    pub horizon: Horizon,
    pub version: String,
    pub trained_at: UtcMs,
    pub trained_from: UtcMs,
    pub trained_to: UtcMs,
    pub rows: u64,
    pub n_eff: f64,
    pub folds: u32,
    pub base_rate: f64,
    pub brier: f64,
    pub log_loss: f64,
    pub auc: f64,
    pub ece: f64,
    pub calibration: String,
    /// Out-of-sample reliability: mean confidence, observed rate, count, per equal-mass bin.
    pub reliability: Vec<(f64, f64, u32)>,
    pub ece_se: f64,
    /// Brier score of always saying the base rate.
    pub brier_base: f64,
    /// Share of returns inside the 80 % and the 90 % interval, out of sample.
    pub coverage: f64,
    pub coverage90: f64,
    /// 95 % quantile of the members' disagreement out of sample; beyond it the model abstains.
    pub epistemic_limit: f64,
    /// Candidates above the gate in the walk-forward.
    pub evidence: GateEvidence,
    /// The most recent share of time, judged before the model was fitted on that as well; `None` where nothing was held out.
    pub hold_out: Option<HeldOut>,
    /// Why nothing was held out.
    pub no_hold_out: Option<String>,
    /// What the features were worth, best first; empty for a model that was stored without.
    pub importance: Vec<FeatureImportance>,
    /// The tests in front of its training, in their order.
    pub leakage: Vec<LeakageLine>,
    /// How it has done since it is in force; `None` until the first prediction.
    pub live: Option<LiveModel>,
    /// The version that a rollback would put in force.
    pub previous: Option<String>,
    /// A trained version that waits for a person to promote it.
    pub candidate: Option<String>,
}

/// How a model did on time that took part in no choice and no fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// First decision, and when the last label was known.
    pub from: UtcMs,
    pub to: UtcMs,
    pub rows: u64,
    /// What the rows are worth, after overlap and correlation between pairs.
    pub n_eff: f64,
    pub brier: f64,
    pub brier_base: f64,
    pub auc: f64,
    pub ece: f64,
    pub ece_se: f64,
    /// Share of returns inside the 80 % interval.
    pub coverage: f64,
    /// What stood above the gate's threshold.
    pub confident: GateEvidence,
    /// What passed the gate's clauses about the model and its past as well.
    pub passed: GateEvidence,
}

/// Loss of score when a feature's values are shuffled, over the folds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureImportance {
    pub feature: String,
    /// Mean rise of the log loss, and its standard error.
    pub mean: f64,
    pub se: f64,
    /// Folds in which the rise exceeded twice its standard error, of all.
    pub clear: u32,
    pub folds: u32,
}

/// One test for leakage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeakageLine {
    /// What must hold, in words.
    pub test: String,
    /// `passed`, `failed` or `not checked`.
    pub verdict: String,
    pub checked: u64,
    pub failed: u64,
    /// The worst value seen, beside its threshold.
    pub worst: Option<f64>,
    pub threshold: f64,
    /// The first findings, in words.
    pub findings: Vec<String>,
}

/// How a model has done on what it had never seen, since it is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveModel {
    /// Predictions that wait for their outcome, and those whose outcome never came.
    pub waiting: u32,
    pub void: u64,
    /// Matured ones that the figures rest on, and what they are worth.
    pub matured: u32,
    pub n_eff: f64,
    /// `None` before the first matured.
    pub brier: Option<f64>,
    pub ece: Option<f64>,
    pub ece_se: Option<f64>,
    /// Share of the last intervals that held, and the band in which 80 % would lie by chance.
    pub coverage: Option<f64>,
    pub coverage_band: Option<(f64, f64)>,
    /// Share that an interval given now may miss.
    pub alpha: f64,
    /// Calibrator in force when it is not the model's own, since when, and how often it was fitted anew.
    pub calibrator: Option<String>,
    pub calibrated_at: Option<UtcMs>,
    pub refits: u32,
    pub drift: DriftReport,
}

/// One listening service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// `api`, `metrics`, `web`.
    pub name: String,
    pub address: String,
    pub up: bool,
    pub note: String,
}

/// The whole picture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Rises with every publication.
    pub version: u64,
    /// Data time.
    pub at: UtcMs,
    /// Wall-clock time of publication.
    pub wall: UtcMs,
    pub started: UtcMs,
    pub session: u32,
    pub mode: Mode,
    pub state: SystemState,
    /// Why the state is what it is, when that is not obvious.
    pub note: Option<String>,
    pub progress: Option<Progress>,
    pub source: SourceView,
    pub speed: Option<Speed>,
    /// The confidence gate; a signal must be strictly above it.
    pub gate: f64,
    pub cycle: u64,
    pub fingerprint: String,
    pub pairs: Vec<PairView>,
    pub agents: Vec<AgentView>,
    /// Newest last, at most 500.
    pub decisions: Arc<Vec<Arc<Decision>>>,
    pub funnel: Funnel,
    pub funnel_today: Funnel,
    pub main: Option<AccountSummary>,
    pub shadow: Option<AccountSummary>,
    pub limits: Vec<LimitUse>,
    pub gates: Vec<GoNoGo>,
    pub health_score: f64,
    pub components: Vec<ComponentHealth>,
    /// Of matured decisions in this session.
    pub brier: Option<f64>,
    pub ece: Option<f64>,
    pub matured: u64,
    pub models: Vec<ModelView>,
    pub pipeline: PipelineView,
    /// The market data link; `None` before it is started.
    pub link: Option<Arc<LinkView>>,
    /// Order flow as it stands, pair by pair; empty where none is watched, and `flow_absent` says why.
    pub flow: Arc<Vec<FlowView>>,
    pub flow_absent: Option<String>,
    pub alerts: Vec<Alert>,
    pub services: Vec<ServiceView>,
    /// Log lines, notices or journal rows that were lost to a full channel.
    pub lost: u64,
    /// Messages sent and read per cell of the interaction matrix.
    pub cells: BTreeMap<String, (u64, u64)>,
    /// Resident memory in bytes and share of one core used, where the system tells.
    pub memory: Option<u64>,
    pub cpu: Option<f64>,
}

impl Snapshot {
    /// Alerts that nobody has acknowledged.
    pub fn open_alerts(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().filter(|a| !a.acknowledged)
    }

    /// The most severe open alert.
    #[must_use]
    pub fn worst_alert(&self) -> Option<Severity> {
        self.open_alerts().map(|a| a.severity).max()
    }

    /// Order flow of a pair as it stands.
    #[must_use]
    pub fn flow_of(&self, pair: &Pair) -> Option<&FlowView> {
        self.flow.iter().find(|view| view.pair == *pair)
    }

    #[must_use]
    pub fn agent(&self, kind: AgentKind) -> Option<&AgentView> {
        self.agents.iter().find(|a| a.kind == kind)
    }
}

/// Something that must not be lost on its way to an interface; numbered, so that a gap shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub sequence: u64,
    pub kind: NoticeKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum NoticeKind {
    Decision(Arc<Decision>),
    Fill(Fill),
    Outcome(Outcome),
    Alert(Alert),
    /// A change of the system's state or an answer to a command, in words.
    System {
        at: UtcMs,
        text: String,
    },
}
