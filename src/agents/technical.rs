//! Technical: votes of the indicators per pair.

use super::{AgentOptions, Profile, counted, frames_line, odd_finding};
use crate::domain::event::{Finding, Reply};

/// Pure arithmetic: anything but an immediate answer is a fault.
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
    stand_in: "strategies cannot confirm",
    input: frames_line,
    output,
};

fn output(reply: &Reply) -> String {
    let Finding::Technical(readings) = &reply.finding else { return odd_finding(reply) };
    let scored = readings.iter().filter(|r| r.score.is_some()).count();
    format!("{}, {scored} with a score", counted(readings.len(), "reading"))
}
