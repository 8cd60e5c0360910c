//! A straight line through the newest pairs of values, and how well it fits.

use crate::pipeline::kernels::window::{CoMoments, Sliding};

/// y = intercept + slope · x by least squares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LineFit {
    pub slope: f64,
    pub intercept: f64,
    /// Slope over its standard error; `None` when the points lie on the line.
    pub t: Option<f64>,
    /// Share of y's spread that the line explains; `None` when y has none.
    pub r2: Option<f64>,
}

/// The line through the newest `n` pairs, `n` at least 3; first with pair n − 1. No value when all x are equal.
#[derive(Debug, Clone)]
pub struct RollingFit {
    n: f64,
    window: Sliding<CoMoments>,
}

impl RollingFit {
    #[must_use]
    pub fn new(n: usize) -> Self {
        let n = n.max(3);
        Self { n: n as f64, window: Sliding::new(n) }
    }

    pub fn push(&mut self, x: f64, y: f64) -> Option<LineFit> {
        let m = self.window.push(CoMoments::of(x, y)).filter(|m| m.xx > 0.0)?;
        let slope = m.xy / m.xx;
        let residual = (m.yy - slope * m.xy).max(0.0);
        let error = (residual / (self.n - 2.0) / m.xx).sqrt();
        Some(LineFit {
            slope,
            intercept: m.mean_y - slope * m.mean_x,
            t: (error > 0.0).then(|| slope / error),
            r2: (m.yy > 0.0).then(|| (slope * m.xy / m.yy).min(1.0)),
        })
    }
}
