//! Boosting and forests on the arrays that `benches/peers/boosting.py` writes: `trees DIR` prints one JSON object.
//!
//! The folder holds raw little-endian singles: `x.f32` and `x_test.f32` by column, `y.f32` and `y_test.f32`; their lengths say the number of rows, and
//! the width is the first argument after the folder (default 60). Times are wall time in seconds, the best of three; RAYON_NUM_THREADS
//! is heeded.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures time and fails by panicking"
)]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use cryptosmarttrader::ml::trees::{Binned, BoostSpec, Boosted, Columns, Growth, Objective, Sample};
use serde_json::json;

const ROUNDS: u32 = 3;

fn singles(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
}

fn matrix(path: &Path, width: usize) -> Columns {
    let values = singles(path);
    let rows = values.len() / width;
    Columns::new(values.chunks_exact(rows).map(<[f32]>::to_vec).collect()).expect("a finite matrix")
}

/// Best wall time of some runs, and what the last of them made.
fn best<T>(runs: u32, mut run: impl FnMut() -> T) -> (f64, T) {
    let mut least = f64::INFINITY;
    let mut made = None;
    for _ in 0..runs {
        let begin = Instant::now();
        made = Some(black_box(run()));
        least = least.min(begin.elapsed().as_secs_f64());
    }
    (least, made.expect("at least one run"))
}

fn r2(y: &[f32], got: &[f64]) -> f64 {
    let mean = y.iter().map(|v| f64::from(*v)).sum::<f64>() / y.len() as f64;
    let (mut residual, mut total) = (0.0, 0.0);
    for (y, got) in y.iter().zip(got) {
        residual += (f64::from(*y) - got).powi(2);
        total += (f64::from(*y) - mean).powi(2);
    }
    1.0 - residual / total
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| !a.starts_with("--"));
    let Some(folder) = arguments.next() else { return };
    let width: usize = arguments.next().map_or(60, |w| w.parse().expect("a width"));
    let folder = Path::new(&folder);
    let (x, x_test) = (matrix(&folder.join("x.f32"), width), matrix(&folder.join("x_test.f32"), width));
    let (y, y_test) = (singles(&folder.join("y.f32")), singles(&folder.join("y_test.f32")));
    let target: Vec<f64> = y.iter().map(|v| f64::from(*v)).collect();
    let weights = vec![1.0; target.len()];
    let rows: Vec<u32> = (0..x.rows() as u32).collect();
    let growth = Growth {
        max_leaves: 31,
        max_depth: 0,
        min_leaf_rows: 20,
        min_leaf_weight: 0.0,
        l2: 0.0,
        min_gain: 0.0,
        columns_per_split: None,
    };
    let spec = BoostSpec {
        objective: Objective::Squared,
        rounds: 200,
        rate: 0.1,
        growth,
        row_share: 1.0,
        stop: None,
        seed: 1,
    };
    let (binning, _) = best(ROUNDS, || Binned::new(&x, &rows, 255));
    let (fitting, model) = best(ROUNDS, || {
        let data = Binned::new(&x, &rows, 255);
        let sample = Sample { data: &data, target: &target, weights: &weights, rows: &rows, blocks: None };
        Boosted::fit(&sample, &spec, &|_| ControlFlow::Continue(())).expect("a fit")
    });
    let test: Vec<u32> = (0..x_test.rows() as u32).collect();
    let predicted = model.raw_rows(&x_test, &test).expect("scores");
    let few = test.get(..1_400).unwrap_or(&test);
    let (batch, _) = best(30, || model.raw_rows(&x_test, few));
    let mut row = Vec::new();
    x_test.row_into(0, &mut row);
    let (one, _) = best(10, || (0..1_000).map(|_| model.raw(black_box(&row)).unwrap_or(0.0)).sum::<f64>());
    let (explained, _) = best(3, || model.raw(&row));
    println!(
        "{}",
        json!({"bin_s": binning, "fit_s": fitting, "r2": r2(&y_test, &predicted), "rows_1400_s": batch, "row_s": one / 1e3, "x": explained})
    );
}
