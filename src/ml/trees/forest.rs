//! Random forests (Breiman 2001) that draw their rows by blocks of time.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::error::FitError;
use super::grow::{Growth, Workspace, grow};
use super::histogram::Ground;
use super::matrix::Columns;
use super::objective::Objective;
use super::predict::{Layout, each_value};
use super::sample::{Blocks, Sample};
use super::scan::sums;
use super::shap::explain;
use super::sums::{Largest, Scale, Weighed};
use super::tree::Tree;
use crate::domain::random::SplitMix64;
use crate::ml::contributions::Contributions;

/// How to grow a forest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForestSpec {
    pub trees: u32,
    pub growth: Growth,
    pub seed: u64,
}

/// Trees that each saw another draw of the blocks; the prediction is their mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Forest {
    stored: Stored,
    layout: Layout,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    width: usize,
    trees: Vec<Tree>,
}

impl TryFrom<Stored> for Forest {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let forest = Self { layout: Layout::of(&stored.trees), stored };
        let width = forest.width();
        if forest.is_sound(width) { Ok(forest) } else { Err("a forest is damaged") }
    }
}

impl From<Forest> for Stored {
    fn from(forest: Forest) -> Self {
        forest.stored
    }
}

impl Forest {
    /// Fits to a real target, or to one of 0 and 1, whose mean is then a frequency. Each tree learns from as many blocks as there are, drawn with
    /// repetition, and a row drawn twice counts twice; `on_tree` is told how many trees are begun and may break off the fit. The result does
    /// not depend on the number of threads.
    ///
    /// # Errors
    /// What is wrong with the rows or the specification, or [`FitError::Cancelled`].
    pub fn fit(
        sample: &Sample<'_>,
        spec: &ForestSpec,
        on_tree: &(dyn Fn(u32) -> ControlFlow<()> + Sync),
    ) -> Result<Self, FitError> {
        spec.growth.check()?;
        if spec.trees == 0 {
            return Err(FitError::Setting { what: "trees", rule: "at least 1" });
        }
        sample.check(Objective::Squared, &[])?;
        let mut rows: Vec<(f64, f64)> = sample.rows.iter().filter_map(|r| sample.at(*r)).collect();
        let center = Objective::Squared.start(&mut rows)?;
        let range = rows.iter().fold((f64::MAX, f64::MIN), |(low, high), (y, _)| (low.min(*y), high.max(*y)));
        let plan = Plan { sample, spec, center, range, blocks: Blocks::new(sample) };
        let begun = AtomicU32::new(0);
        let tree = |tree: u32| {
            if on_tree(begun.fetch_add(1, Ordering::Relaxed)).is_break() {
                return Err(FitError::Cancelled);
            }
            match sample.common_weight() {
                Some(unit) => plan.tree::<1>(tree, unit, Weighed::ByCount),
                None => plan.tree::<2>(tree, 1.0, Weighed::ByHessian),
            }
        };
        let trees = (0..spec.trees).into_par_iter().map(tree).collect::<Result<Vec<_>, _>>()?;
        Self::try_from(Stored { width: sample.data.width(), trees }).map_err(FitError::Damaged)
    }

    /// Columns that a row must have.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.stored.width
    }

    #[must_use]
    pub fn trees(&self) -> &[Tree] {
        &self.stored.trees
    }

    /// The mean of the trees for one row of raw values; `None` for a row of another width or with a NaN.
    #[must_use]
    pub fn mean(&self, x: &[f32]) -> Option<f64> {
        let mut sum = 0.0;
        each_value(self.trees(), &self.layout, self.width(), x, |value| sum += value)?;
        Some(sum / self.trees().len() as f64)
    }

    /// The means for matrix rows, bit for bit as [`Forest::mean`] has them; `None` for a matrix of another width or a row past its end.
    #[must_use]
    pub fn mean_rows(&self, x: &Columns, rows: &[u32]) -> Option<Vec<f64>> {
        let fits = x.width() == self.width() && rows.iter().all(|r| (*r as usize) < x.rows());
        let trees = self.trees().len() as f64;
        fits.then(|| sums(self.trees(), 0.0, x, rows).into_iter().map(|sum| sum / trees).collect())
    }

    /// What each column contributed to the mean, the base being its mean over the training rows; `None` where [`Forest::mean`] is, and
    /// for trees of more than 1,000 levels.
    #[must_use]
    pub fn contributions(&self, x: &[f32]) -> Option<Contributions> {
        Some(explain(self.trees(), self.width(), x)?.scaled(1.0 / self.trees().len() as f64))
    }

    /// Sum of the gains of each column's splits.
    #[must_use]
    pub fn gain_importance(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.width()];
        self.trees().iter().for_each(|tree| tree.add_gains(&mut gains));
        gains
    }

    /// Whether the forest is whole and asks for no column past `width`.
    #[must_use]
    pub fn is_sound(&self, width: usize) -> bool {
        self.width() == width && !self.trees().is_empty() && self.trees().iter().all(|tree| tree.is_sound(width))
    }
}

/// What all trees of a forest share.
struct Plan<'a> {
    sample: &'a Sample<'a>,
    spec: &'a ForestSpec,
    center: f64,
    /// Lowest and highest target.
    range: (f64, f64),
    blocks: Blocks,
}

impl Plan<'_> {
    fn tree<const K: usize>(&self, tree: u32, unit: f64, weighed: Weighed) -> Result<Tree, FitError> {
        let mut rng = SplitMix64::new(&[self.spec.seed, u64::from(tree)]);
        let (mut drawn, mut weight) = (Vec::new(), 0.0);
        while weight <= 0.0 {
            drawn = self.blocks.bootstrap(&mut rng);
            weight = drawn.iter().filter_map(|(row, _)| self.sample.at(*row)).map(|(_, w)| w).sum();
        }
        let mut largest = Largest { gradient: 0.0, hessian: 0.0, weight: 0.0 };
        for (y, w) in drawn.iter().filter_map(|(row, _)| self.sample.at(*row)) {
            largest.gradient = largest.gradient.max((w * (self.center - y)).abs());
            largest.hessian = largest.hessian.max(w);
        }
        let draws = drawn.iter().map(|(_, times)| u64::from(*times)).sum();
        let scale = Scale::new::<K>(draws, largest, unit, weighed);
        let mut cells = vec![[0; K]; self.sample.data.rows()];
        for (row, times) in &drawn {
            if let (Some(cell), Some((y, w))) = (cells.get_mut(*row as usize), self.sample.at(*row)) {
                *cell = scale.cell(w * (self.center - y), w, w, u64::from(*times));
            }
        }
        let mut rows: Vec<u32> = drawn.into_iter().map(|(row, _)| row).collect();
        let ground =
            Ground { data: self.sample.data, cells: &cells, scale: &scale, growth: &self.spec.growth, parallel: false };
        let grown = grow(&ground, &mut rows, rng.next_u64(), &mut Workspace::default());
        let sums = |node: usize| grown.nodes.get(node).map(|n| scale.sums(&n.total));
        let value = |node: usize| {
            let step = sums(node).map_or(0.0, |s| -s.gradient / (s.hessian + self.spec.growth.l2));
            // A mean lies within its values; the fixed point might miss that by its last digit.
            (self.center + step).clamp(self.range.0, self.range.1)
        };
        let cover = |node: usize| sums(node).map_or(0.0, |s| s.weight);
        grown.tree(value, cover).map_err(FitError::Damaged)
    }
}
