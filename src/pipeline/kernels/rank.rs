//! Where a value stands among its own past.

use pulp::{Arch, Simd, WithSimd};

use super::TIE;

/// Share of the other `n − 1` newest values that lie below the newest one, 0..=1. Values that differ only by rounding are ties, which count half; no
/// value in a flat window. First at index n − 1. O(n) per value.
#[derive(Debug, Clone)]
pub struct Rank {
    window: Box<[f64]>,
    /// Where the next value goes.
    next: usize,
    full: bool,
}

/// How many values are below `low`, and how many above `high`.
struct Apart<'a> {
    window: &'a [f64],
    low: f64,
    high: f64,
}

impl WithSimd for Apart<'_> {
    type Output = (u64, u64);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (u64, u64) {
        self.window
            .iter()
            .fold((0, 0), |(below, above), v| (below + u64::from(*v < self.low), above + u64::from(*v > self.high)))
    }
}

impl Rank {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { window: vec![0.0; n.max(2)].into(), next: 0, full: false }
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        *self.window.get_mut(self.next)? = x;
        self.next += 1;
        if self.next == self.window.len() {
            self.next = 0;
            self.full = true;
        }
        if !self.full {
            return None;
        }
        let rounding = TIE * x.abs();
        let (below, above) =
            Arch::new().dispatch(Apart { window: &self.window, low: x - rounding, high: x + rounding });
        let (below, above, others) = (below as f64, above as f64, self.window.len() as f64 - 1.0);
        let ties = others - below - above;
        (ties < others).then(|| (below + ties / 2.0) / others)
    }

    pub fn reset(&mut self) {
        self.next = 0;
        self.full = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highest_lowest_middle_flat_and_rounded() {
        let mut rank = Rank::new(4);
        let got: Vec<_> = [1.0, 2.0, 3.0, 4.0, 0.0, 3.0, 3.0, 3.0, 3.0].iter().map(|x| rank.push(*x)).collect();
        let third = |n: f64| Some(n / 3.0);
        assert_eq!(got, [None, None, None, third(3.0), third(0.0), third(1.5), third(1.5), third(2.0), None]);
        let shaken = [1.0, 1.0 + 1e-15, 2.0, 1.0 - 1e-15].map(|x| rank.push(x));
        assert_eq!(shaken[3], third(1.0), "rounding makes no order");
    }
}
