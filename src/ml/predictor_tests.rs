//! The predictor against every kind of inbox.

use std::sync::LazyLock;

use super::super::testkit::{FEATURES, Market, schema, settings, trained};
use super::super::walk::Watch;
use super::*;
use crate::domain::frame::{DataQuality, Indicators};
use crate::domain::pair::{Interval, Venue};
use crate::domain::time::HOUR_MS;
use crate::domain::{Candle, ExitPlan, FeatureRow, Qty};

const COST: f64 = 0.004;

static MODELS: LazyLock<Vec<Arc<Model>>> = LazyLock::new(|| {
    let mut settings = settings(6);
    settings.exits.push(ExitPlan { horizon: Horizon::H1, target_multiple: 4.0, stop_multiple: 4.0 });
    let series = Market::planted(2, 2_500, 71).build();
    let models = trained(
        &series,
        &settings,
        &crate::domain::settings::GateSettings::default(),
        COST,
        UtcMs(1),
        Watch { progress: &|_| {}, go_on: &|| true },
    )
    .unwrap();
    models.into_iter().map(|t| Arc::new(t.unwrap().model)).collect()
});

fn predictor() -> Predictor {
    Predictor::new(MODELS.clone(), &schema(), Box::new(|_| COST))
}

fn frame(name: &str, close: f64) -> Frame {
    let pair: Pair = name.parse().unwrap();
    let at = UtcMs(1_700_000_000_000 / HOUR_MS * HOUR_MS);
    let price = Price::from_f64(close).unwrap();
    let bar = Candle {
        pair: pair.clone(),
        venue: Venue::Kraken,
        interval: Interval::H1,
        open_time: at.plus(-HOUR_MS),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Qty::from_f64(1.0).unwrap(),
        trades: None,
    };
    let quality = DataQuality {
        complete: true,
        source_bars: 12,
        source_bars_expected: 12,
        bars_since_hole: 500,
        age_ms: 0,
        outlier: false,
        note: None,
    };
    Frame {
        pair,
        at,
        bar,
        features: FeatureRow::new(Arc::new(schema()), [0.3; FEATURES.len()]),
        indicators: Indicators { sigma24: Some(0.01), ..Indicators::default() },
        quality,
        source_bars: vec![],
        flow: None,
    }
}

/// A row that lacks one value.
fn without(name: &str) -> FeatureRow {
    FeatureRow::new(Arc::new(schema()), FEATURES.map(|f| if f == name { f64::NAN } else { 0.3 }))
}

fn ask(frames: Vec<Frame>, more: Vec<Message>) -> Ask {
    let mut inbox = vec![Message::CollectorToPredictor(Arc::new(frames))];
    inbox.extend(more);
    Ask { cycle: 3, at: UtcMs(0), to: AgentKind::MlPredictor, request: Request::GeneratePredictions, inbox }
}

fn answer(predictor: &mut Predictor, ask: &Ask) -> (Vec<Prediction>, Vec<NoPrediction>, Reply) {
    let reply = predictor.handle(ask).unwrap();
    let Finding::Predictions { made, none } = reply.finding.clone() else { panic!("predictions") };
    (made, none, reply)
}

fn refusal(predictor: &mut Predictor, frame: Frame) -> String {
    let (made, none, _) = answer(predictor, &ask(vec![frame], vec![]));
    assert!(made.is_empty() && none.len() == 2, "{none:?}");
    none[0].reason.clone()
}

