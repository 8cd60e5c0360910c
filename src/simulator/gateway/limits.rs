//! Counters that leak with time: calls, messages, connections. Integer arithmetic in billionths, so that equal inputs give equal states.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::simulator::desk;
use crate::simulator::protocol::SimNs;

const ONE: i64 = 1_000_000_000;

/// Verification level of an account, which decides its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    Starter,
    Intermediate,
    Pro,
}

impl Tier {
    /// Highest REST counter and its decay in hundredths per second.
    const fn rest(self) -> (u32, u32) {
        match self {
            Self::Starter => (15, 33),
            Self::Intermediate => (20, 50),
            Self::Pro => (20, 100),
        }
    }

    /// The same level as the desk names it.
    #[must_use]
    pub const fn of_desk(self) -> desk::Tier {
        match self {
            Self::Starter => desk::Tier::Starter,
            Self::Intermediate => desk::Tier::Intermediate,
            Self::Pro => desk::Tier::Pro,
        }
    }

    /// A fresh REST counter of this level.
    #[must_use]
    pub const fn rest_counter(self) -> Leaky {
        let (max, decay) = self.rest();
        Leaky::new(max, decay)
    }
}

/// A counter that rises with use and falls with time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaky {
    max: i64,
    /// Hundredths per second.
    decay: i64,
    level: i64,
    at: SimNs,
}

impl Leaky {
    /// Holds at most `max`, falls by `decay` hundredths per second.
    #[must_use]
    pub const fn new(max: u32, decay: u32) -> Self {
        Self { max: max as i64 * ONE, decay: decay as i64, level: 0, at: SimNs(i64::MIN) }
    }

    /// Adds `cost` if it fits; a refused use costs nothing.
    pub fn take(&mut self, now: SimNs, cost: u32) -> bool {
        self.settle(now);
        let wanted = self.level.saturating_add(i64::from(cost) * ONE);
        let fits = wanted <= self.max;
        if fits {
            self.level = wanted;
        }
        fits
    }

    /// Height in billionths at `now`.
    pub fn level(&mut self, now: SimNs) -> i64 {
        self.settle(now);
        self.level
    }

    fn settle(&mut self, now: SimNs) {
        if now <= self.at {
            return;
        }
        let elapsed = now.0.saturating_sub(self.at.0);
        let fallen = i128::from(elapsed) * i128::from(self.decay) / 100;
        self.level = i64::try_from(i128::from(self.level) - fallen).unwrap_or(0).max(0);
        self.at = now;
    }
}

/// Failures that lead to a lockout.
#[derive(Debug, Clone, Default)]
pub struct Failures {
    times: VecDeque<SimNs>,
    locked_until: Option<SimNs>,
}

/// Failures older than this are forgotten.
const FAILURE_MEMORY_MS: i64 = 5 * 60_000;
const LOCKOUT_MS: i64 = 15 * 60_000;

impl Failures {
    /// Whether nothing is answered but the lockout.
    #[must_use]
    pub fn locked(&self, now: SimNs) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// Counts one failure; `limit` of them in five minutes lock for fifteen.
    pub fn count(&mut self, now: SimNs, limit: u32) {
        self.times.retain(|t| t.plus_ms(FAILURE_MEMORY_MS) > now);
        self.times.push_back(now);
        if self.times.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            self.times.clear();
            self.locked_until = Some(now.plus_ms(LOCKOUT_MS));
        }
    }
}

/// Connection attempts: so many in ten minutes, then none for ten minutes.
#[derive(Debug, Clone)]
pub struct Attempts {
    limit: usize,
    times: VecDeque<SimNs>,
    banned_until: Option<SimNs>,
}

const ATTEMPT_WINDOW_MS: i64 = 10 * 60_000;

impl Attempts {
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit, times: VecDeque::new(), banned_until: None }
    }

    /// Counts an attempt; whether it may pass.
    pub fn attempt(&mut self, now: SimNs) -> bool {
        if self.banned(now) {
            return false;
        }
        while self.times.front().is_some_and(|t| t.plus_ms(ATTEMPT_WINDOW_MS) <= now) {
            self.times.pop_front();
        }
        if self.times.len() >= self.limit {
            self.ban(now, ATTEMPT_WINDOW_MS);
            return false;
        }
        self.times.push_back(now);
        true
    }

    /// Refuses every attempt for `ms` milliseconds.
    pub fn ban(&mut self, now: SimNs, ms: i64) {
        self.banned_until = Some(now.plus_ms(ms));
    }

    fn banned(&self, now: SimNs) -> bool {
        self.banned_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> SimNs {
        SimNs(1_700_000_000_000_000_000).plus_ms(ms)
    }

    #[test]
    fn the_counter_of_a_starter_holds_fifteen_and_falls_by_a_third_a_second() {
        let mut c = Tier::Starter.rest_counter();
        assert!((0..15).all(|_| c.take(at(0), 1)));
        assert!(!c.take(at(0), 1));
        assert!(!c.take(at(3_000), 1), "0.99 have fallen");
        assert!(c.take(at(3_031), 1));
        assert_eq!(c.level(at(3_031)), 15 * ONE - 230_000);
        assert!(!c.take(at(10_000), 4) && c.take(at(20_000), 4));
        assert!(c.level(at(10_000_000)) == 0);
    }

    #[test]
    fn failures_lock_and_age() {
        let mut f = Failures::default();
        (0..3).for_each(|i| f.count(at(i * 200_000), 3));
        assert!(!f.locked(at(400_000)), "spread over more than five minutes");
        f.count(at(400_001), 3);
        assert!(f.locked(at(400_002)) && f.locked(at(400_001 + LOCKOUT_MS - 1)) && !f.locked(at(400_001 + LOCKOUT_MS)));
    }

    #[test]
    fn the_attempt_after_the_last_allowed_bans_for_ten_minutes() {
        let mut a = Attempts::new(150);
        assert!((0..150).all(|i| a.attempt(at(i))));
        assert!(!a.attempt(at(200)));
        assert!(!a.attempt(at(200 + ATTEMPT_WINDOW_MS - 1)));
        assert!(a.attempt(at(200 + ATTEMPT_WINDOW_MS)));
    }
}
