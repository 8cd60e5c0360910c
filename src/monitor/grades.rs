//! Component grades and how they make one score: data, agents, models, risk, calibration.
//!
//! Each grade is 0..=1 with a note in words. The score is the mean of the grades and their minimum, each at half weight: one
//! part in ruins is not averaged away by four good ones. What has not been reported is graded 0.

use super::performance::hit_rate;
use crate::domain::agent::{AgentKind, AgentState};
use crate::domain::event::{ComponentHealth, HealthRequest};
use crate::domain::message::{IngestStatus, Message, ModelStatus, RiskUse, WorkStatus};
use crate::domain::settings::GateSettings;

/// Matured decisions below which the live record says nothing.
pub const MIN_MATURED: usize = 30;
/// Signals come hourly and look up to a day ahead: about this many of them share one outcome.
const OVERLAP: f64 = 24.0;
/// Grade of risk while one of the account's limits is tripped.
const TRIPPED: f64 = 0.3;
/// Use of a limit from which the grade of risk falls.
const NEAR_LIMIT: f64 = 0.8;

/// What was reported in this cycle, newest of each kind.
#[derive(Debug, Default)]
pub struct Reports<'a> {
    pub ingest: Option<&'a IngestStatus>,
    pub sentiment: Option<&'a WorkStatus>,
    pub technical: Option<&'a WorkStatus>,
    pub model: Option<&'a ModelStatus>,
    pub risk: Option<&'a RiskUse>,
    pub allocation: Option<&'a crate::domain::message::AllocationStatus>,
}

impl<'a> Reports<'a> {
    /// Sorts the inbox; also gives the names of the messages that were read.
    #[must_use]
    pub fn read(messages: &'a [Message]) -> (Self, Vec<String>) {
        let mut reports = Self::default();
        let mut names = std::collections::BTreeSet::new();
        for message in messages {
            match message {
                Message::CollectorToHealth(status) => reports.ingest = Some(status),
                Message::SentimentToHealth(status) => reports.sentiment = Some(status),
                Message::TechnicalToHealth(status) => reports.technical = Some(status),
                Message::PredictorToHealth(status) => reports.model = Some(status),
                Message::RiskToHealth(usage) => reports.risk = Some(usage),
                Message::OptimizerToHealth(status) => reports.allocation = Some(status),
                _ => continue,
            }
            names.insert(message.name().to_owned());
        }
        (reports, names.into_iter().collect())
    }
}

/// Whether a model stands behind the status.
#[must_use]
pub fn has_model(status: &ModelStatus) -> bool {
    !status.model.is_empty() && status.model != "none"
}

/// The five components, in a fixed order.
#[must_use]
pub fn components(request: &HealthRequest, reports: &Reports<'_>, gate: &GateSettings) -> Vec<ComponentHealth> {
    vec![
        data(reports.ingest),
        agents(request, reports),
        models(reports.model),
        risk(reports.risk),
        calibration(&request.matured, reports.model, gate),
    ]
}

/// Half the mean of the grades plus half their minimum; 0 without any.
#[must_use]
pub fn overall(components: &[ComponentHealth]) -> f64 {
    let worst = components.iter().map(|c| c.score).fold(f64::INFINITY, f64::min);
    let mean = components.iter().map(|c| c.score).sum::<f64>() / components.len() as f64;
    if components.is_empty() { 0.0 } else { (mean + worst) / 2.0 }
}

fn grade(name: &str, score: f64, note: String) -> ComponentHealth {
    // NaN clamps to NaN, and an unknown grade is none.
    let score = if score.is_finite() { score.clamp(0.0, 1.0) } else { 0.0 };
    ComponentHealth { name: name.to_owned(), score, note }
}

/// Share of pairs with complete data.
fn data(ingest: Option<&IngestStatus>) -> ComponentHealth {
    let Some(s) = ingest else { return grade("data", 0.0, "the Data Collector has not reported".to_owned()) };
    let share = if s.pairs == 0 { 0.0 } else { f64::from(s.pairs_complete) / f64::from(s.pairs) };
    let note = format!(
        "{} of {} pairs complete, {} rows taken, {} rejected, {} holes",
        s.pairs_complete, s.pairs, s.ingested, s.rejected, s.holes
    );
    grade("data", share, note)
}

