//! What the chart shows and how keys and clicks change it.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::{App, Now};
use super::draw::draw;
use super::fixture;
use super::options::{ColorDepth, ColorScheme, UiOptions};
use super::overlays::Overlay;
use super::panes::PaneId;
use super::screens::Screen;
use super::theme::{Role, Theme};
use crate::domain::market::Candle;
use crate::domain::snapshot::Snapshot;
use crate::domain::time::{HOUR_MS, MINUTE_MS};

struct Rig {
    app: App,
    now: Now,
    size: (u16, u16),
}

fn rig_of(s: Snapshot, size: (u16, u16)) -> Rig {
    let options = UiOptions { colors: ColorScheme::Western, local_zone: false, ..UiOptions::detect(|_| None) };
    let mut app = App::new(options, false, TimeZone::UTC, Rect::new(0, 0, size.0, size.1));
    app.theme = Theme::new(ColorScheme::Western, ColorDepth::TrueColor, false);
    let now = Now { wall: fixture::wall(), mono: 1_000.0 };
    app.take_snapshot(Arc::new(s), now);
    let mut rig = Rig { app, now, size };
    rig.keys("2");
    rig.app.view.focus.insert(Screen::Market, PaneId::Chart);
    rig
}

fn rig() -> Rig {
    rig_of(fixture::running(), (120, 40))
}

impl Rig {
    fn press(&mut self, code: KeyCode) {
        self.now.mono += 400.0;
        let sent = self.app.input(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)), self.now);
        assert!(sent.is_none(), "the chart only shows");
    }

    fn keys(&mut self, keys: &str) {
        keys.chars().for_each(|c| self.press(KeyCode::Char(c)));
    }

    fn buffer(&self) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        draw(&mut buf, &self.app.snapshot, &self.app.view, &self.app.theme, self.now.wall);
        buf
    }

    fn text(&self) -> String {
        let buf = self.buffer();
        let row = |y| (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect::<String>() + "\n";
        (0..buf.area.height).map(row).collect()
    }

    /// How many candles are on screen.
    fn candles(&self) -> usize {
        let buf = self.buffer();
        let candle = |x, y| matches!(buf[(x, y)].symbol(), "┃" | "╽" | "╿" | "╻" | "╹");
        let inside = 37..self.size.0 - 13;
        inside.filter(|x| (4..16).any(|y| candle(*x, y))).count()
    }
}

#[test]
fn brackets_step_through_the_bars_that_the_pair_has() {
    let mut r = rig();
    for expected in ["30m", "15m", "5m", "5m"] {
        r.keys("[");
        assert!(r.text().contains(&format!("BTC/USD {expected}  ")), "{expected}");
    }
    for expected in ["15m", "30m", "1h", "4h", "12h", "1d", "1d"] {
        r.keys("]");
        assert!(r.text().contains(&format!("BTC/USD {expected}  ")), "{expected}");
    }
    let mut s = fixture::running();
    s.pairs[0].source_bars = Arc::default();
    let mut r = rig_of(s, (120, 40));
    r.keys("[[");
    assert!(r.text().contains("BTC/USD 1h  "), "nothing shorter is there");
    r.keys("n[");
    assert!(r.text().contains("ETH/USD 30m  "));
    r.keys("N");
    assert!(r.text().contains("BTC/USD 1h  "), "the next longer one that it has");
}

#[test]
fn zoom_shows_fewer_bars_wider_apart_of_the_same_length() {
    let mut r = rig();
    let all = r.candles();
    r.keys("+");
    let wider = r.candles();
    assert!(wider * 2 <= all + 2 && wider * 2 + 2 >= all, "{all} {wider}");
    assert!(r.text().contains("BTC/USD 1h  "));
    r.keys("=======");
    assert_eq!(r.app.view.chart.columns, 4);
    r.keys("--------");
    assert_eq!((r.candles(), r.app.view.chart.columns), (all, 1));
}

#[test]
fn indicators_are_found_by_typing_and_taken_with_space() {
    let mut r = rig();
    assert!(r.text().contains("EMA 50 ") && !r.text().contains("Bollinger"));
    r.keys("i");
    assert!(matches!(r.app.view.overlay, Some(Overlay::Indicators(_))));
    r.keys("boll ");
    assert!(r.text().contains("[x] Bollinger 20 2"));
    r.press(KeyCode::Enter);
    assert!(r.app.view.overlay.is_none());
    assert!(r.text().contains("Bollinger 20 2 6"), "its values stand in the legend");
    r.keys("iq!");
    assert!(matches!(r.app.view.overlay, Some(Overlay::Halt(_))), "a halt is never out of reach");
    r.press(KeyCode::Esc);
    r.keys("irsi 1");
    r.press(KeyCode::Esc);
    assert!(!r.app.view.chart.chosen.contains(&"RSI 14"), "space left it");
    r.keys("izzz");
    assert!(r.text().contains("no indicator matches 'zzz'"));
    r.press(KeyCode::Esc);
    r.keys("3i");
    assert!(r.app.view.overlay.is_none(), "no chart on this screen");
    r.keys("2");
    assert!(r.text().contains("Bollinger"), "kept for the session");
}

