//! What the numbers are: the bar under the cursor or the newest, and the indicators with their values there.

use super::super::Cx;
use super::axes;
use super::window::Window;
use crate::domain::snapshot::PairView;
use crate::tui::format;
use crate::tui::indicators::{Look, Series, Unit};
use crate::tui::paint::Ink;
use crate::tui::theme::Role;
use crate::tui::widgets::lines::Stroke;

/// Colour of a line of the `k`-th indicator.
pub(super) const fn role(look: Look, k: usize) -> Role {
    match look {
        Look::Main | Look::Inner | Look::Points => Role::line(k),
        Look::Second => Role::line(k + 1),
        Look::Rising => Role::Up,
        Look::Falling => Role::Down,
        Look::Bars => Role::Text,
    }
}

/// A value as its indicator is written.
pub(super) fn value(unit: Unit, value: f64, decimals: u32) -> String {
    let places = decimals.min(11) as usize;
    match unit {
        Unit::Price => format::float(value, places),
        Unit::Difference => format::float(value, places + 1),
        Unit::Plain(places) => format::float(value, places),
        Unit::Volume => format::volume(value),
    }
}

/// `EMA 50 64,812.4`; `···` where no line has a value. `over` marks the stroke of a line that others cross.
pub(super) fn series(series: &Series, at: usize, k: usize, decimals: u32, over: bool) -> Ink {
    let plot = series.plot;
    let stroke = if over { format!("{} ", Stroke::of(k).sample()) } else { String::new() };
    let mut ink = Ink::of(format!("{stroke}{}", plot.name), role(Look::Main, k));
    let values = series.values.get(at).copied().unwrap_or_default();
    let mut known = plot.lines.iter().zip(values).filter_map(|(l, v)| v.map(|v| (l, v))).peekable();
    if known.peek().is_none() {
        return ink.add(format!(" {}", format::UNKNOWN), Role::Muted);
    }
    for (line, v) in known {
        if !line.name.is_empty() {
            ink = ink.add(format!(" {}", line.name), Role::Muted);
        }
        let role = if line.look == Look::Bars { Role::of_change(v) } else { role(line.look, k) };
        ink = ink.add(format!(" {}", value(plot.unit, v, decimals)), role);
    }
    ink
}

/// Time and prices of the bar that is spoken of.
fn prices(cx: &Cx<'_>, decimals: u32, window: &Window) -> Vec<Ink> {
    let Some(slot) = window.slot() else { return Vec::new() };
    let at = cx.zone().short(slot.at);
    let time = if window.cursor.is_some() { Ink::of(at, Role::Strong) } else { Ink::muted(at) };
    let Some(bar) = slot.bar else {
        let why = if slot.hole { "data are missing here" } else { "nothing was traded" };
        return vec![time, Ink::muted(why)];
    };
    let places = decimals.min(12) as usize;
    let role = Role::of_change(bar.close - bar.open);
    let mut out = vec![time];
    let all = [("O ", bar.open), (" H ", bar.high), (" L ", bar.low), (" C ", bar.close)];
    out.push(
        all.into_iter()
            .fold(Ink::new(), |ink, (name, v)| ink.add(name, Role::Muted).add(format::float(v, places), role)),
    );
    out.push(Ink::of(format::signed_percent(bar.close / bar.open - 1.0, 2), role));
    if slot.is_partial(window.chart.step) {
        let why = if slot.hole { "with a hole: " } else { "" };
        let (part, whole) = (format::age(slot.covered), format::age(window.chart.step));
        out.push(Ink::of(format!("◐ {why}{part} of {whole}"), Role::Warn));
    }
    out
}

/// Bid, ask and what lies between them, as Kraken quotes them. A stand-in's book is made up around recorded candles: it quotes nothing.
fn quote(cx: &Cx<'_>, pair: &PairView) -> Option<Ink> {
    let link = cx.s.link.as_ref().filter(|l| l.real)?;
    let row = link.pairs.iter().find(|p| p.pair == pair.pair)?;
    let (bid, ask) = (row.bid.as_ref()?, row.ask.as_ref()?);
    let (b, a) = (bid.parse::<f64>().ok()?, ask.parse::<f64>().ok()?);
    let points = (a - b) / f64::midpoint(a, b) * 10_000.0;
    let doubt = if row.doubt.is_some() { " not proven" } else { "" };
    Some(Ink::muted(format!("bid {bid} ask {ask} spread {} bp{doubt}", format::float(points, 2))))
}

/// `━ Bull for 31 hours`
fn regime(pair: &PairView) -> Option<Ink> {
    let (role, _) = axes::regime(pair)?;
    let reading = pair.regime?;
    Some(Ink::of("━ ", role).add(format!("{} for {} hours", reading.regime.as_str(), reading.bars), Role::Muted))
}

/// The first row: the bar, the quote and the regime.
pub(super) fn bar(cx: &Cx<'_>, pair: &PairView, window: &Window) -> Vec<Ink> {
    prices(cx, pair.price_decimals, window).into_iter().chain(quote(cx, pair)).chain(regime(pair)).collect()
}
