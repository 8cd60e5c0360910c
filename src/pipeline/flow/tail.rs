//! From which size on a value is extreme: peaks over a threshold.

use std::collections::VecDeque;

/// A generalised Pareto tail and the level that it is exceeded by with the wanted probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PotThreshold {
    /// Values above this are the tail.
    pub u: f64,
    /// How many those were.
    pub exceedances: usize,
    /// Shape and scale of the excess over `u`.
    pub xi: f64,
    pub beta: f64,
    /// Level with the wanted probability of being exceeded.
    pub threshold: f64,
}

/// Fits the tail above the quantile `above` by moments (Hosking and Wallis 1987) and finds the level that a value exceeds with probability
/// `tail_prob`. `sorted` rises. `None` with fewer than two exceedances, without spread among them, or when the level would lie below the tail.
#[must_use]
pub fn pot_threshold(sorted: &[f64], above: f64, tail_prob: f64) -> Option<PotThreshold> {
    let u = quantile(sorted, above)?;
    let tail = sorted.get(sorted.partition_point(|x| *x <= u)..)?;
    let n = tail.len() as f64;
    if tail.len() < 2 || tail_prob <= 0.0 {
        return None;
    }
    let mean = tail.iter().map(|x| x - u).sum::<f64>() / n;
    let variance = tail.iter().map(|x| (x - u - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let ratio = Some(mean * mean / variance).filter(|r| r.is_finite())?;
    let (xi, beta) = (0.5 * (1.0 - ratio), 0.5 * mean * (1.0 + ratio));
    // How many times rarer the wanted level is than the threshold.
    let rarer = n / (sorted.len() as f64 * tail_prob);
    if rarer < 1.0 {
        return None;
    }
    let excess = rarer.ln();
    // (rarer^ξ − 1)/ξ goes to ln(rarer) as ξ goes to 0.
    let reach = if xi == 0.0 { excess } else { (xi * excess).exp_m1() / xi };
    Some(PotThreshold { u, exceedances: tail.len(), xi, beta, threshold: u + beta * reach })
}

/// Linear between neighbours (type 7).
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let place = q * (sorted.len().checked_sub(1)?) as f64;
    let below = place.floor() as usize;
    let low = *sorted.get(below)?;
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    Some(low + (place - place.floor()) * (high - low))
}

/// The newest values, ready for a fit now and then. Room is taken as values come, for most pairs trade little.
#[derive(Debug, Clone)]
pub struct Tail {
    capacity: usize,
    recent: VecDeque<f64>,
}

impl Tail {
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), recent: VecDeque::new() }
    }

    pub fn push(&mut self, x: f64) {
        if self.recent.len() == self.capacity {
            self.recent.pop_front();
        }
        self.recent.push_back(x);
    }

    /// Values kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.recent.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.recent.is_empty()
    }

    /// [`pot_threshold`] of the values kept; O(n log n), and the one place here that takes room: it is called once a day.
    #[must_use]
    pub fn fit(&self, above: f64, tail_prob: f64) -> Option<PotThreshold> {
        let mut sorted: Vec<f64> = self.recent.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        pot_threshold(&sorted, above, tail_prob)
    }
}
