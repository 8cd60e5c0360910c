//! The trading engine's counter: one per pair, shared by REST and WebSocket. Young orders cost more to change.

use std::collections::BTreeMap;

use super::{Budget, Counter, MICRO, Priority, Tier};
use crate::domain::pair::Pair;
use crate::domain::time::UtcMs;

/// What is about to be done to orders of one pair. Ages count in ms from creation or the last amendment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Add,
    AddBatch {
        orders: u32,
    },
    Amend {
        age_ms: u64,
    },
    /// Cancel and replace.
    Edit {
        age_ms: u64,
    },
    Cancel {
        age_ms: u64,
    },
    CancelBatch {
        ages_ms: Vec<u64>,
    },
}

/// Upper ends of the ages, in seconds, and what a change costs below each.
const AGES_S: [u64; 6] = [5, 10, 15, 45, 90, 300];
const AMEND: [u64; 6] = [3, 2, 1, 0, 0, 0];
const EDIT: [u64; 6] = [6, 5, 4, 2, 1, 0];
const CANCEL: [u64; 6] = [8, 6, 5, 4, 2, 1];

fn by_age(costs: [u64; 6], age_ms: u64) -> u64 {
    AGES_S.iter().zip(costs).find(|(end, _)| age_ms < **end * 1_000).map_or(0, |(_, cost)| cost).saturating_mul(MICRO)
}

impl Action {
    /// In millionths. The fixed part is paid even when the order is refused.
    #[must_use]
    pub fn cost(&self) -> u64 {
        match self {
            Self::Add => MICRO,
            Self::AddBatch { orders } => u64::from(*orders).saturating_mul(MICRO / 2),
            Self::Amend { age_ms } => by_age(AMEND, *age_ms).saturating_add(MICRO),
            Self::Edit { age_ms } => by_age(EDIT, *age_ms).saturating_add(MICRO),
            Self::Cancel { age_ms } => by_age(CANCEL, *age_ms),
            Self::CancelBatch { ages_ms } => {
                ages_ms.iter().fold(0, |sum: u64, age| sum.saturating_add(by_age(CANCEL, *age)))
            }
        }
    }

    const fn priority(&self) -> Priority {
        match self {
            Self::Cancel { .. } | Self::CancelBatch { .. } => Priority::Cancel,
            _ => Priority::Normal,
        }
    }

    const fn new_orders(&self) -> usize {
        match self {
            Self::Add => 1,
            Self::AddBatch { orders } => *orders as usize,
            _ => 0,
        }
    }
}

/// Why an action must not be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the exchange's order counter of the pair is full; room in {0} ms")]
    Wait(u64),
    #[error("the action alone is more than the exchange's order counter allows")]
    Never,
    #[error("{open} orders are open in the pair; the exchange allows {max}")]
    OpenOrders { open: usize, max: usize },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct OfPair {
    counter: Counter,
    open: usize,
}

/// Counters of all pairs. A fifth of each is kept back for cancels; cancels in a batch are accepted even above the maximum, and so are they here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineLimits {
    tier: Tier,
    pairs: BTreeMap<Pair, OfPair>,
}

impl EngineLimits {
    #[must_use]
    pub const fn new(tier: Tier) -> Self {
        Self { tier, pairs: BTreeMap::new() }
    }

    fn fresh(&self) -> OfPair {
        let a = self.tier.allowance();
        OfPair { counter: Counter::new(a.engine_max, a.engine_decay), open: 0 }
    }

    fn of(&mut self, pair: &Pair) -> &mut OfPair {
        let fresh = self.fresh();
        self.pairs.entry(pair.clone()).or_insert(fresh)
    }

