//! Linear quantile regression (Koenker, Bassett 1978) by the Frisch-Newton interior point method (Portnoy, Koenker 1997).
//!
//! The dual of the fit is a linear programme with bounds, `max y·a` subject to `Xᵀa = (1−q)·Xᵀ1`, `0 ≤ a ≤ 1`, whose multipliers are
//! the coefficients. A predictor-corrector step (Mehrotra 1992) costs one product `XᵀDX`; some twenty steps are enough whatever
//! the number of rows.

use ndarray::{Array1, Array2, Axis, Slice};

use super::cholesky::Cholesky;
use super::ridge::DEPENDENT;
use super::{Linear, check};

/// Duality gap, relative to the loss, at which it has converged …
const GAP: f64 = 1e-10;
/// … and which is still accepted when steps no longer make headway.
const ACCEPTED: f64 = 1e-7;
const STEPS: usize = 80;
/// Share of the way to the nearest bound that a step may go.
const REACH: f64 = 0.999_95;
/// Rows whose products are formed at once.
const BLOCK: usize = 1_024;

/// Mean pinball loss of forecasts of the `q`-quantile; `None` without rows.
#[must_use]
pub fn pinball(forecasts: &[f64], outcomes: &[f64], q: f64) -> Option<f64> {
    let loss: f64 = forecasts.iter().zip(outcomes).map(|(f, y)| tilted(y - f, q)).sum();
    (!outcomes.is_empty() && forecasts.len() == outcomes.len()).then(|| loss / outcomes.len() as f64)
}

fn tilted(error: f64, q: f64) -> f64 {
    if error >= 0.0 { q * error } else { (q - 1.0) * error }
}

/// Minimises `Σ w·ρ_q(y − b − x·c)` without a penalty; columns that are combinations of earlier ones get 0. Within 1e-7 of the smallest
/// loss, and usually far nearer.
///
/// # Errors
/// In words: `q` outside 0..1, what [`super::Moments::of`] refuses, no convergence, or a coefficient that is not finite.
pub fn quantile_regression(x: &Array2<f64>, y: &[f64], weights: Option<&[f64]>, q: f64) -> Result<Linear, String> {
    check(x, y, weights)?;
    if !(q > 0.0 && q < 1.0) {
        return Err(format!("the quantile '{q}' must lie between 0 and 1"));
    }
    let found = Programme::new(x, y, weights, q).solve()?;
    let slopes: Vec<f64> = found.iter().skip(1).copied().collect();
    Linear::fitted(found.first().copied().unwrap_or(f64::NAN), &slopes)
}

/// One row's part of the point: `a` and `1 − a`, their multipliers, and the step under way.
#[derive(Clone, Copy, Default)]
struct Row {
    a: f64,
    rest: f64,
    /// Multiplier of `a ≥ 0`: how far the outcome lies below the fit.
    below: f64,
    /// Multiplier of `a ≤ 1`: how far it lies above.
    above: f64,
    step: f64,
    step_below: f64,
    step_above: f64,
    /// Inverse curvature, and what the step should remove.
    scale: f64,
    pull: f64,
}

impl Row {
    fn gap(&self) -> f64 {
        self.a * self.below + self.rest * self.above
    }

    /// Weights of the next product; the pull of a step straight to the optimum.
    fn predict(&mut self) {
        self.scale = 1.0 / (self.below / self.a + self.above / self.rest);
        self.pull = self.above - self.below;
    }

    /// The pull towards the central path at `mu`, second order terms of the predicted step included.
    fn correct(&mut self, mu: f64) {
        let below = (mu - self.step * self.step_below) / self.a - self.below;
        let above = (mu + self.step * self.step_above) / self.rest - self.above;
        self.pull = below - above;
        // Kept for `direct`.
        (self.step_below, self.step_above) = (below, above);
    }

    /// The step, given how far the fit moves at this row.
    fn direct(&mut self, moved: f64, (below, above): (f64, f64)) {
        self.step = self.scale * (self.pull - moved);
        self.step_below = below - self.below * self.step / self.a;
        self.step_above = above + self.above * self.step / self.rest;
    }

    /// How far the primal and the dual part may go.
    fn reach(&self) -> (f64, f64) {
        let to = |value: f64, step: f64| if step < 0.0 { -value / step } else { f64::INFINITY };
        (
            to(self.a, self.step).min(to(self.rest, -self.step)),
            to(self.below, self.step_below).min(to(self.above, self.step_above)),
        )
    }

    fn advance(&mut self, primal: f64, dual: f64) {
        self.a += primal * self.step;
        self.rest -= primal * self.step;
        self.below += dual * self.step_below;
        self.above += dual * self.step_above;
    }
}

struct Programme {
    /// Ones and the inputs, times the row's weight.
    design: Array2<f64>,
    target: Array1<f64>,
    /// Unit of the target, so that lengths have a meaning.
    unit: f64,
    q: f64,
    rows: Vec<Row>,
}

impl Programme {
    fn new(x: &Array2<f64>, y: &[f64], weights: Option<&[f64]>, q: f64) -> Self {
        let n = y.len();
        let unit = Some(y.iter().map(|v| v.abs()).sum::<f64>() / n as f64).filter(|u| *u > 0.0).unwrap_or(1.0);
        let mut design = Array2::<f64>::ones((n, x.ncols() + 1));
        design.slice_axis_mut(Axis(1), Slice::from(1..)).assign(x);
        let mut target = Array1::from(y.to_vec()) / unit;
        if let Some(weights) = weights {
            let total: f64 = weights.iter().sum();
            let weights = Array1::from(weights.to_vec()) * (n as f64 / total);
            target *= &weights;
            design *= &weights.insert_axis(Axis(1));
        }
        Self { design, target, unit, q, rows: vec![Row::default(); n] }
    }

