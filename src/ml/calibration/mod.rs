//! From a score to a frequency. Fitted on walk-forward out-of-sample scores only.
//!
//! Guo et al. 2017 (temperature), Platt 1999 (with the stable targets), Kull et al. 2017 (beta), isotonic regression by pooling
//! adjacent violators. Which one is a matter of evidence: the more a curve may bend, the more effective observations it needs
//! ([`Calibrator::fit`]), and [`choose`] lets those that may be used compete on later blocks.

use serde::{Deserialize, Serialize};

use super::numbers::{sigmoid, tidy};

mod choice;
mod isotonic;
mod logistic;
mod parametric;

pub use choice::{Choice, Dated, Tried, choose};
pub use isotonic::isotonic;
pub use parametric::{beta, platt, temperature};

/// Effective observations from which the beta curve, and above which the isotonic one is used.
pub const BETA_FROM: f64 = 200.0;
pub const ISOTONIC_ABOVE: f64 = 1_000.0;
/// Effective observations that each step of the isotonic curve must rest on.
pub const STEP_MIN: f64 = 30.0;

/// A monotone map from log odds to probability. None of them can turn a ranking round: a score that ranks backwards
/// out of sample gets the base rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Curve {
    /// `1 / (1 + exp(−sharpness·s))` on log odds `s`; the temperature is `1/sharpness`, `sharpness ≥ 0`.
    Temperature { sharpness: f64 },
    /// `1 / (1 + exp(a·s + b))` on log odds `s`, `a ≤ 0`.
    Platt { a: f64, b: f64 },
    /// `logit = a·ln p − b·ln(1−p) + c`, `a, b ≥ 0`.
    Beta { a: f64, b: f64, c: f64 },
    /// Knots `(p, frequency)`, straight between them, flat outside.
    Isotonic { x: Vec<f64>, y: Vec<f64> },
}

/// The families of curves, the simplest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    Temperature,
    Platt,
    Beta,
    Isotonic,
}

impl Family {
    /// Those that so many effective observations allow, the simplest first.
    #[must_use]
    pub fn allowed(n_eff: f64) -> &'static [Self] {
        if n_eff < BETA_FROM {
            &[Self::Temperature, Self::Platt]
        } else if n_eff <= ISOTONIC_ABOVE {
            &[Self::Temperature, Self::Platt, Self::Beta]
        } else {
            &[Self::Temperature, Self::Platt, Self::Beta, Self::Isotonic]
        }
    }

    /// `temperature`, `platt`, `beta`, `isotonic`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Platt => "platt",
            Self::Beta => "beta",
            Self::Isotonic => "isotonic",
        }
    }
}

/// A curve with the limits beyond which its evidence does not reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibrator {
    curve: Curve,
    /// Effective observations it was fitted on.
    n_eff: f64,
}

/// An out-of-sample score with its outcome.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Deflated log odds.
    pub logit: f64,
    pub win: bool,
    /// Effective observations that it counts for.
    pub weight: f64,
}

impl Calibrator {
    /// Fits the curve that the effective number of observations allows; `None` without any.
    #[must_use]
    pub fn fit(scores: &[Scored]) -> Option<Self> {
        let family = *Family::allowed(evidence_of(scores)?).last()?;
        Self::fit_family(family, scores)
    }

    /// Fits a curve of this family; `None` without any effective observation. The steps of an isotonic one each rest on at least
    /// [`STEP_MIN`].
    #[must_use]
    pub fn fit_family(family: Family, scores: &[Scored]) -> Option<Self> {
        let n_eff = evidence_of(scores)?;
        let curve = match family {
            Family::Temperature => temperature(scores)?,
            Family::Platt => platt(scores)?,
            Family::Beta => beta(scores)?,
            Family::Isotonic => isotonic(scores, STEP_MIN)?,
        };
        Some(Self { curve, n_eff: tidy(n_eff) })
    }

    /// The out-of-sample frequency of a win at this score, never nearer to 0 or 1 than `1/(n_eff+2)`.
    #[must_use]
    pub fn probability(&self, logit: f64) -> f64 {
        let edge = 1.0 / (self.n_eff + 2.0);
        self.curve.at(logit).clamp(edge, 1.0 - edge)
    }

    /// The curve without its limits.
    #[must_use]
    pub const fn curve(&self) -> &Curve {
        &self.curve
    }

    /// Effective observations that it was fitted on.
    #[must_use]
    pub const fn n_eff(&self) -> f64 {
        self.n_eff
    }

    /// The name of the curve's family.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.curve.family().as_str()
    }

    /// Whether the curve is finite, monotone and inside `0..=1`.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let curve = match &self.curve {
            Curve::Temperature { sharpness } => *sharpness >= 0.0 && sharpness.is_finite(),
            Curve::Platt { a, b } => *a <= 0.0 && a.is_finite() && b.is_finite(),
            Curve::Beta { a, b, c } => *a >= 0.0 && *b >= 0.0 && [a, b, c].iter().all(|v| v.is_finite()),
            Curve::Isotonic { x, y } => {
                !x.is_empty()
                    && x.len() == y.len()
                    && x.is_sorted()
                    && y.is_sorted()
                    && x.iter().chain(y).all(|v| (0.0..=1.0).contains(v))
            }
        };
        curve && self.n_eff.is_finite() && self.n_eff > 0.0
    }
}

