//! Quantiles of the chi-square distribution, from the regularised incomplete gamma function.

use crate::domain::gamma::ln_gamma;

const TERMS: usize = 1_000;

/// P(X > x) for chi-square with `k` degrees of freedom, computed as a tail so that a tiny p-value keeps its digits; `None` unless x ≥ 0 and
/// k > 0 are finite.
#[must_use]
pub fn chi_square_tail(x: f64, k: f64) -> Option<f64> {
    let below = chi_square_cdf(x, k)?;
    let (a, x) = (k / 2.0, x / 2.0);
    Some(if x < a + 1.0 { 1.0 - below } else { front(a, x)? * fraction(a, x) })
}

/// P(X ≤ x) for chi-square with `k` degrees of freedom; `None` unless x ≥ 0 and k > 0 are finite. Relative error about 1e-13 where k ≤ 100.
#[must_use]
pub fn chi_square_cdf(x: f64, k: f64) -> Option<f64> {
    if !(x >= 0.0 && x.is_finite() && k > 0.0 && k.is_finite()) {
        return None;
    }
    if x == 0.0 {
        return Some(0.0);
    }
    let (a, x) = (k / 2.0, x / 2.0);
    let front = front(a, x)?;
    Some(if x < a + 1.0 { front * series(a, x) } else { 1.0 - front * fraction(a, x) })
}

/// xᵃ e⁻ˣ / Γ(a).
fn front(a: f64, x: f64) -> Option<f64> {
    Some((a * x.ln() - x - ln_gamma(a)?).exp())
}

/// Σ xⁿ / (a (a+1) … (a+n)).
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..TERMS {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

/// The continued fraction of the upper tail, by Lentz's method.
fn fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut value = d;
    for i in 1..TERMS {
        let i = i as f64;
        let step = -i * (i - a);
        b += 2.0;
        d = 1.0 / (step * d + b);
        c = b + step / c;
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

/// The value that chi-square with `k` degrees of freedom stays below with probability `p`; `None` unless 0 < p < 1 and k > 0.
#[must_use]
pub fn chi_square_quantile(p: f64, k: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0 && k > 0.0 && k.is_finite()) {
        return None;
    }
    let (mut low, mut high) = (0.0, k.max(1.0));
    while chi_square_cdf(high, k)? < p {
        high *= 2.0;
    }
    // Halving until the doubles meet.
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return Some(middle);
        }
        if chi_square_cdf(middle, k)? < p {
            low = middle;
        } else {
            high = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_values() {
        // Tables; for two degrees of freedom the quantile is −2 ln(1 − p).
        for (p, k, want) in [(0.99, 9.0, 21.665_994_333), (0.999, 9.0, 27.877_164_871), (0.95, 1.0, 3.841_458_821)] {
            assert!((chi_square_quantile(p, k).unwrap() - want).abs() < 1e-8, "{p} {k}");
        }
        assert!((chi_square_quantile(0.3, 2.0).unwrap() + 2.0 * 0.7_f64.ln()).abs() < 1e-12);
        assert_eq!(chi_square_quantile(1.0, 9.0), None);
        assert_eq!(chi_square_cdf(f64::NAN, 9.0), None);
        assert_eq!(chi_square_cdf(0.0, 9.0), Some(0.0));
    }

    #[test]
    fn the_tail_is_the_rest_and_keeps_its_digits() {
        for (x, k) in [(0.0, 3.0), (0.4, 2.0), (5.0, 9.0), (30.0, 5.0)] {
            let all = chi_square_tail(x, k).unwrap() + chi_square_cdf(x, k).unwrap();
            assert!((all - 1.0).abs() < 1e-13, "{x} {k}");
        }
        // Two degrees of freedom: e^(−x/2).
        assert!((chi_square_tail(200.0, 2.0).unwrap() / (-100.0_f64).exp() - 1.0).abs() < 1e-12);
        assert_eq!(chi_square_tail(-1.0, 2.0), None);
    }
}
