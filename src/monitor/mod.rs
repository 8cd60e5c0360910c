//! The monitor room.
