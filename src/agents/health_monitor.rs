//! Health Monitor: grades the system and its GO/NO-GO gates.

use super::{AgentOptions, Profile, counted, odd_finding};
use crate::domain::event::{Ask, Finding, Reply, Request};

/// Pure arithmetic over counters.
pub const PROFILE: Profile = Profile {
    options: AgentOptions {
        mailbox_capacity: 16,
        timeout_ms: 5_000,
        backoff_initial_ms: 100,
        backoff_max_ms: 1_000,
        breaker_failures: 5,
        breaker_cooldown_ms: 30_000,
        max_retries: 1,
    },
    stand_in: "health was not graded in this cycle",
    input,
    output,
};

fn input(ask: &Ask) -> String {
    match &ask.request {
        Request::CheckHealth(r) => format!("cycle {}, {}", ask.cycle, counted(r.agents.len(), "agent")),
        _ => format!("cycle {}", ask.cycle),
    }
}

fn output(reply: &Reply) -> String {
    let Finding::Health(h) = &reply.finding else { return odd_finding(reply) };
    let no = h.gates.iter().filter(|g| !g.go).count();
    format!("score {:.2}, {no} of {} NO-GO", h.score, counted(h.gates.len(), "gate"))
}
