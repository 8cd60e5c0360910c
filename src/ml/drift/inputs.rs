//! Drift of the inputs: windows of a day and of a week against the training distribution, feature by feature.
//!
//! A feature is flagged in a window when the change is more than chance (stability index above its 99.9 % null threshold, or a
//! Kolmogorov-Smirnov p-value that survives the control of the false discovery rate over all features) and large (KS ≥ 0.15 or
//! Wasserstein-1 ≥ 0.25 training sd). All nulls take effective sizes. Two flagged windows in a row are an alarm; two in a row without a flag
//! end it. A window in which a feature cannot be judged counts for neither.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::distance::{SMOOTHING, counts, kolmogorov_smirnov, psi, psi_threshold, shares, wasserstein};
use super::kolmogorov::{p_exact, p_limit};
use super::reference::{BINS, FeatureReference, rounded};
use crate::domain::UtcMs;
use crate::domain::drift::{DriftSpan, FeatureDrift, FeatureVerdict, WindowDrift};
use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::ml::numbers::sorted;
use crate::ml::selection::multiplicity::benjamini_yekutieli;

/// Level of the stability index's threshold.
pub const PSI_LEVEL: f64 = 0.999;
/// False discovery rate over the features of a window.
pub const FALSE_DISCOVERY: f64 = 0.05;
/// A change below both of these is small, however certain.
pub const KS_FLOOR: f64 = 0.15;
pub const W1_FLOOR: f64 = 0.25;
/// Windows in a row that raise an alarm, or end it.
pub const WINDOWS: u8 = 2;
/// Independent values below which nothing is said of a feature.
pub const LEAST_N_EFF: f64 = 15.0;
/// Effective sizes below this get the exact null of the KS distance.
const EXACT_BELOW: f64 = 40.0;
/// Rows kept at most; a week of one pair has 168.
pub const MAX_ROWS: usize = 4_096;

/// One row of features as it was predicted from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub at: UtcMs,
    pub values: Vec<Option<f32>>,
}

const fn length(span: DriftSpan) -> i64 {
    match span {
        DriftSpan::Day => DAY_MS,
        DriftSpan::Week => 7 * DAY_MS,
    }
}

/// Windows in a row with and without a flag, and whether the alarm stands.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    flagged: u8,
    clear: u8,
    alarm: bool,
}

impl Mark {
    fn take(&mut self, flagged: bool) {
        let (up, other) =
            if flagged { (&mut self.flagged, &mut self.clear) } else { (&mut self.clear, &mut self.flagged) };
        *up = up.saturating_add(1).min(WINDOWS);
        *other = 0;
        if *up == WINDOWS {
            self.alarm = flagged;
        }
    }
}

/// The windows of one length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Windows {
    span: DriftSpan,
    /// Start of the open window.
    start: Option<UtcMs>,
    marks: Vec<Mark>,
    newest: Option<WindowDrift>,
}

/// Streaming judge of the inputs of one model. Memory is bounded by [`MAX_ROWS`] rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inputs {
    /// Of the open week, in the order in which they came.
    rows: VecDeque<Row>,
    windows: [Windows; 2],
    left_out: u64,
}

impl Inputs {
    pub fn new(features: usize) -> Self {
        let windows = [DriftSpan::Day, DriftSpan::Week].map(|span| Windows {
            span,
            start: None,
            marks: vec![Mark::default(); features],
            newest: None,
        });
        Self { rows: VecDeque::new(), windows, left_out: 0 }
    }

    /// Takes a row. A row of another width, one that is older than the open day, and one too many are left out and counted.
    pub fn observe(&mut self, reference: &[FeatureReference], at: UtcMs, values: &[f64]) {
        let late = self.windows.iter().any(|w| w.start.is_some_and(|start| at < start));
        if late || values.len() != reference.len() {
            self.left_out += 1;
            return;
        }
        self.close_before(reference, at);
        if self.rows.len() >= MAX_ROWS {
            self.left_out += 1;
            return;
        }
        self.rows.push_back(Row { at, values: values.iter().map(|v| rounded(*v)).collect() });
    }

    /// Judges every window that ended at or before an instant, and forgets the rows that no open window needs.
    pub fn close_before(&mut self, reference: &[FeatureReference], at: UtcMs) {
        let mut oldest = at;
        for windows in &mut self.windows {
            windows.advance(reference, &self.rows, at);
            oldest = windows.start.map_or(oldest, |start| oldest.min(start));
        }
        while self.rows.front().is_some_and(|row| row.at < oldest) {
            self.rows.pop_front();
        }
    }

    pub fn newest(&self) -> impl Iterator<Item = &WindowDrift> {
        self.windows.iter().filter_map(|w| w.newest.as_ref())
    }

    /// Places of the features in alarm by either length.
    pub fn alarmed(&self) -> Vec<usize> {
        let [day, week] = &self.windows;
        let pairs = day.marks.iter().zip(&week.marks).enumerate();
        pairs.filter(|(_, (d, w))| d.alarm || w.alarm).map(|(i, _)| i).collect()
    }

    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    pub fn is_sound(&self, features: usize) -> bool {
        let [day, week] = &self.windows;
        let row = |row: &Row| row.values.len() == features && row.values.iter().flatten().all(|v| v.is_finite());
        self.rows.len() <= MAX_ROWS
            && self.rows.iter().all(row)
            && (day.span, week.span) == (DriftSpan::Day, DriftSpan::Week)
            && self.windows.iter().all(|w| {
                w.marks.len() == features && w.newest.as_ref().is_none_or(|newest| newest.features.len() == features)
            })
    }
}

