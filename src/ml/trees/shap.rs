//! What each column contributed to one prediction: exact Shapley values of the path-dependent expectation (Lundberg, Erion, Lee 2018; Lundberg et
//! al. 2020), from the multilinear extension (Owen 1972) instead of sums over subset sizes.
//!
//! Let every column be known with probability `t`. A leaf is then reached with the product, over the columns on its path, of
//! `one·t + zero·(1−t)`: `zero` is the share of the cover that flows to the leaf where the column is not known, `one` says whether this row goes there
//! where it is. A column's Shapley value is the integral over `t` in `0..=1` of what knowing it adds: a polynomial, which Gauss and
//! Legendre's rule integrates exactly. One walk per tree computes it for several `t` at once; sums over the leaves below a split are made
//! on the way back (as in Yu et al. 2022), so a node costs the same whatever its depth.

use super::tree::Tree;
use crate::ml::contributions::Contributions;

/// Values of `t` that one walk takes along.
const LANES: usize = 4;
/// Splits on a path, beyond which a tree is not explained: the walk needs the stack.
const DEEPEST: u32 = 1_000;

type Lanes = [f64; LANES];

fn both(a: &Lanes, b: &Lanes, f: impl Fn(f64, f64) -> f64) -> Lanes {
    let mut out = *a;
    out.iter_mut().zip(b).for_each(|(a, b)| *a = f(*a, *b));
    out
}

/// Values of `t` and their weights in the integral.
#[derive(Debug, Clone, Copy)]
struct Nodes {
    t: Lanes,
    /// `1 − t`.
    rest: Lanes,
    weight: Lanes,
}

/// Gauss and Legendre's rule over `0..=1` with `LANES · walks` nodes, exact for polynomials up to degree `2 · LANES · walks − 1`.
fn rule(walks: usize) -> Vec<Nodes> {
    let n = walks * LANES;
    // The nodes are the roots of Legendre's polynomial, found by Newton's method.
    let node = |i: usize| {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..8 {
            let (mut before, mut value) = (1.0, x);
            for k in 2..=n {
                let k = k as f64;
                (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
            }
            slope = n as f64 * (x * value - before) / (x * x - 1.0);
            x -= value / slope;
        }
        (f64::midpoint(x, 1.0), 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..walks)
        .map(|walk| {
            let nodes: [(f64, f64); LANES] = std::array::from_fn(|lane| node(walk * LANES + lane));
            Nodes { t: nodes.map(|n| n.0), rest: nodes.map(|n| 1.0 - n.0), weight: nodes.map(|n| n.1) }
        })
        .collect()
}

/// What the path down to here says of one column.
#[derive(Debug, Clone, Copy)]
struct Flow {
    one: f64,
    zero: f64,
    /// Met on the path at all.
    met: bool,
}

const UNMET: Flow = Flow { one: 1.0, zero: 1.0, met: false };

impl Flow {
    fn factor(self, nodes: &Nodes) -> Lanes {
        both(&nodes.t, &nodes.rest, |t, rest| self.one * t + self.zero * rest)
    }
}

/// The columns' part of the integral, where their effect, the other columns' products and the leaves below are as given.
fn part(effect: f64, others: &Lanes, below: &Lanes) -> f64 {
    let [a, b, c, d] = both(others, below, |o, b| o * b);
    effect * ((a + c) + (b + d))
}

/// One walk through a tree.
struct Walk<'a> {
    tree: &'a Tree,
    x: &'a [f32],
    nodes: &'a Nodes,
    /// By column.
    flow: &'a mut [Flow],
    to: &'a mut [f64],
}

impl Walk<'_> {
    /// Adds the parts of all splits from `node` down. `product`: the weights times the factors of all columns on the path. Returns the leaves below, each
    /// times the factors that the splits on the way to it add to `product`.
    #[expect(
        clippy::indexing_slicing,
        reason = "a tree's columns and children were checked when it was made, and the row is as wide"
    )]
    fn down(&mut self, node: usize, product: &Lanes) -> Lanes {
        let split = self.tree.nodes[node];
        let (low, column) = (split.low as usize, split.column as usize);
        if low == node {
            return [self.tree.value[node]; LANES];
        }
        let met = self.flow[column];
        let undo = if met.met { met.factor(self.nodes).map(|old| 1.0 / old) } else { [1.0; LANES] };
        let others = both(product, &undo, |p, u| p * u);
        let high = usize::from(self.x[column] > split.threshold);
        let share = met.zero / self.tree.cover[node];
        let mut added = 0.0;
        let mut sum = [0.0; LANES];
        for side in [0, 1] {
            let child = low + side;
            let one = if side == high { met.one } else { 0.0 };
            let flow = Flow { one, zero: share * self.tree.cover[child], met: true };
            let new = flow.factor(self.nodes);
            // Half of the nodes are leaves and need no call of their own.
            let below = if self.tree.nodes[child].low as usize == child {
                [self.tree.value[child]; LANES]
            } else {
                self.flow[column] = flow;
                self.down(child, &both(&others, &new, |o, n| o * n))
            };
            added += part(flow.one - flow.zero, &others, &below);
            sum = both(&sum, &both(&new, &below, |n, b| n * b), |s, r| s + r);
        }
        sum = both(&sum, &undo, |s, u| s * u);
        if met.met {
            // What the split above on this column adds for the leaves here is replaced.
            added -= part(met.one - met.zero, &others, &sum);
        }
        self.flow[column] = met;
        self.to[column] += added;
        sum
    }
}

