//! Candles of one pair and interval, built from its trades and compared with the exchange's own.
//!
//! A candle leaves when its end is past and either its values equal the exchange's (proven), or two further looks at REST could not settle
//! the difference (not proven, with the fields named). Candles leave in order, each once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::LinkSettings;
use super::candle_row::Values;
use crate::domain::pair::Interval;
use crate::domain::time::UtcMs;
use crate::kraken::history::candles::{Built, CandleBuilder, CandleError};
use crate::kraken::wire::{Stamp, ws};

/// The exchange's word on one candle.
#[derive(Debug, Clone, Copy)]
struct Row {
    values: Values,
    /// From REST, after the end: it will not change.
    sealed: bool,
}

/// How far the doubt about a closed candle has been pursued.
#[derive(Debug)]
enum Stage {
    /// The exchange's last word may still be on its way.
    Await {
        until: i64,
    },
    /// Its trades are fetched again.
    Trades {
        asked: bool,
        cursor: Stamp,
        builder: Box<CandleBuilder>,
    },
    /// The exchange's rows are fetched.
    Rows {
        asked: bool,
    },
    Settled,
}

#[derive(Debug)]
struct Closing {
    start: UtcMs,
    built: Option<Values>,
    stage: Stage,
    /// Until then a live row proves nothing yet.
    settles: Option<i64>,
    /// Its trades were asked for again, whether or not REST told them.
    refetched: bool,
    rows_asked: bool,
    /// REST told its trades.
    read: bool,
}

impl Closing {
    const fn new(start: UtcMs, built: Option<Values>, stage: Stage, settles: Option<i64>) -> Self {
        Self { start, built, stage, settles, refetched: false, rows_asked: false, read: false }
    }

    /// Its question is forgotten, for another cell will ask: it is asked again.
    const fn ask_again(&mut self) {
        if let Stage::Trades { asked, .. } | Stage::Rows { asked } = &mut self.stage {
            *asked = false;
        }
    }
}

/// What the series needs or gives.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    Candle {
        start: UtcMs,
        values: Values,
        proven: bool,
    },
    /// Trades after this instant.
    AskTrades(Stamp),
    /// The exchange's candles after this one.
    AskRows(UtcMs),
}

/// Candles in a row that differ for good, after which differences are told without asking REST each time.
const STRIKES: u32 = 3;
/// A live row proves a candle only after this time: what shows that the row was not the last, or that the exchange's stamps are off, may be in the
/// frames right behind the trade that closed it.
const SETTLE_MS: i64 = 250;
/// Most rows of the exchange that are kept.
const ROWS_MAX: usize = 1_500;
const HOLES_MAX: usize = 32;

/// One pair and interval.
#[derive(Debug)]
pub(super) struct TradeSeries {
    interval: Interval,
    /// Start of the first cell.
    began: UtcMs,
    /// Cells that start before this are closed.
    boundary: UtcMs,
    cells: BTreeMap<UtcMs, CandleBuilder>,
    rows: BTreeMap<UtcMs, Row>,
    /// Cells that the exchange told of while its stamps were off: their trades may stand in other cells.
    misdated: BTreeSet<UtcMs>,
    closing: VecDeque<Closing>,
    /// Spans without trades that were given up.
    holes: VecDeque<(UtcMs, UtcMs)>,
    strikes: u32,
    /// Start of the last candle that left.
    told: Option<UtcMs>,
    pub doubt: Option<String>,
    pub emitted: u64,
    pub unproven: u64,
    pub refetches: u64,
    pub late_trades: u64,
}

impl TradeSeries {
    /// Begins with the cell that holds `now`.
    pub const fn new(interval: Interval, now: UtcMs) -> Self {
        let began = now.floor_to(interval.ms());
        Self {
            interval,
            began,
            boundary: began,
            cells: BTreeMap::new(),
            rows: BTreeMap::new(),
            misdated: BTreeSet::new(),
            closing: VecDeque::new(),
            holes: VecDeque::new(),
            strikes: 0,
            told: None,
            doubt: None,
            emitted: 0,
            unproven: 0,
            refetches: 0,
            late_trades: 0,
        }
    }

    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// The start of the oldest open cell: trades are needed from here on.
    pub const fn boundary(&self) -> UtcMs {
        self.boundary
    }

    /// A trade, in the order of ids.
    pub fn trade(&mut self, t: i64, trade: &ws::Trade, settings: &LinkSettings) -> Result<(), CandleError> {
        let start = trade.timestamp.ms().floor_to(self.interval.ms());
        if start < self.boundary {
            self.late(start);
            return Ok(());
        }
        self.close_before(t, start, settings);
        self.cells.entry(start).or_insert_with(|| CandleBuilder::new(self.interval.0)).push(trade).map(|_| ())
    }

