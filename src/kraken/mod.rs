//! The link to Kraken: typed wire messages, symbols, books, limits, REST and WebSocket v2.
//!
//! Serves the orchestrator's live and replay feeds and the `data` and `doctor` commands. In: frames and answers of the exchange; out:
//! [`link::LinkEvent`]s whose values are decimals as the exchange wrote them. The protocol logic is free of I/O ([`link::LinkCore`] takes
//! inputs and gives outputs), a thin driver owns sockets. Always true: a pair whose data are not proven says so; a gap is refilled or shown,
//! never passed over; nothing here can place an order.

pub mod book;
pub mod driver;
pub mod error;
pub mod history;
pub mod keys;
pub mod limits;
pub mod link;
pub mod nonce;
pub mod rest;
pub mod sign;
pub mod symbols;
pub mod wire;
