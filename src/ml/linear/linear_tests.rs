//! Laws that every fit must obey, beside the reference vectors.

use ndarray::{Array2, Axis};
use proptest::prelude::*;

use super::*;
use crate::domain::random::SplitMix64;

/// `y = 0.5 + x0 − 0.5·x1 + noise`, the last column a copy of the first, the one before it constant.
fn rows(n: usize, seed: u64) -> (Array2<f64>, Vec<f64>) {
    let mut rng = SplitMix64::new(&[seed]);
    let mut x = Array2::from_shape_fn((n, 6), |_| rng.normal());
    x.column_mut(4).fill(1.25);
    let first = x.column(0).to_owned();
    x.column_mut(5).assign(&first);
    let y = x.rows().into_iter().map(|r| 0.5 + r[0] - 0.5 * r[1] + 0.3 * rng.normal()).collect();
    (x, y)
}

fn objective(x: &Array2<f64>, y: &[f64], at: &Linear, penalty: f64, l1: f64) -> f64 {
    let squares: f64 = x.rows().into_iter().zip(y).map(|(r, y)| (y - at.at(&r.to_vec()).unwrap()).powi(2)).sum();
    let (ones, twos) = at.coefficients.iter().fold((0.0, 0.0), |(a, b), c| (a + c.abs(), b + c * c));
    squares / (2.0 * y.len() as f64) + penalty * (l1 * ones + (1.0 - l1) / 2.0 * twos)
}

fn loss(x: &Array2<f64>, y: &[f64], weights: &[f64], at: &Linear, q: f64) -> f64 {
    let one = |((r, y), w): ((ndarray::ArrayView1<f64>, &f64), &f64)| {
        w * pinball(&[at.at(&r.to_vec()).unwrap()], &[*y], q).unwrap()
    };
    x.rows().into_iter().zip(y).zip(weights).map(one).sum()
}

#[test]
fn dependent_and_constant_columns_are_harmless() {
    let (x, y) = rows(400, 1);
    let moments = Moments::of(&x, &y, None).unwrap();
    let quantile = quantile_regression(&x, &y, None, 0.5).unwrap();
    for linear in [ridge(&moments, 0.0).unwrap(), quantile] {
        assert_eq!(linear.coefficients[4..], [0.0, 0.0], "{linear:?}");
        assert!((linear.coefficients[0] - 1.0).abs() < 0.1 && (linear.intercept - 0.5).abs() < 0.1, "{linear:?}");
    }
    let shared = elastic_net(&moments, 0.01, 0.0).unwrap();
    assert!(
        (shared.coefficients[0] - shared.coefficients[5]).abs() < 1e-3 && shared.coefficients[4] == 0.0,
        "{shared:?}"
    );
}

#[test]
fn inputs_that_are_not_centred_only_move_the_intercept() {
    let (x, y) = rows(300, 2);
    let moved = x.mapv(|v| v + 3.0);
    let fit = |x: &Array2<f64>| elastic_net(&Moments::of(x, &y, None).unwrap(), 0.05, 0.5).unwrap();
    let (a, b) = (fit(&x), fit(&moved));
    for (at, there) in x.rows().into_iter().zip(moved.rows()) {
        assert!((a.at(&at.to_vec()).unwrap() - b.at(&there.to_vec()).unwrap()).abs() < 1e-9);
    }
}

#[test]
fn a_target_that_does_not_move_is_its_own_forecast() {
    let (x, _) = rows(50, 3);
    let y = vec![2.0; 50];
    let moments = Moments::of(&x, &y, None).unwrap();
    let quantile = quantile_regression(&x, &y, None, 0.9).unwrap();
    for linear in [ridge(&moments, 1.0).unwrap(), elastic_net(&moments, 0.1, 0.5).unwrap(), quantile] {
        assert!((linear.at(&[0.3; 6]).unwrap() - 2.0).abs() < 1e-6, "{linear:?}");
    }
}

#[test]
fn what_cannot_be_fitted_is_an_error_in_words() {
    let (x, y) = rows(50, 4);
    assert!(Moments::of(&x, &y[..49], None).unwrap_err().contains("match"));
    assert!(Moments::of(&x, &y, Some(&[0.0; 50])).unwrap_err().contains("weights"));
    assert!(Moments::of(&Array2::zeros((0, 6)), &[], None).unwrap_err().contains("no rows"));
    let mut broken = x.clone();
    broken[[3, 1]] = f64::NAN;
    assert!(quantile_regression(&broken, &y, None, 0.5).unwrap_err().contains("finite"));
    assert!(quantile_regression(&x, &y, None, 1.0).is_err());
    let moments = Moments::of(&x, &y, None).unwrap();
    assert!(ridge(&moments, -1.0).is_err() && ridge(&moments, f64::NAN).is_err());
    assert!(elastic_net(&moments, 0.1, 1.5).is_err() && elastic_net(&moments, -0.1, 0.5).is_err());
    assert!(logistic(&x, &[true; 50], 1.0).is_err());
    assert!(logistic(&x, &[true; 50], 0.0).is_err());
}

