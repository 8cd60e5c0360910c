//! Calibrators, scores of probabilities, and the bounds of an observed rate.

use std::collections::BTreeMap;

use cryptosmarttrader::ml::binomial::clopper_pearson;
use cryptosmarttrader::ml::calibration::{Curve, Scored, beta, isotonic, platt, temperature};
use cryptosmarttrader::ml::reliability::brier_terms;
use cryptosmarttrader::ml::scores::{Binning, auc, bins_by_mass, bins_by_width, brier, ece, log_loss, mce, wilson};
use serde_json::{Value, json};

use super::{Case, Form, Outputs, number, run};

/// z of a two-sided 95 % interval.
const Z95: f64 = 1.959_963_984_540_054;

#[test]
fn calibration_equals_the_reference() {
    run("calibration", calibration);
}

fn calibration(case: &Case, _: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "isotonic" => pooled(case),
        "platt" => {
            let scores = scored(case, "score", |s| s);
            let curve = platt(&scores).expect("a curve");
            let Curve::Platt { a, b } = curve else { panic!("another curve") };
            let count = |win: bool| scores.iter().filter(|s| s.win == win).count() as f64;
            let (won, lost) = (count(true), count(false));
            let target = |win: bool| if win { (won + 1.0) / (won + 2.0) } else { 1.0 / (lost + 2.0) };
            let nll = likelihood(&curve, &scores, target);
            BTreeMap::from([("a", number(a)), ("b", number(b)), ("nll", number(nll))])
        }
        "beta_calibration" => {
            let scores = scored(case, "p", logit);
            let curve = beta(&scores).expect("a curve");
            let Curve::Beta { a, b, c } = curve else { panic!("another curve") };
            let nll = likelihood(&curve, &scores, |win| f64::from(u8::from(win)));
            BTreeMap::from([("a", number(a)), ("b", number(b)), ("c", number(c)), ("nll", number(nll))])
        }
        "temperature_scaling" => {
            let scores = scored(case, "logit", |s| s);
            let curve = temperature(&scores).expect("a curve");
            let Curve::Temperature { sharpness } = curve else { panic!("another curve") };
            let nll = likelihood(&curve, &scores, |win| f64::from(u8::from(win)));
            BTreeMap::from([("T", number(1.0 / sharpness)), ("nll", number(nll))])
        }
        "prob_scores" => {
            let (p, wins) = (case.column("p"), wins(case));
            let known = |score: Option<f64>| number(score.expect("a score"));
            BTreeMap::from([
                ("brier", known(brier(&p, &wins))),
                ("log_loss", known(log_loss(&p, &wins))),
                ("auc", known(auc(&p, &wins))),
            ])
        }
        "ece" => binned(case),
        "binomial_interval" => {
            let [won, n] = ["k", "n"].map(|name| case.number(name));
            assert_eq!(case.number("level"), 0.95);
            let pair = |ends: Option<(f64, f64)>| ends.map(|(low, high)| json!([low, high])).expect("an interval");
            BTreeMap::from([
                ("wilson", pair(wilson(won / n, n, Z95))),
                ("clopper_pearson", pair(clopper_pearson(won, n, 0.95))),
            ])
        }
        _ => return None,
    })
}

fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    (p / (1.0 - p)).ln()
}

fn wins(case: &Case) -> Vec<bool> {
    case.column("y").iter().map(|y| *y == 1.0).collect()
}

fn scored(case: &Case, name: &str, to_logit: impl Fn(f64) -> f64) -> Vec<Scored> {
    let scores = case.column(name).into_iter().zip(wins(case));
    scores.map(|(s, win)| Scored { logit: to_logit(s), win, weight: 1.0 }).collect()
}

/// Negative log likelihood of the targets.
fn likelihood(curve: &Curve, scores: &[Scored], target: impl Fn(bool) -> f64) -> f64 {
    scores
        .iter()
        .map(|s| {
            let (p, t) = (curve.at(s.logit), target(s.win));
            -t * p.ln() - (1.0 - t) * (1.0 - p).ln()
        })
        .sum()
}

fn pooled(case: &Case) -> Outputs {
    let curve = isotonic(&scored(case, "p", logit), 0.0).expect("a curve");
    let at = |name: &str| -> Value { case.column(name).into_iter().map(|p| number(curve.at(logit(p)))).collect() };
    let Curve::Isotonic { x, y } = &curve else { panic!("another curve") };
    BTreeMap::from([("x_thresholds", json!(x)), ("y_thresholds", json!(y)), ("pred", at("query")), ("fitted", at("p"))])
}

fn binned(case: &Case) -> Outputs {
    let (p, wins) = (case.column("p"), wins(case));
    let (count, whole) = (case.count("bins"), vec![1.0; p.len()]);
    let by_mass = case.params["scheme"].as_str().expect("a scheme").starts_with("equal mass");
    if by_mass {
        let error = ece(&bins_by_mass(&p, &wins, &whole, count)).expect("an error");
        return BTreeMap::from([("ece", number(error))]);
    }
    let bins = bins_by_width(&p, &wins, &whole, count);
    let terms = brier_terms(&p, &wins, Binning::Width(count)).expect("terms");
    let listed = bins.iter().map(|b| json!({"n": b.n, "conf": b.confidence, "freq": b.rate})).collect();
    BTreeMap::from([
        ("ece", number(ece(&bins).expect("an error"))),
        ("mce", number(mce(&bins).expect("an error"))),
        ("bins", listed),
        ("reliability", number(terms.reliability)),
        ("resolution", number(terms.resolution)),
        ("uncertainty", number(terms.uncertainty)),
    ])
}