impl Windows {
    fn advance(&mut self, reference: &[FeatureReference], rows: &VecDeque<Row>, at: UtcMs) {
        let current = at.floor_to(length(self.span));
        let Some(start) = self.start.filter(|start| *start < current) else {
            self.start.get_or_insert(current);
            return;
        };
        let end = start.plus(length(self.span));
        let inside: Vec<&Row> = rows.iter().filter(|row| row.at >= start && row.at < end).collect();
        let mut features = judge(reference, &inside);
        for (mark, feature) in self.marks.iter_mut().zip(&mut features) {
            if feature.verdict != FeatureVerdict::NotJudged {
                mark.take(feature.verdict == FeatureVerdict::Flagged);
            }
            if mark.alarm {
                feature.verdict = FeatureVerdict::Alarm;
            }
            if current > end {
                // Windows without a single row lie between: what comes is not in a row with this.
                (mark.flagged, mark.clear) = (0, 0);
            }
        }
        let rows = u32::try_from(inside.len()).unwrap_or(u32::MAX);
        self.newest = Some(WindowDrift { span: self.span, from: start, to: end, rows, features });
        self.start = Some(current);
    }
}

/// Judges each feature of one window's rows; no verdict here is an alarm.
pub(super) fn judge(reference: &[FeatureReference], rows: &[&Row]) -> Vec<FeatureDrift> {
    let one = |(place, feature): (usize, &FeatureReference)| {
        let mut hours: Vec<i64> = Vec::new();
        let mut values = Vec::new();
        for row in rows {
            if let Some(value) = row.values.get(place).copied().flatten() {
                hours.push(row.at.floor_to(HOUR_MS).0);
                values.push(f64::from(value));
            }
        }
        hours.sort_unstable();
        hours.dedup();
        measured(feature, sorted(values), hours.len())
    };
    let mut features: Vec<FeatureDrift> = reference.iter().enumerate().map(one).collect();
    let p: Vec<Option<f64>> = features.iter().map(|f| f.p).collect();
    for (feature, rejected) in features.iter_mut().zip(rejected(&p, FALSE_DISCOVERY)) {
        feature.significant = rejected;
        feature.verdict = verdict(feature);
    }
    features
}

/// The distances of one feature, without a verdict.
fn measured(reference: &FeatureReference, values: Vec<f64>, hours: usize) -> FeatureDrift {
    let n_eff = reference.worth(values.len(), hours);
    let mut drift = FeatureDrift {
        feature: reference.feature().to_owned(),
        n: u32::try_from(values.len()).unwrap_or(u32::MAX),
        n_eff,
        psi: None,
        psi_threshold: None,
        ks: None,
        p: None,
        significant: false,
        w1_sd: None,
        verdict: FeatureVerdict::NotJudged,
    };
    if n_eff < LEAST_N_EFF || reference.n_eff() < LEAST_N_EFF {
        return drift;
    }
    let sample = reference.sample();
    let before = shares(reference.counts(), SMOOTHING);
    let now = shares(&counts(&reference.edges(), values.iter().copied()), SMOOTHING);
    drift.psi = Some(psi(&before, &now));
    drift.psi_threshold = psi_threshold(reference.n_eff(), n_eff, BINS, PSI_LEVEL);
    drift.ks = kolmogorov_smirnov(&sample, &values);
    drift.p = drift.ks.and_then(|ks| ks_p(ks, reference.n_eff(), n_eff));
    drift.w1_sd = wasserstein(&sample, &values).filter(|_| reference.sd() > 0.0).map(|w| w / reference.sd());
    drift
}

/// p-value of a KS distance on effective sizes: exact where one is small, the limit law elsewhere.
fn ks_p(distance: f64, n: f64, m: f64) -> Option<f64> {
    let small = n.min(m) < EXACT_BELOW;
    if small { p_exact(distance, n.min(2_000.0) as usize, m.min(2_000.0) as usize) } else { p_limit(distance, n, m) }
}

fn verdict(drift: &FeatureDrift) -> FeatureVerdict {
    let (Some(psi), Some(threshold), Some(ks)) = (drift.psi, drift.psi_threshold, drift.ks) else {
        return FeatureVerdict::NotJudged;
    };
    let large = ks >= KS_FLOOR || drift.w1_sd.is_some_and(|w| w >= W1_FLOOR);
    match (psi > threshold || drift.significant, large) {
        (false, _) => FeatureVerdict::Stable,
        (true, false) => FeatureVerdict::Small,
        (true, true) => FeatureVerdict::Flagged,
    }
}

/// Which hypotheses fall at a false discovery rate of `q` under any dependence. What has no p-value is not tested.
#[must_use]
pub fn rejected(p: &[Option<f64>], q: f64) -> Vec<bool> {
    let tested: Vec<f64> = p.iter().copied().flatten().collect();
    let mut adjusted = benjamini_yekutieli(&tested).into_iter();
    p.iter().map(|p| p.and_then(|_| adjusted.next()).is_some_and(|p| p <= q)).collect()
}
