//! Regime Check: what state a market is in, from closed bars only.
//!
//! Serves the Risk Manager and the router. In go frames or numbers of one pair, bar by bar; out come the rule's reading ([`rule`]), the
//! filtered posterior of a three-state hidden Markov model ([`hmm`], fitted by [`fit`]) and the chance that the market has just changed
//! ([`bocpd`]). Always true: what is used live knows nothing of later bars; paths that look back ([`hmm::GaussianHmm::viterbi`],
//! [`hmm::GaussianHmm::smoothed`]) are for charts of the past; undefined is `None`.

pub mod bocpd;
pub mod fit;
pub mod hmm;
mod kmeans;
pub mod rule;
pub mod standard;

pub use rule::{PairRegime, RuleRegime};
