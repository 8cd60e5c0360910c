//! Page-Hinkley (Page 1954; Hinkley 1971): the sum of deviations from the mean, against its own extreme.

use serde::{Deserialize, Serialize};

use super::adwin::Shift;

/// What counts as a change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageHinkleySettings {
    /// No alarm before so many values.
    pub min_instances: u64,
    /// Deviations smaller than this are tolerated.
    pub delta: f64,
    pub threshold: f64,
    /// What is kept of the sum from value to value.
    pub alpha: f64,
    /// Whether a falling mean is a change, too.
    pub both: bool,
    /// The mean in control where it is known; `None` takes the running mean, which learns a change that lasts.
    pub mean: Option<f64>,
}

impl PageHinkleySettings {
    fn is_sound(&self) -> bool {
        self.delta.is_finite()
            && self.delta >= 0.0
            && self.threshold > 0.0
            && self.threshold.is_finite()
            && self.alpha > 0.0
            && self.alpha <= 1.0
            && self.mean.is_none_or(f64::is_finite)
    }
}

/// The detector: O(1) in time and memory. After an alarm it starts anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageHinkley {
    settings: PageHinkleySettings,
    n: u64,
    mean: f64,
    up: f64,
    down: f64,
    lowest_up: Option<f64>,
    highest_down: f64,
}

/// The reference implementation starts the maximum of the falling sum here.
const HIGHEST_DOWN: f64 = -1.0;

impl PageHinkley {
    #[must_use]
    pub const fn new(settings: &PageHinkleySettings) -> Self {
        Self { settings: *settings, n: 0, mean: 0.0, up: 0.0, down: 0.0, lowest_up: None, highest_down: HIGHEST_DOWN }
    }

    /// How far the rising sum stands above its minimum; an alarm is above the threshold.
    #[must_use]
    pub fn rise(&self) -> f64 {
        self.lowest_up.map_or(0.0, |lowest| self.up - lowest)
    }

    #[must_use]
    pub const fn threshold(&self) -> f64 {
        self.settings.threshold
    }

    /// Takes the next value; says where the mean went on an alarm. What is not finite is left out.
    pub fn update(&mut self, x: f64) -> Option<Shift> {
        if !x.is_finite() {
            return None;
        }
        let PageHinkleySettings { min_instances, delta, threshold, alpha, both, mean } = self.settings;
        self.n += 1;
        self.mean += (x - self.mean) / self.n as f64;
        let deviation = x - mean.unwrap_or(self.mean);
        self.up = alpha * self.up + deviation - delta;
        self.down = alpha * self.down + deviation + delta;
        self.lowest_up = Some(self.lowest_up.map_or(self.up, |lowest| lowest.min(self.up)));
        self.highest_down = self.highest_down.max(self.down);
        if self.n < min_instances {
            return None;
        }
        let shift = if self.rise() > threshold {
            Some(Shift::Up)
        } else if both && self.highest_down - self.down > threshold {
            Some(Shift::Down)
        } else {
            None
        };
        if shift.is_some() {
            *self = Self::new(&self.settings);
        }
        shift
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let numbers = [self.mean, self.up, self.down, self.highest_down, self.lowest_up.unwrap_or(0.0)];
        self.settings.is_sound() && numbers.iter().all(|v| v.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    const SETTINGS: PageHinkleySettings =
        PageHinkleySettings { min_instances: 30, delta: 0.25, threshold: 12.0, alpha: 0.9999, both: false, mean: None };

    #[test]
    fn a_shift_of_one_sd_is_found() {
        for seed in 0..20 {
            let (mut rng, mut detector) = (SplitMix64::new(&[seed]), PageHinkley::new(&SETTINGS));
            let early = (0..400).filter(|_| detector.update(rng.normal()).is_some()).count();
            let delay = (1..).find(|_| detector.update(rng.normal() + 1.0).is_some()).unwrap();
            assert!(early <= 1 && delay <= 60, "{early} {delay}");
        }
    }

    #[test]
    fn a_restart_changes_nothing_and_odd_values_do_no_harm() {
        let (mut a, mut rng) = (PageHinkley::new(&SETTINGS), SplitMix64::new(&[5]));
        for i in 0..300 {
            let mut b: PageHinkley = serde_json::from_str(&serde_json::to_string(&a).unwrap()).unwrap();
            let x = rng.normal() + f64::from(i / 150);
            assert_eq!(a.update(x), b.update(x));
            assert_eq!(a, b);
            assert!(a.is_sound());
        }
        let before = a.clone();
        assert_eq!(a.update(f64::INFINITY), None);
        assert_eq!(a, before);
        let mut flat = PageHinkley::new(&SETTINGS);
        assert!((0..1_000).all(|_| flat.update(3.0).is_none()));
    }
}
