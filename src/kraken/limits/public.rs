//! Pace of public REST calls: about one a second for an address, and one a second for a pair's history.

use std::collections::BTreeMap;

use crate::domain::time::UtcMs;

/// When the next public call may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicPace {
    /// Between any two calls, in ms.
    any_ms: i64,
    /// Between two calls of one endpoint and pair, in ms.
    same_ms: i64,
    next_any: UtcMs,
    next_same: BTreeMap<(&'static str, String), UtcMs>,
    held_until: UtcMs,
}

impl Default for PublicPace {
    fn default() -> Self {
        Self::new(1_000, 1_000)
    }
}

impl PublicPace {
    /// Milliseconds between any two calls, and between two of one endpoint and pair.
    #[must_use]
    pub const fn new(any_ms: i64, same_ms: i64) -> Self {
        let never = UtcMs(i64::MIN);
        Self { any_ms, same_ms, next_any: never, next_same: BTreeMap::new(), held_until: never }
    }

    /// Milliseconds until this call may leave. `pair` is given for OHLC and Trades.
    #[must_use]
    pub fn wait_ms(&self, now: UtcMs, call: &'static str, pair: Option<&str>) -> u64 {
        let same = pair.and_then(|pair| self.next_same.get(&(call, pair.to_owned()))).copied();
        let at = self.next_any.max(self.held_until).max(same.unwrap_or(UtcMs(i64::MIN)));
        u64::try_from(at.since(now)).unwrap_or(0)
    }

    /// Counts a call if it may leave now.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub fn take(&mut self, now: UtcMs, call: &'static str, pair: Option<&str>) -> Result<(), u64> {
        match self.wait_ms(now, call, pair) {
            0 => {
                self.next_any = now.plus(self.any_ms);
                self.next_same.retain(|_, next| *next > now);
                if let Some(pair) = pair {
                    self.next_same.insert((call, pair.to_owned()), now.plus(self.same_ms));
                }
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// The exchange asked to wait.
    pub fn hold_until(&mut self, until: UtcMs) {
        self.held_until = self.held_until.max(until);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_two_and_the_same_two_keep_their_distance() {
        let mut pace = PublicPace::new(200, 1_000);
        assert_eq!(pace.take(UtcMs(0), "OHLC", Some("XBTUSD")), Ok(()));
        assert_eq!(pace.take(UtcMs(50), "Time", None), Err(150));
        assert_eq!(pace.take(UtcMs(200), "OHLC", Some("XBTUSD")), Err(800));
        assert_eq!(pace.take(UtcMs(200), "OHLC", Some("ETHUSD")), Ok(()));
        assert_eq!(pace.take(UtcMs(400), "Trades", Some("XBTUSD")), Ok(()));
        pace.hold_until(UtcMs(9_000));
        pace.hold_until(UtcMs(8_000));
        assert_eq!(pace.take(UtcMs(1_000), "Time", None), Err(8_000));
        assert_eq!(pace.take(UtcMs(9_000), "Time", None), Ok(()));
        assert_eq!(pace.next_same.len(), 0, "old entries are dropped");
    }

    proptest! {
        #[test]
        fn never_faster_than_told(steps in prop::collection::vec((0_i64..400, 0_usize..3), 1..120)) {
            let pairs = [None, Some("XBTUSD"), Some("ETHUSD")];
            let mut pace = PublicPace::new(300, 1_000);
            let (mut now, mut sent) = (UtcMs(0), Vec::new());
            for (ms, which) in steps {
                now = now.plus(ms);
                if pace.take(now, "Trades", pairs[which]).is_ok() {
                    sent.push((now, which));
                }
            }
            prop_assert!(sent.windows(2).all(|w| w[1].0.since(w[0].0) >= 300));
            for which in 1..3 {
                let same: Vec<_> = sent.iter().filter(|s| s.1 == which).collect();
                prop_assert!(same.windows(2).all(|w| w[1].0.since(w[0].0) >= 1_000));
            }
        }
    }
}
