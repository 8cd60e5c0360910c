//! Whether a series returns to a level or wanders: the augmented Dickey-Fuller test.

use serde::Serialize;

use super::regression::regress;
use super::sound;
use crate::ml::distributions::normal_cdf;

/// A test's statistic, and how likely one as extreme is when there is nothing to find.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Test {
    pub statistic: f64,
    pub p: f64,
}

/// Augmented Dickey-Fuller test with a constant and `lags` lagged differences (Said and Dickey 1984): a small p speaks against a unit root.
/// `None` for a series that is too short, flat or not finite.
#[must_use]
pub fn augmented_dickey_fuller(values: &[f64], lags: usize) -> Option<Test> {
    let values = sound(values)?;
    let steps: Vec<f64> = values.iter().zip(values.iter().skip(1)).map(|(before, after)| after - before).collect();
    let y = steps.get(lags..).filter(|y| !y.is_empty())?;
    let lagged = |lag: usize| Some(steps.get(lags - lag..steps.len() - lag)?.to_vec());
    let mut columns = vec![vec![1.0; y.len()]];
    for lag in 1..=lags {
        columns.push(lagged(lag)?);
    }
    // The level before each step comes last: its t-ratio is the statistic.
    columns.push(values.get(lags..values.len() - 1)?.to_vec());
    let statistic = regress(&columns, y)?.last_t;
    Some(Test { statistic, p: mackinnon(statistic) })
}

/// Approximate p-value of the statistic with a constant (MacKinnon 1994, table 3).
fn mackinnon(statistic: f64) -> f64 {
    const LARGEST: f64 = 2.74;
    const SMALLEST: f64 = -18.83;
    const BETWEEN: f64 = -1.61;
    if statistic > LARGEST {
        return 1.0;
    }
    if statistic < SMALLEST {
        return 0.0;
    }
    let low = [2.1659, 1.4412, 0.038_269];
    let high = [1.7339, 0.932_02, -0.127_45, -0.010_368];
    let terms: &[f64] = if statistic <= BETWEEN { &low } else { &high };
    normal_cdf(terms.iter().rev().fold(0.0, |sum, term| sum * statistic + term))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SplitMix64;

    fn autoregressive(rho: f64, seed: u64) -> Vec<f64> {
        let mut random = SplitMix64::seeded(seed);
        let mut x = 0.0;
        (0..500)
            .map(|_| {
                x = rho * x + random.normal();
                x
            })
            .collect()
    }

    #[test]
    fn walks_are_called_stationary_as_often_as_the_level_says_and_damped_series_nearly_always() {
        let called = |rho: f64| {
            let small = |seed| augmented_dickey_fuller(&autoregressive(rho, seed), 2).unwrap().p < 0.05;
            (0..200).filter(|seed| small(*seed)).count()
        };
        // 5 % of 200, give or take three standard errors.
        let false_alarms = called(1.0);
        assert!((1..=20).contains(&false_alarms), "{false_alarms}");
        assert!(called(0.9) > 190);
    }

    #[test]
    fn the_critical_values_are_those_of_the_tables() {
        // Asymptotic critical values with a constant (MacKinnon 2010).
        for (statistic, p) in [(-3.430_35, 0.01), (-2.861_54, 0.05), (-2.566_77, 0.10)] {
            assert!((mackinnon(statistic) - p).abs() < 0.002, "{statistic}: {}", mackinnon(statistic));
        }
        assert_eq!((mackinnon(3.0), mackinnon(-20.0)), (1.0, 0.0));
    }

    #[test]
    fn what_cannot_be_tested_is_none() {
        assert_eq!(augmented_dickey_fuller(&[1.0; 100], 2), None);
        assert_eq!(augmented_dickey_fuller(&[1.0, 2.0, 1.5], 5), None);
        assert_eq!(augmented_dickey_fuller(&[1.0], 0), None);
        assert_eq!(augmented_dickey_fuller(&[], 0), None);
        assert_eq!(augmented_dickey_fuller(&[1.0, f64::NAN, 2.0, 1.0, 0.5], 0), None);
    }
}
