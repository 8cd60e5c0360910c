//! The gate catches every planted leak by name, and raises no alarm where there is none.

use std::collections::BTreeSet;

use ndarray::Array2;

use super::*;
use crate::domain::market::Bar;
use crate::domain::random::SplitMix64;
use crate::domain::time::HOUR_MS;
use crate::ml::TrainingSeries;
use crate::ml::cv::{Fold, purged_walk_forward};
use crate::ml::dataset::Dataset;
use crate::ml::linear::{Moments, ridge};
use crate::ml::scaler::Input;
use crate::ml::scores::auc;
use crate::ml::testkit::{Market, settings};

/// A feature of the bars at a place; `None` where it has no value.
type Formula = fn(&[Bar], usize) -> Option<f64>;

const HOURS: usize = 2_600;
const NAMES: [&str; 5] = ["suspect", "return_1", "ema20_distance", "relative_volume", "range_place"];

fn back(t: usize, bars: usize) -> Option<std::ops::RangeInclusive<usize>> {
    Some((t + 1).checked_sub(bars)?..=t)
}

fn log_return(bars: &[Bar], t: usize, over: usize) -> Option<f64> {
    Some((bars.get(t)?.close / bars.get(t.checked_sub(over)?)?.close).ln())
}

const HONEST: [Formula; 5] = [
    |bars, t| log_return(bars, t, 4),
    |bars, t| log_return(bars, t, 1),
    |bars, t| {
        let seen = bars.get(..=t).filter(|seen| seen.len() > 60)?;
        let ema = seen.iter().skip(1).fold(seen[0].close, |ema, bar| ema + (bar.close - ema) * 2.0 / 21.0);
        Some((seen.last()?.close / ema).ln())
    },
    |bars, t| Some(bars.get(t)?.volume / bars.get(back(t, 20)?)?.iter().map(|b| b.volume).sum::<f64>()),
    |bars, t| {
        let window = bars.get(back(t, 20)?)?;
        let high = window.iter().map(|b| b.high).fold(f64::MIN, f64::max);
        let low = window.iter().map(|b| b.low).fold(f64::MAX, f64::min);
        Some((bars.get(t)?.close - low) / (high - low))
    },
];

/// Feature rows from bars, as a pipeline would compute them.
struct Bench {
    bars: Vec<Vec<Bar>>,
    suspect: Formula,
}

impl Bench {
    fn row(&self, bars: &[Bar], t: usize) -> Vec<f64> {
        let formulas = HONEST.iter().enumerate().map(|(i, f)| if i == 0 { self.suspect } else { *f });
        formulas.map(|f| f(bars, t).unwrap_or(f64::NAN)).collect()
    }
}

impl Recompute for Bench {
    fn features(&self, pair: usize, row: usize, known: Known) -> Option<Vec<f64>> {
        let bars = self.bars.get(pair)?;
        let seen = bars.get(..=row)?;
        Some(match known {
            Known::UpTo => self.row(seen, row),
            Known::Last(count) => {
                let seen = &seen[seen.len().checked_sub(count)?..];
                self.row(seen, seen.len() - 1)
            }
            Known::Poisoned(poison) => {
                let of = |v: f64| match poison {
                    Poison::NotANumber => f64::NAN,
                    Poison::Absurd => 1e12,
                    Poison::UpsideDown => 1.0 / v,
                };
                let after = bars[row + 1..].iter().map(|b| Bar {
                    open: of(b.open),
                    high: of(b.high),
                    low: of(b.low),
                    close: of(b.close),
                    volume: of(b.volume),
                    ..*b
                });
                self.row(&seen.iter().copied().chain(after).collect::<Vec<_>>(), row)
            }
        })
    }
}

struct Scene {
    bench: Bench,
    series: &'static [TrainingSeries],
    data: Dataset<'static>,
    folds: Vec<Fold>,
    warm_up: usize,
}

