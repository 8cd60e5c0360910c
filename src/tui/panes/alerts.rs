//! Alerts: they stay until a person acknowledges them.

use super::{Cx, Pane, PaneId, filter_text, list};
use crate::domain::alert::{Alert, Severity};
use crate::tui::format;
use crate::tui::paint::{Ink, Pen, wrap};
use crate::tui::theme::Role;
use crate::tui::widgets::table::{Column, name, rest, text};

pub struct Alerts;
pub struct AlertsGates;

const COLUMNS: [Column; 5] =
    [text(" ", 1, 0), text("TIME", 11, 1), name("SOURCE", 12, 2), rest("WHAT HAPPENED", 20, 0), text("ACK", 4, 1)];

pub(in crate::tui) const fn severity_mark(severity: Severity) -> (&'static str, Role) {
    match severity {
        Severity::Info => ("·", Role::Muted),
        Severity::Warning => ("▲", Role::Warn),
        Severity::Critical => ("✗", Role::Danger),
    }
}

/// Unacknowledged first, then newest first.
fn shown<'a>(cx: &Cx<'a>) -> Vec<&'a Alert> {
    let filter = &cx.state(PaneId::Alerts).filter;
    let words = |a: &Alert| format!("{} {} {}", a.source, a.text, if a.acknowledged { "acknowledged" } else { "open" });
    let mut out: Vec<&Alert> = cx.s.alerts.iter().filter(|a| filter.keeps(&words(a), None)).collect();
    out.sort_by_key(|a| (a.acknowledged, std::cmp::Reverse((a.at, a.id))));
    out
}

const NONE: &str = "no alerts: nothing has needed a person";

impl Pane for Alerts {
    fn id(&self) -> PaneId {
        PaneId::Alerts
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        format!("Alerts {} open of {}{}", cx.s.open_alerts().count(), cx.s.alerts.len(), filter_text(cx, self.id()))
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "a ack  A all".to_owned()
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        shown(cx).iter().map(|a| a.id.to_string()).collect()
    }

    fn filters(&self) -> bool {
        true
    }

    fn list_height(&self, _: &Cx<'_>, inside: u16) -> u16 {
        if inside >= 6 { inside - 2 } else { inside }
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let alerts = shown(cx);
        let height = self.list_height(cx, pen.height());
        let detail = pen.height() - height;
        list(self, &mut pen.rows(0, height), cx, &COLUMNS, NONE, |i| {
            let Some(a) = alerts.get(i) else { return Vec::new() };
            let (mark, role) = severity_mark(a.severity);
            let text_role = if a.acknowledged { Role::Muted } else { Role::Text };
            let ack = if a.acknowledged { Ink::muted("✓") } else { Ink::of("open", Role::Warn) };
            vec![
                Ink::of(mark, role),
                Ink::muted(cx.zone().short(a.at)),
                Ink::text(a.source.clone()),
                Ink::of(a.text.clone(), text_role),
                ack,
            ]
        });
        if let (true, Some(a)) = (detail > 0, cx.selected(self).and_then(|i| alerts.get(i))) {
            let lines = wrap(&a.text, pen.width().saturating_sub(2).max(8) as usize);
            for (y, line) in lines.into_iter().take(detail as usize).enumerate() {
                pen.ink(1, height + y as u16, Ink::muted(line));
            }
        }
    }
}

impl Pane for AlertsGates {
    fn id(&self) -> PaneId {
        PaneId::AlertsGates
    }

    fn title(&self, _: &Cx<'_>) -> String {
        "Alerts · gates".to_owned()
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "a ack".to_owned()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let below = 4.min(pen.height() / 2 + 1);
        let room = pen.height() - below;
        let mut alerts: Vec<&Alert> = cx.s.open_alerts().collect();
        alerts.sort_by_key(|a| (std::cmp::Reverse(a.severity), std::cmp::Reverse((a.at, a.id))));
        if alerts.is_empty() {
            pen.ink(1, 0, Ink::of("✓ no open alert", Role::Good));
        }
        let hidden = alerts.len().saturating_sub(room as usize);
        let lines = if hidden > 0 { room.saturating_sub(1) } else { room };
        // Where there is room each alert has a second line.
        let each = if alerts.len() * 2 <= lines as usize { 2 } else { 1 };
        let mut y = 0;
        for a in alerts.iter().take(lines as usize) {
            y += brief(&mut pen.rows(y, each), cx, a);
        }
        if hidden > 0 {
            pen.ink(1, lines, Ink::muted(format!("↓ {} more, on Health", alerts.len() - lines as usize)));
        }
        gates(&mut pen.rows(room, below), cx);
    }
}

/// One alert in the rows of `pen`; returns how many it took.
fn brief(pen: &mut Pen<'_>, cx: &Cx<'_>, a: &Alert) -> u16 {
    let (mark, role) = severity_mark(a.severity);
    let head = Ink::of(mark, role).add(format!("{} ", cx.zone().hour(a.at)), Role::Muted);
    let indent = head.width() as u16;
    let text = format!("{}: {}", a.source, a.text);
    pen.ink(1, 0, head);
    if pen.height() < 2 {
        pen.ink(1 + indent, 0, Ink::text(text));
        return 1;
    }
    let width = pen.width().saturating_sub(indent + 1).max(1) as usize;
    let mut lines = wrap(&text, width).into_iter();
    pen.ink(1 + indent, 0, Ink::text(lines.next().unwrap_or_default()));
    let rest = lines.collect::<Vec<_>>().join(" ");
    if rest.is_empty() {
        return 1;
    }
    pen.ink(1 + indent, 1, Ink::text(rest));
    2
}

/// GO/NO-GO and the live quality of the forecasts, in three lines.
fn gates(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    let no: Vec<&str> = cx.s.gates.iter().filter(|g| !g.go).map(|g| g.name.as_str()).collect();
    pen.rule(0, "gates");
    let verdict = if cx.s.gates.is_empty() {
        Ink::muted("GO/NO-GO not judged yet")
    } else if no.is_empty() {
        Ink::of(format!("GO  all {}✓", cx.s.gates.len()), Role::Good)
    } else {
        Ink::of("NO-GO ", Role::Warn).add(no.join(", "), Role::Text)
    };
    pen.ink(1, 1, verdict);
    pen.segments(
        1,
        2,
        [
            Ink::muted("Brier ").add(format::maybe(cx.s.brier, 3), Role::Text),
            Ink::muted("ECE ").add(format::maybe(cx.s.ece, 3), Role::Text),
            Ink::muted("matured ").add(format::count(cx.s.matured), Role::Text),
        ],
    );
    let health = Ink::muted("health ").add(format::float(cx.s.health_score, 2), Role::Text);
    pen.segments(1, 3, [health]);
}
