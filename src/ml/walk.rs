//! Fitting along the walk-forward: one fit per training block and one on everything, and what each says of its test block.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::bands::QuantileTrees;
use super::block::{Block, FitError};
use super::conformal::cqr::Quantiles;
use super::cv::Fold;
use super::dataset::{Dataset, Sample};
use super::ensemble::{Ensemble, Vote, combine};
use super::leakage::Dropped;
use super::members::{self, Member, MemberSpec};
use super::numbers::sigmoid;
use super::ood::Familiarity;
use super::returns::{self, Returns, mixed};
use super::scaler::Input;
use super::selected::{Selected, selected};
use super::stacking::stacking_weights;
use super::worth::{self, FoldWorth};
use crate::domain::random::SplitMix64;
use crate::domain::settings::TrainingSettings;
use crate::domain::snapshot::Progress;
use crate::domain::time::DAY_MS;

/// What training tells while it works, and whom it asks whether to go on.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    pub progress: &'a (dyn Fn(Progress) + Sync),
    pub go_on: &'a (dyn Fn() -> bool + Sync),
}

/// Steps done of all steps; shared by everything that runs at once.
pub struct Steps<'a> {
    watch: Watch<'a>,
    done: AtomicU64,
    total: u64,
}

impl<'a> Steps<'a> {
    #[must_use]
    pub const fn new(watch: Watch<'a>, total: u64) -> Self {
        Self { watch, done: AtomicU64::new(0), total }
    }

    /// Tells where training is, without a step.
    pub fn tell(&self, label: String) {
        (self.watch.progress)(Progress { label, done: self.done.load(Ordering::Relaxed), total: self.total });
    }

    /// A fit that is not needed.
    pub fn pass_over_fit(&self, settings: &TrainingSettings) {
        self.done.fetch_add(steps_of_fit(settings), Ordering::Relaxed);
    }

    fn step(&self, label: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.watch.progress)(Progress { label: label.to_owned(), done, total: self.total });
    }
}

/// Everything that a fit needs beside its rows.
pub struct Recipe<'a> {
    pub data: &'a Dataset<'a>,
    pub keep: &'a [Input],
    pub settings: &'a TrainingSettings,
    /// Penalty of the linear return model.
    pub penalty: f64,
    pub steps: &'a Steps<'a>,
}

/// Steps that one fit takes beside its members: return model, quantiles.
const BESIDE_MEMBERS: u32 = 2;

/// Steps of one fit.
const fn steps_of_fit(settings: &TrainingSettings) -> u64 {
    settings.members as u64 + BESIDE_MEMBERS as u64
}

/// Steps of one model: every fold, the fit that is judged on the hold-out, and the last one.
#[must_use]
pub fn steps_of(settings: &TrainingSettings) -> u64 {
    (u64::from(settings.folds) + 2) * steps_of_fit(settings)
}

/// What was learned from one training block. Members and kinds of returns count the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    pub ensemble: Ensemble,
    pub returns: Returns,
    pub quantiles: QuantileTrees,
    /// Whether a row is like those of training; `None` where nothing moved.
    pub familiarity: Option<Familiarity>,
    /// Inputs that the block left out, with the reason.
    pub dropped: Vec<Dropped>,
    /// Weighted frequency of the event in the block.
    pub base_rate: f64,
}

/// A sample as a model that had never seen anything near it judged it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfSample<'a> {
    pub sample: &'a Sample<'a>,
    pub fold: usize,
    /// Log odds of each member.
    logits: Vec<f64>,
    /// Forecasts of line and trees.
    kinds: [f64; 2],
    /// Quantiles as modelled, in the same units.
    pub quantiles: Quantiles,
    /// Frequency of the event in the training block.
    pub base_rate: f64,
}

/// How members and kinds of returns are combined.
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    pub weights: Vec<f64>,
    pub share: f64,
}

