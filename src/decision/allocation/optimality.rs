//! KKT residual of weights: how far they are from the conditions that only an optimum meets.

use super::limits::{Limits, Total};
use super::pieces::Pieces;
use super::turnover::Turnover;

/// Cuts of every asset's range.
pub(super) fn pieces(limits: &Limits, turnover: Option<&Turnover>) -> Vec<Pieces> {
    let caps = limits.caps().iter().enumerate();
    let of = |(i, cap): (usize, &f64)| {
        let traded = turnover.and_then(|t| Some((*t.held().get(i)?, *t.cost().get(i)?)));
        let (held, cost) = traded.unwrap_or_default();
        Pieces::new(*cap, held, cost)
    };
    caps.map(of).collect()
}

/// For a smooth convex objective with this gradient, plus trading costs. An asset that can grow must not promise less than the common price of the
/// budget, one that can shrink not more. Relative to `scale`, the size of the terms that the gradient sums; never less than the violation of the
/// limits.
pub(super) fn kkt_residual(gradient: &[f64], scale: f64, pieces: &[Pieces], limits: &Limits, weights: &[f64]) -> f64 {
    let (mut growing, mut shrinking) = (f64::INFINITY, f64::NEG_INFINITY);
    for ((g, pieces), w) in gradient.iter().zip(pieces).zip(weights) {
        let (up, down) = pieces.around(pieces.place(*w));
        growing = up.map_or(growing, |piece| growing.min(g + pieces.slope(piece)));
        shrinking = down.map_or(shrinking, |piece| shrinking.max(g + pieces.slope(piece)));
    }
    let between = match (growing.is_finite(), shrinking.is_finite()) {
        (true, true) => f64::midpoint(growing, shrinking),
        (true, false) => growing,
        (false, true) => shrinking,
        (false, false) => 0.0,
    };
    // Where cash may stay, the budget has no price while it is not used up, and never one above 0.
    let price = match limits.total() {
        Total::Exactly(_) => between,
        Total::AtMost(_) if limits.is_reached_by(weights.iter().sum()) => between.min(0.0),
        Total::AtMost(_) => 0.0,
    };
    let violation = (price - growing).max(shrinking - price).max(0.0);
    let room = limits.sum().max(f64::MIN_POSITIVE);
    (violation / scale.max(f64::MIN_POSITIVE)).max(limits.violation(weights) / room)
}

/// Largest size of a list of numbers.
pub(super) fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |max, v| max.max(v.abs()))
}
