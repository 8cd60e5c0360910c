//! Value at risk and expected shortfall of one period: from the history itself, from a normal curve, and from one bent by skew and kurtosis.

use std::f64::consts::TAU;

use serde::Serialize;

use super::sound;
use crate::decision::check::known;
use crate::ml::distributions::normal_quantile;
use crate::ml::numbers::{mean, quantile_sorted, sorted, variance};

/// Largest |skew| for which the Cornish-Fisher expansion is used …
pub const MOST_SKEW: f64 = 1.0;
/// … and the excess kurtosis that it must stay below.
pub const MOST_EXCESS_KURTOSIS: f64 = 5.0;
/// The expansion has to rise over all normal quantiles up to this one; beyond lies less than a millionth of the weight.
const REACH: f64 = 5.0;

/// Loss that is exceeded with probability 1 − level, and the mean loss beyond it; shares of the value held, positive for losses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TailRisk {
    pub var: f64,
    pub es: f64,
}

impl TailRisk {
    fn new(var: f64, es: f64) -> Option<Self> {
        Some(Self { var: known(var)?, es: known(es)? })
    }
}

/// Weight beyond `level`; `None` unless that lies within 0.5..1.
pub(super) fn beyond(level: f64) -> Option<f64> {
    (0.5..1.0).contains(&level).then_some(1.0 - level)
}

/// From the recorded returns: VaR is the type-7 quantile, ES the mean of the worst `n·(1 − level)` returns, of which the last counts by its fraction
/// (Acerbi and Tasche 2002; equal to the CVaR of Rockafellar and Uryasev 2000).
#[must_use]
pub fn historical(returns: &[f64], level: f64) -> Option<TailRisk> {
    let tail = beyond(level)?;
    let rising = sorted(sound(returns)?.to_vec());
    let var = -quantile_sorted(&rising, tail)?;
    let weight = rising.len() as f64 * tail;
    // Rounding must not turn the 20th worst of 400 into 19.999.
    let whole = (weight + 1e-9).floor();
    let worst: f64 = rising.iter().take(whole as usize).sum();
    let part = rising.get(whole as usize).map_or(0.0, |next| next * (weight - whole).max(0.0));
    TailRisk::new(var, -(worst + part) / weight)
}

/// Density of the standard normal.
fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / TAU.sqrt()
}

/// As if the returns were normal, with their own mean and sd (ddof 1).
#[must_use]
pub fn gaussian(returns: &[f64], level: f64) -> Option<TailRisk> {
    let tail = beyond(level)?;
    let returns = sound(returns)?;
    let (mu, sd) = (mean(returns)?, variance(returns)?.sqrt());
    let z = normal_quantile(tail)?;
    TailRisk::new(-(mu + sd * z), -(mu - sd * density(z) / tail))
}

/// Shape of a series: third and fourth standardised moments with divisor n.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shape {
    pub skew: f64,
    /// 0 for a normal.
    pub excess_kurtosis: f64,
}

impl Shape {
    /// `None` for a series without spread.
    #[must_use]
    pub fn of(returns: &[f64]) -> Option<Self> {
        let returns = sound(returns)?;
        let centre = mean(returns)?;
        let moment = |power: i32| mean(&returns.iter().map(|r| (r - centre).powi(power)).collect::<Vec<_>>());
        // What is left of a constant is rounding.
        let second = moment(2).filter(|m| m.sqrt() > 1e-12 * centre.abs())?;
        Some(Self {
            skew: known(moment(3)? / second.powf(1.5))?,
            excess_kurtosis: known(moment(4)? / second.powi(2) - 3.0)?,
        })
    }

    /// Whether skew and kurtosis are small enough for the expansion to mean anything.
    #[must_use]
    pub fn is_mild(&self) -> bool {
        self.skew.abs() < MOST_SKEW && self.excess_kurtosis < MOST_EXCESS_KURTOSIS
    }

    /// Whether the bent quantile rises with the normal one, as a quantile must.
    #[must_use]
    pub fn is_monotone(&self) -> bool {
        let (s, k) = (self.skew, self.excess_kurtosis);
        let slope = |z: f64| 1.0 + z * s / 3.0 + (z * z - 1.0) * k / 8.0 - (6.0 * z * z - 5.0) * s * s / 36.0;
        let curve = k / 4.0 - s * s / 3.0;
        // The slope is a parabola: least at an end, or where it turns.
        let turn = if curve > 0.0 { (-s / 3.0 / curve).clamp(-REACH, REACH) } else { REACH };
        [-REACH, turn, REACH].into_iter().all(|z| slope(z) > 0.0)
    }

    /// The normal quantile `z`, bent.
    fn bent(&self, z: f64) -> f64 {
        self.bend([z, z * z, z.powi(3)])
    }

    /// The expansion is linear in the powers of z, so that it also turns their means into its own.
    fn bend(&self, [z, z2, z3]: [f64; 3]) -> f64 {
        let (s, k) = (self.skew, self.excess_kurtosis);
        z + (z2 - 1.0) * s / 6.0 + (z3 - 3.0 * z) * k / 24.0 - (2.0 * z3 - 5.0 * z) * s * s / 36.0
    }
}

/// A normal tail bent by the series' skew and kurtosis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CornishFisher {
    pub shape: Shape,
    /// The bent normal quantile.
    pub z: f64,
    pub risk: TailRisk,
}

