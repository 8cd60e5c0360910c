//! The decision tree: from predictions to sized, allowed and allocated entries, each with its whole path.
//!
//! Serves the engine and, through [`mod@explain`], the interfaces. In go market frames, predictions, readings and the accounts at
//! current prices; out come candidates, exit advice, allocations and readable traces. The boxes of the tree are modules here:
//! [`gate`], [`regime`], [`router`] with its [`strategies`], [`sizing`], [`risk`], then [`portfolio`]; [`manager`] and
//! [`portfolio`] are the brains of the Risk Manager and the Portfolio Optimizer. Always true: a missing or non-finite value
//! blocks, every station is evaluated and kept even after a block, exits ask no gate, and equal inputs give equal bits.

mod check;
mod continuity;
pub mod engine;
pub mod explain;
pub mod gate;
pub mod hrp;
pub mod manager;
pub mod portfolio;
pub mod regime;
pub mod returns;
pub mod risk;
pub mod router;
pub mod rules;
pub mod session;
pub mod shares;
pub mod sizing;
#[cfg(test)]
pub(crate) mod specimens;
pub mod strategies;
mod vitals;
mod wording;

pub use explain::explain;
pub use manager::RiskManager;
pub use portfolio::Optimizer;
pub use regime::RuleRegime;
