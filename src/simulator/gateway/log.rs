//! The newest calls, messages and events, for people who look for a mistake. No secrets, signatures, tokens or foreign keys.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::simulator::protocol::SimNs;

/// Entries kept.
const KEPT: usize = 5_000;
/// Longest name of an entry: paths and methods are the client's own words.
const LONGEST: usize = 120;

/// A ring of entries.
#[derive(Debug, Clone, Default)]
pub struct Log {
    entries: VecDeque<Value>,
    /// Entries ever written.
    written: u64,
}

impl Log {
    /// Adds an entry: what it was, its name, and how it ended.
    pub fn write(&mut self, at: SimNs, what: &str, name: &str, who: &str, outcome: &str) {
        self.written = self.written.saturating_add(1);
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        let name: String = name.chars().take(LONGEST).collect();
        self.entries.push_back(
            json!({"n": self.written, "at_ns": at.0, "what": what, "name": name, "who": who, "outcome": outcome}),
        );
    }

    /// Oldest first.
    #[must_use]
    pub fn entries(&self) -> Value {
        self.entries.iter().cloned().collect()
    }

    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }
}
