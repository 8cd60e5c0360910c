//! How far the data of each pair can be trusted, and what the pipeline did.

use super::{Cx, Pane, PaneId, plain_table, say};
use crate::domain::quality::{PairQuality, TrustState};
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::table::{name, number, rest};

pub struct Quality;

/// Rows above the table of pairs.
const HEAD: u16 = 1;

fn counts(cx: &Cx<'_>) -> Vec<Ink> {
    let p = &cx.s.pipeline;
    let item = |name: &str, n: u64| Ink::muted(format!("{name} ")).add(format::count(n), Role::Text);
    let fault = |name: &str, n: u64| {
        Ink::muted(format!("{name} ")).add(format::count(n), if n == 0 { Role::Text } else { Role::Warn })
    };
    let mut out = vec![
        item("rows", p.ingested),
        fault("refused", p.rejected_total()),
        fault("holes", p.holes),
        item("frames", p.frames),
        item("complete", p.frames_complete),
    ];
    if p.quarantine_lost > 0 {
        out.push(fault("not written", p.quarantine_lost));
    }
    out
}

/// Worst first, each group in the order of the watchlist.
fn in_order<'a>(cx: &Cx<'a>) -> Vec<&'a PairQuality> {
    let mut pairs: Vec<&PairQuality> = cx.s.pipeline.pairs.iter().collect();
    pairs.sort_by_key(|q| std::cmp::Reverse(q.trust.state));
    pairs
}

const fn role(state: TrustState) -> Role {
    match state {
        TrustState::Proven => Role::Good,
        TrustState::CatchingUp => Role::Warn,
        TrustState::Stale => Role::Stale,
        TrustState::Quarantined => Role::Danger,
    }
}

/// Outliers, and how many of them a second source contradicted.
fn outliers(q: &PairQuality) -> Ink {
    let o = q.outliers;
    match o.contradicted {
        0 => Ink::text(format::count(o.flagged)),
        n => Ink::of(format!("{}!{}", format::count(o.flagged), format::count(n)), Role::Warn),
    }
}

impl Pane for Quality {
    fn id(&self) -> PaneId {
        PaneId::Quality
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let pairs = &cx.s.pipeline.pairs;
        let proven = pairs.iter().filter(|q| q.trust.state == TrustState::Proven).count();
        if pairs.is_empty() {
            "Data quality".to_owned()
        } else {
            format!("Data quality  {proven}/{} proven", pairs.len())
        }
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let rows = in_order(cx);
        if rows.is_empty() {
            say(
                pen,
                0,
                "no data yet: the first bars have not arrived. If this lasts, see Link on the Health screen (8).",
            );
            return;
        }
        pen.segments(1, 0, counts(cx));
        let columns = [
            name("PAIR", 8, 0),
            name("TRUST", 11, 0),
            number("AGE", 5, 1),
            number("24h", 5, 2),
            number("HOLE", 4, 4),
            number("REJ", 4, 3),
            number("OUTL", 5, 5),
            rest("BECAUSE", 10, 0),
        ];
        let height = pen.height().saturating_sub(HEAD);
        let mut below = pen.rows(HEAD, height);
        let warn = |n: u64| Ink::of(format::count(n), if n == 0 { Role::Text } else { Role::Warn });
        plain_table(&mut below, &columns, rows.len(), |i| {
            let Some(q) = rows.get(i) else { return Vec::new() };
            let age = q.newest.map_or_else(|| format::UNKNOWN.to_owned(), |at| format::age(cx.s.at.since(at)));
            let share = q.completeness().map_or_else(|| format::UNKNOWN.to_owned(), |c| format::percent(c, 0));
            vec![
                Ink::text(q.pair.as_str()),
                Ink::of(q.trust.state.words(), role(q.trust.state)),
                Ink::text(age),
                Ink::text(share),
                warn(q.holes),
                warn(q.rejected),
                outliers(q),
                Ink::muted(q.trust.reason.clone().unwrap_or_default()),
            ]
        });
    }
}
