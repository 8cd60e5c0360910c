//! What each column contributed to one prediction: exact Shapley values of the path-dependent expectation, in polynomial time (Lundberg, Erion, Lee
//! 2018, algorithm 2; Lundberg et al. 2020).

use super::tree::Tree;

/// `base + Σ of` is the prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// The mean prediction over the training rows.
    pub base: f64,
    /// By column.
    pub of: Vec<f64>,
}

/// The columns met on the way down.
#[derive(Debug, Clone, Copy)]
struct Step {
    column: usize,
    /// Share of the paths that flow through where the column is not known, and whether this row does where it is.
    zero: f64,
    one: f64,
    /// Weight of the subsets of each size.
    weight: f64,
}

/// A column that no tree has.
const NONE: usize = usize::MAX;

/// Adds a tree's contributions for a row, which must be as wide as the tree asks.
pub(super) fn add(tree: &Tree, x: &[f32], to: &mut [f64]) {
    let start = Step { column: NONE, zero: 1.0, one: 1.0, weight: 0.0 };
    descend(tree, x, to, 0, Vec::new(), start);
}

fn descend(tree: &Tree, x: &[f32], to: &mut [f64], node: usize, mut path: Vec<Step>, step: Step) {
    extend(&mut path, step);
    let Some(view) = tree.node(node) else { return };
    let Some(split) = view.split else {
        for (i, step) in path.iter().enumerate().skip(1) {
            if let Some(slot) = to.get_mut(step.column) {
                *slot += unwound_sum(&path, i) * (step.one - step.zero) * view.value;
            }
        }
        return;
    };
    let goes_low = x.get(split.column).is_some_and(|v| *v <= split.threshold);
    let mut known = Step { column: split.column, zero: 1.0, one: 1.0, weight: 0.0 };
    if let Some(i) = path.iter().position(|s| s.column == split.column) {
        known = path.get(i).copied().unwrap_or(known);
        unwind(&mut path, i);
    }
    for (child, hot) in [(split.low, goes_low), (split.high, !goes_low)] {
        let share = tree.node(child).map_or(0.0, |c| c.cover) / view.cover;
        let one = if hot { known.one } else { 0.0 };
        descend(tree, x, to, child, path.clone(), Step { zero: known.zero * share, one, ..known });
    }
}

#[expect(clippy::indexing_slicing, reason = "all places are below the length of the path")]
fn extend(path: &mut Vec<Step>, step: Step) {
    let length = path.len();
    path.push(Step { weight: if length == 0 { 1.0 } else { 0.0 }, ..step });
    let all = (length + 1) as f64;
    for i in (0..length).rev() {
        path[i + 1].weight += step.one * path[i].weight * (i + 1) as f64 / all;
        path[i].weight *= step.zero * (length - i) as f64 / all;
    }
}

#[expect(clippy::indexing_slicing, reason = "all places are below the length of the path")]
fn unwind(path: &mut Vec<Step>, at: usize) {
    let last = path.len() - 1;
    let Step { zero, one, .. } = path[at];
    let all = (last + 1) as f64;
    let mut next = path[last].weight;
    for i in (0..last).rev() {
        if one == 0.0 {
            path[i].weight *= all / (zero * (last - i) as f64);
        } else {
            let old = path[i].weight;
            path[i].weight = next * all / ((i + 1) as f64 * one);
            next = old - path[i].weight * zero * (last - i) as f64 / all;
        }
    }
    for i in at..last {
        path[i] = Step { weight: path[i].weight, ..path[i + 1] };
    }
    path.pop();
}

/// Sum of the weights as if step `at` were unwound.
#[expect(clippy::indexing_slicing, reason = "all places are below the length of the path")]
fn unwound_sum(path: &[Step], at: usize) -> f64 {
    let last = path.len() - 1;
    let Step { zero, one, .. } = path[at];
    let all = (last + 1) as f64;
    let mut next = path[last].weight;
    let mut total = 0.0;
    for i in (0..last).rev() {
        if one == 0.0 {
            total += path[i].weight * all / (zero * (last - i) as f64);
        } else {
            let weight = next * all / ((i + 1) as f64 * one);
            total += weight;
            next = path[i].weight - weight * zero * (last - i) as f64 / all;
        }
    }
    total
}

/// Contributions of a sum of trees.
pub(super) fn explain(trees: &[Tree], width: usize, x: &[f32]) -> Option<Contributions> {
    if x.len() != width || x.iter().any(|v| v.is_nan()) {
        return None;
    }
    let mut of = vec![0.0; width];
    trees.iter().for_each(|tree| add(tree, x, &mut of));
    Some(Contributions { base: trees.iter().map(Tree::expected).sum(), of })
}

#[cfg(test)]
mod tests {
    use super::super::tree::Stored;
    use super::*;

    /// Expectation of a tree where only the columns of `known` are.
    fn expectation(tree: &Tree, x: &[f32], known: u32, node: usize) -> f64 {
        let view = tree.node(node).unwrap();
        let Some(split) = view.split else { return view.value };
        if known >> split.column & 1 == 1 {
            let next = if x[split.column] <= split.threshold { split.low } else { split.high };
            return expectation(tree, x, known, next);
        }
        let part = |child| tree.node(child).unwrap().cover / view.cover * expectation(tree, x, known, child);
        part(split.low) + part(split.high)
    }

    /// Shapley's sum over all subsets.
    fn shapley(tree: &Tree, x: &[f32], column: usize) -> f64 {
        let width = x.len();
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        (0..1_u32 << width)
            .filter(|set| set >> column & 1 == 0)
            .map(|set| {
                let size = set.count_ones();
                let weight = factorial(size) * factorial(width as u32 - size - 1) / factorial(width as u32);
                weight * (expectation(tree, x, set | 1 << column, 0) - expectation(tree, x, set, 0))
            })
            .sum()
    }

    #[test]
    fn contributions_are_the_shapley_values() {
        // Column 1 is met twice on a path; column 3 never.
        let stored = Stored {
            low: vec![1, 3, 5, 7, 0, 0, 0, 0, 0],
            column: vec![1, 0, 2, 1],
            threshold: vec![0.0, 1.0, -1.0, -2.0],
            gain: vec![1.0; 4],
            value: vec![3.0, -1.0, 10.0, 0.5, -4.0],
            cover: vec![2.0, 5.0, 1.0, 7.5, 3.0],
        };
        let tree = Tree::try_from(stored).unwrap();
        for x in [[0.0, 0.0, 0.0, 9.0], [2.0, -3.0, -5.0, 0.0], [0.5, -2.5, 1.0, 0.0], [0.5, 4.0, -1.0, 0.0]] {
            let got = explain(std::slice::from_ref(&tree), 4, &x).unwrap();
            for (column, got) in got.of.iter().enumerate() {
                assert!((got - shapley(&tree, &x, column)).abs() < 1e-12, "{x:?} {column}");
            }
            assert!((got.base + got.of.iter().sum::<f64>() - tree.value(&x).unwrap()).abs() < 1e-12);
            assert!((got.base - expectation(&tree, &x, 0, 0)).abs() < 1e-12);
        }
        assert_eq!(explain(&[tree], 4, &[0.0, f32::NAN, 0.0, 0.0]), None);
    }
}
