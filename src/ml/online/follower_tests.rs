//! A model followed through markets like and unlike those of its training.

use std::sync::{Arc, LazyLock};

use super::*;
use crate::domain::event::{Ask, Brain, Finding, Request};
use crate::domain::frame::{DataQuality, Indicators};
use crate::domain::message::Message;
use crate::domain::pair::{Interval, Venue};
use crate::domain::settings::GateSettings;
use crate::domain::{AgentKind, FeatureRow, Frame, Price, Qty};
use crate::ml::Predictor;
use crate::ml::testkit::{Market, schema, settings, trained};
use crate::ml::{TrainingRow, TrainingSeries, Watch};

const COST: f64 = 0.004;

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| {
    let series = Market::planted(2, 2_950, 71).build();
    let watch = Watch { progress: &|_| {}, go_on: &|| true };
    let made = trained(&series, &settings(6), &GateSettings::default(), COST, UtcMs(1), watch).unwrap();
    Arc::new(made.into_iter().next().unwrap().unwrap().model)
});

fn candle(pair: &Pair, row: &TrainingRow) -> Candle {
    let price = |v: f64| Price::from_f64(v).unwrap();
    Candle {
        pair: pair.clone(),
        venue: Venue::Kraken,
        interval: Interval::H1,
        open_time: row.bar.open_time,
        open: price(row.bar.open),
        high: price(row.bar.high),
        low: price(row.bar.low),
        close: price(row.bar.close),
        volume: Qty::from_f64(1.0).unwrap(),
        trades: None,
    }
}

fn frame(pair: &Pair, row: &TrainingRow) -> Option<Frame> {
    let features: Vec<f64> = row.features.as_ref()?.iter().map(|v| f64::from(*v)).collect();
    let bar = candle(pair, row);
    Some(Frame {
        pair: pair.clone(),
        at: bar.close_time(),
        bar,
        features: FeatureRow::new(Arc::new(schema()), features),
        indicators: Indicators { sigma24: Some(row.sigma24?), ..Indicators::default() },
        quality: DataQuality {
            complete: true,
            source_bars: 1,
            source_bars_expected: 1,
            bars_since_hole: 500,
            age_ms: 0,
            outlier: false,
            note: None,
        },
        source_bars: vec![],
        flow: None,
    })
}

/// Plays a market to a follower as the engine does; gives the steps, and what was said to be sure of beside what came.
fn play(follower: &mut Follower, series: &[TrainingSeries], left_out: impl Fn(usize) -> bool) -> Vec<FollowedStep> {
    let mut predictor = Predictor::new(vec![Arc::clone(&MODEL)], &schema(), Box::new(|_| COST));
    let mut steps = Vec::new();
    for hour in (0..series[0].rows.len()).filter(|h| !left_out(*h)) {
        let rows: Vec<(&Pair, &TrainingRow)> = series.iter().map(|s| (&s.pair, &s.rows[hour])).collect();
        let at = rows[0].1.bar.open_time.plus(HOUR_MS);
        follower.turn(at);
        let mut step = FollowedStep::new(at, follower.model(), follower.horizon());
        for (pair, row) in &rows {
            follower.observe(&candle(pair, row), &mut step);
        }
        follower.take(&step);
        steps.push(step);
        let frames: Vec<Frame> = rows.iter().filter_map(|(pair, row)| frame(pair, row)).collect();
        let inbox = vec![Message::CollectorToPredictor(Arc::new(frames.clone()))];
        let ask = Ask { cycle: 1, at, to: AgentKind::MlPredictor, request: Request::GeneratePredictions, inbox };
        let Finding::Predictions { mut made, .. } = predictor.handle(&ask).unwrap().finding else { panic!("none") };
        let mut step = FollowedStep::new(at, follower.model(), follower.horizon());
        for (prediction, frame) in made.iter_mut().zip(&frames) {
            follower.adjust(prediction);
            step.foreseen.extend(follower.foresee(prediction, &frame.features.inputs().unwrap()));
        }
        follower.take(&step);
        steps.push(step);
    }
    steps.retain(|s| !s.is_empty());
    steps
}

/// A market behind the training's.
fn later(market: &Market) -> Vec<TrainingSeries> {
    let mut series = market.build();
    for row in series.iter_mut().flat_map(|s| &mut s.rows) {
        row.bar.open_time = row.bar.open_time.plus(3_050 * HOUR_MS);
    }
    series
}

#[test]
fn steps_taken_again_give_the_same_follower() {
    let series = later(&Market::planted(2, 700, 5));
    let mut first = Follower::new(&MODEL, 1);
    let steps = play(&mut first, &series, |_| false);
    let mut again = Follower::new(&MODEL, 1);
    let text = serde_json::to_string(&steps).unwrap();
    for step in &serde_json::from_str::<Vec<FollowedStep>>(&text).unwrap() {
        again.take(step);
    }
    again.turn(first.today.unwrap());
    assert_eq!(again, first);
    assert!(first.matured() > 1_000, "{}", first.matured());
    let mut other = Follower::new(&MODEL, 1);
    other.take(&FollowedStep { model: "h6-00000000".to_owned(), ..steps[0].clone() });
    assert_eq!(other, Follower::new(&MODEL, 1), "steps of another version say nothing");
}

#[test]
fn what_matures_brings_confidence_back_to_the_truth() {
    // The signal is gone: what the model is sure of does not come true any more.
    let series = later(&Market::noise(2, 2_000, 6));
    let mut follower = Follower::new(&MODEL, 1);
    let steps = play(&mut follower, &series, |_| false);
    let said = |range: std::ops::Range<usize>| {
        let all: Vec<f64> = steps[range].iter().flat_map(|s| &s.foreseen).map(|f| f.confidence).collect();
        all.iter().copied().fold(0.0, f64::max)
    };
    let n = steps.len();
    assert!(follower.refits > 0);
    assert!(said(0..n / 4) > 0.7, "it still believes: {}", said(0..n / 4));
    assert!(said(3 * n / 4..n) < said(0..n / 4) - 0.1, "it has learned: {} {}", said(0..n / 4), said(3 * n / 4..n));
    let view = follower.view();
    let (low, high) = view.coverage_band.unwrap();
    assert!((low..=high).contains(&view.coverage.unwrap()), "{view:?}");
    assert!(view.drift.action >= DriftAction::Warn || view.drift.detectors.iter().any(|d| d.alarms > 0), "{view:?}");
}

#[test]
fn a_hole_gives_no_outcome() {
    let series = later(&Market::planted(2, 60, 7));
    let mut follower = Follower::new(&MODEL, 1);
    play(&mut follower, &series, |hour| (40..52).contains(&hour));
    // The predictions of hours 34 to 39 were due in the hole, but for the last price before it.
    assert!(follower.view().void >= 10, "{:?}", follower.view().void);
    assert_eq!(follower.view().waiting, 12);
}
