//! The simulated clock: as fast as the wall clock, faster, or standing still until it is moved.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::protocol::SimNs;
use crate::clock::Clock;

/// How simulated time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum ClockMode {
    #[default]
    Real,
    /// So many simulated seconds in a second; with 0 it stands still.
    Scaled { factor: u32 },
    /// Only when told.
    Step,
}

/// A clock of simulated time.
#[derive(Clone)]
pub struct SimClock {
    wall: Arc<dyn Clock>,
    mode: ClockMode,
    /// The simulated instant at `anchor_ms`.
    anchor: SimNs,
    /// Monotonic milliseconds of the wall clock.
    anchor_ms: f64,
}

impl SimClock {
    /// Shows `start` now.
    #[must_use]
    pub fn new(wall: Arc<dyn Clock>, mode: ClockMode, start: SimNs) -> Self {
        let anchor_ms = wall.monotonic_ms();
        Self { wall, mode, anchor: start, anchor_ms }
    }

    #[must_use]
    pub const fn mode(&self) -> ClockMode {
        self.mode
    }

    /// The simulated instant.
    #[must_use]
    pub fn now(&self) -> SimNs {
        let elapsed_ms = (self.wall.monotonic_ms() - self.anchor_ms).max(0.0);
        SimNs(self.anchor.0.saturating_add((elapsed_ms * self.factor() * 1e6) as i64))
    }

    /// Changes how time passes from now on.
    pub fn set_mode(&mut self, mode: ClockMode) {
        let now = self.now();
        self.set(now);
        self.mode = mode;
    }

    /// Shows `at` now; never goes back.
    pub fn set(&mut self, at: SimNs) {
        let now = self.now();
        self.anchor_ms = self.wall.monotonic_ms();
        self.anchor = at.max(now);
    }

    /// How long the wall clock takes until `at`; `None` when it will not come by itself.
    #[must_use]
    pub fn wait(&self, at: SimNs) -> Option<Duration> {
        let factor = self.factor();
        if factor <= 0.0 {
            return None;
        }
        let ns = at.0.saturating_sub(self.now().0).max(0);
        Duration::try_from_secs_f64(ns as f64 / 1e9 / factor).ok()
    }

    fn factor(&self) -> f64 {
        match self.mode {
            ClockMode::Real => 1.0,
            ClockMode::Scaled { factor } => f64::from(factor),
            ClockMode::Step => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::domain::time::UtcMs;

    #[test]
    fn time_passes_as_the_mode_says_and_never_goes_back() {
        let wall = Arc::new(ManualClock::at(UtcMs(1_000)));
        let mut clock = SimClock::new(wall.clone(), ClockMode::Real, SimNs(500));
        wall.advance(2_000);
        assert_eq!(clock.now(), SimNs(500).plus_ms(2_000));
        clock.set_mode(ClockMode::Scaled { factor: 60 });
        wall.advance(1_000);
        assert_eq!(clock.now(), SimNs(500).plus_ms(62_000));
        assert_eq!(clock.wait(clock.now().plus_ms(60_000)), Some(Duration::from_secs(1)));
        clock.set_mode(ClockMode::Step);
        wall.advance(9_000);
        assert_eq!((clock.now(), clock.wait(SimNs(i64::MAX))), (SimNs(500).plus_ms(62_000), None));
        clock.set(SimNs(0));
        assert_eq!(clock.now(), SimNs(500).plus_ms(62_000));
        clock.set(SimNs(500).plus_ms(70_000));
        assert_eq!(clock.now(), SimNs(500).plus_ms(70_000));
    }

    #[test]
    fn modes_travel_as_json() {
        for (mode, text) in [
            (ClockMode::Real, r#"{"mode":"real"}"#),
            (ClockMode::Scaled { factor: 5 }, r#"{"mode":"scaled","factor":5}"#),
            (ClockMode::Step, r#"{"mode":"step"}"#),
        ] {
            assert_eq!(serde_json::from_str::<ClockMode>(text).unwrap(), mode);
        }
    }
}
