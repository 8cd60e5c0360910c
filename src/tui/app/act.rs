//! Actions on the view: movement, focus, filters, sorting, screens.

use super::{App, Now, Outgoing};
use crate::domain::account::AccountId;
use crate::domain::time::UtcMs;
use crate::tui::filter::Filter;
use crate::tui::format::Zone;
use crate::tui::keymap::{Action, Context};
use crate::tui::overlays::Overlay;
use crate::tui::overlays::chooser::Chooser;
use crate::tui::overlays::help::Help;
use crate::tui::panes::{LEVELS, PaneId, pane};
use crate::tui::screens::{self, Screen, Size};
use crate::tui::view::{FilterEdit, Leaving, ToastKind};

/// Where a selection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    By(isize),
    Pages(isize),
    First,
    Last,
}

impl App {
    /// Carries an action out; what comes back is to be sent.
    pub(super) fn act(&mut self, action: Action, now: Now) -> Option<Outgoing> {
        if action == Action::Interrupt {
            return self.interrupt(now);
        }
        if action == Action::Halt {
            self.view.edit = None;
            self.ask_halt(now);
            return None;
        }
        if self.view.edit.is_some() {
            self.act_on_filter(action);
            return None;
        }
        if let Some(overlay) = self.view.overlay.take() {
            let (stays, outcome) = overlay.act(action, now.mono);
            self.view.overlay = stays;
            return self.outcome(outcome, now);
        }
        if self.view_action(action, now) { None } else { self.command_action(action, now) }
    }

    /// Actions that only change what is shown; `false` when the action is of another kind.
    fn view_action(&mut self, action: Action, now: Now) -> bool {
        match action {
            Action::Up => self.go(Go::By(-1), now),
            Action::Down => self.go(Go::By(1), now),
            Action::PageUp => self.go(Go::Pages(-1), now),
            Action::PageDown => self.go(Go::Pages(1), now),
            Action::First => self.go(Go::First, now),
            Action::Last => self.go(Go::Last, now),
            Action::NextPane => self.focus_by(1, now),
            Action::PreviousPane => self.focus_by(-1, now),
            Action::Goto(screen) => self.goto(screen),
            Action::Open => self.open(now),
            Action::Close => {
                self.level_up(now);
            }
            Action::Zoom => self.view.zoomed = !self.view.zoomed,
            Action::Help => self.help(now),
            Action::Filter => self.start_filter(now),
            Action::Sort => self.sort(now, false),
            Action::SortReverse => self.sort(now, true),
            Action::Freeze => self.freeze(now.wall),
            Action::Zone => {
                self.view.zone = if self.view.zone == Zone::Utc { Zone::Local(self.local.clone()) } else { Zone::Utc };
            }
            Action::NextPair => self.pair_by(1, now),
            Action::PreviousPair => self.pair_by(-1, now),
            Action::ShorterBars => self.bars_by(-1, now),
            Action::LongerBars => self.bars_by(1, now),
            Action::WiderCandles => self.candles_by(1, now),
            Action::NarrowerCandles => self.candles_by(-1, now),
            Action::Indicators => {
                if self.chart_in_sight(now) {
                    let chosen = self.view.chart.chosen.clone();
                    self.view.overlay = Some(Overlay::Indicators(Chooser { chosen, ..Chooser::default() }));
                }
            }
            Action::Follow => {
                self.view.panes.entry(PaneId::Logs).or_default().key = None;
            }
            Action::Level => self.next_level(),
            Action::Account => {
                let other = match self.view.shown_account() {
                    AccountId::Main => AccountId::Shadow,
                    AccountId::Shadow => AccountId::Main,
                };
                self.view.account = Some(other);
            }
            _ => return false,
        }
        true
    }

    fn next_level(&mut self) {
        let at = LEVELS.iter().position(|l| *l == self.view.log_level).unwrap_or(0);
        self.view.log_level = LEVELS.get((at + 1) % LEVELS.len()).copied().flatten();
    }

    fn goto(&mut self, screen: Screen) {
        if self.view.screen != screen {
            self.view.screen = screen;
            self.view.zoomed = false;
            self.view.detail = false;
        }
    }

    /// Moves the selection, or the text, of the focused pane.
    fn go(&mut self, go: Go, now: Now) {
        if let Some(id) = self.focus(now) {
            self.go_in(id, go, now);
        }
    }

