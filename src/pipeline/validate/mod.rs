//! Zero tolerance at the door: a row is accepted as it is, or refused with its reason. Nothing is repaired.
//!
//! One file for each kind of data. Candles are judged by the collector; trades, books, texts and transfers by whoever hands them over, before
//! they reach anything that computes. What the link to an exchange has proved already (a book's checksum, trades without holes) is told to
//! these checks, not proved again.

mod book;
mod candle;
mod text;
mod trade;
mod transfer;

pub use book::{BookLevels, BookRules, check_book};
pub use candle::Validator;
pub use text::{RawText, TextCheck};
pub use trade::TradeCheck;
pub use transfer::{RawTransfer, TransferCheck};

use std::collections::{BTreeSet, VecDeque};

use crate::domain::{Pair, RejectReason, UtcMs};

/// A pair outside the universe: a known base in another currency would mix prices of different money.
fn same_base<'a>(mut universe: impl Iterator<Item = &'a Pair>, pair: &Pair) -> RejectReason {
    if universe.any(|known| known.base() == pair.base()) {
        RejectReason::CurrencyMismatch
    } else {
        RejectReason::UnknownPair
    }
}

/// Refuses what lies beyond `now` and the tolerance.
fn too_late(at: UtcMs, now: UtcMs, tolerance_ms: i64) -> Result<(), RejectReason> {
    if at > now.plus(tolerance_ms) { Err(RejectReason::InFuture) } else { Ok(()) }
}

/// The newest ids that were seen; older ones are forgotten, so that memory stays bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ids {
    kept: usize,
    order: VecDeque<String>,
    known: BTreeSet<String>,
}

impl Ids {
    const fn new(kept: usize) -> Self {
        Self { kept, order: VecDeque::new(), known: BTreeSet::new() }
    }

    fn holds(&self, id: &str) -> bool {
        self.known.contains(id)
    }

    fn take(&mut self, id: &str) {
        if self.order.len() >= self.kept
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(id.to_owned());
        self.known.insert(id.to_owned());
    }
}
