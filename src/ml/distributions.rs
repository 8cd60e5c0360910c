//! The distributions that tests of significance need: normal, Student's t and F.
//!
//! Tails are computed as tails, so that a tiny p-value keeps its digits.

use std::f64::consts::{PI, SQRT_2};

use crate::domain::gamma::ln_gamma;

/// Steps after which a series or continued fraction counts as converged.
const MAX_STEPS: u32 = 500;
const EPSILON: f64 = 1e-16;
/// Stands in for a zero denominator in Lentz's method.
const TINY: f64 = 1e-300;

/// Density of the standard normal.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (SQRT_2 * PI.sqrt())
}

/// Weight of the standard normal above `x`.
#[must_use]
pub fn normal_tail(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < 0.0 {
        return 1.0 - normal_tail(-x);
    }
    if x < 3.0 {
        // Φ(x) − ½ = φ(x)·(x + x³/3 + x⁵/(3·5) + …)
        let (mut sum, mut term) = (x, x);
        for k in 1..MAX_STEPS {
            term *= x * x / (2.0 * f64::from(k) + 1.0);
            sum += term;
            if term < EPSILON * sum {
                break;
            }
        }
        return 0.5 - density(x) * sum;
    }
    // Laplace's continued fraction x + 1/(x + 2/(x + …)), from its far end.
    let mills = (1..=200_u32).rev().fold(x, |below, k| x + f64::from(k) / below);
    if x > 40.0 { 0.0 } else { density(x) / mills }
}

/// Weight of the standard normal up to `x`.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    normal_tail(-x)
}

/// The `x` with [`normal_cdf`]`(x) = p`; `None` outside the open unit interval.
#[must_use]
pub fn normal_quantile(p: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    if p > 0.5 {
        return normal_quantile(1.0 - p).map(|x| -x);
    }
    // Abramowitz & Stegun 26.2.23 to 4.5e-4, then Halley's steps.
    let t = (-2.0 * p.ln()).sqrt();
    let num = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let den = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut x = num / den - t;
    for _ in 0..3 {
        let step = (normal_cdf(x) - p) / density(x);
        x -= step / (1.0 + 0.5 * x * step);
    }
    Some(x)
}

/// Regularised incomplete beta function, `0 ≤ x ≤ 1` (continued fraction by Lentz's method); `None` unless `a` and `b` are above 0.
pub(super) fn incomplete_beta(a: f64, b: f64, x: f64) -> Option<f64> {
    if x <= 0.0 {
        return Some(0.0);
    }
    if x >= 1.0 {
        return Some(1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return incomplete_beta(b, a, 1.0 - x).map(|below| 1.0 - below);
    }
    let front = (ln_gamma(a + b)? - ln_gamma(a)? - ln_gamma(b)? + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let keep = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / keep(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..MAX_STEPS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / keep(1.0 + even * d);
        c = keep(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / keep(1.0 + odd * d);
        c = keep(1.0 + odd / c);
        value *= d * c;
        if (d * c - 1.0).abs() < EPSILON {
            break;
        }
    }
    Some(front * value)
}

/// Weight of the F distribution above `f`; `None` for a negative or undefined value or fewer than one degree of freedom.
#[must_use]
pub fn f_tail(f: f64, numerator: f64, denominator: f64) -> Option<f64> {
    (f >= 0.0 && numerator >= 1.0 && denominator >= 1.0)
        .then(|| incomplete_beta(denominator / 2.0, numerator / 2.0, denominator / (denominator + numerator * f)))?
}

/// Two-sided p-value of a Student's t with `degrees` of freedom (need not be whole).
#[must_use]
pub fn student_p(t: f64, degrees: f64) -> Option<f64> {
    f_tail(t * t, 1.0, degrees)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testkit::close_enough;
    use super::*;

    #[test]
    fn known_values() {
        close_enough(Some(normal_cdf(1.959_963_984_540_054)), Some(0.975), 1e-14, "two sigma");
        // Q(3.5) and Q(8) of the tables.
        assert!((normal_tail(3.5) / 2.326_290_790_355_250_4e-4 - 1.0).abs() < 1e-12);
        assert!((normal_tail(8.0) / 6.220_960_574_271_785e-16 - 1.0).abs() < 1e-12);
        assert_eq!(normal_tail(0.0), 0.5);
        assert_eq!(normal_tail(100.0), 0.0);
        close_enough(normal_quantile(0.9), Some(super::super::scores::Z90_ONE_SIDED), 1e-14, "one-sided");
        for p in [-0.1, 0.0, 1.0, f64::NAN] {
            assert_eq!(normal_quantile(p), None);
        }
        // One degree of freedom is Cauchy: P(|t| > 1) = ½; two: 1 − t/√(2 + t²).
        close_enough(student_p(1.0, 1.0), Some(0.5), 1e-14, "Cauchy");
        close_enough(student_p(2.0, 2.0), Some(1.0 - 2.0 / 6.0_f64.sqrt()), 1e-13, "two degrees");
        assert_eq!(student_p(f64::NAN, 3.0), None);
        assert_eq!(f_tail(1.0, 1.0, 0.5), None);
    }

    proptest! {
        #[test]
        fn the_quantile_undoes_the_distribution(x in -8.0_f64..8.0) {
            let p = normal_tail(x.abs());
            let back = normal_quantile(p).unwrap();
            prop_assert!((back + x.abs()).abs() < 1e-9, "{back} {x}");
        }

        #[test]
        fn tails_fall(x in 0.0_f64..20.0, step in 0.001_f64..1.0, degrees in 1.0_f64..500.0) {
            prop_assert!(normal_tail(x + step) < normal_tail(x));
            prop_assert!(student_p(x + step, degrees) < student_p(x, degrees));
        }
    }
}
