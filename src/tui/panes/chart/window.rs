//! Which bars are in sight, and how the rows of the pane are shared out.

use std::sync::Arc;

use super::super::{Cx, PaneId};
use super::frame;
use crate::domain::market::Bar;
use crate::domain::snapshot::PairView;
use crate::domain::time::UtcMs;
use crate::tui::indicators::{Charted, Place, Series, Slot};
use crate::tui::widgets::candles;

/// Lines outside the candles' range widen it by this share at most: a far average must not flatten the candles.
const WIDEN: f64 = 0.25;

/// The bars in sight.
pub(super) struct Window {
    pub(super) chart: Arc<Charted>,
    /// Columns per bar.
    pub(super) columns: u16,
    pub(super) from: usize,
    pub(super) to: usize,
    /// Slot under the cursor.
    pub(super) cursor: Option<usize>,
}

impl Window {
    /// The newest bars that fit into `width` columns; further back when the cursor is there.
    pub(super) fn of(cx: &Cx<'_>, pair: &PairView, width: u16) -> Self {
        let view = &cx.view.chart;
        let chart = view.memo.charted(pair, frame(cx, pair).1, &view.chosen);
        let columns = view.columns.max(1);
        let fit = usize::from(width.div_ceil(columns)).max(1);
        let count = chart.slots.len();
        let at = cx.state(PaneId::Chart).key.as_ref().and_then(|k| k.parse().ok()).map(UtcMs);
        let cursor = at.and_then(|at| chart.slots.binary_search_by_key(&at, |s| s.at).ok());
        let newest = count.saturating_sub(fit);
        let from = cursor.map_or(newest, |c| c.min(newest));
        Self { columns, from, to: count.min(from + fit), cursor, chart }
    }

    pub(super) fn slots(&self) -> &[Slot] {
        self.chart.slots.get(self.from..self.to).unwrap_or(&[])
    }

    /// The chosen indicators of a place, in the order in which they were chosen.
    pub(super) fn series(&self, place: Place) -> impl Iterator<Item = &Series> + Clone {
        self.chart.series.iter().filter(move |s| s.plot.place == place)
    }

    /// Line `i` of an indicator over the bars in sight.
    pub(super) fn values<'s>(&self, series: &'s Series, i: usize) -> impl Iterator<Item = Option<f64>> + Clone + 's {
        let seen = series.values.get(self.from..self.to).unwrap_or(&[]);
        seen.iter().map(move |v| v.get(i).copied().flatten())
    }

    /// Column of the `i`-th bar in sight.
    pub(super) fn column(&self, i: usize) -> u16 {
        (i as u16).saturating_mul(self.columns)
    }

    pub(super) fn cursor_column(&self) -> Option<u16> {
        self.cursor.and_then(|c| c.checked_sub(self.from)).map(|i| self.column(i))
    }

    /// The slot that the legends speak of: under the cursor, else the newest.
    pub(super) fn shown(&self) -> usize {
        self.cursor.unwrap_or_else(|| self.chart.slots.len().saturating_sub(1))
    }

    pub(super) fn slot(&self) -> Option<&Slot> {
        self.chart.slots.get(self.shown())
    }

    pub(super) fn bar(&self) -> Option<&Bar> {
        self.slot().and_then(|s| s.bar.as_ref())
    }

    pub(super) fn shown_at(&self) -> UtcMs {
        self.slot().map_or(UtcMs(0), |s| s.at)
    }

    /// Prices from the bottom to the top of the chart.
    pub(super) fn price_range(&self) -> Option<(f64, f64)> {
        let (low, high) = candles::range(self.slots().iter().filter_map(|s| s.bar.as_ref()))?;
        let room = (high - low) * WIDEN;
        let lines = self.series(Place::Price).flat_map(|s| (0..s.plot.lines.len()).map(move |i| (s, i)));
        let near =
            lines.flat_map(|(s, i)| self.values(s, i).flatten()).filter(|v| (low - room..=high + room).contains(v));
        Some(near.fold((low, high), |(low, high), v| (low.min(v), high.max(v))))
    }
}

/// How many rows each part gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Legend of the lines over the candles.
    pub(super) legend: u16,
    pub(super) price: u16,
    pub(super) volume: u16,
    /// Of each pane below, its legend included.
    pub(super) below: u16,
    pub(super) panes: usize,
}

/// Least and most rows of a pane below the candles.
const BELOW: (u16, u16) = (4, 7);

impl Rows {
    /// Shares out `height` rows. `predictions` takes a row at the bottom.
    pub(super) fn of(height: u16, overlays: bool, below: usize, predictions: bool) -> Self {
        let legend = u16::from(overlays && height >= 8);
        let volume = match height {
            0..=17 => 1,
            18..=27 => 2,
            _ => 3,
        };
        let free = height.saturating_sub(2 + legend + volume + u16::from(predictions));
        // The candles keep at least half.
        let panes = below.min(usize::from(free / 2 / BELOW.0));
        let each = if panes == 0 { 0 } else { (free / 2 / panes as u16).min(BELOW.1) };
        Self { legend, price: free - each * panes as u16, volume, below: each, panes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_keep_half_of_the_rows() {
        assert_eq!(Rows::of(9, true, 2, false), Rows { legend: 1, price: 5, volume: 1, below: 0, panes: 0 });
        assert_eq!(Rows::of(20, true, 1, false), Rows { legend: 1, price: 8, volume: 2, below: 7, panes: 1 });
        assert_eq!(Rows::of(36, true, 3, false), Rows { legend: 1, price: 15, volume: 3, below: 5, panes: 3 });
        for height in 0..80 {
            for below in 0..6 {
                for overlays in [false, true] {
                    let rows = Rows::of(height, overlays, below, false);
                    let all = 2 + rows.legend + rows.price + rows.volume + rows.below * rows.panes as u16;
                    assert!(all <= height.max(4) && rows.price >= rows.below * rows.panes as u16, "{height} {rows:?}");
                }
            }
        }
    }
}
