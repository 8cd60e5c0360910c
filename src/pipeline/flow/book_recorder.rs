//! The book of one pair, cut into bars.

use std::collections::VecDeque;

use super::{Ofi, imbalance, microprice, weighted_imbalance};
use crate::domain::UtcMs;
use crate::domain::flow::{BookClose, BookFlow, Depth};

/// How fast the levels lose weight in the weighted imbalance.
const DECAY: f64 = 0.5;
/// Bars without any change that are made one by one; a longer silence begins anew.
const MOST_BARS: i64 = 2_016;

/// Follows the book in time, and keeps the bars that were not handed out yet.
#[derive(Debug, Clone)]
pub(super) struct BookRecorder {
    step_ms: i64,
    /// Begin of the open bar, and the instant up to which the book was followed.
    start: UtcMs,
    time: UtcMs,
    /// The book as it stands; `None` while it is not known.
    book: Option<Depth>,
    /// Whether any book has come yet: the first one is no break.
    seen: bool,
    ofi: Ofi,
    open: BookFlow,
    closed: VecDeque<(UtcMs, BookFlow)>,
}

impl BookRecorder {
    /// Follows from the bar that begins at `since`.
    pub const fn new(step_ms: i64, since: UtcMs) -> Self {
        Self {
            step_ms,
            start: since,
            time: since,
            book: None,
            seen: false,
            ofi: Ofi::new(),
            open: EMPTY,
            closed: VecDeque::new(),
        }
    }

    /// Takes the book after a change at `at`. `fresh`: it comes from a new first picture and is not compared with the one before.
    pub fn push(&mut self, at: UtcMs, depth: &Depth, fresh: bool) {
        self.advance(at);
        if fresh || self.book.is_none() {
            self.ofi.cut();
            self.open.breaks += u32::from(self.seen);
        }
        self.open.ofi += self.ofi.push(depth.bids().first().copied(), depth.asks().first().copied());
        if let Some(((_, bid), (_, ask))) = depth.touch() {
            self.open.events += 1;
            self.open.depth += f64::midpoint(bid, ask);
        }
        self.book = Some(*depth);
        self.seen = true;
    }

    /// From `at` on the book is not known.
    pub fn lose(&mut self, at: UtcMs) {
        self.advance(at);
        self.book = None;
    }

    /// What the bar that ends at `end` said; `None` when the book was not known at any instant of it. Bars before it that nobody asked for are
    /// dropped.
    pub fn close(&mut self, end: UtcMs) -> Option<BookFlow> {
        self.advance(end);
        let start = end.plus(-self.step_ms);
        let mut asked = None;
        while let Some((begin, flow)) = self.closed.pop_front_if(|(begin, _)| *begin < end) {
            asked = (begin == start).then_some(flow);
        }
        asked.filter(|flow| flow.known_ms > 0 || flow.events > 0)
    }

    /// The instant up to which the book was followed, the book, and the open bar's spread so far.
    pub fn now(&self) -> (UtcMs, Option<BookClose>, Option<f64>) {
        (self.time, self.book.as_ref().and_then(close_of), self.open.spread())
    }

    /// Follows the book as it stands up to `at`; time never goes back.
    fn advance(&mut self, at: UtcMs) {
        if at.since(self.start) / self.step_ms.max(1) > MOST_BARS {
            self.open = EMPTY;
            self.start = at.floor_to(self.step_ms);
            self.time = self.start;
        }
        loop {
            let end = self.start.plus(self.step_ms);
            let until = at.min(end);
            self.span(until.since(self.time));
            self.time = self.time.max(until);
            if at < end {
                return;
            }
            let close = self.book.as_ref().and_then(close_of);
            self.closed.push_back((self.start, BookFlow { close, ..std::mem::replace(&mut self.open, EMPTY) }));
            self.start = end;
        }
    }

    fn span(&mut self, ms: i64) {
        if ms <= 0 {
            return;
        }
        let Some(book) = &self.book else {
            self.open.blind_ms += ms;
            return;
        };
        self.open.known_ms += ms;
        if let Some(spread) = book.spread() {
            self.open.two_sided_ms += ms;
            self.open.spread_ms += spread * ms as f64;
        }
    }
}

const EMPTY: BookFlow = BookFlow {
    events: 0,
    ofi: 0.0,
    depth: 0.0,
    known_ms: 0,
    blind_ms: 0,
    two_sided_ms: 0,
    spread_ms: 0.0,
    breaks: 0,
    close: None,
};

/// The values of a book at one instant; `None` when a side is empty.
fn close_of(book: &Depth) -> Option<BookClose> {
    let (bids, asks) = (book.bids(), book.asks());
    let (bid, ask) = book.touch()?;
    Some(BookClose {
        bid: bid.0,
        ask: ask.0,
        imbalance_1: imbalance(bids, asks, 1)?,
        imbalance_5: imbalance(bids, asks, 5)?,
        imbalance_10: imbalance(bids, asks, 10)?,
        imbalance_weighted: weighted_imbalance(bids, asks, DECAY)?,
        microprice: microprice(Some(bid), Some(ask))?,
    })
}
