//! The decision tree: from predictions to sized, allowed and allocated entries, each with its whole path.
//!
//! Serves the engine and, through [`mod@explain`], the interfaces. In go market frames, predictions, readings and the accounts at
//! current prices; out come candidates, exit advice, allocations and readable traces. The boxes of the tree are modules here:
//! [`gate`], [`regime`], [`router`] with its [`strategies`], [`sizing`], [`risk`], then [`portfolio`], whose mathematics is [`allocation`]; [`manager`] and
//! [`portfolio`] are the brains of the Risk Manager and the Portfolio Optimizer. [`kelly`], [`measures`] and [`stress`] are the
//! arithmetic of risk, [`breakers`] what stops trading and lets it begin again. Always true: a missing or non-finite value
//! blocks, every station is evaluated and kept even after a block, exits ask no gate, and equal inputs give equal bits.

pub mod allocation;
pub mod breakers;
mod check;
mod continuity;
pub mod engine;
pub mod explain;
pub mod gate;
pub mod kelly;
pub mod manager;
pub mod measures;
pub mod portfolio;
pub mod regime;
pub mod returns;
pub mod risk;
pub mod router;
pub mod rules;
pub mod session;
pub mod sizing;
#[cfg(test)]
pub(crate) mod specimens;
pub mod strategies;
pub mod stress;
mod vitals;
mod wording;

pub use explain::explain;
pub use manager::RiskManager;
pub use portfolio::Optimizer;
pub use regime::RuleRegime;
