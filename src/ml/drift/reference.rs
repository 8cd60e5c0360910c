//! What a model saw and how it did at training: the side of every comparison that stays with the model.

use serde::{Deserialize, Serialize};

use super::control::{self, Control};
use super::distance::{ascending, counts, inner_edges};
use crate::domain::UtcMs;
use crate::domain::time::HOUR_MS;
use crate::ml::numbers::{correlation, mean, tidy, variance};

/// Bins of the stability index.
pub const BINS: usize = 10;
/// Values kept of a feature: thinning moves no distribution function by more than 1/(2·KEPT).
pub const KEPT: usize = 500;
/// Fewer values than this are no reference.
const LEAST: usize = 50;
/// The autocorrelation of a loss is held below this, so that whitening cannot blow up.
const PERSISTENCE_MAX: f64 = 0.99;

/// A feature over the training rows, in any order: time and value. Several pairs may share an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureHistory {
    pub feature: String,
    pub values: Vec<(UtcMs, f64)>,
}

/// A feature's distribution at training. Values are single precision; what is compared with them is rounded likewise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureReference {
    feature: String,
    /// At most [`KEPT`] values at equal steps of rank, ascending.
    sample: Vec<f32>,
    /// Inner decile edges, ascending, and the training rows in each bin.
    edges: Vec<f32>,
    counts: Vec<u64>,
    /// Sample sd; 0 when the feature did not vary.
    sd: f64,
    n: u64,
    n_eff: f64,
    /// Instants with data, on the grid on which rows come in use, that are worth one independent value.
    instants_per_value: f64,
}

impl FeatureReference {
    /// `None` with fewer than 50 finite values. `spacing` is the hours between two instants in use.
    #[must_use]
    pub fn of(history: &FeatureHistory, spacing: u32) -> Option<Self> {
        let mut rows: Vec<(UtcMs, f64)> =
            history.values.iter().copied().filter(|(_, v)| rounded(*v).is_some()).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let values = ascending(rows.iter().filter_map(|(_, v)| rounded(*v)).map(f64::from));
        if values.len() < LEAST {
            return None;
        }
        let edges: Vec<f32> = inner_edges(&values, BINS)?.into_iter().map(|e| e as f32).collect();
        let n = values.len() as f64;
        let n_eff = effective(&rows).unwrap_or(1.0);
        let hours = rows.first().zip(rows.last()).map_or(1.0, |(a, b)| b.0.since(a.0) as f64 / HOUR_MS as f64 + 1.0);
        Some(Self {
            feature: history.feature.clone(),
            sample: thinned(&values, KEPT).into_iter().map(|v| v as f32).collect(),
            counts: counts(&edges.iter().map(|e| f64::from(*e)).collect::<Vec<_>>(), values.iter().copied()),
            edges,
            sd: tidy(variance(&values)?.sqrt()),
            n: values.len() as u64,
            n_eff: tidy(n_eff.min(n)),
            instants_per_value: tidy(hours / n_eff / f64::from(spacing.max(1))),
        })
    }

    #[must_use]
    pub fn feature(&self) -> &str {
        &self.feature
    }

    /// Kept values, ascending.
    #[must_use]
    pub fn sample(&self) -> Vec<f64> {
        self.sample.iter().map(|v| f64::from(*v)).collect()
    }

    #[must_use]
    pub fn edges(&self) -> Vec<f64> {
        self.edges.iter().map(|v| f64::from(*v)).collect()
    }

    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    #[must_use]
    pub const fn sd(&self) -> f64 {
        self.sd
    }

    #[must_use]
    pub const fn n_eff(&self) -> f64 {
        self.n_eff
    }

    /// Independent values among `rows` of a window that has data at `instants` instants, if nothing has changed since training.
    #[must_use]
    pub fn worth(&self, rows: usize, instants: usize) -> f64 {
        (instants as f64 / self.instants_per_value).min(rows as f64)
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        let finite = self.sample.iter().chain(&self.edges).all(|v| v.is_finite());
        let n = self.n as f64;
        finite
            && (LEAST.min(KEPT)..=KEPT).contains(&self.sample.len())
            && self.sample.is_sorted()
            && self.edges.len() == BINS - 1
            && self.edges.is_sorted()
            && self.counts.len() == BINS
            && self.counts.iter().sum::<u64>() == self.n
            && self.sd >= 0.0
            && self.sd.is_finite()
            && self.n_eff > 0.0
            && self.n_eff <= n
            && self.instants_per_value > 0.0
            && self.instants_per_value.is_finite()
    }
}

/// A value as the reference keeps it; `None` when it is not finite.
#[must_use]
pub fn rounded(value: f64) -> Option<f32> {
    let single = value as f32;
    single.is_finite().then_some(single)
}

/// Values at equal steps of rank, at most `keep` of them.
pub(super) fn thinned(sorted: &[f64], keep: usize) -> Vec<f64> {
    if sorted.len() <= keep {
        return sorted.to_vec();
    }
    let step = sorted.len() as f64 / keep as f64;
    (0..keep).filter_map(|i| sorted.get(((i as f64 + 0.5) * step) as usize)).copied().collect()
}

/// Independent values that rows in time order are worth for their mean: variance of a row over that of the mean, where rows of one
/// instant are taken together and instants are correlated (Kish 1965 for the first, Geyer 1992 for the second).
fn effective(rows: &[(UtcMs, f64)]) -> Option<f64> {
    let all: Vec<f64> = rows.iter().map(|r| r.1).collect();
    let instants: Vec<f64> =
        rows.chunk_by(|a, b| a.0 == b.0).filter_map(|c| mean(&c.iter().map(|r| r.1).collect::<Vec<_>>())).collect();
    let (whole, between) = (variance(&all)?, variance(&instants)?);
    if whole <= 0.0 || between <= 0.0 {
        // What never moved says nothing about how it moves.
        return Some(1.0);
    }
    let of_mean = between * correlation_time(&instants) / instants.len() as f64;
    Some((whole / of_mean).max(1.0))
}

