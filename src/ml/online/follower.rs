//! One model in use: what it says is followed to the horizon, and what came teaches its calibrator, its intervals and the drift monitor.
//!
//! The state is a function of the model and of the [`FollowedStep`]s in their order: it is not stored, a restart takes the journal's steps
//! again. Every prediction on the grid is followed, traded or not, so that nothing that gate or risk let through biases what is learned.

use std::collections::VecDeque;

use super::intervals::{Forecast, IntervalTracker};
use super::recalibration::{Observed, Recalibrated, Recalibration};
use super::scoreboard::{Figures, Matured, Scoreboard};
use super::start::EDGE;
use crate::domain::drift::{DriftAction, DriftReport};
use crate::domain::follow::{Came, Ended, FollowedStep, Foreseen};
use crate::domain::market::Candle;
use crate::domain::reading::Prediction;
use crate::domain::snapshot::LiveModel;
use crate::domain::time::{DAY_MS, HOUR_MS, UtcMs};
use crate::domain::{Horizon, Pair, Prob};
use crate::ml::conformal::Radius;
use crate::ml::conformal::cqr::band;
use crate::ml::drift::{DriftMonitor, FeatureObservation, MaturedOutcome};
use crate::ml::model::Model;
use crate::ml::numbers::logit;

/// Share that an 80 % interval may miss.
const MISS: f64 = 0.2;
/// Matured predictions that the figures rest on.
const BOARD: usize = 2_000;
/// Effective outcomes below which live figures say nothing against the card's.
const JUDGED_N_EFF: f64 = 30.0;
/// Calibration error allowed above what chance alone would show.
const ECE_ALLOWED: f64 = 0.03;
/// How late the candle may close that tells the price at the end of the horizon; with a later one there is a hole, and no outcome.
const LATE_MS: i64 = HOUR_MS;

/// A followed prediction that is not over.
#[derive(Debug, Clone, PartialEq)]
struct Pending {
    at: UtcMs,
    due: UtcMs,
    place: u32,
    /// Effective observations that it counts for.
    weight: f64,
    win: Option<bool>,
    said: Foreseen,
}

/// What a day's outcomes came to.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Standing {
    figures: Option<Figures>,
    calibrated: Option<bool>,
    covered: Option<bool>,
}

/// See the module's first line.
#[derive(Debug, Clone, PartialEq)]
pub struct Follower {
    model: String,
    horizon: Horizon,
    data_to: UtcMs,
    /// Hours between two followed predictions of a pair.
    stride: u32,
    rho: f64,
    gate: f64,
    /// Where the model's features stand among all inputs of the set.
    features: Vec<usize>,
    /// What [`Pending::place`] counts; pairs that training did not know come behind.
    pairs: Vec<Pair>,
    pending: VecDeque<Pending>,
    tracker: IntervalTracker,
    board: Scoreboard,
    recalibration: Option<Recalibration>,
    calibrator: Option<Recalibrated>,
    refits: u32,
    monitor: Option<DriftMonitor>,
    standing: Standing,
    matured: u64,
    /// Ended without an outcome, because of a hole.
    void: u64,
    today: Option<UtcMs>,
}

impl Follower {
    /// For a model that comes into use; `streams` is how many are in use at once, among which false alarms are shared out.
    #[must_use]
    pub fn new(model: &Model, streams: u32) -> Self {
        let (card, start) = (&model.card, &model.start);
        Self {
            model: card.version.clone(),
            horizon: card.horizon,
            data_to: card.data_to,
            stride: start.stride,
            rho: card.rho,
            gate: card.gate,
            features: model.places(),
            pairs: start.pairs.clone(),
            pending: VecDeque::new(),
            tracker: IntervalTracker::new(MISS, card.rho, &start.misses),
            board: Scoreboard::new(BOARD, card.rho),
            // Refused only where a score is damaged, and then the model's own check has refused it before.
            recalibration: Recalibration::new(&card.version, start.scores.clone()).ok(),
            calibrator: None,
            refits: 0,
            monitor: start.drift.clone().map(|reference| DriftMonitor::new(reference, streams)),
            standing: Standing::default(),
            matured: 0,
            void: 0,
            today: None,
        }
    }

    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    #[must_use]
    pub const fn horizon(&self) -> Horizon {
        self.horizon
    }

    /// When the last label of its training was known.
    #[must_use]
    pub const fn data_to(&self) -> UtcMs {
        self.data_to
    }

    /// Followed predictions with an outcome.
    #[must_use]
    pub const fn matured(&self) -> u64 {
        self.matured
    }

    /// The rung of the action ladder that the model stands on.
    #[must_use]
    pub fn action(&self) -> DriftAction {
        self.monitor.as_ref().map_or(DriftAction::None, DriftMonitor::action)
    }

