//! Cost of an allocation: covariance, trees, risk parity, quadratic programs, tails.
//!
//! `allocation DIR` solves the arrays that `benches/peers/allocation.py` writes and prints one JSON object: times are wall time in seconds, the best
//! of many runs, each with its objective. Without a folder it is an ordinary benchmark over generated returns.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures time and fails by panicking"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion};
use cryptosmarttrader::decision::allocation::covariance::{ledoit_wolf_constant_correlation, sample};
use cryptosmarttrader::decision::allocation::{
    Limits, Scenarios, SymmetricMatrix, Total, equal_risk, hrp, kelly_scenarios, mean_variance, min_cvar, min_variance,
};
use cryptosmarttrader::domain::random::SplitMix64;
use serde_json::{Map, Value, json};

const AVERSION: f64 = 5.0;
const BETA: f64 = 0.95;
const CAP: f64 = 0.1;

fn doubles(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
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

fn whole(n: usize, cap: f64) -> Limits {
    Limits::uniform(n, cap, Total::Exactly(1.0)).expect("limits")
}

/// The problems of a folder, each named by its size.
fn solve(folder: &Path) -> Value {
    let mut told = Map::new();
    for n in [100, 1_000] {
        let file = |name: &str| doubles(&folder.join(format!("{name}_{n}.f64")));
        let covariance = SymmetricMatrix::from_row_major(n, file("covariance")).expect("a covariance");
        let (means, limits) = (file("means"), whole(n, CAP));
        let runs = if n > 100 { 20 } else { 200 };
        let (seconds, found) =
            best(runs, || mean_variance(&means, &covariance, AVERSION, None, &limits).expect("weights"));
        let held = found.weights.iter().filter(|w| **w > 0.0).count();
        told.insert(
            format!("mean_variance_{n}"),
            json!({"s": seconds, "objective": found.objective, "kkt": found.kkt_residual, "steps": found.iterations, "held": held}),
        );
        let (seconds, (weights, _)) = best(runs, || hrp(&covariance).expect("weights"));
        told.insert(format!("hrp_{n}"), json!({"s": seconds, "weights": weights}));
        let (seconds, found) = best(runs, || min_variance(&covariance, &limits).expect("weights"));
        told.insert(
            format!("min_variance_{n}"),
            json!({"s": seconds, "objective": found.objective, "steps": found.iterations}),
        );
        let (seconds, found) = best(runs, || equal_risk(&covariance).expect("weights"));
        told.insert(
            format!("equal_risk_{n}"),
            json!({"s": seconds, "objective": found.objective, "steps": found.iterations}),
        );
    }
    for (n, count) in [(100, 500), (500, 2_000)] {
        let returns = doubles(&folder.join(format!("returns_{n}x{count}.f64")));
        let scenarios = Scenarios::from_asset_major(n, returns).expect("returns");
        let limits = whole(n, CAP);
        let runs = if n > 100 { 5 } else { 50 };
        let (seconds, found) = best(runs, || min_cvar(&scenarios, BETA, &limits).expect("weights"));
        told.insert(
            format!("min_cvar_{n}x{count}"),
            json!({"s": seconds, "objective": found.objective, "kkt": found.kkt_residual, "steps": found.iterations}),
        );
    }
    Value::Object(told)
}

/// Returns with a common factor.
fn returns(n: usize, count: usize) -> Scenarios {
    let mut rng = SplitMix64::new(&[n as u64, count as u64]);
    let market: Vec<f64> = (0..count).map(|_| 0.01 * rng.normal()).collect();
    let assets = (0..n).map(|_| {
        let (beta, sd) = (0.5 + rng.unit(), 0.005 + 0.02 * rng.unit());
        market.iter().map(|m| beta * m + sd * rng.normal()).collect()
    });
    Scenarios::from_assets(&assets.collect::<Vec<Vec<f64>>>()).expect("returns")
}

fn methods(c: &mut Criterion) {
    let mut group = c.benchmark_group("allocation");
    group.sample_size(10);
    for n in [10, 100, 1_000] {
        let given = returns(n, (2 * n).max(500));
        let (covariance, means) = (sample(&given, 1).expect("a covariance"), given.means());
        let limits = whole(n, CAP);
        group.bench_function(BenchmarkId::new("hrp", n), |b| b.iter(|| hrp(black_box(&covariance))));
        group.bench_function(BenchmarkId::new("equal_risk", n), |b| b.iter(|| equal_risk(black_box(&covariance))));
        group.bench_function(BenchmarkId::new("min_variance", n), |b| {
            b.iter(|| min_variance(black_box(&covariance), &limits));
        });
        group.bench_function(BenchmarkId::new("mean_variance", n), |b| {
            b.iter(|| mean_variance(black_box(&means), &covariance, AVERSION, None, &limits));
        });
    }
    for n in [10, 100] {
        let (given, limits) = (returns(n, 500), whole(n, CAP));
        let growth = Limits::uniform(n, CAP, Total::AtMost(1.0)).expect("limits");
        group.bench_function(BenchmarkId::new("covariance_constant_correlation", n), |b| {
            b.iter(|| ledoit_wolf_constant_correlation(black_box(&given)));
        });
        group
            .bench_function(BenchmarkId::new("min_cvar", n), |b| b.iter(|| min_cvar(black_box(&given), BETA, &limits)));
        group.bench_function(BenchmarkId::new("log_growth", n), |b| {
            b.iter(|| kelly_scenarios(black_box(&given), None, &growth));
        });
    }
    group.finish();
}

fn main() {
    if let Some(folder) = std::env::args().skip(1).find(|a| Path::new(a).is_dir()) {
        println!("{}", solve(Path::new(&folder)));
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    methods(&mut criterion);
    criterion.final_summary();
}
