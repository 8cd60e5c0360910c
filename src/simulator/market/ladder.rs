//! One pair's external book.

use super::units::{Amt, Px};
use crate::simulator::protocol::Side;

/// One price level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    pub price: Px,
    /// Above zero.
    pub qty: Amt,
    /// When it last changed, in nanoseconds.
    pub at: i64,
}

/// Both sides, each sorted with the best level **last**, where most changes happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ladder {
    pub bids: Vec<Rung>,
    pub asks: Vec<Rung>,
}

/// Grows towards the best price.
pub const fn merit(side: Side, price: Px) -> i64 {
    match side {
        Side::Buy => price,
        Side::Sell => price.saturating_neg(),
    }
}

impl Ladder {
    /// Worst level first.
    pub const fn side(&self, side: Side) -> &Vec<Rung> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    pub const fn side_mut(&mut self, side: Side) -> &mut Vec<Rung> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    pub fn best(&self, side: Side) -> Option<Rung> {
        self.side(side).last().copied()
    }

    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = &Rung> + '_ {
        self.side(side).iter().rev()
    }

    fn place(&self, side: Side, price: Px) -> usize {
        let wanted = merit(side, price);
        self.side(side).partition_point(|r| merit(side, r.price) < wanted)
    }

    pub fn get(&self, side: Side, price: Px) -> Option<Rung> {
        self.side(side).get(self.place(side, price)).copied().filter(|r| r.price == price)
    }

    /// Sets a level; quantity 0 or less removes it. `true` when something changed.
    pub fn set(&mut self, side: Side, price: Px, qty: Amt, at: i64) -> bool {
        let place = self.place(side, price);
        let rungs = self.side_mut(side);
        match rungs.get_mut(place).filter(|r| r.price == price) {
            Some(_) if qty <= 0 => {
                rungs.remove(place);
                true
            }
            Some(rung) => {
                let changed = rung.qty != qty;
                *rung = Rung { price, qty, at };
                changed
            }
            None if qty > 0 => {
                rungs.insert(place, Rung { price, qty, at });
                true
            }
            None => false,
        }
    }

    /// Drops the worst levels so that at most `depth` stay on each side.
    pub fn cut(&mut self, depth: usize) {
        for side in [Side::Buy, Side::Sell] {
            let rungs = self.side_mut(side);
            rungs.drain(..rungs.len().saturating_sub(depth));
        }
    }

    /// Removes levels better than `limit`. `true` when there were any.
    pub fn trim_better(&mut self, side: Side, limit: Px) -> bool {
        let most = merit(side, limit);
        let rungs = self.side_mut(side);
        let keep = rungs.partition_point(|r| merit(side, r.price) <= most);
        let cut = keep < rungs.len();
        rungs.truncate(keep);
        cut
    }

    /// Sorted, positive, not crossed.
    pub fn check(&self) -> Result<(), String> {
        for side in [Side::Buy, Side::Sell] {
            let rungs = self.side(side);
            let rising =
                rungs.iter().zip(rungs.iter().skip(1)).all(|(a, b)| merit(side, a.price) < merit(side, b.price));
            if !rising {
                return Err(format!("the {} side of the book is not sorted", side.as_str()));
            }
            if rungs.iter().any(|r| r.price <= 0 || r.qty <= 0) {
                return Err(format!(
                    "the {} side of the book holds a price or quantity that is not positive",
                    side.as_str()
                ));
            }
        }
        match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), Some(ask)) if bid.price >= ask.price => Err("the book is crossed".to_owned()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_stay_sorted_with_the_best_first() {
        let mut book = Ladder::default();
        for (price, qty) in [(10, 1), (12, 2), (11, 3)] {
            assert!(book.set(Side::Buy, price, qty, 0));
            assert!(book.set(Side::Sell, price + 10, qty, 0));
        }
        assert_eq!(book.levels(Side::Buy).map(|r| r.price).collect::<Vec<_>>(), [12, 11, 10]);
        assert_eq!(book.levels(Side::Sell).map(|r| r.price).collect::<Vec<_>>(), [20, 21, 22]);
        assert!(!book.set(Side::Buy, 11, 3, 5), "same quantity");
        assert!(!book.set(Side::Buy, 9, 0, 5), "nothing to remove");
        assert!(book.set(Side::Buy, 11, 0, 5));
        assert_eq!(book.get(Side::Buy, 11), None);
        assert!(book.trim_better(Side::Sell, 21));
        assert_eq!(book.best(Side::Sell).map(|r| r.price), Some(21));
        assert_eq!(book.check(), Ok(()));
        book.cut(1);
        assert_eq!((book.bids.len(), book.asks.len()), (1, 1));
        assert_eq!(book.best(Side::Buy).map(|r| r.price), Some(12));
        book.set(Side::Buy, 21, 1, 0);
        assert!(book.check().is_err());
    }
}
