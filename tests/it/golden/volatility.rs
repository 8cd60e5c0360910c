//! Volatility estimators, GARCH(1,1), and the fractional difference.

use std::collections::BTreeMap;

use cryptosmarttrader::pipeline::kernels::garch::{Garch, GarchParameters, fit, log_likelihood};
use cryptosmarttrader::pipeline::kernels::{FractionalDifference, annualised};
use serde_json::{Value, json};

use super::indicators::indicator;
use super::{Case, Form, Outputs, column, number, run, run_except};

#[test]
fn volatility_equals_the_reference() {
    run("volatility", volatility);
}

fn volatility(case: &Case, form: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "annualise_vol" => {
            let value = annualised(case.scalar("value"), case.number("periods_per_year"));
            BTreeMap::from([("value", number(value))])
        }
        "garch11_filter" => filtered(case),
        "garch11_fit" => {
            let fit = fit(&case.column("returns_pct")).expect("a fit");
            let GarchParameters { omega, alpha, beta } = fit.parameters;
            let parameters = json!({"omega": omega, "alpha": alpha, "beta": beta});
            BTreeMap::from([("loglik", number(fit.log_likelihood)), ("params", parameters)])
        }
        _ => return indicator(case, form),
    })
}

fn filtered(case: &Case) -> Outputs {
    let [omega, alpha, beta, backcast] = ["omega", "alpha", "beta", "backcast"].map(|name| case.number(name));
    let (returns, parameters) = (case.column("returns_pct"), GarchParameters { omega, alpha, beta });
    let mut garch = Garch::new(parameters, backcast);
    let variances: Vec<_> = returns.iter().map(|r| garch.push(*r)).collect();
    let forecast = garch.forecast(5).map(Value::from).collect();
    let likelihood = log_likelihood(&returns, parameters, backcast).expect("a likelihood");
    BTreeMap::from([("sigma2", column(&variances)), ("loglik", number(likelihood)), ("forecast5", forecast)])
}

/// The other functions of that file choose features; they are the concern of the models.
#[test]
fn the_fractional_difference_equals_the_reference() {
    let elsewhere =
        ["f_regression", "spearman", "mutual_info_binned", "mrmr_corr", "fdr_adjust", "permutation_p_value", "vif"];
    run_except("feature_selection", &elsewhere, |case, _| {
        (case.function == "fracdiff_ffd").then(|| {
            let mut difference = FractionalDifference::new(case.number("d"), case.number("threshold"));
            let values: Vec<_> = case.column("log_price").iter().map(|x| difference.push(*x)).collect();
            let weights = difference.weights().iter().map(|w| number(*w)).collect();
            BTreeMap::from([("weights", weights), ("value", column(&values))])
        })
    });
}
