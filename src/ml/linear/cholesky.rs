//! Cholesky factor of a symmetric matrix that may be singular.

use ndarray::{Array1, Array2};

/// Lower triangle `L` with `L·Lᵀ = G`. A column that is a combination of earlier ones has a zero pivot and is left out of solutions.
pub struct Cholesky {
    lower: Array2<f64>,
}

impl Cholesky {
    /// Factor of a square positive semi-definite matrix; only its lower triangle is read. A pivot below `tolerance` times its
    /// diagonal element counts as zero.
    #[expect(clippy::indexing_slicing, reason = "places are below the width of the square matrix")]
    #[must_use]
    pub fn of(g: &Array2<f64>, tolerance: f64) -> Self {
        let p = g.nrows();
        let mut lower = Array2::<f64>::zeros((p, p));
        for j in 0..p {
            let row_j = lower.row(j).to_owned();
            let square: f64 = row_j.iter().take(j).map(|v| v * v).sum();
            let pivot = g[[j, j]] - square;
            if pivot.is_nan() || pivot <= tolerance * g[[j, j]] {
                continue;
            }
            let root = pivot.sqrt();
            lower[[j, j]] = root;
            for i in j + 1..p {
                let known: f64 = lower.row(i).iter().zip(&row_j).take(j).map(|(a, b)| a * b).sum();
                lower[[i, j]] = (g[[i, j]] - known) / root;
            }
        }
        Self { lower }
    }

    /// Element of the factor; 0 outside of it.
    #[must_use]
    pub fn at(&self, row: usize, column: usize) -> f64 {
        self.lower.get([row, column]).copied().unwrap_or(0.0)
    }

    /// Whether column `j` is a combination of earlier ones.
    #[must_use]
    pub fn is_dependent(&self, j: usize) -> bool {
        self.at(j, j) == 0.0
    }

    /// `x` with `G·x = b`, and 0 for dependent columns.
    #[expect(clippy::indexing_slicing, reason = "places are below the width, which every right-hand side has")]
    #[must_use]
    pub fn solve(&self, b: &Array1<f64>) -> Array1<f64> {
        let p = self.lower.nrows();
        let mut x = b.clone();
        for j in 0..p {
            let known: f64 = self.lower.row(j).iter().zip(&x).take(j).map(|(l, v)| l * v).sum();
            x[j] = if self.is_dependent(j) { 0.0 } else { (x[j] - known) / self.lower[[j, j]] };
        }
        for j in (0..p).rev() {
            let known: f64 = self.lower.column(j).iter().zip(&x).skip(j + 1).map(|(l, v)| l * v).sum();
            x[j] = if self.is_dependent(j) { 0.0 } else { (x[j] - known) / self.lower[[j, j]] };
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, arr2};

    use super::*;

    #[test]
    fn solves_and_leaves_out_what_is_dependent() {
        let g = arr2(&[[4.0, 2.0, 0.6], [2.0, 3.0, 0.4], [0.6, 0.4, 2.0]]);
        let x = Cholesky::of(&g, 1e-12).solve(&arr1(&[1.0, -2.0, 0.5]));
        let back = g.dot(&x);
        assert!(back.iter().zip([1.0, -2.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-12), "{back}");
        // The second column repeats the first one twice.
        let twice = arr2(&[[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]]);
        let factor = Cholesky::of(&twice, 1e-12);
        assert!(factor.is_dependent(1) && !factor.is_dependent(2));
        assert_eq!(factor.solve(&arr1(&[3.0, 6.0, 5.0])), arr1(&[3.0, 0.0, 5.0]));
        assert_eq!(factor.lower.dot(&factor.lower.t()), twice);
    }
}
