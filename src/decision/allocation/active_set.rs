//! Primal active set for a convex quadratic program over weights: exact up to rounding, with a factor as large as the assets held.
//!
//! Minimises ½ w′Qw − b′w + Σ costᵢ|wᵢ − heldᵢ| under [`Limits`]. Each asset is fixed at a cut of its range or free in a piece between two cuts. The
//! free ones are solved for by a Cholesky factor that grows and shrinks with them; a step that leaves a piece fixes that asset at the cut; at the
//! minimum over the free ones those fixed assets are set free whose slope, against the price of the budget, says so.

use super::cholesky::Cholesky;
use super::limits::{Limits, Total, ascending};
use super::matrix::SymmetricMatrix;
use super::optimality::{kkt_residual, largest, pieces};
use super::pieces::{Pieces, Place};
use super::solution::{AllocationError, Solution};
use super::turnover::Turnover;

/// How far a start may be outside the limits.
const OUTSIDE: f64 = 1e-12;
/// Slopes of free assets that differ by less than this share of the largest are equal, and how often that is tried for.
const EVEN: f64 = 1e-10;
const REFINEMENTS: usize = 5;
/// Steps per asset before giving up.
const STEPS_PER_ASSET: usize = 60;
/// What is added to the diagonal, as a share of its mean, when the free assets have no factor.
const RIDGE: f64 = 1e-8;
/// Fixed assets that are set free together pull at least this share of the strongest one.
const TOGETHER: f64 = 0.3;

/// A quadratic program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program<'a> {
    pub(super) quadratic: &'a SymmetricMatrix,
    pub(super) linear: &'a [f64],
    pub(super) turnover: Option<&'a Turnover>,
    pub(super) limits: &'a Limits,
}

impl Program<'_> {
    /// Solves from weights inside the limits, or from the assets that are best alone.
    pub(super) fn solve(&self, start: Option<&[f64]>) -> Result<Solution, AllocationError> {
        let n = self.quadratic.size();
        let held = self.turnover.map_or(n, |t| t.held().len());
        if [self.linear.len(), self.limits.caps().len(), held].iter().any(|size| *size != n) {
            return Err(AllocationError::Sizes);
        }
        if !self.linear.iter().all(|b| b.is_finite()) {
            return Err(AllocationError::NotFinite);
        }
        self.solved(self.quadratic, start).or_else(|error| {
            // A combination of assets without variance of its own: a ridge far below the residual's limit tells them apart.
            let mean = self.quadratic.diagonal().sum::<f64>() / n as f64;
            if error != AllocationError::NotPositiveDefinite || mean <= 0.0 {
                return Err(error);
            }
            self.solved(&self.quadratic.with_ridge(RIDGE * mean), start)
        })
    }

    fn solved(&self, quadratic: &SymmetricMatrix, start: Option<&[f64]>) -> Result<Solution, AllocationError> {
        let start = start.filter(|w| self.limits.violation(w) <= OUTSIDE).map(<[f64]>::to_vec);
        let must_fill = matches!(self.limits.total(), Total::Exactly(_));
        let full = must_fill || start.as_ref().is_some_and(|w| self.limits.is_reached_by(w.iter().sum()));
        let mut steps = 0;
        if !full {
            // The budget as if it had no end; if the answer keeps within it, it is the answer.
            let free =
                Search::new(*self, quadratic, start.clone().unwrap_or_else(|| vec![0.0; self.linear.len()]), false)?;
            let found = free.run()?;
            if found.weights.iter().sum::<f64>() <= self.limits.sum() {
                return self.told(found.weights, found.steps);
            }
            steps = found.steps;
        }
        let from = start.filter(|_| full).unwrap_or_else(|| self.first());
        let found = Search::new(*self, quadratic, from, true)?.run()?;
        steps += found.steps;
        if must_fill || found.price <= 0.0 {
            return self.told(found.weights, steps);
        }
        let free = Search::new(*self, quadratic, found.weights, false)?.run()?;
        self.told(free.weights, steps + free.steps)
    }

    /// The held weights if they are inside the limits, or the assets with the best objective alone, each to its cap.
    fn first(&self) -> Vec<f64> {
        let held = self.turnover.map(Turnover::held).filter(|held| self.limits.violation(held) <= OUTSIDE);
        held.map_or_else(
            || {
                let sum = self.limits.sum();
                let parts = self.quadratic.diagonal().zip(self.linear).zip(self.limits.caps());
                let alone: Vec<f64> = parts.map(|((q, b), cap)| 0.5 * q * cap.min(sum) - b).collect();
                self.limits.filled(ascending(&alone))
            },
            <[f64]>::to_vec,
        )
    }

    /// Size of the terms that a slope sums: products of standard deviations, and the linear part.
    fn scale(&self, weights: &[f64]) -> f64 {
        let deviations = || self.quadratic.diagonal().map(|q| q.max(0.0).sqrt()).zip(weights);
        let portfolio: f64 = deviations().map(|(sd, w)| sd * w).sum();
        let widest = deviations().filter(|(_, w)| **w > 0.0).fold(0.0, |max: f64, (sd, _)| max.max(sd));
        largest(self.linear.iter().copied()).max(widest * portfolio)
    }

    fn told(&self, weights: Vec<f64>, iterations: usize) -> Result<Solution, AllocationError> {
        let product = self.quadratic.times(&weights);
        let scale = self.scale(&weights);
        let gradient: Vec<f64> = product.iter().zip(self.linear).map(|(q, b)| q - b).collect();
        let parts = product.iter().zip(self.linear).zip(&weights);
        let objective = parts.map(|((q, b), w)| (0.5 * q - b) * w).sum::<f64>()
            + self.turnover.map_or(0.0, |turnover| turnover.price(&weights));
        let pieces = pieces(self.limits, self.turnover);
        let kkt_residual = kkt_residual(&gradient, scale, &pieces, self.limits, &weights);
        Solution { weights, objective, kkt_residual, iterations }.checked()
    }
}

