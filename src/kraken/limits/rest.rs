//! The counter of private REST calls of one key.

use super::{Budget, Counter, MICRO, Tier};
use crate::domain::time::UtcMs;

/// Room that is never used: calls may arrive closer together than they left.
const MARGIN: u64 = MICRO;

/// Shortest wait after the exchange complained, in ms.
const COMPLAINT_MS: i64 = 15_000;

/// What a call costs, in millionths. Sources contradict each other for the three calls of history: the dearest counts. Order entry costs nothing
/// here, the engine has its own counter.
#[must_use]
pub fn cost(call: &str) -> u64 {
    match call {
        "Ledgers" | "TradesHistory" | "ClosedOrders" => 4 * MICRO,
        "AddOrder" | "AmendOrder" | "EditOrder" | "CancelOrder" => 0,
        _ => MICRO,
    }
}

/// When the next private call may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestLimits {
    counter: Counter,
    held_until: UtcMs,
}

impl RestLimits {
    #[must_use]
    pub const fn new(tier: Tier) -> Self {
        let a = tier.allowance();
        Self { counter: Counter::new(a.rest_max, a.rest_decay), held_until: UtcMs(i64::MIN) }
    }

    /// Milliseconds until `call` may leave.
    #[must_use]
    pub fn wait_ms(&self, now: UtcMs, call: &str) -> u64 {
        let cost = cost(call);
        let held = u64::try_from(self.held_until.since(now)).unwrap_or(0);
        if cost == 0 {
            return held;
        }
        let ceiling = self.counter.max().saturating_sub(MARGIN);
        self.counter.wait_ms(now, cost, ceiling).unwrap_or(u64::MAX).max(held)
    }

    /// Counts a call if it may leave now.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub fn take(&mut self, now: UtcMs, call: &str) -> Result<(), u64> {
        match self.wait_ms(now, call) {
            0 => {
                self.counter.add(now, cost(call));
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// The exchange complained: its counter was higher than ours. Waits until the time it gave, at least 15 s.
    pub fn complained(&mut self, now: UtcMs, until: Option<UtcMs>) {
        self.counter.set(now, self.counter.max());
        self.held_until = self.held_until.max(now.plus(COMPLAINT_MS)).max(until.unwrap_or(now));
    }

    /// For the screen.
    #[must_use]
    pub fn budget(&self, now: UtcMs) -> Budget {
        let wait = i64::try_from(self.wait_ms(now, "Balance")).unwrap_or(i64::MAX);
        Budget { next_free: now.plus(wait), ..self.counter.budget(now, MICRO) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn history_is_dear_and_orders_are_free_here() {
        let mut limits = RestLimits::new(Tier::Starter);
        for _ in 0..3 {
            assert_eq!(limits.take(UtcMs(0), "TradesHistory"), Ok(()));
        }
        // 12 of 14 usable
        assert_eq!(limits.take(UtcMs(0), "Ledgers"), Err(6_061));
        assert_eq!(limits.take(UtcMs(0), "Balance"), Ok(()));
        assert_eq!(limits.take(UtcMs(0), "BalanceEx"), Ok(()));
        assert_eq!(limits.take(UtcMs(0), "Balance"), Err(3_031));
        assert_eq!(limits.take(UtcMs(0), "CancelOrder"), Ok(()));
        assert_eq!(limits.budget(UtcMs(0)).next_free, UtcMs(3_031));
        assert_eq!((limits.budget(UtcMs(0)).used, limits.budget(UtcMs(0)).max), (14_000, 15_000));
    }

    #[test]
    fn a_complaint_is_believed() {
        let mut limits = RestLimits::new(Tier::Pro);
        limits.complained(UtcMs(0), None);
        assert_eq!(limits.wait_ms(UtcMs(0), "Balance"), 15_000);
        limits.complained(UtcMs(0), Some(UtcMs(60_000)));
        assert_eq!(limits.wait_ms(UtcMs(0), "CancelOrder"), 60_000);
        assert_eq!(limits.take(UtcMs(60_000), "ClosedOrders"), Ok(()));
    }

    proptest! {
        #[test]
        fn the_exchanges_counter_stays_below_its_maximum(
            steps in prop::collection::vec((0_u64..6_000, 0_usize..4), 1..120), tier in 0_usize..3,
        ) {
            let tier = [Tier::Starter, Tier::Intermediate, Tier::Pro][tier];
            let (max, decay) = [(15.0, 0.33), (20.0, 0.5), (20.0, 1.0)][tier as usize];
            let calls = [("Balance", 1.0), ("Ledgers", 4.0), ("AddOrder", 0.0), ("ClosedOrders", 4.0)];
            let mut limits = RestLimits::new(tier);
            let (mut now, mut theirs, mut at) = (0_u64, 0.0_f64, 0_u64);
            for (ms, which) in steps {
                now += ms;
                let (call, cost) = calls[which];
                if let Err(wait) = limits.take(UtcMs(now as i64), call) {
                    now += wait;
                    prop_assert_eq!(limits.take(UtcMs(now as i64), call), Ok(()), "the wait is enough");
                }
                theirs = (theirs - (now - at) as f64 / 1_000.0 * decay).max(0.0) + cost;
                at = now;
                prop_assert!(theirs <= max - 0.99, "{}", theirs);
            }
        }
    }
}
