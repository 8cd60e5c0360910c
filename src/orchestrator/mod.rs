//! The single writer of state: runs the analysis cycle, answers commands, publishes snapshots, shuts down in order.

pub mod handle;

pub use handle::{Handle, NotTaken, Pending, Ports};