fn scene(suspect: Formula, seed: u64, horizon: u32) -> Scene {
    let mut series = Market::noise(2, HOURS, seed).build();
    let mut rng = SplitMix64::new(&[seed, 99]);
    for row in series.iter_mut().flat_map(|one| &mut one.rows) {
        row.bar.volume = 1.0 + rng.unit();
    }
    let bars = series.iter().map(|one| one.rows.iter().map(|r| r.bar).collect()).collect();
    let bench = Bench { bars, suspect };
    for (one, bars) in series.iter_mut().zip(&bench.bars) {
        for (t, row) in one.rows.iter_mut().enumerate() {
            row.features = Some(bench.row(bars, t))
                .filter(|f| f.iter().all(|v| v.is_finite()))
                .map(|f| f.iter().map(|v| *v as f32).collect());
        }
    }
    let settings = settings(horizon);
    // Samples borrow from the series; a test may leave it behind.
    let series: &'static [TrainingSeries] = series.leak();
    let data = Dataset::build(series, &settings, &settings.exits[0], 0.004);
    let folds = purged_walk_forward(&data.spans(), 4);
    Scene { bench, series, data, folds, warm_up: 199 }
}

impl Scene {
    /// Ridge on the outcomes; the mean AUC over the test blocks.
    fn score(&self, labels: &[bool]) -> Option<f64> {
        let mut scores = Vec::new();
        for fold in &self.folds {
            let row = |i: &usize| self.data.samples[*i].features.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
            let x = Array2::from_shape_fn((fold.train.len(), NAMES.len()), |(r, c)| row(&fold.train[r])[c]);
            let y: Vec<f64> = fold.train.iter().map(|i| f64::from(u8::from(labels[*i]))).collect();
            let model = ridge(&Moments::of(&x, &y, None).ok()?, 1.0).ok()?;
            let said: Vec<f64> = fold.test.iter().filter_map(|i| model.at(&row(i))).collect();
            let wins: Vec<bool> = fold.test.iter().map(|i| labels[*i]).collect();
            scores.push(auc(&said, &wins)?);
        }
        crate::ml::numbers::mean(&scores)
    }

    fn gate(&self) -> LeakageReport {
        self.gate_with(&|labels| self.score(labels))
    }

    fn gate_with(&self, score: &dyn Fn(&[bool]) -> Option<f64>) -> LeakageReport {
        let watched: Vec<Watched> = NAMES
            .iter()
            .enumerate()
            .map(|(place, name)| Watched {
                input: Input { feature: (*name).to_owned(), place },
                recursive: *name == "ema20_distance",
                warm_up: self.warm_up,
            })
            .collect();
        let fits: Vec<FitTime> = self
            .folds
            .iter()
            .map(|fold| {
                let known = fold.train.iter().map(|i| self.data.samples[*i].known);
                Fitted::new((), known).unwrap().fit_time("ridge", crate::domain::UtcMs(fold.test_from))
            })
            .collect();
        let signals = [Place { pair: 1, row: 1_234 }];
        let origin =
            Origin { series: self.series, watched: &watched, recompute: &self.bench, signals: &signals, seed: 5 };
        let inputs: Vec<Input> = watched.iter().map(|w| w.input.clone()).collect();
        gate(&Evidence {
            recomputed: &origin.recomputed(),
            data: &self.data,
            inputs: &inputs,
            folds: &self.folds,
            fits: &fits,
            score,
            block_ms: 24 * HOUR_MS,
            seed: 5,
        })
    }
}

fn failed(report: &LeakageReport) -> BTreeSet<LeakageTest> {
    report.blocking().map(|t| t.test).collect()
}

#[test]
fn a_clean_set_passes_every_test() {
    for (seed, horizon) in [(1, 1), (2, 6), (3, 24)] {
        let report = scene(HONEST[0], seed, horizon).gate();
        assert!(report.passed() && report.is_sound() && report.suspects().is_empty(), "seed {seed}: {report:#?}");
        let [truncation, ..] = report.tests.as_slice() else { panic!("tests") };
        assert!(truncation.checked >= (MIN_INSTANTS * NAMES.len()) as u64);
        assert_eq!(report.shuffled.as_ref().unwrap().runs, MIN_RUNS);
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<LeakageReport>(&text).unwrap(), report);
    }
}

