//! The decision room.
