//! Inverse of a square matrix of equations and unknowns that changes by one row or column at a time, each change O(m²).

use super::lanes::{add_scaled, add_squares, dot};

/// A pivot below this share of the largest number it is judged against is rounding.
const PIVOT: f64 = 1e-11;

/// Row i belongs to unknown i, column r to equation r.
#[derive(Debug, Clone, Default)]
pub(super) struct Inverse {
    rows: Vec<Vec<f64>>,
}

impl Inverse {
    /// By Gauss and Jordan, the largest pivot of each column first; `None` when singular. One list of coefficients per equation.
    pub(super) fn of(equations: &[Vec<f64>]) -> Option<Self> {
        let m = equations.len();
        // Each row: the coefficients, then the identity.
        let widened = |(r, row): (usize, &Vec<f64>)| {
            let mut row = row.clone();
            row.extend((0..m).map(|c| if c == r { 1.0 } else { 0.0 }));
            row
        };
        let mut rows: Vec<Vec<f64>> = equations.iter().enumerate().map(widened).collect();
        for column in 0..m {
            let size = |row: &Vec<f64>| row.get(column).map_or(0.0, |v| v.abs());
            let (place, _) = rows.iter().enumerate().skip(column).max_by(|a, b| size(a.1).total_cmp(&size(b.1)))?;
            rows.swap(column, place);
            let mut pivot_row = std::mem::take(rows.get_mut(column)?);
            let pivot = *pivot_row.get(column)?;
            if pivot.abs() < PIVOT {
                return None;
            }
            pivot_row.iter_mut().for_each(|v| *v /= pivot);
            for row in rows.iter_mut().filter(|row| !row.is_empty()) {
                let factor = *row.get(column)?;
                if factor != 0.0 {
                    add_scaled(row, -factor, &pivot_row);
                }
            }
            *rows.get_mut(column)? = pivot_row;
        }
        Some(Self { rows: rows.into_iter().map(|row| row.get(m..).unwrap_or_default().to_vec()).collect() })
    }

    /// The unknowns for a right-hand side that is 1 in one equation.
    pub(super) fn column(&self, equation: usize) -> Vec<f64> {
        self.rows.iter().filter_map(|row| row.get(equation).copied()).collect()
    }

    /// Length of each column, the first unknown left out.
    pub(super) fn column_lengths(&self) -> Vec<f64> {
        let mut squares = vec![0.0; self.rows.len()];
        for row in self.rows.iter().skip(1) {
            add_squares(&mut squares, row);
        }
        squares.iter().map(|s| s.sqrt()).collect()
    }

