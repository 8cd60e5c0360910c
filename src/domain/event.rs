//! Events in, effects out: the alphabet of the one decision path.
//!
//! `step(&mut self, event: &Event) -> Vec<Effect>` is all that ever decides. A driver (live, replay, backtest) turns the world into events
//! and carries effects out. Agents are reached by [`Effect::Ask`] and answer by [`Event::Reply`], so that the analysis cycle itself
//! — who is asked when, what stands in for whom — is part of the deterministic core.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::account::{AccountId, AccountState};
use super::agent::AgentKind;
use super::alert::{Alert, Severity};
use super::command::{Ack, CommandId, HaltScope};
use super::decision::{BlockReason, Decision, DecisionTrace, SizingStep, TraceStep};
use super::drift::DriftAction;
use super::error::ErrorClass;
use super::flow::FlowBar;
use super::follow::Followed;
use super::market::{Candle, RawCandle};
use super::message::{Frames, Message, PerPair};
use super::money::Money;
use super::order::{Fill, Intent, Order, OrderId, Outcome};
use super::pair::Pair;
use super::plan::Horizon;
use super::quality::{Evidence, PairQuality, Quarantined};
use super::reading::{NoPrediction, Prediction, RegimeReading, SentimentReading, TechnicalReading, WhaleReading};
use super::time::UtcMs;

/// Rows that became known at one instant.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RawBatch {
    /// Data time: when the rows were known (close of their bars).
    pub at: UtcMs,
    pub rows: Vec<RawCandle>,
    /// The batch only fills windows: analyse, but do not trade on it.
    pub warmup: bool,
    /// Pairs whose data the link can't vouch for at this instant, and why: nothing new is entered in them.
    #[serde(default)]
    pub doubts: PerPair<String>,
    /// Order flow of the bars that closed, where trades and books are watched; a recording of candles has none.
    #[serde(default)]
    pub flow: Vec<FlowBar>,
    /// What else says how good the rows are.
    #[serde(default)]
    pub evidence: Evidence,
}

/// What the Data Collector made of a batch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MarketUpdate {
    pub at: UtcMs,
    /// Validated source candles of the batch.
    pub candles: Vec<Candle>,
    pub quarantined: Vec<Quarantined>,
    /// Pairs in which a hole was found with this batch.
    pub holes: Vec<Pair>,
    /// One frame per pair whose hour closed at `at`; empty between the hours.
    pub frames: Frames,
    /// The data of every pair in figures, in the order of the universe, when something changed or an hour closed.
    pub quality: Option<Arc<Vec<PairQuality>>>,
}

/// What an agent is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    FetchMarketData(Arc<RawBatch>),
    AnalyzeSentiment,
    CalculateTechnical,
    GeneratePredictions,
    DetectWhales,
    AssessRisk(Arc<RiskRequest>),
    OptimizePortfolio(Arc<PortfolioRequest>),
    CheckHealth(Arc<HealthRequest>),
}

/// A question to one agent, with what its neighbours have told it since the last one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    pub cycle: u64,
    /// Data time.
    pub at: UtcMs,
    pub to: AgentKind,
    pub request: Request,
    pub inbox: Vec<Message>,
}

impl Ask {
    /// The market frames in the inbox, if any were sent.
    #[must_use]
    pub fn frames(&self) -> Option<&Frames> {
        self.inbox.iter().rev().find_map(|m| match m {
            Message::CollectorToSentiment(f)
            | Message::CollectorToTechnical(f)
            | Message::CollectorToPredictor(f)
            | Message::CollectorToRisk(f)
            | Message::CollectorToOptimizer(f) => Some(f),
            _ => None,
        })
    }
}

/// An agent's answer, and what it tells its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    pub cycle: u64,
    pub from: AgentKind,
    pub finding: Finding,
    pub messages: Vec<Message>,
    /// Names of the inbox messages that the brain read ([`Message::name`]).
    pub used: Vec<String>,
}

/// The content of a reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Finding {
    Market(MarketUpdate),
    Sentiment(Vec<SentimentReading>),
    Technical(Vec<TechnicalReading>),
    Predictions { made: Vec<Prediction>, none: Vec<NoPrediction> },
    Whales(Vec<WhaleReading>),
    Risk(RiskAssessment),
    Allocation(Allocation),
    Health(HealthReport),
}

