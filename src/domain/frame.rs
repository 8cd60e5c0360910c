//! One pair's aligned, validated data at an instant: what every brain sees.

use serde::{Deserialize, Serialize};

use super::feature::FeatureRow;
use super::flow::FlowHour;
use super::market::Candle;
use super::pair::Pair;
use super::time::UtcMs;

/// Indicator levels that strategies and readings compare with prices; `None` while a window is not filled or
/// overlaps a hole.
/// Prices as `f64` in quote units; oscillators in their usual 0..100.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Indicators {
    pub ema50: Option<f64>,
    pub ema200: Option<f64>,
    pub atr14: Option<f64>,
    pub adx14: Option<f64>,
    pub plus_di14: Option<f64>,
    pub minus_di14: Option<f64>,
    pub rsi14: Option<f64>,
    pub macd_histogram: Option<f64>,
    pub bollinger_upper: Option<f64>,
    pub bollinger_middle: Option<f64>,
    pub bollinger_lower: Option<f64>,
    /// 0 at the lower band, 1 at the upper.
    pub percent_b: Option<f64>,
    /// z-score of the close over 20 bars.
    pub z20: Option<f64>,
    pub mfi14: Option<f64>,
    pub cmf20: Option<f64>,
    /// Highest high of the 20 bars before this one.
    pub donchian_upper: Option<f64>,
    /// Lowest low of the 20 bars before this one.
    pub donchian_lower: Option<f64>,
    pub supertrend_up: Option<bool>,
    /// Sample sd (ddof 1) of the last 24 one-bar log returns.
    pub sigma24: Option<f64>,
    /// The same over 168 bars.
    pub sigma168: Option<f64>,
    /// Base volume of the last 24 bars.
    pub volume24: Option<f64>,
    /// Half-life of mean reversion in bars, from an AR(1) fit of ln close over 100 bars; `None` when not reverting.
    pub half_life: Option<f64>,
}

/// What is known about the data behind a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataQuality {
    /// Every required feature has a value and the last bar is usable.
    pub complete: bool,
    /// Source bars present in the last hour, and how many there could be (12 of 12 for five-minute bars).
    pub source_bars: u32,
    pub source_bars_expected: u32,
    /// Hourly bars since the last hole (or the beginning).
    pub bars_since_hole: u32,
    /// Silence now, as the time from the newest source bar's close to the frame's instant, in ms.
    pub age_ms: i64,
    /// Causal Hampel flag on the close: an outlier that nothing has confirmed yet.
    pub outlier: bool,
    /// First reason why `complete` is false, in words.
    pub note: Option<String>,
}

/// One pair's aligned, validated data at the close of an hourly bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    pub pair: Pair,
    /// Close of `bar`; everything in the frame was known at this instant.
    pub at: UtcMs,
    /// The hourly bar that just closed.
    pub bar: Candle,
    pub features: FeatureRow,
    pub indicators: Indicators,
    pub quality: DataQuality,
    /// The closed source bars inside the hour (five-minute where recorded), oldest first: what Whale works from.
    pub source_bars: Vec<Candle>,
    /// Order flow of the hour; `None` where no trades and no books are watched: it is absent then, not zero.
    #[serde(default)]
    pub flow: Option<FlowHour>,
}
