//! Shallow classification trees with leaf probabilities, kept as a flat list that needs no library to read.
//!
//! `linfa-trees` merges sibling leaves that vote alike, which for an event rarer than one half removes every split that only changes the
//! odds. So it is asked for one split at a time, on class-balanced weights (where the two sides of a split cannot vote alike),
//! and the leaves get their frequencies here.

use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use linfa_trees::DecisionTree;
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::numbers::{logit, tidy};

/// Share of the tree's (class-balanced) weight that each side of a split must hold.
const MIN_LEAF_SHARE: f32 = 0.02;
/// Rows that each side of a split must hold.
const MIN_LEAF_ROWS: usize = 20;
/// Gini decrease below which a split is noise.
const MIN_GAIN: f64 = 1e-4;
/// Effective observations of the base rate that every leaf is shrunk with.
const PRIOR_WEIGHT: f64 = 10.0;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Node {
    /// `low` for values up to and including `at`, else `high`; both lie further down the list.
    Split { column: usize, at: f64, low: usize, high: usize },
    /// Log odds of the event.
    Leaf { logit: f64 },
}

/// A fitted tree; node 0 is the root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    nodes: Vec<Node>,
}

/// Training rows as a tree needs them.
pub struct TreeData<'a> {
    /// Scaled inputs, one row per observation.
    pub x: &'a Array2<f64>,
    pub wins: &'a [bool],
    /// Effective weights, for the leaf frequencies.
    pub weights: &'a [f64],
}

impl Tree {
    /// Grows on the rows drawn (with repetition) and sets the leaves from all rows.
    ///
    /// # Errors
    /// The library's complaint.
    pub fn fit(data: &TreeData<'_>, drawn: &[usize], depth: u32) -> Result<Self, String> {
        let mut tree = Self { nodes: Vec::new() };
        let min_leaf = MIN_LEAF_SHARE * drawn.len() as f32;
        tree.grow(data, drawn.to_vec(), depth, min_leaf)?;
        tree.set_leaves(data);
        Ok(tree)
    }

    fn grow(&mut self, data: &TreeData<'_>, rows: Vec<usize>, depth: u32, min_leaf: f32) -> Result<usize, String> {
        let place = self.nodes.len();
        self.nodes.push(Node::Leaf { logit: 0.0 });
        if depth == 0 {
            return Ok(place);
        }
        let Some((column, at)) = best_split(data, &rows, min_leaf)? else { return Ok(place) };
        let goes_low = |i: &usize| data.x.get((*i, column)).is_some_and(|v| *v <= at);
        let (low, high): (Vec<usize>, Vec<usize>) = rows.into_iter().partition(goes_low);
        if low.len() < MIN_LEAF_ROWS || high.len() < MIN_LEAF_ROWS {
            return Ok(place);
        }
        let low = self.grow(data, low, depth - 1, min_leaf)?;
        let high = self.grow(data, high, depth - 1, min_leaf)?;
        if let Some(node) = self.nodes.get_mut(place) {
            *node = Node::Split { column, at, low, high };
        }
        Ok(place)
    }

    /// Leaf frequency = weighted share of wins, shrunk to the base rate.
    fn set_leaves(&mut self, data: &TreeData<'_>) {
        let mut won = vec![0.0; self.nodes.len()];
        let mut all = vec![0.0; self.nodes.len()];
        for ((row, win), weight) in data.x.rows().into_iter().zip(data.wins).zip(data.weights) {
            if let Some(leaf) = self.leaf(|c| row.get(c).copied()) {
                if let Some(a) = all.get_mut(leaf) {
                    *a += weight;
                }
                if let Some(w) = won.get_mut(leaf).filter(|_| *win) {
                    *w += weight;
                }
            }
        }
        let base = won.iter().sum::<f64>() / all.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        for ((node, won), all) in self.nodes.iter_mut().zip(won).zip(all) {
            if let Node::Leaf { logit: odds } = node {
                *odds = tidy(logit((won + PRIOR_WEIGHT * base) / (all + PRIOR_WEIGHT)));
            }
        }
    }

    /// Index of the leaf that a row falls into; `None` for a damaged tree or a row that is too short.
    fn leaf(&self, value: impl Fn(usize) -> Option<f64>) -> Option<usize> {
        let mut place = 0;
        loop {
            match self.nodes.get(place)? {
                Node::Leaf { .. } => return Some(place),
                Node::Split { column, at, low, high } => {
                    let next = if value(*column)? <= *at { *low } else { *high };
                    // Children lie further down, so the walk ends whatever the file says.
                    place = (next > place).then_some(next)?;
                }
            }
        }
    }