/// What a search ends with.
struct Found {
    weights: Vec<f64>,
    /// Change of the objective per unit of budget.
    price: f64,
    steps: usize,
}

/// A run of the active set, with the sum fixed (`full`) or free.
struct Search<'a> {
    program: Program<'a>,
    quadratic: &'a SymmetricMatrix,
    full: bool,
    pieces: Vec<Pieces>,
    places: Vec<Place>,
    weights: Vec<f64>,
    /// Qw − b; kept up to date for the free assets, refreshed for all at each minimum.
    gradient: Vec<f64>,
    free: Vec<usize>,
    factor: Cholesky,
    price: f64,
}

#[expect(clippy::indexing_slicing, reason = "all lists have one entry per asset, and `free` holds numbers of assets")]
impl<'a> Search<'a> {
    fn new(
        program: Program<'a>,
        quadratic: &'a SymmetricMatrix,
        weights: Vec<f64>,
        full: bool,
    ) -> Result<Self, AllocationError> {
        let pieces = pieces(program.limits, program.turnover);
        let places: Vec<Place> = pieces.iter().zip(&weights).map(|(p, w)| p.place(*w)).collect();
        let (gradient, free, factor) = (Vec::new(), Vec::new(), Cholesky::default());
        let mut search = Self { program, quadratic, full, pieces, places, weights, gradient, free, factor, price: 0.0 };
        for i in 0..search.places.len() {
            if let Place::In(piece) = search.places[i] {
                search.set_free(i, piece)?;
            }
        }
        search.refresh();
        Ok(search)
    }

    fn run(mut self) -> Result<Found, AllocationError> {
        let limit = 200 + STEPS_PER_ASSET * self.weights.len();
        let (mut steps, mut many) = (0, true);
        while steps < limit {
            let (mut moved, mut refined) = (false, 0);
            while !self.free.is_empty() && steps < limit {
                steps += 1;
                let (length, blocked) = self.descend();
                moved |= length > 0.0;
                if blocked {
                    continue;
                }
                // With assets that are almost alike one solve is not exact; the next one mends what it left.
                self.refresh();
                refined += 1;
                if refined > REFINEMENTS || self.unevenness() <= EVEN * self.program.scale(&self.weights) {
                    break;
                }
            }
            if self.free.is_empty() {
                self.refresh();
            }
            many = moved || (many && steps == 0);
            if !self.open(many)? {
                return Ok(Found { weights: self.weights, price: self.price, steps });
            }
            steps += 1;
        }
        Err(AllocationError::NoConvergence)
    }

    fn refresh(&mut self) {
        self.gradient = self.quadratic.times(&self.weights);
        for (g, b) in self.gradient.iter_mut().zip(self.program.linear) {
            *g -= b;
        }
    }

    /// How far the slopes of the free assets are from the price that they should equal.
    fn unevenness(&self) -> f64 {
        largest(self.free.iter().map(|i| self.slope(*i) - self.price))
    }

    /// Slope of the objective along a free asset.
    fn slope(&self, i: usize) -> f64 {
        let Place::In(piece) = self.places[i] else { return self.gradient[i] };
        self.gradient[i] + self.pieces[i].slope(piece)
    }

