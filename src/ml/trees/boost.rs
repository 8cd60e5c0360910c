//! Gradient boosting of regression trees (Friedman 2001) on histograms.

use std::ops::ControlFlow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::error::FitError;
use super::grow::{Grown, Growth, Workspace, grow};
use super::histogram::Ground;
use super::matrix::Columns;
use super::objective::Objective;
use super::predict::{Layout, each_value};
use super::sample::{Blocks, Sample};
use super::scan::sums;
use super::shap::explain;
use super::sums::{Cell, Largest, Scale, Weighed};
use super::tree::Tree;
use crate::domain::random::SplitMix64;
use crate::ml::contributions::Contributions;

/// Rows of one task of a pass over all rows; sums are made chunk by chunk, whatever the threads.
const CHUNK: usize = 8_192;

/// How to boost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoostSpec<'a> {
    pub objective: Objective,
    /// Trees at most.
    pub rounds: u32,
    /// Share of each tree's step that is taken, in `(0, 1]`.
    pub rate: f64,
    pub growth: Growth,
    /// Share of the blocks drawn for each round, in `(0, 1]`.
    pub row_share: f64,
    pub stop: Option<EarlyStop<'a>>,
    pub seed: u64,
}

/// Keep the round that was best on other rows, and stop when none has been better for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStop<'a> {
    /// Matrix rows that are not learned from, purged of what overlaps.
    pub rows: &'a [u32],
    /// Rounds without a better one.
    pub patience: u32,
}

/// A boosted model: a constant and trees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Boosted {
    stored: Stored,
    layout: Layout,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    objective: Objective,
    width: usize,
    start: f64,
    trees: Vec<Tree>,
}

impl TryFrom<Stored> for Boosted {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let boosted = Self { layout: Layout::of(&stored.trees), stored };
        let width = boosted.width();
        if boosted.is_sound(width) { Ok(boosted) } else { Err("a boosted model is damaged") }
    }
}

impl From<Boosted> for Stored {
    fn from(boosted: Boosted) -> Self {
        boosted.stored
    }
}

impl Boosted {
    /// Fits; `on_round` is told the number of each round before it begins and may break off the fit. The result depends on the arguments alone, not
    /// on the number of threads.
    ///
    /// Leaves take a Newton step for squared and logistic loss, the weighted quantile of the residuals for pinball loss, and Friedman's
    /// one step from the median for Huber's; all are shrunk by `H/(H+λ)`.
    ///
    /// # Errors
    /// What is wrong with the rows or the specification, or [`FitError::Cancelled`].
    pub fn fit(
        sample: &Sample<'_>,
        spec: &BoostSpec<'_>,
        on_round: &(dyn Fn(u32) -> ControlFlow<()> + Sync),
    ) -> Result<Self, FitError> {
        spec.objective.check()?;
        for (what, value) in [("rate", spec.rate), ("row_share", spec.row_share)] {
            if !(value > 0.0 && value <= 1.0) {
                return Err(FitError::Setting { what, rule: "above 0 and at most 1" });
            }
        }
        spec.growth.check()?;
        let listed = sample.check(spec.objective, spec.stop.map_or(&[], |stop| stop.rows))?;
        let mut rows: Vec<(f64, f64)> = sample.rows.iter().filter_map(|r| sample.at(*r)).collect();
        let start = spec.objective.start(&mut rows)?;
        let slopes: Vec<f64> = rows.iter().map(|(y, w)| (w * spec.objective.slopes(*y, start).0).abs()).collect();
        // A shared word is coarse where one row's gradient dwarfs the others'.
        let (most, all) = slopes.iter().fold((0.0, 0.0), |(most, all), s| (f64::max(most, *s), all + s));
        let even = most * slopes.len() as f64 <= 4096.0 * all;
        let trees = match (sample.common_weight(), spec.objective.is_flat()) {
            (Some(unit), true) if even => {
                Run::<1>::new(sample, spec, start, listed, unit, Weighed::ByCount).trees(on_round)
            }
            (Some(unit), false) => Run::<2>::new(sample, spec, start, listed, unit, Weighed::ByCount).trees(on_round),
            (_, true) => Run::<2>::new(sample, spec, start, listed, 1.0, Weighed::ByHessian).trees(on_round),
            (None, false) => Run::<3>::new(sample, spec, start, listed, 1.0, Weighed::Apart).trees(on_round),
        }?;
        let stored = Stored { objective: spec.objective, width: sample.data.width(), start, trees };
        Self::try_from(stored).map_err(FitError::Damaged)
    }