/// Grade of one agent: its state, halved when it missed the cycle. An agent whose state nobody reports is judged by whether
/// it answered.
#[must_use]
pub fn agent_score(request: &HealthRequest, kind: AgentKind) -> f64 {
    let state = request.agents.iter().find(|(k, ..)| *k == kind).map(|(_, state, _)| *state);
    let by_state = match state {
        None | Some(AgentState::Running | AgentState::Processing) => 1.0,
        Some(AgentState::Initialized | AgentState::Starting | AgentState::Paused) => 0.5,
        Some(AgentState::Error | AgentState::Stopping) => 0.25,
        Some(AgentState::Failed | AgentState::Stopped) => 0.0,
    };
    if request.missed.iter().any(|(k, _)| *k == kind) { by_state / 2.0 } else { by_state }
}

fn agents(request: &HealthRequest, reports: &Reports<'_>) -> ComponentHealth {
    let scores = AgentKind::ALL.map(|kind| agent_score(request, kind));
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let weak: Vec<&str> = AgentKind::ALL.iter().zip(scores).filter(|(_, s)| *s < 1.0).map(|(k, _)| k.short()).collect();
    let work = |name: &str, status: Option<&WorkStatus>| {
        status.map_or_else(|| format!("{name} silent"), |s| format!("{name} judged {} of {}", s.judged, s.given))
    };
    let allocation = reports.allocation.map_or_else(
        || "optimizer silent".to_owned(),
        |a| format!("optimizer gave {} of {} candidates a share", a.allocated, a.candidates),
    );
    let state = if weak.is_empty() { "all well".to_owned() } else { format!("not well: {}", weak.join(", ")) };
    let note = format!(
        "{state}; {}; {}; {allocation}",
        work("technical", reports.technical),
        work("sentiment", reports.sentiment)
    );
    grade("agents", mean, note)
}

/// A model spoke; half when it made no prediction.
fn models(status: Option<&ModelStatus>) -> ComponentHealth {
    let Some(s) = status.filter(|s| has_model(s)) else {
        return grade("models", 0.0, "no model has reported; train one with `cst train`".to_owned());
    };
    let note = format!("{}: {} predictions, {} abstained", s.model, s.predicted, s.abstained);
    grade("models", if s.predicted == 0 { 0.5 } else { 1.0 }, note)
}

fn risk(usage: Option<&RiskUse>) -> ComponentHealth {
    let Some(u) = usage else { return grade("risk", 0.0, "the Risk Manager has not reported".to_owned()) };
    if !u.tripped.is_empty() {
        return grade("risk", TRIPPED, format!("tripped: {}", u.tripped.join(", ")));
    }
    let most = u.exposure.max(u.daily_loss).max(u.drawdown);
    let score = 1.0 - (most - NEAR_LIMIT).max(0.0) / (1.0 - NEAR_LIMIT) / 2.0;
    let note = format!(
        "limits in use: exposure {:.0} %, daily loss {:.0} %, drawdown {:.0} %",
        u.exposure * 100.0,
        u.daily_loss * 100.0,
        u.drawdown * 100.0
    );
    grade("risk", score, note)
}

/// How far the mean confidence of matured decisions lies above their hit rate, and how much of that chance would explain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overconfidence {
    /// Mean confidence − hit rate; positive is overconfident.
    pub gap: f64,
    /// Calibration error that is allowed, plus two standard errors on the effective number.
    pub allowed: f64,
}

/// The live record against its own promise; `None` below [`MIN_MATURED`] decisions.
#[must_use]
pub fn overconfidence(matured: &[(f64, bool)], gate: &GateSettings) -> Option<Overconfidence> {
    if matured.len() < MIN_MATURED {
        return None;
    }
    let n = matured.len() as f64;
    let mean = matured.iter().map(|(c, _)| c).sum::<f64>() / n;
    let variance = matured.iter().map(|(c, _)| c * (1.0 - c)).sum::<f64>() / n;
    let se = (variance / (n / OVERLAP).max(1.0)).sqrt();
    Some(Overconfidence { gap: mean - hit_rate(matured)?, allowed: gate.max_ece + 2.0 * se })
}

