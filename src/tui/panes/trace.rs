//! The whole path of one decision: every station, every comparison with value and rule, the first block marked.

use super::decisions::{chosen, reason_words, result};
use super::{Cx, Pane, PaneId, say, scroll};
use crate::domain::decision::{Decision, DecisionKind, Station, TraceStep, Verdict};
use crate::domain::plan::TradePlan;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen, wrap};
use crate::tui::theme::Role;
use crate::tui::widgets::bars;

pub struct Trace;

/// A number of a step: whole ones without decimals, shares and probabilities with four.
fn value(v: Option<f64>) -> String {
    match v {
        None => "no value".to_owned(),
        Some(v) if v.fract() == 0.0 && v.abs() < 1e9 => format::float(v, 0),
        Some(v) if v.abs() < 10.0 => format::float(v, 4),
        Some(v) => format::float(v, 2),
    }
}

fn head(cx: &Cx<'_>, d: &Decision) -> Vec<Ink> {
    let title =
        Ink::of(d.pair.to_string(), Role::Strong).add(format!(" {} {}", d.side.as_str(), d.horizon), Role::Text);
    let when = format!("  {} {}  cycle {}", cx.zone().minute(d.at), cx.zone().name(d.at), format::count(d.cycle));
    let verdict = match &d.verdict {
        Verdict::Pass { order, .. } => Ink::of("PASS ", Role::Good).add(format!("order {order} · "), Role::Text),
        Verdict::Block { reason } => {
            Ink::of("BLOCK ", Role::Warn).add(format!("({}) · ", reason.as_str()), Role::Muted)
        }
    };
    let mut out = vec![title.add(when, Role::Muted), verdict.join(result(cx, d))];
    if let Some(s) = d.trace.first_block() {
        let text = format!("◀ first block: {} {} {}, rule {}", s.station.as_str(), s.name, value(s.value), s.rule);
        out.push(Ink::of(text, Role::Warn));
    }
    if d.kind == DecisionKind::Entry {
        let confidence = Ink::muted("confidence ")
            .add(format::float(d.confidence, 4), Role::Strong)
            .add(format!(" ±{}", format::float(d.epistemic, 4)), Role::Text)
            .add(
                format!("  base rate {}  gate > {}", format::float(d.base_rate, 4), format::prob(cx.s.gate)),
                Role::Muted,
            );
        out.push(confidence);
    } else {
        out.push(Ink::muted("an exit needs no gate"));
    }
    let said = |name: &str, v: Option<f64>| {
        let text = v.map_or_else(|| "no data".to_owned(), |v| format::float(v, 2));
        Ink::muted(format!("{name} "))
            .add(text, if v.is_some() { Role::Text } else { Role::Muted })
            .add("  ", Role::Text)
    };
    out.push(said("technical", d.technical).join(said("sentiment", d.sentiment)).join(said("whale", d.whale)));
    let strategy = if d.strategy.is_empty() { format::NA } else { d.strategy.as_str() };
    let model = if d.model.is_empty() { format::NA } else { d.model.as_str() };
    out.push(Ink::muted(format!("regime {}  strategy {strategy}  model {model}", d.regime.as_str())));
    out
}

fn plan(cx: &Cx<'_>, p: &TradePlan) -> Vec<Ink> {
    let price = |v| format::price(Some(v), cx.decimals(&p.pair));
    let pct = |v| format::percent(v, 2);
    vec![
        Ink::muted("plan  entry ")
            .add(price(p.entry), Role::Text)
            .add("  stop ", Role::Muted)
            .add(price(p.stop), Role::Text)
            .add("  target ", Role::Muted)
            .add(price(p.target), Role::Text),
        Ink::muted("      win ")
            .add(pct(p.win), Role::of_change(p.win))
            .add("  loss ", Role::Muted)
            .add(format!("-{}", pct(p.loss)), Role::Down)
            .add(format!("  cost {}  payoff {}", pct(p.cost), format::float(p.payoff(), 2)), Role::Muted),
        Ink::muted(format!("      until {} {}", cx.zone().minute(p.expires), cx.zone().name(p.expires))),
    ]
}

fn step(s: &TraceStep, first: bool, width: usize) -> Vec<Ink> {
    let (glyph, role) = if s.passed { ("✓", Role::Good) } else { ("✗", Role::Warn) };
    let name = format!("{:<22}", s.name);
    let mut line =
        Ink::of(format!("  {glyph} "), role).add(name, Role::Text).add(format!("{:>10}", value(s.value)), Role::Strong);
    line = line.add(format!("  {}", s.rule), Role::Muted);
    let mut out = vec![line];
    if first {
        let why = s.reason.map(reason_words).unwrap_or_default();
        out.push(Ink::of(format!("    ◀ first block: {why}"), Role::Danger));
    } else if let (false, Some(reason)) = (s.passed, s.reason) {
        out.push(Ink::of(format!("    also blocks: {}", reason_words(reason)), Role::Warn));
    }
    if let Some(note) = &s.note {
        out.extend(wrap(note, width.saturating_sub(6).max(8)).into_iter().map(|l| Ink::muted(format!("      {l}"))));
    }
    out
}

