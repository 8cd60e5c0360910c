//! The search for the least CVaR: a simplex method on the piecewise linear function itself, without a variable per scenario.
//!
//! F(w, t) = t + κ Σ max(lossₛ(w) − t, 0), κ = 1/((1−β)T), has its minimum at a vertex: the basic assets and t are fixed by the budget and by as many
//! scenarios whose loss is exactly t. A step releases one of those scenarios or lets one more asset move, walks along F through as many kinks as
//! still lead down (Barrodale & Roberts 1973), and stops at a scenario or at a bound of an asset. The matrix of a vertex is as small as the number of
//! assets held.

use super::inverse::Inverse;
use super::lanes::{add_all_scaled, add_scaled};
use super::limits::Limits;
use super::scenarios::Scenarios;
use super::solution::AllocationError;
use crate::domain::random::SplitMix64;

/// Steps after which the inverse is made anew.
const RENEW: usize = 64;
/// Multipliers and slopes outside their range by less than this share of their scale are inside.
const ROUNDING: f64 = 1e-9;
/// Losses are shifted by up to this share of a mean return, each by its own amount, so that no two kinks coincide.
const JITTER: f64 = 1e-9;
/// A coefficient below this share of its scale moves nothing.
const STILL: f64 = 1e-10;

/// Side of the kink on which a scenario is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Below,
    Kink,
    Above,
}

/// What ends a step.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Scenario(usize),
    /// Basic asset of this place, at its cap or at 0.
    Asset(usize, bool),
    /// The moving asset reached its other bound.
    OtherBound,
}

/// What starts a step; `up` is growth of the scenario's excess or of the asset's weight.
#[derive(Debug, Clone, Copy)]
enum Start {
    /// Equation of this number.
    Scenario(usize, bool),
    Asset(usize, bool),
}

pub(super) struct Found {
    pub(super) weights: Vec<f64>,
    /// Probability that the dual gives each scenario.
    pub(super) multipliers: Vec<f64>,
    pub(super) steps: usize,
}

pub(super) struct Search<'a> {
    scenarios: &'a Scenarios,
    caps: &'a [f64],
    total: f64,
    kappa: f64,
    /// Mean size of a return.
    size: f64,
    shifts: Vec<f64>,
    weights: Vec<f64>,
    threshold: f64,
    /// Loss less threshold, per scenario.
    excess: Vec<f64>,
    sides: Vec<Side>,
    above: usize,
    /// Σ of the returns of the scenarios above, per asset.
    above_sum: Vec<f64>,
    /// Basic assets: unknowns 1, 2, … (0 is the threshold).
    basic: Vec<usize>,
    is_basic: Vec<bool>,
    /// Scenarios at the kink: equations 1, 2, … (0 is the budget).
    kinks: Vec<usize>,
    inverse: Inverse,
}

#[expect(clippy::indexing_slicing, reason = "lists have one entry per asset or per scenario, and hold their numbers")]
impl<'a> Search<'a> {
    /// Starts with weights inside the limits.
    pub(super) fn new(
        scenarios: &'a Scenarios,
        beta: f64,
        limits: &'a Limits,
        weights: Vec<f64>,
    ) -> Result<Self, AllocationError> {
        let (n, count) = (scenarios.assets(), scenarios.count());
        let sizes = scenarios.by_asset().map(|r| r.iter().map(|r| r.abs()).sum::<f64>());
        let size = (sizes.sum::<f64>() / (n * count) as f64).max(f64::MIN_POSITIVE);
        let mut rng = SplitMix64::seeded(count as u64);
        let shifts = (0..count).map(|_| JITTER * size * rng.unit()).collect();
        let room = |i: usize| weights[i].min(limits.caps()[i] - weights[i]);
        let basic = vec![(0..n).max_by(|a, b| room(*a).total_cmp(&room(*b))).ok_or(AllocationError::Empty)?];
        let mut is_basic = vec![false; n];
        basic.iter().for_each(|i| is_basic[*i] = true);
        let mut search = Self {
            scenarios,
            caps: limits.caps(),
            total: limits.sum(),
            kappa: 1.0 / ((1.0 - beta) * count as f64),
            size,
            shifts,
            weights,
            threshold: 0.0,
            excess: Vec::new(),
            sides: vec![Side::Below; count],
            above: 0,
            above_sum: vec![0.0; n],
            basic,
            is_basic,
            kinks: Vec::new(),
            inverse: Inverse::default(),
        };
        search.measure();
        let mut ranked: Vec<usize> = (0..count).collect();
        ranked.sort_by(|a, b| search.excess[*b].total_cmp(&search.excess[*a]).then(a.cmp(b)));
        let worst = ((1.0 - beta) * count as f64).ceil().max(1.0) as usize;
        let (above, rest) = ranked.split_at_checked(worst - 1).ok_or(AllocationError::TooFewScenarios)?;
        above.iter().for_each(|s| search.set_side(*s, Side::Above));
        let kink = *rest.first().ok_or(AllocationError::TooFewScenarios)?;
        search.set_side(kink, Side::Kink);
        search.kinks.push(kink);
        search.renew()?;
        Ok(search)
    }

