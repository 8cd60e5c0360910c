//! The models in use, followed: what was learned since training goes into their predictions, and what became of those teaches them.

use super::Engine;
use crate::decision::gate::expectancy;
use crate::domain::alert::Severity;
use crate::domain::drift::DriftAction;
use crate::domain::error::ErrorClass;
use crate::domain::event::{Effect, MarketUpdate, ModelInUse, Record};
use crate::domain::follow::{Followed, FollowedStep};
use crate::domain::frame::Frame;
use crate::domain::message::Message;
use crate::domain::pair::Pair;
use crate::domain::plan::Horizon;
use crate::domain::reading::Prediction;
use crate::domain::time::UtcMs;
use crate::ml::online::Follower;

impl Engine {
    /// Follows these models from now on; one that is followed already, by its version, goes on as it was.
    pub fn follow(&mut self, fresh: Vec<Follower>) {
        let known = std::mem::take(&mut self.followers);
        let same = |a: &Follower, b: &Follower| a.model() == b.model() && a.horizon() == b.horizon();
        self.followers = fresh
            .into_iter()
            .map(|follower| known.iter().find(|k| same(k, &follower)).cloned().unwrap_or(follower))
            .collect();
    }

    /// Takes the steps of an earlier run again, oldest first, up to the instant from which this one goes on.
    pub fn remember(&mut self, rows: &[Followed]) {
        for step in rows.iter().flat_map(|row| &row.steps) {
            for follower in &mut self.followers {
                follower.take(step);
            }
        }
        let at = self.durable.last_at;
        if !rows.is_empty() {
            self.followers.iter_mut().for_each(|f| f.turn(at));
        }
        self.taken += 1;
    }

    #[must_use]
    pub fn followers(&self) -> &[Follower] {
        &self.followers
    }

    /// How many steps were taken: whether anything has changed.
    #[must_use]
    pub const fn steps_taken(&self) -> u64 {
        self.taken
    }

    /// The steps since the last call as a journal row; they belong to the checkpoint that is taken now.
    pub fn followed(&mut self) -> Option<Record> {
        let steps = std::mem::take(&mut self.steps);
        if steps.is_empty() { None } else { Some(Record::Followed(Followed { at: self.durable.last_at, steps })) }
    }

    /// What new candles did to what is followed.
    pub(super) fn observe_followed(&mut self, update: &MarketUpdate, out: &mut Vec<Effect>) {
        for place in 0..self.followers.len() {
            let Some(follower) = self.followers.get_mut(place) else { continue };
            follower.turn(update.at);
            let mut step = FollowedStep::new(update.at, follower.model(), follower.horizon());
            for candle in &update.candles {
                follower.observe(candle, &mut step);
            }
            self.take_step(place, step, out);
        }
    }

    /// Puts what was learned into the predictions of a cycle and, outside warm-up, waits for what comes of them.
    pub(super) fn adjust(&mut self, made: &mut [Prediction], frames: &[Frame], warmup: bool, out: &mut Vec<Effect>) {
        for place in 0..self.followers.len() {
            let Some(follower) = self.followers.get(place) else { continue };
            let (model, horizon) = (follower.model().to_owned(), follower.horizon());
            let own = |p: &&mut Prediction| p.horizon == horizon && p.model == model;
            let mut at = None;
            let mut foreseen = Vec::new();
            for prediction in made.iter_mut().filter(own) {
                follower.adjust(prediction);
                let frame = frames.iter().find(|f| f.pair == prediction.pair);
                if !warmup
                    && follower.is_on_grid(prediction.at)
                    && let Some(inputs) = frame.and_then(|f| f.features.inputs().ok())
                {
                    at = Some(prediction.at);
                    foreseen.extend(follower.foresee(prediction, &inputs));
                }
            }
            if let Some(at) = at {
                let step = FollowedStep { foreseen, ..FollowedStep::new(at, &model, horizon) };
                self.take_step(place, step, out);
            }
        }
    }