/// 1 + 2 Σ autocorrelations, summed in pairs while these are above 0 (Geyer's initial positive sequence); at least 1.
#[must_use]
pub fn correlation_time(row: &[f64]) -> f64 {
    let (Some(m), n) = (mean(row), row.len()) else { return 1.0 };
    let at = |lag: usize| row.iter().zip(row.iter().skip(lag)).map(|(a, b)| (a - m) * (b - m)).sum::<f64>() / n as f64;
    let whole = at(0);
    if whole <= 0.0 {
        return 1.0;
    }
    let mut sum = 0.0;
    for pair in 0..n / 8 {
        let both = at(2 * pair) + at(2 * pair + 1);
        if both <= 0.0 {
            break;
        }
        sum += both / whole;
    }
    (2.0 * sum - 1.0).max(1.0)
}

/// How the out-of-sample loss of a model behaved at training, instant by instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossReference {
    mean: f64,
    sd: f64,
    /// Hours from one loss to the next.
    spacing: u32,
    /// Correlation of one loss with the next.
    persistence: f64,
    /// Losses that are worth one independent value.
    losses_per_value: f64,
    /// Threshold of Page-Hinkley on the whitened loss: one false alarm per 90 days.
    page_hinkley: f64,
    n: u64,
}

impl LossReference {
    /// From the mean loss of each instant, in time order, `spacing` hours apart. `None` with fewer than 50 losses, when one is not finite, or when they do not vary.
    #[must_use]
    pub fn of(losses: &[f64], spacing: u32, control: &Control) -> Option<Self> {
        if losses.len() < LEAST || losses.iter().any(|l| !l.is_finite()) {
            return None;
        }
        let (mean, sd) = (mean(losses)?, variance(losses)?.sqrt());
        if sd <= 1e-9 * (1.0 + mean.abs()) {
            return None;
        }
        let before = losses.split_last()?.1;
        let persistence = correlation(before, losses.get(1..)?).unwrap_or(0.0).clamp(0.0, PERSISTENCE_MAX);
        let mut reference = Self {
            mean: tidy(mean),
            sd: tidy(sd),
            spacing: spacing.max(1),
            persistence: tidy(persistence),
            losses_per_value: tidy(correlation_time(losses)),
            page_hinkley: 1.0,
            n: losses.len() as u64,
        };
        let whitened = ascending(
            losses
                .iter()
                .zip(before)
                .map(|(_, b)| *b)
                .zip(losses.iter().skip(1))
                .map(|(b, l)| reference.whiten(*l, Some(b))),
        );
        let values_per_alarm = (control.values_per_alarm / u64::from(reference.spacing)).max(1);
        let control = Control { values_per_alarm, ..*control };
        reference.page_hinkley = tidy(control::page_hinkley_threshold(&whitened, &control)?);
        Some(reference)
    }

    /// The part of a loss that the one before does not tell, in sd.
    #[must_use]
    pub fn whiten(&self, loss: f64, before: Option<f64>) -> f64 {
        let z = |loss: f64| (loss - self.mean) / self.sd;
        match before {
            Some(before) => {
                (z(loss) - self.persistence * z(before)) / (1.0 - self.persistence * self.persistence).sqrt()
            }
            None => z(loss),
        }
    }

    #[must_use]
    pub const fn page_hinkley(&self) -> f64 {
        self.page_hinkley
    }

    /// Hours from one loss to the next.
    #[must_use]
    pub const fn spacing(&self) -> u32 {
        self.spacing
    }

    /// Losses that make one nearly independent mean.
    #[must_use]
    pub fn block(&self) -> u32 {
        self.losses_per_value.ceil().clamp(1.0, 720.0) as u32
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.mean.is_finite()
            && self.sd > 0.0
            && self.sd.is_finite()
            && (0.0..=PERSISTENCE_MAX).contains(&self.persistence)
            && self.spacing > 0
            && self.losses_per_value >= 1.0
            && self.losses_per_value.is_finite()
            && self.page_hinkley > 0.0
            && self.page_hinkley.is_finite()
            && self.n >= LEAST as u64
    }
}

/// The reference of one model: its inputs in their order, and its loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftReference {
    features: Vec<FeatureReference>,
    loss: LossReference,
}

impl DriftReference {
    /// From the training rows of every input, in the order in which rows will come, and the mean out-of-sample loss of each instant; in use they
    /// come `spacing` hours apart. `None` when an input or the loss gives no reference.
    #[must_use]
    pub fn of(inputs: &[FeatureHistory], losses: &[f64], spacing: u32, control: &Control) -> Option<Self> {
        let features = inputs.iter().map(|i| FeatureReference::of(i, spacing)).collect::<Option<Vec<_>>>()?;
        let reference = Self { features, loss: LossReference::of(losses, spacing, control)? };
        reference.is_sound().then_some(reference)
    }

    #[must_use]
    pub fn features(&self) -> &[FeatureReference] {
        &self.features
    }

    #[must_use]
    pub const fn loss(&self) -> &LossReference {
        &self.loss
    }

    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.features.is_empty() && self.features.iter().all(FeatureReference::is_sound) && self.loss.is_sound()
    }
}
