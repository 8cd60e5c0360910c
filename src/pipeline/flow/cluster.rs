//! Trades that are the parts of one order.

use super::Print;
use crate::domain::UtcMs;
use crate::domain::flow::Parent;

/// Joins prints to parents: same side, and at most `gap_ms` after the print before.
#[derive(Debug, Clone)]
pub struct Clusters {
    gap_ms: i64,
    open: Option<Parent>,
}

impl Clusters {
    #[must_use]
    pub const fn new(gap_ms: i64) -> Self {
        Self { gap_ms, open: None }
    }

    /// Takes a print; the parent before it, when the print begins another.
    pub fn push(&mut self, print: &Print) -> Option<Parent> {
        let joins = |p: &Parent| p.side == print.side && print.at.since(p.end) <= self.gap_ms;
        if let Some(parent) = self.open.as_mut().filter(|p| joins(p)) {
            parent.end = parent.end.max(print.at);
            parent.prints = parent.prints.saturating_add(1);
            parent.qty += print.qty;
            parent.quote += print.price * print.qty;
            parent.last_price = print.price;
            return None;
        }
        self.open.replace(Parent {
            side: print.side,
            begin: print.at,
            end: print.at,
            prints: 1,
            qty: print.qty,
            quote: print.price * print.qty,
            first_price: print.price,
            last_price: print.price,
        })
    }

    /// The open parent, when it is over by `now`: no later print can join it.
    pub fn over_by(&mut self, now: UtcMs) -> Option<Parent> {
        self.open.take_if(|p| now.since(p.end) > self.gap_ms)
    }

    /// Trades are missing here, or there will be no more: the open parent is over.
    pub const fn cut(&mut self) -> Option<Parent> {
        self.open.take()
    }
}
