//! The panes: each draws one part of the picture and knows its rows, its keys and its title. Registered in one table.

mod account;
mod agents;
mod alerts;
pub mod chart;
mod decisions;
mod equity;
mod flow;
mod funnel;
mod health;
mod link;
mod logs;
pub(in crate::tui) use logs::LEVELS;
mod model_detail;
mod models;
pub(in crate::tui) use models::chosen as chosen_model;
mod orders;
mod positions;
mod quality;
mod readings;
mod risk;
mod trace;
mod watchlist;

use super::format::Zone;
use super::keymap::Context;
use super::paint::{Ink, Pen};
use super::screens::Size;
use super::view::{PaneState, ViewState};
use super::widgets::table::{Column, Table};
use crate::domain::snapshot::{PairView, Snapshot};
use crate::domain::time::UtcMs;

/// Name of a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PaneId {
    Watchlist,
    Chart,
    Risk,
    RiskAgents,
    AgentsBrief,
    Decisions,
    Positions,
    AlertsGates,
    Calibration,
    LogStrip,
    Readings,
    Flow,
    Quality,
    Agents,
    AgentDetail,
    Funnel,
    Trace,
    MainAccount,
    ShadowAccount,
    Limits,
    Equity,
    Models,
    ModelDetail,
    Orders,
    Fills,
    Outcomes,
    Gates,
    Components,
    Alerts,
    Link,
    Services,
    Logs,
    LogDetail,
}

/// Everything that drawing may look at.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    pub s: &'a Snapshot,
    pub view: &'a ViewState,
    /// Wall clock.
    pub now: UtcMs,
    pub size: Size,
    pub focus: Option<PaneId>,
}

impl<'a> Cx<'a> {
    #[must_use]
    pub fn zone(&self) -> &'a Zone {
        &self.view.zone
    }

    /// The selected pair, else BTC/USD, else the first.
    #[must_use]
    pub fn pair(&self) -> Option<&'a PairView> {
        let named = |name: &str| self.s.pairs.iter().find(|p| p.pair.as_str() == name);
        let wanted = self.view.pair.as_ref().and_then(|pair| named(pair.as_str()));
        wanted.or_else(|| named("BTC/USD")).or_else(|| self.s.pairs.first())
    }

    /// Decimals of a pair's prices.
    #[must_use]
    pub fn decimals(&self, pair: &crate::domain::pair::Pair) -> u32 {
        self.s.pairs.iter().find(|p| p.pair == *pair).map_or(8, |p| p.price_decimals)
    }

    #[must_use]
    pub fn state(&self, id: PaneId) -> &'a PaneState {
        self.view.pane(id)
    }

    /// Row of `keys` that is selected in a pane; on the watchlist that is the row of the selected pair.
    #[must_use]
    pub fn row(&self, id: PaneId, keys: &[String]) -> Option<usize> {
        if id == PaneId::Watchlist {
            let pair = self.pair()?;
            return keys.iter().position(|k| k == pair.pair.as_str());
        }
        self.view.selected(id, keys)
    }

    /// Row of the pane's own keys that is selected.
    #[must_use]
    pub fn selected(&self, pane: &dyn Pane) -> Option<usize> {
        self.row(pane.id(), &pane.keys(self))
    }
}

/// One part of the screen.
pub trait Pane: Sync {
    fn id(&self) -> PaneId;

