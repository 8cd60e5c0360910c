//! Every indicator by name: its parameters, its lines, and how to start it on one series or on several side by side.

use std::marker::PhantomData;

use pulp::{Arch, Scalar, Simd, WithSimd};
use thiserror::Error;

use super::real::Real;
use super::row::Row;
use super::{
    Accumulation, Adxr, Aroon, Atr, Beta, Bollinger, Cci, ChaikinFlow, ChaikinOscillator, CloseVolatility, Correlation,
    Dema, Donchian, Ema, EwmaVolatility, FastStochastic, GainLoss, GarmanKlass, Ichimoku, Kama, Keltner, Line, Macd,
    Midpoint, Momentum, MoneyFlow, Natr, OnBalanceVolume, Parkinson, PriceOscillator, RealisedVolatility,
    RogersSatchell, RollingMax, RollingMin, RollingVwap, Sar, Sma, StdDev, Stochastic, StochasticRsi, Supertrend, T3,
    Tema, Trendline, Trima, Trix, TrueRange, Ultimate, YangZhang, ZScore, balance_of_power, typical_price,
};

/// A started indicator.
pub trait Kernel<T: Real>: Send {
    /// Takes rows one after the other and writes the values of the first line for all of them, then those of the next line; NaN where there is no
    /// value.
    fn run(&mut self, rows: &[Row<T>], lines: &mut [T]);

    /// Takes one row; the value of the first line, NaN where there is none.
    fn first(&mut self, row: &Row<T>) -> T;

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

/// The way a kernel takes rows.
trait Way<T, K, const LINES: usize> {
    fn step(kernel: &mut K, row: &Row<T>) -> [T; LINES];

    fn reset(kernel: &mut K);
}

/// A kernel and the way it takes rows.
struct Running<K, W, const LINES: usize> {
    kernel: K,
    way: PhantomData<W>,
}

impl<T, K, W, const LINES: usize> Kernel<T> for Running<K, W, LINES>
where
    T: Real,
    K: Send,
    W: Way<T, K, LINES> + Send,
{
    fn run(&mut self, rows: &[Row<T>], lines: &mut [T]) {
        // A live bar comes alone: its lines stand one after the other.
        if let ([row], false) = (rows, T::SEVERAL) {
            for (place, value) in lines.iter_mut().zip(&W::step(&mut self.kernel, row)) {
                *place = *value;
            }
            return;
        }
        let steps = Steps::<T, K, W, LINES> { kernel: &mut self.kernel, rows, lines, way: PhantomData };
        if T::SEVERAL { Arch::new().dispatch(steps) } else { steps.with_simd(Scalar) }
    }

    fn first(&mut self, row: &Row<T>) -> T {
        W::step(&mut self.kernel, row).into_iter().next().unwrap_or(T::of(f64::NAN))
    }

    fn reset(&mut self) {
        W::reset(&mut self.kernel);
    }
}

/// Rows to take one after the other.
struct Steps<'a, T, K, W, const LINES: usize> {
    kernel: &'a mut K,
    rows: &'a [Row<T>],
    lines: &'a mut [T],
    way: PhantomData<W>,
}

/// Compiled for the vector instructions that are there at run time. What is computed is the same everywhere, bit for bit: no product is fused
/// with a sum, and no sum is reordered.
impl<T, K, W, const LINES: usize> WithSimd for Steps<'_, T, K, W, LINES>
where
    T: Real,
    W: Way<T, K, LINES>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        let mut lines = self.lines.chunks_exact_mut(self.rows.len().max(1));
        let mut lines: [_; LINES] = std::array::from_fn(|_| lines.next().unwrap_or_default().iter_mut());
        for row in self.rows {
            // By reference: values that move through an iterator of their own would be copied several times.
            let values = W::step(self.kernel, row);
            for (line, value) in lines.iter_mut().zip(&values) {
                if let Some(place) = line.next() {
                    *place = *value;
                }
            }
        }
    }
}