    /// Whether an action may be sent now.
    ///
    /// # Errors
    /// [`Refused`], with the time to wait where waiting helps.
    pub fn check(&self, now: UtcMs, pair: &Pair, action: &Action) -> Result<(), Refused> {
        let fresh = self.fresh();
        let of = self.pairs.get(pair).unwrap_or(&fresh);
        let max = self.tier.allowance().orders_max;
        if action.new_orders() > 0 && of.open.saturating_add(action.new_orders()) > max {
            return Err(Refused::OpenOrders { open: of.open, max });
        }
        let ceiling = match (action.priority(), action) {
            (_, Action::CancelBatch { .. }) => return Ok(()),
            (Priority::Cancel, _) => of.counter.max(),
            (Priority::Normal, _) => of.counter.max() / 5 * 4,
        };
        match of.counter.wait_ms(now, action.cost(), ceiling) {
            Some(0) => Ok(()),
            Some(wait) => Err(Refused::Wait(wait)),
            None => Err(Refused::Never),
        }
    }

    /// Counts an action if it may be sent now. New orders count as open at once.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn take(&mut self, now: UtcMs, pair: &Pair, action: &Action) -> Result<(), Refused> {
        self.check(now, pair, action)?;
        let of = self.of(pair);
        of.counter.add(now, action.cost());
        of.open = of.open.saturating_add(action.new_orders());
        Ok(())
    }

    /// Takes over the live counter that `executions` reports, in units.
    pub fn reported(&mut self, now: UtcMs, pair: &Pair, count: u32) {
        self.of(pair).counter.set(now, u64::from(count).saturating_mul(MICRO));
    }

    /// Takes over the number of open orders (after a reconciliation, or when orders end).
    pub fn set_open(&mut self, pair: &Pair, open: usize) {
        self.of(pair).open = open;
    }

    /// The exchange refused an order for its counter: ours is taken as full.
    pub fn complained(&mut self, now: UtcMs, pair: &Pair) {
        let counter = &mut self.of(pair).counter;
        counter.set(now, counter.max());
    }

    /// For the screen: the counter of one pair; `next_free` is for one more order.
    #[must_use]
    pub fn budget(&self, now: UtcMs, pair: &Pair) -> Budget {
        let fresh = self.fresh();
        let counter = &self.pairs.get(pair).unwrap_or(&fresh).counter;
        let wait = counter.wait_ms(now, MICRO, counter.max() / 5 * 4).and_then(|ms| i64::try_from(ms).ok());
        Budget { next_free: now.plus(wait.unwrap_or(i64::MAX)), ..counter.budget(now, MICRO) }
    }

    /// For the screen: open orders of one pair, and the most allowed.
    #[must_use]
    pub fn open_orders(&self, pair: &Pair) -> (usize, usize) {
        (self.pairs.get(pair).map_or(0, |of| of.open), self.tier.allowance().orders_max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn btc() -> Pair {
        "BTC/USD".parse().expect("a pair")
    }

    #[test]
    fn the_documented_table_and_its_example() {
        let costs = |action: fn(u64) -> Action| {
            [0, 4_999, 5_000, 9_999, 10_000, 15_000, 44_999, 45_000, 90_000, 299_999, 300_000]
                .map(|age_ms| action(age_ms).cost() / MICRO)
        };
        assert_eq!(costs(|age_ms| Action::Amend { age_ms }), [4, 4, 3, 3, 2, 1, 1, 1, 1, 1, 1]);
        assert_eq!(costs(|age_ms| Action::Edit { age_ms }), [7, 7, 6, 6, 5, 3, 3, 2, 1, 1, 1]);
        assert_eq!(costs(|age_ms| Action::Cancel { age_ms }), [8, 8, 6, 6, 5, 4, 4, 2, 1, 1, 0]);
        assert_eq!(Action::CancelBatch { ages_ms: vec![0; 3] }.cost(), 24 * MICRO);
        assert_eq!(Action::AddBatch { orders: 5 }.cost(), 5 * MICRO / 2);
        // add; amend at 7 s; cancel 36 s later
        let example = [Action::Add, Action::Amend { age_ms: 7_000 }, Action::Cancel { age_ms: 36_000 }];
        assert_eq!(example.iter().map(Action::cost).sum::<u64>(), 8 * MICRO);
    }

    #[test]
    fn a_fifth_is_left_for_cancels() {
        let mut engine = EngineLimits::new(Tier::Starter);
        let now = UtcMs(0);
        for _ in 0..48 {
            assert_eq!(engine.take(now, &btc(), &Action::Add), Ok(()));
        }
        assert_eq!(engine.take(now, &btc(), &Action::Add), Err(Refused::Wait(1_000)));
        assert_eq!(engine.take(now, &"ETH/USD".parse().expect("a pair"), &Action::Add), Ok(()), "another counter");
        assert_eq!(engine.take(now, &btc(), &Action::Cancel { age_ms: 0 }), Ok(()));
        assert_eq!(engine.take(now, &btc(), &Action::Cancel { age_ms: 10_000 }), Err(Refused::Wait(1_000)));
        assert_eq!(engine.take(now, &btc(), &Action::CancelBatch { ages_ms: vec![0; 10] }), Ok(()), "always accepted");
        assert_eq!(engine.budget(now, &btc()).used, 136_000);
        assert_eq!(
            engine
                .take(now, &btc(), &Action::AddBatch { orders: 200 })
                .map_err(|e| matches!(e, Refused::OpenOrders { .. })),
            Err(true)
        );
    }

    #[test]
    fn open_orders_and_reports_count() {
        let mut engine = EngineLimits::new(Tier::Starter);
        engine.set_open(&btc(), 60);
        assert_eq!(engine.check(UtcMs(0), &btc(), &Action::Add), Err(Refused::OpenOrders { open: 60, max: 60 }));
        assert_eq!(engine.check(UtcMs(0), &btc(), &Action::Amend { age_ms: 0 }), Ok(()));
        engine.set_open(&btc(), 59);
        assert_eq!(engine.take(UtcMs(0), &btc(), &Action::Add), Ok(()));
        assert_eq!(engine.open_orders(&btc()), (60, 60));
        engine.set_open(&btc(), 0);
        engine.reported(UtcMs(0), &btc(), 50);
        assert_eq!(engine.check(UtcMs(0), &btc(), &Action::Add), Err(Refused::Wait(3_000)));
        engine.complained(UtcMs(0), &btc());
        assert_eq!(engine.budget(UtcMs(0), &btc()).next_free, UtcMs(13_000));
    }

    proptest! {
        #[test]
        fn the_engines_counter_stays_below_its_maximum(
            steps in prop::collection::vec((0_u64..3_000, 0_usize..5, 0_u64..120_000), 1..200), tier in 0_usize..3,
        ) {
            let tier = [Tier::Starter, Tier::Intermediate, Tier::Pro][tier];
            let (max, decay) = [(60.0, 1.0), (125.0, 2.34), (180.0, 3.75)][tier as usize];
            let mut engine = EngineLimits::new(tier);
            let (mut now, mut at, mut theirs) = (0_u64, 0_u64, 0.0_f64);
            for (ms, which, age_ms) in steps {
                now += ms;
                let action = match which {
                    0 => Action::Add,
                    1 => Action::AddBatch { orders: 7 },
                    2 => Action::Amend { age_ms },
                    3 => Action::Edit { age_ms },
                    _ => Action::Cancel { age_ms },
                };
                engine.set_open(&btc(), 0);
                if engine.take(UtcMs(now as i64), &btc(), &action).is_err() {
                    continue;
                }
                theirs = (theirs - (now - at) as f64 / 1_000.0 * decay).max(0.0) + action.cost() as f64 / 1e6;
                at = now;
                let ceiling = if which < 4 { max * 0.8 } else { max };
                prop_assert!(theirs <= ceiling + 1e-6, "{} of {}", theirs, ceiling);
            }
        }
    }
}
