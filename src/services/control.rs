//! The two orders of the API. Each is a command to the orchestrator; its answer is the answer of the request.

use axum::Json;
use axum::extract::{Path, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::State;
use super::dto::agents::{AckWord, Acknowledged};
use super::error::{ApiError, ErrorBody};
use crate::domain::agent::AgentKind;
use crate::domain::command::{Ack, Command};
use crate::orchestrator::NotTaken;

/// Pause an agent
///
/// It finishes what it is doing; until then the agent shows `pending: pausing`. Its stage is missed in every cycle while it is paused.
#[utoipa::path(post, path = "/api/v1/agents/{name}/pause", tag = "agents",
    params(("name" = String, Path, description = "Agent, such as `technical`")),
    responses(
        (status = 200, description = "done", body = Acknowledged),
        (status = 202, description = "taken, not done yet: look at /api/v1/agents", body = Acknowledged),
        (status = 401, description = "the token is missing or wrong", body = ErrorBody),
        (status = 403, description = "from a foreign web page", body = ErrorBody),
        (status = 404, description = "no such agent", body = ErrorBody),
        (status = 409, description = "refused, with the reason", body = ErrorBody),
        (status = 503, description = "busy or stopped", body = ErrorBody)
    ), security((), ("token" = [])))]
pub(super) async fn pause(Extract(state): Extract<State>, Path(name): Path<String>) -> Result<Response, ApiError> {
    order(&state, Command::PauseAgent { agent: agent(&name)? }).await
}

/// End an agent's pause
#[utoipa::path(post, path = "/api/v1/agents/{name}/resume", tag = "agents",
    params(("name" = String, Path, description = "Agent, such as `technical`")),
    responses(
        (status = 200, description = "done", body = Acknowledged),
        (status = 202, description = "taken, not done yet: look at /api/v1/agents", body = Acknowledged),
        (status = 401, description = "the token is missing or wrong", body = ErrorBody),
        (status = 403, description = "from a foreign web page", body = ErrorBody),
        (status = 404, description = "no such agent", body = ErrorBody),
        (status = 409, description = "refused, with the reason", body = ErrorBody),
        (status = 503, description = "busy or stopped", body = ErrorBody)
    ), security((), ("token" = [])))]
pub(super) async fn resume(Extract(state): Extract<State>, Path(name): Path<String>) -> Result<Response, ApiError> {
    order(&state, Command::ResumeAgent { agent: agent(&name)? }).await
}

fn agent(name: &str) -> Result<AgentKind, ApiError> {
    name.parse::<AgentKind>().map_err(|e| {
        ApiError::new(StatusCode::NOT_FOUND, "unknown_agent", e.to_string(), "GET /api/v1/agents lists them")
    })
}

async fn order(state: &State, command: Command) -> Result<Response, ApiError> {
    let text = command.describe();
    let pending = state.handle.submit(command).map_err(unavailable)?;
    let done =
        |status, ack| Ok((status, Json(Acknowledged { id: pending.id.0, command: text.clone(), ack })).into_response());
    match tokio::time::timeout(state.ack_wait, pending.reply).await {
        Err(_) => done(StatusCode::ACCEPTED, AckWord::Pending),
        Ok(Err(_)) => Err(unavailable(NotTaken::Stopped)),
        Ok(Ok(Ack::Accepted)) => done(StatusCode::OK, AckWord::Accepted),
        Ok(Ok(Ack::Refused { reason })) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "refused",
            format!("'{text}' was refused: {reason}"),
            "GET /api/v1/agents shows the agent's state",
        )),
    }
}

fn unavailable(why: NotTaken) -> ApiError {
    let (code, hint) = match why {
        NotTaken::Busy => ("busy", "try again in a second"),
        NotTaken::Stopped => ("stopped", "the program is shutting down or has failed; see /health"),
    };
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, code, why.to_string(), hint)
}
