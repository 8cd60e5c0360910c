//! One frame: a pure function of the picture, the view, the theme and the time.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::header;
use super::keymap::{BINDINGS, Context};
use super::paint::{Ink, Pen};
use super::panes::{Cx, PaneId, pane};
use super::screens::{self, LEAST, Size, places};
use super::theme::{Role, Theme};
use super::view::{ToastKind, ViewState};
use crate::domain::alert::Severity;
use crate::domain::snapshot::{Mode, Snapshot, SystemState};
use crate::domain::time::UtcMs;

/// Where everything stands in an area.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    pub header: Rect,
    pub tabs: Rect,
    pub banner: Option<Rect>,
    pub panes: Vec<(PaneId, Rect)>,
    pub toast: Rect,
    pub hints: Rect,
}

/// The picture that the panes show: the frozen one, if one is.
#[must_use]
pub fn shown<'a>(snapshot: &'a Snapshot, view: &'a ViewState) -> &'a Snapshot {
    view.frozen.as_ref().map_or(snapshot, |(_, s)| s)
}

/// What stands where; `None` when the area is too small for anything.
#[must_use]
pub fn regions(area: Rect, snapshot: &Snapshot, view: &ViewState, now: UtcMs) -> Option<Regions> {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return None;
    }
    let row = |y: u16| Rect { y: area.y + y, height: 1, ..area };
    let size = Size::of(area.width, area.height);
    let cx = Cx { s: snapshot, view, now, size, focus: None };
    let banner = header::banner(&cx, area.width).map(|_| row(2));
    let top = 2 + u16::from(banner.is_some());
    let body = Rect { y: area.y + top, height: area.height - top - 2, ..area };
    Some(Regions {
        header: row(0),
        tabs: row(1),
        banner,
        panes: places(body, size, view),
        toast: row(area.height - 2),
        hints: row(area.height - 1),
    })
}

/// Draws the whole console into `buf`.
pub fn draw(buf: &mut Buffer, snapshot: &Snapshot, view: &ViewState, theme: &Theme, now: UtcMs) {
    let area = buf.area;
    let mut pen = Pen::new(buf, area, theme);
    let Some(regions) = regions(area, snapshot, view, now) else {
        too_small(&mut pen, snapshot);
        return;
    };
    let focus = view.focus_among(&regions.panes);
    let size = Size::of(area.width, area.height);
    let live = Cx { s: snapshot, view, now, size, focus };
    header::draw(&mut pen.part(regions.header), &live);
    header::draw_tabs(&mut pen.part(regions.tabs), &live);
    if let (Some(place), Some(ink)) = (regions.banner, header::banner(&live, area.width)) {
        pen.part(place).ink(0, 0, ink);
    }
    let cx = Cx { s: shown(snapshot, view), ..live };
    for (id, place) in &regions.panes {
        draw_pane(&mut pen.part(*place), &cx, *id);
    }
    toast(&mut pen.part(regions.toast), &live);
    hints(&mut pen.part(regions.hints), &live);
    if let Some(overlay) = &view.overlay {
        overlay.draw(&mut pen);
    }
}

fn draw_pane(pen: &mut Pen<'_>, cx: &Cx<'_>, id: PaneId) {
    let Some(pane) = pane(id) else { return };
    let focused = cx.focus == Some(id);
    let mut title = pane.title(cx);
    if let Some((since, _)) = &cx.view.frozen {
        title = format!("{title}  FROZEN {}", cx.zone().clock(*since));
    }
    let mut footer = pane.footer(cx);
    if !cx.view.zoomed
        && screens::shares(id, cx.size, cx.view.screen)
        && let Some(i) = screens::SHARING.iter().position(|s| *s == id)
    {
        footer = format!("tab {}/{}  {footer}", i + 1, screens::SHARING.len());
    }
    let mut inside = pen.frame(&title, footer.trim(), focused);
    if inside.width() > 0 && inside.height() > 0 {
        pane.draw(&mut inside, cx);
    }
}

