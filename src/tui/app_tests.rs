//! Keys and what they do, without a loop.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::{App, Now};
use super::draw::draw;
use super::fixture;
use super::keymap::BINDINGS;
use super::options::{ColorDepth, ColorScheme, UiOptions};
use super::overlays::{Outgoing, Overlay, help::Help};
use super::panes::PaneId;
use super::screens::Screen;
use super::view::Leaving;
use crate::domain::agent::{AgentKind, AgentState};
use crate::domain::command::{Ack, Command, CommandId, HaltScope, Speed};
use crate::domain::plan::Horizon;
use crate::domain::snapshot::{Snapshot, SystemState};

struct Rig {
    app: App,
    now: Now,
}

fn options(read_only: bool) -> UiOptions {
    UiOptions {
        colors: ColorScheme::Western,
        color_depth: ColorDepth::None,
        ascii: Some(false),
        mouse: true,
        reduced_motion: false,
        fps: 20,
        local_zone: false,
        read_only,
    }
}

fn rig(s: Snapshot, size: (u16, u16), read_only: bool) -> Rig {
    let mut app =
        App::new(options(read_only), false, TimeZone::fixed(jiff::tz::offset(2)), Rect::new(0, 0, size.0, size.1));
    let now = Now { wall: fixture::wall(), mono: 1_000.0 };
    app.take_snapshot(Arc::new(s), now);
    Rig { app, now }
}

fn running() -> Rig {
    rig(fixture::running(), (120, 40), false)
}

impl Rig {
    fn press(&mut self, code: KeyCode) -> Option<Command> {
        self.now.mono += 400.0;
        let event = Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
        self.app.input(&event, self.now).map(Outgoing::into_command)
    }

    fn keys(&mut self, keys: &str) -> Option<Command> {
        keys.chars().fold(None, |_, c| self.press(KeyCode::Char(c)))
    }

    fn ctrl(&mut self, c: char) -> Option<Command> {
        let event = Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL));
        self.app.input(&event, self.now).map(Outgoing::into_command)
    }

    fn text(&self) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
        draw(&mut buf, &self.app.snapshot, &self.app.view, &self.app.theme, self.now.wall);
        buf.content.iter().map(|c| c.symbol()).collect()
    }

    fn toast(&self) -> String {
        self.app.view.toast.as_ref().map(|t| t.text.clone()).unwrap_or_default()
    }

    fn select_agent(&mut self, kind: AgentKind) {
        self.keys("3gg");
        for _ in 0..kind.index() {
            self.keys("j");
        }
    }
}

#[test]
fn digits_choose_screens_and_tab_moves_the_focus() {
    let mut r = running();
    for (key, screen) in [('2', Screen::Market), ('9', Screen::Logs), ('4', Screen::Decisions), ('1', Screen::Overview)]
    {
        r.press(KeyCode::Char(key));
        assert_eq!(r.app.view.screen, screen);
    }
    assert!(r.text().contains("┏━ Watchlist"));
    r.press(KeyCode::Tab);
    assert!(r.text().contains("┏━ BTC/USD"));
    r.press(KeyCode::BackTab);
    assert!(r.text().contains("┏━ Watchlist"));
    r.keys("z");
    assert!(r.text().contains("┏━ Watchlist") && !r.text().contains("Portfolio & risk"));
    r.press(KeyCode::Esc);
    assert!(r.text().contains("Portfolio & risk"));
}

#[test]
fn moving_the_watchlist_moves_the_chart() {
    let mut r = running();
    r.keys("j");
    assert!(r.text().contains("ETH/USD 1h"));
    r.keys("G");
    assert!(r.text().contains("PEPE/USD 1h"));
    r.keys("gg");
    assert!(r.text().contains("BTC/USD 1h"));
    r.keys("N");
    assert!(r.text().contains("PEPE/USD 1h"));
    r.keys("n]");
    assert!(r.text().contains("BTC/USD 4h"));
}

