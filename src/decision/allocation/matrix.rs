//! A small dense symmetric matrix.

use super::lanes::{add_all_scaled, dot};

/// How far two mirrored cells may be apart, as a share of the largest cell, before the matrix is refused.
const ASYMMETRY: f64 = 1e-9;

/// n × n, row-major, exactly symmetric, all cells finite.
#[derive(Debug, Clone, PartialEq)]
pub struct SymmetricMatrix {
    n: usize,
    values: Vec<f64>,
}

impl SymmetricMatrix {
    /// The upper triangle, mirrored. `None` unless the rows are square, finite and symmetric up to rounding.
    #[must_use]
    pub fn from_rows(rows: &[Vec<f64>]) -> Option<Self> {
        let square = rows.iter().all(|row| row.len() == rows.len());
        square.then(|| rows.concat()).and_then(|values| Self::from_row_major(rows.len(), values))
    }

    /// The same from one run of n·n numbers.
    #[must_use]
    pub fn from_row_major(n: usize, values: Vec<f64>) -> Option<Self> {
        if n == 0 || values.len() != n * n || !values.iter().all(|v| v.is_finite()) {
            return None;
        }
        let room = ASYMMETRY * values.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
        let given = Self { n, values };
        let mirrored = given.mirrored();
        let apart = given.values.iter().zip(&mirrored.values).any(|(a, b)| (a - b).abs() > room);
        (!apart).then_some(mirrored)
    }

    /// From the cells on and above the diagonal. `None` when empty or a cell is not finite.
    pub fn from_cells(n: usize, mut cell: impl FnMut(usize, usize) -> f64) -> Option<Self> {
        let mut values = vec![0.0; n * n];
        for (i, row) in values.chunks_exact_mut(n.max(1)).enumerate() {
            for (j, value) in row.iter_mut().enumerate().skip(i) {
                *value = cell(i, j);
            }
        }
        (n > 0 && values.iter().all(|v| v.is_finite())).then(|| Self { n, values }.mirrored())
    }

    /// The lower triangle overwritten by the upper one.
    fn mirrored(&self) -> Self {
        let mut values = self.values.clone();
        for (i, row) in values.chunks_exact_mut(self.n).enumerate() {
            for (j, value) in row.iter_mut().enumerate().take(i) {
                *value = self.values.get(j * self.n + i).copied().unwrap_or(*value);
            }
        }
        Self { n: self.n, values }
    }

    #[must_use]
    pub const fn size(&self) -> usize {
        self.n
    }

    /// A row; empty when there is none of that number.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        self.values.get(i * self.n..(i + 1) * self.n).unwrap_or_default()
    }

    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.n)
    }

    pub fn diagonal(&self) -> impl Iterator<Item = f64> + '_ {
        self.rows().enumerate().filter_map(|(i, row)| row.get(i).copied())
    }

    /// Whether every diagonal cell is above 0, as variances are.
    #[must_use]
    pub fn has_positive_diagonal(&self) -> bool {
        self.diagonal().all(|v| v > 0.0)
    }

    /// A·x. Rows where x is 0 are not read.
    #[must_use]
    pub fn times(&self, x: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.n];
        add_all_scaled(&mut product, self.rows().zip(x).filter(|(_, x)| **x != 0.0).map(|(row, x)| (*x, row)));
        product
    }

    /// x′A·x.
    #[must_use]
    pub fn quadratic(&self, x: &[f64]) -> f64 {
        dot(&self.times(x), x)
    }

    /// The same matrix with something added to its diagonal.
    #[must_use]
    pub fn with_ridge(&self, ridge: f64) -> Self {
        let mut raised = self.clone();
        for (i, row) in raised.values.chunks_exact_mut(self.n).enumerate() {
            if let Some(value) = row.get_mut(i) {
                *value += ridge;
            }
        }
        raised
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_square_symmetric_cells_are_a_matrix() {
        for bad in [vec![], vec![vec![1.0, 0.0]], vec![vec![f64::NAN]], vec![vec![1.0, 0.5], vec![0.4, 1.0]]] {
            assert!(SymmetricMatrix::from_rows(&bad).is_none(), "{bad:?}");
        }
        let rounded = SymmetricMatrix::from_rows(&[vec![1.0, 0.5], vec![0.5 + 1e-12, 1.0]]).unwrap();
        assert_eq!(rounded.row(1), [0.5, 1.0]);
    }

    #[test]
    fn products_are_those_of_the_cells() {
        let a = SymmetricMatrix::from_cells(11, |i, j| (i * 3 + j) as f64).unwrap();
        let x: Vec<f64> = (0..11).map(|i| f64::from(i) - 4.0).collect();
        let by_cells: Vec<f64> = a.rows().map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum()).collect();
        assert_eq!(a.times(&x), by_cells);
        assert_eq!(a.quadratic(&x), by_cells.iter().zip(&x).map(|(a, x)| a * x).sum::<f64>());
        assert_eq!(a.with_ridge(2.0).row(10)[10], a.row(10)[10] + 2.0);
    }
}
