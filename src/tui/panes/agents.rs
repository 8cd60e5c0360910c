//! The eight agents: brief on the overview, in full on their own screen.

use super::{Cx, Pane, PaneId, filter_text, list, order_text, plain_table, rank, say, scroll};
use crate::domain::agent::AgentState;
use crate::domain::snapshot::AgentView;
use crate::tui::format;
use crate::tui::keymap::Context;
use crate::tui::paint::{Ink, Pen, wrap};
use crate::tui::theme::Role;
use crate::tui::widgets::table::{Column, number, rest, text};

pub struct Brief;
pub struct List;
pub struct Detail;

/// Mark and meaning of a state.
pub(super) const fn state_mark(state: AgentState) -> (&'static str, Role) {
    match state {
        AgentState::Running => ("●", Role::Good),
        AgentState::Processing => ("◐", Role::Good),
        AgentState::Paused => ("‖", Role::Warn),
        AgentState::Initialized | AgentState::Starting => ("○", Role::Muted),
        AgentState::Stopping => ("○", Role::Warn),
        AgentState::Error | AgentState::Failed => ("✗", Role::Danger),
        AgentState::Stopped => ("■", Role::Muted),
    }
}

/// The state, or what it is about to become: `Pausing…` is not `Paused`. Amber words once the answer is overdue.
fn state_ink(cx: &Cx<'_>, agent: &AgentView) -> Ink {
    if let Some((word, overdue)) = cx.view.waiting_for(agent.kind) {
        let text = if overdue { format!("{word}… no answer") } else { format!("{word}…") };
        return Ink::of(text, if overdue { Role::Warn } else { Role::Pending });
    }
    if let Some(pending) = &agent.pending {
        let mut letters = pending.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        return Ink::of(format!("{first}{}…", letters.as_str()), Role::Pending);
    }
    let (mark, role) = state_mark(agent.state);
    Ink::of(format!("{mark} "), role).add(agent.state.as_str(), if role == Role::Good { Role::Text } else { role })
}

fn error_count(n: u64) -> Ink {
    Ink::of(format::count(n), if n > 0 { Role::Warn } else { Role::Muted })
}

fn shown<'a>(cx: &Cx<'a>, id: PaneId) -> Vec<&'a AgentView> {
    let state = cx.state(id);
    let words = |a: &AgentView| format!("{} {} {}", a.kind, a.kind.short(), a.state);
    let mut agents: Vec<&AgentView> = cx.s.agents.iter().filter(|a| state.filter.keeps(&words(a), None)).collect();
    match state.sort {
        1 => agents.sort_by(|a, b| rank(b.p95_ms).total_cmp(&rank(a.p95_ms))),
        2 => agents.sort_by_key(|a| std::cmp::Reverse(a.errors)),
        _ => {}
    }
    if state.reverse {
        agents.reverse();
    }
    agents
}

fn keys(cx: &Cx<'_>, id: PaneId) -> Vec<String> {
    shown(cx, id).iter().map(|a| a.kind.as_str().to_owned()).collect()
}

fn count_up(cx: &Cx<'_>) -> usize {
    cx.s.agents.iter().filter(|a| state_mark(a.state).1 == Role::Good).count()
}

const BRIEF: [Column; 4] = [text("AGENT", 9, 0), rest("STATE", 13, 0), number("p95", 5, 1), number("ERR", 3, 1)];

const EMPTY: &str = "no agents yet: they start after the models are ready";

impl Pane for Brief {
    fn id(&self) -> PaneId {
        PaneId::AgentsBrief
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        format!("Agents {}/{}", count_up(cx), cx.s.agents.len())
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "space pause".to_owned()
    }

    fn context(&self) -> Option<Context> {
        Some(Context::Agents)
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        keys(cx, self.id())
    }

    fn list_height(&self, cx: &Cx<'_>, inside: u16) -> u16 {
        (cx.s.agents.len() as u16 + 1).max(3).min(inside)
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let agents = shown(cx, self.id());
        let table_rows = self.list_height(cx, pen.height());
        list(self, &mut pen.rows(0, table_rows), cx, &BRIEF, EMPTY, |i| {
            let Some(a) = agents.get(i) else { return Vec::new() };
            let p95 = Ink::text(format::latency(a.p95_ms));
            vec![Ink::text(a.kind.short()), state_ink(cx, a), p95, error_count(a.errors)]
        });
        if pen.height() >= table_rows + 4 {
            pipeline(&mut pen.rows(table_rows, 5), cx);
        }
    }
}

/// Counts of the data pipeline.
fn pipeline(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    let p = &cx.s.pipeline;
    pen.rule(0, "pipeline since start");
    let item = |name: &str, n: u64, role| Ink::muted(format!("{name} ")).add(format::count(n), role);
    let rejected = p.rejected_total();
    let warn = |n: u64| if n > 0 { Role::Warn } else { Role::Text };
    pen.segments(1, 1, [item("bars", p.ingested, Role::Text), item("reject", rejected, warn(rejected))]);
    let complete = format!("{}/{}", format::count(p.frames_complete), format::count(p.frames));
    pen.segments(1, 2, [item("holes", p.holes, warn(p.holes)), Ink::muted("frames ").add(complete, Role::Text)]);
    pen.segments(1, 3, [item("cycle", cx.s.cycle, Role::Text)]);
}

