//! From weights to shares of equity: inverse variance, and filling a budget under caps.

/// Weights in proportion to 1/variance, summing to 1; `None` unless all variances are positive and finite.
#[must_use]
pub fn inverse_variance(variances: &[f64]) -> Option<Vec<f64>> {
    let sound = !variances.is_empty() && variances.iter().all(|v| *v > 0.0 && v.is_finite());
    let sum: f64 = variances.iter().map(|v| 1.0 / v).sum();
    (sound && sum.is_finite()).then(|| variances.iter().map(|v| 1.0 / v / sum).collect())
}

/// Splits `budget` in proportion to the weights; what a cap cuts off goes to the others in proportion (water-filling), and
/// what no cap leaves room for stays cash. Never above a cap, never above the budget in sum.
#[must_use]
pub fn fill_under_caps(weights: &[f64], caps: &[f64], budget: f64) -> Vec<f64> {
    let mut shares = vec![0.0; weights.len()];
    let mut open: Vec<bool> = weights.iter().zip(caps).map(|(w, c)| *w > 0.0 && *c > 0.0).collect();
    open.resize(weights.len(), false);
    let mut left = if budget.is_finite() { budget.max(0.0) } else { 0.0 };
    // Each round fills at least one cap or ends, so there are at most as many rounds as shares.
    for _ in 0..weights.len() {
        let total: f64 = weights.iter().zip(&open).filter(|(_, o)| **o).map(|(w, _)| w).sum();
        if total <= 0.0 || left <= 0.0 {
            break;
        }
        let per_weight = left / total;
        let mut capped = false;
        for (((share, weight), cap), is_open) in shares.iter_mut().zip(weights).zip(caps).zip(&mut open) {
            if *is_open && weight * per_weight >= *cap {
                *share = *cap;
                *is_open = false;
                left -= cap;
                capped = true;
            }
        }
        if !capped {
            for ((share, weight), is_open) in shares.iter_mut().zip(weights).zip(&open) {
                if *is_open {
                    *share = weight * per_weight;
                }
            }
            break;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_variance_that_is_none_has_no_weight() {
        for bad in [vec![], vec![0.0], vec![1.0, f64::NAN], vec![-1.0, 1.0]] {
            assert_eq!(inverse_variance(&bad), None);
        }
    }

    #[test]
    fn what_a_cap_cuts_off_goes_to_the_others() {
        assert_eq!(fill_under_caps(&[0.5, 0.5], &[0.125, 1.0], 0.5), [0.125, 0.375]);
        assert_eq!(fill_under_caps(&[0.5, 0.5], &[0.02, 0.04], 0.3), [0.02, 0.04]);
        assert_eq!(fill_under_caps(&[1.0], &[0.05], 0.3), [0.05]);
        assert_eq!(fill_under_caps(&[1.0], &[0.05], 0.0), [0.0]);
        assert_eq!(fill_under_caps(&[1.0], &[0.05], f64::NAN), [0.0]);
    }

    proptest! {
        #[test]
        fn neither_a_cap_nor_the_budget_is_exceeded(
            items in proptest::collection::vec((0.0_f64..1.0, 0.0_f64..0.1), 1..8), budget in 0.0_f64..0.6,
        ) {
            let (weights, caps): (Vec<f64>, Vec<f64>) = items.into_iter().unzip();
            let shares = fill_under_caps(&weights, &caps, budget);
            prop_assert!(shares.iter().zip(&caps).all(|(s, c)| (0.0..=*c).contains(s)));
            prop_assert!(shares.iter().sum::<f64>() <= budget + 1e-12);
            let room: f64 = weights.iter().zip(&caps).filter(|(w, _)| **w > 0.0).map(|(_, c)| c).sum();
            prop_assert!((shares.iter().sum::<f64>() - budget.min(room)).abs() < 1e-9, "all that fits is given out");
        }
    }
}
