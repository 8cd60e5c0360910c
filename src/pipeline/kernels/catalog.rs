//! Every indicator by name: its parameters, its lines, and how to start it on one series or on several side by side.

use thiserror::Error;

use super::real::Real;
use super::row::Row;
use super::{
    Accumulation, Adx, Adxr, Aroon, Atr, Beta, Bollinger, Cci, ChaikinFlow, ChaikinOscillator, CloseVolatility, Cmo,
    Correlation, Dema, Directional, Donchian, Ema, EwmaVolatility, FastStochastic, GarmanKlass, Ichimoku, Kama,
    Keltner, Line, Macd, Midpoint, Momentum, MoneyFlow, Movement, Natr, OnBalanceVolume, Parkinson, PriceOscillator,
    RealisedVolatility, RogersSatchell, RollingMax, RollingMin, RollingVwap, Rsi, Sar, Sma, StdDev, Stochastic,
    StochasticRsi, Supertrend, T3, Tema, Trendline, Trima, Trix, TrueRange, Ultimate, WilliamsR, Wma, YangZhang,
    ZScore, balance_of_power, typical_price,
};

/// A started indicator.
pub trait Kernel<T: Real>: Send {
    /// Takes the next row and writes the value of each line; NaN where there is none.
    fn step(&mut self, row: &Row<T>, lines: &mut [T]);

    /// Forgets everything.
    fn reset(&mut self);
}

