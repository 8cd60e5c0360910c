//! Models: from labelled history to a calibrated probability that one managed trade ends with a profit after costs.
//!
//! Serves the ML Predictor agent and whoever trains. In go hourly [`dataset::TrainingSeries`] and settings; out come [`Model`]s
//! (plain JSON, nothing that runs on load) and, through [`Predictor`], one prediction or one stated refusal per pair and horizon.
//! Always true: whatever reads as a probability is an out-of-sample frequency; nothing fitted has seen a label that touches what
//! it is judged on; the same inputs and seed give the same bytes on any number of threads; undefined is `None`.

pub mod bands;
pub mod binomial;
pub mod block;
pub mod calibration;
pub mod conformal;
pub mod contributions;
pub mod crossfit;
pub mod cv;
pub mod dataset;
pub mod distributions;
pub mod drift;
pub mod ensemble;
pub mod error;
pub mod evidence;
pub mod explanation;
pub mod hold_out;
pub mod judgement;
pub mod labels;
pub mod leakage;
pub mod linear;
pub mod members;
pub mod model;
pub(crate) mod numbers;
pub mod online;
pub mod ood;
pub mod overfit;
pub mod predictor;
pub mod reliability;
pub mod results;
pub mod returns;
pub mod scaler;
pub mod scores;
pub mod selected;
pub mod selection;
pub mod selective;
pub mod stacking;
#[cfg(test)]
mod testkit;
pub mod track_record;
pub mod training;
pub mod trees;
pub mod trials;
pub mod uncertainty;
pub mod walk;
pub mod weights;
pub mod worth;

pub use dataset::{TrainingRow, TrainingSeries};
pub use error::MlError;
pub use model::{Model, ModelCard};
pub use predictor::Predictor;
pub use training::{Material, Trained, train};
pub use walk::Watch;
