//! The drift monitor of one model: rows and outcomes in, a report out.

use serde::{Deserialize, Serialize};

use super::errors::Errors;
use super::inputs::Inputs;
use super::ladder::{Evidence, Ladder, demanded};
use super::reference::DriftReference;
use crate::domain::UtcMs;
use crate::domain::drift::{DriftAction, DriftReport};

/// The features that a prediction was made from, in the order of the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureObservation<'a> {
    /// When it was predicted.
    pub at: UtcMs,
    /// A value that is not finite is no value.
    pub features: &'a [f64],
}

/// What became of a prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaturedOutcome {
    /// When it was known.
    pub at: UtcMs,
    /// Log loss of the confidence.
    pub loss: f64,
    /// Whether the trade failed, when its confidence had passed the gate.
    pub gate_error: Option<bool>,
    /// Whether calibration error and interval coverage are within their bands with this outcome; `None` while too few are known.
    pub calibrated: Option<bool>,
    pub covered: Option<bool>,
}

/// Watches one model. The state is plain JSON; a monitor that is stored and read back goes on bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftMonitor {
    reference: DriftReference,
    inputs: Inputs,
    errors: Errors,
    ladder: Ladder,
    calibrated: Option<bool>,
    covered: Option<bool>,
    at: Option<UtcMs>,
}

impl DriftMonitor {
    /// `streams`: how many models are watched, among which the false alarms of ADWIN are shared out.
    #[must_use]
    pub fn new(reference: DriftReference, streams: u32) -> Self {
        Self {
            inputs: Inputs::new(reference.features().len()),
            errors: Errors::new(reference.loss(), streams),
            reference,
            ladder: Ladder::default(),
            calibrated: None,
            covered: None,
            at: None,
        }
    }

    /// Takes the features of a prediction.
    pub fn observe(&mut self, row: &FeatureObservation<'_>) {
        self.inputs.observe(self.reference.features(), row.at, row.features);
        self.advance(row.at);
    }

    /// Takes a matured outcome.
    pub fn mature(&mut self, outcome: &MaturedOutcome) {
        self.errors.mature(self.reference.loss(), outcome.at, outcome.loss, outcome.gate_error);
        if self.at.is_none_or(|at| outcome.at >= at) || outcome.calibrated == Some(false) {
            self.calibrated = outcome.calibrated.or(self.calibrated);
        }
        if self.at.is_none_or(|at| outcome.at >= at) || outcome.covered == Some(false) {
            self.covered = outcome.covered.or(self.covered);
        }
        self.advance(outcome.at);
    }

    /// The rung that the model stands on.
    #[must_use]
    pub const fn action(&self) -> DriftAction {
        self.ladder.action()
    }

    /// Everything that is known, as of the newest row or outcome.
    #[must_use]
    pub fn report(&self) -> DriftReport {
        let Some(now) = self.at else { return DriftReport::default() };
        let evidence = self.evidence(now);
        let (demanded, mut reasons) = demanded(&evidence);
        let action = self.ladder.action();
        if action > demanded {
            reasons.insert(
                0,
                format!("'{}' still stands: one rung down after each day that demands less", action.as_str()),
            );
        }
        DriftReport {
            at: Some(now),
            action,
            since: self.ladder.since(),
            reasons,
            windows: self.inputs.newest().cloned().collect(),
            alarmed: evidence.alarmed,
            detectors: self.errors.views(now),
            calibrated: self.calibrated,
            covered: self.covered,
            left_out: self.inputs.left_out() + self.errors.left_out(),
        }
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.reference.is_sound() && self.inputs.is_sound(self.reference.features().len()) && self.errors.is_sound()
    }

    fn advance(&mut self, at: UtcMs) {
        let now = self.at.map_or(at, |known| known.max(at));
        self.at = Some(now);
        // A window ends by the clock of the data, whether or not a row comes after it.
        self.inputs.close_before(self.reference.features(), now);
        let (action, _) = demanded(&self.evidence(now));
        self.ladder.take(action, now);
    }

    fn evidence(&self, now: UtcMs) -> Evidence {
        let name = |place: usize| self.reference.features().get(place).map(|f| f.feature().to_owned());
        let standing = self.errors.views(now).into_iter().filter(|view| view.standing).map(|view| view.detector);
        Evidence {
            features: self.reference.features().len(),
            alarmed: self.inputs.alarmed().into_iter().filter_map(name).collect(),
            standing: standing.collect(),
            calibrated: self.calibrated,
            covered: self.covered,
        }
    }
}
