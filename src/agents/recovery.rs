//! The error-handling diagram as a small pure state machine: which station an error class goes to first, and where each answer leads.

use serde::{Deserialize, Serialize};

use crate::domain::alert::Severity;
use crate::domain::error::{ErrorClass, Recovery};

/// The stations of the diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Station {
    /// Network error. Asks: did a retry succeed?
    RetryWithBackoff,
    /// Data error. Asks: are the data recoverable?
    ValidateAndClean,
    /// Model error. Asks: is a fallback available?
    FallbackToPrevious,
    /// System error. Asks: is the system recoverable?
    CircuitBreaker,
    /// Reduced functionality: the others go on without this agent.
    GracefulDegradation,
    /// Alert: data quality; whatever stands in for the agent's data takes over.
    BackupSource,
    /// Alert: model failure; paper trading only.
    PaperTrading,
    /// Orderly shutdown with the state kept.
    GracefulShutdown,
    /// Asks: did it recover by itself?
    MonitorForRecovery,
    /// A person is called.
    ManualIntervention,
    /// A restart, with health checks.
    RestartProcedure,
    /// The agent goes on.
    ContinueProcessing,
}

/// An arrow of the diagram: the answer to a station's question, or the way on from a station that asks nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Yes,
    No,
    Next,
}

impl Station {
    pub const ALL: [Self; 12] = [
        Self::RetryWithBackoff,
        Self::ValidateAndClean,
        Self::FallbackToPrevious,
        Self::CircuitBreaker,
        Self::GracefulDegradation,
        Self::BackupSource,
        Self::PaperTrading,
        Self::GracefulShutdown,
        Self::MonitorForRecovery,
        Self::ManualIntervention,
        Self::RestartProcedure,
        Self::ContinueProcessing,
    ];

    /// Where an error of the class goes first.
    #[must_use]
    pub const fn first(class: ErrorClass) -> Self {
        match class.recovery() {
            Recovery::RetryThenDegrade => Self::RetryWithBackoff,
            Recovery::CleanThenBackupSource => Self::ValidateAndClean,
            Recovery::FallbackThenPaper => Self::FallbackToPrevious,
            Recovery::BreakThenShutdown => Self::CircuitBreaker,
        }
    }

    /// Where a step leads; `None` where the diagram draws no arrow. One arrow is added to it: what a person was called for may
    /// also mend itself, and then the agent goes on.
    #[must_use]
    pub const fn after(self, step: Step) -> Option<Self> {
        match (self, step) {
            (
                Self::RetryWithBackoff
                | Self::ValidateAndClean
                | Self::FallbackToPrevious
                | Self::CircuitBreaker
                | Self::MonitorForRecovery
                | Self::ManualIntervention,
                Step::Yes,
            )
            | (Self::RestartProcedure, Step::Next) => Some(Self::ContinueProcessing),
            (Self::RetryWithBackoff, Step::No) => Some(Self::GracefulDegradation),
            (Self::ValidateAndClean, Step::No) => Some(Self::BackupSource),
            (Self::FallbackToPrevious, Step::No) => Some(Self::PaperTrading),
            (Self::CircuitBreaker, Step::No) => Some(Self::GracefulShutdown),
            (Self::MonitorForRecovery, Step::No) => Some(Self::ManualIntervention),
            (Self::GracefulDegradation | Self::BackupSource | Self::PaperTrading, Step::Next) => {
                Some(Self::MonitorForRecovery)
            }
            (Self::GracefulShutdown, Step::Next) => Some(Self::RestartProcedure),
            _ => None,
        }
    }

    /// How loudly a person should hear of it; `None` where the agent copes alone.
    #[must_use]
    pub const fn severity(self) -> Option<Severity> {
        match self {
            Self::GracefulDegradation | Self::BackupSource | Self::PaperTrading => Some(Severity::Warning),
            Self::GracefulShutdown | Self::ManualIntervention => Some(Severity::Critical),
            Self::ContinueProcessing => Some(Severity::Info),
            _ => None,
        }
    }

