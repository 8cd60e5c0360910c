//! The HTTP services: health and API with OpenAPI on one port (8001), Prometheus metrics on another (8000).
//!
//! Serves people's tools, probes and scrapers. In: the orchestrator's [`Handle`] and the text of the metrics; out: JSON, and for the two
//! orders it knows (pause, resume) a [`crate::domain::command::Command`] whose answer it passes on. Always true: both ports are bound
//! before anything is served; nothing is decided here; what changes state takes no order from a foreign web page, and beyond this
//! machine none without the token; the shadow account never stands where the main one is meant.

mod api;
mod control;
mod docs;
mod dto;
mod error;
mod guard;
mod health;
mod listen;
mod metrics;

#[cfg(test)]
mod picture;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::snapshot::{ServiceView, Snapshot};
use crate::orchestrator::Handle;

/// Gives the metrics in the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// How long a request may wait for the orchestrator's answer before it is told that it is pending.
const ACK_WAIT: Duration = Duration::from_secs(5);
/// How long open connections may take to end after a shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// Where to listen.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    pub bind: IpAddr,
    /// 0 takes any free port.
    pub api_port: u16,
    /// 0 takes any free port.
    pub metrics_port: u16,
    /// Needed for everything that changes state, once set; must be set to listen beyond this machine.
    pub token: Option<SecretString>,
}

/// Why the services could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(
        "port {port} for the {service} service is taken by another program; stop that one, or choose another port with --set {setting}=PORT (for example --set {setting}={})",
        suggested(*port)
    )]
    PortTaken { service: &'static str, port: u16, setting: &'static str },
    #[error(
        "the {service} service may not listen on {address}: {source}; choose another address with --set services.bind=127.0.0.1 or another port with --set {setting}=PORT"
    )]
    Bind {
        service: &'static str,
        address: SocketAddr,
        setting: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "services.bind is {bind}, which others can reach, and there is no services token: then anybody could pause agents. Give one (CST_SERVICES_TOKEN, or services_token in config/secrets.toml), or listen on this machine only with --set services.bind=127.0.0.1"
    )]
    TokenRequired { bind: IpAddr },
}

/// A free-looking neighbour for the advice in an error.
fn suggested(port: u16) -> u16 {
    port.checked_add(1_000).unwrap_or(9_001)
}

/// The services, listening.
#[derive(Debug)]
pub struct RunningServices {
    /// Health and API.
    pub api: SocketAddr,
    pub metrics: SocketAddr,
    tasks: JoinSet<()>,
}

impl RunningServices {
    /// For the snapshot: where what is served.
    #[must_use]
    pub fn views(&self) -> Vec<ServiceView> {
        let view = |name: &str, at: SocketAddr, path: &str, note: &str| ServiceView {
            name: name.to_owned(),
            address: format!("http://{at}{path}"),
            up: true,
            note: note.to_owned(),
        };
        vec![
            view("api", self.api, "/api/docs", "health and API"),
            view("metrics", self.metrics, "/metrics", "Prometheus text"),
        ]
    }

    /// Waits until everything has ended, after the shutdown token was cancelled; connections that linger are cut.
    pub async fn stopped(mut self) {
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_GRACE, ended).await.is_err() {
            tracing::warn!(target: "services", "connections were cut at shutdown");
            self.tasks.shutdown().await;
        }
    }
}

/// What every handler needs.
#[derive(Clone)]
struct State {
    handle: Handle,
    /// The orchestrator will publish nothing more.
    gone: Arc<AtomicBool>,
    token: Option<SecretString>,
    loopback: bool,
    ack_wait: Duration,
}

impl State {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.handle.snapshot()
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }
}

/// Binds both ports, then serves until `shutdown`.
///
/// # Errors
/// [`ServiceError`] when a port is taken or an address forbidden, or when others could give orders without a token. Nothing is
/// served then.
pub async fn start(
    handle: Handle,
    metrics: RenderMetrics,
    options: ServiceOptions,
    shutdown: CancellationToken,
) -> Result<RunningServices, ServiceError> {
    start_with(handle, metrics, options, shutdown, ACK_WAIT).await
}

async fn start_with(
    handle: Handle,
    metrics: RenderMetrics,
    options: ServiceOptions,
    shutdown: CancellationToken,
    ack_wait: Duration,
) -> Result<RunningServices, ServiceError> {
    let token = options.token.filter(|t| !t.expose_secret().is_empty());
    let loopback = options.bind.is_loopback();
    if !loopback && token.is_none() {
        return Err(ServiceError::TokenRequired { bind: options.bind });
    }
    let (api_listener, api) = listen::bind("api", options.bind, options.api_port, "services.api_port").await?;
    let (metrics_listener, metrics_at) =
        listen::bind("metrics", options.bind, options.metrics_port, "services.metrics_port").await?;

    let gone = Arc::new(AtomicBool::new(false));
    let state = State { handle: handle.clone(), gone: Arc::clone(&gone), token, loopback, ack_wait };
    let mut tasks = JoinSet::new();
    tasks.spawn(serve("api", api_listener, docs::router(state), shutdown.clone()));
    tasks.spawn(serve("metrics", metrics_listener, metrics::router(metrics), shutdown.clone()));
    tasks.spawn(watch(handle, gone, shutdown));
    tracing::info!(target: "services", %api, metrics = %metrics_at, "listening");
    Ok(RunningServices { api, metrics: metrics_at, tasks })
}

async fn serve(name: &'static str, listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let served = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(target: "services", name, %error, "ended");
    }
}

/// Notices the end of the orchestrator: its last picture must not pass for health.
async fn watch(mut handle: Handle, gone: Arc<AtomicBool>, shutdown: CancellationToken) {
    let ended = async { while handle.changed().await.is_ok() {} };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = ended => gone.store(true, Ordering::Release),
    }
}
