//! Whale Detector: unusually large trades and volumes.

use super::{AgentOptions, Profile, counted, frames_line, odd_finding};
use crate::domain::event::{Finding, Reply};

/// Pure arithmetic over an hour's bars.
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
    stand_in: "no reading of large trades",
    input: frames_line,
    output,
};

fn output(reply: &Reply) -> String {
    let Finding::Whales(readings) = &reply.finding else { return odd_finding(reply) };
    let alerts = readings.iter().filter(|r| r.alert).count();
    format!("{}, {}", counted(readings.len(), "reading"), counted(alerts, "alert"))
}
