//! What every window is made of: aggregates of a sliding window without subtraction, and the value n bars ago.

use super::real::Real;

/// A summary of a stretch of a series that can be joined with the summary of the stretch right after it.
pub trait Join: Copy {
    /// The summary of no items.
    fn empty() -> Self;

    /// The summary of this stretch, of `older` items, followed by the next, of `newer` items; at least one has items.
    #[must_use]
    fn join(self, next: Self, older: f64, newer: f64) -> Self;
}

/// Summary of the newest `size` items, O(1) amortised and without ever taking an old item out again.
///
/// The series is cut into blocks of `size`. Each window is the tail of the last full block joined with the head of
/// the open one; tails are computed once per block, heads grow item by item (van Herk 1992, Gil and Werman 1993). Nothing is
/// subtracted, so a spike leaves no residue and a flat window has a spread of exactly 0.
#[derive(Debug, Clone)]
pub struct Sliding<A> {
    /// Items of the open block up to `filled`; from there on the tails of the last full block, each in the place of its first item.
    slots: Box<[A]>,
    filled: usize,
    head: A,
    /// Whether there is a last full block.
    full: bool,
}

impl<A: Join> Sliding<A> {
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { slots: vec![A::empty(); size.max(1)].into(), filled: 0, head: A::empty(), full: false }
    }

    /// Adds the summary of one item; the summary of the window once it is full.
    #[inline(always)]
    pub fn push(&mut self, item: A) -> Option<A> {
        self.head = self.head.join(item, self.filled as f64, 1.0);
        *self.slots.get_mut(self.filled)? = item;
        self.filled += 1;
        if let Some(tail) = self.slots.get(self.filled) {
            let older = (self.slots.len() - self.filled) as f64;
            return self.full.then(|| tail.join(self.head, older, self.filled as f64));
        }
        let window = self.head;
        self.turn();
        Some(window)
    }

    /// The open block is full: from its items make its tails.
    #[inline(always)]
    fn turn(&mut self) {
        let (mut tail, mut items) = (A::empty(), 0.0);
        for slot in self.slots.iter_mut().rev() {
            tail = slot.join(tail, 1.0, items);
            items += 1.0;
            *slot = tail;
        }
        self.filled = 0;
        self.head = A::empty();
        self.full = true;
    }

    pub fn reset(&mut self) {
        self.filled = 0;
        self.head = A::empty();
        self.full = false;
    }
}

/// Sums side by side.
impl<T: Real, const N: usize> Join for [T; N] {
    #[inline(always)]
    fn empty() -> Self {
        [T::of(0.0); N]
    }

    #[inline(always)]
    fn join(mut self, next: Self, _: f64, _: f64) -> Self {
        for (a, b) in self.iter_mut().zip(&next) {
            *a = *a + *b;
        }
        self
    }
}

/// Mean and sum of squared deviations (joined as in Chan, Golub and LeVeque 1979).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments<T = f64> {
    pub mean: T,
    pub m2: T,
}

impl<T: Real> Moments<T> {
    #[must_use]
    #[inline(always)]
    pub fn of(x: T) -> Self {
        Self { mean: x, m2: T::of(0.0) }
    }
}

impl<T: Real> Join for Moments<T> {
    #[inline(always)]
    fn empty() -> Self {
        Self::of(T::of(0.0))
    }

    #[inline(always)]
    fn join(self, next: Self, older: f64, newer: f64) -> Self {
        let share = newer / (older + newer);
        let d = next.mean - self.mean;
        Self { mean: self.mean + d * T::of(share), m2: self.m2 + next.m2 + d * d * T::of(older * share) }
    }
}

/// Moments of a series against its own position 0, 1, 2, …: what a line fit needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend<T = f64> {
    pub mean: T,
    /// Sum of (position − mean position)(value − mean value).
    pub cross: T,
}

impl<T: Real> Trend<T> {
    #[must_use]
    #[inline(always)]
    pub fn of(x: T) -> Self {
        Self { mean: x, cross: T::of(0.0) }
    }
}

impl<T: Real> Join for Trend<T> {
    #[inline(always)]
    fn empty() -> Self {
        Self::of(T::of(0.0))
    }

    #[inline(always)]
    fn join(self, next: Self, older: f64, newer: f64) -> Self {
        let d = next.mean - self.mean;
        let share = newer / (older + newer);
        // The mean positions of two neighbouring stretches lie half their joint length apart.
        let weight = 0.5 * older * newer;
        Self { mean: self.mean + d * T::of(share), cross: self.cross + next.cross + d * T::of(weight) }
    }
}

/// Moments of two series together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoMoments<T = f64> {
    pub mean_x: T,
    pub mean_y: T,
    pub xx: T,
    pub xy: T,
    pub yy: T,
}

