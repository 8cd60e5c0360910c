//! Candles of one pair and interval as the `ohlc` channel tells them: the last word on a candle is final once its end is past. What was
//! missed while the connection was away comes from REST, in order.

use std::collections::BTreeMap;

use super::LinkSettings;
use super::candle_row::Values;
use super::trade_series::Step;
use crate::domain::pair::Interval;
use crate::domain::time::UtcMs;
use crate::kraken::wire::ws;

#[derive(Debug, Clone, Copy)]
enum Phase {
    Down,
    /// Subscribed; the first picture may reach back far enough.
    Joining {
        until: i64,
    },
    /// Rows are missing; `asked` once the question is out.
    Fetching {
        asked: bool,
    },
    Live,
}

/// REST lists at most this many candles; fewer rows reach back to the start.
const REST_ROWS: usize = 720;
const ROWS_MAX: usize = 1_500;

/// One pair and interval.
#[derive(Debug)]
pub(super) struct OhlcSeries {
    interval: Interval,
    /// Cells that start before this have left or were quiet.
    boundary: UtcMs,
    /// Cells that start before this are over.
    over: UtcMs,
    rows: BTreeMap<UtcMs, Values>,
    phase: Phase,
    /// Which candles may be missing, until one that starts here or later has left.
    doubt: Option<(String, UtcMs)>,
    pub emitted: u64,
    pub refetches: u64,
}

impl OhlcSeries {
    /// Begins with the cell that holds `now`.
    pub const fn new(interval: Interval, now: UtcMs) -> Self {
        let boundary = now.floor_to(interval.ms());
        Self {
            interval,
            boundary,
            over: boundary,
            rows: BTreeMap::new(),
            phase: Phase::Down,
            doubt: None,
            emitted: 0,
            refetches: 0,
        }
    }

    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// The subscription is gone.
    pub const fn down(&mut self) {
        self.phase = Phase::Down;
    }

    /// The subscription stands.
    pub const fn subscribed(&mut self, t: i64, settings: &LinkSettings) {
        if matches!(self.phase, Phase::Down) {
            self.phase = Phase::Joining { until: t.saturating_add(settings.snapshot_timeout_ms) };
        }
    }

    /// The newest candles at the time of the subscription: enough when they reach back to the first open cell.
    pub fn first_picture(&mut self, t: i64, rows: &[ws::Ohlc], settings: &LinkSettings) {
        self.subscribed(t, settings);
        let oldest = rows.iter().map(|r| r.interval_begin.ms()).min();
        for row in rows {
            self.keep(row, false);
        }
        if matches!(self.phase, Phase::Joining { .. }) {
            let reaches = oldest.is_some_and(|o| o <= self.boundary);
            self.phase = if reaches { Phase::Live } else { Phase::Fetching { asked: false } };
        }
    }

    /// A change of a candle.
    pub fn update(&mut self, t: i64, row: &ws::Ohlc, settings: &LinkSettings) {
        self.subscribed(t, settings);
        self.keep(row, false);
    }

    fn keep(&mut self, row: &ws::Ohlc, sealed: bool) {
        let start = row.interval_begin.ms();
        if start < self.boundary || start != start.floor_to(self.interval.ms()) {
            return;
        }
        let new = Values::from(row);
        let kept = self.rows.entry(start).or_insert(new);
        if sealed || new.trades >= kept.trades {
            *kept = new;
        }
        self.over = self.over.max(start);
        while self.rows.len() > ROWS_MAX {
            self.rows.pop_first();
        }
    }

    /// Every candle that ended at or before `to` is over.
    pub fn close_by_clock(&mut self, to: UtcMs) {
        if matches!(self.phase, Phase::Live) {
            self.over = self.over.max(to.floor_to(self.interval.ms()));
        }
    }

    /// The next thing to do; call until it gives nothing.
    pub fn poll(&mut self, t: i64) -> Option<Step> {
        if matches!(self.phase, Phase::Joining { until } if t >= until) {
            self.phase = Phase::Fetching { asked: false };
        }
        match self.phase {
            Phase::Fetching { asked: false } => {
                self.phase = Phase::Fetching { asked: true };
                self.refetches = self.refetches.saturating_add(1);
                Some(Step::AskRows(self.boundary.plus(self.interval.ms().saturating_mul(-2))))
            }
            Phase::Live => self.leave(),
            _ => None,
        }
    }

    fn leave(&mut self) -> Option<Step> {
        let start = self.rows.first_key_value().map(|(start, _)| *start).filter(|start| *start < self.over);
        let Some(start) = start else {
            self.boundary = self.boundary.max(self.over);
            return None;
        };
        let values = self.rows.remove(&start)?;
        self.boundary = start.plus(self.interval.ms());
        self.emitted = self.emitted.saturating_add(1);
        self.doubt.take_if(|(_, until)| *until <= start);
        Some(Step::Candle { start, values, proven: true })
    }

