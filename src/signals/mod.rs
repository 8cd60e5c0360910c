//! What Technical, Sentiment and Whale Detector conclude: three of the eight brains.
//!
//! Serves the decision engine, which asks them once per analysis cycle. In: an `Ask` with the cycle's frames and what the
//! neighbours said; recorded headlines, handed over once at construction. Out: a `Reply` with one reading per pair in the order
//! of the frames, and the messages to the neighbours. Always true: no clock, no I/O, no randomness; a reading uses only what was
//! known at the ask's instant; where there is too little to judge the value is `None` with the reason in words; and what the
//! neighbours say can make a signal smaller, never larger.

pub mod lexicon;
mod orders;
pub mod robust;
pub mod sentiment;
pub mod technical;
#[cfg(test)]
pub(crate) mod testing;
pub mod whale;

pub use sentiment::{NewsText, Sentiment, TextScore};
pub use technical::Technical;
pub use whale::Whale;

use crate::domain::{Ask, BrainError, ErrorClass, Message};

/// Below this grade from the Health Monitor an agent keeps its hands off the allocation: its tilts stay at 1.
const TRUST_FLOOR: f64 = 0.5;

/// Largest share by which a brain tilts an allocation: weights stay in 0.9..=1.1.
const TILT: f64 = 0.1;

/// The answer to a request that is meant for another agent.
fn foreign_request(ask: &Ask, wanted: &str) -> BrainError {
    BrainError {
        class: ErrorClass::System,
        text: format!(
            "asked for something other than '{wanted}' in cycle {}; the request belongs to another agent",
            ask.cycle
        ),
    }
}

/// Notes which kinds of message were read, once each, in the order of reading.
fn mark(used: &mut Vec<String>, message: &Message) {
    if !used.iter().any(|name| name == message.name()) {
        used.push(message.name().to_owned());
    }
}

/// −1, 0 or 1.
fn sign(value: f64) -> f64 {
    if value > 0.0 {
        1.0
    } else if value < 0.0 {
        -1.0
    } else {
        0.0
    }
}
