//! How good probabilities are: proper scores, ranking, calibration error, and the bounds of an observed rate.

use super::numbers::{mean, ranks};

/// z of a one-sided 90 % bound.
pub const Z90_ONE_SIDED: f64 = 1.281_551_565_544_600_4;

fn outcome(win: bool) -> f64 {
    f64::from(u8::from(win))
}

/// Mean squared distance of probability and outcome.
#[must_use]
pub fn brier(p: &[f64], wins: &[bool]) -> Option<f64> {
    mean(&p.iter().zip(wins).map(|(p, w)| (p - outcome(*w)).powi(2)).collect::<Vec<_>>())
}

/// Mean negative log likelihood; probabilities are held 1e-15 off the ends.
#[must_use]
pub fn log_loss(p: &[f64], wins: &[bool]) -> Option<f64> {
    let one = |(p, w): (&f64, &bool)| {
        let p = p.clamp(1e-15, 1.0 - 1e-15);
        if *w { -p.ln() } else { -(1.0 - p).ln() }
    };
    mean(&p.iter().zip(wins).map(one).collect::<Vec<_>>())
}

/// Probability that a winner scores above a loser, ties half; `None` with one class only.
#[must_use]
pub fn auc(scores: &[f64], wins: &[bool]) -> Option<f64> {
    let won = wins.iter().filter(|w| **w).count() as f64;
    let lost = wins.len() as f64 - won;
    let ranks: f64 = ranks(scores).iter().zip(wins).filter(|(_, w)| **w).map(|(r, _)| r).sum();
    (won > 0.0 && lost > 0.0).then(|| (ranks - won * (won + 1.0) / 2.0) / (won * lost))
}

/// Standard error of an AUC (Hanley, McNeil 1982) for effective class sizes.
#[must_use]
pub fn auc_se(auc: f64, won: f64, lost: f64) -> Option<f64> {
    let q1 = auc / (2.0 - auc) - auc * auc;
    let q2 = 2.0 * auc * auc / (1.0 + auc) - auc * auc;
    (won >= 1.0 && lost >= 1.0)
        .then(|| ((auc * (1.0 - auc) + (won - 1.0) * q1 + (lost - 1.0) * q2) / (won * lost)).max(0.0).sqrt())
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Mean probability.
    pub confidence: f64,
    /// Observed rate.
    pub rate: f64,
    pub n: usize,
    /// Sum of effective weights.
    pub n_eff: f64,
}

/// How probabilities are put into bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binning {
    /// So many bins of equal count (stable sort; the first bins take the remainder).
    Mass(usize),
    /// So many bins of equal width over `0..=1`; empty ones are left out.
    Width(usize),
}

/// One row of a bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    pub p: f64,
    pub win: bool,
    /// Effective observations that the row counts for.
    pub weight: f64,
}

/// The rows of each bin, in the order of the bins; none is empty.
#[must_use]
pub fn members(p: &[f64], wins: &[bool], weights: &[f64], binning: Binning) -> Vec<Vec<Member>> {
    let rows = p.iter().zip(wins).zip(weights).map(|((p, win), weight)| Member { p: *p, win: *win, weight: *weight });
    let mut rows: Vec<Member> = rows.collect();
    let mut bins = match binning {
        Binning::Mass(bins) => {
            rows.sort_by(|a, b| a.p.total_cmp(&b.p));
            let (size, extra) = (rows.len() / bins.max(1), rows.len() % bins.max(1));
            let mut rest = rows.as_slice();
            (0..bins)
                .filter_map(|i| {
                    let (head, tail) = rest.split_at_checked(size + usize::from(i < extra))?;
                    rest = tail;
                    Some(head.to_vec())
                })
                .collect()
        }
        Binning::Width(bins) => {
            let mut sorted = vec![Vec::new(); bins];
            for row in rows {
                let place = ((row.p * bins as f64) as usize).min(bins.saturating_sub(1));
                if let Some(bin) = sorted.get_mut(place) {
                    bin.push(row);
                }
            }
            sorted
        }
    };
    bins.retain(|bin| !bin.is_empty());
    bins
}

