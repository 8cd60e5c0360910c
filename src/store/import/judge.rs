//! Checks of rows one by one, in the order in which they stand in the file.

use rust_decimal::Decimal;

use super::row::CandleRow;
use super::{Order, Reason};
use crate::domain::time::DAY_MS;
use crate::domain::{Interval, UtcMs};
use crate::store::lake::TradeRow;

/// What to do with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Take,
    /// The row before it says the same.
    Identical,
    Reject(Reason),
}

/// So many rows in a row that are equally far apart, and further than their length, are candles of another length: silence is not that regular.
pub(super) const SAME_STEPS: u32 = 24;

/// Judges the candles of one file.
#[derive(Debug)]
pub(super) struct CandleJudge {
    step: i64,
    now: i64,
    order: Order,
    before: Option<CandleRow>,
    /// The last distance between two rows, and how often it came in a row.
    distance: (i64, u32),
}

impl CandleJudge {
    pub(super) const fn new(interval: Interval, now: UtcMs, order: Order) -> Self {
        Self { step: interval.ms(), now: now.0, order, before: None, distance: (0, 0) }
    }

    /// The distance between the rows, when it is that of longer candles.
    pub(super) fn other_step(&self) -> Option<i64> {
        let (distance, times) = self.distance;
        (distance > self.step && times >= SAME_STEPS).then_some(distance)
    }

    pub(super) fn judge(&mut self, row: CandleRow) -> Verdict {
        if let Err(reason) = candle(&row, self.step, self.now) {
            return Verdict::Reject(reason);
        }
        if let Some(before) = self.before {
            if before.at == row.at {
                let same = before.values == row.values && before.trades == row.trades;
                return if same { Verdict::Identical } else { Verdict::Reject(Reason::ConflictInFile) };
            }
            if (before.at > row.at) == (self.order == Order::Ascending) {
                return Verdict::Reject(Reason::OutOfOrder);
            }
            if (row.at - before.at) % self.step != 0 {
                return Verdict::Reject(Reason::OffGrid);
            }
            let distance = (row.at - before.at).abs();
            self.distance = if distance == self.distance.0 { (distance, self.distance.1 + 1) } else { (distance, 1) };
        }
        self.before = Some(row);
        Verdict::Take
    }
}

/// What a candle must be by itself: `0 < low <= open, close <= high`, volume not negative, on the UTC grid, over.
fn candle(row: &CandleRow, step: i64, now: i64) -> Result<(), Reason> {
    let [open, high, low, close, volume] = row.values;
    if [open, high, low, close].iter().any(|price| *price <= Decimal::ZERO) {
        return Err(Reason::PriceNotPositive);
    }
    if volume < Decimal::ZERO {
        return Err(Reason::NegativeVolume);
    }
    if high < open.max(close) {
        return Err(Reason::HighBelowBody);
    }
    if low > open.min(close) {
        return Err(Reason::LowAboveBody);
    }
    if step <= 0 || row.at.rem_euclid(grid(step)) != 0 {
        return Err(Reason::OffGrid);
    }
    if row.at > now {
        return Err(Reason::InFuture);
    }
    if row.at.saturating_add(step) > now { Err(Reason::Unfinished) } else { Ok(()) }
}

/// Grids count from the epoch. Bars longer than a day begin on any midnight (weeks begin on Monday here and on Thursday there), but always a whole
/// number of bars apart.
pub(in crate::store) const fn grid(step: i64) -> i64 {
    if step > DAY_MS { DAY_MS } else { step }
}

/// Judges the trades of one file.
#[derive(Debug)]
pub(super) struct TradeJudge {
    now_ns: i64,
    order: Order,
    before: Option<i64>,
}

impl TradeJudge {
    pub(super) const fn new(now: UtcMs, order: Order) -> Self {
        Self { now_ns: now.0.saturating_mul(1_000_000), order, before: None }
    }

    pub(super) fn judge(&mut self, row: &TradeRow) -> Verdict {
        if row.price <= Decimal::ZERO {
            return Verdict::Reject(Reason::PriceNotPositive);
        }
        if row.volume <= Decimal::ZERO {
            return Verdict::Reject(Reason::VolumeNotPositive);
        }
        if row.at_ns > self.now_ns {
            return Verdict::Reject(Reason::InFuture);
        }
        if let Some(before) = self.before
            && before != row.at_ns
            && (before > row.at_ns) == (self.order == Order::Ascending)
        {
            return Verdict::Reject(Reason::OutOfOrder);
        }
        self.before = Some(row.at_ns);
        Verdict::Take
    }
}
