//! One fitted tree: raw feature values in, a leaf's value out.

use serde::{Deserialize, Serialize};

/// A node as the walk needs it: values above `threshold` go to `low + 1`, all others to `low`. A leaf is its own `low` and nothing is above its
/// threshold, so a walk may go on for a fixed number of steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub threshold: f32,
    pub column: u32,
    pub low: u32,
}

/// A regression tree; node 0 is the root and children lie behind their parents, side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
    /// Of every node: the leaf's value, or the mean of the leaves below by cover.
    pub(super) value: Vec<f64>,
    /// Of every node: weight of the training rows that reached it.
    pub(super) cover: Vec<f64>,
    /// Of every node: what its split gained; 0 in a leaf.
    gain: Vec<f32>,
    depth: u32,
}

/// A tree as files have it: `low` of every node (0 in a leaf), the rest of splits or leaves alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    pub low: Vec<u32>,
    pub column: Vec<u32>,
    pub threshold: Vec<f32>,
    pub gain: Vec<f32>,
    pub value: Vec<f64>,
    pub cover: Vec<f64>,
}

/// What a node says, for reading a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NodeView {
    /// `None` in a leaf.
    pub split: Option<SplitView>,
    /// Mean of the leaves below by cover; the value itself in a leaf.
    pub value: f64,
    /// Weight of the training rows here.
    pub cover: f64,
}

/// Rows with `value <= threshold` go to node `low`, the others to `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SplitView {
    pub column: usize,
    pub threshold: f32,
    pub low: usize,
    pub high: usize,
    pub gain: f64,
}

impl TryFrom<Stored> for Tree {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        const DAMAGED: &str = "a tree is damaged: its lists do not fit together";
        let nodes = stored.low.len();
        let mut tree = Self {
            nodes: Vec::with_capacity(nodes),
            value: vec![0.0; nodes],
            cover: vec![0.0; nodes],
            gain: vec![0.0; nodes],
            depth: 0,
        };
        let mut splits = stored.column.iter().zip(&stored.threshold).zip(&stored.gain);
        let mut leaves = stored.value.iter().zip(&stored.cover);
        let whole = stored.column.len() == stored.threshold.len()
            && stored.column.len() == stored.gain.len()
            && stored.value.len() == stored.cover.len()
            && stored.column.len() + stored.value.len() == nodes;
        if !whole {
            return Err(DAMAGED);
        }
        for (i, low) in stored.low.iter().enumerate() {
            if *low == 0 {
                let (value, cover) = leaves.next().ok_or(DAMAGED)?;
                tree.nodes.push(Node { threshold: f32::INFINITY, column: 0, low: i as u32 });
                tree.set(i, *value, *cover, 0.0);
            } else {
                let ((column, threshold), gain) = splits.next().ok_or(DAMAGED)?;
                tree.nodes.push(Node { threshold: *threshold, column: *column, low: *low });
                tree.set(i, 0.0, 0.0, *gain);
            }
        }
        if !tree.is_shaped() {
            return Err(DAMAGED);
        }
        tree.summarise();
        Ok(tree)
    }
}

impl From<Tree> for Stored {
    fn from(tree: Tree) -> Self {
        let mut stored = Self::default();
        for (i, node) in tree.nodes.iter().enumerate() {
            let at = |list: &[f64]| list.get(i).copied().unwrap_or(0.0);
            if node.low as usize == i {
                stored.low.push(0);
                stored.value.push(at(&tree.value));
                stored.cover.push(at(&tree.cover));
            } else {
                stored.low.push(node.low);
                stored.column.push(node.column);
                stored.threshold.push(node.threshold);
                stored.gain.push(tree.gain.get(i).copied().unwrap_or(0.0));
            }
        }
        stored
    }
}

impl Tree {
    fn set(&mut self, i: usize, value: f64, cover: f64, gain: f32) {
        if let (Some(v), Some(c), Some(g)) = (self.value.get_mut(i), self.cover.get_mut(i), self.gain.get_mut(i)) {
            (*v, *c, *g) = (value, cover, gain);
        }
    }

