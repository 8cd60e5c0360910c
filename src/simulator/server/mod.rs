//! Sockets around the exchange: HTTP and WebSocket, plain and over TLS, and the control API.
//!
//! Serves `cst simulator` and tests with real clients. In: an [`Exchange`], ports, the clock's mode; out: addresses, the certificate of its
//! authority, a [`Handle`]. Always true: it listens on 127.0.0.1 only; one task owns the exchange; a client that does not read is closed and
//! counted, never waited for (but in step mode, where the clock waits for the sockets).

mod control;
mod core;
mod http;
mod listen;
mod socket;
mod tls;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::clock::{ClockMode, SimClock};
use super::gateway::{ClientKey, Exchange};
use super::protocol::SimNs;
use crate::clock::Clock;
use core::Command;

/// How the stand-in is reached. Port 0 is any free one.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    pub port: u16,
    pub tls_port: Option<u16>,
    pub control_port: Option<u16>,
    pub mode: ClockMode,
    /// Frames that may wait for a client.
    pub queue: usize,
    /// Where the authority's certificate is written.
    pub ca_file: Option<PathBuf>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self { port: 0, tls_port: Some(0), control_port: Some(0), mode: ClockMode::Real, queue: 8_192, ca_file: None }
    }
}

/// Why the stand-in did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen { port: u16, source: std::io::Error },
    #[error("cannot make certificates: {0}")]
    Certificate(String),
    #[error("cannot write '{path}': {source}")]
    Write { path: PathBuf, source: std::io::Error },
}

/// A running stand-in; it ends when this is dropped.
#[derive(Debug)]
pub struct RunningServer {
    pub plain: SocketAddr,
    pub tls: Option<SocketAddr>,
    pub control: Option<SocketAddr>,
    /// Certificate of the authority that signed the one of the TLS port.
    pub ca_pem: Option<String>,
    pub handle: Handle,
    _stop: DropGuard,
}

/// Talks to the exchange of a running server.
#[derive(Debug, Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    stop: CancellationToken,
}

/// Starts listeners.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Starts the stand-in around an exchange.
    ///
    /// # Errors
    /// When a port is taken, certificates cannot be made or the file cannot be written.
    pub async fn start(
        options: ServerOptions,
        exchange: Exchange,
        wall: Arc<dyn Clock>,
    ) -> Result<RunningServer, ServerError> {
        let stop = CancellationToken::new();
        let (commands, inbox) = mpsc::channel(4_096);
        let handle = Handle { commands, stop: stop.clone() };
        let clock = SimClock::new(wall, options.mode, exchange.now());
        let (plain_socket, plain) = bind(options.port).await?;
        let app = http::App { handle: handle.clone(), queue: options.queue.max(1) };
        let (mut tls, mut ca_pem, mut control) = (None, None, None);
        if let Some(port) = options.tls_port {
            let made = tls::Certificates::make().map_err(ServerError::Certificate)?;
            if let Some(path) = options.ca_file {
                std::fs::write(&path, &made.ca_pem).map_err(|source| ServerError::Write { path, source })?;
            }
            let (socket, address) = bind(port).await?;
            http::serve_tls(socket, address, made.server, app.clone(), stop.clone());
            (tls, ca_pem) = (Some(address), Some(made.ca_pem));
        }
        if let Some(port) = options.control_port {
            let (socket, address) = bind(port).await?;
            control::serve(socket, handle.clone(), stop.clone());
            control = Some(address);
        }
        http::serve_plain(plain_socket, plain, app, stop.clone());
        tokio::spawn(core::run(exchange, clock, inbox, stop.clone()));
        Ok(RunningServer { plain, tls, control, ca_pem, handle, _stop: stop.drop_guard() })
    }
}

impl RunningServer {
    /// Addresses and keys, for programs that read them from the first line of output. The secrets are the stand-in's own.
    #[must_use]
    pub fn describe(&self, keys: &[ClientKey]) -> Value {
        let url =
            |scheme: &str, address: Option<SocketAddr>, path: &str| address.map(|a| format!("{scheme}://{a}{path}"));
        json!({
            "rest": url("http", Some(self.plain), ""), "ws": url("ws", Some(self.plain), "/v2"),
            "tls_rest": url("https", self.tls, ""), "tls_ws": url("wss", self.tls, "/v2"),
            "control": url("http", self.control, ""), "keys": keys,
        })
    }
}

impl Handle {
    /// Moves the clock in step mode; done when every frame of the step was handed to the sockets' queues. `None` when the server ended.
    pub async fn advance(&self, to: SimNs) -> Option<SimNs> {
        let (reply, done) = oneshot::channel();
        self.commands.send(Command::Advance { to, reply }).await.ok()?;
        done.await.ok()
    }

    /// Changes how time passes; the instant of the change.
    pub async fn set_mode(&self, mode: ClockMode) -> Option<SimNs> {
        let (reply, done) = oneshot::channel();
        self.commands.send(Command::Mode { mode, reply }).await.ok()?;
        done.await.ok()
    }

    /// Lets `act` work on the exchange, between two events.
    pub async fn with<T: Send + 'static>(&self, act: impl FnOnce(&mut Exchange) -> T + Send + 'static) -> Option<T> {
        let (reply, done) = oneshot::channel();
        let act = Box::new(move |exchange: &mut Exchange| drop(reply.send(act(exchange))));
        self.commands.send(Command::With(act)).await.ok()?;
        done.await.ok()
    }

    /// Ends the server.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Until the server ended.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

async fn bind(port: u16) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |source| ServerError::Listen { port, source };
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok((socket, address))
}
