//! Drift: whether what a model sees, and how well it does, is still what it was trained on.
//!
//! Serves whoever runs a model. In go the model's [`DriftReference`] (built at training), the rows of features it predicted from and the
//! outcomes that matured; out comes, through [`DriftMonitor`], a [`crate::domain::drift::DriftReport`] with a rung of the action ladder and
//! its reasons. Always true: drift of the inputs and of the concept are reported apart; every threshold comes from a null at a stated
//! rate; memory is bounded; a report is a function of the reference and of what was seen, in its order; undefined is `None`.

pub mod adwin;
pub mod chi_square;
pub mod control;
pub mod cusum;
pub mod ddm;
pub mod distance;
pub mod errors;
pub mod inputs;
pub mod kolmogorov;
pub mod ladder;
pub mod monitor;
#[cfg(test)]
mod monitor_tests;
pub mod page_hinkley;
pub mod reference;

pub use monitor::{DriftMonitor, FeatureObservation, MaturedOutcome};
pub use reference::{DriftReference, FeatureHistory, FeatureReference, LossReference};
