//! Health in one word, and in full.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::agents::Agent;
use super::data::PairData;
use super::link::Link;
use super::{Context, known, word};
use crate::domain::snapshot::{self, ModelView, Snapshot};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::services) enum HealthStatus {
    Ok,
    Degraded,
    Fail,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Health {
    pub(in crate::services) status: HealthStatus,
    /// 0 to 1; null before the first grading.
    score: Option<f64>,
    #[schema(example = "running")]
    state: String,
    /// Why the status is not `ok`.
    reason: Option<String>,
    /// Data time.
    at: Option<String>,
    /// Wall-clock time of the picture.
    wall: Option<String>,
    /// Wall-clock time of the start.
    started: Option<String>,
    cycle: u64,
    open_alerts: usize,
}

impl Health {
    pub(in crate::services) fn of(
        s: &Snapshot,
        (status, score, reason): (HealthStatus, Option<f64>, Option<String>),
    ) -> Self {
        Self {
            status,
            score,
            state: word(&s.state),
            reason,
            at: known(s.at),
            wall: known(s.wall),
            started: known(s.started),
            cycle: s.cycle,
            open_alerts: s.open_alerts().count(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Live {
    pub(in crate::services) live: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Ready {
    pub(in crate::services) ready: bool,
    state: String,
    reason: Option<String>,
    progress: Option<Progress>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Progress {
    label: String,
    done: u64,
    total: u64,
}

impl Ready {
    pub(in crate::services) fn of(s: &Snapshot, reason: Option<String>) -> Self {
        let progress = s.progress.as_ref();
        Self {
            ready: reason.is_none(),
            state: word(&s.state),
            reason,
            progress: progress.map(|p| Progress { label: p.label.clone(), done: p.done, total: p.total }),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct DetailedHealth {
    #[serde(flatten)]
    health: Health,
    context: Context,
    components: Vec<Component>,
    /// GO/NO-GO; an unknown value is a NO.
    gates: Vec<Gate>,
    limits: Vec<Limit>,
    agents: Vec<Agent>,
    pipeline: Pipeline,
    /// How far the data of each pair can be trusted.
    data: Vec<PairData>,
    /// Null before the link is started.
    link: Option<Link>,
    services: Vec<Service>,
    models: Vec<Model>,
    alerts: Vec<Alert>,
    /// Of matured decisions in this session.
    brier: Option<f64>,
    ece: Option<f64>,
    matured: u64,
    /// Records lost to a full channel.
    lost: u64,
    /// Bytes.
    memory: Option<u64>,
    /// Share of one core.
    cpu: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Component {
    name: String,
    score: f64,
    note: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Gate {
    name: String,
    go: bool,
    value: String,
    threshold: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Limit {
    name: String,
    value: f64,
    limit: f64,
    tripped: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Pipeline {
    ingested: u64,
    accepted: u64,
    /// Refused rows by kind and reason, such as `candle off_grid`.
    rejected: BTreeMap<String, u64>,
    /// Records of refused rows that could not be written to the quarantine file.
    quarantine_lost: u64,
    holes: u64,
    frames: u64,
    frames_complete: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Service {
    name: String,
    address: String,
    up: bool,
    note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct Model {
    #[schema(example = "24h")]
    horizon: String,
    version: String,
    trained_at: Option<String>,
    trained_from: Option<String>,
    trained_to: Option<String>,
    rows: u64,
    n_eff: f64,
    folds: u32,
    base_rate: f64,
    brier: f64,
    log_loss: f64,
    auc: f64,
    ece: f64,
    calibration: String,
    /// Share of returns inside the 80 % and the 90 % interval, out of sample.
    coverage: f64,
    coverage90: f64,
    /// The version that a rollback would put in force, and the one that waits for a promotion.
    previous: Option<String>,
    candidate: Option<String>,
    /// Null until the first prediction.
    live: Option<LiveModel>,
}

/// What became of a model's predictions since it is in use.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(in crate::services) struct LiveModel {
    waiting: u32,
    matured: u32,
    n_eff: f64,
    brier: Option<f64>,
    ece: Option<f64>,
    coverage: Option<f64>,
    /// Between these lies the coverage of a sound 80 % interval, by chance.
    coverage_band: Option<(f64, f64)>,
    /// Share that an interval given now may miss.
    alpha: f64,
    /// The calibrator in force, when it is not the model's own, and how often it was fitted anew.
    calibrator: Option<String>,
    refits: u32,
    #[schema(example = "warn")]
    drift: String,
    drift_reasons: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::services) struct Alert {
    id: u64,
    at: Option<String>,
    severity: String,
    class: Option<String>,
    source: String,
    text: String,
}

impl Model {
    fn of(m: &ModelView) -> Self {
        Self {
            horizon: m.horizon.to_string(),
            version: m.version.clone(),
            trained_at: known(m.trained_at),
            trained_from: known(m.trained_from),
            trained_to: known(m.trained_to),
            rows: m.rows,
            n_eff: m.n_eff,
            folds: m.folds,
            base_rate: m.base_rate,
            brier: m.brier,
            log_loss: m.log_loss,
            auc: m.auc,
            ece: m.ece,
            calibration: m.calibration.clone(),
            coverage: m.coverage,
            coverage90: m.coverage90,
            previous: m.previous.clone(),
            candidate: m.candidate.clone(),
            live: m.live.as_ref().map(LiveModel::of),
        }
    }
}

impl LiveModel {
    fn of(live: &snapshot::LiveModel) -> Self {
        Self {
            waiting: live.waiting,
            matured: live.matured,
            n_eff: live.n_eff,
            brier: live.brier,
            ece: live.ece,
            coverage: live.coverage,
            coverage_band: live.coverage_band,
            alpha: live.alpha,
            calibrator: live.calibrator.clone(),
            refits: live.refits,
            drift: live.drift.action.as_str().to_owned(),
            drift_reasons: live.drift.reasons.clone(),
        }
    }
}

impl DetailedHealth {
    pub(in crate::services) fn of(s: &Snapshot, health: Health) -> Self {
        let component = |c: &crate::domain::event::ComponentHealth| Component {
            name: c.name.clone(),
            score: c.score,
            note: c.note.clone(),
        };
        let gate = |g: &crate::domain::event::GoNoGo| Gate {
            name: g.name.clone(),
            go: g.go,
            value: g.value.clone(),
            threshold: g.threshold.clone(),
        };
        let limit = |l: &crate::domain::event::LimitUse| Limit {
            name: l.name.clone(),
            value: l.value,
            limit: l.limit,
            tripped: l.tripped,
        };
        let service = |v: &crate::domain::snapshot::ServiceView| Service {
            name: v.name.clone(),
            address: v.address.clone(),
            up: v.up,
            note: v.note.clone(),
        };
        let alert = |a: &crate::domain::alert::Alert| Alert {
            id: a.id,
            at: known(a.at),
            severity: word(&a.severity),
            class: a.class.as_ref().map(word),
            source: a.source.clone(),
            text: a.text.clone(),
        };
        Self {
            health,
            context: Context::of(s),
            components: s.components.iter().map(component).collect(),
            gates: s.gates.iter().map(gate).collect(),
            limits: s.limits.iter().map(limit).collect(),
            agents: s.agents.iter().map(Agent::of).collect(),
            pipeline: Pipeline {
                ingested: s.pipeline.ingested,
                accepted: s.pipeline.accepted,
                rejected: s.pipeline.rejects().map(|(k, r, n)| (format!("{} {}", k.as_str(), r.as_str()), n)).collect(),
                quarantine_lost: s.pipeline.quarantine_lost,
                holes: s.pipeline.holes,
                frames: s.pipeline.frames,
                frames_complete: s.pipeline.frames_complete,
            },
            data: s.pipeline.pairs.iter().map(PairData::of).collect(),
            link: s.link.as_deref().map(Link::of),
            services: s.services.iter().map(service).collect(),
            models: s.models.iter().map(Model::of).collect(),
            alerts: s.open_alerts().map(alert).collect(),
            brier: s.brier,
            ece: s.ece,
            matured: s.matured,
            lost: s.lost,
            memory: s.memory,
            cpu: s.cpu,
        }
    }
}