    /// Intercept and slopes.
    fn solve(mut self) -> Result<Vec<f64>, String> {
        let mut fit = self.start();
        let mut gap = f64::INFINITY;
        for _ in 0..STEPS {
            let loss = self.loss(&fit);
            gap = self.gap() / (loss + 1e-9 * self.rows.len() as f64);
            if gap.is_nan() || gap < GAP {
                break;
            }
            self.rows.iter_mut().for_each(Row::predict);
            let factor = Cholesky::of(&self.curvature(), 1e-15);
            let mut turn = self.turn(&factor, |row| (-row.below, -row.above));
            let (mut primal, mut dual) = self.reach();
            if primal.min(dual) < 1.0 {
                let mu = self.centre(primal, dual);
                self.rows.iter_mut().for_each(|row| row.correct(mu));
                turn = self.turn(&factor, |row| (row.step_below, row.step_above));
                (primal, dual) = self.reach();
            }
            if primal.max(dual) < 1e-12 {
                break;
            }
            fit.scaled_add(dual, &turn);
            self.rows.iter_mut().for_each(|row| row.advance(primal, dual));
        }
        if gap.is_nan() || gap > ACCEPTED {
            return Err(format!("the quantile regression stopped at a relative duality gap of {gap:.1e}"));
        }
        Ok(fit.iter().map(|v| v * self.unit).collect())
    }

    /// From least squares; columns that say nothing of their own are emptied.
    fn start(&mut self) -> Array1<f64> {
        self.rows.iter_mut().for_each(|row| row.scale = 1.0);
        let gram = self.curvature();
        let factor = Cholesky::of(&gram, DEPENDENT);
        for (j, mut column) in self.design.columns_mut().into_iter().enumerate() {
            if factor.is_dependent(j) {
                column.fill(0.0);
            }
        }
        let fit = factor.solve(&self.weighted_sum(&self.target));
        let errors = &self.target - &self.design.dot(&fit);
        let margin = (0.01 * errors.iter().map(|e| e.abs()).sum::<f64>() / errors.len() as f64).max(1e-6);
        for (row, error) in self.rows.iter_mut().zip(&errors) {
            *row = Row {
                a: 1.0 - self.q,
                rest: self.q,
                below: (-error).max(0.0) + margin,
                above: error.max(0.0) + margin,
                ..Row::default()
            };
        }
        fit
    }

    fn loss(&self, fit: &Array1<f64>) -> f64 {
        self.design.dot(fit).iter().zip(&self.target).map(|(f, y)| tilted(y - f, self.q)).sum()
    }

    fn gap(&self) -> f64 {
        self.rows.iter().map(Row::gap).sum()
    }

    /// `Xᵀ·diag(scale)·X`.
    fn curvature(&self) -> Array2<f64> {
        let k = self.design.ncols();
        let mut out = Array2::<f64>::zeros((k, k));
        let blocks = self.design.axis_chunks_iter(Axis(0), BLOCK).zip(self.rows.chunks(BLOCK));
        for (block, rows) in blocks {
            let mut scaled = block.to_owned();
            for (mut line, row) in scaled.rows_mut().into_iter().zip(rows) {
                line *= row.scale;
            }
            out += &block.t().dot(&scaled);
        }
        out
    }

    /// `Xᵀ·v`.
    fn weighted_sum(&self, values: &Array1<f64>) -> Array1<f64> {
        let mut out = Array1::<f64>::zeros(self.design.ncols());
        for (line, value) in self.design.rows().into_iter().zip(values) {
            out.scaled_add(*value, &line);
        }
        out
    }

    /// Sets every row's step and returns that of the coefficients. `wanted` are the changes of the multipliers at rest.
    fn turn(&mut self, factor: &Cholesky, wanted: impl Fn(&Row) -> (f64, f64)) -> Array1<f64> {
        let pulls: Array1<f64> = self.rows.iter().map(|row| row.scale * row.pull).collect();
        let turn = factor.solve(&self.weighted_sum(&pulls));
        for (row, moved) in self.rows.iter_mut().zip(&self.design.dot(&turn)) {
            let wanted = wanted(row);
            row.direct(*moved, wanted);
        }
        turn
    }

    fn reach(&self) -> (f64, f64) {
        let (primal, dual) = self
            .rows
            .iter()
            .map(Row::reach)
            .fold((f64::INFINITY, f64::INFINITY), |(p, d), (a, b)| (p.min(a), d.min(b)));
        ((REACH * primal).min(1.0), (REACH * dual).min(1.0))
    }

    /// The point of the central path to aim at, from what the predicted step leaves of the gap (Mehrotra).
    fn centre(&self, primal: f64, dual: f64) -> f64 {
        let now = self.gap();
        let then: f64 = self
            .rows
            .iter()
            .map(|row| {
                let mut row = *row;
                row.advance(primal, dual);
                row.gap()
            })
            .sum();
        now * (then / now).powi(3) / (2.0 * self.rows.len() as f64)
    }
}
