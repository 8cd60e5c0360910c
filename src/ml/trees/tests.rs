//! What every fit must hold to, whatever its data.

use std::ops::ControlFlow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::random::SplitMix64;

const GROWTH: Growth = Growth {
    max_leaves: 8,
    max_depth: 0,
    min_leaf_rows: 5,
    min_leaf_weight: 0.0,
    l2: 1.0,
    min_gain: 0.0,
    columns_per_split: None,
};
const SPEC: BoostSpec<'static> = BoostSpec {
    objective: Objective::Squared,
    rounds: 40,
    rate: 0.2,
    growth: GROWTH,
    row_share: 1.0,
    stop: None,
    seed: 3,
};

fn go(_: u32) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A step, a product and noise, over five columns of which two say nothing.
struct World {
    x: Columns,
    y: Vec<f64>,
    up: Vec<f64>,
    weights: Vec<f64>,
    rows: Vec<u32>,
    blocks: Vec<u32>,
}

impl World {
    fn new(rows: u32, noise: f64, seed: u64) -> Self {
        let mut rng = SplitMix64::new(&[seed]);
        let columns: Vec<Vec<f32>> = (0..5).map(|_| (0..rows).map(|_| rng.normal() as f32).collect()).collect();
        let truth = |i: usize| {
            let at = |c: usize| f64::from(columns[c][i]);
            f64::from(u8::from(at(0) > 0.3)) + 0.5 * at(1) * at(2)
        };
        let y: Vec<f64> = (0..rows as usize).map(|i| truth(i) + noise * rng.normal()).collect();
        Self {
            up: y.iter().map(|v| f64::from(u8::from(*v > 0.4))).collect(),
            weights: (0..rows).map(|_| 0.5 + rng.unit()).collect(),
            x: Columns::new(columns).unwrap(),
            y,
            rows: (0..rows).collect(),
            blocks: (0..rows).map(|r| r / 25).collect(),
        }
    }

    fn binned(&self) -> Binned {
        Binned::new(&self.x, &self.rows, 64)
    }

    fn sample<'a>(&'a self, data: &'a Binned, objective: Objective) -> Sample<'a> {
        let target = if objective == Objective::Logistic { &self.up } else { &self.y };
        Sample { data, target, weights: &self.weights, rows: &self.rows, blocks: Some(&self.blocks) }
    }

    fn row(&self, row: usize) -> Vec<f32> {
        let mut out = Vec::new();
        self.x.row_into(row, &mut out).unwrap();
        out
    }
}

const OBJECTIVES: [Objective; 4] =
    [Objective::Squared, Objective::Huber { delta: 0.5 }, Objective::Logistic, Objective::Pinball { q: 0.8 }];

fn loss(world: &World, objective: Objective, model: &Boosted, rounds: usize) -> f64 {
    let data = world.binned();
    let sample = world.sample(&data, objective);
    let score = |r: usize| {
        let x = world.row(r);
        model.start() + model.trees().iter().take(rounds).map(|t| t.value(&x).unwrap()).sum::<f64>()
    };
    world.rows.iter().map(|r| *r as usize).map(|r| sample.weights[r] * objective.loss(sample.target[r], score(r))).sum()
}

#[test]
fn a_known_function_is_learned() {
    let (train, test) = (World::new(4_000, 0.1, 1), World::new(500, 0.0, 2));
    let data = train.binned();
    let growth = Growth { max_leaves: 16, ..GROWTH };
    let spec = BoostSpec { rounds: 150, growth, ..SPEC };
    let model = Boosted::fit(&train.sample(&data, Objective::Squared), &spec, &go).unwrap();
    let got = model.raw_rows(&test.x, &test.rows).unwrap();
    let error = got.iter().zip(&test.y).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 500.0;
    assert!(error < 0.02, "{error}");
    let gains = model.gain_importance();
    assert!(gains[..3].iter().all(|g| *g > 20.0 * gains[3].max(gains[4])), "{gains:?}");

    let growth = Growth { max_leaves: 0, columns_per_split: Some(2), l2: 0.0, ..GROWTH };
    let forest = Forest::fit(&train.sample(&data, Objective::Squared), &ForestSpec { trees: 40, growth, seed: 1 }, &go);
    let got = forest.unwrap().mean_rows(&test.x, &test.rows).unwrap();
    let error = got.iter().zip(&test.y).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 500.0;
    assert!(error < 0.08, "{error}");
}

