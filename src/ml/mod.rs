//! The ml room.