/// A brain could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{text}")]
pub struct BrainError {
    pub class: ErrorClass,
    pub text: String,
}

/// The thinking part of an agent: synchronous and deterministic. The agent's runtime gives it a mailbox, a timeout, a breaker and a state.
pub trait Brain: Send {
    fn kind(&self) -> AgentKind;

    /// Answers one question.
    ///
    /// # Errors
    /// [`BrainError`] with the class that picks the recovery; the brain stays usable.
    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError>;
}

/// Everything the Risk Manager needs: all signals of the cycle and the accounts at current prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskRequest {
    pub warmup: bool,
    pub predictions: Vec<Prediction>,
    pub technical: Vec<TechnicalReading>,
    pub sentiment: Vec<SentimentReading>,
    pub whales: Vec<WhaleReading>,
    pub main: AccountView,
    pub shadow: AccountView,
    /// Set while new entries are forbidden, and why.
    pub halted: Option<String>,
    /// Agents that did not answer, and what stands in for them.
    pub degraded: Vec<String>,
    /// Orders sent in the last minute of data time.
    pub recent_orders: u32,
}

/// An account at current prices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountView {
    pub state: AccountState,
    /// Last close per pair.
    pub marks: PerPair<super::money::Price>,
    pub equity: Money,
    /// Signed: a loss is negative.
    pub day_pnl: Money,
    pub week_pnl: Money,
    pub drawdown: f64,
    /// Gross exposure as a share of equity.
    pub exposure: f64,
}

/// One signal after the decision tree up to the risk check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub prediction: Prediction,
    pub regime: RegimeReading,
    pub strategy: String,
    pub steps: Vec<TraceStep>,
    pub sizing: Vec<SizingStep>,
    /// Share of equity for the main account; 0 when anything blocked.
    pub fraction: f64,
    /// Share of the shadow account's equity where only the gate blocked and the shadow's own limits allow; else 0.
    pub shadow_fraction: f64,
}

/// A position that should be closed without asking the gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExitAdvice {
    pub account: AccountId,
    pub pair: Pair,
    pub reason: String,
    pub step: TraceStep,
}

/// What the Risk Manager answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RiskAssessment {
    pub regimes: PerPair<RegimeReading>,
    pub candidates: Vec<Candidate>,
    pub exits: Vec<ExitAdvice>,
    /// Limits in use and breakers tripped, main account.
    pub limits: Vec<LimitUse>,
}

/// One limit with its use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LimitUse {
    pub name: String,
    pub value: f64,
    pub limit: f64,
    pub tripped: bool,
}

/// Everything the Portfolio Optimizer needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortfolioRequest {
    pub warmup: bool,
    pub candidates: Vec<Candidate>,
    pub main: AccountView,
    pub shadow: AccountView,
}

/// What the Portfolio Optimizer answers: final shares of equity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Allocation {
    pub method: String,
    /// Per account, pair and horizon: share of that account's equity. A candidate without an entry gets nothing.
    pub shares: Vec<AllocationShare>,
    /// Annualised volatility per pair.
    pub volatility: PerPair<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AllocationShare {
    pub account: AccountId,
    pub pair: Pair,
    pub horizon: Horizon,
    pub fraction: f64,
    /// The steps by which the share was found (weights, caps), for the trace.
    pub steps: Vec<TraceStep>,
}

/// What the Health Monitor looks at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthRequest {
    /// Data time.
    pub at: UtcMs,
    pub warmup: bool,
    /// State, errors and share of answered questions of every agent as the engine saw them.
    pub agents: Vec<(AgentKind, super::agent::AgentState, u64)>,
    pub missed: Vec<(AgentKind, String)>,
    pub decisions: u64,
    pub passed: u64,
    /// Matured decisions: (confidence, won).
    pub matured: Vec<(f64, bool)>,
    pub main: AccountView,
    pub models: u32,
    pub in_use: Vec<ModelInUse>,
    pub halted: Option<String>,
}

/// How a model in use stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInUse {
    pub horizon: Horizon,
    /// When its last label was known.
    pub data_to: UtcMs,
    /// The rung of the action ladder that it stands on.
    pub drift: DriftAction,
    /// Whether anything has matured to judge it by.
    pub judged: bool,
}