const FULL: [Column; 14] = [
    text("AGENT", 19, 0),
    text("STATE", 13, 0),
    number("SINCE", 5, 2),
    number("BOX", 5, 3),
    number("DONE", 6, 4),
    number("ERR", 4, 1),
    number("RETRY", 5, 6),
    number("TIMEOUT", 7, 7),
    number("RESTART", 7, 8),
    text("BREAKER", 9, 2),
    number("LAST", 5, 5),
    number("p50", 6, 6),
    number("p95", 6, 1),
    number("BUSY", 5, 5),
];

fn ago(cx: &Cx<'_>, at: Option<crate::domain::time::UtcMs>) -> String {
    at.map_or_else(|| format::NA.to_owned(), |t| format::age(cx.now.since(t)))
}

impl Pane for List {
    fn id(&self) -> PaneId {
        PaneId::Agents
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        format!("Agents {}/{}{}", count_up(cx), cx.s.agents.len(), filter_text(cx, self.id()))
    }

    fn footer(&self, cx: &Cx<'_>) -> String {
        format!("space pause  R restart  {}", order_text(self, cx))
    }

    fn context(&self) -> Option<Context> {
        Some(Context::Agents)
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        keys(cx, self.id())
    }

    fn sorts(&self) -> &'static [&'static str] {
        &["cycle", "p95", "errors"]
    }

    fn filters(&self) -> bool {
        true
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let agents = shown(cx, self.id());
        list(self, pen, cx, &FULL, EMPTY, |i| {
            let Some(a) = agents.get(i) else { return Vec::new() };
            let breaker = if a.breaker == "closed" { Role::Muted } else { Role::Danger };
            let full = a.mailbox_capacity > 0 && a.mailbox * 5 >= a.mailbox_capacity * 4;
            vec![
                Ink::text(a.kind.as_str()),
                state_ink(cx, a),
                Ink::muted(ago(cx, Some(a.since))),
                Ink::of(format!("{}/{}", a.mailbox, a.mailbox_capacity), if full { Role::Warn } else { Role::Text }),
                Ink::text(format::count(a.processed)),
                error_count(a.errors),
                error_count(a.retries),
                error_count(a.timeouts),
                error_count(a.restarts),
                Ink::of(a.breaker.clone(), breaker),
                Ink::muted(ago(cx, a.last_run)),
                Ink::text(format::latency(a.p50_ms)),
                Ink::text(format::latency(a.p95_ms)),
                Ink::text(format::percent(a.busy, 0)),
            ]
        });
    }
}

fn detail_lines(cx: &Cx<'_>, a: &AgentView, width: usize) -> Vec<Ink> {
    let mut out = Vec::new();
    let mut section = |name: &str, text: &str, role: Role| {
        out.push(Ink::muted(name.to_owned()));
        let text = if text.is_empty() { "nothing yet" } else { text };
        out.extend(wrap(text, width.saturating_sub(2).max(8)).into_iter().map(|l| Ink::of(format!("  {l}"), role)));
    };
    if let Some(error) = &a.last_error {
        section("last error", error, Role::Danger);
    }
    section("last input", &a.last_input, Role::Text);
    section("last output", &a.last_output, Role::Text);
    let counts = format!(
        "{} done, {} errors, {} retries, {} timeouts, {} restarts, {} refused at a full mailbox",
        format::count(a.processed),
        format::count(a.errors),
        format::count(a.retries),
        format::count(a.timeouts),
        format::count(a.restarts),
        format::count(a.dropped)
    );
    section("since start", &counts, Role::Text);
    out.push(Ink::muted("transitions, newest first"));
    if a.transitions.is_empty() {
        out.push(Ink::muted("  none yet"));
    }
    for t in a.transitions.iter().rev() {
        let line = Ink::muted(format!("  {} ", cx.zone().clock(t.at))).add(format!("{:<12}", t.from), Role::Text);
        out.push(
            line.add(" → ", Role::Muted)
                .add(format!("{:<12}", t.to), Role::Strong)
                .add(format!("{:?}", t.trigger), Role::Muted),
        );
    }
    out
}

impl Detail {
    fn agent<'a>(cx: &Cx<'a>) -> Option<&'a AgentView> {
        let agents = shown(cx, PaneId::Agents);
        cx.selected(&List).and_then(|i| agents.get(i).copied())
    }
}

impl Pane for Detail {
    fn id(&self) -> PaneId {
        PaneId::AgentDetail
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        Self::agent(cx).map_or_else(|| "Agent".to_owned(), |a| format!("{} {}", a.kind, a.state))
    }

    fn lines(&self, cx: &Cx<'_>, width: usize) -> Option<Vec<Ink>> {
        Some(Self::agent(cx).map(|a| detail_lines(cx, a, width)).unwrap_or_default())
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        if Self::agent(cx).is_none() {
            say(pen, 0, EMPTY);
        } else if cx.s.cells.is_empty() || pen.width() < 100 {
            scroll(self, pen, cx);
        } else {
            let split = pen.width() - 46;
            scroll(self, &mut pen.columns(0, split), cx);
            cells(&mut pen.columns(split + 1, 45), cx);
        }
    }
}

/// Messages between the agents, cell by cell of the interaction matrix.
fn cells(pen: &mut Pen<'_>, cx: &Cx<'_>) {
    let columns = [rest("MESSAGE", 20, 0), number("SENT", 8, 0), number("READ", 8, 0)];
    let rows: Vec<_> = cx.s.cells.iter().collect();
    plain_table(pen, &columns, rows.len(), |i| {
        let Some((name, (sent, read))) = rows.get(i) else { return Vec::new() };
        let role = if read < sent { Role::Muted } else { Role::Text };
        vec![Ink::text((*name).clone()), Ink::text(format::count(*sent)), Ink::of(format::count(*read), role)]
    });
}
