//! Split conformal intervals (Lei et al. 2018). Markets are not exchangeable: the claim is long-run coverage, and it is measured.

/// The half-width that covers `1 − alpha` of such scores: the `⌈(n+1)(1−alpha)⌉`-th smallest; infinite when there are too few.
#[must_use]
pub fn quantile(scores: &[f64], alpha: f64) -> f64 {
    let sorted = super::numbers::sorted(scores.to_vec());
    rank(sorted.len(), alpha).checked_sub(1).and_then(|i| sorted.get(i)).copied().unwrap_or(f64::INFINITY)
}

fn rank(n: usize, alpha: f64) -> usize {
    // A hair is taken off so that 0.9·100 is 90, whatever the last bit says.
    ((n + 1) as f64 * (1.0 - alpha) - 1e-9).ceil().max(1.0) as usize
}

/// `centre ± q`.
#[must_use]
pub fn interval(centre: f64, q: f64) -> (f64, f64) {
    (centre - q, centre + q)
}

/// Share of scores within the half-width; `None` without any.
#[must_use]
pub fn coverage(scores: &[f64], q: f64) -> Option<f64> {
    super::numbers::mean(&scores.iter().map(|s| f64::from(u8::from(*s <= q))).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{close_enough, golden, numbers};
    use super::*;
    use crate::domain::random::SplitMix64;

    #[test]
    fn quantiles_match_the_reference() {
        let file = golden("conformal");
        let mut seen = 0;
        for case in file.cases("conformal_quantile") {
            let scores: Vec<f64> = numbers(&case["inputs"]["scores"]).into_iter().flatten().collect();
            let alpha = case["params"]["alpha"].as_f64().unwrap();
            let got = quantile(&scores, alpha);
            assert_eq!(Some(rank(scores.len(), alpha) as u64), case["expected"]["rank"].as_u64(), "{}", case["name"]);
            match case["expected"]["q"].as_f64() {
                Some(q) => assert_eq!(got, q, "{}", case["name"]),
                None => assert!(case["expected"]["q"] == "inf" && got.is_infinite(), "{}", case["name"]),
            }
            seen += 1;
        }
        assert_eq!(seen, 5);
    }

    #[test]
    fn the_interval_matches_the_reference() {
        let file = golden("conformal");
        let case = file.case("split_interval_mapie");
        let column = |key: &str| numbers(&case["inputs"][key]).into_iter().flatten().collect::<Vec<f64>>();
        let scores: Vec<f64> = column("cal_pred").iter().zip(column("cal_y")).map(|(p, y)| (y - p).abs()).collect();
        let q = quantile(&scores, case["params"]["alpha"].as_f64().unwrap());
        close_enough(Some(q), case["expected"]["q"].as_f64(), 1e-9, "q");
        let (lo, hi) = (numbers(&case["expected"]["lo"]), numbers(&case["expected"]["hi"]));
        for ((centre, lo), hi) in column("test_pred").into_iter().zip(lo).zip(hi) {
            let got = interval(centre, q);
            close_enough(Some(got.0), lo, 1e-9, "lo");
            close_enough(Some(got.1), hi, 1e-9, "hi");
        }
    }

    #[test]
    fn covers_what_it_says() {
        let mut rng = SplitMix64::new(&[5]);
        let mut draw = |n: usize| (0..n).map(|_| rng.normal().abs()).collect::<Vec<f64>>();
        let q = quantile(&draw(4_000), 0.2);
        let covered = coverage(&draw(4_000), q).unwrap();
        assert!((covered - 0.8).abs() < 0.03, "{covered}");
        assert_eq!(coverage(&[], q), None);
        assert!(quantile(&[], 0.2).is_infinite());
    }
}
