//! How far two samples are apart: population stability index, Jensen-Shannon, Wasserstein-1, energy and maximum mean discrepancy.

use super::chi_square::chi_square_quantile;
use crate::ml::numbers::{quantile_sorted, sorted};

/// What is added to every bin's count, so that an empty bin is not infinitely surprising.
pub const SMOOTHING: f64 = 0.5;

/// Inner edges of `bins` bins of equal mass of a sample (quantiles of type 7). `None` for an empty sample.
#[must_use]
pub fn inner_edges(sorted: &[f64], bins: usize) -> Option<Vec<f64>> {
    (1..bins).map(|i| quantile_sorted(sorted, i as f64 / bins as f64)).collect()
}

/// Values per bin; a value's bin is the number of edges at or below it. `edges` ascend.
#[must_use]
pub fn counts(edges: &[f64], values: impl IntoIterator<Item = f64>) -> Vec<u64> {
    let mut counts = vec![0; edges.len() + 1];
    for value in values {
        let bin = edges.partition_point(|edge| *edge <= value);
        if let Some(count) = counts.get_mut(bin) {
            *count += 1;
        }
    }
    counts
}

/// Shares of the bins, each count raised by `smoothing`; empty when there is nothing to share.
#[must_use]
pub fn shares(counts: &[u64], smoothing: f64) -> Vec<f64> {
    let total: f64 = counts.iter().map(|c| *c as f64 + smoothing).sum();
    if total > 0.0 { counts.iter().map(|c| (*c as f64 + smoothing) / total).collect() } else { Vec::new() }
}

/// Population stability index Σ (q − p) ln(q / p) of two lists of shares.
#[must_use]
pub fn psi(reference: &[f64], current: &[f64]) -> f64 {
    reference.iter().zip(current).map(|(p, q)| (q - p) * (q / p).ln()).sum()
}

/// What the index stays below with probability `level` when nothing has changed: (1/n + 1/m)·χ² with one degree of freedom less than
/// there are bins (Yurdakul 2018). `n` and `m` are effective sizes. `None` unless both are above 0.
#[must_use]
pub fn psi_threshold(n: f64, m: f64, bins: usize, level: f64) -> Option<f64> {
    let quantile = chi_square_quantile(level, bins.checked_sub(1)? as f64)?;
    (n > 0.0 && m > 0.0).then(|| (1.0 / n + 1.0 / m) * quantile)
}

/// Jensen-Shannon divergence of two lists of shares, in nats: 0 for equal ones, ln 2 for disjoint ones. Its root is a distance.
#[must_use]
pub fn jensen_shannon(reference: &[f64], current: &[f64]) -> f64 {
    let part = |p: f64, m: f64| if p > 0.0 { p * (p / m).ln() } else { 0.0 };
    let both = |(p, q): (&f64, &f64)| {
        let middle = f64::midpoint(*p, *q);
        0.5 * (part(*p, middle) + part(*q, middle))
    };
    reference.iter().zip(current).map(both).sum::<f64>().max(0.0)
}

/// Width of each step between neighbouring values of both samples, with the share of each sample at or below it. Samples ascend.
fn steps<'a>(a: &'a [f64], b: &'a [f64]) -> impl Iterator<Item = (f64, f64, f64)> + 'a {
    let (mut i, mut j) = (0_usize, 0_usize);
    let (n, m) = (a.len() as f64, b.len() as f64);
    let mut last: Option<f64> = None;
    std::iter::from_fn(move || {
        let next = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) => *x,
            (None, Some(y)) => *y,
            (None, None) => return None,
        };
        let step = (next - last.unwrap_or(next), i as f64 / n, j as f64 / m);
        while a.get(i).is_some_and(|x| *x <= next) {
            i += 1;
        }
        while b.get(j).is_some_and(|y| *y <= next) {
            j += 1;
        }
        last = Some(next);
        Some(step)
    })
}

/// Largest distance of the two empirical distribution functions. Samples ascend; `None` when one is empty.
#[must_use]
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> Option<f64> {
    let gap = steps(a, b).map(|(_, f, g)| (f - g).abs()).fold(0.0, f64::max);
    (!a.is_empty() && !b.is_empty()).then_some(gap)
}

