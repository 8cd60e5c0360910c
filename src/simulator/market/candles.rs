//! Candles of one pair and interval, aggregated as trades (or finer recorded candles) come in.

use super::units::{Amt, Px};

/// Minutes of the intervals that Kraken has.
pub const INTERVALS: [u32; 9] = [1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600];

pub const MINUTE_NS: i64 = 60_000_000_000;

/// One candle. `cost` is the sum of price × quantity in units of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Nanoseconds.
    pub begin: i64,
    pub open: Px,
    pub high: Px,
    pub low: Px,
    pub close: Px,
    pub volume: Amt,
    pub cost: Amt,
    pub count: u64,
}

impl Bar {
    pub fn of_trade(at: i64, price: Px, qty: Amt) -> Self {
        let cost = Amt::from(price).saturating_mul(qty);
        Self { begin: at, open: price, high: price, low: price, close: price, volume: qty, cost, count: 1 }
    }

    /// A candle without trades.
    pub const fn flat(begin: i64, price: Px) -> Self {
        Self { begin, open: price, high: price, low: price, close: price, volume: 0, cost: 0, count: 0 }
    }

    /// Adds what happened after this.
    pub fn merge(&mut self, later: &Self) {
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume = self.volume.saturating_add(later.volume);
        self.cost = self.cost.saturating_add(later.cost);
        self.count = self.count.saturating_add(later.count);
    }

    /// Volume-weighted mean price in price units, cut off as on the exchange (272 recorded minutes agree); 0 without volume.
    pub const fn vwap(&self) -> Amt {
        if self.volume > 0 { self.cost / self.volume } else { 0 }
    }
}

/// Where the interval of `step` nanoseconds that holds `at` begins: the grid starts at 1970-01-01T00:00Z.
pub const fn floor_to(at: i64, step: i64) -> i64 {
    at.saturating_sub(at.rem_euclid(step))
}

/// The candles of one interval, oldest first, only those with trades.
#[derive(Debug, Clone, Default)]
pub struct Series {
    pub minutes: u32,
    pub bars: Vec<Bar>,
}

impl Series {
    pub const fn new(minutes: u32) -> Self {
        Self { minutes, bars: Vec::new() }
    }

    pub const fn step(&self) -> i64 {
        (self.minutes as i64).saturating_mul(MINUTE_NS)
    }

    /// Adds a trade or a finer candle; `piece.begin` may lie anywhere in the interval.
    pub fn absorb(&mut self, piece: &Bar) {
        let begin = floor_to(piece.begin, self.step());
        match self.bars.last_mut().filter(|last| last.begin >= begin) {
            Some(last) => last.merge(piece),
            None => self.bars.push(Bar { begin, ..*piece }),
        }
    }

    /// The newest `n` rows up to the interval that holds `now`, oldest first. `filled` puts a flat candle into intervals without trades; the running
    /// interval is there either way.
    pub fn rows(&self, now: i64, n: usize, filled: bool) -> Vec<Bar> {
        let step = self.step();
        let Some(first) = self.bars.first() else { return Vec::new() };
        let running = floor_to(now, step).max(first.begin);
        if !filled {
            let mut rows: Vec<Bar> = self.bars.get(self.bars.len().saturating_sub(n)..).unwrap_or_default().to_vec();
            if let Some(last) = rows.last().copied().filter(|last| last.begin < running) {
                rows.push(Bar::flat(running, last.close));
            }
            rows.drain(..rows.len().saturating_sub(n));
            return rows;
        }
        let span = step.saturating_mul(i64::try_from(n.saturating_sub(1)).unwrap_or(i64::MAX));
        let mut begin = running.saturating_sub(span).max(first.begin);
        let mut place = self.bars.partition_point(|b| b.begin < begin);
        let mut close = place.checked_sub(1).and_then(|p| self.bars.get(p)).map_or(first.open, |b| b.close);
        let mut rows = Vec::with_capacity(n.min(1_000));
        while begin <= running {
            let bar = match self.bars.get(place).filter(|b| b.begin == begin) {
                Some(bar) => {
                    place += 1;
                    *bar
                }
                None => Bar::flat(begin, close),
            };
            close = bar.close;
            rows.push(bar);
            begin = begin.saturating_add(step);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trades_become_candles_and_quiet_intervals_are_flat() {
        let mut series = Series::new(1);
        for (at, price, qty) in [(10, 100, 1), (20, 104, 3), (65, 99, 2), (250, 101, 5)] {
            series.absorb(&Bar::of_trade(at * 1_000_000_000, price, qty));
        }
        assert_eq!(series.bars.len(), 3);
        assert_eq!(
            series.bars[0],
            Bar { begin: 0, open: 100, high: 104, low: 100, close: 104, volume: 4, cost: 412, count: 2 }
        );
        assert_eq!(series.bars[0].vwap(), 103);
        let now = 310 * 1_000_000_000;
        let rows = series.rows(now, 720, true);
        let shape: Vec<_> = rows.iter().map(|b| (b.begin / MINUTE_NS, b.open, b.close, b.count)).collect();
        assert_eq!(
            shape,
            [(0, 100, 104, 2), (1, 99, 99, 1), (2, 99, 99, 0), (3, 99, 99, 0), (4, 101, 101, 1), (5, 101, 101, 0)]
        );
        assert_eq!(series.rows(now, 3, true), rows[3..]);
        let recorded: Vec<_> = series.rows(now, 720, false).iter().map(|b| b.begin / MINUTE_NS).collect();
        assert_eq!(recorded, [0, 1, 4, 5]);
        assert_eq!(series.rows(now, 2, false).iter().map(|b| b.begin / MINUTE_NS).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(Series::new(5).rows(now, 720, true), []);
    }

    #[test]
    fn coarse_from_fine_equals_coarse_from_trades() {
        let mut rng = crate::domain::random::SplitMix64::seeded(3);
        let (mut fine, mut coarse, mut from_fine) = (Series::new(5), Series::new(60), Series::new(60));
        let mut at = 0_i64;
        for _ in 0..5_000 {
            at += rng.below(200) as i64 * 1_000_000_000;
            let trade = Bar::of_trade(at, 1_000 + rng.below(50) as Px, 1 + rng.below(9) as Amt);
            fine.absorb(&trade);
            coarse.absorb(&trade);
        }
        fine.bars.iter().for_each(|b| from_fine.absorb(b));
        assert!(coarse.bars.len() > 50);
        assert_eq!(from_fine.bars, coarse.bars);
    }
}
