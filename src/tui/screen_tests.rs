//! What the screens look like, cell for cell, at three sizes; and that no size and no picture makes drawing fail.

use std::sync::Arc;

use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::draw::draw;
use super::fixture;
use super::options::{ColorDepth, ColorScheme};
use super::panes::PaneId;
use super::screens::{SCREENS, Screen};
use super::theme::{Role, Theme};
use super::view::ViewState;
use crate::domain::snapshot::{Snapshot, SystemState};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn theme() -> Theme {
    Theme::new(ColorScheme::Western, ColorDepth::TrueColor, false)
}

fn view(screen: Screen) -> ViewState {
    ViewState { screen, logs: fixture::logs(), ..ViewState::default() }
}

fn paint(s: &Snapshot, view: &ViewState, theme: &Theme, (w, h): (u16, u16)) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, w, h));
    draw(&mut buf, s, view, theme, fixture::wall());
    buf
}

fn lines(buf: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buf.area.height {
        let row: String = (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect();
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

fn check(name: &str, s: &Snapshot, view: &ViewState, size: (u16, u16)) {
    let text = lines(&paint(s, view, &theme(), size));
    insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
}

#[test]
fn every_screen_at_three_sizes() {
    let s = fixture::running();
    for spec in &SCREENS {
        for size in SIZES {
            check(&spec.name.to_lowercase(), &s, &view(spec.screen), size);
        }
    }
}

/// Every place of an indicator, and every look of a line.
const MANY: [&str; 8] =
    ["EMA 50", "EMA 200", "Bollinger 20 2", "Supertrend 10 3", "RSI 14", "MACD 12 26 9", "ADX 14", "OBV"];

#[test]
fn a_chart_full_of_indicators() {
    let s = fixture::running();
    let mut many = view(Screen::Market);
    many.focus.insert(Screen::Market, PaneId::Chart);
    many.chart.chosen = MANY.to_vec();
    for size in SIZES {
        check("market_indicators", &s, &many, size);
        many.zoomed = true;
        check("market_zoomed", &s, &many, size);
        many.zoomed = false;
    }
    many.zoomed = true;
    many.chart.columns = 3;
    many.chart.step = 15 * crate::domain::time::MINUTE_MS;
    check("market_wide_candles", &s, &many, (120, 40));
    let ascii = Theme::new(ColorScheme::Western, ColorDepth::None, true);
    let text = lines(&paint(&s, &many, &ascii, (120, 40)));
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("ascii_market_120x40", text);
    let mono = Theme::new(ColorScheme::Mono, ColorDepth::TrueColor, false);
    let text = lines(&paint(&s, &many, &mono, (120, 40)));
    assert!(text.contains('║') && text.contains('┃'), "rising candles are hollow: {text}");
    many.overlay = Some(super::overlays::Overlay::Indicators(super::overlays::chooser::Chooser {
        query: "average".into(),
        at: 3,
        chosen: MANY.to_vec(),
    }));
    check("overlay_indicators", &s, &many, (80, 24));
}

#[test]
fn the_trace_of_a_blocked_and_of_a_passed_decision() {
    let s = fixture::running();
    for (name, key) in [("trace_blocked", "D1-5"), ("trace_passed", "D1-10")] {
        let mut view = view(Screen::Decisions);
        view.detail = true;
        view.focus.insert(Screen::Decisions, PaneId::Trace);
        view.panes.entry(PaneId::Decisions).or_default().key = Some(key.to_owned());
        check(name, &s, &view, (80, 24));
        view.zoomed = true;
        check(name, &s, &view, (120, 40));
    }
}

#[test]
fn other_states_of_the_system() {
    check("halted", &fixture::halted(), &view(Screen::Overview), (80, 24));
    check("ended_decisions", &fixture::ended_without_trades(), &view(Screen::Decisions), (120, 40));
    check("ended", &fixture::ended_without_trades(), &view(Screen::Overview), (80, 24));
    for spec in &SCREENS {
        let name = format!("training_{}", spec.name.to_lowercase());
        check(&name, &fixture::training(), &ViewState { screen: spec.screen, ..ViewState::default() }, (80, 24));
    }
    let mut shadow = view(Screen::Orders);
    shadow.account = Some(crate::domain::account::AccountId::Shadow);
    check("orders_shadow", &fixture::running(), &shadow, (80, 24));
}

#[test]
fn overlays_stand_above_the_screen() {
    use super::overlays::dialog::{Confirm, HaltChoice, Then, Typed};
    use super::overlays::{Guarded, Overlay, help::Help};
    let effects =
        ["No new entry.", "Also cancels 0 working entry orders.", "Also sells 2 positions."].map(str::to_owned);
    let confirm = Confirm {
        title: "Pause all agents".into(),
        text: "Pause all 8 agents (PAPER account)? Nothing new is analysed or decided until P resumes them.".into(),
        verb: "Pause all".into(),
        then: Then::Leave,
        chosen: false,
        opened: 0.0,
    };
    let typed = Typed {
        title: "Resume trading".into(),
        text: "Allow new entries again on the PAPER account?".into(),
        word: "RESUME",
        typed: "RES".into(),
        guarded: Guarded::resume_trading(),
        opened: 0.0,
    };
    for (name, overlay) in [
        ("overlay_help", Overlay::Help(Help::default())),
        ("overlay_search", Overlay::Help(Help { query: "replay".into(), ..Help::default() })),
        ("overlay_confirm", Overlay::Confirm(confirm)),
        ("overlay_halt", Overlay::Halt(HaltChoice { choice: 1, effects, opened: 0.0 })),
        ("overlay_typed", Overlay::Typed(typed)),
    ] {
        let mut view = view(Screen::Overview);
        view.overlay = Some(overlay);
        check(name, &fixture::running(), &view, (80, 24));
        for (w, h) in [(60, 16), (61, 17), (250, 80)] {
            paint(&fixture::running(), &view, &theme(), (w, h));
        }
    }
}

#[test]
fn when_nothing_passed_every_size_says_why() {
    let s = fixture::ended_without_trades();
    for screen in [Screen::Overview, Screen::Decisions] {
        for size in SIZES {
            let text = lines(&paint(&s, &view(screen), &theme(), size));
            assert!(text.contains("0 of 1,204") && text.contains("fees"), "{text}");
        }
    }
}

#[test]
fn plain_glyphs_and_no_colour() {
    let s = fixture::running();
    for (name, theme) in [
        ("ascii_overview", Theme::new(ColorScheme::Western, ColorDepth::TrueColor, true)),
        ("mono_overview", Theme::new(ColorScheme::Mono, ColorDepth::TrueColor, false)),
    ] {
        for size in SIZES {
            let buf = paint(&s, &view(Screen::Overview), &theme, size);
            let text = lines(&buf);
            if name.starts_with("ascii") {
                assert!(text.is_ascii(), "{text}");
            } else {
                assert!(buf.content.iter().all(|c| c.style().fg == ratatui::buffer::Cell::default().style().fg));
            }
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
        }
    }
    for spec in &SCREENS {
        let ascii = Theme::new(ColorScheme::Western, ColorDepth::None, true);
        for s in [fixture::running(), fixture::training(), fixture::halted(), fixture::ended_without_trades()] {
            let text = lines(&paint(&s, &view(spec.screen), &ascii, (200, 60)));
            assert!(text.is_ascii() && !text.replace("? help", "").contains('?'), "{text}");
        }
    }
}

/// Position of the first occurrence of `needle`.
fn find(buf: &Buffer, needle: &str) -> (u16, u16) {
    for y in 0..buf.area.height {
        let row: Vec<&str> = (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect();
        for x in 0..row.len() {
            if row[x..].concat().starts_with(needle) {
                return (x as u16, y);
            }
        }
    }
    panic!("'{needle}' is not on screen:\n{}", lines(buf));
}

#[test]
fn up_and_down_wear_the_scheme() {
    let s = fixture::running();
    for scheme in [ColorScheme::Western, ColorScheme::Eastern, ColorScheme::Cvd] {
        let theme = Theme::new(scheme, ColorDepth::TrueColor, false);
        let mut view = view(Screen::Overview);
        view.focus.insert(Screen::Overview, PaneId::Decisions);
        let buf = paint(&s, &view, &theme, (80, 24));
        assert_eq!(buf[find(&buf, "▲+1.24")].style().fg, theme.style(Role::Up).fg, "{scheme:?}");
        assert_eq!(buf[find(&buf, "▼-2.31")].style().fg, theme.style(Role::Down).fg, "{scheme:?}");
        assert_eq!(buf[find(&buf, "+612.18")].style().fg, theme.style(Role::Up).fg, "{scheme:?}");
    }
}

#[test]
fn a_halt_cannot_be_overlooked() {
    let theme = theme();
    for screen in &SCREENS {
        let buf = paint(&fixture::halted(), &view(screen.screen), &theme, (80, 24));
        assert!(lines(&buf).lines().nth(1).is_some_and(|l| l.contains("HALTED") && l.contains("U resumes")));
        for x in 0..80 {
            let style = buf[(x, 1)].style();
            assert!(style.add_modifier.contains(Modifier::REVERSED | Modifier::BOLD), "{x}");
            assert_eq!(style.fg, theme.style(Role::Halted).fg);
        }
    }
    let small = paint(&fixture::halted(), &view(Screen::Overview), &theme, (40, 5));
    assert!(lines(&small).contains("HALTED · needs 60×16"));
}

#[test]
fn focus_shows_without_colour() {
    let mono = Theme::new(ColorScheme::Mono, ColorDepth::None, false);
    let buf = paint(&fixture::running(), &view(Screen::Overview), &mono, (80, 24));
    let title = find(&buf, "Watchlist");
    assert!(buf[title].style().add_modifier.contains(Modifier::BOLD));
    assert_eq!(buf[(0, 2)].symbol(), "┏");
    let other = find(&buf, "Decisions");
    assert!(!buf[other].style().add_modifier.contains(Modifier::BOLD));
}

#[test]
fn a_frozen_screen_says_so_and_stays() {
    let mut view = view(Screen::Overview);
    view.frozen = Some((fixture::wall(), Arc::new(fixture::running())));
    let mut later = fixture::running();
    later.pairs[0].last = Some(fixture::price(70_000.0));
    later.state = SystemState::Held;
    let text = lines(&paint(&later, &view, &theme(), (120, 40)));
    assert!(text.contains("FROZEN 14:05:09") && text.contains("64,812.4") && !text.contains("70,000.0"));
    assert!(text.contains("HELD"), "the header stays live");
}

#[test]
fn an_old_picture_is_called_stale() {
    let s = fixture::running();
    let at = |ms: i64| {
        let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
        draw(&mut buf, &s, &view(Screen::Overview), &theme(), s.wall.plus(ms));
        lines(&buf).lines().next().unwrap_or_default().to_owned()
    };
    assert!(!at(500).contains("late") && !at(500).contains("stale"));
    assert!(at(5_000).contains("late 5.0s"));
    assert!(at(60_000).contains("stale 1m"));
}

#[test]
fn a_price_is_shown_whole_or_not_at_all() {
    // At the narrowest width a price that does not fit is filled, never shortened.
    let mut s = fixture::running();
    s.pairs[0].last = Some(fixture::price(123_456_789_012.5));
    let text = lines(&paint(&s, &view(Screen::Overview), &theme(), (60, 16)));
    assert!(text.contains("123,456,789,012.5") || text.contains("####"), "{text}");
}

/// Pictures between nothing and everything.
fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let states = prop::sample::select(vec![
        SystemState::Starting,
        SystemState::Training,
        SystemState::WarmingUp,
        SystemState::Running,
        SystemState::Paused,
        SystemState::Held,
        SystemState::Halted,
        SystemState::Ended,
        SystemState::Stopping,
        SystemState::Failed,
    ]);
    let odd = prop::sample::select(vec![0.0, -1.0, 1.0, 1e300, -1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    (states, any::<u32>(), odd, "\\PC{0,40}").prop_map(|(state, mask, odd, text)| {
        let mut s = fixture::running();
        s.state = state;
        let on = |bit: u32| mask & (1 << bit) != 0;
        if on(0) {
            s.pairs.clear();
        }
        if on(1) {
            s.main = None;
        }
        if on(2) {
            s.shadow = None;
        }
        if on(3) {
            s.decisions = Arc::default();
        }
        if on(4) {
            s.agents.truncate(mask as usize % 8);
        }
        if on(5) {
            s.note = Some(text.clone());
            s.alerts.iter_mut().for_each(|a| a.text.clone_from(&text));
            s.source.label.clone_from(&text);
        }
        if on(6) {
            s.pairs.iter_mut().for_each(|p| {
                p.change_24h = Some(odd);
                p.bars = Arc::new(p.bars.iter().take(mask as usize % 4).cloned().collect());
                p.source_bars = Arc::new(p.source_bars.iter().skip(mask as usize % 300).cloned().collect());
                p.last = None;
            });
            s.limits.iter_mut().for_each(|l| l.value = odd);
            s.models.iter_mut().for_each(|m| m.reliability = vec![(odd, odd, 3)]);
            s.health_score = odd;
            s.components.iter_mut().for_each(|c| c.score = odd);
            s.agents.iter_mut().for_each(|a| a.p95_ms = Some(odd));
        }
        if let (true, Some(a)) = (on(7), s.main.as_mut()) {
            a.exposure = odd;
            a.drawdown = odd;
            a.equity_curve = Arc::new(a.equity_curve.iter().take(mask as usize % 3).cloned().collect());
            a.marks.clear();
        }
        if on(8) {
            s.at.0 = if odd > 0.0 { i64::MAX } else { i64::MIN };
            s.wall.0 = i64::MIN;
        }
        if on(9) {
            s.decisions = Arc::new((0..60).flat_map(|_| s.decisions.iter().cloned()).collect());
            s.speed = Some(crate::domain::command::Speed::Times(odd));
        }
        s
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_size_and_no_picture_breaks_a_frame(
        s in any_snapshot(),
        w in 0_u16..=250,
        h in 0_u16..=80,
        screen in 0_usize..9,
        zoomed in any::<bool>(),
        detail in any::<bool>(),
        ascii in any::<bool>(),
        row in 0_usize..40,
        columns in 1_u16..=4,
        frame in 0_usize..7,
        cursor in prop::option::of(0_i64..400),
    ) {
        let mut view = view(SCREENS[screen].screen);
        view.zoomed = zoomed;
        view.detail = detail;
        for id in [PaneId::Trace, PaneId::Decisions, PaneId::Readings, PaneId::AgentDetail] {
            let state = view.panes.entry(id).or_default();
            state.index = row;
            state.key = Some("gone".into());
        }
        view.chart.columns = columns;
        view.chart.step = super::indicators::FRAMES[frame].1;
        view.chart.chosen = MANY.iter().take(row % 9).copied().collect();
        let bar = cursor.map(|back| fixture::running().at.plus(-back * crate::domain::time::HOUR_MS));
        view.panes.entry(PaneId::Chart).or_default().key = bar.map(|at| at.0.to_string());
        let theme = Theme::new(ColorScheme::Western, ColorDepth::Ansi16, ascii);
        let buf = paint(&s, &view, &theme, (w, h));
        prop_assert!(!lines(&buf).contains("NaN") && !lines(&buf).contains("inf "));
        if ascii {
            prop_assert!(lines(&buf).is_ascii());
        }
    }
}
