//! What the Risk Manager's neighbours told it, sorted by what it is for.

use std::collections::BTreeSet;

use crate::decision::strategies::TechnicalSignal;
use crate::domain::event::RiskRequest;
use crate::domain::frame::Frame;
use crate::domain::message::{Message, PerPair};
use crate::domain::pair::Pair;
use crate::domain::plan::Horizon;
use crate::domain::reading::Prediction;

/// Two texts of one number may differ in the last bit after a trip over the wire.
const SAME: f64 = 1e-9;

/// The newest message of each kind; of market data all, oldest first.
#[derive(Debug, Default)]
pub(super) struct Inbox<'a> {
    batches: Vec<&'a [Frame]>,
    /// The newest frames.
    pub(super) frames: &'a [Frame],
    dispersion: Option<&'a PerPair<Option<f64>>>,
    technical: Option<&'a PerPair<Option<f64>>>,
    told: Option<&'a [(Pair, Horizon, f64, f64)]>,
    pub(super) free_exposure: Option<f64>,
    pub(super) health: Option<f64>,
    names: BTreeSet<&'static str>,
}

impl<'a> Inbox<'a> {
    pub(super) fn read(messages: &'a [Message]) -> Self {
        let mut inbox = Self::default();
        for message in messages {
            match message {
                Message::CollectorToRisk(frames) => {
                    inbox.batches.push(frames);
                    inbox.frames = frames;
                }
                Message::SentimentToRisk(dispersion) => inbox.dispersion = Some(dispersion),
                Message::TechnicalToRisk(scores) => inbox.technical = Some(scores),
                Message::PredictorToRisk(told) => inbox.told = Some(told),
                Message::OptimizerToRisk(constraints) => inbox.free_exposure = Some(constraints.free_exposure),
                Message::HealthToRisk(score) => inbox.health = Some(*score),
                _ => continue,
            }
            inbox.names.insert(message.name());
        }
        inbox
    }

    pub(super) fn all_frames(&self) -> impl Iterator<Item = &'a Frame> + use<'a> {
        self.batches.clone().into_iter().flatten()
    }

    pub(super) fn frame(&self, pair: &Pair) -> Option<&'a Frame> {
        self.frames.iter().find(|f| f.pair == *pair)
    }

    pub(super) fn used(&self) -> Vec<String> {
        self.names.iter().map(|n| (*n).to_owned()).collect()
    }

    /// Dispersion of the pair's news, and whether Sentiment answered at all.
    pub(super) fn dispersion(&self, pair: &Pair) -> (Option<f64>, bool) {
        let found = self.dispersion.and_then(|all| all.iter().find(|(p, _)| p == pair));
        (found.and_then(|(_, d)| *d), self.dispersion.is_some())
    }

    /// Technical's tempered score, if its reading is of this frame's bar.
    pub(super) fn technical(&self, request: &RiskRequest, frame: Option<&Frame>, pair: &Pair) -> TechnicalSignal {
        let fresh = request.technical.iter().any(|t| t.pair == *pair && frame.is_some_and(|f| t.at >= f.at));
        match self.technical.and_then(|all| all.iter().find(|(p, _)| p == pair)) {
            Some((_, score)) if fresh => TechnicalSignal::Score(*score),
            _ => TechnicalSignal::Unavailable,
        }
    }

    /// Whether the ML Predictor itself told of this prediction, with the same confidence and spread.
    pub(super) fn confirms(&self, prediction: &Prediction) -> bool {
        self.told.is_some_and(|told| {
            told.iter().any(|(pair, horizon, confidence, epistemic)| {
                *pair == prediction.pair
                    && *horizon == prediction.horizon
                    && (confidence - prediction.confidence.get()).abs() <= SAME
                    && (epistemic - prediction.epistemic).abs() <= SAME
            })
        })
    }
}
