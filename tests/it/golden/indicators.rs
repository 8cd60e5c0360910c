//! The indicators: TA-Lib's and our own, on a main, a tiny-price and an edge series.

use std::collections::BTreeMap;

use cryptosmarttrader::pipeline::kernels::{Indicator, Ohlcv, Row, columns};

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
    let rows: Vec<Row> = case.bars().iter().map(Ohlcv::row).collect();
    let columns = match form {
        Form::Streaming => one_by_one(&indicator, &rows),
        Form::Batch => columns(&indicator, &rows).into_iter().map(|c| c.into_iter().map(defined).collect()).collect(),
    };
    Some(indicator.lines().iter().copied().zip(columns.iter().map(|c| column(c))).collect::<BTreeMap<_, _>>())
}

fn one_by_one(indicator: &Indicator, rows: &[Row]) -> Vec<Vec<Option<f64>>> {
    let mut kernel = indicator.start::<f64>();
    let mut lines = vec![f64::NAN; indicator.lines().len()];
    let mut columns = vec![Vec::new(); lines.len()];
    for row in rows {
        kernel.step(row, &mut lines);
        for (column, value) in columns.iter_mut().zip(&lines) {
            column.push(defined(*value));
        }
    }
    columns
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