/// Cornish and Fisher's expansion (Zangari 1996). ES is the exact mean of the expansion beyond the level. The caller asks [`Shape::is_mild`] and
/// [`Shape::is_monotone`] whether the result may be used.
#[must_use]
pub fn cornish_fisher(returns: &[f64], level: f64) -> Option<CornishFisher> {
    let tail = beyond(level)?;
    let shape = Shape::of(returns)?;
    let (mu, sd) = (mean(returns)?, variance(returns)?.sqrt());
    let normal = normal_quantile(tail)?;
    let z = shape.bent(normal);
    // Means of z, z² and z³ below the quantile.
    let mills = density(normal) / tail;
    let means = [-mills, 1.0 - normal * mills, -(normal * normal + 2.0) * mills];
    let risk = TailRisk::new(-(mu + sd * z), -(mu + sd * shape.bend(means)))?;
    Some(CornishFisher { shape, z, risk })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::random::SplitMix64;

    fn normal(n: usize, seed: u64) -> Vec<f64> {
        let mut random = SplitMix64::seeded(seed);
        (0..n).map(|_| 0.001 + 0.02 * random.normal()).collect()
    }

    #[test]
    fn the_ways_agree_on_a_normal_series() {
        let returns = normal(20_000, 7);
        for level in [0.95, 0.99] {
            let flat = gaussian(&returns, level).unwrap();
            let past = historical(&returns, level).unwrap();
            let bent = cornish_fisher(&returns, level).unwrap();
            assert!(bent.shape.is_mild() && bent.shape.is_monotone());
            for other in [past, bent.risk] {
                assert!((other.var / flat.var - 1.0).abs() < 0.05, "{level} {other:?} {flat:?}");
                assert!((other.es / flat.es - 1.0).abs() < 0.05, "{level} {other:?} {flat:?}");
            }
        }
    }

    #[test]
    fn the_shortfall_weighs_the_last_loss_by_its_fraction() {
        let returns: Vec<f64> = (0..30).map(|i| -f64::from(i)).collect();
        // 1.5 worst of 30: (29 + 28/2)/1.5.
        let risk = historical(&returns, 0.95).unwrap();
        assert!((risk.es - 43.0 / 1.5).abs() < 1e-9 && (risk.var - 27.55).abs() < 1e-9, "{risk:?}");
        // A whole number of worst losses in spite of binary fractions.
        let returns: Vec<f64> = (0..100).map(|i| -f64::from(i)).collect();
        assert!((historical(&returns, 0.9).unwrap().es - 94.5).abs() < 1e-9);
    }

    #[test]
    fn the_shortfall_of_the_expansion_is_the_mean_of_its_quantiles() {
        let shape = Shape { skew: -0.4, excess_kurtosis: 1.5 };
        assert!(shape.is_mild() && shape.is_monotone());
        let (tail, steps) = (0.05, 20_000);
        let mean = (0..steps)
            .map(|i| shape.bent(normal_quantile(tail * (f64::from(i) + 0.5) / f64::from(steps)).unwrap()))
            .sum::<f64>()
            / f64::from(steps);
        let z = normal_quantile(tail).unwrap();
        let mills = density(z) / tail;
        let exact = shape.bend([-mills, 1.0 - z * mills, -(z * z + 2.0) * mills]);
        assert!((mean / exact - 1.0).abs() < 1e-3, "{mean} {exact}");
    }

    #[test]
    fn a_bend_that_is_too_strong_is_seen() {
        let wild = Shape { skew: -1.02, excess_kurtosis: 4.0 };
        assert!(!wild.is_mild());
        assert!(!Shape { skew: 0.0, excess_kurtosis: 5.0 }.is_mild());
        // Skew without kurtosis turns the far quantiles round.
        assert!(!Shape { skew: -0.9, excess_kurtosis: 0.0 }.is_monotone());
        assert!(Shape { skew: 0.0, excess_kurtosis: 0.0 }.is_monotone());
        assert!(Shape { skew: -0.05, excess_kurtosis: -0.1 }.is_monotone());
    }

    #[test]
    fn what_is_undefined_is_none() {
        for returns in [vec![], vec![0.01, f64::NAN], vec![0.01, f64::INFINITY]] {
            assert_eq!(historical(&returns, 0.95), None);
            assert_eq!(gaussian(&returns, 0.95), None);
            assert_eq!(cornish_fisher(&returns, 0.95), None);
        }
        assert_eq!(gaussian(&[0.01], 0.95), None);
        assert_eq!(Shape::of(&[0.1; 30]), None);
        for level in [0.0, 0.4, 1.0, f64::NAN] {
            assert_eq!(historical(&[0.1, 0.2], level), None);
        }
    }

    proptest! {
        #[test]
        fn the_shortfall_is_never_below_the_quantile(
            returns in proptest::collection::vec(-0.2_f64..0.2, 2..300), level in 0.5_f64..0.995,
        ) {
            let worst = returns.iter().copied().fold(f64::INFINITY, f64::min);
            let past = historical(&returns, level).unwrap();
            // Where the tail holds no whole return the quantile lies between the worst two.
            prop_assert!(past.es >= past.var - 1e-12 && past.es <= -worst + 1e-12, "{:?}", past);
            let flat = gaussian(&returns, level).unwrap();
            prop_assert!(flat.es >= flat.var - 1e-12);
        }

        #[test]
        fn risk_scales_with_the_stake(returns in proptest::collection::vec(-0.2_f64..0.2, 30..100), by in 0.1_f64..5.0) {
            let scaled: Vec<f64> = returns.iter().map(|r| r * by).collect();
            let (one, other) = (historical(&returns, 0.95).unwrap(), historical(&scaled, 0.95).unwrap());
            prop_assert!((other.var - by * one.var).abs() < 1e-12 && (other.es - by * one.es).abs() < 1e-12);
        }
    }
}
