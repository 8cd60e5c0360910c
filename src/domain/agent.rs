//! The eight agents and the one function that may change an agent's state.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The eight agents of the system overview, in the order of the analysis cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    DataCollector,
    Sentiment,
    Technical,
    MlPredictor,
    WhaleDetector,
    RiskManager,
    PortfolioOptimizer,
    HealthMonitor,
}

impl AgentKind {
    pub const ALL: [Self; 8] = [
        Self::DataCollector,
        Self::Sentiment,
        Self::Technical,
        Self::MlPredictor,
        Self::WhaleDetector,
        Self::RiskManager,
        Self::PortfolioOptimizer,
        Self::HealthMonitor,
    ];

    /// Name in the API, metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DataCollector => "data-collector",
            Self::Sentiment => "sentiment",
            Self::Technical => "technical",
            Self::MlPredictor => "ml-predictor",
            Self::WhaleDetector => "whale-detector",
            Self::RiskManager => "risk-manager",
            Self::PortfolioOptimizer => "portfolio-optimizer",
            Self::HealthMonitor => "health-monitor",
        }
    }

    /// Name on narrow screens.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::DataCollector => "collector",
            Self::Sentiment => "sentiment",
            Self::Technical => "technical",
            Self::MlPredictor => "predictor",
            Self::WhaleDetector => "whale",
            Self::RiskManager => "risk",
            Self::PortfolioOptimizer => "optimizer",
            Self::HealthMonitor => "health",
        }
    }

    /// Position in [`AgentKind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for AgentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not an agent; the agents are data-collector, sentiment, technical, ml-predictor, whale-detector, risk-manager, portfolio-optimizer and health-monitor"
)]
pub struct UnknownAgent(pub String);

impl FromStr for AgentKind {
    type Err = UnknownAgent;
    fn from_str(text: &str) -> Result<Self, UnknownAgent> {
        let name = text.to_ascii_lowercase().replace('_', "-");
        Self::ALL
            .into_iter()
            .find(|k| k.as_str() == name || k.short() == name)
            .ok_or_else(|| UnknownAgent(text.to_owned()))
    }
}

/// The nine states of the agent state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AgentState {
    Initialized,
    Starting,
    Running,
    Processing,
    Paused,
    Error,
    Failed,
    Stopping,
    Stopped,
}

/// The triggers of the agent state machine, by their names in the diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Start,
    SuccessfulStartup,
    StartupError,
    NewData,
    ProcessingComplete,
    ProcessingError,
    PauseSignal,
    ResumeSignal,
    ErrorRecovered,
    ErrorCritical,
    StopSignal,
    GracefulShutdown,
    ForceShutdown,
}

impl AgentState {
    pub const ALL: [Self; 9] = [
        Self::Initialized,
        Self::Starting,
        Self::Running,
        Self::Processing,
        Self::Paused,
        Self::Error,
        Self::Failed,
        Self::Stopping,
        Self::Stopped,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialized => "Initialized",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Processing => "Processing",
            Self::Paused => "Paused",
            Self::Error => "Error",
            Self::Failed => "Failed",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
        }
    }
}

impl Trigger {
    pub const ALL: [Self; 13] = [
        Self::Start,
        Self::SuccessfulStartup,
        Self::StartupError,
        Self::NewData,
        Self::ProcessingComplete,
        Self::ProcessingError,
        Self::PauseSignal,
        Self::ResumeSignal,
        Self::ErrorRecovered,
        Self::ErrorCritical,
        Self::StopSignal,
        Self::GracefulShutdown,
        Self::ForceShutdown,
    ];
}

impl fmt::Display for AgentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A trigger that the diagram does not draw from this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an agent in state {state} does not accept {trigger:?}")]
pub struct IllegalTransition {
    pub state: AgentState,
    pub trigger: Trigger,
}

/// The agent state machine: exactly the arrows of the diagram.
///
/// # Errors
/// [`IllegalTransition`] for every pair that the diagram does not draw; the state is then unchanged.
pub const fn transition(state: AgentState, trigger: Trigger) -> Result<AgentState, IllegalTransition> {
    use AgentState as S;
    use Trigger as T;
    match (state, trigger) {
        (S::Initialized, T::Start) => Ok(S::Starting),
        (S::Starting, T::SuccessfulStartup)
        | (S::Processing, T::ProcessingComplete)
        | (S::Paused, T::ResumeSignal)
        | (S::Error, T::ErrorRecovered) => Ok(S::Running),
        (S::Starting, T::StartupError) | (S::Error, T::ErrorCritical) => Ok(S::Failed),
        (S::Running, T::NewData) => Ok(S::Processing),
        (S::Processing, T::ProcessingError) => Ok(S::Error),
        (S::Running, T::PauseSignal) => Ok(S::Paused),
        (S::Running | S::Paused | S::Error, T::StopSignal) => Ok(S::Stopping),
        (S::Stopping, T::GracefulShutdown) | (S::Failed, T::ForceShutdown) => Ok(S::Stopped),
        _ => Err(IllegalTransition { state, trigger }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The diagram's arrows, written out once more by hand.
    const ARROWS: [(AgentState, Trigger, AgentState); 15] = [
        (AgentState::Initialized, Trigger::Start, AgentState::Starting),
        (AgentState::Starting, Trigger::SuccessfulStartup, AgentState::Running),
        (AgentState::Starting, Trigger::StartupError, AgentState::Failed),
        (AgentState::Running, Trigger::NewData, AgentState::Processing),
        (AgentState::Processing, Trigger::ProcessingComplete, AgentState::Running),
        (AgentState::Processing, Trigger::ProcessingError, AgentState::Error),
        (AgentState::Running, Trigger::PauseSignal, AgentState::Paused),
        (AgentState::Paused, Trigger::ResumeSignal, AgentState::Running),
        (AgentState::Error, Trigger::ErrorRecovered, AgentState::Running),
        (AgentState::Error, Trigger::ErrorCritical, AgentState::Failed),
        (AgentState::Running, Trigger::StopSignal, AgentState::Stopping),
        (AgentState::Paused, Trigger::StopSignal, AgentState::Stopping),
        (AgentState::Error, Trigger::StopSignal, AgentState::Stopping),
        (AgentState::Stopping, Trigger::GracefulShutdown, AgentState::Stopped),
        (AgentState::Failed, Trigger::ForceShutdown, AgentState::Stopped),
    ];

    #[test]
    fn every_pair_of_state_and_trigger_is_as_drawn() {
        for state in AgentState::ALL {
            for trigger in Trigger::ALL {
                let drawn = ARROWS.iter().find(|(s, t, _)| *s == state && *t == trigger).map(|(_, _, to)| *to);
                assert_eq!(transition(state, trigger).ok(), drawn, "{state:?} {trigger:?}");
            }
        }
    }

    #[test]
    fn names_round_trip() {
        for kind in AgentKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(kind.short().parse(), Ok(kind));
            assert_eq!(AgentKind::ALL.get(kind.index()), Some(&kind));
        }
        assert!("wizard".parse::<AgentKind>().is_err());
    }
}
