//! The first rows: what the system is, how fresh its data are, and the bar that no one overlooks while trading is halted.

use super::format;
use super::paint::{Ink, Pen};
use super::panes::Cx;
use super::screens::{SCREENS, Screen};
use super::theme::Role;
use super::view::Leaving;
use super::widgets::bars;
use crate::domain::alert::Severity;
use crate::domain::command::Speed;
use crate::domain::snapshot::{Mode, SystemState};

/// A piece of the header, in full and in short; the highest priority number leaves first.
struct Piece {
    ink: Ink,
    short: Ink,
    priority: u8,
}

fn piece(ink: Ink, priority: u8) -> Piece {
    Piece { short: ink.clone(), ink, priority }
}

fn piece_or(ink: Ink, short: Ink, priority: u8) -> Piece {
    Piece { ink, short, priority }
}

/// How old the picture is: quiet, late or stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    Late,
    Stale,
    /// Nothing is expected to arrive.
    AtRest,
}

/// Grades the age of the picture against the pace at which bars should come.
#[must_use]
pub fn freshness(cx: &Cx<'_>) -> Freshness {
    if !matches!(cx.s.state, SystemState::Running | SystemState::WarmingUp | SystemState::Halted) {
        return Freshness::AtRest;
    }
    let interval = cx.s.pairs.iter().map(|p| p.interval.ms()).min().unwrap_or(0) as f64;
    let expected = match cx.s.speed {
        Some(Speed::Times(x)) if x > 0.0 => interval / x,
        Some(Speed::Max) => 0.0,
        _ => interval,
    };
    let age = cx.now.since(cx.s.wall) as f64;
    if age > 10_000.0 + 2.0 * expected {
        Freshness::Stale
    } else if age > 3_000.0 + expected {
        Freshness::Late
    } else {
        Freshness::Fresh
    }
}

fn state(cx: &Cx<'_>) -> Piece {
    let role = match cx.s.state {
        SystemState::Running => Role::Good,
        SystemState::Starting | SystemState::Training | SystemState::WarmingUp | SystemState::Stopping => Role::Pending,
        SystemState::Paused | SystemState::Held | SystemState::Ended => Role::Warn,
        SystemState::Halted | SystemState::Failed => Role::Danger,
    };
    if cx.view.engine_gone {
        return piece(Ink::of("ENGINE STOPPED", Role::Danger), 0);
    }
    let text = cx.s.state.as_str();
    let short = if cx.s.state == SystemState::Running { "RUN" } else { text };
    piece_or(Ink::of(text, role), Ink::of(short, role), 0)
}

fn regime(cx: &Cx<'_>) -> Piece {
    let Some(pair) = cx.pair() else { return piece(Ink::new(), 2) };
    let base = pair.pair.base();
    match pair.regime.and_then(|r| r.z.map(|z| (r, z))) {
        Some((r, z)) => {
            let short = Ink::muted(format!("{base} ")).add(r.regime.as_str().to_uppercase(), Role::Strong);
            piece_or(short.clone().add(format!(" z {}", format::float(z, 1)), Role::Muted), short, 2)
        }
        None => piece_or(
            Ink::muted(format!("{base} regime {}", format::UNKNOWN)),
            Ink::muted(format!("{base} {}", format::UNKNOWN)),
            2,
        ),
    }
}

/// Zone behind a time: ` UTC` in full, `Z` in short; a local zone keeps its name.
fn zone(cx: &Cx<'_>, at: crate::domain::time::UtcMs) -> (String, String) {
    match cx.zone().name(at) {
        name if name == "UTC" => (" UTC".to_owned(), "Z".to_owned()),
        name => (format!(" {name}"), format!(" {name}")),
    }
}

fn data_time(cx: &Cx<'_>) -> Vec<Piece> {
    if cx.s.at.0 == 0 {
        return vec![piece(Ink::muted("no data yet"), 0)];
    }
    let (long_zone, short_zone) = zone(cx, cx.s.at);
    let age = format::age(cx.now.since(cx.s.wall));
    let grade = freshness(cx);
    let role = if grade == Freshness::Stale { Role::Stale } else { Role::Strong };
    // In short the kind of source stands in front of the time of its data, and needs no piece of its own.
    let kind = if cx.s.source.kind.is_empty() { "data".to_owned() } else { cx.s.source.kind.to_uppercase() };
    let data = piece_or(
        Ink::muted("data ").add(format!("{}{long_zone}", cx.zone().minute(cx.s.at)), role),
        Ink::of(format!("{kind} "), Role::Strong).add(format!("{}{short_zone}", cx.zone().short(cx.s.at)), role),
        0,
    );
    let age = match grade {
        Freshness::Fresh => Ink::of("●", Role::Good).add(format!(" {age}"), Role::Text),
        Freshness::AtRest => Ink::of("○", Role::Muted).add(format!(" {age}"), Role::Muted),
        Freshness::Late => Ink::of(format!("late {age}"), Role::Warn),
        Freshness::Stale => Ink::of(format!("stale {age}"), Role::Danger),
    };
    let urgent = matches!(grade, Freshness::Late | Freshness::Stale);
    vec![data, piece(age, if urgent { 0 } else { 3 })]
}

