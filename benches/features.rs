//! All indicators of the catalog: candles of eight pairs in batch, and one closed bar of one pair and of eight side by side.
//! The declarative feature set has its place here too, beside the indicators it is made of.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use cryptosmarttrader::pipeline::kernels::{Indicator, Lanes, Plan, Real, Row, Series};

const PAIRS: usize = 8;
const ROWS: usize = 4_096;

/// A close that goes up and down, never the same for long.
fn row(i: usize) -> Row {
    let close = 100.0 + 10.0 * (i as f64 * 0.37).sin() + 5.0 * (i as f64 * 0.011).cos();
    let reach = 0.2 + (i % 13) as f64 / 10.0;
    Row { open: close - 0.1, high: close + reach, low: close - reach, close, volume: (i % 97) as f64 }
}

fn batch(c: &mut Criterion) {
    let parts: [fn(&Row) -> f64; 5] = [|r| r.open, |r| r.high, |r| r.low, |r| r.close, |r| r.volume];
    let rows: Vec<Row> = (0..ROWS).map(row).collect();
    let [open, high, low, close, volume] = parts.map(|part| rows.iter().map(part).collect::<Vec<f64>>());
    let series = Series { open: &open, high: &high, low: &low, close: &close, volume: &volume };
    let plan = Plan::new(Indicator::USUAL);
    let mut group = c.benchmark_group("batch");
    group.sample_size(20).throughput(Throughput::Elements((PAIRS * ROWS * plan.outputs()) as u64));
    group.bench_function("eight_pairs", |b| {
        b.iter(|| plan.run(&[series; PAIRS], |chunk| drop(black_box(chunk.columns().count()))));
    });
    group.finish();
}

fn one_bar<T: Real>(c: &mut Criterion, name: &str) {
    let plan = Plan::new(Indicator::USUAL);
    let mut started = plan.start::<T>();
    let rows: Vec<Row<T>> = (0..ROWS).map(|i| row(i).side_by_side()).collect();
    let mut next = rows.iter().cycle();
    c.bench_function(name, |b| b.iter(|| next.next().map(|row| started.push(black_box(row)))));
}

fn live(c: &mut Criterion) {
    one_bar::<f64>(c, "one_bar/one_pair");
    one_bar::<Lanes<PAIRS>>(c, "one_bar/eight_pairs");
}

criterion_group!(benches, batch, live);
criterion_main!(benches);
