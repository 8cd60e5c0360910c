//! Short bars into longer ones on the UTC grid: bars are named by their open time, and own the instants from it up to (not
//! including) the next one.

use crate::domain::{Candle, Interval, UtcMs};

/// A longer candle under construction.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) candle: Candle,
    n: u32,
}

impl Bucket {
    /// `n`: source bars behind `first`.
    pub(super) fn new(first: &Candle, interval: Interval, n: u32) -> Self {
        let candle = Candle { interval, open_time: first.open_time.floor_to(interval.ms()), ..first.clone() };
        Self { candle, n }
    }

    pub(super) fn add(&mut self, next: &Candle, n: u32) {
        let c = &mut self.candle;
        c.high = c.high.max(next.high);
        c.low = c.low.min(next.low);
        c.close = next.close;
        c.volume = c.volume.plus(next.volume);
        // An uncounted part makes the whole uncounted.
        c.trades = c.trades.zip(next.trades).map(|(a, b)| a.saturating_add(b));
        self.n = self.n.saturating_add(n);
    }
}

/// A longer candle and how much stood behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resampled {
    pub candle: Candle,
    pub n_source: u32,
    /// Every source bar that the candle spans was there.
    pub complete: bool,
}

/// Aggregates the candles of one pair. A longer bar without any source bar does not appear.
#[derive(Debug, Clone)]
pub struct Resampler {
    to: Interval,
    slots: u32,
    open: Option<Bucket>,
}

impl Resampler {
    /// From candles of one interval to those of a whole multiple of it; `None` for anything else.
    #[must_use]
    pub fn new(from: Interval, to: Interval) -> Option<Self> {
        let fits = from.0 > 0 && to.0 > 0 && to.0.is_multiple_of(from.0);
        fits.then(|| Self { to, slots: to.0 / from.0, open: None })
    }

    /// Adds the next candle in time; the bar before it, when `candle` begins a new one.
    pub fn push(&mut self, candle: &Candle) -> Option<Resampled> {
        self.add(candle, 1)
    }

    /// Adds a candle that is itself made of source bars.
    pub fn push_part(&mut self, part: &Resampled) -> Option<Resampled> {
        self.add(&part.candle, part.n_source)
    }

    fn add(&mut self, candle: &Candle, n: u32) -> Option<Resampled> {
        let start = candle.open_time.floor_to(self.to.ms());
        if let Some(bucket) = self.open.as_mut().filter(|b| b.candle.open_time == start) {
            bucket.add(candle, n);
            return None;
        }
        let done = self.finish();
        self.open = Some(Bucket::new(candle, self.to, n));
        done
    }

    /// The bar that is over by `at`, when every source bar up to then was pushed.
    pub fn close_by(&mut self, at: UtcMs) -> Option<Resampled> {
        let over = self.open.as_ref().is_some_and(|b| b.candle.close_time() <= at);
        if over { self.finish() } else { None }
    }

    /// The bar that is still open.
    pub fn finish(&mut self) -> Option<Resampled> {
        self.open.take().map(|b| Resampled { candle: b.candle, n_source: b.n, complete: b.n == self.slots })
    }
}

/// A whole column at once: the bars that [`Resampler`] gives, the last one included, complete or not.
#[must_use]
pub fn resample(candles: &[Candle], from: Interval, to: Interval) -> Option<Vec<Resampled>> {
    let mut resampler = Resampler::new(from, to)?;
    let mut bars: Vec<Resampled> = candles.iter().filter_map(|candle| resampler.push(candle)).collect();
    bars.extend(resampler.finish());
    Some(bars)
}

/// Several lengths at once, each made of the one before: one minute into 5 m, 15 m, 1 h, 4 h and 1 d with five additions a day and level instead of
/// one for every minute. Completeness counts source bars through all levels.
#[derive(Debug, Clone)]
pub struct ResampleChain {
    levels: Vec<Resampler>,
}

impl ResampleChain {
    /// `to` rises, and each length is a whole multiple of the one before; `None` for anything else.
    #[must_use]
    pub fn new(from: Interval, to: &[Interval]) -> Option<Self> {
        let mut below = from;
        let mut levels = Vec::with_capacity(to.len());
        for length in to {
            let fits = below.0 > 0 && length.0 > below.0 && length.0.is_multiple_of(below.0);
            levels.push(Resampler::new(from, *length).filter(|_| fits)?);
            below = *length;
        }
        Some(Self { levels })
    }

    /// Adds the next candle in time; bars that it shows to be over are appended to `closed`, shorter ones first.
    pub fn push(&mut self, candle: &Candle, closed: &mut Vec<Resampled>) {
        self.close_by(candle.open_time, closed);
        // Everything older is closed already, so this opens a bar or adds to the open one.
        if let Some(first) = self.levels.first_mut() {
            closed.extend(first.push(candle));
        }
    }

    /// Time is `at`: bars that end by then are appended to `closed`, after the candles known by then were pushed.
    pub fn close_by(&mut self, at: UtcMs, closed: &mut Vec<Resampled>) {
        self.rise(closed, |level| level.close_by(at));
    }

    /// The bars that are still open, complete or not.
    pub fn finish(&mut self, closed: &mut Vec<Resampled>) {
        self.rise(closed, Resampler::finish);
    }

    /// Takes what each level gives, and hands it to the level above before that one is asked.
    fn rise(&mut self, closed: &mut Vec<Resampled>, mut ask: impl FnMut(&mut Resampler) -> Option<Resampled>) {
        let mut part: Option<Resampled> = None;
        for level in &mut self.levels {
            let early = part.take().and_then(|part| level.push_part(&part));
            let done = ask(level);
            closed.extend(early);
            closed.extend(done.clone());
            part = done;
        }
    }
}

#[cfg(test)]
mod tests;