    pub(super) fn go_in(&mut self, id: PaneId, go: Go, now: Now) {
        let Some(place) = self.regions(now).and_then(|r| r.panes.into_iter().find(|(p, _)| *p == id)) else { return };
        let (width, height) = (place.1.width.saturating_sub(2), place.1.height.saturating_sub(2) as usize);
        let (Some(pane), cx) = (pane(id), self.cx(now)) else { return };
        let keys = pane.keys(&cx);
        if keys.is_empty() {
            let lines = pane.lines(&cx, width as usize).map_or(0, |l| l.len());
            let last = lines.saturating_sub(height);
            let at = self.view.pane(id).index.min(last);
            self.view.panes.entry(id).or_default().index = target(go, at, last, height);
            return;
        }
        let at = cx.row(id, &keys).unwrap_or(0);
        let to = target(go, at, keys.len() - 1, height.saturating_sub(2));
        self.select(id, to, keys.get(to).cloned(), go == Go::First);
    }

    /// Selects a row; `unpin` lets the selection stay at the top while new rows come.
    pub(super) fn select(&mut self, id: PaneId, index: usize, key: Option<String>, unpin: bool) {
        if id == PaneId::Watchlist {
            self.view.pair = key.as_deref().and_then(|k| k.parse().ok());
            return;
        }
        let state = self.view.panes.entry(id).or_default();
        state.index = index;
        // The newest bar needs no cursor: new ones come.
        let unpin = unpin || (id == PaneId::Chart && index == 0);
        state.key = if unpin { None } else { key };
        // What shows the selected row starts at its first line.
        for detail in [PaneId::Trace, PaneId::AgentDetail, PaneId::LogDetail] {
            self.view.panes.entry(detail).or_default().index = 0;
        }
    }

    fn focus_by(&mut self, step: isize, now: Now) {
        let zoomed = std::mem::replace(&mut self.view.zoomed, false);
        let Some(regions) = self.regions(now) else { return };
        self.view.zoomed = zoomed;
        let focus = self.view.focus_among(&regions.panes);
        let order = screens::order(&regions.panes, Size::of(self.area.width, self.area.height), self.view.screen);
        let at = order.iter().position(|id| Some(*id) == focus).unwrap_or(0);
        let count = order.len() as isize;
        if count > 0
            && let Some(id) = order.get((at as isize + step).rem_euclid(count) as usize)
        {
            self.view.focus.insert(self.view.screen, *id);
            if screens::SHARING.contains(id) {
                self.view.sharing = Some(*id);
            }
        }
    }

    fn pair_by(&mut self, step: isize, now: Now) {
        let cx = self.cx(now);
        let current = cx.pair().map(|p| p.pair.clone());
        let pairs: Vec<_> = cx.s.pairs.iter().map(|p| p.pair.clone()).collect();
        let at = pairs.iter().position(|p| Some(p) == current.as_ref()).unwrap_or(0);
        if !pairs.is_empty() {
            self.view.pair = pairs.get((at as isize + step).rem_euclid(pairs.len() as isize) as usize).cloned();
        }
    }

    fn focus_on(&mut self, screen: Screen, id: PaneId) {
        self.goto(screen);
        self.view.focus.insert(screen, id);
    }

    /// Opens what belongs to the focused pane's selected row.
    fn open(&mut self, now: Now) {
        let Some(focus) = self.focus(now) else { return };
        match focus {
            PaneId::Watchlist | PaneId::Chart => self.focus_on(Screen::Market, PaneId::Chart),
            PaneId::Decisions => {
                self.focus_on(Screen::Decisions, PaneId::Trace);
                self.view.detail = true;
            }
            PaneId::Funnel => self.focus_on(Screen::Decisions, PaneId::Decisions),
            PaneId::Risk | PaneId::MainAccount | PaneId::ShadowAccount => {
                self.focus_on(Screen::Portfolio, PaneId::Equity)
            }
            PaneId::Positions => self.focus_on(Screen::Portfolio, PaneId::Positions),
            PaneId::RiskAgents => self.focus_on(Screen::Agents, PaneId::Agents),
            PaneId::AgentsBrief => {
                let chosen = self.view.pane(PaneId::AgentsBrief).clone();
                self.view.panes.insert(PaneId::Agents, chosen);
                self.focus_on(Screen::Agents, PaneId::Agents);
            }
            PaneId::Agents => self.focus_on(Screen::Agents, PaneId::AgentDetail),
            PaneId::AlertsGates => self.focus_on(Screen::Health, PaneId::Alerts),
            PaneId::Calibration | PaneId::Models => self.focus_on(Screen::Models, PaneId::ModelDetail),
            PaneId::LogStrip => self.focus_on(Screen::Logs, PaneId::Logs),
            PaneId::Logs => self.focus_on(Screen::Logs, PaneId::LogDetail),
            _ => {}
        }
    }

