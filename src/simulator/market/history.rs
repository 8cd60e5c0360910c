//! The trades of one pair that were played.

use super::units::{Amt, Px};
use crate::simulator::protocol::Side;

/// One played trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Nanoseconds.
    pub at: i64,
    /// `at`, moved so that no two trades share it: the cursor of REST.
    pub cursor: i64,
    pub price: Px,
    pub qty: Amt,
    pub id: u64,
    pub taker: Side,
    pub market: bool,
}

/// Oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    rows: Vec<Row>,
    /// A running hash of all rows.
    trail: u64,
}

impl History {
    /// Adds a trade; its cursor is set here.
    pub fn push(&mut self, mut row: Row) {
        let before = self.rows.last().map_or(i64::MIN, |r| r.cursor);
        row.cursor = row.at.max(before.saturating_add(1));
        for part in [row.at as u64, row.price as u64, row.qty as u64, row.id, u64::from(row.market), row.taker as u64] {
            self.trail = (self.trail ^ part).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(17);
        }
        self.rows.push(row);
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn last(&self) -> Option<&Row> {
        self.rows.last()
    }

    /// The newest `n`, oldest first.
    pub fn newest(&self, n: usize) -> &[Row] {
        self.rows.get(self.rows.len().saturating_sub(n)..).unwrap_or_default()
    }

    /// Up to `n` rows after a cursor, oldest first.
    pub fn after(&self, cursor: i64, n: usize) -> &[Row] {
        let from = self.rows.partition_point(|r| r.cursor <= cursor);
        let rest = self.rows.get(from..).unwrap_or_default();
        rest.get(..n.min(rest.len())).unwrap_or_default()
    }

    /// Quantity traded later than `at`.
    pub fn volume_since(&self, at: i64) -> Amt {
        let from = self.rows.partition_point(|r| r.at <= at);
        self.rows.get(from..).unwrap_or_default().iter().map(|r| r.qty).fold(0, Amt::saturating_add)
    }

    pub const fn trail(&self) -> u64 {
        self.trail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lose_nothing_where_instants_are_shared() {
        let mut history = History::default();
        for (id, at) in [(1, 10), (2, 10), (3, 10), (4, 11), (5, 50)] {
            history.push(Row { at, cursor: 0, price: 1, qty: 2, id, taker: Side::Buy, market: false });
        }
        let mut cursor = 0;
        let mut seen = Vec::new();
        loop {
            let page = history.after(cursor, 2);
            let Some(last) = page.last() else { break };
            cursor = last.cursor;
            seen.extend(page.iter().map(|r| r.id));
        }
        assert_eq!(seen, [1, 2, 3, 4, 5]);
        assert_eq!(history.newest(2).iter().map(|r| r.id).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(history.volume_since(10), 4);
        assert_eq!(history.volume_since(9), 10);
    }
}
