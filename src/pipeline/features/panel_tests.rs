//! All pairs together: what looks at all of them, and what it must not see.

use proptest::prelude::*;

use super::super::testing::{NAMES, bar, pairs};
use super::*;
use crate::pipeline::FeatureEngine;

fn panel(names: &[&str]) -> Panel {
    Panel::new(FeatureSet::built_in(), &pairs(names), &PipelineSettings::default())
}

/// Runs hours `0..hours`; a pair is silent in the hours that `silent` tells.
fn run(panel: &mut Panel, names: &[&str], hours: i64, silent: impl Fn(&str, i64) -> bool) {
    for hour in 0..hours {
        for (i, name) in names.iter().enumerate() {
            if silent(name, hour) {
                panel.hole(i);
            } else {
                panel.take(i, &bar(name, hour), None);
            }
        }
        panel.close();
    }
}

fn value(panel: &Panel, pair: usize, feature: &str) -> Option<f64> {
    panel.output(pair).unwrap().features.get(feature)
}

#[test]
fn values_over_all_pairs_are_those_of_their_definitions() {
    let mut panel = panel(&NAMES);
    run(&mut panel, &NAMES, 400, |_, _| false);
    let day = |name: &str| (bar(name, 399).close / bar(name, 375).close).ln();
    let mut days: Vec<f64> = NAMES.iter().map(|n| day(n)).collect();
    days.sort_by(f64::total_cmp);
    let median = days[3];
    let rising = days.iter().filter(|r| **r > 0.0).count() as f64 / 7.0;
    for (i, name) in NAMES.iter().enumerate() {
        let sigma = panel.output(i).unwrap().indicators.sigma24.unwrap();
        let near = |feature: &str, want: f64| {
            let got = value(&panel, i, feature).unwrap();
            assert!((got - want).abs() < 1e-9, "{name} {feature}: {got}, expected {want}");
        };
        near("breadth_return", rising - 0.5);
        near("relative_strength", (day(name) - median) / (sigma * 24.0_f64.sqrt()));
        near("strength_rank", days.iter().position(|d| *d == day(name)).unwrap() as f64 / 6.0 - 0.5);
        let leader = (bar("BTC/USD", 399).close / bar("BTC/USD", 398).close).ln();
        near("leader_return", leader / sigma);
        let above = NAMES
            .iter()
            .enumerate()
            .filter(|(k, n)| panel.output(*k).unwrap().indicators.ema50.is_some_and(|e| bar(n, 399).close > e));
        near("breadth_ema50", above.count() as f64 / 7.0 - 0.5);
        let returns = |n: &str| (232..400).map(|h| bar(n, h).close / bar(n, h - 1).close - 1.0).collect::<Vec<f64>>();
        let (x, y) = (returns("BTC/USD"), returns(name));
        let mean = |v: &[f64]| v.iter().sum::<f64>() / 168.0;
        let cross: f64 = x.iter().zip(&y).map(|(a, b)| (a - mean(&x)) * (b - mean(&y))).sum();
        let spread: f64 = x.iter().map(|a| (a - mean(&x)).powi(2)).sum();
        near("leader_beta", cross / spread);
        assert_eq!(value(&panel, i, "has_cross"), Some(1.0));
        // No trades and no books were watched.
        assert_eq!((value(&panel, i, "has_flow"), value(&panel, i, "flow_delta")), (Some(0.0), None));
    }
    let of_leader = value(&panel, 1, "leader_beta").unwrap();
    assert!((of_leader - 1.0).abs() < 1e-9);
}

#[test]
fn own_values_are_those_of_the_pair_alone() {
    let mut panel = panel(&NAMES);
    run(&mut panel, &NAMES, 300, |_, _| false);
    let mut alone = FeatureEngine::new(FeatureSet::built_in(), &PipelineSettings::default());
    let last = (0..300).map(|h| alone.push(&bar("SOL/USD", h))).last().unwrap();
    let together = panel.output(2).unwrap();
    assert_eq!((together.indicators, together.outlier), (last.indicators, last.outlier));
    for ((column, feature), (a, b)) in
        FeatureSet::built_in().features().zip(together.features.values().zip(last.features.values()))
    {
        let expected = if feature.universal { if column.name == "has_cross" { Some(0.0) } else { None } } else { a };
        assert_eq!(b.map(f64::to_bits), expected.map(f64::to_bits), "{}", column.name);
    }
}