/// Why an indicator cannot be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CatalogError {
    #[error("there is no indicator '{name}'; there are {}", Indicator::NAMES.join(", "))]
    UnknownName { name: String },
    #[error("{name} has no parameter '{parameter}'")]
    UnknownParameter { name: &'static str, parameter: String },
    #[error("{name} needs the parameter '{parameter}', {range}")]
    MissingParameter { name: &'static str, parameter: &'static str, range: &'static str },
    #[error("{name}: {parameter} = {value} is out of range; it must be {range}")]
    OutOfRange { name: &'static str, parameter: &'static str, value: f64, range: &'static str },
}

/// What a parameter can be.
trait Parameter: Sized {
    const RANGE: &'static str;

    fn read(value: f64) -> Option<Self>;
}

/// A number of bars.
impl Parameter for usize {
    const RANGE: &'static str = "a whole number from 1 to 100000";

    fn read(value: f64) -> Option<Self> {
        (value.fract() == 0.0 && (1.0..=100_000.0).contains(&value)).then_some(value as Self)
    }
}

impl Parameter for f64 {
    const RANGE: &'static str = "a number above 0";

    fn read(value: f64) -> Option<Self> {
        (value.is_finite() && value > 0.0).then_some(value)
    }
}

/// The parameters that were given for one indicator.
struct Given<'a> {
    name: &'static str,
    values: Vec<(&'a str, f64)>,
}

impl Given<'_> {
    fn take<P: Parameter>(&mut self, parameter: &'static str) -> Result<P, CatalogError> {
        let (name, range) = (self.name, P::RANGE);
        let at = self.values.iter().position(|(given, _)| *given == parameter);
        let at = at.ok_or(CatalogError::MissingParameter { name, parameter, range })?;
        let (_, value) = self.values.swap_remove(at);
        P::read(value).ok_or(CatalogError::OutOfRange { name, parameter, value, range })
    }

    fn end(self) -> Result<(), CatalogError> {
        match self.values.first() {
            Some((parameter, _)) => {
                Err(CatalogError::UnknownParameter { name: self.name, parameter: (*parameter).to_owned() })
            }
            None => Ok(()),
        }
    }
}

/// A kernel with the way it takes rows.
struct Running<K, S, R> {
    kernel: K,
    step: S,
    reset: R,
}

impl<T, K, S, R, const LINES: usize> Kernel<T> for Running<K, S, R>
where
    T: Real,
    K: Send,
    S: Fn(&mut K, &Row<T>) -> [Option<T>; LINES] + Send,
    R: Fn(&mut K) + Send,
{
    fn step(&mut self, row: &Row<T>, lines: &mut [T]) {
        for (line, value) in lines.iter_mut().zip((self.step)(&mut self.kernel, row)) {
            *line = value.unwrap_or(T::of(f64::NAN));
        }
    }

    fn reset(&mut self) {
        (self.reset)(&mut self.kernel);
    }
}

fn running<T, K, S, R, const LINES: usize>(kernel: K, step: S, reset: R) -> Box<dyn Kernel<T>>
where
    T: Real,
    K: Send + 'static,
    S: Fn(&mut K, &Row<T>) -> [Option<T>; LINES] + Send + 'static,
    R: Fn(&mut K) + Send + 'static,
{
    Box::new(Running { kernel, step, reset })
}

/// What has no past needs no kernel.
struct Stateless;

impl Stateless {
    fn reset(&mut self) {}
}

/// Several lines from one value.
#[inline(always)]
fn split<V, T, const LINES: usize>(value: Option<V>, parts: impl Fn(V) -> [T; LINES]) -> [Option<T>; LINES] {
    value.map_or([const { None }; LINES], |value| parts(value).map(Some))
}

/// Two lines per indicator: how it is called, its parameters and outputs; how it starts and takes a row.
macro_rules! catalog {
    ($($variant:ident $name:literal { $($parameter:ident: $kind:ty),* } [$($line:literal),+]
        $kernel:expr => |$k:pat_param, $row:ident| $out:expr;)*) => {
        /// An indicator with its parameters. Conventions, names and defaults of outputs are TA-Lib's where it has the indicator.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Indicator {
            $($variant { $($parameter: $kind),* },)*
        }

        impl Indicator {
            /// The names of all indicators.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The indicator `name` with exactly the parameters it takes, in any order.
            pub fn new<'a>(
                name: &str,
                parameters: impl IntoIterator<Item = (&'a str, f64)>,
            ) -> Result<Self, CatalogError> {
                let values = parameters.into_iter().collect();
                match name {
                    $($name => {
                        #[allow(unused_mut, reason = "some indicators take no parameter")]
                        let mut given = Given { name: $name, values };
                        let made = Self::$variant { $($parameter: given.take(stringify!($parameter))?),* };
                        given.end().map(|()| made)
                    })*
                    _ => Err(CatalogError::UnknownName { name: name.to_owned() }),
                }
            }

            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                }
            }

            /// The names of its outputs.
            #[must_use]
            pub const fn lines(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant { .. } => &[$($line),+],)*
                }
            }

            /// Starts it before the first row.
            #[must_use]
            pub fn start<T: Real>(&self) -> Box<dyn Kernel<T>> {
                match *self {
                    $(Self::$variant { $($parameter),* } => running($kernel, |$k, $row| $out, |k| k.reset()),)*
                }
            }
        }
    };
}

