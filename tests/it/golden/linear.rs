//! Elastic net, ridge, logistic and quantile regression; the trees of the same file are another test's.

use std::collections::BTreeMap;

use cryptosmarttrader::ml::linear::{Linear, Moments, elastic_net, logistic, pinball, quantile_regression, ridge};
use ndarray::Array2;

use super::{Case, Form, Outputs, number, run_except};

#[test]
fn linear_models_equal_the_reference() {
    run_except("models", &["regression_tree", "gradient_boosting", "random_forest"], linear);
}

fn linear(case: &Case, form: Form) -> Option<Outputs> {
    let (x, y) = (inputs(case), case.column("target"));
    let moments = || Moments::of(&x, &y, None).expect("moments");
    let (model, more) = match case.function.as_str() {
        "elastic_net" => {
            let (penalty, l1) = (case.number("alpha"), case.number("l1_ratio"));
            let model = elastic_net(&moments(), penalty, l1).expect("a fit");
            let squares: f64 = outputs(&model, &x, form).iter().zip(&y).map(|(f, y)| (y - f).powi(2)).sum();
            let size = |c: &f64| l1 * c.abs() + (1.0 - l1) / 2.0 * c * c;
            let penalties = penalty * model.coefficients.iter().map(size).sum::<f64>();
            (model, vec![("objective", number(squares / (2.0 * y.len() as f64) + penalties))])
        }
        "ridge" => (ridge(&moments(), case.number("alpha")).expect("a fit"), Vec::new()),
        "logistic" => {
            let wins: Vec<bool> = y.iter().map(|y| *y > 0.5).collect();
            let model = logistic(&x, &wins, case.number("C")).expect("a fit");
            let odds = outputs(&model, &x, form);
            let probabilities = odds.iter().map(|z| number(1.0 / (1.0 + (-z).exp()))).collect();
            (model, vec![("proba", probabilities)])
        }
        "quantile_regression" => {
            assert_eq!(case.number("alpha"), 0.0, "no penalty");
            let q = case.number("q");
            let model = quantile_regression(&x, &y, None, q).expect("a fit");
            let loss = pinball(&outputs(&model, &x, form), &y, q).expect("a loss");
            (model, vec![("pinball", number(loss))])
        }
        _ => return None,
    };
    let coefficients = model.coefficients.iter().map(|c| number(*c)).collect();
    Some(BTreeMap::from_iter(more.into_iter().chain([("intercept", number(model.intercept)), ("coef", coefficients)])))
}

fn inputs(case: &Case) -> Array2<f64> {
    let columns: Vec<Vec<f64>> = case
        .input("features")
        .as_array()
        .expect("a list of columns")
        .iter()
        .map(|column| column.as_array().expect("a column").iter().map(|v| v.as_f64().expect("a number")).collect())
        .collect();
    Array2::from_shape_fn((columns[0].len(), columns.len()), |(row, c)| columns[c][row])
}

/// Row by row, and as the sum of what each input contributes.
fn outputs(model: &Linear, x: &Array2<f64>, form: Form) -> Vec<f64> {
    let one = |row: Vec<f64>| match form {
        Form::Streaming => model.at(&row).expect("an output"),
        Form::Batch => model.contributions(&row).expect("contributions").output(),
    };
    x.rows().into_iter().map(|row| one(row.to_vec())).collect()
}
