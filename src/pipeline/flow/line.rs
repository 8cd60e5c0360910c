//! A straight line through the newest pairs of values.

use crate::pipeline::kernels::window::{Join, Sliding};

/// Moments of two series together, with both spreads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pairs {
    pub n: f64,
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    pub xy: f64,
    yy: f64,
}

impl Pairs {
    pub const fn of(x: f64, y: f64) -> Self {
        Self { n: 1.0, mean_x: x, mean_y: y, xx: 0.0, xy: 0.0, yy: 0.0 }
    }

    /// Least squares of y on x; `None` with fewer than three pairs, or when all x are equal.
    fn line(&self) -> Option<Line> {
        if self.n < 3.0 || self.xx <= 0.0 {
            return None;
        }
        let slope = self.xy / self.xx;
        let residual = (self.yy - slope * self.xy).max(0.0);
        let error = (residual / (self.n - 2.0) / self.xx).sqrt();
        Some(Line {
            slope,
            intercept: self.mean_y - slope * self.mean_x,
            t: (error > 0.0).then(|| slope / error),
            r2: (self.yy > 0.0).then(|| (slope * self.xy / self.yy).min(1.0)),
        })
    }
}

impl Join for Pairs {
    fn join(self, newer: Self) -> Self {
        let n = self.n + newer.n;
        let (dx, dy) = (newer.mean_x - self.mean_x, newer.mean_y - self.mean_y);
        let share = newer.n / n;
        let weight = self.n * share;
        Self {
            n,
            mean_x: self.mean_x + dx * share,
            mean_y: self.mean_y + dy * share,
            xx: self.xx + newer.xx + dx * dx * weight,
            xy: self.xy + newer.xy + dx * dy * weight,
            yy: self.yy + newer.yy + dy * dy * weight,
        }
    }
}

/// y = intercept + slope · x by least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    pub slope: f64,
    pub intercept: f64,
    /// Slope over its standard error; `None` when the points lie on the line.
    pub t: Option<f64>,
    /// Share of y's spread that the line explains; `None` when y has none.
    pub r2: Option<f64>,
}

/// The line through the newest `n` pairs, `n` at least 3; first with pair n − 1.
#[derive(Debug, Clone)]
pub struct RollingLine(Sliding<Pairs>);

impl RollingLine {
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self(Sliding::new(n.max(3)))
    }

    pub fn push(&mut self, x: f64, y: f64) -> Option<Line> {
        self.0.push(Pairs::of(x, y))?.line()
    }

    pub fn reset(&mut self) {
        self.0.reset();
    }
}
