//! Time to predict with trained models: one row, its explanation, all pairs of an hour at once (the budget is 20 ms for 1,400 pairs and four horizons), and
//! the trees alone. Predictions on the models of one training; the first lines say how large they came out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark's fixture, never part of the product")]
#![allow(clippy::print_stderr, reason = "says how large the models are")]

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use cryptosmarttrader::domain::event::{Ask, Brain, Request};
use cryptosmarttrader::domain::frame::{DataQuality, Indicators};
use cryptosmarttrader::domain::market::Bar;
use cryptosmarttrader::domain::message::Message;
use cryptosmarttrader::domain::pair::{Interval, Venue};
use cryptosmarttrader::domain::random::SplitMix64;
use cryptosmarttrader::domain::settings::{GateSettings, TrainingSettings};
use cryptosmarttrader::domain::time::HOUR_MS;
use cryptosmarttrader::domain::{
    AgentKind, Candle, Column, ExitPlan, FeatureRow, Frame, Horizon, Price, Qty, Schema, UtcMs,
};
use cryptosmarttrader::ml::leakage::{Known, Recompute, Watched};
use cryptosmarttrader::ml::scaler::Input;
use cryptosmarttrader::ml::trees::{Binned, BoostSpec, Boosted, Columns, Growth, Objective, Sample};
use cryptosmarttrader::ml::{Material, Model, Predictor, TrainingRow, TrainingSeries, Watch, train};

const FEATURES: usize = 20;
const PAIRS: usize = 1_400;
const COST: f64 = 0.004;
const START: i64 = 1_600_000_000_000 / HOUR_MS * HOUR_MS;

fn schema() -> Schema {
    let column = |i: usize| Column {
        name: format!("feature_{i}"),
        group: "core".to_owned(),
        required: true,
        model: true,
        formula: format!("invented({i})"),
    };
    Schema::new((0..FEATURES).map(column).collect())
}

fn row(state: &mut [f64; FEATURES], rng: &mut SplitMix64) -> Box<[f32]> {
    state.iter_mut().for_each(|v| *v = 0.95 * *v + 0.31 * rng.normal());
    state.iter().map(|v| *v as f32).collect()
}

/// A market in which every feature says a little, some only together.
fn series(name: &str, hours: usize, seed: u64) -> TrainingSeries {
    let mut rng = SplitMix64::new(&[seed]);
    let mut state = [0.0_f64; FEATURES];
    let (mut price, mut past): (f64, Vec<f64>) = (100.0, Vec::new());
    let mut rows = Vec::with_capacity(hours);
    for hour in 0..hours {
        let open = price;
        let step = 0.0006 * state.chunks_exact(2).map(|p| p[0] + p[1] + p[0] * p[1]).sum::<f64>() + 0.01 * rng.normal();
        price *= step.exp();
        past.push(step);
        let window = &past[past.len().saturating_sub(24)..];
        let mean = window.iter().sum::<f64>() / window.len() as f64;
        let sigma = (window.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 23.0).sqrt();
        rows.push(TrainingRow {
            bar: Bar {
                open_time: UtcMs(START + hour as i64 * HOUR_MS),
                open,
                high: open.max(price) * 1.003,
                low: open.min(price) / 1.003,
                close: price,
                volume: 1.0,
            },
            features: Some(row(&mut state, &mut rng)),
            sigma24: (window.len() == 24).then_some(sigma),
            after_hole: false,
        });
    }
    TrainingSeries { pair: name.parse().unwrap(), rows }
}

/// Invented rows come from nowhere.
struct AsStored<'a>(&'a [TrainingSeries]);

impl Recompute for AsStored<'_> {
    fn features(&self, pair: usize, row: usize, _: Known) -> Option<Vec<f64>> {
        Some(self.0.get(pair)?.rows.get(row)?.features.as_ref()?.iter().map(|v| f64::from(*v)).collect())
    }
}

