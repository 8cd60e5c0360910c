//! Cholesky factor of a positive definite matrix that grows and shrinks by one row at a time.

use super::lanes::{add_scaled, dot};
use super::matrix::SymmetricMatrix;

/// A pivot below this share of its diagonal cell is rounding: the row is a combination of those before it.
const PIVOT: f64 = 1e-9;

/// L with A = L·L′; row i holds i + 1 numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Cholesky {
    rows: Vec<Vec<f64>>,
}

impl Cholesky {
    /// `None` unless the matrix is positive definite.
    pub(super) fn of(matrix: &SymmetricMatrix) -> Option<Self> {
        let mut factor = Self::default();
        for (i, row) in matrix.rows().enumerate() {
            let (before, rest) = row.split_at_checked(i)?;
            factor.append(before.to_vec(), *rest.first()?).then_some(())?;
        }
        Some(factor)
    }

    /// Takes a row and its diagonal cell at the end; false, and nothing taken, when the matrix would not be positive definite.
    pub(super) fn append(&mut self, before: Vec<f64>, diagonal: f64) -> bool {
        let mut row = before;
        self.forward(&mut row);
        let pivot = diagonal - dot(&row, &row);
        let sound = pivot > PIVOT * diagonal && pivot.is_finite();
        if sound {
            row.push(pivot.sqrt());
            self.rows.push(row);
        }
        sound
    }

    /// Takes a row and its column out; the rows below are turned back to a triangle by plane rotations.
    pub(super) fn remove(&mut self, index: usize) {
        if index >= self.rows.len() {
            return;
        }
        self.rows.remove(index);
        for corner in index..self.rows.len() {
            self.rotate(corner);
        }
    }

    /// Empties cell (corner, corner + 1) by turning these two columns.
    fn rotate(&mut self, corner: usize) {
        let Some(below) = self.rows.get_mut(corner..) else { return };
        let Some([.., a, b]) = below.first().map(Vec::as_slice) else { return };
        let length = a.hypot(*b);
        let (cosine, sine) = (a / length, b / length);
        for row in &mut *below {
            if let Some([x, y]) = row.get_mut(corner..corner + 2) {
                (*x, *y) = (cosine * *x + sine * *y, cosine * *y - sine * *x);
            }
        }
        if let Some(first) = below.first_mut() {
            first.pop();
        }
    }

    /// Solves A·x = b in place.
    pub(super) fn solve(&self, b: &mut [f64]) {
        self.forward(b);
        for (i, row) in self.rows.iter().enumerate().rev() {
            let Some((diagonal, before)) = row.split_last() else { return };
            let Some((known, x)) = b.get_mut(..=i).and_then(|b| b.split_last_mut()) else { return };
            *known /= diagonal;
            add_scaled(x, -*known, before);
        }
    }

    /// Solves L·x = b in place.
    fn forward(&self, b: &mut [f64]) {
        for (i, row) in self.rows.iter().enumerate() {
            let Some((diagonal, before)) = row.split_last() else { return };
            let Some((unknown, x)) = b.get_mut(..=i).and_then(|b| b.split_last_mut()) else { return };
            *unknown = (*unknown - dot(before, x)) / diagonal;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(n: usize) -> SymmetricMatrix {
        SymmetricMatrix::from_cells(n, |i, j| if i == j { 3.0 + i as f64 } else { 1.0 / (1.0 + (i + j) as f64) })
            .unwrap()
    }

    fn solves(factor: &Cholesky, matrix: &SymmetricMatrix) {
        let b: Vec<f64> = (0..matrix.size()).map(|i| 1.0 - i as f64 / 3.0).collect();
        let mut x = b.clone();
        factor.solve(&mut x);
        let back = matrix.times(&x);
        assert!(back.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12), "{back:?} for {b:?}");
    }

    #[test]
    fn a_factor_solves() {
        let a = matrix(17);
        solves(&Cholesky::of(&a).unwrap(), &a);
    }

    #[test]
    fn a_row_taken_out_leaves_the_factor_of_the_rest() {
        let a = matrix(13);
        for gone in [0, 5, 12] {
            let mut factor = Cholesky::of(&a).unwrap();
            factor.remove(gone);
            let left: Vec<usize> = (0..13).filter(|i| *i != gone).collect();
            let rest = SymmetricMatrix::from_cells(12, |i, j| a.row(left[i])[left[j]]).unwrap();
            solves(&factor, &rest);
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        assert!(Cholesky::of(&SymmetricMatrix::from_cells(2, |_, _| 1.0).unwrap()).is_none());
        assert!(Cholesky::of(&SymmetricMatrix::from_cells(1, |_, _| -1.0).unwrap()).is_none());
    }
}
