//! Sums and sweeps over long runs of numbers, eight side by side. The order of every sum is fixed, so that all machines give the same bits.

use pulp::Arch;

const LANES: usize = 8;

/// Σ aᵢbᵢ over the shorter of the two.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let (a, b) = (a.get(..n).unwrap_or_default(), b.get(..n).unwrap_or_default());
    Arch::new().dispatch(|| dot_in_lanes(a, b))
}

#[inline(always)]
fn dot_in_lanes(a: &[f64], b: &[f64]) -> f64 {
    let ((heads_a, tail_a), (heads_b, tail_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (x, y) in heads_a.iter().zip(heads_b) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    let tail: f64 = tail_a.iter().zip(tail_b).map(|(x, y)| x * y).sum();
    ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + tail
}

/// y ← y + factor·x over the shorter of the two.
pub(super) fn add_scaled(y: &mut [f64], factor: f64, x: &[f64]) {
    Arch::new().dispatch(|| {
        for (y, x) in y.iter_mut().zip(x) {
            *y += factor * x;
        }
    });
}

/// y ← y + x², cell by cell.
pub(super) fn add_squares(y: &mut [f64], x: &[f64]) {
    Arch::new().dispatch(|| {
        for (y, x) in y.iter_mut().zip(x) {
            *y += x * x;
        }
    });
}

/// y ← y + Σ factorₖ·xₖ, four rows in one sweep.
pub(super) fn add_all_scaled<'a>(y: &mut [f64], terms: impl IntoIterator<Item = (f64, &'a [f64])>) {
    let mut terms = terms.into_iter();
    loop {
        match (terms.next(), terms.next(), terms.next(), terms.next()) {
            (Some((a, x)), Some((b, u)), Some((c, v)), Some((d, z))) => Arch::new().dispatch(|| {
                for ((((y, x), u), v), z) in y.iter_mut().zip(x).zip(u).zip(v).zip(z) {
                    *y += (a * x + b * u) + (c * v + d * z);
                }
            }),
            (one, two, three, _) => {
                for (factor, x) in [one, two, three].into_iter().flatten() {
                    add_scaled(y, factor, x);
                }
                return;
            }
        }
    }
}
