//! One side of a book: levels from the top down.

use std::collections::VecDeque;

use super::level::Level;

/// Levels that count for the checksum.
pub(super) const CHECKED: usize = 10;

/// Levels sorted by key, best first, never two with one price. A ring, because most changes happen near the top, and most cuts at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ladder {
    levels: VecDeque<Level>,
    /// Turns a price into a key and back: nothing for asks, all bits for bids.
    mask: u64,
}

impl Ladder {
    pub const fn bids() -> Self {
        Self { levels: VecDeque::new(), mask: u64::MAX }
    }

    pub const fn asks() -> Self {
        Self { levels: VecDeque::new(), mask: 0 }
    }

    /// Puts a level at `price`, or takes it away with quantity 0.
    pub fn set(&mut self, price: u64, qty: u64) {
        let key = price ^ self.mask;
        match self.levels.binary_search_by_key(&key, |level| level.key) {
            Ok(at) if qty == 0 => drop(self.levels.remove(at)),
            Ok(at) => {
                if let Some(level) = self.levels.get_mut(at) {
                    level.set_qty(qty);
                }
            }
            Err(_) if qty == 0 => {}
            Err(at) => self.levels.insert(at, Level::new(key, price, qty)),
        }
    }

    pub fn cut(&mut self, depth: usize) {
        self.levels.truncate(depth);
    }

    pub fn clear(&mut self) {
        self.levels.clear();
    }

    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Price and quantity of the best level, in ticks.
    pub fn best(&self) -> Option<(u64, u64)> {
        self.levels.front().map(|level| (level.key ^ self.mask, level.qty))
    }

    /// Prices and quantities in ticks, best first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.levels.iter().map(|level| (level.key ^ self.mask, level.qty))
    }

    /// The levels that count for the checksum.
    pub fn checked(&self) -> impl Iterator<Item = &Level> {
        self.levels.iter().take(CHECKED)
    }
}
