//! The shapes of the API, apart from the domain's, so that neither binds the other. Money, prices and quantities are decimal strings, times
//! are RFC 3339, and what is not known is null.

pub(super) mod accounts;
pub(super) mod agents;
pub(super) mod data;
pub(super) mod decisions;
pub(super) mod health;
pub(super) mod link;
pub(super) mod signals;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::snapshot::Snapshot;
use crate::domain::time::UtcMs;

/// What the shadow account's figures carry wherever they appear.
pub(super) const SHADOW_NOTE: &str =
    "shadow account: trades that only the confidence gate blocked, to gather evidence; never money";

/// Which session, and of when.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Context {
    /// `paper` or `live`
    mode: String,
    /// `replay`, and whatever other sources there are.
    source: String,
    /// What is played, or where it comes from.
    source_label: String,
    session: u32,
    cycle: u64,
    /// Data time.
    at: Option<String>,
    /// Wall-clock time of the picture.
    wall: Option<String>,
}

impl Context {
    pub(super) fn of(s: &Snapshot) -> Self {
        Self {
            mode: word(&s.mode),
            source: s.source.kind.clone(),
            source_label: s.source.label.clone(),
            session: s.session,
            cycle: s.cycle,
            at: known(s.at),
            wall: known(s.wall),
        }
    }
}

/// The instant as text; the epoch stands for "not set" in a snapshot.
pub(super) fn known(at: UtcMs) -> Option<String> {
    (at != UtcMs::default()).then(|| at.to_string())
}

/// The name under which a plain enum is written.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}