impl<T: Real> CoMoments<T> {
    #[must_use]
    #[inline(always)]
    pub fn of(x: T, y: T) -> Self {
        let zero = T::of(0.0);
        Self { mean_x: x, mean_y: y, xx: zero, xy: zero, yy: zero }
    }
}

impl<T: Real> Join for CoMoments<T> {
    #[inline(always)]
    fn empty() -> Self {
        Self::of(T::of(0.0), T::of(0.0))
    }

    #[inline(always)]
    fn join(self, next: Self, older: f64, newer: f64) -> Self {
        let dx = next.mean_x - self.mean_x;
        let dy = next.mean_y - self.mean_y;
        let share = newer / (older + newer);
        let (share, weight) = (T::of(share), T::of(older * share));
        Self {
            mean_x: self.mean_x + dx * share,
            mean_y: self.mean_y + dy * share,
            xx: self.xx + next.xx + dx * dx * weight,
            xy: self.xy + next.xy + dx * dy * weight,
            yy: self.yy + next.yy + dy * dy * weight,
        }
    }
}

/// Lowest and highest value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extremes<T = f64> {
    pub low: T,
    pub high: T,
}

impl<T: Real> Join for Extremes<T> {
    #[inline(always)]
    fn empty() -> Self {
        Self { low: T::of(f64::INFINITY), high: T::of(f64::NEG_INFINITY) }
    }

    #[inline(always)]
    fn join(self, next: Self, _: f64, _: f64) -> Self {
        Self { low: self.low.least(next.low), high: self.high.most(next.high) }
    }
}

/// Highest value of one series; the lowest is that of the series with its sign turned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Highest<T = f64>(pub T);

impl<T: Real> Join for Highest<T> {
    #[inline(always)]
    fn empty() -> Self {
        Self(T::of(f64::NEG_INFINITY))
    }

    #[inline(always)]
    fn join(self, next: Self, _: f64, _: f64) -> Self {
        Self(self.0.most(next.0))
    }
}

/// Lowest and highest value and when they were; the latest wins a tie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DatedExtremes<T = f64> {
    pub low: T,
    pub low_at: T,
    pub high: T,
    pub high_at: T,
}

impl<T: Real> Join for DatedExtremes<T> {
    #[inline(always)]
    fn empty() -> Self {
        let never = T::of(0.0);
        Self { low: T::of(f64::INFINITY), low_at: never, high: T::of(f64::NEG_INFINITY), high_at: never }
    }

    #[inline(always)]
    fn join(self, next: Self, _: f64, _: f64) -> Self {
        let (lower, higher) = (self.low.reaches(next.low), next.high.reaches(self.high));
        Self {
            low: T::pick(lower, next.low, self.low),
            low_at: T::pick(lower, next.low_at, self.low_at),
            high: T::pick(higher, next.high, self.high),
            high_at: T::pick(higher, next.high_at, self.high_at),
        }
    }
}

/// The value `n` pushes ago.
#[derive(Debug, Clone)]
pub struct Lag<T = f64> {
    n: usize,
    ring: Vec<T>,
    /// Where the oldest value is once the ring is full.
    oldest: usize,
}

impl<T> Lag<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n, ring: Vec::with_capacity(n), oldest: 0 }
    }

    /// Adds `value`; the one pushed `n` pushes before it.
    #[inline(always)]
    pub fn push(&mut self, value: T) -> Option<T> {
        if self.ring.len() < self.n {
            self.ring.push(value);
            return None;
        }
        let Some(slot) = self.ring.get_mut(self.oldest) else { return Some(value) };
        self.oldest = if self.oldest + 1 < self.n { self.oldest + 1 } else { 0 };
        Some(std::mem::replace(slot, value))
    }

    pub fn reset(&mut self) {
        self.ring.clear();
        self.oldest = 0;
    }
}

/// Sum of the newest `n` values.
#[derive(Debug, Clone)]
pub struct RollingSum<T = f64>(Sliding<[T; 1]>);

impl<T: Real> RollingSum<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.0.push([x]).map(|[sum]| sum)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Lowest of the newest `n` values.
#[derive(Debug, Clone)]
pub struct RollingMin<T = f64>(Sliding<Highest<T>>);

impl<T: Real> RollingMin<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.0.push(Highest(-x)).map(|h| -h.0)
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}

/// Highest of the newest `n` values.
#[derive(Debug, Clone)]
pub struct RollingMax<T = f64>(Sliding<Highest<T>>);

impl<T: Real> RollingMax<T> {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n))
    }

    #[inline(always)]
    pub fn push(&mut self, x: T) -> Option<T> {
        self.0.push(Highest(x)).map(|h| h.0)
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
                let peak = dated.push(DatedExtremes { low: *x, low_at: i as f64, high: *x, high_at: i as f64 });
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
                prop_assert_eq!(peak.unwrap().high, highest);
                prop_assert_eq!(values[peak.unwrap().high_at as usize], highest);
            }
        }
    }
}
