//! The rows of a fit, and drawing among them by blocks of time.

use super::bins::Binned;
use super::error::FitError;
use super::objective::Objective;
use crate::domain::random::SplitMix64;

/// What a model learns from. Lists are by matrix row, so that one set of lists serves every fold.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    pub data: &'a Binned,
    pub target: &'a [f64],
    /// Not negative; 2 counts like the row given twice.
    pub weights: &'a [f64],
    /// Matrix rows to learn from, each once.
    pub rows: &'a [u32],
    /// Block number of each matrix row; rows are drawn by whole blocks, because neighbours in time share their labels. `None`: every row is
    /// a block of its own.
    pub blocks: Option<&'a [u32]>,
}

impl Sample<'_> {
    /// `y` and `w` of a row.
    pub(super) fn at(&self, row: u32) -> Option<(f64, f64)> {
        Some((*self.target.get(row as usize)?, *self.weights.get(row as usize)?))
    }

    /// Which matrix rows are listed, once all is found in order.
    pub(super) fn check(&self, objective: Objective, further: &[u32]) -> Result<Vec<bool>, FitError> {
        let rows = self.data.rows();
        let blocks = self.blocks.map_or(rows, <[u32]>::len);
        for (what, got) in
            [("the target", self.target.len()), ("the weights", self.weights.len()), ("the blocks", blocks)]
        {
            if got != rows {
                return Err(FitError::Lengths { what, got, want: rows });
            }
        }
        if self.rows.is_empty() {
            return Err(FitError::NoRows);
        }
        let mut listed = vec![false; rows];
        for row in self.rows {
            let seen = listed.get_mut(*row as usize).ok_or(FitError::Outside { row: *row, rows })?;
            if std::mem::replace(seen, true) {
                return Err(FitError::Twice { row: *row });
            }
        }
        for row in self.rows.iter().chain(further) {
            let (y, w) = self.at(*row).ok_or(FitError::Outside { row: *row, rows })?;
            if !y.is_finite() {
                return Err(FitError::Target { row: *row });
            }
            if !(w.is_finite() && w >= 0.0) {
                return Err(FitError::Weight { row: *row });
            }
            if objective == Objective::Logistic && y != 0.0 && y != 1.0 {
                return Err(FitError::NotBinary { row: *row });
            }
        }
        Ok(listed)
    }

    /// The one weight that all rows have.
    pub(super) fn common_weight(&self) -> Option<f64> {
        let mut weights = self.rows.iter().filter_map(|r| self.weights.get(*r as usize));
        let first = weights.next()?;
        weights.all(|w| w == first).then_some(*first)
    }
}

/// The listed rows by block.
pub(super) struct Blocks {
    rows: Vec<u32>,
    /// Of each listed row, counted from 0 without gaps.
    of: Vec<usize>,
    count: usize,
}

impl Blocks {
    pub(super) fn new(sample: &Sample<'_>) -> Self {
        let rows = sample.rows.to_vec();
        let Some(blocks) = sample.blocks else {
            return Self { of: (0..rows.len()).collect(), count: rows.len(), rows };
        };
        let number = |row: &u32| blocks.get(*row as usize).copied().unwrap_or(0);
        let mut numbers: Vec<u32> = rows.iter().map(number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let of = rows.iter().map(|row| numbers.partition_point(|n| *n < number(row))).collect();
        Self { of, count: numbers.len(), rows }
    }

    /// The rows of a share of the blocks (at least one block), and the others.
    pub(super) fn share(&self, share: f64, rng: &mut SplitMix64) -> (Vec<u32>, Vec<u32>) {
        let wanted = ((share * self.count as f64).round() as usize).clamp(1, self.count.max(1));
        let mut order: Vec<usize> = (0..self.count).collect();
        let mut drawn = vec![false; self.count];
        for i in 0..wanted.min(self.count) {
            order.swap(i, i + rng.below(self.count - i));
            if let Some(flag) = order.get(i).and_then(|block| drawn.get_mut(*block)) {
                *flag = true;
            }
        }
        let is_drawn = |block: &usize| drawn.get(*block).copied().unwrap_or(false);
        let (inside, outside): (Vec<_>, Vec<_>) =
            self.rows.iter().zip(&self.of).partition(|(_, block)| is_drawn(block));
        let rows = |list: Vec<(&u32, &usize)>| list.into_iter().map(|(row, _)| *row).collect();
        (rows(inside), rows(outside))
    }

    /// As many blocks as there are, drawn with repetition: rows with how often their block was drawn.
    pub(super) fn bootstrap(&self, rng: &mut SplitMix64) -> Vec<(u32, u32)> {
        let mut times = vec![0_u32; self.count];
        for _ in 0..self.count {
            if let Some(count) = times.get_mut(rng.below(self.count)) {
                *count += 1;
            }
        }
        let drawn = |(row, block): (&u32, &usize)| Some((*row, *times.get(*block).filter(|t| **t > 0)?));
        self.rows.iter().zip(&self.of).filter_map(drawn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::matrix::Columns;
    use super::*;

    #[test]
    fn blocks_are_drawn_whole() {
        let x = Columns::new(vec![vec![0.0; 12]]).unwrap();
        let rows: Vec<u32> = (0..10).collect();
        let data = Binned::new(&x, &rows, 4);
        let numbers = [9, 9, 9, 2, 2, 5, 5, 5, 5, 7, 1, 1];
        let sample =
            Sample { data: &data, target: &[0.0; 12], weights: &[1.0; 12], rows: &rows, blocks: Some(&numbers) };
        let blocks = Blocks::new(&sample);
        assert_eq!(blocks.count, 4);
        for seed in 0..20 {
            let (inside, outside) = blocks.share(0.5, &mut SplitMix64::new(&[seed]));
            let of = |rows: &[u32]| {
                let mut found: Vec<u32> = rows.iter().map(|r| numbers[*r as usize]).collect();
                found.sort_unstable();
                found.dedup();
                found
            };
            assert_eq!((of(&inside).len(), of(&outside).len(), inside.len() + outside.len()), (2, 2, 10));
            let drawn = blocks.bootstrap(&mut SplitMix64::new(&[seed]));
            let times = |number: u32| drawn.iter().find(|(r, _)| numbers[*r as usize] == number).map_or(0, |(_, t)| *t);
            assert_eq!([9, 2, 5, 7].map(times).iter().sum::<u32>(), 4);
            assert!(drawn.iter().all(|(r, t)| times(numbers[*r as usize]) == *t));
        }
    }
}
