//! Candles: one column each, in half-row steps, coloured candle by candle.

use std::collections::BTreeMap;

use crate::domain::market::Candle;
use crate::domain::time::UtcMs;
use crate::tui::paint::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::bars;

/// One column of the chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stick {
    pub at: UtcMs,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
}

/// The newest `width` time slots of `step_ms`; a slot without a candle is a gap and stays empty.
#[must_use]
pub fn sticks(candles: &[Candle], step_ms: i64, width: usize) -> Vec<Option<Stick>> {
    let Some(newest) = candles.last().map(|c| c.open_time.floor_to(step_ms)) else { return Vec::new() };
    if step_ms <= 0 || width == 0 {
        return Vec::new();
    }
    let first = newest.plus(-step_ms.saturating_mul(width as i64 - 1));
    let mut slots: BTreeMap<UtcMs, Stick> = BTreeMap::new();
    for candle in candles.iter().filter(|c| c.open_time >= first) {
        let (open, high, low, close) =
            (candle.open.to_f64(), candle.high.to_f64(), candle.low.to_f64(), candle.close.to_f64());
        let at = candle.open_time.floor_to(step_ms);
        slots
            .entry(at)
            .and_modify(|s| {
                s.high = s.high.max(high);
                s.low = s.low.min(low);
                s.close = close;
                s.volume += candle.volume.to_f64();
            })
            .or_insert(Stick { at, open, high, low, close, volume: candle.volume.to_f64() });
    }
    let oldest = candles.first().map_or(newest, |c| c.open_time.floor_to(step_ms));
    (0..width as i64)
        .map(|i| first.plus(i.saturating_mul(step_ms)))
        .filter(|at| *at >= oldest)
        .map(|at| slots.get(&at).copied())
        .collect()
}

/// Lowest and highest price of the chart, with a little room when all are one.
#[must_use]
pub fn range(sticks: &[Option<Stick>]) -> Option<(f64, f64)> {
    let low = sticks.iter().flatten().map(|s| s.low).fold(f64::INFINITY, f64::min);
    let high = sticks.iter().flatten().map(|s| s.high).fold(f64::NEG_INFINITY, f64::max);
    if !(low.is_finite() && high.is_finite()) {
        return None;
    }
    Some(if high > low { (low, high) } else { (low * 0.999, high * 1.001) })
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Empty,
    Wick,
    Body,
}

const fn glyph(upper: Part, lower: Part) -> &'static str {
    match (upper, lower) {
        (Part::Empty, Part::Empty) => " ",
        (Part::Body, Part::Body) => "┃",
        (Part::Wick, Part::Wick) => "│",
        (Part::Wick, Part::Body) => "╽",
        (Part::Body, Part::Wick) => "╿",
        (Part::Empty, Part::Body) => "╻",
        (Part::Body, Part::Empty) => "╹",
        (Part::Empty, Part::Wick) => "╷",
        (Part::Wick, Part::Empty) => "╵",
    }
}

/// Half-row of a price, counted from the bottom.
fn half(price: f64, (low, high): (f64, f64), halves: i64) -> i64 {
    let share = (price - low) / (high - low);
    if share.is_finite() { ((share * halves as f64).floor() as i64).clamp(0, halves - 1) } else { 0 }
}

/// The column of one stick, top row first.
fn column(stick: &Stick, range: (f64, f64), rows: u16) -> Vec<&'static str> {
    let halves = i64::from(rows) * 2;
    let at = |price| half(price, range, halves);
    let (high, low) = (at(stick.high), at(stick.low));
    let (top, bottom) = (at(stick.open.max(stick.close)), at(stick.open.min(stick.close)));
    let part = |h: i64| {
        if (bottom..=top).contains(&h) {
            Part::Body
        } else if (low..=high).contains(&h) {
            Part::Wick
        } else {
            Part::Empty
        }
    };
    (0..i64::from(rows)).map(|row| glyph(part(halves - 1 - 2 * row), part(halves - 2 - 2 * row))).collect()
}

/// Draws the sticks from the left of `pen`, prices over its whole height.
pub fn draw(pen: &mut Pen<'_>, sticks: &[Option<Stick>], range: (f64, f64)) {
    let rows = pen.height();
    if rows == 0 {
        return;
    }
    for (x, stick) in sticks.iter().enumerate() {
        let Some(stick) = stick else { continue };
        let role = if stick.close >= stick.open { Role::Up } else { Role::Down };
        for (y, glyph) in column(stick, range, rows).into_iter().enumerate() {
            if glyph != " " {
                pen.glyph(x as u16, y as u16, glyph, role);
            }
        }
    }
}

/// Volume bars of the sticks in one row; gaps stay empty.
#[must_use]
pub fn volumes(sticks: &[Option<Stick>]) -> String {
    let high = sticks.iter().flatten().map(|s| s.volume).fold(0.0, f64::max);
    sticks.iter().map(|s| bars::level(s.map(|s| s.volume), 0.0, high)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::{Price, Qty};
    use crate::domain::pair::{Interval, Venue};

    fn candle(hour: i64, o: f64, h: f64, l: f64, c: f64) -> Candle {
        let price = |v| Price::from_f64(v).unwrap();
        Candle {
            pair: "BTC/USD".parse().unwrap(),
            venue: Venue::Kraken,
            interval: Interval::H1,
            open_time: UtcMs(hour * 3_600_000),
            open: price(o),
            high: price(h),
            low: price(l),
            close: price(c),
            volume: Qty::from_f64(2.0).unwrap(),
            trades: None,
        }
    }

    #[test]
    fn every_half_step_has_its_glyph() {
        let stick = |open, high, low, close| Stick { at: UtcMs(0), open, high, low, close, volume: 0.0 };
        // Four rows over 0..8: one half-step per unit.
        assert_eq!(column(&stick(2.5, 6.5, 0.5, 4.5), (0.0, 8.0), 4), ["╷", "╽", "┃", "│"]);
        assert_eq!(column(&stick(3.5, 7.5, 3.5, 5.5), (0.0, 8.0), 4), ["│", "┃", "╹", " "]);
        assert_eq!(column(&stick(4.5, 4.5, 2.5, 4.5), (0.0, 8.0), 4), [" ", "╻", "│", " "]);
        assert_eq!(column(&stick(1.5, 1.5, 0.5, 1.5), (0.0, 8.0), 4), [" ", " ", " ", "╿"]);
    }

    #[test]
    fn a_missing_hour_is_a_gap() {
        let candles = [candle(0, 1.0, 2.0, 1.0, 2.0), candle(1, 2.0, 3.0, 2.0, 3.0), candle(3, 3.0, 3.0, 1.0, 1.0)];
        let seen = sticks(&candles, 3_600_000, 10);
        assert_eq!(seen.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, true]);
        assert_eq!(sticks(&candles, 3_600_000, 2).iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
        assert_eq!(volumes(&seen), "██ █");
    }

    #[test]
    fn hours_join_into_longer_bars() {
        let candles = [candle(0, 1.0, 2.0, 1.0, 2.0), candle(1, 2.0, 5.0, 2.0, 3.0), candle(4, 3.0, 3.0, 1.0, 1.0)];
        let seen = sticks(&candles, 4 * 3_600_000, 10);
        let first = seen.first().copied().flatten().unwrap();
        assert_eq!((first.open, first.high, first.low, first.close, first.volume), (1.0, 5.0, 1.0, 3.0, 4.0));
        assert_eq!(seen.len(), 2);
        assert_eq!(range(&seen), Some((1.0, 5.0)));
    }
}
