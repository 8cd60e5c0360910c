//! What is said of a model's drift: of its inputs, of how well it does, and what follows.

use serde::{Deserialize, Serialize};

use super::time::UtcMs;

/// The rungs of the action ladder, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftAction {
    #[default]
    None,
    /// Tell a person.
    Warn,
    /// Train a candidate that runs in the shadow; it never promotes itself.
    RetrainCandidate,
    /// New entries at half their size.
    HalveSize,
    /// No new entries.
    NoGo,
}

impl DriftAction {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Warn => "warn",
            Self::RetrainCandidate => "retrain candidate",
            Self::HalveSize => "halve size",
            Self::NoGo => "NO-GO",
        }
    }

    /// Its number: 0 for none, 4 for NO-GO.
    #[must_use]
    pub const fn rung(self) -> u8 {
        self as u8
    }

    /// One rung down.
    #[must_use]
    pub const fn lower(self) -> Self {
        match self {
            Self::None | Self::Warn => Self::None,
            Self::RetrainCandidate => Self::Warn,
            Self::HalveSize => Self::RetrainCandidate,
            Self::NoGo => Self::HalveSize,
        }
    }
}

/// Length of a window of inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftSpan {
    Day,
    Week,
}

impl DriftSpan {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
        }
    }
}

/// What one window says of one feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureVerdict {
    /// Too few independent values to say anything.
    NotJudged,
    Stable,
    /// More than chance, but too small to matter.
    Small,
    /// More than chance and large, in this window alone.
    Flagged,
    /// In two windows in a row, and until two in a row are without it.
    Alarm,
}

impl FeatureVerdict {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJudged => "not judged",
            Self::Stable => "stable",
            Self::Small => "small",
            Self::Flagged => "flagged",
            Self::Alarm => "ALARM",
        }
    }
}

/// One feature in one window. Values are `None` where the feature was not judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureDrift {
    pub feature: String,
    /// Values in the window, and what they are worth.
    pub n: u32,
    pub n_eff: f64,
    /// Population stability index, and its 99.9 % threshold when nothing has changed.
    pub psi: Option<f64>,
    pub psi_threshold: Option<f64>,
    /// Kolmogorov-Smirnov distance, its p-value on `n_eff`, and whether it counts after control of the false discovery rate over all
    /// features.
    pub ks: Option<f64>,
    pub p: Option<f64>,
    pub significant: bool,
    /// Wasserstein-1 distance in training sd; `None` also when the feature did not vary in training.
    pub w1_sd: Option<f64>,
    pub verdict: FeatureVerdict,
}

/// The newest closed window of one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowDrift {
    pub span: DriftSpan,
    pub from: UtcMs,
    pub to: UtcMs,
    pub rows: u32,
    /// In the order of the model's inputs.
    pub features: Vec<FeatureDrift>,
}

/// A detector on a stream of losses or errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftDetector {
    /// CUSUM of the standardised, pre-whitened loss: quick, and often wrong; it only warns.
    Cusum,
    /// Page-Hinkley of the same.
    PageHinkley,
    /// Adaptive window over the log loss.
    Adwin,
    /// Error rate of what passed the gate.
    Ddm,
}

impl DriftDetector {
    pub const ALL: [Self; 4] = [Self::Cusum, Self::PageHinkley, Self::Adwin, Self::Ddm];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cusum => "CUSUM of the loss",
            Self::PageHinkley => "Page-Hinkley of the loss",
            Self::Adwin => "ADWIN of the log loss",
            Self::Ddm => "DDM of gate errors",
        }
    }
}

/// State of a detector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DetectorView {
    pub detector: DriftDetector,
    /// Values taken.
    pub n: u64,
    /// Its statistic, and where it raises an alarm; `None` where it has no single one, or none yet.
    pub value: Option<f64>,
    pub threshold: Option<f64>,
    /// Alarms of a worse model so far, and the last of them.
    pub alarms: u64,
    pub last_alarm: Option<UtcMs>,
    /// The last alarm still counts.
    pub standing: bool,
}

/// Drift of one model, with everything that a screen shows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DriftReport {
    /// Time of the newest row or outcome; `None` before the first.
    pub at: Option<UtcMs>,
    pub action: DriftAction,
    /// Since when the action stands.
    pub since: Option<UtcMs>,
    /// Why, in words; for what still stands by hysteresis alone, that.
    pub reasons: Vec<String>,
    /// Input drift: the newest window of each length, and the features in alarm by either.
    pub windows: Vec<WindowDrift>,
    pub alarmed: Vec<String>,
    /// Concept drift.
    pub detectors: Vec<DetectorView>,
    /// Whether calibration and coverage are within their bands; `None` while too little is known.
    pub calibrated: Option<bool>,
    pub covered: Option<bool>,
    /// Rows and outcomes that came too late, or were too many to keep.
    pub left_out: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_goes_down_rung_by_rung() {
        let mut rungs = vec![DriftAction::NoGo];
        while let Some(last) = rungs.last().copied().filter(|a| *a != DriftAction::None) {
            assert!(last.lower() < last);
            rungs.push(last.lower());
        }
        assert_eq!(rungs.len(), 5);
        assert_eq!(DriftAction::None.lower(), DriftAction::None);
    }
}