/// What has no past needs no kernel.
struct Stateless<T>(PhantomData<T>);

impl<T> Stateless<T> {
    const fn new() -> Self {
        Self(PhantomData)
    }

    fn reset(&mut self) {}
}

/// A line's value; NaN for none.
#[inline(always)]
fn line<T: Real>(value: Option<T>) -> T {
    value.unwrap_or(T::of(f64::NAN))
}

/// Several lines from one value.
#[inline(always)]
fn split<V, T: Real, const LINES: usize>(value: Option<V>, parts: impl Fn(V) -> [T; LINES]) -> [T; LINES] {
    value.map_or([T::of(f64::NAN); LINES], parts)
}

/// A kernel per line: its parameters and number of lines; how it starts and takes a row.
macro_rules! sources {
    ($($variant:ident { $($parameter:ident: $kind:ty),* } $lines:literal,
        $kernel:ident::new($($argument:expr),*) => |$k:ident, $row:ident| $out:expr;)*) => {
        /// What indicators are computed from. Indicators of the same source share one kernel.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Source {
            $($variant { $($parameter: $kind),* },)*
        }

        impl Source {
            /// How many lines it has.
            #[must_use]
            pub const fn lines(&self) -> usize {
                match self {
                    $(Self::$variant { .. } => $lines,)*
                }
            }

            /// Starts it before the first row.
            #[must_use]
            pub fn start<T: Real>(&self) -> Box<dyn Kernel<T>> {
                match *self {
                    $(Self::$variant { $($parameter),* } => {
                        struct Own;
                        impl<T: Real> Way<T, $kernel<T>, $lines> for Own {
                            #[inline(always)]
                            fn step($k: &mut $kernel<T>, $row: &Row<T>) -> [T; $lines] {
                                $out
                            }

                            fn reset(kernel: &mut $kernel<T>) {
                                kernel.reset();
                            }
                        }
                        let kernel = $kernel::<T>::new($($argument),*);
                        Box::new(Running::<_, Own, $lines> { kernel, way: PhantomData })
                    })*
                }
            }
        }
    };
}

/// An indicator per line: how it is called, its parameters with usual values, its outputs, and which lines of which source they are.
macro_rules! indicators {
    ($($variant:ident $name:literal { $($parameter:ident: $kind:ty = $usual:literal),* } [$($line:literal),+]
        $source:ident { $($argument:ident),* } $places:expr;)*) => {
        /// An indicator with its parameters. Conventions and the names of parameters and outputs are TA-Lib's where it has the indicator.
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum Indicator {
            $($variant { $($parameter: $kind),* },)*
        }

        impl Indicator {
            /// The names of all indicators.
            pub const NAMES: &[&str] = &[$($name),*];

            /// All indicators with usual parameters.
            pub const USUAL: &[Self] = &[$(Self::$variant { $($parameter: $usual),* }),*];

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

            /// Its parameters in the order in which it declares them, with usual values.
            #[must_use]
            pub const fn parameters(&self) -> &'static [(&'static str, f64)] {
                match self {
                    $(Self::$variant { .. } => &[$((stringify!($parameter), $usual as f64)),*],)*
                }
            }

            /// The names of its outputs.
            #[must_use]
            pub const fn lines(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant { .. } => &[$($line),+],)*
                }
            }

            /// What it is computed from, and which lines of it are the outputs.
            #[must_use]
            pub const fn source(&self) -> (Source, &'static [usize]) {
                match *self {
                    $(Self::$variant { $($parameter),* } => (Source::$source { $($argument),* }, &$places),)*
                }
            }
        }
    };
}

