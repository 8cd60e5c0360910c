//! Drift detection method (Gama et al. 2004): the error rate against the lowest it has been.

use serde::{Deserialize, Serialize};

/// What counts as a warning and as drift, in standard errors of the lowest rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DdmSettings {
    /// No judgement up to so many outcomes.
    pub warm_start: u64,
    pub warning: f64,
    pub drift: f64,
}

impl Default for DdmSettings {
    fn default() -> Self {
        Self { warm_start: 30, warning: 2.0, drift: 3.0 }
    }
}

/// What an outcome led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DdmAlarm {
    Warning,
    Drift,
}

/// The detector: O(1) in time and memory. After drift it starts anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ddm {
    settings: DdmSettings,
    n: u64,
    rate: f64,
    /// Rate and standard error where their sum was lowest.
    lowest: Option<(f64, f64)>,
}

impl Ddm {
    #[must_use]
    pub const fn new(settings: &DdmSettings) -> Self {
        Self { settings: *settings, n: 0, rate: 0.0, lowest: None }
    }

    /// Rate of errors plus its standard error, and the level at which that is drift; `None` before the warm start is over.
    #[must_use]
    pub fn level(&self) -> Option<(f64, f64)> {
        let (rate, error) = self.lowest?;
        Some((self.rate + self.error(), rate + self.settings.drift * error))
    }

    fn error(&self) -> f64 {
        if self.n == 0 { 0.0 } else { (self.rate * (1.0 - self.rate) / self.n as f64).max(0.0).sqrt() }
    }

    /// Takes whether the next outcome was an error.
    pub fn update(&mut self, wrong: bool) -> Option<DdmAlarm> {
        self.n += 1;
        self.rate += (f64::from(u8::from(wrong)) - self.rate) / self.n as f64;
        if self.n <= self.settings.warm_start {
            return None;
        }
        let now = self.rate + self.error();
        let lowest = match self.lowest {
            Some(lowest) if lowest.0 + lowest.1 < now => lowest,
            _ => (self.rate, self.error()),
        };
        self.lowest = Some(lowest);
        if now > lowest.0 + self.settings.drift * lowest.1 {
            *self = Self::new(&self.settings);
            return Some(DdmAlarm::Drift);
        }
        (now > lowest.0 + self.settings.warning * lowest.1).then_some(DdmAlarm::Warning)
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let DdmSettings { warning, drift, .. } = self.settings;
        let lowest =
            self.lowest.is_none_or(|(rate, error)| (0.0..=1.0).contains(&rate) && (0.0..=1.0).contains(&error));
        warning > 0.0 && drift >= warning && drift.is_finite() && (0.0..=1.0).contains(&self.rate) && lowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn more_errors_are_found_and_a_restart_changes_nothing() {
        let (mut a, mut rng) = (Ddm::new(&DdmSettings::default()), SplitMix64::new(&[5]));
        let mut drift = Vec::new();
        for i in 0..600 {
            let mut b: Ddm = serde_json::from_str(&serde_json::to_string(&a).unwrap()).unwrap();
            let wrong = rng.unit() < if i < 300 { 0.2 } else { 0.6 };
            let alarm = a.update(wrong);
            assert_eq!(alarm, b.update(wrong));
            assert_eq!(a, b);
            assert!(a.is_sound());
            if alarm == Some(DdmAlarm::Drift) {
                drift.push(i);
            }
        }
        assert!(drift.iter().any(|i| (300..400).contains(i)), "{drift:?}");
    }

    #[test]
    fn streams_of_one_value_raise_no_alarm() {
        for wrong in [false, true] {
            let mut detector = Ddm::new(&DdmSettings::default());
            assert!((0..500).all(|_| detector.update(wrong).is_none()));
            assert!(detector.is_sound());
        }
    }
}