    /// A step towards the minimum over the free assets, as far as their pieces go; its length, and whether a cut ended it.
    fn descend(&mut self) -> (f64, bool) {
        let slopes: Vec<f64> = self.free.iter().map(|i| self.slope(*i)).collect();
        let mut step: Vec<f64> = slopes.iter().map(|s| -s).collect();
        self.factor.solve(&mut step);
        self.price = 0.0;
        if self.full {
            let mut ones = vec![1.0; slopes.len()];
            self.factor.solve(&mut ones);
            let per_price = ones.iter().sum::<f64>();
            // Twice, because the first pass leaves rounding in the sum; what earlier steps left of it is mended too.
            let missing = self.program.limits.sum() - self.weights.iter().sum::<f64>();
            for _ in 0..2 {
                let change = (missing - step.iter().sum::<f64>()) / per_price;
                self.price += change;
                step.iter_mut().zip(&ones).for_each(|(s, one)| *s += change * one);
            }
        }
        let (mut length, mut blocking) = (1.0, None);
        for (k, (i, step)) in self.free.iter().zip(&step).enumerate() {
            let Place::In(piece) = self.places[*i] else { continue };
            let cut = if *step > 0.0 { piece + 1 } else { piece };
            let room = self.pieces[*i].cut(cut) - self.weights[*i];
            if *step != 0.0 && room / step < length {
                (length, blocking) = ((room / step).max(0.0), Some((k, cut)));
            }
        }
        for ((i, step), slope) in self.free.iter().zip(&step).zip(&slopes) {
            self.weights[*i] += length * step;
            // Q·step is what the factor solved for.
            self.gradient[*i] += length * (self.price - slope);
        }
        if let Some((k, cut)) = blocking {
            let i = self.free.remove(k);
            self.factor.remove(k);
            self.weights[i] = self.pieces[i].cut(cut);
            self.places[i] = Place::At(cut);
        }
        (length, blocking.is_some())
    }

    fn set_free(&mut self, i: usize, piece: usize) -> Result<(), AllocationError> {
        let row = self.quadratic.row(i);
        let before: Vec<f64> = self.free.iter().map(|j| row[*j]).collect();
        if !self.factor.append(before, row[i]) {
            return Err(AllocationError::NotPositiveDefinite);
        }
        self.places[i] = Place::In(piece);
        self.free.push(i);
        Ok(())
    }

    /// Sets fixed assets free that the objective pulls away from their cut: the strongest, with those near it when `many`; false when there is none.
    fn open(&mut self, many: bool) -> Result<bool, AllocationError> {
        let tolerance = EVEN * self.program.scale(&self.weights);
        if self.free.is_empty() && self.full {
            return self.open_pair(tolerance);
        }
        let mut pulled: Vec<(f64, usize, usize)> = Vec::new();
        for (i, (place, pieces)) in self.places.iter().zip(&self.pieces).enumerate() {
            let Place::At(_) = place else { continue };
            let (up, down) = pieces.around(*place);
            let rise = up.map(|piece| (self.price - self.gradient[i] - pieces.slope(piece), i, piece));
            let fall = down.map(|piece| (self.gradient[i] + pieces.slope(piece) - self.price, i, piece));
            pulled.extend(rise.into_iter().chain(fall).filter(|(pull, ..)| *pull > tolerance));
        }
        pulled.sort_by(|a, b| b.0.total_cmp(&a.0));
        let Some(strongest) = pulled.first().map(|(pull, ..)| *pull) else { return Ok(false) };
        let most = if many { 1 + self.free.len() / 2 } else { 1 };
        for (_, i, piece) in pulled.into_iter().take(most).take_while(|(pull, ..)| *pull >= TOGETHER * strongest) {
            self.set_free(i, piece)?;
        }
        Ok(true)
    }

    /// With a fixed sum and nothing free, one asset can only grow while another shrinks.
    fn open_pair(&mut self, tolerance: f64) -> Result<bool, AllocationError> {
        let (mut up, mut down) = (None::<(f64, usize, usize)>, None::<(f64, usize, usize)>);
        for (i, (place, pieces)) in self.places.iter().zip(&self.pieces).enumerate() {
            let (above, below) = pieces.around(*place);
            let slope = |piece| (self.gradient[i] + pieces.slope(piece), i, piece);
            up = above.map(slope).filter(|a| up.is_none_or(|u| a.0 < u.0)).or(up);
            down = below.map(slope).filter(|b| down.is_none_or(|d| b.0 > d.0)).or(down);
        }
        // At an optimum every price between the two will do; the lowest says whether less than the whole sum would be better.
        self.price = down.map_or(0.0, |(fall, ..)| fall);
        let (Some((rise, i, above)), Some((fall, j, below))) = (up, down) else { return Ok(false) };
        if i == j || fall - rise <= tolerance {
            return Ok(false);
        }
        self.set_free(i, above)?;
        self.set_free(j, below)?;
        Ok(true)
    }
}
