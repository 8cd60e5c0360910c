//! The gate's six clauses as figures: what each one measured, what it needs, and whether it holds.
//!
//! The engine decides; this says, for the same facts, every value beside its limit, so that a report or a test needs no second
//! definition. What is not known does not hold.

use crate::domain::reading::GateEvidence;
use crate::domain::settings::GateSettings;
use crate::ml::binomial::RateInBand;

/// One measured figure beside its limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    pub name: &'static str,
    /// `None` where nothing is known.
    pub value: Option<f64>,
    pub limit: f64,
    pub holds: bool,
}

impl Figure {
    fn new(name: &'static str, value: Option<f64>, limit: f64, holds: impl FnOnce(f64, f64) -> bool) -> Self {
        let value = value.filter(|v| v.is_finite());
        let holds = limit.is_finite() && value.is_some_and(|v| holds(v, limit));
        Self { name, value, limit, holds }
    }

    fn above(name: &'static str, value: Option<f64>, limit: f64) -> Self {
        Self::new(name, value, limit, |v, l| v > l)
    }

    fn at_least(name: &'static str, value: Option<f64>, limit: f64) -> Self {
        Self::new(name, value, limit, |v, l| v >= l)
    }

    fn at_most(name: &'static str, value: Option<f64>, limit: f64) -> Self {
        Self::new(name, value, limit, |v, l| v <= l)
    }
}

/// Clause 1: the calibrated probability.
#[must_use]
pub fn confidence(confidence: f64, settings: &GateSettings) -> Figure {
    Figure::above("confidence", Some(confidence), settings.threshold)
}

/// Clause 2: enough past candidates above the gate, and good enough ones.
#[must_use]
pub fn calibration_evidence(past: &GateEvidence, settings: &GateSettings) -> [Figure; 2] {
    [
        Figure::at_least("effective candidates", Some(past.n_eff), settings.min_evidence),
        Figure::at_least("hit rate, lower bound", past.hit_rate_lower, settings.min_hit_rate_lower),
    ]
}

/// Clause 3: better than the exits' own geometry, now and in the past. `base` is the training frequency of the exit plan, or the
/// driftless formula if that is larger.
#[must_use]
pub fn lift(confidence: f64, base: f64, past: &GateEvidence, settings: &GateSettings) -> [Figure; 2] {
    [
        Figure::at_least("lift", Some(confidence - base), settings.min_lift),
        Figure::above("hit rate over base, lower bound", past.hit_rate_lower.map(|l| l - base), 0.0),
    ]
}

/// Clause 4: money in the past (one-sided 90 % block-bootstrap bound), and by the current model's net mean after shrinkage.
#[must_use]
pub fn expectancy(past: &GateEvidence, net_mean: Option<f64>) -> [Figure; 2] {
    [
        Figure::above("mean net return, lower bound", past.mean_net_lower, 0.0),
        Figure::above("expected net return", net_mean, 0.0),
    ]
}

/// Clause 5: the one-sided 80 % conformal lower bound of the plan's net return ([`NetBound`](crate::ml::conformal::net::NetBound)). `None`
/// when no return model exists for the plan: then there is nothing to check.
#[must_use]
pub fn net_bound(has_return_model: bool, lower: Option<f64>) -> Option<Figure> {
    has_return_model.then(|| Figure::above("net return, conformal lower bound", lower, 0.0))
}

/// What clause 6 looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Health {
    /// Of the last 250 matured intervals; `None` when there are none yet.
    pub coverage: Option<RateInBand>,
    /// Expected calibration error and its standard error.
    pub ece: f64,
    pub ece_se: f64,
    /// Distance of the row from the training rows, and its 99 % quantile there.
    pub distance: Option<f64>,
    pub distance_limit: f64,
    /// Disagreement of the members, and its 95 % quantile over calibration.
    pub epistemic: f64,
    pub epistemic_limit: f64,
}

