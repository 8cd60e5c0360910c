//! Prices beside the chart and times under it.

use super::super::Cx;
use super::window::Window;
use crate::domain::money::Price;
use crate::domain::reading::Regime;
use crate::domain::snapshot::PairView;
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, UtcMs};
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;

/// Times that labels stand at: whole ones of these, the first that leaves room between labels.
const STEPS: [i64; 12] = [
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    5 * DAY_MS,
    10 * DAY_MS,
    30 * DAY_MS,
];

/// Columns from one label to the next at least.
const APART: i64 = 9;

/// Columns of the prices beside the chart.
pub(super) fn width(pair: &PairView) -> u16 {
    pair.last.map_or(9, |p| format::decimal(p.get(), pair.price_decimals).len() + 2) as u16
}

/// Top, bottom, quarter steps, and the last price marked.
pub(super) fn prices(pen: &mut Pen<'_>, (low, high): (f64, f64), pair: &PairView) {
    let rows = pen.height();
    if rows == 0 {
        return;
    }
    let places = pair.price_decimals.min(12) as usize;
    let width = pen.width();
    let row_of = |price: f64| {
        let share = ((high - price) / (high - low)).clamp(0.0, 1.0);
        ((share * f64::from(rows)).floor() as u16).min(rows - 1)
    };
    let last = pair.last.map(Price::to_f64).filter(|v| (low..=high).contains(v));
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

/// The axis itself; heavy and in its colour from where the present regime began.
fn rule(pen: &mut Pen<'_>, pair: &PairView, window: &Window, line: u16) {
    pen.ink(0, 0, Ink::of("─".repeat(line as usize), Role::Border));
    let Some((role, since)) = regime(pair) else { return };
    let before = window.slots().partition_point(|s| s.at < since);
    let x = window.column(before).min(line);
    pen.ink(x, 0, Ink::of("━".repeat((line - x) as usize), role));
}

/// Colour and beginning of the present regime, when one is known.
pub(super) fn regime(pair: &PairView) -> Option<(Role, UtcMs)> {
    let reading = pair.regime.filter(|r| r.z.is_some())?;
    let role = match reading.regime {
        Regime::Bull => Role::Up,
        Regime::Bear => Role::Down,
        Regime::Sideways => Role::Muted,
    };
    let end = pair.bars.last()?.close_time();
    Some((role, end.plus(-i64::from(reading.bars) * HOUR_MS)))
}

/// Times at round instants; the date stands where a day begins and is not repeated. `◐` marks a bar that is not whole.
pub(super) fn times(pen: &mut Pen<'_>, cx: &Cx<'_>, pair: &PairView, window: &Window, width: u16) {
    let (step, columns) = (window.chart.step, i64::from(window.columns));
    let line = window.column(window.slots().len()).min(width);
    rule(pen, pair, window, line);
    let far = |s: &i64| *s % step == 0 && *s / step * columns >= APART;
    let apart = STEPS.into_iter().find(far).unwrap_or(90 * DAY_MS);
    let mut day: Option<String> = None;
    for (i, slot) in window.slots().iter().enumerate() {
        let x = window.column(i);
        if slot.is_partial(step) {
            pen.glyph(x, 0, "◐", Role::Warn);
        }
        if slot.at != slot.at.floor_to(apart) || x + 5 > line {
            continue;
        }
        let today = cx.zone().day(slot.at);
        let begins = apart >= DAY_MS || day.as_ref().is_some_and(|d| *d != today);
        let label = if begins { today.clone() } else { cx.zone().hour(slot.at) };
        pen.ink(x, 0, Ink::of(label, if begins { Role::Text } else { Role::Muted }));
        day = Some(today);
    }
    if let (Some(x), Some(slot)) = (window.cursor_column(), window.slot()) {
        let label = format!(" {} ", cx.zone().short(slot.at));
        let at = x.saturating_sub(label.len() as u16 / 2).min(width.saturating_sub(label.len() as u16));
        pen.ink_within(at, 0, width.saturating_sub(at), Ink::of(label, Role::Strong));
    }
}
