//! Risk and performance: VaR and ES in their ways with the test of their hits, ratios, drawdowns, dependence, and the tests of a series.

use std::collections::BTreeMap;

use cryptosmarttrader::decision::measures::backtest::{christoffersen, kupiec};
use cryptosmarttrader::decision::measures::dependence::{beta, kendall, pearson, spearman};
use cryptosmarttrader::decision::measures::drawdown::drawdowns;
use cryptosmarttrader::decision::measures::pareto::LossTail;
use cryptosmarttrader::decision::measures::ratios::{annual_volatility, calmar, omega, sortino, tail_ratio, win_rate};
use cryptosmarttrader::decision::measures::residuals::{arch_lm, jarque_bera, ljung_box, newey_west_mean};
use cryptosmarttrader::decision::measures::stationarity::{Test, augmented_dickey_fuller};
use cryptosmarttrader::decision::measures::tail::{cornish_fisher, gaussian, historical};
use cryptosmarttrader::monitor::performance::{max_drawdown, sharpe};

use super::{Case, Form, Outputs, column, number, run};

#[test]
fn risk_equals_the_reference() {
    run("risk", compute);
}

fn compute(case: &Case, _: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "var_es_historical" => {
            let risk = historical(&returns(case), case.number("level")).expect("a tail");
            BTreeMap::from([("var", number(risk.var)), ("es", number(risk.es))])
        }
        "var_es_gaussian" => {
            assert_eq!(case.count("ddof"), 1);
            let risk = gaussian(&returns(case), case.number("level")).expect("a tail");
            BTreeMap::from([("var", number(risk.var)), ("es", number(risk.es))])
        }
        "var_cornish_fisher" => bent(case),
        "var_es_evt_pot" => pareto(case),
        "sharpe" => {
            assert_eq!(case.count("ddof"), 1);
            let over: Vec<f64> = returns(case).iter().map(|r| r - case.number("rf")).collect();
            value(sharpe(&over, case.number("periods_per_year")))
        }
        "sortino" => value(sortino(&returns(case), case.number("mar"), case.number("periods_per_year"))),
        "drawdown" => falls(case),
        "calmar" => {
            let calmar = calmar(&returns(case), case.number("periods_per_year")).expect("a drawdown");
            BTreeMap::from([("cagr", number(calmar.cagr)), ("value", number(calmar.ratio))])
        }
        "ratios" => ratios(case),
        "beta_corr" => {
            let (asset, market) = (case.column("asset"), case.column("market"));
            let of = |f: fn(&[f64], &[f64]) -> Option<f64>| number(f(&asset, &market).expect("two series that move"));
            BTreeMap::from([
                ("beta", of(beta)),
                ("pearson", of(pearson)),
                ("spearman", of(spearman)),
                ("kendall", of(kendall)),
            ])
        }
        "kupiec_christoffersen" => {
            let hits: Vec<bool> = case.column("hits").into_iter().map(|hit| hit > 0.5).collect();
            let coverage = kupiec(&hits, case.number("p")).expect("periods");
            let independence = christoffersen(&hits).expect("periods");
            BTreeMap::from([
                ("lr_uc", number(coverage.statistic)),
                ("p_uc", number(coverage.p)),
                ("lr_ind", number(independence.statistic)),
                ("p_ind", number(independence.p)),
            ])
        }
        "adf" => {
            assert_eq!(case.params["regression"], "c");
            let logs: Vec<f64> = case.column("log_close_of").iter().map(|close| close.ln()).collect();
            let test = augmented_dickey_fuller(&logs, case.count("lags")).expect("a series");
            BTreeMap::from([("stat", number(test.statistic)), ("p", number(test.p))])
        }
        "ljung_box" => tested(ljung_box(&returns(case), case.count("lags"))),
        "arch_lm" => tested(arch_lm(&returns(case), case.count("lags"))),
        "jarque_bera" => tested(jarque_bera(&returns(case))),
        "newey_west_mean" => {
            assert_eq!(
                (case.params["kernel"].as_str(), case.params["small_sample"].as_bool()),
                (Some("bartlett"), Some(false))
            );
            let mean = newey_west_mean(&returns(case), case.count("lags")).expect("a series");
            BTreeMap::from([("mean", number(mean.mean)), ("se", number(mean.error)), ("t", number(mean.t))])
        }
        _ => return None,
    })
}

fn returns(case: &Case) -> Vec<f64> {
    case.column("returns")
}

fn value(value: Option<f64>) -> Outputs {
    BTreeMap::from([("value", number(value.expect("a ratio")))])
}

fn tested(test: Option<Test>) -> Outputs {
    let test = test.expect("a series");
    BTreeMap::from([("stat", number(test.statistic)), ("p", number(test.p))])
}

fn bent(case: &Case) -> Outputs {
    let bent = cornish_fisher(&returns(case), case.number("level")).expect("a tail");
    BTreeMap::from([
        ("skew", number(bent.shape.skew)),
        ("ex_kurt", number(bent.shape.excess_kurtosis)),
        ("z", number(bent.z)),
        ("var", number(bent.risk.var)),
    ])
}

fn pareto(case: &Case) -> Outputs {
    let level = case.number("level");
    let tail = LossTail::of(&returns(case), case.number("threshold_quantile")).expect("a tail");
    BTreeMap::from([
        ("u", number(tail.threshold)),
        ("n_exceed", tail.exceedances.into()),
        ("xi", number(tail.curve.xi)),
        ("beta", number(tail.curve.beta)),
        ("nll", number(tail.curve.nll)),
        ("var", number(tail.var(level).expect("a level in the tail"))),
        ("es", column(&[tail.es(level)])[0].clone()),
    ])
}

fn falls(case: &Case) -> Outputs {
    let returns = returns(case);
    let falls = drawdowns(&returns).expect("equity");
    let mut equity = vec![1.0];
    returns.iter().for_each(|r| equity.push(equity[equity.len() - 1] * (1.0 + r)));
    // The product has the deepest fall in two places: both are held against the reference.
    let deepest = -max_drawdown(&equity).expect("equity");
    assert!((falls.deepest - deepest).abs() < 1e-12);
    BTreeMap::from([
        ("series", column(&falls.series.iter().copied().map(Some).collect::<Vec<_>>())),
        ("max_drawdown", number(deepest)),
        ("trough", falls.trough.into()),
        ("ulcer_index", number(falls.ulcer)),
    ])
}

fn ratios(case: &Case) -> Outputs {
    let returns = returns(case);
    let or_none = |value: Option<f64>| number(value.expect("a ratio"));
    BTreeMap::from([
        ("omega_0", or_none(omega(&returns, 0.0))),
        ("tail_ratio", or_none(tail_ratio(&returns))),
        ("annual_vol", or_none(annual_volatility(&returns, case.number("periods_per_year")))),
        ("profit_factor", or_none(omega(&returns, 0.0))),
        ("win_rate", or_none(win_rate(&returns))),
    ])
}
