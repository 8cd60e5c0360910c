//! Is this row like anything that the model was trained on? Mahalanobis' distance with a shrunk covariance (Ledoit, Wolf 2004).

use serde::{Deserialize, Serialize};

use super::numbers::{quantile_sorted, sorted};

/// Share of training rows that are as far off as the limit.
const LIMIT_QUANTILE: f64 = 0.99;
/// Least shrinkage towards the sphere: a direction that never moved in training, or moved by rounding only, must not decide alone.
const MIN_SHRINKAGE: f64 = 1e-4;

/// Ledoit and Wolf's share of the sphere in the covariance, for centred rows with the covariance (ddof 0) given as packed lower
/// triangle; `None` when nothing moves.
fn shrinkage(centred: &[Vec<f64>], packed: &[f64], width: usize) -> Option<(f64, f64)> {
    let (n, p) = (centred.len() as f64, width as f64);
    let scale = diagonal(packed, width).sum::<f64>() / p;
    let whole: f64 =
        2.0 * packed.iter().map(|c| c * c).sum::<f64>() - diagonal(packed, width).map(|c| c * c).sum::<f64>();
    let from_sphere = (whole - p * scale * scale) / p;
    let fourth: f64 = centred.iter().map(|row| row.iter().map(|v| v * v).sum::<f64>().powi(2)).sum::<f64>() / n;
    let noise = ((fourth - whole) / (n * p)).min(from_sphere);
    if scale <= 0.0 || !scale.is_finite() {
        return None;
    }
    let share = if from_sphere > 0.0 { (noise / from_sphere).clamp(0.0, 1.0) } else { 1.0 };
    Some((share, scale))
}

/// Where row `i` of a packed lower triangle begins.
const fn row_start(i: usize) -> usize {
    i * (i + 1) / 2
}

fn diagonal(packed: &[f64], width: usize) -> impl Iterator<Item = f64> {
    (0..width).filter_map(|i| packed.get(row_start(i) + i).copied())
}

/// A fitted measure of strangeness. Rows are the model's inputs as the scaler gives them: winsorised, mean 0, sd 1 in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Familiarity {
    mean: Vec<f64>,
    /// Cholesky factor of the covariance: lower triangle, row by row.
    factor: Vec<f64>,
    /// Ledoit and Wolf's share of the sphere.
    shrinkage: f64,
    limit: f64,
}

impl Familiarity {
    /// Fits on training rows of equal width. `None` with fewer than two rows, rows of another width, values that are not finite,
    /// or when no column moves. Columns may be constant or repeat each other.
    #[must_use]
    pub fn fit(rows: &[&[f64]]) -> Option<Self> {
        let width = rows.first()?.len();
        let sound = |r: &&[f64]| r.len() == width && r.iter().all(|v| v.is_finite());
        if rows.len() < 2 || width == 0 || !rows.iter().all(sound) {
            return None;
        }
        let n = rows.len() as f64;
        let mut mean = vec![0.0; width];
        for row in rows {
            mean.iter_mut().zip(*row).for_each(|(m, v)| *m += v / n);
        }
        let centred: Vec<Vec<f64>> = rows.iter().map(|r| r.iter().zip(&mean).map(|(v, m)| v - m).collect()).collect();
        let mut packed = covariance(&centred, width);
        let (share, scale) = shrinkage(&centred, &packed, width)?;
        let share = share.max(MIN_SHRINKAGE);
        packed.iter_mut().for_each(|c| *c *= 1.0 - share);
        for i in 0..width {
            *packed.get_mut(row_start(i) + i)? += share * scale;
        }
        let mut fitted = Self { mean, factor: cholesky(&packed, width)?, shrinkage: share, limit: f64::MAX };
        let distances: Vec<f64> = rows.iter().map(|r| fitted.distance(r)).collect::<Option<_>>()?;
        fitted.limit = quantile_sorted(&sorted(distances), LIMIT_QUANTILE)?;
        Some(fitted)
    }