/// Contributions of a sum of trees; `None` for a row of another width or with a NaN, and for trees of more than 1,000 levels.
pub(super) fn explain(trees: &[Tree], width: usize, x: &[f32]) -> Option<Contributions> {
    let depth = trees.iter().map(Tree::depth).max().unwrap_or(0);
    if x.len() != width || x.iter().any(|v| v.is_nan()) || depth > DEEPEST {
        return None;
    }
    // A path of `d` columns makes a polynomial of degree `d − 1`.
    let walks = |depth: u32| (depth as usize).min(width).div_ceil(2 * LANES);
    let rules: Vec<Vec<Nodes>> = (0..=walks(depth)).map(rule).collect();
    let (mut flow, mut inputs) = (vec![UNMET; width], vec![0.0; width]);
    for tree in trees {
        for nodes in rules.get(walks(tree.depth()))? {
            Walk { tree, x, nodes, flow: &mut flow, to: &mut inputs }.down(0, &nodes.weight);
        }
    }
    Some(Contributions { base: trees.iter().map(Tree::expected).sum(), inputs })
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

    /// A tree that splits its last leaf again and again, over columns in turn: one long path, each column met several times.
    fn chain(splits: u32, columns: u32) -> Tree {
        let leaf = |i: u32| f64::from((i * 7) % 5) - 1.5;
        let stored = Stored {
            low: (0..=2 * splits).map(|i| if i % 2 == 0 && i < 2 * splits { i + 1 } else { 0 }).collect(),
            column: (0..splits).map(|i| i % columns).collect(),
            threshold: (0..splits).map(|i| (i / columns) as f32 - 1.0).collect(),
            gain: vec![1.0; splits as usize],
            value: (0..=splits).map(leaf).collect(),
            cover: (0..=splits).map(|i| f64::from(1 + i % 3)).collect(),
        };
        Tree::try_from(stored).unwrap()
    }

    #[test]
    fn long_paths_take_several_walks() {
        for (splits, columns) in [(1, 1), (8, 8), (9, 9), (12, 12), (30, 10), (40, 12)] {
            let tree = chain(splits, columns);
            let x: Vec<f32> = (0..columns).map(|c| if c % 3 == 1 { 0.5 } else { 9.0 }).collect();
            let got = explain(std::slice::from_ref(&tree), columns as usize, &x).unwrap();
            for (column, got) in got.inputs.iter().enumerate() {
                let want = shapley(&tree, &x, column);
                assert!((got - want).abs() < 1e-11, "{splits} splits, column {column}: {got} {want}");
            }
            assert!((got.output() - tree.value(&x).unwrap()).abs() < 1e-11);
        }
        // Too long for the stack.
        let tree = chain(DEEPEST + 1, 1);
        assert_eq!(explain(&[tree], 1, &[0.0]), None);
        let tree = chain(DEEPEST, 40);
        let x = vec![1e9; 40];
        assert!(
            (explain(std::slice::from_ref(&tree), 40, &x).unwrap().output() - tree.value(&x).unwrap()).abs() < 1e-9
        );
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
            for (column, got) in got.inputs.iter().enumerate() {
                assert!((got - shapley(&tree, &x, column)).abs() < 1e-12, "{x:?} {column}");
            }
            assert!((got.output() - tree.value(&x).unwrap()).abs() < 1e-12);
            assert!((got.base - expectation(&tree, &x, 0, 0)).abs() < 1e-12);
        }
        assert_eq!(explain(&[tree], 4, &[0.0, f32::NAN, 0.0, 0.0]), None);
    }
}