#[test]
fn a_selection_follows_its_row_and_not_its_place() {
    let mut r = running();
    r.keys("4jj");
    let chosen = r.app.view.pane(PaneId::Decisions).key.clone();
    assert_eq!(chosen.as_deref(), Some("D1-8"));
    let mut s = fixture::running();
    let mut newer = s.decisions.last().unwrap().as_ref().clone();
    newer.id.number = 11;
    Arc::make_mut(&mut s.decisions).push(Arc::new(newer));
    r.app.take_snapshot(Arc::new(s), r.now);
    assert!(r.text().contains("Trace D1-8"));
    r.keys("gg");
    assert!(r.text().contains("Trace D1-11"), "the top follows what is new");
}

#[test]
fn enter_opens_the_trace_and_esc_closes_it() {
    let mut r = rig(fixture::running(), (80, 24), false);
    r.keys("4j");
    r.press(KeyCode::Enter);
    assert!(r.app.view.detail);
    r.keys("jjj");
    assert_eq!(r.app.view.pane(PaneId::Trace).index, 3);
    r.press(KeyCode::Esc);
    assert!(!r.app.view.detail);
    r.press(KeyCode::Esc);
    assert_eq!((r.app.view.leaving, r.app.view.overlay.is_none()), (Leaving::No, true), "esc never quits");
}

#[test]
fn a_filter_is_live_and_keeps_the_last_valid_one() {
    let mut r = running();
    r.keys("4/exposure");
    assert!(r.text().contains("Trace D1-5"));
    assert!(!r.text().contains("D1-9 "));
    r.press(KeyCode::Enter);
    r.keys("2");
    r.keys("4");
    assert!(r.text().contains("/exposure"), "kept when switching screens");
    r.keys("/ conf>x");
    assert!(r.text().contains("needs a number"));
    r.press(KeyCode::Esc);
    assert_eq!(r.app.view.pane(PaneId::Decisions).filter.text(), "exposure");
    r.press(KeyCode::Esc);
    assert!(r.app.view.pane(PaneId::Decisions).filter.is_empty());
    r.keys("/nothing-like-it");
    assert!(r.text().contains("nothing matches"));
}

#[test]
fn space_pauses_and_resumes_the_selected_agent() {
    let mut r = running();
    r.select_agent(AgentKind::Technical);
    let sent = r.keys(" ");
    assert_eq!(sent, Some(Command::PauseAgent { agent: AgentKind::Technical }));
    r.app.sent(CommandId(1), sent.unwrap(), r.now);
    assert!(r.text().contains("technical           Pausing…"));
    assert_eq!(r.keys(" "), None, "not twice");
    r.now.mono += 3_000.0;
    r.app.tick(r.now);
    assert!(r.text().contains("no answer"), "overdue commands say so");
    r.app.answered(CommandId(1), Some(Ack::Refused { reason: "busy".into() }), r.now);
    assert!(r.toast().contains("refused, busy"));
    assert!(r.text().contains("technical           ● Running"));
    r.select_agent(AgentKind::WhaleDetector);
    assert_eq!(r.keys(" "), Some(Command::ResumeAgent { agent: AgentKind::WhaleDetector }));
    r.select_agent(AgentKind::PortfolioOptimizer);
    assert_eq!(r.keys(" "), None);
    assert!(r.toast().contains("R restarts"));
}

#[test]
fn a_restart_asks_first_and_cancel_is_marked() {
    let mut r = running();
    r.select_agent(AgentKind::Technical);
    assert_eq!(r.keys("R"), None);
    assert_eq!(r.press(KeyCode::Enter), None, "enter takes the marked cancel");
    assert!(r.app.view.overlay.is_none());
    r.keys("R");
    r.press(KeyCode::Right);
    assert_eq!(r.press(KeyCode::Enter), Some(Command::RestartAgent { agent: AgentKind::Technical }));
    r.keys("R");
    assert_eq!(r.keys("Y"), Some(Command::RestartAgent { agent: AgentKind::Technical }));
}