    pub(super) fn run(mut self) -> Result<Found, AllocationError> {
        let limit = 500 + 30 * (self.scenarios.assets() + self.scenarios.count());
        let (mut since, mut still) = (0, 0);
        for steps in 0..limit {
            if since >= RENEW + self.basic.len() {
                self.renew()?;
                since = 0;
            }
            let multipliers = self.multipliers();
            // After many steps that moved nothing, the first way down is taken instead of the steepest, which cannot go round in circles for long.
            let Some((start, slope)) = self.way_down(&multipliers, still > RENEW) else {
                if since == 0 {
                    let multipliers = self.probabilities(&multipliers);
                    return Ok(Found { weights: self.weights, multipliers, steps });
                }
                self.renew()?;
                since = 0;
                continue;
            };
            let moved = self.step(start, slope)?;
            still = if moved { 0 } else { still + 1 };
            since += 1;
        }
        Err(AllocationError::NoConvergence)
    }

    /// Excess losses from the weights.
    fn measure(&mut self) {
        let returns = self.scenarios.portfolio(&self.weights);
        let parts = returns.iter().zip(&self.shifts);
        self.excess = parts.map(|(r, shift)| shift - r - self.threshold).collect();
    }

    fn set_side(&mut self, s: usize, side: Side) {
        let (was, row) = (self.sides[s], self.scenarios.scenario(s));
        if was == Side::Above && side != Side::Above {
            self.above -= 1;
            add_scaled(&mut self.above_sum, -1.0, row);
        } else if was != Side::Above && side == Side::Above {
            self.above += 1;
            add_scaled(&mut self.above_sum, 1.0, row);
        }
        self.sides[s] = side;
    }

    /// Coefficients of an equation: of the threshold, then of the basic assets.
    fn equation(&self, s: usize) -> Vec<f64> {
        let row = self.scenarios.scenario(s);
        [1.0].into_iter().chain(self.basic.iter().map(|i| row[*i])).collect()
    }

    /// Coefficients of an asset: in the budget, then in the scenarios at the kink.
    fn unknown(&self, i: usize) -> Vec<f64> {
        let returns = self.scenarios.asset(i);
        [1.0].into_iter().chain(self.kinks.iter().map(|s| returns[*s])).collect()
    }

    /// The inverse, the basic weights and the threshold, and the sums, all made anew.
    fn renew(&mut self) -> Result<(), AllocationError> {
        let budget: Vec<f64> = [0.0].into_iter().chain(self.basic.iter().map(|_| 1.0)).collect();
        let scenarios = self.kinks.iter().map(|s| self.equation(*s));
        let equations: Vec<Vec<f64>> = [budget].into_iter().chain(scenarios).collect();
        self.inverse = Inverse::of(&equations).ok_or(AllocationError::NoConvergence)?;
        for i in &self.basic {
            self.weights[*i] = 0.0;
        }
        let fixed = self.scenarios.portfolio(&self.weights);
        let scenarios = self.kinks.iter().map(|s| self.shifts[*s] - fixed[*s]);
        let right: Vec<f64> = [self.total - self.weights.iter().sum::<f64>()].into_iter().chain(scenarios).collect();
        let solved = self.inverse.times(&right);
        self.threshold = solved[0];
        for (i, w) in self.basic.iter().zip(&solved[1..]) {
            self.weights[*i] = w.clamp(0.0, self.caps[*i]);
        }
        self.measure();
        self.above_sum = vec![0.0; self.scenarios.assets()];
        let above = self.sides.iter().enumerate().filter(|(_, side)| **side == Side::Above);
        add_all_scaled(&mut self.above_sum, above.map(|(s, _)| (1.0, self.scenarios.scenario(s))));
        Ok(())
    }

