//! One score from many texts: credibility- and confidence-weighted, decaying with age, shrunk toward neutral.

use std::collections::BTreeMap;

/// Largest share of all weight (the neutral prior included) that one source may have.
pub const SOURCE_SHARE_MAX: f64 = 0.2;

/// A score with its weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// −1..=1.
    pub score: f64,
    /// 0 or above.
    pub weight: f64,
}

/// What the texts say together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aggregate {
    pub weight_sum: f64,
    /// `Σ w·s / (Σ w + prior)`, −1..=1.
    pub score: f64,
    /// `(Σ w)² / Σ w²`: how many equally weighted texts would say as much.
    pub n_eff: f64,
    /// Weighted standard deviation of the scores around their weighted mean.
    pub dispersion: f64,
}

/// `credibility · confidence · ½^(age / half-life)`; ages and half-life in the same unit. A text from the future has no weight.
#[must_use]
pub fn weight(credibility: f64, confidence: f64, age: f64, half_life: f64) -> f64 {
    let known = age >= 0.0 && half_life > 0.0;
    let weight = credibility * confidence * 0.5_f64.powf(age / half_life);
    if known && weight.is_finite() { weight.max(0.0) } else { 0.0 }
}

/// `None` when nothing has any weight.
#[must_use]
pub fn aggregate(texts: &[Weighted], prior_weight: f64) -> Option<Aggregate> {
    let weight_sum: f64 = texts.iter().map(|t| t.weight).sum();
    let squares: f64 = texts.iter().map(|t| t.weight * t.weight).sum();
    if !(squares > 0.0 && weight_sum.is_finite()) {
        return None;
    }
    let sum: f64 = texts.iter().map(|t| t.weight * t.score).sum();
    let mean = sum / weight_sum;
    let variance = texts.iter().map(|t| t.weight * (t.score - mean).powi(2)).sum::<f64>() / weight_sum;
    Some(Aggregate {
        weight_sum,
        score: sum / (weight_sum + prior_weight),
        n_eff: weight_sum * weight_sum / squares,
        dispersion: variance.sqrt(),
    })
}

/// Factor per source (0..=1) that keeps each source at or under [`SOURCE_SHARE_MAX`] of all weight after capping, the neutral prior
/// included. With few sources the prior carries the rest, so a single loud source moves a score by at most a fifth.
#[must_use]
pub fn source_factors<'a>(weights: &BTreeMap<&'a str, f64>, prior_weight: f64) -> BTreeMap<&'a str, f64> {
    let mut cap = f64::INFINITY;
    loop {
        let capped = weights.values().filter(|w| **w > cap).count() as f64;
        let rest: f64 = weights.values().filter(|w| **w <= cap).sum();
        // total = prior + rest + capped·cap, and cap = share·total; both solved for cap
        let next = SOURCE_SHARE_MAX * (prior_weight + rest) / (1.0 - SOURCE_SHARE_MAX * capped).max(f64::MIN_POSITIVE);
        // the cap only falls, and no value between the last two caps means that it has settled
        let settled = weights.values().all(|w| *w <= next || *w > cap);
        cap = next.min(cap);
        if settled {
            break;
        }
    }
    weights.iter().map(|(source, w)| (*source, if *w > cap { cap / w } else { 1.0 })).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signals::testing::{close_enough, golden_case, golden_floats};

    #[test]
    fn agrees_with_the_reference() {
        for name in ["aggregate_6h", "aggregate_24h"] {
            let case = golden_case("sentiment.json", name);
            let number = |v: &serde_json::Value| v.as_f64().expect("a number");
            let params = &case["params"];
            let input = |field: &str| golden_floats(&case["inputs"][field]);
            let (ts, scores) = (input("ts"), input("score"));
            let (credibility, confidence) = (input("credibility"), input("confidence"));
            let texts: Vec<Weighted> = (0..ts.len())
                .map(|i| Weighted {
                    score: scores[i],
                    weight: weight(
                        credibility[i],
                        confidence[i],
                        number(&params["now_s"]) - ts[i],
                        number(&params["half_life_s"]),
                    ),
                })
                .collect();
            let got = aggregate(&texts, number(&params["prior_weight"])).expect("an aggregate");
            for (field, value) in [
                ("weight_sum", got.weight_sum),
                ("score", got.score),
                ("n_eff", got.n_eff),
                ("dispersion", got.dispersion),
            ] {
                assert!(close_enough(value, number(&case["expected"][field]), 1e-10, 1e-9), "{name} {field}: {value}");
            }
        }
    }

    #[test]
    fn nothing_weighed_is_no_value() {
        assert_eq!(aggregate(&[], 3.0), None);
        assert_eq!(aggregate(&[Weighted { score: 1.0, weight: 0.0 }], 3.0), None);
        assert_eq!(weight(1.0, 1.0, -1.0, 6.0), 0.0, "not yet known");
        assert_eq!(weight(1.0, 1.0, 0.0, 0.0), 0.0, "no half-life");
        assert_eq!(weight(0.5, 0.5, 6.0, 6.0), 0.125);
    }

    #[test]
    fn a_single_source_gets_a_fifth() {
        let factors = source_factors(&BTreeMap::from([("loud", 100.0)]), 3.0);
        assert!((factors["loud"] * 100.0 - 0.75).abs() < 1e-12, "0.75 of 0.75 + 3");
        let even: BTreeMap<&str, f64> = ["a", "b", "c", "d", "e", "f"].into_iter().map(|s| (s, 1.0)).collect();
        assert!(source_factors(&even, 3.0).values().all(|f| *f == 1.0));
    }

    proptest! {
        #[test]
        fn no_source_has_more_than_its_share(weights in prop::collection::vec(0.0..1e6_f64, 0..12), prior in 0.1..10.0_f64) {
            let names: Vec<String> = (0..weights.len()).map(|i| format!("s{i}")).collect();
            let by_source: BTreeMap<&str, f64> = names.iter().map(String::as_str).zip(weights.iter().copied()).collect();
            let factors = source_factors(&by_source, prior);
            let kept: Vec<f64> = by_source.iter().map(|(s, w)| w * factors[s]).collect();
            let total = prior + kept.iter().sum::<f64>();
            prop_assert!(factors.values().all(|f| (0.0..=1.0).contains(f)));
            prop_assert!(kept.iter().all(|w| *w <= SOURCE_SHARE_MAX * total * (1.0 + 1e-9)));
        }

        #[test]
        fn the_score_is_bounded_by_the_strongest_text(
            texts in prop::collection::vec((-1.0..=1.0_f64, 0.0..5.0_f64), 1..30), prior in 0.0..10.0_f64,
        ) {
            let texts: Vec<Weighted> = texts.into_iter().map(|(score, weight)| Weighted { score, weight }).collect();
            if let Some(a) = aggregate(&texts, prior) {
                let largest = texts.iter().map(|t| t.score.abs()).fold(0.0, f64::max);
                prop_assert!(a.score.abs() <= largest + 1e-12);
                prop_assert!(a.n_eff <= texts.len() as f64 + 1e-9);
            }
        }
    }
}