    /// The exchange's candles, oldest first; the last one is unfinished.
    pub fn rows_answer(&mut self, rows: &[ws::Ohlc]) {
        if !matches!(self.phase, Phase::Fetching { .. }) {
            return;
        }
        let oldest = rows.first().map(|r| r.interval_begin.ms());
        if rows.len() >= REST_ROWS
            && let Some(oldest) = oldest.filter(|o| *o > self.boundary)
        {
            let (from, to) = (self.boundary.minute(), oldest.minute());
            let text = format!("{} candles from {from} to {to} are older than the exchange lists", self.interval);
            self.doubt = Some((text, self.over));
        }
        let finished = rows.len().saturating_sub(1);
        for (place, row) in rows.iter().enumerate() {
            self.keep(row, place < finished);
        }
        self.phase = Phase::Live;
    }

    /// REST will not answer: the candles in between are lost.
    pub fn refused(&mut self, why: &str) {
        if matches!(self.phase, Phase::Fetching { .. }) {
            self.phase = Phase::Live;
            let from = self.boundary.minute();
            let text = format!("{} candles since {from} may be missing: {why}", self.interval);
            self.doubt = Some((text, self.over));
        }
    }

    /// Why candles may be missing.
    pub fn trouble(&self) -> Option<String> {
        match self.phase {
            Phase::Down => Some(format!("{} candles are not subscribed", self.interval)),
            Phase::Joining { .. } | Phase::Fetching { .. } => {
                Some(format!("{} candles: not yet joined to what came before", self.interval))
            }
            Phase::Live => self.doubt.as_ref().map(|(text, _)| text.clone()),
        }
    }

    /// When [`Self::poll`] has something new by time alone.
    pub const fn due(&self) -> i64 {
        match self.phase {
            Phase::Joining { until } => until,
            Phase::Fetching { asked: false } => i64::MIN,
            _ => i64::MAX,
        }
    }

    /// When the oldest open cell ends; never while candles are missing.
    pub const fn ends_at(&self) -> UtcMs {
        match self.phase {
            Phase::Live => self.over.plus(self.interval.ms()),
            _ => UtcMs(i64::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(minute: i64, trades: u64) -> ws::Ohlc {
        let text = |v: &str| v.parse().expect("number");
        ws::Ohlc {
            symbol: "BTC/USD".to_owned(),
            open: text("1"),
            high: text("2"),
            low: text("1"),
            close: text("2"),
            vwap: text("1.5"),
            trades,
            volume: text("3"),
            interval_begin: crate::kraken::wire::Stamp::from_ms(UtcMs(minute * 60_000)),
            interval: 1,
        }
    }

    fn minutes(series: &mut OhlcSeries, t: i64) -> Vec<(i64, u64)> {
        let steps = std::iter::from_fn(|| series.poll(t));
        steps
            .map(|s| match s {
                Step::Candle { start, values, .. } => (start.0 / 60_000, values.trades),
                Step::AskRows(since) => (since.0 / -60_000, 0),
                Step::AskTrades(_) => unreachable!("never asked"),
            })
            .collect()
    }

    #[test]
    fn the_last_word_on_a_candle_leaves_once_in_order() {
        let s = LinkSettings::default();
        let mut series = OhlcSeries::new(Interval(1), UtcMs(10 * 60_000 + 5));
        assert!(series.trouble().is_some());
        series.first_picture(0, &[row(8, 5), row(9, 5), row(10, 1)], &s);
        assert_eq!((series.trouble(), minutes(&mut series, 0)), (None, vec![]));
        series.update(1, &row(10, 4), &s);
        series.update(1, &row(10, 3), &s);
        series.update(2, &row(11, 1), &s);
        assert_eq!(minutes(&mut series, 2), [(10, 4)]);
        series.update(3, &row(10, 9), &s);
        assert_eq!(minutes(&mut series, 3), [], "a candle that left does not leave again");
        series.close_by_clock(UtcMs(11 * 60_000 + 59_999));
        assert_eq!(minutes(&mut series, 3), []);
        series.close_by_clock(UtcMs(12 * 60_000));
        assert_eq!(minutes(&mut series, 3), [(11, 1)]);
        series.close_by_clock(UtcMs(20 * 60_000));
        assert_eq!(minutes(&mut series, 3), [], "quiet minutes have no candle");
    }

    #[test]
    fn a_gap_is_fetched_before_anything_newer_leaves() {
        let s = LinkSettings::default();
        let mut series = OhlcSeries::new(Interval(1), UtcMs(10 * 60_000));
        series.first_picture(0, &[row(10, 1)], &s);
        series.down();
        series.close_by_clock(UtcMs(11 * 60_000));
        assert_eq!(minutes(&mut series, 1), [], "nothing is final while the line is cut");
        series.first_picture(2, &[row(14, 2)], &s);
        series.update(3, &row(15, 1), &s);
        assert_eq!(minutes(&mut series, 3), [(-8, 0)], "asked since minute 8");
        assert_eq!(minutes(&mut series, 4), []);
        series.rows_answer(&[row(9, 7), row(10, 6), row(12, 3), row(14, 5), row(15, 1)]);
        assert_eq!(minutes(&mut series, 5), [(10, 6), (12, 3), (14, 5)]);
        assert_eq!(series.trouble(), None);
        // without a picture REST is asked after a while; a refusal is told
        series.down();
        series.subscribed(10, &s);
        assert_eq!(minutes(&mut series, 11), []);
        assert_eq!(minutes(&mut series, 10 + s.snapshot_timeout_ms), [(-13, 0)]);
        series.refused("unknown pair");
        assert!(series.trouble().expect("told").contains("since 1970-01-01 00:15"));
    }
}
