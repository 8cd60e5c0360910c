//! Feature values as small codes, made once per training block and shared by every fit over it.

use rayon::prelude::*;

use super::matrix::Columns;

/// Columns whose codes lie side by side for each row, so that one load of a row's gradient serves them all and their histograms
/// stay in the nearest cache.
pub(super) const BLOCK: usize = 16;
/// Bins of a narrow column.
pub(super) const NARROW: usize = 256;
const WIDEST: usize = 65_536;

/// A matrix in codes. The code of a value is the number of cuts below it: `value <= cut[b]` exactly when `code <= b`, for every
/// row, whether the cuts were made from it or not.
#[derive(Debug, Clone)]
pub struct Binned {
    rows: usize,
    cuts: Vec<Vec<f32>>,
    /// Of each column that has a bin for every value: those values, ascending. Else none.
    values: Vec<Vec<f32>>,
    codes: Codes,
}

#[derive(Debug, Clone)]
pub(super) enum Codes {
    /// At most 256 bins: by column for partitions, and in blocks of columns for histograms.
    Narrow {
        columns: Vec<Vec<u8>>,
        blocks: Vec<Vec<[u8; BLOCK]>>,
    },
    Wide {
        columns: Vec<Vec<u16>>,
    },
}

impl Binned {
    /// Cuts from the rows `cuts_from` (training rows only, or the cuts leak), codes for all rows. Columns with no more than `max_bins` (2 to
    /// 65,536) different values are cut midway between neighbours, which makes splits exact; the others at quantiles. Rows past the
    /// end are ignored.
    #[must_use]
    pub fn new(x: &Columns, cuts_from: &[u32], max_bins: u32) -> Self {
        let max_bins = (max_bins as usize).clamp(2, WIDEST);
        let columns: Vec<&[f32]> = (0..x.width()).filter_map(|c| x.column(c)).collect();
        let (cuts, values): (Vec<Vec<f32>>, Vec<Vec<f32>>) =
            columns.par_iter().map(|column| cuts(column, cuts_from, max_bins)).unzip();
        let codes = if cuts.iter().all(|c| c.len() < NARROW) {
            let columns: Vec<Vec<u8>> = columns.par_iter().zip(&cuts).map(|(v, cuts)| narrow(v, cuts)).collect();
            let blocks = columns.par_chunks(BLOCK).map(|columns| side_by_side(columns, x.rows())).collect();
            Codes::Narrow { columns, blocks }
        } else {
            let code = |v: &f32, cuts: &[f32]| u16::try_from(cuts.partition_point(|c| c < v)).unwrap_or(u16::MAX);
            let coded = |(column, cuts): (&&[f32], &Vec<f32>)| column.iter().map(|v| code(v, cuts)).collect();
            Codes::Wide { columns: columns.par_iter().zip(&cuts).map(coded).collect() }
        };
        Self { rows: x.rows(), cuts, values, codes }
    }

    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    #[must_use]
    pub const fn width(&self) -> usize {
        self.cuts.len()
    }

    pub(super) const fn codes(&self) -> &Codes {
        &self.codes
    }

    /// Ascending thresholds of a column; one fewer than its bins.
    pub(super) fn cuts(&self, column: usize) -> &[f32] {
        self.cuts.get(column).map_or(&[], Vec::as_slice)
    }

    /// The bin and threshold in the middle of a gap: `bin` is the last that has rows below it, `next` the first above.
    ///
    /// Where every value has a bin, the threshold lies midway between the values on either side, as CART has it; a row that the cuts were not
    /// made from may then fall into the gap and, if it is learned from, be counted on the other side. Else it is the nearest cut.
    pub(super) fn middle(&self, column: usize, bin: usize, next: usize) -> (usize, f32) {
        let values = self.values.get(column).map_or(&[][..], Vec::as_slice);
        if let (Some(low), Some(high)) = (values.get(bin), values.get(next)) {
            let threshold = midway(*low, *high);
            return (values.partition_point(|v| *v <= threshold).saturating_sub(1), threshold);
        }
        let gap = self.cuts(column).get(bin..next).unwrap_or_default();
        let (first, last) = (gap.first().copied().unwrap_or(f32::NAN), gap.last().copied().unwrap_or(f32::NAN));
        let middle = f32::midpoint(first, last);
        let nearest = gap.iter().enumerate().min_by(|a, b| (a.1 - middle).abs().total_cmp(&(b.1 - middle).abs()));
        nearest.map_or((bin, first), |(i, cut)| (bin + i, *cut))
    }
}

