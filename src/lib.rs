//! CryptoSmartTrader: a terminal trading console for crypto on Kraken with eight agents behind it.
//!
//! The house has four floors. A room imports only from floors below, or from the neighbours on its own floor that
//! `tests/architecture.rs` lists; that test reads the sources and fails on anything else.
//!
//! - floor 0, pure core: [`domain`], [`pipeline`], [`signals`], [`ml`], [`decision`], [`broker`], [`monitor`] — no I/O, no clock,
//!   no tokio, no ambient randomness;
//! - floor 1, adapters: [`config`], [`kraken`], [`simulator`], [`sources`], [`store`], [`telemetry`], [`clock`] — I/O without policy;
//! - floor 2, runtime: [`agents`], [`orchestrator`];
//! - floor 3, interfaces: [`cli`], [`tui`], [`services`], [`web`], [`headless`] — they never import each other, apart from `cli`,
//!   which starts the others.

pub mod agents;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decision;
pub mod domain;
pub mod headless;
pub mod kraken;
pub mod ml;
pub mod monitor;
pub mod orchestrator;
pub mod pipeline;
pub mod services;
pub mod signals;
pub mod simulator;
pub mod sources;
pub mod store;
pub mod telemetry;
pub mod tui;
pub mod web;