#[test]
fn training_loss_falls_with_every_round() {
    let world = World::new(600, 0.3, 4);
    let data = world.binned();
    for objective in OBJECTIVES {
        let spec = BoostSpec { objective, rounds: 12, rate: 0.1, ..SPEC };
        let model = Boosted::fit(&world.sample(&data, objective), &spec, &go).unwrap();
        let losses: Vec<f64> = (0..=12).map(|rounds| loss(&world, objective, &model, rounds)).collect();
        assert!(losses.is_sorted_by(|a, b| a > b), "{objective:?} {losses:?}");
    }
}

#[test]
fn weight_two_is_the_row_twice() {
    let mut world = World::new(300, 0.3, 5);
    world.weights = (0..300).map(|r| f64::from(1 + r % 2)).collect();
    let mut twice = World::new(300, 0.3, 5);
    let again: Vec<usize> = (0..300).filter(|r| r % 2 == 1).collect();
    let columns = (0..5).map(|c| {
        let column = twice.x.column(c).unwrap();
        column.iter().copied().chain(again.iter().map(|r| column[*r])).collect()
    });
    twice.x = Columns::new(columns.collect()).unwrap();
    twice.y.extend(again.iter().map(|r| world.y[*r]));
    twice.up.extend(again.iter().map(|r| world.up[*r]));
    twice.weights = vec![1.0; 450];
    twice.rows = (0..450).collect();
    twice.blocks = vec![0; 450];
    let growth = Growth { min_leaf_rows: 1, min_leaf_weight: 9.0, ..GROWTH };
    for objective in [Objective::Squared, Objective::Logistic] {
        let spec = BoostSpec { objective, rounds: 10, growth, ..SPEC };
        // More bins than values, so that repetition does not move the cuts.
        let fit = |world: &World| {
            let data = Binned::new(&world.x, &world.rows, 1_000);
            Boosted::fit(&world.sample(&data, objective), &spec, &go).unwrap()
        };
        let (a, b) = (fit(&world), fit(&twice));
        for row in 0..300 {
            let x = world.row(row);
            assert!((a.raw(&x).unwrap() - b.raw(&x).unwrap()).abs() < 1e-9, "{objective:?} {row}");
        }
    }
}

#[test]
fn early_stopping_keeps_the_best_round_and_stops() {
    let mut world = World::new(900, 1.0, 6);
    let aside = world.rows.split_off(600);
    let data = world.binned();
    let begun = std::sync::Mutex::new(0);
    let count = |round: u32| {
        *begun.lock().unwrap() = round + 1;
        ControlFlow::Continue(())
    };
    let spec = BoostSpec { rounds: 400, stop: Some(EarlyStop { rows: &aside, patience: 10 }), ..SPEC };
    let model = Boosted::fit(&world.sample(&data, Objective::Squared), &spec, &count).unwrap();
    let rounds = model.trees().len();
    assert!(rounds > 0 && rounds < 200 && *begun.lock().unwrap() == rounds as u32 + 10, "{rounds}");
    // The kept round has the least loss of all that were tried.
    let all = BoostSpec { rounds: rounds as u32 + 10, stop: None, ..SPEC };
    let all = Boosted::fit(&world.sample(&data, Objective::Squared), &all, &go).unwrap();
    world.rows = aside;
    let losses: Vec<f64> = (0..=rounds + 10).map(|n| loss(&world, Objective::Squared, &all, n)).collect();
    let least = losses.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    assert_eq!(least, rounds);
}

#[test]
fn a_fit_can_be_cancelled_and_says_what_is_wrong() {
    let mut world = World::new(100, 0.3, 7);
    let data = world.binned();
    let third = |round: u32| if round == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let sample = world.sample(&data, Objective::Squared);
    assert_eq!(Boosted::fit(&sample, &SPEC, &third), Err(FitError::Cancelled));
    let forest = ForestSpec { trees: 9, growth: GROWTH, seed: 1 };
    assert_eq!(Forest::fit(&sample, &forest, &third), Err(FitError::Cancelled));
    let fit = |sample: Sample<'_>, objective| Boosted::fit(&sample, &BoostSpec { objective, ..SPEC }, &go).unwrap_err();
    let refused = [
        (fit(Sample { rows: &[], ..sample }, Objective::Squared), FitError::NoRows),
        (fit(Sample { rows: &[4, 4], ..sample }, Objective::Squared), FitError::Twice { row: 4 }),
        (fit(Sample { rows: &[100], ..sample }, Objective::Squared), FitError::Outside { row: 100, rows: 100 }),
        (fit(Sample { target: &[1.0; 100], ..sample }, Objective::Logistic), FitError::OneClass),
        (fit(sample, Objective::Logistic), FitError::NotBinary { row: 0 }),
        (fit(Sample { weights: &[0.0; 100], ..sample }, Objective::Squared), FitError::NoWeight),
        (fit(Sample { weights: &[-1.0; 100], ..sample }, Objective::Squared), FitError::Weight { row: 0 }),
        (
            fit(Sample { target: &[1.0; 99], ..sample }, Objective::Squared),
            FitError::Lengths { what: "the target", got: 99, want: 100 },
        ),
    ];
    refused.iter().for_each(|(got, want)| assert_eq!(got, want));
    world.y[7] = f64::NAN;
    assert_eq!(Boosted::fit(&world.sample(&data, Objective::Squared), &SPEC, &go), Err(FitError::Target { row: 7 }));
}

