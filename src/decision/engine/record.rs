//! The confidence record: every signal's plan is followed to its end, traded or not, so that the calibration that is shown is
//! not biased by what was let through.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::domain::market::Candle;
use crate::domain::order::Side;
use crate::domain::pair::Pair;
use crate::domain::plan::TradePlan;
use crate::domain::time::UtcMs;

/// Matured signals kept one by one, newest last.
const KEPT: usize = 2_000;

/// A signal whose plan has not ended yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    pair: Pair,
    confidence: f64,
    entry: f64,
    stop: f64,
    target: f64,
    expires: UtcMs,
    cost: f64,
}

/// What became of all signals so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConfidenceRecord {
    watched: Vec<Watched>,
    /// (confidence, won), newest last, at most 2,000.
    recent: VecDeque<(f64, bool)>,
    matured: u64,
    won: u64,
    squared_error: f64,
    /// Per tenth of confidence: count, sum of confidence, wins.
    bins: [(u64, f64, u64); 10],
}

impl ConfidenceRecord {
    /// Follows a new signal.
    pub fn watch(&mut self, plan: &TradePlan, confidence: f64) {
        if plan.side == Side::Buy {
            self.watched.push(Watched {
                pair: plan.pair.clone(),
                confidence,
                entry: plan.entry.to_f64(),
                stop: plan.stop.to_f64(),
                target: plan.target.to_f64(),
                expires: plan.expires,
                cost: plan.cost,
            });
        }
    }

    /// Ends the plans that this candle ends: a touched stop before a touched target, the time limit at its close.
    pub fn observe(&mut self, candle: &Candle) {
        let (low, high, close) = (candle.low.to_f64(), candle.high.to_f64(), candle.close.to_f64());
        let mut ended = Vec::new();
        self.watched.retain(|w| {
            if w.pair != candle.pair {
                return true;
            }
            let exit = if low <= w.stop {
                Some(w.stop)
            } else if high >= w.target {
                Some(w.target)
            } else {
                (candle.close_time() >= w.expires).then_some(close)
            };
            if let Some(exit) = exit {
                ended.push((w.confidence, exit / w.entry - 1.0 - w.cost > 0.0));
            }
            exit.is_none()
        });
        for (confidence, won) in ended {
            self.mature(confidence, won);
        }
    }

    fn mature(&mut self, confidence: f64, won: bool) {
        let outcome = f64::from(u8::from(won));
        self.matured += 1;
        self.won += u64::from(won);
        self.squared_error += (confidence - outcome).powi(2);
        let bin = ((confidence * 10.0) as usize).min(9);
        if let Some((n, sum, wins)) = self.bins.get_mut(bin) {
            *n += 1;
            *sum += confidence;
            *wins += u64::from(won);
        }
        if self.recent.len() >= KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back((confidence, won));
    }

    /// Signals whose plan has ended.
    #[must_use]
    pub const fn matured(&self) -> u64 {
        self.matured
    }

    /// Signals still followed.
    #[must_use]
    pub fn open(&self) -> usize {
        self.watched.len()
    }

    /// Share of matured signals that won.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        (self.matured > 0).then(|| self.won as f64 / self.matured as f64)
    }

    /// Mean squared error of the confidence (Brier 1950); `None` before the first signal matured.
    #[must_use]
    pub fn brier(&self) -> Option<f64> {
        (self.matured > 0).then(|| self.squared_error / self.matured as f64)
    }

    /// Expected calibration error over ten equal-width bins (Naeini et al. 2015).
    #[must_use]
    pub fn ece(&self) -> Option<f64> {
        if self.matured == 0 {
            return None;
        }
        let total = self.matured as f64;
        Some(
            self.bins
                .iter()
                .filter(|(n, ..)| *n > 0)
                .map(|(n, sum, wins)| {
                    let n = *n as f64;
                    (n / total) * (sum / n - *wins as f64 / n).abs()
                })
                .sum(),
        )
    }

    /// (confidence, won) of the newest matured signals, oldest first.
    #[must_use]
    pub fn recent(&self) -> Vec<(f64, bool)> {
        self.recent.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::{Price, Qty};
    use crate::domain::pair::{Interval, Venue};
    use crate::domain::plan::Horizon;

    fn price(x: f64) -> Price {
        Price::from_f64(x).unwrap()
    }

    fn plan() -> TradePlan {
        TradePlan {
            pair: "BTC/USD".parse().unwrap(),
            side: Side::Buy,
            horizon: Horizon::H1,
            entry: price(100.0),
            stop: price(98.0),
            target: price(103.0),
            expires: UtcMs(3_600_000),
            cost: 0.008,
            win: 0.022,
            loss: 0.028,
        }
    }

    fn candle(open_ms: i64, low: f64, high: f64, close: f64) -> Candle {
        Candle {
            pair: "BTC/USD".parse().unwrap(),
            venue: Venue::Kraken,
            interval: Interval::M5,
            open_time: UtcMs(open_ms),
            open: price(close),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: Qty::ZERO,
            trades: None,
        }
    }

    #[test]
    fn a_bar_that_touches_both_counts_as_the_stop() {
        let mut record = ConfidenceRecord::default();
        record.watch(&plan(), 0.9);
        record.observe(&candle(0, 97.0, 104.0, 100.0));
        assert_eq!((record.matured(), record.hit_rate()), (1, Some(0.0)));
        assert!((record.brier().unwrap() - 0.81).abs() < 1e-12);
        assert!((record.ece().unwrap() - 0.9).abs() < 1e-12);
    }

    #[test]
    fn the_time_limit_ends_at_the_close_and_costs_count() {
        let mut record = ConfidenceRecord::default();
        record.watch(&plan(), 0.5);
        record.observe(&candle(3_000_000, 99.0, 101.0, 100.5)); // closes at 3,300,000: not yet
        assert_eq!(record.matured(), 0);
        record.observe(&candle(3_300_000, 99.0, 101.0, 100.5)); // +0.5 % does not pay 0.8 %
        assert_eq!((record.matured(), record.hit_rate()), (1, Some(0.0)));
        assert_eq!(record.open(), 0);
    }

    #[test]
    fn nothing_matured_is_no_score() {
        let record = ConfidenceRecord::default();
        assert_eq!((record.brier(), record.ece(), record.hit_rate()), (None, None, None));
    }
}