#[test]
fn a_pair_without_its_hour_contributes_nothing_and_begins_anew() {
    let eth_is_silent = |name: &str, hour: i64| name == "ETH/USD" && hour == 399;
    let mut panel = panel(&NAMES);
    run(&mut panel, &NAMES, 400, eth_is_silent);
    let days: Vec<f64> = NAMES[1..].iter().map(|n| (bar(n, 399).close / bar(n, 375).close).ln()).collect();
    let rising = days.iter().filter(|r| **r > 0.0).count() as f64 / 6.0;
    assert_eq!(value(&panel, 1, "breadth_return"), Some(rising - 0.5));
    let silent = panel.output(0).unwrap();
    assert_eq!((silent.features.present(), silent.features.get("has_cross")), (9 - 1, Some(0.0)));
    assert!(silent.features.missing().is_some());
}

#[test]
fn without_the_leader_nothing_is_compared_and_its_windows_begin_anew() {
    let mut panel = panel(&NAMES);
    let silent = |name: &str, hour: i64| name == "BTC/USD" && hour == 300;
    run(&mut panel, &NAMES, 301, silent);
    assert_eq!(value(&panel, 0, "leader_return"), None);
    assert!(value(&panel, 0, "breadth_return").is_some() && value(&panel, 0, "return_24").is_some());
    for hour in 301..470 {
        for (i, name) in NAMES.iter().enumerate() {
            panel.take(i, &bar(name, hour), None);
        }
        panel.close();
        // The 168th return after the hole needs 169 closes.
        assert_eq!(value(&panel, 0, "leader_beta").is_some(), hour >= 301 + 168, "{hour}");
    }
    assert_eq!(value(&panel, 0, "has_cross"), Some(1.0));
}

#[test]
fn few_pairs_are_no_market() {
    let names = &NAMES[..4];
    let mut panel = panel(names);
    run(&mut panel, names, 300, |_, _| false);
    for feature in ["breadth_return", "breadth_ema50", "relative_strength", "strength_rank"] {
        assert_eq!(value(&panel, 0, feature), None, "{feature}");
    }
    assert!(value(&panel, 0, "leader_beta").is_some());
}

#[test]
fn medians_and_ranks() {
    assert_eq!((median(&[1.0, 2.0, 4.0]), median(&[1.0, 2.0, 4.0, 9.0]), median(&[7.0])), (2.0, 3.0, 7.0));
    assert!(median(&[]).is_nan() && rank(&[1.0], 1.0).is_nan() && rank(&[1.0, 2.0], f64::NAN).is_nan());
    let sorted = [1.0, 2.0, 2.0, 3.0, 5.0];
    assert_eq!([1.0, 2.0, 5.0].map(|x| rank(&sorted, x)), [0.0, 0.375, 1.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Neither the order of the pairs nor the order in which their hours come in changes a bit.
    #[test]
    fn order_does_not_matter(order in Just((0..NAMES.len()).collect::<Vec<_>>()).prop_shuffle(), silent in 0..NAMES.len()) {
        let shuffled: Vec<&str> = order.iter().map(|i| NAMES[*i]).collect();
        let quiet = |name: &str, hour: i64| name == NAMES[silent] && hour == 150;
        let (mut a, mut b) = (panel(&NAMES), panel(&shuffled));
        run(&mut a, &NAMES, 260, quiet);
        run(&mut b, &shuffled, 260, quiet);
        for (place, i) in order.iter().enumerate() {
            prop_assert_eq!(&a.output(*i).unwrap().features, &b.output(place).unwrap().features, "{}", NAMES[*i]);
        }
    }
}