#[test]
fn a_rollback_asks_first_and_needs_a_version_before() {
    let mut r = running();
    r.keys("6");
    assert_eq!(r.keys("B"), None);
    assert!(r.toast().contains("none was in force before it"), "{}", r.toast());
    r.keys("j");
    r.keys("B");
    assert!(r.text().contains("24h-20251231-1 back in force"), "{}", r.text());
    assert_eq!(r.press(KeyCode::Enter), None, "enter takes the marked cancel");
    r.keys("B");
    assert_eq!(r.keys("Y"), Some(Command::RollbackModel { horizon: Horizon::H24 }));
}

#[test]
fn keys_typed_ahead_confirm_nothing() {
    let mut r = running();
    r.keys("P");
    let event = Event::Key(KeyEvent::new(KeyCode::Char('Y'), KeyModifiers::NONE));
    r.now.mono += 100.0;
    assert!(r.app.input(&event, r.now).is_none());
    assert!(r.app.view.overlay.is_some());
    assert_eq!(r.keys("Y"), Some(Command::PauseAll));
}

#[test]
fn pause_all_turns_into_resume_all() {
    let mut s = fixture::running();
    s.agents.iter_mut().for_each(|a| a.state = AgentState::Paused);
    let mut r = rig(s, (120, 40), false);
    assert_eq!(r.keys("P"), Some(Command::ResumeAll));
}

#[test]
fn halt_takes_one_key_and_one_confirmation_in_three_scopes() {
    let scopes = [HaltScope::StopEntries, HaltScope::CancelWorking, HaltScope::Flatten];
    for (steps, scope) in scopes.into_iter().enumerate() {
        let mut r = running();
        r.keys("?!");
        assert!(matches!(r.app.view.overlay, Some(Overlay::Halt(_))), "from within the help, too");
        for _ in 0..steps {
            r.press(KeyCode::Down);
        }
        assert_eq!(r.press(KeyCode::Enter), Some(Command::Halt { scope }));
    }
    let mut r = running();
    r.keys("!");
    assert!(r.text().contains("sells 2 positions"));
    r.press(KeyCode::Esc);
    assert!(r.app.view.overlay.is_none());
}

#[test]
fn resuming_wants_the_word() {
    let mut r = running();
    r.keys("U");
    assert!(r.app.view.overlay.is_none() && r.toast().contains("not halted"));
    let mut r = rig(fixture::halted(), (120, 40), false);
    r.keys("UYES");
    assert_eq!(r.press(KeyCode::Enter), None);
    for _ in 0..3 {
        r.press(KeyCode::Backspace);
    }
    r.keys("RESUME");
    assert_eq!(r.press(KeyCode::Enter), Some(Command::ResumeTrading));
}

#[test]
fn the_replay_obeys() {
    let mut r = running();
    assert_eq!(r.keys(">"), Some(Command::SetSpeed { speed: Speed::Times(1_200.0) }));
    r.app.sent(CommandId(1), Command::SetSpeed { speed: Speed::Times(1_200.0) }, r.now);
    assert_eq!(r.keys(">"), Some(Command::SetSpeed { speed: Speed::Times(3_600.0) }), "steps from what was asked");
    r.app.answered(CommandId(1), Some(Ack::Accepted), r.now);
    assert_eq!(r.keys("<"), Some(Command::SetSpeed { speed: Speed::Times(60.0) }));
    assert_eq!(r.keys("."), Some(Command::HoldReplay { hold: true }));
    let mut s = fixture::running();
    s.state = SystemState::Held;
    r.app.take_snapshot(Arc::new(s), r.now);
    assert_eq!(r.keys("."), Some(Command::HoldReplay { hold: false }));
    assert_eq!(r.keys("x"), Some(Command::Analyze { pair: fixture::pair("BTC/USD") }));
}

#[test]
fn alerts_are_acknowledged_one_by_one_or_all() {
    let mut r = running();
    assert_eq!(r.keys("a"), Some(Command::AcknowledgeAlert { id: 3 }), "the most severe");
    r.keys("8");
    r.keys("j");
    assert_eq!(r.keys("a"), Some(Command::AcknowledgeAlert { id: 2 }), "the selected");
    assert_eq!(r.keys("A"), Some(Command::AcknowledgeAllAlerts));
    let mut s = fixture::running();
    s.alerts.iter_mut().for_each(|a| a.acknowledged = true);
    r.app.take_snapshot(Arc::new(s), r.now);
    assert_eq!(r.keys("a"), None);
    assert!(r.toast().contains("no alert is open"));
}

