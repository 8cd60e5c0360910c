//! The judge as a whole, on streams whose truth is known.

use std::sync::OnceLock;

use super::control::Control;
use super::inputs::{MAX_ROWS, Row, judge, rejected};
use super::reference::correlation_time;
use super::*;
use crate::domain::UtcMs;
use crate::domain::drift::{DriftAction, DriftDetector, DriftReport, DriftSpan, FeatureVerdict};
use crate::domain::random::SplitMix64;
use crate::domain::time::{DAY_MS, HOUR_MS};

const FEATURES: usize = 8;
const CONTROL: Control = Control { seed: 1, values_per_alarm: 90 * 24, alarms: 60 };

/// Autoregressive features of sd 1 (the first ones persist) and a skewed loss, one row an hour.
struct Stream {
    rng: SplitMix64,
    hour: i64,
    x: [f64; FEATURES],
    /// Added to the first so many features, and to the loss in sd.
    shift: (usize, f64),
    worse: f64,
}

impl Stream {
    fn new(seed: u64) -> Self {
        Self { rng: SplitMix64::new(&[seed]), hour: 0, x: [0.0; FEATURES], shift: (0, 0.0), worse: 0.0 }
    }

    fn row(&mut self) -> Vec<f64> {
        self.hour += 1;
        let Self { rng, x, .. } = self;
        for (i, x) in x.iter_mut().enumerate() {
            let keep: f64 = if i < 4 { 0.0 } else { 0.6 };
            *x = keep * *x + (1.0 - keep * keep).sqrt() * rng.normal();
        }
        let (n, by) = self.shift;
        self.x.iter().enumerate().map(|(i, x)| x + if i < n { by } else { 0.0 }).collect()
    }

    fn loss(&mut self) -> f64 {
        0.6 + 0.2 * (-(1.0 - self.rng.unit()).ln() - 1.0 + self.worse)
    }

    fn at(&self) -> UtcMs {
        UtcMs(self.hour * HOUR_MS)
    }
}

