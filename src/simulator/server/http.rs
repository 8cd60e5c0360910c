//! REST calls and WebSocket upgrades on one port.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, FromRequestParts, Request, State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Handle;
use super::core::{Command, Outbox};
use super::listen::{Peer, Plain, Tls};
use super::socket;
use crate::simulator::gateway::{Endpoint, RestCall, RestEffect, RestReply};

/// Largest body of a call.
const MAX_BODY: usize = 1 << 20;
/// Largest WebSocket message.
const MAX_MESSAGE: usize = 1 << 20;

/// What handlers share.
#[derive(Debug, Clone)]
pub struct App {
    pub handle: Handle,
    pub queue: usize,
}

pub fn serve_plain(socket: TcpListener, address: SocketAddr, app: App, stop: CancellationToken) {
    let service = router(app).into_make_service_with_connect_info::<Peer>();
    tokio::spawn(until(stop, axum::serve(Plain { socket, address }, service).into_future()));
}

pub fn serve_tls(
    socket: TcpListener,
    address: SocketAddr,
    config: Arc<ServerConfig>,
    app: App,
    stop: CancellationToken,
) {
    let service = router(app).into_make_service_with_connect_info::<Peer>();
    let listener = Tls::new(socket, address, TlsAcceptor::from(config), stop.clone());
    tokio::spawn(until(stop, axum::serve(listener, service).into_future()));
}

pub async fn until(stop: CancellationToken, serving: impl Future<Output = std::io::Result<()>>) {
    tokio::select! {
        () = stop.cancelled() => {}
        ended = serving => if let Err(error) = ended {
            tracing::error!(%error, "a listener of the stand-in ended");
        }
    }
}

fn router(app: App) -> Router {
    Router::new().fallback(serve).with_state(app)
}

async fn serve(State(app): State<App>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    match Endpoint::of_path(request.uri().path()) {
        Some(endpoint) => upgrade(app, peer, endpoint, request).await,
        None => rest(app, peer, request).await,
    }
}

async fn rest(app: App, peer: Peer, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let call = RestCall {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        api_key: text(&parts.headers, "api-key"),
        api_sign: text(&parts.headers, "api-sign"),
        content_type: text(&parts.headers, header::CONTENT_TYPE.as_str()),
        body: body.to_vec(),
    };
    let (reply, answer) = oneshot::channel();
    if app.handle.commands.send(Command::Rest { call, reply }).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answer.await {
        Ok(answer) => response(&peer, answer),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn response(peer: &Peer, answer: RestReply) -> Response {
    if answer.effect == RestEffect::Reset {
        peer.switch.reset();
    }
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    (status, [(header::CONTENT_TYPE, answer.content_type)], Body::from(answer.body)).into_response()
}

async fn upgrade(app: App, peer: Peer, endpoint: Endpoint, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &app).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let (frames, queue) = mpsc::channel(app.queue);
    let abort = app.handle.stop.child_token();
    let outbox = Outbox { frames, abort: abort.clone() };
    let (reply, opened) = oneshot::channel();
    if app.handle.commands.send(Command::Open { endpoint, outbox, reply }).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let conn = match opened.await {
        Ok(Ok(conn)) => conn,
        Ok(Err(refusal)) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            return (status, refusal.body).into_response();
        }
        Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    let (commands, failed) = (app.handle.commands.clone(), app.handle.commands.clone());
    upgrade
        .max_message_size(MAX_MESSAGE)
        .on_failed_upgrade(move |error| {
            tracing::debug!(%error, "a WebSocket upgrade failed");
            tokio::spawn(async move { drop(failed.send(Command::Closed { conn }).await) });
        })
        .on_upgrade(move |ws| socket::run(ws, conn, queue, commands, peer.switch, abort))
}
