//! Cost of candles: all indicators in batch, of one bar of one pair and of eight side by side; single kernels; the whole feature engine, an hour of
//! many pairs, and the collector over five-minute rows. Input: the hourly ETH/USD candles of the reference vectors, over and over.
#![expect(clippy::expect_used, reason = "a benchmark without its input has nothing to measure")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use cryptosmarttrader::domain::event::RawBatch;
use cryptosmarttrader::domain::settings::PipelineSettings;
use cryptosmarttrader::domain::{Bar, Interval, Pair, RawCandle, UtcMs, Venue};
use cryptosmarttrader::pipeline::features::Panel;
use cryptosmarttrader::pipeline::kernels::{Adx, Ema, Indicator, Lanes, Macd, Ohlcv, Plan, Real, Row, Rsi, Series};
use cryptosmarttrader::pipeline::{Collector, FeatureEngine, FeatureSet};

const HOUR_MS: i64 = 3_600_000;
const STEP_MS: i64 = 300_000;
/// Pairs that take the same steps at once.
const SIDE_BY_SIDE: usize = 8;

fn golden_bars() -> Vec<Bar> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/indicators.json");
    let text = std::fs::read_to_string(path).expect("tests/golden/indicators.json");
    let root: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let column = |name: &str| -> Vec<f64> {
        let values = root.pointer(&format!("/series/eth_usd_1h/{name}")).and_then(|v| v.as_array()).expect("column");
        values.iter().filter_map(serde_json::Value::as_f64).collect()
    };
    let (highs, lows, closes, volumes) = (column("high"), column("low"), column("close"), column("volume"));
    let rest = highs.into_iter().zip(lows).zip(closes).zip(volumes);
    let bar = |(i, (open, (((high, low), close), volume)))| Bar {
        open_time: UtcMs(i as i64 * HOUR_MS),
        open,
        high,
        low,
        close,
        volume,
    };
    column("open").into_iter().zip(rest).enumerate().map(bar).collect()
}

fn kernels(c: &mut Criterion) {
    let bars = golden_bars();
    let mut group = c.benchmark_group("kernel");
    group.throughput(Throughput::Elements(1));
    macro_rules! bench {
        ($name:literal, $kernel:expr, |$k:ident, $bar:ident| $push:expr) => {
            group.bench_function($name, |b| {
                let mut $k = $kernel;
                let mut next = bars.iter().cycle();
                b.iter(|| next.next().map(|$bar| black_box($push)));
            });
        };
    }
    bench!("ema_50", Ema::new(50), |k, bar| k.push(bar.close));
    bench!("rsi_14", Rsi::new(14), |k, bar| k.push(bar.close));
    bench!("adx_14", Adx::new(14), |k, bar| k.push(bar));
    bench!("macd_12_26_9", Macd::new(12, 26, 9), |k, bar| k.push(bar.close));
    bench!("feature_engine", FeatureEngine::new(FeatureSet::built_in(), &PipelineSettings::default()), |k, bar| k
        .push(bar));
    group.finish();
}

/// All indicators of eight pairs in batch.
fn batch(c: &mut Criterion) {
    let bars = golden_bars();
    let parts: [fn(&Bar) -> f64; 5] = [|b| b.open, |b| b.high, |b| b.low, |b| b.close, |b| b.volume];
    let [open, high, low, close, volume] = parts.map(|part| bars.iter().map(part).collect::<Vec<f64>>());
    let series = Series { open: &open, high: &high, low: &low, close: &close, volume: &volume };
    let plan = Plan::new(Indicator::USUAL);
    let mut group = c.benchmark_group("batch");
    group.sample_size(20).throughput(Throughput::Elements((SIDE_BY_SIDE * bars.len() * plan.outputs()) as u64));
    group.bench_function("eight_pairs", |b| {
        b.iter(|| {
            let mut columns = 0;
            plan.run(&[series; SIDE_BY_SIDE], |chunk| columns += black_box(chunk.columns()).count());
            columns
        });
    });
    group.finish();
}

/// All indicators, one bar.
fn one_bar<T: Real>(c: &mut Criterion, name: &str) {
    let mut started = Plan::new(Indicator::USUAL).start::<T>();
    let rows: Vec<Row<T>> = golden_bars().iter().map(|bar| bar.row().side_by_side()).collect();
    let mut next = rows.iter().cycle();
    c.bench_function(name, |b| b.iter(|| next.next().map(|row| started.push(black_box(row)))));
}

fn live(c: &mut Criterion) {
    one_bar::<f64>(c, "one_bar/one_pair");
    one_bar::<Lanes<SIDE_BY_SIDE>>(c, "one_bar/eight_pairs");
}

/// A month of seven pairs, one batch per five minutes.
fn batches(bars: &[Bar], pairs: &[(Pair, Interval)]) -> Vec<RawBatch> {
    let row = |(pair, interval): &(Pair, Interval), slot: i64, bar: &Bar| RawCandle {
        pair: pair.clone(),
        venue: Venue::Kraken,
        interval: *interval,
        open_time: UtcMs(slot * STEP_MS),
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: bar.volume,
        trades: Some(12),
    };
    let slots = (0..30 * 288).zip(bars.iter().cycle());
    let batch = |(slot, bar): (i64, &Bar)| RawBatch {
        at: UtcMs((slot + 1) * STEP_MS),
        rows: pairs.iter().map(|pair| row(pair, slot, bar)).collect(),
        ..RawBatch::default()
    };
    slots.map(batch).collect()
}

fn collector(c: &mut Criterion) {
    let names = ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "DOGE/USD", "LTC/USD", "PEPE/USD"];
    let universe: Vec<(Pair, Interval)> =
        names.iter().map(|name| (name.parse().expect("pair"), Interval::M5)).collect();
    let batches = batches(&golden_bars(), &universe);
    let rows: usize = batches.iter().map(|b| b.rows.len()).sum();
    let mut group = c.benchmark_group("collector");
    group.sample_size(10).throughput(Throughput::Elements(rows as u64));
    group.bench_function("month_of_seven_pairs", |b| {
        let fresh = || Collector::new(&universe, &PipelineSettings::default());
        b.iter_batched(
            fresh,
            |mut collector| batches.iter().map(|batch| collector.ingest(batch).frames.len()).sum::<usize>(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// One closed hour of many pairs, the whole feature set, what looks at all pairs included.
fn panel(c: &mut Criterion) {
    const PAIRS: i64 = 1_400;
    let bars = golden_bars();
    let set = FeatureSet::built_in();
    let others = (1..PAIRS).map(|i| format!("P{i}/USD").parse().expect("pair"));
    let pairs: Vec<Pair> = std::iter::once(set.leader().clone()).chain(others).collect();
    let mut panel = Panel::new(set, &pairs, &PipelineSettings::default());
    let hour = |panel: &mut Panel, hour: usize| {
        for pair in 0..pairs.len() {
            // Each pair walks through the same candles from a place of its own.
            if let Some(bar) = bars.get((hour + 7 * pair) % bars.len()) {
                panel.take(pair, bar, None);
            }
        }
        panel.close();
    };
    let mut now = 0;
    while now < 800 {
        hour(&mut panel, now);
        now += 1;
    }
    let mut group = c.benchmark_group("panel");
    group.throughput(Throughput::Elements(PAIRS as u64));
    group.bench_function("hour_of_1400_pairs", |b| {
        b.iter(|| {
            hour(&mut panel, now);
            now += 1;
        });
    });
    group.finish();
}

criterion_group!(benches, batch, live, kernels, panel, collector);
criterion_main!(benches);
