//! Shares of equity under caps by a chosen method, with 1/N beside them.

use super::cvar::{cvar, min_cvar};
use super::equal_risk::equal_risk;
use super::growth::kelly_scenarios;
use super::hrp::hrp;
use super::limits::{Limits, Total};
use super::matrix::SymmetricMatrix;
use super::mean_variance::min_variance;
use super::scenarios::Scenarios;
use super::shares::{fill_under_caps, inverse_variance};
use super::solution::{AllocationError, KKT_MAX, Solution};
use super::turnover::Turnover;

/// Scenarios below which a tail is not trusted with the allocation.
pub const SCENARIOS_MIN: usize = 500;
/// Level at which allocations are compared by expected shortfall.
const ES_LEVEL: f64 = 0.95;

/// How the budget is shared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Hierarchical risk parity.
    Hrp,
    /// Equal risk contribution.
    EqualRisk,
    InverseVariance,
    MinVariance,
    /// Least CVaR at level `beta`, on at least [`SCENARIOS_MIN`] scenarios.
    MinCvar {
        beta: f64,
    },
    /// Log growth less turnover, of which `fraction` (0 < fraction ≤ 1) is taken; a quarter is usual. The scenarios carry shrunk means
    /// ([`Scenarios::with_means`]).
    LogGrowth {
        fraction: f64,
    },
    EqualWeight,
}

/// What is allocated, among what, and how much.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub covariance: &'a SymmetricMatrix,
    pub scenarios: Option<&'a Scenarios>,
    /// Held shares of equity and costs; only log growth weighs them.
    pub turnover: Option<&'a Turnover>,
    /// Largest share of equity, per asset.
    pub caps: &'a [f64],
    /// Share of equity to give out. What the caps leave no room for stays cash.
    pub budget: f64,
}

/// What is compared between allocations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Of the whole equity, per bar.
    pub variance: f64,
    /// Weighted mean of the assets' volatilities over the portfolio's (Choueifaty & Coignard 2008); `None` without variance.
    pub diversification: Option<f64>,
    /// Expected shortfall at 95 % per bar; `None` without scenarios.
    pub expected_shortfall: Option<f64>,
}

/// Shares of equity, and how they came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Allocation {
    pub shares: Vec<f64>,
    /// The method that gave the shares.
    pub method: Method,
    /// Why inverse variance stands in for the method that was asked for; worth an alert.
    pub fell_back: Option<AllocationError>,
    /// Of a method that has one.
    pub kkt_residual: Option<f64>,
    pub measures: Measures,
    /// The same for 1/N under the same caps and budget (DeMiguel, Garlappi & Uppal 2009).
    pub equal_weight: Measures,
}

/// Shares ≥ 0 inside the caps, in sum never above the budget. A method that fails, or whose KKT residual is not below [`KKT_MAX`], is replaced by
/// inverse variance, and the result says so.
///
/// # Errors
/// Inputs that no method can use: sizes that differ, a negative or infinite cap or budget, a variance that is not positive.
pub fn allocate_within(method: Method, question: &Question<'_>) -> Result<Allocation, AllocationError> {
    let Question { covariance, scenarios, turnover, caps, budget } = *question;
    let n = covariance.size();
    let sizes = [caps.len(), scenarios.map_or(n, Scenarios::assets), turnover.map_or(n, |t| t.held().len())];
    if sizes.iter().any(|size| *size != n) {
        return Err(AllocationError::Sizes);
    }
    if !covariance.has_positive_diagonal() {
        return Err(AllocationError::Flat);
    }
    Limits::new(caps.to_vec(), Total::AtMost(budget))?;
    let told = |shares: Vec<f64>, method, fell_back, kkt_residual| {
        let (measures, equal) = (question.measures(&shares), fill_under_caps(&vec![1.0; n], caps, budget));
        Allocation { shares, method, fell_back, kkt_residual, measures, equal_weight: question.measures(&equal) }
    };
    match question.shares(method) {
        Ok((shares, kkt_residual)) => Ok(told(shares, method, None, kkt_residual)),
        Err(error) => {
            let (shares, residual) = question.shares(Method::InverseVariance)?;
            Ok(told(shares, Method::InverseVariance, Some(error), residual))
        }
    }
}

