//! REST, inbound and outbound.
//!
//! Serves the client and, later, the room that places orders. In: the bytes of an answer; out: typed values or a typed error. Out as well: the
//! exact bytes of a request, which are built once and then signed. Always true: a number never passes through a float, an unknown text or field
//! breaks nothing, a missing or misshapen value that matters does.

pub mod account;
pub mod call;
pub mod entry;
pub mod envelope;
pub mod fields;
#[cfg(test)]
mod fixtures;
pub mod history;
pub mod keyed;
pub mod market;
pub mod order;
pub mod query;
pub mod reply;
pub mod row;
pub mod text;

pub use call::{Encoding, PrivateCall, ReadCall};
pub use envelope::{Answer, read};
