//! So many in so long: a sliding window.

use std::collections::VecDeque;

use super::{Budget, Priority};
use crate::domain::time::UtcMs;

/// At most `max` events in any `span_ms`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    max: usize,
    /// Places that only cancels may take.
    kept: usize,
    span_ms: i64,
    /// Never falling.
    times: VecDeque<UtcMs>,
}

impl Window {
    #[must_use]
    pub const fn new(max: usize, span_ms: i64) -> Self {
        Self { max, kept: 0, span_ms, times: VecDeque::new() }
    }

    /// Keeps places back for cancels.
    #[must_use]
    pub const fn keeping(mut self, places: usize) -> Self {
        self.kept = places;
        self
    }

    /// Milliseconds until one more fits; `u64::MAX` when none ever does.
    #[must_use]
    pub fn wait_ms(&self, now: UtcMs, priority: Priority) -> u64 {
        let max = match priority {
            Priority::Normal => self.max.saturating_sub(self.kept),
            Priority::Cancel => self.max,
        };
        if max == 0 {
            return u64::MAX;
        }
        // the event that must have left the window
        let Some(blocking) = self.times.len().checked_sub(max).and_then(|place| self.times.get(place)) else {
            return 0;
        };
        u64::try_from(blocking.plus(self.span_ms).since(now)).unwrap_or(0)
    }

    /// Counts an event if it fits.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub fn take(&mut self, now: UtcMs, priority: Priority) -> Result<(), u64> {
        match self.wait_ms(now, priority) {
            0 => {
                // a clock set back must not make events look older than they are
                let at = self.times.back().map_or(now, |last| now.max(*last));
                while self.times.front().is_some_and(|first| first.plus(self.span_ms) <= at) {
                    self.times.pop_front();
                }
                self.times.push_back(at);
                Ok(())
            }
            wait => Err(wait),
        }
    }

    /// For the screen.
    #[must_use]
    pub fn budget(&self, now: UtcMs) -> Budget {
        let inside = self.times.iter().filter(|at| at.plus(self.span_ms) > now).count();
        let wait = i64::try_from(self.wait_ms(now, Priority::Normal)).unwrap_or(i64::MAX);
        let milli = |n: usize| u64::try_from(n).unwrap_or(u64::MAX).saturating_mul(1_000);
        Budget { used: milli(inside), max: milli(self.max), next_free: now.plus(wait) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_oldest_must_leave_first() {
        let mut window = Window::new(3, 1_000).keeping(1);
        assert_eq!(window.take(UtcMs(0), Priority::Normal), Ok(()));
        assert_eq!(window.take(UtcMs(100), Priority::Normal), Ok(()));
        assert_eq!(window.take(UtcMs(200), Priority::Normal), Err(800));
        assert_eq!(window.take(UtcMs(200), Priority::Cancel), Ok(()), "kept for cancels");
        assert_eq!(window.take(UtcMs(300), Priority::Cancel), Err(700));
        assert_eq!(window.wait_ms(UtcMs(300), Priority::Normal), 800);
        let budget = window.budget(UtcMs(300));
        assert_eq!((budget.used, budget.max, budget.next_free), (3_000, 3_000, UtcMs(1_100)));
        assert_eq!(window.take(UtcMs(1_100), Priority::Normal), Ok(()));
        assert_eq!(Window::new(0, 1_000).take(UtcMs(0), Priority::Cancel), Err(u64::MAX));
    }

    proptest! {
        #[test]
        fn no_span_ever_holds_more(
            steps in prop::collection::vec((-300_i64..400, any::<bool>()), 1..200), max in 1_usize..12, kept in 0_usize..3,
        ) {
            let mut window = Window::new(max, 1_000).keeping(kept);
            let (mut now, mut sent) = (UtcMs(0), Vec::new());
            for (ms, cancel) in steps {
                now = now.plus(ms);
                let priority = if cancel { Priority::Cancel } else { Priority::Normal };
                match window.take(now, priority) {
                    Ok(()) => sent.push((now, cancel)),
                    // a ms before the end of the wait it still does not fit, at its end it does
                    Err(wait) if wait < u64::MAX => {
                        prop_assert!(window.wait_ms(now.plus(wait as i64 - 1), priority) > 0);
                        prop_assert_eq!(window.wait_ms(now.plus(wait as i64), priority), 0);
                    }
                    Err(_) => prop_assert!(!cancel && kept >= max),
                }
            }
            // by real time, with the clock never set back, no window of a second holds too many
            let rising = sent.windows(2).all(|w| w[0].0 <= w[1].0);
            if rising {
                for (at, _) in &sent {
                    let inside = sent.iter().filter(|(other, _)| *other >= *at && other.since(*at) < 1_000).count();
                    prop_assert!(inside <= max);
                }
            }
        }
    }
}