#[test]
fn one_thread_and_three_give_the_same_bits() {
    // More rows than one chunk of any pass.
    let mut world = World::new(20_000, 0.5, 8);
    let aside = world.rows.split_off(18_000);
    let unit = vec![1.0; 20_000];
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let data = world.binned();
            let mut models = Vec::new();
            for objective in OBJECTIVES {
                for weights in [&unit, &world.weights] {
                    let stop = Some(EarlyStop { rows: &aside, patience: 9 });
                    let spec = BoostSpec { objective, rounds: 3, row_share: 0.9, stop, ..SPEC };
                    let sample = Sample { weights, ..world.sample(&data, objective) };
                    models.push(json!(Boosted::fit(&sample, &spec, &go).unwrap()).to_string());
                }
            }
            let growth = Growth { columns_per_split: Some(2), ..GROWTH };
            let spec = ForestSpec { trees: 4, growth, seed: 2 };
            let forest = Forest::fit(&world.sample(&data, Objective::Squared), &spec, &go).unwrap();
            models.push(json!(forest.mean_rows(&world.x, &world.rows)).to_string());
            models
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn a_model_survives_its_file_and_contributions_add_up() {
    let world = World::new(500, 0.3, 9);
    let data = world.binned();
    for objective in OBJECTIVES {
        let spec = BoostSpec { objective, row_share: 0.7, ..SPEC };
        let model = Boosted::fit(&world.sample(&data, objective), &spec, &go).unwrap();
        let back: Boosted = serde_json::from_str(&serde_json::to_string(&model).unwrap()).unwrap();
        assert!(back == model && back.is_sound(5) && !back.is_sound(4));
        let all = model.raw_rows(&world.x, &world.rows).unwrap();
        for row in (0..500).step_by(17) {
            let x = world.row(row);
            let raw = back.raw(&x).unwrap();
            assert_eq!(raw.to_bits(), all[row].to_bits());
            let parts = model.contributions(&x).unwrap();
            assert!((parts.output() - raw).abs() < 1e-9);
        }
        assert_eq!((model.raw(&[0.0; 4]), model.raw(&[0.0, f32::NAN, 0.0, 0.0, 0.0])), (None, None));
        assert_eq!(model.raw_rows(&world.x, &[500]), None);
    }
    let spec = ForestSpec { trees: 11, growth: GROWTH, seed: 1 };
    let forest = Forest::fit(&world.sample(&data, Objective::Squared), &spec, &go).unwrap();
    let back: Forest = serde_json::from_str(&serde_json::to_string(&forest).unwrap()).unwrap();
    assert!(back == forest && back.is_sound(5));
    let x = world.row(3);
    let (mean, parts) = (back.mean(&x).unwrap(), forest.contributions(&x).unwrap());
    assert!((parts.output() - mean).abs() < 1e-9);
    assert_eq!((back.mean(&x[..4]), back.mean(&[f32::NAN; 5])), (None, None));
}

#[test]
fn however_trees_are_asked_they_give_the_same_bits() {
    let world = World::new(600, 0.3, 11);
    let data = Binned::new(&world.x, &world.rows, 1_024);
    // From two leaves to more than any layout holds: a word, several words, walks.
    for (max_leaves, min_leaf_rows) in [(2, 5), (31, 5), (33, 5), (90, 3), (110, 2), (0, 1)] {
        let growth = Growth { max_leaves, min_leaf_rows, ..GROWTH };
        let spec = BoostSpec { rounds: 11, growth, ..SPEC };
        let model = Boosted::fit(&world.sample(&data, Objective::Squared), &spec, &go).unwrap();
        let forest =
            Forest::fit(&world.sample(&data, Objective::Squared), &ForestSpec { trees: 9, growth, seed: 1 }, &go)
                .unwrap();
        // Rows in any order, more than one tile, the last stretch not full.
        let rows: Vec<u32> = (0..277).map(|i| i * 1_009 % 600).collect();
        let (all, means) = (model.raw_rows(&world.x, &rows).unwrap(), forest.mean_rows(&world.x, &rows).unwrap());
        for ((row, raw), mean) in rows.iter().zip(all).zip(means) {
            let x = world.row(*row as usize);
            let plain = model.trees().iter().fold(model.start(), |sum, tree| sum + tree.value(&x).unwrap());
            let sum = forest.trees().iter().fold(0.0, |sum, tree| sum + tree.value(&x).unwrap());
            assert_eq!((raw.to_bits(), model.raw(&x)), (plain.to_bits(), Some(plain)), "{max_leaves} leaves");
            assert_eq!(
                (mean.to_bits(), forest.mean(&x)),
                ((sum / 9.0).to_bits(), Some(sum / 9.0)),
                "{max_leaves} leaves"
            );
        }
    }
}

#[test]
fn thresholds_and_zeros_of_either_sign_go_low() {
    let x = Columns::new(vec![vec![-1.0, -0.0, 0.0, 1.0, f32::MAX, f32::MIN]]).unwrap();
    let all: Vec<u32> = (0..6).collect();
    let target = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0];
    let data = Binned::new(&x, &all, 2);
    for threshold in [0.0, -0.0, 1.0, -1.0, f32::MAX] {
        let growth = Growth { max_leaves: 2, min_leaf_rows: 1, l2: 0.0, ..GROWTH };
        let sample = Sample { data: &data, target: &target, weights: &[1.0; 6], rows: &all, blocks: None };
        let mut file = json!(Boosted::fit(&sample, &BoostSpec { rounds: 1, growth, ..SPEC }, &go).unwrap());
        file["trees"][0]["threshold"][0] = json!(threshold);
        let model: Boosted = serde_json::from_value(file).unwrap();
        let many = model.raw_rows(&x, &all).unwrap();
        for (row, many) in many.iter().enumerate() {
            let value = [x.column(0).unwrap()[row]];
            let want = model.start() + model.trees()[0].value(&value).unwrap();
            assert_eq!((*many, model.raw(&value)), (want, Some(want)), "{value:?} at {threshold}");
        }
        let beyond = model.start() + model.trees()[0].value(&[f32::INFINITY]).unwrap();
        assert_eq!(model.raw(&[f32::INFINITY]), Some(beyond));
    }
}

