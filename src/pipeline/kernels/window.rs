//! What every window is made of: aggregates of a sliding window without subtraction, and the value n bars ago.

use std::collections::VecDeque;

/// A summary of a stretch of a series that can be joined with the summary of the stretch right after it.
pub trait Join: Copy {
    /// The summary of this stretch followed by `newer`.
    #[must_use]
    fn join(self, newer: Self) -> Self;
}

/// Summary of the newest `size` items, O(1) amortised and without ever taking an old item out again.
///
/// The series is cut into blocks of `size`. Each window is the tail of the last full block joined with the head of
/// the open one; tails are computed once per block, heads grow item by item (van Herk 1992, Gil and Werman 1993). Nothing is
/// subtracted, so a spike leaves no residue and a flat window has a spread of exactly 0.
#[derive(Debug, Clone)]
pub struct Sliding<A> {
    size: usize,
    open: Vec<A>,
    head: Option<A>,
    /// `tails[i]` sums up the newest `i + 1` items of the last full block.
    tails: Vec<A>,
}

impl<A: Join> Sliding<A> {
    #[must_use]
    pub fn new(size: usize) -> Self {
        let size = size.max(1);
        Self { size, open: Vec::with_capacity(size), head: None, tails: Vec::with_capacity(size) }
    }

    /// Adds the summary of one item; the summary of the window once it is full.
    pub fn push(&mut self, item: A) -> Option<A> {
        let head = self.head.map_or(item, |head| head.join(item));
        self.open.push(item);
        if self.open.len() < self.size {
            self.head = Some(head);
            let from_last_block = self.size - self.open.len();
            return self.tails.get(from_last_block - 1).map(|tail| tail.join(head));
        }
        self.tails.clear();
        let mut tail: Option<A> = None;
        for item in self.open.iter().rev() {
            let longer = tail.map_or(*item, |tail| item.join(tail));
            self.tails.push(longer);
            tail = Some(longer);
        }
        self.open.clear();
        self.head = None;
        Some(head)
    }

    pub fn reset(&mut self) {
        self.open.clear();
        self.head = None;
        self.tails.clear();
    }
}

/// Sums side by side.
impl<const N: usize> Join for [f64; N] {
    fn join(mut self, newer: Self) -> Self {
        for (a, b) in self.iter_mut().zip(newer) {
            *a += b;
        }
        self
    }
}

/// Count, mean and sum of squared deviations (joined as in Chan, Golub and LeVeque 1979).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    pub n: f64,
    pub mean: f64,
    pub m2: f64,
}

impl Moments {
    #[must_use]
    pub const fn of(x: f64) -> Self {
        Self { n: 1.0, mean: x, m2: 0.0 }
    }
}

impl Join for Moments {
    fn join(self, newer: Self) -> Self {
        let n = self.n + newer.n;
        let d = newer.mean - self.mean;
        let share = newer.n / n;
        Self { n, mean: self.mean + d * share, m2: self.m2 + newer.m2 + d * d * self.n * share }
    }
}

/// Moments of a series against its own position 0, 1, 2, …: what a line fit needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    pub n: f64,
    pub mean: f64,
    /// Sum of (position − mean position)(value − mean value).
    pub cross: f64,
}

impl Trend {
    #[must_use]
    pub const fn of(x: f64) -> Self {
        Self { n: 1.0, mean: x, cross: 0.0 }
    }
}

impl Join for Trend {
    fn join(self, newer: Self) -> Self {
        let n = self.n + newer.n;
        let d = newer.mean - self.mean;
        let share = newer.n / n;
        // The mean positions of two neighbouring stretches lie half their joint length apart.
        let apart = n / 2.0;
        Self { n, mean: self.mean + d * share, cross: self.cross + newer.cross + apart * d * self.n * share }
    }
}

/// Moments of two series together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoMoments {
    pub n: f64,
    pub mean_x: f64,
    pub mean_y: f64,
    pub xx: f64,
    pub xy: f64,
}

impl CoMoments {
    #[must_use]
    pub const fn of(x: f64, y: f64) -> Self {
        Self { n: 1.0, mean_x: x, mean_y: y, xx: 0.0, xy: 0.0 }
    }
}

impl Join for CoMoments {
    fn join(self, newer: Self) -> Self {
        let n = self.n + newer.n;
        let dx = newer.mean_x - self.mean_x;
        let dy = newer.mean_y - self.mean_y;
        let share = newer.n / n;
        Self {
            n,
            mean_x: self.mean_x + dx * share,
            mean_y: self.mean_y + dy * share,
            xx: self.xx + newer.xx + dx * dx * self.n * share,
            xy: self.xy + newer.xy + dx * dy * self.n * share,
        }
    }
}