    #[must_use]
    pub const fn objective(&self) -> Objective {
        self.stored.objective
    }

    /// Columns that a row must have.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.stored.width
    }

    /// The constant that the trees start from.
    #[must_use]
    pub const fn start(&self) -> f64 {
        self.stored.start
    }

    #[must_use]
    pub fn trees(&self) -> &[Tree] {
        &self.stored.trees
    }

    /// The score of one row of raw values (log odds for logistic loss); `None` for a row of another width or with a NaN.
    #[must_use]
    pub fn raw(&self, x: &[f32]) -> Option<f64> {
        let mut sum = self.start();
        each_value(self.trees(), &self.layout, self.width(), x, |value| sum += value)?;
        Some(sum)
    }

    /// The scores of matrix rows, bit for bit as [`Boosted::raw`] has them; `None` for a matrix of another width or a row past its end.
    #[must_use]
    pub fn raw_rows(&self, x: &Columns, rows: &[u32]) -> Option<Vec<f64>> {
        let fits = x.width() == self.width() && rows.iter().all(|r| (*r as usize) < x.rows());
        fits.then(|| sums(self.trees(), self.start(), x, rows))
    }

    /// What each column contributed to [`Boosted::raw`], the base being its mean over the training rows; `None` where that is, and for
    /// trees of more than 1,000 levels.
    #[must_use]
    pub fn contributions(&self, x: &[f32]) -> Option<Contributions> {
        let trees = explain(self.trees(), self.width(), x)?;
        Some(Contributions { base: self.start() + trees.base, ..trees })
    }

    /// Sum of the gains of each column's splits.
    #[must_use]
    pub fn gain_importance(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.width()];
        self.trees().iter().for_each(|tree| tree.add_gains(&mut gains));
        gains
    }

    /// Whether the model is whole and asks for no column past `width`.
    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        self.width() == width
            && self.start().is_finite()
            && self.objective().check().is_ok()
            && self.trees().iter().all(|tree| tree.is_sound(width))
    }
}

/// A fit on its way.
struct Run<'a, const K: usize> {
    sample: &'a Sample<'a>,
    spec: &'a BoostSpec<'a>,
    listed: Vec<bool>,
    unit: f64,
    weighed: Weighed,
    /// By matrix row, like all lists here.
    scores: Vec<f64>,
    gradients: Vec<f64>,
    hessians: Vec<f64>,
    cells: Vec<Cell<K>>,
    work: Workspace<K>,
    spare: Vec<u32>,
}

impl<'a, const K: usize> Run<'a, K> {
    fn new(
        sample: &'a Sample<'a>,
        spec: &'a BoostSpec<'a>,
        start: f64,
        listed: Vec<bool>,
        unit: f64,
        weighed: Weighed,
    ) -> Self {
        let rows = sample.data.rows();
        Self {
            sample,
            spec,
            listed,
            unit,
            weighed,
            scores: vec![start; rows],
            gradients: vec![0.0; rows],
            hessians: vec![0.0; if K > 1 { rows } else { 0 }],
            cells: vec![[0; K]; rows],
            work: Workspace::default(),
            spare: Vec::new(),
        }
    }

