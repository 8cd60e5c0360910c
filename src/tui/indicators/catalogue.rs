//! The indicators that a chart can show.

use super::plot::{Line, Look, Place, Plot, Source, Unit};
use crate::pipeline::kernels::Indicator as I;

const fn line(name: &'static str, look: Look) -> Line {
    Line { name, look }
}

const ONE: &[Line] = &[line("", Look::Main)];
const BAND: &[Line] = &[line("", Look::Main), line("", Look::Inner), line("", Look::Main)];
const SIDES: &[Line] = &[line("up", Look::Rising), line("down", Look::Falling)];
const FAST: &[Line] = &[line("%K", Look::Main), line("%D", Look::Second)];
const MACD: &[Line] = &[line("macd", Look::Main), line("signal", Look::Second), line("hist", Look::Bars)];
const ADX: &[Line] = &[line("", Look::Main), line("+DI", Look::Rising), line("-DI", Look::Falling)];
const AROON: &[Line] = &[line("down", Look::Falling), line("up", Look::Rising)];
const CLOUD: &[Line] =
    &[line("tenkan", Look::Main), line("kijun", Look::Second), line("A", Look::Rising), line("B", Look::Falling)];

const fn plot(name: &'static str, what: &'static str, place: Place, unit: Unit, source: Source) -> Plot {
    Plot { name, what, place, unit, lines: ONE, bounds: None, guides: &[], source }
}

const fn over(name: &'static str, what: &'static str, indicator: I) -> Plot {
    plot(name, what, Place::Price, Unit::Price, Source::Of(indicator))
}

const fn below(name: &'static str, what: &'static str, unit: Unit, indicator: I) -> Plot {
    plot(name, what, Place::Below, unit, Source::Of(indicator))
}

const fn of(name: &'static str, what: &'static str, source: Source) -> Plot {
    plot(name, what, Place::Below, POINTS, source)
}

const fn percent(name: &'static str, what: &'static str, indicator: I) -> Plot {
    plot(name, what, Place::Below, Unit::Plain(2), Source::Percent(indicator))
}

impl Plot {
    const fn drawn(mut self, lines: &'static [Line]) -> Self {
        self.lines = lines;
        self
    }

    const fn within(mut self, low: f64, high: f64, guides: &'static [f64]) -> Self {
        self.bounds = Some((low, high));
        self.guides = guides;
        self
    }

    const fn around(mut self, guides: &'static [f64]) -> Self {
        self.guides = guides;
        self
    }
}

const POINTS: Unit = Unit::Plain(1);
const SHARE: Unit = Unit::Plain(2);

const SUPERTREND: Source = Source::Sides(I::Supertrend { atr_period: 10, mult: 3.0 });

