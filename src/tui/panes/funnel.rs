//! How far signals came, what blocked them, and one honest line when nothing passed.

use super::{Cx, Pane, PaneId, decisions::reason_words};
use crate::domain::decision::{BlockReason, DecisionKind};
use crate::domain::snapshot::{Funnel, SystemState};
use crate::tui::format;
use crate::tui::paint::{Ink, Pen, wrap};
use crate::tui::theme::Role;

pub struct FunnelPane;

/// `today 214 signals → 31 gate → 22 regime → 20 sized → 17 risk → 17 passed`
fn steps(name: &str, f: &Funnel) -> Ink {
    let mut ink = Ink::muted(format!("{name} "));
    let stages =
        [("signals", f.signals), ("gate", f.gate), ("regime", f.regime), ("sized", f.sizing), ("risk", f.risk)];
    for (i, (stage, n)) in stages.into_iter().enumerate() {
        ink = ink.add(if i > 0 { " → " } else { "" }, Role::Muted).add(format::count(n), Role::Strong);
        ink = ink.add(format!(" {stage}"), Role::Muted);
    }
    let role = if f.passed > 0 { Role::Good } else { Role::Strong };
    ink.add(" → ", Role::Muted).add(format::count(f.passed), role).add(" passed", Role::Muted)
}

/// The funnel in as few words as fit.
fn short_steps(name: &str, f: &Funnel) -> Ink {
    let numbers = [f.signals, f.gate, f.regime, f.sizing, f.risk].map(format::count).join(" → ");
    Ink::muted(format!("{name} "))
        .add(numbers, Role::Strong)
        .add(format!(" → {} passed", format::count(f.passed)), Role::Muted)
}

/// Block reasons with their counts, most frequent first.
fn blocked(f: &Funnel) -> Vec<(BlockReason, u64)> {
    let mut rows: Vec<(BlockReason, u64)> = f.blocked.iter().map(|(r, n)| (*r, *n)).filter(|(_, n)| *n > 0).collect();
    rows.sort_by_key(|(reason, n)| (std::cmp::Reverse(*n), *reason));
    rows
}

fn blocked_line(f: &Funnel) -> Vec<Ink> {
    let rows = blocked(f);
    if rows.is_empty() {
        return vec![Ink::muted("blocked: none")];
    }
    let mut out = vec![Ink::muted("blocked:")];
    out.extend(rows.into_iter().map(|(r, n)| Ink::text(r.short()).add(format!(" {}", format::count(n)), Role::Strong)));
    out
}

/// One sentence on why nothing passed, or that something did: in full, and for narrow places.
fn verdict(cx: &Cx<'_>) -> (String, String, Role) {
    let f = &cx.s.funnel;
    let signals = format::count(f.signals);
    if f.signals == 0 {
        return (why_none(cx), why_none(cx), Role::Muted);
    }
    if f.passed > 0 {
        let passed = format::count(f.passed);
        return (
            format!("{passed} of {signals} signals since the start passed every station"),
            format!("{passed} of {signals} signals passed since the start"),
            Role::Good,
        );
    }
    let entries = cx.s.decisions.iter().filter(|d| d.kind == DecisionKind::Entry);
    let best = entries.map(|d| d.confidence).fold(f64::NEG_INFINITY, f64::max);
    if !best.is_finite() {
        return (format!("0 of {signals} signals passed"), format!("0 of {signals} passed"), Role::Strong);
    }
    let kept = cx.s.decisions.len() as u64;
    let of = if f.signals > kept { format!(" (of the last {})", format::count(kept)) } else { String::new() };
    let (best_text, gate) = (format::prob(best), format::prob(cx.s.gate));
    let (long, short) = if best <= cx.s.gate {
        ("that is normal with real fees".to_owned(), "normal with real fees".to_owned())
    } else {
        let most = blocked(f).first().map(|(r, _)| reason_words(*r)).unwrap_or_default();
        (format!("most were stopped by: {most}"), format!("most: {most}"))
    };
    (
        format!("0 of {signals} signals passed: best confidence {best_text}{of}, gate {gate} – {long}"),
        format!("0 of {signals} passed: best {best_text}, gate {gate} – {short}"),
        Role::Strong,
    )
}

/// The sentence in the rows of `pen`: in full where it fits, else in short, wrapped.
fn write_verdict(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    let (long, short, role) = verdict(cx);
    let width = pen.width().max(1) as usize;
    let rows = pen.height() as usize;
    let lines = wrap(&long, width);
    let lines = if lines.len() <= rows { lines } else { wrap(&short, width) };
    for (y, line) in lines.into_iter().take(rows).enumerate() {
        pen.ink(0, y as u16, Ink::of(line, role));
    }
}

/// Rows that [`brief`] wants of a pane with `inside` rows: all of it, only the sentence when nothing passed, or nothing.
pub(super) fn brief_height(cx: &Cx<'_>, inside: u16) -> u16 {
    match inside {
        12.. => 4,
        9.. => 3,
        5.. if cx.s.funnel.signals > 0 && cx.s.funnel.passed == 0 => 1,
        _ => 0,
    }
}

/// Why there are no decisions, and what changes that.
pub(super) fn why_none(cx: &Cx<'_>) -> String {
    match cx.s.state {
        SystemState::Starting | SystemState::Training => "no decisions yet: the models are not ready".to_owned(),
        SystemState::WarmingUp => "no decisions yet: windows are being filled, nothing is traded".to_owned(),
        SystemState::Held => "no decisions yet: the replay is held; . continues it".to_owned(),
        SystemState::Paused => "no decisions yet: all agents are paused; P resumes them".to_owned(),
        _ => {
            let why = cx.s.pairs.iter().flat_map(|p| p.no_predictions.iter()).map(|n| n.reason.as_str()).next();
            match why {
                Some(why) => format!("no signals yet: {why}"),
                None => "no signals yet: a cycle runs when an hour closes".to_owned(),
            }
        }
    }
}

/// The foot of the decisions on the overview.
pub(super) fn brief(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    let figures = if pen.height() >= 3 { 2 } else { 0 };
    if figures > 0 {
        widest(pen, 0, "today", &cx.s.funnel_today);
        pen.segments(0, 1, blocked_line(&cx.s.funnel_today));
    }
    let left = pen.height() - figures;
    write_verdict(&mut pen.rows(figures, left), cx);
}

/// The long form where it fits, else the short one.
fn widest(pen: &mut Pen<'_>, y: u16, name: &str, f: &Funnel) {
    let long = steps(name, f);
    let ink = if long.width() <= pen.width() as usize { long } else { short_steps(name, f) };
    pen.segments(0, y, [ink]);
}

impl Pane for FunnelPane {
    fn id(&self) -> PaneId {
        PaneId::Funnel
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        format!("From signal to trade  gate {}, strictly above", format::prob(cx.s.gate))
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        widest(pen, 0, "today", &cx.s.funnel_today);
        widest(pen, 1, "in all", &cx.s.funnel);
        let shadow = Ink::of(format!("shadow {}", format::count(cx.s.funnel.shadow)), Role::Shadow);
        pen.segments(0, 2, blocked_line(&cx.s.funnel).into_iter().chain([shadow]));
        let left = pen.height().saturating_sub(3);
        write_verdict(&mut pen.rows(3, left), cx);
    }
}
