//! Candles of the selected pair with volume, axes and the predictions.

use super::{Cx, Pane, PaneId, say};
use crate::domain::snapshot::PairView;
use crate::domain::time::{DAY_MS, HOUR_MS, UtcMs};
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::candles::{self, Stick};

pub struct Chart;

/// Lengths of the bars that `[` and `]` choose from.
pub const FRAMES: [(&str, i64); 4] = [("1h", HOUR_MS), ("4h", 4 * HOUR_MS), ("12h", 12 * HOUR_MS), ("1d", DAY_MS)];

fn frame(cx: &Cx<'_>) -> (&'static str, i64) {
    FRAMES.get(cx.view.bars).copied().unwrap_or(("1h", HOUR_MS))
}

fn ohlc(stick: &Stick, decimals: u32) -> Vec<Ink> {
    let places = decimals.min(12) as usize;
    let role = Role::of_change(stick.close - stick.open);
    [("O", stick.open), ("H", stick.high), ("L", stick.low), ("C", stick.close)]
        .map(|(name, v)| Ink::muted(format!("{name} ")).add(format::float(v, places), role))
        .to_vec()
}

/// Prices beside the chart: top, bottom, quarter steps, and the last one marked.
fn price_axis(pen: &mut Pen<'_>, (low, high): (f64, f64), last: Option<f64>, decimals: u32) {
    let rows = pen.height();
    if rows == 0 {
        return;
    }
    let places = decimals.min(12) as usize;
    let width = pen.width();
    let row_of = |price: f64| {
        let share = ((high - price) / (high - low)).clamp(0.0, 1.0);
        ((share * f64::from(rows)).floor() as u16).min(rows - 1)
    };
    let marked = last.map(row_of);
    let steps = (rows / 5).clamp(1, 6);
    for i in 0..=steps {
        let y = (u32::from(rows - 1) * u32::from(i) / u32::from(steps)) as u16;
        if marked != Some(y) {
            let price = high - (high - low) * (f64::from(y) + 0.5) / f64::from(rows);
            pen.number(width, y, width, Ink::muted(format::float(price, places)));
        }
    }
    if let (Some(y), Some(last)) = (marked, last) {
        pen.number(width, y, width, Ink::of(format!("▶{}", format::float(last, places)), Role::Strong));
    }
}

/// Times under the chart, every sixth bar on a round hour; the date stands where a day begins.
fn time_axis(pen: &mut Pen<'_>, y: u16, cx: &Cx<'_>, count: usize, newest: UtcMs, step: i64) {
    pen.ink(0, y, Ink::of("─".repeat(count), Role::Border));
    for x in 0..count {
        let at = newest.plus(-step.saturating_mul((count - 1 - x) as i64));
        if at != at.floor_to(6 * step) {
            continue;
        }
        let begins = step >= 4 * HOUR_MS || cx.zone().hour(at) == "00:00";
        let label = if begins { cx.zone().day(at) } else { cx.zone().hour(at) };
        if x + label.len() <= count {
            pen.ink(x as u16, y, Ink::of(label, if begins { Role::Text } else { Role::Muted }));
        }
    }
}

/// `P(win) 1h .46±.05`
fn predictions(pair: &PairView) -> Vec<Ink> {
    if pair.predictions.is_empty() {
        let why = pair.no_predictions.first().map_or("no model has spoken yet", |n| n.reason.as_str());
        return vec![Ink::muted(format!("no prediction: {why}"))];
    }
    let mut out = vec![Ink::muted("P(win)")];
    out.extend(pair.predictions.iter().map(|p| {
        Ink::muted(format!("{} ", p.horizon))
            .add(format::prob(p.confidence.get()), Role::Strong)
            .add(format!("±{}", format::prob(p.epistemic)), Role::Muted)
    }));
    out
}

impl Chart {
    fn plot(pen: &mut Pen<'_>, cx: &Cx<'_>, pair: &PairView) {
        let (_, step) = frame(cx);
        let axis = pair.last.map_or(9, |p| format::decimal(p.get(), pair.price_decimals).len() + 2) as u16;
        let width = pen.width().saturating_sub(axis);
        let sticks = candles::sticks(&pair.bars, step, width as usize);
        let (Some(range), Some(newest)) = (candles::range(&sticks), pair.bars.last().map(|c| c.open_time)) else {
            say(pen, 1, "no bars yet: the first hour has not closed");
            return;
        };
        if let Some(stick) = sticks.iter().rev().flatten().next() {
            pen.segments(0, 0, ohlc(stick, pair.price_decimals));
        }
        let height = pen.height().saturating_sub(4);
        candles::draw(&mut pen.rows(1, height).columns(0, width), &sticks, range);
        let last = pair.last.map(crate::domain::money::Price::to_f64).filter(|v| (range.0..=range.1).contains(v));
        price_axis(&mut pen.rows(1, height).columns(width, axis), range, last, pair.price_decimals);
        pen.ink(0, height + 1, Ink::muted(candles::volumes(&sticks)));
        let newest_volume = sticks.iter().rev().flatten().next().map_or(0.0, |s| s.volume);
        pen.number(width + axis, height + 1, axis, Ink::muted(format!("vol {}", format::volume(newest_volume))));
        time_axis(pen, height + 2, cx, sticks.len(), newest.floor_to(step), step);
        pen.number(width + axis, height + 2, axis, Ink::muted(cx.zone().name(newest)));
        pen.segments(0, height + 3, predictions(pair));
    }
}

impl Pane for Chart {
    fn id(&self) -> PaneId {
        PaneId::Chart
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let Some(pair) = cx.pair() else { return "Chart".to_owned() };
        let stale = if pair.stale { "  stale" } else { "" };
        format!("{} {}  {}{stale}", pair.pair, frame(cx).0, pair.venue)
    }

    fn footer(&self, _: &Cx<'_>) -> String {
        "n/N pair  [ ] bars".to_owned()
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        match cx.pair() {
            Some(pair) => Self::plot(pen, cx, pair),
            None => {
                say(pen, 0, "no pairs yet: the first bars have not arrived");
            }
        }
    }
}
