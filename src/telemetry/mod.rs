//! Logs and metrics: JSON lines on disk, the newest records in memory, the Prometheus registry, and what the process itself uses.
//!
//! Serves `main`, which starts it, the orchestrator, which feeds metrics with snapshots, and the interfaces, which show both. In go `tracing`
//! events and snapshots; out come files, a ring of records and a text exposition. Always true: logging never blocks the caller, what could not
//! be written is counted, files are bounded in size and number, secrets are blotted out, and metric labels come from closed lists.

pub mod layer;
pub mod logs;
pub mod metrics;
pub mod process;
pub mod redact;
pub mod ring;
pub mod rolling;

pub use logs::{LogGuard, LogOptions, LostLines, TelemetryError, init};
pub use metrics::Metrics;
pub use process::{ProcessMeter, ProcessUse};
pub use ring::{LogLevel, LogRecord, LogRing};
