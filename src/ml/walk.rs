//! Fitting along the walk-forward: one fit per training block and one on everything, and what each says of its test block.

use ndarray::Array2;
use rayon::prelude::*;

use crate::domain::settings::TrainingSettings;
use crate::domain::time::DAY_MS;

use super::cv::Fold;
use super::dataset::{Dataset, Sample};
use super::ensemble::Ensemble;
use super::members::{self, Linear, Member, MemberSpec, TrainingRows};
use super::returns;
use super::scaler::{Input, Scaler};

/// Everything that a fit needs beside its rows.
pub struct Recipe<'a> {
    pub data: &'a Dataset,
    pub keep: &'a [Input],
    pub settings: &'a TrainingSettings,
    /// Penalty of the return model.
    pub penalty: f64,
}

impl Recipe<'_> {
    /// Blocks of bootstraps: a day, or the horizon when that is longer.
    #[must_use]
    pub fn block_ms(&self) -> i64 {
        self.data.exits.horizon.ms().max(DAY_MS)
    }
}

/// What was learned from one training block.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    pub ensemble: Ensemble,
    pub returns: Linear,
    /// Weighted frequency of the event in the block.
    pub base_rate: f64,
}

/// A sample as a model that had never seen anything near it judged it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutOfSample<'a> {
    pub sample: &'a Sample,
    pub fold: usize,
    /// Deflated log odds.
    pub logit: f64,
    pub epistemic: f64,
    /// |return − forecast| in units of `σ24·√H`.
    pub residual: f64,
    /// Frequency of the event in the training block.
    pub base_rate: f64,
}

struct Block<'a> {
    samples: Vec<&'a Sample>,
    scaler: Scaler,
    rows: TrainingRows,
}

impl<'a> Block<'a> {
    fn new(samples: Vec<&'a Sample>, keep: &[Input]) -> Self {
        let scaler = Scaler::fit(&samples.iter().map(|s| &*s.features).collect::<Vec<_>>(), keep);
        let mut x = Array2::zeros((samples.len(), scaler.width()));
        for (mut row, sample) in x.rows_mut().into_iter().zip(&samples) {
            for (slot, value) in row.iter_mut().zip(scaler.transform(&sample.features)) {
                *slot = value;
            }
        }
        let rows = TrainingRows {
            x,
            wins: samples.iter().map(|s| s.win).collect(),
            at: samples.iter().map(|s| s.at.0).collect(),
            weights: samples.iter().map(|s| s.weight).collect(),
        };
        Self { samples, scaler, rows }
    }
}

/// Share of wins by effective weight.
#[must_use]
pub fn base_rate(samples: &[&Sample]) -> f64 {
    let (won, all) =
        samples.iter().fold((0.0, 0.0), |(won, all), s| (won + s.weight * f64::from(u8::from(s.win)), all + s.weight));
    if all > 0.0 { won / all } else { 0.0 }
}

/// Fits every training block, given as sample indices, on the threads of the current rayon pool. Each member has a random stream
/// of its own, so the result does not depend on how many threads there are. `done` is called after each member.
///
/// # Errors
/// What went wrong, in words.
pub fn fit_blocks(recipe: &Recipe<'_>, blocks: &[Vec<usize>], done: &(dyn Fn() + Sync)) -> Result<Vec<Fitted>, String> {
    let blocks: Vec<Block<'_>> =
        blocks.par_iter().map(|train| Block::new(recipe.data.pick(train), recipe.keep)).collect();
    let jobs: Vec<(usize, &Block<'_>, u32)> = blocks
        .iter()
        .enumerate()
        .flat_map(|(fold, block)| (0..recipe.settings.members).map(move |m| (fold, block, m)))
        .collect();
    let fitted: Vec<Member> = jobs
        .par_iter()
        .map(|(fold, block, index)| {
            let spec = MemberSpec {
                index: *index,
                l2: recipe.settings.l2,
                tree_depth: recipe.settings.tree_depth,
                block_ms: recipe.block_ms(),
                stream: [recipe.settings.seed, u64::from(recipe.data.exits.horizon.0), *fold as u64, u64::from(*index)],
            };
            let member = members::fit(&block.rows, &spec);
            done();
            member
        })
        .collect::<Result<_, _>>()?;
    let returns: Vec<Linear> = blocks
        .par_iter()
        .map(|block| returns::fit(&block.samples, &block.scaler, recipe.penalty))
        .collect::<Result<_, _>>()?;
    let per_block = recipe.settings.members as usize;
    Ok(blocks
        .into_iter()
        .zip(fitted.chunks(per_block.max(1)))
        .zip(returns)
        .map(|((block, members), returns)| Fitted {
            base_rate: base_rate(&block.samples),
            ensemble: Ensemble { scaler: block.scaler, members: members.to_vec() },
            returns,
        })
        .collect())
}

/// Lets each fold's fit judge its test block, in the order of folds and time.
///
/// # Errors
/// When a fit has no answer for a row.
pub fn judge_folds<'a>(data: &'a Dataset, folds: &[Fold], fitted: &[Fitted]) -> Result<Vec<OutOfSample<'a>>, String> {
    let mut out = Vec::new();
    for (fold, (split, fit)) in folds.iter().zip(fitted).enumerate() {
        for sample in data.pick(&split.test) {
            let vote = fit.ensemble.vote(&sample.features);
            let forecast = fit.returns.at(&fit.ensemble.scaler.transform(&sample.features));
            let (Some(vote), Some(forecast)) = (vote, forecast) else {
                return Err(format!("fold {fold} has no answer for {}", sample.at));
            };
            out.push(OutOfSample {
                sample,
                fold,
                logit: vote.logit,
                epistemic: vote.epistemic,
                residual: (sample.scaled_return - forecast).abs(),
                base_rate: fit.base_rate,
            });
        }
    }
    Ok(out)
}
