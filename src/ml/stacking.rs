//! How much each member of an ensemble counts: non-negative stacking weights, drawn half way to equal ones.
//!
//! Learned on predictions that the members made out of sample. Equal weights are hard to beat (Smith & Wallis 2009), hence the shrinkage.

use super::numbers::tidy_all;

/// Share of the equal weights in the result.
const TO_EQUAL: f64 = 0.5;
const MAX_STEPS: usize = 2_000;
/// Change of the weights below which they stand.
const STANDS: f64 = 1e-10;

/// Weights over `members` predictions (each as long as `target`) that sum to 1: half equal, half the simplex weights of the least weighted
/// squared error. Equal ones when there is nothing to learn from.
#[must_use]
pub fn stacking_weights(members: &[Vec<f64>], target: &[f64], weights: &[f64]) -> Vec<f64> {
    let m = members.len();
    if m == 0 {
        return Vec::new();
    }
    let equal = 1.0 / m as f64;
    let total: f64 = weights.iter().sum();
    let fits = total > 0.0 && members.iter().all(|p| p.len() == target.len()) && weights.len() == target.len();
    if !fits {
        return vec![equal; m];
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).zip(weights).map(|((a, b), w)| a * b * w).sum::<f64>() / total;
    let gram: Vec<Vec<f64>> = members.iter().map(|a| members.iter().map(|b| dot(a, b)).collect()).collect();
    let cross: Vec<f64> = members.iter().map(|a| dot(a, target)).collect();
    let best = on_simplex(&gram, &cross);
    tidy_all(&best.iter().map(|w| TO_EQUAL * equal + (1.0 - TO_EQUAL) * w).collect::<Vec<_>>())
}

/// Least squares on the simplex by projected gradients; the step is the inverse of the trace, which bounds the curvature.
fn on_simplex(gram: &[Vec<f64>], cross: &[f64]) -> Vec<f64> {
    let m = cross.len();
    let trace: f64 = gram.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum();
    let mut w = vec![1.0 / m as f64; m];
    if !(trace.is_finite() && trace > 0.0) {
        return w;
    }
    for _ in 0..MAX_STEPS {
        let moved: Vec<f64> = gram
            .iter()
            .zip(cross)
            .zip(&w)
            .map(|((row, c), own)| own - (row.iter().zip(&w).map(|(g, w)| g * w).sum::<f64>() - c) / trace)
            .collect();
        let next = project(&moved);
        let change = next.iter().zip(&w).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        w = next;
        if change < STANDS {
            break;
        }
    }
    w
}

/// Euclidean projection on the simplex (Duchi et al. 2008).
fn project(v: &[f64]) -> Vec<f64> {
    let mut falling = v.to_vec();
    falling.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut theta) = (0.0, 0.0);
    for (i, value) in falling.iter().enumerate() {
        sum += value;
        let candidate = (sum - 1.0) / (i + 1) as f64;
        if value - candidate > 0.0 {
            theta = candidate;
        }
    }
    v.iter().map(|x| (x - theta).max(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn the_better_member_counts_more_and_none_is_dropped() {
        let mut rng = SplitMix64::new(&[1]);
        let target: Vec<f64> = (0..2_000).map(|_| rng.normal()).collect();
        let near: Vec<f64> = target.iter().map(|t| t + 0.1 * rng.normal()).collect();
        let far: Vec<f64> = target.iter().map(|_| rng.normal()).collect();
        let w = stacking_weights(&[near, far], &target, &vec![1.0; 2_000]);
        assert!(w[0] > 0.74 && (w[1] - 0.25).abs() < 0.02, "{w:?}");
        assert_eq!(stacking_weights(&[vec![1.0], vec![2.0]], &[], &[]), [0.5, 0.5]);
        assert!(stacking_weights(&[], &[], &[]).is_empty());
    }

    proptest! {
        #[test]
        fn weights_stay_on_the_simplex(values in prop::collection::vec(-3.0_f64..3.0, 12)) {
            let members: Vec<Vec<f64>> = values.chunks(4).map(<[f64]>::to_vec).collect();
            let w = stacking_weights(&members, &[0.3, -0.2, 1.0, 0.1], &[1.0, 0.5, 2.0, 0.1]);
            prop_assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(w.iter().all(|w| *w >= TO_EQUAL / 3.0 - 1e-12));
        }
    }
}