#[test]
fn a_complete_frame_gets_a_whole_prediction_per_horizon() {
    let (made, none, reply) = answer(&mut predictor(), &ask(vec![frame("BTC/USD", 63_512.4)], vec![]));
    assert!(none.is_empty());
    assert_eq!(made.iter().map(|p| p.horizon.0).collect::<Vec<_>>(), [1, 6]);
    for p in &made {
        let plan = &p.plan;
        assert!(plan.stop < plan.entry && plan.entry < plan.target && plan.side == Side::Buy);
        assert_eq!(plan.expires, p.at.plus(p.horizon.ms()));
        assert_eq!(plan.target.get().scale(), 1, "the decimals of the pair: {}", plan.target);
        let model = MODELS.iter().find(|m| m.card.horizon == p.horizon).unwrap();
        let (up, down) = model.card.exits.distances(0.01);
        assert!((plan.win - (up.exp() - 1.0 - COST)).abs() < 1e-5, "{plan:?}");
        assert!((plan.loss - (1.0 - (-down).exp() + COST)).abs() < 1e-5, "{plan:?}");
        let judged = model.judge(&[0.3; FEATURES.len()], 0.01).unwrap();
        assert_eq!((p.confidence.get(), p.epistemic, p.raw.get()), (judged.confidence, judged.epistemic, judged.raw));
        assert_eq!((p.ece, &p.evidence, p.base_rate.get()), (model.card.metrics.ece, &model.evidence, model.base_rate));
        assert_eq!(p.inputs, ["candles"]);
    }
    let cells: Vec<&str> = reply.messages.iter().map(Message::name).collect();
    assert_eq!(
        cells,
        [
            "PredictorToSentiment",
            "PredictorToTechnical",
            "PredictorToRisk",
            "PredictorToOptimizer",
            "PredictorToHealth"
        ]
    );
    assert_eq!(reply.used, ["CollectorToPredictor"]);
    let Message::PredictorToTechnical(longest) = &reply.messages[1] else { panic!("technical") };
    assert_eq!(longest, &[(made[1].pair.clone(), made[1].expected_return)]);
    let Message::PredictorToOptimizer(expected) = &reply.messages[3] else { panic!("optimizer") };
    let p = made[0].confidence.get();
    assert!((expected[0].2 - (p * made[0].plan.win - (1.0 - p) * made[0].plan.loss)).abs() < 1e-15);
    let Message::PredictorToHealth(status) = &reply.messages[4] else { panic!("health") };
    assert_eq!((status.predicted, status.abstained), (2, 0));
}

#[test]
fn a_signal_is_explained_and_nothing_else_is() {
    let btc = || ask(vec![frame("BTC/USD", 60_000.0)], vec![]);
    let (silent, _, _) = answer(&mut predictor(), &btc());
    let lift = |p: &Prediction| p.confidence.get() - p.base_rate.get();
    for p in &silent {
        let model = MODELS.iter().find(|m| m.card.horizon == p.horizon).unwrap();
        let whole = model.explain(&[0.3; FEATURES.len()]).unwrap();
        let names: Vec<&str> = whole.contributions.iter().map(|c| c.feature.as_str()).collect();
        assert_eq!(names, model.card.features, "what selection left out has no part");
        let said = whole.base + whole.contributions.iter().map(|c| c.log_odds).sum::<f64>();
        assert!((said - crate::ml::numbers::logit(p.raw.get())).abs() < 1e-9);
        assert_eq!(model.explain(&[0.3; 3]), None);
        // Exactly at the threshold is a signal, the next number above is none.
        for (from, explained) in [(lift(p), true), (lift(p).next_up(), false)] {
            let (made, _, _) = answer(&mut predictor().explaining_from(from), &btc());
            let q = made.iter().find(|q| q.horizon == p.horizon).unwrap();
            assert_eq!(q.contributions, if explained { whole.clone().largest(8) } else { vec![] });
            assert_eq!((q.contributions.is_empty(), q.contributions.len() > 8), (!explained, false));
            assert_eq!(Prediction { contributions: vec![], ..q.clone() }, *p, "an explanation changes nothing");
        }
    }
    assert!(silent.iter().all(|p| p.contributions.is_empty()), "nobody asked");
    // A plan that cannot win is no signal, however sure the model is.
    let mut f = frame("BTC/USD", 60_000.0);
    f.indicators.sigma24 = Some(1e-4);
    let (made, _, _) = answer(&mut predictor().explaining_from(-1.0), &ask(vec![f], vec![]));
    assert!(made.iter().all(|p| p.plan.win <= 0.0 && p.contributions.is_empty()), "{made:?}");
}

