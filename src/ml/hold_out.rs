//! The final hold-out: the most recent share of time, which took part in no choice and no fit, judged once.
//!
//! Labels, selection, folds, weights of the members, calibrator and bands come from what lies before it. Only after it was judged is a model
//! fitted on everything.

use serde::{Deserialize, Serialize};

use super::crossfit::{Judged, Metrics, metrics};
use super::cv::final_hold_out;
use super::dataset::{Dataset, TrainingSeries};
use super::evidence::{Bootstrap, gate_evidence};
use super::results::passes;
use crate::domain::UtcMs;
use crate::domain::reading::GateEvidence;
use crate::domain::settings::{GateSettings, TrainingSettings};
use crate::domain::snapshot::HeldOut;
use crate::domain::time::HOUR_MS;

/// Share of the instants that is held out.
const SHARE: f64 = 0.15;
/// Rows, effective observations, and rows of each outcome below which the judgement would say nothing.
const MIN_ROWS: usize = 100;
const MIN_N_EFF: f64 = 20.0;
const MIN_PER_CLASS: usize = 5;

/// A dataset cut in two.
#[derive(Debug)]
pub struct Split<'a> {
    /// What was known before the hold-out begins, built as if nothing later existed.
    pub before: Dataset<'a>,
    /// The hold-out, as indices into the whole dataset, and its first instant.
    pub held: Vec<usize>,
    pub from: UtcMs,
}

/// How the model did on the hold-out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldOut {
    /// First decision, and when the last label was known.
    pub from: UtcMs,
    pub to: UtcMs,
    pub metrics: Metrics,
    /// What stood above the gate's threshold.
    pub confident: GateEvidence,
    /// What passed the clauses that rest on the model as well, by the evidence from before.
    pub passed: GateEvidence,
}

/// Cuts off the hold-out.
///
/// # Errors
/// In words, why there is none.
pub fn split<'a>(
    data: &Dataset<'a>,
    series: &'a [TrainingSeries],
    settings: &TrainingSettings,
    cost: f64,
) -> Result<Split<'a>, String> {
    let fold = final_hold_out(&data.spans(), SHARE).ok_or("too few instants to hold any out")?;
    let rows = data.pick(&fold.test);
    let n_eff: f64 = rows.iter().map(|s| s.weight).sum();
    let wins = rows.iter().filter(|s| s.win).count();
    if rows.len() < MIN_ROWS {
        return Err(format!("{} rows would be held out, {MIN_ROWS} needed", rows.len()));
    }
    if n_eff < MIN_N_EFF {
        return Err(format!(
            "the {} rows held out would be worth {n_eff:.0} independent ones, {MIN_N_EFF} needed",
            rows.len()
        ));
    }
    if wins.min(rows.len() - wins) < MIN_PER_CLASS {
        return Err(format!("{wins} of {} trades held out won, {MIN_PER_CLASS} of each outcome needed", rows.len()));
    }
    let from = UtcMs(fold.test_from);
    // The bar that closes at the first instant of the hold-out is not read either.
    let earlier = TrainingSettings { to: settings.to.min(from.plus(-HOUR_MS)), ..settings.clone() };
    Ok(Split { before: Dataset::build(series, &earlier, &data.exits, cost), held: fold.test, from })
}

impl HoldOut {
    /// `judged` are the rows of the hold-out, `evidence` that of the walk-forward before it. `None` without rows of both outcomes.
    #[must_use]
    pub fn of(
        judged: &[Judged<'_>],
        evidence: &GateEvidence,
        gate: &GateSettings,
        rho: f64,
        bootstrap: Bootstrap,
    ) -> Option<Self> {
        let worth = |keep: &dyn Fn(&Judged<'_>) -> bool| {
            let rows: Vec<_> = judged.iter().filter(|j| keep(j)).map(Judged::candidate).collect();
            gate_evidence(&rows, f64::NEG_INFINITY, rho, bootstrap)
        };
        Some(Self {
            from: judged.iter().map(|j| j.sample.at).min()?,
            to: judged.iter().map(|j| j.sample.known).max()?,
            metrics: metrics(judged)?,
            confident: worth(&|j| j.confidence > gate.threshold),
            passed: worth(&|j| passes(j, evidence, gate)),
        })
    }

    /// As the interfaces show it.
    #[must_use]
    pub fn view(&self) -> HeldOut {
        let m = &self.metrics;
        HeldOut {
            from: self.from,
            to: self.to,
            rows: m.rows,
            n_eff: m.n_eff,
            brier: m.brier,
            brier_base: m.brier_base,
            auc: m.auc,
            ece: m.ece,
            ece_se: m.ece_se,
            coverage: m.coverage,
            confident: self.confident,
            passed: self.passed,
        }
    }

    /// Whether one that was read back can be shown.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let m = &self.metrics;
        let shares = [m.brier, m.brier_base, m.ece, m.coverage, m.coverage90];
        self.from < self.to && m.rows > 0 && shares.iter().all(|s| (0.0..=1.0).contains(s)) && m.log_loss.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{Market, settings};
    use super::*;

    #[test]
    fn what_lies_before_knows_nothing_of_the_hold_out() {
        let series = Market::noise(2, 3_000, 21).build();
        let settings = settings(6);
        let data = Dataset::build(&series, &settings, &settings.exits[0], 0.004);
        let cut = split(&data, &series, &settings, 0.004).unwrap();
        assert!(cut.before.samples.iter().all(|s| s.known < cut.from));
        assert!(cut.held.iter().all(|i| data.samples[*i].at >= cut.from));
        // Only what is open at the cut is in neither.
        let lost = data.samples.len() - cut.held.len() - cut.before.samples.len();
        assert!((1..=8).contains(&lost), "{lost}");
        let share = cut.held.len() as f64 / data.samples.len() as f64;
        assert!((share - SHARE).abs() < 0.01, "{share}");
        // Garbage in the hold-out changes nothing before it.
        let mut poisoned = series.clone();
        for row in poisoned.iter_mut().flat_map(|one| &mut one.rows) {
            if row.bar.open_time.plus(HOUR_MS) >= cut.from {
                row.bar.open *= 1.3;
                row.bar.high *= 1.3;
                row.bar.low *= 1.3;
                row.bar.close *= 1.3;
                row.sigma24 = row.sigma24.map(|s| s * 1.5);
            }
        }
        let other = Dataset::build(&poisoned, &settings, &settings.exits[0], 0.004);
        assert_ne!(other, data);
        assert_eq!(split(&other, &poisoned, &settings, 0.004).unwrap().before, cut.before);
    }

    #[test]
    fn too_little_is_not_held_out() {
        let why = |hours: usize, horizon: u32| {
            let (series, settings) = (Market::noise(1, hours, 22).build(), settings(horizon));
            let data = Dataset::build(&series, &settings, &settings.exits[0], 0.004);
            split(&data, &series, &settings, 0.004).unwrap_err()
        };
        assert!(why(600, 6).contains("rows would be held out, 100 needed"));
        assert!(why(3_000, 48).contains("independent ones, 20 needed"));
        assert_eq!(why(20, 6), "too few instants to hold any out");
    }
}
