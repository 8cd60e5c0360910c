//! Lines that run through the columns of candles, in braille: two points across and four down per cell. Several share one layer; where
//! they cross, the first keeps its colour.

use super::curve::DOTS;
use crate::tui::paint::Pen;
use crate::tui::theme::Role;

/// How a line is broken, so that lines differ without colour too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    Solid,
    Dashed,
    Dotted,
}

impl Stroke {
    /// The `i`-th line of a chart.
    #[must_use]
    pub const fn of(i: usize) -> Self {
        match i % 3 {
            0 => Self::Solid,
            1 => Self::Dashed,
            _ => Self::Dotted,
        }
    }

    /// A sample for the legend.
    #[must_use]
    pub const fn sample(self) -> &'static str {
        match self {
            Self::Solid => "─",
            Self::Dashed => "╌",
            Self::Dotted => "┈",
        }
    }

    /// Whether the cell column `x` is drawn.
    const fn draws(self, x: usize) -> bool {
        match self {
            Self::Solid => true,
            Self::Dashed => x % 3 != 2,
            Self::Dotted => x.is_multiple_of(2),
        }
    }
}

/// A grid of cells that lines are drawn into.
pub struct Layer {
    width: usize,
    height: usize,
    cells: Vec<(u32, Role)>,
}

impl Layer {
    #[must_use]
    pub fn new(width: u16, height: u16) -> Self {
        let (width, height) = (width as usize, height as usize);
        Self { width, height, cells: vec![(0, Role::Text); width * height] }
    }

    /// Sets the point `x` across and `y` down; what lies outside is not drawn.
    fn set(&mut self, x: i64, y: i64, role: Role, stroke: Stroke) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        let (cell_x, cell_y) = (x / 2, y / 4);
        if cell_x >= self.width || cell_y >= self.height || !stroke.draws(cell_x) {
            return;
        }
        let bit = DOTS.get(x % 2).and_then(|c| c.get(y % 4)).copied().unwrap_or(0);
        if let Some((bits, owner)) = self.cells.get_mut(cell_y * self.width + cell_x) {
            if *bits == 0 {
                *owner = role;
            }
            *bits |= bit;
        }
    }

    /// Row of points of a value. Far outside is as good as just outside, and keeps the loops short.
    fn place(&self, value: f64, (low, high): (f64, f64)) -> i64 {
        let down = (self.height * 4) as f64;
        ((high - value) / (high - low) * down).floor().clamp(-4.0, down + 4.0) as i64
    }

    /// A point per value, `columns` cells apart.
    pub fn points(&mut self, values: impl Iterator<Item = Option<f64>>, columns: u16, range: (f64, f64), role: Role) {
        for (i, value) in values.enumerate() {
            if let Some(value) = value.filter(|v| v.is_finite()) {
                let y = self.place(value, range);
                self.set(i as i64 * i64::from(columns) * 2, y, role, Stroke::Solid);
            }
        }
    }

    /// A line through `values`, `columns` cells apart; it breaks where a value is missing and leaves the layer where it is out of range.
    pub fn line(
        &mut self,
        values: impl Iterator<Item = Option<f64>>,
        columns: u16,
        range: (f64, f64),
        role: Role,
        stroke: Stroke,
    ) {
        let mut before: Option<(i64, i64)> = None;
        for (i, value) in values.enumerate() {
            let Some(y) = value.filter(|v| v.is_finite()).map(|v| self.place(v, range)) else {
                before = None;
                continue;
            };
            let x = i as i64 * i64::from(columns) * 2;
            if let Some((from_x, from_y)) = before {
                let mut last = from_y;
                for step in from_x + 1..=x {
                    let at = from_y + (y - from_y) * (step - from_x) / (x - from_x).max(1);
                    for fill in last.min(at)..=last.max(at) {
                        // The rise between two points belongs to the column it ends in.
                        if fill != last || at == last {
                            self.set(step, fill, role, stroke);
                        }
                    }
                    last = at;
                }
            }
            self.set(x, y, role, stroke);
            self.set(x + 1, y, role, stroke);
            before = Some((x + 1, y));
        }
    }

    /// Draws the layer from the upper left of `pen`.
    pub fn draw(&self, pen: &mut Pen<'_>) {
        let mut text = [0_u8; 4];
        for (y, row) in self.cells.chunks(self.width.max(1)).enumerate() {
            for (x, (bits, role)) in row.iter().enumerate().filter(|(_, (bits, _))| *bits != 0) {
                let glyph = char::from_u32(0x2800 + bits).unwrap_or(' ');
                pen.glyph(x as u16, y as u16, glyph.encode_utf8(&mut text), *role);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(layer: &Layer) -> Vec<String> {
        let glyph = |bits: u32| if bits == 0 { ' ' } else { char::from_u32(0x2800 + bits).unwrap() };
        layer.cells.chunks(layer.width).map(|row| row.iter().map(|(bits, _)| glyph(*bits)).collect()).collect()
    }

    fn drawn(values: &[Option<f64>], columns: u16, stroke: Stroke) -> Vec<String> {
        let mut layer = Layer::new(6, 2);
        layer.line(values.iter().copied(), columns, (0.0, 8.0), Role::Line1, stroke);
        shown(&layer)
    }

    #[test]
    fn a_line_is_joined_and_breaks_where_a_value_is_missing() {
        assert_eq!(drawn(&[Some(7.5), Some(7.5), None, Some(0.5)], 1, Stroke::Solid), ["⠉⠉    ", "   ⣀  "]);
        assert_eq!(drawn(&[Some(7.5), Some(3.5)], 1, Stroke::Solid), ["⠉⡆    ", " ⠉    "]);
        assert_eq!(drawn(&[Some(3.5), Some(3.5), Some(3.5)], 2, Stroke::Solid), ["      ", "⠉⠉⠉⠉⠉ "]);
    }

    #[test]
    fn strokes_differ_without_colour() {
        let flat = [Some(3.5); 6];
        assert_eq!(drawn(&flat, 1, Stroke::Dashed)[1], "⠉⠉ ⠉⠉ ");
        assert_eq!(drawn(&flat, 1, Stroke::Dotted)[1], "⠉ ⠉ ⠉ ");
    }

    #[test]
    fn what_is_out_of_range_is_not_drawn() {
        assert_eq!(
            drawn(&[Some(100.0), Some(-100.0), Some(f64::NAN), Some(1e300)], 1, Stroke::Solid)[0].chars().next(),
            Some(' ')
        );
        let mut layer = Layer::new(2, 2);
        for (value, role) in [(3.5, Role::Line1), (3.4, Role::Line2)] {
            layer.line([Some(value)].into_iter(), 1, (0.0, 8.0), role, Stroke::Solid);
        }
        assert_eq!(layer.cells[2].1, Role::Line1, "the first keeps its colour");
    }
}
