//! A decision and the whole path that led to it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::account::AccountId;
use super::money::Qty;
use super::order::{OrderId, Side};
use super::pair::Pair;
use super::plan::{Horizon, TradePlan};
use super::reading::{Contribution, Regime};
use super::time::UtcMs;

/// Identifier of a decision: session and running number, `D1-42`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DecisionId {
    pub session: u32,
    pub number: u64,
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("D{}-{}", self.session, self.number))
    }
}

impl FromStr for DecisionId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (session, number) = text.trim().strip_prefix(['D', 'd'])?.split_once('-')?;
            Some(Self { session: session.parse().ok()?, number: number.parse().ok()? })
        };
        parse().ok_or_else(|| format!("'{text}' is not a decision; they look like 'D1-42'"))
    }
}

impl TryFrom<String> for DecisionId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DecisionId> for String {
    fn from(id: DecisionId) -> Self {
        id.to_string()
    }
}

/// The stations of the decision tree, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Station {
    Data,
    Gate,
    Regime,
    Strategy,
    Sizing,
    Risk,
    Portfolio,
    Execution,
}

impl Station {
    pub const ALL: [Self; 8] = [
        Self::Data,
        Self::Gate,
        Self::Regime,
        Self::Strategy,
        Self::Sizing,
        Self::Risk,
        Self::Portfolio,
        Self::Execution,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Gate => "gate",
            Self::Regime => "regime",
            Self::Strategy => "strategy",
            Self::Sizing => "sizing",
            Self::Risk => "risk",
            Self::Portfolio => "portfolio",
            Self::Execution => "execution",
        }
    }
}

/// Why a signal went no further. Bounded: it is a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockReason {
    DataIncomplete,
    DataStale,
    LowConfidence,
    InsufficientEvidence,
    NoLift,
    NegativeExpectancy,
    PoorCalibration,
    OutOfDistribution,
    ModelDrift,
    RegimeUnknown,
    StrategyRejected,
    DefensiveRegime,
    ZeroSize,
    BelowMinimumOrder,
    PositionLimit,
    ExposureLimit,
    DailyLoss,
    WeeklyLoss,
    Drawdown,
    ConsecutiveLosses,
    AlreadyInPosition,
    OrderRate,
    SentimentRisk,
    NoAllocation,
    Halted,
    AgentUnavailable,
}

impl BlockReason {
    pub const ALL: [Self; 26] = [
        Self::DataIncomplete,
        Self::DataStale,
        Self::LowConfidence,
        Self::InsufficientEvidence,
        Self::NoLift,
        Self::NegativeExpectancy,
        Self::PoorCalibration,
        Self::OutOfDistribution,
        Self::ModelDrift,
        Self::RegimeUnknown,
        Self::StrategyRejected,
        Self::DefensiveRegime,
        Self::ZeroSize,
        Self::BelowMinimumOrder,
        Self::PositionLimit,
        Self::ExposureLimit,
        Self::DailyLoss,
        Self::WeeklyLoss,
        Self::Drawdown,
        Self::ConsecutiveLosses,
        Self::AlreadyInPosition,
        Self::OrderRate,
        Self::SentimentRisk,
        Self::NoAllocation,
        Self::Halted,
        Self::AgentUnavailable,
    ];

    /// Name in metrics, the journal and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DataIncomplete => "data_incomplete",
            Self::DataStale => "data_stale",
            Self::LowConfidence => "low_confidence",
            Self::InsufficientEvidence => "insufficient_evidence",
            Self::NoLift => "no_lift",
            Self::NegativeExpectancy => "negative_expectancy",
            Self::PoorCalibration => "poor_calibration",
            Self::OutOfDistribution => "out_of_distribution",
            Self::ModelDrift => "model_drift",
            Self::RegimeUnknown => "regime_unknown",
            Self::StrategyRejected => "strategy_rejected",
            Self::DefensiveRegime => "defensive_regime",
            Self::ZeroSize => "zero_size",
            Self::BelowMinimumOrder => "below_minimum_order",
            Self::PositionLimit => "position_limit",
            Self::ExposureLimit => "exposure_limit",
            Self::DailyLoss => "daily_loss",
            Self::WeeklyLoss => "weekly_loss",
            Self::Drawdown => "drawdown",
            Self::ConsecutiveLosses => "consecutive_losses",
            Self::AlreadyInPosition => "already_in_position",
            Self::OrderRate => "order_rate",
            Self::SentimentRisk => "sentiment_risk",
            Self::NoAllocation => "no_allocation",
            Self::Halted => "halted",
            Self::AgentUnavailable => "agent_unavailable",
        }
    }

    /// At most ten characters, for tables.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::DataIncomplete => "data",
            Self::DataStale => "stale",
            Self::LowConfidence => "conf",
            Self::InsufficientEvidence => "evidence",
            Self::NoLift => "lift",
            Self::NegativeExpectancy => "expectancy",
            Self::PoorCalibration => "calibr.",
            Self::OutOfDistribution => "ood",
            Self::ModelDrift => "drift",
            Self::RegimeUnknown => "regime?",
            Self::StrategyRejected => "strategy",
            Self::DefensiveRegime => "bear",
            Self::ZeroSize => "size 0",
            Self::BelowMinimumOrder => "too small",
            Self::PositionLimit => "position",
            Self::ExposureLimit => "exposure",
            Self::DailyLoss => "day loss",
            Self::WeeklyLoss => "week loss",
            Self::Drawdown => "drawdown",
            Self::ConsecutiveLosses => "losses",
            Self::AlreadyInPosition => "holding",
            Self::OrderRate => "rate",
            Self::SentimentRisk => "sentiment",
            Self::NoAllocation => "alloc",
            Self::Halted => "halted",
            Self::AgentUnavailable => "agent",
        }
    }
}