    #[must_use]
    pub fn report(&self) -> DriftReport {
        self.monitor.as_ref().map(DriftMonitor::report).unwrap_or_default()
    }

    /// Puts what was learned since training into a prediction of this model: confidence, interval, calibration error as seen in use when
    /// that is the worse one, and drift.
    pub fn adjust(&self, prediction: &mut Prediction) {
        if let Some(made) = &self.calibrator {
            let learned = Prob::new(made.choice.calibrator.probability(logit(prediction.raw.get())));
            if let Ok(confidence) = learned {
                prediction.confidence = confidence;
                prediction.calibrator = Some(made.version.clone());
            }
        }
        let now = self.tracker.radius();
        let reach = match now {
            Radius::Upto(q) => Some(q),
            // The level asks for everything: as far as anything that is known.
            Radius::Everything => self.tracker.farthest(),
            Radius::Nothing => None,
        };
        let (low, high) = prediction.band;
        if let Some(ends) = reach.and_then(|q| band(low, high, Radius::Upto(q * prediction.unit))) {
            prediction.interval = ends;
        }
        if let Some(seen) = self.standing.figures.filter(|f| f.n_eff >= JUDGED_N_EFF) {
            let proven = |ece: f64, se: f64| ece - 2.0 * se;
            if proven(seen.error.ece, seen.ece_se) > proven(prediction.ece, prediction.ece_se) {
                (prediction.ece, prediction.ece_se) = (seen.error.ece, seen.ece_se);
            }
        }
        prediction.drift = self.action();
    }

    /// Whether predictions of this instant are followed.
    #[must_use]
    pub fn is_on_grid(&self, at: UtcMs) -> bool {
        at.0.rem_euclid(i64::from(self.stride) * HOUR_MS) == 0
    }

    /// What has to be kept of a prediction, adjusted, to follow it; `inputs` are all inputs of the set. `None` when one of the model's
    /// features is not among them.
    #[must_use]
    pub fn foresee(&self, prediction: &Prediction, inputs: &[f64]) -> Option<Foreseen> {
        let plan = &prediction.plan;
        Some(Foreseen {
            pair: prediction.pair.clone(),
            at: prediction.at,
            logit: logit(prediction.raw.get()),
            confidence: prediction.confidence.get(),
            band: prediction.band,
            unit: prediction.unit,
            entry: plan.entry.to_f64(),
            stop: plan.stop.to_f64(),
            target: plan.target.to_f64(),
            cost: plan.cost,
            features: self.features.iter().map(|i| inputs.get(*i).map(|v| *v as f32)).collect::<Option<_>>()?,
        })
    }

    /// What a candle does to what is followed: exits that it meets, horizons that it ends. Changes nothing; [`Follower::take`] does.
    pub fn observe(&self, candle: &Candle, step: &mut FollowedStep) {
        let close_time = candle.close_time();
        for pending in self.pending.iter().filter(|p| p.said.pair == candle.pair && candle.open_time >= p.at) {
            let (said, foreseen) = (&pending.said, pending.at);
            let due = close_time >= pending.due;
            let exit = pending.win.is_none().then(|| exit(said, candle, due)).flatten();
            if let Some(exit) = exit {
                let win = exit / said.entry - 1.0 - said.cost > 0.0;
                step.ended.push(Ended { pair: candle.pair.clone(), foreseen, win });
            }
            if due {
                let log_return = (candle.close.to_f64() / said.entry).ln();
                step.came.push(Came { pair: candle.pair.clone(), foreseen, log_return });
            }
        }
    }

    /// Takes a step of this model, another one's changes nothing: the only thing that changes the state, beside the turn of the day.
    pub fn take(&mut self, step: &FollowedStep) {
        if step.model != self.model || step.horizon != self.horizon {
            return;
        }
        self.turn(step.at);
        for ended in &step.ended {
            if let Some(pending) = self.find(&ended.pair, ended.foreseen) {
                pending.win = Some(ended.win);
            }
        }
        for came in &step.came {
            self.mature(came, step.at);
        }
        let peers = (step.foreseen.len().max(1) - 1) as f64;
        let weight = f64::from(self.stride) / f64::from(self.horizon.0.max(self.stride)) / (1.0 + peers * self.rho);
        for said in &step.foreseen {
            self.wait(said, weight);
        }
    }

    fn find(&mut self, pair: &Pair, at: UtcMs) -> Option<&mut Pending> {
        self.pending.iter_mut().find(|p| p.at == at && p.said.pair == *pair)
    }

