//! A circuit breaker: after so many failures in a row it lets nothing through for a while, then one probe.

use std::fmt;

/// Where the breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Everything passes.
    Closed,
    /// Nothing passes until the cooldown is over.
    Open,
    /// One probe passes; its outcome closes or reopens the breaker.
    HalfOpen,
}

impl Phase {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The breaker lets nothing through.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the breaker is open after {failures} failures in a row; next try in {retry_in_ms:.0} ms")]
pub struct BreakerOpen {
    pub failures: u32,
    pub retry_in_ms: f64,
}

/// Pure: the time is passed in, as monotonic milliseconds.
#[derive(Debug, Clone)]
pub struct Breaker {
    failures_to_open: u32,
    cooldown_ms: f64,
    failures: u32,
    failed_probes: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Closed,
    Open { since: f64 },
    Probing,
}

impl Breaker {
    /// Opens after `failures_to_open` failures in a row (at least one), for `cooldown_ms`.
    #[must_use]
    pub fn new(failures_to_open: u32, cooldown_ms: u64) -> Self {
        Self {
            failures_to_open: failures_to_open.max(1),
            cooldown_ms: cooldown_ms as f64,
            failures: 0,
            failed_probes: 0,
            state: State::Closed,
        }
    }

    /// Asks to pass at `now`; a pass of a half-open breaker is the probe, and nothing else passes until its outcome is known.
    ///
    /// # Errors
    /// [`BreakerOpen`] while nothing may pass.
    pub fn admit(&mut self, now: f64) -> Result<(), BreakerOpen> {
        match self.state {
            State::Closed => Ok(()),
            State::Open { since } if now - since >= self.cooldown_ms => {
                self.state = State::Probing;
                Ok(())
            }
            State::Open { since } => Err(BreakerOpen {
                failures: self.failures,
                retry_in_ms: (self.cooldown_ms - (now - since)).clamp(0.0, self.cooldown_ms),
            }),
            State::Probing => Err(BreakerOpen { failures: self.failures, retry_in_ms: 0.0 }),
        }
    }

    /// What passed went well.
    pub fn success(&mut self) {
        self.failures = 0;
        self.failed_probes = 0;
        self.state = State::Closed;
    }

    /// What passed went wrong.
    pub fn failure(&mut self, now: f64) {
        self.failures = self.failures.saturating_add(1);
        match self.state {
            State::Probing => {
                self.failed_probes = self.failed_probes.saturating_add(1);
                self.state = State::Open { since: now };
            }
            State::Closed if self.failures >= self.failures_to_open => self.state = State::Open { since: now },
            State::Closed | State::Open { .. } => {}
        }
    }

    /// The phase at `now`.
    #[must_use]
    pub fn phase(&self, now: f64) -> Phase {
        match self.state {
            State::Closed => Phase::Closed,
            State::Open { since } if now - since < self.cooldown_ms => Phase::Open,
            State::Open { .. } | State::Probing => Phase::HalfOpen,
        }
    }

    /// Failures since the last success.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Probes that failed since the last success.
    #[must_use]
    pub const fn failed_probes(&self) -> u32 {
        self.failed_probes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn opens_half_opens_and_closes() {
        let mut b = Breaker::new(3, 100);
        for _ in 0..2 {
            assert!(b.admit(0.0).is_ok());
            b.failure(0.0);
        }
        assert_eq!(b.phase(0.0), Phase::Closed);
        b.failure(10.0);
        assert_eq!(b.phase(10.0), Phase::Open);
        assert_eq!(b.admit(60.0), Err(BreakerOpen { failures: 3, retry_in_ms: 50.0 }));
        assert_eq!(b.phase(110.0), Phase::HalfOpen);
        assert!(b.admit(110.0).is_ok());
        assert!(b.admit(110.0).is_err(), "only one probe");
        b.failure(120.0);
        assert_eq!((b.phase(120.0), b.failed_probes()), (Phase::Open, 1));
        assert!(b.admit(220.0).is_ok());
        b.success();
        assert_eq!((b.phase(220.0), b.failures(), b.failed_probes()), (Phase::Closed, 0, 0));
    }

    #[test]
    fn a_success_forgets_the_failures_before_it() {
        let mut b = Breaker::new(2, 100);
        for t in 0..10 {
            b.failure(f64::from(t));
            b.success();
        }
        assert_eq!(b.phase(10.0), Phase::Closed);
    }

    proptest! {
        /// Never more than one probe between two outcomes, and nothing passes during a cooldown.
        #[test]
        fn an_open_breaker_lets_one_through(steps in proptest::collection::vec((0_u8..3, 0_u32..60), 0..200)) {
            let mut b = Breaker::new(3, 100);
            let (mut now, mut opened, mut probing) = (0.0, None, false);
            for (what, wait) in steps {
                now += f64::from(wait);
                match what {
                    0 => {
                        let passed = b.admit(now).is_ok();
                        if let Some(since) = opened {
                            prop_assert_eq!(passed, !probing && now - since >= 100.0);
                            probing |= passed;
                        } else {
                            prop_assert!(passed);
                        }
                    }
                    1 => { b.success(); opened = None; probing = false; }
                    _ => {
                        b.failure(now);
                        if probing || (opened.is_none() && b.failures() >= 3) { opened = Some(now); }
                        probing = false;
                    }
                }
            }
        }
    }
}
