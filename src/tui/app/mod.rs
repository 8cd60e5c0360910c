//! What keys, clicks, answers and pictures do to the view. No I/O and no clock: the loop brings the time and sends what comes out.

mod act;
mod chart;
mod command;
mod mouse;
mod notice;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{Event, KeyEvent};
use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use super::draw::{self, Regions};
use super::format::Zone;
use super::keymap::{Chord, Meaning, resolve};
use super::options::UiOptions;
use super::overlays::{Outcome, Outgoing};
use super::panes::{Cx, PaneId};
use super::screens::Size;
use super::theme::Theme;
use super::view::{Leaving, OVERDUE_MS, Toast, ToastKind, ViewState};
use crate::domain::pair::Pair;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::UtcMs;
use crate::telemetry::ring::LogRing;

/// A changed price stays marked for so long, in ms.
const FLASH_MS: f64 = 400.0;
/// A cell flashes at most once in so long, in ms.
const FLASH_EVERY_MS: f64 = 1_000.0;
/// How often the log ring is looked at while records are on screen, in ms.
const LOG_POLL_MS: f64 = 250.0;
/// An orderly stop is waited for so long, in ms.
const STOP_MS: f64 = 10_000.0;

/// The time, twice: what people read, and what durations are measured with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    pub wall: UtcMs,
    /// Monotonic ms.
    pub mono: f64,
}

/// The console without its terminal.
pub struct App {
    pub view: ViewState,
    pub snapshot: Arc<Snapshot>,
    pub theme: Theme,
    options: UiOptions,
    local: TimeZone,
    area: Rect,
    logs_seen: u64,
    /// When the records were last copied, in monotonic ms.
    logs_taken: f64,
    last_notice: Option<u64>,
    flashed: BTreeMap<Pair, f64>,
    wheel: f64,
}

impl App {
    /// `ascii` says whether plain glyphs are needed; `local` is the zone that `T` switches to.
    #[must_use]
    pub fn new(options: UiOptions, ascii: bool, local: TimeZone, area: Rect) -> Self {
        let theme = Theme::new(options.colors, options.color_depth, ascii);
        let zone = if options.local_zone { Zone::Local(local.clone()) } else { Zone::Utc };
        let view = ViewState { zone, read_only: options.read_only, ..ViewState::default() };
        Self {
            view,
            snapshot: Arc::new(Snapshot::default()),
            theme,
            options,
            local,
            area,
            logs_seen: 0,
            logs_taken: f64::NEG_INFINITY,
            last_notice: None,
            flashed: BTreeMap::new(),
            wheel: f64::NEG_INFINITY,
        }
    }

    /// The area that was last drawn.
    pub fn resize(&mut self, area: Rect) {
        if self.area != area {
            self.area = area;
            self.view.touch();
        }
    }

    fn regions(&self, now: Now) -> Option<Regions> {
        draw::regions(self.area, &self.snapshot, &self.view, now.wall)
    }

    fn focus(&self, now: Now) -> Option<PaneId> {
        self.regions(now).and_then(|r| self.view.focus_among(&r.panes))
    }