/// One component's grade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentHealth {
    pub name: String,
    /// 0..=1.
    pub score: f64,
    pub note: String,
}

/// One gate of GO/NO-GO. An unknown value is a NO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoNoGo {
    pub name: String,
    pub go: bool,
    pub value: String,
    pub threshold: String,
}

/// What the Health Monitor answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HealthReport {
    /// 0..=1.
    pub score: f64,
    pub components: Vec<ComponentHealth>,
    pub gates: Vec<GoNoGo>,
    /// Brier score and expected calibration error of matured decisions; `None` below the configured count.
    pub brier: Option<f64>,
    pub ece: Option<f64>,
    /// Alerts to raise, one per finding that is new.
    pub alerts: Vec<(Severity, Option<ErrorClass>, String, String)>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Rows arrived from the source.
    Market(Arc<RawBatch>),
    /// An agent answered.
    Reply(Box<Reply>),
    /// An agent was late, failed or is paused: its stage goes on without it.
    Missed {
        cycle: u64,
        agent: AgentKind,
        why: String,
    },
    /// An agent changed its state (the engine keeps it for the Health Monitor).
    AgentState {
        agent: AgentKind,
        state: super::agent::AgentState,
        errors: u64,
    },
    /// An agent's error went as far on the recovery path as a person should hear of.
    Recovery {
        agent: AgentKind,
        class: ErrorClass,
        severity: Severity,
        text: String,
    },
    /// An order changed or was filled, at the broker.
    OrderUpdate(Order),
    Fill(Fill),
    /// New entries stop; with a wider scope working orders are cancelled and positions flattened.
    Halt {
        id: CommandId,
        scope: HaltScope,
        at: UtcMs,
    },
    /// Trading may go on after a halt.
    Resume {
        id: CommandId,
        at: UtcMs,
    },
    /// The source has no more data.
    SourceEnded {
        at: UtcMs,
    },
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    Ask(Box<Ask>),
    /// Must be durable before any later `Submit` of the same step.
    Record(Box<Record>),
    Submit(Intent),
    Cancel(OrderId, AccountId),
    Alert(Alert),
    Acknowledge(CommandId, Ack),
    /// The cycle is complete and the state is consistent.
    CycleDone {
        cycle: u64,
        at: UtcMs,
    },
}

/// A row of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    Cycle(CycleRecord),
    Decision(Box<Decision>),
    Intent(Intent),
    Order(Order),
    Fill(Fill),
    Outcome(Outcome),
    /// What models said and what came of it, since the checkpoint before.
    Followed(Followed),
    Alert(Alert),
    Command {
        at: UtcMs,
        id: CommandId,
        text: String,
        ack: Ack,
    },
    /// The engine's durable state after everything before it: what a restart continues from.
    Checkpoint {
        at: UtcMs,
        state: serde_json::Value,
    },
}

/// Inputs and outputs of one analysis cycle, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CycleRecord {
    pub cycle: u64,
    pub at: UtcMs,
    pub frames: u32,
    pub complete: u32,
    pub predictions: u32,
    pub candidates: u32,
    pub passed: u32,
    pub shadow: u32,
    pub missed: Vec<(AgentKind, String)>,
    pub equity: Money,
    pub shadow_equity: Money,
    /// Running fingerprint after this cycle: hex of the SHA-256 chain over decisions, orders, fills and outcomes.
    pub fingerprint: String,
}

/// A trace step that passed or blocked, without ceremony.
impl TraceStep {
    #[must_use]
    pub fn new(
        station: super::decision::Station,
        name: &str,
        value: Option<f64>,
        rule: impl Into<String>,
        passed: bool,
        reason: BlockReason,
    ) -> Self {
        Self {
            station,
            name: name.to_owned(),
            value,
            rule: rule.into(),
            passed,
            reason: (!passed).then_some(reason),
            note: None,
        }
    }

    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

impl Candidate {
    /// The trace as it would stand in a decision.
    #[must_use]
    pub fn trace(&self, degraded: &[String]) -> DecisionTrace {
        DecisionTrace {
            steps: self.steps.clone(),
            sizing: self.sizing.clone(),
            degraded: degraded.to_vec(),
            contributions: self.prediction.contributions.clone(),
        }
    }
}
