//! The thinking part of the ML Predictor agent: one prediction, or one refusal in words, per pair and horizon.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::domain::event::{Ask, Brain, BrainError, Finding, Reply, Request};
use crate::domain::message::{Frames, Message, ModelStatus, PerPair};
use crate::domain::reading::{Contribution, NoPrediction, Prediction};
use crate::domain::settings::{HOURS_PER_YEAR, TrainingSettings};
use crate::domain::{AgentKind, ErrorClass, Frame, Horizon, Pair, Price, Prob, Schema, Side, TradePlan, UtcMs};

use super::judgement::{Judgement, MANY};
use super::model::Model;

/// The labels paid the cost on the card. Where a round trip costs more than that by this share of the notional, the
/// calibrated probability is about a cheaper trade, and nothing is said.
pub const COST_TOLERANCE: f64 = 0.000_5;
/// When the live Brier score is worse than the card's by more than this, the model knows less than it thought …
pub const BRIER_MARGIN: f64 = 0.05;
/// Volatilities that differ by more than this factor are noted as disagreeing.
const VOLATILITY_FACTOR: f64 = 2.0;

/// Contributions that a prediction carries at most.
const CONTRIBUTIONS: usize = 8;

/// Round-trip cost as a share of the notional at an instant of data time.
pub type CostAt = Box<dyn Fn(UtcMs) -> f64 + Send + Sync>;

struct Loaded {
    model: Arc<Model>,
    /// Why the model may not be used.
    refused: Option<String>,
}

/// See the module's first line.
pub struct Predictor {
    models: Vec<Loaded>,
    /// Horizons that a pair should have a prediction for.
    horizons: Vec<Horizon>,
    cost: CostAt,
    /// Lift from which a prediction is a signal and gets its contributions.
    explained_from: f64,
}

/// What a model is asked about one frame.
struct Question<'a> {
    frame: &'a Frame,
    features: Box<[f64]>,
    sigma24: f64,
    cost: f64,
}

/// Maps in order; many on the current rayon pool.
fn mapped<T: Send, R: Send>(list: Vec<T>, map: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    if list.len() < MANY { list.into_iter().map(map).collect() } else { list.into_par_iter().map(map).collect() }
}

/// What the neighbours said, and the names of the messages that were read.
#[derive(Default)]
struct Heard<'a> {
    frames: Option<&'a Frames>,
    sentiment: BTreeMap<&'a Pair, &'a Option<(f64, f64)>>,
    technical: BTreeMap<&'a Pair, &'a Option<f64>>,
    barred: BTreeSet<&'a Pair>,
    volatility: BTreeMap<&'a Pair, &'a f64>,
    live_brier: Option<f64>,
    used: Vec<String>,
}

/// What is said of each pair; the first where one is named twice.
fn by_pair<T>(list: &PerPair<T>) -> BTreeMap<&Pair, &T> {
    list.iter().rev().map(|(pair, value)| (pair, value)).collect()
}

impl<'a> Heard<'a> {
    fn from(inbox: &'a [Message]) -> Self {
        let mut heard = Self::default();
        for message in inbox {
            match message {
                Message::CollectorToPredictor(frames) => heard.frames = Some(frames),
                Message::SentimentToPredictor(scores) => heard.sentiment = by_pair(scores),
                Message::TechnicalToPredictor(scores) => heard.technical = by_pair(scores),
                Message::RiskToPredictor(pairs) => heard.barred = pairs.iter().collect(),
                Message::OptimizerToPredictor(volatility) => heard.volatility = by_pair(volatility),
                Message::HealthToPredictor(brier) => heard.live_brier = *brier,
                _ => continue,
            }
            heard.used.push(message.name().to_owned());
        }
        heard
    }