#[test]
fn a_damaged_model_does_not_load() {
    let world = World::new(200, 0.3, 10);
    let data = world.binned();
    let spec = BoostSpec { rounds: 2, ..SPEC };
    let model = json!(Boosted::fit(&world.sample(&data, Objective::Squared), &spec, &go).unwrap());
    let damage: [fn(&mut Value); 9] = [
        |m| m["trees"][0]["low"][1] = 1.into(),
        |m| m["trees"][0]["low"][0] = 3.into(),
        |m| m["trees"][0]["low"][0] = 400.into(),
        |m| m["trees"][0]["low"] = json!([]),
        |m| m["trees"][1]["column"][0] = 5.into(),
        |m| m["trees"][1]["value"].as_array_mut().unwrap().truncate(1),
        |m| m["trees"][1]["cover"][0] = 0.into(),
        |m| m["width"] = 1.into(),
        |m| m["more"] = 1.into(),
    ];
    assert!(serde_json::from_value::<Boosted>(model.clone()).is_ok());
    for (i, damage) in damage.iter().enumerate() {
        let mut damaged = model.clone();
        damage(&mut damaged);
        assert!(serde_json::from_value::<Boosted>(damaged).is_err(), "{i}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_forest_stays_within_its_targets(
        seed in 0_u64..1_000, rows in 2_u32..120, leaf in 1_u32..10, columns in prop::option::of(1_u32..7), bins in 2_u32..300,
    ) {
        let world = World::new(rows, 3.0, seed);
        let data = Binned::new(&world.x, &world.rows, bins);
        let growth = Growth { max_leaves: 0, min_leaf_rows: leaf, l2: 0.0, columns_per_split: columns, ..GROWTH };
        let spec = ForestSpec { trees: 5, growth, seed };
        let forest = Forest::fit(&world.sample(&data, Objective::Squared), &spec, &go).unwrap();
        let (low, high) = world.y.iter().fold((f64::MAX, f64::MIN), |(a, b), y| (a.min(*y), b.max(*y)));
        for value in forest.mean_rows(&world.x, &world.rows).unwrap() {
            prop_assert!(value >= low - 1e-12 && value <= high + 1e-12);
        }
    }
}
