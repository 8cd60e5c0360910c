//! The feature set: declared in `config/features.toml`, run bar by bar.
//!
//! Serves the Collector, training and the command `cst features`. In goes a file that names kernels, parameters, transforms and groups, and then
//! hours; out come rows of stationary numbers with the set's columns, and the levels of `domain::Indicators` from the same graph. Always true:
//! a value at `t` depends on nothing after `t`; a missing input restarts what rests on it; no update allocates; equal sets have equal hashes.

mod bank;
mod check;
mod engine;
mod error;
mod file;
mod graph;
mod hint;
mod history;
mod hour;
mod keys;
mod levels;
mod panel;
mod registry;
mod set;
#[cfg(test)]
mod testing;
mod transform;

pub use check::{Check, Checker, Compute, Finding, Summary, panel_rows};
pub use engine::FeatureEngine;
pub use error::{SetError, SetProblem};
pub use file::Group;
pub use history::{CandleHours, History, Hour, replay, replay_streams};
pub use hour::FIELDS;
pub use panel::{FeatureOutput, Panel};
pub use set::{BUILT_IN, FILE_NAME, Feature, FeatureSet};
