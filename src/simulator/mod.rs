//! The stand-in exchange: Kraken's spot protocol over recorded data, on a simulated clock, with faults on demand.
//!
//! Serves `cst simulator`, the embedded replay and the tests. In: REST calls and WebSocket frames of any client; out: what Kraken would
//! say. The core is one deterministic state machine without I/O ([`market`] for public data, [`desk`] for orders and accounts,
//! [`gateway`] for sessions, keys, limits and faults); sockets are a thin shell around it. Always true: it listens on loopback only, it shares
//! no code with the link (a mistake in one must not be repeated in the other), and equal inputs give equal bytes.

pub mod clock;
pub mod desk;
pub mod gateway;
pub mod listing;
pub mod market;
pub mod protocol;
pub mod server;
