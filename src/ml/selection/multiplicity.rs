//! p-values of many tests at once, and of a permutation test.

/// p-value of a permutation test of which `exceed` of `permutations` were at least as extreme: `(b+1)/(m+1)`, never 0 (Phipson,
/// Smyth 2010).
#[must_use]
pub fn permutation_p(exceed: usize, permutations: usize) -> f64 {
    (exceed.min(permutations) + 1) as f64 / (permutations + 1) as f64
}

/// Bonferroni: `m·p`, at most 1.
#[must_use]
pub fn bonferroni(p: &[f64]) -> Vec<f64> {
    p.iter().map(|one| (one * p.len() as f64).min(1.0)).collect()
}

/// Benjamini, Hochberg 1995: false discovery rate of independent or positively dependent tests. Reject where the result is ≤ q.
#[must_use]
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    step_up(p, 1.0)
}

/// Benjamini, Yekutieli 2001: holds under any dependence of the tests, at the price of a factor `1 + 1/2 + … + 1/m`.
#[must_use]
pub fn benjamini_yekutieli(p: &[f64]) -> Vec<f64> {
    step_up(p, (1..=p.len()).map(|i| 1.0 / i as f64).sum())
}

/// `factor·m·p(i)/i` of the ascending p-values, made monotone from the largest down.
fn step_up(p: &[f64], factor: f64) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = p.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut out = vec![1.0; p.len()];
    let mut least: f64 = 1.0;
    for (rank, (place, value)) in order.iter().enumerate().rev() {
        least = least.min(value * factor * p.len() as f64 / (rank + 1) as f64);
        if let Some(slot) = out.get_mut(*place) {
            // Never below the p-value itself, not even by rounding.
            *slot = least.max(*value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_permutations_prove_nothing() {
        assert_eq!(permutation_p(0, 0), 1.0);
        assert_eq!(permutation_p(9, 3), 1.0);
        assert!(benjamini_yekutieli(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn adjusted_values_keep_order_and_never_flatter(p in prop::collection::vec(0.0_f64..=1.0, 1..60)) {
            let (bh, by, bonferroni) = (benjamini_hochberg(&p), benjamini_yekutieli(&p), bonferroni(&p));
            for i in 0..p.len() {
                prop_assert!(bh[i] >= p[i] && by[i] >= bh[i] && bonferroni[i] >= bh[i] && by[i] <= 1.0);
                for j in 0..p.len() {
                    prop_assert!(p[i] > p[j] || by[i] <= by[j]);
                }
            }
        }
    }
}
