//! What learns while the program runs, from outcomes as they mature, and goes on after a restart where it stopped.
//!
//! In go forecasts when they are made and outcomes when they are known; out come intervals that keep their coverage
//! ([`IntervalTracker`]), how well the probabilities of late kept their word ([`Scoreboard`]), and new calibrators when there is new
//! evidence ([`Recalibration`]); [`Follower`] does all of it for one model in use. Always true: nothing is used before the instant at which it was known, and what is refused
//! changes nothing; state is plain JSON, and the one that was read back goes on with the same bits.

mod follower;
mod intervals;
mod recalibration;
mod scoreboard;
mod start;

pub use follower::Follower;
pub use intervals::{Band, Forecast, IntervalTracker};
pub use recalibration::{NEW_EVIDENCE_MIN, NEW_EVIDENCE_SHARE, Observed, Recalibrated, Recalibration, Record};
pub use scoreboard::{Figures, Matured, Scoreboard};
pub use start::{MISSES_KEPT, SCORES_KEPT, Start, Training};

use crate::domain::UtcMs;

/// Why something was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the outcome is known at {known}, it is only {now}")]
    NotYet { known: UtcMs, now: UtcMs },
    #[error("{at} lies before {now}, up to which outcomes were used")]
    Past { at: UtcMs, now: UtcMs },
    #[error("there is one for this pair at {0} already")]
    Twice(UtcMs),
    #[error("no forecast of this pair at {0} waits for an outcome")]
    Unknown(UtcMs),
    #[error("a number or an instant is out of range")]
    OutOfRange,
}

/// Pairs beyond this number, and spans beyond this many milliseconds, are damage, not data.
const MAX_PAIRS: u32 = 10_000;
const MAX_SPAN_MS: i64 = 400 * crate::domain::time::DAY_MS;

fn sound_span(pair: u32, at: UtcMs, known: UtcMs) -> bool {
    pair < MAX_PAIRS && at.0 >= 0 && known > at && known.since(at) <= MAX_SPAN_MS
}

/// The span of a label for counting overlap, in whole hours.
fn hours(pair: u32, at: UtcMs, known: UtcMs) -> super::weights::PooledSpan {
    let hour = |t: UtcMs| t.0.div_euclid(crate::domain::time::HOUR_MS);
    super::weights::PooledSpan { pair: pair as usize, first: hour(at), last: hour(known) }
}
