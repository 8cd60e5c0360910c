//! Asking many trees at once: several walks go side by side, because each step of one must wait for memory.

use rayon::prelude::*;

use super::matrix::Columns;
use super::tree::Tree;

/// Walks side by side.
const LANES: usize = 8;
/// Rows that one task answers, their values laid out row by row.
const TILE: usize = 64;

/// Calls `each` with the value of every tree in order; `None` for a row of the wrong width or with a NaN.
pub(super) fn each_value(trees: &[Tree], width: usize, x: &[f32], mut each: impl FnMut(f64)) -> Option<()> {
    if x.len() != width || x.iter().any(|v| v.is_nan()) {
        return None;
    }
    let (groups, rest) = trees.as_chunks::<LANES>();
    for group in groups {
        walk_trees(group, x).into_iter().for_each(&mut each);
    }
    for tree in rest {
        each(tree.value(x)?);
    }
    Some(())
}

#[expect(clippy::indexing_slicing, reason = "a tree's columns and children were checked when it was made")]
fn walk_trees(trees: &[Tree; LANES], x: &[f32]) -> [f64; LANES] {
    let mut at = [0_u32; LANES];
    let depth = trees.iter().map(Tree::depth).max().unwrap_or(0);
    for _ in 0..depth {
        for (at, tree) in at.iter_mut().zip(trees) {
            let node = &tree.nodes[*at as usize];
            *at = node.low + u32::from(x[node.column as usize] > node.threshold);
        }
    }
    std::array::from_fn(|lane| trees[lane].value[at[lane] as usize])
}

/// `start` plus the sum of the trees' values for each of `rows`; 0-width and rows past the end give NaN, which callers must not reach.
pub(super) fn sums(trees: &[Tree], start: f64, x: &Columns, rows: &[u32]) -> Vec<f64> {
    let mut out = vec![start; rows.len()];
    out.par_chunks_mut(TILE).zip(rows.par_chunks(TILE)).for_each(|(out, rows)| tile(trees, x, rows, out));
    out
}

fn tile(trees: &[Tree], x: &Columns, rows: &[u32], out: &mut [f64]) {
    let width = x.width();
    let mut values = vec![0.0_f32; TILE * width];
    for column in 0..width {
        let from = x.column(column).unwrap_or_default();
        for (slot, row) in values.iter_mut().skip(column).step_by(width).zip(rows) {
            *slot = from.get(*row as usize).copied().unwrap_or(f32::NAN);
        }
    }
    for tree in trees {
        for (out, values) in out.chunks_mut(LANES).zip(values.chunks(LANES * width)) {
            walk_rows(tree, values, width, out);
        }
    }
    // A row past the end of the matrix has no value.
    for (out, row) in out.iter_mut().zip(rows) {
        if *row as usize >= x.rows() {
            *out = f64::NAN;
        }
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "a tree's columns and children were checked when it was made, and lanes start within the tile"
)]
fn walk_rows(tree: &Tree, values: &[f32], width: usize, out: &mut [f64]) {
    let mut at = [0_u32; LANES];
    for _ in 0..tree.depth() {
        for (lane, at) in at.iter_mut().enumerate() {
            let node = &tree.nodes[*at as usize];
            *at = node.low + u32::from(values[lane * width + node.column as usize] > node.threshold);
        }
    }
    for (out, at) in out.iter_mut().zip(at) {
        *out += tree.value[at as usize];
    }
}