/// `300x`, or `max`.
fn pace(speed: Speed) -> String {
    match speed {
        Speed::Times(x) if !x.is_finite() => format::UNKNOWN.to_owned(),
        speed => speed.to_string(),
    }
}

fn source(cx: &Cx<'_>) -> Piece {
    // The dates of the recording stand on Health; here its name is enough.
    let label = cx.s.source.label.split(|c: char| c.is_ascii_digit()).next().unwrap_or("").trim();
    let label = label.strip_prefix(cx.s.source.kind.as_str()).unwrap_or(label).trim();
    let kind = Ink::of(cx.s.source.kind.to_uppercase(), Role::Strong);
    let short = kind.clone();
    piece_or(kind.add(format!(" {label}"), Role::Muted), if cx.s.at.0 == 0 { short } else { Ink::new() }, 8)
}

/// Only what is wrong with the link: an exchange that is not online, pairs that it can't vouch for.
fn link(cx: &Cx<'_>) -> Option<Piece> {
    let link = cx.s.link.as_ref()?;
    let doubtful = link.doubtful().count();
    let system = (link.system != "online" && !link.system.is_empty()).then(|| link.system.replace('_', " "));
    let doubt = (doubtful > 0).then(|| format!("{doubtful} of {} not proven", link.pairs.len()));
    let text = [system, doubt].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let short = Ink::of("link!", Role::Warn);
    (!text.is_empty()).then(|| piece_or(Ink::of(format!("link {text}"), Role::Warn), short, 1))
}

fn left(cx: &Cx<'_>) -> Vec<Piece> {
    let badge = if cx.s.mode == Mode::Live { Role::Live } else { Role::Paper };
    let mode = cx.s.mode.as_str();
    let mut out = vec![
        piece_or(
            Ink::of(" CST ", Role::Muted).add(format!(" {mode} "), badge),
            Ink::of(" CST ", Role::Muted).add(mode, badge),
            0,
        ),
        state(cx),
        regime(cx),
    ];
    if !cx.s.source.kind.is_empty() {
        out.push(source(cx));
    }
    out.extend(data_time(cx));
    out.extend(link(cx));
    if let Some(speed) = cx.s.speed {
        let short = Ink::text(pace(speed));
        out.push(piece_or(Ink::muted("speed ").join(short.clone()), short, 6));
    }
    if !cx.s.components.is_empty() {
        out.push(piece(Ink::muted("health ").add(format::prob(cx.s.health_score), Role::Text), 9));
    }
    let lost = cx.s.lost + cx.view.missed;
    let role = if lost > 0 { Role::Danger } else { Role::Muted };
    out.push(piece(Ink::of(format!("lost {}", format::count(lost)), role), if lost > 0 { 1 } else { 7 }));
    out
}

fn right(cx: &Cx<'_>) -> Vec<Piece> {
    let open = cx.s.open_alerts().count();
    let mut out = Vec::new();
    match cx.s.worst_alert() {
        None => out.push(piece(Ink::muted("no alerts"), 9)),
        Some(worst) => {
            let role = if worst == Severity::Critical { Role::Danger } else { Role::Warn };
            let many = if open == 1 { "" } else { "s" };
            out.push(piece_or(Ink::of(format!("▲{open} alert{many}"), role), Ink::of(format!("▲{open}"), role), 0));
        }
    }
    if let Some(main) = &cx.s.main {
        let tripped = cx.s.limits.iter().any(|l| l.tripped);
        let role = if tripped { Role::Danger } else { Role::Text };
        out.push(piece(Ink::muted("risk ").add(format::percent(main.exposure, 0), role), 5));
    }
    let (long, short) = zone(cx, cx.now);
    let clock = |zone| Ink::text(format!("{}{zone}", cx.zone().clock(cx.now)));
    out.push(piece_or(clock(long), clock(short), 2));
    out
}

/// Cells that the pieces take, with what stands between them.
fn total(left: &[Piece], right: &[Piece]) -> usize {
    let bars = 3 * left.len().saturating_sub(1);
    let gaps = 2 * right.len();
    left.iter().chain(right).map(|p| p.ink.width()).sum::<usize>() + bars + gaps
}

