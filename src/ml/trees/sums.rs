//! Sums of gradients as whole numbers.
//!
//! Gradients are rounded once per round to a fixed point that their sum over all rows cannot overflow, so that every sum of them is exact: the order
//! of additions, and with it the number of threads, cannot matter, and a histogram minus another leaves no rounding behind. Where all rows weigh
//! alike and the second derivative is constant, the gradient shares its word with the row count, and one addition per value is all a histogram costs.

/// What a row adds to a bin, or a bin holds: `K` words.
///
/// 1: gradient and count share a word. 2: gradient; second derivative and count. 3: the same and the weight.
pub(super) type Cell<const K: usize> = [u64; K];

pub(super) fn add<const K: usize>(to: &mut Cell<K>, more: &Cell<K>) {
    to.iter_mut().zip(more).for_each(|(a, b)| *a = a.wrapping_add(*b));
}

pub(super) fn minus<const K: usize>(from: &Cell<K>, less: &Cell<K>) -> Cell<K> {
    let mut out = *from;
    out.iter_mut().zip(less).for_each(|(a, b)| *a = a.wrapping_sub(*b));
    out
}

/// What rows add up to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sums {
    pub gradient: f64,
    pub hessian: f64,
    pub weight: f64,
    pub rows: u64,
}

/// Where the weight of a sum is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weighed {
    /// All rows weigh alike.
    ByCount,
    /// The second derivative is the weight.
    ByHessian,
    /// In a word of its own.
    Apart,
}

/// Fixed point of one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    count_bits: u32,
    gradient: f64,
    hessian: f64,
    weight: f64,
    /// Weight of a row where all weigh alike.
    unit: f64,
    weighed: Weighed,
}

/// Adding this to a number below 2^51 leaves its nearest integer in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

fn whole(value: f64) -> u64 {
    (value + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits())
}

/// The power of two that brings `largest` just below `2^bits`.
fn power(largest: f64, bits: u32) -> f64 {
    let exponent = (largest.to_bits() >> 52 & 0x7FF) as i64 - 1022;
    let wanted = (i64::from(bits.min(50)) - exponent).clamp(-1022, 1023);
    f64::from_bits(((wanted + 1023) as u64) << 52)
}

/// Largest absolute values of one row of a round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Largest {
    pub gradient: f64,
    pub hessian: f64,
    pub weight: f64,
}

impl Scale {
    /// For `rows` additions (repetitions counted).
    pub(super) fn new<const K: usize>(rows: u64, largest: Largest, unit: f64, weighed: Weighed) -> Self {
        let count_bits = u64::BITS - rows.leading_zeros();
        let shared = 62_u32.saturating_sub(2 * count_bits);
        let alone = 62_u32.saturating_sub(count_bits);
        Self {
            count_bits,
            gradient: power(largest.gradient, if K == 1 { shared } else { alone }),
            hessian: power(largest.hessian, shared),
            weight: power(largest.weight, alone),
            unit,
            weighed,
        }
    }

    /// A row that counts `times`.
    pub(super) fn cell<const K: usize>(&self, gradient: f64, hessian: f64, weight: f64, times: u64) -> Cell<K> {
        let gradient = whole(gradient * self.gradient);
        let mut cell = [0; K];
        match cell.as_mut_slice() {
            [one] => *one = (gradient << self.count_bits).wrapping_add(1),
            [first, second, rest @ ..] => {
                *first = gradient;
                *second = (whole(hessian * self.hessian) << self.count_bits).wrapping_add(1);
                rest.iter_mut().for_each(|word| *word = whole(weight * self.weight));
            }
            [] => {}
        }
        cell.map(|word| word.wrapping_mul(times))
    }

    pub(super) fn rows<const K: usize>(&self, cell: &Cell<K>) -> u64 {
        let (Some(word), false) = (cell.get(usize::from(K > 1)), K == 0) else { return 0 };
        word & ((1 << self.count_bits) - 1)
    }

    pub(super) fn sums<const K: usize>(&self, cell: &Cell<K>) -> Sums {
        let rows = self.rows(cell);
        let signed = |word: u64| word.cast_signed();
        let (gradient, hessian) = match cell.as_slice() {
            [one] => (signed(*one) >> self.count_bits, self.unit * rows as f64),
            [first, second, ..] => (signed(*first), (signed(*second) >> self.count_bits) as f64 / self.hessian),
            [] => (0, 0.0),
        };
        let weight = match self.weighed {
            Weighed::ByCount => self.unit * rows as f64,
            Weighed::ByHessian => hessian,
            Weighed::Apart => cell.get(2).map_or(0.0, |word| signed(*word) as f64 / self.weight),
        };
        Sums { gradient: gradient as f64 / self.gradient, hessian, weight, rows }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<const K: usize>(values: &[(f64, f64, f64)], weighed: Weighed) {
        let biggest = |f: fn(&(f64, f64, f64)) -> f64| values.iter().map(f).fold(0.0, f64::max);
        let largest = Largest { gradient: biggest(|v| v.0.abs()), hessian: biggest(|v| v.1), weight: biggest(|v| v.2) };
        let scale = Scale::new::<K>(2 * values.len() as u64, largest, 1.0, weighed);
        let mut total = [0; K];
        for (i, v) in values.iter().enumerate() {
            add(&mut total, &scale.cell(v.0, v.1, v.2, 1 + i as u64 % 2));
        }
        let sums = scale.sums(&total);
        let sum = |f: fn(&(f64, f64, f64)) -> f64| -> f64 {
            values.iter().enumerate().map(|(i, v)| f(v) * (1 + i % 2) as f64).sum()
        };
        let near = |got: f64, want: f64, of: f64| assert!((got - want).abs() <= of * 1e-7, "{got} {want}");
        assert_eq!(sums.rows, (values.len() + values.len() / 2) as u64);
        near(sums.gradient, sum(|v| v.0), largest.gradient);
        if K > 1 {
            near(sums.hessian, sum(|v| v.1), largest.hessian);
        }
        if K > 2 {
            near(sums.weight, sum(|v| v.2), largest.weight);
        }
    }

    proptest! {
        #[test]
        fn sums_come_back(
            values in prop::collection::vec((-1.0_f64..1.0, 0.0_f64..1.0, 0.0_f64..1.0), 1..200), size in -20_i32..20,
        ) {
            let f = 10_f64.powi(size);
            let values: Vec<_> = values.into_iter().map(|(a, b, c)| (a * f, b * f, c * f)).collect();
            check::<1>(&values, Weighed::ByCount);
            check::<2>(&values, Weighed::ByHessian);
            check::<3>(&values, Weighed::Apart);
        }
    }
}
