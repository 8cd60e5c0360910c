//! What keys and clicks do to the chart: length of the bars, room per candle, the cursor.

use ratatui::layout::{Position, Rect};

use super::{App, Now};
use crate::tui::indicators::{ChartView, frames};
use crate::tui::panes::{PaneId, chart};
use crate::tui::view::ToastKind;

impl App {
    /// Whether a chart is shown; says where one is when there is none.
    pub(super) fn chart_in_sight(&mut self, now: Now) -> bool {
        let shown = self.regions(now).is_some_and(|r| r.panes.iter().any(|(id, _)| *id == PaneId::Chart));
        if !shown {
            self.say(ToastKind::Info, "no chart is shown here: 2 shows the market", now);
        }
        shown
    }

    /// Steps to the next length of bars that the selected pair has.
    pub(super) fn bars_by(&mut self, step: isize, now: Now) {
        let cx = self.cx(now);
        let Some(pair) = cx.pair() else { return };
        let lengths: Vec<i64> = frames(pair).map(|(_, ms)| ms).collect();
        let shown = chart::frame(&cx, pair).1;
        let at = lengths.iter().position(|ms| *ms == shown).unwrap_or(0);
        let wanted = at.saturating_add_signed(step).min(lengths.len().saturating_sub(1));
        if let Some(ms) = lengths.get(wanted) {
            self.view.chart.step = *ms;
            self.select(PaneId::Chart, 0, None, true);
        }
    }

    /// Gives every candle a column more or less.
    pub(super) fn candles_by(&mut self, step: i16, now: Now) {
        if self.chart_in_sight(now) {
            self.view.chart.columns = self.view.chart.columns.saturating_add_signed(step).clamp(1, ChartView::WIDEST);
        }
    }

    /// Puts the cursor on the bar under the pointer.
    pub(super) fn click_chart(&mut self, at: Position, place: Rect, now: Now) {
        let cx = self.cx(now);
        let inside = Rect {
            x: place.x + 1,
            y: place.y + 1,
            width: place.width.saturating_sub(2),
            height: place.height.saturating_sub(2),
        };
        if let Some((index, key)) = chart::bar_at(&cx, inside, at) {
            self.select(PaneId::Chart, index, Some(key), false);
        }
    }
}
