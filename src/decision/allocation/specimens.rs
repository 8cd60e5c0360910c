//! Seeded covariances and scenarios for the tests of this room.

use super::covariance::sample;
use super::matrix::SymmetricMatrix;
use super::scenarios::Scenarios;
use crate::domain::random::SplitMix64;

/// Returns of n assets with a common factor, in T scenarios.
pub(super) fn scenarios(n: usize, count: usize, seed: u64) -> Scenarios {
    let mut rng = SplitMix64::new(&[seed, 1]);
    let market: Vec<f64> = (0..count).map(|_| 0.02 * rng.normal()).collect();
    let asset = |rng: &mut SplitMix64| {
        let (beta, sd, mean) = (0.5 + rng.unit(), 0.005 + 0.03 * rng.unit(), 0.001 * rng.normal());
        market.iter().map(|m| mean + beta * m + sd * rng.normal()).collect()
    };
    let assets: Vec<Vec<f64>> = (0..n).map(|_| asset(&mut rng)).collect();
    Scenarios::from_assets(&assets).unwrap()
}

/// Their covariance, positive definite.
pub(super) fn covariance(n: usize, seed: u64) -> SymmetricMatrix {
    sample(&scenarios(n, 3 * n + 10, seed), 1).unwrap()
}

/// A random positive semidefinite matrix of some rank, definite from n factors on; means; and held weights that sum to 1.
pub(super) fn spd(n: usize, rank: usize, seed: u64) -> (SymmetricMatrix, Vec<f64>, Vec<f64>) {
    let mut rng = SplitMix64::new(&[seed, 2]);
    let loads: Vec<Vec<f64>> = (0..n).map(|_| (0..rank).map(|_| 0.02 * rng.normal()).collect()).collect();
    let cell = |i: usize, j: usize| loads[i].iter().zip(&loads[j]).map(|(a, b)| a * b).sum();
    let means = (0..n).map(|_| 0.001 * rng.normal()).collect();
    let held: Vec<f64> = (0..n).map(|_| rng.unit()).collect();
    let sum: f64 = held.iter().sum();
    (SymmetricMatrix::from_cells(n, cell).unwrap(), means, held.iter().map(|h| h / sum).collect())
}

/// A random order of the assets, and the matrix in it.
pub(super) fn permuted(matrix: &SymmetricMatrix, seed: u64) -> (Vec<usize>, SymmetricMatrix) {
    let mut rng = SplitMix64::new(&[seed, 3]);
    let mut order: Vec<usize> = (0..matrix.size()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, rng.below(i + 1));
    }
    let moved = SymmetricMatrix::from_cells(order.len(), |i, j| matrix.row(order[i])[order[j]]).unwrap();
    (order, moved)
}
