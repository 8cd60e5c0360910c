//! Hierarchical risk parity (López de Prado 2016): cluster by correlation, then split the money by cluster variance.
//!
//! Distance √((1−ρ)/2), single linkage on it directly, leaves in the order of the tree with the older cluster first, bisection
//! at half the list, inverse-variance weights inside a cluster. No matrix is inverted.

/// Weights that sum to 1, and the leaf order, for a covariance matrix; `None` unless it is square with positive variances and finite.
#[must_use]
pub fn hrp(covariance: &[Vec<f64>]) -> Option<(Vec<f64>, Vec<usize>)> {
    let n = covariance.len();
    let sound = covariance
        .iter()
        .enumerate()
        .all(|(i, row)| row.len() == n && row.iter().all(|v| v.is_finite()) && row.get(i).is_some_and(|v| *v > 0.0));
    if n == 0 || !sound {
        return None;
    }
    let order = leaf_order(covariance)?;
    let mut weights = vec![1.0; n];
    let mut parts = vec![order.clone()];
    while let Some(part) = parts.pop() {
        if part.len() < 2 {
            continue;
        }
        let (left, right) = part.split_at(part.len() / 2);
        let (vl, vr) = (cluster_variance(covariance, left)?, cluster_variance(covariance, right)?);
        let share = 1.0 - vl / (vl + vr);
        scale(&mut weights, left, share);
        scale(&mut weights, right, 1.0 - share);
        parts.push(left.to_vec());
        parts.push(right.to_vec());
    }
    let sum: f64 = weights.iter().sum();
    let fine = sum.is_finite() && sum > 0.0 && weights.iter().all(|w| *w >= 0.0);
    fine.then(|| (weights.iter().map(|w| w / sum).collect(), order))
}

fn at(matrix: &[Vec<f64>], i: usize, j: usize) -> Option<f64> {
    matrix.get(i)?.get(j).copied()
}

fn scale(weights: &mut [f64], members: &[usize], factor: f64) {
    for i in members {
        if let Some(w) = weights.get_mut(*i) {
            *w *= factor;
        }
    }
}

/// Variance of the inverse-variance portfolio of some assets; never below 0.
fn cluster_variance(covariance: &[Vec<f64>], members: &[usize]) -> Option<f64> {
    let inverse: Vec<f64> = members.iter().map(|i| at(covariance, *i, *i).map(|v| 1.0 / v)).collect::<Option<_>>()?;
    let sum: f64 = inverse.iter().sum();
    let mut variance = 0.0;
    for (i, wi) in members.iter().zip(&inverse) {
        for (j, wj) in members.iter().zip(&inverse) {
            variance += wi / sum * wj / sum * at(covariance, *i, *j)?;
        }
    }
    Some(variance.max(f64::MIN_POSITIVE))
}

/// A cluster of the linkage: its number in the order of creation, and its leaves.
struct Cluster {
    id: usize,
    leaves: Vec<usize>,
}

/// Leaves of the single-linkage tree. The nearest two clusters merge, the one with the smaller number on the left; among
/// equal distances the first pair of assets in index order.
fn leaf_order(covariance: &[Vec<f64>]) -> Option<Vec<usize>> {
    let n = covariance.len();
    let mut edges = Vec::with_capacity(n * n.saturating_sub(1) / 2);
    for i in 0..n {
        for j in i + 1..n {
            let scale = (at(covariance, i, i)? * at(covariance, j, j)?).sqrt();
            let rho = (at(covariance, i, j)? / scale).clamp(-1.0, 1.0);
            edges.push((((1.0 - rho) / 2.0).sqrt(), i, j));
        }
    }
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut clusters: Vec<Cluster> = (0..n).map(|i| Cluster { id: i, leaves: vec![i] }).collect();
    let mut next = n;
    for (_, i, j) in edges {
        let find = |leaf| clusters.iter().position(|c| c.leaves.contains(&leaf));
        let (a, b) = (find(i)?, find(j)?);
        if a == b {
            continue;
        }
        // The later position first, so that taking it out does not move the other.
        let (one, two) = (clusters.remove(a.max(b)), clusters.remove(a.min(b)));
        let (mut left, right) = if one.id < two.id { (one, two) } else { (two, one) };
        left.leaves.extend(right.leaves);
        clusters.push(Cluster { id: next, leaves: left.leaves });
        next += 1;
    }
    clusters.pop().map(|c| c.leaves)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const NAMES: [&str; 10] = ["ada", "dash", "etc", "eth", "ltc", "trx", "xlm", "xmr", "zec", "nxt"];

    /// The golden panel's sample covariance (ddof 1), and the file.
    fn golden() -> (Vec<Vec<f64>>, Value) {
        let file: Value = serde_json::from_str(include_str!("../../tests/golden/portfolio.json")).unwrap();
        let panel: Vec<Vec<f64>> = NAMES
            .iter()
            .map(|n| file["series"]["panel"][n].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect())
            .collect();
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let cov = |a: &[f64], b: &[f64]| {
            let (ma, mb) = (mean(a), mean(b));
            a.iter().zip(b).map(|(x, y)| (x - ma) * (y - mb)).sum::<f64>() / (a.len() - 1) as f64
        };
        (panel.iter().map(|a| panel.iter().map(|b| cov(a, b)).collect()).collect(), file)
    }

    #[test]
    fn weights_and_leaf_order_are_golden() {
        let (cov, file) = golden();
        let case = file["cases"].as_array().unwrap().iter().find(|c| c["name"] == "hrp_single").unwrap();
        let (weights, order) = hrp(&cov).unwrap();
        let names: Vec<_> = order.iter().map(|i| NAMES[*i]).collect();
        let want: Vec<_> = case["expected"]["order"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        assert_eq!(names, want);
        for (name, got) in NAMES.iter().zip(weights) {
            let want = case["expected"]["weights"][name].as_f64().unwrap();
            assert!((got - want).abs() <= 1e-9 + 1e-7 * want, "{name}: {got} for {want}");
        }
    }

    #[test]
    fn a_matrix_that_is_none_has_no_weights() {
        assert!(hrp(&[]).is_none());
        assert!(hrp(&[vec![1.0, 0.0]]).is_none());
        assert!(hrp(&[vec![0.0]]).is_none());
        assert!(hrp(&[vec![f64::NAN]]).is_none());
        assert_eq!(hrp(&[vec![0.04]]).map(|(w, _)| w), Some(vec![1.0]));
    }

    proptest! {
        #[test]
        fn weights_are_shares_that_sum_to_one(
            sds in proptest::collection::vec(0.001_f64..0.2, 1..8),
            factors in proptest::collection::vec(-0.95_f64..0.95, 8),
        ) {
            // One common factor: always a valid covariance.
            let cov: Vec<Vec<f64>> = (0..sds.len()).map(|i| (0..sds.len()).map(|j| {
                let rho = if i == j { 1.0 } else { factors[i] * factors[j] };
                rho * sds[i] * sds[j]
            }).collect()).collect();
            let (weights, mut order) = hrp(&cov).unwrap();
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(weights.iter().all(|w| *w > 0.0));
            order.sort_unstable();
            prop_assert_eq!(order, (0..sds.len()).collect::<Vec<_>>());
        }
    }
}
