//! Regression trees on histograms: gradient boosting, random forests, and what each feature contributed.
//!
//! In go a matrix of finite values ([`Columns`], in codes: [`Binned`]), targets and weights; out come models that are plain lists of numbers. Always
//! true: the same input and seed give the same bits on any number of threads, because gradients are summed as whole numbers; predictions
//! take raw values, never codes; a damaged model does not load.

mod bins;
mod boost;
mod error;
mod forest;
mod grow;
mod histogram;
mod matrix;
mod objective;
mod predict;
mod rows;
mod sample;
mod scan;
mod shap;
mod sums;
#[cfg(test)]
mod tests;
mod tree;

pub use super::contributions::Contributions;
pub use bins::Binned;
pub use boost::{BoostSpec, Boosted, EarlyStop};
pub use error::FitError;
pub use forest::{Forest, ForestSpec};
pub use grow::Growth;
pub use matrix::Columns;
pub use objective::Objective;
pub use sample::Sample;
pub use tree::{NodeView, SplitView, Tree};
