//! Drawing blocks that the panes share: tables, candles, lines over candles, braille curves, bars.

pub mod bars;
pub mod candles;
pub mod curve;
pub mod lines;
pub mod table;
