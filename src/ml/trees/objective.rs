//! What boosting minimises: losses, their gradients, and the best constants.

use serde::{Deserialize, Serialize};

use super::error::FitError;
use crate::ml::numbers::{quantile_sorted, sigmoid};

/// Loss of a score `f` for a target `y`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Objective {
    /// `(y − f)²/2`: the mean.
    Squared,
    /// Squared within `delta` of the target, linear beyond: robust to outliers (Huber 1964).
    Huber { delta: f64 },
    /// Log loss of a target of 0 or 1; `f` is in log odds.
    Logistic,
    /// Pinball loss: the `q` quantile.
    Pinball { q: f64 },
}

impl Objective {
    pub(super) fn check(self) -> Result<(), FitError> {
        let sound = match self {
            Self::Squared | Self::Logistic => true,
            Self::Huber { delta } => delta.is_finite() && delta > 0.0,
            Self::Pinball { q } => q > 0.0 && q < 1.0,
        };
        let refused = match self {
            Self::Huber { .. } => FitError::Setting { what: "delta", rule: "a finite number above 0" },
            _ => FitError::Setting { what: "q", rule: "above 0 and below 1" },
        };
        if sound { Ok(()) } else { Err(refused) }
    }

    /// Whether the second derivative is the same everywhere (or is taken so).
    pub(super) const fn is_flat(self) -> bool {
        !matches!(self, Self::Logistic)
    }

    /// First and second derivative of the loss by the score.
    pub(super) fn slopes(self, y: f64, f: f64) -> (f64, f64) {
        match self {
            Self::Squared => (f - y, 1.0),
            Self::Huber { delta } => ((f - y).clamp(-delta, delta), 1.0),
            Self::Logistic => {
                let p = sigmoid(f);
                (p - y, p * (1.0 - p))
            }
            Self::Pinball { q } => (if y >= f { -q } else { 1.0 - q }, 1.0),
        }
    }

    /// Loss of one row.
    #[must_use]
    pub fn loss(self, y: f64, f: f64) -> f64 {
        let r = y - f;
        match self {
            Self::Squared => r * r / 2.0,
            Self::Huber { delta } if r.abs() <= delta => r * r / 2.0,
            Self::Huber { delta } => delta * (r.abs() - delta / 2.0),
            // ln(1 + e^f) − y·f, without overflow.
            Self::Logistic => f.max(0.0) + (-f.abs()).exp().ln_1p() - y * f,
            Self::Pinball { q } => r * if r >= 0.0 { q } else { q - 1.0 },
        }
    }

    /// The constant for `(target, weight)` rows from which boosting starts: weighted mean, median (for Huber's loss), log odds or quantile.
    pub(super) fn start(self, rows: &mut [(f64, f64)]) -> Result<f64, FitError> {
        let weight: f64 = rows.iter().map(|(_, w)| w).sum();
        let mean = rows.iter().map(|(y, w)| y * w).sum::<f64>() / weight;
        match self {
            _ if weight <= 0.0 => Err(FitError::NoWeight),
            Self::Squared => Ok(mean),
            Self::Huber { .. } => Ok(start_quantile(rows, 0.5)),
            Self::Logistic if mean <= 0.0 || mean >= 1.0 => Err(FitError::OneClass),
            Self::Logistic => Ok((mean / (1.0 - mean)).ln()),
            Self::Pinball { q } => Ok(start_quantile(rows, q)),
        }
    }

    /// The best constant for a leaf's `(residual, weight)` rows where the sums of slopes do not say it: the weighted quantile, or for Huber's loss
    /// the median corrected by the mean of what lies within `delta` of it (Friedman 2001, algorithm 4). `None` for the losses whose leaves take a
    /// Newton step.
    pub(super) fn of_residuals(self, rows: &mut [(f64, f64)]) -> Option<f64> {
        match self {
            Self::Squared | Self::Logistic => None,
            Self::Pinball { q } => Some(quantile(rows, q)),
            Self::Huber { delta } => {
                let median = quantile(rows, 0.5);
                let (mut sum, mut weight) = (0.0, 0.0);
                for (r, w) in rows {
                    sum += *w * (*r - median).clamp(-delta, delta);
                    weight += *w;
                }
                Some(median + sum / weight)
            }
        }
    }