    fn title(&self, cx: &Cx<'_>) -> String;

    /// A few words at the lower right of the frame.
    fn footer(&self, _: &Cx<'_>) -> String {
        String::new()
    }

    /// The keymap context this pane adds.
    fn context(&self) -> Option<Context> {
        None
    }

    /// Keys of the rows that can be selected, in the order shown; empty where nothing can be.
    fn keys(&self, _: &Cx<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Rows of the frame's inside that belong to the table, its heads included.
    fn list_height(&self, _: &Cx<'_>, inside: u16) -> u16 {
        inside
    }

    /// For panes of running text: its lines at a width.
    fn lines(&self, _: &Cx<'_>, _width: usize) -> Option<Vec<Ink>> {
        None
    }

    /// Names of the columns it can be sorted by; the first is the natural order.
    fn sorts(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether `/` filters its rows.
    fn filters(&self) -> bool {
        false
    }

    /// Draws the inside of the frame.
    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>);
}

/// All panes.
static PANES: [&dyn Pane; 33] = [
    &watchlist::Watchlist,
    &chart::Chart,
    &risk::Risk,
    &risk::RiskAgents,
    &agents::Brief,
    &decisions::Decisions,
    &positions::Positions,
    &alerts::AlertsGates,
    &models::Calibration,
    &logs::Strip,
    &readings::Readings,
    &flow::Flow,
    &quality::Quality,
    &agents::List,
    &agents::Detail,
    &funnel::FunnelPane,
    &trace::Trace,
    &account::MainAccount,
    &account::ShadowAccount,
    &account::Limits,
    &equity::Equity,
    &models::Models,
    &model_detail::ModelDetail,
    &orders::Orders,
    &orders::Fills,
    &orders::Outcomes,
    &health::Gates,
    &health::Components,
    &alerts::Alerts,
    &link::Link,
    &health::Services,
    &logs::Logs,
    &logs::Detail,
];

/// The pane of a name.
#[must_use]
pub fn pane(id: PaneId) -> Option<&'static dyn Pane> {
    PANES.iter().copied().find(|p| p.id() == id)
}

/// Draws a table whose rows are the pane's keys; with nothing to show it says why.
fn list(
    pane: &dyn Pane,
    pen: &mut Pen<'_>,
    cx: &Cx<'_>,
    columns: &[Column],
    empty: &str,
    cells: impl FnMut(usize) -> Vec<Ink>,
) {
    let keys = pane.keys(cx);
    if keys.is_empty() {
        let filter = &cx.state(pane.id()).filter;
        let text = if filter.is_empty() {
            empty.to_owned()
        } else {
            format!("nothing matches '{}'; / changes it", filter.text())
        };
        say(pen, 0, &text);
        return;
    }
    let selected = cx.row(pane.id(), &keys);
    let table = Table { columns, rows: keys.len(), selected, focused: cx.focus == Some(pane.id()) };
    table.draw(pen, cells);
}

/// Draws a table without a selection.
fn plain_table(pen: &mut Pen<'_>, columns: &[Column], rows: usize, cells: impl FnMut(usize) -> Vec<Ink>) {
    Table { columns, rows, selected: None, focused: false }.draw(pen, cells);
}

/// Muted words, wrapped, from row `y`; returns the row after them.
fn say(pen: &mut Pen<'_>, y: u16, text: &str) -> u16 {
    let mut at = y;
    for line in super::paint::wrap(text, pen.width().saturating_sub(2).max(1) as usize) {
        pen.ink(1, at, Ink::muted(line));
        at += 1;
    }
    at
}

/// Draws running text from the line that the pane was scrolled to.
fn scroll(pane: &dyn Pane, pen: &mut Pen<'_>, cx: &Cx<'_>) {
    let lines = pane.lines(cx, pen.width() as usize).unwrap_or_default();
    let height = pen.height() as usize;
    let first = cx.state(pane.id()).index.min(lines.len().saturating_sub(height));
    for (y, line) in lines.into_iter().skip(first).take(height).enumerate() {
        pen.ink(0, y as u16, line);
    }
}

/// What the footer says of filter and order.
fn order_text(pane: &dyn Pane, cx: &Cx<'_>) -> String {
    let state = cx.state(pane.id());
    let name = pane.sorts().get(state.sort).copied().unwrap_or("");
    if name.is_empty() {
        String::new()
    } else {
        format!("s sort: {name} {}", if state.reverse { "▲" } else { "▼" })
    }
}

/// ` /text` for a title while a filter is set.
fn filter_text(cx: &Cx<'_>, id: PaneId) -> String {
    let filter = &cx.state(id).filter;
    if filter.is_empty() { String::new() } else { format!("  /{}", filter.text()) }
}

/// Floats that may be NaN, ordered, NaN and missing last.
fn rank(value: Option<f64>) -> f64 {
    value.filter(|v| v.is_finite()).unwrap_or(f64::NEG_INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;
    use crate::tui::screens::{SCREENS, places};

    #[test]
    fn every_place_has_its_pane_and_every_pane_a_place() {
        let mut placed = Vec::new();
        for spec in &SCREENS {
            for (size, w, h) in [(Size::Compact, 80, 20), (Size::Normal, 120, 36), (Size::Wide, 200, 56)] {
                for detail in [false, true] {
                    let view = ViewState { screen: spec.screen, detail, ..ViewState::default() };
                    placed.extend(
                        places(ratatui::layout::Rect::new(0, 2, w, h), size, &view).into_iter().map(|(id, _)| id),
                    );
                }
            }
        }
        for pane in PANES {
            assert!(placed.contains(&pane.id()), "{:?} is never shown", pane.id());
        }
        assert!(placed.into_iter().all(|id| pane(id).is_some()));
    }

    #[test]
    fn keys_of_rows_are_unique() {
        let (s, view) = (fixture::running(), ViewState::default());
        let cx = Cx { s: &s, view: &view, now: s.wall, size: Size::Normal, focus: None };
        for pane in PANES {
            let mut keys = pane.keys(&cx);
            let all = keys.len();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), all, "{:?}", pane.id());
        }
    }
}
