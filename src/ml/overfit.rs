//! How much of a Sharpe ratio is luck: probabilistic and deflated Sharpe, minimum track record, probability of backtest overfitting.
//!
//! Sharpe ratios here are per bar, not annualised; kurtosis is not in excess (normal: 3).

use serde::{Deserialize, Serialize};

use super::distributions::{normal_cdf, normal_quantile};
use super::numbers::{combinations, mean, variance};

const EULER: f64 = 0.577_215_664_901_532_9;

/// What a series of per-bar returns says about its Sharpe ratio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// Mean over sd (ddof 1), per bar.
    pub sharpe: f64,
    /// Bars. Where returns overlap: the effective number.
    pub n: f64,
    pub skewness: f64,
    pub kurtosis: f64,
}

impl Track {
    /// `None` for fewer than two returns, constant or undefined ones.
    #[must_use]
    pub fn of(returns: &[f64]) -> Option<Self> {
        let centre = mean(returns)?;
        // What is left of a constant is rounding.
        let sd = variance(returns).map(f64::sqrt).filter(|sd| *sd > 1e-12 * centre.abs())?;
        let moment = |power: i32| mean(&returns.iter().map(|r| (r - centre).powi(power)).collect::<Vec<_>>());
        let second = moment(2)?;
        let track = Self {
            sharpe: centre / sd,
            n: returns.len() as f64,
            skewness: moment(3)? / second.powf(1.5),
            kurtosis: moment(4)? / second.powi(2),
        };
        track.is_sound().then_some(track)
    }

    /// Whether the numbers can be those of a series.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let all = [self.sharpe, self.n, self.skewness, self.kurtosis];
        all.iter().all(|v| v.is_finite()) && self.n > 1.0 && self.kurtosis >= 1.0
    }

    /// Variance of the estimated Sharpe ratio times `n − 1` (Mertens 2002).
    fn spread(&self) -> Option<f64> {
        let spread = 1.0 - self.skewness * self.sharpe + (self.kurtosis - 1.0) / 4.0 * self.sharpe.powi(2);
        (spread > 0.0).then_some(spread)
    }

    /// Probability that the true Sharpe ratio is above `benchmark` (Bailey, López de Prado 2012).
    #[must_use]
    pub fn probabilistic_sharpe(&self, benchmark: f64) -> Option<f64> {
        let z = (self.sharpe - benchmark) * (self.n - 1.0).sqrt() / self.spread()?.sqrt();
        z.is_finite().then(|| normal_cdf(z))
    }

    /// Bars after which this Sharpe ratio is above `benchmark` at `confidence`; `None` when it is not above it at all.
    #[must_use]
    pub fn min_length(&self, benchmark: f64, confidence: f64) -> Option<f64> {
        let z = normal_quantile(confidence)?;
        let lead = self.sharpe - benchmark;
        (lead > 0.0).then_some(1.0 + self.spread()? * (z / lead).powi(2))
    }

    /// Probability that the true Sharpe ratio is above what the best of `trials` worthless ones would show (Bailey, López de
    /// Prado 2014). `variance` is that of the Sharpe ratios of all trials.
    #[must_use]
    pub fn deflated_sharpe(&self, variance: f64, trials: f64) -> Option<f64> {
        self.probabilistic_sharpe(best_of_noise(variance, trials)?)
    }
}

/// Variance of the Sharpe ratios of several trials; `None` for fewer than two.
#[must_use]
pub fn sharpe_variance(sharpes: &[f64]) -> Option<f64> {
    variance(sharpes)
}

/// Expected largest Sharpe ratio of `trials` whose true one is 0 and whose estimates scatter with `variance`; 0 for a single trial.
#[must_use]
pub fn best_of_noise(variance: f64, trials: f64) -> Option<f64> {
    if !(variance >= 0.0 && trials >= 1.0) {
        return None;
    }
    if trials == 1.0 {
        return Some(0.0);
    }
    let most = normal_quantile(1.0 - 1.0 / trials)?;
    let next = normal_quantile(1.0 - 1.0 / (trials * std::f64::consts::E))?;
    Some((variance.sqrt() * ((1.0 - EULER) * most + EULER * next)).max(0.0))
}

/// Result of a combinatorially symmetric cross-validation.
#[derive(Debug, Clone, PartialEq)]
pub struct Overfitting {
    /// Share of the splits in which the best of the one half ranks at or below the median of the other.
    pub pbo: f64,
    /// Per split: log odds of the relative rank that the in-sample best has out of sample.
    pub logits: Vec<f64>,
    /// Share of the splits in which the in-sample best loses out of sample.
    pub loss: f64,
    /// Slope of out-of-sample on in-sample Sharpe ratio of the best; `None` when the latter never changes.
    pub slope: Option<f64>,
}

/// Sums over one block, or several, of one configuration.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn add(self, other: Self) -> Self {
        Self { n: self.n + other.n, sum: self.sum + other.sum, squares: self.squares + other.squares }
    }

    /// A series that never moves (always flat) has neither gain nor risk and ranks at 0.
    fn sharpe(self) -> f64 {
        let centre = self.sum / self.n;
        let variance = (self.squares - centre * self.sum) / (self.n - 1.0);
        // Below this share of the squares it is rounding.
        if variance * self.n > 1e-12 * self.squares { centre / variance.sqrt() } else { 0.0 }
    }
}