sources! {
    Sma { timeperiod: usize } 1, Sma::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Ema { timeperiod: usize } 1, Ema::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Line { timeperiod: usize } 4, Line::new(timeperiod) => |k, row| split(k.push(row.close), |l| [l.now, l.slope, l.next, l.weighted]);
    Dema { timeperiod: usize } 1, Dema::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Tema { timeperiod: usize } 1, Tema::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Trima { timeperiod: usize } 1, Trima::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Kama { timeperiod: usize } 1, Kama::new(timeperiod) => |k, row| [line(k.push(row.close))];
    T3 { timeperiod: usize, vfactor: f64 } 1, T3::new(timeperiod, vfactor) => |k, row| [line(k.push(row.close))];
    Strength { timeperiod: usize } 2, GainLoss::new(timeperiod) => |k, row| split(k.push(row.close), |s| [s.rsi(), s.cmo()]);
    Macd { fastperiod: usize, slowperiod: usize, signalperiod: usize } 3, Macd::new(fastperiod, slowperiod, signalperiod) => |k, row| split(k.push(row.close), |m| [m.macd, m.signal, m.histogram]);
    PriceOscillator { fastperiod: usize, slowperiod: usize } 2, PriceOscillator::new(fastperiod, slowperiod) => |k, row| split(k.push_change(row.close), |c| [c.difference(), line(c.percent())]);
    Trix { timeperiod: usize } 1, Trix::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Bbands { timeperiod: usize, mult: f64 } 3, Bollinger::new(timeperiod, mult) => |k, row| split(k.push(row.close), |c| [c.upper, c.middle, c.lower]);
    Stddev { timeperiod: usize } 1, StdDev::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Trange {  } 1, TrueRange::new() => |k, row| [line(k.push(row))];
    Atr { timeperiod: usize } 1, Atr::new(timeperiod) => |k, row| [line(k.push(row))];
    Natr { timeperiod: usize } 1, Natr::new(timeperiod) => |k, row| [line(k.push(row))];
    Directional { timeperiod: usize } 7, Adxr::new(timeperiod) => |k, row| {
        let parts = k.push_parts(row);
        let [plus_dm, minus_dm] = split(parts.movement, |m| [m.plus, m.minus]);
        let [plus_di, minus_di, dx] = split(parts.lines, |l| [l.plus_di, l.minus_di, l.dx]);
        [plus_dm, minus_dm, plus_di, minus_di, dx, line(parts.adx), line(parts.adxr)]
    };
    Stoch { fastk_period: usize, slowk_period: usize, slowd_period: usize } 2, Stochastic::new(fastk_period, slowk_period, slowd_period) => |k, row| split(k.push(row), |s| [s.slow_k, s.slow_d]);
    Stochf { fastk_period: usize, fastd_period: usize } 2, FastStochastic::new(fastk_period, fastd_period) => |k, row| split(k.push(row), |s| [s.fast_k, s.fast_d]);
    Stochrsi { timeperiod: usize, fastk_period: usize, fastd_period: usize } 2, StochasticRsi::new(timeperiod, fastk_period, fastd_period) => |k, row| split(k.push(row.close), |s| [s.fast_k, s.fast_d]);
    Range { timeperiod: usize } 4, Donchian::new(timeperiod) => |k, row| split(k.push(row), |c| [c.upper, c.middle, c.lower, c.williams_r(row.close)]);
    Cci { timeperiod: usize } 1, Cci::new(timeperiod) => |k, row| [line(k.push(row))];
    Ultosc { timeperiod1: usize, timeperiod2: usize, timeperiod3: usize } 1, Ultimate::new([timeperiod1, timeperiod2, timeperiod3]) => |k, row| [line(k.push(row))];
    Aroon { timeperiod: usize } 3, Aroon::new(timeperiod) => |k, row| split(k.push(row), |a| [a.down, a.up, a.oscillator]);
    Mfi { timeperiod: usize } 1, MoneyFlow::new(timeperiod) => |k, row| [line(k.push(row))];
    Obv {  } 1, OnBalanceVolume::new() => |k, row| [line(k.push(row))];
    Ad {  } 1, Accumulation::new() => |k, row| [line(k.push(row))];
    Adosc { fastperiod: usize, slowperiod: usize } 1, ChaikinOscillator::new(fastperiod, slowperiod) => |k, row| [line(k.push(row))];
    Bop {  } 1, Stateless::new() => |_k, row| [balance_of_power(row)];
    Momentum { timeperiod: usize } 2, Momentum::new(timeperiod) => |k, row| split(k.push_change(row.close), |c| [c.difference(), line(c.percent())]);
    Sar { acceleration: f64, maximum: f64 } 1, Sar::new(acceleration, maximum) => |k, row| [line(k.push(row))];
    Midpoint { timeperiod: usize } 1, Midpoint::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Min { timeperiod: usize } 1, RollingMin::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Max { timeperiod: usize } 1, RollingMax::new(timeperiod) => |k, row| [line(k.push(row.close))];
    Typprice {  } 1, Stateless::new() => |_k, row| [typical_price(row)];
    Correl { timeperiod: usize } 1, Correlation::new(timeperiod) => |k, row| [line(k.push(row.high, row.low))];
    Beta { timeperiod: usize } 1, Beta::new(timeperiod) => |k, row| [line(k.push(row.high, row.low))];
    HtTrendline {  } 1, Trendline::new() => |k, row| [line(k.push(row.close))];
    Keltner { ema_period: usize, atr_period: usize, mult: f64 } 3, Keltner::new(ema_period, atr_period, mult) => |k, row| split(k.push(row), |c| [c.upper, c.middle, c.lower]);
    RollingVwap { timeperiod: usize } 1, RollingVwap::new(timeperiod) => |k, row| [line(k.push(row))];
    Cmf { timeperiod: usize } 1, ChaikinFlow::new(timeperiod) => |k, row| [line(k.push(row))];
    Ichimoku { tenkan: usize, kijun: usize, senkou_b: usize, shift: usize } 4, Ichimoku::new(tenkan, kijun, senkou_b, shift) => |k, row| {
            let lines = k.push(row);
            [line(lines.tenkan), line(lines.kijun), line(lines.senkou_a), line(lines.senkou_b)]
        };
    Supertrend { atr_period: usize, mult: f64 } 2, Supertrend::new(atr_period, mult) => |k, row| split(k.push(row), |t| [t.value, t.side]);
    RollingZscore { timeperiod: usize } 1, ZScore::new(timeperiod) => |k, row| [line(k.push(row.close))];
    VolClose { window: usize } 1, CloseVolatility::new(window) => |k, row| [line(k.push(row.close))];
    VolRealised { window: usize } 1, RealisedVolatility::new(window) => |k, row| [line(k.push(row.close))];
    VolParkinson { window: usize } 1, Parkinson::new(window) => |k, row| [line(k.push(row))];
    VolGarmanKlass { window: usize } 1, GarmanKlass::new(window) => |k, row| [line(k.push(row))];
    VolRogersSatchell { window: usize } 1, RogersSatchell::new(window) => |k, row| [line(k.push(row))];
    VolYangZhang { window: usize } 1, YangZhang::new(window) => |k, row| [line(k.push(row))];
    VolEwma { lambda: f64, seed_bars: usize } 1, EwmaVolatility::new(lambda, seed_bars) => |k, row| [line(k.push(row.close))];
}

