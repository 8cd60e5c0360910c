//! Candles: one column each, in half-row steps, coloured candle by candle; and bars from zero in the same steps.

use crate::domain::market::Bar;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::bars;

/// Lowest and highest price of the bars, apart from each other.
#[must_use]
pub fn range<'b>(bars: impl Iterator<Item = &'b Bar> + Clone) -> Option<(f64, f64)> {
    let low = bars.clone().map(|b| b.low).fold(f64::INFINITY, f64::min);
    let high = bars.map(|b| b.high).fold(f64::NEG_INFINITY, f64::max);
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
        (Part::Body, Part::Wick) => "╿",
        (Part::Wick, Part::Body) => "╽",
        (Part::Empty, Part::Body) => "╻",
        (Part::Body, Part::Empty) => "╹",
        (Part::Empty, Part::Wick) => "╷",
        (Part::Wick, Part::Empty) => "╵",
    }
}

/// Half-row of a value, counted from the bottom.
fn half(value: f64, (low, high): (f64, f64), halves: i64) -> i64 {
    let share = (value - low) / (high - low);
    if share.is_finite() { ((share * halves as f64).floor() as i64).clamp(0, halves - 1) } else { 0 }
}

/// Glyphs of a column, top row first, from what each half-row holds.
fn stack(rows: u16, part: impl Fn(i64) -> Part) -> Vec<&'static str> {
    let halves = i64::from(rows) * 2;
    (0..i64::from(rows)).map(|row| glyph(part(halves - 1 - 2 * row), part(halves - 2 - 2 * row))).collect()
}

/// The column of one candle.
fn column(bar: &Bar, range: (f64, f64), rows: u16) -> Vec<&'static str> {
    let at = |price| half(price, range, i64::from(rows) * 2);
    let (high, low) = (at(bar.high), at(bar.low));
    let (top, bottom) = (at(bar.open.max(bar.close)), at(bar.open.min(bar.close)));
    stack(rows, |h| {
        if (bottom..=top).contains(&h) {
            Part::Body
        } else if (low..=high).contains(&h) {
            Part::Wick
        } else {
            Part::Empty
        }
    })
}

/// The hollow form of a rising candle's body, for terminals without colour.
fn hollow(glyph: &'static str) -> &'static str {
    if glyph == "┃" { "║" } else { glyph }
}

fn put(pen: &mut Pen<'_>, x: u16, glyphs: &[&'static str], role: Role) {
    for (y, glyph) in glyphs.iter().enumerate() {
        if *glyph != " " {
            pen.glyph(x, y as u16, glyph, role);
        }
    }
}

/// Draws candles from the left of `pen`, `columns` apart, prices over its whole height; a gap stays empty.
pub fn draw<'b>(pen: &mut Pen<'_>, bars: impl Iterator<Item = Option<&'b Bar>>, columns: u16, range: (f64, f64)) {
    let rows = pen.height();
    for (i, bar) in bars.enumerate() {
        let Some(bar) = bar.filter(|_| rows > 0) else { continue };
        let rises = bar.close >= bar.open;
        let mut glyphs = column(bar, range, rows);
        if rises && !pen.theme().has_color() {
            glyphs.iter_mut().for_each(|g| *g = hollow(g));
        }
        put(pen, (i as u16).saturating_mul(columns), &glyphs, if rises { Role::Up } else { Role::Down });
    }
}

/// Draws bars from zero to each value, coloured by their sign.
pub fn from_zero(pen: &mut Pen<'_>, values: impl Iterator<Item = Option<f64>>, columns: u16, range: (f64, f64)) {
    let rows = pen.height();
    for (i, value) in values.enumerate() {
        let Some(value) = value.filter(|v| rows > 0 && v.is_finite()) else { continue };
        let at = |v| half(v, range, i64::from(rows) * 2);
        let (from, to) = (at(value.min(0.0)), at(value.max(0.0)));
        let glyphs = stack(rows, |h| if (from..=to).contains(&h) { Part::Body } else { Part::Empty });
        put(pen, (i as u16).saturating_mul(columns), &glyphs, if value >= 0.0 { Role::Up } else { Role::Down });
    }
}

/// Draws volumes from the bottom of `pen`, `columns` apart; what is `None` stays empty.
pub fn volumes(pen: &mut Pen<'_>, volumes: impl Iterator<Item = Option<f64>> + Clone, columns: u16) {
    let rows = pen.height();
    let high = volumes.clone().flatten().fold(0.0, f64::max);
    for (i, volume) in volumes.enumerate() {
        let Some(volume) = volume else { continue };
        let share = if high > 0.0 { (volume / high).clamp(0.0, 1.0) } else { 0.0 };
        let filled = share * f64::from(rows);
        for row in 0..rows {
            // The lowest row always shows that something was there.
            let part = (filled - f64::from(row)).min(1.0);
            if row == 0 || part > 0.0 {
                let glyph = bars::level(Some(part.max(0.0)), 0.0, 1.0);
                pen.ink((i as u16).saturating_mul(columns), rows - 1 - row, Ink::muted(glyph));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::UtcMs;

    fn bar(open: f64, high: f64, low: f64, close: f64) -> Bar {
        Bar { open_time: UtcMs(0), open, high, low, close, volume: 0.0 }
    }

    #[test]
    fn every_half_step_has_its_glyph() {
        // Four rows over 0..8: one half-step per unit.
        assert_eq!(column(&bar(2.5, 6.5, 0.5, 4.5), (0.0, 8.0), 4), ["╷", "╽", "┃", "│"]);
        assert_eq!(column(&bar(3.5, 7.5, 3.5, 5.5), (0.0, 8.0), 4), ["│", "┃", "╹", " "]);
        assert_eq!(column(&bar(4.5, 4.5, 2.5, 4.5), (0.0, 8.0), 4), [" ", "╻", "│", " "]);
        assert_eq!(column(&bar(1.5, 1.5, 0.5, 1.5), (0.0, 8.0), 4), [" ", " ", " ", "╿"]);
    }

    #[test]
    fn a_flat_market_still_has_a_range() {
        let flat = [bar(5.0, 5.0, 5.0, 5.0)];
        let (low, high) = range(flat.iter()).unwrap();
        assert!(low < 5.0 && high > 5.0);
        assert_eq!(range([].iter()), None);
        assert_eq!(range([bar(1.0, 2.0, 1.0, 2.0), bar(2.0, 5.0, 2.0, 3.0)].iter()), Some((1.0, 5.0)));
    }
}