fn bin(members: &[Member]) -> Bin {
    let n = members.len();
    Bin {
        confidence: members.iter().map(|m| m.p).sum::<f64>() / n as f64,
        rate: members.iter().map(|m| outcome(m.win)).sum::<f64>() / n as f64,
        n,
        n_eff: members.iter().map(|m| m.weight).sum(),
    }
}

/// Bins of equal count. `weights` are effective observations per row.
#[must_use]
pub fn bins_by_mass(p: &[f64], wins: &[bool], weights: &[f64], bins: usize) -> Vec<Bin> {
    members(p, wins, weights, Binning::Mass(bins)).iter().map(|m| bin(m)).collect()
}

/// Bins of equal width over `0..=1`; empty ones are left out. `weights` are effective observations per row.
#[must_use]
pub fn bins_by_width(p: &[f64], wins: &[bool], weights: &[f64], bins: usize) -> Vec<Bin> {
    members(p, wins, weights, Binning::Width(bins)).iter().map(|m| bin(m)).collect()
}

/// Expected calibration error: mean distance of confidence and rate, weighted by count.
#[must_use]
pub fn ece(bins: &[Bin]) -> Option<f64> {
    let n: usize = bins.iter().map(|b| b.n).sum();
    (n > 0).then(|| bins.iter().map(|b| b.n as f64 * (b.confidence - b.rate).abs()).sum::<f64>() / n as f64)
}

/// Maximum calibration error: the largest distance of confidence and rate in any bin.
#[must_use]
pub fn mce(bins: &[Bin]) -> Option<f64> {
    bins.iter().map(|b| (b.confidence - b.rate).abs()).reduce(f64::max)
}

/// Standard error of the [`ece`] from the binomial error of each bin's rate on its effective size (rates are pulled towards
/// one half by one success and one failure, so that a full bin does not claim to be exact).
#[must_use]
pub fn ece_se(bins: &[Bin]) -> Option<f64> {
    let n: usize = bins.iter().map(|b| b.n).sum();
    let variance: f64 = bins
        .iter()
        .map(|b| {
            let rate = (b.rate * b.n_eff + 1.0) / (b.n_eff + 2.0);
            (b.n as f64 / n as f64).powi(2) * rate * (1.0 - rate) / b.n_eff.max(1.0)
        })
        .sum();
    (n > 0).then(|| variance.sqrt())
}

/// Wilson score interval of a rate observed on `n` (effective) trials; `None` for no trials. For a one-sided bound use one end
/// with [`Z90_ONE_SIDED`].
#[must_use]
pub fn wilson(rate: f64, n: f64, z: f64) -> Option<(f64, f64)> {
    if !(n > 0.0 && (0.0..=1.0).contains(&rate)) {
        return None;
    }
    let zz = z * z;
    let centre = (rate + zz / (2.0 * n)) / (1.0 + zz / n);
    let half = z / (1.0 + zz / n) * (rate * (1.0 - rate) / n + zz / (4.0 * n * n)).sqrt();
    Some(((centre - half).max(0.0), (centre + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gates_own_yardsticks() {
        // 25 of 30 and 76 of 100 reach 0.70, one less does not.
        let lower = |k: f64, n: f64| wilson(k / n, n, Z90_ONE_SIDED).unwrap().0;
        assert!(lower(25.0, 30.0) >= 0.70 && lower(24.0, 30.0) < 0.70);
        assert!(lower(76.0, 100.0) >= 0.70 && lower(75.0, 100.0) < 0.70);
    }

    #[test]
    fn nothing_measured_is_nothing_known() {
        assert_eq!(brier(&[], &[]), None);
        assert_eq!(auc(&[0.5, 0.6], &[true, true]), None);
        assert_eq!(ece(&[]), None);
        assert_eq!(ece_se(&[]), None);
        assert_eq!(wilson(0.5, 0.0, 1.96), None);
        assert!(bins_by_mass(&[], &[], &[], 10).is_empty());
        assert_eq!(mce(&[]), None);
        assert_eq!(bins_by_mass(&[0.1, 0.2, 0.3], &[true; 3], &[1.0; 3], 10).len(), 3);
    }
}
