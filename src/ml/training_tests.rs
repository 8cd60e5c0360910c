//! Does training tell the truth? On noise it must find nothing, on a planted signal it must find it, and twice the same.

use super::super::leakage::{Known, LeakageTest};
use super::super::scores::auc_se;
use super::super::testkit::{AsStored, FEATURES, Market, input, schema, settings, trained, watched};
use super::*;
use crate::domain::snapshot::Progress;
use crate::domain::time::HOUR_MS;

const GATE: GateSettings = GateSettings {
    threshold: 0.8,
    min_evidence: 30.0,
    min_hit_rate_lower: 0.7,
    min_lift: 0.05,
    max_ece: 0.05,
    signal_lift: 0.02,
};
const COST: f64 = 0.004;
const WATCH: Watch<'static> = Watch { progress: &|_| {}, go_on: &|| true };

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

fn train_one(market: Market, settings: &TrainingSettings) -> Model {
    let models = trained(&market.build(), settings, &GATE, COST, UtcMs(1), WATCH).unwrap();
    models.into_iter().next().unwrap().unwrap().model
}

/// Rows that hold what only a later bar could tell: without it they are different.
struct Foresight<'a>(AsStored<'a>);

impl Recompute for Foresight<'_> {
    fn features(&self, pair: usize, row: usize, known: Known) -> Option<Vec<f64>> {
        let mut values = self.0.features(pair, row, known)?;
        *values.get_mut(4)? += 0.01;
        Some(values)
    }
}

#[test]
fn who_looks_ahead_is_not_trained() {
    let (series, schema, watched) = (Market::noise(2, 1_500, 8).build(), schema(), watched());
    let leaking = Foresight(AsStored(&series));
    let material = Material { series: &series, schema: &schema, watched: &watched, recompute: &leaking };
    let error = train(&material, &settings(6), &GATE, COST, UtcMs(1), WATCH).unwrap().remove(0).unwrap_err();
    let MlError::Leakage { horizon, what, report } = &error else { panic!("{error}") };
    assert_eq!((horizon.0, report.suspects().into_iter().collect::<Vec<_>>()), (6, vec![FEATURES[4]]));
    assert!(what.starts_with("does not hold: features are equal with nothing known after their instant"), "{what}");
    let failed: Vec<LeakageTest> = report.blocking().map(|t| t.test).collect();
    assert_eq!(failed, [LeakageTest::Truncation, LeakageTest::Poison, LeakageTest::WarmUp]);
}

#[test]
fn noise_stays_noise() {
    for seed in [41, 42, 45] {
        let model = train_one(Market::noise(3, 6_000, seed), &settings(6));
        let m = &model.card.metrics;
        let won = m.n_eff * model.base_rate;
        let se = auc_se(0.5, won, m.n_eff - won).unwrap();
        assert!((m.auc - 0.5).abs() < 2.0 * se, "seed {seed}: AUC {} se {se}", m.auc);
        assert!(m.ece <= 0.03 + 2.0 * m.ece_se, "seed {seed}: ECE {} se {}", m.ece, m.ece_se);
        assert!(f64::from(model.evidence.n) <= 0.002 * m.rows as f64, "seed {seed}: {:?}", model.evidence);
        assert!(m.brier >= m.brier_base - 0.003, "seed {seed}: {} {}", m.brier, m.brier_base);
        assert!((m.coverage - 0.8).abs() < 0.05, "seed {seed}: {}", m.coverage);
        assert!(model.card.dropped.iter().all(|d| !d.reason.to_string().contains("quarantined")));
        // On fresh rows of the same law the final model does not boast either.
        let fresh = Market::noise(1, 3_000, seed + 100).build();
        let confident = fresh[0]
            .rows
            .iter()
            .filter_map(|r| model.judge(&wide(r.features.as_ref()?), r.sigma24?))
            .filter(|j| j.confidence > GATE.threshold)
            .count();
        assert!(confident <= 6, "seed {seed}: {confident} of 3000 above the gate");
    }
}

