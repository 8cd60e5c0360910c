//! The newest log records in memory, for the console's Logs screen. Bounded; what falls out is counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::domain::time::UtcMs;

/// Severity of a record, as in `tracing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// One structured record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    pub sequence: u64,
    /// Wall-clock time.
    pub at: UtcMs,
    pub level: LogLevel,
    /// Room the record comes from (`decision`, `agents`).
    pub target: String,
    pub message: String,
    /// Analysis cycle the record belongs to, if any.
    pub cycle: Option<u64>,
    /// Remaining fields, in order.
    pub fields: Vec<(String, String)>,
}

/// Bounded ring of records. Readers copy what they show; writers never wait for a reader longer than that copy.
#[derive(Debug)]
pub struct LogRing {
    records: Mutex<VecDeque<Arc<LogRecord>>>,
    capacity: usize,
    sequence: AtomicU64,
}

impl LogRing {
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { records: Mutex::new(VecDeque::with_capacity(capacity)), capacity, sequence: AtomicU64::new(0) }
    }

    /// Sequence number of the newest record: changes exactly when there is something new to draw.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Adds a record; its `sequence` is set here.
    pub fn push(&self, mut record: LogRecord) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() >= self.capacity {
            records.pop_front();
        }
        record.sequence = self.sequence.fetch_add(1, Ordering::AcqRel) + 1;
        records.push_back(Arc::new(record));
    }

    /// All records, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Arc<LogRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Records that have fallen out of the ring.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let kept = self.records.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
        self.version().saturating_sub(kept)
    }
}