/// Steps, grouped by station in the order of the path.
fn stations(d: &Decision, width: usize) -> Vec<Ink> {
    let mut out = Vec::new();
    let first = d.trace.steps.iter().position(|s| !s.passed);
    for station in Station::ALL {
        let verdict = d.trace.at(station);
        let (glyph, role) = match verdict {
            Some(true) => ("✓", Role::Good),
            Some(false) => ("✗", Role::Warn),
            None => (format::NA, Role::Muted),
        };
        let tail = if verdict.is_none() { "  not reached" } else { "" };
        out.push(Ink::of(format!("{glyph} "), role).add(station.as_str(), Role::TitleFocus).add(tail, Role::Muted));
        for (i, s) in d.trace.steps.iter().enumerate().filter(|(_, s)| s.station == station) {
            out.extend(step(s, first == Some(i), width));
        }
    }
    out
}

/// The sizing waterfall: the share of equity after each step.
fn waterfall(d: &Decision, width: usize) -> Vec<Ink> {
    if d.trace.sizing.is_empty() {
        return vec![Ink::muted("sizing  not computed: the path ended before it")];
    }
    let mut out = vec![Ink::of("sizing", Role::TitleFocus).add("  share of equity after each step", Role::Muted)];
    let top = d.trace.sizing.iter().map(|s| s.fraction.abs()).fold(0.0, f64::max);
    for s in &d.trace.sizing {
        let share = if top > 0.0 { s.fraction / top } else { 0.0 };
        let line = Ink::text(format!("    {:<22}", s.name))
            .add(format!("{:>8} ", format::percent(s.fraction, 2)), Role::Strong);
        let line = line.add(bars::gauge(share, 12), Role::Muted);
        if line.width() + 1 + s.note.chars().count() <= width {
            out.push(line.add(format!(" {}", s.note), Role::Muted));
        } else {
            out.push(line);
            out.extend(
                wrap(&s.note, width.saturating_sub(6).max(8)).into_iter().map(|l| Ink::muted(format!("      {l}"))),
            );
        }
    }
    out
}

/// What the features did to the prediction, largest first.
fn contributions(d: &Decision) -> Vec<Ink> {
    let all = &d.trace.contributions;
    if all.is_empty() {
        return Vec::new();
    }
    let mut out = vec![
        Ink::of("prediction", Role::TitleFocus)
            .add("  what moved it away from an average row, in log odds", Role::Muted),
    ];
    let top = all.iter().map(|c| c.log_odds.abs()).fold(0.0, f64::max);
    for c in all {
        let share = if top > 0.0 { c.log_odds.abs() / top } else { 0.0 };
        let role = Role::of_change(c.log_odds);
        let line = Ink::text(format!("    {:<22.22}", c.feature))
            .add(format!("{:>10}", value(Some(c.value))), Role::Muted)
            .add(format!("{:>+9.3}  ", c.log_odds), role)
            .add(bars::gauge(share, 12), role);
        out.push(line);
    }
    out
}

fn tail(d: &Decision) -> Vec<Ink> {
    let mut out = Vec::new();
    if let Some((order, qty)) = &d.shadow_order {
        let text = format!("SHADOW – not your money: order {order}, {} {}", d.side.as_str(), format::qty(*qty));
        out.push(Ink::of(text, Role::Shadow));
    }
    out.push(match d.trace.degraded.is_empty() {
        true => Ink::muted("every agent answered in time"),
        false => Ink::of("degraded", Role::Warn),
    });
    out.extend(d.trace.degraded.iter().map(|t| Ink::of(format!("  {t}"), Role::Warn)));
    out
}

impl Pane for Trace {
    fn id(&self) -> PaneId {
        PaneId::Trace
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        chosen(cx).map_or_else(|| "Trace".to_owned(), |d| format!("Trace {}", d.id))
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "j/k scroll  esc back".to_owned()
    }

    fn lines(&self, cx: &Cx<'_>, width: usize) -> Option<Vec<Ink>> {
        let Some(d) = chosen(cx) else { return Some(Vec::new()) };
        let mut out = head(cx, d);
        out.extend(plan(cx, &d.plan));
        out.extend(contributions(d));
        out.extend(stations(d, width));
        out.extend(waterfall(d, width));
        out.extend(tail(d));
        Some(out)
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        if chosen(cx).is_none() {
            say(pen, 0, "no decision is selected");
        } else {
            scroll(self, pen, cx);
        }
    }
}
