//! ML Predictor: calibrated predictions per pair and horizon.

use super::{AgentOptions, Profile, counted, frames_line, odd_finding};
use crate::domain::event::{Finding, Reply};

/// Inference only; training happens elsewhere.
pub const PROFILE: Profile = Profile {
    options: AgentOptions {
        mailbox_capacity: 16,
        timeout_ms: 10_000,
        backoff_initial_ms: 100,
        backoff_max_ms: 1_000,
        breaker_failures: 3,
        breaker_cooldown_ms: 30_000,
        max_retries: 1,
    },
    stand_in: "no predictions, so no new signal",
    input: frames_line,
    output,
};

fn output(reply: &Reply) -> String {
    let Finding::Predictions { made, none } = &reply.finding else { return odd_finding(reply) };
    format!("{}, {} abstained", counted(made.len(), "prediction"), none.len())
}
