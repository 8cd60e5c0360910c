//! Growing one tree: the leaf with the largest gain is split first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::bins::Binned;
use super::error::FitError;
use super::histogram::{Ground, Histogram, Split};
use super::rows::partition;
use super::sums::{Cell, Sums, add, minus};
use super::tree::{Stored, Tree};
use crate::domain::random::SplitMix64;

/// Limits of one tree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// 0: no limit.
    pub max_leaves: u32,
    /// Splits on a path; 0: no limit.
    pub max_depth: u32,
    /// Rows on each side of a split; a row drawn twice counts twice.
    pub min_leaf_rows: u32,
    /// Sample weight on each side of a split.
    pub min_leaf_weight: f64,
    /// λ: a leaf of Hessian `H` is shrunk by `H/(H+λ)`.
    pub l2: f64,
    /// `G²/(H+λ)` of both sides less that of the whole must exceed it.
    pub min_gain: f64,
    /// Columns that each split may choose from, drawn anew; `None`: all.
    pub columns_per_split: Option<u32>,
}

impl Growth {
    pub(super) fn check(&self) -> Result<(), FitError> {
        let all = [("min_leaf_weight", self.min_leaf_weight), ("l2", self.l2), ("min_gain", self.min_gain)];
        match all.into_iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
            Some((what, _)) => Err(FitError::Setting { what, rule: "a finite number of at least 0" }),
            None => Ok(()),
        }
    }
}

/// A tree's shape, before its leaves have values.
pub(super) struct Grown<const K: usize> {
    pub nodes: Vec<GrownNode<K>>,
}

pub(super) struct GrownNode<const K: usize> {
    /// The split and the low child; `None` in a leaf.
    pub split: Option<(Split<K>, usize)>,
    /// Its part of the partitioned rows.
    pub range: Range<usize>,
    pub total: Cell<K>,
}

/// A leaf that could be split, or a root.
struct Open<const K: usize> {
    node: usize,
    depth: u32,
    split: Split<K>,
    histogram: Option<Histogram<K>>,
    rank: f64,
}

impl<const K: usize> PartialEq for Open<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<const K: usize> Eq for Open<K> {}

impl<const K: usize> PartialOrd for Open<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const K: usize> Ord for Open<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.total_cmp(&other.rank).then(other.node.cmp(&self.node))
    }
}

/// Histograms and rows that trees hand on to one another.
#[derive(Default)]
pub(super) struct Workspace<const K: usize> {
    free: Vec<Histogram<K>>,
    spare: Vec<u32>,
}

struct Grower<'a, const K: usize> {
    ground: &'a Ground<'a, K>,
    work: &'a mut Workspace<K>,
    seed: u64,
    nodes: Vec<GrownNode<K>>,
    frontier: BinaryHeap<Open<K>>,
}

/// Grows on `rows`, which are left in the order of the leaves.
pub(super) fn grow<const K: usize>(
    ground: &Ground<'_, K>,
    rows: &mut [u32],
    seed: u64,
    work: &mut Workspace<K>,
) -> Grown<K> {
    let mut total = [0; K];
    rows.iter().filter_map(|r| ground.cells.get(*r as usize)).for_each(|cell| add(&mut total, cell));
    let root = GrownNode { split: None, range: 0..rows.len(), total };
    let mut grower = Grower { ground, work, seed, nodes: vec![root], frontier: BinaryHeap::new() };
    grower.root(rows);
    let mut leaves = 1;
    while let Some(open) = grower.frontier.pop() {
        if ground.growth.max_leaves != 0 && leaves >= ground.growth.max_leaves {
            grower.frontier.push(open);
            break;
        }
        leaves += 1;
        let last = leaves == ground.growth.max_leaves;
        grower.split(open, rows, last);
    }
    let kept = std::mem::take(&mut grower.frontier).into_iter().filter_map(|open| open.histogram);
    grower.work.free.extend(kept);
    Grown { nodes: grower.nodes }
}

