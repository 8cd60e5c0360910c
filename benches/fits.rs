//! A forest and an elastic net on the arrays that `benches/peers/fits.py` writes: `fits DIR` prints one JSON object.
//!
//! The folder holds raw little-endian singles: `x.f32` and `x_test.f32` by column, `y.f32`, `y_test.f32` and `up.f32` (1 where the target is above its
//! median), `up_test.f32`. Times are wall time in seconds, the best of three; RAYON_NUM_THREADS is heeded.
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

use cryptosmarttrader::ml::linear::{Moments, elastic_net};
use cryptosmarttrader::ml::trees::{Binned, Columns, Forest, ForestSpec, Growth, Sample};
use ndarray::Array2;
use serde_json::json;

const WIDTH: usize = 60;
const RUNS: u32 = 3;

fn singles(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes"))).collect()
}

fn doubles(path: &Path) -> Vec<f64> {
    singles(path).into_iter().map(f64::from).collect()
}

fn columns(path: &Path) -> Vec<Vec<f32>> {
    let values = singles(path);
    values.chunks_exact(values.len() / WIDTH).map(<[f32]>::to_vec).collect()
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

fn table(columns: &[Vec<f32>]) -> Array2<f64> {
    Array2::from_shape_fn((columns[0].len(), WIDTH), |(row, column)| f64::from(columns[column][row]))
}

fn log_loss(y: &[f64], p: &[f64]) -> f64 {
    let one = |(y, p): (&f64, &f64)| if *y > 0.5 { -p.max(1e-6).ln() } else { -(1.0 - p).max(1e-6).ln() };
    y.iter().zip(p).map(one).sum::<f64>() / y.len() as f64
}

fn forest(folder: &Path) -> serde_json::Value {
    let (x, x_test) = (columns(&folder.join("x.f32")), columns(&folder.join("x_test.f32")));
    let (up, up_test) = (doubles(&folder.join("up.f32")), doubles(&folder.join("up_test.f32")));
    let (x, x_test) = (Columns::new(x).expect("a matrix"), Columns::new(x_test).expect("a matrix"));
    let rows: Vec<u32> = (0..x.rows() as u32).collect();
    let weights = vec![1.0; rows.len()];
    let growth = Growth {
        max_leaves: 0,
        max_depth: 8,
        min_leaf_rows: 20,
        min_leaf_weight: 0.0,
        l2: 0.0,
        min_gain: 0.0,
        columns_per_split: Some(8),
    };
    let spec = ForestSpec { trees: 100, growth, seed: 1 };
    let (fit, forest) = best(RUNS, || {
        let data = Binned::new(&x, &rows, 255);
        let sample = Sample { data: &data, target: &up, weights: &weights, rows: &rows, blocks: None };
        Forest::fit(&sample, &spec, &|_| ControlFlow::Continue(())).expect("a fit")
    });
    let test: Vec<u32> = (0..x_test.rows() as u32).collect();
    let said = forest.mean_rows(&x_test, &test).expect("scores");
    json!({"forest_s": fit, "forest_log_loss": log_loss(&up_test, &said)})
}

fn net(folder: &Path) -> serde_json::Value {
    let (x, y) = (table(&columns(&folder.join("x.f32"))), doubles(&folder.join("y.f32")));
    let (x_test, y_test) = (table(&columns(&folder.join("x_test.f32"))), doubles(&folder.join("y_test.f32")));
    let (fit, line) = best(RUNS, || {
        let moments = Moments::of(&x, &y, None).expect("moments");
        elastic_net(&moments, 0.01, 0.5).expect("a fit")
    });
    let mean = y_test.iter().sum::<f64>() / y_test.len() as f64;
    let (mut residual, mut total) = (0.0, 0.0);
    for (row, y) in x_test.rows().into_iter().zip(&y_test) {
        residual += (y - line.at(row.as_slice().expect("one row")).expect("a value")).powi(2);
        total += (y - mean).powi(2);
    }
    json!({"net_s": fit, "net_r2": 1.0 - residual / total})
}

fn main() {
    let Some(folder) = std::env::args().skip(1).find(|a| !a.starts_with("--")) else { return };
    let folder = Path::new(&folder);
    let (mut told, net) = (forest(folder), net(folder));
    if let (Some(all), Some(more)) = (told.as_object_mut(), net.as_object()) {
        all.extend(more.clone());
    }
    println!("{told}");
}