    /// Whether leaves are set from residuals, row by row.
    pub(super) const fn needs_residuals(self) -> bool {
        matches!(self, Self::Huber { .. } | Self::Pinball { .. })
    }
}

/// Between the two nearest values (type 7) where all weigh alike, as scikit-learn has it; else the weighted quantile.
fn start_quantile(rows: &mut [(f64, f64)], q: f64) -> f64 {
    let weighted = quantile(rows, q);
    let alike = rows.windows(2).all(|pair| matches!(pair, [a, b] if a.1 == b.1));
    let values: Vec<f64> = rows.iter().map(|(value, _)| *value).collect();
    quantile_sorted(&values, q).filter(|_| alike).unwrap_or(weighted)
}

/// The smallest value up to which at least the share `q` of the weight lies. Sorts its rows; 0 without rows.
fn quantile(rows: &mut [(f64, f64)], q: f64) -> f64 {
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let wanted = q * rows.iter().map(|(_, w)| w).sum::<f64>();
    let mut below = 0.0;
    for (value, weight) in rows.iter() {
        below += weight;
        if below >= wanted && *weight > 0.0 {
            return *value;
        }
    }
    rows.iter().rev().find(|(_, w)| *w > 0.0).map_or(0.0, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Objective; 4] =
        [Objective::Squared, Objective::Huber { delta: 0.7 }, Objective::Logistic, Objective::Pinball { q: 0.2 }];

    #[test]
    fn slopes_are_the_derivatives_of_the_loss() {
        for objective in ALL {
            // Away from the corners of Huber's and the pinball loss.
            for f in [-3.05, -0.45, 0.25, 0.95, 1.85] {
                for y in [0.0, 1.0] {
                    let h = 1e-4;
                    let (up, at, down) = (objective.loss(y, f + h), objective.loss(y, f), objective.loss(y, f - h));
                    let (g, hessian) = objective.slopes(y, f);
                    assert!(((up - down) / (2.0 * h) - g).abs() < 1e-6, "{objective:?} {y} {f}");
                    if !objective.is_flat() {
                        assert!(((up - 2.0 * at + down) / (h * h) - hessian).abs() < 1e-5, "{objective:?} {y} {f}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_start_is_the_best_constant_and_weights_count_like_repetitions() {
        let rows = [(0.0, 2.0), (1.0, 1.0), (1.0, 3.0), (0.0, 1.0)];
        for objective in ALL {
            let start = objective.start(&mut rows.to_vec()).unwrap();
            let loss = |f: f64| rows.iter().map(|(y, w)| w * objective.loss(*y, f)).sum::<f64>();
            // Huber's starts from the median, which is not its best constant.
            if !matches!(objective, Objective::Huber { .. }) {
                assert!(loss(start) <= loss(start - 0.01).min(loss(start + 0.01)), "{objective:?}");
            }
            let mut repeated: Vec<(f64, f64)> =
                rows.iter().flat_map(|(y, w)| std::iter::repeat_n((*y, 1.0), *w as usize)).collect();
            assert!((objective.start(&mut repeated).unwrap() - start).abs() < 1e-12, "{objective:?}");
        }
        assert_eq!(Objective::Logistic.start(&mut [(1.0, 1.0)]), Err(FitError::OneClass));
        assert_eq!(Objective::Squared.start(&mut [(1.0, 0.0)]), Err(FitError::NoWeight));
        assert!(
            Objective::Pinball { q: 1.0 }.check().is_err() && Objective::Huber { delta: f64::NAN }.check().is_err()
        );
    }
}
