//! Writing into a part of the screen: every text passes here, is made safe for the terminal and clipped to its place.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::theme::{Role, Theme};

/// Text with its meaning, piece by piece.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ink(Vec<(String, Role)>);

impl Ink {
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    #[must_use]
    pub fn of(text: impl Into<String>, role: Role) -> Self {
        Self::new().add(text, role)
    }

    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(text, Role::Text)
    }

    #[must_use]
    pub fn muted(text: impl Into<String>) -> Self {
        Self::of(text, Role::Muted)
    }

    #[must_use]
    pub fn add(mut self, text: impl Into<String>, role: Role) -> Self {
        self.0.push((text.into(), role));
        self
    }

    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|(t, _)| t.width()).sum()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|(t, _)| t.is_empty())
    }

    /// The bare text.
    #[must_use]
    pub fn plain(&self) -> String {
        self.0.iter().map(|(t, _)| t.as_str()).collect()
    }

    fn first_role(&self) -> Role {
        self.0.first().map_or(Role::Text, |(_, r)| *r)
    }

    /// As this terminal can show it.
    #[must_use]
    pub fn shown(self, theme: &Theme) -> Self {
        Self(self.0.into_iter().map(|(t, r)| (theme.plain(&t).into_owned(), r)).collect())
    }

    /// Cut to `width` cells; what was cut ends in `…`, and a word with a digit is never cut in two.
    #[must_use]
    pub fn clipped(self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let mut left = width;
        let mut out = Self::new();
        for (text, role) in self.0 {
            let w = text.width();
            if w < left {
                left -= w;
                out.0.push((text, role));
                continue;
            }
            out.0.push((clip(&text, left, true), role));
            break;
        }
        out
    }
}

/// `text` within `width` cells. With `force` the cut is marked even where the text itself would just fit.
fn clip(text: &str, width: usize, force: bool) -> String {
    if width == 0 || (text.width() <= width && !force) {
        return if width == 0 { String::new() } else { text.to_owned() };
    }
    let mut used = 0;
    let mut end = 0;
    for (i, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width - 1 {
            break;
        }
        end = i + c.len_utf8();
    }
    let (kept, rest) = (text.get(..end).unwrap_or(""), text.get(end..).unwrap_or(""));
    let word = kept.rsplit(' ').next().unwrap_or("");
    let splits = rest.chars().next().is_some_and(|c| c != ' ') && word.chars().any(|c| c.is_ascii_digit());
    let kept = if splits { kept.get(..kept.len() - word.len()).unwrap_or("") } else { kept };
    format!("{kept}…")
}

/// Breaks `text` into lines of at most `width` cells, at spaces where it can.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest = word;
        loop {
            let line_width = lines.last().map_or(0, |l| l.width());
            let gap = usize::from(line_width > 0);
            if line_width + gap + rest.width() <= width {
                if let Some(line) = lines.last_mut() {
                    if gap == 1 {
                        line.push(' ');
                    }
                    line.push_str(rest);
                }
                break;
            }
            if line_width > 0 {
                lines.push(String::new());
                continue;
            }
            let cut = rest
                .char_indices()
                .scan(0, |used, (i, c)| {
                    *used += c.width().unwrap_or(0);
                    Some((i, c, *used))
                })
                .take_while(|(i, _, used)| *used <= width || *i == 0)
                .last()
                .map_or(rest.len(), |(i, c, _)| i + c.len_utf8());
            let (head, tail) = rest.split_at(cut);
            if let Some(line) = lines.last_mut() {
                line.push_str(head);
            }
            if tail.is_empty() {
                break;
            }
            lines.push(String::new());
            rest = tail;
        }
    }
    lines
}

/// A pen that can only write inside its area.
pub struct Pen<'a> {
    buf: &'a mut Buffer,
    area: Rect,
    theme: &'a Theme,
}

impl<'a> Pen<'a> {
    pub fn new(buf: &'a mut Buffer, area: Rect, theme: &'a Theme) -> Self {
        let area = area.intersection(buf.area);
        Self { buf, area, theme }
    }

