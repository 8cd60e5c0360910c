//! Something a person should see.

use serde::{Deserialize, Serialize};

use super::error::ErrorClass;
use super::time::UtcMs;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

/// One alert. It stays until acknowledged; it never vanishes by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    pub id: u64,
    pub at: UtcMs,
    pub severity: Severity,
    pub class: Option<ErrorClass>,
    /// What raised it: an agent, a gate, a limit.
    pub source: String,
    /// What happened, why, and what to do.
    pub text: String,
    pub acknowledged: bool,
}
