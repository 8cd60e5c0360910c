//! GO/NO-GO: every gate must be GO before real money could be traded. What is not known here is a NO.
//!
//! This version trades on paper only; the gates of the exchange link say so instead of being left out, so that nobody takes a
//! short list for a clean one.

use super::grades::{MIN_MATURED, Reports, has_model, overconfidence};
use super::performance::wilson_lower;
use crate::domain::drift::DriftAction;
use crate::domain::event::{GoNoGo, HealthRequest};
use crate::domain::settings::{GateSettings, PipelineSettings};
use crate::domain::time::{DAY_MS, MINUTE_MS};

/// One-sided 90 %.
const Z90: f64 = 1.2816;
/// Length of a source bar that the recording has, in minutes.
const SOURCE_BAR_MINUTES: i64 = 5;
/// Days after its last label from which a model is too old.
const MODEL_DAYS: i64 = 14;
const PAPER_DAYS: u32 = 30;
const PAPER_TRADES: u64 = 30;
const ABSENT: &str = "not part of this version";

/// All gates, in a fixed order.
#[must_use]
pub fn gates(
    request: &HealthRequest,
    reports: &Reports<'_>,
    gate: &GateSettings,
    pipeline: &PipelineSettings,
) -> Vec<GoNoGo> {
    let mut gates = data(reports, pipeline);
    gates.extend(model(reports, gate));
    gates.push(age(request));
    gates.push(drift(request));
    gates.extend(record(request, gate));
    gates.push(risk(reports));
    gates.push(of("trading not halted", request.halted.is_none(), halted(request), "not halted"));
    gates.extend(live_link());
    gates
}

fn of(name: &str, go: bool, value: impl Into<String>, threshold: impl Into<String>) -> GoNoGo {
    GoNoGo { name: name.to_owned(), go, value: value.into(), threshold: threshold.into() }
}

fn unknown(name: &str, threshold: &str) -> GoNoGo {
    of(name, false, "unknown", threshold)
}

fn halted(request: &HealthRequest) -> String {
    request.halted.clone().unwrap_or_else(|| "no".to_owned())
}

fn data(reports: &Reports<'_>, pipeline: &PipelineSettings) -> Vec<GoNoGo> {
    let limit = i64::from(pipeline.quiet_bars_max) * SOURCE_BAR_MINUTES;
    let (complete, age) = match reports.ingest {
        None => (unknown("data complete", "all pairs"), unknown("data age", &format!("≤ {limit} min"))),
        Some(s) => (
            of(
                "data complete",
                s.pairs > 0 && s.pairs_complete == s.pairs,
                format!("{} of {} pairs", s.pairs_complete, s.pairs),
                "all pairs",
            ),
            of(
                "data age",
                (0..=limit * MINUTE_MS).contains(&s.max_age_ms),
                format!("{} min", s.max_age_ms / MINUTE_MS),
                format!("≤ {limit} min"),
            ),
        ),
    };
    vec![complete, age, of("clock skew", false, "not measured on recorded data", "< 500 ms")]
}

fn model(reports: &Reports<'_>, gate: &GateSettings) -> Vec<GoNoGo> {
    let threshold = format!("≤ {} out of sample", gate.max_ece);
    let calibration = match reports.model.filter(|m| has_model(m)) {
        None => unknown("model calibration", &threshold),
        Some(m) => of("model calibration", m.ece <= gate.max_ece, format!("ECE {:.3}", m.ece), threshold),
    };
    vec![calibration, of("overfit tests", false, ABSENT, "deflated Sharpe, backtest overfitting")]
}

/// The oldest model in use, by the last label that it learned from.
fn age(request: &HealthRequest) -> GoNoGo {
    let rule = format!("< {MODEL_DAYS} days");
    let Some(oldest) = request.in_use.iter().min_by_key(|m| m.data_to) else { return unknown("model age", &rule) };
    let days = request.at.since(oldest.data_to).div_euclid(DAY_MS);
    of("model age", days < MODEL_DAYS, format!("{days} days ({})", oldest.horizon), rule)
}

/// The worst rung of the action ladder over the models in use; a model of which nothing has matured is not known.
fn drift(request: &HealthRequest) -> GoNoGo {
    const RULE: &str = "below 'retrain candidate', judged by matured outcomes";
    let Some(worst) = request.in_use.iter().max_by_key(|m| m.drift) else { return unknown("drift", RULE) };
    let unjudged: Vec<String> = request.in_use.iter().filter(|m| !m.judged).map(|m| m.horizon.to_string()).collect();
    if worst.drift >= DriftAction::RetrainCandidate || unjudged.is_empty() {
        let go = worst.drift < DriftAction::RetrainCandidate;
        return of("drift", go, format!("{} ({})", worst.drift.as_str(), worst.horizon), RULE);
    }
    of("drift", false, format!("nothing has matured of {}", unjudged.join(", ")), RULE)
}

/// What the confidence was worth since the start.
fn record(request: &HealthRequest, gate: &GateSettings) -> Vec<GoNoGo> {
    let live = match overconfidence(&request.matured, gate) {
        None => of(
            "live calibration",
            false,
            format!("{} matured", request.matured.len()),
            format!("≥ {MIN_MATURED} matured decisions"),
        ),
        Some(o) => of(
            "live calibration",
            o.gap <= o.allowed,
            format!("{:+.3}", o.gap),
            format!("confidence over hit rate ≤ {:.3}", o.allowed),
        ),
    };
    let above: Vec<bool> = request.matured.iter().filter(|(c, _)| *c > gate.threshold).map(|(_, won)| *won).collect();
    let (n, hits) = (above.len() as f64, above.iter().filter(|won| **won).count() as f64);
    let lower = wilson_lower(hits, n, Z90);
    let evidence = of(
        "gate evidence",
        n >= gate.min_evidence && lower.is_some_and(|l| l >= gate.min_hit_rate_lower),
        lower.map_or_else(|| "none above the gate".to_owned(), |l| format!("{hits} of {n} won, at least {l:.2}")),
        format!("≥ {} above {}, rate ≥ {}", gate.min_evidence, gate.threshold, gate.min_hit_rate_lower),
    );
    let closed = request.main.state.trades_closed;
    let paper = of(
        "paper record",
        false,
        format!("{closed} closed trades; days and parity are not followed in this version"),
        format!("≥ {PAPER_DAYS} days, ≥ {PAPER_TRADES} trades, parity with the backtest"),
    );
    vec![live, evidence, paper]
}

fn risk(reports: &Reports<'_>) -> GoNoGo {
    match reports.risk {
        None => unknown("risk limits", "none tripped"),
        Some(usage) if usage.tripped.is_empty() => of("risk limits", true, "none tripped", "none tripped"),
        Some(usage) => of("risk limits", false, usage.tripped.join(", "), "none tripped"),
    }
}

/// The gates of trading with real money, none of which this version can open.
fn live_link() -> Vec<GoNoGo> {
    [
        ("reconciliation", "positions match the exchange"),
        ("execution health", "rejects < 2 %, p99 order latency < 2 s"),
        ("exchange keys", "present, without the right to withdraw"),
        ("dead-man switch", "armed at the exchange"),
        ("configuration unchanged", "hash as at the last approval"),
        ("human confirmation", "given for this session"),
    ]
    .map(|(name, threshold)| of(name, false, ABSENT, threshold))
    .to_vec()
}
