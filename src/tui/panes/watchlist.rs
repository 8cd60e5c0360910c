//! The pairs: last price, change, and the best signal.

use super::{Cx, Pane, PaneId, filter_text, list, order_text, rank};
use crate::domain::order::Side;
use crate::domain::quality::TrustState;
use crate::domain::reading::{Prediction, Regime};
use crate::domain::snapshot::PairView;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::bars;
use crate::tui::widgets::table::{Column, name, number, text};

pub struct Watchlist;

const COLUMNS: [Column; 6] = [
    name("PAIR", 8, 0),
    number("LAST", 9, 0),
    number("24h%", 6, 1),
    text("SIG", 5, 1),
    text("24h", 6, 2),
    text("REG.", 4, 3),
];

/// The prediction with the highest confidence.
pub(super) fn best(pair: &PairView) -> Option<&Prediction> {
    pair.predictions.iter().max_by(|a, b| a.confidence.get().total_cmp(&b.confidence.get()))
}

fn shown<'a>(cx: &Cx<'a>) -> Vec<&'a PairView> {
    let state = cx.state(PaneId::Watchlist);
    let words = |p: &PairView| {
        let regime = p.regime.map_or("", |r| r.regime.as_str());
        format!("{} {regime} {}", p.pair, if p.stale { "stale" } else { "" })
    };
    let confidence = |p: &PairView| best(p).map(|b| b.confidence.get());
    let mut pairs: Vec<&PairView> =
        cx.s.pairs.iter().filter(|p| state.filter.keeps(&words(p), confidence(p))).collect();
    match state.sort {
        1 => pairs.sort_by(|a, b| rank(confidence(b)).total_cmp(&rank(confidence(a)))),
        2 => pairs.sort_by(|a, b| rank(b.change_24h).total_cmp(&rank(a.change_24h))),
        _ => {}
    }
    if state.reverse {
        pairs.reverse();
    }
    pairs
}

/// `▲+1.24`
pub(super) fn change(value: Option<f64>) -> Ink {
    let Some(value) = value.filter(|v| v.is_finite()) else { return Ink::muted(format::UNKNOWN) };
    let percent = format::signed_percent(value, 2);
    let percent = percent.trim_end_matches('%');
    let role = Role::of_change(value);
    let mark = match role {
        Role::Up => "▲",
        Role::Down => "▼",
        _ => " ",
    };
    Ink::of(format!("{mark}{percent}"), role)
}

/// The best signal; what speaks against the data stands in its place.
fn signal(cx: &Cx<'_>, pair: &PairView) -> Ink {
    let gate = cx.s.gate;
    match cx.s.pipeline.pair(&pair.pair).map(|q| q.trust.state) {
        Some(TrustState::Quarantined) => return Ink::of("quar.", Role::Danger),
        _ if pair.stale => return Ink::of("stale", Role::Stale),
        Some(TrustState::Stale) => return Ink::of("stale", Role::Stale),
        Some(TrustState::CatchingUp) => return Ink::of("catch", Role::Warn),
        Some(TrustState::Proven) | None => {}
    }
    let Some(p) = best(pair) else { return Ink::muted(format::UNKNOWN) };
    let side = if p.plan.side == Side::Buy { "B" } else { "S" };
    let passes = p.confidence.get() > gate;
    let role = if passes { Role::Strong } else { Role::Muted };
    Ink::of(format!("{} {}", if passes { side } else { "·" }, format::prob(p.confidence.get())), role)
}

pub(super) fn regime(pair: &PairView) -> Ink {
    match pair.regime {
        Some(r) if r.z.is_some() => match r.regime {
            Regime::Bull => Ink::of("bull", Role::Up),
            Regime::Bear => Ink::of("bear", Role::Down),
            Regime::Sideways => Ink::text("side"),
        },
        _ => Ink::muted(format::UNKNOWN),
    }
}

/// Closes of the last day, every fourth hour.
fn day(pair: &PairView) -> Vec<Option<f64>> {
    let bars = pair.bars.get(pair.bars.len().saturating_sub(24)..).unwrap_or(&[]);
    bars.rchunks(4).rev().map(|c| c.last().map(|c| c.close.to_f64())).collect()
}

impl Pane for Watchlist {
    fn id(&self) -> PaneId {
        PaneId::Watchlist
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        format!("Watchlist {}/{}{}", shown(cx).len(), cx.s.pairs.len(), filter_text(cx, self.id()))
    }

    fn footer(&self, cx: &Cx<'_>) -> String {
        order_text(self, cx)
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        shown(cx).iter().map(|p| p.pair.to_string()).collect()
    }

    fn sorts(&self) -> &'static [&'static str] {
        &["pair", "conf", "24h%"]
    }

    fn filters(&self) -> bool {
        true
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let pairs = shown(cx);
        list(self, pen, cx, &COLUMNS, "no pairs yet: the first bars have not arrived", |i| {
            let Some(p) = pairs.get(i) else { return Vec::new() };
            let price_role = match (p.stale, cx.view.flashes.contains_key(&p.pair)) {
                (true, _) => Role::Stale,
                (false, true) => Role::Flash,
                (false, false) => Role::Text,
            };
            vec![
                Ink::text(p.pair.as_str()),
                Ink::of(format::price(p.last, p.price_decimals), price_role),
                change(p.change_24h),
                signal(cx, p),
                Ink::muted(bars::sparkline(&day(p), 6)),
                regime(p),
            ]
        });
    }
}