    fn wait(&mut self, said: &Foreseen, weight: f64) {
        let at = said.at;
        let known = self.pairs.iter().position(|p| *p == said.pair);
        let place = known.unwrap_or_else(|| {
            self.pairs.push(said.pair.clone());
            self.pairs.len() - 1
        });
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let due = at.plus(self.horizon.ms());
        let (low, high) = said.band;
        // Refused are only a second one of this instant and damaged numbers; neither can be followed.
        if self.tracker.predict(Forecast { pair: place, at, due, low, high, unit: said.unit }).is_err() {
            self.void += 1;
            return;
        }
        if let Some(monitor) = &mut self.monitor {
            let features: Vec<f64> = said.features.iter().map(|v| f64::from(*v)).collect();
            monitor.observe(&FeatureObservation { at, features: &features });
        }
        self.pending.push_back(Pending { at, due, place, weight, win: None, said: said.clone() });
    }

    fn mature(&mut self, came: &Came, now: UtcMs) {
        let Some(index) = self.pending.iter().position(|p| p.at == came.foreseen && p.said.pair == came.pair) else {
            return;
        };
        let Some(done) = self.pending.remove(index) else { return };
        let Pending { at, due: known, place: pair, weight, win, said } = done;
        // A price from behind a hole is not the one at the horizon's end.
        let (true, Some(win)) = (now.since(known) <= LATE_MS, win) else {
            self.void += 1;
            return;
        };
        self.matured += 1;
        let confidence = said.confidence;
        // Each refuses only what is there already or damaged, and then keeps what it has.
        let _ = self.tracker.mature(pair, at, came.log_return, now);
        let _ = self.board.mature(Matured { pair, at, known, confidence, win }, now);
        if let Some(recalibration) = &mut self.recalibration {
            let _ = recalibration.mature(Observed { pair, at, known, logit: said.logit, win, weight }, now);
        }
        if let Some(monitor) = &mut self.monitor {
            let said = if win { confidence } else { 1.0 - confidence };
            monitor.mature(&MaturedOutcome {
                at: known,
                loss: -said.clamp(EDGE, 1.0).ln(),
                gate_error: (confidence > self.gate).then_some(!win),
                calibrated: self.standing.calibrated,
                covered: self.standing.covered,
            });
        }
    }

    /// At the first instant of a new UTC day the figures are taken, and a new calibrator is fitted where there is enough new evidence. Nothing
    /// happens on the same day again.
    pub fn turn(&mut self, now: UtcMs) {
        let day = now.floor_to(DAY_MS);
        if self.today.is_some_and(|today| today >= day) {
            return;
        }
        if self.today.replace(day).is_none() {
            return;
        }
        self.tracker.settle(day);
        let late = |p: &Pending| day.since(p.due) > LATE_MS;
        let before = self.pending.len();
        self.pending.retain(|p| !late(p));
        self.void += (before - self.pending.len()) as u64;
        let figures = self.board.figures();
        let judged = figures.filter(|f| f.n_eff >= JUDGED_N_EFF);
        self.standing = Standing {
            figures,
            calibrated: judged.map(|f| f.error.within(ECE_ALLOWED)),
            covered: self.tracker.coverage().filter(|c| c.n_eff >= JUDGED_N_EFF).map(|c| c.holds()),
        };
        if let Some(made) = self.recalibration.as_mut().and_then(|r| r.refit(day)) {
            self.calibrator = Some(made);
            self.refits += 1;
        }
    }

    /// How the model does in use.
    #[must_use]
    pub fn view(&self) -> LiveModel {
        let figures = self.standing.figures;
        let coverage = self.tracker.coverage();
        LiveModel {
            waiting: self.pending.len() as u32,
            void: self.void,
            matured: self.matured.min(u64::from(u32::MAX)) as u32,
            n_eff: figures.map_or(0.0, |f| f.n_eff),
            brier: figures.map(|f| f.brier),
            ece: figures.map(|f| f.error.ece),
            ece_se: figures.map(|f| f.ece_se),
            coverage: coverage.map(|c| c.rate),
            coverage_band: coverage.map(|c| c.band),
            alpha: self.tracker.alpha(),
            calibrator: self.calibrator.as_ref().map(|c| c.version.clone()),
            calibrated_at: self.calibrator.as_ref().map(|c| c.record.fitted_at),
            refits: self.refits,
            drift: self.report(),
        }
    }
}

/// The price at which a candle ends a followed trade: a touched stop before a touched target, the close when the time is over.
fn exit(said: &Foreseen, candle: &Candle, due: bool) -> Option<f64> {
    if candle.low.to_f64() <= said.stop {
        Some(said.stop)
    } else if candle.high.to_f64() >= said.target {
        Some(said.target)
    } else {
        due.then(|| candle.close.to_f64())
    }
}

#[cfg(test)]
#[path = "follower_tests.rs"]
mod tests;