    /// One level up; `false` when already at the top.
    pub(super) fn level_up(&mut self, now: Now) -> bool {
        if self.view.zoomed {
            self.view.zoomed = false;
        } else if self.view.detail {
            self.view.detail = false;
            self.view.focus.insert(Screen::Decisions, PaneId::Decisions);
        } else if self.focus(now) == Some(PaneId::Chart) && self.view.pane(PaneId::Chart).key.is_some() {
            self.select(PaneId::Chart, 0, None, true);
        } else if self.view.frozen.is_some() {
            self.freeze(now.wall);
        } else if let Some(state) = self.focus(now).and_then(|id| self.view.panes.get_mut(&id))
            && !state.filter.is_empty()
        {
            state.filter = Filter::default();
        } else {
            return false;
        }
        true
    }

    fn help(&mut self, now: Now) {
        let contexts: Vec<Context> = self.focus(now).and_then(pane).and_then(|p| p.context()).into_iter().collect();
        self.view.overlay = Some(Overlay::Help(Help { contexts, ..Help::default() }));
    }

    fn freeze(&mut self, at: UtcMs) {
        self.view.frozen = match self.view.frozen.take() {
            Some(_) => None,
            None => Some((at, self.snapshot.clone())),
        };
    }

    fn sort(&mut self, now: Now, reverse: bool) {
        let focused = self.focus(now).and_then(pane).filter(|p| !p.sorts().is_empty());
        let Some(pane) = focused else {
            self.say(ToastKind::Info, "this pane has no other order", now);
            return;
        };
        let state = self.view.panes.entry(pane.id()).or_default();
        if reverse {
            state.reverse = !state.reverse;
        } else {
            state.sort = (state.sort + 1) % pane.sorts().len();
        }
    }

    /// Opens the filter of the focused pane, or of the first that has one.
    fn start_filter(&mut self, now: Now) {
        let Some(regions) = self.regions(now) else { return };
        let focus = self.focus(now);
        let with_filter = |id: &PaneId| pane(*id).is_some_and(|p| p.filters());
        let shown = regions.panes.iter().map(|(id, _)| *id);
        let Some(id) = focus.into_iter().chain(shown).find(with_filter) else {
            self.say(ToastKind::Info, "no rows to filter here", now);
            return;
        };
        self.view.focus.insert(self.view.screen, id);
        let before = self.view.pane(id).filter.clone();
        self.view.edit = Some(FilterEdit { pane: id, text: before.text().to_owned(), before, error: None });
    }

    /// Changes the text of the filter being written; the last valid one stays in force.
    pub(super) fn edit_filter(&mut self, change: impl FnOnce(&mut String)) {
        let Some(edit) = &mut self.view.edit else { return };
        change(&mut edit.text);
        match Filter::parse(&edit.text) {
            Ok(filter) => {
                edit.error = None;
                self.view.panes.entry(edit.pane).or_default().filter = filter;
            }
            Err(why) => edit.error = Some(why),
        }
    }

    fn act_on_filter(&mut self, action: Action) {
        match action {
            Action::Accept => self.view.edit = None,
            Action::Close => {
                if let Some(edit) = self.view.edit.take() {
                    self.view.panes.entry(edit.pane).or_default().filter = edit.before;
                }
            }
            Action::Erase => self.edit_filter(|text| {
                text.pop();
            }),
            Action::EraseAll => self.edit_filter(String::clear),
            _ => {}
        }
    }

    /// The first Ctrl-C stops in order, a second one within 2 s leaves at once.
    pub(super) fn interrupt(&mut self, now: Now) -> Option<Outgoing> {
        if let Leaving::Asked { since } = self.view.leaving
            && now.mono - since <= 2_000.0
        {
            self.view.leaving = Leaving::Now;
            return None;
        }
        self.leave(now)
    }
}

/// Index after a move, within `0..=last`.
fn target(go: Go, at: usize, last: usize, page: usize) -> usize {
    let by = |n: isize| at.saturating_add_signed(n).min(last);
    match go {
        Go::By(n) => by(n),
        Go::Pages(n) => by(n * page.max(1) as isize),
        Go::First => 0,
        Go::Last => last,
    }
}
