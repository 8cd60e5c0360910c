//! Order flow of source bars, joined to hours.

use crate::domain::flow::{BookFlow, FlowBar, FlowHour, TradeFlow};
use crate::domain::time::HOUR_MS;
use crate::domain::{Interval, UtcMs};

/// Joins the flow of one pair's source bars, hour by hour. An hour is complete only when every bar of it came and none lacks anything.
#[derive(Debug, Clone)]
pub struct FlowHours {
    source: Interval,
    open: Option<Open>,
    /// Bars at or before this were taken or are over: a bar counts once.
    newest: Option<UtcMs>,
}

#[derive(Debug, Clone)]
struct Open {
    start: UtcMs,
    bars: u32,
    trades: Part<TradeFlow>,
    book: Part<BookFlow>,
}

/// Trades or book of the open hour.
#[derive(Debug, Clone)]
struct Part<T> {
    flow: Option<T>,
    bars: u32,
}

impl<T: Copy> Part<T> {
    fn add(&mut self, next: Option<&T>, join: impl Fn(&mut T, &T)) {
        let Some(next) = next else { return };
        self.bars += 1;
        match &mut self.flow {
            Some(flow) => join(flow, next),
            None => self.flow = Some(*next),
        }
    }

    /// What is missing: bars first, then what the bars themselves say.
    fn fault(&self, expected: u32, of_flow: impl Fn(&T) -> Option<String>) -> Option<String> {
        let few = (self.bars < expected).then(|| format!("{} of {expected} bars of the hour", self.bars));
        few.or_else(|| self.flow.as_ref().and_then(of_flow))
    }
}

impl FlowHours {
    /// For bars of `source`.
    #[must_use]
    pub const fn new(source: Interval) -> Self {
        Self { source, open: None, newest: None }
    }

    /// Takes the next bar in time. One of another length or out of its order is left out: its hour then lacks a bar.
    pub fn push(&mut self, bar: &FlowBar) {
        let fits = bar.interval == self.source && bar.open_time == bar.open_time.floor_to(self.source.ms());
        if !fits || self.newest.is_some_and(|newest| bar.open_time <= newest) {
            return;
        }
        self.newest = Some(bar.open_time);
        let start = bar.open_time.floor_to(HOUR_MS);
        let open = match &mut self.open {
            Some(open) if open.start == start => open,
            open => open.insert(Open {
                start,
                bars: 0,
                trades: Part { flow: None, bars: 0 },
                book: Part { flow: None, bars: 0 },
            }),
        };
        open.bars += 1;
        open.trades.add(bar.trades.as_ref(), TradeFlow::join);
        open.book.add(bar.book.as_ref(), BookFlow::join);
    }

    /// The hour that ends at `end`; `None` when none of its bars came. Older ones are dropped.
    pub fn take(&mut self, end: UtcMs) -> Option<FlowHour> {
        let start = end.plus(-HOUR_MS);
        let open = self.open.take_if(|open| open.start <= start).filter(|open| open.start == start)?;
        let expected = u32::try_from(HOUR_MS / self.source.ms().max(1)).unwrap_or(u32::MAX);
        Some(FlowHour {
            bars: open.bars,
            bars_expected: expected,
            trades: open.trades.flow,
            book: open.book.flow,
            trades_fault: open.trades.fault(expected, TradeFlow::fault),
            book_fault: open.book.fault(expected, BookFlow::fault),
        })
    }
}
