//! The trades of one pair, cut into bars.

use std::collections::VecDeque;

use super::{Clusters, Cvd, Print, Tail, TickRule, Vpin};
use crate::domain::flow::{Parent, TradeFlow};
use crate::domain::time::DAY_MS;
use crate::domain::{Side, UtcMs};
use crate::pipeline::kernels::RollingSum;

/// Trades of one side that follow each other within this time are one parent.
const GAP_MS: i64 = 250;
/// Buckets of VPIN: so many make a day's volume, and over so many is the mean.
const BUCKETS: u32 = 50;
/// Parents kept for the tail, and how many there must be for its first fit: forty exceedances of the upper tenth.
const TAIL: usize = 4_096;
const TAIL_LEAST: usize = 400;
const TAIL_ABOVE: f64 = 0.9;
const TAIL_PROB: f64 = 1e-3;
/// Bars without any trade that are made one by one; a longer silence begins anew.
const MOST_BARS: i64 = 2_016;

/// One trade as it was told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    pub at: UtcMs,
    /// The taker's side; `None` when the exchange did not say it.
    pub side: Option<Side>,
    /// Quote units.
    pub price: f64,
    /// Base units.
    pub qty: f64,
}

/// Keeps what runs on from bar to bar, and the bars that were not handed out yet.
#[derive(Debug, Clone)]
pub(super) struct TradeRecorder {
    step_ms: i64,
    /// Bars that begin before this were not watched from their first instant.
    since: UtcMs,
    /// Oldest first; the last one is open, and there is always one.
    bars: VecDeque<(UtcMs, TradeFlow)>,
    last_id: Option<u64>,
    cvd: Cvd,
    rule: TickRule,
    clusters: Clusters,
    vpin: Option<Vpin>,
    day: RollingSum,
    /// Volume of the day before the open bar.
    day_volume: Option<f64>,
    tail: Tail,
    /// Parents at the last fit.
    fitted: usize,
    threshold: Option<f64>,
}

impl TradeRecorder {
    /// Watches from the bar that begins at `since`; `day_volume` is the volume of the day before it, where that is known.
    pub fn new(step_ms: i64, since: UtcMs, day_volume: Option<f64>) -> Self {
        let per_day = usize::try_from(DAY_MS / step_ms.max(1)).unwrap_or(1);
        Self {
            step_ms,
            since,
            bars: VecDeque::from([(since, TradeFlow { whole: true, ..TradeFlow::default() })]),
            last_id: None,
            cvd: Cvd::new(),
            rule: TickRule::new(None),
            clusters: Clusters::new(GAP_MS),
            vpin: day_volume.and_then(buckets),
            day: RollingSum::new(per_day),
            day_volume,
            tail: Tail::new(TAIL),
            fitted: 0,
            threshold: None,
        }
    }

    /// Takes a trade by its number: a number that does not follow the one before means that trades are missing. Without a sent side the tick rule
    /// says it.
    pub fn push(&mut self, id: u64, trade: &Told) {
        let start = trade.at.floor_to(self.step_ms);
        self.roll_to(start);
        let mut missing = self.last_id.replace(id).is_some_and(|before| before.checked_add(1) != Some(id));
        if missing {
            self.cut();
        }
        let guess = self.rule.push(trade.price, trade.side);
        let side = trade.side.or(guess);
        // A trade that nobody can put on a side is as good as missing.
        missing |= side.is_none();
        if let Some(side) = side {
            self.run_on(&Print { at: trade.at, side, price: trade.price, qty: trade.qty });
        }
        let (cvd, vpin) = (self.cvd.value(), self.vpin.as_ref().and_then(Vpin::value));
        let Some((_, bar)) = self.bars.iter_mut().rev().find(|(begin, _)| *begin == start) else {
            if let Some((_, open)) = self.bars.back_mut() {
                open.late += 1;
            }
            return;
        };
        if let Some(side) = side {
            take(bar, side, trade);
        }
        bar.compared += u64::from(trade.side.is_some() && guess.is_some());
        bar.guessed_wrong += u64::from(trade.side.is_some() && guess.is_some() && trade.side != guess);
        bar.guessed += u64::from(trade.side.is_none());
        bar.gaps += u32::from(missing);
        (bar.cvd, bar.vpin) = (cvd, vpin);
    }

