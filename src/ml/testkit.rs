//! Test material: the reference vectors, and markets whose truth is known.

use serde_json::Value;

use super::leakage::{Known, Recompute, Watched};
use super::scaler::Input;
use super::{Material, MlError, Trained, TrainingRow, TrainingSeries, Watch, train};
use crate::domain::market::Bar;
use crate::domain::random::SplitMix64;
use crate::domain::settings::{GateSettings, TrainingSettings};
use crate::domain::time::HOUR_MS;
use crate::domain::{Column, ExitPlan, Horizon, Schema, UtcMs};

/// The features of the tests: twenty names, most of which mean nothing here.
pub const FEATURES: [&str; 20] = [
    "return_1",
    "return_4",
    "return_24",
    "return_72",
    "ema50_distance",
    "ema200_distance",
    "ema50_slope",
    "rsi14",
    "macd_histogram",
    "adx14",
    "directional_spread",
    "percent_b",
    "stochastic",
    "mfi14",
    "cmf20",
    "volatility_ratio",
    "volatility_level",
    "volume_z",
    "hour_sin",
    "hour_cos",
];

pub fn schema() -> Schema {
    let column = |name: &str| Column {
        name: name.to_owned(),
        group: "core".to_owned(),
        required: true,
        model: true,
        formula: format!("{name} as the test has it"),
    };
    Schema::new(FEATURES.map(column).to_vec())
}

/// Rows as they are stored: the features of the tests come from nowhere.
pub struct AsStored<'a>(pub &'a [TrainingSeries]);

impl Recompute for AsStored<'_> {
    fn features(&self, pair: usize, row: usize, _: Known) -> Option<Vec<f64>> {
        Some(self.0.get(pair)?.rows.get(row)?.features.as_ref()?.iter().map(|v| f64::from(*v)).collect())
    }
}

pub fn watched() -> Vec<Watched> {
    inputs().into_iter().map(|input| Watched { input, recursive: false, warm_up: 1 }).collect()
}

/// Trains on these series.
pub fn trained(
    series: &[TrainingSeries],
    settings: &TrainingSettings,
    gate: &GateSettings,
    cost: f64,
    at: UtcMs,
    watch: Watch<'_>,
) -> Result<Vec<Result<Trained, MlError>>, MlError> {
    let (schema, watched, recompute) = (schema(), watched(), AsStored(series));
    let material = Material { series, schema: &schema, watched: &watched, recompute: &recompute };
    train(&material, settings, gate, cost, at, watch)
}

pub fn inputs() -> Vec<Input> {
    Input::of(&schema())
}

pub fn input(name: &str) -> Input {
    inputs().into_iter().find(|i| i.feature == name).unwrap()
}

pub struct Golden(Value);

