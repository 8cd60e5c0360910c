//! How long an agent's runs take, and how busy it is. Pure: the time is passed in, as monotonic milliseconds.

/// Runs that the percentiles look back on.
pub const RUNS: usize = 256;
const SECONDS: usize = 60;
const SECOND_MS: f64 = 1_000.0;

/// Durations of the newest [`RUNS`] runs.
#[derive(Debug, Clone, Default)]
pub struct Durations {
    ring: Vec<f64>,
    next: usize,
}

impl Durations {
    /// Adds a run of `ms` milliseconds; a value that is not finite is no measurement and is left out.
    pub fn push(&mut self, ms: f64) {
        if !ms.is_finite() {
            return;
        }
        if self.ring.len() < RUNS {
            self.ring.push(ms.max(0.0));
        } else if let Some(slot) = self.ring.get_mut(self.next) {
            *slot = ms.max(0.0);
        }
        self.next = (self.next + 1) % RUNS;
    }

    /// Median and 95th percentile in ms (nearest rank); `None` before the first run.
    #[must_use]
    pub fn percentiles(&self) -> Option<(f64, f64)> {
        let mut sorted = self.ring.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let rank = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some((rank(50)?, rank(95)?))
    }
}

/// Busy share of the last minute, in one-second cells.
#[derive(Debug, Clone)]
pub struct Busy {
    /// Busy milliseconds per second, by `second % 60`.
    cells: [f64; SECONDS],
    /// The newest second that has a cell.
    newest: i64,
    started: f64,
    since: Option<f64>,
}

impl Busy {
    /// Starts to watch at `now`.
    #[must_use]
    pub fn new(now: f64) -> Self {
        Self { cells: [0.0; SECONDS], newest: second(now), started: now, since: None }
    }

    /// A run begins.
    pub fn begin(&mut self, now: f64) {
        self.since.get_or_insert(now);
    }

    /// The run ends.
    pub fn end(&mut self, now: f64) {
        if let Some(from) = self.since.take() {
            self.add(from, now);
        }
    }

    /// Share of the last minute (or of the time since the start, when that is shorter) spent in runs, the current one included; 0..=1.
    #[must_use]
    pub fn share(&self, now: f64) -> f64 {
        let mut seen = self.clone();
        seen.end(now);
        seen.roll(second(now));
        let window = (now - self.started).min(SECONDS as f64 * SECOND_MS);
        if window <= 0.0 {
            return 0.0;
        }
        (seen.cells.iter().sum::<f64>() / window).clamp(0.0, 1.0)
    }

    /// Spreads the interval over its seconds, the oldest minute excepted.
    fn add(&mut self, from: f64, to: f64) {
        self.roll(second(to));
        let mut from = from.max(to - SECONDS as f64 * SECOND_MS);
        while from < to {
            let cell = second(from);
            let end = ((cell + 1) as f64 * SECOND_MS).min(to);
            if let Some(slot) = self.slot(cell) {
                *slot += end - from;
            }
            if end <= from {
                break;
            }
            from = end;
        }
    }

    /// Empties the cells of the seconds up to `now` that had none yet.
    fn roll(&mut self, now: i64) {
        if now - self.newest >= SECONDS as i64 {
            self.cells = [0.0; SECONDS];
        } else {
            for s in self.newest + 1..=now {
                if let Some(slot) = self.slot(s) {
                    *slot = 0.0;
                }
            }
        }
        self.newest = self.newest.max(now);
    }

    fn slot(&mut self, second: i64) -> Option<&mut f64> {
        usize::try_from(second.rem_euclid(SECONDS as i64)).ok().and_then(|i| self.cells.get_mut(i))
    }
}

fn second(ms: f64) -> i64 {
    (ms / SECOND_MS).floor() as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_look_back_on_the_newest_runs() {
        let mut d = Durations::default();
        assert_eq!(d.percentiles(), None);
        d.push(f64::NAN);
        assert_eq!(d.percentiles(), None);
        d.push(5.0);
        assert_eq!(d.percentiles(), Some((5.0, 5.0)));
        for i in 1..=1_000 {
            d.push(f64::from(i));
        }
        // The newest 256 are 745..=1000.
        assert_eq!(d.percentiles(), Some((872.0, 988.0)));
    }

    #[test]
    fn busy_is_a_share_of_the_last_minute() {
        let mut b = Busy::new(0.0);
        assert_eq!(b.share(0.0), 0.0);
        b.begin(1_500.0);
        assert!((b.share(2_000.0) - 0.25).abs() < 1e-9, "the current run counts");
        b.end(3_000.0);
        assert!((b.share(3_000.0) - 0.5).abs() < 1e-9);
        assert!((b.share(30_000.0) - 0.05).abs() < 1e-9);
        assert!((b.share(200_000.0)).abs() < 1e-9, "older than a minute is forgotten");
        b.begin(200_000.0);
        assert!((b.share(400_000.0) - 1.0).abs() < 1e-2, "a stuck run is fully busy");
    }

    proptest! {
        #[test]
        fn busy_stays_a_share(runs in proptest::collection::vec((0_u32..5_000, 0_u32..90_000), 0..40)) {
            let mut b = Busy::new(17.0);
            let mut now = 17.0;
            for (idle, run) in runs {
                now += f64::from(idle);
                b.begin(now);
                now += f64::from(run);
                b.end(now);
                let share = b.share(now);
                prop_assert!((0.0..=1.0).contains(&share), "{}", share);
            }
        }
    }
}
