//! Server mode.
