//! Where a value stands among its own past.

use std::collections::VecDeque;

use super::above;

/// Share of the other `n − 1` newest values that lie below the newest one, 0..=1. Values that differ only by rounding are ties, which count half; no
/// value in a flat window. First at index n − 1. O(n) per value.
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
        let (below, higher) = self.window.iter().fold((0_usize, 0_usize), |(below, higher), v| {
            (below + usize::from(above(x, *v)), higher + usize::from(above(*v, x)))
        });
        let others = self.n - 1;
        let ties = others.saturating_sub(below + higher);
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
        let shaken = [1.0, 1.0 + 1e-15, 2.0, 1.0 - 1e-15].map(|x| Rank::push(&mut rank, x));
        assert_eq!(shaken[3], third(1.0), "rounding makes no order");
        assert_eq!(got, [None, None, None, third(3.0), third(0.0), third(1.5), third(1.5), third(2.0), None]);
    }
}
