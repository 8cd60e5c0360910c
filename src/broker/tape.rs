//! What the paper broker remembers of one pair: the last price, and volume and volatility of the last 24 hours.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::{Candle, Price, UtcMs};

/// Trailing day of one pair, kept in hourly sums so that it stays small in a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tape {
    pub last: Price,
    pub closed_at: UtcMs,
    hours: VecDeque<HourSum>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct HourSum {
    hour: UtcMs,
    /// Open time of the first candle in it.
    from: UtcMs,
    /// Sum of squared log returns.
    squares: f64,
    /// Base units.
    volume: f64,
}

/// Daily volatility (share) and daily volume (base units).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DayStats {
    pub sigma: f64,
    pub volume: f64,
}

impl Tape {
    /// Starts with the first candle seen; its own move stands for the return into it.
    pub(super) fn start(candle: &Candle) -> Self {
        let mut tape = Self { last: candle.open, closed_at: candle.open_time, hours: VecDeque::new() };
        tape.push(candle);
        tape
    }

    /// Takes in the next closed candle.
    pub(super) fn push(&mut self, candle: &Candle) {
        let step = (candle.close.to_f64() / self.last.to_f64()).ln();
        let (squares, volume) = (step * step, candle.volume.to_f64());
        let hour = candle.open_time.floor_to(HOUR_MS);
        match self.hours.back_mut().filter(|h| h.hour == hour) {
            Some(sum) => {
                sum.squares += squares;
                sum.volume += volume;
            }
            None => self.hours.push_back(HourSum { hour, from: candle.open_time, squares, volume }),
        }
        self.last = candle.close;
        self.closed_at = candle.close_time();
        while self.hours.front().is_some_and(|h| h.hour < self.closed_at.plus(-DAY_MS).floor_to(HOUR_MS)) {
            self.hours.pop_front();
        }
    }

    /// Realised volatility (root of the summed squared log returns) and volume, scaled to 24 hours by the time that the
    /// sums cover.
    pub(super) fn day(&self) -> Option<DayStats> {
        let covered = self.closed_at.since(self.hours.front()?.from);
        if covered <= 0 {
            return None;
        }
        let scale = DAY_MS as f64 / covered as f64;
        let squares: f64 = self.hours.iter().map(|h| h.squares).sum();
        let volume: f64 = self.hours.iter().map(|h| h.volume).sum();
        Some(DayStats { sigma: (squares * scale).sqrt(), volume: volume * scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Interval, Qty, Venue};

    fn candle(minutes: i64, open: f64, close: f64, volume: f64) -> Candle {
        Candle {
            pair: "ETH/USD".parse().unwrap(),
            venue: Venue::Kraken,
            interval: Interval::M5,
            open_time: UtcMs(minutes * 60_000),
            open: Price::from_f64(open).unwrap(),
            high: Price::from_f64(open.max(close)).unwrap(),
            low: Price::from_f64(open.min(close)).unwrap(),
            close: Price::from_f64(close).unwrap(),
            volume: Qty::from_f64(volume).unwrap(),
            trades: None,
        }
    }

    #[test]
    fn a_steady_day_has_its_own_volume_and_volatility() {
        let mut tape = Tape::start(&candle(0, 100.0, 100.0, 2.0));
        let mut price: f64 = 100.0;
        for i in 1..1_000 {
            let next = if i % 2 == 0 { 100.0 } else { 101.0 };
            tape.push(&candle(i * 5, price, next, 2.0));
            price = next;
        }
        let day = tape.day().unwrap();
        let expected = (288.0 * 1.01_f64.ln().powi(2)).sqrt();
        assert!((day.volume - 576.0).abs() < 1e-9, "{}", day.volume);
        assert!((day.sigma - expected).abs() < 1e-9, "{} {expected}", day.sigma);
        assert!(tape.hours.len() <= 25);
    }

    #[test]
    fn a_short_past_is_scaled_to_a_day() {
        let tape = Tape::start(&candle(0, 100.0, 101.0, 3.0));
        let day = tape.day().unwrap();
        assert!((day.volume - 3.0 * 288.0).abs() < 1e-9);
        assert!((day.sigma - 1.01_f64.ln() * 288.0_f64.sqrt()).abs() < 1e-9);
    }
}
