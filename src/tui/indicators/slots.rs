//! Bars of one length from the candles that a picture carries: hours and longer from hourly bars and the running hour, shorter ones
//! from the source's own bars.

use crate::domain::market::{Bar, Candle};
use crate::domain::snapshot::PairView;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};

/// Name and length in ms of a chart's bars.
pub type Frame = (&'static str, i64);

/// Lengths that `[` and `]` step through.
pub const FRAMES: [Frame; 7] = [
    ("5m", 5 * MINUTE_MS),
    ("15m", 15 * MINUTE_MS),
    ("30m", 30 * MINUTE_MS),
    ("1h", HOUR_MS),
    ("4h", 4 * HOUR_MS),
    ("12h", 12 * HOUR_MS),
    ("1d", DAY_MS),
];

/// Slots kept at most: a hole of months must not become a chart of empty columns.
const MOST: i64 = 2_000;

/// The lengths that a pair's candles can be joined into, shortest first.
pub fn frames(pair: &PairView) -> impl DoubleEndedIterator<Item = Frame> + '_ {
    let source = pair.interval.ms();
    let can = move |step: i64| step >= HOUR_MS || (!pair.source_bars.is_empty() && source > 0 && step % source == 0);
    FRAMES.into_iter().filter(move |(_, step)| can(*step))
}

/// One bar's time on the chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    pub at: UtcMs,
    /// What was traded in it; `None` in a gap.
    pub bar: Option<Bar>,
    /// How much of its time the candles cover, in ms; quiet time counts as covered.
    pub covered: i64,
    /// A hole lies in it.
    pub hole: bool,
}

impl Slot {
    const fn empty(at: UtcMs) -> Self {
        Self { at, bar: None, covered: 0, hole: false }
    }

    /// Whether the bar is made of less than its whole time: not over yet, or with a hole in it.
    #[must_use]
    pub const fn is_partial(&self, step: i64) -> bool {
        self.bar.is_some() && self.covered < step
    }

    fn take(&mut self, piece: &Bar) {
        let at = self.at;
        match &mut self.bar {
            None => self.bar = Some(Bar { open_time: at, ..*piece }),
            Some(bar) => {
                bar.high = bar.high.max(piece.high);
                bar.low = bar.low.min(piece.low);
                bar.close = piece.close;
                bar.volume += piece.volume;
            }
        }
    }
}

/// A candle with what it may mean when its predecessor is missing.
struct Piece {
    bar: Bar,
    length: i64,
    /// Silent candles before it that are still a quiet market.
    quiet: i64,
}

/// The candles that bars of `step` are joined from, oldest first.
fn pieces(pair: &PairView, step: i64) -> impl Iterator<Item = Piece> + '_ {
    let hours: &[Candle] = if step >= HOUR_MS { &pair.bars } else { &[] };
    // The hour that is not over yet, and those whose frame is still being made.
    let after = hours.last().map_or(UtcMs(i64::MIN), |h| h.open_time.plus(HOUR_MS));
    let source = pair.source_bars.iter().filter(move |c| c.open_time >= after);
    let quiet = i64::from(pair.quiet_bars);
    let hours = hours.iter().map(|c| Piece { bar: Bar::from(c), length: HOUR_MS, quiet: 0 });
    hours.chain(source.map(move |c| Piece { bar: Bar::from(c), length: c.interval.ms(), quiet }))
}

/// Slots of `step` ms from the oldest candle to the newest, without gaps in time.
pub(super) fn slots(pair: &PairView, step: i64) -> Vec<Slot> {
    let mut out = Slots { slots: Vec::new(), step: step.max(1), end: None };
    let newest = pieces(pair, step).last().map(|p| p.bar.open_time.floor_to(step));
    let Some(first) = newest.map(|at| at.plus(-out.step.saturating_mul(MOST - 1))) else { return Vec::new() };
    for piece in pieces(pair, step).filter(|p| p.bar.open_time >= first) {
        out.push(&piece);
    }
    let mut slots = out.slots;
    // The history begins somewhere inside its first slot: that bar never was whole.
    if slots.len() > 1 && slots.first().is_some_and(|s| s.covered < step) {
        slots.remove(0);
    }
    slots
}

struct Slots {
    slots: Vec<Slot>,
    step: i64,
    /// Close of the newest piece.
    end: Option<UtcMs>,
}

impl Slots {
    /// The slot that holds `at`, which is not before the newest slot.
    fn slot(&mut self, at: UtcMs) -> Option<&mut Slot> {
        let at = at.floor_to(self.step);
        let mut next = self.slots.last().map_or(at, |s| s.at.plus(self.step));
        while next <= at {
            self.slots.push(Slot::empty(next));
            next = next.plus(self.step);
        }
        self.slots.iter_mut().rev().find(|s| s.at == at)
    }

