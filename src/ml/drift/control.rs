//! Sets a detector's threshold by simulating the stream in control: what is promised is a rate of false alarms, not a number.

use super::page_hinkley::{PageHinkley, PageHinkleySettings};
use crate::domain::random::SplitMix64;

/// The stream that is simulated, and the rate it may raise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Control {
    pub seed: u64,
    /// One false alarm in so many values: 90 days of hours.
    pub values_per_alarm: u64,
    /// False alarms that the simulation is long enough to hold; its rate is known to 1/√ of it.
    pub alarms: u64,
}

impl Default for Control {
    fn default() -> Self {
        Self { seed: 0, values_per_alarm: 90 * 24, alarms: 200 }
    }
}

/// Page-Hinkley on the whitened loss, at a threshold. Its mean in control is 0 by construction, so that a loss that stays high goes on
/// raising alarms; a rise of a quarter of an sd is tolerated.
#[must_use]
pub const fn page_hinkley(threshold: f64) -> PageHinkleySettings {
    PageHinkleySettings { min_instances: 1, delta: 0.25, threshold, alpha: 1.0, both: false, mean: Some(0.0) }
}

/// Values per false alarm of a threshold, on a stream drawn at random from `values`; infinite when none came.
#[must_use]
pub fn run_length(values: &[f64], threshold: f64, length: u64, seed: u64) -> f64 {
    let mut rng = SplitMix64::new(&[seed]);
    let mut detector = PageHinkley::new(&page_hinkley(threshold));
    let draws = (0..length).filter_map(|_| values.get(rng.below(values.len())));
    let alarms = draws.filter(|z| detector.update(**z).is_some()).count();
    if alarms == 0 { f64::INFINITY } else { length as f64 / alarms as f64 }
}

/// The threshold that raises one false alarm in `values_per_alarm` values drawn from `values` (the whitened losses of training). Every
/// candidate sees the same stream. `None` when `values` is empty or not finite.
#[must_use]
pub fn page_hinkley_threshold(values: &[f64], control: &Control) -> Option<f64> {
    if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let length = control.values_per_alarm.saturating_mul(control.alarms);
    let rare = |threshold: f64| run_length(values, threshold, length, control.seed) >= control.values_per_alarm as f64;
    let (mut low, mut high) = (0.5, 8.0);
    while !rare(high) && high < 1e6 {
        (low, high) = (high, high * 2.0);
    }
    for _ in 0..9 {
        let middle = f64::midpoint(low, high);
        if rare(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_keeps_its_rate_on_another_stream() {
        let mut rng = SplitMix64::new(&[77]);
        let normal: Vec<f64> = (0..3_000).map(|_| rng.normal()).collect();
        // Losses are skewed: an exponential less its mean.
        let skewed: Vec<f64> = (0..3_000).map(|_| -(1.0 - rng.unit()).ln() - 1.0).collect();
        for values in [normal, skewed] {
            let threshold = page_hinkley_threshold(&values, &Control::default()).unwrap();
            let got = run_length(&values, threshold, 400 * 2_160, 9);
            assert!((got / 2_160.0 - 1.0).abs() < 0.3, "h {threshold}: one alarm in {got}");
        }
        assert_eq!(page_hinkley_threshold(&[], &Control::default()), None);
        assert_eq!(page_hinkley_threshold(&[f64::NAN], &Control::default()), None);
    }
}