/// Probability of backtest overfitting by CSCV (Bailey, Borwein, López de Prado, Zhu 2017). `performance` holds per bar the
/// return of each configuration; it is cut into `blocks` (even, 2..=16) equal runs, the oldest bars that do not fill one are left
/// out, and each half of the runs judges the best of the other. `None` for fewer than two configurations or two bars per
/// run, ragged rows or undefined returns.
#[must_use]
pub fn backtest_overfitting(performance: &[Vec<f64>], blocks: usize) -> Option<Overfitting> {
    let width = performance.first()?.len();
    let length = performance.len().checked_div(blocks)?;
    let defined = |row: &Vec<f64>| row.len() == width && row.iter().all(|v| v.is_finite());
    if !(2..=16).contains(&blocks) || blocks % 2 == 1 || width < 2 || length < 2 || !performance.iter().all(defined) {
        return None;
    }
    let used = performance.get(performance.len() - length * blocks..)?;
    let runs: Vec<Vec<Sums>> = used.chunks(length).map(|rows| sums(rows, width)).collect();
    let mut logits = Vec::new();
    let mut best: Vec<(f64, f64)> = Vec::new();
    for half in combinations(blocks, blocks / 2) {
        let (mut inside, mut outside) = (vec![Sums::default(); width], vec![Sums::default(); width]);
        for (i, run) in runs.iter().enumerate() {
            let side = if half.contains(&i) { &mut inside } else { &mut outside };
            side.iter_mut().zip(run).for_each(|(total, one)| *total = total.add(*one));
        }
        let (chosen, seen) = first_best(inside.iter().map(|s| s.sharpe()))?;
        let truth = outside.get(chosen)?.sharpe();
        let others = || outside.iter().map(|s| s.sharpe());
        let (below, same) = (others().filter(|v| *v < truth).count(), others().filter(|v| *v == truth).count());
        let rank = (below as f64 + f64::midpoint(same as f64, 1.0)) / (width as f64 + 1.0);
        logits.push((rank / (1.0 - rank)).ln());
        best.push((seen, truth));
    }
    let share = |count: usize| count as f64 / best.len() as f64;
    Some(Overfitting {
        pbo: share(logits.iter().filter(|l| **l <= 0.0).count()),
        loss: share(best.iter().filter(|(_, truth)| *truth < 0.0).count()),
        slope: slope(&best),
        logits,
    })
}

fn sums(rows: &[Vec<f64>], width: usize) -> Vec<Sums> {
    let mut out = vec![Sums::default(); width];
    for row in rows {
        for (total, v) in out.iter_mut().zip(row) {
            *total = total.add(Sums { n: 1.0, sum: *v, squares: v * v });
        }
    }
    out
}

fn first_best(values: impl Iterator<Item = f64>) -> Option<(usize, f64)> {
    values.enumerate().reduce(|best, one| if one.1 > best.1 { one } else { best })
}

fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let mx = mean(&points.iter().map(|p| p.0).collect::<Vec<_>>())?;
    let my = mean(&points.iter().map(|p| p.1).collect::<Vec<_>>())?;
    let (xy, xx) = points.iter().fold((0.0, 0.0), |(xy, xx), (x, y)| (xy + (x - mx) * (y - my), xx + (x - mx).powi(2)));
    (xx > 0.0).then(|| xy / xx)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::random::SplitMix64;

    fn noise(rows: usize, width: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut rng = SplitMix64::new(&[seed]);
        (0..rows).map(|_| (0..width).map(|_| rng.normal()).collect()).collect()
    }

    #[test]
    fn real_skill_is_not_called_overfitting() {
        let mut table = noise(400, 20, 3);
        table.iter_mut().for_each(|row| row[7] += 0.5);
        let found = backtest_overfitting(&table, 8).unwrap();
        assert!(found.pbo < 0.01 && found.loss < 0.01, "{} {}", found.pbo, found.loss);
    }

    #[test]
    fn one_trial_is_not_deflated_and_many_are() {
        let track = Track { sharpe: 0.1, n: 500.0, skewness: 0.0, kurtosis: 3.0 };
        assert_eq!(track.deflated_sharpe(0.01, 1.0), track.probabilistic_sharpe(0.0));
        assert!(track.deflated_sharpe(0.01, 100.0) < track.deflated_sharpe(0.01, 10.0));
        assert_eq!(track.deflated_sharpe(f64::NAN, 10.0), None);
        assert_eq!(track.deflated_sharpe(0.01, 0.0), None);
    }

    #[test]
    fn what_is_no_series_has_no_track() {
        for returns in [&[][..], &[0.1], &[0.1, 0.1, 0.1], &[0.1, f64::NAN, 0.2]] {
            assert_eq!(Track::of(returns), None, "{returns:?}");
        }
        assert_eq!(backtest_overfitting(&[], 8), None);
        assert_eq!(backtest_overfitting(&noise(64, 4, 1), 7), None);
        assert_eq!(backtest_overfitting(&noise(64, 4, 1), 0), None);
        assert_eq!(backtest_overfitting(&noise(15, 4, 1), 8), None);
        assert_eq!(backtest_overfitting(&noise(64, 1, 1), 8), None);
        let mut ragged = noise(64, 4, 1);
        ragged[3].pop();
        assert_eq!(backtest_overfitting(&ragged, 8), None);
    }

    proptest! {
        #[test]
        fn the_probability_of_overfitting_is_one(rows in 16_usize..80, width in 2_usize..8, seed in any::<u64>()) {
            let found = backtest_overfitting(&noise(rows, width, seed), 8).unwrap();
            prop_assert!((0.0..=1.0).contains(&found.pbo) && (0.0..=1.0).contains(&found.loss));
            prop_assert_eq!(found.logits.len(), 70);
            prop_assert!(found.logits.iter().all(|l| l.is_finite()));
        }
    }
}