    fn push(&mut self, piece: &Piece) {
        let length = piece.length.max(1);
        if let Some(end) = self.end.filter(|end| *end < piece.bar.open_time) {
            let silent = piece.bar.open_time.since(end) / length;
            let hole = silent > piece.quiet;
            // A hole may be long, but it marks no slot twice.
            let stride = if hole { length.max(self.step) } else { length };
            let mut at = end;
            while at < piece.bar.open_time {
                if let Some(slot) = self.slot(at) {
                    slot.hole |= hole;
                    slot.covered += if hole { 0 } else { length };
                }
                at = if hole { at.floor_to(stride).plus(stride) } else { at.plus(length) };
            }
        }
        if let Some(slot) = self.slot(piece.bar.open_time) {
            slot.take(&piece.bar);
            slot.covered += length;
        }
        self.end = Some(piece.bar.open_time.plus(length));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::pair::Interval;
    use crate::tui::fixture;

    /// Candles of `minutes` at these minutes, with price and volume 1.
    fn candles(minutes: u32, at: &[i64]) -> Arc<Vec<Candle>> {
        let one = fixture::running().pairs[0].bars[0].clone();
        let price = fixture::price(1.0);
        let make = |at: &i64| Candle {
            interval: Interval(minutes),
            open_time: UtcMs(at * MINUTE_MS),
            open: price,
            high: fixture::price(1.0 + *at as f64),
            low: price,
            close: price,
            ..one.clone()
        };
        Arc::new(at.iter().map(make).collect())
    }

    fn pair(hours: &[i64], five: &[i64]) -> PairView {
        PairView {
            bars: candles(60, &hours.iter().map(|h| h * 60).collect::<Vec<_>>()),
            source_bars: candles(5, five),
            ..fixture::running().pairs[0].clone()
        }
    }

    fn shape(slots: &[Slot]) -> Vec<(i64, bool, i64, bool)> {
        slots.iter().map(|s| (s.at.0 / MINUTE_MS, s.bar.is_some(), s.covered / MINUTE_MS, s.hole)).collect()
    }

    #[test]
    fn a_missing_hour_is_a_gap_and_a_hole() {
        let seen = slots(&pair(&[0, 1, 3], &[]), HOUR_MS);
        assert_eq!(
            shape(&seen),
            [(0, true, 60, false), (60, true, 60, false), (120, false, 0, true), (180, true, 60, false)]
        );
    }

    #[test]
    fn hours_join_into_longer_bars_and_the_running_hour_is_partial() {
        let seen = slots(&pair(&[0, 1, 2, 3, 4], &[235, 240, 295, 300, 305, 310]), 4 * HOUR_MS);
        assert_eq!(shape(&seen), [(0, true, 240, false), (240, true, 75, false)]);
        assert!(!seen[0].is_partial(4 * HOUR_MS) && seen[1].is_partial(4 * HOUR_MS));
        assert_eq!(seen[1].bar.map(|b| b.high), Some(311.0));
        let hour = slots(&pair(&[0, 1, 2, 3, 4], &[295, 300, 305, 310]), HOUR_MS);
        assert_eq!(hour.len(), 6);
        assert!(hour[5].is_partial(HOUR_MS) && hour[5].covered == 15 * MINUTE_MS);
    }

    #[test]
    fn a_history_that_begins_inside_a_bar_does_not_show_that_bar() {
        assert_eq!(shape(&slots(&pair(&[1, 2, 3, 4], &[]), 4 * HOUR_MS)), [(240, true, 60, false)]);
        assert_eq!(slots(&pair(&[1, 2], &[]), 4 * HOUR_MS).len(), 1, "the only one is shown, marked");
    }

    #[test]
    fn a_quiet_market_is_no_hole_until_it_is_too_quiet() {
        // Three silent bars are quiet, four are a hole.
        let quiet = slots(&pair(&[], &[0, 5, 25, 30]), 15 * MINUTE_MS);
        assert_eq!(shape(&quiet), [(0, true, 15, false), (15, true, 15, false), (30, true, 5, false)]);
        let hole = slots(&pair(&[], &[0, 5, 10, 35, 40]), 15 * MINUTE_MS);
        assert_eq!(shape(&hole), [(0, true, 15, false), (15, false, 0, true), (30, true, 10, true)]);
        let silent = slots(&pair(&[], &[0, 5, 20]), 5 * MINUTE_MS);
        assert_eq!(silent.iter().map(|s| s.bar.is_some()).collect::<Vec<_>>(), [true, true, false, false, true]);
        assert!(silent.iter().all(|s| !s.hole && s.covered == 5 * MINUTE_MS));
    }

    #[test]
    fn short_bars_need_source_bars_and_long_holes_stay_small() {
        let names = |p: &PairView| frames(p).map(|f| f.0).collect::<Vec<_>>();
        assert_eq!(names(&pair(&[0], &[])), ["1h", "4h", "12h", "1d"]);
        assert_eq!(names(&pair(&[0], &[0])).len(), FRAMES.len());
        let seen = slots(&pair(&[0, 5_000_000], &[]), HOUR_MS);
        assert!(seen.len() <= MOST as usize);
        assert_eq!(slots(&pair(&[0, 500], &[]), HOUR_MS).len(), 501);
    }
}
