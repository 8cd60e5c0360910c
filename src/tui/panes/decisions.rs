//! Decisions, newest first; what was blocked stands as plainly as what was traded.

use super::{Cx, Pane, PaneId, filter_text, funnel, list, order_text};
use crate::domain::decision::{Decision, DecisionKind, Station, Verdict};
use crate::domain::order::Side;
use crate::domain::reading::Regime;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::screens::{Screen, Size};
use crate::tui::theme::Role;
use crate::tui::widgets::table::{Column, name, number, rest, text};

pub struct Decisions;

const COLUMNS: [Column; 10] = [
    text("TIME", 11, 1),
    name("PAIR", 8, 0),
    text("HOR.", 4, 3),
    text("CONF", 5, 0),
    text("REG.", 5, 2),
    number("SIZE", 5, 4),
    text("RISK", 5, 5),
    rest("RESULT", 18, 0),
    text("SHADOW", 6, 6),
    text("ID", 8, 7),
];

/// Words of a block reason: `low confidence`.
pub(super) fn reason_words(reason: crate::domain::decision::BlockReason) -> String {
    reason.as_str().replace('_', " ")
}

/// Buy or sell with the quantity, or the reason it was blocked.
pub(super) fn result(cx: &Cx<'_>, d: &Decision) -> Ink {
    let side = d.side.as_str().to_uppercase();
    let mode = cx.s.mode.as_str().to_lowercase();
    match &d.verdict {
        Verdict::Pass { qty, .. } => {
            let role = if d.side == Side::Buy { Role::Up } else { Role::Down };
            let tail = if d.kind == DecisionKind::Exit { " exit" } else { "" };
            Ink::of(format!("{side} {}", format::qty(*qty)), role).add(format!("{tail} {mode}"), Role::Muted)
        }
        Verdict::Block { reason } => Ink::of("✗ ", Role::Warn).add(reason_words(*reason), Role::Text),
    }
}

/// Text that a filter is matched against.
fn words(d: &Decision) -> String {
    let verdict = match &d.verdict {
        Verdict::Pass { .. } => format!("pass {}", d.side.as_str()),
        Verdict::Block { reason } => format!("block {} {}", reason_words(*reason), reason.as_str()),
    };
    let shadow = if d.shadow_order.is_some() { "shadow" } else { "" };
    format!("{} {} {} {} {} {verdict} {shadow}", d.id, d.pair, d.horizon, d.regime.as_str(), d.strategy)
}

/// The decisions that the filter keeps, in the chosen order.
pub(super) fn shown<'a>(cx: &Cx<'a>) -> Vec<&'a Decision> {
    let state = cx.state(PaneId::Decisions);
    let mut out: Vec<&Decision> =
        cx.s.decisions
            .iter()
            .rev()
            .map(AsRef::as_ref)
            .filter(|d| state.filter.is_empty() || state.filter.keeps(&words(d), Some(d.confidence)))
            .collect();
    match state.sort {
        1 => out.sort_by(|a, b| b.confidence.total_cmp(&a.confidence)),
        2 => out.sort_by(|a, b| a.pair.cmp(&b.pair)),
        _ => {}
    }
    if state.reverse {
        out.reverse();
    }
    out
}

/// The selected decision.
pub(super) fn chosen<'a>(cx: &Cx<'a>) -> Option<&'a Decision> {
    let rows = shown(cx);
    cx.selected(&Decisions).and_then(|i| rows.get(i).copied())
}

const fn mark(passed: Option<bool>) -> (&'static str, Role) {
    match passed {
        Some(true) => ("✓", Role::Good),
        Some(false) => ("✗", Role::Warn),
        None => (format::NA, Role::Muted),
    }
}

fn confidence(d: &Decision) -> Ink {
    if d.kind == DecisionKind::Exit {
        return Ink::muted(format::NA);
    }
    let (glyph, role) = mark(d.trace.at(Station::Gate));
    Ink::text(format::prob(d.confidence)).add(glyph, role)
}

fn regime(d: &Decision) -> Ink {
    let passed = d.trace.at(Station::Regime);
    if passed.is_none() {
        return Ink::muted(format::NA);
    }
    let name = match d.regime {
        Regime::Bull => "bull",
        Regime::Bear => "bear",
        Regime::Sideways => "side",
    };
    let (glyph, role) = mark(passed);
    Ink::text(name).add(glyph, role)
}

fn risk(d: &Decision) -> Ink {
    match d.trace.at(Station::Risk) {
        Some(true) => Ink::text("pass").add("✓", Role::Good),
        Some(false) => Ink::text("fail").add("✗", Role::Warn),
        None => Ink::muted(format::NA),
    }
}

fn size(d: &Decision) -> Ink {
    if d.fraction > 0.0 { Ink::text(format::percent(d.fraction, 1)) } else { Ink::muted(format::NA) }
}

impl Pane for Decisions {
    fn id(&self) -> PaneId {
        PaneId::Decisions
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let f = &cx.s.funnel_today;
        let mut title = format!("Decisions  gate {}", format::prob(cx.s.gate));
        if cx.size == Size::Compact && f.signals > 0 {
            let steps = [f.signals, f.gate, f.regime, f.risk].map(format::count).join(" → ");
            title.push_str(&format!(" · {steps}"));
        }
        title + &filter_text(cx, self.id())
    }

    fn footer(&self, cx: &Cx<'_>) -> String {
        format!("{}  enter trace", order_text(self, cx))
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        shown(cx).iter().map(|d| d.id.to_string()).collect()
    }

    fn sorts(&self) -> &'static [&'static str] {
        &["time", "conf", "pair"]
    }

    fn filters(&self) -> bool {
        true
    }

    fn list_height(&self, cx: &Cx<'_>, inside: u16) -> u16 {
        if cx.view.screen == Screen::Overview { inside - funnel::brief_height(cx, inside) } else { inside }
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let height = self.list_height(cx, pen.height());
        let tail = pen.height() - height;
        let rows = shown(cx);
        list(self, &mut pen.rows(0, height), cx, &COLUMNS, &funnel::why_none(cx), |i| {
            let Some(d) = rows.get(i) else { return Vec::new() };
            vec![
                Ink::muted(cx.zone().short(d.at)),
                Ink::text(d.pair.as_str()),
                Ink::muted(d.horizon.to_string()),
                confidence(d),
                regime(d),
                size(d),
                risk(d),
                result(cx, d),
                Ink::of(if d.shadow_order.is_some() { "trades" } else { "" }, Role::Shadow),
                Ink::muted(d.id.to_string()),
            ]
        });
        if tail > 0 {
            funnel::brief(&mut pen.rows(height, tail), cx);
        }
    }
}