#[test]
fn a_planted_signal_is_found_and_proved() {
    let model = train_one(Market::planted(3, 9_000, 51), &settings(6));
    let (m, e) = (&model.card.metrics, &model.evidence);
    assert!(m.auc > 0.53, "AUC {}", m.auc);
    assert!(m.brier < m.brier_base, "{} {}", m.brier, m.brier_base);
    assert!(m.ece <= 0.05 + 2.0 * m.ece_se, "ECE {}", m.ece);
    assert!(e.n_eff >= 30.0, "{e:?}");
    assert!(e.hit_rate_lower.unwrap() >= 0.70, "{e:?}");
    assert!(e.mean_net_lower.unwrap() > 0.0, "{e:?}");
    // What carries the signal is worth most, in every fold; the rest is not.
    let worth = model.view().importance;
    assert_eq!(worth.len(), model.card.features.len());
    let mut best: Vec<&str> = worth.iter().take(2).map(|i| i.feature.as_str()).collect();
    best.sort_unstable();
    let mut signal = [FEATURES[0], FEATURES[1]];
    signal.sort_unstable();
    assert_eq!(best, signal, "{worth:?}");
    assert!(worth.iter().take(2).all(|i| i.clear * 5 >= i.folds * 3 && i.mean > 2.0 * i.se), "{worth:?}");
    assert!(worth.iter().skip(2).all(|i| i.mean < worth[1].mean / 4.0), "{worth:?}");
    // The end of the data, which took part in nothing, says the same.
    let held = model.card.hold_out.as_ref().unwrap();
    assert!(held.to <= model.card.data_to && held.from > model.card.data_from);
    assert!((2_000..2_100).contains(&held.metrics.rows), "{held:?}");
    assert!(held.metrics.brier < held.metrics.brier_base && held.metrics.auc > 0.53, "{held:?}");
    assert!(
        held.passed.n > 0 && held.passed.hit_rate.unwrap() > 0.6 && held.passed.mean_net.unwrap() > 0.0,
        "{held:?}"
    );
    // Fresh markets: where the signal stands the model is confident, and it is right as often as it says.
    let settings = settings(6);
    let (mut said, mut held, mut rows, mut all) = (0.0, 0.0, 0.0, 0);
    for seed in 151..157 {
        let fresh = Market::planted(3, 6_000, seed).build();
        let data = Dataset::build(&fresh, &settings, &settings.exits[0], COST);
        all += data.samples.len();
        let judged =
            data.samples.iter().filter_map(|s| Some((model.judge(&wide(s.features), s.sigma24)?.confidence, s.win)));
        let above: Vec<(f64, bool)> = judged.filter(|(p, _)| *p > GATE.threshold).collect();
        said += above.iter().map(|(p, _)| p).sum::<f64>();
        held += above.iter().filter(|(_, win)| *win).count() as f64;
        rows += above.len() as f64;
    }
    assert!(rows > 1_000.0, "{rows} of {all}");
    assert!(((said - held) / rows).abs() < 0.07, "said {}, held {}", said / rows, held / rows);
}

#[test]
fn two_trainings_give_the_same_bytes_on_any_number_of_threads() {
    let series = Market::planted(2, 2_500, 61).build();
    let mut settings = settings(6);
    settings.exits.push(ExitPlan { horizon: Horizon::H1, target_multiple: 4.0, stop_multiple: 4.0 });
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let models = pool.install(|| trained(&series, &settings, &GATE, 0.001, UtcMs(5), WATCH)).unwrap();
        let told = |t: Trained| (t.model.to_json().unwrap(), t.trial, t.hold_out_trial);
        models.into_iter().map(|m| told(m.unwrap())).collect::<Vec<_>>()
    };
    let one = run(1);
    assert_eq!(one.len(), 2);
    assert_eq!(one, run(2));
    for (_, trial, hold_out) in &one {
        let trial = trial.as_ref().unwrap();
        assert!(!trial.hold_out && trial.at == UtcMs(5) && trial.from < trial.to && trial.track.is_sound());
        // Nothing that the walk-forward saw reaches into the hold-out.
        let held = hold_out.as_ref().unwrap();
        assert!(held.hold_out && held.configuration == trial.configuration && held.from > trial.to);
    }
    assert_ne!(one[0].1.as_ref().map(|t| &t.configuration), one[1].1.as_ref().map(|t| &t.configuration));
    settings.seed += 1;
    let other = trained(&series, &settings, &GATE, 0.001, UtcMs(5), WATCH).unwrap();
    assert_ne!(other[0].as_ref().unwrap().model.to_json().unwrap(), one[0].0);
}

