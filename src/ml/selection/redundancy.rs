//! How much features repeat each other.

use super::super::numbers::correlation;

/// Symmetric table of correlations between features: a row per feature.
pub type Correlations = Vec<Vec<f64>>;

/// Pearson correlations between columns; `None` when one is constant, too short or of another length.
#[must_use]
pub fn correlation_table(columns: &[Vec<f64>]) -> Option<Correlations> {
    columns.iter().map(|a| columns.iter().map(|b| correlation(a, b)).collect()).collect()
}

/// mRMR order in its difference form (Ding, Peng 2005): at each step the feature with the largest
/// `relevance − mean |correlation with those chosen|`; equal scores go to the lower index. `relevance` is `|correlation with the
/// target|`. Gives `min(k, features)` distinct indices.
#[must_use]
pub fn mrmr(relevance: &[f64], correlations: &Correlations, k: usize) -> Vec<usize> {
    let mut overlap = vec![0.0; relevance.len()];
    let mut chosen: Vec<usize> = Vec::with_capacity(k.min(relevance.len()));
    while chosen.len() < k.min(relevance.len()) {
        let count = chosen.len().max(1) as f64;
        let mut best: Option<(usize, f64)> = None;
        for (i, (own, shared)) in relevance.iter().zip(&overlap).enumerate() {
            let score = own - shared / count;
            if !chosen.contains(&i) && best.is_none_or(|(_, top)| score > top) {
                best = Some((i, score));
            }
        }
        let Some((pick, _)) = best else { break };
        chosen.push(pick);
        for (shared, c) in overlap.iter_mut().zip(correlations.get(pick).into_iter().flatten()) {
            *shared += c.abs();
        }
    }
    chosen
}

/// Variance inflation factor of each feature: the diagonal of the inverse correlation matrix. `None` when a feature is a linear
/// combination of others or the table is not square.
#[must_use]
pub fn variance_inflation(correlations: &Correlations) -> Option<Vec<f64>> {
    let n = correlations.len();
    // Gauss-Jordan on [C | I]; a positive definite C needs no exchange of rows.
    let mut rows: Vec<Vec<f64>> = correlations
        .iter()
        .enumerate()
        .map(|(i, row)| row.iter().copied().chain((0..n).map(|j| f64::from(u8::from(i == j)))).collect())
        .collect();
    if rows.iter().any(|row| row.len() != 2 * n) {
        return None;
    }
    for p in 0..n {
        let pivot = rows.get(p)?.get(p).copied().filter(|pivot| *pivot > 1e-12)?;
        let unit: Vec<f64> = rows.get(p)?.iter().map(|v| v / pivot).collect();
        for (i, row) in rows.iter_mut().enumerate() {
            if i == p {
                row.clone_from(&unit);
                continue;
            }
            let factor = *row.get(p)?;
            for (v, u) in row.iter_mut().zip(&unit) {
                *v -= factor * u;
            }
        }
    }
    rows.iter().enumerate().map(|(i, row)| row.get(n + i).copied()).collect()
}

/// Of features that say nearly the same, the cheapest: goes through them in ascending `cost` (equal: lower index first) and drops
/// each whose |correlation| with one already kept is above `limit`. Per feature: `None` when kept, else the one kept instead
/// (the closest) and the correlation.
#[must_use]
pub fn cheapest_of_twins(correlations: &Correlations, cost: &[u32], limit: f64) -> Vec<Option<(usize, f64)>> {
    let mut order: Vec<(u32, usize)> = cost.iter().copied().zip(0..correlations.len()).collect();
    order.sort_unstable();
    let mut twin = vec![None; correlations.len()];
    let mut kept: Vec<usize> = Vec::new();
    for (_, i) in order {
        let with = |j: &usize| correlations.get(i).and_then(|row| row.get(*j)).map(|c| (*j, *c));
        let closest = kept.iter().filter_map(with).max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
        match closest.filter(|(_, c)| c.abs() > limit) {
            Some(found) => {
                if let Some(slot) = twin.get_mut(i) {
                    *slot = Some(found);
                }
            }
            None => kept.push(i),
        }
    }
    twin
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn twins_go_to_the_cheaper() {
        let c = vec![vec![1.0, 0.95, 0.1], vec![0.95, 1.0, 0.2], vec![0.1, 0.2, 1.0]];
        assert_eq!(cheapest_of_twins(&c, &[1, 1, 1], 0.9), [None, Some((0, 0.95)), None]);
        assert_eq!(cheapest_of_twins(&c, &[2, 1, 1], 0.9), [Some((1, 0.95)), None, None]);
        let v = variance_inflation(&c).unwrap();
        assert!(v.iter().all(|v| *v >= 1.0) && v[0] > 9.0);
        assert_eq!(variance_inflation(&vec![vec![1.0, 1.0], vec![1.0, 1.0]]), None);
        assert_eq!(variance_inflation(&vec![vec![1.0], vec![]]), None);
    }

    proptest! {
        #[test]
        fn mrmr_is_a_permutation(values in prop::collection::vec(0.0_f64..1.0, 1..20), seed in any::<u64>()) {
            let mut rng = crate::domain::random::SplitMix64::seeded(seed);
            let n = values.len();
            let table: Correlations = (0..n).map(|_| (0..n).map(|_| 2.0 * rng.unit() - 1.0).collect()).collect();
            let mut order = mrmr(&values, &table, n + 3);
            prop_assert_eq!(&mrmr(&values, &table, n / 2)[..], &order[..n / 2]);
            order.sort_unstable();
            prop_assert_eq!(order, (0..n).collect::<Vec<_>>());
        }
    }
}
