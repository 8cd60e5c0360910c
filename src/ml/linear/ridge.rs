//! Ridge regression (Hoerl, Kennard 1970) in closed form.

use ndarray::{Array1, Array2};

use super::cholesky::Cholesky;
use super::{Linear, Moments};

/// Minimises `Σ w·(y − b − x·c)² + penalty·|c|²`; the intercept is free. With no penalty, columns that are combinations of
/// earlier ones get 0.
///
/// # Errors
/// A negative or non-finite penalty, or a coefficient that is not finite, in words.
pub fn ridge(moments: &Moments, penalty: f64) -> Result<Linear, String> {
    if !(penalty.is_finite() && penalty >= 0.0) {
        return Err(format!("the penalty '{penalty}' must be finite and not negative"));
    }
    let p = moments.width();
    let mut gram = Array2::from_shape_fn((p, p), |(i, j)| moments.product(i, j));
    gram.diag_mut().mapv_inplace(|v| v + penalty);
    let cross = Array1::from_shape_fn(p, |i| moments.product(i, p));
    moments.linear(&Cholesky::of(&gram, DEPENDENT).solve(&cross))
}

/// Share of a column's own variance that must be left after the columns before it.
pub(super) const DEPENDENT: f64 = 1e-11;
