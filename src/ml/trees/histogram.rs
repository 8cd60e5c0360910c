//! Histograms of gradients by bin, and the best split that they show.

use rayon::prelude::*;

use super::bins::{BLOCK, Binned, Codes, NARROW};
use super::grow::Growth;
use super::sums::{Cell, Scale, Sums, add, minus};

/// Cells of all columns of a narrow matrix, 256 a column, whole blocks.
pub(super) type Histogram<const K: usize> = Vec<Cell<K>>;

/// A split and what its low side holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split<const K: usize> {
    pub column: usize,
    pub bin: usize,
    pub threshold: f32,
    /// `G²/(H+λ)` of both sides together, and what that is more than the whole's.
    pub score: f64,
    pub gain: f64,
    pub low: Cell<K>,
}

/// What all histograms of one tree share.
pub(super) struct Ground<'a, const K: usize> {
    pub data: &'a Binned,
    /// By matrix row.
    pub cells: &'a [Cell<K>],
    pub scale: &'a Scale,
    pub growth: &'a Growth,
    /// Whether the work inside this tree is spread over threads.
    pub parallel: bool,
}

impl<const K: usize> Ground<'_, K> {
    /// Words of a histogram of all columns; `None` where the codes are wide.
    pub(super) fn cells_of_all(&self) -> Option<usize> {
        match self.data.codes() {
            Codes::Narrow { blocks, .. } => Some(blocks.len() * BLOCK * NARROW),
            Codes::Wide { .. } => None,
        }
    }

    /// The root's histogram, and its best split.
    pub(super) fn root(&self, rows: &[u32], total: &Cell<K>, out: &mut Histogram<K>) -> Option<Split<K>> {
        let Codes::Narrow { blocks, .. } = self.data.codes() else { return None };
        let judge = Judge::new(self, total);
        let task = |(block, (codes, out)): (usize, (&Vec<[u8; BLOCK]>, &mut [Cell<K>]))| {
            accumulate(codes, self.cells, rows, out);
            judge.block(block, out)
        };
        let found: Vec<Option<Split<K>>> = if self.parallel {
            blocks.par_iter().zip(out.par_chunks_mut(BLOCK * NARROW)).enumerate().map(task).collect()
        } else {
            blocks.iter().zip(out.chunks_mut(BLOCK * NARROW)).enumerate().map(task).collect()
        };
        found.into_iter().fold(None, better)
    }

    /// Builds the histogram of the smaller child, turns the parent's into that of the larger one, and judges both.
    pub(super) fn children(
        &self,
        rows: &[u32],
        [small, large]: [&Cell<K>; 2],
        out: &mut Histogram<K>,
        parent: &mut Histogram<K>,
    ) -> [Option<Split<K>>; 2] {
        let Codes::Narrow { blocks, .. } = self.data.codes() else { return [None, None] };
        let (small, large) = (Judge::new(self, small), Judge::new(self, large));
        type Part<'a, const K: usize> = ((&'a Vec<[u8; BLOCK]>, &'a mut [Cell<K>]), &'a mut [Cell<K>]);
        let task = |(block, ((codes, out), parent)): (usize, Part<'_, K>)| {
            accumulate(codes, self.cells, rows, out);
            parent.iter_mut().zip(&*out).for_each(|(p, o)| *p = minus(p, o));
            [small.block(block, out), large.block(block, parent)]
        };
        let size = BLOCK * NARROW;
        let found: Vec<[Option<Split<K>>; 2]> = if self.parallel {
            let parts = blocks.par_iter().zip(out.par_chunks_mut(size)).zip(parent.par_chunks_mut(size));
            parts.enumerate().map(task).collect()
        } else {
            blocks.iter().zip(out.chunks_mut(size)).zip(parent.chunks_mut(size)).enumerate().map(task).collect()
        };
        found.into_iter().fold([None, None], |[a, b], [c, d]| [better(a, c), better(b, d)])
    }

    /// The best split of some columns (ascending), each with a histogram of its own.
    pub(super) fn among(&self, columns: &[usize], rows: &[u32], total: &Cell<K>) -> Option<Split<K>> {
        let judge = Judge::new(self, total);
        let task = |column: &usize| {
            let mut out = vec![[0; K]; self.data.cuts(*column).len() + 1];
            match self.data.codes() {
                Codes::Narrow { columns, .. } => single(columns.get(*column)?, self.cells, rows, &mut out),
                Codes::Wide { columns } => single(columns.get(*column)?, self.cells, rows, &mut out),
            }
            judge.column(*column, &out)
        };
        let found: Vec<Option<Split<K>>> =
            if self.parallel { columns.par_iter().map(task).collect() } else { columns.iter().map(task).collect() };
        found.into_iter().fold(None, better)
    }
}

