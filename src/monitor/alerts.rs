//! Alert rules: what a person should see, raised once when it becomes true and again only after it has been false.

use std::collections::BTreeSet;

use super::grades::{Overconfidence, Reports, has_model};
use crate::domain::agent::{AgentKind, AgentState};
use crate::domain::alert::Severity;
use crate::domain::error::ErrorClass;
use crate::domain::event::HealthRequest;
use crate::domain::message::IngestStatus;
use crate::domain::time::{HOUR_MS, MINUTE_MS};

/// Something that is true now. `key` names the condition, not its numbers: it is what makes a finding new or old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertFinding {
    pub key: String,
    pub severity: Severity,
    pub class: Option<ErrorClass>,
    pub source: String,
    /// What happened, why, and what to do.
    pub text: String,
}

fn finding(
    key: impl Into<String>,
    severity: Severity,
    class: Option<ErrorClass>,
    source: &str,
    text: impl Into<String>,
) -> AlertFinding {
    AlertFinding { key: key.into(), severity, class, source: source.to_owned(), text: text.into() }
}

/// Which findings are known already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertBook {
    active: BTreeSet<String>,
}

impl AlertBook {
    /// The findings that were not true the last time; what is no longer true may be raised again.
    pub fn new_ones(&mut self, findings: Vec<AlertFinding>) -> Vec<AlertFinding> {
        let now: BTreeSet<String> = findings.iter().map(|f| f.key.clone()).collect();
        let mut seen = std::mem::replace(&mut self.active, now);
        findings.into_iter().filter(|f| seen.insert(f.key.clone())).collect()
    }
}

/// Pairs without complete data, old data, new holes and new rejects (against the report before).
#[must_use]
pub fn data_alerts(now: &IngestStatus, before: Option<&IngestStatus>) -> Vec<AlertFinding> {
    let class = Some(ErrorClass::Data);
    let mut found = Vec::new();
    let mut warn = |key: &str, text: String| found.push(finding(key, Severity::Warning, class, "data", text));
    if now.pairs_complete < now.pairs {
        let missing = now.pairs - now.pairs_complete;
        warn(
            "incomplete",
            format!("{missing} of {} pairs have no complete data; nothing is entered in them", now.pairs),
        );
    }
    if now.max_age_ms >= HOUR_MS {
        let minutes = now.max_age_ms / MINUTE_MS;
        warn("age", format!("the oldest source is {minutes} min behind; check the source of the data"));
    }
    if let Some(before) = before {
        let holes = now.holes.saturating_sub(before.holes);
        if holes > 0 {
            warn("holes", format!("{holes} new holes in the data within a day; the windows of those pairs start anew"));
        }
        let rejected = now.rejected.saturating_sub(before.rejected);
        if rejected > 0 {
            warn(
                "rejected",
                format!("{rejected} rows were refused and quarantined within a day; Health shows the reasons"),
            );
        }
    }
    found
}

/// Agents in Error or Failed, and agents that did not answer.
#[must_use]
pub fn agent_alerts(request: &HealthRequest) -> Vec<AlertFinding> {
    let mut found = Vec::new();
    for kind in AgentKind::ALL {
        let state = request.agents.iter().find(|(k, ..)| *k == kind).map(|(_, state, errors)| (*state, *errors));
        let missed = request.missed.iter().find(|(k, _)| *k == kind).map(|(_, why)| why);
        let class = Some(ErrorClass::System);
        match (state, missed) {
            (Some((AgentState::Failed, errors)), _) => found.push(finding(
                format!("failed {kind}"),
                Severity::Critical,
                class,
                kind.as_str(),
                format!("{kind} has failed after {errors} errors; restart it from the agents screen"),
            )),
            (Some((AgentState::Error, errors)), _) => found.push(finding(
                format!("error {kind}"),
                Severity::Warning,
                class,
                kind.as_str(),
                format!("{kind} is in error ({errors} so far) and recovers by itself; watch it"),
            )),
            (_, Some(why)) => found.push(finding(
                format!("missed {kind}"),
                Severity::Warning,
                class,
                kind.as_str(),
                format!("{kind} did not answer: {why}; the cycle went on without it"),
            )),
            _ => {}
        }
    }
    found
}

