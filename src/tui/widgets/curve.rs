//! A line in braille: two points across and four down per cell.

use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;

/// Bits of the eight dots by column and row.
pub(super) const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// A grid of dots.
struct Dots {
    width: usize,
    height: usize,
    cells: Vec<u32>,
}

impl Dots {
    fn new(width: usize, height: usize) -> Self {
        Self { width, height, cells: vec![0; width * height] }
    }

    fn set(&mut self, x: usize, y: usize) {
        let (cx, cy) = (x / 2, y / 4);
        if cx >= self.width || cy >= self.height {
            return;
        }
        let bit = DOTS.get(x % 2).and_then(|c| c.get(y % 4)).copied().unwrap_or(0);
        if let Some(cell) = self.cells.get_mut(cy * self.width + cx) {
            *cell |= bit;
        }
    }

    fn rows(&self) -> impl Iterator<Item = String> + '_ {
        let glyph = |bits: &u32| if *bits == 0 { ' ' } else { char::from_u32(0x2800 + bits).unwrap_or(' ') };
        self.cells.chunks(self.width.max(1)).map(move |row| row.iter().map(glyph).collect())
    }
}

/// Lowest and highest of the values, apart from each other.
#[must_use]
pub fn range(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().filter(|v| v.is_finite()).fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().filter(|v| v.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return None;
    }
    let pad = if high > low { 0.0 } else { (high.abs() * 0.001).max(1e-9) };
    Some((low - pad, high + pad))
}

/// Draws `values`, oldest first, over the whole width of `pen`.
pub fn draw(pen: &mut Pen<'_>, values: &[f64], (low, high): (f64, f64), role: Role) {
    let (width, height) = (pen.width() as usize, pen.height() as usize);
    if width == 0 || height == 0 || values.is_empty() {
        return;
    }
    let mut dots = Dots::new(width, height);
    let (across, down) = (width * 2, height * 4);
    let row = |v: f64| {
        let share = ((v - low) / (high - low)).clamp(0.0, 1.0);
        ((1.0 - share) * (down - 1) as f64).round() as usize
    };
    let mut before: Option<usize> = None;
    for x in 0..across {
        // A short history starts at the left and is not stretched.
        let index = if values.len() >= across { x * (values.len() - 1) / (across - 1).max(1) } else { x };
        let Some(value) = values.get(index).copied().filter(|v| v.is_finite()) else {
            before = None;
            continue;
        };
        let y = row(value);
        let from = before.unwrap_or(y);
        for step in from.min(y)..=from.max(y) {
            dots.set(x, step);
        }
        before = Some(y);
    }
    for (y, line) in dots.rows().enumerate() {
        pen.ink(0, y as u16, Ink::of(line, role));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_sit_where_braille_wants_them() {
        let mut dots = Dots::new(1, 1);
        for (x, y) in [(0, 0), (1, 3)] {
            dots.set(x, y);
        }
        assert_eq!(dots.rows().collect::<Vec<_>>(), ["⢁"]);
        dots.set(9, 9);
    }

    #[test]
    fn ranges_never_collapse() {
        assert_eq!(range(&[]), None);
        assert_eq!(range(&[f64::NAN]), None);
        let (low, high) = range(&[5.0, 5.0]).unwrap();
        assert!(low < 5.0 && high > 5.0);
    }
}
