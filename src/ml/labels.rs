//! Labels: forward returns, the triple barrier, and the gated event — a managed long trade net of its costs.
//!
//! Source: López de Prado 2018, ch. 3. A label uses the bars after its own only, and none exists across a hole or past the end.

use crate::domain::ExitPlan;
use crate::domain::market::Bar;
use crate::domain::time::HOUR_MS;

use super::dataset::TrainingRow;

/// Which of the three exits came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    Target,
    Stop,
    Time,
}

/// End of a triple barrier: the bar it ended in and the log return at the barrier's price (time exit: at the close).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BarrierHit {
    pub barrier: Barrier,
    /// Index of the bar in which it ended.
    pub end: usize,
    pub log_return: f64,
}

/// The event that the gate speaks about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GatedEvent {
    /// Whether the trade ended with a profit after costs.
    pub win: bool,
    /// Simple return after the round-trip cost, as a share of the notional.
    pub net_return: f64,
    /// Index of the bar in which the trade ended.
    pub end: usize,
}

/// Hourly bars with the stretches between holes known.
#[derive(Debug, Clone)]
pub struct Path<'a> {
    rows: &'a [TrainingRow],
    /// Per row: the last row that is reached from it without crossing a hole.
    reach: Vec<usize>,
}

impl<'a> Path<'a> {
    /// `rows` hourly, oldest first. A row that does not open exactly one hour after the one before it stands behind a hole,
    /// whether or not its flag says so.
    #[must_use]
    pub fn new(rows: &'a [TrainingRow]) -> Self {
        let mut reach = vec![0; rows.len()];
        let mut last = rows.len().saturating_sub(1);
        for (i, slot) in reach.iter_mut().enumerate().rev() {
            let next = rows.get(i + 1);
            let here = rows.get(i).map(|r| r.bar.open_time);
            if next.is_none_or(|n| n.after_hole || here.is_none_or(|h| n.bar.open_time.since(h) != HOUR_MS)) {
                last = i;
            }
            *slot = last;
        }
        Self { rows, reach }
    }

