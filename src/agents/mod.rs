//! The eight agents and the runtime that keeps each of them alive.
//!
//! Serves the orchestrator: an [`Ask`] goes in through an [`AgentHandle`], and exactly one [`AgentEvent::Reply`] or
//! [`AgentEvent::Missed`] comes out for every ask that was taken; state changes and recovery steps come out beside them.
//! Always true: a state changes only through [`crate::domain::agent::transition`]; mailbox, commands and events are bounded; a brain
//! that panics, errs or hangs never takes its agent's loop with it.

pub mod breaker;
pub mod data_collector;
mod faults;
pub mod handle;
pub mod health_monitor;
mod job;
mod lines;
mod live;
mod machine;
pub mod ml_predictor;
mod orders;
pub mod portfolio_optimizer;
pub mod recovery;
pub mod risk_manager;
pub mod runtime;
pub mod sentiment;
pub mod stats;
pub mod technical;
pub mod whale_detector;

#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::domain::agent::{AgentKind, AgentState, Trigger};
use crate::domain::error::ErrorClass;
use crate::domain::event::{Ask, Brain, Reply};
use crate::domain::time::UtcMs;

pub use handle::{AgentHandle, Refused};
pub use job::panic_is_contained;
pub use runtime::AgentRuntime;

/// Makes a fresh brain: at the start, and after one was lost to a panic or a timeout.
pub type BrainFactory = Arc<dyn Fn() -> Box<dyn Brain> + Send + Sync>;

/// How patient the runtime is with one agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentOptions {
    /// Asks that may wait; one more is refused and counted.
    pub mailbox_capacity: usize,
    /// For one ask, its retries and the waits between them included.
    pub timeout_ms: u64,
    pub backoff_initial_ms: u64,
    pub backoff_max_ms: u64,
    /// Failed asks in a row that open the breaker.
    pub breaker_failures: u32,
    pub breaker_cooldown_ms: u64,
    /// Tries after the first one, for network errors only.
    pub max_retries: u32,
}

/// What an agent tells the orchestrator.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    Reply(Box<Reply>),
    /// The ask of this cycle will not be answered.
    Missed {
        cycle: u64,
        agent: AgentKind,
        why: String,
    },
    /// The agent changed its state.
    State {
        agent: AgentKind,
        from: AgentState,
        trigger: Trigger,
        to: AgentState,
        /// Errors so far.
        errors: u64,
        /// Wall-clock time.
        at: UtcMs,
    },
    /// An error went as far as a station that a person should hear of ([`recovery::Station::severity`]).
    Recovery {
        agent: AgentKind,
        class: ErrorClass,
        station: recovery::Station,
        text: String,
        /// Wall-clock time.
        at: UtcMs,
    },
}

/// What is particular to one agent.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    pub options: AgentOptions,
    /// What stands in when the agent does not answer, to be read after "… did not answer: ".
    pub stand_in: &'static str,
    /// One line about an ask.
    pub input: fn(&Ask) -> String,
    /// One line about an answer.
    pub output: fn(&Reply) -> String,
}

/// The profile of an agent.
#[must_use]
pub const fn profile(kind: AgentKind) -> &'static Profile {
    match kind {
        AgentKind::DataCollector => &data_collector::PROFILE,
        AgentKind::Sentiment => &sentiment::PROFILE,
        AgentKind::Technical => &technical::PROFILE,
        AgentKind::MlPredictor => &ml_predictor::PROFILE,
        AgentKind::WhaleDetector => &whale_detector::PROFILE,
        AgentKind::RiskManager => &risk_manager::PROFILE,
        AgentKind::PortfolioOptimizer => &portfolio_optimizer::PROFILE,
        AgentKind::HealthMonitor => &health_monitor::PROFILE,
    }
}

/// `technical did not answer: strategies cannot confirm`
#[must_use]
pub fn stand_in(kind: AgentKind) -> String {
    format!("{kind} did not answer: {}", profile(kind).stand_in)
}

/// `cycle 812, 8 frames`, for the agents that are handed frames.
fn frames_line(ask: &Ask) -> String {
    let n = ask.frames().map_or(0, |f| f.len());
    format!("cycle {}, {}", ask.cycle, counted(n, "frame"))
}

/// `1 frame`, `8 frames`
fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// An answer that another agent's finding sits in.
fn odd_finding(_: &Reply) -> String {
    "an answer of another kind".to_owned()
}
