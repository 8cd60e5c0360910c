//! Filters, false discovery rates, mRMR, permutation p-values. (The fractional difference of that file is an indicator: see `volatility`.)

use std::collections::BTreeMap;

use cryptosmarttrader::ml::selection::multiplicity::{
    benjamini_hochberg, benjamini_yekutieli, bonferroni, permutation_p,
};
use cryptosmarttrader::ml::selection::redundancy::{Correlations, correlation_table, mrmr, variance_inflation};
use cryptosmarttrader::ml::selection::univariate::{f_regression, mutual_information, spearman_p};
use serde_json::{Map, Value};

use super::{Case, Form, Outputs, number, run_except};

#[test]
fn feature_selection_equals_the_reference() {
    run_except("feature_selection", &["fracdiff_ffd"], compute);
}

fn compute(case: &Case, _: Form) -> Option<Outputs> {
    Some(match case.function.as_str() {
        "f_regression" => BTreeMap::from([
            ("F", each(case, |x, y| f_regression(x, y).expect("a test").0)),
            ("p", each(case, |x, y| f_regression(x, y).expect("a test").1)),
        ]),
        "spearman" => BTreeMap::from([("rho", each(case, |x, y| spearman_p(x, y).expect("a test").0))]),
        "mutual_info_binned" => {
            let bins = case.count("bins");
            BTreeMap::from([("mi_nats", each(case, |x, y| mutual_information(x, y, bins).expect("an estimate")))])
        }
        "mrmr_corr" => order(case),
        "fdr_adjust" => {
            let (p, q) = (case.column("p"), case.number("q"));
            let list = |values: Vec<f64>| values.into_iter().map(Value::from).collect::<Value>();
            let rejected = benjamini_hochberg(&p).iter().filter(|one| **one <= q).count();
            BTreeMap::from([
                ("bh", list(benjamini_hochberg(&p))),
                ("by", list(benjamini_yekutieli(&p))),
                ("n_rejected_bh", rejected.into()),
                ("bonferroni", list(bonferroni(&p))),
            ])
        }
        "permutation_p_value" => {
            let count =
                |name: &str| usize::try_from(case.input(name).as_u64().expect("a count")).expect("a small count");
            BTreeMap::from([("p", number(permutation_p(count("exceed"), count("permutations"))))])
        }
        "vif" => {
            let (names, table, _) = tables(case);
            let inflation = variance_inflation(&table).expect("independent features");
            let of: Map<String, Value> = names.into_iter().zip(inflation.into_iter().map(Value::from)).collect();
            BTreeMap::from([("vif", Value::Object(of))])
        }
        _ => return None,
    })
}

fn order(case: &Case) -> Outputs {
    let (names, table, relevance) = tables(case);
    let order = mrmr(&relevance, &table, case.count("k"));
    BTreeMap::from([("order", order.into_iter().map(|i| Value::from(names[i].as_str())).collect())])
}

/// Features by name; their order decides ties.
fn features(case: &Case) -> Vec<(String, Vec<f64>)> {
    let map = case.input("features").as_object().expect("features");
    let values =
        |list: &Value| list.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect();
    map.iter().map(|(name, list)| (name.clone(), values(list))).collect()
}

fn each(case: &Case, of: impl Fn(&[f64], &[f64]) -> f64) -> Value {
    let target = case.column("target");
    let map = features(case).into_iter().map(|(name, x)| (name, number(of(&x, &target))));
    Value::Object(map.collect())
}

/// Names, correlations among the features, and |correlation| of each with the target.
fn tables(case: &Case) -> (Vec<String>, Correlations, Vec<f64>) {
    let (names, mut columns): (Vec<String>, Vec<Vec<f64>>) = features(case).into_iter().unzip();
    columns.push(case.column("target"));
    let mut table = correlation_table(&columns).expect("no constant");
    let relevance = table.pop().expect("the target").iter().take(names.len()).map(|r| r.abs()).collect();
    table.iter_mut().for_each(|row| row.truncate(names.len()));
    (names, table, relevance)
}