/// All of them, in the order of the chooser.
pub static CATALOGUE: [Plot; 59] = [
    over("EMA 9", "exponential moving average of 9 closes", I::Ema { timeperiod: 9 }),
    over("EMA 21", "exponential moving average of 21 closes", I::Ema { timeperiod: 21 }),
    over("EMA 50", "exponential moving average of 50 closes", I::Ema { timeperiod: 50 }),
    over("EMA 200", "exponential moving average of 200 closes", I::Ema { timeperiod: 200 }),
    over("SMA 20", "simple moving average of 20 closes", I::Sma { timeperiod: 20 }),
    over("SMA 50", "simple moving average of 50 closes", I::Sma { timeperiod: 50 }),
    over("SMA 200", "simple moving average of 200 closes", I::Sma { timeperiod: 200 }),
    over("Bollinger 20 2", "20 closes, two standard deviations", I::Bbands { timeperiod: 20, mult: 2.0 }).drawn(BAND),
    over("Keltner 20 10 2", "EMA 20, two true ranges", I::Keltner { ema_period: 20, atr_period: 10, mult: 2.0 })
        .drawn(BAND),
    over("Donchian 20", "highest high and lowest low of 20 bars", I::Donchian { timeperiod: 20 }).drawn(BAND),
    plot("Supertrend 10 3", "trailing band of three true ranges", Place::Price, Unit::Price, SUPERTREND).drawn(SIDES),
    over("VWAP 20", "volume-weighted average price of 20 bars", I::RollingVwap { timeperiod: 20 }),
    over("Ichimoku 9 26 52", "cloud without the line that looks ahead", ICHIMOKU).drawn(CLOUD),
    over("SAR .02 .2", "parabolic stop and reverse", I::Sar { acceleration: 0.02, maximum: 0.2 })
        .drawn(&[line("", Look::Points)]),
    over("WMA 20", "moving average, the newest heaviest", I::Wma { timeperiod: 20 }),
    over("DEMA 20", "double exponential moving average", I::Dema { timeperiod: 20 }),
    over("TEMA 20", "triple exponential moving average", I::Tema { timeperiod: 20 }),
    over("TRIMA 20", "triangular moving average", I::Trima { timeperiod: 20 }),
    over("T3 5 .7", "Tillson's moving average", I::T3 { timeperiod: 5, vfactor: 0.7 }),
    over("KAMA 10", "Kaufman's adaptive moving average", I::Kama { timeperiod: 10 }),
    over("Hilbert trend", "instantaneous trendline by the Hilbert transform", I::HtTrendline {}),
    over("Regression 14", "end of the line through 14 closes", I::Linearreg { timeperiod: 14 }),
    over("Midpoint 14", "middle of highest and lowest close", I::Midpoint { timeperiod: 14 }),
    over("Midprice 14", "middle of highest high and lowest low", I::Midprice { timeperiod: 14 }),
    of("RSI 14", "relative strength index", Source::Rsi(14)).within(0.0, 100.0, &[30.0, 70.0]),
    below("MACD 12 26 9", "convergence and divergence of two averages", Unit::Difference, MACD_12_26_9)
        .drawn(MACD)
        .around(&[0.0]),
    of("ADX 14", "strength and direction of the trend", Source::Adx(14)).drawn(ADX).around(&[25.0]),
    of("Stochastic 14 3 3", "where the close stands in its range", Source::Stochastic(14, 3, 3)).drawn(FAST).within(
        0.0,
        100.0,
        &[20.0, 80.0],
    ),
    of("MFI 14", "money flow index", Source::MoneyFlow(14)).within(0.0, 100.0, &[20.0, 80.0]),
    below("ATR 14", "average true range", Unit::Difference, I::Atr { timeperiod: 14 }),
    below("OBV", "on-balance volume since the first bar kept or the last hole", Unit::Volume, I::Obv {}),
    below("NATR 14", "average true range in percent of the close", SHARE, I::Natr { timeperiod: 14 }),
    below("True range", "of each bar", Unit::Difference, I::Trange {}),
    below("A/D", "accumulation since the first bar kept or the last hole", Unit::Volume, I::Ad {}),
    below("A/D 3 10", "Chaikin oscillator", Unit::Volume, I::Adosc { fastperiod: 3, slowperiod: 10 }).around(&[0.0]),
    below("CMF 20", "Chaikin money flow", SHARE, I::Cmf { timeperiod: 20 }).around(&[0.0]),
    below("CCI 20", "commodity channel index", POINTS, I::Cci { timeperiod: 20 }).around(&[-100.0, 100.0]),
    below("Williams %R 14", "distance of the close from the high", POINTS, I::Willr { timeperiod: 14 }).within(
        -100.0,
        0.0,
        &[-80.0, -20.0],
    ),
    below("CMO 14", "Chande momentum oscillator", POINTS, I::Cmo { timeperiod: 14 }).within(-100.0, 100.0, &[0.0]),
    below("ROC 10", "change over 10 bars in percent", SHARE, I::Roc { timeperiod: 10 }).around(&[0.0]),
    below("Momentum 10", "change over 10 bars", Unit::Difference, I::Mom { timeperiod: 10 }).around(&[0.0]),
    below("Aroon 25", "how recent highest high and lowest low are", POINTS, I::Aroon { timeperiod: 25 })
        .drawn(AROON)
        .within(0.0, 100.0, &[50.0]),
    below("Aroon osc. 25", "up less down", POINTS, I::Aroonosc { timeperiod: 25 }).within(-100.0, 100.0, &[0.0]),
    below("ADXR 14", "ADX averaged with that of 13 bars before", POINTS, I::Adxr { timeperiod: 14 }),
    below("DX 14", "directional movement without smoothing", POINTS, I::Dx { timeperiod: 14 }).within(
        0.0,
        100.0,
        &[25.0],
    ),
    below("Stoch. RSI 14 5 3", "where the RSI stands in its range", POINTS, STOCH_RSI).drawn(FAST).within(
        0.0,
        100.0,
        &[20.0, 80.0],
    ),
    below("Ultimate 7 14 28", "buying pressure over three windows", POINTS, ULTIMATE).within(0.0, 100.0, &[30.0, 70.0]),
    below("APO 12 26", "difference of two moving averages", Unit::Difference, APO).around(&[0.0]),
    below("PPO 12 26", "the same in percent", SHARE, PPO).around(&[0.0]),
    below("TRIX 15", "rate of a triple exponential average, percent", SHARE, I::Trix { timeperiod: 15 }).around(&[0.0]),
    below("Slope 14", "slope of the line through 14 closes", Unit::Difference, I::LinearregSlope { timeperiod: 14 })
        .around(&[0.0]),
    below("Balance", "balance of power in each bar", SHARE, I::Bop {}).within(-1.0, 1.0, &[0.0]),
    below("Z-score 20", "close against 20 closes, in standard deviations", SHARE, I::RollingZscore { timeperiod: 20 })
        .around(&[-2.0, 0.0, 2.0]),
    below("Deviation 20", "standard deviation of 20 closes", Unit::Difference, I::Stddev { timeperiod: 20 }),
    percent("Volatility 24", "of 24 returns, percent per bar", I::VolClose { window: 24 }),
    percent("Volatility EWMA", "weight .94, percent per bar", I::VolEwma { lambda: 0.94, seed_bars: 20 }),
    percent("Parkinson 24", "volatility from highs and lows, percent per bar", I::VolParkinson { window: 24 }),
    percent("Garman-Klass 24", "volatility from whole bars, percent per bar", I::VolGarmanKlass { window: 24 }),
    percent("Yang-Zhang 24", "volatility from whole bars, percent per bar", I::VolYangZhang { window: 24 }),
];

