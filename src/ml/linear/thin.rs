//! Rows for methods that take no weights.

use crate::domain::random::SplitMix64;

/// Indices, ascending, of the rows that are kept when each stays with probability weight / largest weight: a set in which every row
/// counts once. The same weights and stream give the same rows. Rows whose weight is not positive are never kept.
#[must_use]
pub fn thinned(weights: &[f64], stream: &[u64]) -> Vec<usize> {
    let mut rng = SplitMix64::new(stream);
    let heaviest = weights.iter().copied().fold(0.0, f64::max);
    let keep = |(i, weight): (usize, &f64)| (rng.unit() * heaviest < *weight).then_some(i);
    weights.iter().enumerate().filter_map(keep).collect()
}
