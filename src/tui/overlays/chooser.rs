//! Which indicators the chart shows: typing searches, space takes or leaves, and the chart behind follows at once.

use super::Rect;
use crate::tui::indicators::{CATALOGUE, Place, Plot};
use crate::tui::keymap::Action;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::table::window;

/// The open choice.
#[derive(Debug, Default)]
pub struct Chooser {
    pub query: String,
    /// Row under the marker among those found.
    pub at: usize,
    /// Names, in the order in which they were chosen.
    pub chosen: Vec<&'static str>,
}

/// Rows moved by a page key.
const PAGE: usize = 10;
const WIDTH: u16 = 76;

impl Chooser {
    fn found(&self) -> Vec<&'static Plot> {
        let query = self.query.to_lowercase();
        let fits = |i: &&Plot| {
            let words = format!("{} {}", i.name, i.what).to_lowercase();
            query.split_whitespace().all(|w| words.contains(w))
        };
        CATALOGUE.iter().filter(fits).collect()
    }

    /// Whether the choice has changed.
    pub(super) fn act(&mut self, action: Action) -> bool {
        let last = self.found().len().saturating_sub(1);
        match action {
            Action::Down => self.at = (self.at + 1).min(last),
            Action::Up => self.at = self.at.saturating_sub(1),
            Action::PageDown => self.at = (self.at + PAGE).min(last),
            Action::PageUp => self.at = self.at.saturating_sub(PAGE),
            Action::Erase => {
                self.query.pop();
                self.at = 0;
            }
            Action::EraseAll => {
                self.query.clear();
                self.at = 0;
            }
            Action::Toggle => return self.toggle(),
            _ => {}
        }
        false
    }

    fn toggle(&mut self) -> bool {
        let Some(name) = self.found().get(self.at).map(|i| i.name) else { return false };
        match self.chosen.iter().position(|c| *c == name) {
            Some(i) => {
                self.chosen.remove(i);
            }
            None => self.chosen.push(name),
        }
        true
    }

    pub(super) fn text(&mut self, c: char) {
        if self.query.chars().count() < 40 {
            self.query.push(c);
            self.at = 0;
        }
    }

    /// `[x] RSI 14          relative strength index`
    fn line(&self, i: &Plot, marked: bool) -> Ink {
        let (mark, role) = if self.chosen.contains(&i.name) { ("[x]", Role::Good) } else { ("[ ]", Role::Muted) };
        let place = match i.place {
            Place::Price => "over",
            Place::Below => "below",
        };
        Ink::of(if marked { "> " } else { "  " }, Role::Strong)
            .add(format!("{mark} "), role)
            .add(format!("{:<18}", i.name), if marked { Role::Strong } else { Role::Text })
            .add(format!("{place:<6}{}", i.what), Role::Muted)
    }

    pub(super) fn draw(&self, pen: &mut Pen<'_>) {
        let found = self.found();
        let area = pen.area();
        let width = WIDTH.min(area.width.saturating_sub(4));
        let height = (CATALOGUE.len() as u16 + 2).min(area.height / 2).min(20);
        // Low on the screen: the candles above stay in sight while they change.
        let at = Rect { x: area.x + (area.width - width) / 2, y: area.y + area.height - height - 2, width, height };
        let mut part = pen.part(at);
        part.clear();
        let title = format!("Indicators {} chosen  search: {}_", self.chosen.len(), self.query);
        let mut inside = part.frame(&title, "type to search · space takes or leaves · enter closes", true);
        if found.is_empty() {
            inside.ink(1, 0, Ink::muted(format!("no indicator matches '{}'", self.query)));
            return;
        }
        let seen = window(found.len(), self.at, inside.height() as usize);
        for (y, i) in seen.enumerate() {
            if let Some(indicator) = found.get(i) {
                inside.ink(1, y as u16, self.line(indicator, i == self.at));
            }
        }
    }
}