    /// Multipliers of the budget and of the scenarios at the kink.
    fn multipliers(&self) -> Vec<f64> {
        let assets = self.basic.iter().map(|i| -self.kappa * self.above_sum[*i]);
        let costs: Vec<f64> = [1.0 - self.kappa * self.above as f64].into_iter().chain(assets).collect();
        self.inverse.left(&costs)
    }

    /// The steepest way down from this vertex, or the first; `None` at the minimum.
    fn way_down(&self, multipliers: &[f64], first: bool) -> Option<(Start, f64)> {
        let mut best: Option<(Start, f64, f64)> = None;
        let mut consider = |start, slope: f64, pull: f64| {
            if best.is_none_or(|(_, _, known)| !first && pull > known) {
                best = Some((start, slope, pull));
            }
        };
        // Slopes are compared per unit of weight moved.
        let lengths = self.inverse.column_lengths();
        let shortest = STILL / self.size;
        for (k, (a, length)) in multipliers.iter().zip(&lengths).enumerate().skip(1) {
            let slope = a.min(self.kappa - a);
            if slope < -ROUNDING * self.kappa {
                consider(Start::Scenario(k, *a > self.kappa), slope, -slope / length.max(shortest));
            }
        }
        let mut slopes = vec![0.0; self.weights.len()];
        let kinks = self.kinks.iter().zip(&multipliers[1..]).map(|(s, a)| (-a, self.scenarios.scenario(*s)));
        add_all_scaled(&mut slopes, [(-self.kappa, self.above_sum.as_slice())].into_iter().chain(kinks));
        for (i, slope) in slopes.iter().enumerate() {
            let slope = slope - multipliers[0];
            // At 0 it can only grow, at its cap only shrink; a weight of the start that is between the two goes where it is pulled.
            let up = self.weights[i] <= 0.0 || (slope < 0.0 && self.weights[i] < self.caps[i]);
            let down = if up { slope } else { -slope };
            if down < -ROUNDING * self.size && !self.is_basic[i] && self.caps[i] > 0.0 {
                consider(Start::Asset(i, up), down, -down);
            }
        }
        best.map(|(start, slope, _)| (start, slope))
    }

    /// Probabilities of the dual: all that is allowed above, the multiplier at the kink, none below.
    fn probabilities(&self, multipliers: &[f64]) -> Vec<f64> {
        let of = |side: &Side| if *side == Side::Above { self.kappa } else { 0.0 };
        let mut probabilities: Vec<f64> = self.sides.iter().map(of).collect();
        for (s, a) in self.kinks.iter().zip(&multipliers[1..]) {
            probabilities[*s] = a.clamp(0.0, self.kappa);
        }
        probabilities
    }

    /// Walks from this vertex to the next; whether it moved.
    fn step(&mut self, start: Start, slope: f64) -> Result<bool, AllocationError> {
        // Rates of the threshold and of the basic assets.
        let rates = match start {
            Start::Scenario(k, up) => scaled(self.inverse.column(k), if up { -1.0 } else { 1.0 }),
            Start::Asset(i, up) => scaled(self.inverse.times(&self.unknown(i)), if up { -1.0 } else { 1.0 }),
        };
        let moving = match start {
            Start::Asset(i, up) => Some((i, if up { 1.0 } else { -1.0 })),
            Start::Scenario(..) => None,
        };
        let mut speeds = vec![-rates[0]; self.excess.len()];
        let basic = self.basic.iter().zip(&rates[1..]).map(|(i, rate)| (-rate, self.scenarios.asset(*i)));
        let entering = moving.map(|(i, rate)| (-rate, self.scenarios.asset(i)));
        add_all_scaled(&mut speeds, basic.chain(entering));

        let bound = self.nearest_bound(&rates, moving);
        let (length, stop) = self.walk(&speeds, slope, bound).ok_or(AllocationError::NoConvergence)?;
        for (i, rate) in self.basic.iter().zip(&rates[1..]) {
            self.weights[*i] += length * rate;
        }
        if let Some((i, rate)) = moving {
            self.weights[i] += length * rate;
        }
        self.threshold += length * rates[0];
        add_scaled(&mut self.excess, length, &speeds);
        self.change_basis(start, stop)?;
        Ok(length > 0.0)
    }

