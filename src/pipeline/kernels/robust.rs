//! Outliers without being fooled by them.

use std::collections::VecDeque;

/// Causal Hampel filter: flags a value that lies more than `k` scaled MADs from the median of the `window` values BEFORE it.
///
/// The scale is 1.4826·MAD, at least 1e-4 of the median, so that a quiet stretch does not make every tick an outlier. Flagged values
/// stay in the window (spikes are real sometimes). Never flags before the window is full. O(window) per value.
#[derive(Debug, Clone)]
pub struct Hampel {
    window: usize,
    k: f64,
    recent: VecDeque<f64>,
    sorted: Vec<f64>,
    deviations: Vec<f64>,
}

impl Hampel {
    /// Makes the MAD of a normal sample estimate its sd.
    const SCALE: f64 = 1.4826;
    /// Least scale, as a share of the median's size.
    const FLOOR: f64 = 1e-4;

    #[must_use]
    pub fn new(window: usize, k: f64) -> Self {
        let window = window.max(1);
        Self {
            window,
            k,
            recent: VecDeque::with_capacity(window),
            sorted: Vec::with_capacity(window),
            deviations: Vec::with_capacity(window),
        }
    }

    /// Judges `x` by the values before it, then takes it in.
    pub fn push(&mut self, x: f64) -> bool {
        let flagged = self.recent.len() == self.window && self.is_far(x);
        if self.recent.len() == self.window
            && let Some(oldest) = self.recent.pop_front()
        {
            let at = self.sorted.partition_point(|v| *v < oldest);
            if at < self.sorted.len() {
                self.sorted.remove(at);
            }
        }
        self.recent.push_back(x);
        let at = self.sorted.partition_point(|v| *v < x);
        self.sorted.insert(at, x);
        flagged
    }

    fn is_far(&mut self, x: f64) -> bool {
        let Some(median) = median_of(&self.sorted) else { return false };
        self.deviations.clear();
        self.deviations.extend(self.sorted.iter().map(|v| (v - median).abs()));
        self.deviations.sort_unstable_by(f64::total_cmp);
        let Some(mad) = median_of(&self.deviations) else { return false };
        let scale = (Self::SCALE * mad).max(Self::FLOOR * median.abs());
        (x - median).abs() > self.k * scale
    }

    pub fn reset(&mut self) {
        self.recent.clear();
        self.sorted.clear();
    }
}

/// Median of sorted values.
fn median_of(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    sorted.get(sorted.len() / 2 - 1).map(|lower| f64::midpoint(*lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::golden;

    #[test]
    fn flags_equal_the_reference() {
        let mut judged = 0;
        for case in golden::cases("whale").iter().filter(|c| c.function == "hampel_causal") {
            let mut hampel = Hampel::new(case.count("window"), case.number("k"));
            assert_eq!(case.number("floor_rel"), Hampel::FLOOR);
            let want = case.expected["flag"].as_array().unwrap();
            for (i, (x, want)) in case.column("x").iter().zip(want).enumerate() {
                assert_eq!(hampel.push(*x), want.as_bool().unwrap(), "{} at {i}", case.name);
                judged += 1;
            }
        }
        assert_eq!(judged, 300);
    }

    #[test]
    fn a_spike_is_flagged_once_and_a_new_level_is_believed_in_time() {
        let mut hampel = Hampel::new(11, 6.0);
        let path = |i: usize| if i == 20 || i >= 40 { 150.0 } else { 100.0 + 0.01 * (i % 3) as f64 };
        let flags: Vec<_> = (0..60).map(|i| hampel.push(path(i))).collect();
        let flagged: Vec<_> = flags.iter().enumerate().filter(|(_, f)| **f).map(|(i, _)| i).collect();
        assert_eq!(flagged, [20, 40, 41, 42, 43, 44, 45]);
    }
}
