//! The indicators that a chart can show, each with its kernel, its lines and where it is drawn.

use crate::domain::market::Bar;
use crate::pipeline::kernels::{
    Accumulation, Adx, Aroon, Atr, Bollinger, Cci, ChaikinFlow, Channel, CloseVolatility, Cmo, Dema, Donchian, Ema,
    Kama, Keltner, Macd, Momentum, MoneyFlow, Natr, OnBalanceVolume, RollingVwap, Rsi, Sma, Stochastic, Supertrend,
    Tema, WilliamsR, Wma, ZScore,
};

/// Most lines of one indicator.
pub const LINES: usize = 3;

/// The lines of an indicator at one bar.
pub type Values = [Option<f64>; LINES];

/// One step of an indicator.
type Kernel = Box<dyn FnMut(&Bar) -> Values>;

/// Where an indicator is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Over the candles, on their scale.
    Price,
    /// In a pane of its own below them.
    Below,
}

/// How its values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As the pair's prices.
    Price,
    /// A difference of prices: one digit more.
    Difference,
    /// With so many digits after the point.
    Plain(usize),
    /// Base units, shortened.
    Volume,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// In the indicator's own colour.
    Main,
    /// In its second colour, as a second line beside the first.
    Second,
    /// In the indicator's own colour, faintly.
    Inner,
    /// In the colours of rising and falling prices.
    Rising,
    Falling,
    /// Bars from zero, coloured by their sign.
    Bars,
}

/// One line of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its name in the legend; empty where the indicator's name says it.
    pub name: &'static str,
    pub look: Look,
}

const fn line(name: &'static str, look: Look) -> Line {
    Line { name, look }
}

const ONE: &[Line] = &[line("", Look::Main)];
const BAND: &[Line] = &[line("", Look::Main), line("", Look::Inner), line("", Look::Main)];

/// One indicator with fixed parameters.
pub struct Indicator {
    /// Unique; how it is chosen and shown.
    pub name: &'static str,
    /// What it is, in words that the chooser also searches.
    pub what: &'static str,
    pub place: Place,
    pub unit: Unit,
    pub lines: &'static [Line],
    /// Ends of its scale, where the scale is fixed.
    pub bounds: Option<(f64, f64)>,
    /// Levels that are marked.
    pub guides: &'static [f64],
    make: fn() -> Kernel,
}

impl std::fmt::Debug for Indicator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Indicator {
    /// A fresh kernel: no bar seen yet.
    pub(super) fn kernel(&self) -> Kernel {
        (self.make)()
    }
}

const fn over(name: &'static str, what: &'static str, lines: &'static [Line], make: fn() -> Kernel) -> Indicator {
    Indicator { name, what, place: Place::Price, unit: Unit::Price, lines, bounds: None, guides: &[], make }
}

const fn below(
    name: &'static str,
    what: &'static str,
    unit: Unit,
    lines: &'static [Line],
    make: fn() -> Kernel,
) -> Indicator {
    Indicator { name, what, place: Place::Below, unit, lines, bounds: None, guides: &[], make }
}

