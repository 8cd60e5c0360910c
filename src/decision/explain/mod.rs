//! Why a decision came out as it did: its whole path as text for people, at most 96 columns wide.
//!
//! The boxes are named as in the decision tree: Signal Generated, Confidence Gate, Regime Check, the strategy, Position Sizing,
//! Risk Check, then Execute Trade or Block Signal, Monitor Performance or Log Decision, and Model Feedback.

mod trade;

use super::router::Strategy;
use super::wording::{level, percent};
use crate::domain::decision::{Decision, DecisionKind, Station, TraceStep, Verdict};
use crate::domain::order::{Fill, Intent, Outcome};

/// Columns that every line keeps to.
const WIDTH: usize = 96;

/// The path of `decision` with its orders, fills and outcomes in both accounts. Rows of other decisions are left out.
#[must_use]
pub fn explain(decision: &Decision, intents: &[Intent], fills: &[Fill], outcomes: &[Outcome]) -> String {
    let mut page = Page::default();
    header(&mut page, decision);
    if decision.kind == DecisionKind::Entry {
        signal(&mut page, decision);
    }
    let first_block = decision.trace.first_block();
    for station in Station::ALL {
        box_of(&mut page, decision, station, first_block);
    }
    trade::ending(&mut page, decision, intents, fills, outcomes);
    degraded(&mut page, decision);
    page.text
}

/// Text under construction.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// A line, wrapped at spaces; what does not fit goes on below at `indent`.
    fn line(&mut self, indent: usize, text: &str) {
        let mut rest = text.to_owned();
        loop {
            let start = rest.chars().take_while(|c| *c == ' ').count();
            if rest.chars().count() <= WIDTH {
                break;
            }
            // Breaks at the last space that fits; a word longer than the page stays whole.
            let spaces = rest.char_indices().enumerate().filter(|(place, (_, c))| *c == ' ' && *place > start);
            let Some(cut) = spaces.take_while(|(place, _)| *place <= WIDTH).map(|(_, (byte, _))| byte).last() else {
                break;
            };
            let (head, tail) = rest.split_at(cut);
            self.push(head);
            rest = format!("{}{}", " ".repeat(indent), tail.trim_start());
        }
        self.push(&rest);
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// `  label     text`, wrapped under the text.
    fn field(&mut self, label: &str, text: &str) {
        self.line(14, &format!("{}{text}", pad(&format!("  {label}"), 14)));
    }
}

/// `text` with spaces up to `width` characters.
fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

/// A value as the trace shows it.
fn value(value: Option<f64>) -> String {
    match value {
        None => "no value".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(v) if v.abs() >= 1_000.0 => format!("{v:.1}"),
        Some(v) if v.abs() >= 0.0001 => format!("{v:.4}"),
        Some(v) => format!("{v:.2e}"),
    }
}

fn header(page: &mut Page, d: &Decision) {
    let kind = match d.kind {
        DecisionKind::Entry => "entry",
        DecisionKind::Exit => "exit",
    };
    page.line(
        2,
        &format!("Decision {} · {kind} · {} {} · {} UTC · cycle {}", d.id, d.pair, d.horizon, d.at.minute(), d.cycle),
    );
    match (&d.verdict, d.trace.first_block()) {
        (Verdict::Pass { order, qty }, _) => {
            page.line(
                2,
                &format!("PASS: order {order}, {} {qty} {} ({} account)", d.side.as_str(), d.pair.base(), d.account),
            );
        }
        (Verdict::Block { reason }, Some(step)) => page.line(
            2,
            &format!(
                "BLOCK at {}: {} {}, must be {} ({})",
                title(d, step.station),
                step.name,
                value(step.value),
                step.rule,
                reason.as_str()
            ),
        ),
        (Verdict::Block { reason }, None) => page.line(2, &format!("BLOCK: {}", reason.as_str())),
    }
    page.blank();
}

fn signal(page: &mut Page, d: &Decision) {
    page.line(0, "Signal Generated");
    let lift = d.confidence - d.base_rate;
    page.field("model", &d.model);
    page.field(
        "says",
        &format!(
            "confidence {:.4} · base rate {:.4} · lift {lift:+.4} · epistemic spread {:.4}",
            d.confidence, d.base_rate, d.epistemic
        ),
    );
    for (place, c) in d.trace.contributions.iter().enumerate() {
        let label = if place == 0 { "moved by" } else { "" };
        page.field(label, &format!("{:+.4} log odds by {} at {}", c.log_odds, c.feature, level(c.value)));
    }
    let plan = &d.plan;
    page.field(
        "plan",
        &format!(
            "{} near {} · target {} · stop {} · until {} UTC",
            plan.side.as_str(),
            plan.entry,
            plan.target,
            plan.stop,
            plan.expires.minute()
        ),
    );
    page.field(
        "payoff",
        &format!(
            "win {} · loss {} · round trip {} · ratio {:.2}, net of costs",
            percent(plan.win),
            percent(plan.loss),
            percent(plan.cost),
            plan.payoff()
        ),
    );
    let said = |reading: Option<f64>| reading.map_or_else(|| "no data".to_owned(), |v| format!("{v:+.2}"));
    page.field(
        "readings",
        &format!("technical {} · sentiment {} · whale {}", said(d.technical), said(d.sentiment), said(d.whale)),
    );
    page.blank();
}