    /// Input groups that had data for the pair, and what the neighbours noted. None of them changes the probability.
    fn inputs(&self, frame: &Frame, sigma24: f64) -> Vec<String> {
        let mut inputs = vec!["candles".to_owned()];
        if self.sentiment.get(&frame.pair).is_some_and(|score| score.is_some()) {
            inputs.push("sentiment".to_owned());
        }
        if self.technical.get(&frame.pair).is_some_and(|score| score.is_some()) {
            inputs.push("technical".to_owned());
        }
        if let Some(yearly) = self.volatility.get(&frame.pair).filter(|v| v.is_finite() && ***v > 0.0) {
            let own = sigma24 * HOURS_PER_YEAR.sqrt();
            let agrees = (1.0 / VOLATILITY_FACTOR..=VOLATILITY_FACTOR).contains(&(own / **yearly));
            inputs.push(if agrees {
                "portfolio volatility agrees".to_owned()
            } else {
                format!("portfolio volatility {:.0}% differs from {:.0}%", **yearly * 100.0, own * 100.0)
            });
        }
        if self.barred.contains(&frame.pair) {
            inputs.push("entries barred by risk".to_owned());
        }
        inputs
    }
}

/// Factor on the epistemic spread: 1 while the live Brier score is within [`BRIER_MARGIN`] of the card's, else
/// `1 + excess / margin`, so at least 2. A model that does worse than promised then soon passes its own epistemic limit.
#[must_use]
pub fn doubt(live: Option<f64>, card: f64) -> f64 {
    match live.map(|l| l - card) {
        Some(excess) if excess > BRIER_MARGIN => 1.0 + excess / BRIER_MARGIN,
        _ => 1.0,
    }
}

impl Predictor {
    /// `models`: at most one per horizon is meant; each is checked once against the feature set's schema, and a refused one only explains
    /// itself.
    #[must_use]
    pub fn new(models: Vec<Arc<Model>>, schema: &Schema, cost: CostAt) -> Self {
        let mut models: Vec<Loaded> = models
            .into_iter()
            .map(|model| Loaded { refused: model.check(schema).err().map(|e| e.to_string()), model })
            .collect();
        models.sort_by_key(|l| l.model.card.horizon);
        let horizons = if models.is_empty() {
            TrainingSettings::default().exits.iter().map(|e| e.horizon).collect()
        } else {
            models.iter().map(|l| l.model.card.horizon).collect()
        };
        Self { models, horizons, cost, explained_from: f64::INFINITY }
    }

    /// States the horizons that ought to be predicted; one without a model is reported as such for every pair.
    #[must_use]
    pub fn expecting(mut self, horizons: Vec<Horizon>) -> Self {
        self.horizons = horizons;
        self
    }

    /// Says of every prediction that is a signal why: of those whose plan can win and whose confidence lies this much or more over the base
    /// rate. Without this none is explained.
    #[must_use]
    pub const fn explaining_from(mut self, lift: f64) -> Self {
        self.explained_from = lift;
        self
    }

    /// What moved the prediction most, if it is a signal.
    fn contributions(&self, prediction: &Prediction, model: &Model, features: &[f64]) -> Vec<Contribution> {
        let lift = prediction.confidence.get() - prediction.base_rate.get();
        if lift >= self.explained_from && prediction.plan.win > 0.0 {
            model.explain(features).map_or_else(Vec::new, |explanation| explanation.largest(CONTRIBUTIONS))
        } else {
            Vec::new()
        }
    }

    /// What this model says of every frame, in their order.
    fn predict(&self, frames: &[Frame], loaded: &Loaded, heard: &Heard<'_>) -> Vec<Result<Prediction, String>> {
        let questions = mapped(frames.iter().collect(), |frame| self.question(frame, loaded));
        let rows: Vec<(&[f64], f64)> = questions.iter().flatten().map(|q| (&*q.features, q.sigma24)).collect();
        let mut judged = loaded.model.judge_many(&rows).into_iter();
        let asked = questions.into_iter().map(|question| question.map(|q| (q, judged.next().flatten()))).collect();
        mapped(asked, |asked: Result<_, String>| {
            let (question, judgement) = asked?;
            self.answer(&question, judgement, loaded, heard)
        })
    }

