//! Asking many trees about many rows. A tree is not walked: every split is asked about a stretch of rows at once, and strikes out the leaves that a
//! row above its threshold cannot come to; of those left, the first is the row's (QuickScorer: Lucchese et al. 2015; over rows: Lucchese et
//! al. 2016). No row needs to know what another does, so the rows fill the lanes of the processor.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::matrix::Columns;
use super::tree::Tree;

/// Rows that a split is asked about at once.
const ROWS: usize = 32;
/// Such stretches that one task answers.
const STRETCHES: usize = 4;
const TILE: usize = ROWS * STRETCHES;
/// Leaves in a word.
const WORD: usize = u32::BITS as usize;
/// Leaves up to which every split is asked; for larger trees a walk takes fewer steps.
const LEAVES: usize = 3 * WORD;

/// What a split strikes out.
#[derive(Debug, Clone, Copy)]
struct Strike {
    threshold: f32,
    column: u32,
    /// Leaves of a word that a row above the threshold may still come to.
    left: u32,
}

/// A tree as the scan needs it.
enum Prepared<'a> {
    /// The strikes of each word, and the leaves' values from the lowest to the highest.
    Scanned {
        words: Vec<Vec<Strike>>,
        values: Vec<f64>,
    },
    Walked(&'a Tree),
}

impl<'a> Prepared<'a> {
    fn of(tree: &'a Tree) -> Self {
        let nodes = &tree.nodes;
        // Leaves below every node, then the number of the first of them.
        let mut below = vec![1_usize; nodes.len()];
        for (i, node) in nodes.iter().enumerate().rev() {
            let children = below.get(node.low as usize..).and_then(|b| b.get(..2)).map(|b| b.iter().sum());
            if let (Some(sum), Some(slot)) = (children.filter(|_| node.low as usize > i), below.get_mut(i)) {
                *slot = sum;
            }
        }
        let leaves = below.first().copied().unwrap_or(0);
        if leaves > LEAVES {
            return Self::Walked(tree);
        }
        let mut first = vec![0_usize; nodes.len()];
        let (mut words, mut values) = (vec![Vec::new(); leaves.div_ceil(WORD)], vec![0.0; leaves]);
        for (i, (node, value)) in nodes.iter().zip(&tree.value).enumerate() {
            let (low, start) = (node.low as usize, first.get(i).copied().unwrap_or(0));
            if low == i {
                values.iter_mut().skip(start).take(1).for_each(|slot| *slot = *value);
                continue;
            }
            let end = start + below.get(low).copied().unwrap_or(0);
            first.iter_mut().skip(low).zip([start, end]).for_each(|(slot, leaf)| *slot = leaf);
            for (word, strikes) in words.iter_mut().enumerate() {
                let left = left(start, end, word * WORD);
                if left != u32::MAX {
                    strikes.push(Strike { threshold: node.threshold, column: node.column, left });
                }
            }
        }
        Self::Scanned { words, values }
    }
}

/// The leaves of the word that begins at leaf `from`, without those in `start..end`.
fn left(start: usize, end: usize, from: usize) -> u32 {
    let place = |leaf: usize| leaf.saturating_sub(from).min(WORD);
    // Bits below a place; a place past the word takes all.
    let below = |place: usize| 1_u64.checked_shl(place as u32).map_or(u64::MAX, |bit| bit - 1) as u32;
    !(below(place(end)) & !below(place(start)))
}

/// `start` plus the sum of the trees' values in their order for each of `rows`; rows past the end give NaN, which callers must not reach.
pub(super) fn sums(trees: &[Tree], start: f64, x: &Columns, rows: &[u32]) -> Vec<f64> {
    let prepared: Vec<Prepared<'_>> = trees.par_iter().map(Prepared::of).collect();
    let mut out = vec![start; rows.len()];
    let arch = Arch::new();
    out.par_chunks_mut(TILE).zip(rows.par_chunks(TILE)).for_each(|(out, rows)| {
        let mut tile = vec![[[0.0_f32; ROWS]; STRETCHES]; x.width()];
        for (slots, column) in tile.iter_mut().zip(0..) {
            let from = x.column(column).unwrap_or_default();
            for (slot, row) in slots.as_flattened_mut().iter_mut().zip(rows) {
                *slot = from.get(*row as usize).copied().unwrap_or(f32::NAN);
            }
        }
        arch.dispatch(Scan { trees: &prepared, tile: &tile, out });
        // A row past the end of the matrix has no value.
        for (out, row) in out.iter_mut().zip(rows) {
            if *row as usize >= x.rows() {
                *out = f64::NAN;
            }
        }
    });
    out
}

/// A tile of rows, their values by column.
struct Scan<'a> {
    trees: &'a [Prepared<'a>],
    tile: &'a [[[f32; ROWS]; STRETCHES]],
    out: &'a mut [f64],
}

impl WithSimd for Scan<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for tree in self.trees {
            for (stretch, out) in self.out.chunks_mut(ROWS).enumerate() {
                match tree {
                    Prepared::Scanned { words, values } => scan(words, values, self.tile, stretch, out),
                    Prepared::Walked(tree) => walk(tree, self.tile, stretch, out),
                }
            }
        }
    }
}

#[inline(always)]
fn scan(words: &[Vec<Strike>], values: &[f64], tile: &[[[f32; ROWS]; STRETCHES]], stretch: usize, out: &mut [f64]) {
    let mut leaf = [0_u32; ROWS];
    for (word, strikes) in words.iter().enumerate().rev() {
        let from = (word * WORD) as u32;
        let left = left_of(strikes, tile, stretch);
        for (leaf, left) in leaf.iter_mut().zip(left) {
            *leaf = if left == 0 { *leaf } else { from + left.trailing_zeros() };
        }
    }
    for (out, leaf) in out.iter_mut().zip(leaf) {
        *out += values.get(leaf as usize).copied().unwrap_or(f64::NAN);
    }
}

/// The leaves of a word that no split strikes out, by row.
#[inline(always)]
#[expect(
    clippy::indexing_slicing,
    reason = "a tree's columns were checked when it was made, and stretches lie within the tile"
)]
fn left_of(strikes: &[Strike], tile: &[[[f32; ROWS]; STRETCHES]], stretch: usize) -> [u32; ROWS] {
    let mut left = [u32::MAX; ROWS];
    for strike in strikes {
        for (left, x) in left.iter_mut().zip(&tile[strike.column as usize][stretch]) {
            *left &= strike.left | if *x > strike.threshold { 0 } else { u32::MAX };
        }
    }
    left
}

#[expect(
    clippy::indexing_slicing,
    reason = "a tree's columns and children were checked when it was made, and stretches lie within the tile"
)]
fn walk(tree: &Tree, tile: &[[[f32; ROWS]; STRETCHES]], stretch: usize, out: &mut [f64]) {
    let mut at = [0_u32; ROWS];
    for _ in 0..tree.depth() {
        for (row, at) in at.iter_mut().enumerate() {
            let node = &tree.nodes[*at as usize];
            *at = node.low + u32::from(tile[node.column as usize][stretch][row] > node.threshold);
        }
    }
    for (out, at) in out.iter_mut().zip(at) {
        *out += tree.value[at as usize];
    }
}
