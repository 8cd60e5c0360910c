//! Whether one frame follows the last one without a gap: streaming statistics must not bridge a hole.

use crate::domain::frame::Frame;
use crate::domain::time::{HOUR_MS, UtcMs};

/// How a frame stands to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    /// Known already, or older than what is known.
    Seen,
    /// The next hour, nothing missing between.
    Directly,
    /// The first usable frame, or the first after a hole or after frames that never arrived.
    AfterGap,
    /// The hour itself has a hole: its close may be old and is not used.
    Hole,
}

/// Remembers the last frame of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Continuity {
    last: Option<(UtcMs, u32)>,
}

impl Continuity {
    pub(super) fn observe(&mut self, frame: &Frame) -> Follows {
        let bars = frame.quality.bars_since_hole;
        let follows = match self.last {
            Some((at, _)) if frame.at <= at => return Follows::Seen,
            _ if bars == 0 => Follows::Hole,
            Some((at, last)) if last > 0 && bars > last && frame.at.since(at) == HOUR_MS => Follows::Directly,
            _ => Follows::AfterGap,
        };
        self.last = Some((frame.at, bars));
        follows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::specimens::frame;

    #[test]
    fn holes_and_missing_hours_break_the_row() {
        let mut row = Continuity::default();
        let mut see = |hour: i64, bars: u32| {
            let mut f = frame("BTC/USD", hour, 100.0);
            f.quality.bars_since_hole = bars;
            row.observe(&f)
        };
        assert_eq!(see(1, 5), Follows::AfterGap);
        assert_eq!(see(2, 6), Follows::Directly);
        assert_eq!(see(2, 6), Follows::Seen);
        assert_eq!(see(1, 5), Follows::Seen);
        assert_eq!(see(3, 0), Follows::Hole);
        assert_eq!(see(4, 1), Follows::AfterGap);
        assert_eq!(see(5, 1), Follows::AfterGap);
        assert_eq!(see(6, 2), Follows::Directly);
        assert_eq!(see(8, 4), Follows::AfterGap);
    }
}
