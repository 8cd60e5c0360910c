//! The control API: faults, clock, status, trades, disconnects, and looking inside. JSON in and out.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::http::until;
use super::{ClockMode, Handle};
use crate::simulator::gateway::faults::Fault;
use crate::simulator::gateway::{ConnKey, Ending, Exchange, body};
use crate::simulator::listing::PairStatus;
use crate::simulator::protocol::{Params, Side, SimNs};

pub fn serve(socket: TcpListener, handle: Handle, stop: CancellationToken) {
    let router = Router::new()
        .route("/fault", post(add_fault).delete(remove_faults))
        .route("/clock", post(set_clock))
        .route("/status", post(set_status))
        .route("/trade", post(trade))
        .route("/disconnect", post(disconnect))
        .route("/state", get(state))
        .route("/orders", get(orders))
        .route("/fills", get(fills))
        .route("/log", get(log))
        .route("/digest", get(digest))
        .with_state(handle);
    tokio::spawn(until(stop, axum::serve(socket, router).into_future()));
}

/// A JSON answer, or what was wrong with the request.
type Outcome = Result<Json<Value>, Wrong>;

struct Wrong(String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(json!({"error": self.0}))).into_response()
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a Bytes) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|e| Wrong(e.to_string()))
}

fn params(body: &Bytes) -> Result<Params, Wrong> {
    let text = std::str::from_utf8(body).map_err(|e| Wrong(e.to_string()))?;
    body::object(if text.trim().is_empty() { "{}" } else { text }).map_err(Wrong)
}

async fn look(handle: &Handle, act: impl FnOnce(&mut Exchange) -> Value + Send + 'static) -> Outcome {
    handle.with(act).await.map(Json).ok_or_else(|| Wrong("the stand-in is ending".to_owned()))
}

/// Like [`look`], for what can be refused.
async fn try_look(
    handle: &Handle,
    act: impl FnOnce(&mut Exchange) -> Result<Value, String> + Send + 'static,
) -> Outcome {
    let done = handle.with(act).await.ok_or_else(|| Wrong("the stand-in is ending".to_owned()))?;
    done.map(Json).map_err(Wrong)
}

async fn add_fault(State(handle): State<Handle>, body: Bytes) -> Outcome {
    let fault: Fault = read(&body)?;
    try_look(&handle, move |x| x.add_fault(fault).map(|id| json!({"id": id}))).await
}

#[derive(Deserialize)]
struct Which {
    id: Option<u64>,
}

async fn remove_faults(State(handle): State<Handle>, Query(which): Query<Which>) -> Outcome {
    look(&handle, move |x| json!({"removed": x.remove_faults(which.id)})).await
}

/// `mode` (and `factor`), then `advance_ms` or `to_ns`.
async fn set_clock(State(handle): State<Handle>, body: Bytes) -> Outcome {
    let wanted = params(&body)?;
    let ending = || Wrong("the stand-in is ending".to_owned());
    if wanted.0.contains_key("mode") {
        let mode: ClockMode = read(&body)?;
        handle.set_mode(mode).await.ok_or_else(ending)?;
    }
    let number =
        |key: &str| wanted.text(key).map(|t| t.parse::<i64>().map_err(|e| Wrong(format!("{key}: {e}")))).transpose();
    let now = handle.with(|x| x.now()).await.ok_or_else(ending)?;
    let to = match (number("to_ns")?, number("advance_ms")?) {
        (Some(ns), _) => Some(SimNs(ns)),
        (None, Some(ms)) => Some(now.plus_ms(ms)),
        (None, None) => None,
    };
    if let Some(to) = to {
        handle.advance(to).await.ok_or_else(ending)?;
    }
    look(&handle, |x| json!({"now_ns": x.now().0})).await
}

fn status_word(params: &Params, key: &str) -> Result<Option<PairStatus>, Wrong> {
    let Some(word) = params.text(key) else { return Ok(None) };
    PairStatus::from_name(&word).map(Some).ok_or_else(|| Wrong(format!("no status '{word}'")))
}

/// `{"system": …}` or `{"pair": …, "status": …}`.
async fn set_status(State(handle): State<Handle>, body: Bytes) -> Outcome {
    let wanted = params(&body)?;
    let (system, pair_status) = (status_word(&wanted, "system")?, status_word(&wanted, "status")?);
    let pair = wanted.text("pair");
    try_look(&handle, move |x| {
        match (system, pair, pair_status) {
            (Some(system), None, None) => x.set_system_status(system),
            (None, Some(pair), Some(status)) => x.set_pair_status(&pair, status)?,
            _ => return Err("give system, or pair and status".to_owned()),
        }
        Ok(json!({"ok": true}))
    })
    .await
}

/// `{"pair", "side", "price", "qty", "market"?}`: a trade between others.
async fn trade(State(handle): State<Handle>, body: Bytes) -> Outcome {
    let wanted = params(&body)?;
    let decimal = |key: &str| -> Result<Decimal, Wrong> {
        wanted
            .decimal(key)
            .ok_or_else(|| Wrong(format!("{key} is missing")))?
            .map_err(|t| Wrong(format!("{key}: '{t}' is no number")))
    };
    let (price, qty) = (decimal("price")?, decimal("qty")?);
    let side = match wanted.text("side").as_deref() {
        Some("buy") => Side::Buy,
        Some("sell") => Side::Sell,
        _ => return Err(Wrong("side must be buy or sell".to_owned())),
    };
    let pair = wanted.text("pair").ok_or_else(|| Wrong("pair is missing".to_owned()))?;
    let market = wanted.flag("market");
    try_look(&handle, move |x| x.inject_trade(&pair, side, price, qty, market).map(|()| json!({"ok": true}))).await
}

/// `{"conn"?, "how"?: "clean"|"half_open"|"reset"}`
async fn disconnect(State(handle): State<Handle>, body: Bytes) -> Outcome {
    let wanted = params(&body)?;
    let how = match wanted.text("how").as_deref() {
        None | Some("clean") => Ending::Clean,
        Some("half_open") => Ending::HalfOpen,
        Some("reset") => Ending::Reset,
        Some(other) => return Err(Wrong(format!("no ending '{other}'"))),
    };
    let conn =
        wanted.text("conn").map(|t| t.parse().map_err(|_| Wrong(format!("no socket '{t}'")))).transpose()?.map(ConnKey);
    look(&handle, move |x| json!({"ended": x.disconnect(conn, how)})).await
}

async fn state(State(handle): State<Handle>) -> Outcome {
    look(&handle, |x| x.state()).await
}

async fn orders(State(handle): State<Handle>) -> Outcome {
    look(&handle, |x| x.orders()).await
}

async fn fills(State(handle): State<Handle>) -> Outcome {
    look(&handle, |x| x.fills()).await
}

async fn log(State(handle): State<Handle>) -> Outcome {
    look(&handle, |x| x.log()).await
}

async fn digest(State(handle): State<Handle>) -> Outcome {
    look(&handle, |x| json!({"digest": x.digest()})).await
}
