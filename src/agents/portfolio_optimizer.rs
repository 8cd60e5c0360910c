//! Portfolio Optimizer: shares the money among a cycle's candidates.

use super::{AgentOptions, Profile, counted, odd_finding};
use crate::domain::event::{Ask, Finding, Reply, Request};

/// A small optimisation over the held pairs.
pub const PROFILE: Profile = Profile {
    options: AgentOptions {
        mailbox_capacity: 16,
        timeout_ms: 10_000,
        backoff_initial_ms: 100,
        backoff_max_ms: 1_000,
        breaker_failures: 3,
        breaker_cooldown_ms: 10_000,
        max_retries: 1,
    },
    stand_in: "nothing is allocated, so no new entries",
    input,
    output,
};

fn input(ask: &Ask) -> String {
    match &ask.request {
        Request::OptimizePortfolio(r) => format!("cycle {}, {}", ask.cycle, counted(r.candidates.len(), "candidate")),
        _ => format!("cycle {}", ask.cycle),
    }
}

fn output(reply: &Reply) -> String {
    let Finding::Allocation(a) = &reply.finding else { return odd_finding(reply) };
    let given = a.shares.iter().filter(|s| s.fraction > 0.0).count();
    format!("{} by {}", counted(given, "share"), a.method)
}