#[test]
fn the_cursor_reads_the_bars_and_esc_returns_to_the_newest() {
    let mut r = rig();
    let bar = |back: usize| -> Candle { fixture::running().pairs[0].bars.iter().rev().nth(back).cloned().unwrap() };
    let close = |back: usize| format!("C {}", super::format::decimal(bar(back).close.get(), 1));
    assert!(r.text().contains(&close(0)));
    r.keys("jj");
    assert!(r.text().contains(&close(2)) && r.text().contains(" 07-17 11:00 "), "{}", r.text());
    r.keys("k");
    assert!(r.text().contains(&close(1)));
    r.keys("G");
    assert!(r.text().contains(&close(239)), "the oldest comes into sight");
    r.press(KeyCode::Esc);
    assert!(r.text().contains(&close(0)) && r.app.view.pane(PaneId::Chart).key.is_none());
    r.keys("jk");
    assert!(r.app.view.pane(PaneId::Chart).key.is_none(), "the newest needs no cursor");
}

#[test]
fn a_click_puts_the_cursor_on_the_bar_under_it() {
    let mut r = rig();
    let (column, row) = (37 + 5, 10);
    let kind = MouseEventKind::Down(MouseButton::Left);
    r.app.input(&Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }), r.now);
    let buf = r.buffer();
    let line: String = (37..119).map(|x| buf[(x, 10)].symbol()).collect();
    assert!(r.app.view.pane(PaneId::Chart).key.is_some());
    let lit = (4..14).filter(|y| buf[(column, *y)].symbol() == "│").count();
    assert!(lit > 3, "{line}");
}

#[test]
fn a_running_bar_and_a_hole_are_marked() {
    let mut s = fixture::running();
    let pair = &mut s.pairs[0];
    let mut bars = pair.bars.as_ref().clone();
    bars.drain(225..228);
    pair.bars = Arc::new(bars);
    let newest = pair.source_bars.last().cloned().unwrap();
    let running = (1..=3).map(|k| Candle { open_time: newest.open_time.plus(k * 5 * MINUTE_MS), ..newest.clone() });
    pair.source_bars = Arc::new(pair.source_bars.iter().cloned().chain(running).collect());
    let r = rig_of(s, (120, 40));
    let text = r.text();
    assert!(text.contains("◐ 15m of 1h") && text.contains("× 3 of 241 bars missing") && text.contains("×××"), "{text}");
    assert!(text.contains("EMA 50 ···"), "12 bars after the hole fill no 50: {text}");
}

#[test]
fn flow_says_what_was_traded_or_why_nothing_is_known() {
    let mut r = rig();
    let text = r.text();
    for words in ["Flow BTC/USD  trades and book", "buy     31.2  sell 18.8  n 412", "VPIN    .34", "+.62", "-.08"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("age     0.4s  bar since 13:55"), "{text}");
    r.keys("n");
    assert!(r.text().contains("no order flow yet"));
    let mut s = fixture::running();
    s.flow = Arc::default();
    s.flow_absent = Some("no order flow: the recording holds candles, no trades and no books".into());
    let r = rig_of(s, (120, 40));
    assert!(r.text().contains("no order flow: the recording"), "{}", r.text());
    let mut s = fixture::running();
    s.at = s.at.plus(30_000);
    assert!(rig_of(s, (120, 40)).text().contains("30s  stale"));
}

#[test]
fn hours_of_a_chosen_length_are_what_the_candles_were() {
    let s = fixture::running();
    let chart = super::indicators::Charted::of(&s.pairs[0], 4 * HOUR_MS, &[]);
    for slot in &chart.slots {
        let bar = slot.bar.unwrap();
        let hours: Vec<&Candle> =
            s.pairs[0].bars.iter().filter(|c| c.open_time.floor_to(4 * HOUR_MS) == slot.at).collect();
        assert_eq!(bar.open, hours.first().unwrap().open.to_f64());
        assert_eq!(bar.close, hours.last().unwrap().close.to_f64());
        assert_eq!(bar.high, hours.iter().map(|c| c.high.to_f64()).fold(0.0, f64::max));
    }
}

#[test]
fn candles_and_lines_wear_their_colours() {
    let r = rig();
    let (buf, theme) = (r.buffer(), &r.app.theme);
    let of = |role| theme.style(role).fg;
    let colours = |x: u16, y: u16| buf[(x, y)].style().fg;
    let mut seen = Vec::new();
    for y in 4..16 {
        for x in 37..107 {
            if matches!(buf[(x, y)].symbol(), "┃" | "╽" | "╿") {
                assert!([of(Role::Up), of(Role::Down)].contains(&colours(x, y)));
            }
            seen.push(colours(x, y));
        }
    }
    assert!(seen.contains(&of(Role::Line1)), "EMA 50 is drawn in its colour");
}

#[test]
fn where_room_is_short_tab_goes_through_the_panes_that_share_a_place() {
    let mut r = rig_of(fixture::running(), (80, 24));
    assert!(r.text().contains("What the agents say"));
    r.press(KeyCode::Tab);
    assert!(r.text().contains("┏━ What the agents say"));
    r.press(KeyCode::Tab);
    assert!(r.text().contains("┏━ Flow BTC/USD") && r.text().contains("tab 2/4"));
    r.press(KeyCode::Tab);
    assert!(r.text().contains("┏━ Data quality") && r.text().contains("BECAUSE"));
    r.press(KeyCode::Tab);
    assert!(r.text().contains("┏━ Watchlist"));
    r.press(KeyCode::Tab);
    assert!(r.text().contains("┏━ BTC/USD") && r.text().contains("┌─ Watchlist"), "it stays in sight");
    r.press(KeyCode::BackTab);
    assert!(r.text().contains("┏━ Watchlist"));
}
