//! A table whose columns have priorities: a column disappears whole, a number is never cut.

use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    /// Least width in cells.
    pub width: u16,
    /// Right-aligned, widened to its content, never clipped.
    pub number: bool,
    /// 0 stays always; the highest goes first.
    pub priority: u8,
    /// Takes the room that is left.
    pub grows: bool,
    /// Text that is widened to its content: a name must not be cut.
    pub exact: bool,
}

/// Left-aligned text.
#[must_use]
pub const fn text(title: &'static str, width: u16, priority: u8) -> Column {
    Column { title, width, number: false, priority, grows: false, exact: false }
}

/// A name: left-aligned, as wide as its longest.
#[must_use]
pub const fn name(title: &'static str, width: u16, priority: u8) -> Column {
    Column { title, width, number: false, priority, grows: false, exact: true }
}

/// A right-aligned number.
#[must_use]
pub const fn number(title: &'static str, width: u16, priority: u8) -> Column {
    Column { title, width, number: true, priority, grows: false, exact: false }
}

/// Text that takes what is left.
#[must_use]
pub const fn rest(title: &'static str, width: u16, priority: u8) -> Column {
    Column { title, width, number: false, priority, grows: true, exact: false }
}

/// Which rows are seen when `selected` must be among them: as far centred as the ends allow.
#[must_use]
pub fn window(rows: usize, selected: usize, height: usize) -> std::ops::Range<usize> {
    let first = selected.saturating_sub(height / 2).min(rows.saturating_sub(height));
    first..rows.min(first + height)
}

/// Widths of the columns that fit `room` cells; `None` for those that do not.
fn fit(columns: &[Column], content: &[u16], room: u16) -> Vec<Option<u16>> {
    let mut widths: Vec<Option<u16>> = columns
        .iter()
        .zip(content)
        .map(|(c, w)| Some(c.width.max(c.title.chars().count() as u16).max(if c.number || c.exact { *w } else { 0 })))
        .collect();
    let total = |w: &[Option<u16>]| {
        let shown = w.iter().flatten().count() as u32;
        w.iter().flatten().map(|w| u32::from(*w)).sum::<u32>() + shown.saturating_sub(1)
    };
    while total(&widths) > u32::from(room) {
        let worst = columns
            .iter()
            .enumerate()
            .filter(|(i, c)| c.priority > 0 && widths.get(*i).is_some_and(Option::is_some))
            .max_by_key(|(i, c)| (c.priority, *i));
        let Some((i, _)) = worst else { break };
        if let Some(w) = widths.get_mut(i) {
            *w = None;
        }
    }
    let spare = u32::from(room).saturating_sub(total(&widths)) as u16;
    for (column, width) in columns.iter().zip(widths.iter_mut()) {
        if column.grows
            && let Some(w) = width
        {
            *w += spare;
            break;
        }
    }
    widths
}

/// What is to be drawn beside the cells.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    pub columns: &'a [Column],
    pub rows: usize,
    /// Row under the marker; `None` for a table without one.
    pub selected: Option<usize>,
    pub focused: bool,
}

impl Table<'_> {
    /// Rows in sight within `height` lines below the heads, and whether a line says how many are hidden.
    fn sight(&self, height: usize) -> (std::ops::Range<usize>, bool) {
        let hidden = self.rows > height && height > 1;
        let height = height - usize::from(hidden);
        (window(self.rows, self.selected.unwrap_or(0), height), hidden)
    }

    /// The row drawn `line` lines below the heads.
    #[must_use]
    pub fn row_at(&self, line: usize, height: usize) -> Option<usize> {
        let (seen, _) = self.sight(height);
        (line < seen.len()).then_some(seen.start + line)
    }

    /// Draws heads and rows; `cells` is called for the rows in sight only.
    pub fn draw(&self, pen: &mut Pen<'_>, mut cells: impl FnMut(usize) -> Vec<Ink>) {
        let height = pen.height().saturating_sub(1) as usize;
        let (seen, hidden) = self.sight(height);
        let theme = pen.theme();
        let rows: Vec<(usize, Vec<Ink>)> =
            seen.clone().map(|i| (i, cells(i).into_iter().map(|c| c.shown(theme)).collect())).collect();
        let widest = |c: usize| rows.iter().filter_map(|(_, r)| r.get(c)).map(|c| c.width() as u16).max().unwrap_or(0);
        let content: Vec<u16> = (0..self.columns.len()).map(widest).collect();
        let margin = u16::from(self.selected.is_some());
        let widths = fit(self.columns, &content, pen.width().saturating_sub(margin));
        let heads = self.columns.iter().map(|c| Ink::of(c.title, Role::Muted)).collect();
        self.line(pen, 0, margin, &widths, heads);
        for (line, (i, row)) in rows.into_iter().enumerate() {
            let y = line as u16 + 1;
            let chosen = self.selected == Some(i);
            self.line(pen, y, margin, &widths, row);
            if chosen {
                pen.glyph(0, y, ">", Role::Strong);
                if self.focused {
                    pen.restyle(y, Role::Selected);
                }
            }
        }
        if hidden {
            let below = self.rows - seen.end;
            let text = if below > 0 { format!("↓ {below} more") } else { format!("↑ {} more", seen.start) };
            pen.ink(margin, height as u16, Ink::muted(text));
        }
    }

    fn line(&self, pen: &mut Pen<'_>, y: u16, margin: u16, widths: &[Option<u16>], cells: Vec<Ink>) {
        let mut x = margin;
        for ((column, width), cell) in self.columns.iter().zip(widths).zip(cells) {
            let Some(width) = *width else { continue };
            let room = width.min(pen.width().saturating_sub(x));
            if column.number {
                pen.number(x + room, y, room, cell);
            } else {
                pen.ink_within(x, y, room, cell);
            }
            x = x.saturating_add(width).saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [text("PAIR", 8, 0), number("LAST", 6, 0), number("24H", 6, 2), rest("NOTE", 4, 1)];

    #[test]
    fn columns_go_whole_by_priority() {
        assert_eq!(fit(&COLUMNS, &[8, 9, 6, 20], 40), [Some(8), Some(9), Some(6), Some(14)]);
        assert_eq!(fit(&COLUMNS, &[8, 9, 6, 20], 25), [Some(8), Some(9), None, Some(6)]);
        assert_eq!(fit(&COLUMNS, &[8, 9, 6, 20], 19), [Some(8), Some(9), None, None]);
        assert_eq!(fit(&COLUMNS, &[8, 9, 6, 20], 3), [Some(8), Some(9), None, None]);
    }

    #[test]
    fn the_selected_row_is_always_in_sight() {
        for rows in 0..30 {
            for selected in 0..rows {
                for height in 1..12 {
                    let table = Table { columns: &COLUMNS, rows, selected: Some(selected), focused: true };
                    let (seen, _) = table.sight(height);
                    assert!(seen.contains(&selected), "{rows} {selected} {height}");
                    assert!(seen.end <= rows && seen.len() <= height);
                    assert_eq!(table.row_at(selected - seen.start, height), Some(selected));
                }
            }
        }
    }
}
