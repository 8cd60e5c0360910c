//! How much of a series is another one: beta and the correlation of ranks. Pearson's and Spearman's are those of the statistics room.

use super::sound;
use crate::decision::check::known;
use crate::ml::numbers;

/// Two series of the same length, all finite.
fn paired<'a>(a: &'a [f64], b: &'a [f64]) -> Option<(&'a [f64], &'a [f64])> {
    (a.len() == b.len()).then(|| Some((sound(a)?, sound(b)?)))?
}

/// Slope of the regression of `asset` on `market`: covariance over the market's variance. `None` for a flat market or fewer than two returns.
#[must_use]
pub fn beta(asset: &[f64], market: &[f64]) -> Option<f64> {
    let (asset, market) = paired(asset, market)?;
    let (ma, mm) = (numbers::mean(asset)?, numbers::mean(market)?);
    let covariance: f64 = asset.iter().zip(market).map(|(a, m)| (a - ma) * (m - mm)).sum();
    let variance: f64 = market.iter().map(|m| (m - mm).powi(2)).sum();
    if market.len() > 1 && variance > 0.0 { known(covariance / variance) } else { None }
}

/// Pearson correlation. `None` for fewer than three pairs or a flat side.
#[must_use]
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = paired(a, b)?;
    numbers::correlation(a, b)
}

/// Spearman's correlation of ranks; ties share their mean rank. `None` for fewer than three pairs or a flat side.
#[must_use]
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = paired(a, b)?;
    numbers::spearman(a, b)
}

/// Kendall's τ-b: pairs that agree less those that do not, over those that are no ties (Kendall 1945). O(n²). `None` for a flat side.
#[must_use]
pub fn kendall(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = paired(a, b)?;
    let sign = |x: f64, y: f64| f64::from(i8::from(x > y) - i8::from(x < y));
    let (mut agree, mut untied_a, mut untied_b) = (0.0, 0.0, 0.0);
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        for (earlier_x, earlier_y) in a.iter().zip(b).take(i) {
            let (dx, dy) = (sign(*x, *earlier_x), sign(*y, *earlier_y));
            agree += dx * dy;
            untied_a += dx.abs();
            untied_b += dy.abs();
        }
    }
    known(agree / (untied_a * untied_b).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values() {
        let market = [0.01, -0.02, 0.03, 0.0];
        let twice: Vec<f64> = market.iter().map(|m| 2.0 * m + 0.001).collect();
        assert!((beta(&twice, &market).unwrap() - 2.0).abs() < 1e-12);
        // Six pairs: five agree, one does not.
        assert!((kendall(&[1.0, 2.0, 3.0, 4.0], &[1.0, 3.0, 2.0, 4.0]).unwrap() - 4.0 / 6.0).abs() < 1e-12);
        // One tie on the left: 2 agree of 3 and 2.
        assert!((kendall(&[1.0, 1.0, 2.0], &[1.0, 2.0, 3.0]).unwrap() - 2.0 / 6.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_flat_or_crooked_side_has_none() {
        assert_eq!(beta(&[0.1, 0.2], &[0.1, 0.1]), None);
        assert_eq!(kendall(&[1.0, 1.0], &[1.0, 2.0]), None);
        for other in [vec![0.1], vec![0.1, f64::NAN, 0.2]] {
            let one = [0.1, 0.2, 0.3];
            assert_eq!(beta(&one, &other), None);
            assert_eq!(pearson(&one, &other), None);
            assert_eq!(spearman(&one, &other), None);
            assert_eq!(kendall(&one, &other), None);
        }
    }

    proptest! {
        #[test]
        fn correlations_stay_in_their_range(points in proptest::collection::vec((-1.0_f64..1.0, -1.0_f64..1.0), 3..60)) {
            let (a, b): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
            for rho in [pearson(&a, &b), spearman(&a, &b), kendall(&a, &b)].into_iter().flatten() {
                prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&rho));
            }
        }
    }
}
