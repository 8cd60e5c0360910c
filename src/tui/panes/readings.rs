//! What the brains say of the selected pair, and how good its data are.

use super::{Cx, Pane, PaneId, say, scroll};
use crate::domain::reading::{Prediction, WhaleOrder};
use crate::domain::snapshot::PairView;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;

pub struct Readings;

fn line(name: &str) -> Ink {
    Ink::muted(format!("{name:<11}"))
}

fn score(value: Option<f64>, note: Option<&str>) -> Ink {
    match value {
        Some(v) => Ink::of(format!("{:>6}", plus(v)), Role::of_change(v)),
        None => Ink::muted(format!("no data{}", note.map(|n| format!(": {n}")).unwrap_or_default())),
    }
}

fn plus(v: f64) -> String {
    let text = format::float(v, 2);
    if v > 0.0 { format!("+{text}") } else { text }
}

fn data(cx: &Cx<'_>, p: &PairView) -> Ink {
    let at = p.last_at.map_or_else(|| "no bar yet".to_owned(), |t| format!("bar closed {}", cx.zone().minute(t)));
    let state = match (p.stale, p.complete) {
        (true, _) => Ink::of("stale", Role::Stale),
        (false, true) => Ink::of("complete ✓", Role::Good),
        (false, false) => Ink::of("incomplete ✗", Role::Warn),
    };
    let note = p.data_note.as_ref().map(|n| format!("  {n}")).unwrap_or_default();
    let bars = match p.source_bars.len() {
        0 => format!("bars {} of 1h", p.bars.len()),
        n => format!("bars {} of 1h, {n} of {}", p.bars.len(), p.interval),
    };
    line("data").join(state).add(format!("  {at}  {bars}{note}"), Role::Muted)
}

fn regime(p: &PairView) -> Ink {
    let Some(r) = &p.regime else { return line("regime").add("not known yet", Role::Muted) };
    let Some(z) = r.z else { return line("regime").add("not known: 48 bars are needed", Role::Muted) };
    let pending = r.pending.map(|p| format!("  {} waits for confirmation", p.as_str())).unwrap_or_default();
    line("regime")
        .add(r.regime.as_str(), Role::Strong)
        .add(format!("  z {}  for {} bars{pending}", format::float(z, 2), r.bars), Role::Muted)
}

fn technical(p: &PairView) -> Vec<Ink> {
    let Some(t) = &p.technical else { return vec![line("technical").add("not heard yet", Role::Muted)] };
    let mut head = line("technical").join(score(t.score, t.note.as_deref()));
    if let Some(tempered) = t.tempered {
        head = head.add(format!("  tempered {}", plus(tempered)), Role::Muted);
    }
    let mut out = vec![head];
    for votes in t.votes.chunks(4) {
        let mut ink = Ink::muted(" ".repeat(11));
        for (name, vote) in votes {
            ink = ink.add(format!("{name} "), Role::Muted).add(format!("{}  ", plus(*vote)), Role::of_change(*vote));
        }
        out.push(ink);
    }
    out
}

fn sentiment(p: &PairView) -> Ink {
    let Some(s) = &p.sentiment else { return line("sentiment").add("not heard yet", Role::Muted) };
    let ink = line("sentiment").join(score(s.score, s.note.as_deref()));
    if s.score.is_none() {
        return ink;
    }
    ink.add(format!("  {} texts, n_eff {}, by {}", s.texts, format::float(s.n_eff, 1), s.engine), Role::Muted)
}

fn whale(p: &PairView) -> Ink {
    let Some(w) = &p.whale else { return line("whales").add("not heard yet", Role::Muted) };
    let said = match (w.order.as_ref().filter(|o| o.is_judged()), w.volume_z) {
        (Some(order), _) => largest_order(order, p.pair.quote()),
        (None, Some(z)) => format!("z {}", format::float(z, 1)),
        (None, None) => {
            let note = w.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
            return line("whales").add(format!("no data{note}"), Role::Muted);
        }
    };
    let impact = w.impact.map(|i| format!("  impact {}", format::signed_percent(i, 2))).unwrap_or_default();
    let ink = line("whales").add(said, Role::Text);
    let ink = if w.alert { ink.add("  ALERT", Role::Danger) } else { ink };
    ink.add(format!("{impact}  from {}", w.basis), Role::Muted)
}

/// `sell of 52.0k USD, z 6.4, 2.1× the threshold`
fn largest_order(order: &WhaleOrder, quote: &str) -> String {
    let z = order.z.map(|z| format!(", z {}", format::float(z, 1))).unwrap_or_default();
    let above = order.threshold.map(|t| format!(", {}× the threshold", format::float(order.quote / t, 1)));
    format!("{} of {} {quote}{z}{}", order.side.as_str(), format::volume(order.quote), above.unwrap_or_default())
}

fn prediction(cx: &Cx<'_>, pair: &PairView, p: &Prediction) -> Vec<Ink> {
    let price = |v| format::price(Some(v), pair.price_decimals);
    let passes = p.confidence.get() > cx.s.gate;
    let e = &p.evidence;
    let rate = e
        .hit_rate_lower
        .map_or_else(|| "no hit rate yet".to_owned(), |r| format!("hit rate at least {}", format::prob(r)));
    vec![
        line(&format!("P(win) {}", p.horizon))
            .add(format::prob(p.confidence.get()), if passes { Role::Good } else { Role::Strong })
            .add(format!("±{}", format::prob(p.epistemic)), Role::Text)
            .add(format!("  raw {}  base {}", format::prob(p.raw.get()), format::prob(p.base_rate.get())), Role::Muted)
            .add(
                format!("  return {} ", format::signed_percent(p.expected_return, 2)),
                Role::of_change(p.expected_return),
            )
            .add(
                format!(
                    "80% in {} … {}",
                    format::signed_percent(p.interval.0, 2),
                    format::signed_percent(p.interval.1, 2)
                ),
                Role::Muted,
            ),
        Ink::muted(format!(
            "{:11}entry {}  stop {}  target {}  payoff {}",
            "",
            price(p.plan.entry),
            price(p.plan.stop),
            price(p.plan.target),
            format::float(p.plan.payoff(), 2)
        )),
        Ink::muted(format!(
            "{:11}above the gate before: n {} (n_eff {}), {rate}",
            "",
            format::count(u64::from(e.n)),
            format::float(e.n_eff, 1),
        )),
        Ink::muted(format!("{:11}model {}, ECE {}", "", p.model, format::float(p.ece, 3))),
    ]
}

impl Pane for Readings {
    fn id(&self) -> PaneId {
        PaneId::Readings
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        cx.pair().map_or_else(|| "Readings".to_owned(), |p| format!("What the agents say of {}", p.pair))
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "x analyse now".to_owned()
    }

    fn lines(&self, cx: &Cx<'_>, _: usize) -> Option<Vec<Ink>> {
        let Some(p) = cx.pair() else { return Some(Vec::new()) };
        let mut out = vec![data(cx, p), regime(p)];
        for made in &p.predictions {
            out.extend(prediction(cx, p, made));
        }
        for none in &p.no_predictions {
            out.push(line(&format!("P(win) {}", none.horizon)).add(format!("none: {}", none.reason), Role::Muted));
        }
        out.extend(technical(p));
        out.extend([sentiment(p), whale(p)]);
        Some(out)
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        if cx.pair().is_none() {
            say(pen, 0, "no pairs yet: the first bars have not arrived");
        } else {
            scroll(self, pen, cx);
        }
    }
}