    /// A pen for a part of this one's area (screen coordinates).
    pub fn part(&mut self, area: Rect) -> Pen<'_> {
        let area = area.intersection(self.area);
        Pen { buf: self.buf, area, theme: self.theme }
    }

    /// A pen for the rows from `y` on, `height` at most.
    pub fn rows(&mut self, y: u16, height: u16) -> Pen<'_> {
        let y = y.min(self.area.height);
        let area = Rect { y: self.area.y + y, height: height.min(self.area.height - y), ..self.area };
        Pen { buf: self.buf, area, theme: self.theme }
    }

    /// A pen for the columns from `x` on, `width` at most.
    pub fn columns(&mut self, x: u16, width: u16) -> Pen<'_> {
        let x = x.min(self.area.width);
        let area = Rect { x: self.area.x + x, width: width.min(self.area.width - x), ..self.area };
        Pen { buf: self.buf, area, theme: self.theme }
    }

    #[must_use]
    pub fn theme(&self) -> &'a Theme {
        self.theme
    }

    #[must_use]
    pub fn area(&self) -> Rect {
        self.area
    }

    #[must_use]
    pub fn width(&self) -> u16 {
        self.area.width
    }

    #[must_use]
    pub fn height(&self) -> u16 {
        self.area.height
    }

    /// Writes raw text that is known to be safe; returns the column after it.
    fn put(&mut self, x: u16, y: u16, text: &str, role: Role) -> u16 {
        if x >= self.area.width || y >= self.area.height {
            return x;
        }
        let room = (self.area.width - x) as usize;
        let (end, _) = self.buf.set_stringn(self.area.x + x, self.area.y + y, text, room, self.theme.style(role));
        end.saturating_sub(self.area.x)
    }

    /// Writes `ink` at `(x, y)`, clipped to the line; returns the column after it.
    pub fn ink(&mut self, x: u16, y: u16, ink: Ink) -> u16 {
        let room = self.area.width.saturating_sub(x);
        self.ink_within(x, y, room, ink)
    }

    /// Writes `ink` into at most `width` cells.
    pub fn ink_within(&mut self, mut x: u16, y: u16, width: u16, ink: Ink) -> u16 {
        for (text, role) in ink.shown(self.theme).clipped(width as usize).shown(self.theme).0 {
            x = self.put(x, y, &text, role);
        }
        x
    }

    /// Writes `ink` so that it ends before column `end`, within `width` cells. What does not fit is a number that must not be
    /// cut: the cells fill with `#`.
    pub fn number(&mut self, end: u16, y: u16, width: u16, ink: Ink) {
        let ink = ink.shown(self.theme);
        let needed = ink.width() as u16;
        if needed > width {
            let role = ink.first_role();
            self.put(end.saturating_sub(width), y, &"#".repeat(width as usize), role);
        } else {
            self.ink_within(end.saturating_sub(needed), y, needed, ink);
        }
    }

    /// A label at the left and a number at the right of row `y`.
    pub fn pair(&mut self, y: u16, label: &str, value: Ink) {
        let width = self.area.width;
        let needed = (value.clone().shown(self.theme).width() as u16).min(width);
        let room = width.saturating_sub(needed + 1);
        self.ink_within(0, y, room, Ink::muted(label));
        self.number(width, y, width, value);
    }

    /// Writes as many whole segments as fit, in order, two spaces apart; a segment is never cut. Returns the column after the last.
    pub fn segments(&mut self, x: u16, y: u16, segments: impl IntoIterator<Item = Ink>) -> u16 {
        let mut at = x;
        for segment in segments {
            let segment = segment.shown(self.theme);
            let gap = if at > x { 2 } else { 0 };
            let width = segment.width() as u16;
            if width == 0 || at + gap + width > self.area.width {
                continue;
            }
            at = self.ink_within(at + gap, y, width, segment);
        }
        at
    }

    /// Repeats one glyph along a row.
    pub fn rule(&mut self, y: u16, label: &str) {
        self.ink(0, y, Ink::of("─".repeat(self.area.width as usize), Role::Border));
        if !label.is_empty() {
            self.ink(1, y, Ink::muted(format!(" {label} ")));
        }
    }

    /// Changes the look of a whole row without touching its text.
    pub fn restyle(&mut self, y: u16, role: Role) {
        if y < self.area.height {
            let row = Rect { y: self.area.y + y, height: 1, ..self.area };
            self.buf.set_style(row, self.theme.style(role));
        }
    }

    /// Empties the area.
    pub fn clear(&mut self) {
        for y in self.area.top()..self.area.bottom() {
            for x in self.area.left()..self.area.right() {
                if let Some(cell) = self.buf.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// One glyph in one cell.
    pub fn glyph(&mut self, x: u16, y: u16, glyph: &str, role: Role) {
        let text = self.theme.plain(glyph);
        self.put(x, y, &text, role);
    }

    /// Draws a frame with a title above and a hint below at the right; returns a pen for the inside. The focused frame is heavy and
    /// its title bold, so that it shows without colour.
    pub fn frame(&mut self, title: &str, footer: &str, focused: bool) -> Pen<'_> {
        let (w, h) = (self.area.width, self.area.height);
        if w < 2 || h < 2 {
            return self.rows(0, 0);
        }
        let [tl, tr, bl, br, across, down] = if focused {
            ["┏", "┓", "┗", "┛", "━", "┃"]
        } else {
            ["┌", "┐", "└", "┘", "─", "│"]
        };
        let (role, title_role) =
            if focused { (Role::BorderFocus, Role::TitleFocus) } else { (Role::Border, Role::Title) };
        let line = across.repeat((w - 2) as usize);
        self.ink(0, 0, Ink::of(format!("{tl}{line}{tr}"), role));
        self.ink(0, h - 1, Ink::of(format!("{bl}{line}{br}"), role));
        for y in 1..h - 1 {
            self.glyph(0, y, down, role);
            self.glyph(w - 1, y, down, role);
        }
        if w > 6 {
            self.ink_within(2, 0, w - 4, Ink::of(format!(" {title} "), title_role));
            let needed = footer.width() as u16 + 2;
            if !footer.is_empty() && needed + 3 <= w && h > 2 {
                self.ink_within(w - 2 - needed, h - 1, needed, Ink::muted(format!(" {footer} ")));
            }
        }
        let inside = Rect { x: self.area.x + 1, y: self.area.y + 1, width: w - 2, height: h - 2 };
        self.part(inside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::options::{ColorDepth, ColorScheme};

    fn theme() -> Theme {
        Theme::new(ColorScheme::Western, ColorDepth::None, false)
    }

    fn row(buf: &Buffer) -> String {
        (0..buf.area.width).map(|x| buf[(x, 0)].symbol()).collect()
    }

    #[test]
    fn text_is_clipped_at_a_word_with_a_digit() {
        assert_eq!(Ink::text("exposure 1,204.50 of limit").clipped(14).plain(), "exposure …");
        assert_eq!(Ink::text("low confidence").clipped(8).plain(), "low con…");
        assert_eq!(Ink::text("ab").add("cd", Role::Up).clipped(3).plain(), "ab…");
        assert_eq!(Ink::text("ab").add("cd", Role::Up).clipped(4).plain(), "abcd");
        assert_eq!(Ink::text("abc").clipped(0).plain(), "");
    }

    #[test]
    fn numbers_fill_rather_than_shrink() {
        let theme = theme();
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 1));
        let mut pen = Pen::new(&mut buf, Rect::new(0, 0, 10, 1), &theme);
        pen.number(10, 0, 6, Ink::text("1,234,567"));
        assert_eq!(row(&buf), "    ######");
        let mut pen = Pen::new(&mut buf, Rect::new(0, 0, 10, 1), &theme);
        pen.clear();
        pen.number(10, 0, 9, Ink::text("1,234"));
        assert_eq!(row(&buf), "     1,234");
    }

    #[test]
    fn segments_come_whole_or_not_at_all() {
        let theme = theme();
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        let mut pen = Pen::new(&mut buf, Rect::new(0, 0, 12, 1), &theme);
        pen.segments(0, 0, ["O 1.0", "H 123456", "L 9"].map(Ink::text));
        assert_eq!(row(&buf), "O 1.0  L 9  ");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("what happened and why", 9), ["what", "happened", "and why"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
