//! How much one feature alone says about a target.

use super::super::distributions::{f_tail, student_p};
use super::super::numbers::{correlation, quantile_sorted, sorted, spearman};

/// Newey-West lags per block: the Bartlett kernel halves what lies half its length away, so that with one block of lag a third of
/// the variance of a mean of overlapping labels would be missing; with two, a sixth.
const LAG_BLOCKS: usize = 2;

/// F statistic and p-value of the regression of the target on the feature, for independent rows. `None` when either is constant.
#[must_use]
pub fn f_regression(feature: &[f64], target: &[f64]) -> Option<(f64, f64)> {
    let degrees = feature.len() as f64 - 2.0;
    let r = correlation(feature, target)?;
    let f = r * r / (1.0 - r * r) * degrees;
    Some((f, f_tail(f, 1.0, degrees)?))
}

/// Spearman's rank correlation and its two-sided p-value by Student's t, for independent rows.
#[must_use]
pub fn spearman_p(feature: &[f64], target: &[f64]) -> Option<(f64, f64)> {
    let degrees = feature.len() as f64 - 2.0;
    let r = spearman(feature, target)?;
    Some((r, student_p(r * (degrees / (1.0 - r * r)).sqrt(), degrees)?))
}

/// Mutual information in nats of two variables in `bins` quantile bins each (type-7 edges; a value's bin is the number of inner
/// edges that it reaches). A plug-in estimate: independent variables score about `(bins−1)²/2n`, not 0.
#[must_use]
pub fn mutual_information(feature: &[f64], target: &[f64], bins: usize) -> Option<f64> {
    if feature.len() != target.len() || bins == 0 {
        return None;
    }
    let (a, b) = (binned(feature, bins)?, binned(target, bins)?);
    let (mut joint, mut left, mut right) = (vec![0_u32; bins * bins], vec![0_u32; bins], vec![0_u32; bins]);
    for (i, j) in a.iter().zip(&b) {
        *joint.get_mut(i * bins + j)? += 1;
        *left.get_mut(*i)? += 1;
        *right.get_mut(*j)? += 1;
    }
    let n = a.len() as f64;
    let cells = joint.chunks(bins).zip(&left).flat_map(|(row, l)| row.iter().zip(&right).map(move |(c, r)| (c, l, r)));
    let one = |(c, l, r): (&u32, &u32, &u32)| {
        let c = f64::from(*c);
        if c == 0.0 { 0.0 } else { c / n * (c * n / (f64::from(*l) * f64::from(*r))).ln() }
    };
    Some(cells.map(one).sum::<f64>().max(0.0))
}

fn binned(values: &[f64], bins: usize) -> Option<Vec<usize>> {
    let ascending = sorted(values.to_vec());
    let edges: Option<Vec<f64>> = (1..bins).map(|i| quantile_sorted(&ascending, i as f64 / bins as f64)).collect();
    let edges = edges.filter(|_| !values.is_empty())?;
    Some(values.iter().map(|v| edges.partition_point(|e| e <= v)).collect())
}

/// How far rows that stand in order of time depend on their neighbours.
#[derive(Debug, Clone, Copy)]
pub struct Dependence {
    /// Rows within which labels overlap: at least the horizon, times the rows per instant.
    pub block: usize,
    /// Effective number of independent labels.
    pub n_eff: f64,
}