/// Bits whose order as integers is the order of the numbers; both zeros are one.
pub(super) const fn ordered(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

const fn unordered(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
}

/// The cuts of a column, and its values if each has a bin.
fn cuts(column: &[f32], rows: &[u32], max_bins: usize) -> (Vec<f32>, Vec<f32>) {
    let mut keys: Vec<u32> = rows.iter().filter_map(|r| column.get(*r as usize)).map(|v| ordered(*v)).collect();
    keys.sort_unstable();
    let distinct: Vec<(f32, usize)> =
        keys.chunk_by(|a, b| a == b).filter_map(|same| Some((unordered(*same.first()?), same.len()))).collect();
    if distinct.len() <= max_bins {
        let cuts = distinct.windows(2).filter_map(between).collect();
        return (cuts, distinct.into_iter().map(|(value, _)| value).collect());
    }
    let (mut left, mut bins, mut filled) = (keys.len(), max_bins, 0_usize);
    let mut cuts = Vec::with_capacity(max_bins);
    for pair in distinct.windows(2) {
        let [(_, here), (_, next)] = pair else { continue };
        filled += here;
        // A bin closes where its count is nearest to an equal share of what is left.
        if bins > 1 && (filled + next / 2) * bins >= left {
            cuts.extend(between(pair));
            left -= filled;
            bins -= 1;
            filled = 0;
        }
    }
    (cuts, Vec::new())
}

fn between(pair: &[(f32, usize)]) -> Option<f32> {
    let [(low, _), (high, _)] = pair else { return None };
    Some(midway(*low, *high))
}

/// Midway between two ascending values, such that the lower is `<=` and the higher is not.
const fn midway(low: f32, high: f32) -> f32 {
    let middle = f32::midpoint(low, high);
    if middle < high { middle } else { low }
}

#[expect(clippy::indexing_slicing, reason = "the steps add up to 255, so that the place stays below 256")]
fn narrow(column: &[f32], cuts: &[f32]) -> Vec<u8> {
    let mut padded = [f32::INFINITY; NARROW];
    padded.iter_mut().zip(cuts).for_each(|(slot, cut)| *slot = *cut);
    let code = |value: &f32| {
        let mut place = 0_usize;
        for step in [128, 64, 32, 16, 8, 4, 2, 1] {
            place += if padded[(place + step - 1) & 255] < *value { step } else { 0 };
        }
        place as u8
    };
    column.iter().map(code).collect()
}

fn side_by_side(columns: &[Vec<u8>], rows: usize) -> Vec<[u8; BLOCK]> {
    let mut block = vec![[0; BLOCK]; rows];
    for (lane, column) in columns.iter().enumerate() {
        for (row, code) in block.iter_mut().zip(column) {
            if let Some(slot) = row.get_mut(lane) {
                *slot = *code;
            }
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(data: &Binned, column: usize, row: usize) -> usize {
        match data.codes() {
            Codes::Narrow { columns, blocks } => {
                let code = columns[column][row];
                assert_eq!(blocks[column / BLOCK][row][column % BLOCK], code);
                usize::from(code)
            }
            Codes::Wide { columns } => usize::from(columns[column][row]),
        }
    }

    #[test]
    fn few_values_are_cut_midway_and_a_constant_is_not_cut() {
        let x = Columns::new(vec![vec![3.0, 1.0, 3.0, -0.0, 0.0], vec![2.0; 5]]).unwrap();
        let data = Binned::new(&x, &[0, 1, 2, 3, 4], 256);
        assert_eq!((data.cuts(0), data.cuts(1)), ([0.5, 2.0].as_slice(), [].as_slice()));
        assert_eq!((0..5).map(|r| code(&data, 0, r)).collect::<Vec<_>>(), vec![2, 1, 2, 0, 0]);
        let neighbours = [1.0, f32::from_bits(1.0_f32.to_bits() + 1)];
        let data = Binned::new(&Columns::new(vec![neighbours.to_vec()]).unwrap(), &[0, 1], 2);
        assert!(neighbours[0] <= data.cuts(0)[0] && neighbours[1] > data.cuts(0)[0]);
    }

    #[test]
    fn many_values_are_cut_into_equal_shares_and_a_frequent_one_keeps_its_bin() {
        let values: Vec<f32> = (0..10_000).map(|i| if i < 4_000 { 0.0 } else { i as f32 }).collect();
        let x = Columns::new(vec![values]).unwrap();
        let rows: Vec<u32> = (0..10_000).collect();
        let data = Binned::new(&x, &rows, 16);
        assert_eq!(data.cuts(0).len(), 15);
        let mut counts = vec![0; 16];
        (0..10_000).for_each(|r| counts[code(&data, 0, r)] += 1);
        assert_eq!(counts[0], 4_000);
        assert!(counts[1..].iter().all(|c| (399..=401).contains(c)), "{counts:?}");
        assert!(matches!(Binned::new(&x, &rows, 4_096).codes(), Codes::Wide { .. }));
    }

    proptest! {
        #[test]
        fn a_code_is_at_most_a_bin_exactly_where_the_value_is_at_most_its_cut(
            values in prop::collection::vec(-100_i32..100, 2..300), bins in 2_u32..300,
        ) {
            let values: Vec<f32> = values.iter().map(|v| *v as f32 / 7.0).collect();
            let x = Columns::new(vec![values.clone()]).unwrap();
            // Cuts from a part of the rows hold for the others too.
            let from: Vec<u32> = (0..values.len() as u32 / 2 + 1).collect();
            let data = Binned::new(&x, &from, bins);
            prop_assert!(data.cuts(0).len() < bins as usize && data.cuts(0).is_sorted_by(|a, b| a < b));
            for (row, value) in values.iter().enumerate() {
                for (bin, cut) in data.cuts(0).iter().enumerate() {
                    prop_assert_eq!(value <= cut, code(&data, 0, row) <= bin);
                }
            }
        }
    }
}