/// Full while confidence keeps its word, falling to 0 at four times what is allowed. Before there is a live record the
/// model's own out-of-sample calibration error counts.
fn calibration(matured: &[(f64, bool)], model: Option<&ModelStatus>, gate: &GateSettings) -> ComponentHealth {
    let falling = |value: f64, allowed: f64| 1.0 - (value - allowed).max(0.0) / (3.0 * allowed);
    if let Some(o) = overconfidence(matured, gate) {
        let note =
            format!("{} matured: confidence over hit rate by {:+.3}, allowed {:.3}", matured.len(), o.gap, o.allowed);
        return grade("calibration", falling(o.gap, o.allowed), note);
    }
    match model.filter(|m| has_model(m)) {
        Some(m) => {
            let note = format!("{} matured, too few; out-of-sample calibration error {:.3}", matured.len(), m.ece);
            grade("calibration", falling(m.ece, gate.max_ece), note)
        }
        None => grade("calibration", 0.0, "neither matured decisions nor a model".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(score: f64) -> ComponentHealth {
        grade("x", score, String::new())
    }

    #[test]
    fn one_ruin_is_not_averaged_away() {
        let mut all = vec![component(1.0); 4];
        all.push(component(0.0));
        assert!((overall(&all) - 0.4).abs() < 1e-12);
        assert_eq!(overall(&[]), 0.0);
        assert_eq!(overall(&vec![component(1.0); 5]), 1.0);
        assert_eq!(component(f64::NAN).score, 0.0);
    }

    #[test]
    fn nothing_reported_is_graded_zero() {
        for c in [data(None), models(None), risk(None), calibration(&[], None, &GateSettings::default())] {
            assert_eq!(c.score, 0.0, "{}", c.name);
        }
        assert_eq!(data(Some(&IngestStatus::default())).score, 0.0);
    }

    #[test]
    fn risk_falls_near_its_limits() {
        let at = |exposure| risk(Some(&RiskUse { exposure, ..RiskUse::default() })).score;
        assert_eq!(at(0.5), 1.0);
        assert_eq!(at(0.8), 1.0);
        assert!((at(0.9) - 0.75).abs() < 1e-12);
        let tripped = RiskUse { tripped: vec!["loss today".to_owned()], ..RiskUse::default() };
        assert_eq!(risk(Some(&tripped)).score, TRIPPED);
    }

    #[test]
    fn overconfidence_is_told_from_bad_luck() {
        let gate = GateSettings::default();
        let record = |n: usize, wins: usize| (0..n).map(|i| (0.8, i < wins)).collect::<Vec<_>>();
        assert_eq!(overconfidence(&record(29, 0), &gate), None);
        let unlucky = overconfidence(&record(48, 30), &gate).unwrap();
        assert!(unlucky.gap > 0.17 && unlucky.gap < unlucky.allowed, "two days of outcomes prove little");
        let wrong = overconfidence(&record(2_000, 1_200), &gate).unwrap();
        assert!(wrong.gap > wrong.allowed);
        assert!(calibration(&record(2_000, 1_200), None, &gate).score < 1.0);
        assert_eq!(calibration(&record(2_000, 1_700), None, &gate).score, 1.0, "too modest is not penalised");
    }

    #[test]
    fn a_model_that_predicts_nothing_is_half_a_model() {
        let status = |predicted, abstained| ModelStatus {
            model: "h24-7".to_owned(),
            brier: 0.2,
            ece: 0.03,
            predicted,
            abstained,
        };
        assert_eq!(models(Some(&status(7, 2))).score, 1.0);
        assert_eq!(models(Some(&status(0, 7))).score, 0.5);
        let none = ModelStatus { model: "none".to_owned(), ..status(7, 0) };
        assert_eq!(models(Some(&none)).score, 0.0);
        assert_eq!(calibration(&[], Some(&none), &GateSettings::default()).score, 0.0);
        assert_eq!(models(Some(&ModelStatus::default())).score, 0.0);
        assert_eq!(calibration(&[], Some(&status(7, 0)), &GateSettings::default()).score, 1.0);
    }
}
