//! One training block: its rows, scaled for lines and binned for trees, and what every fit on it shares.

use std::ops::ControlFlow;

use ndarray::Array2;

use super::dataset::Sample;
use super::ood::Familiarity;
use super::scaler::{Input, Scaler};
use super::trees::{self, Binned, BoostSpec, Boosted, Columns, EarlyStop, Forest, ForestSpec, Growth, Objective};
use crate::domain::random::SplitMix64;

/// Bins per input: one byte each.
const BINS: u32 = 255;
/// Step of the boosting.
const RATE: f64 = 0.05;
/// Share of the time blocks that each round sees.
const BLOCK_SHARE: f64 = 0.7;
/// Rounds without a better loss after which boosting ends.
const PATIENCE: u32 = 30;
/// Share of a block's instants that say when to stop.
const STOP_SHARE: f64 = 0.15;
/// Share of the effective weight, and rows, that a leaf must hold.
const LEAF_SHARE: f64 = 0.02;
const LEAF_ROWS: u32 = 20;
/// Penalty on the squared value of a leaf, in effective observations.
const LEAF_L2: f64 = 1.0;

/// A fit that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FitError {
    /// Someone asked for the end.
    Stopped,
    /// In words.
    Failed(String),
}

/// Rows of one training block, oldest first.
pub struct Block<'a> {
    pub samples: Vec<&'a Sample<'a>>,
    pub scaler: Scaler,
    pub familiarity: Option<Familiarity>,
    /// Scaled inputs, a row per sample.
    pub x: Array2<f64>,
    /// The same inputs as they are, binned.
    pub binned: Binned,
    /// 1 for a win.
    pub wins: Vec<f64>,
    /// Returns in units of `σ24·√H`.
    pub returns: Vec<f64>,
    /// Effective weights.
    pub weights: Vec<f64>,
    /// Number of the time block of each row.
    pub blocks: Vec<u32>,
    /// Rows that trees learn from, and the later ones that tell them when to stop.
    learn: Vec<u32>,
    stop: Vec<u32>,
}

impl<'a> Block<'a> {
    /// `samples` in order of time; `block_ms` is the length of a time block, at least the horizon.
    ///
    /// # Errors
    /// [`FitError::Failed`] when an input is not finite.
    pub fn new(samples: Vec<&'a Sample<'a>>, keep: &[Input], block_ms: i64) -> Result<Self, FitError> {
        let rows: Vec<&[f32]> = samples.iter().map(|s| s.features).collect();
        let scaler = Scaler::fit(&rows, keep);
        let mut x = Array2::zeros((rows.len(), scaler.width()));
        for (mut row, features) in x.rows_mut().into_iter().zip(&rows) {
            for (slot, value) in row.iter_mut().zip(scaler.transform(features)) {
                *slot = value;
            }
        }
        let all: Vec<u32> = (0..rows.len() as u32).collect();
        let binned = Binned::new(&columns(&rows, &scaler)?, &all, BINS);
        let first = samples.first().map_or(0, |s| s.at.0);
        let blocks = samples.iter().map(|s| (s.at.0 - first).div_euclid(block_ms.max(1)) as u32).collect();
        let (learn, stop) = split(&samples);
        let rows: Vec<&[f64]> = x.rows().into_iter().filter_map(|row| row.to_slice()).collect();
        Ok(Self {
            familiarity: Familiarity::fit(&rows),
            scaler,
            x,
            binned,
            wins: samples.iter().map(|s| f64::from(u8::from(s.win))).collect(),
            returns: samples.iter().map(|s| s.scaled_return).collect(),
            weights: samples.iter().map(|s| s.weight).collect(),
            blocks,
            learn,
            stop,
            samples,
        })
    }

    /// How trees grow here, depth left open.
    #[must_use]
    pub fn growth(&self) -> Growth {
        Growth {
            max_leaves: 0,
            max_depth: 0,
            min_leaf_rows: LEAF_ROWS,
            min_leaf_weight: LEAF_SHARE * self.weights.iter().sum::<f64>(),
            l2: LEAF_L2,
            min_gain: 0.0,
            columns_per_split: None,
        }
    }

    /// Boosted trees on the learning rows, stopped by the later ones.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn boost(
        &self,
        objective: Objective,
        target: &[f64],
        rounds: u32,
        depth: u32,
        stream: [u64; 4],
        go_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Boosted, FitError> {
        let spec = BoostSpec {
            objective,
            rounds,
            rate: RATE,
            growth: Growth { max_depth: depth, ..self.growth() },
            row_share: BLOCK_SHARE,
            stop: Some(EarlyStop { rows: &self.stop, patience: PATIENCE }),
            seed: SplitMix64::new(&stream).next_u64(),
        };
        Boosted::fit(&self.rows(target, &self.learn), &spec, &|_| flow(go_on)).map_err(words)
    }

    /// A forest for the gated event on all rows.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn forest(&self, spec: &ForestSpec, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Forest, FitError> {
        let all: Vec<u32> = (0..self.samples.len() as u32).collect();
        Forest::fit(&self.rows(&self.wins, &all), spec, &|_| flow(go_on)).map_err(words)
    }

    fn rows<'b>(&'b self, target: &'b [f64], rows: &'b [u32]) -> trees::Sample<'b> {
        trees::Sample { data: &self.binned, target, weights: &self.weights, rows, blocks: Some(&self.blocks) }
    }
}

fn flow(go_on: &(dyn Fn() -> bool + Sync)) -> ControlFlow<()> {
    if go_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

fn words(error: trees::FitError) -> FitError {
    match error {
        trees::FitError::Cancelled => FitError::Stopped,
        other => FitError::Failed(other.to_string()),
    }
}

/// The kept inputs of rows, as trees take them.
///
/// # Errors
/// [`FitError::Failed`] when a value is absent or not finite.
pub fn columns(rows: &[&[f32]], scaler: &Scaler) -> Result<Columns, FitError> {
    let values =
        scaler.inputs().map(|input| rows.iter().filter_map(|r| r.get(input.place).copied()).collect()).collect();
    Columns::new(values).ok_or_else(|| FitError::Failed("an input is absent or not finite".to_owned()))
}

/// The last instants tell when to stop; what learns must be known before the first of them.
fn split(samples: &[&Sample<'_>]) -> (Vec<u32>, Vec<u32>) {
    let mut instants: Vec<i64> = samples.iter().map(|s| s.at.0).collect();
    instants.dedup();
    let cut = (instants.len() as f64 * (1.0 - STOP_SHARE)) as usize;
    let from = instants.get(cut).copied().unwrap_or(i64::MAX);
    let places = |keep: &dyn Fn(&Sample<'_>) -> bool| {
        samples.iter().zip(0_u32..).filter(|(s, _)| keep(s)).map(|(_, i)| i).collect()
    };
    (places(&|s| s.known.0 < from), places(&|s| s.at.0 >= from))
}
