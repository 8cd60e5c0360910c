//! A limit of so many within such a time, counted in the link's own milliseconds.

use std::collections::VecDeque;

/// At most `most` within `span_ms`, sliding.
#[derive(Debug, Clone)]
pub(super) struct Window {
    most: usize,
    span_ms: i64,
    taken: VecDeque<i64>,
}

impl Window {
    pub fn new(most: u32, span_ms: i64) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX).max(1), span_ms, taken: VecDeque::new() }
    }

    fn forget(&mut self, t: i64) {
        while self.taken.front().is_some_and(|at| t.saturating_sub(*at) >= self.span_ms) {
            self.taken.pop_front();
        }
    }

    /// When the next one is allowed: `t` itself or later.
    pub fn free_at(&mut self, t: i64) -> i64 {
        self.forget(t);
        if self.taken.len() < self.most {
            return t;
        }
        self.taken.front().map_or(t, |at| at.saturating_add(self.span_ms))
    }

    /// Takes one if it is allowed.
    pub fn take(&mut self, t: i64) -> bool {
        let free = self.free_at(t) <= t;
        if free {
            self.taken.push_back(t);
        }
        free
    }

    /// How many count at `t`.
    pub fn used(&self, t: i64) -> usize {
        self.taken.iter().filter(|at| t.saturating_sub(**at) < self.span_ms).count()
    }

    pub const fn most(&self) -> usize {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_more_than_allowed(most in 1_u32..20, steps in proptest::collection::vec(0_i64..400, 1..200)) {
            let (mut window, mut t, mut taken) = (Window::new(most, 1_000), 0, Vec::new());
            for step in steps {
                t += step;
                if window.take(t) {
                    taken.push(t);
                } else {
                    prop_assert!(window.free_at(t) > t);
                }
                let within = taken.iter().filter(|at| t - **at < 1_000).count();
                prop_assert!(within <= most as usize);
                prop_assert_eq!(within, window.used(t));
            }
        }
    }
}
