//! A counter that rises with each call and falls with time.

use super::Budget;
use crate::domain::time::UtcMs;

/// Millionths: costs of a half and decays of 0.33 a second are whole numbers then.
pub const MICRO: u64 = 1_000_000;

/// Rises by costs, falls by `decay` millionths a ms, never above `max`. All values in millionths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    max: u64,
    decay: u64,
    value: u64,
    at: UtcMs,
}

impl Counter {
    #[must_use]
    pub const fn new(max: u64, decay: u64) -> Self {
        Self { max, decay, value: 0, at: UtcMs(i64::MIN) }
    }

    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The value at `now`. A clock set back stands still.
    #[must_use]
    pub fn value(&self, now: UtcMs) -> u64 {
        let elapsed = u64::try_from(now.since(self.at)).unwrap_or(0);
        self.value.saturating_sub(elapsed.saturating_mul(self.decay))
    }

    /// Milliseconds until `cost` fits below `ceiling`; `None` when it never does.
    #[must_use]
    pub fn wait_ms(&self, now: UtcMs, cost: u64, ceiling: u64) -> Option<u64> {
        let room = ceiling.min(self.max).checked_sub(cost)?;
        let excess = self.value(now).saturating_sub(room);
        // a clock set back has to catch up first
        let behind = if excess == 0 { 0 } else { u64::try_from(self.at.since(now)).unwrap_or(0) };
        let falling =
            if excess == 0 { 0 } else { excess.checked_add(self.decay.checked_sub(1)?)?.checked_div(self.decay)? };
        falling.checked_add(behind)
    }

    /// Adds a cost without asking; the counter may rise above its maximum, as the exchange's does for cancels in a batch.
    pub fn add(&mut self, now: UtcMs, cost: u64) {
        self.value = self.value(now).saturating_add(cost);
        self.at = self.at.max(now);
    }

    /// Takes over what the exchange says.
    pub fn set(&mut self, now: UtcMs, value: u64) {
        self.value = value;
        self.at = self.at.max(now);
    }

    /// For the screen; `typical` is the cost that `next_free` is about.
    #[must_use]
    pub fn budget(&self, now: UtcMs, typical: u64) -> Budget {
        let wait = self.wait_ms(now, typical, self.max).and_then(|ms| i64::try_from(ms).ok()).unwrap_or(i64::MAX);
        Budget { used: self.value(now) / 1_000, max: self.max / 1_000, next_free: now.plus(wait) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_falls_with_time_and_waits_exactly_long_enough() {
        let mut counter = Counter::new(15 * MICRO, 330);
        for _ in 0..15 {
            assert_eq!(counter.wait_ms(UtcMs(0), MICRO, u64::MAX), Some(0));
            counter.add(UtcMs(0), MICRO);
        }
        // one unit at 0.33 a second
        assert_eq!(counter.wait_ms(UtcMs(0), MICRO, u64::MAX), Some(3_031));
        assert_eq!(counter.wait_ms(UtcMs(3_030), MICRO, u64::MAX), Some(1));
        assert_eq!(counter.wait_ms(UtcMs(3_031), MICRO, u64::MAX), Some(0));
        assert_eq!(counter.wait_ms(UtcMs(0), 16 * MICRO, u64::MAX), None, "never fits");
        let budget = counter.budget(UtcMs(1_000), MICRO);
        assert_eq!((budget.used, budget.max, budget.next_free), (14_670, 15_000, UtcMs(3_031)));
    }

    #[test]
    fn a_clock_set_back_frees_nothing() {
        let mut counter = Counter::new(MICRO, 1_000);
        counter.add(UtcMs(5_000), MICRO);
        assert_eq!(counter.value(UtcMs(0)), MICRO);
        assert_eq!(counter.wait_ms(UtcMs(0), MICRO, u64::MAX), Some(6_000));
        counter.add(UtcMs(0), 0);
        assert_eq!(counter.value(UtcMs(5_500)), MICRO / 2);
        assert_eq!(Counter::new(MICRO, 0).wait_ms(UtcMs(0), MICRO, u64::MAX), Some(0), "no decay, but room");
    }

    proptest! {
        #[test]
        fn waiting_is_enough_and_not_too_long(
            steps in prop::collection::vec((-2_000_i64..20_000, 0_u64..5_000_000), 1..60), decay in 1_u64..4_000,
        ) {
            let max = 15 * MICRO;
            let mut counter = Counter::new(max, decay);
            let mut now = UtcMs(1_756_000_000_000);
            for (ms, cost) in steps {
                now = now.plus(ms);
                let wait = counter.wait_ms(now, cost, u64::MAX).expect("costs below the maximum fit");
                if wait > 0 {
                    let early = now.plus(wait as i64 - 1);
                    prop_assert!(counter.value(early) + cost > max);
                }
                now = now.plus(wait as i64);
                counter.add(now, cost);
                prop_assert!(counter.value(now) <= max);
            }
        }
    }
}