    /// How far the row is from the training rows' centre, in their own spread; `O(p²/2)`. `None` for another width or a value that is
    /// not finite.
    #[must_use]
    pub fn distance(&self, row: &[f64]) -> Option<f64> {
        if row.len() != self.mean.len() {
            return None;
        }
        let mut solved: Vec<f64> = Vec::with_capacity(row.len());
        for (i, (value, mean)) in row.iter().zip(&self.mean).enumerate() {
            let own = self.factor.get(row_start(i)..=row_start(i) + i)?;
            let (pivot, before) = own.split_last()?;
            let known: f64 = before.iter().zip(&solved).map(|(l, z)| l * z).sum();
            solved.push((value - mean - known) / pivot);
        }
        let square: f64 = solved.iter().map(|z| z * z).sum();
        square.is_finite().then(|| square.sqrt())
    }

    /// Whether the row is farther than 99 % of the training rows. What cannot be measured is strange.
    #[must_use]
    pub fn is_strange(&self, row: &[f64]) -> bool {
        self.distance(row).is_none_or(|d| d > self.limit)
    }

    /// 99 % quantile of the training rows' distance.
    #[must_use]
    pub const fn limit(&self) -> f64 {
        self.limit
    }

    /// Share of the sphere in the covariance.
    #[must_use]
    pub const fn shrinkage(&self) -> f64 {
        self.shrinkage
    }

    /// Number of inputs.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.mean.len()
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let width = self.mean.len();
        width > 0
            && self.factor.len() == row_start(width)
            && self.mean.iter().chain(&self.factor).all(|v| v.is_finite())
            && diagonal(&self.factor, width).all(|d| d > 0.0)
            && (0.0..=1.0).contains(&self.shrinkage)
            && self.limit.is_finite()
            && self.limit > 0.0
    }
}

fn covariance(centred: &[Vec<f64>], width: usize) -> Vec<f64> {
    let mut packed = vec![0.0; row_start(width)];
    for row in centred {
        let mut rest = packed.as_mut_slice();
        for (i, left) in row.iter().enumerate() {
            let Some((own, below)) = rest.split_at_mut_checked(i + 1) else { break };
            own.iter_mut().zip(row).for_each(|(sum, right)| *sum += left * right);
            rest = below;
        }
    }
    let n = centred.len() as f64;
    packed.iter_mut().for_each(|sum| *sum /= n);
    packed
}

