//! How likely a Kolmogorov-Smirnov distance is when both samples come from one distribution.

/// P(D ≥ `distance`) by Kolmogorov's limit law for (effective) sizes n and m, with λ = D·√(nm/(n + m)). `None` unless both are above 0.
#[must_use]
pub fn p_limit(distance: f64, n: f64, m: f64) -> Option<f64> {
    (n > 0.0 && m > 0.0 && distance >= 0.0).then(|| kolmogorov_tail(distance * (n * m / (n + m)).sqrt()))
}

/// P(K ≥ λ) of Kolmogorov's distribution: 2 Σ (−1)^(j−1) exp(−2 j² λ²), and for small λ, where that converges slowly, the same
/// function by its theta transformation.
#[must_use]
pub fn kolmogorov_tail(lambda: f64) -> f64 {
    if lambda <= 0.0 {
        return 1.0;
    }
    if lambda < 1.0 {
        let odd = |j: u32| f64::from(2 * j - 1) * std::f64::consts::PI / lambda;
        let sum: f64 = (1..=20).map(|j| (-odd(j).powi(2) / 8.0).exp()).sum();
        return (1.0 - std::f64::consts::TAU.sqrt() / lambda * sum).clamp(0.0, 1.0);
    }
    let term = |j: i32| if j % 2 == 1 { 1.0 } else { -1.0 } * (-2.0 * (f64::from(j) * lambda).powi(2)).exp();
    (2.0 * (1..=20).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// P(D ≥ `distance`) for samples of sizes n and m without ties, exactly: the share of lattice paths that leave the band (Hodges 1957).
/// O(n·m). `None` for an empty sample.
#[must_use]
pub fn p_exact(distance: f64, n: usize, m: usize) -> Option<f64> {
    if n == 0 || m == 0 || distance.is_nan() {
        return None;
    }
    let (rows, columns) = (n as f64, m as f64);
    // In units of 1/(n·m) every distance is whole; a hair is taken off so that the last bit does not decide.
    let limit = (distance * rows * columns - 1e-7).ceil().max(0.0);
    let inside = |i: usize, j: usize| (i as f64 * columns - j as f64 * rows).abs() < limit;
    // Share of the paths to (i, j) that stayed inside, times the odds that a path comes through there.
    let mut shares: Vec<f64> = (0..=m).map(|j| f64::from(u8::from(inside(0, j)))).collect();
    for j in 1..=m {
        if shares.get(j - 1).is_some_and(|before| *before == 0.0)
            && let Some(share) = shares.get_mut(j)
        {
            *share = 0.0;
        }
    }
    for i in 1..=n {
        let weight = i as f64 / (i as f64 + columns);
        let mut left = 0.0;
        for (j, share) in shares.iter_mut().enumerate() {
            *share = if inside(i, j) { weight * *share + left } else { 0.0 };
            left = *share;
        }
    }
    shares.last().map(|stayed| (1.0 - stayed).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_tail_meet() {
        for step in 0..40 {
            let lambda = 0.9 + 0.005 * f64::from(step);
            let series: f64 = 2.0
                * (1..=30)
                    .map(|j| (if j % 2 == 1 { 1.0 } else { -1.0 }) * (-2.0 * (f64::from(j) * lambda).powi(2)).exp())
                    .sum::<f64>();
            assert!((kolmogorov_tail(lambda) - series).abs() < 1e-12, "{lambda}");
        }
        assert_eq!(kolmogorov_tail(0.0), 1.0);
        assert!(kolmogorov_tail(40.0) < 1e-300);
        assert_eq!(p_limit(0.5, 0.0, 3.0), None);
    }

    #[test]
    fn small_samples_by_counting() {
        // n = m = 2: of the six orders two separate the samples.
        assert!((p_exact(1.0, 2, 2).unwrap() - 2.0 / 6.0).abs() < 1e-12);
        assert!((p_exact(0.5, 2, 2).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(p_exact(0.0, 3, 4), Some(1.0));
        assert!((p_exact(1.0, 3, 1).unwrap() - 2.0 / 4.0).abs() < 1e-12);
        assert_eq!(p_exact(0.5, 0, 4), None);
    }
}
