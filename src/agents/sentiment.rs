//! Sentiment: scores news and social texts per pair.

use super::{AgentOptions, Profile, counted, frames_line, odd_finding};
use crate::domain::event::{Finding, Reply};

/// A language model may take seconds, and its network may fail: the most patient agent.
pub const PROFILE: Profile = Profile {
    options: AgentOptions {
        mailbox_capacity: 16,
        timeout_ms: 20_000,
        backoff_initial_ms: 500,
        backoff_max_ms: 8_000,
        breaker_failures: 5,
        breaker_cooldown_ms: 60_000,
        max_retries: 3,
    },
    stand_in: "no score; news neither helps nor hurts",
    input: frames_line,
    output,
};

fn output(reply: &Reply) -> String {
    let Finding::Sentiment(readings) = &reply.finding else { return odd_finding(reply) };
    let scored = readings.iter().filter(|r| r.score.is_some()).count();
    format!("{}, {scored} with a score", counted(readings.len(), "reading"))
}
