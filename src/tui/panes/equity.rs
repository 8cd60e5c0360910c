//! Equity over time, and the fall from its peak below it.

use super::{Cx, Pane, PaneId, say};
use crate::domain::snapshot::AccountSummary;
use crate::tui::format;
use crate::tui::paint::{Ink, Pen};
use crate::tui::theme::Role;
use crate::tui::widgets::curve;

pub struct Equity;

/// Fall from the highest value so far, as a share; zero or negative.
fn drawdowns(values: &[f64]) -> Vec<f64> {
    let mut peak = f64::NEG_INFINITY;
    let fall = |v: &f64| {
        peak = peak.max(*v);
        if peak > 0.0 { v / peak - 1.0 } else { 0.0 }
    };
    values.iter().map(fall).collect()
}

fn plot(pen: &mut Pen<'_>, values: &[f64], role: Role, label: impl Fn(f64) -> String) {
    let Some((low, high)) = curve::range(values) else { return };
    let (top, bottom) = (label(high), label(low));
    let axis = (top.len().max(bottom.len()) as u16 + 2).min(pen.width());
    let width = pen.width() - axis;
    curve::draw(&mut pen.columns(0, width), values, (low, high), role);
    let end = pen.width().saturating_sub(1);
    pen.number(end, 0, axis.saturating_sub(1), Ink::muted(top));
    if pen.height() > 1 {
        pen.number(end, pen.height() - 1, axis.saturating_sub(1), Ink::muted(bottom));
    }
}

fn span(cx: &Cx<'_>, account: &AccountSummary) -> String {
    let (Some(first), Some(last)) = (account.equity_curve.first(), account.equity_curve.last()) else {
        return String::new();
    };
    format!("{} … {} {}", cx.zone().short(first.0), cx.zone().short(last.0), cx.zone().name(last.0))
}

impl Pane for Equity {
    fn id(&self) -> PaneId {
        PaneId::Equity
    }

    fn title(&self, cx: &Cx<'_>) -> String {
        let span = cx.s.main.as_ref().map(|a| span(cx, a)).unwrap_or_default();
        format!("Equity, drawdown, main  {span}")
    }

    fn draw(&self, pen: &mut Pen<'_>, cx: &Cx<'_>) {
        let Some(account) = cx.s.main.as_ref().filter(|a| !a.equity_curve.is_empty()) else {
            say(pen, 0, "no curve yet: it grows by one point per cycle");
            return;
        };
        let values: Vec<f64> = account.equity_curve.iter().map(|(_, m)| m.to_f64()).collect();
        let rows = pen.height();
        let below = if rows >= 5 { (rows / 3).max(2) } else { 0 };
        plot(&mut pen.rows(0, rows - below), &values, Role::Strong, |v| format::float(v, 2));
        if below > 0 {
            plot(&mut pen.rows(rows - below, below), &drawdowns(&values), Role::Down, |v| format::percent(v, 2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawdown_counts_from_the_peak() {
        assert_eq!(drawdowns(&[100.0, 110.0, 99.0, 110.0]), [0.0, 0.0, 99.0 / 110.0 - 1.0, 0.0]);
    }
}
