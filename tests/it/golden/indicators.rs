//! The indicators: TA-Lib's and our own, on a main, a tiny-price and an edge series.

use std::collections::BTreeMap;

use cryptosmarttrader::domain::Bar;
use cryptosmarttrader::pipeline::kernels::{Column, Indicator, Ohlcv, Series, columns};

use super::{Case, Form, Outputs, column, run};

#[test]
fn indicators_equal_the_reference() {
    run("indicators", indicator);
}

/// Any case whose function is an indicator of the catalog, by name.
pub fn indicator(case: &Case, form: Form) -> Option<Outputs> {
    if !Indicator::NAMES.contains(&case.function.as_str()) {
        return None;
    }
    let parameters = case.params.keys().filter_map(|name| parameter(case, name));
    let indicator = Indicator::new(&case.function, parameters).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let columns = match form {
        Form::Streaming => one_by_one(&indicator, &case.bars()),
        Form::Batch => side_by_side(&indicator, &case.bars()),
    };
    let columns = columns.iter().map(|c| column(&c.iter().copied().map(defined).collect::<Vec<_>>()));
    Some(indicator.lines().iter().copied().zip(columns).collect::<BTreeMap<_, _>>())
}

fn one_by_one(indicator: &Indicator, bars: &[Bar]) -> Vec<Column> {
    let mut started = indicator.start::<f64>();
    let mut columns = vec![Column::new(); indicator.lines().len()];
    for bar in bars {
        started.push(&bar.row());
        for (column, value) in columns.iter_mut().zip(started.outputs()) {
            column.push(value);
        }
    }
    columns
}

/// The case's series in one lane, and in another one that ends sooner.
fn side_by_side(indicator: &Indicator, bars: &[Bar]) -> Vec<Column> {
    let [open, high, low, close, volume] =
        [|b: &Bar| b.open, |b: &Bar| b.high, |b: &Bar| b.low, |b: &Bar| b.close, |b: &Bar| b.volume]
            .map(|part: fn(&Bar) -> f64| bars.iter().map(part).collect::<Vec<_>>());
    let whole = Series { open: &open, high: &high, low: &low, close: &close, volume: &volume };
    let shorter = Series { open: &open[..bars.len() / 2], ..whole };
    columns(indicator, &[shorter, whole]).pop().expect("two tables")
}

fn defined(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

/// A parameter under our name for it; `None` for what our indicator fixes, as long as the case asks for just that.
fn parameter<'a>(case: &'a Case, name: &'a str) -> Option<(&'a str, f64)> {
    let value = case.number(name);
    let fixed = |only: f64| {
        assert_eq!(value, only, "{}: {name} is not supported", case.name);
        None
    };
    match (case.function.as_str(), name) {
        // The type of moving average: exponential here, simple elsewhere.
        ("apo" | "ppo", "matype") => fixed(1.0),
        (_, "matype" | "slowk_matype" | "slowd_matype" | "fastd_matype") => fixed(0.0),
        ("bbands", "nbdevup") => Some(("mult", value)),
        ("bbands", "nbdevdn") => fixed(case.number("nbdevup")),
        ("stddev", "nbdev") => fixed(1.0),
        ("rolling_zscore" | "vol_close", "ddof") => fixed(1.0),
        _ => Some((name, value)),
    }
}