#[test]
fn many_frames_are_answered_as_each_alone() {
    let mut frames: Vec<Frame> = (0..150).map(|i| frame(&format!("SIM{i}/USD"), 10.0 + f64::from(i))).collect();
    for (i, f) in frames.iter_mut().enumerate() {
        f.features = FeatureRow::new(Arc::new(schema()), FEATURES.map(|n| (i * n.len()) as f64 % 7.0 / 7.0 - 0.4));
        match i % 11 {
            3 => f.features = without("rsi14"),
            5 => f.indicators.sigma24 = Some(0.0),
            7 => f.quality.complete = false,
            _ => {}
        }
    }
    let mut predictor = predictor().explaining_from(-1.0);
    let (made, none, reply) = answer(&mut predictor, &ask(frames.clone(), vec![]));
    let (mut made_alone, mut none_alone) = (vec![], vec![]);
    for f in frames {
        let (made, none, _) = answer(&mut predictor, &ask(vec![f], vec![]));
        made_alone.extend(made);
        none_alone.extend(none);
    }
    assert_eq!((&made, &none), (&made_alone, &none_alone));
    assert!(made.len() > 150 && none.len() > 50 && made.iter().any(|p| !p.contributions.is_empty()));
    let Message::PredictorToSentiment(pairs) = &reply.messages[0] else { panic!("sentiment") };
    let mut seen: Vec<Pair> = made.iter().map(|p| p.pair.clone()).collect();
    seen.dedup();
    assert_eq!(*pairs, seen);
}

#[test]
fn small_prices_keep_their_digits() {
    let (made, _, _) = answer(&mut predictor(), &ask(vec![frame("PEPE/USD", 0.000_009_2)], vec![]));
    let plan = &made[0].plan;
    assert!(plan.stop < plan.entry && plan.entry < plan.target);
    let (up, _) = MODELS[1].card.exits.distances(0.01);
    assert!((plan.target.to_f64() / 0.000_009_2 / up.exp() - 1.0).abs() < 1e-4, "{plan:?}");
}

#[test]
fn every_refusal_says_why() {
    let mut p = predictor();
    let good = frame("BTC/USD", 60_000.0);
    let mut f = good.clone();
    f.quality.complete = false;
    f.quality.note = Some("3 of 12 source bars".to_owned());
    assert_eq!(refusal(&mut p, f), "3 of 12 source bars");
    let mut f = good.clone();
    f.features = without("adx14");
    assert_eq!(refusal(&mut p, f), "feature 'adx14' has no value");
    let mut f = good.clone();
    f.indicators.sigma24 = None;
    assert!(refusal(&mut p, f).contains("volatility"));
    let mut f = good.clone();
    f.indicators.sigma24 = Some(0.0);
    assert!(refusal(&mut p, f).contains("no answer"));
    let mut f = good.clone();
    f.indicators.sigma24 = Some(1e-9);
    assert!(refusal(&mut p, f).contains("price step"));
    let mut dear = Predictor::new(MODELS.clone(), &schema(), Box::new(|_| COST + 0.001));
    assert!(refusal(&mut dear, good.clone()).contains("train again"));
    let mut unknown = Predictor::new(MODELS.clone(), &schema(), Box::new(|_| f64::NAN));
    assert!(refusal(&mut unknown, good.clone()).contains("not known"));
}

#[test]
fn a_model_is_not_asked_about_its_own_training_time() {
    let mut f = frame("BTC/USD", 60_000.0);
    f.at = MODELS.iter().map(|m| m.card.data_to).min().unwrap().plus(-HOUR_MS);
    let (made, none, _) = answer(&mut predictor(), &ask(vec![f], vec![]));
    assert!(made.is_empty());
    assert!(none.iter().all(|n| n.reason.contains("in training")), "{none:?}");
}