fn strategy(d: &Decision) -> Option<Strategy> {
    Strategy::ALL.into_iter().find(|s| s.as_str() == d.strategy)
}

/// The station's name in the decision tree.
fn title(d: &Decision, station: Station) -> String {
    match station {
        Station::Data => "Data".to_owned(),
        Station::Gate => "Confidence Gate".to_owned(),
        Station::Regime => format!("Regime Check ({})", d.regime.as_str()),
        Station::Strategy => strategy(d).map_or_else(|| "Strategy".to_owned(), |s| s.as_str().to_owned()),
        Station::Sizing => strategy(d)
            .map_or_else(|| "Position Sizing".to_owned(), |s| format!("Position Sizing ({})", s.sizing_name())),
        Station::Risk => "Risk Check".to_owned(),
        Station::Portfolio => "Portfolio Allocation".to_owned(),
        Station::Execution => "Execution".to_owned(),
    }
}

fn box_of(page: &mut Page, d: &Decision, station: Station, first_block: Option<&TraceStep>) {
    let steps: Vec<&TraceStep> = d.trace.steps.iter().filter(|s| s.station == station).collect();
    let has_waterfall = station == Station::Sizing && !d.trace.sizing.is_empty();
    if steps.is_empty() && !has_waterfall {
        if d.kind == DecisionKind::Entry {
            page.line(4, &format!("· {}: {}", title(d, station), not_judged(d, station)));
        }
        return;
    }
    let failed = steps.iter().filter(|s| !s.passed).count();
    let verdict = match (steps.is_empty(), station, failed) {
        (true, ..) => "no verdict of its own while the gate is closed",
        (false, Station::Strategy, 0) => "Confirmed",
        (false, Station::Strategy, _) => "Rejected",
        (false, Station::Risk, 0) => "Pass",
        (false, Station::Risk, _) => "Fail",
        (false, Station::Gate, 0) => "Yes",
        (false, Station::Gate, _) => "No",
        (false, _, 0) => "passed",
        (false, ..) => "blocked",
    };
    let mark = match (steps.is_empty(), failed) {
        (true, _) => "·",
        (false, 0) => "✓",
        (false, _) => "✗",
    };
    page.line(4, &format!("{mark} {}: {verdict}", title(d, station)));
    if has_waterfall {
        waterfall(page, d);
    }
    for step in steps {
        show(page, step, first_block.is_some_and(|f| std::ptr::eq(f, step)));
    }
}

fn not_judged(d: &Decision, station: Station) -> &'static str {
    match station {
        Station::Strategy if d.trace.at(Station::Regime) == Some(false) => "not routed, no regime is known",
        Station::Portfolio | Station::Execution if d.trace.first_block().is_some() => "not reached",
        _ => "not judged",
    }
}

fn show(page: &mut Page, step: &TraceStep, is_first_block: bool) {
    let (arrow, mark) = (if is_first_block { "▶" } else { " " }, if step.passed { "✓" } else { "✗" });
    let head = format!("  {arrow} {mark} {} {:>11}  ", pad(&step.name, 22), value(step.value));
    let reason = match step.reason {
        Some(reason) if is_first_block => format!("  ◀ first block: {}", reason.as_str()),
        Some(reason) => format!("  ✗ {}", reason.as_str()),
        None => String::new(),
    };
    page.line(42, &format!("{head}{}{reason}", step.rule));
    if let Some(note) = &step.note {
        page.line(8, &format!("        {note}"));
    }
}

fn waterfall(page: &mut Page, d: &Decision) {
    for step in &d.trace.sizing {
        page.line(42, &format!("      {} {:>11}  {}", pad(&step.name, 22), percent(step.fraction), step.note));
    }
}

fn degraded(page: &mut Page, d: &Decision) {
    if d.trace.degraded.is_empty() {
        return;
    }
    page.blank();
    page.line(0, "Degraded agents in this cycle");
    for agent in &d.trace.degraded {
        page.line(4, &format!("  {agent}"));
    }
}

#[cfg(test)]
mod tests;