    fn cx(&self, now: Now) -> Cx<'_> {
        let size = Size::of(self.area.width, self.area.height);
        Cx { s: draw::shown(&self.snapshot, &self.view), view: &self.view, now: now.wall, size, focus: self.focus(now) }
    }

    /// Takes one input event; what comes back is to be sent.
    pub fn input(&mut self, event: &Event, now: Now) -> Option<Outgoing> {
        match event {
            Event::Key(key) => self.key(key, now),
            Event::Mouse(mouse) => {
                self.mouse(mouse, now);
                None
            }
            Event::Resize(width, height) => {
                self.resize(Rect::new(0, 0, *width, *height));
                None
            }
            Event::FocusGained | Event::FocusLost | Event::Paste(_) => None,
        }
    }

    fn key(&mut self, key: &KeyEvent, now: Now) -> Option<Outgoing> {
        let chord = Chord::of(key)?;
        let contexts = draw::contexts(&self.view, self.focus(now));
        let prefix = self.view.prefix.take();
        if prefix.is_some() {
            self.view.touch();
        }
        match resolve(&contexts, prefix, chord) {
            Meaning::Nothing => None,
            Meaning::Prefix => {
                self.view.prefix = Some(chord);
                self.view.touch();
                None
            }
            Meaning::Text(c) => {
                self.text(c);
                None
            }
            Meaning::Act(action) => {
                self.view.touch();
                self.act(action, now)
            }
        }
    }

    fn text(&mut self, c: char) {
        self.view.touch();
        if self.view.edit.is_some() {
            self.edit_filter(|text| text.push(c));
        } else if let Some(overlay) = &mut self.view.overlay {
            overlay.text(c);
        }
    }

    /// Carries an overlay's outcome out.
    fn outcome(&mut self, outcome: Outcome, now: Now) -> Option<Outgoing> {
        match outcome {
            Outcome::Stay | Outcome::Close => None,
            Outcome::Show(chosen) => {
                self.view.chart.chosen = chosen;
                None
            }
            Outcome::Send(outgoing) => self.permit(outgoing, now),
            Outcome::Leave => self.leave(now),
        }
    }

    /// Replaces the toast.
    pub fn say(&mut self, kind: ToastKind, text: impl Into<String>, now: Now) {
        let text = text.into();
        self.view.toast = Some(Toast { kind, at: now.wall, text, until: now.mono + kind.stays() });
        self.view.touch();
    }

    /// Takes the newest picture.
    pub fn take_snapshot(&mut self, snapshot: Arc<Snapshot>, now: Now) {
        if Arc::ptr_eq(&self.snapshot, &snapshot) {
            return;
        }
        if !self.options.reduced_motion {
            self.flash(&snapshot, now);
        }
        self.snapshot = snapshot;
        self.view.touch();
    }

    fn flash(&mut self, new: &Snapshot, now: Now) {
        for pair in &new.pairs {
            let before = self.snapshot.pairs.iter().find(|p| p.pair == pair.pair);
            let changed = before.is_some_and(|b| b.last.is_some() && b.last != pair.last);
            let rested = self.flashed.get(&pair.pair).is_none_or(|at| now.mono - at >= FLASH_EVERY_MS);
            if changed && rested {
                self.flashed.insert(pair.pair.clone(), now.mono);
                self.view.flashes.insert(pair.pair.clone(), now.mono + FLASH_MS);
            }
        }
    }

    /// The orchestrator is gone.
    pub fn engine_stopped(&mut self, now: Now) {
        if !self.view.engine_gone {
            self.view.engine_gone = true;
            self.view.waiting.clear();
            self.view.touch();
            if self.view.leaving != Leaving::No {
                self.view.leaving = Leaving::Now;
            } else {
                self.say(ToastKind::Error, "the engine has stopped", now);
            }
        }
    }

    fn logs_visible(&self, now: Now) -> bool {
        self.regions(now).is_some_and(|r| {
            r.panes.iter().any(|(id, _)| matches!(id, PaneId::Logs | PaneId::LogStrip | PaneId::LogDetail))
        })
    }

    /// Copies the log records if they changed and are on screen, at most once per poll.
    pub fn take_logs(&mut self, logs: &LogRing, now: Now) {
        let rested = now.mono - self.logs_taken >= LOG_POLL_MS;
        if rested && self.view.frozen.is_none() && logs.version() != self.logs_seen && self.logs_visible(now) {
            self.logs_taken = now.mono;
            self.logs_seen = logs.version();
            self.view.logs = logs.records();
            self.view.touch();
        }
    }

    /// What changes by itself: toasts end, flashes fade, commands become overdue, an orderly stop takes too long.
    pub fn tick(&mut self, now: Now) {
        let mut changed = false;
        if self.view.toast.as_ref().is_some_and(|t| now.mono >= t.until) {
            self.view.toast = None;
            changed = true;
        }
        let flashing = self.view.flashes.len();
        self.view.flashes.retain(|_, until| now.mono < *until);
        changed |= flashing != self.view.flashes.len();
        for w in &mut self.view.waiting {
            if !w.overdue && now.mono - w.sent >= OVERDUE_MS {
                w.overdue = true;
                changed = true;
            }
        }
        if let Leaving::Asked { since } = self.view.leaving
            && now.mono - since >= STOP_MS
        {
            self.view.leaving = Leaving::Now;
        }
        if changed {
            self.view.touch();
        }
    }

    /// Monotonic time at which something on screen will change by itself.
    #[must_use]
    pub fn deadline(&self, now: Now) -> f64 {
        let to_second = 1_000 - now.wall.0.rem_euclid(1_000);
        let mut at = now.mono + to_second as f64;
        let mut sooner = |t: f64| at = at.min(t.max(now.mono));
        if let Some(t) = &self.view.toast {
            sooner(t.until);
        }
        self.view.flashes.values().for_each(|t| sooner(*t));
        self.view.waiting.iter().filter(|w| !w.overdue).for_each(|w| sooner(w.sent + OVERDUE_MS));
        if let Leaving::Asked { since } = self.view.leaving {
            sooner(since + STOP_MS);
        }
        if self.view.frozen.is_none() && self.logs_visible(now) {
            sooner(now.mono + LOG_POLL_MS);
        }
        at
    }

    /// What is on screen, as a number that changes exactly when the screen would.
    #[must_use]
    pub fn picture(&self, now: Now) -> (u64, i64) {
        (self.view.version, now.wall.0.div_euclid(1_000))
    }
}