impl Dependence {
    /// Correlation of two columns of mean 0 and its two-sided p-value that holds for overlapping labels: Newey-West standard error
    /// of the regression slope with the Bartlett kernel, Student's t with no more degrees of freedom than the effective sample
    /// size or the kernel (`1.5·n/lag`, Priestley 1981) leaves. `None` when a column is constant or there are too few blocks.
    ///
    /// The order of the rows is time; rows of several pairs at one instant stand together and count in [`Dependence::block`].
    #[must_use]
    pub fn correlation_p(&self, feature: &[f32], target: &[f64]) -> Option<(f64, f64)> {
        let n = feature.len();
        let lag = self.block.saturating_mul(LAG_BLOCKS).max(1);
        let degrees = self.n_eff.min(1.5 * n as f64 / lag as f64) - 2.0;
        if n != target.len() || degrees < 1.0 {
            return None;
        }
        let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
        for (x, y) in feature.iter().zip(target) {
            let x = f64::from(*x);
            xy += x * y;
            xx += x * x;
            yy += y * y;
        }
        if !(xx > 0.0 && yy > 0.0) {
            return None;
        }
        let slope = xy / xx;
        let score = |(x, y): (&f32, &f64)| f64::from(*x) * (y - slope * f64::from(*x));
        let variance = bartlett(feature.iter().zip(target).map(score), n, lag)?;
        let p = if variance > 0.0 { student_p(slope * xx / variance.sqrt(), degrees)? } else { 0.0 };
        Some((xy / (xx * yy).sqrt(), p))
    }
}

/// Variance of the sum of `n` serially dependent terms of mean 0: `Σ|j|≤lag (1 − |j|/(lag+1))·Σ u(t)·u(t+j)`. Computed in one pass
/// as the mean square of all sums over windows of `lag + 1` terms, to which the Bartlett kernel is equal.
pub(crate) fn bartlett(terms: impl Iterator<Item = f64>, n: usize, lag: usize) -> Option<f64> {
    let window = lag.checked_add(1)?;
    let mut sums = Vec::with_capacity(n + 1);
    let mut sum = 0.0;
    sums.push(0.0);
    for term in terms {
        sum += term;
        sums.push(sum);
    }
    // Windows that reach beyond either end hold what is inside.
    let ends = sums.iter().skip(1).chain(std::iter::repeat_n(&sum, window - 1));
    let begins = std::iter::repeat_n(&0.0, window - 1).chain(&sums);
    let total: f64 = ends.zip(begins).map(|(end, begin)| (end - begin).powi(2)).sum();
    Some(total / window as f64)
}

#[cfg(test)]
mod tests {
    use super::super::super::numbers::mean;
    use super::*;
    use crate::domain::random::SplitMix64;

    /// Share of rejections at 5 % of a persistent feature against an unrelated target that overlaps over 24 rows.
    fn size(p: impl Fn(&[f64], &[f64]) -> f64) -> f64 {
        let runs = 300;
        let rejected = (0..runs)
            .filter(|seed| {
                let mut rng = SplitMix64::new(&[*seed, 9]);
                let noise: Vec<f64> = (0..2_023).map(|_| rng.normal()).collect();
                let target: Vec<f64> = noise.windows(24).map(|w| w.iter().sum()).collect();
                let mut state = 0.0;
                let feature: Vec<f64> = target
                    .iter()
                    .map(|_| {
                        state = 0.95 * state + rng.normal();
                        state
                    })
                    .collect();
                let centred = |v: &[f64]| v.iter().map(|x| x - mean(v).unwrap()).collect::<Vec<f64>>();
                p(&centred(&feature), &centred(&target)) < 0.05
            })
            .count();
        rejected as f64 / runs as f64
    }

    #[test]
    fn overlap_deceives_the_plain_test_and_not_this_one() {
        let plain = size(|x, y| f_regression(x, y).unwrap().1);
        let honest = size(|x, y| {
            let x: Vec<f32> = x.iter().map(|v| *v as f32).collect();
            Dependence { block: 24, n_eff: 2_000.0 / 24.0 }.correlation_p(&x, y).unwrap().1
        });
        assert!(plain > 0.3, "{plain}");
        assert!(honest < 0.09, "{honest}");
    }

    #[test]
    fn nothing_known_is_none() {
        let dependence = Dependence { block: 1, n_eff: 50.0 };
        assert_eq!(dependence.correlation_p(&[0.0; 50], &[1.0; 50]), None);
        assert_eq!(dependence.correlation_p(&[1.0], &[1.0]), None);
        assert_eq!(f_regression(&[1.0, 1.0, 1.0, 1.0], &[1.0, 2.0, 3.0, 5.0]), None);
        assert_eq!(mutual_information(&[], &[], 8), None);
        assert_eq!(mutual_information(&[1.0], &[1.0], 0), None);
    }
}
