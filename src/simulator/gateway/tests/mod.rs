//! The gateway over a real market and desk, without sockets.

mod chaos;
mod faults_rest;
mod faults_ws;
mod rest;
mod rig;
mod sockets;
