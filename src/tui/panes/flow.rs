//! Order flow of the selected pair as it stands: who takes, what the book weighs, what both cost.

use super::{Cx, Pane, PaneId, say, scroll};
use crate::domain::flow::{BookClose, FlowView, Parent, TradeFlow};
use crate::domain::order::Side;
use crate::domain::time::UtcMs;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::bars;

pub struct Flow;

/// Older than this the values are late, in ms: Kraken sends something every second.
const LATE_MS: i64 = 3_000;
/// Older than this they say nothing of now, in ms.
const STALE_MS: i64 = 10_000;

/// Cells of a share's bar.
const CELLS: usize = 10;

fn line(name: &str) -> Ink {
    Ink::muted(format!("{name:<8}"))
}

/// The time that ages are counted to: the wall clock for live data, data time for a replay.
fn clock(cx: &Cx<'_>) -> UtcMs {
    if cx.s.source.kind == "replay" { cx.s.at } else { cx.now }
}

/// `+.34 ███████░░░`: a share between −1 and 1, half a bar for 0.
fn balance(share: f64) -> Ink {
    let sign = if share < 0.0 { "-" } else { "+" };
    let text = format!("{sign}{}", format::prob(share.abs()));
    Ink::of(text, Role::of_change(share))
        .add(format!(" {}", bars::gauge(f64::midpoint(share, 1.0), CELLS)), Role::Muted)
}

fn age(cx: &Cx<'_>, flow: &FlowView) -> Ink {
    let age = flow.age_ms(clock(cx));
    let (role, word) = match age {
        STALE_MS.. => (Role::Stale, "  stale"),
        LATE_MS.. => (Role::Warn, "  late"),
        _ => (Role::Text, ""),
    };
    let bar = format!("  bar since {}", cx.zone().hour(flow.bar));
    line("age").add(format!("{}{word}", format::age(age)), role).add(bar, Role::Muted)
}

/// `largest buy 12.4 in 7 trades`
fn parent(p: &Parent) -> Ink {
    let (side, role) = match p.side {
        Side::Buy => ("buy", Role::Up),
        Side::Sell => ("sell", Role::Down),
    };
    line("largest").add(side, role).add(format!(" {} in {} trades", format::volume(p.qty), p.prints), Role::Text)
}

fn trades(t: &TradeFlow) -> Vec<Ink> {
    let mut out = vec![
        line("buy")
            .add(format::volume(t.buy_volume), Role::Up)
            .add("  sell ", Role::Muted)
            .add(format::volume(t.sell_volume), Role::Down)
            .add(format!("  n {}", format::count(t.count)), Role::Muted),
    ];
    out.push(match t.delta_share() {
        Some(share) => line("delta").join(balance(share)),
        None => line("delta").add("nothing was traded in this bar", Role::Muted),
    });
    let plus = if t.cvd > 0.0 { "+" } else { "" };
    out.push(
        line("CVD")
            .add(format!("{plus}{}", format::volume(t.cvd)), Role::of_change(t.cvd))
            .add("  since the start", Role::Muted),
    );
    out.push(match t.vpin {
        Some(v) => {
            line("VPIN").add(format::prob(v), Role::Text).add(format!(" {}", bars::gauge(v, CELLS)), Role::Muted)
        }
        None => line("VPIN").add(format!("{} a day's volume is needed", format::UNKNOWN), Role::Muted),
    });
    out.extend(t.largest_parent.as_ref().map(parent));
    out
}

fn book(b: &BookClose, mean_spread: Option<f64>, decimals: u32) -> Vec<Ink> {
    let places = decimals.min(11) as usize;
    let price = |v| format::float(v, places);
    let points = |share: f64| format!("{} bp", format::float(share * 10_000.0, 2));
    let spread = (b.ask - b.bid) / b.mid();
    let mean = mean_spread.map(|s| format!("  mean {}", points(s))).unwrap_or_default();
    vec![
        line("bid").add(price(b.bid), Role::Text).add("  ask ", Role::Muted).add(price(b.ask), Role::Text),
        line("spread").add(points(spread), Role::Text).add(mean, Role::Muted),
        line("micro")
            .add(format::float(b.microprice, places + 1), Role::Text)
            .add(format!("  {} bp off mid", format::float(b.microprice_deviation() * 10_000.0, 2)), Role::Muted),
        line("OBI 1").join(balance(b.imbalance_1)),
        line("OBI 5").join(balance(b.imbalance_5)),
        line("OBI 10").join(balance(b.imbalance_10)),
    ]
}

impl Pane for Flow {
    fn id(&self) -> PaneId {
        PaneId::Flow
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let Some(pair) = cx.pair() else { return "Order flow".to_owned() };
        let source = cx.s.flow_of(&pair.pair).map(|f| format!("  {}", f.source)).unwrap_or_default();
        format!("Flow {}{source}", pair.pair)
    }

    fn lines(&self, cx: &Cx<'_>, _: usize) -> Option<Vec<Ink>> {
        let pair = cx.pair()?;
        let flow = cx.s.flow_of(&pair.pair)?;
        let mut out = vec![age(cx, flow)];
        match &flow.trades {
            Some(t) => out.extend(trades(t)),
            None => out.push(line("trades").add("not watched", Role::Muted)),
        }
        match &flow.book {
            Some(b) => out.extend(book(b, flow.spread, pair.price_decimals)),
            None => out.push(line("book").add("not known, or a side is empty", Role::Muted)),
        }
        out.extend(flow.trades.as_ref().and_then(TradeFlow::fault).map(|why| Ink::of(why, Role::Warn)));
        Some(out)
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        if cx.pair().is_some_and(|p| cx.s.flow_of(&p.pair).is_some()) {
            scroll(self, pen, cx);
            return;
        }
        let why = cx.s.flow_absent.as_deref();
        say(pen, 0, why.unwrap_or("no order flow yet: no trade and no book of this pair has arrived"));
    }
}
