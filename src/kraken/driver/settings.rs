//! Where the sockets go and how much may wait in line.

use std::net::IpAddr;

use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::domain::time::UtcMs;
use crate::kraken::link::ConnId;

/// A frame as it came, for a recorder: when, over which connection, its bytes.
pub type RawFrame = (UtcMs, ConnId, Bytes);

/// Settings of the driver.
#[derive(Debug, Clone)]
pub struct DriverSettings {
    /// Address of the public WebSocket. `ws://` only to this machine, else `wss://`.
    pub url: String,
    /// Events that may wait for their reader.
    pub events: usize,
    /// Frames and answers that may wait for the core.
    pub inputs: usize,
    /// Longer messages close their connection, unread.
    pub largest_message: usize,
    /// Longest sleep between two looks at the clock, in ms of real time: a clock may run faster than real time.
    pub longest_sleep_ms: u64,
    /// How often the picture of the link is renewed, in ms of the clock.
    pub status_every_ms: i64,
    /// Every frame goes here too, before it is handled; its reader must keep up, the link waits for it.
    pub tap: Option<mpsc::Sender<RawFrame>>,
}

impl Default for DriverSettings {
    fn default() -> Self {
        Self {
            url: "wss://ws.kraken.com/v2".to_owned(),
            events: 4_096,
            inputs: 4_096,
            largest_message: 8 * 1024 * 1024,
            longest_sleep_ms: 100,
            status_every_ms: 500,
            tap: None,
        }
    }
}

/// An address that the driver does not connect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(pub String);

impl DriverSettings {
    /// The address, once it is sure that it is encrypted or on this machine.
    ///
    /// # Errors
    /// [`BadAddress`] says what to write instead; a password in the address is not repeated.
    pub fn checked_url(&self) -> Result<Uri, BadAddress> {
        let uri: Uri = self.url.parse().map_err(|_| BadAddress("the WebSocket address cannot be read".to_owned()))?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
            return Err(BadAddress("the WebSocket address must not hold a user or password".to_owned()));
        }
        match uri.scheme_str() {
            _ if host.is_empty() => Err(BadAddress("the WebSocket address has no host".to_owned())),
            Some("wss") => Ok(uri),
            Some("ws") if local => Ok(uri),
            Some("ws") => {
                Err(BadAddress(format!("ws:// is allowed to this machine only, not to '{host}': write wss://")))
            }
            _ => Err(BadAddress("the WebSocket address must begin with wss://".to_owned())),
        }
    }
}
