//! Confidence Gate: Confidence > 80 %, and every clause that must stand beside it.
//!
//! A hit rate alone can be bought with geometry (a near target and a far stop win often and lose money), so the gate is a
//! conjunction: probability, evidence, lift over the no-skill rate, positive expectancy, calibration, and knowing the ground.
//! All clauses are evaluated and written down, also after the first that fails.

use super::check::{check, known};
use super::wording::{number, percent};
use crate::domain::decision::{BlockReason, Station, TraceStep};
use crate::domain::drift::DriftAction;
use crate::domain::reading::Prediction;
use crate::domain::settings::GateSettings;

/// Signal Generated: whether a prediction says anything at all — confidence over the base rate, and a plan that can win.
#[must_use]
pub fn is_signal(prediction: &Prediction, settings: &GateSettings) -> bool {
    lift(prediction) >= settings.signal_lift && prediction.plan.win > 0.0
}

/// Expected net return of the plan, as a share of the notional: `c·win − (1 − c)·loss`.
#[must_use]
pub fn expectancy(prediction: &Prediction) -> f64 {
    let confidence = prediction.confidence.get();
    confidence * prediction.plan.win - (1.0 - confidence) * prediction.plan.loss
}

fn lift(prediction: &Prediction) -> f64 {
    prediction.confidence.get() - prediction.base_rate.get()
}

/// The gate's clauses in order; it is open only if all of them passed.
#[must_use]
pub fn confidence_gate(prediction: &Prediction, settings: &GateSettings) -> Vec<TraceStep> {
    let mut steps = Vec::with_capacity(10);
    steps.push(clause(
        "confidence",
        Some(prediction.confidence.get()),
        format!("> {}", number(settings.threshold)),
        |v| v > settings.threshold,
        BlockReason::LowConfidence,
    ));
    steps.extend(evidence(prediction, settings));
    steps.extend(lift_over_no_skill(prediction, settings));
    steps.extend(positive_expectancy(prediction));
    steps.push(calibration(prediction, settings));
    steps.push(known_ground(prediction));
    steps.push(no_drift(prediction));
    steps
}

/// Past candidates above the gate: enough of them, and good enough.
fn evidence(prediction: &Prediction, settings: &GateSettings) -> [TraceStep; 2] {
    let past = &prediction.evidence;
    let count = clause(
        "evidence count",
        Some(past.n_eff),
        format!("≥ {} effective candidates above the gate", number(settings.min_evidence)),
        |v| v >= settings.min_evidence,
        BlockReason::InsufficientEvidence,
    );
    let rate = clause(
        "evidence hit rate",
        past.hit_rate_lower,
        format!("≥ {} (one-sided 90 % Wilson lower bound)", number(settings.min_hit_rate_lower)),
        |v| v >= settings.min_hit_rate_lower,
        BlockReason::InsufficientEvidence,
    );
    [count.with_note(format!("{} candidates, {:.1} effective", past.n, past.n_eff)), rate]
}

/// Better than the exits' own geometry, now and in the past.
fn lift_over_no_skill(prediction: &Prediction, settings: &GateSettings) -> [TraceStep; 2] {
    let base = prediction.base_rate.get();
    let now = clause(
        "lift",
        Some(lift(prediction)),
        format!("≥ {} over the base rate {base:.3}", number(settings.min_lift)),
        |v| v >= settings.min_lift,
        BlockReason::NoLift,
    );
    let past = clause(
        "evidence lift",
        prediction.evidence.hit_rate_lower.map(|lower| lower - base),
        format!("> 0 (hit-rate lower bound over the base rate {base:.3})"),
        |v| v > 0.0,
        BlockReason::NoLift,
    );
    [now, past]
}

/// Money, not only hits: in the past, and for this plan at this confidence.
fn positive_expectancy(prediction: &Prediction) -> [TraceStep; 2] {
    let past = clause(
        "evidence net return",
        prediction.evidence.mean_net_lower,
        "> 0 (one-sided 90 % lower bound of the mean)",
        |v| v > 0.0,
        BlockReason::NegativeExpectancy,
    );
    let plan = &prediction.plan;
    let now = clause("expectancy", Some(expectancy(prediction)), "> 0", |v| v > 0.0, BlockReason::NegativeExpectancy)
        .with_note(format!("win {}, loss {}, net of costs", percent(plan.win), percent(plan.loss)));
    [past, now]
}

fn calibration(prediction: &Prediction, settings: &GateSettings) -> TraceStep {
    let limit = settings.max_ece + 2.0 * prediction.ece_se;
    let holds = |v: f64| known(limit).is_some_and(|limit| prediction.ece_se >= 0.0 && v <= limit);
    clause(
        "calibration error",
        Some(prediction.ece),
        format!("≤ {limit:.3} ({} + 2 × {:.3})", number(settings.max_ece), prediction.ece_se),
        holds,
        BlockReason::PoorCalibration,
    )
}

fn known_ground(prediction: &Prediction) -> TraceStep {
    let limit = prediction.epistemic_limit;
    clause(
        "epistemic spread",
        Some(prediction.epistemic),
        format!("≤ {limit:.4} (95 % of calibration)"),
        |v| v <= limit,
        BlockReason::OutOfDistribution,
    )
}

fn no_drift(prediction: &Prediction) -> TraceStep {
    let action = prediction.drift;
    let (rung, last) = (f64::from(action.rung()), f64::from(DriftAction::NoGo.rung()));
    let rule = format!("< {last} (NO-GO) on the action ladder");
    clause("model drift", Some(rung), rule, |v| v < last, BlockReason::ModelDrift)
        .with_note(format!("the ladder says: {}", action.as_str()))
}

