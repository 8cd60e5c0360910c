//! An indicator with a scale of its own, in a few rows below the candles.

use super::legend;
use super::window::Window;
use crate::tui::indicators::{Look, Plot, Series};
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::candles;
use crate::tui::widgets::curve;
use crate::tui::widgets::lines::{Layer, Stroke};

/// Bottom and top of the scale: fixed ones, else what the values in sight span; bars stand on zero. `None` without any value.
fn range(window: &Window, series: &Series) -> Option<(f64, f64)> {
    let lines = series.plot.lines;
    let mut seen: Vec<f64> = (0..lines.len()).flat_map(|i| window.values(series, i)).flatten().collect();
    if seen.is_empty() || series.plot.bounds.is_some() {
        return series.plot.bounds.filter(|_| !seen.is_empty());
    }
    if lines.iter().any(|l| l.look == Look::Bars) {
        seen.push(0.0);
    }
    curve::range(&seen)
}

/// Row of a value, when it is in range.
fn row(value: f64, (low, high): (f64, f64), rows: u16) -> Option<u16> {
    let share = (high - value) / (high - low);
    (rows > 0 && (0.0..=1.0).contains(&share)).then(|| ((share * f64::from(rows)) as u16).min(rows - 1))
}

/// The marked levels, else both ends of the scale.
fn scale(pen: &mut Pen<'_>, plot: &Plot, (low, high): (f64, f64), decimals: u32) {
    let (rows, width) = (pen.height(), pen.width());
    let text = |v: f64| Ink::muted(legend::value(plot.unit, v, decimals));
    let marked: Vec<(u16, f64)> =
        plot.guides.iter().filter_map(|g| row(*g, (low, high), rows).map(|y| (y, *g))).collect();
    let ends = [(0, high), (rows.saturating_sub(1), low)];
    let labels = if marked.len() > 1 { marked } else { ends.to_vec() };
    let mut used: Vec<u16> = Vec::new();
    for (y, v) in labels {
        if !used.contains(&y) {
            used.push(y);
            pen.number(width, y, width, text(v));
        }
    }
}

/// Draws one indicator: its legend on a rule, its lines under it, its scale at the right.
pub(super) fn draw(pen: &mut Pen<'_>, window: &Window, series: &Series, axis: u16, decimals: u32) {
    pen.rule(0, "");
    let ink = Ink::of(" ", Role::Border).join(legend::series(series, window.shown(), 0, decimals, false));
    pen.segments(1, 0, [ink.add(" ", Role::Border)]);
    let width = pen.width().saturating_sub(axis);
    let mut inside = pen.rows(1, u16::MAX);
    let rows = inside.height();
    let Some(range) = range(window, series) else {
        inside.ink(1, 0, Ink::muted("no value yet: too few bars since the beginning or the last hole"));
        return;
    };
    scale(&mut inside.columns(width, axis), series.plot, range, decimals);
    let mut plot = inside.columns(0, width);
    for guide in series.plot.guides {
        if let Some(y) = row(*guide, range, rows) {
            plot.ink(0, y, Ink::of("┈".repeat(width as usize), Role::Border));
        }
    }
    if let Some(x) = window.cursor_column() {
        for y in 0..rows {
            plot.glyph(x, y, "│", Role::Border);
        }
    }
    let mut layer = Layer::new(width, rows);
    for (i, line) in series.plot.lines.iter().enumerate() {
        let values = window.values(series, i);
        if line.look == Look::Bars {
            candles::from_zero(&mut plot, values, window.columns, range);
        } else {
            layer.line(values, window.columns, range, legend::role(line.look, 0), Stroke::of(i));
        }
    }
    layer.draw(&mut plot);
}