    /// A trade of a cell that is closed already: its trades are fetched again, or the doubt is told. A cell that seemed quiet may still leave
    /// as a candle, as long as no later one has. Where the exchange's stamps are behind, the trade is of the next cell.
    fn late(&mut self, start: UtcMs) {
        self.late_trades = self.late_trades.saturating_add(1);
        if !self.look_again(start) {
            let text =
                format!("a trade of the {} candle of {} came after it was closed", self.interval, start.minute());
            self.doubt = Some(text);
        }
        self.look_again(start.plus(self.interval.ms()));
    }

    /// The trades of a cell are fetched again, or those of the open one when it is over; it may have one that was taken for another cell's.
    /// Cells before the first are nobody's. `false` when its candle, or a later one, has left.
    fn look_again(&mut self, start: UtcMs) -> bool {
        if start >= self.boundary {
            self.misdated.insert(start);
            if self.misdated.len() > ROWS_MAX {
                self.misdated.pop_last();
            }
            return true;
        }
        if start < self.began {
            return true;
        }
        let stage = fetch_trades(start, self.interval);
        match self.closing.binary_search_by_key(&start, |c| c.start) {
            Ok(place) => {
                if let Some(closing) = self.closing.get_mut(place) {
                    closing.stage = stage;
                }
                true
            }
            Err(place) if self.told.is_none_or(|told| told < start) => {
                if let Some(head) = self.closing.front_mut().filter(|_| place == 0) {
                    head.ask_again();
                }
                self.closing.insert(place, Closing::new(start, None, stage, None));
                true
            }
            Err(_) => false,
        }
    }

    /// The trades of the open cells will come again.
    pub fn restart(&mut self) {
        self.cells.clear();
    }

    /// The exchange's word on a candle; `sealed` when it is final.
    pub fn row(&mut self, ohlc: &ws::Ohlc, sealed: bool) {
        let start = ohlc.interval_begin.ms();
        let floor = start.floor_to(self.interval.ms());
        let late = start.since(floor).saturating_mul(2) >= self.interval.ms();
        let cell = if late { floor.plus(self.interval.ms()) } else { floor };
        // a closed cell that seemed quiet was not: its trades were taken for those of other cells
        let missed = cell < self.boundary
            && ohlc.trades > 0
            && self.told.is_none_or(|told| told < cell)
            && self.closing.binary_search_by_key(&cell, |c| c.start).is_err();
        // where the exchange's stamps are off trades may stand in the wrong cell, and live rows say nothing about it
        let misdated = start != cell;
        if missed || (misdated && cell >= self.boundary) {
            self.look_again(cell);
        }
        if misdated {
            return self.distrust_rows();
        }
        let oldest = self.closing.front().map_or(self.boundary, |c| c.start);
        if start < oldest {
            return;
        }
        let new = Row { values: Values::from(ohlc), sealed };
        let row = self.rows.entry(start).or_insert(new);
        if sealed || (!row.sealed && new.values.trades >= row.values.trades) {
            *row = new;
        }
        while self.rows.len() > ROWS_MAX {
            self.rows.pop_first();
        }
    }

    /// Live rows may be old or wrong from now on: only the exchange's final word counts.
    pub fn distrust_rows(&mut self) {
        self.rows.retain(|_, row| row.sealed);
    }

    /// Trades between these instants are lost.
    pub fn hole(&mut self, from: UtcMs, to: UtcMs) {
        self.holes.push_back((from, to));
        if self.holes.len() > HOLES_MAX {
            self.holes.pop_front();
        }
    }

    /// Closes every cell that ended at or before `to` (all trades before it are here).
    pub fn close_by_clock(&mut self, t: i64, to: UtcMs, settings: &LinkSettings) {
        self.close_before(t, to.floor_to(self.interval.ms()), settings);
    }

    fn close_before(&mut self, t: i64, start: UtcMs, settings: &LinkSettings) {
        if start <= self.boundary {
            return;
        }
        let traded = self.cells.range(..start).map(|(s, _)| *s);
        let told = self.rows.range(self.boundary..start).map(|(s, _)| *s);
        let later = self.misdated.split_off(&start);
        let misdated = std::mem::replace(&mut self.misdated, later);
        let mut over: Vec<UtcMs> = traded.chain(told).chain(misdated).collect();
        over.sort_unstable();
        over.dedup();
        for start in over {
            let built = self.cells.remove(&start).and_then(|b| b.unfinished()).map(|b: Built| Values::from(&b));
            let stage = Stage::Await { until: t.saturating_add(settings.compare_wait_ms) };
            let settles = Some(t.saturating_add(SETTLE_MS));
            self.closing.push_back(Closing::new(start, built, stage, settles));
        }
        self.boundary = start;
        let oldest = self.closing.front().map_or(start, |c| c.start);
        self.holes.retain(|(_, to)| *to >= oldest);
    }