/// `None` unless the matrix is positive definite.
fn cholesky(packed: &[f64], width: usize) -> Option<Vec<f64>> {
    let mut factor: Vec<f64> = Vec::with_capacity(packed.len());
    for i in 0..width {
        for j in 0..=i {
            let upper = factor.get(row_start(j)..)?;
            let own = factor.get(row_start(i)..)?;
            let known: f64 = own.iter().zip(upper).take(j).map(|(a, b)| a * b).sum();
            let rest = packed.get(row_start(i) + j)? - known;
            let value = if i == j {
                if rest <= 0.0 {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / factor.get(row_start(j) + j)?
            };
            factor.push(value);
        }
    }
    Some(factor)
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{close_enough, golden, numbers};
    use super::*;
    use crate::domain::random::SplitMix64;

    /// Correlated rows of six columns; the last repeats the first, the fifth is constant.
    fn rows(rng: &mut SplitMix64, n: usize, shift: f64) -> Vec<Vec<f64>> {
        (0..n)
            .map(|_| {
                let common = rng.normal();
                let mut row: Vec<f64> = (0..4).map(|_| 0.7 * common + 0.7 * rng.normal() + shift).collect();
                row.extend([0.0, row[0]]);
                row
            })
            .collect()
    }

    fn refs(rows: &[Vec<f64>]) -> Vec<&[f64]> {
        rows.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn one_in_a_hundred_like_training_and_nearly_all_far_rows() {
        let mut rng = SplitMix64::new(&[21]);
        let fitted = Familiarity::fit(&refs(&rows(&mut rng, 3_000, 0.0))).unwrap();
        assert!(fitted.is_sound() && fitted.width() == 6);
        let strange =
            |rows: &[Vec<f64>]| rows.iter().filter(|r| fitted.is_strange(r)).count() as f64 / rows.len() as f64;
        let (near, far) = (strange(&rows(&mut rng, 4_000, 0.0)), strange(&rows(&mut rng, 500, 8.0)));
        assert!((0.004..0.02).contains(&near), "{near}");
        assert!(far > 0.99, "{far}");
        // Not far in any column, but against how the columns move together.
        assert!(fitted.is_strange(&[2.0, -2.0, 2.0, -2.0, 0.0, 2.0]));
        assert!(!fitted.is_strange(&[2.0, 2.0, 2.0, 2.0, 0.0, 2.0]));
    }

    #[test]
    fn more_columns_than_rows_can_be_fitted() {
        let mut rng = SplitMix64::new(&[22]);
        let wide: Vec<Vec<f64>> = (0..40).map(|_| (0..106).map(|_| rng.normal()).collect()).collect();
        let fitted = Familiarity::fit(&refs(&wide)).unwrap();
        assert!(fitted.is_sound() && fitted.shrinkage() > 0.5, "{}", fitted.shrinkage());
    }

    #[test]
    fn shrinkage_is_ledoit_and_wolfs() {
        // Two columns by hand: X = [±1, ±2] in four rows, covariance diag(1, 4), scale 2.5; from the sphere (17 − 12.5)/2 = 2.25;
        // noise ((1 + 4)² − 17)/(4·2) = 1.
        let rows = [[1.0, 2.0], [-1.0, -2.0], [1.0, -2.0], [-1.0, 2.0]];
        let fitted = Familiarity::fit(&rows.each_ref().map(|r| r.as_slice())).unwrap();
        assert!((fitted.shrinkage() - 1.0 / 2.25).abs() < 1e-12);
        let s = 1.0_f64 / 2.25;
        let expected = (1.0 / (1.0 - s + 2.5 * s) + 4.0 / (4.0 * (1.0 - s) + 2.5 * s)).sqrt();
        assert!((fitted.distance(&[1.0, 2.0]).unwrap() - expected).abs() < 1e-12);
    }

    #[test]
    fn shrinkage_matches_the_reference() {
        let file = golden("portfolio");
        let case = file.case("ledoit_wolf_identity");
        let names = case["inputs"]["returns"].as_object().unwrap().keys();
        let columns: Vec<Vec<f64>> =
            names.map(|name| numbers(&file.series("panel", name)).into_iter().flatten().collect()).collect();
        let rows: Vec<Vec<f64>> = (0..columns[0].len()).map(|i| columns.iter().map(|c| c[i]).collect()).collect();
        let got = Familiarity::fit(&refs(&rows)).unwrap().shrinkage();
        close_enough(Some(got), case["expected"]["shrinkage"].as_f64(), 1e-9, "shrinkage");
    }

    #[test]
    fn survives_a_restart_and_refuses_what_it_cannot_measure() {
        let mut rng = SplitMix64::new(&[23]);
        let train = rows(&mut rng, 200, 0.0);
        let fitted = Familiarity::fit(&refs(&train)).unwrap();
        let back: Familiarity = serde_json::from_str(&serde_json::to_string(&fitted).unwrap()).unwrap();
        let bits = |f: &Familiarity| train.iter().map(|r| f.distance(r).map(f64::to_bits)).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&fitted));
        assert_eq!(fitted.distance(&[0.0]), None);
        assert_eq!(fitted.distance(&[f64::NAN; 6]), None);
        assert!(fitted.is_strange(&[f64::INFINITY; 6]));
        assert_eq!(Familiarity::fit(&[]), None);
        assert_eq!(Familiarity::fit(&[&[1.0], &[1.0]]), None, "nothing moves");
        assert_eq!(Familiarity::fit(&[&[1.0], &[f64::NAN]]), None);
        assert!(!Familiarity { factor: vec![1.0], ..fitted }.is_sound());
    }
}
