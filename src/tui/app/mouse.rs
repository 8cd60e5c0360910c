//! Clicks and the wheel: they do what a key does, where the pointer is.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::act::Go;
use super::{App, Now};
use crate::tui::header;
use crate::tui::panes::{PaneId, pane};
use crate::tui::widgets::table::Table;

/// Wheel events closer together than this are one, in ms.
const WHEEL_MS: f64 = 20.0;

impl App {
    pub(super) fn mouse(&mut self, event: &MouseEvent, now: Now) {
        if self.view.overlay.is_some() || self.view.edit.is_some() {
            return;
        }
        let at = Position { x: event.column, y: event.row };
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(at, now),
            MouseEventKind::ScrollDown => self.scroll(at, 1, now),
            MouseEventKind::ScrollUp => self.scroll(at, -1, now),
            _ => {}
        }
    }

    fn pane_at(&self, at: Position, now: Now) -> Option<(PaneId, Rect)> {
        self.regions(now)?.panes.into_iter().find(|(_, place)| place.contains(at))
    }

    fn scroll(&mut self, at: Position, by: isize, now: Now) {
        if now.mono - self.wheel < WHEEL_MS {
            return;
        }
        self.wheel = now.mono;
        if let Some((id, _)) = self.pane_at(at, now) {
            self.go_in(id, Go::By(by), now);
            self.view.touch();
        }
    }

    fn click(&mut self, at: Position, now: Now) {
        let Some(regions) = self.regions(now) else { return };
        self.view.touch();
        if regions.tabs.contains(at) {
            let tabs = header::tabs(self.view.screen, regions.tabs.width);
            if let Some((_, screen, _)) = tabs.into_iter().find(|(columns, ..)| columns.contains(&at.x)) {
                self.view.screen = screen;
                self.view.zoomed = false;
                self.view.detail = false;
            }
            return;
        }
        let Some((id, place)) = self.pane_at(at, now) else { return };
        self.view.focus.insert(self.view.screen, id);
        if id == PaneId::Chart {
            self.click_chart(at, place, now);
            return;
        }
        // The first row stands below the frame and the heads.
        let (Some(pane), Some(line)) = (pane(id), at.y.checked_sub(place.y + 2)) else { return };
        let cx = self.cx(now);
        let keys = pane.keys(&cx);
        let height = pane.list_height(&cx, place.height.saturating_sub(2)).saturating_sub(1) as usize;
        let table = Table { columns: &[], rows: keys.len(), selected: cx.row(id, &keys), focused: true };
        if let Some(row) = table.row_at(line as usize, height) {
            self.select(id, row, keys.get(row).cloned(), false);
        }
    }
}
