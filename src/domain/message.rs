//! What agents tell each other: one variant for each non-empty cell of the component interaction matrix.
//!
//! A message travels inside the sender's [`super::event::Reply`]; the engine puts it into the receiver's inbox, and the receiver
//! finds it in its next [`super::event::Ask`]. So delivery has one order on every machine: a message to an agent that is asked
//! later in the same cycle arrives in that cycle, any other in the next.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::agent::{AgentKind, AgentState};
use super::frame::Frame;
use super::pair::Pair;
use super::plan::Horizon;

/// The frames of a cycle, shared.
pub type Frames = Arc<Vec<Frame>>;

/// A value per pair, in the order of the frames.
pub type PerPair<T> = Vec<(Pair, T)>;

/// What ingestion has done since the start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IngestStatus {
    pub ingested: u64,
    pub rejected: u64,
    pub holes: u64,
    pub pairs_complete: u32,
    pub pairs: u32,
    /// Oldest source among the pairs, in ms.
    pub max_age_ms: i64,
}

/// An agent's own account of its work in a cycle.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WorkStatus {
    /// Pairs it could judge, of all it was given.
    pub judged: u32,
    pub given: u32,
    /// One line for people.
    pub note: String,
}

/// How well the model keeps its word, out of sample and since it runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelStatus {
    pub model: String,
    pub brier: f64,
    pub ece: f64,
    /// Predictions made in the cycle, and how many of them abstained.
    pub predicted: u32,
    pub abstained: u32,
}

/// Limits in use, 0 = unused, 1 = at the limit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RiskUse {
    pub exposure: f64,
    pub daily_loss: f64,
    pub drawdown: f64,
    /// Names of tripped breakers.
    pub tripped: Vec<String>,
}

/// What the optimiser made of the candidates.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AllocationStatus {
    pub candidates: u32,
    pub allocated: u32,
    /// Share of equity given out in this cycle.
    pub fraction: f64,
    pub method: String,
}

/// Limits that one of Risk Manager and Portfolio Optimizer holds the other to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Constraints {
    /// Share of equity still free under the exposure cap.
    pub free_exposure: f64,
    /// Cap of one position, as a share of equity.
    pub position_cap: f64,
    /// Factor on every size (drawdown ladder): 1, 0.5 or 0.
    pub size_factor: f64,
}

/// How an agent fares, as the Health Monitor tells its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PeerHealth {
    pub state: AgentState,
    pub errors: u64,
    /// 0..=1.
    pub score: f64,
}

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident($payload:ty): $from:ident => $to:ident, $label:literal;)*) => {
        /// One message: sender, receiver and content are fixed by the variant.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub enum Message {
            $($(#[$doc])* $name($payload),)*
        }

        impl Message {
            /// Sender of the message.
            #[must_use]
            pub const fn from(&self) -> AgentKind {
                match self { $(Self::$name(_) => AgentKind::$from,)* }
            }

            /// Receiver of the message.
            #[must_use]
            pub const fn to(&self) -> AgentKind {
                match self { $(Self::$name(_) => AgentKind::$to,)* }
            }

            /// Name of the variant, for counters.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// Text of the cell in the interaction matrix.
            #[must_use]
            pub const fn cell(&self) -> &'static str {
                match self { $(Self::$name(_) => $label,)* }
            }

            /// Every cell: variant name, sender, receiver, text in the matrix.
            pub const CELLS: &'static [(&'static str, AgentKind, AgentKind, &'static str)] = &[
                $((stringify!($name), AgentKind::$from, AgentKind::$to, $label),)*
            ];
        }
    };
}

