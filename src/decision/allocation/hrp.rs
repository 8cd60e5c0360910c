//! Hierarchical risk parity (López de Prado 2016): cluster by correlation, then split the money by cluster variance.
//!
//! Distance √((1−ρ)/2), single linkage on it directly, leaves in the order of the tree with the older cluster first, bisection
//! at half the list, inverse-variance weights inside a cluster. No matrix is inverted. The linkage is read off the minimum spanning
//! tree (Gower & Ross 1969), so all is O(n²).

use super::lanes::dot;
use super::matrix::SymmetricMatrix;

/// Weights that sum to 1, and the leaf order, for a covariance matrix; `None` unless its variances are positive.
#[must_use]
pub fn hrp(covariance: &SymmetricMatrix) -> Option<(Vec<f64>, Vec<usize>)> {
    if !covariance.has_positive_diagonal() {
        return None;
    }
    let order = leaf_order(covariance)?;
    let sorted = Sorted::new(covariance, &order);
    let mut by_leaf = vec![1.0; order.len()];
    let whole = 0..order.len();
    let mut parts = vec![whole];
    while let Some(part) = parts.pop() {
        if part.len() < 2 {
            continue;
        }
        let middle = part.start + part.len() / 2;
        let (left, right) = (part.start..middle, middle..part.end);
        let (vl, vr) = (sorted.cluster_variance(&left), sorted.cluster_variance(&right));
        let share = 1.0 - vl / (vl + vr);
        by_leaf.get_mut(left.clone())?.iter_mut().for_each(|w| *w *= share);
        by_leaf.get_mut(right.clone())?.iter_mut().for_each(|w| *w *= 1.0 - share);
        parts.push(left);
        parts.push(right);
    }
    let sum: f64 = by_leaf.iter().sum();
    let fine = sum.is_finite() && sum > 0.0 && by_leaf.iter().all(|w| *w >= 0.0);
    let mut weights = vec![0.0; order.len()];
    for (i, w) in order.iter().zip(by_leaf) {
        *weights.get_mut(*i)? = w / sum;
    }
    fine.then_some((weights, order))
}

/// The covariance with its rows and columns in leaf order, so that every cluster is a block.
struct Sorted {
    cells: Vec<f64>,
    inverse: Vec<f64>,
}

impl Sorted {
    fn new(covariance: &SymmetricMatrix, order: &[usize]) -> Self {
        let mut cells = Vec::with_capacity(order.len() * order.len());
        for i in order {
            let row = covariance.row(*i);
            cells.extend(order.iter().filter_map(|j| row.get(*j).copied()));
        }
        let inverse = cells.iter().step_by(order.len() + 1).map(|v| 1.0 / v).collect();
        Self { cells, inverse }
    }

    /// Variance of the inverse-variance portfolio of a run of leaves; never below the smallest number above 0.
    fn cluster_variance(&self, cluster: &std::ops::Range<usize>) -> f64 {
        let inverse = self.inverse.get(cluster.clone()).unwrap_or_default();
        let sum: f64 = inverse.iter().sum();
        let weights: Vec<f64> = inverse.iter().map(|w| w / sum).collect();
        let rows = self.cells.chunks_exact(self.inverse.len()).skip(cluster.start);
        let of_row = |(row, w): (&[f64], &f64)| w * dot(row.get(cluster.clone()).unwrap_or_default(), &weights);
        rows.zip(&weights).map(of_row).sum::<f64>().max(f64::MIN_POSITIVE)
    }
}

/// An edge between assets `i < j`.
#[derive(Debug, Clone, Copy)]
struct Edge {
    distance: f64,
    i: usize,
    j: usize,
}

impl Edge {
    fn of(distance: f64, a: usize, b: usize) -> Self {
        Self { distance, i: a.min(b), j: a.max(b) }
    }

    /// Shorter first; among equals the first pair of assets in index order. No two edges are equal, so the tree is unique.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.distance.total_cmp(&other.distance).then(self.i.cmp(&other.i)).then(self.j.cmp(&other.j))
    }
}

/// Leaves of the single-linkage tree. The nearest two clusters merge, the one with the smaller number on the left.
fn leaf_order(covariance: &SymmetricMatrix) -> Option<Vec<usize>> {
    let n = covariance.size();
    let mut edges = spanning_tree(covariance)?;
    edges.sort_by(Edge::order);
    let mut forest = Forest::new(n);
    for (merge, edge) in edges.iter().enumerate() {
        forest.merge(edge.i, edge.j, n + merge)?;
    }
    Some(forest.leaves_from(forest.root(0)))
}

/// Minimum spanning tree by Prim: the tree takes the nearest asset outside, then looks from that one to the rest.
fn spanning_tree(covariance: &SymmetricMatrix) -> Option<Vec<Edge>> {
    let variances: Vec<f64> = covariance.diagonal().collect();
    // Assets outside: their number, their variance, their nearest edge into the tree.
    let mut outside: Vec<usize> = (1..variances.len()).collect();
    let mut nearest: Vec<Edge> = outside.iter().map(|j| Edge::of(f64::INFINITY, 0, *j)).collect();
    let mut distances = vec![0.0; variances.len()];
    let (mut newest, mut tree) = (0, Vec::with_capacity(outside.len()));
    while !outside.is_empty() {
        distances_from(covariance, newest, &variances, &mut distances)?;
        let (mut best, mut shortest) = (0, None::<Edge>);
        for (place, (j, known)) in outside.iter().zip(&mut nearest).enumerate() {
            let distance = *distances.get(*j)?;
            if distance <= known.distance {
                let edge = Edge::of(distance, newest, *j);
                if edge.order(known).is_lt() {
                    *known = edge;
                }
            }
            if shortest.is_none_or(|s| known.distance <= s.distance && known.order(&s).is_lt()) {
                (best, shortest) = (place, Some(*known));
            }
        }
        newest = outside.swap_remove(best);
        tree.push(nearest.swap_remove(best));
    }
    Some(tree)
}

