//! An indicator with its parameters, and how it is drawn.

use crate::domain::market::Bar;
use crate::pipeline::kernels::{Adx, Indicator, MoneyFlow, Ohlcv as _, Rsi, Stochastic};

/// Most lines of one indicator.
pub const LINES: usize = 4;

/// The lines of an indicator at one bar.
pub type Values = [Option<f64>; LINES];

/// A started indicator: takes the next bar and gives the lines there.
pub type Steps = Box<dyn FnMut(&Bar) -> Values>;

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
    /// In the indicator's own colour, broken.
    Inner,
    /// In the colours of rising and falling prices.
    Rising,
    Falling,
    /// Bars from zero, coloured by their sign.
    Bars,
    /// Points that belong to their bars alone: they are not joined.
    Points,
}

/// One line of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its name in the legend; empty where the indicator's name says it.
    pub name: &'static str,
    pub look: Look,
}

/// What is pushed into the kernels, and what is made of their lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// The pipeline's indicator as it is.
    Of(Indicator),
    /// Its first line as a percentage.
    Percent(Indicator),
    /// The first line where the second is positive, and the first line where it is not.
    Sides(Indicator),
    /// ADX with both directional lines.
    Adx(usize),
    /// The kernels of these give 0 for 0/0 as TA-Lib does; a chart shows no value there.
    Rsi(usize),
    MoneyFlow(usize),
    Stochastic(usize, usize, usize),
}

/// One indicator with fixed parameters.
#[derive(Debug)]
pub struct Plot {
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
    pub source: Source,
}

fn one(value: Option<f64>) -> Values {
    let mut values = Values::default();
    values[0] = value;
    values
}

/// The pipeline's own kernels; an output is NaN where there is no value.
fn listed(indicator: Indicator) -> impl FnMut(&Bar) -> Values {
    let mut started = indicator.start::<f64>();
    move |bar| {
        started.push(&bar.row());
        let mut values = Values::default();
        for (value, line) in values.iter_mut().zip(started.outputs()) {
            *value = line.is_finite().then_some(line);
        }
        values
    }
}

impl Plot {
    /// Starts it: no bar seen yet.
    #[must_use]
    pub fn start(&self) -> Steps {
        match self.source {
            Source::Of(indicator) => Box::new(listed(indicator)),
            Source::Percent(indicator) => {
                let mut of = listed(indicator);
                Box::new(move |bar| of(bar).map(|v| v.map(|v| v * 100.0)))
            }
            Source::Sides(indicator) => {
                let mut of = listed(indicator);
                Box::new(move |bar| {
                    let [value, side, ..] = of(bar);
                    let up = side.is_some_and(|s| s > 0.0);
                    [value.filter(|_| up), value.filter(|_| !up), None, None]
                })
            }
            Source::Adx(n) => {
                let mut k = Adx::new(n);
                Box::new(move |bar| {
                    let adx = k.push(bar);
                    let lines = k.lines();
                    [adx, lines.map(|l| l.plus_di), lines.map(|l| l.minus_di), None]
                })
            }
            Source::Rsi(n) => {
                let mut k = Rsi::new(n);
                Box::new(move |bar| one(k.push(bar.close).filter(|_| k.is_defined())))
            }
            Source::MoneyFlow(n) => {
                let mut k = MoneyFlow::new(n);
                Box::new(move |bar| one(k.push(bar).filter(|_| k.is_defined())))
            }
            Source::Stochastic(fast, slow, signal) => {
                let mut k = Stochastic::new(fast, slow, signal);
                Box::new(move |bar| {
                    let lines = k.push(bar).filter(|_| k.is_defined());
                    lines.map_or_else(Values::default, |l| [Some(l.slow_k), Some(l.slow_d), None, None])
                })
            }
        }
    }
}
