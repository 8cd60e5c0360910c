//! Regimes: the hidden Markov model, Bayesian change points, and the rule.

use std::collections::BTreeMap;

use cryptosmarttrader::decision::RuleRegime;
use cryptosmarttrader::decision::regime::bocpd::{Bocpd, BocpdSettings};
use cryptosmarttrader::decision::regime::fit::{Restraint, iterate};
use cryptosmarttrader::decision::regime::hmm::{Emission, Filter, GaussianHmm, Observation, PerState};
use cryptosmarttrader::domain::settings::RegimeSettings;
use serde_json::{Value, json};

use super::{Case, Form, Outputs, column, number, run};

#[test]
fn regimes_equal_the_reference() {
    run("regime", compute);
}

fn compute(case: &Case, form: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "gaussian_hmm_inference" => inference(case, form),
        "gaussian_hmm_em" => baum_welch(case),
        "bocpd_normal" => change_points(case),
        "trend_rule_regime" => rule(case),
        _ => return None,
    })
}

fn numbers<const N: usize>(value: &Value) -> [f64; N] {
    let list = value.as_array().expect("a list");
    std::array::from_fn(|i| list[i].as_f64().expect("a number"))
}

fn model(case: &Case) -> GaussianHmm {
    let p = &case.params;
    let emission = |i: usize| {
        let covariance = &p["covars"][i];
        let covariance = if case.params["covariance"] == "full" {
            [numbers(&covariance[0]), numbers(&covariance[1])]
        } else {
            let [a, b] = numbers(covariance);
            [[a, 0.0], [0.0, b]]
        };
        Emission { mean: numbers(&p["means"][i]), covariance }
    };
    GaussianHmm {
        start: numbers(&p["startprob"]),
        transition: std::array::from_fn(|i| numbers(&p["transmat"][i])),
        emissions: std::array::from_fn(emission),
    }
}

fn observations(case: &Case) -> Vec<Observation> {
    let columns = case.input("x").as_array().expect("two columns");
    let column = |i: usize| columns[i].as_array().expect("a column").iter().map(|v| v.as_f64().expect("a number"));
    column(0).zip(column(1)).map(|(x, y)| [x, y]).collect()
}

fn inference(case: &Case, form: Form) -> Outputs {
    let (model, row) = (model(case), observations(case));
    assert!(model.is_sound());
    let (batch, log_likelihood) = model.filtered(&row).expect("a likelihood");
    let filtered: Vec<PerState> = match form {
        Form::Streaming => {
            let mut filter = Filter::new(model);
            row.iter().map(|x| filter.push(x).expect("a posterior")).collect()
        }
        Form::Batch => batch,
    };
    let (path, path_likelihood) = model.viterbi(&row).expect("a path");
    BTreeMap::from([
        ("loglik", number(log_likelihood)),
        ("viterbi", json!(path)),
        ("viterbi_loglik", number(path_likelihood)),
        ("smoothed", json!(model.smoothed(&row).expect("posteriors"))),
        ("filtered", json!(filtered)),
    ])
}

fn baum_welch(case: &Case) -> Outputs {
    let (mut model, row) = (model(case), observations(case));
    let mut likelihoods = Vec::new();
    for _ in 0..case.count("iterations") {
        let (likelihood, next) = iterate(&model, &row, &Restraint::default()).expect("an iteration");
        likelihoods.push(likelihood);
        model = next;
    }
    let (_, last) = model.filtered(&row).expect("a likelihood");
    let variances = model.emissions.map(|e| [e.covariance[0][0], e.covariance[1][1]]);
    BTreeMap::from([
        ("loglik_first", number(likelihoods[0])),
        ("loglik_final", number(last)),
        ("means", json!(model.emissions.map(|e| e.mean))),
        ("transmat", json!(model.transition)),
        ("covars", json!(variances)),
    ])
}

fn change_points(case: &Case) -> Outputs {
    let y = case.column("y");
    let settings = BocpdSettings {
        hazard: case.number("hazard"),
        mu: case.number("mu0"),
        kappa: case.number("kappa0"),
        alpha: case.number("alpha0"),
        beta: case.number("beta0"),
        scale: 1.0,
        truncation: 0.0,
        max_runs: y.len() + 1,
    };
    let mut detector = Bocpd::new(&settings).expect("sound settings");
    let readings: Vec<_> = y.iter().map(|y| detector.push(*y).expect("a reading")).collect();
    let likeliest: Vec<u64> = readings.iter().map(|r| r.likeliest).collect();
    BTreeMap::from([
        ("map_run_length", json!(likeliest)),
        ("expected_run_length", column(&readings.iter().map(|r| Some(r.expected)).collect::<Vec<_>>())),
        ("p_run_length_le_5", column(&readings.iter().map(|r| Some(r.recent)).collect::<Vec<_>>())),
        ("log_evidence", number(readings.iter().map(|r| r.log_predictive).sum())),
    ])
}

fn rule(case: &Case) -> Outputs {
    assert_eq!(case.params["initial"], "sideways");
    let settings = RegimeSettings {
        window: case.count("window"),
        enter: case.number("enter"),
        exit: case.number("exit"),
        confirm_bars: u32::try_from(case.count("confirm_bars")).expect("a small count"),
    };
    let mut rule = RuleRegime::new(&settings);
    let readings: Vec<_> = case.column("close").into_iter().map(|c| rule.push(c)).collect();
    let state = |z: Option<f64>, name: &str| z.map_or(Value::Null, |_| name.to_lowercase().into());
    BTreeMap::from([
        ("z", column(&readings.iter().map(|r| r.z).collect::<Vec<_>>())),
        ("state", readings.iter().map(|r| state(r.z, r.regime.as_str())).collect()),
    ])
}
