//! How far signals came, what blocked them, and one honest line when nothing passed.

use super::{Cx, Pane, PaneId, decisions::reason_words};
use crate::domain::decision::{BlockReason, DecisionKind};
use crate::domain::snapshot::{Funnel, SystemState};
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
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

/// One sentence on why nothing passed, or that something did.
fn verdict(cx: &Cx<'_>) -> Ink {
    let f = &cx.s.funnel;
    if f.signals == 0 {
        return Ink::muted(why_none(cx));
    }
    if f.passed > 0 {
        let text = format!("{} of {} signals passed every station", format::count(f.passed), format::count(f.signals));
        return Ink::of(text, Role::Good);
    }
    let entries = cx.s.decisions.iter().filter(|d| d.kind == DecisionKind::Entry);
    let best = entries.map(|d| d.confidence).fold(f64::NEG_INFINITY, f64::max);
    let head = format!("0 of {} signals passed", format::count(f.signals));
    if !best.is_finite() {
        return Ink::of(head, Role::Strong);
    }
    let of = if f.signals as usize > cx.s.decisions.len() {
        format!(" of the last {}", format::count(cx.s.decisions.len() as u64))
    } else {
        String::new()
    };
    let figures = format!(": best confidence{of} {}, gate {}", format::prob(best), format::prob(cx.s.gate));
    let tail = if best <= cx.s.gate {
        " – that is normal with real fees".to_owned()
    } else {
        let most = blocked(f).first().map(|(r, _)| reason_words(*r)).unwrap_or_default();
        format!(" – most were stopped by: {most}")
    };
    Ink::of(head, Role::Strong).add(figures, Role::Text).add(tail, Role::Muted)
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

/// Three lines for the foot of the decisions on the overview.
pub(super) fn brief(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    widest(pen, 0, "today", &cx.s.funnel_today);
    pen.segments(0, 1, blocked_line(&cx.s.funnel_today));
    pen.ink(0, 2, verdict(cx));
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
        widest(pen, 1, "start", &cx.s.funnel);
        let shadow = Ink::of(format!("shadow {}", format::count(cx.s.funnel.shadow)), Role::Shadow);
        pen.segments(0, 2, blocked_line(&cx.s.funnel).into_iter().chain([shadow]));
        pen.ink(0, 3, verdict(cx));
    }
}