impl Question<'_> {
    fn shares(&self, method: Method) -> Result<(Vec<f64>, Option<f64>), AllocationError> {
        let filled = |weights: &[f64]| fill_under_caps(weights, self.caps, self.budget);
        Ok(match method {
            Method::EqualWeight => (filled(&vec![1.0; self.caps.len()]), None),
            Method::InverseVariance => {
                let variances: Vec<f64> = self.covariance.diagonal().collect();
                (filled(&inverse_variance(&variances).ok_or(AllocationError::Flat)?), None)
            }
            Method::Hrp => (filled(&hrp(self.covariance).ok_or(AllocationError::Flat)?.0), None),
            Method::EqualRisk => {
                let found = proved(equal_risk(self.covariance)?)?;
                (filled(&found.weights), Some(found.kkt_residual))
            }
            Method::MinVariance => self.optimal(min_variance(self.covariance, &self.limits()?)?)?,
            Method::MinCvar { beta } => {
                let scenarios = self.scenarios.ok_or(AllocationError::NoScenarios)?;
                if scenarios.count() < SCENARIOS_MIN {
                    return Err(AllocationError::TooFewScenarios);
                }
                self.optimal(min_cvar(scenarios, beta, &self.limits()?)?)?
            }
            Method::LogGrowth { fraction } => self.optimal(self.fractional_growth(fraction)?)?,
        })
    }

    /// All that the budget and the caps allow, given out.
    fn limits(&self) -> Result<Limits, AllocationError> {
        let room: f64 = self.caps.iter().sum();
        Limits::new(self.caps.to_vec(), Total::Exactly(self.budget.min(room)))
    }

    /// Caps and budget hold for the fraction, so the whole is found under caps and a budget that are larger by as much.
    fn fractional_growth(&self, fraction: f64) -> Result<Solution, AllocationError> {
        if !(fraction > 0.0 && fraction <= 1.0) {
            return Err(AllocationError::OutOfRange);
        }
        let scenarios = self.scenarios.ok_or(AllocationError::NoScenarios)?;
        let whole = |shares: &[f64]| shares.iter().map(|s| s / fraction).collect::<Vec<f64>>();
        let limits = Limits::new(whole(self.caps), Total::AtMost(self.budget / fraction))?;
        let turnover = self.turnover.map(|t| Turnover::new(whole(t.held()), t.cost().to_vec())).transpose()?;
        let mut found = kelly_scenarios(scenarios, turnover.as_ref(), &limits)?;
        found.weights.iter_mut().for_each(|w| *w *= fraction);
        Ok(found)
    }

    /// Shares of a proved solution, rid of the rounding that would put them outside.
    fn optimal(&self, found: Solution) -> Result<(Vec<f64>, Option<f64>), AllocationError> {
        let found = proved(found)?;
        let mut shares: Vec<f64> = found.weights.iter().zip(self.caps).map(|(w, cap)| w.clamp(0.0, *cap)).collect();
        let sum: f64 = shares.iter().sum();
        if sum > self.budget {
            shares.iter_mut().for_each(|s| *s *= self.budget / sum);
        }
        Ok((shares, Some(found.kkt_residual)))
    }

    fn measures(&self, shares: &[f64]) -> Measures {
        let variance = self.covariance.quadratic(shares).max(0.0);
        let alone: f64 = self.covariance.diagonal().zip(shares).map(|(v, s)| v.sqrt() * s).sum();
        let diversification = (variance > 0.0).then(|| alone / variance.sqrt());
        let expected_shortfall = self.scenarios.and_then(|s| cvar(&s.portfolio(shares), ES_LEVEL));
        Measures { variance, diversification, expected_shortfall }
    }
}

