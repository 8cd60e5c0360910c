//! The curves that a formula gives: temperature, Platt, beta.

use super::logistic::{Row, positive_fit};
use super::{Curve, Scored, logs};
use crate::ml::numbers::tidy;

/// One number that says how far to trust the log odds; a score that ranks backwards gets sharpness 0, which is one half.
#[must_use]
pub fn temperature(scores: &[Scored]) -> Option<Curve> {
    let target = |win: bool| f64::from(u8::from(win));
    let rows: Vec<Row> =
        scores.iter().map(|s| Row { x: [s.logit, 0.0, 0.0], target: target(s.win), weight: s.weight }).collect();
    let [sharpness, ..] = positive_fit(&rows, &[0], None)?;
    Some(Curve::Temperature { sharpness: tidy(sharpness) })
}

/// Slope and intercept on log odds, towards Platt's stable targets `(won+1)/(won+2)` and `1/(lost+2)`.
#[must_use]
pub fn platt(scores: &[Scored]) -> Option<Curve> {
    let won: f64 = scores.iter().filter(|s| s.win).map(|s| s.weight).sum();
    let lost: f64 = scores.iter().filter(|s| !s.win).map(|s| s.weight).sum();
    let target = |win: bool| if win { (won + 1.0) / (won + 2.0) } else { 1.0 / (lost + 2.0) };
    let rows: Vec<Row> =
        scores.iter().map(|s| Row { x: [s.logit, 1.0, 0.0], target: target(s.win), weight: s.weight }).collect();
    let [slope, intercept, _] = positive_fit(&rows, &[0], Some(1))?;
    Some(Curve::Platt { a: tidy(-slope), b: tidy(-intercept) })
}

/// Slopes of their own for `ln p` and `ln(1−p)`, and an intercept.
#[must_use]
pub fn beta(scores: &[Scored]) -> Option<Curve> {
    let rows: Vec<Row> = scores
        .iter()
        .map(|s| {
            let (ln_p, ln_q) = logs(s.logit);
            Row { x: [ln_p, -ln_q, 1.0], target: f64::from(u8::from(s.win)), weight: s.weight }
        })
        .collect();
    let [a, b, c] = positive_fit(&rows, &[0, 1], Some(2))?;
    Some(Curve::Beta { a: tidy(a), b: tidy(b), c: tidy(c) })
}
