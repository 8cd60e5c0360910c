//! Logistic regression with an L2 penalty, by linfa's L-BFGS.

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};

use super::{Linear, check};
use crate::ml::numbers::sigmoid;

/// Steps of the optimiser after which the best point so far is judged.
const STEPS: u64 = 500;
/// Length of the gradient per row at which it stops …
const GRADIENT: f64 = 1e-9;
/// … and above which the fit is refused: a hundredth of a standard error at a million rows.
const REFUSED: f64 = 1e-5;

/// Minimises `|c|²/2 + inverse_penalty·Σ log loss` (scikit-learn's `C`); the intercept is free. The output is log odds of `true`. Every
/// row counts once: [`super::thinned`] chooses rows by weight.
///
/// # Errors
/// In words: one class only, a penalty that is not positive, the library's complaint, or a gradient that did not vanish.
pub fn logistic(x: &Array2<f64>, wins: &[bool], inverse_penalty: f64) -> Result<Linear, String> {
    let outcomes: Vec<f64> = wins.iter().map(|w| f64::from(u8::from(*w))).collect();
    check(x, &outcomes, None)?;
    if !(inverse_penalty.is_finite() && inverse_penalty > 0.0) {
        return Err(format!("the inverse penalty '{inverse_penalty}' must be positive"));
    }
    let n = wins.len() as f64;
    let model = LogisticRegression::<f64>::default()
        .alpha(1.0 / inverse_penalty)
        .max_iterations(STEPS)
        .gradient_tolerance(GRADIENT * n)
        .fit(&DatasetBase::new(x.view(), Array1::from(wins.to_vec())))
        .map_err(|e| e.to_string())?;
    // The library takes the more frequent class as the positive one.
    let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
    let coefficients: Vec<f64> = model.params().iter().map(|c| sign * c).collect();
    let linear = Linear::fitted(sign * model.intercept(), &coefficients)?;
    let left = gradient(x, &outcomes, 1.0 / inverse_penalty, &linear) / n;
    if left > REFUSED {
        return Err(format!("the logistic regression stopped where its gradient is {left:.1e} per row"));
    }
    Ok(linear)
}

/// Length of the gradient of `Σ log loss + penalty·|c|²/2`.
fn gradient(x: &Array2<f64>, outcomes: &[f64], penalty: f64, at: &Linear) -> f64 {
    let coefficients = Array1::from(at.coefficients.clone());
    let mut surplus = x.dot(&coefficients);
    surplus.iter_mut().zip(outcomes).for_each(|(v, y)| *v = sigmoid(*v + at.intercept) - y);
    let slopes = x.t().dot(&surplus) + &coefficients * penalty;
    surplus.sum().hypot(slopes.dot(&slopes).sqrt())
}