#[test]
fn a_read_only_console_sends_nothing() {
    let mut r = rig(fixture::running(), (120, 40), true);
    r.select_agent(AgentKind::Technical);
    assert_eq!(r.keys(" "), None);
    assert!(r.toast().starts_with("read-only"));
    r.keys("!");
    assert_eq!(r.press(KeyCode::Enter), None);
    assert_eq!(r.keys(">"), None);
    assert!(r.text().contains("READ ONLY"));
    assert_eq!(r.ctrl('c'), None);
    assert_eq!(r.app.view.leaving, Leaving::Now, "leaving is always possible");
}

#[test]
fn q_goes_back_then_asks_and_ctrl_c_twice_leaves() {
    let mut r = running();
    r.keys("zq");
    assert!(!r.app.view.zoomed && r.app.view.overlay.is_none());
    r.keys("q");
    assert!(r.text().contains("The program stops in order"));
    r.press(KeyCode::Enter);
    assert_eq!(r.app.view.leaving, Leaving::No, "cancel is marked");
    r.keys("q");
    assert_eq!(r.keys("Y"), Some(Command::Shutdown));
    let mut r = running();
    assert_eq!(r.ctrl('c'), Some(Command::Shutdown));
    r.now.mono += 2_500.0;
    assert_eq!(r.ctrl('c'), Some(Command::Shutdown), "too late for the second");
    r.now.mono += 1_000.0;
    assert_eq!(r.ctrl('c'), None);
    assert_eq!(r.app.view.leaving, Leaving::Now);
}

#[test]
fn help_lists_every_binding_and_finds_by_typing() {
    let all: String = Help::default().lines().iter().map(|l| l.plain() + "\n").collect();
    for b in BINDINGS {
        assert!(all.contains(b.text) && all.contains(&b.keys_text()), "{b:?}");
    }
    let mut r = running();
    r.keys("?restart");
    assert!(r.text().contains("restart the selected agent") && !r.text().contains("replay slower"));
    r.press(KeyCode::Esc);
    assert!(r.app.view.overlay.is_none());
}

#[test]
fn clicks_do_what_keys_do() {
    let mut r = running();
    let click = |r: &mut Rig, column, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let event = Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
        r.now.mono += 100.0;
        r.app.input(&event, r.now);
    };
    click(&mut r, 4, 5);
    assert!(r.text().contains("ETH/USD 1h"), "second row of the watchlist");
    click(&mut r, 16, 1);
    assert_eq!(r.app.view.screen, Screen::Market);
    let wheel =
        Event::Mouse(MouseEvent { kind: MouseEventKind::ScrollDown, column: 4, row: 6, modifiers: KeyModifiers::NONE });
    r.now.mono += 100.0;
    r.app.input(&wheel, r.now);
    r.app.input(&wheel, r.now);
    assert!(r.text().contains("SOL/USD 1h"), "one step: the second event came too soon");
}

#[test]
fn a_changed_price_flashes_once_and_fades() {
    let mut r = running();
    let mut s = fixture::running();
    s.pairs[1].last = Some(fixture::price(3_500.0));
    r.app.take_snapshot(Arc::new(s.clone()), r.now);
    assert_eq!(r.app.view.flashes.len(), 1);
    assert!(r.app.deadline(r.now) <= r.now.mono + 400.0);
    r.now.mono += 400.0;
    r.app.tick(r.now);
    assert!(r.app.view.flashes.is_empty());
    s.pairs[1].last = Some(fixture::price(3_501.0));
    r.app.take_snapshot(Arc::new(s), r.now);
    assert!(r.app.view.flashes.is_empty(), "at most once a second");
}

#[test]
fn local_time_changes_the_display_only() {
    let mut r = running();
    assert!(r.text().contains("14:05:09Z"));
    r.keys("T");
    assert!(r.text().contains("16:05:09 +02"), "{}", r.text());
    r.keys("f");
    assert!(r.text().contains("FROZEN 16:05:09"));
}
