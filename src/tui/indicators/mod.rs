//! What a chart computes: the bars of the chosen length, and the indicators that a person chose, bar by bar.
//!
//! Serves the chart. In go the candles that a picture carries, out come one slot per bar and one value per indicator line and slot.
//! Always true: values come from the pipeline's own kernels; a value whose look-back is not filled or overlaps a hole is absent; a bar
//! whose time is not wholly covered says so; nothing is computed twice for the same candles.

mod catalogue;
mod memo;
mod plot;
mod slots;

pub use catalogue::CATALOGUE;
pub use memo::{Charted, Memo, Series};
pub use plot::{Look, Place, Plot, Unit};
pub use slots::{FRAMES, Frame, Slot, frames};

/// What a person chose for the chart. Kept while the console is open.
#[derive(Debug)]
pub struct ChartView {
    /// Length of a bar, in ms. A pair without bars of this length shows the next longer one.
    pub step: i64,
    /// Columns per candle.
    pub columns: u16,
    /// Names of the chosen indicators, in the order in which they were chosen.
    pub chosen: Vec<&'static str>,
    pub memo: Memo,
}

impl ChartView {
    /// Most columns per candle.
    pub const WIDEST: u16 = 4;
}

impl Default for ChartView {
    fn default() -> Self {
        Self {
            step: crate::domain::time::HOUR_MS,
            columns: 1,
            chosen: vec!["EMA 50", "EMA 200", "RSI 14"],
            memo: Memo::default(),
        }
    }
}
