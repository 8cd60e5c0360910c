//! The numbers of the ticker: of today (UTC) and of the last 24 hours, exact at every instant.

use std::collections::VecDeque;

use super::candles::{Bar, floor_to};
use super::units::{Amt, Px};

const DAY_NS: i64 = 86_400_000_000_000;

/// Sums over a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    pub volume: Amt,
    pub cost: Amt,
    pub count: u64,
    pub low: Px,
    pub high: Px,
}

/// Ticker numbers of one pair, fed with trades (or recorded candles) in order.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// What lies within 24 hours; `begin` is the instant it became known.
    window: VecDeque<Bar>,
    /// Falling highs and rising lows of the window, with their instants.
    highs: VecDeque<(i64, Px)>,
    lows: VecDeque<(i64, Px)>,
    volume: Amt,
    cost: Amt,
    count: u64,
    /// Close of what left the window last.
    before: Option<Px>,
    /// Midnight, and everything since.
    today: Option<(i64, Bar)>,
    last: Option<(Px, Amt)>,
}

impl Stats {
    /// Adds what became known at `at`. `last_qty` is the quantity of the last trade, if known.
    pub fn add(&mut self, at: i64, piece: &Bar, last_qty: Amt) {
        self.expire(at);
        while self.highs.back().is_some_and(|(_, high)| *high <= piece.high) {
            self.highs.pop_back();
        }
        self.highs.push_back((at, piece.high));
        while self.lows.back().is_some_and(|(_, low)| *low >= piece.low) {
            self.lows.pop_back();
        }
        self.lows.push_back((at, piece.low));
        self.volume = self.volume.saturating_add(piece.volume);
        self.cost = self.cost.saturating_add(piece.cost);
        self.count = self.count.saturating_add(piece.count);
        self.window.push_back(Bar { begin: at, ..*piece });
        let midnight = floor_to(at, DAY_NS);
        match self.today.as_mut().filter(|(day, _)| *day == midnight) {
            Some((_, bar)) => bar.merge(piece),
            None => self.today = Some((midnight, *piece)),
        }
        self.last = Some((piece.close, last_qty));
    }

    /// Lets go of what is 24 hours old or older.
    pub fn expire(&mut self, now: i64) {
        let limit = now.saturating_sub(DAY_NS);
        while let Some(old) = self.window.front().filter(|b| b.begin <= limit).copied() {
            self.window.pop_front();
            self.volume = self.volume.saturating_sub(old.volume);
            self.cost = self.cost.saturating_sub(old.cost);
            self.count = self.count.saturating_sub(old.count);
            self.before = Some(old.close);
        }
        while self.highs.front().is_some_and(|(at, _)| *at <= limit) {
            self.highs.pop_front();
        }
        while self.lows.front().is_some_and(|(at, _)| *at <= limit) {
            self.lows.pop_front();
        }
    }

    /// A price that moved the last one without being part of the sums.
    pub const fn set_last(&mut self, price: Px, qty: Amt) {
        self.last = Some((price, qty));
    }

    /// Price and quantity of the last trade.
    pub const fn last(&self) -> Option<(Px, Amt)> {
        self.last
    }

    /// The last 24 hours, as of the last [`Stats::expire`]. Without trades in them the last price stands for low and high.
    pub fn day(&self) -> Option<Sums> {
        let (last, _) = self.last?;
        Some(Sums {
            volume: self.volume,
            cost: self.cost,
            count: self.count,
            low: self.lows.front().map_or(last, |l| l.1),
            high: self.highs.front().map_or(last, |h| h.1),
        })
    }

    /// Since midnight: the opening price and the sums. Without trades yet, the last price stands for the prices.
    pub fn today(&self, now: i64) -> Option<(Px, Sums)> {
        let (last, _) = self.last?;
        let bar = self.today.filter(|(day, _)| *day == floor_to(now, DAY_NS)).map_or(Bar::flat(now, last), |t| t.1);
        let sums = Sums { volume: bar.volume, cost: bar.cost, count: bar.count, low: bar.low, high: bar.high };
        Some((bar.open, sums))
    }

    /// The price 24 hours ago: the last one before the window, else the first one in it.
    pub fn reference(&self) -> Option<Px> {
        self.before.or_else(|| self.window.front().map(|b| b.open)).or(self.last.map(|l| l.0))
    }

    /// Compares the running sums with sums made anew.
    pub fn check(&self) -> Result<(), String> {
        let sum = |f: fn(&Bar) -> Amt| self.window.iter().map(f).fold(0_i128, Amt::saturating_add);
        let counts = sum(|b| Amt::from(b.count)) == Amt::from(self.count);
        let high = self.window.iter().map(|b| b.high).max() == self.highs.front().map(|h| h.1);
        let low = self.window.iter().map(|b| b.low).min() == self.lows.front().map(|l| l.1);
        if counts && high && low && sum(|b| b.volume) == self.volume && sum(|b| b.cost) == self.cost {
            Ok(())
        } else {
            Err("the ticker's sums are not those of the last 24 hours".to_owned())
        }
    }

    /// All numbers, for the digest.
    pub fn digest(&self, hasher: &mut impl FnMut(&[u8])) {
        for n in [self.volume, self.cost, Amt::from(self.count), self.window.len() as Amt] {
            hasher(&n.to_le_bytes());
        }
        let (open, today) = self.today.map_or((0, Bar::flat(0, 0)), |(day, bar)| (day, bar));
        for n in [open, today.open, today.high, today.low, today.close, self.before.unwrap_or(-1)] {
            hasher(&n.to_le_bytes());
        }
        for n in [today.volume, today.cost, Amt::from(today.count), self.last.map_or(-1, |l| Amt::from(l.0))] {
            hasher(&n.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    const HOUR: i64 = DAY_NS / 24;

    #[test]
    fn what_is_a_day_old_leaves() {
        let mut stats = Stats::default();
        assert_eq!((stats.day(), stats.today(0), stats.reference()), (None, None, None));
        for (hour, price, qty) in [(1, 100, 5), (2, 120, 1), (20, 90, 2), (25, 95, 4)] {
            stats.add(hour * HOUR, &Bar::of_trade(hour * HOUR, price, qty), qty);
        }
        // 25 h: the first trade is exactly 24 h old.
        assert_eq!(stats.day(), Some(Sums { volume: 7, cost: 680, count: 3, low: 90, high: 120 }));
        assert_eq!(stats.reference(), Some(100));
        let (open, today) = stats.today(25 * HOUR).unwrap();
        assert_eq!((open, today.volume, today.count), (95, 4, 1));
        stats.expire(60 * HOUR);
        assert_eq!(stats.day(), Some(Sums { volume: 0, cost: 0, count: 0, low: 95, high: 95 }));
        let (open, today) = stats.today(60 * HOUR).unwrap();
        assert_eq!((open, today.count), (95, 0));
        assert_eq!(stats.check(), Ok(()));
    }

    #[test]
    fn running_sums_are_the_sums() {
        let (mut stats, mut rng, mut at) = (Stats::default(), SplitMix64::seeded(9), 0_i64);
        for _ in 0..3_000 {
            at += rng.below(400) as i64 * 1_000_000_000;
            let (price, qty) = (1_000 + rng.below(300) as Px, 1 + rng.below(50) as Amt);
            stats.add(at, &Bar::of_trade(at, price, qty), qty);
            if rng.below(50) == 0 {
                stats.check().unwrap();
            }
        }
        assert!(stats.day().unwrap().count < 3_000);
        stats.check().unwrap();
    }
}