    /// Whether children lie behind their parents and every node but the root has one parent.
    fn is_shaped(&self) -> bool {
        let n = self.nodes.len();
        let mut parents = vec![0_u32; n];
        for (i, node) in self.nodes.iter().enumerate() {
            let low = node.low as usize;
            if low == i {
                continue;
            }
            if low < i || low + 1 >= n {
                return false;
            }
            parents.iter_mut().skip(low).take(2).for_each(|count| *count += 1);
        }
        let lists = [self.value.len(), self.cover.len(), self.gain.len()];
        n > 0 && lists.iter().all(|l| *l == n) && parents.iter().skip(1).all(|p| *p == 1)
    }

    /// Fills what splits know from their leaves, and the depth.
    fn summarise(&mut self) {
        let mut height = vec![0_u32; self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate().rev() {
            let low = node.low as usize;
            if low == i {
                continue;
            }
            let (Some([va, vb]), Some([ca, cb])) = (self.value.get(low..low + 2), self.cover.get(low..low + 2)) else {
                continue;
            };
            let (value, cover) = ((va * ca + vb * cb) / (ca + cb), ca + cb);
            let below = height.iter().skip(low).take(2).max().copied().unwrap_or(0);
            if let (Some(v), Some(c), Some(h)) = (self.value.get_mut(i), self.cover.get_mut(i), height.get_mut(i)) {
                (*v, *c, *h) = (value, cover, below + 1);
            }
        }
        self.depth = height.first().copied().unwrap_or(0);
    }

    /// Whether every path ends in a finite leaf over columns below `width`.
    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        let node = |(i, node): (usize, &Node)| {
            node.low as usize == i && node.threshold == f32::INFINITY && node.column == 0
                || (node.column as usize) < width && node.threshold.is_finite()
        };
        self.is_shaped()
            && self.nodes.iter().enumerate().all(node)
            && self.value.iter().all(|v| v.is_finite())
            && self.cover.iter().all(|c| c.is_finite() && *c > 0.0)
            && self.gain.iter().all(|g| g.is_finite() && *g >= 0.0)
    }

    /// Number of nodes, leaves included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Splits on the longest path.
    #[must_use]
    pub const fn depth(&self) -> u32 {
        self.depth
    }

    /// Node `i`; 0 is the root.
    #[must_use]
    pub fn node(&self, i: usize) -> Option<NodeView> {
        let node = self.nodes.get(i)?;
        let low = node.low as usize;
        let split = (low != i).then_some(SplitView {
            column: node.column as usize,
            threshold: node.threshold,
            low,
            high: low + 1,
            gain: f64::from(*self.gain.get(i)?),
        });
        Some(NodeView { split, value: *self.value.get(i)?, cover: *self.cover.get(i)? })
    }

    /// Mean of the training rows' values, by cover: what the tree says when it knows nothing.
    pub(super) fn expected(&self) -> f64 {
        self.value.first().copied().unwrap_or(0.0)
    }

    /// Adds the gain of every split to its column.
    pub(super) fn add_gains(&self, to: &mut [f64]) {
        for (i, (node, gain)) in self.nodes.iter().zip(&self.gain).enumerate() {
            if let Some(sum) = to.get_mut(node.column as usize).filter(|_| node.low as usize != i) {
                *sum += f64::from(*gain);
            }
        }
    }

    /// Value for one row of raw values; `None` for a row that is too short, a NaN on the way, or a damaged tree.
    #[must_use]
    pub fn value(&self, x: &[f32]) -> Option<f64> {
        let mut at = 0_usize;
        loop {
            let node = self.nodes.get(at)?;
            let low = node.low as usize;
            if low == at {
                return self.value.get(at).copied();
            }
            let value = x.get(node.column as usize).filter(|v| !v.is_nan())?;
            // Children lie behind their parents, so the walk ends whatever the tree says.
            at = (low > at).then_some(low + usize::from(*value > node.threshold))?;
        }
    }
}