#[test]
fn every_canary_is_caught_and_nothing_else() {
    let next_close: Formula = |bars, t| Some((bars.get(t + 1)?.close / bars.get(t)?.close).ln());
    let centred: Formula = |bars, t| {
        let window = bars.get(t.checked_sub(12)?..=t + 12)?;
        Some((bars.get(t)?.close / (window.iter().map(|b| b.close).sum::<f64>() / 25.0)).ln())
    };
    let full_sample: Formula = |bars, t| {
        let mean = bars.iter().map(|b| b.close).sum::<f64>() / bars.len() as f64;
        let square = bars.iter().map(|b| (b.close - mean).powi(2)).sum::<f64>() / bars.len() as f64;
        Some((bars.get(t)?.close - mean) / square.sqrt())
    };
    // Ichimoku's lagging line: the close of 26 bars later, drawn here.
    let chikou: Formula = |bars, t| Some((bars.get(t + 26)?.close / bars.get(t)?.close).ln());
    // A four-hour bar that is named by its end and used from its beginning.
    let label_right: Formula = |bars, t| {
        let of = |bar: &Bar| bar.open_time.0.div_euclid(4 * HOUR_MS);
        let here = bars.get(t)?;
        let end = bars.get(t..)?.iter().take_while(|bar| of(bar) == of(here)).last()?;
        Some((end.close / here.close).ln())
    };
    let future_volume: Formula = |bars, t| {
        let window = bars.get(t..bars.len().min(t + 24))?;
        Some(bars.get(t)?.volume / window.iter().map(|b| b.volume).sum::<f64>())
    };
    // How high the next bar is so far.
    let forming: Formula = |bars, t| Some((bars.get(t + 1)?.high / bars.get(t)?.close).ln());
    for (name, canary) in [
        ("next close", next_close),
        ("centred mean", centred),
        ("full-sample z-score", full_sample),
        ("Chikou", chikou),
        ("label right", label_right),
        ("future volume", future_volume),
        ("forming bar", forming),
    ] {
        let report = scene(canary, 4, 6).gate();
        let failed = failed(&report);
        assert!(!report.passed() && report.is_sound(), "{name}");
        assert!(
            failed.contains(&LeakageTest::Truncation) && failed.contains(&LeakageTest::Poison),
            "{name}: {failed:?}"
        );
        assert_eq!(report.suspects(), BTreeSet::from(["suspect"]), "{name}: {report:#?}");
    }
}

#[test]
fn a_value_stored_wrong_is_caught_by_what_it_says() {
    // The formula is honest and recomputes to the stored value; the bars themselves came one hour early.
    let mut scene = scene(HONEST[0], 6, 1);
    let next: Vec<Option<f64>> = scene.data.samples.iter().map(|s| Some(s.scaled_return)).collect();
    for (sample, value) in scene.data.samples.iter_mut().zip(next) {
        let mut features = sample.features.to_vec();
        features[0] = value.unwrap_or(0.0) as f32;
        sample.features = features.leak();
    }
    let found = failed(&scene.gate());
    for test in [LeakageTest::TargetOutlier, LeakageTest::EventOutlier, LeakageTest::ForwardShift] {
        assert!(found.contains(&test), "{found:?}");
    }
    assert!(!found.contains(&LeakageTest::Truncation));
}

