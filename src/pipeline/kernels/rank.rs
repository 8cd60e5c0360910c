//! Where a value stands among its own past.

use std::collections::VecDeque;

/// Share of the other `n − 1` newest values that lie below the newest one, 0..=1; ties count half; no value in a flat window. First at index
/// n − 1. O(n) per value.
#[derive(Debug, Clone)]
pub struct Rank {
    n: usize,
    window: VecDeque<f64>,
}

impl Rank {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(2);
        Self { n, window: VecDeque::with_capacity(n) }
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        if self.window.len() == self.n {
            self.window.pop_front();
        }
        self.window.push_back(x);
        if self.window.len() < self.n {
            return None;
        }
        let below = self.window.iter().filter(|v| **v < x).count();
        let ties = self.window.iter().filter(|v| **v == x).count() - 1;
        let others = self.n - 1;
        (ties < others).then(|| (below as f64 + ties as f64 / 2.0) / others as f64)
    }

    pub fn reset(&mut self) {
        self.window.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highest_lowest_middle_and_flat() {
        let mut rank = Rank::new(4);
        let got: Vec<_> = [1.0, 2.0, 3.0, 4.0, 0.0, 3.0, 3.0, 3.0, 3.0].iter().map(|x| rank.push(*x)).collect();
        let third = |n: f64| Some(n / 3.0);
        assert_eq!(got, [None, None, None, third(3.0), third(0.0), third(1.5), third(1.5), third(2.0), None]);
    }
}
