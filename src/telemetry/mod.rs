//! Logs and metrics: JSON lines on disk, the newest records in memory, and the Prometheus registry.

pub mod ring;
