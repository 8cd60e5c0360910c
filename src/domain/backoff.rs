//! How long to wait before the next try: doubling, capped, with jitter so that agents do not try in step.

use super::random::SplitMix64;

/// Delays of one retried thing.
#[derive(Debug, Clone)]
pub struct Backoff {
    initial_ms: u64,
    max_ms: u64,
    random: SplitMix64,
}

impl Backoff {
    /// First delay about `initial_ms`, none above `max_ms`.
    #[must_use]
    pub const fn new(initial_ms: u64, max_ms: u64, seed: u64) -> Self {
        Self { initial_ms, max_ms, random: SplitMix64::seeded(seed) }
    }

    /// Milliseconds to wait before retry number `retry` (0 is the first): between half and all of
    /// `min(max, initial · 2^retry)`.
    pub fn delay_ms(&mut self, retry: u32) -> u64 {
        let factor = 1_u64.checked_shl(retry).unwrap_or(u64::MAX);
        let ceiling = self.initial_ms.saturating_mul(factor).min(self.max_ms);
        let half = ceiling / 2;
        let spread = ceiling - half;
        half + self.random.next_u64().checked_rem(spread.saturating_add(1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_seeds_wait_equally_and_others_do_not() {
        let run = |seed| {
            let mut b = Backoff::new(1_000, 60_000, seed);
            (0..8).map(|i| b.delay_ms(i)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    proptest! {
        #[test]
        fn delays_grow_up_to_the_cap(initial in 0_u64..10_000, max in 0_u64..100_000, seed: u64, retry in 0_u32..200) {
            let delay = Backoff::new(initial, max, seed).delay_ms(retry);
            let ceiling = u64::try_from((u128::from(initial) << retry.min(64)).min(u128::from(max))).unwrap();
            prop_assert!(delay <= ceiling && delay >= ceiling / 2, "{} of {}", delay, ceiling);
        }
    }
}
