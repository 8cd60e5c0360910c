//! Candles of the selected pair with volume, the chosen indicators, axes and the predictions.
//!
//! ```text
//! bar under the cursor, else the newest
//! indicators over the candles, with their values
//! candles                                        │ prices
//! volume                                         │
//! ─ indicator below ───────────────────────────  │
//! its lines                                      │ its scale
//! ───────06:00───08:00━━ heavy: the present regime │ zone
//! predictions (where no other pane shows them)
//! ```

mod axes;
mod below;
mod legend;
mod window;

use ratatui::layout::{Position, Rect};

use self::window::{Rows, Window};
use super::{Cx, Pane, PaneId, say};
use crate::domain::snapshot::PairView;
use crate::tui::format;
use crate::tui::indicators::{FRAMES, Frame, Look, Place, frames};
use crate::tui::paint::{Ink, Pen};
use crate::tui::screens::Screen;
use crate::tui::theme::Role;
use crate::tui::widgets::candles;
use crate::tui::widgets::lines::{Layer, Stroke};

pub struct Chart;

/// The bars that are shown: of the chosen length, or the next longer one that the pair has.
#[must_use]
pub fn frame(cx: &Cx<'_>, pair: &PairView) -> Frame {
    let wanted = cx.view.chart.step;
    let longer = frames(pair).find(|(_, ms)| *ms >= wanted).or_else(|| frames(pair).last());
    longer.or_else(|| FRAMES.last().copied()).unwrap_or(("1h", wanted))
}

/// The bar under a point of the pane's inside: its place from the newest, and its key.
#[must_use]
pub fn bar_at(cx: &Cx<'_>, inside: Rect, at: Position) -> Option<(usize, String)> {
    let pair = cx.pair()?;
    let window = Window::of(cx, pair, inside.width.saturating_sub(axes::width(pair)));
    let x = at.x.checked_sub(inside.x)? / window.columns;
    let index = window.from + usize::from(x);
    let slot = window.chart.slots.get(index).filter(|_| index < window.to)?;
    Some((window.chart.slots.len() - 1 - index, slot.at.0.to_string()))
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

/// Candles with the lines that run over them.
fn prices(pen: &mut Pen<'_>, window: &Window, range: (f64, f64)) {
    if let Some(x) = window.cursor_column() {
        for y in 0..pen.height() {
            pen.glyph(x, y, "│", Role::Border);
        }
    }
    let mut layer = Layer::new(pen.width(), pen.height());
    for (k, series) in window.series(Place::Price).enumerate() {
        for (i, line) in series.plot.lines.iter().enumerate() {
            let (values, role) = (window.values(series, i), legend::role(line.look, k));
            match line.look {
                Look::Points => layer.points(values, window.columns, range, role),
                Look::Inner => layer.line(values, window.columns, range, role, Stroke::Dotted),
                _ => layer.line(values, window.columns, range, role, Stroke::of(k)),
            }
        }
    }
    layer.draw(pen);
    candles::draw(pen, window.slots().iter().map(|s| s.bar.as_ref()), window.columns, range);
}

/// Volumes; `×` where data are missing.
fn volumes(pen: &mut Pen<'_>, window: &Window) {
    candles::volumes(pen, window.slots().iter().map(|s| s.bar.map(|b| b.volume)), window.columns);
    for (i, _) in window.slots().iter().enumerate().filter(|(_, s)| s.bar.is_none() && s.hole) {
        pen.glyph(window.column(i), pen.height().saturating_sub(1), "×", Role::Muted);
    }
}

impl Chart {
    fn plot(pen: &mut Pen<'_>, cx: &Cx<'_>, pair: &PairView) {
        let axis = axes::width(pair);
        let width = pen.width().saturating_sub(axis);
        let window = Window::of(cx, pair, width);
        let Some(range) = window.price_range() else {
            say(pen, 1, "no bars yet: the first hour has not closed");
            return;
        };
        let crowded = cx.view.screen != Screen::Market && !cx.view.zoomed;
        let wanted = if crowded { 0 } else { window.series(Place::Below).count() };
        let rows = Rows::of(pen.height(), window.series(Place::Price).next().is_some(), wanted, crowded);
        let more = wanted.saturating_sub(rows.panes);
        let remedy = if cx.view.zoomed { "no room" } else { "z zooms" };
        let more = (more > 0).then(|| Ink::muted(format!("+{more} below: {remedy}")));
        pen.segments(0, 0, legend::bar(cx, pair, &window).into_iter().chain(more.clone().filter(|_| rows.legend == 0)));
        if rows.legend > 0 {
            let inks = window.series(Place::Price).enumerate();
            let inks = inks.map(|(k, s)| legend::series(s, window.shown(), k, pair.price_decimals, true));
            pen.segments(0, 1, inks.chain(more).collect::<Vec<_>>());
        }
        let mut y = 1 + rows.legend;
        prices(&mut pen.rows(y, rows.price).columns(0, width), &window, range);
        axes::prices(&mut pen.rows(y, rows.price).columns(width, axis), range, pair);
        y += rows.price;
        volumes(&mut pen.rows(y, rows.volume).columns(0, width), &window);
        let volume = window.bar().map_or_else(|| format::NA.to_owned(), |b| format::volume(b.volume));
        pen.number(width + axis, y + rows.volume.saturating_sub(1), axis, Ink::muted(format!("vol {volume}")));
        y += rows.volume;
        for series in window.series(Place::Below).take(rows.panes) {
            below::draw(&mut pen.rows(y, rows.below), &window, series, axis, pair.price_decimals);
            y += rows.below;
        }
        axes::times(&mut pen.rows(y, 1), cx, pair, &window, width);
        pen.number(width + axis, y, axis, Ink::muted(cx.zone().name(window.shown_at())));
        if crowded {
            pen.segments(0, y + 1, predictions(pair));
        }
    }
}

impl Pane for Chart {
    fn id(&self) -> PaneId {
        PaneId::Chart
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let Some(pair) = cx.pair() else { return "Chart".to_owned() };
        let stale = if pair.stale { "  stale" } else { "" };
        let (name, step) = frame(cx, pair);
        let chart = cx.view.chart.memo.charted(pair, step, &cx.view.chart.chosen);
        let missing = match chart.slots.iter().filter(|s| s.bar.is_none() && s.hole).count() {
            0 => String::new(),
            n => format!("  × {n} of {} bars missing", chart.slots.len()),
        };
        format!("{} {name}  {}{stale}{missing}", pair.pair, pair.venue)
    }

    fn footer(&self, cx: &Cx<'_>) -> String {
        let cursor = if cx.state(self.id()).key.is_some() { "j/k bar  esc newest" } else { "j/k bar" };
        format!("[ ] frame  +/- zoom  i indicators  {cursor}")
    }

    /// The bars, newest first.
    fn keys(&self, cx: &Cx<'_>) -> Vec<String> {
        let Some(pair) = cx.pair() else { return Vec::new() };
        let chart = cx.view.chart.memo.charted(pair, frame(cx, pair).1, &cx.view.chart.chosen);
        chart.slots.iter().rev().map(|s| s.at.0.to_string()).collect()
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