/// Row 1: pieces from the left with bars between, pieces at the right. When not all fit they first become short, then the least
/// important leave.
pub fn draw(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    let (mut left, mut right) = (left(cx), right(cx));
    left.retain(|p| !p.ink.is_empty());
    let theme = pen.theme();
    for p in left.iter_mut().chain(right.iter_mut()) {
        p.ink = std::mem::take(&mut p.ink).shown(theme);
        p.short = std::mem::take(&mut p.short).shown(theme);
    }
    let room = pen.width() as usize;
    if total(&left, &right) > room {
        left.iter_mut().chain(right.iter_mut()).for_each(|p| p.ink = std::mem::take(&mut p.short));
        left.retain(|p| !p.ink.is_empty());
    }
    while total(&left, &right) > room {
        let worst = left.iter().chain(&right).map(|p| p.priority).max().unwrap_or(0);
        if worst == 0 {
            break;
        }
        left.retain(|p| p.priority != worst);
        right.retain(|p| p.priority != worst);
    }
    let mut x = 0;
    for (i, p) in left.into_iter().enumerate() {
        if i > 0 {
            x = pen.ink(x, 0, Ink::of(" │ ", Role::Border));
        }
        x = pen.ink(x, 0, p.ink);
    }
    let width: usize = right.iter().map(|p| p.ink.width() + 2).sum();
    let mut x = pen.width().saturating_sub(width as u16).max(x);
    for p in right {
        x = pen.ink(x + 1, 0, p.ink) + 1;
    }
}

/// Tabs of row 2 with their columns.
#[must_use]
pub fn tabs(current: Screen, width: u16) -> Vec<(std::ops::Range<u16>, Screen, String)> {
    let mut x = 0;
    let mut out = Vec::new();
    for spec in &SCREENS {
        let name = if width < 100 { spec.short } else { spec.name };
        let text = match (spec.screen == current, width < 100) {
            (true, _) => format!("[{}]{name}", spec.key),
            (false, true) => format!(" {}{name}", spec.key),
            (false, false) => format!(" {} {name} ", spec.key),
        };
        let end = x + text.len() as u16;
        out.push((x..end, spec.screen, text));
        x = end;
    }
    out
}

/// Row 2: the tabs, or the bar that says that trading is halted.
pub fn draw_tabs(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    if cx.s.state == SystemState::Halted {
        let why = cx.s.note.as_ref().map(|n| format!(" · {n}")).unwrap_or_default();
        let text = format!(" HALTED: no new entries · U resumes trading{why}");
        let width = pen.width() as usize;
        pen.ink(0, 0, Ink::of(format!("{text:<width$}"), Role::Halted));
        pen.restyle(0, Role::Halted);
        return;
    }
    for (columns, screen, text) in tabs(cx.view.screen, pen.width()) {
        let role = if screen == cx.view.screen { Role::TitleFocus } else { Role::Muted };
        pen.ink(columns.start, 0, Ink::of(text, role));
    }
    let hint = "? help";
    let at = pen.width().saturating_sub(hint.len() as u16 + 1);
    if tabs(cx.view.screen, pen.width()).last().is_some_and(|(c, ..)| c.end < at) {
        pen.ink(at, 0, Ink::muted(hint));
    }
}

/// A row under the tabs while there is something to wait for or to do; `None` in the ordinary run.
#[must_use]
pub fn banner(cx: &Cx<'_>, width: u16) -> Option<Ink> {
    if let Leaving::Asked { .. } = cx.view.leaving {
        return Some(Ink::of(
            " Stopping in order: agents, journal, logs. Ctrl-C again within 2 s leaves at once.",
            Role::Warn,
        ));
    }
    if cx.view.engine_gone {
        return Some(Ink::of(" The engine has stopped; what you see is its last picture. q quits.", Role::Danger));
    }
    let note = cx.s.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
    match cx.s.state {
        SystemState::Training | SystemState::WarmingUp | SystemState::Starting => Some(progress(cx, width)),
        SystemState::Ended => Some(Ink::of(
            format!(" The recording has ended{note}. 4 shows every decision, 5 the result; q quits."),
            Role::Warn,
        )),
        SystemState::Failed => Some(Ink::of(format!(" FAILED{note}. 9 shows the log; q quits."), Role::Danger)),
        SystemState::Held => Some(Ink::of(" The replay is held; . continues it.", Role::Warn)),
        SystemState::Paused => Some(Ink::of(" All agents are paused; P resumes them.", Role::Warn)),
        SystemState::Stopping => Some(Ink::of(format!(" Stopping{note}"), Role::Warn)),
        SystemState::Running | SystemState::Halted => None,
    }
}

/// `Training 1h model ██████░░░░ 60% 3/5`
fn progress(cx: &Cx<'_>, width: u16) -> Ink {
    let Some(p) = &cx.s.progress else {
        let what = cx.s.note.clone().unwrap_or_else(|| "Starting".to_owned());
        return Ink::of(format!(" {what}…"), Role::Pending);
    };
    let share = if p.total > 0 { p.done as f64 / p.total as f64 } else { 0.0 };
    let cells = (width / 4).clamp(8, 40) as usize;
    let ink = Ink::of(format!(" {} ", p.label), Role::Pending).add(bars::gauge(share, cells), Role::Good);
    let figures = if p.total > 0 {
        format!(" {}  {}/{}", format::percent(share.min(1.0), 0), format::count(p.done), format::count(p.total))
    } else {
        format!(" {}", format::count(p.done))
    };
    ink.add(figures, Role::Text).add("  nothing is traded yet", Role::Muted)
}