    fn trees(mut self, on_round: &(dyn Fn(u32) -> ControlFlow<()> + Sync)) -> Result<Vec<Tree>, FitError> {
        let blocks = Blocks::new(self.sample);
        let mut trees = Vec::new();
        let mut best = (self.validation_loss(), 0);
        for round in 0..self.spec.rounds {
            if on_round(round).is_break() {
                return Err(FitError::Cancelled);
            }
            let (rows, others) = if self.spec.row_share < 1.0 {
                blocks.share(self.spec.row_share, &mut SplitMix64::new(&[self.spec.seed, 0, u64::from(round)]))
            } else {
                (self.sample.rows.to_vec(), Vec::new())
            };
            trees.push(self.round(round, rows, others)?);
            if let (Some(stop), Some(loss)) = (&self.spec.stop, self.validation_loss()) {
                if best.0.is_none_or(|least| loss < least) {
                    best = (Some(loss), trees.len());
                } else if trees.len() - best.1 >= stop.patience.max(1) as usize {
                    break;
                }
            }
        }
        if best.0.is_some() {
            trees.truncate(best.1);
        }
        Ok(trees)
    }

    /// Grows one tree and moves every score by it.
    fn round(&mut self, round: u32, mut rows: Vec<u32>, mut others: Vec<u32>) -> Result<Tree, FitError> {
        let scale = self.slopes(rows.len());
        let data = self.sample.data;
        let growth = &self.spec.growth;
        let ground = Ground { data, cells: &self.cells, scale: &scale, growth, parallel: true };
        let seed = SplitMix64::new(&[self.spec.seed, 1, u64::from(round)]).next_u64();
        let grown = grow(&ground, &mut rows, seed, &mut self.work);
        let values = self.leaf_values(&grown, &scale, &rows);
        let at = |node: usize| values.get(node).copied().unwrap_or(0.0);
        for (i, node) in grown.nodes.iter().enumerate().filter(|(_, node)| node.split.is_none()) {
            self.step(rows.get(node.range.clone()).unwrap_or_default(), at(i));
        }
        others.extend(self.spec.stop.iter().flat_map(|stop| stop.rows));
        for (node, range) in grown.route(data, &mut others, &mut self.spare) {
            self.step(others.get(range).unwrap_or_default(), at(node));
        }
        let cover = |node: usize| grown.nodes.get(node).map_or(0.0, |n| scale.sums(&n.total).weight);
        grown.tree(at, cover).map_err(FitError::Damaged)
    }

    fn step(&mut self, rows: &[u32], value: f64) {
        for row in rows {
            if let Some(score) = self.scores.get_mut(*row as usize) {
                *score += value;
            }
        }
    }

    /// Slopes of all listed rows at their scores, in fixed point.
    fn slopes(&mut self, drawn: usize) -> Scale {
        let (objective, sample) = (self.spec.objective, self.sample);
        let inputs = self.scores.par_chunks(CHUNK).zip(sample.target.par_chunks(CHUNK));
        let inputs = inputs.zip(sample.weights.par_chunks(CHUNK)).zip(self.listed.par_chunks(CHUNK));
        let gradients = self.gradients.par_chunks_mut(CHUNK);
        let start = Largest { gradient: 0.0, hessian: 0.0, weight: 0.0 };
        let row = |of: &mut Largest, f: f64, y: f64, w: f64, gradient: &mut f64| {
            let (g, h) = objective.slopes(y, f);
            *gradient = w * g;
            of.gradient = of.gradient.max(gradient.abs());
            of.hessian = of.hessian.max(w * h);
            of.weight = of.weight.max(w);
            w * h
        };
        let largest: Vec<Largest> = if K == 1 {
            inputs
                .zip(gradients)
                .map(|((((f, y), w), listed), g)| {
                    let mut of = start;
                    let rows = f.iter().zip(y).zip(w).zip(listed).zip(g);
                    for ((((f, y), w), _), g) in rows.filter(|(((_, _), l), _)| **l) {
                        row(&mut of, *f, *y, *w, g);
                    }
                    of
                })
                .collect()
        } else {
            let hessians = self.hessians.par_chunks_mut(CHUNK);
            inputs
                .zip(gradients.zip(hessians))
                .map(|((((f, y), w), listed), (g, h))| {
                    let mut of = start;
                    let rows = f.iter().zip(y).zip(w).zip(listed).zip(g.iter_mut().zip(h));
                    for ((((f, y), w), _), (g, h)) in rows.filter(|(((_, _), l), _)| **l) {
                        *h = row(&mut of, *f, *y, *w, g);
                    }
                    of
                })
                .collect()
        };
        let largest = largest.iter().fold(start, |a, b| Largest {
            gradient: a.gradient.max(b.gradient),
            hessian: a.hessian.max(b.hessian),
            weight: a.weight.max(b.weight),
        });
        let scale = Scale::new::<K>(drawn as u64, largest, self.unit, self.weighed);
        self.pack(&scale);
        scale
    }

