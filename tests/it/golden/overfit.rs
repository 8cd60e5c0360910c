//! Probabilistic and deflated Sharpe ratio, minimum track record, probability of backtest overfitting.

use std::collections::BTreeMap;

use cryptosmarttrader::ml::overfit::{Track, backtest_overfitting, best_of_noise, sharpe_variance};
use serde_json::Value;

use super::{Case, Form, Outputs, number, run};

#[test]
fn overfitting_equals_the_reference() {
    run("overfit", compute);
}

fn compute(case: &Case, _: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "probabilistic_sharpe" => {
            let track = Track::of(&case.column("returns")).expect("a track");
            let benchmark = case.number("benchmark");
            let length = track.min_length(benchmark, case.number("min_trl_confidence"));
            BTreeMap::from([
                ("sr", number(track.sharpe)),
                ("skew", number(track.skewness)),
                ("kurtosis", number(track.kurtosis)),
                ("psr", number(track.probabilistic_sharpe(benchmark).expect("a probability"))),
                ("min_trl", length.map_or(Value::Null, number)),
            ])
        }
        "deflated_sharpe" => {
            let sharpes = case.column("trial_sharpes");
            let sharpe = sharpes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let variance = sharpe_variance(&sharpes).expect("trials");
            let trials = sharpes.len() as f64;
            let (n, skewness, kurtosis) = (case.number("T"), case.number("skew"), case.number("kurtosis"));
            let track = Track { sharpe, n, skewness, kurtosis };
            BTreeMap::from([
                ("sr_best", number(sharpe)),
                ("var_trials", number(variance)),
                ("sr0", number(best_of_noise(variance, trials).expect("a benchmark"))),
                ("dsr", number(track.deflated_sharpe(variance, trials).expect("a probability"))),
            ])
        }
        "pbo_cscv" => {
            let rows = case.input("performance").as_array().expect("rows").iter();
            let row =
                |row: &Value| row.as_array().expect("a row").iter().map(|v| v.as_f64().expect("a number")).collect();
            let table: Vec<Vec<f64>> = rows.map(row).collect();
            let found = backtest_overfitting(&table, case.count("S")).expect("a result");
            BTreeMap::from([
                ("pbo", number(found.pbo)),
                ("logits", found.logits.into_iter().map(Value::from).collect()),
                ("prob_oos_loss", number(found.loss)),
                ("degradation_slope", found.slope.map_or(Value::Null, number)),
            ])
        }
        _ => return None,
    })
}
