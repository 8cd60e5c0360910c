//! Agents, and the answer to an order.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, known, word};
use crate::domain::snapshot::{AgentView, Snapshot};

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Agents {
    context: Context,
    agents: Vec<Agent>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Agent {
    #[schema(example = "technical")]
    name: String,
    #[schema(example = "Running")]
    state: String,
    since: Option<String>,
    /// An order that waits for the running work.
    #[schema(example = "pausing")]
    pending: Option<String>,
    mailbox: u32,
    mailbox_capacity: u32,
    /// Asks refused because the mailbox was full.
    dropped: u64,
    processed: u64,
    errors: u64,
    retries: u64,
    timeouts: u64,
    restarts: u64,
    /// `closed`, `open` or `half-open`
    breaker: String,
    last_run: Option<String>,
    /// Of the last 256 runs.
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    /// Busy share of the last minute, 0 to 1.
    busy: f64,
    last_input: String,
    last_output: String,
    last_error: Option<String>,
    /// Newest last.
    transitions: Vec<Transition>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Transition {
    at: String,
    from: String,
    trigger: String,
    to: String,
}

impl Agents {
    pub(in crate::services) fn of(s: &Snapshot) -> Self {
        Self { context: Context::of(s), agents: s.agents.iter().map(Agent::of).collect() }
    }
}

impl Agent {
    pub(super) fn of(v: &AgentView) -> Self {
        let transitions = v.transitions.iter().map(|t| Transition {
            at: t.at.to_string(),
            from: t.from.to_string(),
            trigger: word(&t.trigger),
            to: t.to.to_string(),
        });
        Self {
            name: v.kind.to_string(),
            state: v.state.to_string(),
            since: known(v.since),
            pending: v.pending.clone(),
            mailbox: v.mailbox,
            mailbox_capacity: v.mailbox_capacity,
            dropped: v.dropped,
            processed: v.processed,
            errors: v.errors,
            retries: v.retries,
            timeouts: v.timeouts,
            restarts: v.restarts,
            breaker: v.breaker.clone(),
            last_run: v.last_run.and_then(known),
            p50_ms: v.p50_ms,
            p95_ms: v.p95_ms,
            busy: v.busy,
            last_input: v.last_input.clone(),
            last_output: v.last_output.clone(),
            last_error: v.last_error.clone(),
            transitions: transitions.collect(),
        }
    }
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Acknowledged {
    /// Number of the command, as in the journal.
    pub(in crate::services) id: u64,
    #[schema(example = "pause technical")]
    pub(in crate::services) command: String,
    pub(in crate::services) ack: AckWord,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::services) enum AckWord {
    /// Done.
    Accepted,
    /// Taken, but not answered yet.
    Pending,
}