/// Effective observations, `None` when there are none.
fn evidence_of(scores: &[Scored]) -> Option<f64> {
    let n_eff: f64 = scores.iter().map(|s| s.weight).sum();
    (n_eff.is_finite() && n_eff > 0.0).then_some(n_eff)
}

impl Curve {
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Temperature { .. } => Family::Temperature,
            Self::Platt { .. } => Family::Platt,
            Self::Beta { .. } => Family::Beta,
            Self::Isotonic { .. } => Family::Isotonic,
        }
    }

    /// Probability at these log odds.
    #[must_use]
    pub fn at(&self, logit: f64) -> f64 {
        match self {
            Self::Temperature { sharpness } => sigmoid(sharpness * logit),
            Self::Platt { a, b } => sigmoid(-(a * logit + b)),
            Self::Beta { a, b, c } => {
                let (ln_p, ln_q) = logs(logit);
                sigmoid(a * ln_p - b * ln_q + c)
            }
            Self::Isotonic { x, y } => interpolate(x, y, sigmoid(logit)),
        }
    }
}

/// `(ln p, ln(1−p))` of log odds, without forming a p that rounds to 0 or 1.
fn logs(logit: f64) -> (f64, f64) {
    let soft = |x: f64| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() };
    (-soft(-logit), -soft(logit))
}

fn interpolate(x: &[f64], y: &[f64], at: f64) -> f64 {
    let above = x.partition_point(|v| *v <= at);
    let knot = |i: usize| Some((*x.get(i)?, *y.get(i)?));
    match (above.checked_sub(1).and_then(knot), knot(above)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (at - x0) / (x1 - x0),
        (Some((_, y)), None) | (None, Some((_, y))) => y,
        (None, None) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::numbers::logit;
    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn no_step_rests_on_little_evidence() {
        let mut rng = SplitMix64::new(&[9]);
        let scores: Vec<Scored> = (0..400)
            .map(|_| {
                let p = rng.unit();
                Scored { logit: logit(p), win: rng.unit() < 0.2 + 0.6 * p, weight: 1.0 }
            })
            .collect();
        let Some(Curve::Isotonic { x, y }) = isotonic(&scores, STEP_MIN) else { panic!("an isotonic curve") };
        let mut rates = y.clone();
        rates.dedup();
        for rate in rates {
            let low = x.iter().zip(&y).find(|(_, v)| **v == rate).map(|(x, _)| *x).unwrap();
            let high = x.iter().zip(&y).rfind(|(_, v)| **v == rate).map(|(x, _)| *x).unwrap();
            let inside = scores.iter().filter(|s| (low - 1e-9..=high + 1e-9).contains(&sigmoid(s.logit))).count();
            assert!(inside as f64 >= STEP_MIN, "{inside} at {rate}");
        }
    }

    #[test]
    fn the_curve_follows_the_evidence() {
        let make = |n: usize| -> Vec<Scored> {
            (0..n)
                .map(|i| Scored { logit: (i % 41) as f64 / 10.0 - 2.0, win: i % 41 > (i * 7) % 41, weight: 1.0 })
                .collect()
        };
        let kind = |n: usize| Calibrator::fit(&make(n)).unwrap().kind();
        assert_eq!([100, 199, 200, 1_000, 1_001].map(kind), ["platt", "platt", "beta", "beta", "isotonic"]);
        // Many overlapping rows are little evidence.
        let thin: Vec<Scored> = make(5_000).into_iter().map(|s| Scored { weight: 0.02, ..s }).collect();
        assert_eq!(Calibrator::fit(&thin).unwrap().kind(), "platt");
        assert_eq!(Calibrator::fit(&[]), None);
    }

    #[test]
    fn a_backward_ranking_gets_the_base_rate() {
        for n in [160_usize, 600, 3_000] {
            let scores: Vec<Scored> =
                (0..n).map(|i| Scored { logit: (i % 20) as f64 / 5.0 - 2.0, win: (i % 20) < 6, weight: 1.0 }).collect();
            let calibrator = Calibrator::fit(&scores).unwrap();
            let (low, high) = (calibrator.probability(-2.0), calibrator.probability(2.0));
            assert!((low - high).abs() < 1e-6 && (low - 0.3).abs() < 0.02, "{n}: {low} {high}");
        }
    }

    #[test]
    fn certainty_needs_evidence() {
        let scores: Vec<Scored> = (0..40).map(|i| Scored { logit: f64::from(i), win: true, weight: 1.0 }).collect();
        let calibrator = Calibrator::fit(&scores).unwrap();
        assert!(calibrator.probability(1e3) <= 1.0 - 1.0 / 42.0);
    }

    proptest! {
        #[test]
        fn every_curve_is_sound_and_monotone(
            rows in prop::collection::vec((-6.0_f64..6.0, any::<bool>(), 0.01_f64..6.0), 1..400),
        ) {
            let scores: Vec<Scored> =
                rows.iter().map(|(logit, win, weight)| Scored { logit: *logit, win: *win, weight: *weight }).collect();
            let calibrator = Calibrator::fit(&scores).unwrap();
            prop_assert!(calibrator.is_sound(), "{:?}", calibrator);
            let line: Vec<f64> = (-80..=80).map(|i| calibrator.probability(f64::from(i) / 10.0)).collect();
            prop_assert!(line.windows(2).all(|w| w[0] <= w[1] + 1e-12));
            prop_assert!(line.iter().all(|p| *p > 0.0 && *p < 1.0));
        }
    }
}