    /// The unknowns for a right-hand side.
    pub(super) fn times(&self, right: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, right)).collect()
    }

    /// The multipliers of the equations for costs of the unknowns.
    pub(super) fn left(&self, costs: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.rows.len()];
        super::lanes::add_all_scaled(&mut product, costs.iter().copied().zip(self.rows.iter().map(Vec::as_slice)));
        product
    }

    /// Puts other coefficients into an equation; false, and nothing changed, when that would be singular.
    pub(super) fn replace_equation(&mut self, equation: usize, coefficients: &[f64]) -> bool {
        let seen = self.left(coefficients);
        let Some(pivot) = seen.get(equation).copied().filter(|p| is_sound(*p, &seen)) else { return false };
        for row in &mut self.rows {
            let Some(factor) = row.get(equation).map(|v| v / pivot) else { return false };
            add_scaled(row, -factor, &seen);
            if let Some(cell) = row.get_mut(equation) {
                *cell = factor;
            }
        }
        true
    }

    /// Puts another unknown, with its coefficients in the equations, in the place of one.
    pub(super) fn replace_unknown(&mut self, unknown: usize, coefficients: &[f64]) -> bool {
        let seen = self.times(coefficients);
        let Some(pivot) = seen.get(unknown).copied().filter(|p| is_sound(*p, &seen)) else { return false };
        let Some(mut pivot_row) = self.rows.get_mut(unknown).map(std::mem::take) else { return false };
        pivot_row.iter_mut().for_each(|v| *v /= pivot);
        for (row, factor) in self.rows.iter_mut().zip(&seen) {
            add_scaled(row, -factor, &pivot_row);
        }
        if let Some(place) = self.rows.get_mut(unknown) {
            *place = pivot_row;
        }
        true
    }

    /// Takes an unknown (its coefficients in the equations so far) and an equation (its coefficients of the unknowns so far, and of the new one) at
    /// the end.
    pub(super) fn append(&mut self, unknown: &[f64], equation: &[f64], corner: f64) -> bool {
        let (down, mut across) = (self.times(unknown), self.left(equation));
        let pivot = corner - dot(equation, &down);
        if !is_sound(pivot, &[corner, 1e-6 * corner.abs().max(pivot.abs())]) {
            return false;
        }
        across.iter_mut().for_each(|v| *v /= -pivot);
        for (row, down) in self.rows.iter_mut().zip(&down) {
            add_scaled(row, -down, &across);
            row.push(-down / pivot);
        }
        across.push(1.0 / pivot);
        self.rows.push(across);
        true
    }

    /// Takes an unknown and an equation out; the last of each moves to their place.
    pub(super) fn remove(&mut self, unknown: usize, equation: usize) -> bool {
        let Some(gone) = self.rows.get(unknown).cloned() else { return false };
        let Some(pivot) = gone.get(equation).copied().filter(|p| is_sound(*p, &gone)) else { return false };
        self.rows.swap_remove(unknown);
        for row in &mut self.rows {
            let Some(factor) = row.get(equation).map(|v| v / pivot) else { return false };
            add_scaled(row, -factor, &gone);
            row.swap_remove(equation);
        }
        true
    }
}

fn is_sound(pivot: f64, beside: &[f64]) -> bool {
    let largest = beside.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
    pivot.is_finite() && pivot.abs() > PIVOT * largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    fn equations(m: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = SplitMix64::seeded(seed);
        (0..m).map(|_| (0..m).map(|_| rng.normal()).collect()).collect()
    }

    fn inverts(inverse: &Inverse, equations: &[Vec<f64>]) {
        for (r, row) in equations.iter().enumerate() {
            let product = inverse.left(row);
            let off = product.iter().enumerate().map(|(c, v)| (v - f64::from(u8::from(c == r))).abs());
            assert!(off.fold(0.0, f64::max) < 1e-9, "{product:?}");
        }
    }

    #[test]
    fn every_change_leaves_the_inverse() {
        let mut a = equations(9, 1);
        let fresh = equations(9, 2);
        let mut inverse = Inverse::of(&a).unwrap();
        inverts(&inverse, &a);
        a[4].clone_from(&fresh[0]);
        assert!(inverse.replace_equation(4, &a[4]));
        inverts(&inverse, &a);
        for (row, value) in a.iter_mut().zip(&fresh[1]) {
            row[7] = *value;
        }
        assert!(inverse.replace_unknown(7, &fresh[1]));
        inverts(&inverse, &a);
        for (row, value) in a.iter_mut().zip(&fresh[2]) {
            row.push(*value);
        }
        assert!(inverse.append(&fresh[2], &fresh[3], 0.7));
        a.push([fresh[3].as_slice(), &[0.7]].concat());
        inverts(&inverse, &a);
        assert!(inverse.remove(2, 5));
        a.swap_remove(5);
        a.iter_mut().for_each(|row| {
            row.swap_remove(2);
        });
        inverts(&inverse, &a);
    }

    #[test]
    fn what_is_singular_has_no_inverse() {
        assert!(Inverse::of(&[vec![1.0, 2.0], vec![2.0, 4.0]]).is_none());
        let mut inverse = Inverse::of(&[vec![1.0, 0.0], vec![0.0, 1.0]]).unwrap();
        assert!(!inverse.replace_equation(0, &[0.0, 1.0]));
        assert!(!inverse.replace_unknown(0, &[0.0, 1.0]));
        assert!(!inverse.append(&[1.0, 0.0], &[1.0, 0.0], 1.0));
    }
}