#[test]
fn without_a_model_nothing_is_said_and_the_status_is_the_worst() {
    let mut p = Predictor::new(vec![], &schema(), Box::new(|_| COST));
    let (made, none, reply) = answer(&mut p, &ask(vec![frame("BTC/USD", 60_000.0)], vec![]));
    assert!(made.is_empty());
    assert_eq!(
        none.iter().map(|n| (n.horizon.0, n.reason.as_str())).collect::<Vec<_>>(),
        [1, 24, 168, 720].map(|hours| (hours, "no model"))
    );
    let Some(Message::PredictorToHealth(status)) = reply.messages.last() else { panic!("health") };
    assert_eq!((status.model.as_str(), status.brier, status.abstained), ("none", 1.0, 4));
    // A horizon that lacks its model is reported beside those that have one.
    let mut p = Predictor::new(vec![MODELS[0].clone()], &schema(), Box::new(|_| COST))
        .expecting(vec![Horizon(6), Horizon::H24]);
    let (made, none, _) = answer(&mut p, &ask(vec![frame("BTC/USD", 60_000.0)], vec![]));
    assert_eq!((made.len(), none.len(), none[0].horizon), (1, 1, Horizon::H24));
}

#[test]
fn a_damaged_model_explains_itself() {
    let mut broken = (*MODELS[0]).clone();
    broken.base_rate += 0.01;
    let mut p = Predictor::new(vec![Arc::new(broken)], &schema(), Box::new(|_| COST));
    let (made, none, _) = answer(&mut p, &ask(vec![frame("BTC/USD", 60_000.0)], vec![]));
    assert!(made.is_empty() && none[0].reason.contains("damaged"), "{none:?}");
}

#[test]
fn neighbours_are_heard_and_never_change_the_probability() {
    let btc: Pair = "BTC/USD".parse().unwrap();
    let eth: Pair = "ETH/USD".parse().unwrap();
    let frames = || vec![frame("BTC/USD", 60_000.0), frame("ETH/USD", 3_000.0)];
    let (alone, _, _) = answer(&mut predictor(), &ask(frames(), vec![]));
    let told = vec![
        Message::SentimentToPredictor(vec![(btc.clone(), Some((-0.9, 5.0))), (eth.clone(), None)]),
        Message::TechnicalToPredictor(vec![(btc.clone(), None), (eth.clone(), Some(0.4))]),
        Message::RiskToPredictor(vec![eth.clone()]),
        Message::OptimizerToPredictor(vec![(btc, 0.9), (eth, 3.0)]),
        Message::HealthToPredictor(Some(0.9)),
    ];
    let (made, _, reply) = answer(&mut predictor(), &ask(frames(), told));
    assert_eq!(reply.used.len(), 6);
    for (a, b) in alone.iter().zip(&made) {
        assert_eq!(
            (a.confidence, a.raw, a.expected_return, &a.plan),
            (b.confidence, b.raw, b.expected_return, &b.plan)
        );
        assert!(b.epistemic > 2.0 * a.epistemic, "a live Brier of 0.9 is doubt");
    }
    assert_eq!(made[0].inputs, ["candles", "sentiment", "portfolio volatility agrees"]);
    assert_eq!(
        made[2].inputs,
        ["candles", "technical", "portfolio volatility 300% differs from 94%", "entries barred by risk"]
    );
}

#[test]
fn doubt_starts_at_the_margin() {
    assert_eq!(doubt(None, 0.2), 1.0);
    assert_eq!(doubt(Some(0.1), 0.2), 1.0);
    assert_eq!(doubt(Some(0.2 + 0.9 * BRIER_MARGIN), 0.2), 1.0);
    assert!(doubt(Some(0.2 + 1.01 * BRIER_MARGIN), 0.2) > 2.0);
}

#[test]
fn wrong_questions_and_missing_data_are_errors() {
    let mut p = predictor();
    let mut wrong = ask(vec![], vec![]);
    wrong.request = Request::DetectWhales;
    assert_eq!(p.handle(&wrong).unwrap_err().class, ErrorClass::System);
    let mut empty = ask(vec![], vec![]);
    empty.inbox.clear();
    assert_eq!(p.handle(&empty).unwrap_err().class, ErrorClass::Data);
    // Frames that are there but empty are an answer, not an error.
    let (made, none, reply) = answer(&mut p, &ask(vec![], vec![]));
    assert!(made.is_empty() && none.is_empty());
    assert_eq!(reply.messages.len(), 5);
}