indicators! {
    Sma "sma" { timeperiod: usize = 20 } ["value"] Sma { timeperiod } [0];
    Ema "ema" { timeperiod: usize = 12 } ["value"] Ema { timeperiod } [0];
    Wma "wma" { timeperiod: usize = 14 } ["value"] Line { timeperiod } [3];
    Dema "dema" { timeperiod: usize = 10 } ["value"] Dema { timeperiod } [0];
    Tema "tema" { timeperiod: usize = 10 } ["value"] Tema { timeperiod } [0];
    Trima "trima" { timeperiod: usize = 15 } ["value"] Trima { timeperiod } [0];
    Kama "kama" { timeperiod: usize = 10 } ["value"] Kama { timeperiod } [0];
    T3 "t3" { timeperiod: usize = 5, vfactor: f64 = 0.7 } ["value"] T3 { timeperiod, vfactor } [0];
    Rsi "rsi" { timeperiod: usize = 14 } ["value"] Strength { timeperiod } [0];
    Cmo "cmo" { timeperiod: usize = 14 } ["value"] Strength { timeperiod } [1];
    Macd "macd" { fastperiod: usize = 12, slowperiod: usize = 26, signalperiod: usize = 9 } ["macd", "signal", "hist"] Macd { fastperiod, slowperiod, signalperiod } [0, 1, 2];
    Apo "apo" { fastperiod: usize = 12, slowperiod: usize = 26 } ["value"] PriceOscillator { fastperiod, slowperiod } [0];
    Ppo "ppo" { fastperiod: usize = 12, slowperiod: usize = 26 } ["value"] PriceOscillator { fastperiod, slowperiod } [1];
    Trix "trix" { timeperiod: usize = 15 } ["value"] Trix { timeperiod } [0];
    Bbands "bbands" { timeperiod: usize = 20, mult: f64 = 2.0 } ["upper", "middle", "lower"] Bbands { timeperiod, mult } [0, 1, 2];
    Stddev "stddev" { timeperiod: usize = 20 } ["value"] Stddev { timeperiod } [0];
    Trange "trange" {} ["value"] Trange {} [0];
    Atr "atr" { timeperiod: usize = 14 } ["value"] Atr { timeperiod } [0];
    Natr "natr" { timeperiod: usize = 14 } ["value"] Natr { timeperiod } [0];
    PlusDm "plus_dm" { timeperiod: usize = 14 } ["value"] Directional { timeperiod } [0];
    MinusDm "minus_dm" { timeperiod: usize = 14 } ["value"] Directional { timeperiod } [1];
    PlusDi "plus_di" { timeperiod: usize = 14 } ["value"] Directional { timeperiod } [2];
    MinusDi "minus_di" { timeperiod: usize = 14 } ["value"] Directional { timeperiod } [3];
    Dx "dx" { timeperiod: usize = 14 } ["value"] Directional { timeperiod } [4];
    Adx "adx" { timeperiod: usize = 14 } ["value"] Directional { timeperiod } [5];
    Adxr "adxr" { timeperiod: usize = 14 } ["value"] Directional { timeperiod } [6];
    Stoch "stoch" { fastk_period: usize = 14, slowk_period: usize = 3, slowd_period: usize = 3 } ["slow_k", "slow_d"] Stoch { fastk_period, slowk_period, slowd_period } [0, 1];
    Stochf "stochf" { fastk_period: usize = 5, fastd_period: usize = 3 } ["fast_k", "fast_d"] Stochf { fastk_period, fastd_period } [0, 1];
    Stochrsi "stochrsi" { timeperiod: usize = 14, fastk_period: usize = 5, fastd_period: usize = 3 } ["fast_k", "fast_d"] Stochrsi { timeperiod, fastk_period, fastd_period } [0, 1];
    Willr "willr" { timeperiod: usize = 14 } ["value"] Range { timeperiod } [3];
    Cci "cci" { timeperiod: usize = 20 } ["value"] Cci { timeperiod } [0];
    Ultosc "ultosc" { timeperiod1: usize = 7, timeperiod2: usize = 14, timeperiod3: usize = 28 } ["value"] Ultosc { timeperiod1, timeperiod2, timeperiod3 } [0];
    Aroon "aroon" { timeperiod: usize = 14 } ["down", "up"] Aroon { timeperiod } [0, 1];
    Aroonosc "aroonosc" { timeperiod: usize = 14 } ["value"] Aroon { timeperiod } [2];
    Mfi "mfi" { timeperiod: usize = 14 } ["value"] Mfi { timeperiod } [0];
    Obv "obv" {} ["value"] Obv {} [0];
    Ad "ad" {} ["value"] Ad {} [0];
    Adosc "adosc" { fastperiod: usize = 3, slowperiod: usize = 10 } ["value"] Adosc { fastperiod, slowperiod } [0];
    Bop "bop" {} ["value"] Bop {} [0];
    Roc "roc" { timeperiod: usize = 10 } ["value"] Momentum { timeperiod } [1];
    Mom "mom" { timeperiod: usize = 10 } ["value"] Momentum { timeperiod } [0];
    Sar "sar" { acceleration: f64 = 0.02, maximum: f64 = 0.2 } ["value"] Sar { acceleration, maximum } [0];
    Linearreg "linearreg" { timeperiod: usize = 14 } ["value"] Line { timeperiod } [0];
    LinearregSlope "linearreg_slope" { timeperiod: usize = 14 } ["value"] Line { timeperiod } [1];
    Tsf "tsf" { timeperiod: usize = 14 } ["value"] Line { timeperiod } [2];
    Midpoint "midpoint" { timeperiod: usize = 14 } ["value"] Midpoint { timeperiod } [0];
    Midprice "midprice" { timeperiod: usize = 14 } ["value"] Range { timeperiod } [1];
    Min "min" { timeperiod: usize = 20 } ["value"] Min { timeperiod } [0];
    Max "max" { timeperiod: usize = 20 } ["value"] Max { timeperiod } [0];
    Typprice "typprice" {} ["value"] Typprice {} [0];
    Correl "correl" { timeperiod: usize = 30 } ["value"] Correl { timeperiod } [0];
    Beta "beta" { timeperiod: usize = 5 } ["value"] Beta { timeperiod } [0];
    HtTrendline "ht_trendline" {} ["value"] HtTrendline {} [0];
    Donchian "donchian" { timeperiod: usize = 20 } ["upper", "middle", "lower"] Range { timeperiod } [0, 1, 2];
    Keltner "keltner" { ema_period: usize = 20, atr_period: usize = 10, mult: f64 = 2.0 } ["upper", "middle", "lower"] Keltner { ema_period, atr_period, mult } [0, 1, 2];
    RollingVwap "rolling_vwap" { timeperiod: usize = 20 } ["value"] RollingVwap { timeperiod } [0];
    Cmf "cmf" { timeperiod: usize = 20 } ["value"] Cmf { timeperiod } [0];
    Ichimoku "ichimoku" { tenkan: usize = 9, kijun: usize = 26, senkou_b: usize = 52, shift: usize = 26 } ["tenkan", "kijun", "senkou_a", "senkou_b"] Ichimoku { tenkan, kijun, senkou_b, shift } [0, 1, 2, 3];
    Supertrend "supertrend" { atr_period: usize = 10, mult: f64 = 3.0 } ["value", "direction"] Supertrend { atr_period, mult } [0, 1];
    RollingZscore "rolling_zscore" { timeperiod: usize = 20 } ["value"] RollingZscore { timeperiod } [0];
    VolClose "vol_close" { window: usize = 24 } ["value"] VolClose { window } [0];
    VolRealised "vol_realised" { window: usize = 24 } ["value"] VolRealised { window } [0];
    VolParkinson "vol_parkinson" { window: usize = 24 } ["value"] VolParkinson { window } [0];
    VolGarmanKlass "vol_garman_klass" { window: usize = 24 } ["value"] VolGarmanKlass { window } [0];
    VolRogersSatchell "vol_rogers_satchell" { window: usize = 24 } ["value"] VolRogersSatchell { window } [0];
    VolYangZhang "vol_yang_zhang" { window: usize = 24 } ["value"] VolYangZhang { window } [0];
    VolEwma "vol_ewma" { lambda: f64 = 0.94, seed_bars: usize = 20 } ["value"] VolEwma { lambda, seed_bars } [0];
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