    fn in_hole(&self, start: UtcMs) -> bool {
        let end = start.plus(self.interval.ms());
        self.holes.iter().any(|(from, to)| *from < end && *to >= start)
    }

    /// The next thing to do; call until it gives nothing. `busy`: REST has no time for doubts about single candles.
    pub fn poll(&mut self, t: i64, busy: bool) -> Option<Step> {
        loop {
            let head = self.closing.front_mut()?;
            head.settles = head.settles.filter(|at| t < *at);
            let head = self.closing.front()?;
            let (start, built) = (head.start, head.built);
            let row = self.rows.get(&start).copied();
            let equal = match (&built, &row) {
                (Some(b), Some(r)) => b.differences(&r.values).is_empty(),
                // the exchange lists a quiet candle, and there was no trade
                (None, Some(r)) => r.values.trades == 0 && !self.in_hole(start),
                (None, None) => head.read && matches!(head.stage, Stage::Settled),
                (Some(_), None) => false,
            };
            let settling = !matches!(head.stage, Stage::Trades { .. });
            // where trades are lost, only the exchange's final word counts
            let sure = match row {
                Some(row) => row.sealed || (head.settles.is_none() && !self.in_hole(start)),
                None => !self.in_hole(start),
            };
            if equal && settling && sure {
                self.strikes = 0;
                self.doubt = None;
                if let Some(step) = self.leave(true) {
                    return Some(step);
                }
                continue;
            }
            if !self.pursue(t, busy, row) {
                return self.request();
            }
            if matches!(self.closing.front()?.stage, Stage::Settled) {
                self.tell_doubt(row);
                if let Some(step) = self.leave(false) {
                    return Some(step);
                }
            }
        }
    }

    /// Takes the head one stage further. `false` when it has to wait.
    fn pursue(&mut self, t: i64, busy: bool, row: Option<Row>) -> bool {
        let interval = self.interval;
        let holed = self.closing.front().is_some_and(|c| self.in_hole(c.start));
        let hopeless = (self.strikes >= STRIKES && !holed) || busy;
        let Some(head) = self.closing.front_mut() else { return false };
        let sealed = row.is_some_and(|r| r.sealed);
        match &head.stage {
            Stage::Await { until } if t < *until && !(sealed && holed) => return false,
            Stage::Await { .. } if hopeless => head.stage = Stage::Settled,
            // without an end to the doubt in sight the exchange's row decides; with one, the trades are read again
            Stage::Await { .. } if holed || row.is_none() => head.stage = Stage::Rows { asked: false },
            Stage::Await { .. } => head.stage = fetch_trades(head.start, interval),
            Stage::Trades { .. } | Stage::Rows { .. } => return false,
            Stage::Settled => {}
        }
        true
    }

    /// What the head has to ask of REST, once.
    fn request(&mut self) -> Option<Step> {
        let interval = self.interval;
        let head = self.closing.front_mut()?;
        match &mut head.stage {
            Stage::Trades { asked: asked @ false, cursor, .. } => {
                *asked = true;
                self.refetches = self.refetches.saturating_add(1);
                Some(Step::AskTrades(*cursor))
            }
            Stage::Rows { asked: asked @ false } => {
                *asked = true;
                head.rows_asked = true;
                Some(Step::AskRows(head.start.plus(interval.ms().saturating_neg())))
            }
            _ => None,
        }
    }

    /// A page of the trades of the head's cell.
    pub fn trades_page(&mut self, mut rows: Vec<ws::Trade>, settings: &LinkSettings) {
        let interval = self.interval;
        let Some(head) = self.closing.front_mut() else { return };
        let Stage::Trades { asked, cursor, builder } = &mut head.stage else { return };
        rows.sort_by_key(|r| r.trade_id);
        let end = Stamp::from_ms(head.start.plus(interval.ms()));
        let reached = rows.iter().map(|r| r.timestamp).max().unwrap_or(*cursor);
        let more = rows.len() >= settings.trades_page && reached > *cursor && reached < end;
        let again = Stamp(reached.0.saturating_sub(1));
        *cursor = if again > *cursor { again } else { reached.max(*cursor) };
        let inside = rows.iter().filter(|r| r.timestamp < end && r.timestamp >= Stamp::from_ms(head.start));
        let mut failed = false;
        for trade in inside {
            // rows of the border come twice
            failed |= !matches!(builder.push(trade), Ok(_) | Err(CandleError::Repeated { .. }));
        }
        if more {
            *asked = false;
            return;
        }
        let (start, before) = (head.start, head.built);
        if !failed {
            head.built = builder.unfinished().map(|b| Values::from(&b));
            head.read = true;
        }
        let moved = before.is_some() && head.built != before;
        self.after_refetch();
        if moved {
            // what was taken for its trades may be all that a cell beside it has
            self.look_again(start.plus(interval.ms()));
            self.look_again(start.plus(interval.ms().saturating_neg()));
        }
    }

