//! Elastic net (Zou, Hastie 2005), by linfa's coordinate descent (Friedman, Hastie, Tibshirani 2010).

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use linfa_elasticnet::ElasticNet;
use ndarray::{Array1, Array2, ShapeBuilder};

use super::cholesky::Cholesky;
use super::{Linear, Moments, ridge};

/// The duality gap of the objective at which the descent stops.
const GAP: f64 = 1e-8;
/// Passes over all columns after which it is given up.
const PASSES: u32 = 50_000;

/// Minimises `(1/2W)·Σ w·(y − b − x·c)² + penalty·(l1·|c|₁ + (1 − l1)/2·|c|²)` with `W = Σ w`; the intercept is free. Stops at a
/// duality gap below 1e-8 (times the target's variance where that is above 1).
///
/// The objective knows the rows by their cross products alone, so the library is given a square root of these instead of the rows:
/// one row more than there are inputs. That is exact, takes weights, and makes a pass cost nothing.
///
/// # Errors
/// In words: a parameter out of range (the library's complaint), no convergence, or a coefficient that is not finite.
pub fn elastic_net(moments: &Moments, penalty: f64, l1: f64) -> Result<Linear, String> {
    let p = moments.width();
    let variance = moments.target_variance();
    if variance.is_nan() || variance <= 0.0 {
        return moments.linear(&Array1::zeros(p));
    }
    if l1 == 0.0 {
        // Without an L1 part the library's dual point proves nothing, and the minimum has a formula.
        return ridge(moments, penalty * moments.weight);
    }
    let rows = p + 1;
    let unit = (rows as f64 / moments.weight).sqrt();
    let root = Cholesky::of(&moments.products, f64::EPSILON);
    // Column order: the descent walks along columns.
    let x = Array2::from_shape_fn((rows, p).f(), |(row, column)| unit * root.at(column, row));
    let y = Array1::from_shape_fn(rows, |row| unit * root.at(p, row));
    let model = ElasticNet::params()
        .penalty(penalty)
        .l1_ratio(l1)
        .with_intercept(false)
        // The library measures the gap in units of Σy² and on the sum over rows.
        .tolerance(GAP / variance.clamp(0.01, 1.0))
        .max_iterations(PASSES)
        .fit(&DatasetBase::new(x, y))
        .map_err(|e| e.to_string())?;
    let gap = model.duality_gap() / rows as f64;
    if gap.is_nan() || gap >= GAP * variance.max(1.0) {
        return Err(format!("the elastic net stopped at a duality gap of {gap:.1e} after {} passes", model.n_steps()));
    }
    moments.linear(model.hyperplane())
}