    /// Whether the model may be asked about the frame, and with what.
    fn question<'a>(&self, frame: &'a Frame, loaded: &Loaded) -> Result<Question<'a>, String> {
        if let Some(reason) = &loaded.refused {
            return Err(reason.clone());
        }
        let card = &loaded.model.card;
        if frame.at < card.data_to {
            return Err(format!(
                "model '{}' has seen this time in training (up to {})",
                card.version,
                card.data_to.minute()
            ));
        }
        if !frame.quality.complete {
            return Err(frame.quality.note.clone().unwrap_or_else(|| "data incomplete".to_owned()));
        }
        if frame.features.schema().input_hash() != card.feature_hash {
            return Err(format!("the features at hand are of another set than those of model '{}'", card.version));
        }
        let features = frame.features.inputs().map_err(|f| format!("feature '{}' has no value", f.name))?;
        let sigma24 = frame.indicators.sigma24.ok_or("the 24-hour volatility has no value")?;
        let cost = (self.cost)(frame.at);
        if !(cost.is_finite() && cost >= 0.0) {
            return Err("the cost of a round trip is not known".to_owned());
        }
        if cost > card.cost + COST_TOLERANCE {
            return Err(format!(
                "a round trip costs {:.2}%, model '{}' was trained for {:.2}%: train again",
                cost * 100.0,
                card.version,
                card.cost * 100.0
            ));
        }
        Ok(Question { frame, features, sigma24, cost })
    }

    fn answer(
        &self,
        question: &Question<'_>,
        judgement: Option<Judgement>,
        loaded: &Loaded,
        heard: &Heard<'_>,
    ) -> Result<Prediction, String> {
        let Question { frame, features, sigma24, cost } = question;
        let card = &loaded.model.card;
        let judgement = judgement.ok_or("the model has no answer for these features")?;
        if judgement.strange {
            return Err(format!("the inputs are unlike those that model '{}' was trained on", card.version));
        }
        let prob = |p: f64| Prob::new(p).map_err(|e| e.to_string());
        let mut prediction = Prediction {
            pair: frame.pair.clone(),
            at: frame.at,
            horizon: card.horizon,
            model: card.version.clone(),
            plan: plan(frame, loaded, *sigma24, *cost)?,
            raw: prob(judgement.raw)?,
            confidence: prob(judgement.confidence)?,
            base_rate: prob(loaded.model.base_rate)?,
            epistemic: judgement.epistemic * doubt(heard.live_brier, card.metrics.brier),
            epistemic_limit: loaded.model.epistemic_limit,
            aleatoric: judgement.aleatoric,
            expected_return: judgement.expected_return,
            interval: judgement.interval,
            band: judgement.band,
            unit: judgement.unit,
            evidence: loaded.model.evidence,
            ece: card.metrics.ece,
            ece_se: card.metrics.ece_se,
            inputs: heard.inputs(frame, *sigma24),
            calibrator: None,
            drift: crate::domain::drift::DriftAction::None,
            contributions: Vec::new(),
        };
        prediction.contributions = self.contributions(&prediction, &loaded.model, features);
        Ok(prediction)
    }

    fn status(&self, made: usize, none: usize) -> ModelStatus {
        let usable: Vec<&Model> = self.models.iter().filter(|l| l.refused.is_none()).map(|l| &*l.model).collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (predicted, abstained) = (count(made), count(none));
        if usable.is_empty() {
            // Without a model the worst value stands, not a zero that would look perfect.
            return ModelStatus { model: "none".to_owned(), brier: 1.0, ece: 1.0, predicted, abstained };
        }
        let versions: Vec<&str> = usable.iter().map(|m| m.card.version.as_str()).collect();
        ModelStatus {
            model: versions.join(" "),
            brier: usable.iter().map(|m| m.card.metrics.brier).sum::<f64>() / usable.len() as f64,
            ece: usable.iter().map(|m| m.card.metrics.ece).fold(0.0, f64::max),
            predicted,
            abstained,
        }
    }
}

