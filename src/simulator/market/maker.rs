//! A synthetic book: levels from a seed around the last trade. It stands in where no book was recorded, and says nothing about real depth.

use super::ladder::{Ladder, Rung, merit};
use super::units::{Amt, Px};
use crate::domain::random::SplitMix64;
use crate::simulator::protocol::Side;

/// Makes and changes the levels of one pair.
#[derive(Debug, Clone)]
pub struct Maker {
    rng: SplitMix64,
    /// Levels per side.
    levels: usize,
    tick: Px,
    /// The pair's smallest order and smallest digit, in quantity units.
    smallest: Amt,
    lot: Amt,
}

const SIDES: [Side; 2] = [Side::Buy, Side::Sell];

impl Maker {
    pub const fn new(rng: SplitMix64, levels: usize, tick: Px, smallest: Amt, lot: Amt) -> Self {
        Self { rng, levels, tick, smallest, lot }
    }

    /// The generator's next number, without taking it: for the digest.
    pub fn peek(&self) -> u64 {
        self.rng.clone().next_u64()
    }

    fn below(&mut self, n: usize) -> i64 {
        i64::try_from(self.rng.below(n)).unwrap_or(0)
    }

    /// Nanoseconds until the next change: uniform from 0 to twice the mean, in whole microseconds.
    pub fn pause(&mut self, mean_ms: u32) -> i64 {
        let micros = usize::try_from(mean_ms).unwrap_or(1).saturating_mul(2_000);
        self.below(micros.max(1)).saturating_add(1).saturating_mul(1_000)
    }

    /// From about ten of the smallest orders upwards, seldom much more, with odd last digits.
    fn qty(&mut self) -> Amt {
        let factor = Amt::from(1_i64 << self.below(9)).saturating_mul(Amt::from(10 + self.below(20)));
        let odd = self.smallest.checked_div(self.lot).unwrap_or(0).saturating_mul(10);
        let odd = Amt::from(self.below(usize::try_from(odd).unwrap_or(1_000)));
        self.smallest.saturating_mul(factor).saturating_add(odd.saturating_mul(self.lot)).max(self.lot)
    }

    const fn step(&self, side: Side, price: Px, ticks: i64) -> Px {
        let by = self.tick.saturating_mul(ticks);
        match side {
            Side::Buy => price.saturating_sub(by),
            Side::Sell => price.saturating_add(by),
        }
    }

    /// Moves the book so that its best levels are one tick around `price`. What was better is gone, what is worse stays.
    pub fn centre(&mut self, ladder: &mut Ladder, price: Px, at: i64) {
        let whole = price.div_euclid(self.tick).saturating_mul(self.tick);
        let below = if whole == price { whole.saturating_sub(self.tick) } else { whole };
        for (side, best) in SIDES.into_iter().zip([below, whole.saturating_add(self.tick)]) {
            ladder.trim_better(side, best);
            if best <= 0 {
                continue;
            }
            let old = ladder.best(side).map(|r| r.price);
            if old != Some(best) {
                let qty = self.qty();
                ladder.set(side, best, qty, at);
                if let Some(old) = old {
                    self.bridge(ladder, side, best, old, at);
                }
            }
            self.fill(ladder, side, at);
        }
    }

    /// A few levels between a new best price and the old one, closer together near the best.
    fn bridge(&mut self, ladder: &mut Ladder, side: Side, best: Px, old: Px, at: i64) {
        let (mut price, mut reach) = (best, 2_usize);
        for _ in 0..6 {
            let ticks = 1 + self.below(reach);
            price = self.step(side, price, ticks);
            if merit(side, price) <= merit(side, old) {
                break;
            }
            let qty = self.qty();
            ladder.set(side, price, qty, at);
            reach = reach.saturating_mul(3);
        }
    }

    /// Brings a side to its number of levels at the far end.
    fn fill(&mut self, ladder: &mut Ladder, side: Side, at: i64) {
        let have = ladder.side(side).len();
        if have > self.levels {
            ladder.side_mut(side).drain(..have - self.levels);
            return;
        }
        let Some(mut price) = ladder.side(side).first().map(|r| r.price) else { return };
        let mut more = Vec::with_capacity(self.levels - have);
        for index in have..self.levels {
            let ticks = 1 + self.below(2 + index);
            price = self.step(side, price, ticks);
            if price <= 0 {
                break;
            }
            more.push(Rung { price, qty: self.qty(), at });
        }
        ladder.side_mut(side).splice(0..0, more.into_iter().rev());
    }

    /// One change that no trade caused, more often near the best price; the best prices stay. `true` when something changed.
    pub fn churn(&mut self, ladder: &mut Ladder, at: i64) -> bool {
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let count = ladder.side(side).len();
        if count == 0 {
            return false;
        }
        let from_best = self.rng.below(count).min(self.rng.below(count)).min(self.rng.below(count));
        let Some(rung) = ladder.levels(side).nth(from_best).copied() else { return false };
        match self.below(10) {
            0 | 1 if count > self.levels.saturating_mul(4) / 5 && from_best > 0 => ladder.set(side, rung.price, 0, at),
            2..=4 if count <= self.levels => {
                let price = self.step(side, rung.price, 1);
                let qty = self.qty();
                price > 0 && ladder.set(side, price, qty, at)
            }
            _ => {
                let qty = self.qty();
                ladder.set(side, rung.price, qty, at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(levels: usize, tick: Px) -> Maker {
        Maker::new(SplitMix64::seeded(1), levels, tick, 10_000, 1)
    }

    #[test]
    fn the_best_prices_are_one_tick_around_the_last_trade() {
        let (mut m, mut book) = (maker(25, 5), Ladder::default());
        for (price, bid, ask) in
            [(1_000, 995, 1_005), (1_003, 1_000, 1_005), (5_000, 4_995, 5_005), (2_500, 2_495, 2_505)]
        {
            m.centre(&mut book, price, 7);
            book.check().unwrap();
            assert_eq!(book.best(Side::Buy).unwrap().price, bid);
            assert_eq!(book.best(Side::Sell).unwrap().price, ask);
            assert_eq!((book.bids.len(), book.asks.len()), (25, 25));
            assert!(book.bids.iter().chain(&book.asks).all(|r| r.price % 5 == 0));
        }
    }

    #[test]
    fn near_zero_there_are_few_bids_or_none() {
        let (mut m, mut book) = (maker(25, 1), Ladder::default());
        m.centre(&mut book, 1, 0);
        assert_eq!((book.bids.len(), book.asks.len()), (0, 25));
        m.centre(&mut book, 3, 0);
        assert!((1..=2).contains(&book.bids.len()));
        book.check().unwrap();
    }

    #[test]
    fn churn_keeps_the_best_prices_and_the_size() {
        let (mut m, mut book) = (maker(40, 1), Ladder::default());
        m.centre(&mut book, 10_000, 0);
        let changed = (0..20_000).filter(|i| m.churn(&mut book, *i)).count();
        assert!(changed > 19_000);
        book.check().unwrap();
        assert_eq!(book.best(Side::Buy).unwrap().price, 9_999);
        assert_eq!(book.best(Side::Sell).unwrap().price, 10_001);
        assert!((30..=41).contains(&book.bids.len()) && (30..=41).contains(&book.asks.len()));
    }

    #[test]
    fn pauses_have_the_mean() {
        let mut m = maker(10, 1);
        let total: i64 = (0..20_000).map(|_| m.pause(1_000)).sum();
        let mean_ms = total / 20_000 / 1_000_000;
        assert!((970..1_030).contains(&mean_ms), "{mean_ms}");
    }
}