    fn after_refetch(&mut self) {
        let Some(head) = self.closing.front_mut() else { return };
        head.refetched = true;
        let sealed = self.rows.get(&head.start).is_some_and(|r| r.sealed);
        head.stage = if sealed || head.rows_asked { Stage::Settled } else { Stage::Rows { asked: false } };
        self.prefer_equal();
    }

    /// A head whose values now equal the exchange's has nothing left to ask.
    fn prefer_equal(&mut self) {
        let Some(head) = self.closing.front_mut() else { return };
        let row = self.rows.get(&head.start);
        if head.built.zip(row).is_some_and(|(b, r)| b.differences(&r.values).is_empty()) {
            head.stage = Stage::Await { until: i64::MIN };
        }
    }

    /// The exchange's candles, oldest first; the last one is unfinished.
    pub fn rows_answer(&mut self, rows: &[ws::Ohlc]) {
        let finished = rows.len().saturating_sub(1);
        for row in rows.iter().take(finished) {
            self.row(row, true);
        }
        self.after_rows();
    }

    fn after_rows(&mut self) {
        let interval = self.interval;
        let holed = self.closing.front().is_some_and(|c| self.in_hole(c.start));
        let Some(head) = self.closing.front_mut() else { return };
        if matches!(head.stage, Stage::Rows { .. }) {
            head.stage = if head.refetched || holed { Stage::Settled } else { fetch_trades(head.start, interval) };
            self.prefer_equal();
        }
    }

    /// REST will not answer: the head goes on with what there is.
    pub fn refused(&mut self) {
        match self.closing.front().map(|c| &c.stage) {
            Some(Stage::Trades { .. }) => self.after_refetch(),
            Some(Stage::Rows { .. }) => self.after_rows(),
            _ => {}
        }
    }

    fn tell_doubt(&mut self, row: Option<Row>) {
        self.strikes = self.strikes.saturating_add(1);
        let Some(head) = self.closing.front() else { return };
        let name = format!("the {} candle of {}", self.interval, head.start.minute());
        self.doubt = Some(match (head.built, row) {
            _ if self.in_hole(head.start) => format!("{name} lacks trades"),
            (Some(built), Some(row)) => {
                format!("{name} differs from the exchange's: {}", built.differences(&row.values))
            }
            (Some(_), None) => format!("{name} is not listed by the exchange"),
            (None, Some(_)) => format!("{name} is listed by the exchange without trades known"),
            (None, None) => format!("{name} may have trades, and REST does not tell them"),
        });
    }

    /// The head leaves, with its own values or, when trades are lost, with the exchange's.
    fn leave(&mut self, proven: bool) -> Option<Step> {
        let holed = self.closing.front().is_some_and(|c| self.in_hole(c.start));
        let head = self.closing.pop_front()?;
        let row = self.rows.get(&head.start).map(|r| r.values);
        let next = self.closing.front().map_or(self.boundary, |c| c.start);
        self.rows = self.rows.split_off(&next);
        let values = if holed && !proven { row.or(head.built) } else { head.built.or(row) }?;
        self.told = Some(head.start);
        self.emitted = self.emitted.saturating_add(1);
        self.unproven = self.unproven.saturating_add(u64::from(!proven));
        Some(Step::Candle { start: head.start, values, proven })
    }

    /// When [`Self::poll`] may have something new by time alone.
    pub fn due(&self) -> i64 {
        match self.closing.front().map(|c| &c.stage) {
            Some(Stage::Await { until }) => {
                self.closing.front().and_then(|c| c.settles).map_or(*until, |settles| settles.min(*until))
            }
            Some(Stage::Trades { asked: false, .. } | Stage::Rows { asked: false } | Stage::Settled) => i64::MIN,
            _ => i64::MAX,
        }
    }

    /// When the oldest open cell ends.
    pub const fn ends_at(&self) -> UtcMs {
        self.boundary.plus(self.interval.ms())
    }
}

fn fetch_trades(start: UtcMs, interval: Interval) -> Stage {
    let cursor = Stamp(Stamp::from_ms(start).0.saturating_sub(1));
    Stage::Trades { asked: false, cursor, builder: Box::new(CandleBuilder::new(interval.0)) }
}

#[cfg(test)]
mod tests;
