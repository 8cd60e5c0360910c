//! Whether the system may trade (GO/NO-GO), how its parts are, and what listens where.

use super::{Cx, Pane, PaneId, plain_table, say};
use crate::domain::market::RejectReason;
use crate::domain::quality::DataKind;
use crate::domain::snapshot::ServiceView;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::bars;
use crate::tui::widgets::table::{name, number, rest, text};

pub struct Gates;
pub struct Components;
pub struct Services;

impl Pane for Gates {
    fn id(&self) -> PaneId {
        PaneId::Gates
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let no = cx.s.gates.iter().filter(|g| !g.go).count();
        match (cx.s.gates.len(), no) {
            (0, _) => "GO/NO-GO not judged yet".to_owned(),
            (_, 0) => "GO".to_owned(),
            (all, no) => format!("NO-GO  {no} of {all} gates"),
        }
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        if cx.s.gates.is_empty() {
            say(pen, 0, "the gates are judged with the first health report, at the end of a cycle");
            return;
        }
        let columns = [text(" ", 1, 0), name("GATE", 8, 0), text("VALUE", 13, 0), rest("NEEDS", 8, 1)];
        plain_table(pen, &columns, cx.s.gates.len(), |i| {
            let Some(g) = cx.s.gates.get(i) else { return Vec::new() };
            let (mark, role) = if g.go { ("✓", Role::Good) } else { ("✗", Role::Warn) };
            let value = Ink::of(g.value.clone(), if g.go { Role::Text } else { Role::Warn });
            vec![Ink::of(mark, role), Ink::text(g.name.clone()), value, Ink::muted(g.threshold.clone())]
        });
    }
}

impl Pane for Components {
    fn id(&self) -> PaneId {
        PaneId::Components
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        if cx.s.components.is_empty() {
            "Components".to_owned()
        } else {
            format!("Components  health {}", format::float(cx.s.health_score, 2))
        }
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        if cx.s.components.is_empty() {
            say(pen, 0, "no health report yet: the first comes at the end of a cycle");
            return;
        }
        let columns = [name("COMPONENT", 9, 0), number("SCORE", 5, 0), text("", 8, 2), rest("NOTE", 8, 1)];
        plain_table(pen, &columns, cx.s.components.len(), |i| {
            let Some(c) = cx.s.components.get(i) else { return Vec::new() };
            let role = match c.score {
                s if s >= 0.8 => Role::Good,
                s if s >= 0.5 => Role::Warn,
                _ => Role::Danger,
            };
            vec![
                Ink::text(c.name.clone()),
                Ink::of(format::float(c.score, 2), role),
                Ink::of(bars::gauge(c.score, 8), role),
                Ink::muted(c.note.clone()),
            ]
        });
    }
}

/// The process and the session in a few segments.
fn process(cx: &Cx<'_>) -> Vec<Ink> {
    let item = |name: &str, value: String| Ink::muted(format!("{name} ")).add(value, Role::Text);
    let unknown = || format::UNKNOWN.to_owned();
    let mark: String = cx.s.fingerprint.chars().take(12).collect();
    vec![
        item("memory", cx.s.memory.map_or_else(unknown, format::bytes)),
        item("cpu", cx.s.cpu.map_or_else(unknown, |c| format::percent(c, 0))),
        item("up", format::age(cx.now.since(cx.s.started))),
        item("session", cx.s.session.to_string()),
        item("cycle", format::count(cx.s.cycle)),
        item("lost", format::count(cx.s.lost + cx.view.missed)),
        item("fingerprint", if mark.is_empty() { unknown() } else { mark }),
    ]
}

fn pipeline(cx: &Cx<'_>) -> Vec<Ink> {
    let p = &cx.s.pipeline;
    let item = |name: &str, n: u64| Ink::muted(format!("{name} ")).add(format::count(n), Role::Text);
    let mut out = vec![
        item("ingested", p.ingested),
        item("accepted", p.accepted),
        item("holes", p.holes),
        item("frames", p.frames),
        item("complete", p.frames_complete),
    ];
    let bad = |(kind, reason, n): (DataKind, RejectReason, u64)| {
        Ink::of(format!("{} {} {}", kind.as_str(), reason.as_str(), format::count(n)), Role::Warn)
    };
    out.extend(p.rejects().map(bad));
    out
}

impl Pane for Services {
    fn id(&self) -> PaneId {
        PaneId::Services
    }

    fn title(&self, _: &Cx<'_>) -> String {
        "Services · pipeline · process".to_owned()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        pen.segments(1, 0, process(cx));
        pen.segments(1, 1, pipeline(cx));
        let source = &cx.s.source;
        let from = if source.label.is_empty() {
            "no source yet".to_owned()
        } else {
            format!("source {} · {}", source.label, source.reason)
        };
        pen.ink(1, 2, Ink::muted(from));
        if cx.s.services.is_empty() {
            pen.ink(1, 3, Ink::muted("no service listens: they are off in config, or not started yet"));
        }
        if pen.height() < 3 + cx.s.services.len() as u16 {
            let short = |s: &ServiceView| {
                let (mark, role) = if s.up { ("●", Role::Good) } else { ("✗", Role::Danger) };
                Ink::of(format!("{mark} "), role).add(format!("{} {}", s.name, s.address), Role::Text)
            };
            pen.segments(1, 3, cx.s.services.iter().map(short));
            return;
        }
        for (i, s) in cx.s.services.iter().enumerate() {
            let (mark, role) = if s.up { ("●", Role::Good) } else { ("✗", Role::Danger) };
            let head = Ink::of(format!("{mark} "), role).add(format!("{:<8}", s.name), Role::Text);
            pen.ink(1, 3 + i as u16, head.add(format!("{}  {}", s.address, s.note), Role::Muted));
        }
    }
}