/// The managed long trade at the close of the frame's bar.
fn plan(frame: &Frame, loaded: &Loaded, sigma24: f64, cost: f64) -> Result<TradePlan, String> {
    let exits = &loaded.model.card.exits;
    let (up, down) = exits.distances(sigma24);
    let entry = frame.bar.close;
    let (target, stop) = (at_distance(entry, up)?, at_distance(entry, -down)?);
    if !(stop < entry && entry < target) {
        return Err("the exits lie within one price step of the entry".to_owned());
    }
    let share = |exit: Price| exit.to_f64() / entry.to_f64() - 1.0;
    Ok(TradePlan {
        pair: frame.pair.clone(),
        side: Side::Buy,
        horizon: exits.horizon,
        entry,
        stop,
        target,
        expires: frame.at.plus(exits.horizon.ms()),
        cost,
        win: share(target) - cost,
        loss: cost - share(stop),
    })
}

/// A price at a log distance, with the decimals of the entry, or five significant digits where those are more.
fn at_distance(entry: Price, distance: f64) -> Result<Price, String> {
    let price = Price::from_f64(entry.to_f64() * distance.exp()).map_err(|e| e.to_string())?;
    let digits = (4.0 - price.to_f64().log10().floor()).clamp(0.0, 18.0) as u32;
    Price::new(price.get().round_dp(digits.max(entry.get().scale()))).map_err(|e| e.to_string())
}

/// What the plan is expected to bring: `p·win − (1−p)·loss`, a share of the notional.
fn expected_net(p: &Prediction) -> f64 {
    let confidence = p.confidence.get();
    confidence * p.plan.win - (1.0 - confidence) * p.plan.loss
}

fn messages(made: &[Prediction], status: ModelStatus) -> Vec<Message> {
    let mut places: BTreeMap<&Pair, usize> = BTreeMap::new();
    let mut longest: Vec<&Prediction> = Vec::new();
    for p in made {
        let place = *places.entry(&p.pair).or_insert(longest.len());
        match longest.get_mut(place) {
            Some(known) if known.horizon < p.horizon => *known = p,
            Some(_) => {}
            None => longest.push(p),
        }
    }
    vec![
        Message::PredictorToSentiment(longest.iter().map(|p| p.pair.clone()).collect()),
        Message::PredictorToTechnical(longest.iter().map(|p| (p.pair.clone(), p.expected_return)).collect()),
        Message::PredictorToRisk(
            made.iter().map(|p| (p.pair.clone(), p.horizon, p.confidence.get(), p.epistemic)).collect(),
        ),
        Message::PredictorToOptimizer(made.iter().map(|p| (p.pair.clone(), p.horizon, expected_net(p))).collect()),
        Message::PredictorToHealth(status),
    ]
}

impl Brain for Predictor {
    fn kind(&self) -> AgentKind {
        AgentKind::MlPredictor
    }

    fn handle(&mut self, ask: &Ask) -> Result<Reply, BrainError> {
        let fail = |class, text: &str| BrainError { class, text: text.to_owned() };
        if ask.request != Request::GeneratePredictions {
            return Err(fail(ErrorClass::System, "the predictor was asked for something that is not a prediction"));
        }
        let heard = Heard::from(&ask.inbox);
        let frames = heard.frames.ok_or_else(|| fail(ErrorClass::Data, "no market data reached the predictor"))?;
        let (mut made, mut none) = (Vec::new(), Vec::new());
        let mut said: Vec<_> =
            self.models.iter().map(|loaded| (loaded, self.predict(frames, loaded, &heard).into_iter())).collect();
        for frame in frames.iter() {
            for (loaded, answers) in &mut said {
                let Some(answer) = answers.next() else { continue };
                match answer {
                    Ok(prediction) => made.push(prediction),
                    Err(reason) => {
                        let horizon = loaded.model.card.horizon;
                        none.push(NoPrediction { pair: frame.pair.clone(), horizon, reason });
                    }
                }
            }
            for horizon in self.horizons.iter().filter(|h| self.models.iter().all(|l| l.model.card.horizon != **h)) {
                none.push(NoPrediction { pair: frame.pair.clone(), horizon: *horizon, reason: "no model".to_owned() });
            }
        }
        let messages = messages(&made, self.status(made.len(), none.len()));
        Ok(Reply {
            cycle: ask.cycle,
            from: AgentKind::MlPredictor,
            finding: Finding::Predictions { made, none },
            messages,
            used: heard.used,
        })
    }
}

#[cfg(test)]
#[path = "predictor_tests.rs"]
mod tests;
