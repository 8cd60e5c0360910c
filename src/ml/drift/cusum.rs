//! Tabular CUSUM (Page 1954; Montgomery): sums of what exceeds the allowance, on either side.

use serde::{Deserialize, Serialize};

use super::adwin::Shift;

/// Allowance and limit in sd of the standardised values; 0.5 and 5 raise one false alarm in about 465 values (both sides).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CusumSettings {
    pub k: f64,
    pub h: f64,
}

impl Default for CusumSettings {
    fn default() -> Self {
        Self { k: 0.5, h: 5.0 }
    }
}

/// What a value led to: both sums before a reset, and where the mean went on an alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CusumStep {
    pub up: f64,
    pub down: f64,
    pub alarm: Option<Shift>,
}

/// The detector: O(1) in time and memory. After an alarm both sums start anew.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cusum {
    settings: CusumSettings,
    up: f64,
    down: f64,
}

impl Cusum {
    #[must_use]
    pub const fn new(settings: &CusumSettings) -> Self {
        Self { settings: *settings, up: 0.0, down: 0.0 }
    }

    /// The rising sum.
    #[must_use]
    pub const fn up(&self) -> f64 {
        self.up
    }

    #[must_use]
    pub const fn limit(&self) -> f64 {
        self.settings.h
    }

    /// Takes the next standardised value; `None` for one that is not finite, which is left out.
    pub fn update(&mut self, z: f64) -> Option<CusumStep> {
        if !z.is_finite() {
            return None;
        }
        let CusumSettings { k, h } = self.settings;
        let (up, down) = ((self.up + z - k).max(0.0), (self.down - z - k).max(0.0));
        let alarm = if up > h {
            Some(Shift::Up)
        } else if down > h {
            Some(Shift::Down)
        } else {
            None
        };
        (self.up, self.down) = if alarm.is_some() { (0.0, 0.0) } else { (up, down) };
        Some(CusumStep { up, down, alarm })
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let CusumSettings { k, h } = self.settings;
        k >= 0.0
            && k.is_finite()
            && h > 0.0
            && h.is_finite()
            && [self.up, self.down].iter().all(|s| (0.0..=h).contains(s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn the_run_length_in_control_is_the_tabulated_one() {
        let (mut detector, mut rng) = (Cusum::default(), SplitMix64::new(&[1]));
        let alarms = (0..200_000).filter(|_| detector.update(rng.normal()).unwrap().alarm.is_some()).count();
        let run_length = 200_000.0 / alarms as f64;
        assert!((run_length - 465.0).abs() < 60.0, "{run_length}");
    }

    #[test]
    fn a_shift_of_one_sd_is_found_in_about_ten_values() {
        let mut rng = SplitMix64::new(&[2]);
        let delays = (0..400).map(|_| {
            let mut detector = Cusum::default();
            (1_u32..).find(|_| detector.update(rng.normal() + 1.0).unwrap().alarm == Some(Shift::Up)).unwrap()
        });
        let mean = delays.map(f64::from).sum::<f64>() / 400.0;
        assert!((mean - 10.4).abs() < 1.0, "{mean}");
    }

    #[test]
    fn a_restart_changes_nothing_and_odd_values_do_no_harm() {
        let (mut a, mut rng) = (Cusum::default(), SplitMix64::new(&[5]));
        for _ in 0..300 {
            let mut b: Cusum = serde_json::from_str(&serde_json::to_string(&a).unwrap()).unwrap();
            let x = rng.normal();
            assert_eq!(a.update(x), b.update(x));
            assert!(a == b && a.is_sound());
        }
        assert_eq!(a.update(f64::NAN), None);
        assert!(a.is_sound());
    }
}