/// Two splits whose scores differ by less than this share are equal: rounding must not choose between them.
const ROUNDING: f64 = 1.0 + 1e-12;

/// The higher score; the earlier of equals: the lowest column, and within it the lowest bin.
fn better<const K: usize>(a: Option<Split<K>>, b: Option<Split<K>>) -> Option<Split<K>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.score > a.score * ROUNDING { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// Adds the rows' cells to the bins of one block of columns.
#[expect(clippy::indexing_slicing, reason = "a byte cannot leave an array of 256, which the compiler knows")]
fn accumulate<const K: usize>(codes: &[[u8; BLOCK]], cells: &[Cell<K>], rows: &[u32], out: &mut [Cell<K>]) {
    out.fill([0; K]);
    let (bins, _) = out.as_chunks_mut::<NARROW>();
    let ([bins], _) = bins.as_chunks_mut::<BLOCK>() else { return };
    for row in rows {
        if let (Some(codes), Some(cell)) = (codes.get(*row as usize), cells.get(*row as usize)) {
            for (bins, code) in bins.iter_mut().zip(codes) {
                add(&mut bins[usize::from(*code)], cell);
            }
        }
    }
}

fn single<const K: usize, T: Copy + Into<usize>>(codes: &[T], cells: &[Cell<K>], rows: &[u32], out: &mut [Cell<K>]) {
    for row in rows {
        if let (Some(code), Some(cell)) = (codes.get(*row as usize), cells.get(*row as usize))
            && let Some(bin) = out.get_mut((*code).into())
        {
            add(bin, cell);
        }
    }
}

/// Judges the splits of one node.
struct Judge<'a, const K: usize> {
    ground: &'a Ground<'a, K>,
    sums: Sums,
    /// `G²/(H+λ)` of the node itself, and what a split must beat.
    own: f64,
    floor: f64,
}

impl<'a, const K: usize> Judge<'a, K> {
    fn new(ground: &'a Ground<'a, K>, total: &Cell<K>) -> Self {
        let sums = ground.scale.sums(total);
        let own = sums.gradient * sums.gradient / (sums.hessian + ground.growth.l2);
        // A gain that rounding alone can make is none.
        let floor = own + own * 1e-12 + ground.growth.min_gain.max(0.0);
        Self { ground, sums, own, floor }
    }

    fn block(&self, block: usize, cells: &[Cell<K>]) -> Option<Split<K>> {
        let columns = cells.chunks(NARROW).zip(block * BLOCK..self.ground.data.width());
        columns.map(|(cells, column)| self.column(column, cells)).fold(None, better)
    }

    fn column(&self, column: usize, cells: &[Cell<K>]) -> Option<Split<K>> {
        let cuts = self.ground.data.cuts(column);
        let (growth, scale) = (self.ground.growth, self.ground.scale);
        let (min_rows, l2) = (u64::from(growth.min_leaf_rows.max(1)), growth.l2);
        let min_weight = growth.min_leaf_weight.max(f64::MIN_POSITIVE);
        let (mut low, mut bar, mut found) = ([0; K], self.floor, None);
        for (bin, cell) in cells.iter().enumerate().take(cuts.len()) {
            add(&mut low, cell);
            let left = scale.sums(&low);
            if left.rows < min_rows || left.weight < min_weight {
                continue;
            }
            let right_rows = self.sums.rows - left.rows;
            if right_rows < min_rows || self.sums.weight - left.weight < min_weight {
                break;
            }
            let right = self.sums.gradient - left.gradient;
            let (a, b) = (left.hessian + l2, self.sums.hessian - left.hessian + l2);
            // Multiplied out, so that only an improvement costs a division.
            let over = left.gradient * left.gradient * b + right * right * a;
            if over > bar * (a * b) {
                let score = over / (a * b);
                bar = score * ROUNDING;
                found = Some((bin, low, score));
            }
        }
        let (last, low, score) = found?;
        let empty = cells.iter().skip(last + 1).take_while(|cell| scale.rows(cell) == 0).count();
        let (bin, threshold) = self.ground.data.middle(column, last, last + 1 + empty);
        Some(Split { column, bin, threshold, score, gain: score - self.own, low })
    }
}