    /// What happens here, for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetryWithBackoff => "retry with backoff",
            Self::ValidateAndClean => "validate and clean",
            Self::FallbackToPrevious => "fall back to the previous model",
            Self::CircuitBreaker => "circuit breaker",
            Self::GracefulDegradation => "reduced functionality",
            Self::BackupSource => "data quality alert, the backup takes over",
            Self::PaperTrading => "model failure alert, paper trading only",
            Self::GracefulShutdown => "orderly shutdown, state kept",
            Self::MonitorForRecovery => "watching for recovery",
            Self::ManualIntervention => "a person is needed",
            Self::RestartProcedure => "waiting for a restart",
            Self::ContinueProcessing => "recovered",
        }
    }
}

/// One error on its way through the diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    class: ErrorClass,
    station: Station,
}

impl Path {
    /// An error of the class was detected.
    #[must_use]
    pub const fn detected(class: ErrorClass) -> Self {
        Self { class, station: Station::first(class) }
    }

    #[must_use]
    pub const fn class(self) -> ErrorClass {
        self.class
    }

    #[must_use]
    pub const fn station(self) -> Station {
        self.station
    }

    /// Whether the path has come to an end: the agent works again.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.station == Station::ContinueProcessing
    }

    /// Takes a step. A step the diagram does not draw leaves the path where it is and gives `false`.
    pub const fn take(&mut self, step: Step) -> bool {
        match self.station.after(step) {
            Some(station) => {
                self.station = station;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Station as S;

    fn walk(class: ErrorClass, steps: &[Step]) -> Vec<Station> {
        let mut path = Path::detected(class);
        let mut seen = vec![path.station()];
        for step in steps {
            assert!(path.take(*step), "{:?} {step:?}", path.station());
            seen.push(path.station());
        }
        seen
    }

    #[test]
    fn every_branch_of_the_diagram() {
        use Step::{Next, No, Yes};
        for class in ErrorClass::ALL {
            assert_eq!(walk(class, &[Yes]).last(), Some(&S::ContinueProcessing));
        }
        assert_eq!(
            walk(ErrorClass::Network, &[No, Next, Yes]),
            [S::RetryWithBackoff, S::GracefulDegradation, S::MonitorForRecovery, S::ContinueProcessing]
        );
        assert_eq!(
            walk(ErrorClass::Data, &[No, Next, No]),
            [S::ValidateAndClean, S::BackupSource, S::MonitorForRecovery, S::ManualIntervention]
        );
        assert_eq!(
            walk(ErrorClass::Model, &[No, Next, No, Yes]),
            [
                S::FallbackToPrevious,
                S::PaperTrading,
                S::MonitorForRecovery,
                S::ManualIntervention,
                S::ContinueProcessing
            ]
        );
        assert_eq!(
            walk(ErrorClass::System, &[No, Next, Next]),
            [S::CircuitBreaker, S::GracefulShutdown, S::RestartProcedure, S::ContinueProcessing]
        );
    }

    #[test]
    fn stations_that_ask_have_two_answers_and_the_others_one_way_on() {
        let asks =
            [S::RetryWithBackoff, S::ValidateAndClean, S::FallbackToPrevious, S::CircuitBreaker, S::MonitorForRecovery];
        for s in Station::ALL {
            let arrows = [s.after(Step::Yes), s.after(Step::No), s.after(Step::Next)].map(|a| a.is_some());
            let expected = match s {
                S::ContinueProcessing => [false, false, false],
                S::ManualIntervention => [true, false, false],
                _ if asks.contains(&s) => [true, true, false],
                _ => [false, false, true],
            };
            assert_eq!(arrows, expected, "{s:?}");
        }
    }

    #[test]
    fn a_step_that_is_not_drawn_changes_nothing() {
        let mut path = Path::detected(ErrorClass::System);
        assert!(!path.take(Step::Next));
        assert_eq!(path.station(), S::CircuitBreaker);
        assert!(!path.is_over());
    }

    #[test]
    fn alerts_are_raised_where_the_diagram_says_alert() {
        assert_eq!(S::BackupSource.severity(), Some(Severity::Warning));
        assert_eq!(S::PaperTrading.severity(), Some(Severity::Warning));
        assert_eq!(S::ManualIntervention.severity(), Some(Severity::Critical));
        assert_eq!(S::RetryWithBackoff.severity(), None);
    }
}
