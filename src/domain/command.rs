//! What an interface may ask for: the only way in.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::agent::AgentKind;
use super::pair::Pair;
use super::plan::Horizon;

/// Identifier of a command, unique in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub u64);

/// How far a halt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltScope {
    /// No new entries; exits and protective orders go on.
    StopEntries,
    /// And cancel working entry orders.
    CancelWorking,
    /// And close every position at the market.
    Flatten,
}

impl HaltScope {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StopEntries => "stop new entries",
            Self::CancelWorking => "stop new entries and cancel working orders",
            Self::Flatten => "stop new entries, cancel working orders and flatten",
        }
    }
}

/// How fast a recording is played: data time over wall time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speed {
    /// Multiples of real time; 300 plays a five-minute bar each second.
    Times(f64),
    /// As fast as the machine can.
    Max,
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(x) => write!(f, "{x}x"),
            Self::Max => f.write_str("max"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    PauseAgent {
        agent: AgentKind,
    },
    ResumeAgent {
        agent: AgentKind,
    },
    RestartAgent {
        agent: AgentKind,
    },
    PauseAll,
    ResumeAll,
    Halt {
        scope: HaltScope,
    },
    /// After a halt: new entries are allowed again.
    ResumeTrading,
    SetSpeed {
        speed: Speed,
    },
    /// Hold or continue the playing of a recording.
    HoldReplay {
        hold: bool,
    },
    /// One analysis cycle now, on the newest closed data.
    Analyze {
        pair: Pair,
    },
    AcknowledgeAlert {
        id: u64,
    },
    AcknowledgeAllAlerts,
    /// Puts the model that was in force before back in force.
    RollbackModel {
        horizon: Horizon,
    },
    Shutdown,
}

impl Command {
    /// One line for the journal and the log.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::PauseAgent { agent } => format!("pause {agent}"),
            Self::ResumeAgent { agent } => format!("resume {agent}"),
            Self::RestartAgent { agent } => format!("restart {agent}"),
            Self::PauseAll => "pause all agents".to_owned(),
            Self::ResumeAll => "resume all agents".to_owned(),
            Self::Halt { scope } => format!("halt: {}", scope.as_str()),
            Self::ResumeTrading => "resume trading".to_owned(),
            Self::SetSpeed { speed } => format!("replay speed {speed}"),
            Self::HoldReplay { hold: true } => "hold the replay".to_owned(),
            Self::HoldReplay { hold: false } => "continue the replay".to_owned(),
            Self::Analyze { pair } => format!("analyze {pair}"),
            Self::AcknowledgeAlert { id } => format!("acknowledge alert {id}"),
            Self::AcknowledgeAllAlerts => "acknowledge all alerts".to_owned(),
            Self::RollbackModel { horizon } => format!("roll back the {horizon} model"),
            Self::Shutdown => "shut down".to_owned(),
        }
    }
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ack", rename_all = "snake_case")]
pub enum Ack {
    Accepted,
    Refused { reason: String },
}