pub fn golden(name: &str) -> Golden {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.json"));
    Golden(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

impl Golden {
    pub fn series(&self, series: &str, field: &str) -> Value {
        self.0["series"][series][field].clone()
    }

    pub fn case(&self, name: &str) -> Value {
        let cases = self.0["cases"].as_array().unwrap();
        cases.iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("no case {name}")).clone()
    }
}

pub fn numbers(list: &Value) -> Vec<Option<f64>> {
    list.as_array().unwrap().iter().map(Value::as_f64).collect()
}

pub fn integers(list: &Value) -> Vec<usize> {
    list.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

/// Both undefined, or within `tolerance` absolute plus relative.
pub fn close_enough(got: Option<f64>, want: Option<f64>, tolerance: f64, what: &str) {
    match (got, want) {
        (None, None) => {}
        (Some(g), Some(w)) if (g - w).abs() <= tolerance * (1.0 + w.abs()) => {}
        _ => panic!("{what}: got {got:?}, want {want:?}"),
    }
}

fn set_sigma(rows: &mut [TrainingRow]) {
    let closes: Vec<f64> = rows.iter().map(|r| r.bar.close).collect();
    for (i, row) in rows.iter_mut().enumerate().skip(24) {
        let window: Vec<f64> = closes[i - 24..=i].windows(2).map(|w| (w[1] / w[0]).ln()).collect();
        row.sigma24 = super::numbers::variance(&window).map(f64::sqrt);
    }
}

/// Random walks with 1 % hourly volatility; features are unrelated AR(1) noise unless a signal is planted.
pub struct Market {
    pairs: usize,
    hours: usize,
    seed: u64,
    planted: bool,
    cycle: bool,
}

impl Market {
    pub const fn noise(pairs: usize, hours: usize, seed: u64) -> Self {
        Self { pairs, hours, seed, planted: false, cycle: false }
    }

    /// Where the first two features are both high (about one hour in 15, six hours at a time) the price climbs steadily. Either
    /// alone says little, so that no honest leakage test takes offence.
    pub const fn planted(pairs: usize, hours: usize, seed: u64) -> Self {
        Self { pairs, hours, seed, planted: true, cycle: false }
    }

    /// Volatility swings by a factor of four over ten days.
    pub const fn volatility_cycle(mut self) -> Self {
        self.cycle = true;
        self
    }

    pub fn build(&self) -> Vec<TrainingSeries> {
        const NAMES: [&str; 4] = ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD"];
        NAMES
            .iter()
            .take(self.pairs)
            .zip(0_u64..)
            .map(|(name, i)| TrainingSeries { pair: name.parse().unwrap(), rows: self.rows(i) })
            .collect()
    }

    fn rows(&self, pair: u64) -> Vec<TrainingRow> {
        let mut rng = SplitMix64::new(&[self.seed, pair]);
        let mut price: f64 = 100.0;
        let mut state = [0.0; FEATURES.len()];
        let mut drift = 0.0;
        let mut rows = Vec::with_capacity(self.hours);
        for hour in 0..self.hours {
            let swing = if self.cycle { (hour as f64 * std::f64::consts::TAU / 240.0).sin() } else { 0.0 };
            let sigma = 0.01 * 2.0_f64.powf(swing);
            let open = price;
            let path: Vec<f64> = (0..12)
                .map(|_| {
                    price *= (drift / 12.0 + sigma / 12.0_f64.sqrt() * rng.normal()).exp();
                    price
                })
                .collect();
            for (i, value) in state.iter_mut().enumerate() {
                if i < 2 && self.planted {
                    // Two levels that hold for six hours; high one time in four.
                    if hour % 6 == 0 {
                        *value = if rng.unit() < 0.26 { 1.0 } else { -1.0 } + 0.2 * rng.normal();
                    }
                } else {
                    *value = 0.9 * *value + rng.normal();
                }
            }
            if self.planted && hour % 6 == 0 {
                drift = if state[0] > 0.0 && state[1] > 0.0 { 0.015 } else { 0.0 };
            }
            rows.push(TrainingRow {
                bar: Bar {
                    open_time: UtcMs(1_600_000_000_000 / HOUR_MS * HOUR_MS + hour as i64 * HOUR_MS),
                    open,
                    high: path.iter().copied().fold(open, f64::max),
                    low: path.iter().copied().fold(open, f64::min),
                    close: price,
                    volume: 1.0,
                },
                features: Some(Box::new(state.map(|v: f64| v as f32))),
                sigma24: None,
                after_hole: false,
            });
        }
        set_sigma(&mut rows);
        rows
    }
}

/// One exit plan of `hours`, four members, four folds; small enough for a test, complete enough to mean something.
pub fn settings(hours: u32) -> TrainingSettings {
    TrainingSettings {
        exits: vec![ExitPlan { horizon: Horizon(hours), target_multiple: 2.0, stop_multiple: 2.0 }],
        from: UtcMs(0),
        to: UtcMs(4_000_000_000_000),
        stride_hours: 2,
        members: 4,
        folds: 4,
        l2: 1.0,
        tree_depth: 3,
        seed: 7,
    }
}
