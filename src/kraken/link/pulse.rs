//! Time inside the link: a count of milliseconds that never goes back, whatever the machine's clock does, and what the exchange's stamps
//! tell about that clock.

use crate::domain::time::UtcMs;
use crate::kraken::wire::Stamp;

/// A step of the clock that a running link does not see by itself.
const JUMP_AHEAD_MS: i64 = 60_000;
/// A stamp farther ahead than this is wrong, or our clock is.
const ABSURD_MS: i64 = 15 * 60_000;
/// This many absurd stamps that agree mean that our clock is wrong.
const AGREEING: u32 = 3;
/// Width of one bucket of the skew's maximum.
const BUCKET_MS: i64 = 60_000;

/// What the clock did since the last input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Jump {
    None,
    Back(i64),
    Ahead(i64),
}

/// The link's time.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    wall: Option<UtcMs>,
    t: i64,
    bucket_began: i64,
    /// Largest `stamp - now` of the bucket before and of this one: messages arrive late but never early, so the largest is nearest to the
    /// difference of the clocks.
    before: Option<i64>,
    current: Option<i64>,
    /// How far our clock is behind, as far as several stamps agreed.
    behind: i64,
    /// The last absurd offset, and how many agreed with it.
    absurd: Option<(i64, u32)>,
}

impl Pulse {
    /// Takes the clock's word. Backward steps count as no time, forward steps as time that passed.
    pub fn advance(&mut self, now: UtcMs) -> Jump {
        let step = self.wall.map_or(0, |wall| now.since(wall));
        self.wall = Some(now);
        self.t = self.t.saturating_add(step.max(0));
        if !(0..=JUMP_AHEAD_MS).contains(&step) {
            (self.before, self.current, self.absurd, self.behind) = (None, None, None, 0);
        }
        match step {
            s if s < 0 => Jump::Back(s.saturating_neg()),
            s if s > JUMP_AHEAD_MS => Jump::Ahead(s),
            _ => Jump::None,
        }
    }

    /// Milliseconds of the link's life.
    pub const fn t(&self) -> i64 {
        self.t
    }

    /// The machine's clock at the last input.
    pub fn wall(&self) -> UtcMs {
        self.wall.unwrap_or_default()
    }

    /// What the machine's clock will show at `t`, if it behaves.
    pub fn wall_at(&self, t: i64) -> UtcMs {
        self.wall().plus(t.saturating_sub(self.t))
    }

    /// Whether a stamp may be true. One far in the future is not; several that agree show that our clock is behind, and are.
    pub fn plausible(&mut self, stamp: Stamp) -> bool {
        let offset = stamp.ms().since(self.wall());
        if offset <= self.behind.saturating_add(ABSURD_MS) {
            return true;
        }
        let agreeing = match self.absurd {
            Some((other, count)) if offset.saturating_sub(other).saturating_abs() <= ABSURD_MS => {
                count.saturating_add(1)
            }
            _ => 1,
        };
        self.absurd = Some((offset, agreeing));
        if agreeing >= AGREEING {
            self.behind = offset;
        }
        agreeing >= AGREEING
    }

    /// How far our clock was found to be behind the exchange's, when it is far.
    pub fn behind_ms(&self) -> Option<i64> {
        (self.behind > 0).then_some(self.behind)
    }

    /// Compares the stamp of a message that just came with the clock.
    pub fn observe(&mut self, stamp: Stamp) {
        let offset = stamp.ms().since(self.wall());
        if offset > self.behind.saturating_add(ABSURD_MS) {
            return;
        }
        if self.t.saturating_sub(self.bucket_began) >= BUCKET_MS {
            self.bucket_began = self.t;
            self.before = self.current.take().or(self.before);
        }
        self.current = Some(self.current.map_or(offset, |c| c.max(offset)));
    }

    /// Exchange's clock minus ours, in milliseconds, as near as the delay of messages allows.
    pub fn skew_ms(&self) -> Option<i64> {
        self.before.max(self.current)
    }

    /// The instant up to which candles may be over: never ahead of our clock nor of the exchange's.
    pub fn safe_now(&self) -> UtcMs {
        self.wall().plus(self.skew_ms().unwrap_or(0).min(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_runs_back() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.advance(UtcMs(1_000_000)), Jump::None);
        assert_eq!(pulse.advance(UtcMs(1_000_500)), Jump::None);
        assert_eq!((pulse.t(), pulse.wall_at(700)), (500, UtcMs(1_000_700)));
        assert_eq!(pulse.advance(UtcMs(400_000)), Jump::Back(600_500));
        assert_eq!(pulse.t(), 500);
        assert_eq!(pulse.advance(UtcMs(400_100)), Jump::None);
        assert_eq!(pulse.t(), 600);
        assert_eq!(pulse.advance(UtcMs(500_100)), Jump::Ahead(100_000));
        assert_eq!(pulse.t(), 100_600);
        pulse.advance(UtcMs(i64::MAX));
        pulse.advance(UtcMs(i64::MIN));
        pulse.advance(UtcMs(i64::MAX));
    }

    #[test]
    fn one_stamp_from_the_future_is_wrong_and_three_are_right() {
        let mut pulse = Pulse::default();
        pulse.advance(UtcMs(1_000_000));
        let ahead = |ms: i64| Stamp::from_ms(UtcMs(1_000_000 + ms));
        assert!(pulse.plausible(ahead(900_000)) && !pulse.plausible(ahead(900_001)));
        assert!(!pulse.plausible(ahead(90_000_000)));
        for (n, meant) in [false, false, true, true].into_iter().enumerate() {
            assert_eq!(pulse.plausible(ahead(3_600_000 + n as i64)), meant);
        }
        assert!(pulse.behind_ms().is_some_and(|ms| ms >= 3_600_000));
        pulse.observe(ahead(3_600_000));
        assert_eq!((pulse.skew_ms(), pulse.safe_now()), (Some(3_600_000), UtcMs(1_000_000)));
        // the clock is set right: everything is judged anew
        pulse.advance(UtcMs(4_600_000));
        assert_eq!((pulse.behind_ms(), pulse.plausible(ahead(4_600_000))), (None, false));
    }

    #[test]
    fn the_skew_is_the_least_late_message() {
        let mut pulse = Pulse::default();
        pulse.advance(UtcMs(1_000_000));
        assert_eq!((pulse.skew_ms(), pulse.safe_now()), (None, UtcMs(1_000_000)));
        // an absurd one says nothing
        for stamp in [-4_000, -2_050, -2_900, -1_550, 3_600_000] {
            pulse.observe(Stamp::from_ms(UtcMs(1_000_000 + stamp)));
        }
        assert_eq!((pulse.skew_ms(), pulse.safe_now()), (Some(-1_550), UtcMs(998_450)));
        pulse.observe(Stamp::from_ms(UtcMs(1_000_700)));
        assert_eq!((pulse.skew_ms(), pulse.safe_now()), (Some(700), UtcMs(1_000_000)));
        // two buckets later the old maximum is forgotten
        for minute in 1..=3 {
            pulse.advance(UtcMs(1_000_000 + minute * 60_000));
            pulse.observe(Stamp::from_ms(UtcMs(1_000_000 + minute * 60_000 - 30)));
        }
        assert_eq!(pulse.skew_ms(), Some(-30));
    }
}