/// √((1−ρ)/2) from one asset to all.
fn distances_from(covariance: &SymmetricMatrix, i: usize, variances: &[f64], out: &mut [f64]) -> Option<()> {
    let own = *variances.get(i)?;
    let row = covariance.row(i);
    pulp::Arch::new().dispatch(|| {
        for ((d, c), v) in out.iter_mut().zip(row).zip(variances) {
            let rho = (c / (own * v).sqrt()).clamp(-1.0, 1.0);
            *d = ((1.0 - rho) / 2.0).sqrt();
        }
    });
    Some(())
}

/// Clusters as chains of leaves with a root each.
struct Forest {
    /// The leaf above; a root is its own.
    above: Vec<usize>,
    /// Of a root: number of the cluster in the order of creation, first and last leaf, how many.
    clusters: Vec<Cluster>,
    /// The leaf that follows in the chain.
    next: Vec<Option<usize>>,
}

#[derive(Clone, Copy)]
struct Cluster {
    id: usize,
    first: usize,
    last: usize,
    size: usize,
}

impl Forest {
    fn new(n: usize) -> Self {
        let clusters = (0..n).map(|i| Cluster { id: i, first: i, last: i, size: 1 }).collect();
        Self { above: (0..n).collect(), clusters, next: vec![None; n] }
    }

    fn root(&self, mut leaf: usize) -> usize {
        while let Some(above) = self.above.get(leaf).filter(|above| **above != leaf) {
            leaf = *above;
        }
        leaf
    }

    /// Joins the clusters of two leaves under a new number, the older one's leaves first.
    fn merge(&mut self, i: usize, j: usize, id: usize) -> Option<()> {
        let (a, b) = (self.root(i), self.root(j));
        let (one, two) = (*self.clusters.get(a)?, *self.clusters.get(b)?);
        let (left, right) = if one.id < two.id { (one, two) } else { (two, one) };
        *self.next.get_mut(left.last)? = Some(right.first);
        let joined = Cluster { id, first: left.first, last: right.last, size: one.size + two.size };
        // The root of the larger cluster stays, so that chains of roots are short.
        let (stays, goes) = if one.size >= two.size { (a, b) } else { (b, a) };
        *self.above.get_mut(goes)? = stays;
        *self.clusters.get_mut(stays)? = joined;
        Some(())
    }

    fn leaves_from(&self, root: usize) -> Vec<usize> {
        let first = self.clusters.get(root).map(|c| c.first);
        std::iter::successors(first, |leaf| self.next.get(*leaf).copied().flatten()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_matrix_without_variance_has_no_weights() {
        let of = |rows: &[Vec<f64>]| SymmetricMatrix::from_rows(rows).and_then(|m| hrp(&m));
        assert!(of(&[vec![0.0]]).is_none());
        assert!(of(&[vec![1.0, 0.0], vec![0.0, -1.0]]).is_none());
        assert_eq!(of(&[vec![0.04]]).map(|(w, _)| w), Some(vec![1.0]));
    }

    /// The textbook way: all edges sorted, clusters as lists.
    fn merged_lists(covariance: &SymmetricMatrix) -> Vec<usize> {
        let n = covariance.size();
        let mut edges = Vec::new();
        for i in 0..n {
            for j in i + 1..n {
                let rho = covariance.row(i)[j] / (covariance.row(i)[i] * covariance.row(j)[j]).sqrt();
                edges.push(Edge::of(((1.0 - rho.clamp(-1.0, 1.0)) / 2.0).sqrt(), i, j));
            }
        }
        edges.sort_by(Edge::order);
        let mut clusters: Vec<(usize, Vec<usize>)> = (0..n).map(|i| (i, vec![i])).collect();
        let mut next = n;
        for edge in edges {
            let find = |leaf: usize| clusters.iter().position(|c| c.1.contains(&leaf)).unwrap();
            let (a, b) = (find(edge.i), find(edge.j));
            if a != b {
                let (one, two) = (clusters.remove(a.max(b)), clusters.remove(a.min(b)));
                let (left, right) = if one.0 < two.0 { (one, two) } else { (two, one) };
                clusters.push((next, [left.1, right.1].concat()));
                next += 1;
            }
        }
        clusters.remove(0).1
    }

    proptest! {
        #[test]
        fn weights_are_shares_that_sum_to_one_in_the_order_of_the_sorted_edges(
            sds in proptest::collection::vec(0.001_f64..0.2, 1..24),
            factors in proptest::collection::vec(-9_i32..10, 24),
        ) {
            // One common factor: always a valid covariance; few factors, so that many distances are equal.
            let cov = SymmetricMatrix::from_cells(sds.len(), |i, j| {
                let rho = if i == j { 1.0 } else { f64::from(factors[i] * factors[j]) / 100.0 };
                rho * sds[i] * sds[j]
            }).unwrap();
            let (weights, mut order) = hrp(&cov).unwrap();
            prop_assert_eq!(&order, &merged_lists(&cov));
            prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(weights.iter().all(|w| *w > 0.0));
            order.sort_unstable();
            prop_assert_eq!(order, (0..sds.len()).collect::<Vec<_>>());
        }
    }
}
