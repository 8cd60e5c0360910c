//! What is added up must be what was said.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::block::Block;
use super::super::dataset::Dataset;
use super::super::ensemble::{Ensemble, combine};
use super::super::members::{MemberSpec, fit};
use super::super::testkit::{FEATURES, Market, inputs, settings};
use super::*;

/// Two members of each kind over the first twelve features.
static ENSEMBLE: LazyLock<Ensemble> = LazyLock::new(|| {
    let settings = settings(6);
    let series = Market::planted(2, 3_000, 23).build();
    let data = Dataset::build(&series, &settings, &settings.exits[0], 0.004);
    let block = Block::new(data.samples.iter().collect(), &inputs()[..12], 24 * 3_600_000).unwrap();
    let spec = |index| MemberSpec { index, l2: 1.0, tree_depth: 4, stream: [3, 0, 0, u64::from(index)] };
    let members = (0..6).map(|index| fit(&block, &spec(index), &|| true).unwrap()).collect();
    Ensemble { scaler: block.scaler, members, weights: vec![0.3, 0.1, 0.1, 0.05, 0.25, 0.2] }
});

fn contribution(feature: &str, log_odds: f64) -> Contribution {
    Contribution { feature: feature.to_owned(), value: 0.0, log_odds }
}

#[test]
fn the_largest_come_first_and_nothing_is_left_out_but_what_did_nothing() {
    let list =
        [("d", 0.1), ("b", -0.5), ("e", 0.0), ("a", 0.5), ("c", 2.0)].map(|(name, size)| contribution(name, size));
    let explanation = Explanation { base: 0.0, contributions: list.to_vec() };
    let names = |most| explanation.clone().largest(most).into_iter().map(|c| c.feature).collect::<Vec<_>>();
    assert_eq!(names(8), ["c", "a", "b", "d"]);
    assert_eq!(names(2), ["c", "a"]);
}

#[test]
fn the_feature_that_decides_is_named() {
    let row = |high: bool| -> Vec<f32> {
        let mut row = vec![0.0; FEATURES.len()];
        row[0] = if high { 1.0 } else { -1.0 };
        row[1] = 1.0;
        row
    };
    let [high, low] = [true, false].map(|high| ENSEMBLE.contributions(&row(high)).unwrap());
    assert_eq!(high.inputs.len(), 12);
    assert_eq!(high.base.to_bits(), low.base.to_bits(), "the average row is one");
    assert!(high.inputs[0] > 0.2 && low.inputs[0] < 0.0, "{high:?} {low:?}");
    assert!(high.inputs[2..].iter().all(|part| part.abs() < high.inputs[0] / 2.0), "{high:?}");
}

#[test]
fn agreement_leaves_the_members_parts() {
    let member = Contributions { base: -0.4, inputs: vec![1.0, 0.0, -0.25] };
    let both = combined(&[member.clone(), member.clone()], &[0.5, 0.5]).unwrap();
    assert_eq!(both, member);
    assert_eq!(combined(&[member], &[1.0]), None);
    assert_eq!(combined(&[], &[]), None);
}

#[test]
fn the_average_forest_keeps_its_parts_at_the_slope_of_its_place() {
    let votes = Contributions { base: 0.2, inputs: vec![0.1, -0.1] };
    let odds = on_log_odds(&votes, 0.005);
    assert!((odds.inputs[0] - 0.1 / 0.16).abs() < 1e-12 && (odds.output() - logit(0.2)).abs() < 1e-12);
    // Beyond the edge nothing moves.
    let certain = on_log_odds(&Contributions { base: 0.001, inputs: vec![0.1, -0.1] }, 0.005);
    assert_eq!(certain.inputs, [0.0, -0.0]);
}

proptest! {
    #[test]
    fn parts_of_a_probability_sum_to_its_log_odds(
        base in 0.0_f64..=1.0, to in 0.0_f64..=1.0, shift in -0.5_f64..0.5, near in 0_i32..17,
    ) {
        let to = base + (to - base) * 10.0_f64.powi(-near);
        let votes = Contributions { base, inputs: vec![shift, to - base, -shift] };
        let odds = on_log_odds(&votes, 0.005);
        prop_assert!((odds.output() - logit(to.clamp(0.005, 0.995))).abs() < 1e-9, "{votes:?} {odds:?}");
    }

    #[test]
    fn the_members_parts_sum_to_the_vote(
        parts in prop::collection::vec((0.01_f64..1.0, prop::collection::vec(-3.0_f64..3.0, 5)), 2..8),
    ) {
        let all: f64 = parts.iter().map(|(w, _)| w).sum();
        let weights: Vec<f64> = parts.iter().map(|(w, _)| w / all).collect();
        let members: Vec<Contributions> =
            parts.into_iter().map(|(_, p)| Contributions { base: p[0], inputs: [&p[1..], &[0.0]].concat() }).collect();
        let logits: Vec<f64> = members.iter().map(Contributions::output).collect();
        let got = combined(&members, &weights).unwrap();
        prop_assert!((got.output() - combine(&logits, &weights).unwrap().logit).abs() < 1e-9);
        prop_assert_eq!(got.inputs[4], 0.0);
    }

    #[test]
    fn an_explanation_sums_to_the_vote(row in prop::collection::vec(-4.0_f32..4.0, FEATURES.len()), wild in 0..FEATURES.len()) {
        let mut row = row;
        row[wild] *= 1e4;
        let parts = ENSEMBLE.contributions(&row).unwrap();
        let vote = combine(&ENSEMBLE.logits(&row).unwrap(), &ENSEMBLE.weights).unwrap();
        prop_assert!((parts.output() - vote.logit).abs() < 1e-9, "{} {}", parts.output(), vote.logit);
        let average = ENSEMBLE.contributions(&vec![0.0; FEATURES.len()]).unwrap();
        prop_assert_eq!(parts.base.to_bits(), average.base.to_bits());
    }
}
