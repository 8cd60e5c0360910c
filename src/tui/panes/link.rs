//! The market data link: where it leads, what it carries, which pairs it can't vouch for, and how much of the exchange's limits is used.

use super::{Cx, Pane, PaneId, plain_table, say};
use crate::domain::link::{LinkPairView, LinkView};
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::table::{name, number, rest};

pub struct Link;

/// Rows above the table of pairs.
const HEAD: u16 = 4;
const LOW: u16 = 6;

fn counts(link: &LinkView) -> Vec<Ink> {
    let item = |name: &str, n: u64| Ink::muted(format!("{name} ")).add(format::count(n), Role::Text);
    let fault = |name: &str, n: u64| {
        Ink::muted(format!("{name} ")).add(format::count(n), if n == 0 { Role::Text } else { Role::Warn })
    };
    vec![
        item("frames", link.frames),
        fault("bad", link.bad_frames),
        fault("unknown", link.unknown_frames),
        fault("reconnects", link.reconnects),
        fault("checksum", link.checksum_faults),
        fault("resyncs", link.resyncs),
        item("gaps refilled", link.gaps_refilled),
    ]
}

fn budgets(link: &LinkView) -> Vec<Ink> {
    let budget = |b: &crate::domain::link::BudgetView| {
        let role = if b.max > 0.0 && b.used >= 0.8 * b.max { Role::Warn } else { Role::Text };
        let (used, max) = (format::float(b.used, 0), format::float(b.max, 0));
        Ink::muted(format!("{} ", b.name)).add(format!("{used}/{max}"), role)
    };
    let skew = link.skew_ms.map(|ms| {
        let role = if ms.abs() > 1_000 { Role::Warn } else { Role::Text };
        Ink::muted("skew ").add(format!("{ms} ms"), role)
    });
    link.budgets.iter().map(budget).chain(skew).collect()
}

/// Doubtful pairs first, each group in the order of the watchlist.
fn in_order(link: &LinkView) -> Vec<&LinkPairView> {
    link.doubtful().chain(link.pairs.iter().filter(|p| p.doubt.is_none())).collect()
}

impl Pane for Link {
    fn id(&self) -> PaneId {
        PaneId::Link
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let Some(link) = &cx.s.link else { return "Link".to_owned() };
        let to = if link.real { "KRAKEN" } else { "STAND-IN" };
        match link.doubtful().count() {
            0 => format!("Link  {to} {}", link.system),
            n => format!("Link  {to} {}  {n} of {} pairs not proven", link.system, link.pairs.len()),
        }
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let Some(link) = &cx.s.link else {
            say(pen, 0, "the link to the market data is not up yet");
            return;
        };
        let open = link.connections.iter().filter(|c| c.state == "open").count();
        let sockets = format!("{}  {open} of {} sockets open", link.url, link.connections.len());
        pen.ink(1, 0, Ink::muted(sockets));
        pen.segments(1, 1, counts(link));
        pen.segments(1, 2, budgets(link));
        let rows = in_order(link);
        // a low pane shows a pair rather than an empty line
        let head = if pen.height() > LOW { HEAD } else { HEAD - 1 };
        let height = pen.height().saturating_sub(head);
        let columns =
            [name("PAIR", 8, 0), number("BID", 9, 1), number("ASK", 9, 2), number("GAPS", 4, 3), rest("DATA", 8, 0)];
        let mut below = pen.rows(head, height);
        plain_table(&mut below, &columns, rows.len(), |i| {
            let Some(p) = rows.get(i) else { return Vec::new() };
            let quote = |value: &Option<String>| Ink::text(value.clone().unwrap_or_else(|| format::UNKNOWN.to_owned()));
            let proof = match &p.doubt {
                Some(doubt) => Ink::of(doubt.clone(), Role::Warn),
                None => Ink::of("proven", Role::Good),
            };
            vec![Ink::text(p.pair.to_string()), quote(&p.bid), quote(&p.ask), Ink::text(format::count(p.gaps)), proof]
        });
    }
}
