//! From what a source delivered to what the brains may see: ingestion, validation, alignment on UTC hours, features.
//!
//! Serves every agent through the [`Collector`], and training and replay through the same parts. In go raw candle rows with
//! the instant at which they were known; out come validated candles, quarantined rows with their reason, and one frame per pair
//! and hour. Always true: a refused row is never repaired, nothing is filled forward, a value at `t` depends on nothing after `t`, and a
//! window that would span a hole has no value.

pub mod align;
pub mod collector;
pub mod columns;
pub mod features;
pub mod flow;
#[cfg(test)]
mod golden;
pub mod kernels;
pub mod suspect;
pub mod trust;
pub mod validate;

pub use align::{ClosedHour, HourAligner, HourFault, ResampleChain, Resampled, Resampler};
pub use collector::Collector;
pub use columns::NamedColumns;
pub use features::{FeatureEngine, FeatureOutput, FeatureSet};
pub use validate::Validator;