impl<const K: usize> Grower<'_, K> {
    /// Whether all columns are judged at every split, so that a parent's histogram is of use to its children.
    fn subtracts(&self) -> Option<usize> {
        self.ground.cells_of_all().filter(|_| self.ground.growth.columns_per_split.is_none())
    }

    fn may_split(&self, total: &Cell<K>, depth: u32) -> bool {
        let growth = self.ground.growth;
        let Sums { weight, rows, .. } = self.ground.scale.sums(total);
        (growth.max_depth == 0 || depth < growth.max_depth)
            && rows >= 2 * u64::from(growth.min_leaf_rows.max(1))
            && weight >= 2.0 * growth.min_leaf_weight
    }

    fn histogram(&mut self, cells: usize) -> Histogram<K> {
        let mut histogram = self.work.free.pop().unwrap_or_default();
        histogram.resize(cells, [0; K]);
        histogram
    }

    fn open(&mut self, node: usize, depth: u32, split: Option<Split<K>>, histogram: Option<Histogram<K>>) {
        match split {
            Some(split) => {
                // Without a limit of leaves the order does not matter, and going deep first keeps few histograms alive.
                let rank = if self.ground.growth.max_leaves == 0 { f64::from(depth) } else { split.gain };
                self.frontier.push(Open { node, depth, split, histogram, rank });
            }
            None => self.work.free.extend(histogram),
        }
    }

    fn root(&mut self, rows: &[u32]) {
        let Some(total) = self.nodes.first().map(|root| root.total) else { return };
        if !self.may_split(&total, 0) {
            return;
        }
        if let Some(cells) = self.subtracts() {
            let mut histogram = self.histogram(cells);
            let split = self.ground.root(rows, &total, &mut histogram);
            self.open(0, 0, split, Some(histogram));
        } else {
            let split = self.ground.among(&self.drawn(0), rows, &total);
            self.open(0, 0, split, None);
        }
    }

    /// Columns that a node may split on.
    fn drawn(&self, node: usize) -> Vec<usize> {
        let data = self.ground.data;
        let mut columns: Vec<usize> = (0..data.width()).filter(|c| !data.cuts(*c).is_empty()).collect();
        let Some(wanted) = self.ground.growth.columns_per_split else { return columns };
        let wanted = (wanted.max(1) as usize).min(columns.len());
        let mut rng = SplitMix64::new(&[self.seed, node as u64]);
        for i in 0..wanted {
            let other = i + rng.below(columns.len() - i);
            columns.swap(i, other);
        }
        columns.truncate(wanted);
        columns.sort_unstable();
        columns
    }

    fn split(&mut self, open: Open<K>, rows: &mut [u32], last: bool) {
        let Open { node, depth, split, histogram, .. } = open;
        let low = self.nodes.len();
        let Some(parent) = self.nodes.get_mut(node) else { return };
        parent.split = Some((split, low));
        let (range, total) = (parent.range.clone(), parent.total);
        let Some(mine) = rows.get_mut(range.clone()) else { return };
        let parallel = self.ground.parallel;
        let count = partition(self.ground.data, split.column, split.bin, mine, &mut self.work.spare, parallel);
        let middle = range.start + count;
        let totals = [split.low, minus(&total, &split.low)];
        let ranges = [range.start..middle, middle..range.end];
        for (range, total) in ranges.iter().zip(totals) {
            self.nodes.push(GrownNode { split: None, range: range.clone(), total });
        }
        let depth = depth + 1;
        let may = totals.map(|total| !last && self.may_split(&total, depth));
        match histogram {
            Some(parent) if may.contains(&true) => self.subtract(low, depth, rows, may, parent),
            Some(parent) => self.work.free.push(parent),
            None => {
                for (child, (range, (total, may))) in (low..).zip(ranges.into_iter().zip(totals.iter().zip(may))) {
                    if may {
                        let mine = rows.get(range).unwrap_or_default();
                        let split = self.ground.among(&self.drawn(child), mine, total);
                        self.open(child, depth, split, None);
                    }
                }
            }
        }
    }

    /// Judges both children by the histogram of the smaller one and the difference to the parent's.
    fn subtract(&mut self, low: usize, depth: u32, rows: &[u32], may: [bool; 2], mut parent: Histogram<K>) {
        let mut out = self.histogram(parent.len());
        let Some([a, b]) = self.nodes.get(low..low + 2) else { return };
        let low_is_small = a.range.len() <= b.range.len();
        let (small, large) = if low_is_small { (a, b) } else { (b, a) };
        let mine = rows.get(small.range.clone()).unwrap_or_default();
        let [small, large] = self.ground.children(mine, [&small.total, &large.total], &mut out, &mut parent);
        let sides = if low_is_small { [(small, out), (large, parent)] } else { [(large, parent), (small, out)] };
        for ((child, may), (split, histogram)) in (low..).zip(may).zip(sides) {
            self.open(child, depth, split.filter(|_| may), Some(histogram));
        }
    }
}

impl<const K: usize> Grown<K> {
    /// The finished tree; `values` and `cover` are asked of leaves.
    pub(super) fn tree(
        &self,
        value: impl Fn(usize) -> f64,
        cover: impl Fn(usize) -> f64,
    ) -> Result<Tree, &'static str> {
        let mut stored = Stored::default();
        for (i, node) in self.nodes.iter().enumerate() {
            if let Some((split, low)) = node.split {
                stored.low.push(low as u32);
                stored.column.push(split.column as u32);
                stored.threshold.push(split.threshold);
                stored.gain.push(split.gain.min(f64::from(f32::MAX)) as f32);
            } else {
                stored.low.push(0);
                stored.value.push(value(i));
                stored.cover.push(cover(i));
            }
        }
        Tree::try_from(stored)
    }

    /// Sends other rows down the tree: for every leaf its part of `rows`, which are left in the order of the leaves.
    pub(super) fn route(&self, data: &Binned, rows: &mut [u32], spare: &mut Vec<u32>) -> Vec<(usize, Range<usize>)> {
        let mut found = Vec::new();
        let mut todo = vec![(0, 0..rows.len())];
        while let Some((node, range)) = todo.pop() {
            let Some((split, low)) = self.nodes.get(node).and_then(|n| n.split) else {
                found.push((node, range));
                continue;
            };
            let mine = rows.get_mut(range.clone()).unwrap_or_default();
            let middle = range.start + partition(data, split.column, split.bin, mine, spare, true);
            todo.push((low, range.start..middle));
            todo.push((low + 1, middle..range.end));
        }
        found
    }
}
