//! Judging the calibrated model honestly: at each test block the calibrator and the interval know the earlier blocks only.

use serde::{Deserialize, Serialize};

use super::calibration::{Calibrator, Scored};
use super::conformal;
use super::cv::Fold;
use super::dataset::Dataset;
use super::evidence::Candidate;
use super::numbers::{mean, tidy};
use super::scores::{auc, bins_by_mass, brier, ece, ece_se, log_loss};
use super::walk::OutOfSample;

/// Share of returns that the interval may miss.
pub const ALPHA: f64 = 0.2;
const BINS: usize = 10;

/// How well the calibrated model did out of sample. Blocks from the second on: the first one only teaches the calibrator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Rows judged, and what they are worth.
    pub rows: u64,
    pub n_eff: f64,
    pub brier: f64,
    /// Brier score of always saying the base rate: what a model without skill reaches.
    pub brier_base: f64,
    pub log_loss: f64,
    pub auc: f64,
    /// Over ten bins of equal count.
    pub ece: f64,
    pub ece_se: f64,
    /// Share of returns inside the 80 % interval.
    pub coverage: f64,
    /// Mean confidence, observed rate, count per bin.
    pub reliability: Vec<(f64, f64, u32)>,
}

/// Cross-fitted confidences with their outcomes.
pub struct Crossfit {
    pub candidates: Vec<Candidate>,
    pub metrics: Metrics,
}

/// The score of a row as a calibrator takes it.
#[must_use]
pub fn scored(row: &OutOfSample<'_>) -> Scored {
    Scored { logit: row.logit, win: row.sample.win, weight: row.sample.weight }
}

/// `None` when there is nothing to judge or only one outcome in it.
#[must_use]
pub fn crossfit(rows: &[OutOfSample<'_>], folds: &[Fold]) -> Option<Crossfit> {
    let mut judged: Vec<(&OutOfSample<'_>, f64)> = Vec::new();
    let mut covered = Vec::new();
    for (k, fold) in folds.iter().enumerate().skip(1) {
        // Purged again: a label that reaches into this block is not yet known at its beginning.
        let known = || rows.iter().filter(|r| r.fold < k && r.sample.known.0 < fold.test_from);
        let calibrator = Calibrator::fit(&known().map(scored).collect::<Vec<_>>())?;
        let width = conformal::quantile(&known().map(|r| r.residual).collect::<Vec<_>>(), ALPHA);
        for row in rows.iter().filter(|r| r.fold == k) {
            judged.push((row, calibrator.probability(row.logit)));
            covered.push(f64::from(u8::from(row.residual <= width)));
        }
    }
    let p: Vec<f64> = judged.iter().map(|(_, p)| *p).collect();
    let wins: Vec<bool> = judged.iter().map(|(r, _)| r.sample.win).collect();
    let weights: Vec<f64> = judged.iter().map(|(r, _)| r.sample.weight).collect();
    let base: Vec<f64> = judged.iter().map(|(r, _)| r.base_rate).collect();
    let bins = bins_by_mass(&p, &wins, &weights, BINS);
    let metrics = Metrics {
        rows: p.len() as u64,
        n_eff: tidy(weights.iter().sum()),
        brier: tidy(brier(&p, &wins)?),
        brier_base: tidy(brier(&base, &wins)?),
        log_loss: tidy(log_loss(&p, &wins)?),
        auc: tidy(auc(&p, &wins)?),
        ece: tidy(ece(&bins)?),
        ece_se: tidy(ece_se(&bins)?),
        coverage: tidy(mean(&covered)?),
        reliability: bins
            .iter()
            .map(|b| (tidy(b.confidence), tidy(b.rate), u32::try_from(b.n).unwrap_or(u32::MAX)))
            .collect(),
    };
    let candidates = judged
        .iter()
        .map(|(r, p)| Candidate {
            pair: r.sample.pair,
            at: r.sample.at.0,
            ended: r.sample.ended.0,
            confidence: *p,
            win: r.sample.win,
            net: r.sample.net,
        })
        .collect();
    Some(Crossfit { candidates, metrics })
}

/// Pairs that the dataset holds samples of, by index: what a model can claim to know.
#[must_use]
pub fn pairs_with_samples(data: &Dataset) -> Vec<usize> {
    let mut pairs: Vec<usize> = data.samples.iter().map(|s| s.pair).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}
