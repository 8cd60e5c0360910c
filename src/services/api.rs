//! What the session knows, read from the newest snapshot.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Extract};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::State;
use super::dto::accounts::{Portfolio, Positions};
use super::dto::agents::Agents;
use super::dto::data::DataReport;
use super::dto::decisions::{DecisionDetail, Decisions};
use super::dto::signals::Signals;
use super::error::{ApiError, ErrorBody};
use crate::domain::decision::DecisionId;
use crate::domain::pair::Pair;

/// Decisions that one answer holds at most: as many as the snapshot keeps.
const LIMIT_MAX: usize = 500;
const LIMIT_DEFAULT: usize = 50;

/// What to leave out.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// At most so many, 1 to 500; 50 when not given.
    limit: Option<usize>,
    /// Only this pair, such as `BTC/USD`.
    pair: Option<String>,
}

impl Filter {
    fn limit(&self) -> Result<usize, ApiError> {
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            limit @ 1..=LIMIT_MAX => Ok(limit),
            other => Err(ApiError::bad_request(format!("limit is {other}"), format!("use 1 to {LIMIT_MAX}"))),
        }
    }

    fn pair(&self) -> Result<Option<Pair>, ApiError> {
        let pair = self.pair.as_deref().map(str::parse::<Pair>).transpose();
        pair.map_err(|e| ApiError::bad_request(e.to_string(), "write it like BTC/USD or XBTUSD"))
    }
}

type Asked = Result<Query<Filter>, QueryRejection>;

fn filter(asked: Asked) -> Result<Filter, ApiError> {
    let known = "the parameters are limit and pair";
    asked.map(|q| q.0).map_err(|e| ApiError::bad_request(e.body_text(), known))
}

/// The eight agents
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", responses((status = 200, body = Agents)))]
pub(super) async fn agents(Extract(state): Extract<State>) -> Json<Agents> {
    Json(Agents::of(&state.snapshot()))
}

/// Decisions, newest first
#[utoipa::path(get, path = "/api/v1/decisions", tag = "trading", params(Filter),
    responses((status = 200, body = Decisions), (status = 400, body = ErrorBody)))]
pub(super) async fn decisions(Extract(state): Extract<State>, asked: Asked) -> Result<Json<Decisions>, ApiError> {
    let filter = filter(asked)?;
    Ok(Json(Decisions::of(&state.snapshot(), filter.pair()?.as_ref(), filter.limit()?)))
}

/// One decision with its whole trace
#[utoipa::path(get, path = "/api/v1/decisions/{id}", tag = "trading",
    params(("id" = String, Path, description = "Such as `D1-42`")),
    responses((status = 200, body = DecisionDetail), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(super) async fn decision(
    Extract(state): Extract<State>,
    Path(id): Path<String>,
) -> Result<Json<DecisionDetail>, ApiError> {
    let id: DecisionId =
        id.parse().map_err(|e: String| ApiError::bad_request(e, "GET /api/v1/decisions lists them"))?;
    let snapshot = state.snapshot();
    let found = snapshot.decisions.iter().rev().find(|d| d.id == id).ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "unknown_decision",
            format!("decision {id} is not among the newest {LIMIT_MAX} of this session"),
            format!("older ones are in the journal: cst why {id}"),
        )
    })?;
    Ok(Json(DecisionDetail::of(found)))
}

/// Open positions, the shadow account's apart
#[utoipa::path(get, path = "/api/v1/positions", tag = "trading", params(Filter),
    responses((status = 200, body = Positions), (status = 400, body = ErrorBody)))]
pub(super) async fn positions(Extract(state): Extract<State>, asked: Asked) -> Result<Json<Positions>, ApiError> {
    let filter = filter(asked)?;
    Ok(Json(Positions::of(&state.snapshot(), filter.pair()?.as_ref(), filter.limit()?)))
}

/// The accounts at current prices, the shadow account apart
#[utoipa::path(get, path = "/api/v1/portfolio", tag = "trading", responses((status = 200, body = Portfolio)))]
pub(super) async fn portfolio(Extract(state): Extract<State>) -> Json<Portfolio> {
    Json(Portfolio::of(&state.snapshot()))
}

/// What the agents say of each pair
#[utoipa::path(get, path = "/api/v1/signals", tag = "trading", params(Filter),
    responses((status = 200, body = Signals), (status = 400, body = ErrorBody)))]
pub(super) async fn signals(Extract(state): Extract<State>, asked: Asked) -> Result<Json<Signals>, ApiError> {
    let filter = filter(asked)?;
    Ok(Json(Signals::of(&state.snapshot(), filter.pair()?.as_ref(), filter.limit()?)))
}

/// How far the data of each pair can be trusted, and the rows that were refused last
#[utoipa::path(get, path = "/api/v1/data", tag = "data", params(Filter),
    responses((status = 200, body = DataReport), (status = 400, body = ErrorBody)))]
pub(super) async fn data(Extract(state): Extract<State>, asked: Asked) -> Result<Json<DataReport>, ApiError> {
    let filter = filter(asked)?;
    Ok(Json(DataReport::of(&state.snapshot(), filter.pair()?.as_ref(), filter.limit()?)))
}