/// Built once: the simulation of its threshold takes a while.
fn reference() -> DriftReference {
    static BUILT: OnceLock<DriftReference> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> DriftReference {
    let mut stream = Stream::new(1);
    let rows: Vec<(UtcMs, Vec<f64>)> = (0..4_000).map(|_| (stream.row(), stream.at())).map(|(r, at)| (at, r)).collect();
    let history = |i: usize| FeatureHistory {
        feature: format!("f{i}"),
        values: rows.iter().map(|(at, r)| (*at, r[i])).collect(),
    };
    let losses: Vec<f64> = (0..4_000).map(|_| stream.loss()).collect();
    DriftReference::of(&(0..FEATURES).map(history).collect::<Vec<_>>(), &losses, 1, &CONTROL).unwrap()
}

fn step(monitor: &mut DriftMonitor, stream: &mut Stream) {
    let features = stream.row();
    let at = stream.at();
    monitor.observe(&FeatureObservation { at, features: &features });
    let wrong = stream.rng.unit() < 0.15 + 0.3 * stream.worse;
    let gate_error = (stream.hour % 5 == 0).then_some(wrong);
    monitor.mature(&MaturedOutcome { at, loss: stream.loss(), gate_error, calibrated: Some(true), covered: None });
}

fn run(monitor: &mut DriftMonitor, stream: &mut Stream, hours: usize) -> DriftReport {
    (0..hours).for_each(|_| step(monitor, stream));
    monitor.report()
}

/// Rows alone, without outcomes.
fn see(monitor: &mut DriftMonitor, stream: &mut Stream, hours: usize) -> DriftReport {
    for _ in 0..hours {
        let features = stream.row();
        monitor.observe(&FeatureObservation { at: stream.at(), features: &features });
    }
    monitor.report()
}

#[test]
fn the_reference_is_small_sound_and_survives_json() {
    let reference = reference();
    assert!(reference.is_sound());
    let text = serde_json::to_string(&reference).unwrap();
    assert_eq!(serde_json::from_str::<DriftReference>(&text).unwrap(), reference);
    assert!(text.len() / FEATURES < 7_000, "{} bytes a feature", text.len() / FEATURES);
    // White noise is worth its rows; an AR(1) of 0.6 a quarter of them.
    let n_eff: Vec<f64> = reference.features().iter().map(FeatureReference::n_eff).collect();
    assert!(n_eff[..4].iter().all(|n| *n > 3_400.0), "{n_eff:?}");
    assert!(n_eff[4..].iter().all(|n| (700.0..1_400.0).contains(n)), "{n_eff:?}");
}

#[test]
fn pairs_that_move_together_count_once() {
    let mut rng = SplitMix64::new(&[3]);
    let values: Vec<(UtcMs, f64)> = (0..1_000)
        .flat_map(|h| {
            let common = rng.normal();
            [common, common, common].map(|v| (UtcMs(h * HOUR_MS), v))
        })
        .collect();
    let reference = FeatureReference::of(&FeatureHistory { feature: "f".to_owned(), values }, 1).unwrap();
    assert!(reference.n_eff() <= 1_010.0, "{}", reference.n_eff());
    assert!((correlation_time(&[1.0; 50]) - 1.0).abs() < 1e-12);
}

#[test]
fn false_alarms_stay_at_their_rate() {
    let reference = reference();
    let (mut input_alarms, mut loss_alarms, mut flagged, mut windows, mut acted) = (0, 0, 0, 0, 0);
    for seed in 100..110 {
        let (mut monitor, mut stream) = (DriftMonitor::new(reference.clone(), 4), Stream::new(seed));
        for _ in 0..90 {
            let report = run(&mut monitor, &mut stream, 24);
            let judged = report.windows.iter().flat_map(|w| &w.features).filter(|f| f.psi.is_some());
            windows += judged.clone().count();
            flagged += judged.filter(|f| f.verdict == FeatureVerdict::Flagged).count();
            input_alarms += report.alarmed.len();
            acted += u32::from(report.action >= DriftAction::HalveSize);
        }
        let alarms = |d: DriftDetector| monitor.report().detectors.iter().find(|v| v.detector == d).unwrap().alarms;
        loss_alarms += alarms(DriftDetector::PageHinkley);
        assert!(alarms(DriftDetector::Adwin) <= 1);
        assert!(monitor.is_sound());
    }
    assert_eq!(input_alarms, 0, "{flagged} flags in {windows}");
    assert!(flagged as f64 <= 0.005 * windows as f64, "{flagged} flags in {windows}");
    // Ten times 90 days at one alarm each.
    assert!((3..=20).contains(&loss_alarms), "{loss_alarms}");
    assert!(acted <= 20, "{acted} of 900 days at half size or less");
}

#[test]
fn a_shift_of_one_sd_in_the_inputs_is_found_in_two_windows() {
    let reference = reference();
    let (mut monitor, mut stream) = (DriftMonitor::new(reference, 1), Stream::new(7));
    let report = see(&mut monitor, &mut stream, 14 * 24);
    assert_eq!(report.action, DriftAction::None, "{:?}", report.reasons);
    stream.shift = (3, 1.0);
    let report = see(&mut monitor, &mut stream, 15 * 24);
    assert_eq!(report.alarmed, ["f0", "f1", "f2"]);
    assert!(report.action >= DriftAction::Warn && report.action < DriftAction::NoGo, "{report:?}");
    assert!(report.reasons.iter().any(|r| r.contains("3 of 8 inputs drift: f0, f1, f2")), "{:?}", report.reasons);
    let week = report.windows.iter().find(|w| w.span == DriftSpan::Week).unwrap();
    assert_eq!(week.features[0].verdict, FeatureVerdict::Alarm);
    assert!(week.features[0].w1_sd.unwrap() > 0.7 && week.features[7].w1_sd.unwrap() < 0.4);
    // Back to what it was: two clear windows of each length end the alarms, and the ladder is walked down.
    stream.shift = (0, 0.0);
    let report = see(&mut monitor, &mut stream, 28 * 24);
    assert!(report.alarmed.is_empty());
    assert_eq!(report.action, DriftAction::None, "{:?}", report.reasons);
}

#[test]
fn a_loss_that_rises_by_one_sd_is_found_within_two_days() {
    let reference = reference();
    let mut delays = Vec::new();
    for seed in 0..10 {
        let (mut monitor, mut stream) = (DriftMonitor::new(reference.clone(), 1), Stream::new(20 + seed));
        run(&mut monitor, &mut stream, 240);
        let before = monitor.report().detectors[1].alarms;
        stream.worse = 1.0;
        let delay = (1..200).find(|_| run(&mut monitor, &mut stream, 1).detectors[1].alarms > before).unwrap();
        delays.push(delay);
        assert!(monitor.action() >= DriftAction::RetrainCandidate);
        // With drifting inputs beside it, nothing may be entered.
        stream.shift = (1, 2.0);
        let report = run(&mut monitor, &mut stream, 72);
        assert_eq!(report.action, DriftAction::NoGo, "{:?}", report.reasons);
    }
    assert!(delays.iter().all(|d| *d <= 48), "{delays:?}");
}

#[test]
fn calibration_out_of_band_stops_at_once_and_is_undone_slowly() {
    let (mut monitor, mut stream) = (DriftMonitor::new(reference(), 1), Stream::new(5));
    run(&mut monitor, &mut stream, 48);
    let outcome =
        MaturedOutcome { at: stream.at(), loss: 0.6, gate_error: None, calibrated: Some(false), covered: Some(true) };
    monitor.mature(&outcome);
    assert_eq!(monitor.action(), DriftAction::NoGo);
    let report = run(&mut monitor, &mut stream, 12);
    assert_eq!(report.action, DriftAction::NoGo, "not within the day");
    assert!(report.reasons[0].contains("still stands"), "{:?}", report.reasons);
    assert_eq!(run(&mut monitor, &mut stream, 7 * 24).action, DriftAction::None);
}

#[test]
fn a_restart_changes_nothing() {
    let (mut a, mut stream) = (DriftMonitor::new(reference(), 2), Stream::new(9));
    let mut b = a.clone();
    let mut other = Stream::new(9);
    for hour in 0..600 {
        if hour % 37 == 0 {
            b = serde_json::from_str(&serde_json::to_string(&b).unwrap()).unwrap();
            assert!(b.is_sound());
        }
        if hour == 300 {
            (stream.shift, stream.worse) = ((4, 1.5), 1.0);
            (other.shift, other.worse) = (stream.shift, stream.worse);
        }
        step(&mut a, &mut stream);
        step(&mut b, &mut other);
    }
    assert_eq!(a, b);
    assert!(a.report().action > DriftAction::None);
    let report = a.report();
    assert_eq!(serde_json::from_str::<DriftReport>(&serde_json::to_string(&report).unwrap()).unwrap(), report);
}

#[test]
fn memory_is_bounded_and_odd_rows_are_counted() {
    let mut monitor = DriftMonitor::new(reference(), 1);
    assert_eq!(monitor.report(), DriftReport::default());
    let row = [f64::NAN; FEATURES];
    let week = 7 * DAY_MS;
    for _ in 0..MAX_ROWS + 10 {
        monitor.observe(&FeatureObservation { at: UtcMs(week), features: &row });
    }
    monitor.observe(&FeatureObservation { at: UtcMs(week - 1), features: &row });
    monitor.observe(&FeatureObservation { at: UtcMs(week), features: &row[1..] });
    let late = MaturedOutcome { at: UtcMs(0), loss: f64::NAN, gate_error: None, calibrated: None, covered: None };
    monitor.mature(&late);
    assert_eq!(monitor.report().left_out, 13);
    monitor.observe(&FeatureObservation { at: UtcMs(2 * week), features: &[0.5; FEATURES] });
    let report = monitor.report();
    assert!(report.windows.iter().flat_map(|w| &w.features).all(|f| f.verdict == FeatureVerdict::NotJudged));
    assert!(monitor.is_sound());
}

#[test]
fn odd_windows_and_references_give_no_nan() {
    let of = |values: Vec<f64>| {
        let values = values.into_iter().enumerate().map(|(i, v)| (UtcMs(i as i64 * HOUR_MS), v)).collect();
        FeatureReference::of(&FeatureHistory { feature: "f".to_owned(), values }, 1)
    };
    assert_eq!(of(vec![]), None);
    assert_eq!(of(vec![f64::NAN; 500]), None);
    let mut rng = SplitMix64::new(&[1]);
    let constant = of(vec![2.0; 500]).unwrap();
    let moving = of((0..500).map(|_| rng.normal()).collect()).unwrap();
    assert!(constant.is_sound() && moving.is_sound());
    for window in [vec![], vec![0.0], vec![2.0; 200], vec![1e30; 200]] {
        let rows: Vec<Row> = (0_i64..)
            .zip(&window)
            .map(|(h, v)| Row { at: UtcMs(h * HOUR_MS), values: vec![Some(*v as f32); 2] })
            .collect();
        for drift in judge(&[constant.clone(), moving.clone()], &rows.iter().collect::<Vec<_>>()) {
            let numbers = [drift.psi, drift.psi_threshold, drift.ks, drift.p, drift.w1_sd];
            assert!(numbers.iter().flatten().all(|v| v.is_finite()), "{drift:?}");
            assert_eq!(drift.verdict == FeatureVerdict::NotJudged, drift.psi.is_none());
        }
    }
    assert_eq!(LossReference::of(&[0.5; 100], 1, &CONTROL), None);
    assert_eq!(LossReference::of(&[], 1, &CONTROL), None);
}

#[test]
fn the_false_discovery_rate_is_controlled_step_by_step() {
    let p = [Some(0.001), None, Some(0.5), Some(0.009), Some(0.02)];
    // Four tested: harmonic sum 25/12, so the limits are 0.006, 0.012, 0.018, 0.024.
    assert_eq!(rejected(&p, 0.05), [true, false, false, true, false]);
    assert_eq!(rejected(&[], 0.05), Vec::<bool>::new());
}
