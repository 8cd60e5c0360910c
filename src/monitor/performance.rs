//! Monitor Performance: how good the probabilities were, and what the equity did. Undefined is `None`, never 0.

/// Brier score: mean squared distance between confidence and outcome (Brier 1950); 0 is perfect, 0.25 a coin's.
#[must_use]
pub fn brier(matured: &[(f64, bool)]) -> Option<f64> {
    mean(matured.iter().map(|(c, won)| (c - outcome(*won)).powi(2)))
}

/// Expected calibration error over `bins` bins of equal mass (Nixon et al. 2019): sorted by confidence, split as evenly as
/// possible with the larger bins first, mean of |confidence − rate| weighted by the bins' counts.
#[must_use]
pub fn expected_calibration_error(matured: &[(f64, bool)], bins: usize) -> Option<f64> {
    if matured.is_empty() || bins == 0 || matured.iter().any(|(c, _)| !c.is_finite()) {
        return None;
    }
    let mut sorted = matured.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (size, larger) = (sorted.len() / bins, sorted.len() % bins);
    let mut rest = sorted.as_slice();
    let mut error = 0.0;
    for bin in 0..bins {
        let (here, after) = rest.split_at_checked(size + usize::from(bin < larger))?;
        rest = after;
        error += here.iter().map(|(c, won)| c - outcome(*won)).sum::<f64>().abs();
    }
    Some(error / sorted.len() as f64)
}

/// Share of wins.
#[must_use]
pub fn hit_rate(matured: &[(f64, bool)]) -> Option<f64> {
    mean(matured.iter().map(|(_, won)| outcome(*won)))
}

/// Lower bound of a rate of `hits` in `n` (Wilson 1927) for a normal quantile `z`; 1.2816 is one-sided 90 %.
#[must_use]
pub fn wilson_lower(hits: f64, n: f64, z: f64) -> Option<f64> {
    if !(n > 0.0 && (0.0..=n).contains(&hits)) {
        return None;
    }
    let p = hits / n;
    let z2 = z * z;
    let spread = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Some((p + z2 / (2.0 * n) - spread) / (1.0 + z2 / n))
}

/// Annualised Sharpe ratio of simple per-period returns, risk-free rate 0, sd with ddof 1.
#[must_use]
pub fn sharpe(returns: &[f64], periods_per_year: f64) -> Option<f64> {
    let n = returns.len() as f64;
    if returns.len() < 2 {
        return None;
    }
    let mean = returns.iter().sum::<f64>() / n;
    let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let ratio = mean / variance.sqrt() * periods_per_year.sqrt();
    (variance > 0.0 && ratio.is_finite()).then_some(ratio)
}

/// Largest fall from a peak of an equity curve, as a positive share (0.08 = 8 %); the first value counts as a peak.
/// `None` for an empty curve or one that does not start above 0.
#[must_use]
pub fn max_drawdown(equity: &[f64]) -> Option<f64> {
    let mut peak = *equity.first().filter(|e| **e > 0.0)?;
    let mut worst: f64 = 0.0;
    for value in equity {
        if !value.is_finite() {
            return None;
        }
        peak = peak.max(*value);
        worst = worst.max(1.0 - value / peak);
    }
    Some(worst)
}

/// Simple returns from value to value of an equity curve; `None` where a value is not above 0.
#[must_use]
pub fn simple_returns(equity: &[f64]) -> Option<Vec<f64>> {
    equity
        .windows(2)
        .map(|pair| match pair {
            [before, after] if *before > 0.0 && after.is_finite() => Some(after / before - 1.0),
            _ => None,
        })
        .collect()
}

fn outcome(won: bool) -> f64 {
    f64::from(u8::from(won))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut n, mut sum) = (0_u32, 0.0);
    for value in values {
        n += 1;
        sum += value;
    }
    let mean = sum / f64::from(n);
    (n > 0 && mean.is_finite()).then_some(mean)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn golden(text: &str, name: &str) -> (Value, Value) {
        let file: Value = serde_json::from_str(text).unwrap();
        let case = file["cases"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap().clone();
        (file, case)
    }

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    }

    fn agree(case: &Value, want: &Value, got: f64) {
        let want = want.as_f64().unwrap();
        let (abs, rel) = (case["tol"]["abs"].as_f64().unwrap(), case["tol"]["rel"].as_f64().unwrap());
        assert!((got - want).abs() <= abs + rel * want.abs(), "{}: {got} for {want}", case["name"]);
    }

    #[test]
    fn returns_undo_what_they_compound_to() {
        let back = simple_returns(&[100.0, 110.0, 99.0]).unwrap();
        assert!(back.iter().zip([0.1, -0.1]).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn calibration_error_is_golden() {
        for (name, bins) in [("ece_mass_10", 10), ("ece_mass_15", 15)] {
            let (file, case) = golden(include_str!("../../tests/golden/calibration.json"), name);
            let p = numbers(&file["series"]["c"]["p_raw"]);
            let y = numbers(&file["series"]["c"]["y"]);
            let matured: Vec<_> = p.into_iter().zip(y.into_iter().map(|y| y > 0.5)).collect();
            agree(&case, &case["expected"]["ece"], expected_calibration_error(&matured, bins).unwrap());
        }
    }

    #[test]
    fn wilson_bounds_are_those_of_the_methods() {
        for (hits, n, enough) in [(25.0, 30.0, true), (24.0, 30.0, false), (76.0, 100.0, true), (75.0, 100.0, false)] {
            assert_eq!(wilson_lower(hits, n, 1.2816).unwrap() >= 0.70, enough, "{hits} of {n}");
        }
        assert_eq!(wilson_lower(0.0, 0.0, 1.2816), None);
        assert_eq!(wilson_lower(2.0, 1.0, 1.2816), None);
    }

    #[test]
    fn nothing_has_no_statistics() {
        assert_eq!(brier(&[]), None);
        assert_eq!(hit_rate(&[]), None);
        assert_eq!(expected_calibration_error(&[], 10), None);
        assert_eq!(sharpe(&[0.1], 8_760.0), None);
        assert_eq!(sharpe(&[0.1, 0.1], 8_760.0), None);
        assert_eq!(max_drawdown(&[]), None);
        assert_eq!(max_drawdown(&[0.0, 1.0]), None);
        assert_eq!(simple_returns(&[1.0, 0.0, 1.0]), None);
    }

    #[test]
    fn known_values() {
        let two = [(0.8, true), (0.6, false)];
        assert!((brier(&two).unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(hit_rate(&two), Some(0.5));
        assert_eq!(max_drawdown(&[100.0, 120.0, 90.0, 130.0]), Some(0.25));
    }

    proptest! {
        #[test]
        fn scores_stay_in_their_range(matured in proptest::collection::vec((0.0_f64..=1.0, any::<bool>()), 1..200)) {
            prop_assert!((0.0..=1.0).contains(&brier(&matured).unwrap()));
            prop_assert!((0.0..=1.0 + 1e-12).contains(&expected_calibration_error(&matured, 10).unwrap()));
        }
    }
}