/// No model speaks.
#[must_use]
pub fn model_alerts(reports: &Reports<'_>) -> Vec<AlertFinding> {
    let speaks = reports.model.is_some_and(has_model);
    if speaks {
        return Vec::new();
    }
    let text = "no model speaks: nothing can be predicted or entered; train one with `cst train`";
    vec![finding("no model", Severity::Warning, Some(ErrorClass::Model), "models", text)]
}

/// Confidence that does not keep its word.
#[must_use]
pub fn calibration_alerts(live: Option<Overconfidence>) -> Vec<AlertFinding> {
    live.filter(|o| o.gap > o.allowed)
        .map(|o| {
            let text = format!(
                "confidence lies {:.3} above the hit rate, {:.3} is allowed; do not trust it, retrain",
                o.gap, o.allowed
            );
            finding("overconfident", Severity::Warning, Some(ErrorClass::Model), "calibration", text)
        })
        .into_iter()
        .collect()
}

/// Limits of the main account that are tripped, one finding each.
#[must_use]
pub fn risk_alerts(reports: &Reports<'_>) -> Vec<AlertFinding> {
    let tripped = reports.risk.map(|r| r.tripped.as_slice()).unwrap_or_default();
    let raise = |name: &String| {
        let text = format!("the limit on {name} is reached: no new entries; exits go on");
        finding(format!("limit {name}"), Severity::Critical, None, "risk", text)
    };
    tripped.iter().map(raise).collect()
}

/// A score below the floor.
#[must_use]
pub fn health_alerts(score: f64, floor: f64, worst: Option<&str>) -> Vec<AlertFinding> {
    if score >= floor {
        return Vec::new();
    }
    let worst = worst.unwrap_or("unknown");
    let text = format!("health {score:.2} is below {floor:.2} (worst: {worst}): no new entries until it recovers");
    vec![finding("unwell", Severity::Critical, Some(ErrorClass::System), "health", text)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(findings: &[AlertFinding]) -> Vec<&str> {
        findings.iter().map(|f| f.key.as_str()).collect()
    }

    fn one(key: &str) -> AlertFinding {
        finding(key, Severity::Warning, None, "x", "y")
    }

    #[test]
    fn a_finding_is_raised_once_until_it_has_gone() {
        let mut book = AlertBook::default();
        assert_eq!(keys(&book.new_ones(vec![one("a")])), ["a"]);
        assert!(book.new_ones(vec![one("a")]).is_empty());
        assert_eq!(keys(&book.new_ones(vec![one("a"), one("b"), one("b")])), ["b"]);
        assert!(book.new_ones(Vec::new()).is_empty());
        assert_eq!(keys(&book.new_ones(vec![one("a")])), ["a"]);
    }

    #[test]
    fn data_findings() {
        let sound = IngestStatus { pairs: 7, pairs_complete: 7, holes: 2, rejected: 3, ..IngestStatus::default() };
        assert!(data_alerts(&sound, Some(&sound)).is_empty());
        assert!(data_alerts(&sound, None).is_empty());
        let worse = IngestStatus { pairs_complete: 6, holes: 3, rejected: 4, max_age_ms: HOUR_MS, ..sound.clone() };
        assert_eq!(keys(&data_alerts(&worse, Some(&sound))), ["incomplete", "age", "holes", "rejected"]);
    }

    #[test]
    fn overconfidence_is_a_finding_only_beyond_what_is_allowed() {
        assert!(calibration_alerts(None).is_empty());
        assert!(calibration_alerts(Some(Overconfidence { gap: 0.1, allowed: 0.1 })).is_empty());
        assert_eq!(keys(&calibration_alerts(Some(Overconfidence { gap: 0.11, allowed: 0.1 }))), ["overconfident"]);
    }

    #[test]
    fn a_score_at_the_floor_is_well() {
        assert!(health_alerts(0.5, 0.5, None).is_empty());
        assert_eq!(keys(&health_alerts(0.49, 0.5, Some("data"))), ["unwell"]);
        assert_eq!(keys(&health_alerts(f64::NAN, 0.5, None)), ["unwell"]);
    }
}