#[test]
fn thinning_keeps_the_heavy_and_repeats_itself() {
    let weights: Vec<f64> = (0..4_000).map(|i| if i % 2 == 0 { 0.8 } else { 0.2 }).collect();
    let kept = thinned(&weights, &[5, 1]);
    assert_eq!(kept, thinned(&weights, &[5, 1]));
    assert_ne!(kept, thinned(&weights, &[5, 2]));
    assert_eq!(kept.iter().filter(|i| *i % 2 == 0).count(), 2_000);
    let light = kept.len() - 2_000;
    assert!((430..570).contains(&light), "{light}");
    assert!(thinned(&[0.0, 0.0], &[1]).is_empty() && thinned(&[], &[1]).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A whole weight is as many rows; so it is for every method that takes weights.
    #[test]
    fn weights_are_repeated_rows(seed in 0_u64..1_000, q in 0.05_f64..0.95) {
        let (x, y) = rows(80, seed);
        let weights: Vec<f64> = (0..80).map(|i| f64::from((i * 7 + seed as u32) % 4)).collect();
        let again: Vec<usize> = weights.iter().enumerate().flat_map(|(i, w)| vec![i; *w as usize]).collect();
        let (many, ys) = (x.select(Axis(0), &again), again.iter().map(|i| y[*i]).collect::<Vec<_>>());
        let (a, b) = (Moments::of(&x, &y, Some(&weights)).unwrap(), Moments::of(&many, &ys, None).unwrap());
        for (a, b) in [
            (ridge(&a, 2.0).unwrap(), ridge(&b, 2.0).unwrap()),
            (elastic_net(&a, 0.05, 0.5).unwrap(), elastic_net(&b, 0.05, 0.5).unwrap()),
        ] {
            prop_assert!((a.intercept - b.intercept).abs() < 1e-8);
            prop_assert!(a.coefficients.iter().zip(&b.coefficients).all(|(a, b)| (a - b).abs() < 1e-8));
        }
        let one = loss(&x, &y, &weights, &quantile_regression(&x, &y, Some(&weights), q).unwrap(), q);
        let two = loss(&x, &y, &weights, &quantile_regression(&many, &ys, None, q).unwrap(), q);
        prop_assert!((one - two).abs() <= 1e-7 * one, "{one} {two}");
    }

    /// No small move of a coefficient makes a fit better.
    #[test]
    fn a_fit_is_a_minimum(seed in 0_u64..1_000, place in 0_usize..7, move_by in -0.1_f64..0.1, q in 0.05_f64..0.95) {
        let (x, y) = rows(120, seed);
        let moments = Moments::of(&x, &y, None).unwrap();
        let moved = |at: &Linear| {
            let mut at = at.clone();
            match place.checked_sub(1) {
                None => at.intercept += move_by,
                Some(i) => at.coefficients[i] += move_by,
            }
            at
        };
        let net = elastic_net(&moments, 0.02, 0.5).unwrap();
        let best = objective(&x, &y, &net, 0.02, 0.5);
        prop_assert!(objective(&x, &y, &moved(&net), 0.02, 0.5) >= best - 1e-8);
        let quantile = quantile_regression(&x, &y, None, q).unwrap();
        let flat = vec![1.0; 120];
        let best = loss(&x, &y, &flat, &quantile, q);
        prop_assert!(loss(&x, &y, &flat, &moved(&quantile), q) >= best * (1.0 - 1e-7));
        // The fit passes through as many points as it has numbers, so that at most `q` of them lie above.
        let above = x.rows().into_iter().zip(&y).filter(|(r, y)| **y > quantile.at(&r.to_vec()).unwrap() + 1e-6).count();
        prop_assert!(above as f64 <= (1.0 - q) * 120.0 + 1e-9, "{above}");
    }

    #[test]
    fn contributions_sum_to_the_output(parts in prop::collection::vec((-5.0_f64..5.0, -5.0_f64..5.0), 0..12), base in -3.0_f64..3.0) {
        let (coefficients, x): (Vec<f64>, Vec<f64>) = parts.into_iter().unzip();
        let linear = Linear { intercept: base, coefficients };
        let parts = linear.contributions(&x).unwrap();
        prop_assert_eq!(parts.output().to_bits(), linear.at(&x).unwrap().to_bits());
        prop_assert_eq!(parts.inputs.len(), x.len());
        let wide: Vec<f64> = x.iter().copied().chain([1.0]).collect();
        prop_assert_eq!(linear.contributions(&wide), None);
    }
}