    /// What does not end with a bar.
    fn run_on(&mut self, print: &Print) {
        self.cvd.push(print.side, print.qty);
        if let Some(vpin) = &mut self.vpin {
            vpin.push(print.side, print.qty, |_| {});
        }
        let parent = self.clusters.push(print);
        self.settle(parent);
    }

    /// What the bar that ends at `end` said; `None` when it was not watched. Bars before it that nobody asked for are dropped.
    pub fn close(&mut self, end: UtcMs) -> Option<TradeFlow> {
        self.roll_to(end);
        let start = end.plus(-self.step_ms);
        let mut asked = None;
        while let Some((begin, flow)) = self.bars.pop_front_if(|(begin, _)| *begin < end) {
            asked = (begin == start).then_some(flow);
        }
        asked
    }

    /// The bar that is open, and its begin.
    pub fn open(&self) -> Option<(UtcMs, TradeFlow)> {
        self.bars.back().copied()
    }

    /// Makes the bar that begins at `start` the open one, when it is later than that.
    fn roll_to(&mut self, start: UtcMs) {
        while let Some((begin, flow)) = self.bars.back().copied().filter(|(begin, _)| *begin < start) {
            let parent = self.clusters.cut();
            self.settle(parent);
            let far = start.since(begin) / self.step_ms.max(1) > MOST_BARS;
            if far {
                // Nobody asked for a week of bars: the day's volume and the past are not known any more.
                self.day.reset();
                self.cut();
                self.since = start;
            } else {
                self.day_volume = self.day.push(flow.volume()).or(self.day_volume);
            }
            let next = if far { start } else { begin.plus(self.step_ms) };
            self.renew(next);
            self.bars.push_back((
                next,
                TradeFlow {
                    whole: next >= self.since,
                    cvd: self.cvd.value(),
                    vpin: self.vpin.as_ref().and_then(Vpin::value),
                    threshold: self.threshold,
                    ..TradeFlow::default()
                },
            ));
        }
    }

    /// What is measured anew with a bar that begins at `start`: bucket volume and tail once a day, and as soon as they can be.
    fn renew(&mut self, start: UtcMs) {
        let new_day = start == start.day();
        match (&mut self.vpin, self.day_volume) {
            (Some(vpin), Some(volume)) if new_day => vpin.resize(volume / f64::from(BUCKETS)),
            (vpin @ None, Some(volume)) => *vpin = buckets(volume),
            _ => {}
        }
        let grown = self.tail.len() >= TAIL_LEAST.max(2 * self.fitted);
        if grown || (new_day && self.fitted > 0) {
            self.threshold = self.tail.fit(TAIL_ABOVE, TAIL_PROB).map(|fit| fit.threshold);
            self.fitted = self.tail.len();
        }
    }

    /// Trades are missing here.
    fn cut(&mut self) {
        self.rule.cut();
        if let Some(vpin) = &mut self.vpin {
            vpin.cut();
        }
        let parent = self.clusters.cut();
        self.settle(parent);
    }

    /// A parent is over: it counts in the bar that it ended in.
    fn settle(&mut self, parent: Option<Parent>) {
        let Some(parent) = parent else { return };
        self.tail.push(parent.quote);
        let start = parent.end.floor_to(self.step_ms);
        let Some((_, bar)) = self.bars.iter_mut().rev().find(|(begin, _)| *begin == start) else { return };
        bar.parents += 1;
        bar.large_parents += u32::from(bar.threshold.is_some_and(|t| parent.quote > t));
        if bar.largest_parent.is_none_or(|largest| parent.quote > largest.quote) {
            bar.largest_parent = Some(parent);
        }
    }
}

fn buckets(day_volume: f64) -> Option<Vpin> {
    Vpin::new(day_volume / f64::from(BUCKETS), usize::try_from(BUCKETS).unwrap_or(1))
}

/// Adds what one trade alone says.
fn take(bar: &mut TradeFlow, side: Side, trade: &Told) {
    match side {
        Side::Buy => bar.buy_volume += trade.qty,
        Side::Sell => bar.sell_volume += trade.qty,
    }
    bar.count += 1;
    bar.quote_volume += trade.price * trade.qty;
    bar.largest = Some(bar.largest.map_or(trade.qty, |largest| largest.max(trade.qty)));
}
