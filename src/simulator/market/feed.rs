//! What the holders of one book topic were told, and what they must be told next.

use super::ladder::{Ladder, merit};
use super::units::{Amt, Px};
use crate::simulator::protocol::Side;

/// A level as it goes over the wire; quantity 0 removes it.
pub type Level = (Px, Amt);

/// The published window of a book at one depth, best levels first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookFeed {
    pub depth: u32,
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
    /// The window holds a level that was never in the book (a fault).
    pub tainted: bool,
}

/// The window of one side.
pub fn window(ladder: &Ladder, side: Side, depth: u32) -> Vec<Level> {
    ladder.levels(side).take(depth as usize).map(|r| (r.price, r.qty)).collect()
}

impl BookFeed {
    /// Starts from the book as it is.
    pub fn new(ladder: &Ladder, depth: u32) -> Self {
        let (bids, asks) = (window(ladder, Side::Buy, depth), window(ladder, Side::Sell, depth));
        Self { depth, bids, asks, tainted: false }
    }

    /// What changed since the last call, into `bids` and `asks`: levels that changed or entered the window, and levels that are gone (quantity 0). A level
    /// that was only pushed out of the window is not named. `false` when there is nothing to tell.
    pub fn advance(&mut self, ladder: &Ladder, bids: &mut Vec<Level>, asks: &mut Vec<Level>) -> bool {
        bids.clear();
        asks.clear();
        diff(Side::Buy, &mut self.bids, ladder, self.depth, bids);
        diff(Side::Sell, &mut self.asks, ladder, self.depth, asks);
        self.tainted = false;
        !(bids.is_empty() && asks.is_empty())
    }

    /// Puts a bid of `qty` at `price` in front of the window, as if it were in the book.
    pub fn taint(&mut self, price: Px, qty: Amt) {
        self.bids.insert(0, (price, qty));
        self.bids.truncate(self.depth as usize);
        self.tainted = true;
    }
}

/// Compares what was shown with the book, both best first, and makes the first equal the second.
fn diff(side: Side, shown: &mut Vec<Level>, ladder: &Ladder, depth: u32, out: &mut Vec<Level>) {
    let mut old = shown.iter().copied().peekable();
    let mut new = ladder.levels(side).take(depth as usize).peekable();
    loop {
        match (old.peek().copied(), new.peek().copied()) {
            (Some((price, _)), now) if now.is_none_or(|r| merit(side, r.price) < merit(side, price)) => {
                old.next();
                if ladder.get(side, price).is_none() {
                    out.push((price, 0));
                }
            }
            (Some((price, qty)), Some(rung)) if rung.price == price => {
                old.next();
                new.next();
                if rung.qty != qty {
                    out.push((price, rung.qty));
                }
            }
            (_, Some(rung)) => {
                new.next();
                out.push((rung.price, rung.qty));
            }
            (_, None) => break,
        }
    }
    if !out.is_empty() || shown.len() != ladder.side(side).len().min(depth as usize) {
        shown.clear();
        shown.extend(ladder.levels(side).take(depth as usize).map(|r| (r.price, r.qty)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    /// What a client does: apply in order, 0 removes, then cut.
    fn apply(side: Side, book: &mut Vec<Level>, changes: &[Level], depth: usize) {
        for (price, qty) in changes {
            book.retain(|l| l.0 != *price);
            if *qty > 0 {
                book.push((*price, *qty));
            }
        }
        book.sort_by_key(|l| std::cmp::Reverse(merit(side, l.0)));
        book.truncate(depth);
    }

    #[test]
    fn a_client_that_applies_and_cuts_has_the_window() {
        let mut rng = SplitMix64::seeded(5);
        for depth in [1_u32, 3, 10] {
            let mut ladder = Ladder::default();
            let mut feed = BookFeed::new(&ladder, depth);
            let mut client = (Vec::new(), Vec::new());
            let (mut bids, mut asks, mut silent) = (Vec::new(), Vec::new(), 0);
            for round in 0..4_000 {
                for _ in 0..=rng.below(3) {
                    let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
                    let price = if side == Side::Buy { 100 - rng.below(20) } else { 101 + rng.below(20) } as Px;
                    ladder.set(side, price, rng.below(4) as Amt, round);
                }
                let tainted = rng.below(100) == 0 && !feed.bids.is_empty();
                let mut told = feed.advance(&ladder, &mut bids, &mut asks);
                if tainted {
                    feed.taint(500, 1);
                    bids.push((500, 1));
                    told = true;
                }
                silent += i32::from(!told);
                apply(Side::Buy, &mut client.0, &bids, depth as usize);
                apply(Side::Sell, &mut client.1, &asks, depth as usize);
                assert_eq!(client.0, feed.bids, "round {round}");
                assert_eq!(client.1, feed.asks, "round {round}");
                if !tainted {
                    assert_eq!(feed.bids, window(&ladder, Side::Buy, depth));
                    assert_eq!(feed.asks, window(&ladder, Side::Sell, depth));
                }
            }
            assert!(silent > 0);
        }
    }

    #[test]
    fn a_level_pushed_out_is_not_named_and_one_that_enters_is() {
        let mut ladder = Ladder::default();
        for price in [10, 9, 8] {
            ladder.set(Side::Buy, price, 1, 0);
        }
        let mut feed = BookFeed::new(&ladder, 2);
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        ladder.set(Side::Buy, 11, 5, 1);
        assert!(feed.advance(&ladder, &mut bids, &mut asks));
        assert_eq!(bids, [(11, 5)], "9 was pushed out in silence");
        ladder.set(Side::Buy, 10, 0, 2);
        assert!(feed.advance(&ladder, &mut bids, &mut asks));
        assert_eq!(bids, [(10, 0), (9, 1)], "9 enters again");
        ladder.set(Side::Buy, 8, 7, 3);
        assert!(!feed.advance(&ladder, &mut bids, &mut asks), "outside the window");
    }
}