#[test]
fn a_start_that_never_wears_off_is_found_with_its_need() {
    let cumulative: Formula =
        |bars, t| Some(bars.get(..=t)?.windows(2).map(|w| (w[1].close / w[0].close).ln().abs()).sum());
    let report = scene(cumulative, 7, 6).gate();
    assert_eq!(failed(&report), BTreeSet::from([LeakageTest::WarmUp]));
    let of = |report: &LeakageReport| {
        report.tests.iter().find(|t| t.test == LeakageTest::WarmUp).unwrap().findings[0].clone()
    };
    assert_eq!((of(&report).value, of(&report).other), (Some(199.0), None));
    // One that needs 300 bars says 200.
    let long: Formula = |bars, t| {
        let mean = bars.get(t.saturating_sub(299)..=t)?.iter().map(|b| b.close).sum::<f64>() / (t + 1).min(300) as f64;
        (t > 150).then(|| (bars[t].close / mean).ln())
    };
    let report = scene(long, 7, 6).gate();
    assert_eq!(failed(&report), BTreeSet::from([LeakageTest::WarmUp]), "{report:#?}");
    assert_eq!(of(&report).other, Some(399.0));
    let mut enough = scene(long, 7, 6);
    enough.warm_up = 300;
    assert!(enough.gate().passed());
}

#[test]
fn leaks_between_folds_are_found() {
    let clean = scene(HONEST[0], 8, 6);
    let n = clean.data.samples.len();
    let split = |train: std::ops::Range<usize>, test: std::ops::Range<usize>| {
        let test_from = clean.data.samples[test.start].at.0;
        vec![Fold { train: train.collect(), test: test.collect(), test_from }]
    };
    let (gap_free, shared) = (split(0..n / 2, n / 2 + 1..n), split(0..n / 2 + 1, n / 2..n));
    assert_eq!(overlap(&clean.data, &gap_free).verdict, Verdict::Failed);
    assert_eq!(same_instant(&clean.data, &shared).verdict, Verdict::Failed);
    assert_eq!(duplicates(&clean.data, &gap_free).verdict, Verdict::Passed);
    assert_eq!(duplicates(&clean.data, &[]).verdict, Verdict::NotChecked);
    let mut copied = clean.data.clone();
    // Another pair and hour, and the same values.
    copied.samples[n - 3].features = copied.samples[10].features;
    let report = duplicates(&copied, &gap_free);
    assert_eq!((report.verdict, report.failed, report.worst), (Verdict::Failed, 1, Some(1.0)));
    assert_eq!(report.findings[0].at, Some(copied.samples[n - 3].at));
}

#[test]
fn who_has_seen_the_answers_learns_from_shuffled_labels() {
    let scene = scene(HONEST[0], 9, 6);
    // Scores that come from the very labels they are judged on.
    let seen = |labels: &[bool]| {
        let mut rng = SplitMix64::new(&[labels.iter().filter(|l| **l).count() as u64]);
        auc(&labels.iter().map(|l| f64::from(u8::from(*l)) + 2.0 * rng.unit()).collect::<Vec<_>>(), labels)
    };
    let report = scene.gate_with(&seen);
    assert_eq!(failed(&report), BTreeSet::from([LeakageTest::Shuffle]));
    assert!(report.shuffled.unwrap().null_mean > 0.7);
    // A training that gives no score has not been checked, and that blocks as well.
    let report = scene.gate_with(&|_| None);
    assert!(!report.passed() && report.is_sound() && report.shuffled.is_none());
}

#[test]
fn shuffled_labels_keep_their_number_and_their_blocks() {
    let data = scene(HONEST[0], 10, 6).data;
    let wins: Vec<bool> = data.samples.iter().map(|s| s.win).collect();
    let turned = permuted(&data, 48 * HOUR_MS, &mut SplitMix64::new(&[3]));
    let count = |of: &[bool]| of.iter().filter(|w| **w).count();
    let changes = |of: &[bool]| of.windows(2).filter(|w| w[0] != w[1]).count();
    assert_eq!((turned.len(), count(&turned)), (wins.len(), count(&wins)));
    assert_ne!(turned, wins);
    assert!(changes(&turned).abs_diff(changes(&wins)) <= 2 * HOURS / 48, "blocks stay whole");
}
