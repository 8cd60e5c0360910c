//! Least squares on a few columns, as far as tests of significance need it.

/// What a regression leaves, and how its last column stands out of the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    /// Sum of squared residuals.
    pub residual: f64,
    /// t-ratio of the last column's coefficient.
    pub last_t: f64,
}

/// Regresses `y` on `columns`, all of the same length, by orthogonalising column after column (modified Gram-Schmidt): of the last column is left
/// what the others do not explain, and its product with what is left of `y` is the coefficient's t-ratio times the residual sd. `None` when
/// columns depend on each other or no degree of freedom is left.
pub(super) fn regress(columns: &[Vec<f64>], y: &[f64]) -> Option<Fit> {
    let degrees = y.len().checked_sub(columns.len()).filter(|d| *d > 0)?;
    let (mut rest, mut y) = (columns.to_vec(), y.to_vec());
    let mut last = None;
    for whole in columns {
        let mut q = rest.remove(0);
        let norm = dot(&q, &q);
        // What is left of a dependent column is rounding.
        if !(norm.is_finite() && norm > 1e-24 * dot(whole, whole)) {
            return None;
        }
        q.iter_mut().for_each(|v| *v /= norm.sqrt());
        rest.iter_mut().for_each(|column| {
            remove(column, &q);
        });
        last = Some(remove(&mut y, &q));
    }
    let residual = dot(&y, &y);
    let last_t = last? / (residual / degrees as f64).sqrt();
    last_t.is_finite().then_some(Fit { residual, last_t })
}

/// Takes the part along the unit vector `q` out of `column`; its length.
fn remove(column: &mut [f64], q: &[f64]) -> f64 {
    let along = dot(column, q);
    column.iter_mut().zip(q).for_each(|(v, q)| *v -= along * q);
    along
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_fitted() {
        let x: Vec<f64> = (0..5).map(f64::from).collect();
        let y = [1.1, 2.9, 5.2, 6.8, 9.1];
        let fit = regress(&[vec![1.0; 5], x], &y).unwrap();
        // Slope 1.99, residual sum of squares 0.107, Sxx 10.
        assert!((fit.residual - 0.107).abs() < 1e-12, "{fit:?}");
        assert!((fit.last_t - 1.99 / (0.107_f64 / 3.0 / 10.0).sqrt()).abs() < 1e-9, "{fit:?}");
    }

    #[test]
    fn dependent_columns_and_no_freedom_have_no_fit() {
        let ones = vec![1.0; 4];
        let y = [1.0, 2.0, 3.0, 5.0];
        assert_eq!(regress(&[ones.clone(), vec![3.0; 4]], &y), None);
        assert_eq!(regress(&[ones.clone(), vec![0.0; 4]], &y), None);
        assert_eq!(regress(&[ones], &[1.0]), None);
        assert_eq!(regress(&[], &y), None);
    }
}