/// Share of wins by effective weight.
#[must_use]
pub fn base_rate(samples: &[&Sample<'_>]) -> f64 {
    let (won, all) =
        samples.iter().fold((0.0, 0.0), |(won, all), s| (won + s.weight * f64::from(u8::from(s.win)), all + s.weight));
    if all > 0.0 { won / all } else { 0.0 }
}

impl<'a> Recipe<'a> {
    /// Blocks of bootstraps: a day, or the horizon when that is longer.
    #[must_use]
    pub fn block_ms(&self) -> i64 {
        self.data.exits.horizon.ms().max(DAY_MS)
    }

    fn go_on(&self) -> bool {
        (self.steps.watch.go_on)()
    }

    /// Fits on the samples at `train`, on the threads of the current rayon pool. Each part has a random stream of its own, so the result
    /// does not depend on how many threads there are.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn fit(&self, train: &[usize], fold: usize) -> Result<Fitted, FitError> {
        let horizon = self.data.exits.horizon;
        let label = format!("training the {horizon} model");
        let samples = self.data.pick(train);
        let Selected { inputs, dropped } = selected(&samples, self.keep, horizon)?;
        let block = Block::new(samples, &inputs, self.block_ms())?;
        let members = self.settings.members;
        let stream = |index: u32| [self.settings.seed, u64::from(horizon.0), fold as u64, u64::from(index)];
        let go_on = || self.go_on();
        let (fitted, (returns, quantiles)) = rayon::join(
            || {
                (0..members)
                    .into_par_iter()
                    .map(|index| {
                        let (l2, tree_depth) = (self.settings.l2, self.settings.tree_depth);
                        let spec = MemberSpec { index, l2, tree_depth, stream: stream(index) };
                        members::fit(&block, &spec, &go_on).inspect(|_| self.steps.step(&label))
                    })
                    .collect::<Result<Vec<Member>, _>>()
            },
            || {
                rayon::join(
                    || {
                        returns::fit_both(&block, self.penalty, stream(members), &go_on)
                            .inspect(|_| self.steps.step(&label))
                    },
                    || QuantileTrees::fit(&block, stream(members + 1), &go_on).inspect(|_| self.steps.step(&label)),
                )
            },
        );
        let members = fitted?;
        let weights = vec![1.0 / members.len().max(1) as f64; members.len()];
        Ok(Fitted {
            base_rate: base_rate(&block.samples),
            ensemble: Ensemble { scaler: block.scaler, members, weights },
            returns: returns?,
            quantiles: quantiles?,
            familiarity: block.familiarity,
            dropped,
        })
    }

    /// Fits each fold's training block and lets it judge its test block; in the order of folds and time. Beside it what the features were worth in
    /// each fold.
    ///
    /// # Errors
    /// [`FitError`]; also when a fit has no answer for a row.
    pub fn walk(&self, folds: &[Fold]) -> Result<(Vec<OutOfSample<'a>>, Vec<FoldWorth>), FitError> {
        let mut rows: Vec<OutOfSample<'a>> = Vec::new();
        let mut worths = Vec::new();
        for (k, fold) in folds.iter().enumerate() {
            let fitted = self.fit(&fold.train, k)?;
            let test: Vec<&'a Sample<'a>> = fold.test.iter().filter_map(|i| self.data.samples.get(*i)).collect();
            rows.extend(fitted.judge_all(&test, k)?);
            let seed =
                SplitMix64::new(&[self.settings.seed, u64::from(self.data.exits.horizon.0), k as u64]).next_u64();
            worths.push(worth::of_fold(&fitted.ensemble, &test, self.block_ms(), seed));
        }
        Ok((rows, worths))
    }
}

impl Fitted {
    /// What the fit says of rows that it has not seen, in their order.
    ///
    /// # Errors
    /// [`FitError::Failed`] when it has no answer for one.
    pub fn judge_all<'a>(&self, rows: &[&'a Sample<'a>], fold: usize) -> Result<Vec<OutOfSample<'a>>, FitError> {
        let one = |sample: &&'a Sample<'a>| {
            judge(self, sample, fold)
                .ok_or_else(|| FitError::Failed(format!("fold {fold} has no answer for {}", sample.at)))
        };
        rows.par_iter().map(one).collect()
    }
}

fn judge<'a>(fitted: &Fitted, sample: &'a Sample<'a>, fold: usize) -> Option<OutOfSample<'a>> {
    let Fitted { ensemble, returns, quantiles, base_rate, .. } = fitted;
    let logits = ensemble.logits(sample.features)?;
    let kinds = returns.each(&ensemble.scaler, sample.features)?;
    let quantiles = quantiles.at(&ensemble.scaler.pick(sample.features)?)?;
    Some(OutOfSample { sample, fold, logits, kinds, quantiles, base_rate: *base_rate })
}

impl Combination {
    /// What all members say of a row together.
    #[must_use]
    pub fn vote(&self, row: &OutOfSample<'_>) -> Option<Vote> {
        combine(&row.logits, &self.weights)
    }

    /// Return forecast of a row in units of `σ24·√H`.
    #[must_use]
    pub fn forecast(&self, row: &OutOfSample<'_>) -> f64 {
        mixed(row.kinds, self.share)
    }
}

/// What the members and kinds should count for, by what they said out of sample; `None` without rows.
#[must_use]
pub fn combination<'r, 'a: 'r>(rows: impl Iterator<Item = &'r OutOfSample<'a>>) -> Option<Combination> {
    let rows: Vec<&OutOfSample<'_>> = rows.collect();
    let members = rows.first()?.logits.len();
    let weights: Vec<f64> = rows.iter().map(|r| r.sample.weight).collect();
    let of_member = |m: usize| rows.iter().filter_map(|r| r.logits.get(m)).map(|l| sigmoid(*l)).collect::<Vec<_>>();
    let wins: Vec<f64> = rows.iter().map(|r| f64::from(u8::from(r.sample.win))).collect();
    let by_member: Vec<Vec<f64>> = (0..members).map(of_member).collect();
    let (lines, trees): (Vec<f64>, Vec<f64>) = rows.iter().map(|r| (r.kinds[0], r.kinds[1])).unzip();
    let came: Vec<f64> = rows.iter().map(|r| r.sample.scaled_return).collect();
    let share = stacking_weights(&[lines, trees], &came, &weights).last().copied()?;
    Some(Combination { weights: stacking_weights(&by_member, &wins, &weights), share })
}