    /// How far until an asset is at a bound.
    fn nearest_bound(&self, rates: &[f64], moving: Option<(usize, f64)>) -> (f64, Stop) {
        let whole =
            moving.map_or(
                f64::INFINITY,
                |(i, rate)| {
                    if rate > 0.0 { self.caps[i] - self.weights[i] } else { self.weights[i] }
                },
            );
        let mut nearest = (whole, Stop::OtherBound);
        for (place, (i, rate)) in self.basic.iter().zip(&rates[1..]).enumerate() {
            let (up, w) = (*rate > 0.0, self.weights[*i]);
            let room = (if up { self.caps[*i] - w } else { w }).max(0.0) / rate.abs();
            // A scenario's release moves weights by about 1/size of a unit of loss, an asset's entry by about 1.
            let still = if moving.is_some() { STILL } else { STILL / self.size };
            if rate.abs() > still && room < nearest.0 {
                nearest = (room, Stop::Asset(place, up));
            }
        }
        nearest
    }

    /// Along the line, through every kink behind which it still goes down; the sides of the scenarios passed change.
    fn walk(&mut self, speeds: &[f64], mut slope: f64, bound: (f64, Stop)) -> Option<(f64, Stop)> {
        let still = STILL * speeds.iter().fold(0.0_f64, |max, v| max.max(v.abs()));
        let mut kinks: Vec<(f64, usize)> = Vec::new();
        for (s, ((excess, speed), side)) in self.excess.iter().zip(speeds).zip(&self.sides).enumerate() {
            let towards = match side {
                Side::Above => *speed < -still,
                Side::Below => *speed > still,
                Side::Kink => false,
            };
            let at = (-excess / speed).max(0.0);
            if towards && at < bound.0 {
                kinks.push((at, s));
            }
        }
        kinks.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (at, s) in kinks {
            slope += self.kappa * speeds[s].abs();
            if slope >= 0.0 {
                return Some((at, Stop::Scenario(s)));
            }
            let other = if self.sides[s] == Side::Above { Side::Below } else { Side::Above };
            self.set_side(s, other);
        }
        bound.0.is_finite().then_some(bound)
    }

    /// Unknowns and equations of the next vertex.
    fn change_basis(&mut self, start: Start, stop: Stop) -> Result<(), AllocationError> {
        if let Start::Scenario(k, up) = start {
            self.set_side(self.kinks[k - 1], if up { Side::Above } else { Side::Below });
        }
        if let Stop::Scenario(s) = stop {
            self.set_side(s, Side::Kink);
            self.excess[s] = 0.0;
        }
        if let Stop::Asset(place, up) = stop {
            let i = self.basic[place];
            self.weights[i] = if up { self.caps[i] } else { 0.0 };
            self.is_basic[i] = false;
        }
        let sound = match (start, stop) {
            (Start::Scenario(k, _), Stop::Scenario(s)) => {
                self.kinks[k - 1] = s;
                let equation = self.equation(s);
                self.inverse.replace_equation(k, &equation)
            }
            (Start::Scenario(k, _), Stop::Asset(place, _)) => {
                self.kinks.swap_remove(k - 1);
                self.basic.swap_remove(place);
                self.inverse.remove(place + 1, k)
            }
            (Start::Asset(i, _), Stop::Scenario(s)) => {
                let (unknown, equation) = (self.unknown(i), self.equation(s));
                self.is_basic[i] = true;
                self.basic.push(i);
                self.kinks.push(s);
                self.inverse.append(&unknown, &equation, self.scenarios.scenario(s)[i])
            }
            (Start::Asset(i, _), Stop::Asset(place, _)) => {
                self.is_basic[i] = true;
                self.basic[place] = i;
                let unknown = self.unknown(i);
                self.inverse.replace_unknown(place + 1, &unknown)
            }
            (Start::Asset(i, up), Stop::OtherBound) => {
                self.weights[i] = if up { self.caps[i] } else { 0.0 };
                true
            }
            (Start::Scenario(..), Stop::OtherBound) => false,
        };
        if sound { Ok(()) } else { self.renew() }
    }
}

fn scaled(mut values: Vec<f64>, factor: f64) -> Vec<f64> {
    values.iter_mut().for_each(|v| *v *= factor);
    values
}
