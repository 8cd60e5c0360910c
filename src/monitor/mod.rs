//! How well it all goes: performance, health grades, alert rules and the GO/NO-GO gates, as functions of what was reported.
//!
//! Serves the engine (through the Health Monitor's brain) and the interfaces. In go the neighbours' status messages, matured
//! confidences and the main account; out come a score, components with notes, gates and alerts. Always true: what is unknown
//! is a NO and never a full score, a finding raises one alert when it is new, and nothing is measured by looking at a clock.

pub mod alerts;
pub mod go_no_go;
pub mod grades;
pub mod health;
pub mod performance;

pub use health::HealthMonitor;