#[test]
fn a_stored_model_speaks_with_the_same_bits() {
    let series = Market::planted(2, 2_500, 62).build();
    let model = trained(&series, &settings(6), &GATE, COST, UtcMs(5), WATCH).unwrap().remove(0).unwrap().model;
    let text = model.to_json().unwrap();
    let back = Model::from_json(&text, &schema()).unwrap();
    assert_eq!(back, model);
    for row in series[0].rows.iter().skip(24).step_by(37) {
        let (x, sigma) = (wide(row.features.as_ref().unwrap()), row.sigma24.unwrap());
        let (a, b) = (model.judge(&x, sigma).unwrap(), back.judge(&x, sigma).unwrap());
        assert_eq!(a.confidence.to_bits(), b.confidence.to_bits());
        assert_eq!(a.interval.0.to_bits(), b.interval.0.to_bits());
        assert!(a.interval.0 < a.expected_return && a.expected_return < a.interval.1);
    }
    assert_eq!(model.judge(&[0.0; FEATURES.len()], 0.0), None);
    assert_eq!(model.judge(&[f64::NAN; FEATURES.len()], 0.01), None);

    // Refusals, each with its own reason.
    let edited = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        Model::from_json(&text.replacen(from, to, 1), &schema()).unwrap_err()
    };
    assert!(matches!(edited("\"format\":4", "\"format\":5"), MlError::Format { found: 5, expected: 4, .. }));
    assert!(matches!(edited(schema().input_hash(), "0123456789abcdef"), MlError::Features { .. }));
    assert!(matches!(edited("\"cost\":0.004", "\"cost\":0.001"), MlError::Damaged { .. }));
    assert!(matches!(Model::from_json("{}", &schema()).unwrap_err(), MlError::Unreadable(_)));
    let view = back.view();
    assert_eq!(view.version, back.card.version);
    assert!(view.version.starts_with("h6-") && view.version.len() == 11);
    assert_eq!(view.reliability.len(), 10);
}

#[test]
fn the_card_says_where_the_model_comes_from() {
    let mut series = Market::noise(2, 3_000, 63).build();
    for one in &mut series {
        let closes: Vec<f64> = one.rows.iter().map(|r| r.bar.close).collect();
        for (i, row) in one.rows.iter_mut().enumerate() {
            row.features = row.features.take().zip(closes.get(i + 6)).map(|(mut x, later)| {
                x[input("adx14").place] = 1.0;
                x[input("cmf20").place] = (later / row.bar.close).ln() as f32;
                x
            });
        }
    }
    let mut settings = settings(6);
    settings.from = series[0].rows[100].bar.open_time;
    settings.to = series[0].rows[2_900].bar.open_time;
    let seen = std::sync::Mutex::new(Vec::new());
    let watch = |p: Progress| seen.lock().unwrap().push((p.done, p.total));
    let model = trained(&series, &settings, &GATE, COST, UtcMs(77), Watch { progress: &watch, ..WATCH })
        .unwrap()
        .remove(0)
        .unwrap()
        .model;
    let card = &model.card;
    let of = |name: &str| card.dropped.iter().find(|d| d.feature == name).map(|d| d.reason.to_string()).unwrap();
    assert_eq!(of("adx14"), "constant");
    assert!(of("cmf20").contains("quarantined"), "{}", of("cmf20"));
    // Nothing else means anything either; the best five stay.
    assert_eq!(card.features.len(), 5);
    assert_eq!(card.dropped.len() + card.features.len(), FEATURES.len());
    assert!(card.data_from > settings.from && card.data_to <= settings.to);
    assert_eq!((card.trained_at, card.pairs.len(), card.folds), (UtcMs(77), 2, 4));
    assert!(card.n_eff < card.rows as f64);
    assert!((card.metrics.auc - 0.5).abs() < 0.1, "the leak was not used: {}", card.metrics.auc);
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert_eq!(seen.last(), Some(&(36, 36)));
}