    /// What the ML Predictor told Risk and the Optimizer follows the adjustment: its own figures would be those of a model that has learned
    /// nothing since training.
    pub(super) fn retell(&mut self, made: &[Prediction]) {
        let of = |pair: &Pair, horizon: Horizon| made.iter().find(|p| p.pair == *pair && p.horizon == horizon);
        for message in self.inbox.values_mut().flatten() {
            match message {
                Message::PredictorToRisk(told) => {
                    for (pair, horizon, confidence, _) in told {
                        *confidence = of(pair, *horizon).map_or(*confidence, |p| p.confidence.get());
                    }
                }
                Message::PredictorToOptimizer(told) => {
                    for (pair, horizon, net) in told {
                        *net = of(pair, *horizon).map_or(*net, expectancy);
                    }
                }
                _ => {}
            }
        }
    }

    fn take_step(&mut self, place: usize, step: FollowedStep, out: &mut Vec<Effect>) {
        let Some(follower) = self.followers.get_mut(place).filter(|_| !step.is_empty()) else { return };
        let before = follower.action();
        follower.take(&step);
        let (horizon, now, at) = (follower.horizon(), follower.action(), step.at);
        let reason = (now != before).then(|| follower.report().reasons.first().cloned()).flatten();
        self.steps.push(step);
        self.taken += 1;
        if now != before {
            self.drifted(horizon, (before, now), reason.as_deref(), at, out);
        }
    }

    fn drifted(
        &mut self,
        horizon: Horizon,
        (before, now): (DriftAction, DriftAction),
        reason: Option<&str>,
        at: UtcMs,
        out: &mut Vec<Effect>,
    ) {
        let severity = match now {
            _ if now < before => Severity::Info,
            DriftAction::NoGo => Severity::Critical,
            _ => Severity::Warning,
        };
        let follows = match now {
            DriftAction::None => "nothing follows any more",
            DriftAction::Warn => "look at Models",
            DriftAction::RetrainCandidate => "train a candidate: 'cst train'",
            DriftAction::HalveSize => "new entries at half their size",
            DriftAction::NoGo => "no new entries by this model",
        };
        let why = reason.unwrap_or("the evidence has passed");
        let text = format!("the {horizon} model: {}, {follows} ({why})", now.as_str());
        self.alert(at, severity, Some(ErrorClass::Model), "drift", &text, out);
    }

    pub(super) fn in_use(&self) -> Vec<ModelInUse> {
        let of = |f: &Follower| ModelInUse {
            horizon: f.horizon(),
            data_to: f.data_to(),
            drift: f.action(),
            judged: f.matured() > 0,
        };
        self.followers.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::specimens;
    use crate::domain::agent::AgentKind;
    use crate::domain::money::Prob;
    use crate::domain::settings::PaperSettings;

    #[test]
    fn what_neighbours_were_told_follows_the_adjustment() {
        let learned =
            Prediction { confidence: Prob::new(0.71).unwrap(), ..specimens::prediction("BTC/USD", 24, 60_000.0) };
        let (pair, other, h24, h1) = (learned.pair.clone(), specimens::pair("ETH/USD"), Horizon(24), Horizon(1));
        let mut engine = Engine::new(&PaperSettings::default(), Vec::new(), 1);
        let risk = vec![(pair.clone(), h24, 0.9, 0.02), (pair.clone(), h1, 0.8, 0.03), (other.clone(), h24, 0.6, 0.01)];
        let optimizer = vec![(pair.clone(), h24, 0.05), (other.clone(), h24, 0.01)];
        engine.inbox.insert(AgentKind::RiskManager, vec![Message::PredictorToRisk(risk)]);
        engine.inbox.insert(AgentKind::PortfolioOptimizer, vec![Message::PredictorToOptimizer(optimizer)]);
        engine.retell(std::slice::from_ref(&learned));
        assert_eq!(
            engine.inbox[&AgentKind::RiskManager],
            [Message::PredictorToRisk(vec![
                (pair.clone(), h24, 0.71, 0.02),
                (pair.clone(), h1, 0.8, 0.03),
                (other.clone(), h24, 0.6, 0.01)
            ])]
        );
        assert_eq!(
            engine.inbox[&AgentKind::PortfolioOptimizer],
            [Message::PredictorToOptimizer(vec![(pair, h24, expectancy(&learned)), (other, h24, 0.01)])]
        );
    }
}
