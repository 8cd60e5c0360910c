//! Asking many trees about one row: several walks go side by side, because each step of one must wait for the one before.

use super::bins::ordered;
use super::tree::Tree;

/// Walks side by side.
const LANES: usize = 8;

/// Columns of a row, and nodes of a tree, at most: others are walked one by one.
const WIDEST: usize = 256;

/// A node in eight bytes: values above `threshold` go to `low + 1`, all others to `low`; a leaf is its own `low`. Numbers are compared as
/// whole numbers of the same order, which takes fewer steps.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    threshold: u32,
    low: u16,
    column: u8,
}

const NOWHERE: Step = Step { threshold: u32::MAX, low: 0, column: 0 };

/// Trees laid out for the walk: as many as there are lanes lie one behind the other, each in as many places (a power of two) as the
/// largest of them needs, so that no place needs a check.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq)]
struct Group {
    /// Empty where a tree is too large.
    steps: Vec<Step>,
    depth: u32,
}

impl Layout {
    pub fn of(trees: &[Tree]) -> Self {
        Self { groups: trees.chunks(LANES).map(Group::of).collect() }
    }
}

impl Group {
    fn of(trees: &[Tree]) -> Self {
        let depth = trees.iter().map(Tree::depth).max().unwrap_or(0);
        let size = trees.iter().map(Tree::len).max().unwrap_or(0).next_power_of_two().max(16);
        let wide = trees.iter().flat_map(|t| &t.nodes).any(|node| node.column as usize >= WIDEST);
        if size > WIDEST || wide {
            return Self { steps: Vec::new(), depth };
        }
        let mut steps = vec![NOWHERE; LANES * size];
        for (steps, tree) in steps.chunks_mut(size).zip(trees) {
            for (step, node) in steps.iter_mut().zip(&tree.nodes) {
                *step = Step { threshold: ordered(node.threshold), low: node.low as u16, column: node.column as u8 };
            }
        }
        Self { steps, depth }
    }

    /// The leaf that each tree comes to.
    fn walk(&self, x: &[u32; WIDEST]) -> Option<[usize; LANES]> {
        match self.steps.len() / LANES {
            16 => walk::<16>(&self.steps, self.depth, x),
            32 => walk::<32>(&self.steps, self.depth, x),
            64 => walk::<64>(&self.steps, self.depth, x),
            128 => walk::<128>(&self.steps, self.depth, x),
            256 => walk::<256>(&self.steps, self.depth, x),
            _ => None,
        }
    }
}

#[expect(clippy::indexing_slicing, reason = "masked places are below the size")]
fn walk<const SIZE: usize>(steps: &[Step], depth: u32, x: &[u32; WIDEST]) -> Option<[usize; LANES]> {
    let (trees, _) = steps.as_chunks::<SIZE>();
    let trees: &[[Step; SIZE]; LANES] = trees.try_into().ok()?;
    let mut at = [0_usize; LANES];
    for _ in 0..depth {
        for (at, tree) in at.iter_mut().zip(trees) {
            let step = &tree[*at & (SIZE - 1)];
            *at = usize::from(step.low) + usize::from(x[usize::from(step.column)] > step.threshold);
        }
    }
    Some(at)
}

/// Calls `each` with the value of every tree in order; `None` for a row of the wrong width or with a NaN.
pub(super) fn each_value(
    trees: &[Tree],
    layout: &Layout,
    width: usize,
    x: &[f32],
    mut each: impl FnMut(f64),
) -> Option<()> {
    if x.len() != width || x.iter().any(|v| v.is_nan()) {
        return None;
    }
    let mut row = [0; WIDEST];
    row.iter_mut().zip(x).for_each(|(slot, value)| *slot = ordered(*value));
    for (trees, group) in trees.chunks(LANES).zip(&layout.groups) {
        if let Some(leaves) = group.walk(&row) {
            for (tree, leaf) in trees.iter().zip(leaves) {
                each(*tree.value.get(leaf)?);
            }
        } else {
            for tree in trees {
                each(tree.value(x)?);
            }
        }
    }
    Some(())
}
