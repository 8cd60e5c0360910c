//! Risk Manager: takes all signals through the decision tree up to the risk check.

use super::{AgentOptions, Profile, counted, odd_finding};
use crate::domain::event::{Ask, Finding, Reply, Request};

/// Without it nothing is entered, so its breaker is quick and its cooldown short.
pub const PROFILE: Profile = Profile {
    options: AgentOptions {
        mailbox_capacity: 16,
        timeout_ms: 5_000,
        backoff_initial_ms: 100,
        backoff_max_ms: 1_000,
        breaker_failures: 3,
        breaker_cooldown_ms: 10_000,
        max_retries: 1,
    },
    stand_in: "no new entries; protective orders stay",
    input,
    output,
};

fn input(ask: &Ask) -> String {
    match &ask.request {
        Request::AssessRisk(r) => format!("cycle {}, {}", ask.cycle, counted(r.predictions.len(), "prediction")),
        _ => format!("cycle {}", ask.cycle),
    }
}

fn output(reply: &Reply) -> String {
    let Finding::Risk(a) = &reply.finding else { return odd_finding(reply) };
    let open = a.candidates.iter().filter(|c| c.fraction > 0.0).count();
    format!("{}, {open} may enter, {}", counted(a.candidates.len(), "candidate"), counted(a.exits.len(), "exit"))
}