    fn pack(&mut self, scale: &Scale) {
        let cells = self.cells.par_chunks_mut(CHUNK).zip(self.gradients.par_chunks(CHUNK));
        if K == 1 {
            cells.for_each(|(cells, g)| {
                cells.iter_mut().zip(g).for_each(|(cell, g)| *cell = scale.cell(*g, 0.0, 0.0, 1));
            });
            return;
        }
        let rest = self.hessians.par_chunks(CHUNK).zip(self.sample.weights.par_chunks(CHUNK));
        cells.zip(rest).for_each(|((cells, g), (h, w))| {
            for ((cell, g), (h, w)) in cells.iter_mut().zip(g).zip(h.iter().zip(w)) {
                *cell = scale.cell(*g, *h, *w, 1);
            }
        });
    }

    /// The step of every leaf, by node.
    fn leaf_values(&self, grown: &Grown<K>, scale: &Scale, rows: &[u32]) -> Vec<f64> {
        let (objective, l2, rate) = (self.spec.objective, self.spec.growth.l2, self.spec.rate);
        let of = |node: &super::grow::GrownNode<K>| {
            if node.split.is_some() {
                return 0.0;
            }
            let sums = scale.sums(&node.total);
            let residual = |row: &u32| {
                let (y, w) = self.sample.at(*row)?;
                Some((y - self.scores.get(*row as usize)?, w))
            };
            let refit = objective.needs_residuals().then(|| {
                let mine = rows.get(node.range.clone()).unwrap_or_default();
                objective.of_residuals(&mut mine.iter().filter_map(residual).collect::<Vec<_>>())
            });
            match refit.flatten() {
                Some(value) => rate * value * sums.weight / (sums.weight + l2),
                // A leaf whose rows are all certain has no slope left to divide by.
                None if sums.hessian + l2 <= 0.0 => 0.0,
                None => -rate * sums.gradient / (sums.hessian + l2),
            }
        };
        if objective.needs_residuals() {
            grown.nodes.par_iter().map(of).collect()
        } else {
            grown.nodes.iter().map(of).collect()
        }
    }

    /// Weighted mean loss on the rows kept aside; `None` without such rows or weight.
    fn validation_loss(&self) -> Option<f64> {
        let rows = self.spec.stop?.rows;
        let part = |rows: &[u32]| {
            rows.iter().fold((0.0, 0.0), |(loss, weight), row| {
                let (Some((y, w)), Some(f)) = (self.sample.at(*row), self.scores.get(*row as usize)) else {
                    return (loss, weight);
                };
                (loss + w * self.spec.objective.loss(y, *f), weight + w)
            })
        };
        let parts: Vec<(f64, f64)> = rows.par_chunks(CHUNK).map(part).collect();
        let (loss, weight) = parts.iter().fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
        (weight > 0.0).then(|| loss / weight)
    }
}