    /// Log odds for scaled inputs.
    #[must_use]
    pub fn logit(&self, x: &[f64]) -> Option<f64> {
        match self.nodes.get(self.leaf(|c| x.get(c).copied())?)? {
            Node::Leaf { logit } => Some(*logit),
            Node::Split { .. } => None,
        }
    }

    /// Whether every path ends in a finite leaf over existing columns.
    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        !self.nodes.is_empty()
            && self.nodes.iter().enumerate().all(|(i, node)| match node {
                Node::Leaf { logit } => logit.is_finite(),
                Node::Split { column, at, low, high } => {
                    *column < width && at.is_finite() && [low, high].iter().all(|c| **c > i && **c < self.nodes.len())
                }
            })
    }
}

/// The best single split of the rows: column and threshold.
fn best_split(data: &TreeData<'_>, rows: &[usize], min_leaf: f32) -> Result<Option<(usize, f64)>, String> {
    let wins: Array1<bool> = rows.iter().filter_map(|i| data.wins.get(*i)).copied().collect();
    let won = wins.iter().filter(|w| **w).count();
    let lost = rows.len() - won;
    if won == 0 || lost == 0 || rows.len() < 2 * MIN_LEAF_ROWS {
        return Ok(None);
    }
    let half = rows.len() as f32 / 2.0;
    let (of_win, of_loss) = (half / won as f32, half / lost as f32);
    let weights: Array1<f32> = wins.iter().map(|w| if *w { of_win } else { of_loss }).collect();
    let dataset = DatasetBase::new(data.x.select(Axis(0), rows), wins).with_weights(weights);
    let stump = DecisionTree::<f64, bool>::params()
        .max_depth(Some(1))
        .min_weight_split(2.0 * min_leaf)
        .min_weight_leaf(min_leaf.max(1.0))
        .min_impurity_decrease(MIN_GAIN)
        .fit(&dataset)
        .map_err(|e| e.to_string())?;
    let root = stump.root_node();
    Ok((!root.is_leaf()).then(|| {
        let (column, at, _) = root.split();
        (column, tidy(at))
    }))
}

#[cfg(test)]
mod tests {
    use super::super::numbers::sigmoid;
    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn a_rare_event_keeps_its_odds() {
        // Wins: 25 % where both columns are positive, 2 % elsewhere. Every majority vote is "no"; the odds are not.
        let mut rng = SplitMix64::new(&[3]);
        let n = 6_000;
        let x = Array2::from_shape_fn((n, 3), |_| rng.normal());
        let mut truth = SplitMix64::new(&[4]);
        let wins: Vec<bool> =
            x.rows().into_iter().map(|r| truth.unit() < if r[0] > 0.0 && r[1] > 0.0 { 0.25 } else { 0.02 }).collect();
        let weights = vec![1.0; n];
        let rows: Vec<usize> = (0..n).collect();
        let tree = Tree::fit(&TreeData { x: &x, wins: &wins, weights: &weights }, &rows, 3).unwrap();
        assert!(tree.is_sound(3));
        let p = |x: &[f64]| sigmoid(tree.logit(x).unwrap());
        assert!((p(&[1.0, 1.0, 0.0]) - 0.25).abs() < 0.06, "{}", p(&[1.0, 1.0, 0.0]));
        assert!((p(&[-1.0, -1.0, 0.0]) - 0.02).abs() < 0.02, "{}", p(&[-1.0, -1.0, 0.0]));
        // Mean of the leaves equals the base rate over the training rows.
        let mean = x.rows().into_iter().map(|r| p(r.as_slice().unwrap())).sum::<f64>() / n as f64;
        let base = wins.iter().filter(|w| **w).count() as f64 / n as f64;
        assert!((mean - base).abs() < 0.005);
    }

    #[test]
    fn one_class_is_one_leaf_and_damage_is_seen() {
        let x = Array2::zeros((100, 2));
        let data = TreeData { x: &x, wins: &[false; 100], weights: &[1.0; 100] };
        let tree = Tree::fit(&data, &(0..100).collect::<Vec<_>>(), 4).unwrap();
        assert_eq!(tree.nodes.len(), 1);
        assert!(tree.logit(&[0.0, 0.0]).unwrap() < -20.0);
        let loops = Tree { nodes: vec![Node::Split { column: 0, at: 0.0, low: 0, high: 0 }] };
        assert!(!loops.is_sound(2));
        assert_eq!(loops.logit(&[1.0, 1.0]), None);
        assert!(!Tree { nodes: vec![] }.is_sound(2));
    }
}
