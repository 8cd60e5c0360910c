//! Conformal intervals, their adaptive forms, what they were worth, and the parts of an ensemble's uncertainty.

use std::collections::{BTreeMap, VecDeque};

use cryptosmarttrader::ml::conformal::adaptive::{Aci, DtAci};
use cryptosmarttrader::ml::conformal::cqr::{self, Row};
use cryptosmarttrader::ml::conformal::enbpi::narrowest;
use cryptosmarttrader::ml::conformal::judge::{Given, covered, pinball, winkler};
use cryptosmarttrader::ml::conformal::{Radius, interval, quantile, rank};
use cryptosmarttrader::ml::uncertainty::{Entropy, Spread};
use serde_json::{Value, json};

use super::{Case, Form, Outputs, number, run};

#[test]
fn conformal_equals_the_reference() {
    run("conformal", conformal);
}

fn conformal(case: &Case, _: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "conformal_quantile" => {
            let (scores, alpha) = (case.column("scores"), case.number("alpha"));
            BTreeMap::from([("rank", json!(rank(scores.len(), alpha))), ("q", number(quantile(&scores, alpha)))])
        }
        "split_conformal" => {
            let scores = case.column("cal_pred").into_iter().zip(case.column("cal_y"));
            let scores: Vec<f64> = scores.map(|(forecast, y)| (y - forecast).abs()).collect();
            let q = quantile(&scores, case.number("alpha"));
            let ends: Vec<_> = case.column("test_pred").into_iter().map(|centre| interval(centre, q)).collect();
            let (low, high) = sides(&ends);
            BTreeMap::from([("q", number(q)), ("lo", low), ("hi", high)])
        }
        "cqr" => quantile_bands(case),
        "aci" => adapted(case),
        "dtaci" => {
            let gammas: Vec<f64> =
                case.params["gammas"].as_array().expect("gammas").iter().filter_map(Value::as_f64).collect();
            let mut experts = DtAci::with(case.number("alpha"), &gammas, case.number("eta"), case.number("sigma"));
            let told = |level: f64| {
                let before = experts.alpha();
                experts.mature(level);
                number(before)
            };
            let alphas: Value = case.column("beta").into_iter().map(told).collect();
            BTreeMap::from([("alpha_bar", alphas), ("final_weights", json!(experts.weights()))])
        }
        "enbpi_interval" => {
            let band =
                narrowest(&case.column("residuals"), case.number("alpha"), case.count("beta_grid")).expect("a band");
            let outputs = [("beta", band.beta), ("lo_offset", band.low), ("hi_offset", band.high)];
            outputs.into_iter().map(|(name, value)| (name, number(value))).collect()
        }
        "interval_scores" => {
            let (low, high, alpha) = (case.scalar("lo"), case.scalar("hi"), case.number("alpha"));
            let outcomes = case.column("y");
            let given: Vec<Given> = outcomes.iter().map(|y| Given { low, high, outcome: *y }).collect();
            let upper: Vec<(f64, f64)> = outcomes.iter().map(|y| (high, *y)).collect();
            let known = |score: Option<f64>| number(score.expect("a score"));
            BTreeMap::from([
                ("winkler", known(winkler(&given, alpha))),
                ("coverage", known(covered(&given))),
                ("pinball_hi", known(pinball(&upper, 1.0 - alpha / 2.0))),
            ])
        }
        "uncertainty_decomposition" => {
            let rows = columns(case, "means").into_iter().zip(columns(case, "variances"));
            let parts: Vec<Spread> = rows
                .map(|(means, variances)| {
                    Spread::of(&means.into_iter().zip(variances).collect::<Vec<_>>()).expect("a spread")
                })
                .collect();
            let list = |part: fn(&Spread) -> f64| parts.iter().map(|s| number(part(s))).collect::<Value>();
            BTreeMap::from([
                ("mean", list(|s| s.mean)),
                ("aleatoric", list(|s| s.aleatoric)),
                ("epistemic", list(|s| s.epistemic)),
                ("total", list(Spread::total)),
            ])
        }
        "entropy_decomposition" => {
            let parts: Vec<Entropy> =
                columns(case, "p").iter().map(|p| Entropy::of(p).expect("probabilities")).collect();
            let list = |part: fn(&Entropy) -> f64| parts.iter().map(|e| number(part(e))).collect::<Value>();
            BTreeMap::from([
                ("total", list(|e| e.total)),
                ("aleatoric", list(|e| e.aleatoric)),
                ("mutual_information", list(|e| e.epistemic)),
            ])
        }
        _ => return None,
    })
}

fn sides(ends: &[(f64, f64)]) -> (Value, Value) {
    (ends.iter().map(|e| number(e.0)).collect(), ends.iter().map(|e| number(e.1)).collect())
}

/// A table given member by member, as one list of members per row.
fn columns(case: &Case, name: &str) -> Vec<Vec<f64>> {
    let members: Vec<Vec<f64>> = serde_json::from_value(case.input(name).clone()).expect("a table");
    let rows = members.first().map_or(0, Vec::len);
    (0..rows).map(|i| members.iter().map(|m| m[i]).collect()).collect()
}

fn quantile_bands(case: &Case) -> Outputs {
    let alpha = case.number("alpha");
    let [low, high, y] = ["cal_lo", "cal_hi", "cal_y"].map(|name| case.column(name));
    let rows: Vec<Row> = (0..y.len()).map(|i| Row { low: low[i], high: high[i], outcome: y[i], weight: 1.0 }).collect();
    let offset = cqr::offset(&rows, alpha);
    let tests = case.column("test_lo").into_iter().zip(case.column("test_hi"));
    let ends: Vec<_> = tests.map(|(low, high)| cqr::band(low, high, offset).expect("a band")).collect();
    let (below, above) = cqr::offsets_by_end(&rows, alpha);
    let finite = |radius: Radius| number(radius.finite().expect("a finite offset"));
    let (low, high) = sides(&ends);
    BTreeMap::from([
        ("q", finite(offset)),
        ("lo", low),
        ("hi", high),
        ("asym_q_lo", finite(below)),
        ("asym_q_hi", finite(above)),
    ])
}

/// The size of each value from the forecast 0; the first `window` of them are known at the start.
fn adapted(case: &Case) -> Outputs {
    let (window, delay) = (case.count("window"), case.count("delay"));
    let scores: Vec<f64> = case.column("y").into_iter().map(f64::abs).collect();
    let (start, later) = scores.split_at(window);
    let mut aci = Aci::new(case.number("alpha"), case.number("gamma"), window, start);
    let mut pending = VecDeque::new();
    let (mut alphas, mut radii, mut misses) = (Vec::new(), Vec::new(), Vec::new());
    for score in later {
        if pending.len() == delay {
            let (score, missed) = pending.pop_front().expect("a delay");
            aci.mature(score, missed);
        }
        let radius = aci.radius();
        let missed = !radius.covers(*score);
        alphas.push(number(aci.alpha()));
        radii.push(number(radius.finite().unwrap_or(f64::INFINITY)));
        misses.push(u8::from(missed));
        pending.push_back((*score, missed));
    }
    let rate = misses.iter().copied().map(f64::from).sum::<f64>() / misses.len() as f64;
    BTreeMap::from([
        ("alpha_t", Value::Array(alphas)),
        ("q", Value::Array(radii)),
        ("err", json!(misses)),
        ("miss_rate", number(rate)),
    ])
}
