//! What the console itself remembers: screen, focus, selection, filters, overlays, toasts and commands on their way. Nothing of the
//! domain is kept here, apart from the picture that a person froze.

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::filter::Filter;
use super::format::Zone;
use super::indicators::ChartView;
use super::keymap::Chord;
use super::overlays::Overlay;
use super::panes::PaneId;
use super::screens::Screen;
use crate::domain::account::AccountId;
use crate::domain::agent::AgentKind;
use crate::domain::command::{Command, CommandId};
use crate::domain::pair::Pair;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::UtcMs;
use crate::telemetry::ring::{LogLevel, LogRecord};

/// After so long without an answer a command is shown as overdue, in ms.
pub const OVERDUE_MS: f64 = 3_000.0;

/// What a pane remembers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PaneState {
    /// The selected row by its key, so that new rows do not move the selection. `None` stays at the top.
    pub key: Option<String>,
    /// Where the selection was, for when its row is gone; the first line of a text.
    pub index: usize,
    pub filter: Filter,
    pub sort: usize,
    pub reverse: bool,
}

/// Kind of a toast: it decides its look and how long it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToastKind {
    Success,
    Info,
    Error,
}

impl ToastKind {
    /// In ms.
    #[must_use]
    pub const fn stays(self) -> f64 {
        match self {
            Self::Success => 2_000.0,
            Self::Info => 3_000.0,
            Self::Error => 4_000.0,
        }
    }
}

/// A line that says what just happened; the latest wins.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    pub kind: ToastKind,
    pub at: UtcMs,
    pub text: String,
    /// Monotonic ms.
    pub until: f64,
}

/// A command that was handed over and not yet answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    pub id: CommandId,
    pub command: Command,
    /// Monotonic ms.
    pub sent: f64,
    pub overdue: bool,
}

/// A filter being written.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterEdit {
    pub pane: PaneId,
    pub text: String,
    pub before: Filter,
    pub error: Option<String>,
}

/// How far leaving has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Leaving {
    #[default]
    No,
    /// The orchestrator was asked to stop; monotonic ms.
    Asked { since: f64 },
    /// The loop ends now.
    Now,
}

/// All of it.
#[derive(Debug, Default)]
pub struct ViewState {
    pub screen: Screen,
    pub focus: BTreeMap<Screen, PaneId>,
    pub zoomed: bool,
    /// On narrow screens: the details stand in place of the list.
    pub detail: bool,
    pub panes: BTreeMap<PaneId, PaneState>,
    pub pair: Option<Pair>,
    pub chart: ChartView,
    /// Where panes share a place: the one that is shown.
    pub sharing: Option<PaneId>,
    pub account: Option<AccountId>,
    pub overlay: Option<Overlay>,
    pub edit: Option<FilterEdit>,
    pub prefix: Option<Chord>,
    pub toast: Option<Toast>,
    pub waiting: Vec<Waiting>,
    /// The picture that stays on screen, and since when (wall clock).
    pub frozen: Option<(UtcMs, Arc<Snapshot>)>,
    pub zone: Zone,
    /// Pairs whose price just changed, and until when they flash (monotonic ms).
    pub flashes: BTreeMap<Pair, f64>,
    pub logs: Vec<Arc<LogRecord>>,
    pub log_level: Option<LogLevel>,
    /// Notices that this console missed.
    pub missed: u64,
    pub read_only: bool,
    /// The orchestrator is gone.
    pub engine_gone: bool,
    pub leaving: Leaving,
    /// Rises whenever something above changes what is drawn.
    pub version: u64,
}

impl ViewState {
    /// The state of a pane, or a fresh one.
    #[must_use]
    pub fn pane(&self, id: PaneId) -> &PaneState {
        static FRESH: std::sync::LazyLock<PaneState> = std::sync::LazyLock::new(PaneState::default);
        self.panes.get(&id).unwrap_or(&FRESH)
    }

    /// The focused pane among those that are shown: the remembered one, else the first.
    #[must_use]
    pub fn focus_among(&self, places: &[(PaneId, Rect)]) -> Option<PaneId> {
        let wanted = self.focus.get(&self.screen);
        let shown = |id: &PaneId| places.iter().any(|(p, _)| p == id);
        wanted.filter(|id| shown(id)).copied().or_else(|| places.first().map(|(id, _)| *id))
    }

    /// Row of `keys` that is selected in a pane.
    #[must_use]
    pub fn selected(&self, id: PaneId, keys: &[String]) -> Option<usize> {
        let state = self.pane(id);
        let last = keys.len().checked_sub(1)?;
        Some(match &state.key {
            Some(key) => keys.iter().position(|k| k == key).unwrap_or(state.index.min(last)),
            None => 0,
        })
    }

    /// The account shown on Orders.
    #[must_use]
    pub fn shown_account(&self) -> AccountId {
        self.account.unwrap_or(AccountId::Main)
    }

    /// A command to this agent that was not answered yet, as a word, and whether it is overdue.
    #[must_use]
    pub fn waiting_for(&self, kind: AgentKind) -> Option<(&'static str, bool)> {
        self.waiting.iter().rev().find_map(|w| {
            let word = match &w.command {
                Command::PauseAgent { agent } if *agent == kind => "Pausing",
                Command::ResumeAgent { agent } if *agent == kind => "Resuming",
                Command::RestartAgent { agent } if *agent == kind => "Restarting",
                Command::PauseAll => "Pausing",
                Command::ResumeAll => "Resuming",
                _ => return None,
            };
            Some((word, w.overdue))
        })
    }

    /// Marks the view as changed.
    pub fn touch(&mut self) {
        self.version = self.version.wrapping_add(1);
    }
}