/// One comparison on the path, with its value and its threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceStep {
    pub station: Station,
    /// What was checked: `confidence`, `ADX14`, `gross exposure`.
    pub name: String,
    /// The value found; `None` when there was none (that blocks).
    pub value: Option<f64>,
    /// The rule in words, with its threshold: `> 0.80`, `≥ 20`, `≤ 60 % of equity`.
    pub rule: String,
    pub passed: bool,
    /// The reason this step gives when it blocks.
    pub reason: Option<BlockReason>,
    /// Anything a reader needs beyond the numbers.
    pub note: Option<String>,
}

/// One step of the sizing waterfall: the share of equity after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SizingStep {
    pub name: String,
    /// Share of equity after this step.
    pub fraction: f64,
    pub note: String,
}

/// The whole path of one signal through the decision tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionTrace {
    pub steps: Vec<TraceStep>,
    pub sizing: Vec<SizingStep>,
    /// Agents that were late or failed in this cycle, and what stood in for them.
    pub degraded: Vec<String>,
    /// What moved the prediction away from that of an average row; absent in decisions of earlier versions.
    #[serde(default)]
    pub contributions: Vec<Contribution>,
}

impl DecisionTrace {
    /// The first step that blocked, if any.
    #[must_use]
    pub fn first_block(&self) -> Option<&TraceStep> {
        self.steps.iter().find(|s| !s.passed)
    }

    /// Whether all steps passed apart from those at the gate.
    #[must_use]
    pub fn only_gate_blocks(&self) -> bool {
        self.first_block().is_some() && self.steps.iter().all(|s| s.passed || s.station == Station::Gate)
    }

    /// Value and verdict of the first step at a station, if it was reached.
    #[must_use]
    pub fn at(&self, station: Station) -> Option<bool> {
        let mut steps = self.steps.iter().filter(|s| s.station == station).peekable();
        steps.peek()?;
        Some(steps.all(|s| s.passed))
    }
}

/// How a decision ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// An order went out for the main account.
    Pass {
        order: OrderId,
        qty: Qty,
    },
    Block {
        reason: BlockReason,
    },
}

/// Where the decision came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// A new entry went through the whole tree.
    Entry,
    /// An exit that needs no gate: bear regime, time limit, halt with flatten.
    Exit,
}

/// A decision: pass or block, with its trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    pub id: DecisionId,
    pub kind: DecisionKind,
    pub cycle: u64,
    pub at: UtcMs,
    pub pair: Pair,
    pub side: Side,
    pub horizon: Horizon,
    pub plan: TradePlan,
    pub confidence: f64,
    pub epistemic: f64,
    pub base_rate: f64,
    pub regime: Regime,
    /// Name of the strategy the router picked.
    pub strategy: String,
    /// Technical, Sentiment and Whale at the time; `None` is "no data".
    pub technical: Option<f64>,
    pub sentiment: Option<f64>,
    pub whale: Option<f64>,
    pub model: String,
    /// Share of equity the sizing and allocation ended with.
    pub fraction: f64,
    pub verdict: Verdict,
    /// The shadow account's order, where only the gate blocked.
    pub shadow_order: Option<(OrderId, Qty)>,
    pub account: AccountId,
    pub trace: DecisionTrace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_and_write() {
        let id = DecisionId { session: 3, number: 42 };
        assert_eq!(id.to_string(), "D3-42");
        assert_eq!("D3-42".parse(), Ok(id));
        assert_eq!("d3-42".parse(), Ok(id));
        assert!("42".parse::<DecisionId>().is_err());
    }

    #[test]
    fn reasons_are_listed_once_each() {
        let names: std::collections::BTreeSet<_> = BlockReason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(names.len(), BlockReason::ALL.len());
        assert!(BlockReason::ALL.iter().all(|r| r.short().len() <= 10));
    }
}
