//! One socket: opened, read, written and closed by a task of its own.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use tokio_util::sync::CancellationToken;

use crate::kraken::link::{ConnId, RestAnswer, RestId, RestTrouble};

/// What reaches the loop that owns the core.
#[derive(Debug)]
pub(super) enum Arrived {
    Opened(ConnId),
    Frame(ConnId, Bytes),
    Closed(ConnId, String),
    Answer(RestId, Result<RestAnswer, RestTrouble>),
}

/// Requests that may wait to be written; the link sends a few a second.
const OUTGOING: usize = 1_024;
/// For the farewell and for one write.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest text of a close that is repeated.
const REASON: usize = 120;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What the loop keeps of a socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub outgoing: mpsc::Sender<String>,
    pub stop: CancellationToken,
}

/// The task's own side.
pub(super) struct Line {
    pub conn: ConnId,
    pub url: Uri,
    pub largest_message: usize,
    outgoing: mpsc::Receiver<String>,
    stop: CancellationToken,
    inputs: mpsc::Sender<Arrived>,
}

impl Line {
    pub fn new(
        conn: ConnId,
        url: Uri,
        largest_message: usize,
        stop: CancellationToken,
        inputs: mpsc::Sender<Arrived>,
    ) -> (Socket, Self) {
        let (sender, outgoing) = mpsc::channel(OUTGOING);
        let socket = Socket { outgoing: sender, stop: stop.clone() };
        (socket, Self { conn, url, largest_message, outgoing, stop, inputs })
    }

    /// Until the socket is closed, by whomever; then says so.
    pub async fn run(mut self) {
        let stop = self.stop.clone();
        let why = tokio::select! {
            biased;
            () = stop.cancelled() => "closed by us".to_owned(),
            opened = self.open() => match opened {
                Ok(stream) => self.talk(stream).await,
                Err(why) => why,
            },
        };
        // the loop may be gone by now; then nobody wants to know
        let _told = self.inputs.send(Arrived::Closed(self.conn, why)).await;
    }

    async fn open(&self) -> Result<Stream, String> {
        // another part of the program may have installed it
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let config = WebSocketConfig::default()
            .max_message_size(Some(self.largest_message))
            .max_frame_size(Some(self.largest_message));
        let opened = connect_async_tls_with_config(self.url.clone(), Some(config), true, None).await;
        opened.map(|(stream, _)| stream).map_err(|e| e.to_string())
    }

    async fn talk(&mut self, mut stream: Stream) -> String {
        if self.inputs.send(Arrived::Opened(self.conn)).await.is_err() {
            return "nobody listens".to_owned();
        }
        let stop = self.stop.clone();
        let why = tokio::select! {
            biased;
            () = stop.cancelled() => "closed by us".to_owned(),
            why = self.exchange(&mut stream) => why,
        };
        // a farewell is polite; the socket is closed with or without it
        let _farewell = tokio::time::timeout(CLOSE_TIMEOUT, stream.close(None)).await;
        why
    }

    /// Reads and writes until one of them fails.
    async fn exchange(&mut self, stream: &mut Stream) -> String {
        loop {
            tokio::select! {
                came = stream.next() => {
                    let frame = match came {
                        Some(Ok(Message::Text(text))) => Bytes::from(text),
                        Some(Ok(Message::Binary(bytes))) => bytes,
                        Some(Ok(Message::Close(frame))) => {
                            let reason = frame.map(|f| format!(" ({} {})", f.code, f.reason)).unwrap_or_default();
                            return format!("the exchange closed the connection{reason}").chars().take(REASON).collect();
                        }
                        Some(Ok(_)) => continue,
                        Some(Err(e)) => return e.to_string().chars().take(REASON).collect(),
                        None => return "the connection ended".to_owned(),
                    };
                    // waits while the loop is behind: the exchange's frames wait in the socket meanwhile
                    if self.inputs.send(Arrived::Frame(self.conn, frame)).await.is_err() {
                        return "nobody listens".to_owned();
                    }
                }
                text = self.outgoing.recv() => {
                    let Some(text) = text else { return "closed by us".to_owned() };
                    match tokio::time::timeout(WRITE_TIMEOUT, stream.send(Message::Text(Utf8Bytes::from(text)))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(e)) => return e.to_string().chars().take(REASON).collect(),
                        Err(_) => return "a message could not be written within ten seconds".to_owned(),
                    }
                }
            }
        }
    }
}