fn clause(
    name: &str,
    value: Option<f64>,
    rule: impl Into<String>,
    holds: impl FnOnce(f64) -> bool,
    reason: BlockReason,
) -> TraceStep {
    check(Station::Gate, name, value, rule, holds, reason)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decision::specimens;
    use crate::domain::money::Prob;

    fn good() -> Prediction {
        specimens::prediction("BTC/USD", 1, 60_000.0)
    }

    fn judge(prediction: &Prediction) -> Vec<(String, bool, Option<BlockReason>)> {
        confidence_gate(prediction, &GateSettings::default())
            .into_iter()
            .map(|s| (s.name, s.passed, s.reason))
            .collect()
    }

    fn failed(prediction: &Prediction) -> Vec<(String, Option<BlockReason>)> {
        judge(prediction).into_iter().filter(|(_, ok, _)| !ok).map(|(name, _, reason)| (name, reason)).collect()
    }

    fn with_confidence(value: f64) -> Prediction {
        Prediction { confidence: Prob::new(value).unwrap(), base_rate: Prob::new(0.5).unwrap(), ..good() }
    }

    #[test]
    fn a_sound_prediction_passes_every_clause_in_order() {
        let names: Vec<_> = judge(&good()).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(
            names,
            [
                "confidence",
                "evidence count",
                "evidence hit rate",
                "lift",
                "evidence lift",
                "evidence net return",
                "expectancy",
                "calibration error",
                "epistemic spread",
                "model drift"
            ]
        );
        assert_eq!(failed(&good()), []);
    }

    #[test]
    fn exactly_eighty_percent_is_blocked_and_the_next_float_passes() {
        let low =
            |p: f64| failed(&with_confidence(p)).contains(&("confidence".to_owned(), Some(BlockReason::LowConfidence)));
        assert!(low(0.80));
        assert!(low(0.80_f64.next_down()));
        assert!(!low(0.80_f64.next_up()));
    }

    #[test]
    fn each_clause_blocks_alone_with_its_reason() {
        type Spoil = fn(&mut Prediction);
        let cases: [(&str, BlockReason, Spoil); 10] = [
            ("evidence count", BlockReason::InsufficientEvidence, |p| p.evidence.n_eff = 29.999),
            ("evidence hit rate", BlockReason::InsufficientEvidence, |p| p.evidence.hit_rate_lower = Some(0.699)),
            ("lift", BlockReason::NoLift, |p| {
                p.base_rate = Prob::new(0.80).unwrap();
                p.evidence.hit_rate_lower = Some(0.81);
            }),
            ("evidence lift", BlockReason::NoLift, |p| p.base_rate = Prob::new(0.76).unwrap()),
            ("evidence net return", BlockReason::NegativeExpectancy, |p| p.evidence.mean_net_lower = Some(0.0)),
            ("evidence net return", BlockReason::NegativeExpectancy, |p| p.evidence.mean_net_lower = None),
            ("expectancy", BlockReason::NegativeExpectancy, |p| p.plan.win = 0.001),
            ("calibration error", BlockReason::PoorCalibration, |p| p.ece = 0.0701),
            ("epistemic spread", BlockReason::OutOfDistribution, |p| p.epistemic = 0.0801),
            ("model drift", BlockReason::ModelDrift, |p| p.drift = DriftAction::NoGo),
        ];
        for (name, reason, spoil) in cases {
            let mut prediction = good();
            spoil(&mut prediction);
            assert_eq!(failed(&prediction), [(name.to_owned(), Some(reason))]);
        }
    }

    #[test]
    fn no_evidence_blocks_every_clause_about_the_past() {
        let prediction = Prediction { evidence: crate::domain::reading::GateEvidence::default(), ..good() };
        let names: Vec<_> = failed(&prediction).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["evidence count", "evidence hit rate", "evidence lift", "evidence net return"]);
    }

    #[test]
    fn nan_never_opens_the_gate() {
        type Spoil = fn(&mut Prediction);
        let cases: [Spoil; 8] = [
            |p| p.epistemic = f64::NAN,
            |p| p.epistemic_limit = f64::NAN,
            |p| p.ece = f64::NAN,
            |p| p.ece_se = f64::NAN,
            |p| p.ece_se = f64::INFINITY,
            |p| p.plan.loss = f64::NAN,
            |p| p.evidence.n_eff = f64::NAN,
            |p| p.evidence.hit_rate_lower = Some(f64::NAN),
        ];
        for (i, spoil) in cases.into_iter().enumerate() {
            let mut prediction = good();
            spoil(&mut prediction);
            assert_ne!(failed(&prediction), [], "case {i}");
        }
    }

    #[test]
    fn a_signal_needs_lift_and_a_plan_that_can_win() {
        let settings = GateSettings::default();
        assert!(is_signal(&good(), &settings));
        let mut lost = good();
        lost.plan.win = 0.0;
        assert!(!is_signal(&lost, &settings));
        let flat = Prediction { confidence: Prob::new(0.56).unwrap(), ..good() };
        assert!(!is_signal(&flat, &settings), "0.01 over the base rate says nothing");
    }

    proptest! {
        #[test]
        fn the_gate_is_strict_for_every_confidence_and_threshold(c in 0.0_f64..=1.0, threshold in 0.5_f64..0.99) {
            let settings = GateSettings { threshold, ..GateSettings::default() };
            let steps = confidence_gate(&with_confidence(c), &settings);
            prop_assert_eq!(steps[0].passed, c > threshold);
            prop_assert_eq!(steps.len(), 10);
            prop_assert!(steps.iter().all(|s| s.passed != s.reason.is_some()));
        }
    }
}
