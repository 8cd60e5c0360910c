//! One pair's aligned, validated data at an instant: what every brain sees.

use serde::{Deserialize, Serialize};

use super::flow::FlowHour;
use super::market::Candle;
use super::pair::Pair;
use super::time::UtcMs;

/// The model features, all stationary transforms (never a raw price or volume). The order is the column order of
/// every model; adding, removing or reordering one makes stored models unusable (their card holds a hash of this list).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Log return of the last bar over σ24.
    Return1,
    /// Log return over 4 bars over σ24·√4.
    Return4,
    /// Log return over 24 bars over σ24·√24.
    Return24,
    /// Log return over 72 bars over σ24·√72.
    Return72,
    /// (close − EMA50) / ATR14.
    Ema50Distance,
    /// (close − EMA200) / ATR14.
    Ema200Distance,
    /// EMA50 now over EMA50 eight bars ago, log, over σ24.
    Ema50Slope,
    /// (RSI14 − 50) / 50.
    Rsi14,
    /// MACD(12,26,9) histogram / ATR14.
    MacdHistogram,
    /// ADX14 / 100.
    Adx14,
    /// (+DI14 − −DI14) / 100.
    DirectionalSpread,
    /// Bollinger(20,2) %b − 0.5.
    PercentB,
    /// Stochastic slow %K (14,3,3) / 100 − 0.5.
    Stochastic,
    /// (MFI14 − 50) / 50.
    Mfi14,
    /// Chaikin money flow 20.
    Cmf20,
    /// ln(σ24 / σ168): short volatility against its week.
    VolatilityRatio,
    /// ln of the σ24 level itself (per-bar log-return sd).
    VolatilityLevel,
    /// z-score (24 bars) of ln(1 + volume).
    VolumeZ,
    /// Sine of the hour of the day.
    HourSin,
    /// Cosine of the hour of the day.
    HourCos,
}

impl Feature {
    pub const ALL: [Self; 20] = [
        Self::Return1,
        Self::Return4,
        Self::Return24,
        Self::Return72,
        Self::Ema50Distance,
        Self::Ema200Distance,
        Self::Ema50Slope,
        Self::Rsi14,
        Self::MacdHistogram,
        Self::Adx14,
        Self::DirectionalSpread,
        Self::PercentB,
        Self::Stochastic,
        Self::Mfi14,
        Self::Cmf20,
        Self::VolatilityRatio,
        Self::VolatilityLevel,
        Self::VolumeZ,
        Self::HourSin,
        Self::HourCos,
    ];

    pub const COUNT: usize = Self::ALL.len();

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Return1 => "return_1",
            Self::Return4 => "return_4",
            Self::Return24 => "return_24",
            Self::Return72 => "return_72",
            Self::Ema50Distance => "ema50_distance",
            Self::Ema200Distance => "ema200_distance",
            Self::Ema50Slope => "ema50_slope",
            Self::Rsi14 => "rsi14",
            Self::MacdHistogram => "macd_histogram",
            Self::Adx14 => "adx14",
            Self::DirectionalSpread => "directional_spread",
            Self::PercentB => "percent_b",
            Self::Stochastic => "stochastic",
            Self::Mfi14 => "mfi14",
            Self::Cmf20 => "cmf20",
            Self::VolatilityRatio => "volatility_ratio",
            Self::VolatilityLevel => "volatility_level",
            Self::VolumeZ => "volume_z",
            Self::HourSin => "hour_sin",
            Self::HourCos => "hour_cos",
        }
    }

    /// Column of the feature.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One value per [`Feature`]; `None` while its window is not filled or overlaps a hole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FeatureRow(pub [Option<f64>; Feature::COUNT]);

impl FeatureRow {
    pub const EMPTY: Self = Self([None; Feature::COUNT]);

    #[must_use]
    pub fn get(&self, feature: Feature) -> Option<f64> {
        self.0.get(feature.index()).copied().flatten()
    }

    /// All values, or the first feature that has none.
    ///
    /// # Errors
    /// The first [`Feature`] without a value: no value, no trade.
    pub fn complete(&self) -> Result<[f64; Feature::COUNT], Feature> {
        let mut out = [0.0; Feature::COUNT];
        for ((slot, value), feature) in out.iter_mut().zip(self.0).zip(Feature::ALL) {
            *slot = value.ok_or(feature)?;
        }
        Ok(out)
    }

    /// How many features have a value.
    #[must_use]
    pub fn present(&self) -> usize {
        self.0.iter().flatten().count()
    }
}

/// Indicator levels that strategies and readings compare with prices; `None` as in [`FeatureRow`].
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_sit_at_their_index_and_have_unique_names() {
        for (i, f) in Feature::ALL.iter().enumerate() {
            assert_eq!(f.index(), i);
        }
        let names: std::collections::BTreeSet<_> = Feature::ALL.iter().map(|f| f.as_str()).collect();
        assert_eq!(names.len(), Feature::COUNT);
    }

    #[test]
    fn a_missing_value_is_named() {
        let mut row = FeatureRow([Some(0.5); Feature::COUNT]);
        assert!(row.complete().is_ok());
        row.0[Feature::Adx14.index()] = None;
        assert_eq!(row.complete(), Err(Feature::Adx14));
        assert_eq!(row.present(), Feature::COUNT - 1);
    }
}