/// Clause 6, as far as the model can say: coverage within its band (two figures, one for each edge), calibration error, ground that is
/// known, members that agree. Drift and the data's freshness are others' concern.
#[must_use]
pub fn health(health: &Health, settings: &GateSettings) -> [Figure; 5] {
    let rate = health.coverage.map(|c| c.rate);
    let (low, high) = health.coverage.map_or((f64::NAN, f64::NAN), |c| c.band);
    // An error without a sound standard error has no limit.
    let slack = if health.ece_se >= 0.0 { 2.0 * health.ece_se } else { f64::NAN };
    [
        Figure::at_least("coverage over its lower edge", rate, low),
        Figure::at_most("coverage under its upper edge", rate, high),
        Figure::at_most("calibration error", Some(health.ece), settings.max_ece + slack),
        Figure::at_most("distance from training", health.distance, health.distance_limit),
        Figure::at_most("members' disagreement", Some(health.epistemic), health.epistemic_limit),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past() -> GateEvidence {
        GateEvidence {
            n: 200,
            n_eff: 60.0,
            hit_rate: Some(0.85),
            hit_rate_lower: Some(0.78),
            mean_net: Some(0.01),
            mean_net_lower: Some(0.002),
        }
    }

    fn sound() -> Health {
        Health {
            coverage: Some(RateInBand { rate: 0.78, n_eff: 90.0, band: (0.68, 0.9) }),
            ece: 0.06,
            ece_se: 0.01,
            distance: Some(4.0),
            distance_limit: 6.0,
            epistemic: 0.03,
            epistemic_limit: 0.05,
        }
    }

    #[test]
    fn good_figures_hold_and_each_bad_one_fails_alone() {
        let settings = GateSettings::default();
        assert!(confidence(0.85, &settings).holds && !confidence(0.80, &settings).holds);
        assert!(calibration_evidence(&past(), &settings).iter().all(|f| f.holds));
        assert!(lift(0.85, 0.7, &past(), &settings).iter().all(|f| f.holds));
        assert!(expectancy(&past(), Some(0.003)).iter().all(|f| f.holds));
        assert!(health(&sound(), &settings).iter().all(|f| f.holds));
        type Spoil = fn(&mut Health);
        let cases: [(usize, Spoil); 7] = [
            (0, |h| h.coverage = h.coverage.map(|c| RateInBand { rate: 0.6, ..c })),
            (1, |h| h.coverage = h.coverage.map(|c| RateInBand { rate: 0.95, ..c })),
            (2, |h| h.ece = 0.0701),
            (2, |h| h.ece_se = f64::NAN),
            (3, |h| h.distance = Some(6.1)),
            (3, |h| h.distance = None),
            (4, |h| h.epistemic = f64::NAN),
        ];
        for (place, spoil) in cases {
            let mut spoiled = sound();
            spoil(&mut spoiled);
            let figures = health(&spoiled, &settings);
            let failed: Vec<usize> = figures.iter().enumerate().filter(|(_, f)| !f.holds).map(|(i, _)| i).collect();
            assert_eq!(failed, [place]);
        }
    }

    #[test]
    fn what_is_not_known_does_not_hold() {
        let (settings, none) = (GateSettings::default(), GateEvidence::default());
        assert!(calibration_evidence(&none, &settings).iter().all(|f| !f.holds));
        assert!(!lift(0.85, 0.7, &none, &settings)[1].holds);
        assert!(expectancy(&none, None).iter().all(|f| !f.holds));
        let blind = health(&Health { coverage: None, ..sound() }, &settings);
        assert!(!blind[0].holds && !blind[1].holds);
        assert_eq!(net_bound(false, None), None);
        assert!(net_bound(true, None).is_some_and(|f| !f.holds));
        assert!(net_bound(true, Some(0.001)).is_some_and(|f| f.holds));
        assert!(net_bound(true, Some(0.0)).is_some_and(|f| !f.holds));
    }
}