catalog! {
    Sma "sma" { timeperiod: usize } ["value"]
        Sma::new(timeperiod) => |k, row| [k.push(row.close)];
    Ema "ema" { timeperiod: usize } ["value"]
        Ema::new(timeperiod) => |k, row| [k.push(row.close)];
    Wma "wma" { timeperiod: usize } ["value"]
        Wma::new(timeperiod) => |k, row| [k.push(row.close)];
    Dema "dema" { timeperiod: usize } ["value"]
        Dema::new(timeperiod) => |k, row| [k.push(row.close)];
    Tema "tema" { timeperiod: usize } ["value"]
        Tema::new(timeperiod) => |k, row| [k.push(row.close)];
    Trima "trima" { timeperiod: usize } ["value"]
        Trima::new(timeperiod) => |k, row| [k.push(row.close)];
    Kama "kama" { timeperiod: usize } ["value"]
        Kama::new(timeperiod) => |k, row| [k.push(row.close)];
    T3 "t3" { timeperiod: usize, vfactor: f64 } ["value"]
        T3::new(timeperiod, vfactor) => |k, row| [k.push(row.close)];
    Rsi "rsi" { timeperiod: usize } ["value"]
        Rsi::new(timeperiod) => |k, row| [k.push(row.close)];
    Cmo "cmo" { timeperiod: usize } ["value"]
        Cmo::new(timeperiod) => |k, row| [k.push(row.close)];
    Macd "macd" { fastperiod: usize, slowperiod: usize, signalperiod: usize } ["macd", "signal", "hist"]
        Macd::new(fastperiod, slowperiod, signalperiod) =>
            |k, row| split(k.push(row.close), |m| [m.macd, m.signal, m.histogram]);
    Apo "apo" { fastperiod: usize, slowperiod: usize } ["value"]
        PriceOscillator::new(fastperiod, slowperiod) => |k, row| [k.push(row.close)];
    Ppo "ppo" { fastperiod: usize, slowperiod: usize } ["value"]
        PriceOscillator::new(fastperiod, slowperiod) => |k, row| [k.push_percent(row.close)];
    Trix "trix" { timeperiod: usize } ["value"]
        Trix::new(timeperiod) => |k, row| [k.push(row.close)];
    Bbands "bbands" { timeperiod: usize, mult: f64 } ["upper", "middle", "lower"]
        Bollinger::new(timeperiod, mult) => |k, row| split(k.push(row.close), |c| [c.upper, c.middle, c.lower]);
    Stddev "stddev" { timeperiod: usize } ["value"]
        StdDev::new(timeperiod) => |k, row| [k.push(row.close)];
    Trange "trange" {} ["value"]
        TrueRange::new() => |k, row| [k.push(row)];
    Atr "atr" { timeperiod: usize } ["value"]
        Atr::new(timeperiod) => |k, row| [k.push(row)];
    Natr "natr" { timeperiod: usize } ["value"]
        Natr::new(timeperiod) => |k, row| [k.push(row)];
    PlusDm "plus_dm" { timeperiod: usize } ["value"]
        Movement::new(timeperiod) => |k, row| [k.push(row).map(|m| m.plus)];
    MinusDm "minus_dm" { timeperiod: usize } ["value"]
        Movement::new(timeperiod) => |k, row| [k.push(row).map(|m| m.minus)];
    PlusDi "plus_di" { timeperiod: usize } ["value"]
        Directional::new(timeperiod) => |k, row| [k.push(row).map(|d| d.plus_di)];
    MinusDi "minus_di" { timeperiod: usize } ["value"]
        Directional::new(timeperiod) => |k, row| [k.push(row).map(|d| d.minus_di)];
    Dx "dx" { timeperiod: usize } ["value"]
        Directional::new(timeperiod) => |k, row| [k.push(row).map(|d| d.dx)];
    Adx "adx" { timeperiod: usize } ["value"]
        Adx::new(timeperiod) => |k, row| [k.push(row)];
    Adxr "adxr" { timeperiod: usize } ["value"]
        Adxr::new(timeperiod) => |k, row| [k.push(row)];
    Stoch "stoch" { fastk_period: usize, slowk_period: usize, slowd_period: usize } ["slow_k", "slow_d"]
        Stochastic::new(fastk_period, slowk_period, slowd_period) =>
            |k, row| split(k.push(row), |s| [s.slow_k, s.slow_d]);
    Stochf "stochf" { fastk_period: usize, fastd_period: usize } ["fast_k", "fast_d"]
        FastStochastic::new(fastk_period, fastd_period) => |k, row| split(k.push(row), |s| [s.fast_k, s.fast_d]);
    Stochrsi "stochrsi" { timeperiod: usize, fastk_period: usize, fastd_period: usize } ["fast_k", "fast_d"]
        StochasticRsi::new(timeperiod, fastk_period, fastd_period) =>
            |k, row| split(k.push(row.close), |s| [s.fast_k, s.fast_d]);
    Willr "willr" { timeperiod: usize } ["value"]
        WilliamsR::new(timeperiod) => |k, row| [k.push(row)];
    Cci "cci" { timeperiod: usize } ["value"]
        Cci::new(timeperiod) => |k, row| [k.push(row)];
    Ultosc "ultosc" { timeperiod1: usize, timeperiod2: usize, timeperiod3: usize } ["value"]
        Ultimate::new([timeperiod1, timeperiod2, timeperiod3]) => |k, row| [k.push(row)];
    Aroon "aroon" { timeperiod: usize } ["down", "up"]
        Aroon::new(timeperiod) => |k, row| split(k.push(row), |a| [a.down, a.up]);
    Aroonosc "aroonosc" { timeperiod: usize } ["value"]
        Aroon::new(timeperiod) => |k, row| [k.push(row).map(|a| a.oscillator)];
    Mfi "mfi" { timeperiod: usize } ["value"]
        MoneyFlow::new(timeperiod) => |k, row| [k.push(row)];
    Obv "obv" {} ["value"]
        OnBalanceVolume::new() => |k, row| [k.push(row)];
    Ad "ad" {} ["value"]
        Accumulation::new() => |k, row| [k.push(row)];
    Adosc "adosc" { fastperiod: usize, slowperiod: usize } ["value"]
        ChaikinOscillator::new(fastperiod, slowperiod) => |k, row| [k.push(row)];
    Bop "bop" {} ["value"]
        Stateless => |_, row| [Some(balance_of_power(row))];
    Roc "roc" { timeperiod: usize } ["value"]
        Momentum::new(timeperiod) => |k, row| [k.push_rate(row.close)];
    Mom "mom" { timeperiod: usize } ["value"]
        Momentum::new(timeperiod) => |k, row| [k.push(row.close)];
    Sar "sar" { acceleration: f64, maximum: f64 } ["value"]
        Sar::new(acceleration, maximum) => |k, row| [k.push(row)];
    Linearreg "linearreg" { timeperiod: usize } ["value"]
        Line::new(timeperiod) => |k, row| [k.push(row.close).map(|l| l.now)];
    LinearregSlope "linearreg_slope" { timeperiod: usize } ["value"]
        Line::new(timeperiod) => |k, row| [k.push(row.close).map(|l| l.slope)];
    Tsf "tsf" { timeperiod: usize } ["value"]
        Line::new(timeperiod) => |k, row| [k.push(row.close).map(|l| l.next)];
    Midpoint "midpoint" { timeperiod: usize } ["value"]
        Midpoint::new(timeperiod) => |k, row| [k.push(row.close)];
    Midprice "midprice" { timeperiod: usize } ["value"]
        Donchian::new(timeperiod) => |k, row| [k.push(row).map(|c| c.middle)];
    Min "min" { timeperiod: usize } ["value"]
        RollingMin::new(timeperiod) => |k, row| [k.push(row.close)];
    Max "max" { timeperiod: usize } ["value"]
        RollingMax::new(timeperiod) => |k, row| [k.push(row.close)];
    Typprice "typprice" {} ["value"]
        Stateless => |_, row| [Some(typical_price(row))];
    Correl "correl" { timeperiod: usize } ["value"]
        Correlation::new(timeperiod) => |k, row| [k.push(row.high, row.low)];
    Beta "beta" { timeperiod: usize } ["value"]
        Beta::new(timeperiod) => |k, row| [k.push(row.high, row.low)];
    HtTrendline "ht_trendline" {} ["value"]
        Trendline::new() => |k, row| [k.push(row.close)];
    Donchian "donchian" { timeperiod: usize } ["upper", "middle", "lower"]
        Donchian::new(timeperiod) => |k, row| split(k.push(row), |c| [c.upper, c.middle, c.lower]);
    Keltner "keltner" { ema_period: usize, atr_period: usize, mult: f64 } ["upper", "middle", "lower"]
        Keltner::new(ema_period, atr_period, mult) => |k, row| split(k.push(row), |c| [c.upper, c.middle, c.lower]);
    RollingVwap "rolling_vwap" { timeperiod: usize } ["value"]
        RollingVwap::new(timeperiod) => |k, row| [k.push(row)];
    Cmf "cmf" { timeperiod: usize } ["value"]
        ChaikinFlow::new(timeperiod) => |k, row| [k.push(row)];
    Ichimoku "ichimoku" { tenkan: usize, kijun: usize, senkou_b: usize, shift: usize }
        ["tenkan", "kijun", "senkou_a", "senkou_b"]
        Ichimoku::new(tenkan, kijun, senkou_b, shift) => |k, row| {
            let lines = k.push(row);
            [lines.tenkan, lines.kijun, lines.senkou_a, lines.senkou_b]
        };
    Supertrend "supertrend" { atr_period: usize, mult: f64 } ["value", "direction"]
        Supertrend::new(atr_period, mult) => |k, row| split(k.push(row), |t| [t.value, t.side]);
    RollingZscore "rolling_zscore" { timeperiod: usize } ["value"]
        ZScore::new(timeperiod) => |k, row| [k.push(row.close)];
    VolClose "vol_close" { window: usize } ["value"]
        CloseVolatility::new(window) => |k, row| [k.push(row.close)];
    VolRealised "vol_realised" { window: usize } ["value"]
        RealisedVolatility::new(window) => |k, row| [k.push(row.close)];
    VolParkinson "vol_parkinson" { window: usize } ["value"]
        Parkinson::new(window) => |k, row| [k.push(row)];
    VolGarmanKlass "vol_garman_klass" { window: usize } ["value"]
        GarmanKlass::new(window) => |k, row| [k.push(row)];
    VolRogersSatchell "vol_rogers_satchell" { window: usize } ["value"]
        RogersSatchell::new(window) => |k, row| [k.push(row)];
    VolYangZhang "vol_yang_zhang" { window: usize } ["value"]
        YangZhang::new(window) => |k, row| [k.push(row)];
    VolEwma "vol_ewma" { lambda: f64, seed_bars: usize } ["value"]
        EwmaVolatility::new(lambda, seed_bars) => |k, row| [k.push(row.close)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_request_says_what_is_wrong() {
        let told = |name: &str, parameters: &[(&str, f64)]| {
            Indicator::new(name, parameters.iter().copied()).unwrap_err().to_string()
        };
        assert!(told("smaa", &[]).starts_with("there is no indicator 'smaa'; there are sma, ema, "));
        assert_eq!(told("sma", &[]), "sma needs the parameter 'timeperiod', a whole number from 1 to 100000");
        assert_eq!(told("sma", &[("timeperiod", 5.0), ("n", 2.0)]), "sma has no parameter 'n'");
        for (value, text) in [(0.0, "0"), (2.5, "2.5"), (1e9, "1000000000"), (f64::NAN, "NaN")] {
            let told = told("sma", &[("timeperiod", value)]);
            assert_eq!(
                told,
                format!("sma: timeperiod = {text} is out of range; it must be a whole number from 1 to 100000")
            );
        }
        assert!(told("sar", &[("acceleration", -0.1), ("maximum", 0.2)]).contains("a number above 0"));
    }

    #[test]
    fn parameters_come_in_any_order() {
        let macd = Indicator::new("macd", [("signalperiod", 9.0), ("slowperiod", 26.0), ("fastperiod", 12.0)]);
        assert_eq!(macd, Ok(Indicator::Macd { fastperiod: 12, slowperiod: 26, signalperiod: 9 }));
        assert_eq!(macd.map(|m| (m.name(), m.lines().len())), Ok(("macd", 3)));
    }
}