/// Wasserstein-1 distance ∫|F − G|, in the unit of the values. Samples ascend; `None` when one is empty.
#[must_use]
pub fn wasserstein(a: &[f64], b: &[f64]) -> Option<f64> {
    (!a.is_empty() && !b.is_empty()).then(|| steps(a, b).map(|(width, f, g)| width * (f - g).abs()).sum())
}

/// Energy distance √(2 ∫(F − G)²) (Székely). Samples ascend; `None` when one is empty.
#[must_use]
pub fn energy(a: &[f64], b: &[f64]) -> Option<f64> {
    let square = || steps(a, b).map(|(width, f, g)| width * (f - g).powi(2)).sum::<f64>();
    (!a.is_empty() && !b.is_empty()).then(|| (2.0 * square()).sqrt())
}

/// Unbiased squared maximum mean discrepancy with the kernel exp(−γ d²) (Gretton et al. 2012, eq. 3); may be below 0. O(n²).
/// `None` with fewer than two values on a side.
#[must_use]
pub fn mmd2_unbiased(a: &[f64], b: &[f64], gamma: f64) -> Option<f64> {
    let kernel = |x: f64, y: f64| (-gamma * (x - y).powi(2)).exp();
    let within = |s: &[f64]| {
        let all: f64 = s.iter().flat_map(|x| s.iter().map(move |y| kernel(*x, *y))).sum();
        let n = s.len() as f64;
        // The diagonal is one per value.
        (all - n) / (n * (n - 1.0))
    };
    let across: f64 = a.iter().flat_map(|x| b.iter().map(move |y| kernel(*x, *y))).sum();
    let pairs = a.len() as f64 * b.len() as f64;
    (a.len() > 1 && b.len() > 1).then(|| within(a) + within(b) - 2.0 * across / pairs)
}

/// Finite values, ascending.
#[must_use]
pub fn ascending(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    sorted(values.into_iter().filter(|v| v.is_finite()).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_has_no_distance() {
        for f in [kolmogorov_smirnov, wasserstein, energy] {
            assert_eq!(f(&[], &[1.0]), None);
            assert_eq!(f(&[1.0], &[]), None);
            assert_eq!(f(&[1.0], &[1.0]), Some(0.0));
            assert_eq!(f(&[1.0; 5], &[1.0; 3]), Some(0.0));
        }
        assert_eq!(mmd2_unbiased(&[1.0], &[1.0, 2.0], 1.0), None);
        assert_eq!(inner_edges(&[], 10), None);
        assert_eq!(psi_threshold(0.0, 5.0, 10, 0.99), None);
        assert!(shares(&[], 0.5).is_empty());
        assert_eq!(ascending([f64::NAN, 2.0, f64::INFINITY, 1.0]), [1.0, 2.0]);
    }

    #[test]
    fn a_shift_is_its_own_distance() {
        let (a, b) = ([0.0, 1.0, 2.0], [5.0, 6.0, 7.0]);
        assert!((wasserstein(&a, &b).unwrap() - 5.0).abs() < 1e-12);
        assert_eq!(kolmogorov_smirnov(&a, &b), Some(1.0));
        assert!((jensen_shannon(&[1.0, 0.0], &[0.0, 1.0]) - 2.0_f64.ln()).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn distances_are_symmetric_and_not_negative(
            a in proptest::collection::vec(-5.0_f64..5.0, 1..40),
            b in proptest::collection::vec(-5.0_f64..5.0, 1..40),
        ) {
            let (a, b) = (ascending(a), ascending(b));
            for f in [kolmogorov_smirnov, wasserstein, energy] {
                let (there, back) = (f(&a, &b).unwrap(), f(&b, &a).unwrap());
                prop_assert!(there >= 0.0 && (there - back).abs() < 1e-12);
            }
            prop_assert!(kolmogorov_smirnov(&a, &b).unwrap() <= 1.0);
            let edges = inner_edges(&a, 10).unwrap();
            let [p, q] = [&a, &b].map(|s| shares(&counts(&edges, s.iter().copied()), SMOOTHING));
            prop_assert!(psi(&p, &q) >= 0.0 && jensen_shannon(&p, &q) <= 2.0_f64.ln());
        }
    }
}