impl Indicator {
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

fn one(value: Option<f64>) -> Values {
    [value, None, None]
}

fn band(channel: Option<Channel>) -> Values {
    channel.map_or_else(Values::default, |c| [Some(c.upper), Some(c.middle), Some(c.lower)])
}

/// A kernel of one line that is fed with closes.
macro_rules! closes {
    ($kernel:expr) => {
        || {
            let mut k = $kernel;
            Box::new(move |bar| one(k.push(bar.close)))
        }
    };
}

/// A kernel of one line that is fed with bars.
macro_rules! bars {
    ($kernel:expr) => {
        || {
            let mut k = $kernel;
            Box::new(move |bar| one(k.push(bar)))
        }
    };
}

fn bollinger() -> Kernel {
    let mut k = Bollinger::new(20, 2.0);
    Box::new(move |bar| band(k.push(bar.close)))
}

fn keltner() -> Kernel {
    let mut k = Keltner::new(20, 10, 2.0);
    Box::new(move |bar| band(k.push(bar)))
}

fn donchian() -> Kernel {
    let mut k = Donchian::new(20);
    Box::new(move |bar| band(k.push(bar)))
}

fn supertrend() -> Kernel {
    let mut k = Supertrend::new(10, 3.0);
    Box::new(move |bar| match k.push(bar) {
        Some(trail) if trail.up => [Some(trail.value), None, None],
        Some(trail) => [None, Some(trail.value), None],
        None => Values::default(),
    })
}

/// The kernels give 0 for 0/0 as TA-Lib does; a chart shows no value there.
fn rsi() -> Kernel {
    let mut k = Rsi::new(14);
    Box::new(move |bar| {
        let value = k.push(bar.close);
        one(value.filter(|_| k.is_defined()))
    })
}

fn money_flow() -> Kernel {
    let mut k = MoneyFlow::new(14);
    Box::new(move |bar| {
        let value = k.push(bar);
        one(value.filter(|_| k.is_defined()))
    })
}

fn stochastic() -> Kernel {
    let mut k = Stochastic::new(14, 3, 3);
    Box::new(move |bar| {
        let lines = k.push(bar).filter(|_| k.is_defined());
        lines.map_or_else(Values::default, |l| [Some(l.slow_k), Some(l.slow_d), None])
    })
}

fn macd() -> Kernel {
    let mut k = Macd::new(12, 26, 9);
    Box::new(move |bar| {
        k.push(bar.close).map_or_else(Values::default, |l| [Some(l.histogram), Some(l.macd), Some(l.signal)])
    })
}

fn adx() -> Kernel {
    let mut k = Adx::new(14);
    Box::new(move |bar| {
        let value = k.push(bar);
        let lines = k.lines();
        [value, lines.map(|l| l.plus_di), lines.map(|l| l.minus_di)]
    })
}

fn aroon() -> Kernel {
    let mut k = Aroon::new(25);
    Box::new(move |bar| k.push(bar).map_or_else(Values::default, |l| [Some(l.up), Some(l.down), None]))
}

fn rate_of_change() -> Kernel {
    let mut k = Momentum::new(10);
    Box::new(move |bar| one(k.push_rate(bar.close)))
}

/// In percent per bar.
fn volatility() -> Kernel {
    let mut k = CloseVolatility::new(24);
    Box::new(move |bar| one(k.push(bar.close).map(|sd| sd * 100.0)))
}

const POINTS: Unit = Unit::Plain(1);

/// All indicators, in the order of the chooser.
pub static CATALOGUE: [Indicator; 34] = [
    over("EMA 9", "exponential moving average of 9 closes", ONE, closes!(Ema::new(9))),
    over("EMA 21", "exponential moving average of 21 closes", ONE, closes!(Ema::new(21))),
    over("EMA 50", "exponential moving average of 50 closes", ONE, closes!(Ema::new(50))),
    over("EMA 200", "exponential moving average of 200 closes", ONE, closes!(Ema::new(200))),
    over("SMA 20", "simple moving average of 20 closes", ONE, closes!(Sma::new(20))),
    over("SMA 50", "simple moving average of 50 closes", ONE, closes!(Sma::new(50))),
    over("SMA 200", "simple moving average of 200 closes", ONE, closes!(Sma::new(200))),
    over("WMA 20", "moving average of 20 closes, the newest heaviest", ONE, closes!(Wma::new(20))),
    over("DEMA 20", "double exponential moving average", ONE, closes!(Dema::new(20))),
    over("TEMA 20", "triple exponential moving average", ONE, closes!(Tema::new(20))),
    over("KAMA 10", "Kaufman's adaptive moving average", ONE, closes!(Kama::new(10))),
    over("VWAP 20", "volume-weighted average price of 20 bars, rolling", ONE, bars!(RollingVwap::new(20))),
    over("Bollinger 20 2", "20 closes, two standard deviations", BAND, bollinger),
    over("Keltner 20 10 2", "EMA 20, two average true ranges of 10 bars", BAND, keltner),
    over("Donchian 20", "highest high and lowest low of 20 bars", BAND, donchian),
    over(
        "Supertrend 10 3",
        "trailing band of three average true ranges",
        &[line("up", Look::Rising), line("down", Look::Falling)],
        supertrend,
    ),
    below("RSI 14", "relative strength index", POINTS, ONE, rsi).within(0.0, 100.0, &[30.0, 70.0]),
    below(
        "MACD 12 26 9",
        "convergence and divergence of two averages",
        Unit::Difference,
        &[line("hist", Look::Bars), line("macd", Look::Main), line("signal", Look::Second)],
        macd,
    )
    .around(&[0.0]),
    below(
        "ADX 14",
        "strength and direction of the trend",
        POINTS,
        &[line("", Look::Main), line("+DI", Look::Rising), line("-DI", Look::Falling)],
        adx,
    )
    .around(&[25.0]),
    below(
        "Stochastic 14 3 3",
        "where the close stands in its range",
        POINTS,
        &[line("%K", Look::Main), line("%D", Look::Second)],
        stochastic,
    )
    .within(0.0, 100.0, &[20.0, 80.0]),
    below("MFI 14", "money flow index", POINTS, ONE, money_flow).within(0.0, 100.0, &[20.0, 80.0]),
    below("ATR 14", "average true range", Unit::Difference, ONE, bars!(Atr::new(14))),
    below("NATR 14", "average true range in percent of the close", Unit::Plain(2), ONE, bars!(Natr::new(14))),
    below(
        "OBV",
        "on-balance volume, from the first bar kept or the last hole",
        Unit::Volume,
        ONE,
        bars!(OnBalanceVolume::new()),
    ),
    below(
        "A/D",
        "accumulation and distribution, from the first bar kept or the last hole",
        Unit::Volume,
        ONE,
        bars!(Accumulation::new()),
    ),
    below("CMF 20", "Chaikin money flow", Unit::Plain(2), ONE, bars!(ChaikinFlow::new(20))).around(&[0.0]),
    below("CCI 20", "commodity channel index", POINTS, ONE, bars!(Cci::new(20))).around(&[-100.0, 100.0]),
    below("Williams %R 14", "distance of the close from the high", POINTS, ONE, bars!(WilliamsR::new(14))).within(
        -100.0,
        0.0,
        &[-80.0, -20.0],
    ),
    below("CMO 14", "Chande momentum oscillator", POINTS, ONE, closes!(Cmo::new(14))).within(-100.0, 100.0, &[0.0]),
    below("ROC 10", "rate of change over 10 bars in percent", Unit::Plain(2), ONE, rate_of_change).around(&[0.0]),
    below("Momentum 10", "change over 10 bars", Unit::Difference, ONE, closes!(Momentum::new(10))).around(&[0.0]),
    below(
        "Aroon 25",
        "how recent the highest high and the lowest low are",
        POINTS,
        &[line("up", Look::Rising), line("down", Look::Falling)],
        aroon,
    )
    .within(0.0, 100.0, &[50.0]),
    below("Volatility 24", "standard deviation of 24 returns, percent per bar", Unit::Plain(2), ONE, volatility),
    below(
        "Z-score 20",
        "close against the mean of 20 closes, in standard deviations",
        Unit::Plain(2),
        ONE,
        closes!(ZScore::new(20)),
    )
    .around(&[-2.0, 0.0, 2.0]),
];

/// The indicator of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Indicator> {
    CATALOGUE.iter().find(|i| i.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_lines_fit() {
        for (i, a) in CATALOGUE.iter().enumerate() {
            assert!(CATALOGUE.iter().skip(i + 1).all(|b| a.name != b.name), "{a:?}");
            assert!((1..=LINES).contains(&a.lines.len()) && a.name.is_ascii() && a.what.is_ascii(), "{a:?}");
            if let Some((low, high)) = a.bounds {
                assert!(a.guides.iter().all(|g| (low..=high).contains(g)), "{a:?}");
            }
        }
    }

    #[test]
    fn nothing_moved_is_no_value() {
        let flat =
            Bar { open_time: crate::domain::time::UtcMs(0), open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 0.0 };
        for name in ["RSI 14", "MFI 14", "Stochastic 14 3 3", "CMF 20", "VWAP 20", "Z-score 20"] {
            let mut kernel = named(name).unwrap().kernel();
            for _ in 0..60 {
                assert_eq!(kernel(&flat), Values::default(), "{name}");
            }
        }
    }
}
