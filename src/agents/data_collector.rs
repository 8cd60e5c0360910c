//! Data Collector: fetches, validates and aligns market data into frames.

use super::{AgentOptions, Profile, counted, odd_finding};
use crate::domain::event::{Ask, Finding, Reply, Request};

/// Asked once per source bar, thousands of times a second in a fast replay: a roomy mailbox and a quick breaker.
pub const PROFILE: Profile = Profile {
    options: AgentOptions {
        mailbox_capacity: 64,
        timeout_ms: 10_000,
        backoff_initial_ms: 250,
        backoff_max_ms: 4_000,
        breaker_failures: 3,
        breaker_cooldown_ms: 10_000,
        max_retries: 3,
    },
    stand_in: "no new frames; nothing is traded on this bar",
    input,
    output,
};

fn input(ask: &Ask) -> String {
    match &ask.request {
        Request::FetchMarketData(batch) if batch.warmup => {
            format!("cycle {}, {} (warm-up)", ask.cycle, counted(batch.rows.len(), "row"))
        }
        Request::FetchMarketData(batch) => format!("cycle {}, {}", ask.cycle, counted(batch.rows.len(), "row")),
        _ => format!("cycle {}", ask.cycle),
    }
}

fn output(reply: &Reply) -> String {
    let Finding::Market(update) = &reply.finding else { return odd_finding(reply) };
    let mut line = format!("{}, {}", counted(update.candles.len(), "candle"), counted(update.frames.len(), "frame"));
    if !update.quarantined.is_empty() {
        line.push_str(&format!(", {} refused", update.quarantined.len()));
    }
    if !update.holes.is_empty() {
        line.push_str(&format!(", {}", counted(update.holes.len(), "hole")));
    }
    line
}
