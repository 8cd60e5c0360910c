//! Rows on their way down a tree.

use std::ops::Range;

use rayon::prelude::*;

use super::bins::{Binned, Codes};

/// Rows that one task partitions; a machine with one thread does the same steps.
const CHUNK: usize = 16_384;

/// Brings rows with `code <= bin` to the front, each side in its old order, and returns how many they are.
pub(super) fn partition(
    data: &Binned,
    column: usize,
    bin: usize,
    rows: &mut [u32],
    spare: &mut Vec<u32>,
    parallel: bool,
) -> usize {
    if spare.len() < rows.len() {
        spare.resize(rows.len(), 0);
    }
    let spare = spare.get_mut(..rows.len()).unwrap_or_default();
    match data.codes() {
        Codes::Narrow { columns, .. } => {
            let (Some(codes), Ok(bin)) = (columns.get(column), u8::try_from(bin)) else { return rows.len() };
            chunks(codes, bin, rows, spare, parallel)
        }
        Codes::Wide { columns } => {
            let (Some(codes), Ok(bin)) = (columns.get(column), u16::try_from(bin)) else { return rows.len() };
            chunks(codes, bin, rows, spare, parallel)
        }
    }
}

fn chunks<T: Copy + Ord + Sync + Send>(
    codes: &[T],
    bin: T,
    rows: &mut [u32],
    spare: &mut [u32],
    parallel: bool,
) -> usize {
    let task = |(rows, spare): (&mut [u32], &mut [u32])| (compact(codes, bin, rows, spare), rows.len());
    if rows.len() <= CHUNK {
        let low = compact(codes, bin, rows, spare);
        let high = rows.len() - low;
        copy(rows, low, spare, 0..high);
        return low;
    }
    let counts: Vec<(usize, usize)> = if parallel {
        rows.par_chunks_mut(CHUNK).zip(spare.par_chunks_mut(CHUNK)).map(task).collect()
    } else {
        rows.chunks_mut(CHUNK).zip(spare.chunks_mut(CHUNK)).map(task).collect()
    };
    let mut end = 0;
    for (chunk, (low, _)) in counts.iter().enumerate() {
        rows.copy_within(chunk * CHUNK..chunk * CHUNK + low, end);
        end += low;
    }
    let lows = end;
    for (chunk, (low, all)) in counts.iter().enumerate() {
        copy(rows, end, spare, chunk * CHUNK..chunk * CHUNK + all - low);
        end += all - low;
    }
    lows
}

fn copy(rows: &mut [u32], at: usize, spare: &[u32], from: Range<usize>) {
    if let (Some(to), Some(from)) = (rows.get_mut(at..at + from.len()), spare.get(from)) {
        to.copy_from_slice(from);
    }
}

/// Low rows to the front of `rows`, the others to the front of `spare`; without a branch that the codes decide.
#[expect(
    clippy::indexing_slicing,
    reason = "both places stay at or below the row that is read; rows are checked by the fit"
)]
fn compact<T: Copy + Ord>(codes: &[T], bin: T, rows: &mut [u32], spare: &mut [u32]) -> usize {
    let spare = &mut spare[..rows.len()];
    let (mut low, mut high) = (0, 0);
    for i in 0..rows.len() {
        let row = rows[i];
        let goes_low = codes[row as usize] <= bin;
        rows[low] = row;
        spare[high] = row;
        low += usize::from(goes_low);
        high += usize::from(!goes_low);
    }
    low
}