/// One model per horizon, of six members as the settings have them.
fn models() -> Vec<Arc<Model>> {
    let exits = [1, 6, 24, 72].map(|hours| ExitPlan {
        horizon: Horizon(hours),
        target_multiple: if hours == 1 { 4.0 } else { 2.0 },
        stop_multiple: if hours == 1 { 4.0 } else { 2.0 },
    });
    let settings = TrainingSettings {
        exits: exits.to_vec(),
        from: UtcMs(0),
        to: UtcMs(4_000_000_000_000),
        folds: 3,
        stride_hours: 2,
        ..TrainingSettings::default()
    };
    let market: Vec<TrainingSeries> = [("BTC/USD", 1), ("ETH/USD", 2), ("SOL/USD", 3)]
        .map(|(name, seed)| series(name, 9_000, seed))
        .into_iter()
        .collect();
    let watch = Watch { progress: &|_| {}, go_on: &|| true };
    let schema = schema();
    let of = |input| Watched { input, recursive: false, warm_up: 1 };
    let watched: Vec<Watched> = Input::of(&schema).into_iter().map(of).collect();
    let material = Material { series: &market, schema: &schema, watched: &watched, recompute: &AsStored(&market) };
    let trained = train(&material, &settings, &GateSettings::default(), COST, UtcMs(1), watch).unwrap();
    trained.into_iter().map(|t| Arc::new(t.unwrap().model)).collect()
}

/// How many trees and nodes a model has.
fn size(model: &Model) -> (usize, usize) {
    fn count(value: &serde_json::Value, sum: &mut (usize, usize)) {
        match value {
            serde_json::Value::Object(fields) => {
                if let Some(low) = fields.get("low").and_then(|v| v.as_array()) {
                    *sum = (sum.0 + 1, sum.1 + low.len());
                }
                fields.values().for_each(|v| count(v, sum));
            }
            serde_json::Value::Array(list) => list.iter().for_each(|v| count(v, sum)),
            _ => {}
        }
    }
    let mut sum = (0, 0);
    count(&serde_json::from_str(&model.to_json().unwrap()).unwrap(), &mut sum);
    sum
}

fn frames(schema: &Arc<Schema>) -> Vec<Frame> {
    let mut rng = SplitMix64::new(&[77]);
    let mut state = [0.0_f64; FEATURES];
    let at = UtcMs(1_700_000_000_000 / HOUR_MS * HOUR_MS);
    let price = Price::from_f64(100.0).unwrap();
    let frame = |i: usize| {
        for _ in 0..20 {
            row(&mut state, &mut rng);
        }
        let pair = format!("SIM{i}/USD").parse().unwrap();
        Frame {
            bar: Candle {
                pair,
                venue: Venue::Kraken,
                interval: Interval::H1,
                open_time: at.plus(-HOUR_MS),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: Qty::from_f64(1.0).unwrap(),
                trades: None,
            },
            pair: format!("SIM{i}/USD").parse().unwrap(),
            at,
            features: FeatureRow::new(Arc::clone(schema), state),
            indicators: Indicators { sigma24: Some(0.01), ..Indicators::default() },
            quality: DataQuality {
                complete: true,
                source_bars: 12,
                source_bars_expected: 12,
                bars_since_hole: 500,
                age_ms: 0,
                outlier: false,
                note: None,
            },
            source_bars: vec![],
            flow: None,
        }
    };
    (0..PAIRS).map(frame).collect()
}