messages! {
    CollectorToSentiment(Frames): DataCollector => Sentiment, "Market Data";
    CollectorToTechnical(Frames): DataCollector => Technical, "Market Data";
    CollectorToPredictor(Frames): DataCollector => MlPredictor, "Market Data";
    CollectorToRisk(Frames): DataCollector => RiskManager, "Market Data";
    CollectorToOptimizer(Frames): DataCollector => PortfolioOptimizer, "Market Data";
    CollectorToHealth(IngestStatus): DataCollector => HealthMonitor, "Status";

    /// Sentiment score per pair, `None` without news.
    SentimentToTechnical(PerPair<Option<f64>>): Sentiment => Technical, "Sentiment Scores";
    /// Score and effective number of texts per pair.
    SentimentToPredictor(PerPair<Option<(f64, f64)>>): Sentiment => MlPredictor, "Sentiment Features";
    /// Pairs whose news looks manipulated or is split: dispersion, where known.
    SentimentToRisk(PerPair<Option<f64>>): Sentiment => RiskManager, "Sentiment Risk";
    /// Bounded tilt of the allocation per pair, 0.9..=1.1; 1 without news.
    SentimentToOptimizer(PerPair<f64>): Sentiment => PortfolioOptimizer, "Sentiment Weights";
    SentimentToHealth(WorkStatus): Sentiment => HealthMonitor, "Agent Health";

    /// Technical score per pair.
    TechnicalToPredictor(PerPair<Option<f64>>): Technical => MlPredictor, "Technical Features";
    /// Tempered technical score per pair: what the strategies confirm against.
    TechnicalToRisk(PerPair<Option<f64>>): Technical => RiskManager, "Technical Signals";
    /// Bounded tilt of the allocation per pair, 0.9..=1.1.
    TechnicalToOptimizer(PerPair<f64>): Technical => PortfolioOptimizer, "Technical Weights";
    TechnicalToHealth(WorkStatus): Technical => HealthMonitor, "Agent Health";

    /// Pairs with a live prediction: their news is scored first.
    PredictorToSentiment(Vec<Pair>): MlPredictor => Sentiment, "Prediction Context";
    /// Expected log return per pair (longest horizon): Technical notes agreement.
    PredictorToTechnical(PerPair<f64>): MlPredictor => Technical, "Technical Context";
    /// Confidence and epistemic spread per pair and horizon.
    PredictorToRisk(Vec<(Pair, Horizon, f64, f64)>): MlPredictor => RiskManager, "Predictions + Uncertainty";
    /// Expected net return per pair and horizon.
    PredictorToOptimizer(Vec<(Pair, Horizon, f64)>): MlPredictor => PortfolioOptimizer, "Expected Returns";
    PredictorToHealth(ModelStatus): MlPredictor => HealthMonitor, "Model Performance";

    RiskToCollector(RiskUse): RiskManager => DataCollector, "Risk Metrics";
    /// Pairs held: their news matters most.
    RiskToSentiment(Vec<Pair>): RiskManager => Sentiment, "Sentiment Risk";
    /// Factor on conviction while risk is reduced, 0..=1.
    RiskToTechnical(f64): RiskManager => Technical, "Technical Risk";
    /// Pairs in which new entries are barred: no need to predict them eagerly.
    RiskToPredictor(Vec<Pair>): RiskManager => MlPredictor, "Model Risk";
    RiskToOptimizer(Constraints): RiskManager => PortfolioOptimizer, "Risk Constraints";
    RiskToHealth(RiskUse): RiskManager => HealthMonitor, "Risk Status";

    /// Pairs held or wanted: their data must not go stale.
    OptimizerToCollector(Vec<Pair>): PortfolioOptimizer => DataCollector, "Portfolio Data";
    /// Weight per pair in the book, to see which news moved money.
    OptimizerToSentiment(PerPair<f64>): PortfolioOptimizer => Sentiment, "Sentiment Alpha";
    /// The same for Technical.
    OptimizerToTechnical(PerPair<f64>): PortfolioOptimizer => Technical, "Technical Alpha";
    /// Annualised volatility per pair as the allocator sees it.
    OptimizerToPredictor(PerPair<f64>): PortfolioOptimizer => MlPredictor, "Return Predictions";
    /// What the allocation leaves free.
    OptimizerToRisk(Constraints): PortfolioOptimizer => RiskManager, "Risk Constraints";
    OptimizerToHealth(AllocationStatus): PortfolioOptimizer => HealthMonitor, "Optimization Status";

    /// Share of pairs with complete data, 0..=1, as graded.
    HealthToCollector(f64): HealthMonitor => DataCollector, "Data Quality";
    HealthToSentiment(PeerHealth): HealthMonitor => Sentiment, "Agent Status";
    HealthToTechnical(PeerHealth): HealthMonitor => Technical, "Agent Status";
    /// Brier score of matured live predictions so far, once there are enough.
    HealthToPredictor(Option<f64>): HealthMonitor => MlPredictor, "Model Performance";
    /// Overall health score 0..=1: below the configured floor, no new entries.
    HealthToRisk(f64): HealthMonitor => RiskManager, "Risk Metrics";
    /// The same, for the optimiser: it allocates nothing while unhealthy.
    HealthToOptimizer(f64): HealthMonitor => PortfolioOptimizer, "Portfolio Health";
}

impl Message {
    /// Whether the message carries market frames (they are never kept across a restart; data are replayed instead).
    #[must_use]
    pub const fn is_market_data(&self) -> bool {
        matches!(
            self,
            Self::CollectorToSentiment(_)
                | Self::CollectorToTechnical(_)
                | Self::CollectorToPredictor(_)
                | Self::CollectorToRisk(_)
                | Self::CollectorToOptimizer(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_matrix_has_38_cells_and_none_on_the_diagonal() {
        let cells: BTreeSet<_> = Message::CELLS.iter().map(|(_, from, to, _)| (*from, *to)).collect();
        assert_eq!(cells.len(), 38);
        assert_eq!(Message::CELLS.len(), 38);
        assert!(cells.iter().all(|(from, to)| from != to));
    }
}