    fn bar(&self, i: usize) -> Option<&'a Bar> {
        self.rows.get(i).map(|r| &r.bar)
    }

    /// The row one hour before `t`, unless a hole lies between.
    #[must_use]
    pub fn previous(&self, t: usize) -> Option<&'a TrainingRow> {
        let before = t.checked_sub(1)?;
        (*self.reach.get(before)? >= t).then(|| self.rows.get(before)).flatten()
    }

    /// The bars after `t` up to `t + bars`, or `None` when a hole or the end comes first.
    fn ahead(&self, t: usize, bars: usize) -> Option<&'a [TrainingRow]> {
        let end = t.checked_add(bars)?;
        (bars > 0 && *self.reach.get(t)? >= end).then(|| self.rows.get(t + 1..=end)).flatten()
    }

    /// `ln(C[t+bars] / C[t])`.
    #[must_use]
    pub fn forward_return(&self, t: usize, bars: usize) -> Option<f64> {
        let last = self.ahead(t, bars)?.last()?;
        Some((last.bar.close / self.bar(t)?.close).ln())
    }

    /// `ln(C[t] / C[t−bars])`; `None` across a hole.
    #[must_use]
    pub fn past_return(&self, t: usize, bars: usize) -> Option<f64> {
        self.forward_return(t.checked_sub(bars)?, bars)
    }

    /// The triple barrier of a long trade entered at the close of `t`. Touch is by high and low; both inside one bar is the
    /// stop. A hole anywhere up to the time limit voids the label, even behind an earlier exit: dropping only the trades that
    /// were still open would favour the fast ones.
    #[must_use]
    pub fn triple_barrier(&self, t: usize, exits: &ExitPlan, sigma24: f64) -> Option<BarrierHit> {
        if !(sigma24.is_finite() && sigma24 > 0.0) {
            return None;
        }
        let entry = self.bar(t)?.close;
        let (up, down) = exits.distances(sigma24);
        let ahead = self.ahead(t, exits.horizon.0 as usize)?;
        for (end, row) in (t + 1..).zip(ahead) {
            if (row.bar.low / entry).ln() <= -down {
                return Some(BarrierHit { barrier: Barrier::Stop, end, log_return: -down });
            }
            if (row.bar.high / entry).ln() >= up {
                return Some(BarrierHit { barrier: Barrier::Target, end, log_return: up });
            }
        }
        let log_return = (ahead.last()?.bar.close / entry).ln();
        Some(BarrierHit { barrier: Barrier::Time, end: t + ahead.len(), log_return })
    }

    /// The managed long trade net of `cost` (share of the notional, round trip). A bar that opens beyond the stop fills at its
    /// open, as the paper broker does; a target never fills better than its price.
    #[must_use]
    pub fn gated_event(&self, t: usize, exits: &ExitPlan, sigma24: f64, cost: f64) -> Option<GatedEvent> {
        let hit = self.triple_barrier(t, exits, sigma24)?;
        let gross = match hit.barrier {
            Barrier::Target | Barrier::Time => hit.log_return.exp(),
            Barrier::Stop => hit.log_return.exp().min(self.bar(hit.end)?.open / self.bar(t)?.close),
        };
        let net_return = gross - 1.0 - cost;
        net_return.is_finite().then_some(GatedEvent { win: net_return > 0.0, net_return, end: hit.end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Horizon, UtcMs};

    const H24: ExitPlan = ExitPlan { horizon: Horizon::H24, target_multiple: 2.0, stop_multiple: 1.5 };

    fn row(hour: i64, [open, high, low, close]: [f64; 4]) -> TrainingRow {
        TrainingRow {
            bar: Bar { open_time: UtcMs(hour * HOUR_MS), open, high, low, close, volume: 1.0 },
            features: None,
            sigma24: None,
            after_hole: false,
        }
    }

    #[test]
    fn the_gated_event_pays_its_costs_and_its_gaps() {
        let flat = [100.0, 100.0, 100.0, 100.0];
        let exits = ExitPlan { horizon: Horizon(2), target_multiple: 2.0, stop_multiple: 2.0 };
        let distance = exits.distances(0.01).0;
        let event = |bars: [[f64; 4]; 3], cost: f64| {
            let rows: Vec<_> = bars.into_iter().zip(0_i64..).map(|(b, i)| row(i, b)).collect();
            Path::new(&rows).gated_event(0, &exits, 0.01, cost)
        };
        // Target: paid at the barrier, not at the better high.
        let won = event([flat, [100.0, 109.0, 100.0, 108.0], flat], 0.005).unwrap();
        assert!(won.win && won.end == 1);
        assert!((won.net_return - (distance.exp() - 1.0 - 0.005)).abs() < 1e-12);
        // The same price path with a cost above the target's gain is a loss.
        assert!(!event([flat, [100.0, 109.0, 100.0, 108.0], flat], 0.05).unwrap().win);
        // Both barriers inside one bar: the stop counts.
        let both = event([flat, [100.0, 109.0, 90.0, 100.0], flat], 0.0).unwrap();
        assert!((both.net_return - ((-distance).exp() - 1.0)).abs() < 1e-12);
        // A gap through the stop fills at the open.
        let gap = event([flat, [90.0, 91.0, 88.0, 90.0], flat], 0.0).unwrap();
        assert!((gap.net_return + 0.10).abs() < 1e-12);
        // Time limit: at the last close, and exactly nothing is not a profit.
        let time = event([flat, flat, flat], 0.0).unwrap();
        assert!(!time.win && time.end == 2 && time.net_return.abs() < 1e-12);
    }

    #[test]
    fn no_label_spans_a_hole_or_the_end() {
        let flat = [100.0, 100.0, 100.0, 100.0];
        let mut rows: Vec<_> = (0..6).map(|i| row(i, flat)).collect();
        rows[3].after_hole = true;
        let forward = |rows: &[TrainingRow]| {
            let path = Path::new(rows);
            (0..6).map(|t| path.forward_return(t, 2).is_some()).collect::<Vec<_>>()
        };
        assert_eq!(forward(&rows), [true, false, false, true, false, false]);
        // A step of two hours is a hole even without its flag.
        rows[3].after_hole = false;
        for r in &mut rows[3..] {
            r.bar.open_time = r.bar.open_time.plus(HOUR_MS);
        }
        assert_eq!(forward(&rows), [true, false, false, true, false, false]);
        let path = Path::new(&rows);
        assert!(path.forward_return(0, 0).is_none() && path.forward_return(99, 1).is_none());
        assert!(path.triple_barrier(0, &H24, f64::NAN).is_none() && path.triple_barrier(0, &H24, 0.0).is_none());
    }
}
