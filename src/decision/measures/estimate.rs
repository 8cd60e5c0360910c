//! VaR and ES by the best way that the series permits, and why the better ones were passed over.

use serde::Serialize;

use super::pareto::{LEAST_EXCEEDANCES, LossTail, THRESHOLD, exceedances};
use super::sound;
use super::tail::{Shape, TailRisk, beyond, cornish_fisher, gaussian, historical};

/// Returns below which nothing is said about a tail.
pub const LEAST_RETURNS: usize = 30;

/// A way to VaR and ES, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Peaks over a threshold ([`LossTail`]): the only one that looks beyond what was seen.
    ParetoTail,
    /// [`cornish_fisher`].
    CornishFisher,
    /// [`historical`].
    Historical,
    /// [`gaussian`], for want of anything better: it has no fat tail.
    Gaussian,
}

impl Method {
    /// In the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::ParetoTail, Self::CornishFisher, Self::Historical, Self::Gaussian];
}

/// Why a method was passed over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Refusal {
    /// Losses above the threshold, of [`LEAST_EXCEEDANCES`].
    FewExceedances { got: usize },
    /// The level lies below the threshold of the tail, or the likelihood has no regular maximum.
    NoFit,
    /// The tail is so fat (ξ ≥ 1) that its mean is infinite.
    InfiniteMean { xi: f64 },
    /// |skew| ≥ 1 or excess kurtosis ≥ 5.
    NotMild { skew: f64, excess_kurtosis: f64 },
    /// The expansion would turn quantiles round.
    NotMonotone,
    /// The tail holds less than one return.
    FewReturns { got: usize },
    /// The series has no spread.
    NoSpread,
}

/// VaR and ES with the way that they came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    pub level: f64,
    pub method: Method,
    pub risk: TailRisk,
    /// Better methods that the series did not permit.
    pub passed_over: Vec<(Method, Refusal)>,
}

/// VaR and ES at `level` (0.95, 0.99) of simple returns by the first of [`Method::ALL`] that is permitted. `None` for fewer than
/// [`LEAST_RETURNS`] returns, a return that is not finite, a level outside 0.5..1, or when no method has an answer.
#[must_use]
pub fn value_at_risk(returns: &[f64], level: f64) -> Option<Estimate> {
    beyond(level)?;
    if sound(returns)?.len() < LEAST_RETURNS {
        return None;
    }
    let mut passed_over = Vec::new();
    for method in Method::ALL {
        match by(method, returns, level) {
            Ok(risk) => return Some(Estimate { level, method, risk, passed_over }),
            Err(refusal) => passed_over.push((method, refusal)),
        }
    }
    None
}

/// One method, or why not.
fn by(method: Method, returns: &[f64], level: f64) -> Result<TailRisk, Refusal> {
    match method {
        Method::ParetoTail => pareto_tail(returns, level),
        Method::CornishFisher => {
            let Shape { skew, excess_kurtosis } = Shape::of(returns).ok_or(Refusal::NoSpread)?;
            let bent = cornish_fisher(returns, level).ok_or(Refusal::NoSpread)?;
            if !bent.shape.is_mild() {
                Err(Refusal::NotMild { skew, excess_kurtosis })
            } else if bent.shape.is_monotone() {
                Ok(bent.risk)
            } else {
                Err(Refusal::NotMonotone)
            }
        }
        Method::Historical => {
            let few = Refusal::FewReturns { got: returns.len() };
            let in_tail = returns.len() as f64 * (1.0 - level) + 1e-9;
            if in_tail < 1.0 { Err(few) } else { historical(returns, level).ok_or(few) }
        }
        Method::Gaussian => gaussian(returns, level).ok_or(Refusal::NoSpread),
    }
}

fn pareto_tail(returns: &[f64], level: f64) -> Result<TailRisk, Refusal> {
    let got = exceedances(returns, THRESHOLD);
    if got < LEAST_EXCEEDANCES {
        return Err(Refusal::FewExceedances { got });
    }
    let tail = LossTail::of(returns, THRESHOLD).ok_or(Refusal::NoFit)?;
    let var = tail.var(level).ok_or(Refusal::NoFit)?;
    let es = tail.es(level).ok_or(Refusal::InfiniteMean { xi: tail.curve.xi })?;
    Ok(TailRisk { var, es })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    fn normal(n: usize) -> Vec<f64> {
        let mut random = SplitMix64::seeded(11);
        (0..n).map(|_| 0.02 * random.normal()).collect()
    }

    /// Symmetric, with tails that have no mean for ξ ≥ 1.
    fn fat(n: usize, xi: f64) -> Vec<f64> {
        let mut random = SplitMix64::seeded(13);
        (0..n).map(|i| 0.01 * (1.0 - random.unit()).powf(-xi) * if i % 2 == 0 { 1.0 } else { -1.0 }).collect()
    }

    fn way(returns: &[f64], level: f64) -> (Method, Vec<(Method, Refusal)>) {
        let estimate = value_at_risk(returns, level).unwrap();
        (estimate.method, estimate.passed_over)
    }

    #[test]
    fn a_long_series_has_a_tail_of_its_own() {
        assert_eq!(way(&normal(1_000), 0.99), (Method::ParetoTail, vec![]));
    }

    #[test]
    fn a_short_mild_series_is_bent_and_a_short_wild_one_stands_for_itself() {
        let few = (Method::ParetoTail, Refusal::FewExceedances { got: 20 });
        assert_eq!(way(&normal(200), 0.99), (Method::CornishFisher, vec![few]));
        let (method, passed_over) = way(&fat(200, 0.7), 0.99);
        assert_eq!(method, Method::Historical);
        assert!(matches!(passed_over[1], (Method::CornishFisher, Refusal::NotMild { .. })), "{passed_over:?}");
    }

    #[test]
    fn a_series_too_short_for_its_own_tail_is_taken_as_normal() {
        let (method, passed_over) = way(&fat(60, 0.9), 0.99);
        assert_eq!(method, Method::Gaussian);
        assert_eq!(passed_over[2], (Method::Historical, Refusal::FewReturns { got: 60 }));
        assert_eq!(value_at_risk(&normal(LEAST_RETURNS - 1), 0.95), None);
    }

    #[test]
    fn an_infinite_mean_is_no_shortfall() {
        let (method, passed_over) = way(&fat(4_000, 1.5), 0.99);
        assert_eq!(method, Method::Historical);
        assert!(matches!(passed_over[0].1, Refusal::InfiniteMean { xi } if xi >= 1.0), "{passed_over:?}");
    }

    #[test]
    fn below_the_threshold_the_tail_is_not_asked() {
        assert_eq!(way(&normal(1_000), 0.8).1[0], (Method::ParetoTail, Refusal::NoFit));
    }

    #[test]
    fn a_flat_series_loses_nothing_and_a_broken_one_has_no_risk() {
        let flat = value_at_risk(&[0.0; 500], 0.99).unwrap();
        assert_eq!((flat.method, flat.risk), (Method::Historical, TailRisk { var: 0.0, es: 0.0 }));
        let mut broken = normal(500);
        broken[7] = f64::NAN;
        assert_eq!(value_at_risk(&broken, 0.99), None);
        assert_eq!(value_at_risk(&normal(500), 1.0), None);
    }
}
