//! One look at a WebSocket: does it open, and does it speak Kraken's protocol?

use std::time::Duration;

use futures_util::StreamExt;
use tokio_tungstenite::connect_async;

use super::settings::{BadAddress, DriverSettings};
use crate::kraken::wire::ws::{Inbound, decode};

/// Why a WebSocket is not fit for the link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Address(#[from] BadAddress),
    #[error("'{url}' does not open: {why}")]
    NotOpen { url: String, why: String },
    #[error("'{url}' opens but does not speak Kraken's WebSocket v2: {why}")]
    Stranger { url: String, why: String },
}

/// Opens a socket, reads the exchange's state from its first frame (`online` and the like), and closes it.
///
/// # Errors
/// [`ProbeError`] when it does not open within `patience`, or says something else.
pub async fn probe(url: &str, patience: Duration) -> Result<String, ProbeError> {
    let settings = DriverSettings { url: url.to_owned(), ..DriverSettings::default() };
    let address = settings.checked_url()?;
    // another part of the program may have installed it
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let not_open = |why: String| ProbeError::NotOpen { url: url.to_owned(), why };
    let stranger = |why: &str| ProbeError::Stranger { url: url.to_owned(), why: why.to_owned() };
    let late = format!("no answer in {} s", patience.as_secs());
    let opened = tokio::time::timeout(patience, connect_async(address)).await;
    let (mut stream, _) = opened.map_err(|_| not_open(late))?.map_err(|e| not_open(e.to_string()))?;
    let first = tokio::time::timeout(patience, stream.next()).await.map_err(|_| stranger("it says nothing"))?;
    // a farewell is polite; the socket is closed with or without it
    let _farewell = tokio::time::timeout(Duration::from_millis(200), stream.close(None)).await;
    let frame = match first {
        Some(Ok(message)) => message.into_data(),
        Some(Err(error)) => return Err(stranger(&error.to_string())),
        None => return Err(stranger("it closed at once")),
    };
    match decode(&frame) {
        Ok(Inbound::Status(status)) => Ok(status.system.as_str().to_owned()),
        Ok(_) => Err(stranger("its first frame is no status")),
        Err(error) => Err(stranger(&error.to_string())),
    }
}
