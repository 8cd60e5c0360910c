//! Probes: is the program alive, is it ready, and how well does it fare.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;

use super::State;
use super::dto::health::{DetailedHealth, Health, HealthStatus, Live, Ready};
use crate::domain::snapshot::{Snapshot, SystemState};

/// From here on the system is well …
const OK: f64 = 0.8;
/// … and from here on it works with something amiss.
const DEGRADED: f64 = 0.5;

/// The grade, the score where one is known, and the reason where it is not the score alone.
pub(super) fn grade(snapshot: &Snapshot, gone: bool) -> (HealthStatus, Option<f64>, Option<String>) {
    let graded = !snapshot.components.is_empty();
    let score = graded.then_some(snapshot.health_score).filter(|s| s.is_finite());
    let why = |text: &str| Some(snapshot.note.clone().unwrap_or_else(|| text.to_owned()));
    if gone {
        return (HealthStatus::Fail, score, Some("the orchestrator has stopped".to_owned()));
    }
    if snapshot.state == SystemState::Failed {
        return (HealthStatus::Fail, score, why("the system has failed"));
    }
    match score {
        None => (HealthStatus::Fail, None, Some("health has not been graded yet".to_owned())),
        Some(s) if s >= OK => (HealthStatus::Ok, score, None),
        Some(s) if s >= DEGRADED => (HealthStatus::Degraded, score, why("see /health/detailed")),
        Some(_) => (HealthStatus::Fail, score, why("see /health/detailed")),
    }
}

/// Why the system is not ready, if it is not.
fn unready(snapshot: &Snapshot, gone: bool) -> Option<String> {
    if gone {
        return Some("the orchestrator has stopped".to_owned());
    }
    match snapshot.state {
        SystemState::Running | SystemState::Paused | SystemState::Held | SystemState::Halted | SystemState::Ended => {
            (snapshot.cycle == 0).then(|| "no analysis cycle is complete yet".to_owned())
        }
        state => {
            let note = snapshot.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
            Some(format!("the system is {}{note}", state.as_str().to_lowercase()))
        }
    }
}

fn code(status: HealthStatus) -> StatusCode {
    if status == HealthStatus::Fail { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
}

/// The grade in one word
///
/// `ok` from a score of 0.8, `degraded` from 0.5, else `fail` with status 503.
#[utoipa::path(get, path = "/health", tag = "health", responses(
    (status = 200, description = "ok or degraded", body = Health),
    (status = 503, description = "fail", body = Health)
))]
pub(super) async fn health(Extract(state): Extract<State>) -> (StatusCode, Json<Health>) {
    let snapshot = state.snapshot();
    let health = Health::of(&snapshot, grade(&snapshot, state.is_gone()));
    (code(health.status), Json(health))
}

/// The grade with everything behind it
#[utoipa::path(get, path = "/health/detailed", tag = "health", responses(
    (status = 200, description = "ok or degraded", body = DetailedHealth),
    (status = 503, description = "fail", body = DetailedHealth)
))]
pub(super) async fn detailed(Extract(state): Extract<State>) -> (StatusCode, Json<DetailedHealth>) {
    let snapshot = state.snapshot();
    let health = Health::of(&snapshot, grade(&snapshot, state.is_gone()));
    (code(health.status), Json(DetailedHealth::of(&snapshot, health)))
}

/// The process serves requests
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, description = "always", body = Live)))]
pub(super) async fn live() -> Json<Live> {
    Json(Live { live: true })
}

/// The first analysis cycle is complete and the system goes on
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, description = "ready", body = Ready),
    (status = 503, description = "not yet, or not any more; with the reason", body = Ready)
))]
pub(super) async fn ready(Extract(state): Extract<State>) -> (StatusCode, Json<Ready>) {
    let snapshot = state.snapshot();
    let reason = unready(&snapshot, state.is_gone());
    let ready = Ready::of(&snapshot, reason);
    (if ready.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(ready))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::ComponentHealth;

    fn graded(score: f64) -> Snapshot {
        let component = ComponentHealth { name: "data".into(), score, note: String::new() };
        Snapshot {
            health_score: score,
            components: vec![component],
            state: SystemState::Running,
            ..Snapshot::default()
        }
    }

    #[test]
    fn grades_at_their_limits() {
        for (score, status) in [
            (1.0, HealthStatus::Ok),
            (0.8, HealthStatus::Ok),
            (0.799, HealthStatus::Degraded),
            (0.5, HealthStatus::Degraded),
            (0.499, HealthStatus::Fail),
            (f64::NAN, HealthStatus::Fail),
        ] {
            assert_eq!(grade(&graded(score), false).0, status, "{score}");
        }
    }

    #[test]
    fn what_is_not_known_is_no_score() {
        assert_eq!(grade(&Snapshot::default(), false).1, None);
        assert_eq!(grade(&graded(1.0), true).0, HealthStatus::Fail, "a picture without a painter");
        let failed = Snapshot { state: SystemState::Failed, note: Some("disk full".into()), ..graded(1.0) };
        assert_eq!(grade(&failed, false), (HealthStatus::Fail, Some(1.0), Some("disk full".to_owned())));
    }

    #[test]
    fn ready_needs_a_state_and_a_cycle() {
        let at = |state, cycle| unready(&Snapshot { state, cycle, ..Snapshot::default() }, false);
        assert_eq!(at(SystemState::Running, 1), None);
        assert_eq!(at(SystemState::Ended, 9), None);
        assert_eq!(at(SystemState::Running, 0).as_deref(), Some("no analysis cycle is complete yet"));
        assert_eq!(at(SystemState::WarmingUp, 5).as_deref(), Some("the system is warming up"));
        for state in [SystemState::Starting, SystemState::Training, SystemState::Stopping, SystemState::Failed] {
            assert!(at(state, 5).is_some());
        }
    }
}
