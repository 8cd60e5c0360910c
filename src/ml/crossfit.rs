//! Judging the calibrated model honestly: at each test block the calibrator and the interval know the earlier blocks only.

use serde::{Deserialize, Serialize};

use super::calibration::{Calibrator, Scored};
use super::calibration::{Dated, choose};
use super::conformal::cqr::Bands;
use super::cv::Fold;
use super::dataset::{Dataset, Sample};
use super::evidence::Candidate;
use super::numbers::{mean, spearman, tidy};
use super::scores::{auc, bins_by_mass, brier, ece, ece_se, log_loss};
use super::walk::{Combination, OutOfSample, combination};

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
    /// Log loss of always saying the base rate.
    pub log_loss_base: f64,
    pub auc: f64,
    /// Over ten bins of equal count.
    pub ece: f64,
    pub ece_se: f64,
    /// Share of returns inside the 80 % and the 90 % band.
    pub coverage: f64,
    pub coverage90: f64,
    /// Rank correlation of the return forecast with what came; `None` where a forecast never moves.
    pub ic: Option<f64>,
    /// Mean confidence, observed rate, count per bin.
    pub reliability: Vec<(f64, f64, u32)>,
}

/// A row with what was said of it, everything learned before its block.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    pub sample: &'a Sample<'a>,
    pub fold: usize,
    pub confidence: f64,
    pub base_rate: f64,
    /// Return forecast in units of `σ24·√H`.
    pub forecast: f64,
    /// Whether the 80 % and the 90 % band held the return.
    pub in_eighty: bool,
    pub in_ninety: bool,
}

/// Cross-fitted confidences with their outcomes.
pub struct Crossfit<'a> {
    pub judged: Vec<Judged<'a>>,
    pub metrics: Metrics,
}

impl Judged<'_> {
    /// The row as the gate's evidence takes it.
    #[must_use]
    pub const fn candidate(&self) -> Candidate {
        Candidate {
            pair: self.sample.pair,
            at: self.sample.at.0,
            known: self.sample.known.0,
            confidence: self.confidence,
            win: self.sample.win,
            net: self.sample.net,
        }
    }
}

/// The scores of rows as the choice of a calibrator takes them. All are scored by the combination that the calibrator will be used with: one that
/// was fitted on votes of another would map them to frequencies that they never had.
#[must_use]
pub fn dated<'r, 'a: 'r>(rows: impl Iterator<Item = &'r OutOfSample<'a>>, combination: &Combination) -> Vec<Dated> {
    rows.filter_map(|row| {
        Some(Dated {
            scored: Scored { logit: combination.vote(row)?.logit, win: row.sample.win, weight: row.sample.weight },
            at: row.sample.at,
            known: row.sample.known,
            block: u32::try_from(row.fold).unwrap_or(u32::MAX),
        })
    })
    .collect()
}

/// The bands that hold, from rows judged out of sample.
#[must_use]
pub fn bands<'r, 'a: 'r>(rows: impl Iterator<Item = &'r OutOfSample<'a>>) -> Bands {
    Bands::fit(&rows.map(|r| (r.quantiles, r.sample.scaled_return, r.sample.weight)).collect::<Vec<_>>())
}

/// Rows with what a combination, calibrator and bands from before them say.
pub fn judged_by<'r, 'a: 'r>(
    rows: impl Iterator<Item = &'r OutOfSample<'a>>,
    combination: &Combination,
    calibrator: &Calibrator,
    bands: &Bands,
) -> Vec<Judged<'a>> {
    rows.filter_map(|row| {
        let came = row.sample.scaled_return;
        // Without a finite band everything lies within.
        let holds = |band: Option<(f64, f64)>| band.is_none_or(|(low, high)| (low..=high).contains(&came));
        Some(Judged {
            sample: row.sample,
            fold: row.fold,
            confidence: calibrator.probability(combination.vote(row)?.logit),
            base_rate: row.base_rate,
            forecast: combination.forecast(row),
            in_eighty: holds(bands.eighty(row.quantiles)),
            in_ninety: holds(bands.ninety(row.quantiles)),
        })
    })
    .collect()
}

/// `None` when there is nothing to judge or only one outcome in it.
#[must_use]
pub fn crossfit<'a>(rows: &[OutOfSample<'a>], folds: &[Fold]) -> Option<Crossfit<'a>> {
    let mut judged: Vec<Judged<'a>> = Vec::new();
    for (k, fold) in folds.iter().enumerate().skip(1) {
        // Purged again: a label that reaches into this block is not yet known at its beginning.
        let known = || rows.iter().filter(|r| r.fold < k && r.sample.known.0 < fold.test_from);
        let combination = combination(known())?;
        let calibrator = choose(&dated(known(), &combination))?.calibrator;
        let widened = bands(known());
        judged.extend(judged_by(rows.iter().filter(|r| r.fold == k), &combination, &calibrator, &widened));
    }
    let metrics = metrics(&judged)?;
    Some(Crossfit { judged, metrics })
}

/// How well a set of rows was judged; `None` when it is empty or holds one outcome only.
#[must_use]
pub fn metrics(judged: &[Judged<'_>]) -> Option<Metrics> {
    let of = |value: fn(&Judged<'_>) -> f64| judged.iter().map(value).collect::<Vec<f64>>();
    let flag = |inside: bool| f64::from(u8::from(inside));
    let (p, base, weights) = (of(|j| j.confidence), of(|j| j.base_rate), of(|j| j.sample.weight));
    let wins: Vec<bool> = judged.iter().map(|j| j.sample.win).collect();
    let bins = bins_by_mass(&p, &wins, &weights, BINS);
    Some(Metrics {
        rows: p.len() as u64,
        n_eff: tidy(weights.iter().sum()),
        brier: tidy(brier(&p, &wins)?),
        brier_base: tidy(brier(&base, &wins)?),
        log_loss: tidy(log_loss(&p, &wins)?),
        log_loss_base: tidy(log_loss(&base, &wins)?),
        auc: tidy(auc(&p, &wins)?),
        ece: tidy(ece(&bins)?),
        ece_se: tidy(ece_se(&bins)?),
        coverage: tidy(mean(&judged.iter().map(|j| flag(j.in_eighty)).collect::<Vec<_>>())?),
        coverage90: tidy(mean(&judged.iter().map(|j| flag(j.in_ninety)).collect::<Vec<_>>())?),
        ic: spearman(&of(|j| j.forecast), &of(|j| j.sample.scaled_return)).map(tidy),
        reliability: bins
            .iter()
            .map(|b| (tidy(b.confidence), tidy(b.rate), u32::try_from(b.n).unwrap_or(u32::MAX)))
            .collect(),
    })
}

/// Pairs that the dataset holds samples of, by index: what a model can claim to know.
#[must_use]
pub fn pairs_with_samples(data: &Dataset<'_>) -> Vec<usize> {
    let mut pairs: Vec<usize> = data.samples.iter().map(|s| s.pair).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}