const ICHIMOKU: I = I::Ichimoku { tenkan: 9, kijun: 26, senkou_b: 52, shift: 26 };
const MACD_12_26_9: I = I::Macd { fastperiod: 12, slowperiod: 26, signalperiod: 9 };
const STOCH_RSI: I = I::Stochrsi { timeperiod: 14, fastk_period: 5, fastd_period: 3 };
const ULTIMATE: I = I::Ultosc { timeperiod1: 7, timeperiod2: 14, timeperiod3: 28 };
const APO: I = I::Apo { fastperiod: 12, slowperiod: 26 };
const PPO: I = I::Ppo { fastperiod: 12, slowperiod: 26 };

/// The plot of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Plot> {
    CATALOGUE.iter().find(|p| p.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::market::Bar;
    use crate::tui::indicators::plot::{LINES, Values};

    #[test]
    fn names_are_unique_and_lines_are_those_of_the_kernel() {
        for (i, a) in CATALOGUE.iter().enumerate() {
            assert!(CATALOGUE.iter().skip(i + 1).all(|b| a.name != b.name), "{a:?}");
            assert!(a.name.is_ascii() && a.name.len() <= 17 && a.what.is_ascii(), "{a:?}");
            assert!((1..=LINES).contains(&a.lines.len()), "{a:?}");
            if let Source::Of(indicator) | Source::Percent(indicator) = a.source {
                assert_eq!(a.lines.len(), indicator.lines().len(), "{a:?}");
            }
            if let Some((low, high)) = a.bounds {
                assert!(a.guides.iter().all(|g| (low..=high).contains(g)), "{a:?}");
            }
        }
    }

    #[test]
    fn nothing_moved_is_no_value() {
        let at = crate::domain::time::UtcMs(0);
        let flat = Bar { open_time: at, open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 0.0 };
        for name in ["RSI 14", "MFI 14", "Stochastic 14 3 3", "CMF 20", "VWAP 20", "Z-score 20"] {
            let mut steps = named(name).unwrap().start();
            for _ in 0..60 {
                assert_eq!(steps(&flat), Values::default(), "{name}");
            }
        }
    }
}