/// Lowest and highest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extremes {
    pub low: f64,
    pub high: f64,
}

impl Join for Extremes {
    fn join(self, newer: Self) -> Self {
        Self { low: self.low.min(newer.low), high: self.high.max(newer.high) }
    }
}

/// Lowest and highest value and when they were; the latest wins a tie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DatedExtremes {
    pub low: (f64, u64),
    pub high: (f64, u64),
}

impl Join for DatedExtremes {
    fn join(self, newer: Self) -> Self {
        Self {
            low: if newer.low.0 <= self.low.0 { newer.low } else { self.low },
            high: if newer.high.0 >= self.high.0 { newer.high } else { self.high },
        }
    }
}

/// The value `n` pushes ago.
#[derive(Debug, Clone)]
pub struct Lag<T> {
    n: usize,
    ring: VecDeque<T>,
}

impl<T> Lag<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n, ring: VecDeque::with_capacity(n + 1) }
    }

    /// Adds `value`; the one pushed `n` pushes before it.
    pub fn push(&mut self, value: T) -> Option<T> {
        self.ring.push_back(value);
        if self.ring.len() > self.n { self.ring.pop_front() } else { None }
    }

    pub fn reset(&mut self) {
        self.ring.clear();
    }
}

/// Sum of the newest `n` values.
#[derive(Debug, Clone)]
pub struct RollingSum(Sliding<[f64; 1]>);

impl RollingSum {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        self.0.push([x]).map(|[sum]| sum)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Lowest of the newest `n` values.
#[derive(Debug, Clone)]
pub struct RollingMin(Sliding<Extremes>);

impl RollingMin {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        self.0.push(Extremes { low: x, high: x }).map(|e| e.low)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Highest of the newest `n` values.
#[derive(Debug, Clone)]
pub struct RollingMax(Sliding<Extremes>);

impl RollingMax {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    pub fn push(&mut self, x: f64) -> Option<f64> {
        self.0.push(Extremes { low: x, high: x }).map(|e| e.high)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_spike_leaves_no_trace_and_a_flat_window_no_spread() {
        let mut window = Sliding::new(7);
        for i in 0..50_000 {
            let x = if i % 100 == 3 { 1e9 } else { 0.1 };
            let got = window.push(Moments::of(x));
            if i % 100 > 10 {
                assert_eq!(got.map(|m| (m.mean, m.m2)), Some((0.1, 0.0)), "at {i}");
            }
        }
    }

    #[test]
    fn lag_gives_the_value_n_pushes_ago() {
        let mut lag = Lag::new(2);
        assert_eq!([1, 2, 3, 4].map(|x| lag.push(x)), [None, None, Some(1), Some(2)]);
        assert_eq!(Lag::new(0).push(9), Some(9));
    }

    proptest! {
        #[test]
        fn a_window_equals_its_items_taken_afresh(
            values in prop::collection::vec(-50.0_f64..50.0, 1..80),
            size in 1_usize..12,
        ) {
            let mut sums = RollingSum::new(size);
            let mut moments = Sliding::new(size);
            let mut dated = Sliding::new(size);
            let mut trend = Sliding::new(size);
            for (i, x) in values.iter().enumerate() {
                let sum = sums.push(*x);
                let moment = moments.push(Moments::of(*x));
                let peak = dated.push(DatedExtremes { low: (*x, i as u64), high: (*x, i as u64) });
                let line = trend.push(Trend::of(*x));
                if i + 1 < size {
                    prop_assert!(sum.is_none() && moment.is_none() && peak.is_none() && line.is_none());
                    continue;
                }
                let items = &values[i + 1 - size..=i];
                let n = size as f64;
                let total: f64 = items.iter().sum();
                let mean = total / n;
                let m2: f64 = items.iter().map(|v| (v - mean).powi(2)).sum();
                let cross: f64 = items.iter().enumerate().map(|(k, v)| (k as f64 - (n - 1.0) / 2.0) * (v - mean)).sum();
                prop_assert!((sum.unwrap() - total).abs() < 1e-9);
                prop_assert!((moment.unwrap().mean - mean).abs() < 1e-9);
                prop_assert!((moment.unwrap().m2 - m2).abs() < 1e-7);
                prop_assert!((line.unwrap().cross - cross).abs() < 1e-7);
                let highest = items.iter().copied().fold(f64::MIN, f64::max);
                prop_assert_eq!(peak.unwrap().high.0, highest);
                prop_assert_eq!(values[usize::try_from(peak.unwrap().high.1).unwrap()], highest);
            }
        }
    }
}