#[test]
fn where_too_little_would_be_held_out_the_card_says_so() {
    let seen = std::sync::Mutex::new(Vec::new());
    let watch = |p: Progress| seen.lock().unwrap().push((p.done, p.total));
    let series = Market::noise(1, 1_300, 64).build();
    let watch = Watch { progress: &watch, ..WATCH };
    let one = trained(&series, &settings(6), &GATE, COST, UtcMs(5), watch).unwrap().remove(0).unwrap();
    assert_eq!((&one.model.card.hold_out, &one.hold_out_trial), (&None, &None));
    let why = one.model.card.no_hold_out.unwrap();
    assert!(why.ends_with("rows would be held out, 100 needed"), "{why}");
    assert_eq!(seen.into_inner().unwrap().into_iter().max(), Some((36, 36)));
}

#[test]
fn too_little_is_refused_in_words() {
    let run = |hours: usize, settings: &TrainingSettings| {
        trained(&Market::noise(1, hours, 9).build(), settings, &GATE, COST, UtcMs(1), WATCH)
            .unwrap()
            .remove(0)
            .unwrap_err()
    };
    let error = run(300, &settings(6));
    assert!(matches!(&error, MlError::NotEnoughData { .. }), "{error}");
    assert!(error.to_string().contains("500 needed"), "{error}");
    // Many rows of a long horizon are few observations.
    assert!(matches!(run(3_000, &settings(720)), MlError::NotEnoughData { .. }));
    assert!(matches!(
        trained(&[], &settings(6), &GATE, COST, UtcMs(1), WATCH).unwrap()[0],
        Err(MlError::NotEnoughData { .. })
    ));
    // A cost that nothing can earn leaves one outcome.
    let all_lost = trained(&Market::noise(1, 3_000, 9).build(), &settings(6), &GATE, 0.9, UtcMs(1), WATCH);
    assert!(matches!(all_lost.unwrap()[0], Err(MlError::NotEnoughData { .. })));
    assert_eq!(error.class(), crate::domain::ErrorClass::Model);
}

#[test]
fn settings_out_of_range_are_named() {
    let series = Market::noise(1, 100, 9).build();
    let run = |change: fn(&mut TrainingSettings), threshold: f64, cost: f64| {
        let mut settings = settings(6);
        change(&mut settings);
        match trained(&series, &settings, &GateSettings { threshold, ..GATE }, cost, UtcMs(1), WATCH) {
            Err(MlError::Setting { key, .. }) => key,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(run(|s| s.members = 1, 0.8, COST), "training.members");
    assert_eq!(run(|s| s.folds = 1, 0.8, COST), "training.folds");
    assert_eq!(run(|s| s.stride_hours = 0, 0.8, COST), "training.stride_hours");
    assert_eq!(run(|s| s.exits.clear(), 0.8, COST), "training.exits");
    assert_eq!(run(|s| s.to = UtcMs(-HOUR_MS), 0.8, COST), "training.from");
    assert_eq!(run(|s| s.l2 = f64::NAN, 0.8, COST), "training.l2");
    assert_eq!(run(|s| s.tree_depth = 0, 0.8, COST), "training.tree_depth");
    assert_eq!(run(|_| {}, 1.0, COST), "gate.threshold");
    assert_eq!(run(|_| {}, 0.8, f64::INFINITY), "cost");
}
