//! The web page (5000): the session at a glance, read only, for a browser without the console.
//!
//! Serves people. In: the orchestrator's [`Handle`]; out: one page that carries its own style and script, and the summary it asks for once
//! a second. Always true: nothing can be ordered here; the page loads nothing from elsewhere; it says PAPER or LIVE and where the data
//! come from; the shadow account is labelled; when the connection or the orchestrator is lost it says so.

mod policy;
mod summary;

#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::domain::snapshot::ServiceView;
use crate::orchestrator::Handle;
use summary::Summary;

const PAGE: &str = include_str!("page.html");
const BODY_LIMIT: usize = 1_024;
const SETTING: &str = "services.web_port";
/// How long open connections may take to end after a shutdown.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// Where to listen.
#[derive(Debug, Clone, Copy)]
pub struct WebOptions {
    pub bind: IpAddr,
    /// 0 takes any free port.
    pub port: u16,
}

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    #[error(
        "port {port} for the web page is taken by another program; stop that one, or choose another port with --set {SETTING}=PORT (for example --set {SETTING}={})",
        port.checked_add(1_000).unwrap_or(5_001)
    )]
    PortTaken { port: u16 },
    #[error("the web page may not listen on {address}: {source}; choose another port with --set {SETTING}=PORT")]
    Bind {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the page's policy cannot be written: {0}")]
    Policy(#[from] policy::BadPage),
}

/// The page, served.
#[derive(Debug)]
pub struct RunningWeb {
    pub address: SocketAddr,
    tasks: JoinSet<()>,
}

impl RunningWeb {
    /// For the snapshot: where it is served.
    #[must_use]
    pub fn view(&self) -> ServiceView {
        ServiceView {
            name: "web".to_owned(),
            address: format!("http://{}/", self.address),
            up: true,
            note: "the page, read only".to_owned(),
        }
    }

    /// Waits until it has ended, after the shutdown token was cancelled; connections that linger are cut.
    pub async fn stopped(mut self) {
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_GRACE, ended).await.is_err() {
            tracing::warn!(target: "web", "connections were cut at shutdown");
            self.tasks.shutdown().await;
        }
    }
}

#[derive(Clone)]
struct State {
    handle: Handle,
    /// The orchestrator will publish nothing more.
    gone: Arc<AtomicBool>,
}

/// Binds the port, then serves until `shutdown`.
///
/// # Errors
/// [`WebError`] when the port is taken or the address forbidden; nothing is served then.
pub async fn start(handle: Handle, options: WebOptions, shutdown: CancellationToken) -> Result<RunningWeb, WebError> {
    let address = SocketAddr::new(options.bind, options.port);
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::AddrInUse => WebError::PortTaken { port: options.port },
        _ => WebError::Bind { address, source },
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let gone = Arc::new(AtomicBool::new(false));
    let state = State { handle: handle.clone(), gone: Arc::clone(&gone) };
    let router = router(state, options.bind.is_loopback(), policy::of(PAGE)?);
    let mut tasks = JoinSet::new();
    let until = shutdown.clone();
    tasks.spawn(async move {
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until.cancelled_owned()).await {
            tracing::error!(target: "web", %error, "ended");
        }
    });
    tasks.spawn(watch(handle, gone, shutdown));
    tracing::info!(target: "web", %address, "listening");
    Ok(RunningWeb { address, tasks })
}

/// Notices the end of the orchestrator: its last picture must not pass for the present.
async fn watch(mut handle: Handle, gone: Arc<AtomicBool>, shutdown: CancellationToken) {
    let ended = async { while handle.changed().await.is_ok() {} };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = ended => gone.store(true, Ordering::Release),
    }
}

fn router(state: State, loopback: bool, policy: HeaderValue) -> Router {
    let set = |name, value| SetResponseHeaderLayer::overriding(name, value);
    let router = Router::new()
        .route("/", get(page))
        .route("/api/snapshot", get(snapshot))
        .fallback(|| async { (StatusCode::NOT_FOUND, "only / is served here\n") })
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(set(header::CONTENT_SECURITY_POLICY, policy))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .layer(set(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .layer(set(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .with_state(state);
    if loopback { router.layer(from_fn(only_this_machine)) } else { router }
}

async fn page() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE)
}

async fn snapshot(Extract(state): Extract<State>) -> Json<Summary> {
    Json(Summary::of(&state.handle.snapshot(), state.gone.load(Ordering::Acquire)))
}

/// A foreign page that rebinds its name to 127.0.0.1 still sends that name as Host: it gets nothing to read.
async fn only_this_machine(request: Request, next: Next) -> Response<Body> {
    if host(request.headers()).is_none_or(is_this_machine) {
        return next.run(request).await;
    }
    let text = "the request was meant for another host; open http://127.0.0.1 or http://localhost with the port\n";
    (StatusCode::FORBIDDEN, text).into_response()
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST).map(|h| h.to_str().unwrap_or_default())
}

/// `localhost`, `127.0.0.1:5000`, `[::1]:5000`
fn is_this_machine(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(ip, _)| ip),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
