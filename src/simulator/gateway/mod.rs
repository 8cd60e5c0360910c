//! The gateway of the stand-in: what a client of Kraken meets, from the signature of a call to the heartbeat of a socket.
//!
//! Serves the server's sockets and tests without sockets. In: REST calls, WebSocket messages, the simulated time, faults; out: answers and
//! frames. Always true: one thread, one clock, no I/O; equal inputs give equal bytes; a foreign key's text is kept and logged nowhere; every
//! private frame carries the next number of its subscription.

mod api;
pub(in crate::simulator) mod body;
mod calls;
mod control;
mod emit;
mod exchange;
pub mod faults;
mod floor;
mod keys;
mod limits;
mod log;
mod options;
mod rest;
mod session;
mod socket;
mod subscribe;
mod tokens;

#[cfg(test)]
mod tests;

pub use api::{ConnKey, Ending, Endpoint, Refusal, RestCall, RestEffect, RestReply, ServerOut, Ticket};
pub use exchange::{Counted, Exchange};
pub use keys::{ClientKey, Permission};
pub use limits::Tier;
pub use options::{AccountPlan, ExchangeOptions};
