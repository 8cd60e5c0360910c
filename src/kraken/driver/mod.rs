//! Sockets and REST around [`crate::kraken::link::LinkCore`].
//!
//! Serves the orchestrator's live and replay feeds. In: a plan, a clock, a source of REST answers; out: [`crate::kraken::link::LinkEvent`]s
//! over a bounded channel, a picture of the link, and raw frames for a recorder. Always true: one task owns the core, so nothing in it
//! happens at the same time; a slow reader makes the sockets wait and is counted, nothing is dropped; unencrypted sockets open to this
//! machine only.

mod handle;
mod probe;
mod rest;
mod run;
mod settings;
mod socket;
#[cfg(test)]
mod tests;

pub use handle::{LinkGone, LinkHandle};
pub use probe::{ProbeError, probe};
pub use rest::{RestFuture, RestSource};
pub use run::start;
pub use settings::{BadAddress, DriverSettings, RawFrame};