fn too_small(pen: &mut Pen<'_>, snapshot: &Snapshot) {
    let halted = if snapshot.state == SystemState::Halted { "HALTED · " } else { "" };
    let live = if snapshot.mode == Mode::Live { "LIVE · " } else { "" };
    let text = format!("{live}{halted}needs {}×{}", LEAST.0, LEAST.1);
    let x = pen.width().saturating_sub(text.width() as u16) / 2;
    let y = pen.height() / 2;
    pen.ink(x, y, Ink::of(text, Role::Strong));
}

/// The line above the hints: a filter being written, a command on its way, or the latest toast.
fn toast(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    if let Some(edit) = &cx.view.edit {
        let ink = Ink::of(" / ", Role::Key).add(edit.text.clone(), Role::Text).add("_", Role::Muted);
        let error = edit.error.as_ref().map(|e| format!("  {e}; the filter before still holds")).unwrap_or_default();
        pen.ink(0, 0, ink.add(error, Role::Warn));
        return;
    }
    if let Some(late) = cx.view.waiting.iter().find(|w| w.overdue) {
        let text = format!(" {}… no answer for more than 3 s", late.command.describe());
        pen.ink(0, 0, Ink::of(text, Role::Warn));
        return;
    }
    if let Some(t) = &cx.view.toast {
        let (mark, role) = match t.kind {
            ToastKind::Success => ("✓", Role::Good),
            ToastKind::Info => ("·", Role::Text),
            ToastKind::Error => ("✗", Role::Danger),
        };
        let head = Ink::of(format!(" {mark} "), role).add(format!("{} ", cx.zone().clock(t.at)), Role::Muted);
        pen.ink(0, 0, head.add(t.text.clone(), if t.kind == ToastKind::Error { Role::Danger } else { Role::Text }));
        return;
    }
    if let Some(w) = cx.view.waiting.last() {
        pen.ink(0, 0, Ink::of(format!(" {}…", w.command.describe()), Role::Pending));
        return;
    }
    let worst = cx.s.open_alerts().max_by_key(|a| (a.severity, a.at, a.id));
    if let Some(a) = worst.filter(|a| a.severity > Severity::Info) {
        let role = if a.severity == Severity::Critical { Role::Danger } else { Role::Warn };
        let head = Ink::of(" ▲ ", role).add(format!("{} ", cx.zone().hour(a.at)), Role::Muted);
        let tail = " (a ack)";
        let room = (pen.width() as usize).saturating_sub(tail.len());
        pen.ink(0, 0, head.add(format!("{}: {}", a.source, a.text), Role::Text).clipped(room).add(tail, Role::Muted));
    }
}

/// The contexts in which a key is looked up now, innermost first.
#[must_use]
pub fn contexts(view: &ViewState, focus: Option<PaneId>) -> Vec<Context> {
    let mut out = vec![Context::Always];
    if view.edit.is_some() {
        out.push(Context::Filter);
    } else if let Some(overlay) = &view.overlay {
        out.push(overlay.context());
    } else {
        out.extend(focus.and_then(pane).and_then(|p| p.context()));
        out.push(Context::Global);
    }
    out
}

/// The last row: the keys that mean something now, whole or not at all.
fn hints(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    if let Some(prefix) = cx.view.prefix {
        pen.ink(
            1,
            0,
            Ink::of(prefix.to_string(), Role::Key).add(" … g first row, any other key stands for itself", Role::Muted),
        );
        return;
    }
    let order = contexts(cx.view, cx.focus);
    let rows = order.iter().flat_map(|c| BINDINGS.iter().filter(move |b| b.context == *c));
    let inks =
        rows.filter_map(|b| b.hint).map(|(keys, word)| Ink::of(keys, Role::Key).add(format!(" {word}"), Role::Muted));
    let quiet = if cx.view.read_only { Some(Ink::of("READ ONLY", Role::Warn)) } else { None };
    pen.segments(1, 0, quiet.into_iter().chain(inks));
}
