//! Every key with what it does, from the keymap itself; typing searches.

use crate::tui::keymap::{Action, BINDINGS, Binding, Context};
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;

/// The help overlay.
#[derive(Debug, Default)]
pub struct Help {
    pub query: String,
    pub first: usize,
    /// Contexts of the pane it was opened from: they come first.
    pub contexts: Vec<Context>,
}

/// Lines scrolled by a page key.
const PAGE: usize = 10;

impl Help {
    pub(super) fn act(&mut self, action: Action) {
        let last = self.lines().len().saturating_sub(1);
        match action {
            Action::Down => self.first = (self.first + 1).min(last),
            Action::Up => self.first = self.first.saturating_sub(1),
            Action::PageDown => self.first = (self.first + PAGE).min(last),
            Action::PageUp => self.first = self.first.saturating_sub(PAGE),
            Action::Erase => {
                self.query.pop();
                self.first = 0;
            }
            Action::EraseAll => {
                self.query.clear();
                self.first = 0;
            }
            _ => {}
        }
    }

    pub(super) fn text(&mut self, c: char) {
        if self.query.chars().count() < 40 {
            self.query.push(c);
            self.first = 0;
        }
    }

    fn order(&self) -> Vec<Context> {
        let mut order = self.contexts.clone();
        order.extend(Context::ALL.into_iter().filter(|c| !self.contexts.contains(c)));
        order
    }

    fn matches(&self, b: &Binding) -> bool {
        let all = format!("{} {} {} {}", b.keys_text(), b.text, b.context.as_str(), b.risk.as_str()).to_lowercase();
        self.query.to_lowercase().split_whitespace().all(|w| all.contains(w))
    }

    /// All lines, context by context.
    #[must_use]
    pub fn lines(&self) -> Vec<Ink> {
        let mut out = Vec::new();
        for context in self.order() {
            let rows: Vec<&Binding> = BINDINGS.iter().filter(|b| b.context == context && self.matches(b)).collect();
            if rows.is_empty() {
                continue;
            }
            out.push(Ink::of(context.as_str(), Role::TitleFocus));
            for b in rows {
                let line = Ink::of(format!("  {:<22}", b.keys_text()), Role::Key).add(b.text, Role::Text);
                out.push(line.add(format!("  ({})", b.risk.as_str()), Role::Muted));
            }
        }
        if out.is_empty() {
            out.push(Ink::muted(format!("no key matches '{}'", self.query)));
        }
        out
    }

    pub(super) fn draw(&self, pen: &mut Pen<'_>) {
        let lines = self.lines();
        let margin = if pen.width() > 110 { (pen.width() - 100) / 2 } else { 2 };
        let width = pen.width().saturating_sub(2 * margin);
        let mut part = pen.columns(margin, width);
        let height = part.height().saturating_sub(2);
        let mut part = part.rows(1, height);
        part.clear();
        let title = format!("Keys  search: {}_", self.query);
        let mut inside = part.frame(&title, "type to search · ↑ ↓ · esc", true);
        let height = inside.height() as usize;
        let first = self.first.min(lines.len().saturating_sub(height));
        for (y, line) in lines.into_iter().skip(first).take(height).enumerate() {
            inside.ink(1, y as u16, line);
        }
    }
}
