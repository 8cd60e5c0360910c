//! End to end: the program as its users start it.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../support/mod.rs"]
mod support;

mod backtest;
mod bad_input;
mod corruption;
mod documents;
mod golden;
mod headless;
mod lake;
mod process;
mod pty;
mod rules;
mod services;
mod session;