fn proved(found: Solution) -> Result<Solution, AllocationError> {
    if found.kkt_residual < KKT_MAX { Ok(found) } else { Err(AllocationError::Inexact) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::covariance::sample;
    use super::super::specimens::{permuted, scenarios};
    use super::*;

    const METHODS: [Method; 7] = [
        Method::Hrp,
        Method::EqualRisk,
        Method::InverseVariance,
        Method::MinVariance,
        Method::MinCvar { beta: 0.95 },
        Method::LogGrowth { fraction: 0.25 },
        Method::EqualWeight,
    ];

    #[test]
    fn a_method_that_cannot_work_is_replaced_and_named() {
        let few = scenarios(4, 100, 1);
        let covariance = sample(&few, 1).unwrap();
        let asked = |method, scenarios| {
            let question =
                Question { covariance: &covariance, scenarios, turnover: None, caps: &[0.1; 4], budget: 0.3 };
            let found = allocate_within(method, &question).unwrap();
            assert_eq!(found.method, Method::InverseVariance);
            assert!((found.shares.iter().sum::<f64>() - 0.3).abs() < 1e-12);
            found.fell_back
        };
        assert_eq!(asked(Method::MinCvar { beta: 0.95 }, Some(&few)), Some(AllocationError::TooFewScenarios));
        assert_eq!(asked(Method::LogGrowth { fraction: 0.25 }, None), Some(AllocationError::NoScenarios));
        assert_eq!(asked(Method::LogGrowth { fraction: 0.0 }, Some(&few)), Some(AllocationError::OutOfRange));
        assert_eq!(asked(Method::InverseVariance, None), None);
    }

    #[test]
    fn inputs_that_no_method_can_use_are_errors() {
        let flat = SymmetricMatrix::from_cells(2, |_, _| 0.0).unwrap();
        let covariance = SymmetricMatrix::from_cells(2, |i, j| if i == j { 0.04 } else { 0.01 }).unwrap();
        let asked = |covariance, caps, budget| {
            let question = Question { covariance, scenarios: None, turnover: None, caps, budget };
            allocate_within(Method::Hrp, &question).map(|a| a.shares)
        };
        assert_eq!(asked(&flat, &[0.1; 2], 0.1), Err(AllocationError::Flat));
        assert_eq!(asked(&covariance, &[0.1; 3], 0.1), Err(AllocationError::Sizes));
        assert_eq!(asked(&covariance, &[0.1; 2], f64::NAN), Err(AllocationError::NotFinite));
        assert_eq!(asked(&covariance, &[0.1, -0.1], 0.1), Err(AllocationError::OutOfRange));
        assert_eq!(asked(&covariance, &[0.1; 2], 0.0), Ok(vec![0.0; 2]));
    }

    #[test]
    fn the_least_variance_is_below_that_of_equal_weights() {
        let given = scenarios(8, 600, 2);
        let covariance = sample(&given, 1).unwrap();
        let question =
            Question { covariance: &covariance, scenarios: Some(&given), turnover: None, caps: &[1.0; 8], budget: 1.0 };
        let variance = allocate_within(Method::MinVariance, &question).unwrap();
        assert!(variance.measures.variance < variance.equal_weight.variance);
        let tail = allocate_within(Method::MinCvar { beta: 0.95 }, &question).unwrap();
        assert_eq!(tail.fell_back, None);
        assert!(tail.measures.expected_shortfall < variance.measures.expected_shortfall);
        assert!(tail.equal_weight.diversification.unwrap() > 1.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_method_stays_inside_the_caps_and_the_budget_and_follows_the_assets(
            caps in proptest::collection::vec(0.0_f64..0.3, 2..12), budget in 0.0_f64..1.0, seed in 0_u64..1_000,
        ) {
            let n = caps.len();
            let given = scenarios(n, 500, seed);
            let covariance = sample(&given, 1).unwrap();
            let (order, moved) = permuted(&covariance, seed);
            let moved_caps: Vec<f64> = order.iter().map(|i| caps[*i]).collect();
            let returns: Vec<Vec<f64>> = order.iter().map(|i| given.asset(*i).to_vec()).collect();
            let moved_scenarios = Scenarios::from_assets(&returns).unwrap();
            for method in METHODS {
                let question = Question { covariance: &covariance, scenarios: Some(&given), turnover: None, caps: &caps, budget };
                let found = allocate_within(method, &question).unwrap();
                prop_assert_eq!(found.fell_back, None, "{:?}", method);
                prop_assert!(found.kkt_residual.is_none_or(|r| r < KKT_MAX));
                prop_assert!(found.shares.iter().zip(&caps).all(|(s, c)| (0.0..=*c).contains(s)), "{:?}", found);
                let sum: f64 = found.shares.iter().sum();
                prop_assert!(sum <= budget + 1e-12);
                if !matches!(method, Method::LogGrowth { .. }) {
                    prop_assert!((sum - budget.min(caps.iter().sum())).abs() < 1e-9, "{:?}", found);
                }
                let question =
                    Question { covariance: &moved, scenarios: Some(&moved_scenarios), turnover: None, caps: &moved_caps, budget };
                let again = allocate_within(method, &question).unwrap();
                // The tree of HRP has a left and a right, which the order of the assets decides.
                if method != Method::Hrp {
                    let apart = order.iter().zip(&again.shares).map(|(i, s)| (found.shares[*i] - s).abs()).fold(0.0, f64::max);
                    prop_assert!(apart < 1e-5, "{:?}: {}", method, apart);
                }
            }
        }
    }
}
