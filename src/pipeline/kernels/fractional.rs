//! Differencing by less than one: stationary, with as much memory as possible.

/// Fractional difference of order `d` with a window of fixed width (López de Prado 2018, chapter 5): Σ w(k)·x(now − k) with
/// w(0) = 1, w(k) = −w(k−1)·(d − k + 1)/k, cut before the first weight smaller than a threshold. Feed it log prices. First at index width − 1;
/// each value costs O(width).
#[derive(Debug, Clone)]
pub struct FractionalDifference {
    weights: Vec<f64>,
    /// The newest values; the oldest is at `next` once it is full.
    ring: Vec<f64>,
    next: usize,
}

impl FractionalDifference {
    /// Longest window: a threshold that small says nothing about a market.
    pub const MOST_WEIGHTS: usize = 10_000;

    /// `threshold`: least size of a weight, above 0.
    #[must_use]
    pub fn new(d: f64, threshold: f64) -> Self {
        let mut weights = vec![1.0];
        let mut weight: f64 = 1.0;
        for k in 1..Self::MOST_WEIGHTS {
            let k = k as f64;
            weight *= -(d - k + 1.0) / k;
            if weight.abs() < threshold || weight == 0.0 {
                break;
            }
            weights.push(weight);
        }
        let ring = Vec::with_capacity(weights.len());
        Self { weights, ring, next: 0 }
    }

    /// The weights, that of the newest value first.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        if self.ring.len() < self.weights.len() {
            self.ring.push(x);
        } else if let Some(slot) = self.ring.get_mut(self.next) {
            *slot = x;
            self.next = (self.next + 1) % self.weights.len();
        }
        if self.ring.len() < self.weights.len() {
            return None;
        }
        let (newer, older) = self.ring.split_at(self.next);
        let newest_first = newer.iter().rev().chain(older.iter().rev());
        Some(self.weights.iter().zip(newest_first).map(|(w, x)| w * x).sum())
    }

    pub fn reset(&mut self) {
        self.ring.clear();
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_one_is_the_plain_difference_and_order_zero_the_value() {
        let run = |d: f64| {
            let mut difference = FractionalDifference::new(d, 1e-4);
            [3.0, 5.0, 4.0].map(|x| difference.push(x))
        };
        assert_eq!(run(1.0), [None, Some(2.0), Some(-1.0)]);
        assert_eq!(run(0.0), [Some(3.0), Some(5.0), Some(4.0)]);
    }
}
