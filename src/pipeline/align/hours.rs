//! The hours of one pair, closed by time, whether or not the pair traded.

use super::resample::Bucket;
use crate::domain::time::HOUR_MS;
use crate::domain::{Candle, Interval, UtcMs};

/// Why an hour must not enter a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HourFault {
    /// Watching began inside the hour: what came before is not known.
    Partial { since: UtcMs },
    /// A silence of this many consecutive source bars, longer than a quiet market.
    Hole { silent: u32 },
    /// A source bar of an earlier hour came after that hour was closed: the windows rest on an hour that lacked it.
    Late { open_time: UtcMs },
    /// A second source says something else than this bar.
    Contradicted { open_time: UtcMs },
}

/// An hour that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedHour {
    /// The first instant after the hour.
    pub end: UtcMs,
    /// The hourly candle; `None` when no source bar came.
    pub candle: Option<Candle>,
    /// The source bars inside the hour, oldest first.
    pub source: Vec<Candle>,
    /// Set when the hour is not usable: the windows restart after it.
    pub fault: Option<HourFault>,
}

/// Builds the hours of one pair and closes them by time, whether or not the pair traded.
///
/// Kraken writes no candle for an interval without trades, so silence is ambiguous: up to `quiet_bars_max` consecutive silent source
/// bars count as a quiet market, and the hour is what the bars that exist make it. A longer silence is a hole, also when it
/// spans the border of two hours, and so is an hour without any bar; every hour that a hole is known to touch when it closes is
/// unusable. Hours before the pair's first bar are neither reported nor holes.
#[derive(Debug, Clone)]
pub struct HourAligner {
    step_ms: i64,
    slots: u32,
    quiet_max: u32,
    holes: u64,
    watch: Option<Watch>,
}

#[derive(Debug, Clone)]
struct Watch {
    /// Start of the open hour.
    start: UtcMs,
    /// From here on silence is observed.
    since: UtcMs,
    /// Whether any bar has come yet.
    seen: bool,
    /// End of the newest source bar: a silence runs from here.
    silent_from: UtcMs,
    /// The present silence has been counted as a hole.
    in_hole: bool,
    fault: Option<HourFault>,
    bucket: Option<Bucket>,
    source: Vec<Candle>,
}

impl HourAligner {
    /// For candles of `source`; `None` unless whole bars of it fill an hour.
    #[must_use]
    pub fn new(source: Interval, quiet_bars_max: u32) -> Option<Self> {
        let fits = source.0 > 0 && 60_u32.is_multiple_of(source.0);
        fits.then(|| {
            let slots = 60 / source.0;
            // A whole silent hour is never just quiet; with hourly bars, one missing bar is a hole.
            let quiet_max = quiet_bars_max.min(slots - 1);
            Self { step_ms: source.ms(), slots, quiet_max, holes: 0, watch: None }
        })
    }

    /// Source bars that an hour can have.
    #[must_use]
    pub const fn slots(&self) -> u32 {
        self.slots
    }

    /// Holes found so far, each counted once when it is found.
    #[must_use]
    pub const fn holes(&self) -> u64 {
        self.holes
    }

    /// End of the newest source bar, once there was one.
    #[must_use]
    pub fn newest_close(&self) -> Option<UtcMs> {
        self.watch.as_ref().filter(|w| w.seen).map(|w| w.silent_from)
    }

    /// The open hour is not usable.
    pub fn spoil(&mut self, fault: HourFault) {
        if let Some(watch) = &mut self.watch {
            watch.fault.get_or_insert(fault);
        }
    }

    /// Takes the next source candle. Hours that it shows to be over are appended to `closed`.
    pub fn push(&mut self, candle: Candle, closed: &mut Vec<ClosedHour>) {
        let begin = candle.open_time;
        let watch = self.watch.get_or_insert_with(|| Watch::begin(begin));
        if begin < watch.start {
            watch.fault = Some(HourFault::Late { open_time: begin });
            self.holes += 1;
            return;
        }
        self.roll_to(begin.floor_to(HOUR_MS), closed);
        if let Some(watch) = self.watch.as_mut().filter(|w| !w.seen) {
            watch.meet();
        }
        self.note_silence(begin);
        if let Some(watch) = &mut self.watch {
            watch.take(candle);
        }
    }

    /// Time is `at`: every hour that ends by then is closed and appended to `closed`, after the candles known by then were pushed.
    pub fn advance(&mut self, at: UtcMs, closed: &mut Vec<ClosedHour>) {
        // The batch at `at` is the first that could have brought the bar that ends there.
        let first = at.floor_to(self.step_ms).plus(-self.step_ms);
        self.watch.get_or_insert_with(|| Watch::begin(first));
        self.roll_to(at.floor_to(HOUR_MS), closed);
        self.note_silence(at.floor_to(self.step_ms));
    }

    /// Makes the hour that starts at `target` the open one. Hours that passed without any batch are one silence: only the last of
    /// them is reported.
    fn roll_to(&mut self, target: UtcMs, closed: &mut Vec<ClosedHour>) {
        while let Some(start) = self.watch.as_ref().map(|w| w.start).filter(|start| *start < target) {
            let first_unseen = start.plus(HOUR_MS);
            self.note_silence(first_unseen);
            if let Some(watch) = &mut self.watch {
                closed.extend(watch.close(first_unseen));
                watch.start = first_unseen.max(target.plus(-HOUR_MS));
            }
        }
    }

    /// Up to `until` nothing came since the newest source bar.
    fn note_silence(&mut self, until: UtcMs) {
        let Some(watch) = self.watch.as_mut().filter(|w| w.seen && until > w.start) else { return };
        let silent = u32::try_from((until.since(watch.silent_from) / self.step_ms).max(0)).unwrap_or(u32::MAX);
        if silent <= self.quiet_max {
            return;
        }
        if !watch.in_hole {
            watch.in_hole = true;
            self.holes += 1;
        }
        match &mut watch.fault {
            Some(HourFault::Hole { silent: longest }) => *longest = silent.max(*longest),
            Some(_) => {}
            None => watch.fault = Some(HourFault::Hole { silent }),
        }
    }
}

impl Watch {
    fn begin(since: UtcMs) -> Self {
        Self {
            start: since.floor_to(HOUR_MS),
            since,
            seen: false,
            silent_from: since,
            in_hole: false,
            fault: None,
            bucket: None,
            source: Vec::new(),
        }
    }

    /// The pair's first bar is in the open hour: from here on silence counts.
    fn meet(&mut self) {
        self.seen = true;
        self.silent_from = self.since.max(self.start);
        if self.since > self.start {
            self.fault = Some(HourFault::Partial { since: self.since });
        }
    }

    fn take(&mut self, candle: Candle) {
        self.silent_from = candle.close_time();
        self.in_hole = false;
        match &mut self.bucket {
            Some(bucket) => bucket.add(&candle, 1),
            None => self.bucket = Some(Bucket::new(&candle, Interval::H1, 1)),
        }
        self.source.push(candle);
    }

    /// The open hour as it stands, ending at `end`; `None` before the first bar of the pair.
    fn close(&mut self, end: UtcMs) -> Option<ClosedHour> {
        let fault = self.fault.take();
        if !self.seen {
            return None;
        }
        let candle = self.bucket.take().map(|b| b.candle);
        Some(ClosedHour { end, candle, source: std::mem::take(&mut self.source), fault })
    }
}

#[cfg(test)]
mod tests;