fn predictions(c: &mut Criterion) {
    let (schema, models) = (Arc::new(schema()), models());
    let frames = frames(&schema);
    let model = &models[2];
    for model in &models {
        let (trees, nodes) = size(model);
        eprintln!("{}: {trees} trees, {nodes} nodes, {} features", model.card.version, model.card.features.len());
    }
    let rows: Vec<Box<[f64]>> = frames.iter().map(|f| f.features.inputs().unwrap()).collect();
    let mut turn = (0..PAIRS).cycle();
    let mut group = c.benchmark_group("prediction");
    group.measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1)).sample_size(30);
    group.bench_function("judge", |b| b.iter(|| model.judge(black_box(&rows[turn.next().unwrap()]), 0.01)));
    let asked: Vec<(&[f64], f64)> = rows.iter().map(|row| (&**row, 0.01)).collect();
    group.bench_function("judge_1400", |b| b.iter(|| model.judge_many(black_box(&asked))));
    group.bench_function("explain", |b| b.iter(|| model.explain(black_box(&rows[turn.next().unwrap()]))));
    let cost = || Box::new(|_| COST);
    let ask = Ask {
        cycle: 1,
        at: UtcMs(0),
        to: AgentKind::MlPredictor,
        request: Request::GeneratePredictions,
        inbox: vec![Message::CollectorToPredictor(Arc::new(frames))],
    };
    let mut silent = Predictor::new(models.clone(), &schema, cost());
    group.bench_function("cycle_1400x4", |b| b.iter(|| silent.handle(black_box(&ask)).unwrap()));
    let mut explaining = Predictor::new(models.clone(), &schema, cost()).explaining_from(0.02);
    group.bench_function("cycle_1400x4_explained", |b| b.iter(|| explaining.handle(black_box(&ask)).unwrap()));
    group.finish();
}

/// 200 trees of 31 leaves over 60 columns.
fn trees(c: &mut Criterion) {
    let mut rng = SplitMix64::new(&[5]);
    let rows = 20_000_u32;
    let columns: Vec<Vec<f32>> = (0..60).map(|_| (0..rows).map(|_| rng.normal() as f32).collect()).collect();
    let truth = |r: usize| (0..10).map(|c| f64::from(columns[c][r] * columns[c + 10][r] + columns[c][r])).sum::<f64>();
    let target: Vec<f64> = (0..rows as usize).map(|r| truth(r) + rng.normal()).collect();
    let x = Columns::new(columns).unwrap();
    let all: Vec<u32> = (0..rows).collect();
    let data = Binned::new(&x, &all, 255);
    let growth = Growth {
        max_leaves: 31,
        max_depth: 0,
        min_leaf_rows: 20,
        min_leaf_weight: 0.0,
        l2: 0.0,
        min_gain: 0.0,
        columns_per_split: None,
    };
    let objective = Objective::Squared;
    let spec = BoostSpec { objective, rounds: 200, rate: 0.1, growth, row_share: 1.0, stop: None, seed: 1 };
    let weights = vec![1.0; target.len()];
    let sample = Sample { data: &data, target: &target, weights: &weights, rows: &all, blocks: None };
    let model = Boosted::fit(&sample, &spec, &|_| ControlFlow::Continue(())).unwrap();
    let depth: u32 = model.trees().iter().map(|t| t.depth()).sum();
    let groups: u32 = model.trees().chunks(8).map(|t| 8 * t.iter().map(|t| t.depth()).max().unwrap_or(0)).sum();
    eprintln!("depths of the trees: {depth} in all, {groups} in groups of eight");
    let mut list = Vec::new();
    let several: Vec<Vec<f32>> = (0..512).map(|r| x.row_into(r, &mut list).map(|()| list.clone()).unwrap()).collect();
    let mut turn = (0..several.len()).cycle();
    let mut group = c.benchmark_group("trees_200x31");
    group.measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1)).sample_size(30);
    group.bench_function("same_row", |b| b.iter(|| model.raw(black_box(&several[0]))));
    group.bench_function("row_after_row", |b| b.iter(|| model.raw(black_box(&several[turn.next().unwrap()]))));
    group.bench_function("rows_1400", |b| b.iter(|| model.raw_rows(black_box(&x), &all[..PAIRS])));
    group.bench_function("explained", |b| b.iter(|| model.contributions(black_box(&several[0]))));
    group.finish();
}

criterion_group!(benches, trees, predictions);
criterion_main!(benches);
